//! Path MTU discovery of spliced connections: both ends learn of a narrow link from an ICMP error
//! that quotes numbers and addresses of their own.

use anyhow::{Result, ensure};
use gateway_common::splice::Outcome;
use gateway_tests::bed::{Bed, GATEWAYS};

use crate::{
    mtu::{distant_client, narrow_backend, transfer},
    passthrough::daemon,
    tls_kernel::Outcomes,
};

#[test]
fn backends_learn_of_a_narrow_link_to_the_client() -> Result<()> {
    let bed = Bed::passthrough()?;
    let far = distant_client(&bed)?;
    let _daemon = daemon(&bed)?;
    for gateway in GATEWAYS {
        // Of a backend behind a link, and of one on the node.
        for name in ["app1", "node"] {
            let before = Outcomes::read(&bed)?;
            let to = format!("{gateway}:443 --server-name {name}.pass.example");
            let report = transfer(&far, &to)?;
            ensure!(report.client_address_kept, "{report:?}");
            let told = before.since(&bed)?.of(Outcome::ErrorToBackend);
            ensure!(told > 0, "nobody was told: {report:?}");
        }
    }
    Ok(())
}

#[test]
fn clients_learn_of_a_narrow_link_to_the_backend() -> Result<()> {
    let bed = Bed::passthrough()?;
    narrow_backend(&bed)?;
    let _daemon = daemon(&bed)?;
    for gateway in GATEWAYS {
        let before = Outcomes::read(&bed)?;
        let to = format!("{gateway}:443 --server-name a.wild.pass.example");
        let report = transfer(&bed.client, &to)?;
        ensure!(report.servers.get("app2") == Some(&4), "{report:?}");
        let told = before.since(&bed)?.of(Outcome::ErrorToClient);
        ensure!(told > 0, "nobody was told: {report:?}");
    }
    Ok(())
}
