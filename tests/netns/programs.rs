//! Programs that others wrote, and loads like theirs, through XDP.

mod crowd;
mod dns;
mod iperf;
mod redis;
mod session;

use std::{net::SocketAddr, time::Duration};

use anyhow::{Context, Result, ensure};
use gateway_tests::{bed::Bed, process::Process, wait::wait_until};

use super::inspect::json;

const STARTS: Duration = Duration::from_secs(20);

/// What a Service with endpoints of both families gets a listener for, of this protocol and port.
struct Exposed<'a> {
    name: &'a str,
    port: u16,
    protocols: &'a [&'a str],
    v4: &'a [&'a str],
    v6: &'a [&'a str],
}

impl Exposed<'_> {
    /// Adds listeners to the Gateway of the bed, with a route each. Before the daemon starts.
    fn add_to(&self, bed: &Bed) -> Result<()> {
        let Self { name, port, .. } = *self;
        let mut listeners = "  listeners:\n".to_owned();
        let mut objects = vec![format!(
            "apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: default}}\n\
             spec: {{ports: {}}}\n",
            self.ports()
        )];
        for protocol in self.protocols {
            let section = format!("{name}-{}", protocol.to_lowercase());
            listeners +=
                &format!("    - {{name: {section}, protocol: {protocol}, port: {port}}}\n");
            objects.push(format!(
                "apiVersion: gateway.networking.k8s.io/v1\nkind: {protocol}Route\n\
                 metadata: {{name: {section}, namespace: default}}\n\
                 spec:\n  parentRefs: [{{name: demo, sectionName: {section}}}]\n  \
                 rules: [{{backendRefs: [{{name: {name}, port: {port}}}]}}]\n"
            ));
        }
        objects.extend([("IPv4", self.v4), ("IPv6", self.v6)].map(|slice| self.slice(slice)));
        bed.config
            .replace("gateway.yaml", "  listeners:\n", &listeners)?;
        bed.config
            .write(&format!("{name}.yaml"), &objects.join("---\n"))
    }

    fn ports(&self) -> String {
        let port = |protocol: &&str| {
            let (name, port) = (protocol.to_lowercase(), self.port);
            format!("{{name: {name}, protocol: {protocol}, port: {port}}}")
        };
        let ports: Vec<_> = self.protocols.iter().map(port).collect();
        format!("[{}]", ports.join(", "))
    }

    fn slice(&self, (family, addresses): (&str, &[&str])) -> String {
        let Self { name, .. } = *self;
        let endpoint = |address: &&str| format!("{{addresses: ['{address}']}}");
        let endpoints: Vec<_> = addresses.iter().map(endpoint).collect();
        format!(
            "apiVersion: discovery.k8s.io/v1\nkind: EndpointSlice\n\
             metadata:\n  name: {name}-{}\n  namespace: default\n  \
             labels: {{kubernetes.io/service-name: {name}}}\n\
             addressType: {family}\nports: {}\nendpoints: [{}]\n",
            family.to_lowercase(),
            self.ports(),
            endpoints.join(", ")
        )
    }
}

/// Waits until a server has said that it serves.
fn says(server: &mut Process, words: &str) -> Result<()> {
    let waited = wait_until(STARTS, "a server starts", || {
        server.expect_running()?;
        Ok(server.log().contains(words))
    });
    waited.with_context(|| server.log()).map(drop)
}

/// What XDP has carried to and from the backends at one port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Carried {
    flows: u64,
    /// Backends with flows.
    backends: u64,
    request_packets: u64,
    request_bytes: u64,
    reply_packets: u64,
    reply_bytes: u64,
}

fn carried(bed: &Bed, port: u16) -> Result<Carried> {
    let maps = json(bed, "maps")?;
    let rows = maps["backends"].as_array().context("no backends")?;
    let (mut sum, mut known) = (Carried::default(), false);
    for row in rows {
        let address = row["address"].as_str().context("no address")?;
        if address.parse::<SocketAddr>()?.port() != port {
            continue;
        }
        known = true;
        let number = |field: &str| row[field].as_u64().context("no number");
        sum.flows += number("flows")?;
        sum.backends += u64::from(number("flows")? > 0);
        sum.request_packets += number("requestPackets")?;
        sum.request_bytes += number("requestBytes")?;
        sum.reply_packets += number("replyPackets")?;
        sum.reply_bytes += number("replyBytes")?;
    }
    ensure!(known, "no backend at port {port}: {maps}");
    Ok(sum)
}
