//! The images that pods of the cluster and of the conformance suite ask for, from programs we built.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

use super::config::PAUSE_IMAGE;
use crate::{
    oci::{Entry, Image},
    steps::{Context, State, Step},
    tools,
};

/// (the image's name without host and tag, its program); the suite's second server differs in
/// nothing that its tests look at.
const PROGRAMS: &[(&str, &str)] = &[
    ("gateway-api/echo-basic", "echo-basic"),
    ("gateway-api/echo-advanced", "echo-basic"),
    ("coredns/coredns", "coredns"),
];
/// What our own manifests ask for.
pub(super) const DNS_IMAGE: &str = "registry.k8s.io/coredns/coredns:v1.12.2";

pub(super) const STEP: Step = Step {
    name: "images",
    check,
    install: |context, _| build(context),
};

/// Archives of all images.
pub(super) fn archives(context: &Context) -> Result<Vec<PathBuf>> {
    let dir = dir(context)?;
    let entries = fs::read_dir(&dir).with_context(|| format!("{} is missing", dir.display()))?;
    let mut all = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    all.sort();
    Ok(all)
}

fn check(context: &Context) -> Result<State> {
    if !dir(context)?.exists() {
        return Ok(State::Missing("the archives".into()));
    }
    let names = archives(context)?;
    let names = names.iter().filter_map(|path| path.file_stem());
    let names: Vec<_> = names.map(|name| name.to_string_lossy()).collect();
    Ok(State::Ready(names.join(" ")))
}

fn build(context: &Context) -> Result<()> {
    let programs = tools::programs(context)?;
    let mut wanted = BTreeSet::from([DNS_IMAGE.to_owned()]);
    wanted_below(
        &tools::data(context, "gateway-api", "manifests")?,
        &mut wanted,
    )?;
    tools::whole(&dir(context)?, |partial| {
        write(partial, &programs, "pause", vec![PAUSE_IMAGE.into()])?;
        let names: BTreeSet<_> = PROGRAMS.iter().map(|(_, program)| *program).collect();
        names.into_iter().try_for_each(|program| {
            let tags = tags_for(program, &wanted);
            write(partial, &programs, program, tags)
        })
    })
}

fn write(dir: &Path, programs: &Path, program: &str, tags: Vec<String>) -> Result<()> {
    let image = Image {
        tags,
        entrypoint: vec![format!("/{program}")],
        env: Vec::new(),
        user: "65532:65532".into(),
        labels: Vec::new(),
        entries: vec![Entry::copy(&programs.join(program), program, 0o755)?],
    };
    fs::write(dir.join(format!("{program}.tar")), image.archive()?)?;
    Ok(())
}

fn tags_for(program: &str, wanted: &BTreeSet<String>) -> Vec<String> {
    let made_of = |image: &&String| {
        let name = image
            .rsplit_once(':')
            .map_or(image.as_str(), |(name, _)| name);
        PROGRAMS
            .iter()
            .any(|(end, of)| *of == program && name.ends_with(&format!("/{end}")))
    };
    wanted.iter().filter(made_of).cloned().collect()
}

/// Every image that the manifests below a directory name.
fn wanted_below(dir: &Path, wanted: &mut BTreeSet<String>) -> Result<()> {
    for entry in fs::read_dir(dir).with_context(|| format!("{} is missing", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            wanted_below(&path, wanted)?;
        } else {
            wanted.extend(images(&fs::read_to_string(&path)?));
        }
    }
    Ok(())
}

fn images(manifest: &str) -> impl Iterator<Item = String> {
    let lines = manifest.lines().filter_map(|line| {
        let line = line.trim();
        line.strip_prefix("- ")
            .unwrap_or(line)
            .strip_prefix("image: ")
    });
    lines.map(|image| image.trim_matches(['"', '\'']).to_owned())
}

fn dir(context: &Context) -> Result<PathBuf> {
    let programs = tools::programs(context)?;
    let name = programs.file_name().unwrap_or_default().to_string_lossy();
    Ok(programs.with_file_name(format!("images-for-{name}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_tag_that_manifests_ask_for_is_given_to_its_program() {
        let manifest = "containers:\n- image: r.io/gateway-api/echo-basic:v1.5.1\n  name: x\n\
            - name: y\n  image: \"r.io/gateway-api/echo-basic:v1.6.0\"\n\
            - image: r.io/coredns/coredns:v1.12.2\n- image: r.io/other:v1\n";
        let wanted: BTreeSet<_> = images(manifest).collect();
        assert_eq!(wanted.len(), 4);
        let echo = tags_for("echo-basic", &wanted);
        let expected = [
            "r.io/gateway-api/echo-basic:v1.5.1",
            "r.io/gateway-api/echo-basic:v1.6.0",
        ];
        assert_eq!(echo, expected);
        assert_eq!(tags_for("coredns", &wanted).len(), 1);
        assert!(tags_for("pause", &wanted).is_empty());
    }
}
