//! What the files that run before the framework's own bootstrap do to the environment and to the
//! databases' configuration.

use std::path::{Path, PathBuf};

use super::env::{Boot, Env};
use crate::files::{Files, lexical, shown};
use crate::target::readers::php::{self, Val, ast};
use ast::{Expr, Kind};

/// How many files of providers are looked into.
const MAX_PROVIDERS: usize = 200;

/// Reads `artisan` and the bootstrap files. `env` is the environment before them.
pub(super) fn read(root: &Path, script: &Path, env: &Env<'_>, files: &dyn Files) -> Boot {
    let mut boot = Boot::default();
    let places = [
        script.to_owned(),
        root.join("bootstrap/autoload.php"),
        root.join("bootstrap/app.php"),
    ];
    for path in places {
        let Ok(text) = files.read_text(&path) else {
            continue;
        };
        if !INTERESTING.iter().any(|word| text.contains(word)) {
            continue;
        }
        let statements = php::parse(&text);
        let mut reader = Reader {
            path: &path,
            env,
            boot: &mut boot,
            root,
        };
        ast::walk(&statements, &mut |e| reader.look(e));
    }
    for path in providers(root, files) {
        let Ok(text) = files.read_text(&path) else {
            continue;
        };
        if !REWRITES.iter().any(|word| text.contains(word)) {
            continue;
        }
        let statements = php::parse(&text);
        let mut reader = Reader {
            path: &path,
            env,
            boot: &mut boot,
            root,
        };
        ast::walk(&statements, &mut |e| reader.look_for_rewrites(e));
    }
    boot
}

/// What code that runs later does to the databases' configuration.
pub(super) fn rewrites(path: &Path, statements: &[ast::Stmt], env: &Env<'_>) -> Vec<String> {
    let mut boot = Boot::default();
    let mut reader = Reader {
        path,
        env,
        boot: &mut boot,
        root: &env.base,
    };
    ast::walk(statements, &mut |e| reader.look_for_rewrites(e));
    boot.rewrites
}

const INTERESTING: &[&str] = &[
    "putenv",
    "_ENV",
    "_SERVER",
    "loadEnvironmentFrom",
    "useEnvironmentPath",
    "Application",
    "config",
    "Config",
    "FrameworkConfiguration",
    "setDefaultConnection",
    "Dotenv",
    "BasePath",
];

const REWRITES: &[&str] = &[
    "config(",
    "Config::",
    "['config']",
    "'config'",
    "setDefaultConnection",
    "putenv",
];

fn providers(root: &Path, files: &dyn Files) -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut open = vec![root.join("app/Providers")];
    while let Some(dir) = open.pop() {
        for name in files.list(&dir) {
            let path = dir.join(&name);
            if out.len() >= MAX_PROVIDERS {
                return out;
            }
            if name.ends_with(".php") {
                out.push(path);
            } else if files.is_dir(&path) && open.len() < 32 {
                open.push(path);
            }
        }
    }
    out
}

struct Reader<'a> {
    path: &'a Path,
    env: &'a Env<'a>,
    boot: &'a mut Boot,
    root: &'a Path,
}

impl Reader<'_> {
    fn place(&self, line: usize) -> String {
        format!("{}:{line}", shown(self.path, self.root))
    }

    fn text(&self, expr: &Expr) -> Option<String> {
        php::expression(self.path, expr, self.env).val.text()
    }

    fn look(&mut self, expr: &Expr) {
        self.look_for_rewrites(expr);
        match &expr.kind {
            Kind::Method(_, name, args) => match (name.as_str(), args.first()) {
                ("loadEnvironmentFrom", Some(arg)) => match self.text(&arg.value) {
                    Some(name) => self.boot.env_file = Some(name),
                    None => self.unclear(expr.line, "loadEnvironmentFrom() of something unknown"),
                },
                ("useEnvironmentPath", Some(arg)) => match self.text(&arg.value) {
                    Some(path) => self.boot.env_path = Some(lexical(Path::new(&path))),
                    None => self.unclear(expr.line, "useEnvironmentPath() of something unknown"),
                },
                ("dontMergeFrameworkConfiguration", _) => self.boot.unmerged = true,
                ("useBootstrapPath" | "useConfigPath", _) => {
                    self.unclear(expr.line, &format!("{name}() moves the configuration"));
                }
                _ => {}
            },
            Kind::New(class, args) if class.ends_with("Application") => {
                if let Some(arg) = args.first() {
                    self.base(&arg.value);
                }
            }
            Kind::StaticCall(class, name, args)
                if name == "configure" && class.ends_with("Application") =>
            {
                if let Some(arg) = args.first() {
                    self.base(&arg.value);
                }
            }
            Kind::StaticCall(class, ..) if class.ends_with("Dotenv") => {
                self.unclear(expr.line, "a Dotenv of its own");
            }
            Kind::Assign(_, place, value) => self.assignment(place, value, expr.line),
            _ => {}
        }
    }

    fn base(&mut self, expr: &Expr) {
        match php::expression(self.path, expr, self.env).val {
            Val::Str(path) if path.starts_with('/') => {
                let path = lexical(Path::new(&path));
                if path != self.root {
                    self.boot.base = Some(path);
                }
            }
            _ => self.unclear(expr.line, "the project's directory"),
        }
    }

    fn assignment(&mut self, place: &Expr, value: &Expr, line: usize) {
        let Kind::Index(base, Some(key)) = &place.kind else {
            return;
        };
        let Kind::Var(name) = &base.kind else { return };
        if name != "_ENV" && name != "_SERVER" {
            return;
        }
        match (self.text(key), self.text(value)) {
            (Some(key), _) if matches!(key.as_str(), "argv" | "argc") => {}
            (Some(key), Some(value)) => self.set(key, value, line),
            _ => self.unclear(line, &format!("a write to ${name}")),
        }
    }

    fn set(&mut self, name: String, value: String, line: usize) {
        let source = crate::source::Source::project_file(&shown(self.path, self.root), line);
        self.boot.variables.push((name, value, source));
    }

    fn unclear(&mut self, line: usize, what: &str) {
        let place = self.place(line);
        self.boot.unclear.push(format!("{what} at {place}"));
    }

    fn look_for_rewrites(&mut self, expr: &Expr) {
        match &expr.kind {
            Kind::Call(name, args) if name.trim_start_matches('\\') == "putenv" => {
                let pair = args.first().and_then(|a| self.text(&a.value));
                match pair.as_deref().and_then(|p| p.split_once('=')) {
                    Some((name, value)) => self.set(name.to_owned(), value.to_owned(), expr.line),
                    None => self.unclear(expr.line, "putenv() of something unknown"),
                }
            }
            Kind::Call(name, args) if name.trim_start_matches('\\') == "config" => {
                if let Some(Kind::Array(items)) = args.first().map(|a| &a.value.kind) {
                    for item in items {
                        let key = item.key.as_ref().and_then(|k| self.text(k));
                        self.rewrite(key.as_deref(), expr.line);
                    }
                }
            }
            Kind::StaticCall(class, name, args)
                if class.ends_with("Config")
                    && matches!(name.as_str(), "set" | "push" | "prepend") =>
            {
                self.set_call(args, expr.line);
            }
            Kind::Method(on, name, args) if name == "set" && speaks_of_config(on) => {
                self.set_call(args, expr.line);
            }
            Kind::Method(_, name, _) | Kind::StaticCall(_, name, _)
                if name == "setDefaultConnection" =>
            {
                let place = self.place(expr.line);
                self.boot.rewrites.push(format!(
                    "{place} changes the default connection while it runs"
                ));
            }
            _ => {}
        }
    }

    fn set_call(&mut self, args: &[ast::Item], line: usize) {
        match args.first().map(|a| &a.value) {
            Some(Expr {
                kind: Kind::Array(items),
                ..
            }) => {
                for item in items {
                    let key = item.key.as_ref().and_then(|k| self.text(k));
                    self.rewrite(key.as_deref(), line);
                }
            }
            Some(arg) => {
                let key = self.text(arg);
                self.rewrite(key.as_deref(), line);
            }
            None => {}
        }
    }

    fn rewrite(&mut self, key: Option<&str>, line: usize) {
        if key.is_none_or(|k| k == "database" || k.starts_with("database.")) {
            let place = self.place(line);
            let what = key.unwrap_or("configuration");
            self.boot
                .rewrites
                .push(format!("{place} sets `{what}` while it runs"));
        }
    }
}

/// `config()`, `$app['config']`, `$this->app->make('config')`.
fn speaks_of_config(on: &Expr) -> bool {
    match &on.kind {
        Kind::Call(name, args) => {
            name.trim_start_matches('\\') == "config" || args.iter().any(|a| is_config(&a.value))
        }
        Kind::Index(_, Some(key)) => is_config(key),
        Kind::Method(_, _, args) => args.iter().any(|a| is_config(&a.value)),
        Kind::Property(_, name) => name == "config",
        _ => false,
    }
}

fn is_config(expr: &Expr) -> bool {
    matches!(&expr.kind, Kind::Str(text) if text == "config")
}
