//! Golden cases of translation: one file each, objects as for kubectl, then what they lead to.
//!
//! The expected part is a comment at the end of the file. `UPDATE_GOLDEN=1` writes it anew.

mod case;
mod render;
mod served;

use std::path::PathBuf;

use case::Case;

/// How to bring the files up to date.
const REFRESH: &str = "if this is right, refresh the files with: \
                       UPDATE_GOLDEN=1 cargo test -p gateway-tests --test golden";

fn cases() -> Vec<Case> {
    let dir = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden/cases");
    let entries = std::fs::read_dir(&dir).expect("the directory of cases");
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("entry").path()).collect();
    paths.sort();
    let cases: Vec<Case> = paths.iter().map(|path| Case::read(path)).collect();
    assert!(
        cases.len() >= 20,
        "{} holds only {} cases",
        dir.display(),
        cases.len()
    );
    cases
}

#[test]
fn translation_gives_what_the_cases_say() {
    let update = std::env::var_os("UPDATE_GOLDEN").is_some();
    let mut wrong = Vec::new();
    for case in cases() {
        let found = case.translate(case.files());
        if update {
            case.write(&found);
        } else if found != case.expected {
            wrong.push(case.difference(&found));
        }
    }
    assert!(wrong.is_empty(), "{}\n{REFRESH}", wrong.join("\n"));
}

/// The same objects in other files and in another order mean the same.
#[test]
fn the_order_of_documents_does_not_matter() {
    for case in cases() {
        let expected = case.translate(case.files());
        let documents = case.documents();
        let count = documents.len();
        for shift in [0, 1, count / 2, count.saturating_sub(1)] {
            let scattered = documents.iter().enumerate().map(|(index, document)| {
                let rank = (index + shift) % count;
                (format!("{:02}.yaml", count - rank), (*document).to_owned())
            });
            let found = case.translate(scattered.collect());
            assert_eq!(found, expected, "{} shifted by {shift}", case.name());
        }
    }
}

/// Files and API servers lead to the same objects.
#[test]
fn served_by_an_api_server_the_objects_are_the_same() {
    for case in cases() {
        assert_eq!(case.served(), case.world(case.files()), "{}", case.name());
    }
}
