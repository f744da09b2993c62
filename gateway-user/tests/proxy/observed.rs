//! What the proxy counts.

use prometheus_client::{encoding::text::encode, registry::Registry};

use crate::{
    backend::{Backend, refusing},
    bed::{Bed, rule},
    raw::{Raw, get},
};

#[tokio::test]
async fn requests_errors_and_connections_are_counted() {
    let backend = Backend::start("a").await;
    let bed = Bed::start(&[rule("/a", backend.address), rule("/down", refusing().await)]);
    for path in ["/a", "/a", "/none", "/down"] {
        get(bed.address, path).await;
    }
    let mut open = Raw::connect(bed.address).await;
    open.send("GET / HTTP/1.1\r\n\r\n").await;
    assert_eq!(open.answer().await.unwrap().status, 400);
    let mut open = Raw::connect(bed.address).await;
    open.send("GET /a HTTP/1.1\r\nhost: a\r\n\r\n").await;
    open.answer().await.unwrap();
    let mut registry = Registry::with_prefix("xdp_gateway");
    bed.proxy.metrics().register(&mut registry);
    // The last answer is counted a moment after its client has it.
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    let mut text = String::new();
    encode(&mut text, &registry).unwrap();
    let at = r#"gateway="default/gateway",listener="web""#;
    for line in [
        format!("xdp_gateway_http_requests_total{{{at},code=\"2xx\"}} 3\n"),
        format!("xdp_gateway_http_requests_total{{{at},code=\"4xx\"}} 1\n"),
        format!("xdp_gateway_http_requests_total{{{at},code=\"5xx\"}} 1\n"),
        r#"xdp_gateway_http_requests_total{gateway="",listener="",code="4xx"} 1"#.to_owned(),
        format!("xdp_gateway_http_request_duration_seconds_count{{{at}}} 5\n"),
        format!("xdp_gateway_http_request_duration_seconds_bucket{{le=\"+Inf\",{at}}} 5\n"),
        "xdp_gateway_http_upstream_errors_total{kind=\"connect\"} 1\n".to_owned(),
        "xdp_gateway_http_connections 1\n".to_owned(),
        "xdp_gateway_http_upstream_retries_total 0\n".to_owned(),
    ] {
        assert!(text.contains(&line), "{line} in {text}");
    }
    drop(open);
    bed.stop().await;
}
