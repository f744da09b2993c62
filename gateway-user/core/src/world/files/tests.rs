//! Files that come, change, break and go.

use super::FileSet;

const BROKEN: &str = "kind: [";

fn config_map(name: &str, value: &str) -> String {
    format!(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\ndata: {{ca.crt: {value}}}\n"
    )
}

/// `name=value` of the ConfigMaps in force.
fn values(files: &FileSet) -> Vec<String> {
    let world = files.world();
    let maps = world.config_maps.values();
    maps.map(|map| {
        let value = map.spec.authorities.as_deref();
        format!("{}={}", map.meta.name, value.unwrap_or_default())
    })
    .collect()
}

fn shown(files: &FileSet) -> Vec<String> {
    files.problems().iter().map(ToString::to_string).collect()
}

#[test]
fn a_broken_file_keeps_what_it_held() {
    let mut files = FileSet::default();
    assert_eq!(files.update("a.yaml", Some(&config_map("a", "one"))), []);
    assert_eq!(files.update("b.yaml", Some(&config_map("b", "one"))), []);

    let half = format!("{}---\n{BROKEN}\n", config_map("a", "two"));
    let problems = files.update("a.yaml", Some(&half));
    assert_eq!(problems.len(), 1);
    assert_eq!(
        problems[0].place.as_ref().and_then(|place| place.document),
        Some(2)
    );
    assert_eq!(
        files.update("b.yaml", Some(&config_map("b", "two"))),
        [],
        "others apply at once"
    );
    assert_eq!(values(&files), ["a=one", "b=two"]);
    assert_eq!(files.problems(), problems, "reported until it is mended");

    assert_eq!(files.update("a.yaml", Some(&config_map("a", "three"))), []);
    assert_eq!(values(&files), ["a=three", "b=two"]);
    assert_eq!(files.problems(), []);
}

#[test]
fn an_unreadable_file_keeps_what_it_held() {
    let mut files = FileSet::default();
    files.update("a.yaml", Some(&config_map("a", "one")));
    let problems = files.unreadable("a.yaml", "permission denied: chmod it");
    assert_eq!(
        shown(&files),
        ["error: a.yaml: permission denied: chmod it"]
    );
    assert_eq!(files.problems(), problems);
    assert_eq!(values(&files), ["a=one"]);
}

#[test]
fn a_removed_file_takes_its_objects_and_problems_with_it() {
    let mut files = FileSet::default();
    files.update("a.yaml", Some(&config_map("a", "one")));
    files.update("a.yaml", Some(BROKEN));
    assert_eq!(files.paths().collect::<Vec<_>>(), ["a.yaml"]);
    assert_eq!(files.update("a.yaml", None), []);
    assert_eq!(files, FileSet::default());
}

#[test]
fn the_first_file_wins_whatever_came_first() {
    let (one, two) = (config_map("a", "one"), config_map("a", "two"));
    let expected = "error: b.yaml:1 (document 1): ConfigMap default/a: is defined in a.yaml:1 \
                    (document 1) already: remove one, or give it another name";
    let mut files = FileSet::default();
    files.update("b.yaml", Some(&two));
    assert_eq!(values(&files), ["a=two"]);
    files.update("a.yaml", Some(&one));
    assert_eq!(values(&files), ["a=one"]);
    assert_eq!(shown(&files), [expected]);

    let mut other = FileSet::default();
    other.update("a.yaml", Some(&one));
    assert_eq!(other.update("b.yaml", Some(&two)).len(), 1);
    assert_eq!(other, files);

    files.update("a.yaml", None);
    assert_eq!(values(&files), ["a=two"]);
    assert_eq!(files.problems(), []);
}

#[test]
fn twice_in_one_file_is_an_error_of_that_file() {
    let mut files = FileSet::default();
    files.update("a.yaml", Some(&config_map("a", "one")));
    let text = [config_map("a", "two"), config_map("a", "three")].join("---\n");
    assert_eq!(files.update("a.yaml", Some(&text)).len(), 1);
    assert_eq!(values(&files), ["a=one"]);
}

#[test]
fn warnings_do_not_stop_a_file() {
    let mut files = FileSet::default();
    let text = format!("{}extra: 1\n", config_map("a", "one"));
    let problems = files.update("a.yaml", Some(&text));
    assert!(!problems[0].is_error(), "{problems:?}");
    assert_eq!(values(&files), ["a=one"]);
}
