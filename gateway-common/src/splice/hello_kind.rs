//! What hellos are, and what that decides: one list for the programs, their counters and metrics.

use crate::{
    abi::{TLS_NOBODY, TLS_PROXY},
    splice::{Choice, Found},
};

macro_rules! kinds {
    ($($(#[doc = $help:literal])+ $name:ident: $variant:ident,)+) => {
        /// What the first bytes of a connection are.
        #[repr(u32)]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum HelloKind { $($(#[doc = $help])+ $variant,)+ }

        impl HelloKind {
            /// In the order of their numbers.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// As it is called in metrics, for instance `no_name`, and a sentence for people.
            pub const fn describe(self) -> (&'static str, &'static str) {
                match self {$(
                    Self::$variant => (stringify!($name), concat!($($help),+).trim_ascii()),
                )+}
            }
        }
    };
}

kinds! {
    /// A name that leads to the backends of a TLSRoute in the kernel.
    name: Name,
    /// A name that the proxy has: of a listener that ends TLS, or of a TLSRoute that is not in the
    /// kernel.
    name_of_proxy: NameOfProxy,
    /// A name that no listener has, or no route of its listener.
    unknown_name: UnknownName,
    /// A hello without a name, or with an address for one.
    no_name: NoName,
    /// Not the beginning of a TLS connection.
    not_tls: NotTls,
    /// A hello with a length that does not fit, or with a name that is none.
    malformed: Malformed,
    /// A hello of more bytes, or more records, than the kernel reads: the proxy reads it.
    too_long: TooLong,
}

/// What a hello is, and what becomes of its connection. `service` is where its name leads, or what
/// clients lead to that send none, as `TlsTarget::service` has it; [`TLS_NOBODY`] without an entry.
/// `resets` is as of the frontend.
///
/// A hello that is too long to be read is never reset, for it may have a name that somebody has.
#[inline(always)]
pub const fn choose(found: Found, service: u32, resets: bool) -> (HelloKind, Choice) {
    let (kind, service) = match (found, service) {
        (Found::Name, TLS_PROXY) => (HelloKind::NameOfProxy, TLS_PROXY),
        (Found::Name, TLS_NOBODY) => (HelloKind::UnknownName, TLS_NOBODY),
        (Found::Name, service) => (HelloKind::Name, service),
        (Found::NoName, service) => (HelloKind::NoName, service),
        (Found::NotTls, _) => (HelloKind::NotTls, TLS_NOBODY),
        (Found::Malformed, _) => (HelloKind::Malformed, TLS_NOBODY),
        (Found::TooLong, _) => (HelloKind::TooLong, TLS_PROXY),
    };
    let choice = match service {
        TLS_NOBODY if resets => Choice::Refuse,
        TLS_NOBODY | TLS_PROXY => Choice::Local,
        service => Choice::Service(service),
    };
    (kind, choice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_positions() {
        for (index, &kind) in HelloKind::ALL.iter().enumerate() {
            assert_eq!(kind as usize, index);
            let (name, help) = kind.describe();
            assert!(
                help.ends_with('.') && !help.contains("  "),
                "{name}: {help}"
            );
        }
    }

    #[test]
    fn what_nobody_has_is_reset_where_that_is_asked_for() {
        use Choice::{Local, Refuse, Service};
        for (found, service, kind, otherwise, resets) in [
            (Found::Name, 7, HelloKind::Name, Service(7), Service(7)),
            (Found::Name, TLS_PROXY, HelloKind::NameOfProxy, Local, Local),
            (
                Found::Name,
                TLS_NOBODY,
                HelloKind::UnknownName,
                Local,
                Refuse,
            ),
            (Found::NoName, 7, HelloKind::NoName, Service(7), Service(7)),
            (Found::NoName, TLS_PROXY, HelloKind::NoName, Local, Local),
            (Found::NoName, TLS_NOBODY, HelloKind::NoName, Local, Refuse),
            (Found::NotTls, 7, HelloKind::NotTls, Local, Refuse),
            (Found::Malformed, 7, HelloKind::Malformed, Local, Refuse),
            (Found::TooLong, 7, HelloKind::TooLong, Local, Local),
            (Found::TooLong, TLS_NOBODY, HelloKind::TooLong, Local, Local),
        ] {
            assert_eq!(
                choose(found, service, false),
                (kind, otherwise),
                "{found:?}"
            );
            assert_eq!(choose(found, service, true), (kind, resets), "{found:?}");
        }
    }
}
