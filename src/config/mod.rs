//! Finds the configuration files and reads them into layers: machine policy, user, project.

mod save;
mod trust;

use std::path::{Path, PathBuf};

use crate::command::Effect;
use crate::files::{FileError, Files, shown};
use crate::profile::{ConfigError, Layer, LayerKind, Trust, parse_document};
use crate::record::checkpoint::Keeper;
use crate::source::SourceKind;

pub use save::replace;
pub use trust::{TrustList, digest};

/// The machine's policy. Nothing below it loosens what it sets.
pub const POLICY: &str = "/etc/tagout/policy.toml";
/// The project's file.
pub const PROJECT_FILE: &str = "tagout.toml";

/// All layers that apply in a directory.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Layers in no particular order; each knows whose it is.
    pub layers: Vec<Layer>,
    /// The directory of the project's file, where there is one.
    pub project: Option<PathBuf>,
}

/// How the journal is anchored, from all layers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Anchoring {
    /// Private key that signs heads.
    pub key: Option<PathBuf>,
    /// Where heads are kept.
    pub keepers: Vec<Keeper>,
    /// Effects before which a head must have been kept.
    pub required_for: Vec<Effect>,
}

impl Config {
    /// How the journal is anchored. Key and places are the machine's and the user's to say: a
    /// project can only demand more.
    pub fn anchoring(&self) -> Anchoring {
        let mut anchoring = Anchoring::default();
        let mut layers: Vec<&Layer> = self.layers.iter().collect();
        layers.sort_by_key(|layer| std::cmp::Reverse(layer.kind));
        for layer in layers {
            let journal = &layer.document.journal;
            let required = journal
                .anchor_required_for
                .iter()
                .map(|(effect, _)| *effect);
            anchoring.required_for.extend(required);
            if layer.kind == LayerKind::Project {
                continue;
            }
            let key = journal.key.as_ref().map(|(key, _)| PathBuf::from(key));
            anchoring.key = anchoring.key.or(key);
            let places = journal.anchors.iter();
            anchoring
                .keepers
                .extend(places.filter_map(|(place, _)| Keeper::parse(place).ok()));
        }
        anchoring
    }
}

/// Reads the layers for `cwd`. `user_folder` is where the user's configuration stands.
///
/// # Errors
/// The first mistake in any of the files, or one that cannot be read: an unreadable policy is
/// never the same as none.
pub fn load(
    cwd: &Path,
    user_folder: Option<&Path>,
    files: &dyn Files,
) -> Result<Config, ConfigError> {
    let mut config = Config::default();
    let mut take = |path: &Path, name: &str, kind, source, trust| -> Result<bool, ConfigError> {
        let text = match files.read_text(path) {
            Ok(text) => text,
            Err(FileError::Missing) => return Ok(false),
            Err(e) => return Err(unreadable(name, &e)),
        };
        let document = parse_document(&text, name, source)?;
        config.layers.push(Layer {
            kind,
            name: name.to_owned(),
            trust,
            document,
        });
        Ok(true)
    };
    take(
        Path::new(POLICY),
        POLICY,
        LayerKind::Machine,
        SourceKind::SystemFile,
        Trust::Trusted,
    )?;
    if let Some(folder) = user_folder {
        let path = folder.join("config.toml");
        take(
            &path,
            &path.display().to_string(),
            LayerKind::User,
            SourceKind::UserFile,
            Trust::Trusted,
        )?;
    }
    for folder in cwd.ancestors() {
        let path = folder.join(PROJECT_FILE);
        if !files.exists(&path) {
            continue;
        }
        let trust = match user_folder {
            Some(user) => TrustList::load(user, files)?.trust(&path, files),
            None => Trust::TightenOnly,
        };
        take(
            &path,
            &shown(&path, cwd),
            LayerKind::Project,
            SourceKind::ProjectFile,
            trust,
        )?;
        config.project = Some(folder.to_owned());
        break;
    }
    Ok(config)
}

fn unreadable(name: &str, error: &FileError) -> ConfigError {
    ConfigError {
        file: name.to_owned(),
        line: 1,
        column: 1,
        message: format!("cannot be read: {error}"),
        hint: Some("make it readable for this user, or remove it".to_owned()),
    }
}
