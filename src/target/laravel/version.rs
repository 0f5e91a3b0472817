//! Which Laravel and which phpdotenv a project runs.

use std::path::Path;

use crate::environment::dotenv::php::Version as Dotenv;
use crate::files::Files;

/// A release of Laravel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    /// Major number (5 to 13).
    pub major: u32,
    /// Minor number.
    pub minor: u32,
}

impl Version {
    /// The newest release whose rules are known here.
    pub const NEWEST: Version = Version::new(13, 31);

    /// A release.
    pub const fn new(major: u32, minor: u32) -> Self {
        Version { major, minor }
    }

    /// Whether it is this release or a later one.
    pub fn at_least(self, major: u32, minor: u32) -> bool {
        self >= Version::new(major, minor)
    }

    /// The phpdotenv that came with it at the time.
    fn dotenv(self) -> Dotenv {
        match (self.major, self.minor) {
            (..=4, _) | (5, ..=1) => Dotenv::new(1, 1),
            (5, 2..=7) => Dotenv::new(2, 5),
            (5 | 6, _) => Dotenv::new(3, 6),
            (7, _) => Dotenv::new(4, 3),
            (8, _) => Dotenv::new(5, 4),
            (9, _) => Dotenv::new(5, 5),
            (10..=12, _) => Dotenv::new(5, 6),
            _ => Dotenv::NEWEST,
        }
    }
}

/// What a project runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Release {
    /// Laravel.
    pub laravel: Version,
    /// phpdotenv.
    pub dotenv: Dotenv,
    /// Whether a file of the project said so; else the newest rules are assumed.
    pub found: bool,
}

/// Where Debian keeps the framework, for projects that load it from there.
const DEBIAN: &str = "/usr/share/php/Illuminate/Foundation/Application.php";

/// Looks into the framework's own file, then what Composer installed, then what it locked.
pub fn detect(root: &Path, files: &dyn Files) -> Release {
    let application = "vendor/laravel/framework/src/Illuminate/Foundation/Application.php";
    let installed = text(root, "vendor/composer/installed.json", files);
    let lock = || text(root, "composer.lock", files);
    let own = constant(&text(root, application, files).unwrap_or_default());
    let laravel = own
        .or_else(|| {
            installed
                .as_deref()
                .and_then(|t| package(t, "laravel/framework"))
        })
        .or_else(|| package(&lock()?, "laravel/framework"))
        .or_else(|| {
            let loads = ["bootstrap/autoload.php", "bootstrap/app.php", "artisan"]
                .iter()
                .any(|f| {
                    text(root, f, files).is_some_and(|t| t.contains("Illuminate/autoload.php"))
                });
            let debian = loads
                .then(|| files.read_text(Path::new(DEBIAN)).ok())
                .flatten();
            debian.and_then(|t| constant(&t))
        });
    let dotenv = installed
        .as_deref()
        .and_then(|t| package(t, "vlucas/phpdotenv"))
        .or_else(|| package(&lock()?, "vlucas/phpdotenv"))
        .map(|(major, minor)| Dotenv::new(major, minor));
    let version = laravel.map_or(Version::NEWEST, |(major, minor)| Version::new(major, minor));
    Release {
        laravel: version,
        dotenv: dotenv.unwrap_or_else(|| version.dotenv()),
        found: laravel.is_some(),
    }
}

fn text(root: &Path, name: &str, files: &dyn Files) -> Option<String> {
    files.read_text(&root.join(name)).ok()
}

/// `const VERSION = '8.83.26'`.
fn constant(text: &str) -> Option<(u32, u32)> {
    let (_, after) = text.split_once("VERSION = '")?;
    numbers(after)
}

/// The version of a package in Composer's JSON. By text: the files are large, and only two
/// packages matter.
fn package(text: &str, name: &str) -> Option<(u32, u32)> {
    let quoted = format!("\"{}\"", name.replace('/', "\\/"));
    let plain = format!("\"{name}\"");
    let named = |at: usize| {
        text[..at].trim_end().ends_with(':') && {
            let before = text[..at].trim_end().trim_end_matches(':').trim_end();
            before.ends_with("\"name\"")
        }
    };
    let at = text
        .match_indices(&plain)
        .chain(text.match_indices(&quoted))
        .map(|(at, _)| at)
        .find(|at| named(*at))?;
    let (_, after) = text[at..].split_once("\"version\"")?;
    numbers(after.split('"').nth(1)?)
}

fn numbers(text: &str) -> Option<(u32, u32)> {
    let mut parts = text.trim_start_matches('v').split(['.', '\'', '-', '"']);
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next().and_then(|p| p.parse().ok()).unwrap_or(0);
    Some((major, minor))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Memory;

    #[test]
    fn what_is_installed_beats_what_is_locked() {
        let lock = r#"{"packages": [{"name": "laravel/framework", "version": "v8.83.26", "require": {"vlucas/phpdotenv": "^5.4"}}, {"name": "vlucas/phpdotenv", "version": "v5.4.1"}]}"#;
        let files = Memory::new().with("/p/composer.lock", lock);
        let release = detect(Path::new("/p"), &files);
        assert_eq!(
            (release.laravel, release.dotenv),
            (Version::new(8, 83), Dotenv::new(5, 4))
        );
        let files = files.with(
            "/p/vendor/laravel/framework/src/Illuminate/Foundation/Application.php",
            "<?php class Application { const VERSION = '10.48.29'; }",
        );
        assert_eq!(
            detect(Path::new("/p"), &files).laravel,
            Version::new(10, 48)
        );
        let none = detect(Path::new("/q"), &files);
        assert!(!none.found && none.laravel == Version::NEWEST);
    }
}
