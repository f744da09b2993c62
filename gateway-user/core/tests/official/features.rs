//! Our table of features has those of the official Gateway API, all of them, by their names.

use std::collections::BTreeSet;

use gateway_core::features::FEATURES;

use crate::module;

#[test]
fn the_table_has_every_official_feature() {
    let directory = module::directory().join("pkg/features");
    let files = std::fs::read_dir(&directory).expect("pkg/features");
    let mut official = BTreeSet::new();
    for file in files {
        let path = file.expect("a file").path();
        if path.file_name().is_some_and(|name| name == "mesh.go") {
            continue;
        }
        let text = std::fs::read_to_string(&path).expect("Go source");
        official.extend(text.lines().filter_map(feature));
    }
    assert!(
        official.len() > 40,
        "only {} features found",
        official.len()
    );
    let ours: BTreeSet<_> = FEATURES.iter().map(|f| f.name.to_owned()).collect();
    assert_eq!(ours, official);
}

/// Name in a line such as `SupportGateway FeatureName = "Gateway"`; the type may be left out.
fn feature(line: &str) -> Option<String> {
    let (left, right) = line.trim().split_once(" = ")?;
    let constant = left.split(' ').next()?;
    let name = right.strip_prefix('"')?.strip_suffix('"')?;
    (constant.strip_prefix("Support")? == name).then(|| name.to_owned())
}
