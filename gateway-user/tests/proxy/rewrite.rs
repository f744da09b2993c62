//! Hosts and paths that backends see in place of those of the request.

use gateway_core::plan::{HttpFilter, PathRewrite, Rewrite};
use http::HeaderValue;

use crate::{
    backend::Backend,
    bed::{Bed, Rule, rule},
    raw::{ask, get},
};

fn rewrite(hostname: Option<&'static str>, path: Option<PathRewrite>) -> Vec<HttpFilter> {
    let hostname = hostname.map(HeaderValue::from_static);
    vec![HttpFilter::Rewrite(Rewrite { hostname, path })]
}

#[tokio::test]
async fn the_backend_sees_the_path_that_is_put_in_place() {
    let backend = Backend::start("a").await;
    let to = |prefix, path| Rule {
        filters: rewrite(None, Some(path)),
        ..rule(prefix, backend.address)
    };
    let bed = Bed::start(&[
        to("/prefix/one", PathRewrite::Prefix("/one".into())),
        to("/strip", PathRewrite::Prefix("/".into())),
        to("/gone", PathRewrite::Prefix("".into())),
        to("/full", PathRewrite::Full("/one".into())),
    ]);
    for (path, expected) in [
        ("/prefix/one/two", "/one/two"),
        ("/prefix/one/two?a=b%2F", "/one/two?a=b%2F"),
        ("/prefix/one", "/one"),
        ("/prefix/one/", "/one/"),
        ("/strip", "/"),
        ("/strip/three", "/three"),
        ("/gone", "/"),
        ("/gone?q", "/?q"),
        ("/full/one/two?q", "/one?q"),
    ] {
        let seen = get(bed.address, path).await.body;
        let line = format!("GET {expected}\n");
        assert!(seen.starts_with(&line), "{path}: {seen}");
    }
    bed.stop().await;
}

#[tokio::test]
async fn the_backend_sees_the_host_that_is_put_in_place_and_learns_the_other() {
    let backend = Backend::start("a").await;
    let bed = Bed::start(&[Rule {
        filters: rewrite(Some("b.example"), None),
        ..rule("/", backend.address)
    }]);
    let request = "GET http://a.example:81/x?y HTTP/1.1\r\nhost: c.example\r\n\r\n";
    let seen = ask(bed.address, request).await.body;
    for line in [
        "GET /x?y\n",
        "host: b.example\n",
        "x-forwarded-host: a.example:81\n",
    ] {
        assert!(seen.contains(line), "{line} in {seen}");
    }
    bed.stop().await;
}
