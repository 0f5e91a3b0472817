//! `make x` and `just x`: the lines of a recipe, where they can be read off the file.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::command::{Args, Command, Reading, Step, Stop, Tool, Word, World};
use crate::environment::dotenv;
use crate::source::Source;

/// How deep recipes may depend on each other.
const MAX_DEPTH: usize = 16;
/// How many lines are followed.
const MAX_LINES: usize = 200;

fn opaque(tool: &'static Tool, step: &Step, why: impl Into<String>) -> Reading {
    Reading::opaque(Some(tool), step, "recipe", why)
}

fn file_in(step: &Step, world: &World<'_>, dir: &Path, names: &[&str]) -> Option<PathBuf> {
    let _ = step;
    names
        .iter()
        .map(|n| dir.join(n))
        .find(|p| world.files.is_file(p))
}

fn shell_line(step: &Step, text: Result<String, String>, spelled: &str) -> Step {
    let word = match text {
        Ok(text) => Word::literal(text),
        Err(why) => Word::unknown(spelled, why),
    };
    step.with_argv(vec![Word::literal("sh"), Word::literal("-c"), word])
}

fn nothing(tool: &'static Tool, step: &Step, why: &str) -> Reading {
    let mut command = Command::new(Some(tool), step.clone());
    command.stops_early = Some(Stop::new("nothing-runs", why));
    Reading::command(command)
}

// make

/// A rule: what it needs, and its lines.
#[derive(Default, Clone)]
struct Rule {
    needs: Vec<String>,
    lines: Vec<String>,
}

/// A makefile, as far as it is literal.
#[derive(Default)]
struct Makefile {
    variables: BTreeMap<String, Result<String, String>>,
    exported: Vec<String>,
    export_all: bool,
    rules: BTreeMap<String, Rule>,
    first: Option<String>,
    /// Why not all rules are known.
    open: Option<String>,
    one_shell: bool,
}

/// Reads a start of make.
pub(super) fn make(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let args = Args::parse(&step.argv, tool.value_options);
    if args.has(&[
        "-n",
        "--dry-run",
        "--just-print",
        "--recon",
        "-q",
        "--question",
        "-t",
        "--touch",
        "-v",
        "--version",
        "-h",
        "--help",
        "-p",
        "--print-data-base",
    ]) {
        return nothing(tool, step, "make only prints or touches");
    }
    if args.has(&["--eval", "-E"]) {
        return opaque(tool, step, "rules that stand in an option");
    }
    let mut base = step.clone().through(tool.name);
    for option in args
        .options
        .iter()
        .filter(|o| o.name == "-C" || o.name == "--directory")
    {
        if let Some(dir) = &option.value {
            base.cwd = base.path(dir);
        }
    }
    let path = match args.value(&["-f", "--file", "--makefile"]) {
        Some(file) => Some(base.path(file)),
        None => file_in(
            &base,
            world,
            &base.cwd,
            &["GNUmakefile", "makefile", "Makefile"],
        ),
    };
    let Some(path) = path else {
        return nothing(tool, step, "there is no makefile");
    };
    if let Some((word, why)) = step.first_unknown() {
        return opaque(
            tool,
            step,
            format!("the word `{word}` is not literal: {why}"),
        );
    }
    let mut file = Makefile::default();
    for (name, var) in base.vars.iter() {
        let value = var.value.to_string_lossy().into_owned();
        file.variables.insert(name.to_owned(), Ok(value));
    }
    if let Err(why) = file.read(&path, world, 0) {
        return opaque(tool, step, why);
    }
    let mut targets = Vec::new();
    for operand in args.operand_texts() {
        match operand.split_once('=') {
            Some((name, value)) => {
                let name = name.trim_end_matches([':', '?', '+']);
                file.variables.insert(name.to_owned(), Ok(value.to_owned()));
                base.vars
                    .set(name, value, Source::argument(&format!("make {name}=")));
            }
            None => targets.push(operand.to_owned()),
        }
    }
    if targets.is_empty() {
        targets.extend(file.first.clone());
    }
    file.export(&mut base);
    let mut steps = Vec::new();
    let mut done = Vec::new();
    for target in &targets {
        if let Err(why) = file.follow(target, &base, &mut done, &mut steps, 0) {
            return opaque(tool, step, why);
        }
    }
    Reading::steps(steps)
}

impl Makefile {
    fn read(&mut self, path: &Path, world: &World<'_>, depth: usize) -> Result<(), String> {
        let shown = path
            .file_name()
            .map_or_else(String::new, |n| n.to_string_lossy().into_owned());
        if depth > 4 {
            return Err(format!("{shown}: files included too deep"));
        }
        let text = world
            .files
            .read_text(path)
            .map_err(|e| format!("{shown}: {e}"))?;
        let text = text.replace("\\\r\n", "\\\n");
        let mut lines = text.lines().peekable();
        let mut current: Vec<String> = Vec::new();
        let mut conditional = 0usize;
        while let Some(line) = lines.next() {
            let mut line = line.to_owned();
            while line.ends_with('\\') {
                let Some(next) = lines.next() else { break };
                if line.starts_with('\t') {
                    line.push('\n');
                    line.push_str(next.strip_prefix('\t').unwrap_or(next));
                } else {
                    line.pop();
                    line.push(' ');
                    line.push_str(next.trim_start());
                }
            }
            if let Some(recipe) = line.strip_prefix('\t')
                && !current.is_empty()
            {
                for target in &current {
                    if let Some(rule) = self.rules.get_mut(target) {
                        rule.lines.push(recipe.to_owned());
                    }
                }
                continue;
            }
            let plain = line.split(" #").next().unwrap_or("").trim().to_owned();
            if plain.is_empty() || plain.starts_with('#') {
                continue;
            }
            let first = plain.split_whitespace().next().unwrap_or("").to_owned();
            match first.as_str() {
                "ifeq" | "ifneq" | "ifdef" | "ifndef" => conditional += 1,
                "endif" => conditional = conditional.saturating_sub(1),
                "else" | "unexport" | "undefine" | "vpath" => {}
                "define" => {
                    for inner in lines.by_ref() {
                        if inner.trim() == "endef" {
                            break;
                        }
                    }
                }
                "include" | "-include" | "sinclude" => {
                    for name in plain.split_whitespace().skip(1) {
                        let name = self.expand(name, None, 0)?;
                        let inner = path.parent().unwrap_or(path).join(&name);
                        if world.files.is_file(&inner) {
                            self.read(&inner, world, depth + 1)?;
                        } else if first == "include" {
                            return Err(format!("{shown} includes {name}, which is not there"));
                        }
                    }
                }
                _ => current = self.definition(&plain, conditional > 0),
            }
        }
        Ok(())
    }

    /// A line that sets a variable or opens a rule; gives the rule's targets.
    fn definition(&mut self, plain: &str, conditional: bool) -> Vec<String> {
        let (exports, rest) = match plain.strip_prefix("export") {
            Some("") => {
                self.export_all = true;
                return Vec::new();
            }
            Some(rest) if rest.starts_with(' ') => (true, rest.trim()),
            _ => (false, plain),
        };
        let rest = rest.strip_prefix("override ").unwrap_or(rest);
        let equals = rest.find('=');
        let colon = rest.find(':');
        let sets = equals.is_some_and(|e| {
            colon.is_none_or(|c| e < c || rest[c..e].trim_end().trim_matches(':').is_empty())
        });
        if let Some(at) = equals.filter(|_| sets) {
            let (name, value) = (&rest[..at], rest[at + 1..].trim());
            let kind = name.chars().last().unwrap_or(' ');
            let name = name
                .trim_end_matches([':', '?', '+', '!'])
                .trim()
                .to_owned();
            if kind == '?' && self.variables.contains_key(&name) {
                return Vec::new();
            }
            let value = if conditional {
                Err(format!("`{name}` depends on a conditional"))
            } else if kind == '!' {
                Err(format!("`{name}` is the output of a command"))
            } else if kind == '+' {
                match self.variables.get(&name) {
                    Some(Ok(old)) => Ok(format!("{old} {value}")),
                    Some(Err(why)) => Err(why.clone()),
                    None => Ok(value.to_owned()),
                }
            } else if kind == ':' {
                self.expand(value, None, 0)
            } else {
                Ok(value.to_owned())
            };
            if exports {
                self.exported.push(name.clone());
            }
            self.variables.insert(name, value);
            return Vec::new();
        }
        if exports {
            self.exported
                .extend(rest.split_whitespace().map(str::to_owned));
            return Vec::new();
        }
        let Some(at) = colon else {
            self.open = Some("a line that is not literal".into());
            return Vec::new();
        };
        let (targets, needs) = (&rest[..at], rest[at + 1..].trim_start_matches(':'));
        if conditional || targets.contains(['%', '$']) || needs.contains('=') {
            self.open = Some("a rule that is not literal".into());
        }
        let (needs, inline) = needs.split_once(';').unwrap_or((needs, ""));
        let targets: Vec<String> = targets.split_whitespace().map(str::to_owned).collect();
        for target in &targets {
            match target.as_str() {
                ".ONESHELL" => self.one_shell = true,
                ".EXPORT_ALL_VARIABLES" => self.export_all = true,
                _ => {}
            }
            if self.first.is_none() && !target.starts_with('.') {
                self.first = Some(target.clone());
            }
            let rule = self.rules.entry(target.clone()).or_default();
            rule.needs.extend(
                needs
                    .split_whitespace()
                    .filter(|n| *n != "|")
                    .map(str::to_owned),
            );
            if !inline.trim().is_empty() {
                rule.lines.push(inline.trim().to_owned());
            }
        }
        targets
    }

    /// Replaces `$(X)` and `$$`; what is not a plain variable cannot be known.
    fn expand(&self, text: &str, target: Option<&str>, depth: usize) -> Result<String, String> {
        if depth > 12 {
            return Err("variables that name each other".into());
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some(at) = rest.find('$') {
            out.push_str(&rest[..at]);
            let tail = &rest[at + 1..];
            let Some(first) = tail.chars().next() else {
                break;
            };
            let close = match first {
                '$' => {
                    out.push('$');
                    rest = &tail[1..];
                    continue;
                }
                '(' => ')',
                '{' => '}',
                '@' => {
                    out.push_str(target.ok_or("`$@`")?);
                    rest = &tail[1..];
                    continue;
                }
                other => return Err(format!("`${other}` is not followed")),
            };
            let (name, after) = tail[1..]
                .split_once(close)
                .ok_or("a `$(` without its end")?;
            rest = after;
            if name == "MAKE" {
                out.push_str("make");
                continue;
            }
            let plain = name
                .chars()
                .all(|c| c.is_alphanumeric() || "_.-".contains(c));
            if !plain {
                return Err(format!("`$({name})` is not followed"));
            }
            match self.variables.get(name) {
                None => {}
                Some(Ok(value)) => out.push_str(&self.expand(value, target, depth + 1)?),
                Some(Err(why)) => return Err(why.clone()),
            }
            if out.len() > 64 * 1024 {
                return Err("too long".into());
            }
        }
        out.push_str(rest);
        Ok(out)
    }

    fn export(&self, step: &mut Step) {
        let names: Vec<String> = if self.export_all {
            self.variables.keys().cloned().collect()
        } else {
            self.variables
                .keys()
                .filter(|n| self.exported.contains(n) || step.vars.has(n))
                .cloned()
                .collect()
        };
        for name in names {
            let value = match self.variables.get(&name) {
                Some(Ok(raw)) => self.expand(raw, None, 0),
                Some(Err(why)) => Err(why.clone()),
                None => continue,
            };
            match value {
                Ok(value) if step.vars.text(&name).as_deref() == Some(value.as_str()) => {}
                Ok(value) => {
                    let source = Source::project_file("Makefile", 1).with_note(&name);
                    step.vars.set(name, value, source);
                }
                Err(why) => step.vars_open = Some(format!("{name}: {why}")),
            }
        }
    }

    fn follow(
        &self,
        target: &str,
        base: &Step,
        done: &mut Vec<String>,
        steps: &mut Vec<Step>,
        depth: usize,
    ) -> Result<(), String> {
        if depth > MAX_DEPTH || steps.len() > MAX_LINES {
            return Err("recipes nested too deep".into());
        }
        if done.iter().any(|d| d == target) {
            return Ok(());
        }
        done.push(target.to_owned());
        let Some(rule) = self.rules.get(target) else {
            if let Some(why) = &self.open {
                return Err(format!("no literal rule for `{target}`: {why}"));
            }
            // A file without a rule is only looked at; anything else makes make stop.
            return Ok(());
        };
        for need in &rule.needs {
            let need = self.expand(need, Some(target), 0)?;
            for need in need.split_whitespace() {
                self.follow(need, base, done, steps, depth + 1)?;
            }
        }
        let lines: Vec<String> = if self.one_shell {
            vec![rule.lines.join("\n")]
        } else {
            rule.lines.clone()
        };
        for line in lines.iter().filter(|l| !l.trim().is_empty()) {
            let line = line.trim_start().trim_start_matches(['@', '-', '+', ' ']);
            let text = self.expand(line, Some(target), 0);
            steps.push(shell_line(base, text, line));
        }
        Ok(())
    }
}

// just

struct Recipe {
    parameters: Vec<(String, Option<String>)>,
    needs: Vec<String>,
    lines: Vec<String>,
}

/// A justfile, as far as it is literal.
#[derive(Default)]
struct Justfile {
    variables: BTreeMap<String, Result<String, String>>,
    exported: Vec<String>,
    recipes: BTreeMap<String, Recipe>,
    aliases: BTreeMap<String, String>,
    first: Option<String>,
    dotenv: bool,
    export_all: bool,
    odd: Option<String>,
}

/// Reads a start of just.
pub(super) fn just(tool: &'static Tool, step: &Step, world: &World<'_>) -> Reading {
    let args = Args::parse(&step.argv, tool.value_options);
    if args.has(&[
        "-l",
        "--list",
        "--summary",
        "--show",
        "-s",
        "-n",
        "--dry-run",
        "--evaluate",
        "--dump",
        "--version",
        "-V",
        "--help",
        "-h",
        "--init",
        "--fmt",
        "--choose",
        "--variables",
    ]) {
        return nothing(tool, step, "just only prints");
    }
    if let Some((word, why)) = step.first_unknown() {
        return opaque(
            tool,
            step,
            format!("the word `{word}` is not literal: {why}"),
        );
    }
    let path = match args.value(&["-f", "--justfile"]) {
        Some(file) => Some(step.path(file)),
        None => step
            .cwd
            .ancestors()
            .find_map(|dir| file_in(step, world, dir, &["justfile", "Justfile", ".justfile"])),
    };
    let Some(path) = path else {
        return nothing(tool, step, "there is no justfile");
    };
    let text = match world.files.read_text(&path) {
        Ok(text) => text,
        Err(e) => return opaque(tool, step, e.to_string()),
    };
    let mut file = Justfile::read(&text);
    if let Some(why) = &file.odd {
        return opaque(tool, step, why.clone());
    }
    let mut base = step.clone().through(tool.name);
    base.cwd = match args.value(&["-d", "--working-directory"]) {
        Some(dir) => step.path(dir),
        None => path.parent().unwrap_or(&step.cwd).to_owned(),
    };
    if file.dotenv {
        load_dotenv(&mut base, world);
    }
    let mut words: Vec<&str> = args.operand_texts().collect();
    while let Some((name, value)) = words.first().and_then(|w| w.split_once('=')) {
        file.variables.insert(name.to_owned(), Ok(value.to_owned()));
        words.remove(0);
    }
    for name in file
        .variables
        .keys()
        .filter(|n| file.export_all || file.exported.contains(n))
    {
        match file.variables.get(name) {
            Some(Ok(value)) => {
                let source = Source::project_file("justfile", 1).with_note(name);
                base.vars.set(name.clone(), value, source);
            }
            _ => base.vars_open = Some(format!("`{name}` of the justfile is not literal")),
        }
    }
    if words.is_empty() {
        words.extend(file.first.as_deref());
    }
    let mut steps = Vec::new();
    while !words.is_empty() {
        let name = words.remove(0);
        match file.follow(name, &mut words, &base, &mut steps, 0) {
            Ok(()) => {}
            Err(why) => return opaque(tool, step, why),
        }
    }
    Reading::steps(steps)
}

fn load_dotenv(step: &mut Step, world: &World<'_>) {
    let Some(path) = file_in(step, world, &step.cwd.clone(), &[".env"]) else {
        return;
    };
    let (Ok(text), Some(dialect)) = (
        world.files.read_text(&path),
        dotenv::dialect("dotenvy-0.15.7"),
    ) else {
        step.vars_open = Some("the environment file cannot be read".into());
        return;
    };
    let before = step.vars.clone();
    let process = |name: &str| before.text(name).map(std::borrow::Cow::into_owned);
    match dotenv::read(dialect, &text, &process) {
        Err(e) => step.vars_open = Some(e.to_string()),
        Ok(entries) => {
            for entry in entries {
                if let (false, Some(value)) = (before.has(&entry.name), entry.value) {
                    let source = Source::project_file(".env", entry.line).with_note(&entry.name);
                    step.vars.set(entry.name, value, source);
                }
            }
        }
    }
}

impl Justfile {
    fn read(text: &str) -> Justfile {
        let mut file = Justfile::default();
        let mut current: Option<String> = None;
        for line in text.lines() {
            if line.trim().is_empty() {
                continue;
            }
            if line.starts_with([' ', '\t']) {
                if let Some(recipe) = current.as_ref().and_then(|n| file.recipes.get_mut(n)) {
                    recipe.lines.push(line.trim().to_owned());
                }
                continue;
            }
            let plain = line.split(" #").next().unwrap_or("").trim_end();
            if plain.is_empty() || plain.starts_with(['#', '[']) {
                continue;
            }
            current = file.item(plain);
        }
        file
    }

    fn item(&mut self, plain: &str) -> Option<String> {
        if let Some(setting) = plain.strip_prefix("set ") {
            let (name, value) = setting.split_once(":=").unwrap_or((setting, "true"));
            let on = value.trim() == "true";
            match name.trim() {
                "dotenv-load" => self.dotenv = on,
                "export" => self.export_all = on,
                "quiet"
                | "positional-arguments"
                | "fallback"
                | "unstable"
                | "ignore-comments"
                | "windows-shell"
                | "windows-powershell"
                | "allow-duplicate-recipes" => {}
                "shell" if value.contains("\"bash\"") || value.contains("\"sh\"") => {}
                other => self.odd = Some(format!("the justfile sets `{other}`")),
            }
            return None;
        }
        if plain.starts_with("import") || plain.starts_with("mod ") {
            self.odd = Some("the justfile imports another one".into());
            return None;
        }
        let (exports, rest) = match plain.strip_prefix("export ") {
            Some(rest) => (true, rest),
            None => (false, plain),
        };
        if let Some((name, value)) = rest.split_once(":=") {
            let name = name.trim();
            if let Some(alias) = name.strip_prefix("alias ") {
                self.aliases
                    .insert(alias.trim().to_owned(), value.trim().to_owned());
                return None;
            }
            let value = self.expression(value.trim(), &BTreeMap::new());
            if exports {
                self.exported.push(name.to_owned());
            }
            self.variables.insert(name.to_owned(), value);
            return None;
        }
        let (head, needs) = rest.split_once(':')?;
        let mut head = head.trim_start_matches('@').split_whitespace();
        let name = head.next()?.to_owned();
        let parameters = head
            .map(|p| {
                let p = p.trim_start_matches('$');
                match p.split_once('=') {
                    Some((name, default)) => {
                        let default = default.trim_matches(['"', '\'']).to_owned();
                        (name.to_owned(), Some(default))
                    }
                    None => (p.to_owned(), None),
                }
            })
            .collect();
        if needs.contains('(') {
            self.odd = Some("a recipe with arguments for another one".into());
        }
        let needs = needs
            .split_whitespace()
            .filter(|n| *n != "&&")
            .map(str::to_owned)
            .collect();
        if self.first.is_none() && !name.starts_with('_') {
            self.first = Some(name.clone());
        }
        let recipe = Recipe {
            parameters,
            needs,
            lines: Vec::new(),
        };
        self.recipes.insert(name.clone(), recipe);
        Some(name)
    }

    fn expression(&self, text: &str, own: &BTreeMap<String, String>) -> Result<String, String> {
        for quote in ['\'', '"'] {
            if let Some(inner) = text.strip_prefix(quote).and_then(|t| t.strip_suffix(quote))
                && !inner.contains([quote, '\\'])
            {
                return Ok(inner.to_owned());
            }
        }
        if let Some(value) = own.get(text) {
            return Ok(value.clone());
        }
        match self.variables.get(text) {
            Some(value) => value.clone(),
            None => Err(format!("`{text}` is not literal")),
        }
    }

    fn interpolate(&self, line: &str, own: &BTreeMap<String, String>) -> Result<String, String> {
        let mut out = String::new();
        let mut rest = line;
        while let Some((before, tail)) = rest.split_once("{{") {
            out.push_str(before);
            if let Some(after) = tail.strip_prefix("{{") {
                out.push_str("{{");
                rest = after;
                continue;
            }
            let (inner, after) = tail.split_once("}}").ok_or("a `{{` without its end")?;
            out.push_str(&self.expression(inner.trim(), own)?);
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    fn follow(
        &self,
        name: &str,
        words: &mut Vec<&str>,
        base: &Step,
        steps: &mut Vec<Step>,
        depth: usize,
    ) -> Result<(), String> {
        if depth > MAX_DEPTH || steps.len() > MAX_LINES {
            return Err("recipes nested too deep".into());
        }
        let name = self.aliases.get(name).map_or(name, String::as_str);
        let recipe = self
            .recipes
            .get(name)
            .ok_or_else(|| format!("no literal recipe `{name}`"))?;
        for need in &recipe.needs {
            self.follow(need, &mut Vec::new(), base, steps, depth + 1)?;
        }
        let mut own = BTreeMap::new();
        for (parameter, default) in &recipe.parameters {
            let rest = parameter.starts_with(['*', '+']);
            let value = if rest {
                let all = words.join(" ");
                words.clear();
                if all.is_empty() {
                    default.clone().unwrap_or_default()
                } else {
                    all
                }
            } else if words.is_empty() {
                default
                    .clone()
                    .ok_or_else(|| format!("`{name}` needs `{parameter}`"))?
            } else {
                words.remove(0).to_owned()
            };
            own.insert(
                parameter.trim_start_matches(['*', '+', '$']).to_owned(),
                value,
            );
        }
        if let Some(first) = recipe.lines.first()
            && let Some(interpreter) = first.strip_prefix("#!")
        {
            if !["sh", "bash"]
                .iter()
                .any(|s| interpreter.trim_end().ends_with(s))
            {
                return Err(format!("a recipe run by {}", interpreter.trim()));
            }
            let text = self.interpolate(&recipe.lines.join("\n"), &own);
            steps.push(shell_line(base, text, first));
            return Ok(());
        }
        for line in &recipe.lines {
            let line = line.trim_start_matches(['@', '-']);
            if !line.starts_with('#') {
                steps.push(shell_line(base, self.interpolate(line, &own), line));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::command::{Caller, Effect, Step, World, understand};
    use crate::environment::Vars;
    use crate::files::Memory;

    fn effects(line: &str, files: &[(&str, &str)]) -> Vec<Effect> {
        let memory = Memory::new().below("/p", files);
        let caller = Caller::default();
        let world = World {
            files: &memory,
            caller: &caller,
            heard: None,
        };
        let argv = line.split(' ').map(str::to_owned);
        let step = Step::new(argv, Vars::new(), "/p".into());
        understand(step, &world)
            .iter()
            .map(crate::command::Command::effect)
            .collect()
    }

    #[test]
    fn makefiles_are_followed_where_they_are_literal() {
        let file = "PY ?= python\nexport A := 1\nCHOICE = $(shell date)\n.PHONY: reset\nreset: stop\n\t@$(PY) manage.py \\\n\t\tflush\nstop:\n\techo stop\nmaybe:\n\t$(CHOICE) x\nlast:\n\t$(MAKE) reset\n";
        let files = &[("Makefile", file)];
        assert!(effects("make reset", files).contains(&Effect::Destroys));
        assert!(effects("make last", files).contains(&Effect::Destroys));
        assert!(effects("make", files).contains(&Effect::Destroys));
        assert!(effects("make maybe", files).contains(&Effect::Opaque));
        assert!(
            !effects("make stop", files)
                .iter()
                .any(|e| *e > Effect::None)
        );
        assert!(
            !effects("make -n reset", files)
                .iter()
                .any(|e| *e > Effect::None)
        );
        assert!(effects("make reset PY=python3", files).contains(&Effect::Destroys));
    }

    #[test]
    fn justfiles_are_followed_where_they_are_literal() {
        let file = "set dotenv-load\nrun := 'python manage.py'\nalias r := reset\n\n# Empties.\nreset what='flush': stop\n    {{run}} {{what}}\n\nstop:\n    @echo stop\n\nscript:\n    #!/usr/bin/env bash\n    python manage.py flush\n\nodd:\n    {{uuid()}} x\n";
        let files = &[("justfile", file)];
        assert!(effects("just reset", files).contains(&Effect::Destroys));
        assert!(effects("just r", files).contains(&Effect::Destroys));
        assert!(effects("just script", files).contains(&Effect::Destroys));
        assert!(effects("just odd", files).contains(&Effect::Opaque));
        assert!(effects("just nothing", files).contains(&Effect::Opaque));
        assert!(
            !effects("just stop", files)
                .iter()
                .any(|e| *e > Effect::None)
        );
        assert!(
            !effects("just reset check", files)
                .iter()
                .any(|e| *e > Effect::None)
        );
    }
}
