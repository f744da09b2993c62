//! Formats of strings, from the patterns and lengths of the CRD schemas.

use std::fmt;

/// A pattern with its lengths; displayed as what users should write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One label of a DNS name (RFC 1123).
    Label,
    /// Labels with dots between them.
    Subdomain,
    /// A host name; the first label may be `*`.
    Hostname,
    /// A host name without `*`.
    PreciseHostname,
    /// API group; empty for the core group.
    Group,
    /// Kind of an object.
    Kind,
    /// Name of an object of some other kind.
    Name,
    /// Name of a header or query parameter (RFC 9110, `token`).
    HeaderName,
    /// Printable ASCII with single spaces or tabs inside.
    HeaderValue,
    /// Value of a query parameter.
    QueryValue,
    /// At most 1,024 characters.
    PathText,
    /// `example.com/name`: names of controllers, and values that implementations define.
    DomainPath,
    /// Full name of a gRPC service; a leading dot is allowed.
    GrpcService,
    /// Name of a gRPC method.
    GrpcMethod,
    /// `*`, or scheme, host and port of pages; the host, or its first label, may be `*`.
    Origin,
    /// Protocol of a listener: a word, or `example.com/word`.
    Protocol,
    /// With scheme and authority (RFC 3986).
    Uri,
    /// Key of a label or annotation: a name, or `example.com/name`.
    QualifiedName,
    /// Value of a label.
    LabelValue,
    /// Value of an annotation, as far as Gateways pass it on.
    AnnotationValue,
}

impl Format {
    pub fn fits(self, text: &str) -> bool {
        let length = text.chars().count();
        self.lengths().contains(&length) && self.has_pattern(text)
    }

    fn lengths(self) -> std::ops::RangeInclusive<usize> {
        match self {
            Self::Label | Self::Kind => 1..=63,
            Self::LabelValue => 0..=63,
            Self::AnnotationValue => 0..=4096,
            Self::Group => 0..=253,
            Self::Protocol => 1..=255,
            Self::HeaderName => 1..=256,
            Self::HeaderValue => 1..=4096,
            Self::QueryValue | Self::GrpcService | Self::GrpcMethod => 1..=1024,
            Self::PathText => 0..=1024,
            _ => 1..=253,
        }
    }

    fn has_pattern(self, text: &str) -> bool {
        match self {
            Self::Label => is_label(text),
            Self::Subdomain | Self::PreciseHostname => is_subdomain(text),
            Self::Hostname => is_subdomain(text.strip_prefix("*.").unwrap_or(text)),
            Self::Group => text.is_empty() || is_subdomain(text),
            Self::Kind => is_kind(text),
            Self::HeaderName => text.bytes().all(is_token),
            Self::HeaderValue => is_header_value(text),
            Self::DomainPath => text.split_once('/').is_some_and(|(domain, path)| {
                is_subdomain(domain) && !path.is_empty() && path.bytes().all(is_path)
            }),
            Self::Protocol => match text.split_once('/') {
                None => is_word(text),
                Some((domain, name)) => {
                    is_subdomain(domain)
                        && !name.is_empty()
                        && name.bytes().all(|b| b.is_ascii_alphanumeric())
                }
            },
            Self::GrpcService => text
                .strip_prefix('.')
                .unwrap_or(text)
                .split('.')
                .all(is_identifier),
            Self::Origin => text == "*" || is_origin(text),
            Self::GrpcMethod => is_identifier(text),
            Self::Uri => is_uri(text),
            Self::QualifiedName => {
                let (prefix, name) = text.split_once('/').unwrap_or(("a", text));
                prefix.len() < 253 && is_subdomain(prefix) && name.len() <= 63 && is_name(name)
            }
            Self::LabelValue => text.is_empty() || is_name(text),
            Self::AnnotationValue => true,
            Self::Name | Self::PathText | Self::QueryValue => true,
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const DNS: &str = "lower-case letters, digits and '-'";
        match self {
            Self::Label => write!(f, "a DNS label: use at most 63 {DNS}"),
            Self::Subdomain => write!(f, "a DNS name: use {DNS}, with dots between labels"),
            Self::Hostname => write!(
                f,
                "a host name: use {DNS}, with dots between labels; '*.' may only come first"
            ),
            Self::PreciseHostname => {
                write!(
                    f,
                    "a host name without '*': use {DNS}, with dots between labels"
                )
            }
            Self::Group => write!(
                f,
                "an API group: use a DNS name such as gateway.networking.k8s.io, or \"\" for core"
            ),
            Self::Kind => f.write_str("a kind: use a word such as Service, at most 63 characters"),
            Self::Name => f.write_str("a name: use 1 to 253 characters"),
            Self::HeaderName => {
                f.write_str("a header or parameter name: use 1 to 256 letters, digits and '-'")
            }
            Self::HeaderValue => f.write_str(
                "a header value: use 1 to 4096 printable ASCII characters, single spaces inside",
            ),
            Self::QueryValue => f.write_str("a parameter's value: use 1 to 1024 characters"),
            Self::PathText => f.write_str("a path: use at most 1024 characters"),
            Self::DomainPath => {
                f.write_str("a domain and a path: use one such as example.com/name")
            }
            Self::GrpcService => f.write_str(
                "a gRPC service: use its full name, such as shop.v1.Cart (for a pattern, use type \
                 RegularExpression)",
            ),
            Self::GrpcMethod => f.write_str(
                "a gRPC method: use its name, such as AddItem (for a pattern, use type \
                 RegularExpression)",
            ),
            Self::Origin => f.write_str(
                "an origin: use one such as https://www.example.com, https://*.example.com:8443 or \
                 \"*\"",
            ),
            Self::Protocol => {
                f.write_str("a protocol: use HTTP, HTTPS, TLS, TCP, UDP or example.com/name")
            }
            Self::Uri => f.write_str("a URI: use one such as spiffe://example.com/name"),
            Self::QualifiedName => f.write_str("a key: use one such as team or example.com/team"),
            Self::LabelValue => f.write_str(
                "a label's value: use at most 63 letters, digits, '-', '_' and '.', the first and \
                 the last a letter or digit",
            ),
            Self::AnnotationValue => {
                f.write_str("an annotation's value: use at most 4096 characters")
            }
        }
    }
}

fn is_label(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !text.is_empty() && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

/// The CRDs do not limit the length of a label within a name.
fn is_subdomain(text: &str) -> bool {
    text.split('.').all(is_label)
}

/// Of labels (`apimachinery/pkg/util/validation`, qualified names).
fn is_name(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || b"-_.".contains(&b);
    let end = |c: char| c.is_ascii_alphanumeric();
    text.bytes().all(inner) && text.starts_with(end) && text.ends_with(end)
}

fn is_word(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    !text.is_empty() && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

fn is_kind(text: &str) -> bool {
    is_word(text) && text.starts_with(|c: char| c.is_ascii_alphabetic())
}

fn is_origin(text: &str) -> bool {
    let rest = text.strip_prefix("http");
    let rest = rest.map(|rest| rest.strip_prefix('s').unwrap_or(rest));
    let Some(rest) = rest.and_then(|rest| rest.strip_prefix("://")) else {
        return false;
    };
    let (host, port) = rest.split_once(':').unwrap_or((rest, "0"));
    let letter = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
    let is_name = |name: &str| {
        let mut labels = name.split('.');
        labels.all(|label| !label.is_empty() && label.bytes().all(letter))
    };
    let digits = port.bytes().all(|b| b.is_ascii_digit());
    (host == "*" || is_name(host.strip_prefix("*.").unwrap_or(host)))
        && (1..=5).contains(&port.len())
        && digits
}

/// The pattern of the schema asks for no more.
fn is_uri(text: &str) -> bool {
    let scheme = text.split_once("://").map(|(scheme, _)| scheme);
    scheme.is_some_and(|scheme| !scheme.is_empty() && !scheme.contains(['/', '?', '#', ':']))
}

/// Of the Protocol Buffers language.
fn is_identifier(text: &str) -> bool {
    let inner = |b: u8| b.is_ascii_alphanumeric() || b == b'_';
    text.bytes().all(inner) && text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
}

fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// What may stand in a path unescaped (RFC 3986, `pchar` and `/`).
pub(super) fn is_path(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-/._~!$&'()*+,;=:@%".contains(&byte)
}

fn is_header_value(text: &str) -> bool {
    text.split([' ', '\t'])
        .all(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_graphic()))
}

#[cfg(test)]
mod tests {
    use super::Format::{self, *};

    const FITS: &[(Format, &[&str])] = &[
        (Label, &["a", "0", "a-b", "web-1"]),
        (Subdomain, &["a", "a.b", "tls.example.com"]),
        (Hostname, &["example.com", "*.example.com", "localhost"]),
        (PreciseHostname, &["example.com"]),
        (Group, &["", "gateway.networking.k8s.io"]),
        (Kind, &["Service", "HTTPRoute", "a"]),
        (HeaderName, &["X-Version", "a_b", "!#$%&'*+-.^_`|~"]),
        (HeaderValue, &["a", "a b\tc", "\"quoted\"", "*/*"]),
        (DomainPath, &["xdp-gateway.dev/controller", "a/b/c"]),
        (GrpcService, &["a", ".a", "shop.v1.Cart", "_x.y_2"]),
        (GrpcMethod, &["Get", "_get2"]),
        (Protocol, &["HTTP", "TCP", "example.com/quic"]),
        (
            Origin,
            &[
                "*",
                "http://a",
                "https://A-1.example.com:8443",
                "https://*.example.com",
                "https://*:1",
            ],
        ),
        (Uri, &["spiffe://example.com/a", "https://a"]),
        (QualifiedName, &["a", "a_b.C-1", "example.com/a"]),
        (LabelValue, &["", "a", "a_b.C-1"]),
    ];

    const FITS_NOT: &[(Format, &[&str])] = &[
        (Label, &["", "-a", "a-", "A", "a.b", "a_b"]),
        (Subdomain, &["", ".", "a.", "a..b", "A.b"]),
        (
            Hostname,
            &[
                "",
                "*",
                "*.",
                "a.*.b",
                "*example.com",
                "Example.com",
                "a:80",
            ],
        ),
        (PreciseHostname, &["*.example.com"]),
        (Group, &["a b", "/"]),
        (Kind, &["", "1a", "a b", "Service-"]),
        (HeaderName, &["", "a b", "a:", "ä"]),
        (HeaderValue, &["", " a", "a ", "a  b", "ä", "a\nb"]),
        (
            DomainPath,
            &["", "xdp-gateway.dev", "xdp-gateway.dev/", "A/b", "a/b c"],
        ),
        (
            GrpcService,
            &["", ".", "..a", "a.", "a..b", "2a", "a-b", "a/b"],
        ),
        (GrpcMethod, &["", "a.b", "2a", "a/b", "a-b"]),
        (Protocol, &["", "a b", "example.com/"]),
        (
            Origin,
            &[
                "",
                "a",
                "ftp://a",
                "https://",
                "https://a/",
                "https://a.*.b",
                "https://*a",
                "https://a:",
                "https://a:123456",
                "https://a:b",
            ],
        ),
        (Uri, &["", "a", "//a", "a/b://c", "urn:x"]),
        (QualifiedName, &["", "/a", "a/", "a/b/c", "-a", "a~", "A/b"]),
        (LabelValue, &["-", "a b", "a/b", ".a"]),
    ];

    #[test]
    fn formats() {
        for (format, texts) in FITS {
            texts
                .iter()
                .for_each(|t| assert!(format.fits(t), "{format:?} {t:?}"));
        }
        for (format, texts) in FITS_NOT {
            texts
                .iter()
                .for_each(|t| assert!(!format.fits(t), "{format:?} {t:?}"));
        }
    }

    #[test]
    fn lengths() {
        let limits = [
            (Label, 63),
            (Kind, 63),
            (Subdomain, 253),
            (Hostname, 253),
            (Name, 253),
            (Group, 253),
            (HeaderName, 256),
            (HeaderValue, 4096),
            (QueryValue, 1024),
            (PathText, 1024),
            (QualifiedName, 63),
            (LabelValue, 63),
            (AnnotationValue, 4096),
        ];
        for (format, max) in limits {
            assert!(format.fits(&"a".repeat(max)), "{format:?}");
            assert!(!format.fits(&"a".repeat(max + 1)), "{format:?}");
        }
    }
}
