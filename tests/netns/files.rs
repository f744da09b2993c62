//! Broken files in the directory.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gateway_tests::{
    bed::{Bed, GATEWAY},
    daemon::Daemon,
    wait::wait_until,
};

const LIMIT: Duration = Duration::from_secs(10);

#[test]
fn a_broken_file_is_named_and_the_rest_stays_in_force() -> Result<()> {
    let bed = Bed::new()?;
    let daemon = bed.daemon()?;
    ensure!(
        daemon.status()?["problems"]
            .as_array()
            .is_some_and(Vec::is_empty),
        "{}",
        daemon.log()
    );

    bed.config.write("bad.yaml", BAD)?;
    named(
        &daemon,
        &[
            "bad.yaml",
            "\"document\":2",
            "spec.rules[0].backendRefs[0].port",
        ],
    )?;

    // A route that was good and breaks: its last good content stays.
    bed.config
        .replace("http-simple.yaml", "port: 80", "port: 99999")?;
    named(
        &daemon,
        &["http-simple.yaml", "\"document\":1", "backendRefs[0].port"],
    )?;
    versions(&bed, "hello", "v1")?;

    // Other files still apply.
    bed.config.replace("http-header.yaml", "web-v1", "web-v2")?;
    wait_until(LIMIT, "the good file applies", || {
        Ok(versions(&bed, "canary", "v2").is_ok())
    })?;
    versions(&bed, "hello", "v1")?;

    // Mended, nothing is reported any more.
    bed.config
        .replace("http-simple.yaml", "port: 99999", "port: 80")?;
    bed.config.remove("bad.yaml")?;
    wait_until(LIMIT, "no problem is reported", || {
        Ok(daemon.status()?["problems"]
            .as_array()
            .is_some_and(Vec::is_empty))
    })?;
    Ok(())
}

/// Waits until one problem in the status has all the words, and the log the file's name.
fn named(daemon: &Daemon, words: &[&str]) -> Result<()> {
    wait_until(LIMIT, &format!("the status names {words:?}"), || {
        let status = daemon.status()?;
        let problems = status["problems"].as_array().into_iter().flatten();
        let mut texts = problems.map(ToString::to_string);
        Ok(texts.any(|text| words.iter().all(|word| text.contains(word))))
    })
    .with_context(|| daemon.log())?;
    ensure!(
        daemon.log().contains(words[0]),
        "the log does not name {}",
        words[0]
    );
    Ok(())
}

fn versions(bed: &Bed, host: &str, version: &str) -> Result<()> {
    let report = bed.http(&format!(
        "--to {GATEWAY}:80 --host {host}.example.com --count 5"
    ))?;
    ensure!(
        report.versions.get(version) == Some(&5),
        "{host}: {report:?}"
    );
    Ok(())
}

const BAD: &str = "
apiVersion: v1
kind: Service
metadata: {name: good, namespace: default}
spec: {ports: [{port: 80}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: bad, namespace: default}
spec:
  parentRefs: [{name: demo}]
  rules: [{backendRefs: [{name: web-v1, port: eighty}]}]
";
