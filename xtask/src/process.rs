//! Runs other programs: time limits, a process group of their own, output to a log or line by line.
//!
//! A program that runs too long or says nothing for too long is ended together with everything it
//! started. The same happens on Ctrl-C, which the terminal does not deliver to other groups.

use std::{
    ffi::OsStr,
    fs::File,
    io::{BufRead as _, BufReader},
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::mpsc::{Receiver, RecvTimeoutError, channel},
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Pid, Signal, kill_process_group};

mod failure;
mod interrupt;
#[cfg(test)]
mod tests;

pub(crate) use failure::Failure;

const POLL: Duration = Duration::from_millis(30);
/// How long a program's last output may be on its way: something that it left behind may hold its
/// output open for ever.
const LAST: Duration = Duration::from_secs(2);
/// Between the polite signal and the final one.
const GRACE: Duration = Duration::from_secs(2);

/// A program to run once.
pub(crate) struct Job {
    command: Command,
    what: String,
    limit: Duration,
    idle: Option<Idle>,
}

/// Ends a download that makes no progress: neither output nor growth of the watched directories.
struct Idle {
    after: Duration,
    watch: Vec<PathBuf>,
}

impl Job {
    /// `what` completes the sentence "... failed" in messages; `limit` bounds the whole run.
    pub(crate) fn new(
        what: impl Into<String>,
        program: impl AsRef<OsStr>,
        limit: Duration,
    ) -> Self {
        let mut command = Command::new(program);
        command.stdin(Stdio::null()).process_group(0);
        Self {
            command,
            what: what.into(),
            limit,
            idle: None,
        }
    }

    pub(crate) fn arg(self, arg: impl AsRef<OsStr>) -> Self {
        self.args([arg])
    }

    pub(crate) fn args(mut self, args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(args);
        self
    }

    pub(crate) fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn dir(mut self, dir: &Path) -> Self {
        self.command.current_dir(dir);
        self
    }

    /// Gives it a file as its standard input.
    pub(crate) fn input(mut self, file: File) -> Self {
        self.command.stdin(file);
        self
    }

    /// Also gives up after `after` without output and without growth below `watch`.
    pub(crate) fn idle(mut self, after: Duration, watch: Vec<PathBuf>) -> Self {
        self.idle = Some(Idle { after, watch });
        self
    }

    /// Runs with all output in `log`, whose last lines are part of a failure.
    pub(crate) fn log(mut self, log: &Path) -> Result<(), Failure> {
        let file = open(log)?;
        let copy = file.try_clone().map_err(|e| Failure::log(log, e))?;
        self.command.stdout(file).stderr(copy);
        self.run(Some(log), &mut |_| {})
    }

    /// Runs with the output where ours goes.
    pub(crate) fn show(self) -> Result<(), Failure> {
        self.run(None, &mut |_| {})
    }

    /// Runs with each line of standard output given to `line`, as it comes.
    pub(crate) fn lines(mut self, line: &mut dyn FnMut(&str)) -> Result<(), Failure> {
        self.command.stdout(Stdio::piped());
        self.run(None, line)
    }

    /// Runs and returns standard output; the error output goes to `log`.
    pub(crate) fn capture(mut self, log: &Path) -> Result<String, Failure> {
        self.command.stderr(open(log)?).stdout(Stdio::piped());
        let mut text = String::new();
        self.run(Some(log), &mut |line| {
            text.push_str(line);
            text.push('\n');
        })?;
        Ok(text)
    }

    fn run(mut self, log: Option<&Path>, line: &mut dyn FnMut(&str)) -> Result<(), Failure> {
        interrupt::check()?;
        let mut child = self.command.spawn().map_err(|source| Failure::Start {
            what: self.what.clone(),
            program: self.command.get_program().to_string_lossy().into_owned(),
            source,
        })?;
        let lines = stream(&mut child);
        let result = self.wait(&mut child, &lines, log, line);
        if result.is_err() {
            // Also after an ordinary failure: nothing that the program started may stay behind.
            end_group(&mut child);
        }
        rest(&lines, line);
        result
    }

    fn wait(
        &self,
        child: &mut Child,
        lines: &Receiver<String>,
        log: Option<&Path>,
        line: &mut dyn FnMut(&str),
    ) -> Result<(), Failure> {
        let start = Instant::now();
        let mut progress = Progress::new(self.idle.as_ref(), log);
        let mut open = true;
        loop {
            match lines.recv_timeout(POLL) {
                Ok(text) => {
                    line(&text);
                    progress.seen();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) if open => open = false,
                Err(RecvTimeoutError::Disconnected) => thread::sleep(POLL),
                Err(RecvTimeoutError::Timeout) => {}
            }
            let status = child.try_wait().map_err(|source| Failure::Start {
                what: self.what.clone(),
                program: "waitpid".into(),
                source,
            })?;
            match status {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(Failure::exit(&self.what, status, log)),
                None => {}
            }
            interrupt::check()?;
            if start.elapsed() > self.limit {
                return Err(Failure::too_long(&self.what, self.limit, log));
            }
            if let Some(after) = progress.stalled() {
                return Err(Failure::silent(&self.what, after, log));
            }
        }
    }
}

/// When the program last showed a sign of life.
struct Progress<'a> {
    idle: Option<&'a Idle>,
    log: Option<&'a Path>,
    bytes: u64,
    last: Instant,
}

impl<'a> Progress<'a> {
    fn new(idle: Option<&'a Idle>, log: Option<&'a Path>) -> Self {
        Self {
            idle,
            log,
            bytes: 0,
            last: Instant::now(),
        }
    }

    fn seen(&mut self) {
        self.last = Instant::now();
    }

    /// The allowed silence, if it is over.
    fn stalled(&mut self) -> Option<Duration> {
        let idle = self.idle?;
        let paths = idle.watch.iter().map(PathBuf::as_path).chain(self.log);
        let bytes = paths.map(size).sum();
        if bytes != self.bytes {
            self.bytes = bytes;
            self.seen();
        }
        (self.last.elapsed() > idle.after).then_some(idle.after)
    }
}

/// Bytes of a file, or of everything below a directory; what cannot be read counts nothing.
fn size(path: &Path) -> u64 {
    let Ok(meta) = path.symlink_metadata() else {
        return 0;
    };
    if !meta.is_dir() {
        return meta.len();
    }
    let entries = path.read_dir().into_iter().flatten().flatten();
    entries.map(|entry| size(&entry.path())).sum()
}

fn open(log: &Path) -> Result<File, Failure> {
    let parent = log.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(parent)
        .and_then(|()| File::options().create(true).append(true).open(log))
        .map_err(|e| Failure::log(log, e))
}

/// Lines of the child's piped output; closed at once when it has none.
fn stream(child: &mut Child) -> Receiver<String> {
    let (sender, receiver) = channel();
    if let Some(out) = child.stdout.take() {
        thread::spawn(move || {
            let mut reader = BufReader::new(out);
            let mut bytes = Vec::new();
            while reader.read_until(b'\n', &mut bytes).is_ok_and(|n| n > 0) {
                let text = String::from_utf8_lossy(&bytes);
                if sender.send(text.trim_end_matches('\n').to_owned()).is_err() {
                    break;
                }
                bytes.clear();
            }
        });
    }
    receiver
}

/// What was written just before the end, and is not read yet.
fn rest(lines: &Receiver<String>, line: &mut dyn FnMut(&str)) {
    while let Ok(text) = lines.recv_timeout(LAST) {
        line(&text);
    }
}

/// Ends the child and all of its group: politely, then for good.
fn end_group(child: &mut Child) {
    let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else {
        return;
    };
    // An error says that the group is gone, which is what is wanted.
    let _ = kill_process_group(group, Signal::TERM);
    let deadline = Instant::now() + GRACE;
    while Instant::now() < deadline && rustix::process::test_kill_process_group(group).is_ok() {
        // Reaps the child, which would otherwise keep its group alive.
        let _ = child.try_wait();
        thread::sleep(POLL);
    }
    let _ = kill_process_group(group, Signal::KILL);
    let _ = child.wait();
}
