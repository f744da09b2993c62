//! Heads and what is wrong with them.

use http::Request;

use super::*;

fn parts(version: Version, uri: &str, headers: &[(&str, &str)]) -> request::Parts {
    let mut builder = Request::get(uri).version(version);
    for (name, value) in headers {
        builder = builder.header(*name, *value);
    }
    builder.body(()).unwrap().into_parts().0
}

#[test]
fn the_host_of_a_request() {
    let (old, h1, h2) = (Version::HTTP_10, Version::HTTP_11, Version::HTTP_2);
    let invalid = Err(Refusal::HostInvalid);
    for (version, uri, host, expected) in [
        (h1, "/", Some("a.example"), Ok("a.example")),
        (h1, "/", Some("A.Example.:8080"), Ok("a.example")),
        (h1, "/", Some("192.0.2.1:80"), Ok("192.0.2.1")),
        (h1, "/", Some("[2001:DB8::1]:80"), Ok("[2001:db8::1]")),
        (h1, "/", Some("a:"), Ok("a")),
        (h1, "/", Some(""), Ok("")),
        (h1, "/", None, Err(Refusal::HostCount)),
        (h1, "http://b/x", Some("a"), Ok("b")),
        (h1, "http://b/x", None, Err(Refusal::HostCount)),
        (h1, "/", Some("u@a"), invalid),
        (h1, "/", Some("a:port"), invalid),
        (h1, "/", Some("a:70000"), invalid),
        (h1, "/", Some("a/b"), invalid),
        (h1, "/", Some("a, b"), invalid),
        (h1, "/", Some("."), invalid),
        (h1, "/", Some("a.."), invalid),
        (h1, "/", Some(".a"), invalid),
        (h1, "/", Some("a,b"), invalid),
        (h1, "/", Some("%61"), invalid),
        (h1, "/", Some("a;b=1"), invalid),
        (h1, "/", Some("[]"), invalid),
        (h1, "/", Some("[v1.a]"), invalid),
        (h1, "/", Some("[2001:db8::1"), invalid),
        (h1, "/", Some("[2001:db8::1]a"), invalid),
        (h1, "/", Some("a_b-c.d1"), Ok("a_b-c.d1")),
        (h1, "/", Some("b\u{e4}r"), invalid),
        (old, "/", None, Ok("")),
        (old, "/", Some("a"), Ok("a")),
        (h2, "http://b/", None, Ok("b")),
        (h2, "http://b:80/", Some("B"), Ok("b")),
        (h2, "http://b/", Some("a"), Err(Refusal::HostMismatch)),
        (h2, "/", Some("a"), Ok("a")),
        (h2, "/", None, Err(Refusal::HostCount)),
    ] {
        let headers: Vec<_> = host.map(|h| ("host", h)).into_iter().collect();
        let found = check(&parts(version, uri, &headers));
        let found = found.as_deref().map_err(|refusal| *refusal);
        assert_eq!(found, expected, "{version:?} {uri} {host:?}");
    }
    let long = format!("{}.example", "a".repeat(250));
    assert_eq!(
        check(&parts(h1, "/", &[("host", &long)])),
        Err(Refusal::HostInvalid)
    );
    let two = parts(h1, "/", &[("host", "a"), ("host", "a")]);
    assert_eq!(check(&two), Err(Refusal::HostCount));
}

#[test]
fn the_framing_of_a_request() {
    let coding = "transfer-encoding";
    for (headers, expected) in [
        (&[(coding, "chunked")] as &[_], Ok(())),
        (&[(coding, "Chunked")], Ok(())),
        (&[("content-length", "5")], Ok(())),
        (&[(coding, "gzip, chunked")], Err(Refusal::TransferEncoding)),
        (&[(coding, ",chunked")], Err(Refusal::TransferEncoding)),
        (
            &[(coding, "chunked"), (coding, "chunked")],
            Err(Refusal::TransferEncoding),
        ),
        (
            &[(coding, "chunked"), ("content-length", "5")],
            Err(Refusal::Framing),
        ),
    ] {
        let headers = [&[("host", "a")], headers].concat();
        let found = check(&parts(Version::HTTP_11, "/", &headers)).map(drop);
        assert_eq!(found, expected, "{headers:?}");
    }
}

#[test]
fn the_target_of_a_request() {
    let mut connect = parts(Version::HTTP_11, "a:80", &[("host", "a:80")]);
    assert_eq!(check(&connect), Err(Refusal::Target));
    connect.method = Method::CONNECT;
    assert_eq!(check(&connect), Err(Refusal::Connect));
    assert_eq!(
        (Refusal::Connect.status(), Refusal::Target.status()),
        (501, 400)
    );
    let mut star = parts(Version::HTTP_11, "*", &[("host", "a")]);
    assert_eq!(check(&star), Err(Refusal::Target));
    star.method = Method::OPTIONS;
    assert_eq!(check(&star), Ok("a".to_owned()));
}
