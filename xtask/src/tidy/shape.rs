//! Small files with one clear job each: a first line that says it, and lengths.

use super::{Finding, files::File};

/// Lines at most, of a file below the prefix; the first prefix that fits counts.
const LENGTHS: &[(&str, usize)] = &[("gateway-ebpf/", 200), ("", 400)];
/// The median over all Rust files stays below.
const MEDIAN: usize = 120;

pub(super) fn first_line(files: &[File]) -> Vec<Finding> {
    let silent = rust(files).filter(|f| {
        let text = f
            .text
            .strip_prefix("//!")
            .map(|rest| rest.lines().next().unwrap_or_default());
        text.is_none_or(|text| text.trim().is_empty())
    });
    silent
        .map(|f| f.finding(1, "starts without `//!`; say in its first line what it is"))
        .collect()
}

pub(super) fn length(files: &[File]) -> Vec<Finding> {
    let found = rust(files).filter_map(|file| {
        let fits = |(prefix, _): &&(&str, usize)| file.path.starts_with(prefix);
        let (_, most) = LENGTHS.iter().find(fits)?;
        let lines = file.lines();
        let advice = format!("has {lines} lines, {most} are allowed; split it by its jobs");
        (lines > *most).then(|| file.finding(0, advice))
    });
    found.collect()
}

pub(super) fn median(files: &[File]) -> Vec<Finding> {
    let median = median_of(files);
    if median < MEDIAN {
        return Vec::new();
    }
    vec![Finding {
        file: "the workspace".into(),
        line: 0,
        advice: format!("the median of {median} lines is not below {MEDIAN}; split long files"),
    }]
}

/// Lines of the file in the middle, by length; 0 without files.
pub(super) fn median_of(files: &[File]) -> usize {
    let mut lengths: Vec<_> = rust(files).map(File::lines).collect();
    lengths.sort_unstable();
    lengths.get(lengths.len() / 2).copied().unwrap_or(0)
}

fn rust(files: &[File]) -> impl Iterator<Item = &File> {
    files.iter().filter(|f| f.is_rust())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str, lines: usize) -> File {
        File::new(path, &"// x\n".repeat(lines))
    }

    #[test]
    fn the_first_line_says_what_the_file_is() {
        let files = [
            "//! Words.\n",
            "//!\n//! Late.\n",
            "// Words.\n",
            "use a;\n",
            "",
        ];
        let files = files.map(|text| File::new("a.rs", text));
        assert_eq!(first_line(&files).len(), 4);
        assert!(first_line(&files[..1]).is_empty());
        assert!(first_line(&[File::new("run.sh", "echo")]).is_empty());
    }

    #[test]
    fn lengths_depend_on_the_place() {
        assert!(length(&[of("xtask/a.rs", 400), of("gateway-ebpf/src/a.rs", 200)]).is_empty());
        let long = [
            of("xtask/a.rs", 401),
            of("gateway-ebpf/src/a.rs", 201),
            of("a.md", 999),
        ];
        let found: Vec<_> = length(&long).into_iter().map(|f| f.file).collect();
        assert_eq!(found, ["xtask/a.rs", "gateway-ebpf/src/a.rs"]);
    }

    #[test]
    fn the_median_is_of_rust_files() {
        let files = [
            of("a.rs", 119),
            of("b.rs", 1),
            of("c.rs", 390),
            of("d.md", 900),
        ];
        assert_eq!(median_of(&files), 119);
        assert!(median(&files).is_empty());
        assert_eq!(median(&[of("a.rs", 120)]).len(), 1);
    }
}
