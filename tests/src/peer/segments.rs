//! TCP client without the kernel's TCP: cuts its first bytes where no kernel does.

mod connection;
mod plan;

use std::{
    collections::HashMap,
    net::{IpAddr, SocketAddr},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};

use self::{connection::Connection, plan::Order};
use super::{
    hello::Opening,
    pattern::fill,
    segment::{Link, Received, Segment},
};
use crate::report::{Greeting, SegmentsReport};

/// Connections at a time.
const AT_ONCE: usize = 50;
const WAIT: Duration = Duration::from_millis(2);
const FIRST_PORT: u16 = 1_024;
/// Errors that are told; the others are alike.
const ERRORS: usize = 5;

/// Says a hello and what follows it in pieces, over a connection for each place to cut at, to an
/// echo server that greets after the hello.
#[derive(clap::Args, Clone)]
pub(super) struct Args {
    #[arg(long)]
    to: SocketAddr,
    /// An address that no interface has, but that leads here.
    #[arg(long)]
    from: IpAddr,
    #[command(flatten)]
    opening: Opening,
    /// Bytes that follow the hello at once.
    #[arg(long, default_value_t = 16)]
    early: usize,
    #[arg(long, value_enum)]
    order: Order,
    /// Bytes from one place to cut at to the next.
    #[arg(long, default_value_t = 1)]
    step: usize,
}

#[expect(
    clippy::unused_async,
    reason = "a client like the others; it blocks its own process"
)]
pub(super) async fn run(args: Args) -> Result<SegmentsReport> {
    let mut run = Run {
        link: Link::open(args.to.ip(), WAIT)?,
        hello: args.opening.wire(0)?,
        early: vec![0; args.early],
        going_on: HashMap::new(),
        report: SegmentsReport {
            client_address_kept: true,
            ..SegmentsReport::default()
        },
        args,
    };
    fill(0, 0, &mut run.early);
    let total = run.hello.len() + run.early.len();
    let mut cuts = (1..total).step_by(run.args.step);
    let mut port = FIRST_PORT;
    loop {
        while run.going_on.len() < AT_ONCE
            && let Some(cut) = cuts.next()
        {
            run.start(port, cut)?;
            port = port.checked_add(1).context("no more ports")?;
        }
        if run.going_on.is_empty() {
            return Ok(run.report);
        }
        run.receive()?;
        run.tick()?;
    }
}

struct Run {
    args: Args,
    link: Link,
    hello: Vec<u8>,
    early: Vec<u8>,
    /// By port.
    going_on: HashMap<u16, Connection>,
    report: SegmentsReport,
}

impl Run {
    fn start(&mut self, port: u16, cut: usize) -> Result<()> {
        let said = [&self.hello[..], &self.early].concat();
        let pieces = self.args.order.pieces(cut, said.len());
        let mut sequence = [0; 4];
        // Another one in each run: who begins with the same number again is taken for a copy.
        let run = u64::from(std::process::id());
        fill(run << 16 | u64::from(port), 0, &mut sequence);
        let template = Segment {
            source: (self.args.from, port).into(),
            destination: self.args.to,
            sequence: u32::from_be_bytes(sequence),
            acknowledged: 0,
            flags: 0,
            window: u16::MAX,
            options: Vec::new(),
            payload: Vec::new(),
        };
        let (connection, syn) = Connection::new(template, said, pieces);
        self.link.send(&syn)?;
        self.going_on.insert(port, connection);
        self.report.connections += 1;
        Ok(())
    }

    fn receive(&mut self) -> Result<()> {
        let segment = match self.link.receive()? {
            Some(Received::Segment(segment)) => segment,
            Some(Received::WrongSum) => {
                self.report.wrong_sums += 1;
                return Ok(());
            }
            Some(Received::Other) | None => return Ok(()),
        };
        if segment.source != self.args.to || segment.destination.ip() != self.args.from {
            return Ok(());
        }
        let port = segment.destination.port();
        let Some(connection) = self.going_on.get_mut(&port) else {
            return Ok(());
        };
        match connection.receive(&segment) {
            Ok(answers) => {
                for answer in answers {
                    self.link.send(&answer)?;
                }
                self.judge(port)
            }
            Err(error) => self.end(port, Err(error)),
        }
    }

    fn tick(&mut self) -> Result<()> {
        let (now, mut late) = (Instant::now(), Vec::new());
        for (port, connection) in &mut self.going_on {
            match connection.tick(now) {
                Ok(Some(again)) => self.link.send(&again)?,
                Ok(None) => {}
                Err(error) => late.push((*port, error)),
            }
        }
        for (port, error) in late {
            self.end(port, Err(error))?;
        }
        Ok(())
    }

    /// Ends a connection that has heard everything.
    fn judge(&mut self, port: u16) -> Result<()> {
        let Some(connection) = self.going_on.get(&port) else {
            return Ok(());
        };
        let heard = &connection.heard;
        let Some(line) = heard.iter().position(|byte| *byte == b'\n') else {
            return Ok(());
        };
        let (greeting, echo) = heard.split_at(line + 1);
        if echo.len() < self.early.len() {
            return Ok(());
        }
        let judged = serde_json::from_slice::<Greeting>(greeting).context("no greeting");
        let judged = judged.and_then(|greeting| {
            ensure!(echo == self.early, "other bytes came back");
            ensure!(greeting.has_read(&self.hello), "another hello arrived");
            Ok(greeting)
        });
        self.end(port, judged)
    }

    fn end(&mut self, port: u16, result: Result<Greeting>) -> Result<()> {
        let Some(connection) = self.going_on.remove(&port) else {
            return Ok(());
        };
        self.link.send(&connection.reset())?;
        let report = &mut self.report;
        report.repeated += connection.repeated;
        match result {
            Ok(greeting) => {
                *report.servers.entry(greeting.server).or_default() += 1;
                let own = SocketAddr::new(self.args.from, port);
                report.client_address_kept &= greeting.client == own;
            }
            Err(error) => {
                report.failed += 1;
                if report.errors.len() < ERRORS {
                    report.errors.push(format!("port {port}: {error:#}"));
                }
            }
        }
        Ok(())
    }
}
