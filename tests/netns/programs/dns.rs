//! A DNS server and a resolver: UDP and TCP on one address and port.

use std::{fmt::Write as _, fs};

use anyhow::{Context, Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAY, GATEWAY_V6},
    net::Namespace,
    process::Process,
};

use super::{Exposed, carried, says};

/// dnsmasq answers a hundred over one TCP connection.
const NAMES: usize = 100;
/// What servers say over UDP unless they are told otherwise, in bytes (DNS flag day 2020).
const USUAL: usize = 1_232;

#[test]
fn dns_over_udp_and_tcp_on_one_port() -> Result<()> {
    let bed = Bed::dual_stack()?;
    bed.config.remove("udp.yaml")?;
    let listener = "    - name: dns\n      protocol: UDP\n      port: 53\n";
    bed.config.replace("gateway.yaml", listener, "")?;
    Exposed {
        name: "names",
        port: 53,
        protocols: &["TCP", "UDP"],
        v4: &["10.77.1.2", "10.77.2.2"],
        v6: &["2001:db8:78::2", "2001:db8:79::2"],
    }
    .add_to(&bed)?;
    let zone = zone(&bed)?;
    let _servers = [dnsmasq(&bed.app1, &zone)?, dnsmasq(&bed.app2, &zone)?];
    let _daemon = bed.daemon()?;
    let forward = [GATEWAY, GATEWAY_V6].map(|gateway| format!("--server={gateway}"));
    let _resolver = dnsmasq(&bed.client, &forward)?;

    for server in [GATEWAY, GATEWAY_V6, "127.0.0.1"] {
        many_names(&bed, server).context(server)?;
        a_large_answer(&bed, server).context(server)?;
        no_such_name(&bed, server).context(server)?;
    }
    Ok(())
}

/// `hN.example.com` and `large.example.com`, as options.
fn zone(bed: &Bed) -> Result<[String; 3]> {
    let mut hosts = String::new();
    for number in 0..NAMES {
        writeln!(hosts, "{} h{number}.example.com", address(number))?;
    }
    let file = bed.net.dir().join("hosts");
    fs::write(&file, hosts)?;
    Ok([
        format!("--addn-hosts={}", file.display()),
        format!("--txt-record=large.example.com,{}", large().join(",")),
        "--local=/example.com/".to_owned(),
    ])
}

fn address(number: usize) -> String {
    format!("192.0.2.{number}")
}

/// Strings of a TXT record: more than [`USUAL`], less than fits into a packet.
fn large() -> [String; 5] {
    ["a", "b", "c", "d", "e"].map(|letter| letter.repeat(250))
}

fn dnsmasq(namespace: &Namespace, options: &[String]) -> Result<Process> {
    let always = [
        "--keep-in-foreground",
        "--log-facility=-",
        "--conf-file=/dev/null",
        "--pid-file=",
        "--user=root",
        "--no-resolv",
        "--no-hosts",
        "--cache-size=0",
        "--edns-packet-max=4096",
    ];
    let all = always.into_iter().chain(options.iter().map(String::as_str));
    let mut server = Process::server(namespace, "dnsmasq", "dnsmasq", all)?;
    says(&mut server, "started, version")?;
    Ok(server)
}

/// Over UDP from as many ports, then over one TCP connection.
fn many_names(bed: &Bed, server: &str) -> Result<()> {
    let (mut questions, mut expected) = (String::new(), String::new());
    for number in 0..NAMES {
        writeln!(questions, "h{number}.example.com A")?;
        writeln!(expected, "{}", address(number))?;
    }
    let file = bed.net.dir().join("questions");
    fs::write(&file, questions)?;
    let file = file.display();
    let before = carried(bed, 53)?.flows;
    let said = dig(bed, server, &format!("+short -f {file}"))?;
    ensure!(said == expected, "over UDP:\n{said}");
    let flows = carried(bed, 53)?.flows - before;
    // Some may have had the same port.
    ensure!(flows > NAMES as u64 / 2, "{flows} flows");
    let said = dig(bed, server, &format!("+short +tcp +keepopen -f {file}"))?;
    ensure!(said == expected, "over TCP:\n{said}");
    let carried = carried(bed, 53)?;
    ensure!(carried.backends >= 2, "one server had all: {carried:?}");
    Ok(())
}

/// In one datagram where the client takes so many bytes; else truncated, and again over TCP.
fn a_large_answer(bed: &Bed, server: &str) -> Result<()> {
    let text: String = large().map(|part| format!("\"{part}\"")).join(" ");
    let whole = dig(bed, server, "large.example.com TXT +bufsize=4096 +ignore")?;
    ensure!(whole.contains(&text) && whole.contains("(UDP)"), "{whole}");
    let size = whole
        .lines()
        .find_map(|l| l.strip_prefix(";; MSG SIZE  rcvd: "));
    let size: usize = size.context("no size")?.parse()?;
    ensure!(size > USUAL, "{whole}");

    let cut = dig(bed, server, "large.example.com TXT +bufsize=1232 +ignore")?;
    ensure!(cut.contains(" tc ") && !cut.contains(&text), "{cut}");
    let again = dig(bed, server, "large.example.com TXT +bufsize=1232")?;
    ensure!(again.contains("Truncated, retrying in TCP mode"), "{again}");
    ensure!(again.contains(&text) && again.contains("(TCP)"), "{again}");
    Ok(())
}

fn no_such_name(bed: &Bed, server: &str) -> Result<()> {
    for protocol in ["+notcp", "+tcp"] {
        let said = dig(bed, server, &format!("nobody.example.com A {protocol}"))?;
        ensure!(said.contains("status: NXDOMAIN"), "{said}");
    }
    Ok(())
}

/// One try: nothing may be lost.
fn dig(bed: &Bed, server: &str, arguments: &str) -> Result<String> {
    let server = format!("@{server}");
    let always = ["-r", &server, "+tries=1", "+time=5"];
    bed.client
        .run("dig", always.into_iter().chain(arguments.split(' ')))
}
