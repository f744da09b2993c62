//! Tests of the admin endpoint, over a real socket.

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::*;
use crate::metrics;

const LOCAL: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(std::net::Ipv4Addr::LOCALHOST), 0);

async fn start() -> (SocketAddr, Arc<Shown>) {
    let listener = bind(LOCAL, "--admin").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shown = Arc::new(Shown::new(metrics::registry(), Arc::default()));
    tokio::spawn(serve(listener, shown.clone()));
    (address, shown)
}

async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let stream = TcpStream::connect(address).await.unwrap();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
        .await
        .unwrap();
    tokio::spawn(connection);
    let request = http::Request::get(path)
        .header("host", "x")
        .body(Empty::<Bytes>::new());
    let response = sender.send_request(request.unwrap()).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

#[tokio::test]
async fn alive_at_once_and_ready_when_told() {
    let (address, shown) = start().await;
    assert_eq!(get(address, "/healthz").await.0, 200);
    assert_eq!(get(address, "/readyz").await.0, 503);
    shown.set_ready(true);
    assert_eq!(get(address, "/readyz").await.0, 200);
    shown.set_ready(false);
    assert_eq!(get(address, "/readyz").await.0, 503);
}

#[tokio::test]
async fn a_report_comes_back_as_it_was() {
    let (address, shown) = start().await;
    let report = Report {
        version: "9".into(),
        failure: Some("a map is full".into()),
        ..Report::default()
    };
    shown.report.store(Arc::new(report.clone()));
    shown.set_ready(true);
    let fetched = fetch_report(address).await.unwrap();
    assert_eq!(
        fetched,
        Report {
            ready: true,
            ..report
        }
    );
}

#[tokio::test]
async fn metrics_are_open_metrics() {
    let (address, _) = start().await;
    let (status, text) = get(address, "/metrics").await;
    assert_eq!(status, 200);
    assert!(text.contains("xdp_gateway_build_info{version="), "{text}");
    assert!(text.ends_with("# EOF\n"), "{text}");
}

#[tokio::test]
async fn the_configuration_is_json() {
    let (address, _) = start().await;
    let (_, text) = get(address, "/config").await;
    let value: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(value["frontends"], serde_json::json!([]));
    assert_eq!(value["tables"]["usage"]["frontends"], 0);
}

#[tokio::test]
async fn errors_say_what_to_do() {
    let (address, _) = start().await;
    let taken = bind(address, "--admin").await.unwrap_err();
    assert!(format!("{taken:#}").contains("--admin"), "{taken:#}");
    let free = SocketAddr::from(([127, 0, 0, 1], 1));
    let nobody = fetch_report(free).await.unwrap_err();
    assert!(
        format!("{nobody:#}").contains("xdp-gateway run"),
        "{nobody:#}"
    );
}

#[tokio::test]
async fn scrapers_see_metrics_and_nothing_else() {
    let listener = bind(LOCAL, "--metrics").await.unwrap();
    let address = listener.local_addr().unwrap();
    let shown = Arc::new(Shown::new(metrics::registry(), Arc::default()));
    tokio::spawn(serve_metrics(listener, shown));
    let (status, body) = get(address, "/metrics").await;
    assert_eq!(status, 200);
    assert!(body.contains("xdp_gateway_build_info"), "{body}");
    for path in ["/config", "/status", "/readyz", "/"] {
        assert_eq!(get(address, path).await.0, 404, "{path}");
    }
}
