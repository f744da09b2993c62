//! Tests of listing, reading and watching, on real directories.

use std::{fs, os::unix::fs::symlink, time::Duration};

use tempfile::TempDir;

use super::*;

/// A change must be noticed well within the promised 100 ms; the rest is for the data path.
const SOON: Duration = Duration::from_millis(90);

fn directory(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = dir.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn names(dir: &TempDir) -> Vec<String> {
    let listing = list(dir.path()).unwrap();
    let relative = |p: &PathBuf| p.strip_prefix(dir.path()).unwrap().display().to_string();
    listing.files.iter().map(relative).collect()
}

fn watch(dir: &TempDir) -> Watch {
    let mut watch = Watch::new().unwrap();
    watch.follow(&list(dir.path()).unwrap().watched);
    watch
}

async fn notices(watch: &mut Watch) -> bool {
    tokio::time::timeout(SOON, watch.changed()).await.is_ok()
}

#[test]
fn lists_manifests_one_level_deep() {
    let dir = directory(&[
        ("b.yml", ""),
        ("a.yaml", ""),
        ("notes.txt", ""),
        (".hidden.yaml", ""),
        ("team/c.yaml", ""),
        ("team/deep/d.yaml", ""),
        (".git/e.yaml", ""),
    ]);
    assert_eq!(names(&dir), ["a.yaml", "b.yml", "team/c.yaml"]);
}

#[test]
fn a_missing_directory_says_so() {
    let dir = directory(&[("a.yaml", "")]);
    let missing = list(&dir.path().join("nowhere")).unwrap_err();
    assert!(matches!(missing, ScanError::Missing(_)), "{missing}");
    let file = list(&dir.path().join("a.yaml")).unwrap_err();
    assert!(matches!(file, ScanError::NotDirectory(_)), "{file}");
}

#[test]
fn reads_only_what_changed() {
    let dir = directory(&[("a.yaml", "1"), ("b.yaml", "1"), ("c.yaml", "1")]);
    let path = |name: &str| dir.path().join(name);
    let mut reader = Reader::default();
    let mut changes = || {
        let listing = list(dir.path()).unwrap();
        reader.read(listing.files.iter().map(PathBuf::as_path))
    };
    assert_eq!(changes().len(), 3);
    assert_eq!(changes(), []);
    fs::write(path("b.yaml"), "2").unwrap();
    fs::remove_file(path("c.yaml")).unwrap();
    fs::write(path("d.yaml"), [0xff, 0xfe]).unwrap();
    let changed = changes();
    let content = |i: usize| changed[i].content.as_ref();
    assert_eq!(
        changed[0],
        Change {
            path: path("c.yaml"),
            content: None
        }
    );
    assert_eq!(
        (&changed[1].path, content(1)),
        (&path("b.yaml"), Some(&Ok("2".into())))
    );
    assert!(
        content(2).unwrap().as_ref().unwrap_err().contains("UTF-8"),
        "{changed:?}"
    );
    assert_eq!(changed.len(), 3);
}

#[tokio::test]
async fn notices_writes_renames_and_removals() {
    let dir = directory(&[("a.yaml", "1"), ("team/b.yaml", "1")]);
    let mut watch = watch(&dir);
    assert!(!notices(&mut watch).await, "nothing happened yet");
    fs::write(dir.path().join("a.yaml"), "2").unwrap();
    assert!(notices(&mut watch).await, "written in place");
    fs::write(dir.path().join(".a.tmp"), "3").unwrap();
    fs::rename(dir.path().join(".a.tmp"), dir.path().join("a.yaml")).unwrap();
    assert!(notices(&mut watch).await, "renamed over");
    fs::write(dir.path().join("team/b.yaml"), "2").unwrap();
    assert!(notices(&mut watch).await, "one level below");
    fs::remove_file(dir.path().join("a.yaml")).unwrap();
    assert!(notices(&mut watch).await, "removed");
}

#[tokio::test]
async fn reading_is_not_a_change() {
    let dir = directory(&[("a.yaml", "1")]);
    let mut watch = watch(&dir);
    let listing = list(dir.path()).unwrap();
    Reader::default().read(listing.files.iter().map(PathBuf::as_path));
    assert!(!notices(&mut watch).await);
}

#[tokio::test]
async fn a_file_that_is_being_written_is_waited_for() {
    use std::io::Write as _;
    let dir = directory(&[("a.yaml", "old")]);
    let mut watch = watch(&dir);
    let mut file = fs::File::create(dir.path().join("a.yaml")).unwrap();
    let early = tokio::time::timeout(Duration::from_millis(25), watch.changed()).await;
    assert!(early.is_err(), "the truncated file must not be read");
    file.write_all(b"new").unwrap();
    drop(file);
    assert!(notices(&mut watch).await);
}

/// As the kubelet updates a mounted ConfigMap.
#[tokio::test]
async fn follows_a_config_map_swap() {
    let dir = directory(&[("..v1/gw.yaml", "1"), ("..v2/gw.yaml", "2")]);
    let at = |name: &str| dir.path().join(name);
    symlink("..v1", at("..data")).unwrap();
    symlink("..data/gw.yaml", at("gw.yaml")).unwrap();
    assert_eq!(names(&dir), ["gw.yaml"]);
    let mut reader = Reader::default();
    reader.read([at("gw.yaml").as_path()]);
    let mut watch = watch(&dir);
    symlink("..v2", at("..data_tmp")).unwrap();
    fs::rename(at("..data_tmp"), at("..data")).unwrap();
    assert!(notices(&mut watch).await);
    let changes = reader.read([at("gw.yaml").as_path()]);
    assert_eq!(
        changes,
        [Change {
            path: at("gw.yaml"),
            content: Some(Ok("2".into()))
        }]
    );
}

#[tokio::test]
async fn follows_a_link_to_elsewhere() {
    let elsewhere = directory(&[("real.yaml", "1")]);
    let dir = directory(&[]);
    symlink(
        elsewhere.path().join("real.yaml"),
        dir.path().join("a.yaml"),
    )
    .unwrap();
    let mut watch = watch(&dir);
    fs::write(elsewhere.path().join("real.yaml"), "2").unwrap();
    assert!(notices(&mut watch).await);
}

#[test]
fn a_pipe_among_the_manifests_is_told_and_not_waited_for() {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    let dir = directory(&[("a.yaml", "a")]);
    let pipe = dir.path().join("pipe.yaml");
    mknodat(CWD, &pipe, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
    let mut reader = Reader::default();
    let changes = reader.read([dir.path().join("a.yaml").as_path(), &pipe]);
    assert_eq!(changes[0].content, Some(Ok("a".into())));
    let Some(Err(why)) = &changes[1].content else {
        panic!("{changes:?}");
    };
    assert!(why.contains("not a regular file"), "{why}");
}
