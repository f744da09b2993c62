//! Features of Gateway API v1.6 (pkg/features) that we support: the one table that says so.
//!
//! It becomes `supportedFeatures` in the status of our GatewayClasses (GEP-2162), and so decides
//! which tests the conformance suite runs. A feature is supported only if its tests pass. Those
//! for meshes do not concern a gateway and are left out.

use Support::Supported;

/// The release of Gateway API that we are made for and tested with, any patch of it.
pub const RELEASE: &str = "v1.6";

/// A feature by its name in the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Feature {
    pub name: &'static str,
    pub support: Support,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    Supported,
    /// What is missing.
    NotYet(&'static str),
}

/// Every feature, in the order of names.
pub const FEATURES: &[Feature] = &[
    of("BackendTLSPolicy", Supported),
    of("BackendTLSPolicySANValidation", Supported),
    of("GRPCRoute", Supported),
    of("GRPCRouteNamedRouteRule", Supported),
    of("Gateway", Supported),
    of("GatewayAddressEmpty", Supported),
    of("GatewayBackendClientCertificate", Supported),
    of("GatewayFrontendClientCertificateValidation", Supported),
    of(
        "GatewayFrontendClientCertificateValidationInsecureFallback",
        Supported,
    ),
    of("GatewayHTTPListenerIsolation", Supported),
    of("GatewayHTTPSListenerDetectMisdirectedRequests", Supported),
    of("GatewayInfrastructure", Supported),
    of("GatewayPort8080", Supported),
    of("GatewayStaticAddresses", Supported),
    of("HTTPRoute", Supported),
    of("HTTPRoute303RedirectStatusCode", Supported),
    of("HTTPRoute307RedirectStatusCode", Supported),
    of("HTTPRoute308RedirectStatusCode", Supported),
    of("HTTPRouteBackendProtocolH2C", Supported),
    of("HTTPRouteBackendProtocolWebSocket", Supported),
    of("HTTPRouteBackendRequestHeaderModification", Supported),
    of("HTTPRouteBackendTimeout", Supported),
    of("HTTPRouteCORS", Supported),
    of("HTTPRouteDestinationPortMatching", Supported),
    of("HTTPRouteHostRewrite", Supported),
    of("HTTPRouteMethodMatching", Supported),
    of("HTTPRouteNamedRouteRule", Supported),
    of("HTTPRouteParentRefPort", Supported),
    of("HTTPRoutePathRedirect", Supported),
    of("HTTPRoutePathRewrite", Supported),
    of("HTTPRoutePortRedirect", Supported),
    of("HTTPRouteQueryParamMatching", Supported),
    of("HTTPRouteRequestMirror", Supported),
    of("HTTPRouteRequestMultipleMirrors", Supported),
    of("HTTPRouteRequestPercentageMirror", Supported),
    of("HTTPRouteRequestTimeout", Supported),
    of("HTTPRouteResponseHeaderModification", Supported),
    of("HTTPRouteRetry", Supported),
    of("HTTPRouteRetryBackendTimeout", Supported),
    of("HTTPRouteRetryConnectionError", Supported),
    of("HTTPRouteSchemeRedirect", Supported),
    of("ListenerSet", Supported),
    of("ReferenceGrant", Supported),
    of("TCPRoute", Supported),
    of("TLSRoute", Supported),
    of("TLSRouteModeMixed", Supported),
    of("TLSRouteModeTerminate", Supported),
    of("UDPRoute", Supported),
];

/// Names of those that we support, in ascending order, as the API demands.
pub fn supported() -> impl Iterator<Item = &'static str> {
    let supported = FEATURES.iter().filter(|f| f.support == Supported);
    supported.map(|feature| feature.name)
}

const fn of(name: &'static str, support: Support) -> Feature {
    Feature { name, support }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_ascend_and_fit_into_the_status() {
        assert!(FEATURES.is_sorted_by(|a, b| a.name < b.name));
        let supported: Vec<_> = supported().collect();
        assert!(supported.len() <= 64, "the CRD's limit");
        let missing = |f: &&Feature| matches!(f.support, Support::NotYet(_));
        let missing = FEATURES.iter().filter(missing).map(|f| f.name);
        assert!(supported.contains(&"HTTPRoute"));
        assert!(missing.clone().all(|name| !supported.contains(&name)));
        assert_eq!(supported.len() + missing.count(), FEATURES.len());
    }
}
