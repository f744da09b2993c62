//! From manifests to the text that `status` prints.

use gateway_core::{
    announce::Answerer,
    name::ObjectName,
    plan::{Certificate, UsedFor, Validity},
    status::endpoint_verdicts,
    translate::{Settings, translate},
};

use k8s_openapi::jiff::Timestamp;

use super::*;
use crate::{
    status::{
        render::render,
        report::{ChosenRow, TroubleRow},
    },
    testing::{MANIFEST, world},
};

const EXPECTED: &str = "\
xdp-gateway 0.0.0: not ready
objects from https://10.0.0.1:6443
nothing new is served until these have been listed: Secret
cannot be watched: Gateway, Secret: connection refused
not installed in the API server: TCPRoute, UDPRoute
interfaces eth0 (the command line); workers 2 (default); flows 131072 (default)
interfaces eth9 of GatewayClasses have no effect
the data path is behind: a map is full
something is broken since the start: what an earlier start left in the kernel is not removed \
until all of it can be read (see Problems)

Gateways
GATEWAY    CLASS  ADDRESS   LISTENER  PROTOCOL  PORT  HOST           ROUTES  PROGRAMMED
infra/web  xdp    10.0.0.1  http      HTTP      80    *.example.com  1       yes
                            echo      TCP       7     any            1       yes

Addresses
ADDRESS   ANSWERED BY
10.0.0.1  this node

Address pools
POOL  ADDRESSES                                   USED  FREE-IPV4  FREE-IPV6  CONFLICTS
edge  10.0.0.1-10.0.0.6, 2001:db8::1-2001:db8::2  1     5          2

Routes
ROUTE                 PARENT          ACCEPTED
HTTPRoute infra/shop  infra/web/http  yes
TCPRoute infra/echo   infra/web/echo  yes

Backends
ROUTE                 RULE  BACKEND      SHARE    READY
HTTPRoute infra/shop  0     infra/v1:80  80.0 %   1/2
HTTPRoute infra/shop  0     infra/v2:80  20.0 %   0/0
HTTPRoute infra/shop  1     invalid      100.0 %  0/0
TCPRoute infra/echo   0     infra/v1:80  100.0 %  1/2

Programs in the kernel
INTERFACE  HOOK  MODE    NOTE
eth0       xdp   driver

Not served as asked
something on IPv6

Problems
error: a.yaml: cannot be read
";

const NOW: Timestamp = Timestamp::UNIX_EPOCH;

const POOL: &str = "\
apiVersion: xdp-gateway.dev/v1alpha1
kind: AddressPool
metadata: {name: edge}
spec: {addresses: [10.0.0.0/29, '2001:db8::1-2001:db8::2']}
";

fn report() -> Report {
    let world = world(&format!("{MANIFEST}---\n{POOL}"));
    let mut translation = translate(&world, &Settings::default());
    let endpoints = world.endpoints(translation.plan.backend_ids().into_iter());
    endpoint_verdicts(&translation.plan, &endpoints, &mut translation.statuses);
    let xdp = ["eth0", "xdp", "driver", ""].map(String::from);
    let [interface, hook, mode, note] = xdp;
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    let source = SourceRow {
        from: "https://10.0.0.1:6443".to_owned(),
        waiting_for: names(&["Secret"]),
        not_installed: names(&["TCPRoute", "UDPRoute"]),
        troubles: vec![TroubleRow {
            why: "connection refused".to_owned(),
            kinds: names(&["Gateway", "Secret"]),
        }],
    };
    let report = build(Facts {
        source,
        node: NodeRow {
            interfaces: ChosenRow::new("eth0".into(), "the command line"),
            workers: ChosenRow::new("2".into(), "default"),
            flows: ChosenRow::new("131072".into(), "default"),
            without_effect: vec!["interfaces eth9 of GatewayClasses have no effect".into()],
        },
        world: &world,
        plan: &translation.plan,
        endpoints: &endpoints,
        tables: &Tables::default(),
        statuses: &translation.statuses,
        problems: vec![Problem::of_file("a.yaml".into(), "cannot be read")],
        attachments: vec![AttachmentRow {
            interface,
            hook,
            mode,
            note,
        }],
        answerers: &[([10, 0, 0, 1].into(), Answerer::Us)].into(),
        failing: &[].into(),
        panicking: &[].into(),
        unserved: vec!["something on IPv6".into()],
        removals_held_back: true,
        failure: Some("a map is full".into()),
    });
    Report {
        version: "0.0.0".into(),
        ..report
    }
}

#[test]
fn a_person_sees_everything_at_a_glance() {
    let text = render(&report(), NOW);
    let (sections, wrong) = text
        .split_once("\nNot as wished\n")
        .expect("something is wrong");
    assert_eq!(sections, EXPECTED);
    // Messages have tests of their own: here only that they are shown, and nothing that is well.
    let shop = "HTTPRoute infra/shop (parent infra/web, listener http)  ";
    let rows: Vec<_> = wrong.lines().skip(1).collect();
    assert!(rows.iter().all(|row| row.starts_with(shop)), "{wrong}");
    let has = |words: [&str; 2]| rows.iter().any(|row| words.iter().all(|w| row.contains(w)));
    assert!(has(["ResolvedRefs", "nowhere"]), "{wrong}");
    assert!(has(["BackendsReady", "infra/v2"]), "{wrong}");
    assert_eq!(rows.len(), 2, "{wrong}");
}

#[test]
fn a_program_gets_the_same_back() {
    let json = serde_json::to_string(&report()).unwrap();
    assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report());
    let value: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(value["gateways"][0]["listeners"][0]["attachedRoutes"], 1);
    assert_eq!(value["conditions"][0]["asWished"], true);
}

#[test]
fn nothing_configured_is_one_line() {
    let report = Report {
        version: "0.0.0".into(),
        ready: true,
        ..Report::default()
    };
    assert_eq!(render(&report, NOW), "xdp-gateway 0.0.0: ready\n");
}

#[test]
fn certificates_are_shown_with_what_time_makes_of_them() {
    const DAY: i64 = 24 * 60 * 60;
    let certificate = |name: &str, days: i64| Certificate {
        gateway: ObjectName::new("infra", "web"),
        used_for: UsedFor::Listener(name.into()),
        secret: ObjectName::new("infra", name),
        validity: Validity {
            not_before: 0,
            not_after: days * DAY,
        },
    };
    let all = [("a", 20), ("b", 30), ("c", 100)].map(|(name, days)| certificate(name, days));
    let report = Report {
        version: "0.0.0".into(),
        ready: true,
        certificates: all.iter().map(CertificateRow::new).collect(),
        ..Report::default()
    };
    let json = serde_json::to_value(&report.certificates[0]).unwrap();
    assert_eq!(json["notAfter"], "1970-01-21T00:00:00Z");
    assert_eq!(
        serde_json::from_value::<CertificateRow>(json).unwrap(),
        report.certificates[0]
    );
    let expected = "\
xdp-gateway 0.0.0: ready

Certificates
CERTIFICATE  GATEWAY    USED FOR    VALID UNTIL           NOTE
infra/a      infra/web  listener a  1970-01-21T00:00:00Z  expired
infra/b      infra/web  listener b  1970-01-31T00:00:00Z  expires soon
infra/c      infra/web  listener c  1970-04-11T00:00:00Z
";
    let now = Timestamp::from_second(29 * DAY).unwrap();
    assert_eq!(render(&report, now), expected);
}
