//! What can be said about one listener of a Gateway or a ListenerSet.

use std::{fmt, net::IpAddr, sync::Arc};

use super::{
    ConditionType::{Accepted, Conflicted, FieldsIgnored, OverlappingTlsConfig, Programmed},
    Outcome, Verdict, is_false, is_true, refused, unresolved,
};
use crate::name::ObjectName;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ListenerVerdict {
    #[error("protocol {protocol} is not implemented yet; use HTTP, HTTPS, TLS, TCP or UDP")]
    UnsupportedProtocol { protocol: String },

    #[error(
        "tls.mode {mode} does not go with protocol {protocol} here; use Terminate, or Passthrough \
         with protocol TLS"
    )]
    UnsupportedTlsMode { mode: String, protocol: String },

    #[error("{field} is \"{value}\"; use one of {allowed}")]
    UnsupportedValue {
        field: &'static str,
        value: String,
        allowed: String,
    },

    #[error(
        "caCertificateRefs[{index}] of the Gateway's spec.tls.frontend names a {kind}; only \
         ConfigMap (group \"\") is supported"
    )]
    ClientCaKind { index: usize, kind: String },

    #[error(
        "caCertificateRefs[{index}] of the Gateway's spec.tls.frontend: ConfigMap \"{map}\" is in \
         another namespace; {remedy}"
    )]
    ClientCaNotPermitted {
        index: usize,
        map: ObjectName,
        remedy: String,
    },

    #[error(
        "caCertificateRefs[{index}] of the Gateway's spec.tls.frontend: ConfigMap \"{map}\": {why}: \
         {command}"
    )]
    ClientCa {
        index: usize,
        map: ObjectName,
        why: String,
        command: String,
    },

    #[error(
        "no authority can be used to verify clients, so nobody is let in; ResolvedRefs says why"
    )]
    NoClientCa,

    #[error(
        "allowedRoutes.namespaces.from is Selector, but there is no selector; add one, or use Same or All"
    )]
    SelectorMissing,

    #[error(
        "allowedRoutes.kinds names {kind}, which a listener of protocol {protocol} does not take; it takes {supported}"
    )]
    InvalidRouteKind {
        kind: String,
        protocol: String,
        supported: String,
    },

    #[error("no kind of route in allowedRoutes.kinds can attach")]
    NoRouteKind,

    #[error(
        "listener \"{other}\" has the same port and host name; change one of the two, \
         both are off until then"
    )]
    HostnameConflict { other: Arc<str> },

    #[error(
        "listener \"{other}\" has the same port {port} with protocol {protocol}, and connections \
         cannot be told apart; change one of the two ports, both listeners are off until then"
    )]
    ProtocolConflict {
        other: Arc<str>,
        port: u16,
        protocol: String,
    },

    #[error(
        "listener \"{other}\" has the same port {port}; change one of the two, both are off until then"
    )]
    PortConflict { other: Arc<str>, port: u16 },

    #[error(
        "port {port} of {address} belongs to listener \"{other}\" of the older Gateway \
         \"{gateway}\"; choose another port, or give this Gateway an address of its own in spec.addresses"
    )]
    PortTaken {
        address: IpAddr,
        port: u16,
        gateway: ObjectName,
        other: Arc<str>,
        clash: Clash,
    },

    #[error(
        "listener \"{other}\" has the same port {port}{clash}, and precedes this one: the Gateway's \
         own listeners come first, then those of its oldest ListenerSet; change this one"
    )]
    Preceded {
        port: u16,
        other: Arc<str>,
        clash: Clash,
    },

    #[error(
        "listeners of the same port take some of the same hosts: {others}; a client that reuses its \
         connection to one of them for a host of another {effect}"
    )]
    Overlap {
        others: String,
        effect: &'static str,
    },

    #[error(
        "protocol {protocol} needs a certificate; name a Secret of type kubernetes.io/tls in tls.certificateRefs"
    )]
    NoCertificateRef { protocol: String },

    #[error("tls.certificateRefs[{index}] names a {kind}; only Secret (group \"\") is supported")]
    CertificateKind { index: usize, kind: String },

    #[error(
        "tls.certificateRefs[{index}]: Secret \"{secret}\" does not exist ({hint}); create it: {command}"
    )]
    CertificateMissing {
        index: usize,
        secret: ObjectName,
        hint: String,
        command: String,
    },

    #[error("tls.certificateRefs[{index}]: Secret \"{secret}\": {why}; replace it: {command}")]
    CertificateMalformed {
        index: usize,
        secret: ObjectName,
        why: String,
        command: String,
    },

    #[error("tls.certificateRefs[{index}]: Secret \"{secret}\" is in another namespace; {remedy}")]
    CertificateNotPermitted {
        index: usize,
        secret: ObjectName,
        remedy: String,
    },

    #[error("no certificate can be used, so TLS cannot be terminated; see ResolvedRefs")]
    NoCertificate,

    #[error("the Gateway has no address; see its Programmed condition")]
    NoAddress,

    #[error("the Gateway is not accepted; see its Accepted condition")]
    GatewayNotAccepted,

    #[error("tls.options are not implemented and have no effect: {keys}")]
    OptionsIgnored { keys: String },

    #[error("the data path does not hold it yet: {why}")]
    NotApplied { why: String },
}

/// What a listener has in common with another one of the same port.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clash {
    /// Only these.
    Port,
    /// The protocols differ, so connections could not be told apart.
    Protocol,
    /// The host name too.
    Hostname,
}

/// To be read after the number of the port.
impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Port => "",
            Self::Protocol => " with another protocol",
            Self::Hostname => " and host name",
        })
    }
}

impl Verdict for ListenerVerdict {
    fn outcomes(&self) -> &'static [Outcome] {
        match self {
            Self::UnsupportedProtocol { .. } => const { &refused("UnsupportedProtocol") },
            Self::UnsupportedTlsMode { .. }
            | Self::UnsupportedValue { .. }
            | Self::SelectorMissing => const { &refused("UnsupportedValue") },
            Self::InvalidRouteKind { .. } => const { &unresolved("InvalidRouteKinds") },
            Self::HostnameConflict { .. }
            | Self::Preceded {
                clash: Clash::Hostname,
                ..
            }
            | Self::PortTaken {
                clash: Clash::Hostname,
                ..
            } => const { &conflict("HostnameConflict") },
            Self::ProtocolConflict { .. }
            | Self::Preceded {
                clash: Clash::Protocol,
                ..
            }
            | Self::PortTaken {
                clash: Clash::Protocol,
                ..
            } => const { &conflict("ProtocolConflict") },
            Self::PortConflict { .. } | Self::Preceded { .. } | Self::PortTaken { .. } => {
                const { &conflict("PortUnavailable") }
            }
            Self::Overlap { .. } => {
                const { &[is_true(OverlappingTlsConfig, "OverlappingHostnames")] }
            }
            Self::NoCertificateRef { .. }
            | Self::CertificateKind { .. }
            | Self::CertificateMissing { .. }
            | Self::CertificateMalformed { .. } => const { &unresolved("InvalidCertificateRef") },
            Self::ClientCaKind { .. } => const { &unresolved("InvalidCACertificateKind") },
            Self::ClientCa { .. } => const { &unresolved("InvalidCACertificateRef") },
            Self::NoClientCa => const { &refused("NoValidCACertificate") },
            Self::CertificateNotPermitted { .. } | Self::ClientCaNotPermitted { .. } => {
                const { &unresolved("RefNotPermitted") }
            }
            Self::NoRouteKind | Self::NoCertificate | Self::GatewayNotAccepted => {
                const { &[is_false(Programmed, "Invalid")] }
            }
            Self::NoAddress | Self::NotApplied { .. } => {
                const { &[is_false(Programmed, "Pending")] }
            }
            Self::OptionsIgnored { .. } => const { &[is_true(FieldsIgnored, "NotImplemented")] },
        }
    }
}

/// A listener that cannot be told from another is off altogether.
const fn conflict(reason: &'static str) -> [Outcome; 3] {
    [
        is_false(Accepted, reason),
        is_false(Programmed, reason),
        is_true(Conflicted, reason),
    ]
}
