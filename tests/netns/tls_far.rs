//! TLS passthrough to backends on other nodes: from an address of this one, or the replies would not
//! pass it.

use anyhow::{Result, ensure};
use gateway_tests::{
    bed::{AFTER_HELLO, Backends, Bed, GATEWAYS, TlsRoute},
    process::Process,
    programs::Programs,
};

use crate::{
    far::{DISTANT, distant_host},
    passthrough::daemon,
};

const BYTES: u64 = 3_000_000;
const CONNECTIONS: u64 = 200;

#[test]
fn backends_on_other_nodes_are_spliced_with_an_address_of_this_one() -> Result<()> {
    let bed = Bed::passthrough()?;
    let remote = distant_host(&bed)?;
    let peer = &Programs::get()?.peer;
    let _servers = DISTANT
        .map(|address| {
            let at = Bed::at(address, AFTER_HELLO);
            let serve = format!("serve-tcp --after-hello --listen {at} --name far");
            Process::server(&remote, &format!("far {address}"), peer, serve.split(' '))
        })
        .into_iter()
        .collect::<Result<Vec<_>>>()?;
    let backends = Backends {
        name: "far",
        port: ("tls", "TCP", 443),
        target: AFTER_HELLO,
        addresses: &DISTANT,
        node: "another",
    };
    bed.config.write("service-far.yaml", &backends.manifest())?;
    bed.tls_route(&TlsRoute {
        name: "far",
        listener: "through",
        hostnames: &["far.pass.example"],
        backends: &[("far", 1)],
    })?;
    let _daemon = daemon(&bed)?;
    for gateway in GATEWAYS {
        let to = format!("--server-name far.pass.example --to {gateway}:443");
        let report = bed.tcp(&format!("{to} --bytes {BYTES} --count 5"))?;
        report.expect_echoed(5 * BYTES)?;
        ensure!(report.servers.get("far") == Some(&5), "{report:?}");
        ensure!(!report.client_address_kept, "{report:?}");
        let report = bed.tcp(&format!("{to} --bytes 100 --count {CONNECTIONS}"))?;
        report.expect_echoed(100 * CONNECTIONS)?;
    }
    Ok(())
}
