//! Durations as Gateway API writes them (GEP-2257): `90s`, `1m30s`, `500ms`.

use std::{str::FromStr, time::Duration};

use serde::{Deserialize, Deserializer, de::Error as _};

/// A duration read from text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ApiDuration(pub Duration);

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a duration: write one such as 500ms, 10s or 1m30s")]
pub struct DurationError(String);

impl FromStr for ApiDuration {
    type Err = DurationError;

    /// Up to four pairs of a number of up to five digits and one of the units h, m, s and ms.
    fn from_str(text: &str) -> Result<Self, DurationError> {
        let wrong = || DurationError(text.to_owned());
        let mut rest = text;
        let mut sum = Duration::ZERO;
        for _ in 0..4 {
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, tail) = rest.split_at(digits);
            let number: u64 = number.parse().map_err(|_| wrong())?;
            let letters = tail.bytes().take_while(u8::is_ascii_alphabetic).count();
            let (unit, tail) = tail.split_at(letters);
            if digits > 5 {
                return Err(wrong());
            }
            sum += match unit {
                "h" => Duration::from_secs(number * 3600),
                "m" => Duration::from_secs(number * 60),
                "s" => Duration::from_secs(number),
                "ms" => Duration::from_millis(number),
                _ => return Err(wrong()),
            };
            rest = tail;
            if rest.is_empty() {
                return Ok(Self(sum));
            }
        }
        Err(wrong())
    }
}

impl<'de> Deserialize<'de> for ApiDuration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::ApiDuration;

    #[test]
    fn units_add_up() {
        for (text, millis) in [
            ("500ms", 500),
            ("10s", 10_000),
            ("1m30s", 90_000),
            ("1h2m3s4ms", 3_723_004),
            ("0s", 0),
        ] {
            let read: ApiDuration = text.parse().expect(text);
            assert_eq!(read.0.as_millis(), millis, "{text}");
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "10",
            "s",
            "1.5s",
            "-1s",
            "1d",
            "123456s",
            "1s1s1s1s1s",
            "1 s",
        ] {
            assert!(text.parse::<ApiDuration>().is_err(), "{text}");
        }
    }
}
