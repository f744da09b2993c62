//! Which origins a pattern takes.

use super::*;

fn allows(pattern: &'static str, origin: &'static str) -> bool {
    let cors = Cors {
        origins: Origins::These(vec![Origin::parse(pattern).expect(pattern)]),
        credentials: false,
        methods: Allowed::Nothing,
        headers: Allowed::Nothing,
        expose: Allowed::Nothing,
        max_age: HeaderValue::from_static("5"),
    };
    cors.allows(&HeaderValue::from_static(origin))
}

#[test]
fn scheme_host_and_port_count() {
    for (pattern, origin, expected) in [
        ("https://www.foo.com", "https://www.foo.com", true),
        ("https://www.foo.com", "HTTPS://WWW.FOO.COM:443", true),
        ("https://www.foo.com", "http://www.foo.com", false),
        ("https://www.foo.com", "https://www.foo.com:8443", false),
        (
            "https://www.foo.com",
            "https://www.foo.com.evil.example",
            false,
        ),
        ("https://www.foo.com", "https://evilwww.foo.com", false),
        ("http://foo.com:8080", "http://foo.com:8080", true),
        ("http://foo.com:8080", "http://foo.com", false),
        ("https://*.bar.com", "https://www.bar.com", true),
        ("https://*.bar.com", "https://a.b.BAR.com", true),
        ("https://*.bar.com", "https://bar.com", false),
        ("https://*.bar.com", "https://com", false),
        ("https://*.bar.com", "https://foobar.com", false),
        ("https://*", "https://any.where", true),
        ("https://*", "http://any.where", false),
        ("https://*:8443", "https://any.where:8443", true),
        ("http://[::1]:80", "http://[::1]", true),
        ("https://a", "null", false),
        ("https://a", "https://a:port", false),
    ] {
        assert_eq!(allows(pattern, origin), expected, "{pattern} {origin}");
    }
}
