//! Flyway: TOML or properties, environments, and who beats whom.

use super::address::of_jdbc;
use super::variable;
use crate::command::{Command, World};
use crate::source::{Source, Sourced};
use crate::target::readers::toml;
use crate::target::{Gap, Resolution, Traced, Value};

/// Arguments, then variables, then files (later ones win).
pub(super) fn resolve(command: &Command, world: &World<'_>) -> Resolution {
    let mut files = Files::default();
    files.read(command, world);
    let environment = argument(command, "environment")
        .or_else(|| variable(command, "FLYWAY_ENVIRONMENT"))
        .or_else(|| files.environment.clone())
        .map_or_else(|| "default".to_owned(), |e| e.value);
    if let Some(word) = command.step.first_unknown() {
        let (word, why) = word;
        return Resolution {
            gaps: vec![Gap::new("target", format!("`{word}`: {why}"))],
            ..Resolution::default()
        };
    }
    let of_environment = format!("environments.{environment}.url");
    let mut candidates = [
        argument(command, &of_environment),
        argument(command, "url"),
        variable(command, "FLYWAY_URL"),
        variable(command, "flyway_url"),
        variable(command, &format!("environments_{environment}_url")),
        files.url(&environment),
    ]
    .into_iter()
    .flatten();
    let Some(mut url) = candidates.next() else {
        if files.broken {
            return Resolution::unresolved("a Flyway configuration file cannot be read");
        }
        let why = format!("no URL for the Flyway environment `{environment}`");
        return Resolution::error("connection-not-configured", why);
    };
    url.beat = candidates.map(|c| c.source).collect();
    let mut resolution = of_jdbc(&url, command, world);
    for target in &mut resolution.targets {
        let source = Source::default_of("flyway").with_note("environment");
        target.environment = Some(Sourced::new(environment.clone(), source));
    }
    resolution
}

/// `-name=value`.
fn argument(command: &Command, name: &str) -> Option<Sourced<String>> {
    command
        .step
        .words()
        .filter_map(|w| w.trim_start_matches('-').split_once('='))
        .filter(|(key, _)| *key == name || key.strip_prefix("flyway.") == Some(name))
        .last()
        .map(|(_, value)| {
            let source = Source::argument(&format!("option -{name}"));
            Sourced::new(value.to_owned(), source)
        })
}

/// A setting of the tool itself: argument, variable, then files, of which the last one wins.
pub(super) fn setting(command: &Command, world: &World<'_>, name: &'static str) -> Option<String> {
    let upper = format!("FLYWAY_{}", name.to_ascii_uppercase());
    let given = argument(command, name).or_else(|| variable(command, &upper));
    if let Some(given) = given {
        return Some(given.value);
    }
    let mut files = Files {
        wanted: name,
        ..Files::default()
    };
    files.read(command, world);
    files.settings.pop()
}

#[derive(Default)]
struct Files {
    /// A further setting that is looked for, and its values, weakest first.
    wanted: &'static str,
    settings: Vec<String>,
    /// URLs by environment, weakest first.
    urls: Vec<(String, Sourced<String>)>,
    environment: Option<Sourced<String>>,
    broken: bool,
}

impl Files {
    fn read(&mut self, command: &Command, world: &World<'_>) {
        let home = command.step.vars.filled("HOME").map(|h| h.into_owned());
        let mut dirs: Vec<std::path::PathBuf> = home.iter().map(Into::into).collect();
        dirs.push(command.step.cwd.clone());
        if let Some(dir) = argument(command, "workingDirectory") {
            dirs.push(command.step.path(&dir.value));
        }
        let listed: Vec<String> = argument(command, "configFiles")
            .or_else(|| variable(command, "FLYWAY_CONFIG_FILES"))
            .map(|l| l.value.split(',').map(|p| p.trim().to_owned()).collect())
            .unwrap_or_default();
        let mut any = false;
        for dir in &dirs {
            for name in ["flyway.toml", "flyway.user.toml"] {
                any |= self.toml(&dir.join(name), command, world);
            }
        }
        for path in listed.iter().filter(|p| p.ends_with(".toml")) {
            any |= self.toml(&command.step.path(path), command, world);
        }
        if any {
            return;
        }
        for dir in &dirs {
            self.properties(&dir.join("flyway.conf"), command, world);
        }
        let shared = command.step.path("conf/flyway.conf");
        self.properties(&shared, command, world);
        for path in &listed {
            self.properties(&command.step.path(path), command, world);
        }
    }

    fn url(&self, environment: &str) -> Option<Sourced<String>> {
        let mut found = self.urls.iter().filter(|(e, _)| e == environment).rev();
        let mut url = found.next()?.1.clone();
        url.beat = found.map(|(_, u)| u.source.clone()).collect();
        Some(url)
    }

    fn toml(&mut self, path: &std::path::Path, command: &Command, world: &World<'_>) -> bool {
        let Ok(text) = world.files.read_text(path) else {
            return false;
        };
        let shown = crate::files::shown(path, &command.step.cwd);
        let Ok(table) = toml::read(&text, &shown) else {
            self.broken = true;
            return true;
        };
        let text_of = |found: &Traced| {
            let text = found.as_str()?.to_owned();
            Some(Sourced::new(text, found.source.clone()))
        };
        if let Some(Value::Map(environments)) = table.get("environments").map(|e| &e.value) {
            for (name, environment) in environments {
                if let Some(url) = environment.get("url").and_then(text_of) {
                    self.urls.push((name.clone(), url));
                }
            }
        }
        let flyway = table.get("flyway");
        if let Some(name) = flyway.and_then(|f| f.get("environment")).and_then(text_of) {
            self.environment = Some(name);
        }
        if let Some(found) = flyway.and_then(|f| f.get(self.wanted)).and_then(joined) {
            self.settings.push(found);
        }
        if let Some(url) = flyway.and_then(|f| f.get("url")).and_then(text_of) {
            self.urls.push(("default".to_owned(), url));
        }
        true
    }

    fn properties(&mut self, path: &std::path::Path, command: &Command, world: &World<'_>) {
        let Ok(text) = world.files.read_text(path) else {
            return;
        };
        let shown = crate::files::shown(path, &command.step.cwd);
        for (line, key, value) in super::liquibase::properties(&text) {
            if key
                .strip_prefix("flyway.")
                .is_some_and(|k| k == self.wanted)
            {
                self.settings.push(value.clone());
            }
            if key == "flyway.url" {
                let source = Source::project_file(&shown, line);
                self.urls
                    .push(("default".to_owned(), Sourced::new(value, source)));
            }
        }
    }
}

/// A text, or the texts of a list with commas between.
fn joined(found: &Traced) -> Option<String> {
    match &found.value {
        Value::Str(text) => Some(text.clone()),
        Value::List(items) => {
            let texts: Option<Vec<&str>> = items.iter().map(Traced::as_str).collect();
            texts.map(|t| t.join(","))
        }
        _ => None,
    }
}
