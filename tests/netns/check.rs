//! `xdp-gateway check` on the manifests of the demo.

use std::process::Command;

use anyhow::{Result, ensure};
use gateway_tests::programs::{Programs, root};

#[test]
fn the_examples_are_accepted() -> Result<()> {
    let mut check = Command::new(&Programs::get()?.gateway);
    let out = check
        .arg("check")
        .arg(root()?.join("examples/demo"))
        .output()?;
    let said = String::from_utf8_lossy(&out.stdout);
    ensure!(
        out.status.success(),
        "{said}\n{}",
        String::from_utf8_lossy(&out.stderr)
    );
    for name in ["demo", "hello", "shop", "canary", "secure", "echo", "dns"] {
        ensure!(
            said.contains(&format!("default/{name}")),
            "{name} is not mentioned:\n{said}"
        );
    }
    Ok(())
}
