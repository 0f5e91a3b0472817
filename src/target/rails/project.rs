//! Facts about a Ruby project: its directory, the gems it is locked to, which of them Rails loads.

use std::path::{Path, PathBuf};

use crate::command::World;
use crate::environment::Vars;
use crate::files::Files;
use crate::target::readers::ruby::{Call, Expr, Kind, Part, parse};

/// A version's first two numbers.
pub type Version = (u32, u32);

/// Releases that stand for all that resolve differently, oldest first.
pub const RELEASES: &[Version] = &[
    (5, 2),
    (6, 0),
    (6, 1),
    (7, 0),
    (7, 1),
    (7, 2),
    (8, 0),
    (8, 1),
];

/// A project's locked gems and its Gemfile.
#[derive(Debug, Default)]
pub struct Gems {
    locked: Vec<(String, String)>,
    has_lock: bool,
    declared: Vec<Declared>,
    has_gemfile: bool,
}

/// A `gem` line: its groups and whether it is required.
#[derive(Debug)]
struct Declared {
    name: String,
    groups: Vec<String>,
    required: bool,
    version: Option<String>,
}

/// The directory upwards from `from` that holds a Rails application.
pub fn root(files: &dyn Files, from: &Path) -> Option<PathBuf> {
    let mut dir = Some(from);
    while let Some(here) = dir {
        if files.is_file(&here.join("config/application.rb"))
            || files.is_file(&here.join("bin/rails")) && files.is_dir(&here.join("config"))
        {
            return Some(here.to_owned());
        }
        dir = here.parent();
    }
    None
}

impl Gems {
    /// Reads `Gemfile` and `Gemfile.lock` of the project (or those that `BUNDLE_GEMFILE` names).
    pub fn read(root: &Path, vars: &Vars, world: &World<'_>) -> Gems {
        let gemfile = match vars.filled("BUNDLE_GEMFILE") {
            Some(path) => crate::files::lexical(&root.join(path.as_ref())),
            None if world.files.is_file(&root.join("gems.rb")) => root.join("gems.rb"),
            None => root.join("Gemfile"),
        };
        let lock = match gemfile.file_name().and_then(|n| n.to_str()) {
            Some("gems.rb") => gemfile.with_file_name("gems.locked"),
            Some(name) => gemfile.with_file_name(format!("{name}.lock")),
            None => root.join("Gemfile.lock"),
        };
        let mut gems = Gems::default();
        if let Ok(text) = world.files.read_text(&lock) {
            gems.has_lock = true;
            gems.locked = locked(&text);
        }
        if let Ok(text) = world.files.read_text(&gemfile)
            && let Ok(body) = parse(&text)
        {
            gems.has_gemfile = true;
            declared(&body, &[], &mut gems.declared);
        }
        gems
    }

    /// The locked version of a gem, as written.
    pub fn text(&self, name: &str) -> Option<&str> {
        let locked = self.locked.iter().find(|(n, _)| n == name);
        locked.map(|(_, version)| version.as_str())
    }

    /// The locked version of a gem.
    pub fn version(&self, name: &str) -> Option<Version> {
        let locked = self.locked.iter().find(|(n, _)| n == name);
        locked.and_then(|(_, v)| numbers(v))
    }

    /// Whether a gem is locked.
    pub fn has(&self, name: &str) -> bool {
        self.locked.iter().any(|(n, _)| n == name)
            || !self.has_lock && self.declared.iter().any(|d| d.name == name)
    }

    /// The version of Active Record: locked, or pinned by the Gemfile to one release.
    pub fn rails(&self) -> Option<Version> {
        ["activerecord", "rails", "railties"]
            .iter()
            .find_map(|gem| self.version(gem))
            .or_else(|| {
                let pinned = self.declared.iter().find(|d| d.name == "rails")?;
                let text = pinned.version.as_deref()?;
                let exact = text.strip_prefix("~>").map_or(text, str::trim);
                let parts = exact.split('.').count();
                let pins = exact.starts_with(|c: char| c.is_ascii_digit())
                    && (parts >= 3 || !text.starts_with('~'));
                if pins { numbers(exact) } else { None }
            })
    }

    /// Whether `Bundler.require(*Rails.groups)` loads a gem in that environment.
    pub fn loads(&self, name: &str, env: &str) -> bool {
        if !self.has(name) {
            return false;
        }
        let lines: Vec<&Declared> = self.declared.iter().filter(|d| d.name == name).collect();
        lines.is_empty()
            || lines.iter().any(|d| {
                d.required
                    && (d.groups.is_empty() || d.groups.iter().any(|g| g == env || g == "default"))
            })
    }
}

pub(super) fn numbers(version: &str) -> Option<Version> {
    let mut parts = version.split('.');
    let major = parts.next()?.trim().parse().ok()?;
    let minor = parts
        .next()
        .and_then(|m| m.trim().parse().ok())
        .unwrap_or(0);
    Some((major, minor))
}

/// `    name (version)` lines below `specs:`.
fn locked(text: &str) -> Vec<(String, String)> {
    text.lines()
        .filter_map(|line| line.strip_prefix("    "))
        .filter(|line| !line.starts_with(' '))
        .filter_map(|line| line.split_once(" ("))
        .map(|(name, rest)| (name.to_owned(), rest.trim_end_matches(')').to_owned()))
        .collect()
}

fn declared(body: &[Expr], groups: &[String], out: &mut Vec<Declared>) {
    for expr in body {
        match &expr.kind {
            Kind::Call(call) if call.receiver.is_none() => match call.name.as_str() {
                "gem" => out.extend(gem(call, groups)),
                "group" => {
                    let mut inner = groups.to_vec();
                    inner.extend(call.args.iter().filter_map(literal));
                    if let Some(block) = &call.block {
                        declared(&block.body, &inner, out);
                    }
                }
                _ => {
                    if let Some(block) = &call.block {
                        declared(&block.body, groups, out);
                    }
                }
            },
            Kind::If(_, yes, no) => {
                declared(yes, groups, out);
                declared(no, groups, out);
            }
            _ => {}
        }
    }
}

fn gem(call: &Call, groups: &[String]) -> Option<Declared> {
    let mut gem = Declared {
        name: call.args.first().and_then(literal)?,
        groups: groups.to_vec(),
        required: true,
        version: call.args.get(1).and_then(literal),
    };
    if let Some(Kind::Hash(pairs)) = call.args.last().map(|a| &a.kind) {
        for (key, value) in pairs {
            match literal(key).as_deref() {
                Some("require") => gem.required = value.kind != Kind::Bool(false),
                Some("group" | "groups") => match &value.kind {
                    Kind::Array(items) => gem.groups.extend(items.iter().filter_map(literal)),
                    _ => gem.groups.extend(literal(value)),
                },
                _ => {}
            }
        }
    }
    Some(gem)
}

fn literal(expr: &Expr) -> Option<String> {
    match &expr.kind {
        Kind::Str(parts) | Kind::Sym(parts) => match parts.as_slice() {
            [] => Some(String::new()),
            [Part::Text(text)] => Some(text.clone()),
            _ => None,
        },
        _ => None,
    }
}
