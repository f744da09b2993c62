//! Forms in which a path can be named, and those that only look alike.

use super::*;

const CORE: &str = "gateway-user/core/src/plan.rs";

fn lines(path: &str, source: &str) -> Vec<usize> {
    check(&[File::new(path, source)])
        .into_iter()
        .map(|f| f.line)
        .collect()
}

#[test]
fn the_core_names_no_io() {
    for source in [
        "use tokio::sync::Mutex;",
        "use tokio;",
        "use ::tokio::sync::Mutex;",
        "fn f() { tokio::spawn(g()); }",
        "use std::fs;",
        "use std::{collections::HashMap, fs::{self, File}};",
        "use std::{net::{IpAddr, TcpStream}};",
        "fn f() { std::fs::read(\"x\"); }",
        "fn f(s: std::net::UdpSocket) {}",
    ] {
        assert_eq!(lines(CORE, source), [1], "{source}");
    }
}

#[test]
fn what_only_looks_alike_is_allowed() {
    for source in [
        "// use tokio::sync::Mutex;",
        "fn f() { println!(\"tokio::spawn\"); }",
        "use std::{fmt, net::IpAddr};",
        "use std::collections::{fs};",
        "fn f(kube: u8) -> u8 { kube }",
        "use crate::api::kube::Object;",
        "use kube_core::Resource;",
        "#[cfg(test)] mod tests { use std::fs; }",
    ] {
        assert!(lines(CORE, source).is_empty(), "{source}");
    }
    assert!(lines("gateway-user/src/proxy.rs", "use tokio::net::TcpStream;").is_empty());
    assert!(lines("gateway-user/core/src/plan/tests.rs", "use std::fs;").is_empty());
}

#[test]
fn the_data_path_and_run_have_their_own_arrows() {
    assert_eq!(
        lines("gateway-common/src/pick.rs", "\nuse std::vec::Vec;"),
        [2]
    );
    assert_eq!(
        lines("gateway-ebpf/src/main.rs", "use gateway_core::plan;"),
        [1]
    );
    assert!(lines("gateway-ebpf/src/main.rs", "use gateway_common::abi;").is_empty());
    assert_eq!(
        lines("gateway-user/src/admin.rs", "use crate::run::Shared;"),
        [1]
    );
    assert_eq!(
        lines("gateway-user/src/admin.rs", "use crate::{bpf, run};"),
        [1]
    );
    assert!(lines("gateway-user/src/main.rs", "use gateway_user::run;").is_empty());
}
