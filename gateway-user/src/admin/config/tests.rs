//! What `/config` shows of a small configuration.

use gateway_core::{
    l4,
    translate::{Settings, translate},
};

use super::*;
use crate::testing::{MANIFEST, world};

fn shown() -> Value {
    let world = world(MANIFEST);
    let translation = translate(&world, &Settings::default());
    let endpoints = world.endpoints(translation.plan.backend_ids().into_iter());
    let tables = l4::compile(
        &translation.plan,
        &endpoints,
        l4::Node::new(3),
        &Tables::default(),
    )
    .unwrap();
    render(&InForce {
        translation: Arc::new(translation),
        endpoints: Arc::new(endpoints),
        tables: Arc::new(tables),
    })
}

#[test]
fn frontends_with_routes_and_backends() {
    let shown = shown();
    let [http, echo] = ["proxy", "kernel"].map(|server| {
        let all = shown["frontends"].as_array().unwrap().iter();
        all.clone().find(|f| f["servedBy"] == server).unwrap()
    });
    assert_eq!(echo["address"], "10.0.0.1:7");
    assert_eq!(echo["transport"], "tcp");
    assert_eq!(echo["route"], "infra/echo");
    let backend = json!({ "backend": "infra/v1:80", "weight": 1 });
    assert_eq!(echo["backends"], json!([backend]));

    assert_eq!(http["address"], "10.0.0.1:80");
    let listener = &http["listeners"][0];
    assert_eq!(listener["hostname"], "*.example.com");
    let route = &listener["routes"][0];
    assert_eq!(route["kind"], "HTTPRoute");
    assert_eq!(route["rules"][0]["backends"][0]["protocol"], "http/1.1");
    let rule = &route["rules"][1];
    assert!(
        rule["matches"][0].as_str().unwrap().contains("/lost"),
        "{rule}"
    );
    assert_eq!(rule["backends"], json!([{ "backend": null, "weight": 1 }]));
}

#[test]
fn endpoints_and_the_tables_of_the_kernel() {
    let shown = shown();
    assert_eq!(
        shown["endpoints"]["infra/v1:80"][0]["address"],
        "10.0.1.1:8080"
    );
    let tables = &shown["tables"];
    let backend = &tables["backends"][0];
    assert_eq!(backend["address"], "10.0.1.1 port 8080");
    assert_eq!(backend["service"], tables["services"][0]["id"]);
    let frontends = tables["frontends"].as_array().unwrap();
    let proxied = frontends.iter().find(|f| f["kind"] == "proxy").unwrap();
    assert_eq!(
        (&proxied["address"], &proxied["workers"]),
        (&json!("10.0.0.1 port 80"), &json!(3))
    );
    assert_eq!(tables["usage"]["frontends"], 2);
}
