//! The commit that is checked out, read from `.git` without running git.

use std::fs;
use std::path::{Path, PathBuf};

/// A packed list of references longer than this is not read.
const MAX_PACKED_REFS: u64 = 4 << 20;

/// What is checked out where the command runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Git {
    /// Top of the working tree.
    pub root: PathBuf,
    /// The commit's id; `None` before the first commit.
    pub commit: Option<String>,
    /// Branch, where one is checked out.
    pub branch: Option<String>,
}

impl Git {
    /// The working tree that `directory` is in.
    pub fn find(directory: &Path) -> Option<Git> {
        let (root, dot_git) = directory.ancestors().find_map(|dir| {
            let dot_git = dir.join(".git");
            fs::symlink_metadata(&dot_git).ok()?;
            Some((dir.to_owned(), dot_git))
        })?;
        let git_dir = git_dir(&root, &dot_git)?;
        let head = fs::read_to_string(git_dir.join("HEAD")).ok()?;
        let head = head.trim();
        let Some(reference) = head.strip_prefix("ref: ") else {
            return Some(Git {
                root,
                commit: commit_id(head),
                branch: None,
            });
        };
        Some(Git {
            root,
            commit: resolve(&git_dir, reference.trim()),
            branch: reference
                .trim()
                .strip_prefix("refs/heads/")
                .map(str::to_owned),
        })
    }
}

/// `.git` is a directory, or in linked working trees and submodules a file that names one.
fn git_dir(root: &Path, dot_git: &Path) -> Option<PathBuf> {
    if dot_git.is_dir() {
        return Some(dot_git.to_owned());
    }
    let text = fs::read_to_string(dot_git).ok()?;
    Some(root.join(text.trim().strip_prefix("gitdir:")?.trim()))
}

fn resolve(git_dir: &Path, reference: &str) -> Option<String> {
    // References are relative names; nothing else is followed.
    if reference.starts_with('/') || reference.split('/').any(|part| part == "..") {
        return None;
    }
    let common = fs::read_to_string(git_dir.join("commondir"))
        .map_or_else(|_| git_dir.to_owned(), |dir| git_dir.join(dir.trim()));
    [git_dir, &common]
        .iter()
        .find_map(|dir| {
            fs::read_to_string(dir.join(reference))
                .ok()
                .and_then(|text| commit_id(text.trim()))
        })
        .or_else(|| packed(&common, reference))
}

fn packed(common: &Path, reference: &str) -> Option<String> {
    let path = common.join("packed-refs");
    if fs::metadata(&path).ok()?.len() > MAX_PACKED_REFS {
        return None;
    }
    let text = fs::read_to_string(path).ok()?;
    text.lines().find_map(|line| {
        let (id, name) = line.split_once(' ')?;
        (name == reference).then(|| commit_id(id))?
    })
}

fn commit_id(text: &str) -> Option<String> {
    let is_id = matches!(text.len(), 40 | 64) && text.bytes().all(|b| b.is_ascii_hexdigit());
    is_id.then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "3fce3b5b3fce3b5b3fce3b5b3fce3b5b3fce3b5b";

    fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = dir.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        dir
    }

    #[test]
    fn a_branch_is_followed_to_its_commit_loose_or_packed() {
        for place in [
            (".git/refs/heads/main", format!("{ID}\n")),
            (
                ".git/packed-refs",
                format!("# pack-refs\n{ID} refs/heads/main\n"),
            ),
        ] {
            let dir = tree(&[
                (".git/HEAD", "ref: refs/heads/main\n"),
                (place.0, &place.1),
                ("app/x", ""),
            ]);
            let git = Git::find(&dir.path().join("app")).unwrap();
            assert_eq!(git.commit.as_deref(), Some(ID), "{}", place.0);
            assert_eq!(git.branch.as_deref(), Some("main"));
            assert_eq!(git.root, dir.path());
        }
    }

    #[test]
    fn a_linked_tree_reads_its_own_head_and_the_common_references() {
        let dir = tree(&[
            ("main/.git/refs/heads/side", &format!("{ID}\n")),
            ("main/.git/worktrees/w/HEAD", "ref: refs/heads/side\n"),
            ("main/.git/worktrees/w/commondir", "../..\n"),
            ("w/.git", "gitdir: ../main/.git/worktrees/w\n"),
        ]);
        let git = Git::find(&dir.path().join("w")).unwrap();
        assert_eq!(git.commit.as_deref(), Some(ID));
    }

    #[test]
    fn what_is_not_a_commit_is_not_reported_as_one() {
        let dir = tree(&[(".git/HEAD", "ref: ../../../../etc/passwd\n")]);
        assert_eq!(Git::find(dir.path()).unwrap().commit, None);
        let dir = tree(&[(".git/HEAD", "ref: refs/heads/new\n")]);
        assert_eq!(Git::find(dir.path()).unwrap().commit, None);
    }
}
