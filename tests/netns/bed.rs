//! The bed itself, without a gateway: what the other tests take for granted.

use std::time::Duration;

use anyhow::{Result, ensure};
use gateway_tests::{bed::Bed, net::litter, report::TcpReport, wait::wait_until};

const MEGABYTE: u64 = 1 << 20;

#[test]
fn clients_reach_servers_through_the_node() -> Result<()> {
    let bed = Bed::new()?;
    let http = bed.http("--to 10.77.1.2:8080 --host a.example.com --count 20 --connections 2")?;
    ensure!(http.failed == 0 && http.connections == 2, "{http:?}");
    ensure!(http.versions.get("v1") == Some(&20), "{http:?}");

    let tcp = bed.tcp(&format!("--to 10.77.2.2:9000 --bytes {MEGABYTE} --count 3"))?;
    tcp.expect_echoed(3 * MEGABYTE)?;
    ensure!(tcp.client_address_kept, "{tcp:?}");

    let crowd = "crowd --to 10.77.2.2:9000 --connections 300 --bytes 100 --rounds 3";
    let crowd: TcpReport = bed.start("crowd", crowd)?.report()?;
    crowd.expect_echoed(300 * 100 * 3)?;
    ensure!(crowd.servers.get("echo-app2") == Some(&300), "{crowd:?}");
    ensure!(crowd.client_address_kept, "{crowd:?}");

    let udp = bed.udp("--to 10.77.1.2:5353 --count 10")?;
    ensure!(udp.lost == 0 && udp.client_address_kept, "{udp:?}");
    ensure!(udp.servers.get("dns-app1") == Some(&10), "{udp:?}");

    let ping = bed.ping("--to 10.77.0.1 --count 2")?;
    ensure!(ping.sent == 2 && ping.lost == 0, "{ping:?}");
    Ok(())
}

#[test]
fn clients_count_what_fails() -> Result<()> {
    let bed = Bed::new()?;
    let http = bed.http("--to 10.77.1.2:1 --host a.example.com --count 2")?;
    ensure!(http.failed == 2 && http.statuses.is_empty(), "{http:?}");
    let tcp = bed.tcp("--to 10.77.1.2:1 --count 2")?;
    ensure!(tcp.failed == 2 && tcp.bytes_back == 0, "{tcp:?}");
    let crowd = "crowd --to 10.77.1.2:1 --connections 9 --rounds 1";
    let crowd: TcpReport = bed.start("crowd", crowd)?.report()?;
    ensure!(crowd.failed == 9 && crowd.bytes_back == 0, "{crowd:?}");
    ensure!(!crowd.errors.is_empty(), "{crowd:?}");
    let udp = bed.udp("--to 10.77.1.2:1 --count 2 --patience-ms 100")?;
    ensure!(udp.lost == 2, "{udp:?}");
    // An address of the client's own network that nobody has.
    let ping = bed.ping("--to 10.77.0.99 --count 1")?;
    ensure!(ping.lost == 1, "{ping:?}");
    Ok(())
}

#[test]
fn nothing_is_left_behind() -> Result<()> {
    let bed = Bed::new()?;
    let mine = format!("/{}", bed.net.name());
    let name = bed.net.name().to_owned();
    let pids = bed.app1.pids()?;
    ensure!(!pids.is_empty(), "no server runs in {}", bed.app1.name());
    ensure!(
        litter::list().iter().any(|left| left.contains(&mine)),
        "no files"
    );
    drop(bed);
    let left: Vec<_> = litter::list()
        .into_iter()
        .filter(|l| l.contains(&format!("{name}-")))
        .collect();
    ensure!(left.is_empty(), "left behind: {left:?}");
    let gone = |pid: &u32| !std::path::Path::new(&format!("/proc/{pid}")).exists();
    wait_until(Duration::from_secs(5), "the servers are gone", || {
        Ok(pids.iter().all(gone))
    })?;
    Ok(())
}
