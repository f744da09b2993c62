//! Fields of the class and of the Gateway, merged.

use std::time::Duration;

use serde_json::{Value as Json, from_value, json};

use super::*;

fn read(json: Json) -> ParametersSpec {
    from_value(json).expect("parameters")
}

#[test]
fn log_and_request_ids_are_merged_as_well() {
    let class = read(json!({
        "requestId": {"policy": "Generate"},
        "accessLog": {"enabled": true, "format": "Text", "sample": {"numerator": 5}},
    }));
    let own = read(json!({
        "requestId": {"inResponse": true},
        "accessLog": {"sample": {"numerator": 1, "denominator": 1000}},
    }));
    let expected = Parameters {
        access_log: Some(AccessLog {
            format: LogFormat::Text,
            sample: Share {
                numerator: 1,
                denominator: 1000,
            },
        }),
        request_id: RequestId {
            policy: RequestIdPolicy::Generate,
            in_response: true,
        },
        ..Parameters::default()
    };
    assert_eq!(merge(Some(&class), Some(&own)), expected);
}

#[test]
fn what_is_said_of_tls_is_merged_as_well() {
    let class = read(json!({"tls": {"passthrough": "Proxy", "unmatched": "Reset"}}));
    for (own, passthrough, unmatched) in [
        (json!({}), TlsPassthrough::Proxy, TlsUnmatched::Reset),
        (
            json!({"passthrough": "Kernel"}),
            TlsPassthrough::Kernel,
            TlsUnmatched::Reset,
        ),
        (
            json!({"unmatched": "Proxy"}),
            TlsPassthrough::Proxy,
            TlsUnmatched::Proxy,
        ),
    ] {
        let own = read(json!({"tls": own}));
        let merged = merge(Some(&class), Some(&own));
        assert_eq!(
            (merged.tls_passthrough, merged.tls_unmatched),
            (passthrough, unmatched)
        );
    }
}

#[test]
fn the_gateways_own_fields_win_one_by_one() {
    let class = read(json!({
        "limits": {"connections": 10, "idleTimeout": "5s", "http2Streams": 7,
            "requestTargetBytes": 4096, "requestBodyBytes": 1000},
        "l4": {"drainTimeout": "10m", "noBackend": "Drop", "mode": "DSR"},
        "tls": {"passthrough": "Proxy"},
        "accessLog": {"enabled": true},
        "healthCheck": {"timeout": "2s", "http": {"path": "/ready", "statuses": ["200-299"]}},
    }));
    let own = read(json!({
        "limits": {"connections": 20, "requestHeaderBytes": 2048, "bodyTimeout": "1m",
            "requestBodyBytes": 0},
        "l4": {"drainTimeout": "5m"},
    }));
    let merged = merge(Some(&class), Some(&own));
    let expected = Parameters {
        connections: Some(20),
        head_bytes: Some(2048),
        target_bytes: Some(4096),
        body_bytes: Some(0),
        h2_streams: Some(7),
        greeting_timeout: None,
        idle_timeout: Some(Duration::from_secs(5)),
        body_timeout: Some(Duration::from_secs(60)),
        drain: Some(Duration::from_secs(300)),
        silent: true,
        access_log: Some(AccessLog {
            format: LogFormat::Json,
            sample: Share::ALL,
        }),
        request_id: RequestId::default(),
        l4_mode: L4Mode::Dsr,
        tls_passthrough: TlsPassthrough::Proxy,
        tls_unmatched: TlsUnmatched::Proxy,
        health_check: Some(Arc::new(HealthCheck {
            pace: Pace {
                timeout: Duration::from_secs(2),
                ..Pace::default()
            },
            tcp: false,
            udp: None,
            http: Some(HttpCheck {
                path: "/ready".into(),
                host: None,
                statuses: vec![200..=299],
            }),
        })),
    };
    assert_eq!(merged, expected);
    let off = json!({"accessLog": {"enabled": false},
        "l4": {"noBackend": "Refuse", "mode": "SNAT"}});
    let off = merge(Some(&class), Some(&read(off)));
    assert!(off.access_log.is_none() && !off.silent && off.l4_mode == L4Mode::Snat);
    let other = merge(
        Some(&class),
        Some(&read(json!({"healthCheck": {"tcp": {}}}))),
    );
    let other = other.health_check.expect("its own health check");
    assert!(other.tcp && other.http.is_none(), "it is taken whole");
    assert_eq!(other.pace, Pace::default());
    assert_eq!(merge(None, None), Parameters::default());
}
