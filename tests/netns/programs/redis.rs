//! Redis, with its own benchmark and its own client.

use std::{env, fmt::Write as _, fs, os::unix::fs::symlink, path::PathBuf};

use anyhow::{Context, Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAY, GATEWAY_V6},
    process::Process,
};

use super::{Exposed, carried, says};

const PORT: u16 = 6379;
const REQUESTS: u64 = 20_000;
const CLIENTS: u64 = 50;
const KEYS: usize = 1_000;
/// Bytes of one value that fills many segments.
const LARGE: usize = 4_000_000;

#[test]
fn redis_keeps_what_it_is_given() -> Result<()> {
    let bed = Bed::dual_stack()?;
    Exposed {
        name: "redis",
        port: PORT,
        protocols: &["TCP"],
        v4: &["10.77.1.2"],
        v6: &["2001:db8:78::2"],
    }
    .add_to(&bed)?;
    let _server = server(&bed)?;
    let _daemon = bed.daemon()?;
    for gateway in [GATEWAY, GATEWAY_V6] {
        benchmark(&bed, gateway).context(gateway)?;
        values(&bed, gateway).context(gateway)?;
        one_large_value(&bed, gateway).context(gateway)?;
    }
    Ok(())
}

/// The server is the program that checks dumps, by another name: so Debian's `redis-tools` is
/// enough, and no service of `redis-server` listens on the machine.
fn server(bed: &Bed) -> Result<Process> {
    let program = bed.net.dir().join("redis-server");
    symlink(found("redis-check-rdb")?, &program)?;
    let port = PORT.to_string();
    let options = [
        ["--port", &port],
        ["--protected-mode", "no"],
        ["--save", ""],
        ["--bind", "* -::*"],
    ];
    let mut server = Process::server(&bed.app1, "redis", &program, options.as_flattened())?;
    says(&mut server, "Ready to accept connections")?;
    Ok(server)
}

fn found(program: &str) -> Result<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut all = env::split_paths(&path).map(|dir| dir.join(program));
    all.find(|path| path.is_file())
        .with_context(|| format!("no {program}; `cargo xtask setup` installs it"))
}

/// The server has done as many commands as were asked for, over as many connections.
fn benchmark(bed: &Bed, gateway: &str) -> Result<()> {
    let before = carried(bed, PORT)?.flows;
    cli(bed, gateway, "CONFIG RESETSTAT")?;
    let (port, requests, clients) = (PORT, REQUESTS, CLIENTS);
    let said = bed.client.run(
        "redis-benchmark",
        format!("-h {gateway} -p {port} -n {requests} -c {clients} -t set,get --csv").split(' '),
    )?;
    ensure!(
        said.contains("\"SET\"") && said.contains("\"GET\""),
        "{said}"
    );
    let stats = cli(bed, gateway, "INFO commandstats")?;
    for command in ["set", "get"] {
        let calls = format!("cmdstat_{command}:calls={REQUESTS},");
        let line = stats.lines().find(|line| line.starts_with(&calls));
        let line = line.with_context(|| format!("no {calls} in {stats}"))?;
        ensure!(line.contains("failed_calls=0"), "{line}");
    }
    let flows = carried(bed, PORT)?.flows - before;
    ensure!(flows >= 2 * CLIENTS, "{flows} flows");
    Ok(())
}

/// Many keys through one connection, one after the other.
fn values(bed: &Bed, gateway: &str) -> Result<()> {
    cli(bed, gateway, "FLUSHALL")?;
    let value = |key: usize| format!("{key:x}.").repeat(1 + key % 300);
    let (mut set, mut get, mut expected) = (String::new(), String::new(), String::new());
    for key in 0..KEYS {
        writeln!(set, "SET key:{key} {}", value(key))?;
        writeln!(get, "GET key:{key}")?;
        writeln!(expected, "{}", value(key))?;
    }
    let said = pipe(bed, gateway, &set)?;
    ensure!(said == "OK\n".repeat(KEYS), "{said}");
    ensure!(cli(bed, gateway, "DBSIZE")?.trim() == KEYS.to_string());
    ensure!(pipe(bed, gateway, &get)? == expected, "other values");
    Ok(())
}

fn one_large_value(bed: &Bed, gateway: &str) -> Result<()> {
    let value: String = (0..)
        .map(|n: u32| format!("{n:x},"))
        .take(LARGE / 4)
        .collect();
    let said = redis(bed, gateway, "-x SET large", &value)?;
    ensure!(said.trim() == "OK", "{said}");
    let back = cli(bed, gateway, "GET large")?;
    ensure!(back.trim_end_matches('\n') == value, "another value");
    Ok(())
}

fn cli(bed: &Bed, gateway: &str, command: &str) -> Result<String> {
    redis(bed, gateway, command, "")
}

/// A command a line.
fn pipe(bed: &Bed, gateway: &str, commands: &str) -> Result<String> {
    redis(bed, gateway, "", commands)
}

/// `redis-cli` with this input; what it printed.
fn redis(bed: &Bed, gateway: &str, arguments: &str, input: &str) -> Result<String> {
    let file = bed.net.dir().join("redis-input");
    fs::write(&file, input)?;
    let script = format!(
        "redis-cli -h {gateway} -p {PORT} {arguments} < {}",
        file.display()
    );
    bed.client.run("sh", ["-c", &script])
}
