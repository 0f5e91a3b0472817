//! Which project files may loosen rules: those the user looked at, by path and content.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::unreadable;
use crate::files::{FileError, Files};
use crate::profile::{ConfigError, Trust};

/// The name of the list in the user's configuration folder.
const LIST: &str = "trusted";

/// The user's list of trusted project files: one `SHA-256 PATH` a line; a line `prefix PATH`
/// trusts every project file below a path.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustList {
    files: Vec<(String, PathBuf)>,
    prefixes: Vec<PathBuf>,
}

impl TrustList {
    /// Reads the list; where there is none, nothing is trusted.
    ///
    /// # Errors
    /// The list exists and cannot be read.
    pub fn load(user_folder: &Path, files: &dyn Files) -> Result<TrustList, ConfigError> {
        let path = user_folder.join(LIST);
        match files.read_text(&path) {
            Ok(_) if files.anybody_may_write(&path) => {
                Err(super::anybodys(&path.display().to_string()))
            }
            Ok(text) => Ok(TrustList::parse(&text)),
            Err(FileError::Missing) => Ok(TrustList::default()),
            Err(e) => Err(unreadable(&path.display().to_string(), &e)),
        }
    }

    /// Where the list stands.
    pub fn path(user_folder: &Path) -> PathBuf {
        user_folder.join(LIST)
    }

    fn parse(text: &str) -> TrustList {
        let mut list = TrustList::default();
        for (word, path) in text.lines().filter_map(|l| l.split_once(' ')) {
            match word {
                "prefix" => list.prefixes.push(path.into()),
                digest => list.files.push((digest.to_owned(), path.into())),
            }
        }
        list
    }

    /// The list as text.
    pub fn text(&self) -> String {
        let prefixes = self
            .prefixes
            .iter()
            .map(|p| format!("prefix {}\n", p.display()));
        let files = self
            .files
            .iter()
            .map(|(d, p)| format!("{d} {}\n", p.display()));
        prefixes.chain(files).collect()
    }

    /// Whether a project file may loosen rules: its path is listed with the digest of what it
    /// holds now, or lies below a trusted prefix.
    pub fn trust(&self, path: &Path, files: &dyn Files) -> Trust {
        if self.files.is_empty() && self.prefixes.is_empty() {
            return Trust::TightenOnly;
        }
        let Some(real) = files.real_path(path) else {
            return Trust::TightenOnly;
        };
        if self.prefixes.iter().any(|p| real.starts_with(p)) {
            return Trust::Trusted;
        }
        let Ok(bytes) = files.read(&real) else {
            return Trust::TightenOnly;
        };
        let now = digest(&bytes);
        let listed = self.files.iter().any(|(d, p)| *p == real && *d == now);
        if listed {
            Trust::Trusted
        } else {
            Trust::TightenOnly
        }
    }

    /// Trusts a file with the content it has now, in place of what was trusted of it before.
    pub fn add(&mut self, path: PathBuf, bytes: &[u8]) {
        self.remove(&path);
        self.files.push((digest(bytes), path));
    }

    /// Trusts every project file below a path.
    pub fn add_prefix(&mut self, path: PathBuf) {
        if !self.prefixes.contains(&path) {
            self.prefixes.push(path);
        }
    }

    /// Trusts a file or prefix no longer; false where it was not trusted.
    pub fn remove(&mut self, path: &Path) -> bool {
        let before = self.files.len() + self.prefixes.len();
        self.files.retain(|(_, p)| p != path);
        self.prefixes.retain(|p| p != path);
        before != self.files.len() + self.prefixes.len()
    }
}

/// SHA-256 in hex.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes)
        .iter()
        .map(|b| format!("{b:02x}"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Memory;

    #[test]
    fn trust_ends_when_the_content_changes() {
        let mut list = TrustList::default();
        list.add("/p/tagout.toml".into(), b"a");
        let list = TrustList::parse(&list.text());
        let path = Path::new("/p/tagout.toml");
        assert_eq!(
            list.trust(path, &Memory::new().with("/p/tagout.toml", "a")),
            Trust::Trusted
        );
        assert_eq!(
            list.trust(path, &Memory::new().with("/p/tagout.toml", "b")),
            Trust::TightenOnly
        );
        assert_eq!(
            list.trust(
                Path::new("/q/tagout.toml"),
                &Memory::new().with("/q/tagout.toml", "a")
            ),
            Trust::TightenOnly
        );
    }
}
