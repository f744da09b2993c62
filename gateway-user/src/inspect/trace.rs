//! `xdp-gateway trace`: why a packet goes where it goes, or nowhere.

mod explain;

use anyhow::{Result, bail};
use gateway_core::l4::trace::{Tuple, trace as follow};

use self::explain::{Explanation, explain};
use super::names::Names;
use crate::{
    bpf::View,
    cli::{self, Format},
};

/// Runs the data path's own decision on a made-up first packet, over the maps in force, which it
/// cannot change; and explains each step.
///
/// # Errors
/// Where nothing is pinned, or without the privileges for it.
pub async fn trace(options: &cli::Trace) -> Result<()> {
    let (source, destination) = (options.source, options.destination);
    if source.is_ipv4() != destination.is_ipv4() {
        bail!("{source} and {destination} are of different families: a packet has one");
    }
    let tuple = Tuple {
        transport: options.protocol.into(),
        source,
        destination,
    };
    let view = View::open(&options.place.pin_dir)?;
    let names = Names::ask(options.place.admin).await;
    let clock = view.clock()?;
    let trace = follow(&view, tuple, options.sni.as_deref(), clock)?;
    let explanation = explain(&trace, clock, &names);
    match options.output {
        Format::Table => print!("{}", render(&explanation)),
        Format::Json => println!("{}", serde_json::to_string_pretty(&explanation)?),
    }
    Ok(())
}

fn render(of: &Explanation) -> String {
    let mut text = format!("{} {} -> {}\n\n", of.protocol, of.source, of.destination);
    for (number, step) in (1..).zip(&of.steps) {
        text.push_str(&format!("{number:>2}  {step}\n"));
    }
    text.push_str(&format!("\n{}: {}\n", of.counter, of.meaning));
    for line in &of.notes {
        text.push_str(&format!("{line}\n"));
    }
    text
}
