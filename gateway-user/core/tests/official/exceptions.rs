//! What we do not read or check, and why.

/// Kinds, path with everything below it, reason. That the field is there is kept, so that
/// translation can report it.
pub(crate) const NOT_READ: &[(&str, &str, &str)] = &[
    (
        "Gateway",
        "spec.defaultScope",
        "routes without parents are not attached yet",
    ),
    (
        ROUTES,
        "spec.useDefaultGateways",
        "routes without parents are not attached yet",
    ),
    (
        PROXIED,
        "spec.rules[].filters[].extensionRef",
        "we have no filters of our own",
    ),
    (
        PROXIED,
        "spec.rules[].backendRefs[].filters[].extensionRef",
        "we have no filters of our own",
    ),
];

/// Kinds, end of the path, rule, reason.
pub(crate) const NOT_CHECKED: &[(&str, &str, &str, &str)] = &[(
    "Gateway ListenerSet",
    "tls.options.x",
    "maxLength",
    "we know no options: any is reported",
)];

const PROXIED: &str = "HTTPRoute GRPCRoute";
const ROUTES: &str = "HTTPRoute GRPCRoute TLSRoute TCPRoute UDPRoute";

/// Invalid examples that we accept: file, reason.
pub(crate) const INVALID_BUT_READ: &[(&str, &str)] = &[];
