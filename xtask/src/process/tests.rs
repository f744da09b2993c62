//! What happens to programs that fail, hang, stay silent or leave children behind.

use std::{
    fs,
    path::Path,
    sync::mpsc::channel,
    thread,
    time::{Duration, Instant},
};

use super::{Failure, Job, rest};

const LONG: Duration = Duration::from_secs(20);
const SHORT: Duration = Duration::from_millis(300);

fn shell(script: &str, limit: Duration) -> Job {
    Job::new("the script", "sh", limit).args(["-c", script])
}

fn log(dir: &tempfile::TempDir) -> std::path::PathBuf {
    dir.path().join("logs/run.log")
}

/// A busy machine reads it when the program has long ended.
#[test]
fn the_last_output_is_waited_for() {
    let (sender, lines) = channel();
    let reader = thread::spawn(move || {
        thread::sleep(SHORT);
        sender.send("late".to_owned())
    });
    let mut text = Vec::new();
    rest(&lines, &mut |line| text.push(line.to_owned()));
    assert_eq!(text, ["late"]);
    reader.join().expect("no panic").expect("somebody listens");
}

#[test]
fn output_is_captured_line_by_line() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let text = shell("echo one; echo two >&2; printf three", LONG)
        .capture(&log(&dir))
        .expect("succeeds");
    assert_eq!(text, "one\nthree\n");
    assert_eq!(fs::read_to_string(log(&dir)).expect("log"), "two\n");
}

#[test]
fn a_failure_shows_the_end_of_the_log_and_names_it() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let error = shell("for i in $(seq 100); do echo line $i; done; exit 3", LONG)
        .log(&log(&dir))
        .expect_err("exit code 3");
    let text = error.to_string();
    assert!(
        text.starts_with("the script failed (exit status: 3)"),
        "{text}"
    );
    assert!(
        text.contains("| line 100") && text.contains("| line 71"),
        "{text}"
    );
    assert!(!text.contains("| line 70\n"), "{text}");
    assert!(text.contains("run.log"), "{text}");
    assert!(!error.is_timeout());
}

#[test]
fn a_program_that_is_not_there_is_named() {
    let error = Job::new("asking", "no-such-program", LONG)
        .show()
        .expect_err("missing");
    assert!(matches!(error, Failure::Start { .. }), "{error}");
    assert!(error.to_string().contains("`no-such-program`"), "{error}");
}

#[test]
fn the_time_limit_ends_the_whole_group() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let pid = dir.path().join("pid");
    let script = format!("sleep 60 & echo $! > {}; wait", pid.display());
    let start = Instant::now();
    let error = shell(&script, SHORT).log(&log(&dir)).expect_err("too long");
    assert!(
        matches!(error, Failure::TooLong { .. }) && error.is_timeout(),
        "{error}"
    );
    assert!(start.elapsed() < Duration::from_secs(10));
    let pid = fs::read_to_string(pid).expect("pid of the grandchild");
    assert!(is_gone(pid.trim()), "grandchild {pid} is still running");
}

#[test]
fn silence_is_ended_and_growth_of_a_watched_directory_is_not_silence() {
    let dir = tempfile::tempdir().expect("temporary directory");
    let watched = dir.path().join("downloads");
    fs::create_dir(&watched).expect("directory");
    let error = shell("sleep 60", LONG)
        .idle(SHORT, vec![watched.clone()])
        .log(&log(&dir))
        .expect_err("silent");
    assert!(
        matches!(error, Failure::Silent { .. }) && error.is_timeout(),
        "{error}"
    );
    let script = format!(
        "for i in 1 2 3 4 5 6 7 8 9 10; do echo x >> {}/part; sleep 0.1; done",
        watched.display()
    );
    shell(&script, LONG)
        .idle(Duration::from_millis(700), vec![watched])
        .log(&log(&dir))
        .expect("growing");
}

/// A process that was killed and not yet reaped by init counts as gone.
fn is_gone(pid: &str) -> bool {
    let stat = Path::new("/proc").join(pid).join("stat");
    let gone = || fs::read_to_string(&stat).map_or(true, |s| s.contains(") Z "));
    (0..100).any(|_| {
        thread::sleep(Duration::from_millis(10));
        gone()
    })
}
