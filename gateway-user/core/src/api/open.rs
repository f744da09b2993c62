//! Values that may grow with later versions of the API, and values that we only carry.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Deserializer, de::IntoDeserializer};

/// A value of the enumeration `T`, or one that we do not know.
///
/// The API asks implementations to report unknown values (`UnsupportedValue`), not to reject the
/// object, since a newer CRD may allow them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Open<T> {
    Known(T),
    Unknown(Arc<str>),
}

impl<T> Open<T> {
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }
}

impl<T: Copy + PartialEq> Open<T> {
    pub fn is(&self, value: T) -> bool {
        self.known() == Some(&value)
    }
}

impl<T: Default> Default for Open<T> {
    fn default() -> Self {
        Self::Known(T::default())
    }
}

impl<T> From<T> for Open<T> {
    fn from(value: T) -> Self {
        Self::Known(value)
    }
}

impl<T: AsRef<str>> fmt::Display for Open<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Known(value) => f.write_str(value.as_ref()),
            Self::Unknown(value) => f.write_str(value),
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Open<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let known = T::deserialize(text.as_str().into_deserializer());
        let known = known.map_err(|_: serde::de::value::Error| ());
        Ok(known.map_or_else(|()| Self::Unknown(text.into()), Self::Known))
    }
}

/// A part of the API that is valid but that nothing here acts on; its presence is reported.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Opaque(pub serde_json::Value);

/// A part of an object that we write, and never read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unread;

impl<'de> Deserialize<'de> for Unread {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // Not as IgnoredAny, which would be reported as a field that nobody knows.
        serde_json::Value::deserialize(deserializer).map(|_| Self)
    }
}

/// An enumeration of the API: variants with the names that are written in YAML.
///
/// The first variant is the default.
macro_rules! api_enum {
    ($(#[$meta:meta])* $vis:vis $name:ident { $first:ident = $first_text:literal
        $(, $variant:ident = $text:literal)* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, serde::Deserialize)]
        $vis enum $name {
            #[default]
            #[serde(rename = $first_text)]
            $first,
            $(#[serde(rename = $text)] $variant,)*
        }

        impl $name {
            /// Every value, as written in YAML.
            $vis const NAMES: &[&str] = &[$first_text $(, $text)*];
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                match self {
                    Self::$first => $first_text,
                    $(Self::$variant => $text,)*
                }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_ref())
            }
        }
    };
}
pub(crate) use api_enum;

#[cfg(test)]
mod tests {
    use super::Open;

    api_enum! { Colour { Red = "red", Green = "green" } }

    #[test]
    fn unknown_values_are_kept_as_written() {
        let read = |text| serde_json::from_str::<Open<Colour>>(text).map_err(|e| e.to_string());
        assert_eq!(read(r#""green""#), Ok(Open::Known(Colour::Green)));
        assert_eq!(read(r#""blue""#), Ok(Open::Unknown("blue".into())));
        assert!(read("7").is_err());
        assert_eq!(Open::<Colour>::default().to_string(), "red");
        assert_eq!(Colour::NAMES, ["red", "green"]);
    }
}
