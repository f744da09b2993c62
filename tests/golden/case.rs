//! A case: a file with objects and, after a marker, the rendered translation.

use std::path::{Path, PathBuf};

use gateway_core::{
    addresses::Addressing,
    status::endpoint_verdicts,
    translate::{Settings, translate},
    world::{FileSet, World},
};

use crate::render;

/// Ends the input. Everything after it is a comment, so that the file stays valid YAML.
const MARKER: &str = "# ======== expected ========\n";
/// A comment that stands for the option `--address` of the program.
const ADDRESS: &str = "# --address ";
/// Comments that stand for a node of a cluster that leads, or that does not.
const LEADER: &str = "# leader";
const FOLLOWER: &str = "# follower";

pub(crate) struct Case {
    path: PathBuf,
    input: String,
    pub expected: String,
}

impl Case {
    pub(crate) fn read(path: &Path) -> Self {
        let text = std::fs::read_to_string(path).expect("a readable case");
        let (input, expected) = text.split_once(MARKER).unwrap_or((&text, ""));
        Self {
            path: path.to_owned(),
            input: input.to_owned(),
            expected: expected.to_owned(),
        }
    }

    pub(crate) fn name(&self) -> String {
        let name = self.path.file_stem().unwrap_or_default();
        name.to_string_lossy().into_owned()
    }

    /// The input as one file.
    pub(crate) fn files(&self) -> Vec<(String, String)> {
        vec![(format!("{}.yaml", self.name()), self.input.clone())]
    }

    /// The documents of the input.
    pub(crate) fn documents(&self) -> Vec<&str> {
        self.input.split("\n---\n").collect()
    }

    /// The rendered translation. Endpoints are joined where the case has EndpointSlices.
    ///
    /// # Panics
    /// Where the files have a problem: kubectl would not accept them.
    pub(crate) fn translate(&self, files: Vec<(String, String)>) -> String {
        let world = self.world(files);
        let settings = Settings {
            addressing: self.addressing(),
            ..Settings::default()
        };
        let mut translation = translate(&world, &settings);
        if !world.slices.is_empty() {
            let endpoints = world.endpoints(translation.plan.backend_ids().into_iter());
            endpoint_verdicts(&translation.plan, &endpoints, &mut translation.statuses);
        }
        let text = render::translation(&translation);
        let lines = text
            .lines()
            .map(|line| format!("# {line}").trim_end().to_owned() + "\n");
        lines.collect()
    }

    pub(crate) fn write(&self, found: &str) {
        let text = format!("{}\n{MARKER}{found}", self.input.trim_end());
        std::fs::write(&self.path, text).expect("a writable case");
    }

    /// The lines that differ, expected with `-`, found with `+`.
    pub(crate) fn difference(&self, found: &str) -> String {
        let missing = self
            .expected
            .lines()
            .filter(|line| !found.lines().any(|l| l == *line));
        let added = found
            .lines()
            .filter(|line| !self.expected.lines().any(|l| l == *line));
        let lines = missing
            .map(|l| format!("-{l}"))
            .chain(added.map(|l| format!("+{l}")));
        let lines: Vec<String> = lines.collect();
        let shown = if lines.is_empty() {
            "lines in another order".to_owned()
        } else {
            lines.join("\n")
        };
        format!("{}:\n{shown}", self.path.display())
    }

    /// # Panics
    /// As [`Case::translate`].
    pub(crate) fn world(&self, files: Vec<(String, String)>) -> World {
        let mut set = FileSet::default();
        for (path, text) in files {
            set.update(&path, Some(&text));
        }
        let problems: Vec<String> = set.problems().iter().map(ToString::to_string).collect();
        assert!(
            problems.is_empty(),
            "{}: {}",
            self.name(),
            problems.join("\n")
        );
        set.world()
    }

    fn addressing(&self) -> Addressing {
        let options = self
            .input
            .lines()
            .filter_map(|line| line.strip_prefix(ADDRESS));
        let defaults = options
            .map(|address| address.parse().expect("an address"))
            .collect();
        let says = |comment: &str| self.input.lines().any(|line| line == comment);
        match (says(LEADER), says(FOLLOWER)) {
            (false, false) => Addressing::standalone(defaults),
            (leads, _) => Addressing::cluster(defaults, leads),
        }
    }
}
