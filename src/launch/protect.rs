//! Protections besides the fence: hidden files, places of its own, bounds. Each says honestly how
//! much of it is in force.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::place::Place;
use crate::environment::hide;
use crate::fence::Status;
use crate::profile::{HideBy, Limit, Private, Profile};
use crate::sys::landlock::Readable;

/// How much of a protection is in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Protection {
    /// The profile's word for it.
    pub name: &'static str,
    /// How much of it.
    pub status: Status,
    /// What is not.
    pub missing: Vec<String>,
}

/// The protections of one run.
#[derive(Debug, Default)]
pub struct Protections {
    readable: Option<Readable>,
    limits: Vec<(Limit, u64)>,
    private: Option<Place>,
    /// How much of each that was asked for is in force.
    pub list: Vec<Protection>,
}

impl Protections {
    /// What the profile asks for, found out by a real attempt. `hidden` are the files themselves,
    /// where the kernel is to hide them.
    pub fn of(profile: &Profile, hidden: &[PathBuf]) -> Protections {
        let mut all = Protections::default();
        if !profile.hide.is_empty() {
            let by_kernel = profile.hide_by.as_ref().map(|(by, _)| *by) == Some(HideBy::Landlock);
            let made = by_kernel.then(|| readable(hidden));
            let paths = profile.hide.iter().map(|(path, _)| path.as_str());
            all.list.push(hiding(made.as_ref(), paths));
            all.readable = made.and_then(Result::ok).flatten();
        }
        if !profile.private.is_empty() {
            let missing = profile.private.iter().map(|(what, _)| beside(*what));
            all.list.push(protection("private", missing.collect()));
        }
        if !profile.limits.is_empty() {
            let limits = profile.limits.iter();
            all.limits = limits
                .clone()
                .map(|(l, most, _)| scaled(*l, *most))
                .collect();
            let missing = limits.filter_map(|(limit, _, _)| {
                Some(format!("`{}`: {}", limit.word(), limit.unbound()?))
            });
            all.list.push(protection("limits", missing.collect()));
        }
        all
    }

    /// Whether the kernel was to hide files and does not.
    pub fn lacks(&self, profile: &Profile) -> Option<String> {
        let asked = profile.hide_by.as_ref().map(|(by, _)| *by) == Some(HideBy::Landlock);
        let hide = self.list.iter().find(|one| one.name == "hide")?;
        (asked && hide.status != Status::Full).then(|| hide.missing.join("; "))
    }

    /// Makes the private places; the environment with them.
    ///
    /// # Errors
    /// The system's.
    pub fn settle(
        &mut self,
        profile: &Profile,
        mut environment: Vec<OsString>,
    ) -> io::Result<Vec<OsString>> {
        if profile.private.is_empty() {
            return Ok(environment);
        }
        let place = Place::new()?;
        for (what, _) in &profile.private {
            let own = place.path().join(what.word());
            fs::create_dir(&own)?;
            let said = format!("{}={}", what.variable(), what.placeholder());
            for entry in environment
                .iter_mut()
                .filter(|e| e.as_bytes() == said.as_bytes())
            {
                *entry = format!("{}=", what.variable()).into();
                entry.push(&own);
            }
        }
        self.private = Some(place);
        Ok(environment)
    }

    /// Puts the hidden files out of reach. For the child: only system calls.
    pub(super) fn hide(&self) -> Result<(), i32> {
        self.readable.as_ref().map_or(Ok(()), Readable::enforce)
    }

    /// Bounds what the child may use. Only system calls.
    pub(super) fn bound(&self) -> Result<(), i32> {
        let mut limits = self.limits.iter();
        limits.try_for_each(|(limit, most)| limit.bound(*most))
    }

    /// Removes the private places; why they could not be.
    pub fn clear(&mut self) -> Option<String> {
        let place = self.private.take()?;
        let path = place.path().to_owned();
        let error = place.close().err()?;
        Some(format!("{} could not be removed: {error}", path.display()))
    }
}

fn protection(name: &'static str, missing: Vec<String>) -> Protection {
    let status = match missing.is_empty() {
        true => Status::Full,
        false => Status::Partial,
    };
    Protection {
        name,
        status,
        missing,
    }
}

/// What a program still finds that does not ask the variable.
fn beside(what: Private) -> String {
    match what {
        Private::Home => "a program that asks the user database finds the real home",
        Private::Tmp => "a program that names /tmp itself writes there",
    }
    .to_owned()
}

/// The bound in the kernel's unit: profiles give sizes in MiB.
fn scaled(limit: Limit, most: u64) -> (Limit, u64) {
    let most = match limit {
        Limit::Memory | Limit::FileSize | Limit::Core => most.saturating_mul(1 << 20),
        Limit::Processes | Limit::Files | Limit::Processor => most,
    };
    (limit, most)
}

/// `made`: what came of hiding by the kernel, where that was asked for.
fn hiding<'a>(
    made: Option<&Result<Option<Readable>, String>>,
    paths: impl Iterator<Item = &'a str> + Clone,
) -> Protection {
    let mut missing = match made {
        Some(Ok(Some(readable))) if readable.keeps_in_place => {
            vec!["nothing can be moved between directories: an old Landlock".to_owned()]
        }
        Some(Ok(_)) => return protection("hide", Vec::new()),
        Some(Err(why)) => vec![format!("not hidden by the kernel: {why}")],
        None => vec!["a program that opens the files itself finds them".to_owned()],
    };
    let open = hide::missing(paths.clone());
    let status = match open.len() == paths.count() {
        true if !matches!(made, Some(Ok(_))) => Status::None,
        _ => Status::Partial,
    };
    if !matches!(made, Some(Ok(_))) {
        missing.extend(open);
    }
    Protection {
        status,
        ..protection("hide", missing)
    }
}

/// Everything but the hidden files; `None` where there are none.
fn readable(hidden: &[PathBuf]) -> Result<Option<Readable>, String> {
    let set = Readable::new().map_err(|e| format!("Landlock: {e}"))?;
    if hidden.is_empty() {
        return Ok(None);
    }
    allow_beside(&set, Path::new("/"), hidden).map_err(|e| format!("Landlock: {e}"))?;
    Ok(Some(set))
}

/// Landlock only allows: so what stands beside a hidden file is, and below a directory on the way
/// to one the same again. Links need no rule, what they lead to has one.
fn allow_beside(set: &Readable, directory: &Path, hidden: &[PathBuf]) -> io::Result<()> {
    let inside = |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", directory.display()));
    for entry in fs::read_dir(directory).map_err(inside)? {
        let entry = entry?;
        let path = entry.path();
        if hidden.contains(&path) || entry.file_type()?.is_symlink() {
            continue;
        }
        if hidden.iter().any(|own| own.starts_with(&path)) {
            allow_beside(set, &path, hidden)?;
        } else {
            set.add(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fence::Status;

    #[test]
    fn what_hiding_by_variables_leaves_open_is_said() {
        let of = |paths: &[&str]| hiding(None, paths.iter().copied());
        assert_eq!(of(&["~/.pgpass"]).status, Status::Partial);
        assert_eq!(of(&["~/.pgpass", "~/.my.cnf"]).missing.len(), 2);
        assert_eq!(of(&["~/.my.cnf"]).status, Status::None);
        let failed = Err("Landlock: no".to_owned());
        let paths = ["~/.my.cnf"];
        let hidden = hiding(Some(&failed), paths.into_iter());
        assert_eq!((hidden.status, hidden.missing.len()), (Status::None, 2));
        assert_eq!(
            hiding(Some(&Ok(None)), paths.into_iter()).status,
            Status::Full
        );
    }

    #[test]
    fn what_stands_beside_hidden_files_gets_rules() {
        let dir = tempfile::tempdir().unwrap();
        let real = fs::canonicalize(dir.path()).unwrap();
        fs::write(real.join("hidden"), "x").unwrap();
        fs::write(real.join("open"), "x").unwrap();
        // Where there is no Landlock the error says so.
        match readable(&[real.join("hidden")]) {
            Ok(set) => assert!(set.is_some()),
            Err(why) => assert!(why.starts_with("Landlock: "), "{why}"),
        }
    }
}
