//! Why an answer is not a backend's own, in a word: the response flags of the access log, in the
//! letters of Envoy where it has a flag for the same.

use super::upstream::Kind;

/// docs/parameters.md explains each to users.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flag {
    NoRoute,
    InvalidRoute,
    NoHealthyUpstream,
    UpstreamFailure,
    UpstreamTimeout,
    UpstreamClosed,
    UpstreamProtocol,
    DownstreamClosed,
    DownstreamProtocol,
    DownstreamIdle,
    TargetTooLong,
    BodyTooLarge,
    Misdirected,
    Version,
    Redirect,
    Preflight,
    ForeignOrigin,
    Unauthorized,
    AuthFailure,
}

impl Flag {
    /// As lines have it; these never change.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::NoRoute => "NR",
            Self::InvalidRoute => "NC",
            Self::NoHealthyUpstream => "UH",
            Self::UpstreamFailure => "UF",
            Self::UpstreamTimeout => "UT",
            Self::UpstreamClosed => "UC",
            Self::UpstreamProtocol => "UPE",
            Self::DownstreamClosed => "DC",
            Self::DownstreamProtocol => "DPE",
            Self::DownstreamIdle => "SI",
            Self::TargetTooLong => "TL",
            Self::BodyTooLarge => "BL",
            Self::Misdirected => "MD",
            Self::Version => "VM",
            Self::Redirect => "RD",
            Self::Preflight => "CP",
            Self::ForeignOrigin => "CO",
            Self::Unauthorized => "UAEX",
            Self::AuthFailure => "UAF",
        }
    }

    /// Whether a backend, its route or an authorization server is to blame: such requests are in
    /// samples of any size.
    pub(super) fn is_failure(self) -> bool {
        matches!(
            self,
            Self::InvalidRoute
                | Self::NoHealthyUpstream
                | Self::UpstreamFailure
                | Self::UpstreamTimeout
                | Self::UpstreamClosed
                | Self::UpstreamProtocol
                | Self::AuthFailure
        )
    }
}

impl From<Kind> for Flag {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Connect | Kind::ConnectTimeout | Kind::Tls => Self::UpstreamFailure,
            Kind::Reset | Kind::Unsteady => Self::UpstreamClosed,
            Kind::Protocol => Self::UpstreamProtocol,
            Kind::BackendTimeout | Kind::RequestTimeout => Self::UpstreamTimeout,
            Kind::Silent => Self::DownstreamIdle,
            Kind::Malformed => Self::DownstreamProtocol,
            Kind::TooLarge => Self::BodyTooLarge,
        }
    }
}
