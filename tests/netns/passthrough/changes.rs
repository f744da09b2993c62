//! Rules that change while connections are open and others come.

use std::fs;

use anyhow::{Result, ensure};
use gateway_tests::{
    bed::{AFTER_HELLO, Bed, GATEWAYS, TlsRoute},
    process::Process,
    report::TcpReport,
    wait::wait_until,
};

use super::{all_came_to, daemon, served};
use crate::tcp::LIMIT;

const OPEN: u64 = 300;
const NAME: &str = "split.pass.example";
const APP1: [&str; 2] = ["10.77.1.2", "2001:db8:78::2"];
const APP2: [&str; 2] = ["10.77.2.2", "2001:db8:79::2"];

/// Connections that stay open and send all the time, in both families.
struct Load([Process; 2]);

impl Load {
    fn start(bed: &Bed) -> Result<Self> {
        let start = |index: usize| {
            let gateway = GATEWAYS[index];
            let ask = format!("crowd --to {gateway}:443 --server-name {NAME} --connections {OPEN}");
            bed.start(&format!("load-{index}"), &ask)
        };
        let mut load = Self([start(0)?, start(1)?]);
        load.goes_on()?;
        Ok(load)
    }

    /// All connections have sent and received once more.
    fn goes_on(&mut self) -> Result<()> {
        self.0.iter_mut().try_for_each(|crowd| crowd.goes_on(2))
    }

    /// Nothing was lost, whatever has become of the rules.
    fn end(self) -> Result<()> {
        for crowd in self.0 {
            let report: TcpReport = crowd.finish()?;
            report.expect_echoed(report.bytes_sent)?;
            ensure!(report.connections == OPEN, "{report:?}");
            ensure!(report.servers.len() == 2, "{report:?}");
        }
        Ok(())
    }
}

/// Waits until new connections go to these servers alone, without one that fails meanwhile.
fn new_ones_go_to(bed: &Bed, servers: &[&str]) -> Result<()> {
    for gateway in GATEWAYS {
        let ask = format!("--to {gateway}:443 --server-name {NAME} --count 40");
        wait_until(LIMIT, &format!("{NAME} leads to {servers:?}"), || {
            let report = bed.tcp(&ask)?;
            ensure!(report.failed == 0, "a connection failed: {report:?}");
            Ok(report.servers.keys().eq(servers))
        })?;
    }
    Ok(())
}

fn split(bed: &Bed, weights: [u32; 2]) -> Result<()> {
    let [first, second] = weights;
    bed.tls_route(&TlsRoute {
        name: "split",
        listener: "through",
        hostnames: &[NAME],
        backends: &[("app1", first), ("app2", second)],
    })
}

#[test]
fn open_connections_outlive_every_change() -> Result<()> {
    let bed = Bed::passthrough()?;
    let _daemon = daemon(&bed)?;
    let mut load = Load::start(&bed)?;

    split(&bed, [1, 0])?;
    new_ones_go_to(&bed, &["app1"])?;
    load.goes_on()?;
    split(&bed, [0, 1])?;
    new_ones_go_to(&bed, &["app2"])?;
    load.goes_on()?;

    // Backends come and go within a Service.
    bed.tls_service("app2", &APP1, AFTER_HELLO)?;
    new_ones_go_to(&bed, &["app1"])?;
    load.goes_on()?;
    bed.tls_service("app2", &[APP1, APP2].concat(), AFTER_HELLO)?;
    new_ones_go_to(&bed, &["app1", "app2"])?;
    load.goes_on()?;

    // And routes.
    let route = fs::read_to_string(bed.config.dir().join("split.yaml"))?;
    bed.config.remove("split.yaml")?;
    for gateway in GATEWAYS {
        wait_until(LIMIT, "the name leads nowhere", || {
            let ask = format!("--to {gateway}:443 --server-name {NAME} --count 3");
            Ok(bed.tcp(&ask)?.failed == 3)
        })?;
        served(&bed, &format!("{gateway}:443"), "app1.pass.example", "app1")?;
    }
    load.goes_on()?;
    bed.config.write("split.yaml", &route)?;
    for gateway in GATEWAYS {
        served(&bed, &format!("{gateway}:443"), NAME, "app2")?;
    }
    load.goes_on()?;
    load.end()
}

/// Other names of the same listener notice nothing.
#[test]
fn no_connection_fails_while_other_names_change() -> Result<()> {
    let bed = Bed::passthrough()?;
    let _daemon = daemon(&bed)?;
    let ask = |name: &str| format!("--to {}:443 --server-name {name} --count 50", GATEWAYS[0]);
    for round in 0..40 {
        let names: Vec<_> = (0..round % 7)
            .map(|n| format!("n{n}.pass.example"))
            .collect();
        let mut hostnames: Vec<_> = names.iter().map(String::as_str).collect();
        hostnames.push("*.many.pass.example");
        bed.tls_route(&TlsRoute {
            name: "many",
            listener: "through",
            hostnames: &hostnames,
            backends: &[("app2", 1 + round % 3)],
        })?;
        let report = bed.tcp(&ask("app1.pass.example"))?;
        all_came_to(&report, "app1", 50 * 64)?;
    }
    let to = format!("{}:443", GATEWAYS[0]);
    served(&bed, &to, "n0.pass.example", "app2")?;
    Ok(())
}
