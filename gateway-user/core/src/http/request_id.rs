//! A name for each request, by which logs of different hosts tell of the same one.

use http::{HeaderMap, HeaderName, HeaderValue};
use uuid::Builder;

use crate::plan::RequestIdPolicy;

/// Not standardised, but what everybody uses.
pub const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Longest one of a client that is kept.
const LONGEST: usize = 128;

/// The id of a request; `make` makes one where none is kept. `None` where it gets none.
pub fn settle(
    headers: &HeaderMap,
    policy: RequestIdPolicy,
    make: impl FnOnce() -> HeaderValue,
) -> Option<HeaderValue> {
    match policy {
        RequestIdPolicy::Disable => None,
        RequestIdPolicy::Preserve => given(headers).cloned(),
        RequestIdPolicy::Generate => Some(make()),
        RequestIdPolicy::PreserveOrGenerate => Some(given(headers).cloned().unwrap_or_else(make)),
    }
}

/// Has the backend get this id, and no other.
pub fn set(headers: &mut HeaderMap, policy: RequestIdPolicy, id: Option<HeaderValue>) {
    match id {
        Some(id) => drop(headers.insert(X_REQUEST_ID, id)),
        None if policy == RequestIdPolicy::Disable => {}
        None => drop(headers.remove(X_REQUEST_ID)),
    }
}

/// A UUID of version 7 (RFC 9562 section 5.7): ids sort by the time they were made at.
/// `milliseconds` since 1970; `random`: uniform.
pub fn make(milliseconds: u64, random: [u64; 2]) -> HeaderValue {
    let mut bytes = [0; 10];
    bytes[..8].copy_from_slice(&random[0].to_be_bytes());
    bytes[8..].copy_from_slice(&random[1].to_be_bytes()[..2]);
    let id = Builder::from_unix_timestamp_millis(milliseconds, &bytes).into_uuid();
    let mut text = [0; uuid::fmt::Hyphenated::LENGTH];
    let text = id.hyphenated().encode_lower(&mut text);
    // Digits and hyphens are always fit for a header.
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("0"))
}

/// The client's own, if there is exactly one that neither breaks logs nor costs more than it is
/// worth.
fn given(headers: &HeaderMap) -> Option<&HeaderValue> {
    let mut values = headers.get_all(X_REQUEST_ID).into_iter();
    let value = values.next().filter(|_| values.next().is_none())?;
    let bytes = value.as_bytes();
    let fits = (1..=LONGEST).contains(&bytes.len());
    (fits && bytes.iter().all(u8::is_ascii_graphic)).then_some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MADE: HeaderValue = HeaderValue::from_static("made");

    fn headers(values: &[&str]) -> HeaderMap {
        let value = |value: &&str| {
            (
                X_REQUEST_ID,
                HeaderValue::from_bytes(value.as_bytes()).unwrap(),
            )
        };
        values.iter().map(value).collect()
    }

    /// What the backend gets.
    fn sent(values: &[&str], policy: RequestIdPolicy) -> Vec<String> {
        let mut headers = headers(values);
        let id = settle(&headers, policy, || MADE);
        set(&mut headers, policy, id);
        let sent = headers.get_all(X_REQUEST_ID).into_iter();
        sent.map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect()
    }

    #[test]
    fn the_policy_says_whose_id_it_is() {
        use RequestIdPolicy::{Disable, Generate, Preserve, PreserveOrGenerate};
        let long = "x".repeat(LONGEST + 1);
        let longest = &long[1..];
        for (policy, given, expected) in [
            (PreserveOrGenerate, &["a-1"][..], &["a-1"][..]),
            (PreserveOrGenerate, &[longest], &[longest]),
            (PreserveOrGenerate, &[], &["made"]),
            (PreserveOrGenerate, &[""], &["made"]),
            (PreserveOrGenerate, &["a b"], &["made"]),
            (PreserveOrGenerate, &["\u{e4}"], &["made"]),
            (PreserveOrGenerate, &[&long], &["made"]),
            (PreserveOrGenerate, &["a", "b"], &["made"]),
            (Preserve, &["a-1"], &["a-1"]),
            (Preserve, &[], &[]),
            (Preserve, &["a b"], &[]),
            (Generate, &["a-1"], &["made"]),
            (Generate, &[], &["made"]),
            (Disable, &["a b", "c"], &["a b", "c"]),
            (Disable, &[], &[]),
        ] {
            assert_eq!(sent(given, policy), expected, "{policy:?} {given:?}");
        }
    }

    #[test]
    fn ids_are_uuids_that_sort_by_time() {
        // The example of RFC 9562, appendix A.6.
        let random = [0xccc3_18c4_dc0c_0c07, 0x398f_0000_0000_0000];
        let id = make(0x017f_22e2_79b0, random);
        assert_eq!(id, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
        assert!(make(0x017f_22e2_79b1, [0; 2]) > id);
    }
}
