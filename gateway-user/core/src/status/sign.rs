//! What is told of an object for as long as it is so, because no condition says it.
//!
//! Pure: `now` is the time since any fixed moment.

use std::{collections::BTreeMap, time::Duration};

use super::{LiveStatuses, Notice};
use crate::{api::Kind, name::ObjectName, plan::Certificate, verdict::SignVerdict};

/// API servers forget an Event after an hour.
const REPEAT: Duration = Duration::from_secs(30 * 60);

/// An object of the API server, as an Event refers to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    pub kind: Kind,
    pub name: ObjectName,
    /// Such as `gateway.networking.k8s.io/v1`.
    pub api_version: String,
    pub uid: String,
}

/// Something about an object that lasts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sign {
    pub subject: Subject,
    pub notice: Notice,
}

/// When which sign was told last.
#[derive(Clone, Debug, Default)]
pub struct Told(BTreeMap<Sign, Duration>);

impl Sign {
    pub fn new(subject: Subject, verdict: &SignVerdict) -> Self {
        let notice = Notice {
            warning: true,
            action: verdict.action(),
            reason: verdict.reason().to_owned(),
            message: verdict.to_string(),
        };
        Self { subject, notice }
    }
}

/// What there is to tell at `now`, in seconds since the epoch, about certificates that Gateways use.
pub fn certificate_signs<'a>(
    certificates: impl IntoIterator<Item = &'a Certificate>,
    live: &LiveStatuses,
    now: i64,
) -> Vec<Sign> {
    let told = certificates.into_iter().filter_map(|certificate| {
        let verdict = SignVerdict::of_certificate(certificate, now)?;
        let key = (Kind::Gateway, certificate.gateway.clone());
        let live = live.get(&key)?;
        let subject = Subject {
            kind: key.0,
            name: key.1,
            api_version: live.api_version.clone(),
            uid: live.uid.clone(),
        };
        Some(Sign::new(subject, &verdict))
    });
    told.collect()
}

impl Told {
    /// Of all the signs there are, those to tell now: new ones, and old ones that the API server is
    /// about to forget. Counts them as told.
    pub fn due(&mut self, signs: Vec<Sign>, now: Duration) -> Vec<Sign> {
        let before = std::mem::take(&mut self.0);
        let mut due = Vec::new();
        for sign in signs {
            let last = before.get(&sign).copied();
            let last = last.filter(|last| now.saturating_sub(*last) < REPEAT);
            if last.is_none() && !self.0.contains_key(&sign) {
                due.push(sign.clone());
            }
            self.0.insert(sign, last.unwrap_or(now));
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        plan::{UsedFor, Validity},
        status::Live,
    };

    fn sign(name: &str, problem: &str) -> Sign {
        let subject = Subject {
            kind: Kind::HttpRoute,
            name: ObjectName::new("default", name),
            api_version: "gateway.networking.k8s.io/v1".into(),
            uid: format!("uid-{name}"),
        };
        let verdict = SignVerdict::Unreadable {
            problem: problem.into(),
            in_force: false,
        };
        Sign::new(subject, &verdict)
    }

    #[test]
    fn a_sign_is_told_once_and_again_before_it_is_forgotten() {
        let (a, b, worse) = (sign("a", "bad"), sign("b", "bad"), sign("a", "worse"));
        let mut told = Told::default();
        let mut due = |signs: &[&Sign], minutes: u64| {
            let signs = signs.iter().copied().cloned().collect();
            told.due(signs, Duration::from_secs(minutes * 60))
        };
        assert_eq!(due(&[&a], 0), vec![a.clone()]);
        assert_eq!(due(&[&a, &b], 10), vec![b.clone()]);
        assert_eq!(due(&[&a, &b], 29), []);
        assert_eq!(due(&[&a, &b], 30), vec![a.clone()]);
        assert_eq!(due(&[&a, &b], 40), vec![b.clone()]);
        // Mended, and broken again.
        assert_eq!(due(&[&b], 41), []);
        assert_eq!(due(&[&a, &b], 42), vec![a.clone()]);
        // Broken in another way.
        assert_eq!(due(&[&worse, &b], 43), vec![worse.clone()]);
    }

    #[test]
    fn certificates_are_told_of_when_they_are_about_to_end_and_after() {
        const DAY: i64 = 24 * 60 * 60;
        let web = ObjectName::new("infra", "web");
        let certificate = |days: i64| Certificate {
            gateway: web.clone(),
            used_for: UsedFor::Listener("https".into()),
            secret: ObjectName::new("certs", "a"),
            validity: Validity {
                not_before: 0,
                not_after: days * DAY,
            },
        };
        let live = Live {
            api_version: "gateway.networking.k8s.io/v1".into(),
            uid: "uid-web".into(),
            ..Live::default()
        };
        let live = [((Kind::Gateway, web.clone()), live.into())].into();
        let told = |now| {
            let signs = certificate_signs([&certificate(90)], &live, now);
            let told = signs.into_iter().map(|sign| {
                assert_eq!((&sign.subject.name, &*sign.subject.uid), (&web, "uid-web"));
                assert!(sign.notice.warning);
                (sign.notice.reason, sign.notice.message)
            });
            told.collect::<Vec<_>>()
        };
        assert_eq!(told(10 * DAY), []);
        let [(reason, message)] = &told(80 * DAY)[..] else {
            panic!("one sign");
        };
        assert_eq!(reason, "CertificateExpiresSoon");
        let expected = "the certificate in Secret \"certs/a\", for listener https, expires at \
                        1970-04-01T00:00:00Z, and nothing has renewed it so far; ";
        assert!(message.starts_with(expected), "{message}");
        // The same words until it is over: they are told once.
        assert_eq!(told(80 * DAY), told(81 * DAY));
        assert_eq!(told(91 * DAY)[0].0, "CertificateExpired");
        assert_eq!(told(-1)[0].0, "CertificateNotYetValid");
        let gone = LiveStatuses::new();
        assert_eq!(certificate_signs([&certificate(1)], &gone, 9 * DAY), []);
    }

    #[test]
    fn what_cannot_be_read_says_what_it_means() {
        let Notice {
            reason,
            message,
            warning,
            ..
        } = sign("a", "spec.rules: is text, but must be a list").notice;
        assert_eq!((reason.as_str(), warning), ("Unreadable", true));
        let expected = "xdp-gateway cannot read this object: spec.rules: is text, but must be a \
                        list; it has no effect until then";
        assert_eq!(message, expected);
    }
}
