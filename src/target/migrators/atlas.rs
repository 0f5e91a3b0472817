//! Atlas: URL by option, or by an `env` block of `atlas.hcl`.

use super::address::{Postgres, of_url};
use super::{gap, option, variable};
use crate::command::{Command, World};
use crate::source::{Source, Sourced};
use crate::target::{Gap, Resolution};

/// `--url`, else the environment's `url`; a scratch database given by `--dev-url` is written too.
pub(super) fn resolve(command: &Command, world: &World<'_>) -> Resolution {
    let mut resolution = match option(command, &["-u", "--url"]) {
        Some(Ok(url)) => of_atlas_url(&url, command, world),
        Some(Err(missing)) => return gap(missing),
        None => from_file(command, world),
    };
    if let Some(Ok(url)) = option(command, &["--dev-url"]) {
        resolution.merge(of_atlas_url(&url, command, world));
    }
    resolution
}

fn of_atlas_url(url: &Sourced<String>, command: &Command, world: &World<'_>) -> Resolution {
    let text = url.value.as_str();
    if text.starts_with("docker:") || text.starts_with("docker+") {
        let mut resolution = Resolution::none();
        let note = "a throw-away container of atlas";
        resolution.notes.push(note.to_owned());
        return resolution;
    }
    if text.starts_with("file:") {
        return Resolution::none();
    }
    let plain = match text
        .strip_prefix("maria://")
        .or(text.strip_prefix("mariadb://"))
    {
        Some(tail) => Sourced {
            value: format!("mysql://{tail}"),
            ..url.clone()
        },
        None => url.clone(),
    };
    of_url(&plain, Postgres::LibPq111, command, world)
}

fn from_file(command: &Command, world: &World<'_>) -> Resolution {
    let Some(wanted) = command.args.value(&["--env"]) else {
        return Resolution::error("connection-not-configured", "atlas needs --url or --env");
    };
    let file = command
        .args
        .value(&["-c", "--config"])
        .unwrap_or("atlas.hcl");
    let file = file.strip_prefix("file://").unwrap_or(file);
    let path = command.step.path(file);
    let Ok(text) = world.files.read_text(&path) else {
        return Resolution::error("connection-not-configured", format!("no `{file}`"));
    };
    let shown = crate::files::shown(&path, &command.step.cwd);
    let blocks = blocks(&text);
    let named = |b: &&Block<'_>| b.kind == "env" && b.label == Some(wanted);
    let Some(block) = blocks.iter().find(named) else {
        return Resolution::unresolved(format!("{shown} has no literal block env \"{wanted}\""));
    };
    if block.attributes.iter().any(|(k, _, _)| *k == "for_each") {
        return Resolution::unresolved(format!("{shown}: the environment has several targets"));
    }
    let Some((_, expression, line)) = block.attributes.iter().find(|(k, _, _)| *k == "url") else {
        return Resolution::unresolved(format!("{shown}: env \"{wanted}\" has no url"));
    };
    let source = Source::project_file(&shown, *line);
    match value(expression, &blocks, &source, command) {
        Ok(url) => {
            let mut resolution = of_atlas_url(&url, command, world);
            for target in &mut resolution.targets {
                let source = Source::argument("option --env");
                target.environment = Some(Sourced::new(wanted.to_owned(), source));
            }
            resolution
        }
        Err(missing) => gap(missing),
    }
}

/// The `dir` of the environment's `migration` block; an error where it is computed.
pub(super) fn migration_folder(
    command: &Command,
    world: &World<'_>,
) -> Option<Result<String, String>> {
    let wanted = command.args.value(&["--env"])?;
    let file = command.args.value(&["-c", "--config"]);
    let file = file.unwrap_or("atlas.hcl");
    let file = file.strip_prefix("file://").unwrap_or(file);
    let text = world.files.read_text(&command.step.path(file)).ok()?;
    let all = blocks(&text);
    let env = all
        .iter()
        .find(|b| b.kind == "env" && b.label == Some(wanted))?;
    let (_, expression, line) = env
        .attributes
        .iter()
        .find(|(k, _, _)| *k == "migration.dir")?;
    let source = Source::project_file(file, *line);
    let found = value(expression, &all, &source, command);
    Some(found.map(|v| v.value).map_err(|gap| gap.reason))
}

/// A literal, `getenv("X")` or `var.x`.
fn value(
    expression: &str,
    blocks: &[Block<'_>],
    source: &Source,
    command: &Command,
) -> Result<Sourced<String>, Gap> {
    let expression = expression.trim();
    if let Some(text) = literal(expression) {
        return Ok(Sourced::new(text.to_owned(), source.clone()));
    }
    if let Some(name) = expression
        .strip_prefix("getenv(")
        .and_then(|r| r.strip_suffix(')'))
        .and_then(|r| literal(r.trim()))
    {
        return variable(command, name)
            .map(|v| v.beating(source.clone()))
            .ok_or_else(|| Gap::new("target", format!("{source}: {name} is not set")));
    }
    if let Some(name) = expression.strip_prefix("var.") {
        let given = command
            .args
            .options
            .iter()
            .rev()
            .filter(|o| o.name == "--var" && o.unknown.is_none())
            .filter_map(|o| o.value.as_deref()?.split_once('='))
            .find(|(key, _)| *key == name);
        if let Some((_, value)) = given {
            return Ok(Sourced::new(
                value.to_owned(),
                Source::argument("option --var"),
            ));
        }
        let default = blocks
            .iter()
            .find(|b| b.kind == "variable" && b.label == Some(name))
            .and_then(|b| b.attributes.iter().find(|(k, _, _)| *k == "default"));
        if let Some((_, expression, _)) = default
            && !expression.trim().starts_with("var.")
        {
            return value(expression, blocks, source, command);
        }
    }
    Err(Gap::new("target", format!("{source}: the url is computed")))
}

/// A quoted text without placeholders and escapes.
fn literal(expression: &str) -> Option<&str> {
    let inner = expression.strip_prefix('"')?.strip_suffix('"')?;
    (!inner.contains(['"', '\\']) && !inner.contains("${")).then_some(inner)
}

/// A block of the outermost level with its own attributes.
struct Block<'a> {
    kind: &'a str,
    label: Option<&'a str>,
    /// Name, expression on the same line, line. Those of a `migration` block inside begin with its
    /// name.
    attributes: Vec<(&'a str, &'a str, usize)>,
}

/// Reads blocks line by line; attributes of inner blocks are left out.
fn blocks(text: &str) -> Vec<Block<'_>> {
    let mut blocks: Vec<Block<'_>> = Vec::new();
    let mut depth = 0usize;
    let mut inner = false;
    for (at, line) in text.lines().enumerate() {
        let mut line = line.trim();
        if line.starts_with('#') || line.starts_with("//") {
            continue;
        }
        if depth == 0
            && let Some(brace) = line.find('{')
        {
            let head = line.get(..brace).unwrap_or("");
            let mut words = head.split_whitespace();
            let kind = words.next().unwrap_or("");
            let label = words.next().map(|l| l.trim_matches('"'));
            blocks.push(Block {
                kind,
                label,
                attributes: Vec::new(),
            });
            line = line.get(brace + 1..).unwrap_or("").trim();
            depth = 1;
        }
        if depth == 1 {
            inner = line.split(['{', ' ', '=']).next() == Some("migration");
        }
        if depth == 2
            && inner
            && let Some((name, expression)) = line.split_once('=')
            && name.trim() == "dir"
            && let Some(block) = blocks.last_mut()
        {
            let expression = expression.trim().trim_end_matches('}').trim();
            block.attributes.push(("migration.dir", expression, at + 1));
        }
        if depth == 1
            && let Some((name, expression)) = line.split_once('=')
            && let Some(block) = blocks.last_mut()
        {
            let expression = expression.trim().trim_end_matches('}').trim();
            block.attributes.push((name.trim(), expression, at + 1));
        }
        let bare = without_quoted(line);
        depth += bare.matches('{').count();
        depth = depth.saturating_sub(bare.matches('}').count());
    }
    blocks
}

fn without_quoted(line: &str) -> String {
    line.split('"').step_by(2).collect()
}
