//! Versions, whole results, and that the pinned modules build what the table says.

use super::*;

#[test]
fn the_required_version_is_read_in_both_forms() {
    let text = "require a.io/x v1.2.3 // indirect\n\nrequire (\n\ta.io/x/y v0.1.0\n\tb.io v2 // indirect\n)\n";
    assert_eq!(required(text, "a.io/x").as_deref(), Some("v1.2.3"));
    assert_eq!(required(text, "a.io/x/y").as_deref(), Some("v0.1.0"));
    assert_eq!(required(text, "b.io").as_deref(), Some("v2"));
    assert_eq!(required(text, "a.io"), None);
}

#[test]
fn every_tool_is_pinned_and_names_a_program() {
    for tool in TOOLS.iter().chain(INTEROP) {
        let version = tool.version().expect("a version");
        assert!(version.starts_with('v'), "{}: {version}", tool.module);
        let several = tool.packages.len() == tool.programs.len();
        assert!(several, "{}: a program of each package", tool.module);
    }
}

#[test]
fn what_failed_half_way_leaves_no_result() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let place = dir.path().join("result");
    let failed = whole(&place, |partial| {
        fs::write(partial.join("old"), "")?;
        anyhow::bail!("half way")
    });
    assert!(failed.is_err() && !place.exists());
    whole(&place, |partial| {
        Ok(fs::write(partial.join("new"), "whole")?)
    })
    .expect("the second attempt");
    assert!(!place.join("old").exists());
    assert_eq!(
        fs::read_to_string(place.join("new")).expect("the result"),
        "whole"
    );
}

#[test]
fn only_yaml_is_copied_from_every_depth() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let from = dir.path().join("from");
    fs::create_dir_all(from.join("deep")).expect("directories");
    for name in ["a.yaml", "deep/b.yaml", "deep/c.go"] {
        fs::write(from.join(name), name).expect("a file");
    }
    let to = dir.path().join("to");
    copy_yaml(&from, &to).expect("copied");
    assert!(to.join("a.yaml").exists() && to.join("deep/b.yaml").exists());
    assert!(!to.join("deep/c.go").exists());
}
