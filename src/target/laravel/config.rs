//! The configuration in force: the cached file, or `config/*.php` with the framework's own merged
//! underneath (11+).

use std::path::{Path, PathBuf};
use std::rc::Rc;

use super::env::{Boot, Env};
use crate::command::Stop;
use crate::files::shown;
use crate::source::Source;
use crate::target::readers::php::{self, Array, Cell, Found, Host, Key, Val};

/// How defaults that stand in no file are called.
const OWN: &str = "Laravel's own configuration";

/// Where the configuration comes from.
pub(super) enum Origin {
    /// A cache file.
    Cached(Cell, PathBuf),
    /// The files in `config/`.
    Files,
    /// The answer of the project's own kernel.
    Kernel(Cell),
}

/// The cache file in force, by the variables of the moment.
fn cache_path(env: &Env<'_>) -> PathBuf {
    let version = env.release.laravel;
    let own = env.base.join("bootstrap/cache/config.php");
    if !version.at_least(5, 1) {
        return env.base.join("vendor/config.php");
    }
    if !version.at_least(5, 7) {
        return own;
    }
    if !version.at_least(6, 0) {
        let named = env
            .variable(php::Place::Env, "APP_CONFIG_CACHE")
            .and_then(|c| c.val.text());
        return named.map_or(own, PathBuf::from);
    }
    match env.get("APP_CONFIG_CACHE").map(|c| c.val) {
        None | Some(Val::Null) => own,
        Some(val) => {
            let text = val.text().unwrap_or_default();
            if text.starts_with(['/', '\\']) {
                PathBuf::from(text)
            } else {
                crate::files::lexical(&env.base.join(text))
            }
        }
    }
}

/// Whether the configuration is cached before the `.env` file is read: then it is not read.
pub(super) fn is_cached(env: &Env<'_>) -> bool {
    env.release.laravel.at_least(5, 2) && env.files().is_file(&cache_path(env))
}

/// Where the configuration comes from, once the environment is loaded.
///
/// # Errors
/// Where what stands in the cache's place cannot be loaded.
pub(super) fn origin(env: &Env<'_>) -> Result<Origin, Stop> {
    let path = cache_path(env);
    let label = shown(&path, &env.base);
    if env.files().is_dir(&path) {
        let what = if label.is_empty() {
            ".".to_owned()
        } else {
            label
        };
        return Err(Stop::new(
            "boot-crash",
            format!("the cached configuration is a directory: {what}"),
        ));
    }
    if !env.files().exists(&path) {
        return Ok(Origin::Files);
    }
    match php::file(&path, env) {
        Ok(cell) => Ok(Origin::Cached(cell, path)),
        Err(e) => Err(Stop::new(
            "cached-config-unreadable",
            format!("{label}: {e}"),
        )),
    }
}

/// One configuration file (`database`, `queue`), by its origin.
pub(super) fn section(name: &str, origin: &Origin, env: &Env<'_>, boot: &Boot) -> Cell {
    if let Some(known) = env.configs.borrow().get(name) {
        return known.clone();
    }
    let cell = match origin {
        Origin::Cached(all, path) => match all.get(name) {
            Found::Yes(cell) => cell.clone(),
            Found::No => missing(&shown(path, &env.base)),
            Found::Unknown(why) => all.with(Val::Unknown(why)),
        },
        Origin::Kernel(all) => match all.get(name) {
            Found::Yes(cell) => cell.clone(),
            Found::No | Found::Unknown(_) => all.with(Val::Null),
        },
        Origin::Files => from_files(name, env, boot),
    };
    env.configs
        .borrow_mut()
        .insert(name.to_owned(), cell.clone());
    cell
}

fn missing(label: &str) -> Cell {
    Cell::new(Val::Null, Source::project_file(label, 1))
}

fn from_files(name: &str, env: &Env<'_>, boot: &Boot) -> Cell {
    let path = env.base.join("config").join(format!("{name}.php"));
    let own = match env.config_file(name, &path) {
        Ok(cell) => Some(cell),
        Err(crate::files::FileError::Missing) => None,
        Err(e) => {
            let label = shown(&path, &env.base);
            return Cell::new(
                Val::unknown(format!("{label}: {e}")),
                Source::project_file(&label, 1),
            );
        }
    };
    let merges = env.release.laravel.at_least(11, 0) && !boot.unmerged;
    match (own, merges.then(|| framework(name, env)).flatten()) {
        (Some(own), Some(base)) => merged(name, &own, &base),
        (Some(own), None) => own,
        (None, Some(base)) => base,
        (None, None) => missing(&format!("config/{name}.php")),
    }
}

/// The framework's own file: the project's copy of it, else what is known here.
fn framework(name: &str, env: &Env<'_>) -> Option<Cell> {
    let copy = env
        .base
        .join("vendor/laravel/framework/config")
        .join(format!("{name}.php"));
    if let Ok(cell) = php::file(&copy, env) {
        return Some(cell);
    }
    let all = php::text(include_str!("defaults.php"), Path::new(OWN), env);
    match all.get(name) {
        Found::Yes(cell) => Some(plain(cell)),
        _ => None,
    }
}

/// Defaults without line numbers: they stand in no file of the project.
fn plain(cell: &Cell) -> Cell {
    let mut out = cell.clone();
    out.source = relabelled(&out.source);
    out.beat = out.beat.iter().map(relabelled).collect();
    if let Val::Array(array) = &out.val {
        let mut inner = Array::default();
        for (key, value) in array.iter() {
            inner.set(key.clone(), plain(value));
        }
        out.val = Val::Array(Rc::new(inner));
    }
    out
}

fn relabelled(source: &Source) -> Source {
    if source.text().starts_with(OWN) {
        Source::default_of("Laravel")
    } else {
        source.clone()
    }
}

/// The project's file over the framework's, one level deep in the options that the framework
/// names.
fn merged(name: &str, own: &Cell, base: &Cell) -> Cell {
    let mut out = over(own, base);
    let deep: &[&str] = match name {
        "database" | "queue" => &["connections"],
        "cache" => &["stores"],
        _ => &[],
    };
    for option in deep {
        let (Found::Yes(inner), Found::Yes(below)) = (own.get(option), base.get(option)) else {
            continue;
        };
        if matches!(inner.val, Val::Null) {
            continue;
        }
        let both = over(inner, below);
        if let Val::Array(array) = &mut out.val {
            Rc::make_mut(array).set(Key::of(option), both);
        }
    }
    out
}

/// `array_merge($base, $own)`.
fn over(own: &Cell, base: &Cell) -> Cell {
    let (Val::Array(top), Val::Array(below)) = (&own.val, &base.val) else {
        return own.clone();
    };
    let mut out = (**below).clone();
    if let Some(why) = top.why_open() {
        out.poison(why);
    }
    for (key, cell) in top.iter() {
        out.set(key.clone(), cell.clone());
    }
    own.with(Val::Array(Rc::new(out)))
}
