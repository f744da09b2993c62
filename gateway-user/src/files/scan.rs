//! Which files of a directory are manifests.

use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

/// Manifests found, and the directories where a change may add or alter one.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Listing {
    pub files: BTreeSet<PathBuf>,
    pub watched: BTreeSet<PathBuf>,
}

#[derive(Debug, thiserror::Error)]
pub enum ScanError {
    #[error("{0} does not exist: create it, or name another directory of manifests")]
    Missing(PathBuf),
    #[error("{0} is not a directory: put the manifests in one, and name that")]
    NotDirectory(PathBuf),
    #[error("{0} cannot be listed: {1}")]
    Unreadable(PathBuf, #[source] io::Error),
}

/// Lists the manifests in `root` and the directories directly in it.
///
/// # Errors
/// Where `root` itself cannot be listed. A directory in it that cannot be listed is left out.
pub fn list(root: &Path) -> Result<Listing, ScanError> {
    let mut listing = Listing::default();
    let below = add(root, &mut listing).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => ScanError::Missing(root.into()),
        io::ErrorKind::NotADirectory => ScanError::NotDirectory(root.into()),
        _ => ScanError::Unreadable(root.into(), error),
    })?;
    for directory in below {
        if let Err(error) = add(&directory, &mut listing) {
            tracing::warn!(directory = %directory.display(), %error, "directory left out");
        }
    }
    Ok(listing)
}

/// Adds the manifests directly in `directory`; returns the directories directly in it.
fn add(directory: &Path, listing: &mut Listing) -> io::Result<Vec<PathBuf>> {
    let mut below = Vec::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if is_hidden(&path) {
            continue;
        }
        // Follows symbolic links; a dangling one is no directory, and reported when it is read.
        if path.is_dir() {
            below.push(path);
        } else if is_manifest(&path) {
            // A link's target may change in place: its own directory is watched too.
            let target = fs::canonicalize(&path).ok();
            let parent = target.as_deref().and_then(Path::parent).map(Path::to_owned);
            if path.is_symlink() {
                listing.watched.extend(parent);
            }
            listing.files.insert(path);
        }
    }
    listing.watched.insert(directory.to_owned());
    Ok(below)
}

fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.as_encoded_bytes().starts_with(b".")
}

fn is_manifest(path: &Path) -> bool {
    path.extension()
        .is_some_and(|ext| ext == "yaml" || ext == "yml")
}
