//! Programs written in Go that the tests on Kubernetes and `cargo xtask interop` need, built once for
//! each version.
//!
//! `xtask/go/NAME` pins what is built. A result is kept in the cache under a name with a digest of
//! everything that it depends on; it is made beside its place and moved there when it is whole.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use sha2::{Digest as _, Sha256};

use crate::{
    process::Job,
    steps::{Context, State, Step},
    workspace,
};

mod go;
mod table;

use table::{INTEROP, TOOLS, Tool};

/// A cold build of Kubernetes takes eight minutes on two cores.
const BUILD: Duration = Duration::from_secs(3600);
const SHORT: Duration = Duration::from_secs(300);

/// A Go that builds what [`STEPS`] need.
pub(crate) const GO: Step = Step {
    name: "Go",
    check: |context| go::check(context, programs(context)?.exists()),
    install: go::install,
};

/// What `cargo xtask interop` runs, which no cluster has use for.
pub(crate) const INTEROP_STEPS: &[Step] = &[
    Step {
        check: |context| go::check(context, are_built(INTEROP, context)?),
        ..GO
    },
    step::<7>(),
    step::<8>(),
];
const _: () = assert!(INTEROP_STEPS.len() == INTEROP.len() + 1);

/// One step for each tool, then one for the directory with all programs.
pub(crate) const STEPS: &[Step] = &[
    step::<0>(),
    step::<1>(),
    step::<2>(),
    step::<3>(),
    step::<4>(),
    step::<5>(),
    step::<6>(),
    Step {
        name: "programs in one directory",
        check: |context| {
            let programs = programs(context)?;
            Ok(if programs.exists() {
                State::Ready(programs.display().to_string())
            } else {
                State::Missing("the directory".into())
            })
        },
        install: |context, _| gather(context),
    },
];
const _: () = assert!(STEPS.len() == TOOLS.len() + 1);

const fn step<const N: usize>() -> Step {
    Step {
        name: tool(N).module,
        check: |context| tool(N).check(context),
        install: |context, _| tool(N).build(context),
    }
}

/// Those of the cluster first.
const fn tool(n: usize) -> &'static Tool {
    if n < TOOLS.len() {
        &TOOLS[n]
    } else {
        &INTEROP[n - TOOLS.len()]
    }
}

fn are_built(tools: &[Tool], context: &Context) -> Result<bool> {
    tools
        .iter()
        .try_fold(true, |all, tool| Ok(all && tool.place(context)?.exists()))
}

/// The directory with every program, named after all that they depend on.
pub(crate) fn programs(context: &Context) -> Result<PathBuf> {
    let mut digest = Sha256::new();
    for tool in TOOLS {
        digest.update(tool.place(context)?.to_string_lossy().as_bytes());
    }
    Ok(place(context, &format!("programs-{}", hex(digest))))
}

/// One of a tool's programs, or what it has besides: the Gateway API's CRDs, the conformance suite's
/// manifests.
pub(crate) fn data(context: &Context, module: &str, name: &str) -> Result<PathBuf> {
    let mut all = TOOLS.iter().chain(INTEROP);
    let tool = all.find(|tool| tool.module == module);
    let tool = tool.with_context(|| format!("there is no tool {module}"))?;
    Ok(tool.place(context)?.join(name))
}

/// Hard links, so that the directory can be mounted elsewhere by itself.
fn gather(context: &Context) -> Result<()> {
    let programs = programs(context)?;
    whole(&programs, |partial| {
        for tool in TOOLS {
            let from = tool.place(context)?;
            for program in tool.programs {
                fs::hard_link(from.join(program), partial.join(program))
                    .with_context(|| format!("linking {program}"))?;
            }
        }
        Ok(())
    })
}

impl Tool {
    fn check(&self, context: &Context) -> Result<State> {
        let place = self.place(context)?;
        let version = self.version()?;
        Ok(if place.exists() {
            State::Ready(format!("{version}: {}", self.programs.join(" ")))
        } else {
            State::Missing(format!("{version} is built, {}", self.takes))
        })
    }

    fn build(&self, context: &Context) -> Result<()> {
        whole(&self.place(context)?, |partial| {
            self.compile(context, partial)?;
            for program in self.programs {
                let there = partial.join(program).is_file();
                ensure!(there, "the build of {} made no {program}", self.module);
            }
            self.copies
                .iter()
                .try_for_each(|copy| self.copy(context, copy, partial))
        })
    }

    fn compile(&self, context: &Context, to: &Path) -> Result<()> {
        let output = match self.programs {
            // The last part of a package's path need not be the program's name.
            [program] => to.join(program),
            _ => to.join(""),
        };
        let flags = self.link.replace("VERSION", &self.version()?);
        let build = self.go("building", BUILD)?.args(["build", "-trimpath"]);
        build
            .args(["-buildvcs=false", "-tags", self.tags])
            .arg(format!("-ldflags={flags}"))
            .arg("-o")
            .arg(output)
            .args(self.packages)
            .log(&self.log(context))?;
        Ok(())
    }

    /// Copies the YAML files below a directory of a Go module.
    fn copy(&self, context: &Context, copy: &table::Copy, to: &Path) -> Result<()> {
        let log = self.log(context);
        self.go("downloading", SHORT)?
            .args(["mod", "download", copy.module])
            .log(&log)?;
        let dir = self
            .go("finding the module", SHORT)?
            .args(["list", "-m", "-f", "{{.Dir}}", copy.module])
            .capture(&log)?;
        copy_yaml(&Path::new(dir.trim()).join(copy.from), &to.join(copy.to))
    }

    fn go(&self, what: &str, limit: Duration) -> Result<Job> {
        let job = Job::new(format!("{what} {}", self.module), "go", limit).dir(&self.source());
        Ok(if self.cgo {
            job
        } else {
            job.env("CGO_ENABLED", "0")
        }
        .env("GOFLAGS", "-mod=readonly"))
    }

    fn log(&self, context: &Context) -> PathBuf {
        context.cache.log(&format!("build-{}", self.module))
    }

    fn source(&self) -> PathBuf {
        workspace::root().join("xtask/go").join(self.module)
    }

    fn place(&self, context: &Context) -> Result<PathBuf> {
        let mut digest = Sha256::new();
        let mut files: Vec<_> = fs::read_dir(self.source())?
            .map(|entry| Ok(entry?.path()))
            .collect::<io::Result<_>>()?;
        files.sort();
        for file in files {
            digest.update(fs::read(file)?);
        }
        digest.update(format!("{self:?}"));
        let name = format!("{}-{}-{}", self.module, self.version()?, hex(digest));
        Ok(place(context, &name))
    }

    fn version(&self) -> Result<String> {
        let file = self.source().join("go.mod");
        let text = fs::read_to_string(&file)
            .with_context(|| format!("{} cannot be read", file.display()))?;
        match self.versioned_by {
            "" => Ok("v1".into()),
            module => required(&text, module)
                .with_context(|| format!("{} does not require {module}", file.display())),
        }
    }
}

fn place(context: &Context, name: &str) -> PathBuf {
    context.cache.path("tools").join(name)
}

/// Calls `make` with a new directory and moves that to `place` once it succeeded.
pub(crate) fn whole(place: &Path, make: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let mut partial = place.as_os_str().to_owned();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    if partial.exists() {
        fs::remove_dir_all(&partial)?;
    }
    fs::create_dir_all(&partial)?;
    make(&partial)?;
    fs::rename(&partial, place).with_context(|| format!("moving to {}", place.display()))
}

/// The version that a go.mod file requires of a module.
fn required(go_mod: &str, module: &str) -> Option<String> {
    let mut lines = go_mod.lines().map(|line| {
        let line = line.trim();
        line.strip_prefix("require ").unwrap_or(line)
    });
    lines.find_map(|line| {
        let version = line.strip_prefix(module)?.strip_prefix(' ')?;
        version.split(' ').next().map(str::to_owned)
    })
}

fn copy_yaml(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to)?;
    let entries = fs::read_dir(from).with_context(|| format!("{} cannot be read", from.display()));
    for entry in entries? {
        let (path, name) = entry.map(|e| (e.path(), e.file_name()))?;
        if path.is_dir() {
            copy_yaml(&path, &to.join(name))?;
        } else if path.extension().is_some_and(|e| e == "yaml") {
            fs::write(to.join(name), fs::read(&path)?)?;
        }
    }
    Ok(())
}

/// The beginning of a digest: enough to tell the versions in a cache apart.
fn hex(digest: Sha256) -> String {
    let bytes = digest.finalize();
    bytes[..6].iter().map(|b| format!("{b:02x}")).collect()
}

#[cfg(test)]
mod tests;
