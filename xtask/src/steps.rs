//! Steps as data, and the one runner that executes them and says how long each took.

use std::{
    cell::RefCell,
    collections::HashSet,
    time::{Duration, Instant},
};

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cache::Cache;

/// Something that must be there before the next step.
#[derive(Clone, Copy)]
pub(crate) struct Step {
    pub(crate) name: &'static str,
    pub(crate) check: fn(&Context) -> Result<State>,
    /// Called when `check` found it missing; `check` must then find it.
    pub(crate) install: fn(&Context, missing: &str) -> Result<()>,
}

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// What was found.
    Ready(String),
    /// What was not.
    Missing(String),
}

/// What a step may use.
pub(crate) struct Context {
    pub(crate) cache: Cache,
    bar: ProgressBar,
    done: RefCell<HashSet<&'static str>>,
}

impl Context {
    pub(crate) fn new(cache: Cache, steps: usize) -> Self {
        // On a terminal only: indicatif draws nothing elsewhere.
        let bar = ProgressBar::with_draw_target(Some(steps as u64), ProgressDrawTarget::stderr());
        let style =
            ProgressStyle::with_template("{spinner} [{bar:16}] {pos}/{len} {elapsed} {msg}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(Duration::from_millis(120));
        Self {
            cache,
            bar,
            done: RefCell::default(),
        }
    }

    /// Says what is going on now: behind the bar on a terminal, as a line elsewhere.
    pub(crate) fn say(&self, text: &str) {
        if self.bar.is_hidden() {
            println!("      {text}");
        } else {
            self.bar.set_message(text.to_owned());
        }
    }

    /// Does `work` unless it succeeded before in this run.
    pub(crate) fn once(&self, name: &'static str, work: impl FnOnce() -> Result<()>) -> Result<()> {
        if !self.done.borrow().contains(name) {
            work()?;
            self.done.borrow_mut().insert(name);
        }
        Ok(())
    }

    /// Does `work` and says how long it took; what it returns is the last column.
    pub(crate) fn timed(&self, name: &str, work: impl FnOnce() -> Result<String>) -> Result<()> {
        let start = Instant::now();
        self.bar.set_message(name.to_owned());
        let detail = work().with_context(|| name.to_owned())?;
        self.finished("done", name, start, &detail);
        Ok(())
    }

    fn finished(&self, word: &str, name: &str, start: Instant, detail: &str) {
        let seconds = start.elapsed().as_secs_f64();
        self.line(&format!("  {word:<9} {name:<28} {seconds:6.1} s  {detail}"));
        self.bar.inc(1);
    }

    /// Removes what was drawn behind the lines.
    pub(crate) fn end(&self) {
        self.bar.finish_and_clear();
    }

    fn line(&self, text: &str) {
        self.bar.suspend(|| println!("{text}"));
    }
}

/// Runs the steps in order and stops at the first that cannot be had.
pub(crate) fn run(steps: &[Step], context: &Context) -> Result<()> {
    let result = steps.iter().try_for_each(|step| {
        let start = Instant::now();
        let (word, detail) = one(step, context).with_context(|| step.name.to_owned())?;
        context.finished(word, step.name, start, &detail);
        Ok(())
    });
    context.end();
    result
}

fn one(step: &Step, context: &Context) -> Result<(&'static str, String)> {
    context.bar.set_message(step.name);
    let missing = match (step.check)(context)? {
        State::Ready(detail) => return Ok(("ready", detail)),
        State::Missing(what) => what,
    };
    context.say(&format!("{}: {missing}", step.name));
    (step.install)(context, &missing)?;
    match (step.check)(context)? {
        State::Ready(detail) => Ok(("installed", detail)),
        State::Missing(what) => anyhow::bail!("still missing after its installation: {what}"),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn context() -> (tempfile::TempDir, Context) {
        let dir = tempfile::tempdir().expect("temporary directory");
        let cache = Cache::at(dir.path()).expect("cache");
        (dir, Context::new(cache, 1))
    }

    fn file_is_there(context: &Context) -> Result<State> {
        let path = context.cache.path("made");
        Ok(match fs::read_to_string(path) {
            Ok(text) => State::Ready(text),
            Err(_) => State::Missing("the file".into()),
        })
    }

    const MAKES: Step = Step {
        name: "a file",
        check: file_is_there,
        install: |context, missing| Ok(fs::write(context.cache.path("made"), missing)?),
    };

    #[test]
    fn a_step_installs_once_and_is_ready_then() {
        let (_dir, context) = context();
        let first = one(&MAKES, &context).expect("installs");
        assert_eq!(first, ("installed", "the file".into()));
        let second = one(&MAKES, &context).expect("is there");
        assert_eq!(second, ("ready", "the file".into()));
    }

    #[test]
    fn work_is_done_once_unless_it_fails() {
        let (_dir, context) = context();
        let mut calls = 0;
        let failed = context.once("work", || anyhow::bail!("no"));
        assert!(failed.is_err());
        for _ in 0..2 {
            let result = context.once("work", || {
                calls += 1;
                Ok(())
            });
            assert!(result.is_ok());
        }
        assert_eq!(calls, 1);
    }

    #[test]
    fn an_installation_without_effect_is_an_error_and_ends_the_run() {
        let (_dir, context) = context();
        let idle = Step {
            name: "idle",
            install: |_, _| Ok(()),
            ..MAKES
        };
        let error = run(&[idle, MAKES], &context).expect_err("nothing was made");
        let text = format!("{error:#}");
        assert_eq!(text, "idle: still missing after its installation: the file");
        assert!(!context.cache.path("made").exists());
    }
}
