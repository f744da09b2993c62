//! The plan: frontends, listeners, routes, rules, each on a line, indented by depth.

use gateway_core::plan::{
    AuthProtocol, Authorities, BackendProtocol, BackendTls, Certificate, ExternalAuth, Frontend,
    HeaderEdit, HttpBackend, HttpFilter, HttpListener, HttpMatch, HttpRoute, HttpRule, Identity,
    Names, NodeWish, PathMatch, PathRewrite, Plan, Redirect, Retry, Rewrite, RouteKind, Scheme,
    Session, SubjectName, Target, Tls, TlsListener, Transport, ValueMatch,
    cors::{Allowed, Cors, Origins},
};
use http::HeaderName;
use k8s_openapi::jiff::Timestamp;

use super::parameters;

pub(super) fn lines(plan: &Plan) -> Vec<String> {
    let mut lines = Vec::new();
    if plan.frontends.is_empty() {
        lines.push("nothing to serve".to_owned());
    }
    for (id, frontend) in &plan.frontends {
        let transport = match id.transport {
            Transport::Tcp => "tcp",
            Transport::Udp => "udp",
        };
        let at = format!("{} {transport}", id.address);
        match frontend {
            Frontend::L4(service) => {
                let by = format!("{} listener {}", service.gateway, service.listener);
                let route = service.route.as_ref();
                let route = route.map_or("no route".to_owned(), |name| format!("route {name}"));
                let affinity = service.options.by_client;
                let affinity = affinity.then_some(", by client address");
                let affinity = affinity.unwrap_or_default();
                lines.push(format!("{at}: {by}, {route}{affinity}"));
                for backend in &service.backends {
                    lines.push(format!(
                        "  -> {} x{}",
                        target(&backend.target),
                        backend.weight
                    ));
                }
            }
            Frontend::Http(http) => {
                lines.push(format!("{at}: {} http", http.gateway));
                http.listeners.iter().for_each(|l| listener(&mut lines, l));
                http.tls.iter().for_each(|l| tls_listener(&mut lines, l));
            }
        }
    }
    for certificate in &plan.certificates {
        let Certificate {
            gateway,
            used_for,
            secret,
            validity,
        } = certificate;
        let end = Timestamp::from_second(validity.not_after).unwrap_or_default();
        lines.push(format!(
            "certificate {secret} of {gateway}, for {used_for}, until {end}"
        ));
    }
    for (gateway, parameters) in &plan.parameters {
        lines.push(format!(
            "parameters of {gateway}: {}",
            parameters::set(parameters)
        ));
    }
    node(&mut lines, &plan.node);
    lines
}

fn node(lines: &mut Vec<String>, wish: &NodeWish) {
    for (interface, classes) in &wish.interfaces {
        let classes: Vec<_> = classes.iter().map(AsRef::as_ref).collect();
        lines.push(format!("interface {interface}, of {}", classes.join(", ")));
    }
    if let Some(workers) = wish.workers {
        lines.push(format!("workers {workers}"));
    }
    if let Some(flows) = wish.flows {
        lines.push(format!("flows {flows}"));
    }
}

fn listener(lines: &mut Vec<String>, listener: &HttpListener) {
    let tls = listener.tls.as_ref();
    let tls = tls.map(|tls| {
        format!(
            ", {} certificate(s){}",
            tls.certificates.len(),
            clients(tls)
        )
    });
    let host = &listener.hostname;
    let tls = tls.unwrap_or_default();
    lines.push(format!("  listener {}, host {host}{tls}", listener.name));
    listener.routes.iter().for_each(|r| route(lines, r));
}

/// What clients must show.
fn clients(tls: &Tls) -> String {
    let Some(clients) = &tls.clients else {
        return String::new();
    };
    let verb = if clients.required { "must" } else { "may" };
    let count = clients.authorities.len();
    format!(", clients {verb} show one of {count} authorities")
}

fn tls_listener(lines: &mut Vec<String>, listener: &TlsListener) {
    let tls = listener.tls.as_ref();
    let tls = tls.map(|tls| format!("{} certificate(s)", tls.certificates.len()));
    let tls = tls.unwrap_or_else(|| "passthrough".to_owned());
    let host = &listener.hostname;
    let name = &listener.name;
    lines.push(format!(
        "  listener {name} of connections, host {host}, {tls}"
    ));
    for route in &listener.routes {
        let hosts: Vec<String> = route.hostnames.iter().map(ToString::to_string).collect();
        lines.push(format!("    {} for {}", route.name, hosts.join(" ")));
        for backend in &route.backends {
            let (to, weight) = (target(&backend.target), backend.weight);
            let tls = backend.tls.as_deref().map(secured).unwrap_or_default();
            lines.push(format!("      -> {to}{tls} x{weight}"));
        }
    }
}

fn route(lines: &mut Vec<String>, route: &HttpRoute) {
    let hosts: Vec<String> = route.hostnames.iter().map(ToString::to_string).collect();
    let kind = match route.kind {
        RouteKind::Http => "",
        RouteKind::Grpc => "gRPC ",
    };
    lines.push(format!("    {kind}{} for {}", route.name, hosts.join(" ")));
    route.rules.iter().for_each(|r| rule(lines, r));
}

fn rule(lines: &mut Vec<String>, rule: &HttpRule) {
    let name = rule.name.as_ref().map(|name| format!(" {name}"));
    lines.push(format!("      rule{}", name.unwrap_or_default()));
    for m in &rule.matches {
        lines.push(format!("        {}", matched(m)));
    }
    for f in &rule.filters {
        lines.push(format!("        filter {}", filter(f)));
    }
    let timeouts = [
        ("request", rule.timeouts.request),
        ("backend request", rule.timeouts.backend),
    ];
    for (what, timeout) in timeouts {
        if let Some(timeout) = timeout {
            lines.push(format!("        {what} at most {timeout:?}"));
        }
    }
    if let Some(Session {
        name,
        carrier,
        lifetime,
        ..
    }) = &rule.session
    {
        let lifetime = lifetime.map_or("until it is lost".to_owned(), |d| format!("for {d:?}"));
        lines.push(format!("        session {name} by {carrier:?} {lifetime}"));
    }
    if let Some(Retry {
        codes,
        attempts,
        backoff,
    }) = &rule.retry
    {
        lines.push(format!(
            "        sent again up to {attempts} times, for {codes:?}, after {backoff:?}"
        ));
    }
    for HttpBackend {
        target: to,
        protocol,
        tls,
        weight,
        filters,
    } in &rule.backends
    {
        let filters: String = filters.iter().map(|f| format!(", {}", filter(f))).collect();
        let spoken = spoken_with(*protocol, tls.as_deref());
        lines.push(format!(
            "        -> {}{spoken} x{weight}{filters}",
            target(to)
        ));
    }
}

fn spoken(protocol: BackendProtocol) -> &'static str {
    match protocol {
        BackendProtocol::Http1 => "",
        BackendProtocol::Http2 => " h2c",
    }
}

fn spoken_with(protocol: BackendProtocol, tls: Option<&BackendTls>) -> String {
    match (protocol, tls) {
        (BackendProtocol::Http2, Some(tls)) => format!(" h2{}", secured(tls)),
        (BackendProtocol::Http1, Some(tls)) => secured(tls),
        (_, None) => spoken(protocol).to_owned(),
    }
}

/// What a backend must prove, and what it is shown.
fn secured(tls: &BackendTls) -> String {
    let Identity {
        server_name,
        authorities,
        names,
        client,
    } = tls.identity();
    let signed = match authorities {
        Authorities::System => "the system's authorities".to_owned(),
        Authorities::Given(given) => format!("{} authorities", given.len()),
    };
    let name = |name: &SubjectName| match name {
        SubjectName::Host(pattern) => pattern.to_string(),
        SubjectName::Uri(uri) => uri.to_string(),
    };
    let names: Vec<String> = names.iter().map(name).collect();
    let names = match names.is_empty() {
        true => String::new(),
        false => format!(" as {}", names.join(" or ")),
    };
    let client = if client.is_some() {
        ", showing a certificate"
    } else {
        ""
    };
    let server = server_name.to_str();
    format!(" (TLS with {server}{names}, signed by {signed}{client})")
}

fn matched(m: &HttpMatch) -> String {
    let mut text = match &m.path {
        PathMatch::Exact(path) => format!("exact {path}"),
        PathMatch::Prefix(path) => format!("prefix {path}"),
        PathMatch::Regex(regex) => format!("regex {regex}"),
        PathMatch::Method(pattern) => format!("call {}", pattern.regex),
    };
    if let Some(method) = &m.method {
        text.push_str(&format!(", method {method}"));
    }
    for header in &m.headers {
        text.push_str(&format!(", header {}{}", header.name, value(&header.value)));
    }
    for query in &m.query {
        text.push_str(&format!(", query {}{}", query.name, value(&query.value)));
    }
    text
}

fn value(value: &ValueMatch) -> String {
    match value {
        ValueMatch::Exact(text) => format!("={text}"),
        ValueMatch::Regex(regex) => format!("~{regex}"),
    }
}

fn filter(filter: &HttpFilter) -> String {
    match filter {
        HttpFilter::RequestHeaders(edit) => format!("request headers{}", headers(edit)),
        HttpFilter::ResponseHeaders(edit) => format!("response headers{}", headers(edit)),
        HttpFilter::Redirect(to) => redirect(to),
        HttpFilter::Rewrite(to) => rewrite(to),
        HttpFilter::Cors(rules) => cors(rules),
        HttpFilter::Mirror(mirror) => format!(
            "mirror {} of {} to {}{}",
            mirror.share.numerator,
            mirror.share.denominator,
            target(&mirror.backend.target),
            spoken(mirror.backend.protocol),
        ),
        HttpFilter::ExternalAuth(auth) => external_auth(auth),
        HttpFilter::Invalid => "invalid".to_owned(),
    }
}

fn external_auth(auth: &ExternalAuth) -> String {
    let list = |names: &[HeaderName]| {
        let names: Vec<&str> = names.iter().map(HeaderName::as_str).collect();
        names.join(" ")
    };
    let chosen = |names: &Names| match names {
        Names::All => "all headers".to_owned(),
        Names::These(names) => list(names),
    };
    let asked = match &auth.protocol {
        AuthProtocol::Http(http) => {
            let shown = list(&http.request_headers);
            let taken = chosen(&http.response_headers);
            format!(
                "by HTTP at {:?}, shows [{shown}], takes [{taken}]",
                http.path
            )
        }
        AuthProtocol::Grpc(shown) => format!("by gRPC, shows [{}]", chosen(shown)),
    };
    let backend = &auth.backend;
    format!(
        "authorized by {}{} {asked}, {} bytes of bodies",
        target(&backend.target),
        spoken_with(backend.protocol, backend.tls.as_deref()),
        auth.body_bytes,
    )
}

fn headers(edit: &HeaderEdit) -> String {
    let set = edit
        .set
        .iter()
        .map(|(name, value)| format!(" set {name}={value:?}"));
    let add = edit
        .add
        .iter()
        .map(|(name, value)| format!(" add {name}={value:?}"));
    let remove = edit.remove.iter().map(|name| format!(" remove {name}"));
    set.chain(add).chain(remove).collect()
}

fn redirect(to: &Redirect) -> String {
    let scheme = to.scheme.map(|scheme| match scheme {
        Scheme::Http => " scheme http".to_owned(),
        Scheme::Https => " scheme https".to_owned(),
    });
    let host = to.hostname.as_ref().map(|host| format!(" host {host}"));
    let port = to.port.map(|port| format!(" port {port}"));
    let path = to.path.as_ref().map(path);
    let parts: String = [scheme, host, port, path].into_iter().flatten().collect();
    format!("redirect {}{parts}", to.status)
}

fn rewrite(to: &Rewrite) -> String {
    let host = to.hostname.as_ref().map(|host| format!(" host {host:?}"));
    let path = to.path.as_ref().map(path);
    let parts: String = [host, path].into_iter().flatten().collect();
    format!("rewrite{parts}")
}

fn cors(cors: &Cors) -> String {
    let allowed = |what: &str, allowed: &Allowed| match allowed {
        Allowed::All => format!(", {what} *"),
        Allowed::These(names) => format!(", {what} {names:?}"),
        Allowed::Nothing => String::new(),
    };
    let origins = match &cors.origins {
        Origins::All => "*".to_owned(),
        Origins::These(origins) => {
            let origins = origins.iter();
            let texts = origins.map(|o| format!("{:?} {:?} {}", o.scheme, o.host, o.port));
            texts.collect::<Vec<_>>().join(" or ")
        }
    };
    let parts = [
        if cors.credentials {
            ", credentials"
        } else {
            ""
        }
        .to_owned(),
        allowed("methods", &cors.methods),
        allowed("headers", &cors.headers),
        allowed("expose", &cors.expose),
    ];
    let parts = parts.concat();
    format!("cors of {origins}{parts}, for {:?} s", cors.max_age)
}

fn path(path: &PathRewrite) -> String {
    match path {
        PathRewrite::Full(path) => format!(" path {path}"),
        PathRewrite::Prefix(prefix) => format!(" prefix {prefix}"),
    }
}

fn target(target: &Target) -> String {
    match target {
        Target::Backend(id) => id.to_string(),
        Target::Invalid => "INVALID".to_owned(),
    }
}
