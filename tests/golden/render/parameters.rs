//! Parameters of Gateways, in one line each.

use gateway_core::{
    balance::Share,
    plan::{
        AccessLog, HealthCheck, L4Mode, Pace, Parameters, RequestId, TlsPassthrough, TlsUnmatched,
    },
};

/// The parameters that are not as by default.
pub(super) fn set(parameters: &Parameters) -> String {
    let Parameters {
        connections,
        head_bytes,
        target_bytes,
        body_bytes,
        h2_streams,
        greeting_timeout,
        idle_timeout,
        body_timeout,
        drain,
        silent,
        access_log,
        request_id,
        l4_mode,
        tls_passthrough,
        tls_unmatched,
        health_check,
    } = parameters;
    let parts = [
        connections.map(|n| format!("connections {n}")),
        head_bytes.map(|n| format!("head bytes {n}")),
        target_bytes.map(|n| format!("target bytes {n}")),
        body_bytes.map(|n| format!("body bytes {n}")),
        h2_streams.map(|n| format!("h2 streams {n}")),
        greeting_timeout.map(|d| format!("greeting {d:?}")),
        idle_timeout.map(|d| format!("idle {d:?}")),
        body_timeout.map(|d| format!("body {d:?}")),
        drain.map(|d| format!("drain {d:?}")),
        silent.then(|| "no answer without backend".to_owned()),
        access_log.map(log),
        (*request_id != RequestId::default()).then(|| format!("{request_id:?}")),
        (*l4_mode != L4Mode::default()).then(|| format!("L4 mode {}", l4_mode.as_str())),
        (*tls_passthrough == TlsPassthrough::Proxy)
            .then(|| "TLS passthrough by the proxy".to_owned()),
        (*tls_unmatched == TlsUnmatched::Reset).then(|| "unmatched TLS is reset".to_owned()),
        health_check.as_deref().map(checks),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn log(log: AccessLog) -> String {
    let AccessLog {
        format,
        sample: Share {
            numerator,
            denominator,
        },
    } = log;
    format!("access log {format:?} {numerator}/{denominator}")
}

fn checks(check: &HealthCheck) -> String {
    let HealthCheck {
        pace,
        tcp,
        udp,
        http,
    } = check;
    let Pace {
        interval,
        timeout,
        unhealthy,
        healthy,
    } = pace;
    let udp = udp.as_ref().map(|udp| {
        let reply = if udp.expect_reply { " with reply" } else { "" };
        format!("udp {:?}{reply}", udp.send.escape_ascii().to_string())
    });
    let http = http.as_ref().map(|http| {
        let host = http.host.as_deref().unwrap_or("its address");
        format!("http {} at {host}, {:?}", http.path, http.statuses)
    });
    let kinds = [tcp.then(|| "tcp".to_owned()), udp, http];
    let kinds: Vec<_> = kinds.into_iter().flatten().collect();
    format!(
        "health check every {interval:?} for {timeout:?}, {unhealthy} down, {healthy} up: {}",
        kinds.join("; ")
    )
}
