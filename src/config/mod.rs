//! Finds the configuration files and reads them into layers: machine policy, user, project.

mod hook;
mod save;
mod trust;

use std::path::{Path, PathBuf};

use crate::command::Effect;
use crate::files::{FileError, Files, shown};
use crate::profile::{ConfigError, Layer, LayerKind, Trust, parse_document};
use crate::record::checkpoint::Keeper;
use crate::source::SourceKind;

pub use hook::{USUAL, Usual};
pub use save::{replace, replace_shared, toml_string};
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

/// A place where a configuration file may stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub path: PathBuf,
    /// How it is shown.
    pub name: String,
    /// Whose it is.
    pub kind: LayerKind,
}

/// The places that count in `cwd`, strongest first; the project's only where there is one.
/// `user_folder` is where the user's configuration stands.
pub fn places(cwd: &Path, user_folder: Option<&Path>, files: &dyn Files) -> Vec<Place> {
    let named = |path: PathBuf, kind| Place {
        name: path.display().to_string(),
        path,
        kind,
    };
    let mut places = vec![named(POLICY.into(), LayerKind::Machine)];
    places.extend(user_folder.map(|f| named(f.join("config.toml"), LayerKind::User)));
    let mut above = cwd.ancestors().map(|folder| folder.join(PROJECT_FILE));
    places.extend(above.find(|path| files.exists(path)).map(|path| Place {
        name: shown(&path, cwd),
        path,
        kind: LayerKind::Project,
    }));
    places
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
    for place in places(cwd, user_folder, files) {
        let layer = read(&place, user_folder, files)?;
        if place.kind == LayerKind::Project {
            config.project = place.path.parent().map(Path::to_owned);
        }
        config.layers.extend(layer);
    }
    Ok(config)
}

/// Reads the file at one place; `None` where there is none.
///
/// # Errors
/// A mistake in it, or it cannot be read.
pub fn read(
    place: &Place,
    user_folder: Option<&Path>,
    files: &dyn Files,
) -> Result<Option<Layer>, ConfigError> {
    let source = match place.kind {
        LayerKind::Machine => SourceKind::SystemFile,
        LayerKind::User => SourceKind::UserFile,
        LayerKind::Project => SourceKind::ProjectFile,
    };
    let text = match files.read_text(&place.path) {
        Ok(text) => text,
        Err(FileError::Missing) => return Ok(None),
        Err(e) => return Err(unreadable(&place.name, &e)),
    };
    if place.kind != LayerKind::Project && files.anybody_may_write(&place.path) {
        return Err(anybodys(&place.name));
    }
    let document = parse_document(&text, &place.name, source)?;
    let trust = match (place.kind, user_folder) {
        (LayerKind::Machine | LayerKind::User, _) => Trust::Trusted,
        (LayerKind::Project, Some(user)) => TrustList::load(user, files)?.trust(&place.path, files),
        (LayerKind::Project, None) => Trust::TightenOnly,
    };
    Ok(Some(Layer {
        kind: place.kind,
        name: place.name.clone(),
        trust,
        document,
    }))
}

/// What anybody may write is nobody's policy.
fn anybodys(name: &str) -> ConfigError {
    ConfigError {
        file: name.to_owned(),
        line: 1,
        column: 1,
        message: "may be written by anybody on this machine".to_owned(),
        hint: Some("take that right away: chmod o-w".to_owned()),
    }
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
