//! Reading the output of apt and rustc, and linking sources without harm.

use super::*;

#[test]
fn the_release_is_read() {
    let text = "rustc 1.95.0 (59807616e 2026-04-14)\nbinary: rustc\nrelease: 1.95.0\nLLVM version: 22.1.2\n";
    assert_eq!(field(text, "release"), Some("1.95.0"));
    assert_eq!(field(text, "host"), None);
}

#[test]
fn the_version_of_the_same_release_is_chosen() {
    let madison = " rust-src | 1.96.1+dfsg1-2~bpo13+1 | http://mirror/debian sid/main Packages\n \
        rust-src | 1.95.0+dfsg1-2~bpo13+1 | http://mirror/debian sid/main Packages\n";
    let known = versions(madison);
    assert_eq!(known, ["1.96.1+dfsg1-2~bpo13+1", "1.95.0+dfsg1-2~bpo13+1"]);
    assert!(is_release(&known[1], "1.95.0"));
    assert!(!is_release(&known[0], "1.95.0"));
    assert!(!is_release("1.95.01", "1.95.0"));
    assert!(versions("").is_empty());
}

#[test]
fn only_links_are_replaced_in_the_sysroot() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let sources = dir.path().join("sources");
    let place = dir.path().join("sysroot/lib/rustlib/src/rust");
    let error = link(&sources, &place).expect_err("no sources");
    assert!(error.to_string().contains("has no library/core"), "{error}");
    fs::create_dir_all(sources.join("library/core")).expect("directory");
    fs::write(sources.join("library/core/Cargo.toml"), "").expect("file");
    link(&sources, &place).expect("first link");
    fs::remove_file(&place).expect("remove");
    symlink("/nonexistent", &place).expect("stale link");
    link(&sources, &place).expect("replaces a stale link");
    assert!(place.join("library/core/Cargo.toml").exists());
    fs::remove_file(&place).expect("remove");
    fs::create_dir(&place).expect("a user's directory");
    let error = link(&sources, &place).expect_err("in the way");
    assert!(error.to_string().contains("is in the way"), "{error}");
}
