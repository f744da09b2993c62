//! TLS connections that nobody takes: counted by what they are, closed by the proxy or reset by XDP.

use std::io::ErrorKind;

use anyhow::{Context as _, Result, ensure};
use gateway_common::{
    maps::TLS_HELLOS_READ,
    splice::{HelloKind, Outcome},
};
use gateway_tests::{
    bed::{Bed, GATEWAYS},
    peer::hello::Opening,
};
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    time::timeout,
};

use crate::{
    admin::sum,
    inspect::json,
    parameters::give,
    passthrough::{NAMES, block_on, connect, daemon},
    tcp::LIMIT,
    tls::certificate,
    tls_kernel::{Outcomes, dump},
};

const RESET: &str = "{tls: {unmatched: Reset}}";
const RESET_BY_PEER: std::result::Result<usize, ErrorKind> = Err(ErrorKind::ConnectionReset);

/// Beside those of TLS at port 443.
const HTTPS: &str = "  listeners:
    - {name: web, port: 443, protocol: HTTPS, tls: {certificateRefs: [{name: gateway}]}}
";
const SECRET: &str = "
apiVersion: v1
kind: Secret
metadata: {name: gateway}
type: kubernetes.io/tls
stringData:
  tls.crt: |
    CERTIFICATE
  tls.key: |
    KEY
";

/// Hellos by kind, in the order of [`HelloKind::ALL`].
fn hellos(bed: &Bed) -> Result<Vec<u64>> {
    let rows = dump(bed, TLS_HELLOS_READ)?;
    let count = |row: &Value| {
        let cpus = row["formatted"]["values"].as_array()?;
        let counts = cpus.iter().map(|cpu| cpu["value"].as_u64());
        counts.sum::<Option<u64>>()
    };
    let all: Option<Vec<_>> = rows.iter().map(count).collect();
    let all = all.with_context(|| format!("not as expected: {rows:?}"))?;
    ensure!(all.len() == HelloKind::ALL.len(), "{} kinds", all.len());
    Ok(all)
}

/// What a client gets whose connection begins with `bytes`: 0 bytes and the end, the first bytes of an
/// answer, or an error. The connection must be counted once, as `kind`.
async fn answer(
    bed: &Bed,
    to: &str,
    bytes: &[u8],
    kind: HelloKind,
) -> Result<std::result::Result<usize, ErrorKind>> {
    let before = hellos(bed)?;
    let mut client = connect(bed, to).await?;
    client.write_all(bytes).await?;
    let mut said = [0; 100];
    let read = timeout(LIMIT, client.read(&mut said)).await;
    let read = read.with_context(|| format!("silence about {kind:?}"))?;
    let after = hellos(bed)?;
    let counted = after.iter().zip(&before);
    let counted: Vec<u64> = counted.map(|(after, before)| after - before).collect();
    let mut expected = vec![0; HelloKind::ALL.len()];
    expected[kind as usize] = 1;
    ensure!(counted == expected, "{kind:?}: {counted:?}");
    Ok(read.map_err(|error| error.kind()))
}

/// What nobody takes at port 443, with what it is.
fn unmatched() -> Result<Vec<(Vec<u8>, HelloKind)>> {
    let name = |name: &str| Opening::of(name).wire(0);
    // A session id that is longer than it may be.
    let mut odd = name(NAMES[0].0)?;
    odd[43] = 0xff;
    Ok(vec![
        (name("nobody.pass.example")?, HelloKind::UnknownName),
        (name("nobody.example.org")?, HelloKind::UnknownName),
        (name("")?, HelloKind::NoName),
        (
            b"GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_vec(),
            HelloKind::NotTls,
        ),
        // The form of SSL 2.0 (RFC 2246, appendix E).
        (
            vec![0x80, 0x2e, 1, 3, 1, 0, 0x15, 0, 0, 0, 0x10],
            HelloKind::NotTls,
        ),
        (odd, HelloKind::Malformed),
    ])
}

/// The beginning of a message of more than 16 KB.
const TOO_LONG: [u8; 9] = [22, 3, 1, 0, 9, 1, 0, 0x40, 1];

#[test]
fn what_nobody_takes_is_the_proxys_by_default() -> Result<()> {
    let bed = Bed::passthrough()?;
    let daemon = daemon(&bed)?;
    block_on(async {
        for gateway in GATEWAYS {
            let to = format!("{gateway}:443");
            let before = Outcomes::read(&bed)?;
            let mut all = unmatched()?;
            all.push((TOO_LONG.to_vec(), HelloKind::TooLong));
            for (bytes, kind) in &all {
                // The kernel resets it, too, where the proxy closes before it has read all.
                let answer = answer(&bed, &to, bytes, *kind).await?;
                ensure!(
                    answer == Ok(0) || answer == RESET_BY_PEER,
                    "{kind:?}: {answer:?}"
                );
            }
            let outcomes = before.since(&bed)?;
            let asked = outcomes.of(Outcome::AskedProxy);
            ensure!(asked >= all.len() as u64, "{asked} SYNs for the proxy");
            ensure!(outcomes.of(Outcome::Unmatched) == 0, "XDP reset some");
        }
        Ok(())
    })?;
    let metrics = daemon.admin("/metrics")?;
    for (kind, count) in HelloKind::ALL.iter().zip(hellos(&bed)?) {
        let found = format!("found=\"{}\"", kind.describe().0);
        let told = sum(&metrics, "xdp_gateway_tls_hellos_read_total", &[&found])?;
        ensure!(told == count as f64, "{kind:?}: {told}, not {count}");
    }
    Ok(())
}

#[test]
fn what_nobody_takes_is_reset_by_xdp_where_that_is_asked_for() -> Result<()> {
    let bed = Bed::passthrough()?;
    give(&bed, RESET)?;
    let _daemon = daemon(&bed)?;
    block_on(async {
        for gateway in GATEWAYS {
            let to = format!("{gateway}:443");
            let before = Outcomes::read(&bed)?;
            let all = unmatched()?;
            for (bytes, kind) in &all {
                let answer = answer(&bed, &to, bytes, *kind).await?;
                ensure!(answer == RESET_BY_PEER, "{kind:?}: {answer:?}");
            }
            // A listener for all names, whose route has another one.
            let other = Opening::of("other.example").wire(0)?;
            let at = format!("{gateway}:8443");
            let answer = answer(&bed, &at, &other, HelloKind::UnknownName).await?;
            ensure!(answer == RESET_BY_PEER, "{answer:?}");
            let outcomes = before.since(&bed)?;
            let resets = outcomes.of(Outcome::Unmatched);
            ensure!(resets == all.len() as u64 + 1, "{resets} resets");
            ensure!(outcomes.of(Outcome::AskedProxy) == 0, "the proxy was asked");
            // It may have a good name, which the proxy can read; this one has none.
            let answer = self::answer(&bed, &to, &TOO_LONG, HelloKind::TooLong).await?;
            ensure!(answer == RESET_BY_PEER, "{answer:?}");
            let asked = before.since(&bed)?.of(Outcome::AskedProxy);
            ensure!(asked > 0, "the proxy was not asked");
            served(&bed, gateway)?;
        }
        Ok(())
    })?;
    let trace = |name: &str| {
        let ends = format!("trace tcp 10.77.0.2:7 {}:443 --sni={name}", GATEWAYS[0]);
        json(&bed, &ends)
    };
    for (name, kind) in [("nobody.pass.example", "unknown_name"), ("", "no_name")] {
        let text = trace(name)?.to_string();
        let counted = format!("counts its ClientHello as {kind}");
        ensure!(text.contains("resets the connection"), "{text}");
        ensure!(text.contains(&counted), "{text}");
    }
    let maps = json(&bed, "maps")?.to_string();
    ensure!(maps.contains("xdp by name or reset"), "{maps}");
    Ok(())
}

/// Names that routes have, by their backends.
fn served(bed: &Bed, gateway: &str) -> Result<()> {
    for (name, server) in NAMES {
        let report = bed.tcp(&format!("--to {gateway}:443 --server-name {name}"))?;
        ensure!(report.servers.contains_key(server), "{name}: {report:?}");
    }
    Ok(())
}

/// An HTTPS listener without a host name has all names that no other listener has.
#[test]
fn a_listener_for_all_names_takes_what_nobody_else_does() -> Result<()> {
    let bed = Bed::passthrough()?;
    give(&bed, RESET)?;
    let files = certificate(&bed, &["www.example.com"])?;
    bed.config
        .replace("gateway.yaml", "  listeners:\n", HTTPS)?;
    bed.config.write("secret.yaml", &files.put_into(SECRET)?)?;
    let _daemon = daemon(&bed)?;
    block_on(async {
        for gateway in GATEWAYS {
            let to = format!("{gateway}:443");
            for (bytes, kind) in unmatched()? {
                // Another listener has the one name, and no route for it.
                let elsewhere = bytes.windows(12).any(|part| part == b"pass.example");
                let (kind, taken) = match kind {
                    HelloKind::UnknownName if !elsewhere => (HelloKind::NameOfProxy, true),
                    kind => (kind, kind == HelloKind::NoName),
                };
                let answer = answer(&bed, &to, &bytes, kind).await?;
                match taken {
                    true => ensure!(matches!(answer, Ok(1..)), "{kind:?}: {answer:?}"),
                    false => ensure!(answer == RESET_BY_PEER, "{kind:?}: {answer:?}"),
                }
            }
            served(&bed, gateway)?;
        }
        Ok(())
    })
}
