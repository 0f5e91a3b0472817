//! The environment a Laravel application sees: the process's own variables, what the bootstrap
//! puts there, and the `.env` file that the framework chooses.

use std::cell::RefCell;
use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::version::{Release, Version};
use crate::command::Stop;
use crate::environment::Vars;
use crate::environment::dotenv::php as dotenv;
use crate::files::{Files, shown};
use crate::source::{Source, SourceKind};
use crate::target::readers::php::{self, Answer, Cell, Found, Host, Place, Val};

/// What the bootstrap files say.
#[derive(Debug, Default)]
pub(super) struct Boot {
    /// The project's directory, where an inherited variable may move it.
    pub(super) base: Option<PathBuf>,
    /// Directory of the `.env` file.
    pub(super) env_path: Option<PathBuf>,
    /// Name of the `.env` file.
    pub(super) env_file: Option<String>,
    /// Variables set before the framework starts.
    pub(super) variables: Vec<(String, String, Source)>,
    /// What is done there that cannot be followed and touches the environment.
    pub(super) unclear: Vec<String>,
    /// What is done there that cannot be followed and touches the databases' configuration.
    pub(super) rewrites: Vec<String>,
    /// Whether the framework's own configuration is not merged in (11+).
    pub(super) unmerged: bool,
}

/// The variables in force.
pub(super) struct Env<'a> {
    /// The project's directory.
    pub(super) base: PathBuf,
    /// The releases.
    pub(super) release: Release,
    files: &'a dyn Files,
    process: Vars,
    loaded: HashMap<String, (String, Source)>,
    /// Whether PHP imports the process's variables into `$_ENV`; `None` where php.ini is not found.
    imports: Option<bool>,
    script: String,
    /// Configuration files by name, read so far (for `config()` outside of configuration).
    pub(super) configs: RefCell<HashMap<String, Cell>>,
    /// The names that were looked for.
    pub(super) asked: RefCell<BTreeSet<String>>,
    /// Whether `config()` may be answered.
    pub(super) answers_config: std::cell::Cell<bool>,
    /// The configuration file that is being read: `config()` sees those before it.
    pub(super) reading: std::cell::RefCell<String>,
}

impl<'a> Env<'a> {
    /// The environment before any `.env` file.
    pub(super) fn new(
        base: PathBuf,
        release: Release,
        process: &Vars,
        boot: &Boot,
        files: &'a dyn Files,
        argv: &[String],
    ) -> Self {
        let mut process = process.clone();
        for (name, value, source) in &boot.variables {
            process.set(name.clone(), value, source.clone());
        }
        Env {
            base,
            release,
            files,
            imports: imports(argv, &process, files),
            process,
            loaded: HashMap::new(),
            script: "artisan".to_owned(),
            configs: RefCell::new(HashMap::new()),
            asked: RefCell::default(),
            answers_config: std::cell::Cell::new(false),
            reading: std::cell::RefCell::default(),
        }
    }

    /// A raw value: the process's own, then the file's.
    pub(super) fn raw(&self, name: &str) -> Option<(String, Source)> {
        self.asked.borrow_mut().insert(name.to_owned());
        if let Some(var) = self.process.get(name) {
            let source = match var.source.kind() {
                SourceKind::ProjectFile => var.source.clone(),
                _ => var.source.with_note(name),
            };
            return Some((var.value.to_string_lossy().into_owned(), source));
        }
        if let Some(value) = self.built_in(name) {
            return Some((value, Source::default_of("PHP")));
        }
        self.loaded.get(name).cloned()
    }

    /// What PHP itself puts into `$_SERVER`.
    fn built_in(&self, name: &str) -> Option<String> {
        match name {
            "PHP_SELF" | "SCRIPT_NAME" | "SCRIPT_FILENAME" | "PATH_TRANSLATED" => {
                Some(self.script.clone())
            }
            "DOCUMENT_ROOT" => Some(String::new()),
            _ => None,
        }
    }

    /// `env($name)` without a default.
    pub(super) fn get(&self, name: &str) -> Option<Cell> {
        let (value, source) = self.raw(name)?;
        let beat = self.beaten(name);
        Some(Cell {
            val: cast(&value, self.release.laravel),
            source,
            beat,
        })
    }

    /// The line of the file that lost to the process.
    fn beaten(&self, name: &str) -> Vec<Source> {
        if self.process.has(name) {
            self.loaded
                .get(name)
                .map(|(_, s)| s.clone())
                .into_iter()
                .collect()
        } else {
            Vec::new()
        }
    }

    /// Loads the `.env` file that the framework chooses; returns its path where there is one.
    ///
    /// # Errors
    /// Where the file is invalid, the command stops.
    pub(super) fn load(&mut self, boot: &Boot, tokens: &[String]) -> Result<PathBuf, Stop> {
        let dir = boot.env_path.clone().unwrap_or_else(|| self.base.clone());
        let name = self.choose(boot.env_file.as_deref().unwrap_or(".env"), &dir, tokens);
        let path = dir.join(&name);
        let Ok(text) = self.files.read_text(&path) else {
            // Missing and unreadable files are ignored by the framework without a word.
            return Ok(path);
        };
        let label = shown(&path, &self.base);
        let version = self.release.dotenv;
        let text = if version.major >= 5 {
            text.replace('\u{FFFD}', "?")
        } else {
            text
        };
        let defined = |name: &str| {
            self.asked.borrow_mut().insert(name.to_owned());
            self.process
                .text(name)
                .map(|t| t.into_owned())
                .or_else(|| self.built_in(name))
        };
        let entries = dotenv::read(&text, version, &defined).map_err(|e| {
            Stop::new(
                "env-file-invalid",
                format!("{label}:{}: {}", e.line, e.what),
            )
        })?;
        if version.major >= 4 && entries.iter().any(|e| e.name == "argv") {
            return Err(Stop::new(
                "boot-crash",
                format!("{label} sets `argv`, which the framework then cannot read"),
            ));
        }
        let all = dotenv::effective(&entries, version, &|_| None);
        self.loaded = all
            .into_iter()
            .filter_map(|e| Some((e.name, (e.value?, Source::project_file(&label, e.line)))))
            .collect();
        Ok(path)
    }

    /// Which file: `--env`, then `APP_ENV` of the process, then the plain one.
    fn choose(&self, base: &str, dir: &Path, tokens: &[String]) -> String {
        let version = self.release.laravel;
        let exists = |suffix: &str| {
            let name = format!("{base}.{suffix}");
            self.files.is_file(&dir.join(&name)).then_some(name)
        };
        let console = self
            .get("APP_RUNNING_IN_CONSOLE")
            .and_then(|c| match c.val {
                Val::Null => None,
                val => val.truth(),
            });
        let option =
            env_option(tokens).filter(|_| version.at_least(5, 3) && console != Some(false));
        let named = option.as_deref().and_then(exists);
        let process = self
            .get("APP_ENV")
            .filter(|c| version.at_least(5, 2) && c.val.truth() == Some(true))
            .and_then(|c| c.val.text());
        match (version.major, version.minor) {
            (5, 3) if option.is_some() => named.unwrap_or_else(|| base.to_owned()),
            (5, 4) => {
                let first = named.unwrap_or_else(|| base.to_owned());
                let second = process.map(|e| format!("{first}.{e}"));
                second
                    .filter(|n| self.files.is_file(&dir.join(n)))
                    .unwrap_or(first)
            }
            _ => named
                .or_else(|| process.as_deref().and_then(exists))
                .unwrap_or_else(|| base.to_owned()),
        }
    }

    fn path(&self, folder: &str, args: &[Cell], here: &Source) -> Option<Cell> {
        let mut path = self.base.join(folder);
        if let Some(arg) = args.first() {
            let text = arg.val.text()?;
            let text = text.trim_start_matches('/');
            if !text.is_empty() {
                path = path.join(text);
            }
        }
        let text = path.display().to_string();
        let text = text.strip_suffix('/').unwrap_or(&text).to_owned();
        Some(Cell::new(
            Val::Str(text),
            args.first().map_or(here.clone(), |a| a.source.clone()),
        ))
    }

    /// `config('a.b.c')`.
    fn config(&self, args: &[Cell]) -> Option<Answer> {
        let key = args.first()?.val.text()?;
        let (file, rest) = key.split_once('.')?;
        if !self.answers_config.get() {
            return self.earlier(file, rest);
        }
        let mut cell = self.configs.borrow().get(file)?.clone();
        for part in rest.split('.') {
            cell = match cell.get(part) {
                Found::Yes(inner) => inner.clone(),
                Found::No => cell.with(Val::Null),
                Found::Unknown(why) => cell.with(Val::Unknown(why)),
            };
        }
        Some(Answer::Cell(cell))
    }

    /// `config()` in a configuration file: files are read in the order of their names, and those
    /// behind this one are not there yet.
    fn earlier(&self, file: &str, rest: &str) -> Option<Answer> {
        let here = self.reading.borrow().clone();
        let plain = |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        let path = self.base.join("config").join(format!("{file}.php"));
        if here.is_empty() || !plain(file) || !plain(&here) || !self.files.is_file(&path) {
            return None;
        }
        if file >= here.as_str() {
            return Some(Answer::Default(1));
        }
        let mut cell = self.config_file(file, &path).ok()?;
        for part in rest.split('.') {
            cell = match cell.get(part) {
                Found::Yes(inner) => inner.clone(),
                // The framework's own file is merged underneath.
                Found::No if self.release.laravel.at_least(11, 0) => return None,
                Found::No => return Some(Answer::Default(1)),
                Found::Unknown(why) => cell.with(Val::Unknown(why)),
            };
        }
        Some(Answer::Cell(cell))
    }

    /// What a configuration file returns.
    pub(super) fn config_file(
        &self,
        name: &str,
        path: &Path,
    ) -> Result<Cell, crate::files::FileError> {
        let outer = self.reading.replace(name.to_owned());
        let cell = php::file(path, self);
        self.reading.replace(outer);
        cell
    }
}

impl Host for Env<'_> {
    fn variable(&self, place: Place, name: &str) -> Option<Cell> {
        if place == Place::Server
            && matches!(
                name,
                "argv" | "argc" | "REQUEST_TIME" | "REQUEST_TIME_FLOAT"
            )
        {
            return Some(Cell::new(
                Val::unknown(format!("$_SERVER['{name}']")),
                Source::default_of("PHP"),
            ));
        }
        if place != Place::Server && self.built_in(name).is_some() && !self.process.has(name) {
            return None;
        }
        // phpdotenv does not write a name that the process has, and PHP imports it into `$_ENV`
        // only where `variables_order` has an E.
        if place == Place::Env && self.process.has(name) {
            match self.imports {
                Some(true) => {}
                Some(false) => return None,
                None => {
                    let why = format!(
                        "$_ENV['{name}'] depends on variables_order in a php.ini that was not found"
                    );
                    return Some(Cell::new(Val::unknown(why), Source::default_of("PHP")));
                }
            }
        }
        let (value, source) = self.raw(name)?;
        Some(Cell {
            val: Val::Str(value),
            source,
            beat: self.beaten(name),
        })
    }

    fn call(&self, name: &str, args: &[Cell], here: &Source) -> Option<Answer> {
        let folder = match name {
            "env" => {
                let Some(key) = args.first()?.val.text() else {
                    let why = args
                        .first()?
                        .why_unknown()
                        .unwrap_or("a name that is not text")
                        .to_owned();
                    return Some(Answer::Cell(Cell::new(Val::unknown(why), here.clone())));
                };
                return Some(match self.get(&key) {
                    Some(mut cell) => {
                        if args.len() > 1 {
                            cell.beat.push(Source::new(
                                SourceKind::ProjectFile,
                                format!("{} default", here.text()),
                            ));
                        }
                        Answer::Cell(cell)
                    }
                    None => Answer::Default(1),
                });
            }
            "config" => return self.config(args),
            "base_path" => "",
            "database_path" => "database",
            "storage_path" => "storage",
            "config_path" => "config",
            "app_path" => "app",
            "public_path" => "public",
            "resource_path" => "resources",
            _ => return None,
        };
        if name == "storage_path"
            && let Some((_, source)) = self.raw("LARAVEL_STORAGE_PATH")
        {
            let why = format!("storage_path() is moved by LARAVEL_STORAGE_PATH ({source})");
            return Some(Answer::Cell(Cell::new(Val::unknown(why), here.clone())));
        }
        self.path(folder, args, here).map(Answer::Cell)
    }

    fn files(&self) -> &dyn Files {
        self.files
    }

    fn base(&self) -> &Path {
        &self.base
    }
}

/// What `env()` makes of a raw value: words, then one pair of quotes.
fn cast(value: &str, version: Version) -> Val {
    match value.to_ascii_lowercase().as_str() {
        "true" | "(true)" => return Val::Bool(true),
        "false" | "(false)" => return Val::Bool(false),
        "empty" | "(empty)" => return Val::Str(String::new()),
        "null" | "(null)" => return Val::Null,
        _ => {}
    }
    let quotes: &[char] = if version.at_least(5, 8) {
        &['"', '\'']
    } else {
        &['"']
    };
    for quote in quotes {
        if value.len() >= 2
            && !value.contains('\n')
            && let Some(inner) = value
                .strip_prefix(*quote)
                .and_then(|v| v.strip_suffix(*quote))
        {
            return Val::Str(inner.to_owned());
        }
    }
    Val::Str(value.to_owned())
}

/// The value of the first `--env` among all words, also behind `--`.
pub(super) fn env_option(tokens: &[String]) -> Option<String> {
    let mut words = tokens.iter();
    while let Some(word) = words.next() {
        if word == "--env" {
            return Some(words.next().cloned().unwrap_or_default());
        }
        if let Some(value) = word.strip_prefix("--env=") {
            return Some(value.to_owned());
        }
    }
    None
}

/// Whether `variables_order` has an E: `-d`, then php.ini, then PHP's own `EGPCS`.
fn imports(argv: &[String], process: &Vars, files: &dyn Files) -> Option<bool> {
    let mut words = argv.iter();
    let mut without_ini = false;
    let mut set = None;
    while let Some(word) = words.next() {
        let definition = match word.as_str() {
            "-d" | "--define" => words.next().map(String::as_str),
            "-n" => {
                without_ini = true;
                None
            }
            "-c" => return None,
            _ => word.strip_prefix("-d"),
        };
        if let Some(value) = definition.and_then(|d| d.strip_prefix("variables_order=")) {
            set = Some(value.contains(['E', 'e']));
        }
    }
    if set.is_some() || without_ini {
        return set.or(Some(true));
    }
    if process.has("PHPRC") || process.has("PHP_INI_SCAN_DIR") {
        return None;
    }
    let mut answers: Vec<bool> = ini_files(files)
        .iter()
        .filter_map(|path| files.read_text(Path::new(path)).ok())
        .map(|text| variables_order(&text))
        .collect();
    answers.dedup();
    match answers.as_slice() {
        [one] => Some(*one),
        [] if files.is_dir(Path::new("/usr/local/etc/php")) => Some(true),
        _ => None,
    }
}

fn ini_files(files: &dyn Files) -> Vec<String> {
    let mut out: Vec<String> = files
        .list(Path::new("/etc/php"))
        .into_iter()
        .map(|version| format!("/etc/php/{version}/cli/php.ini"))
        .collect();
    out.extend([
        "/usr/local/etc/php/php.ini".to_owned(),
        "/etc/php.ini".to_owned(),
    ]);
    out
}

fn variables_order(ini: &str) -> bool {
    let line = ini.lines().rev().find_map(|l| {
        let (name, value) = l.split_once('=')?;
        (name.trim() == "variables_order").then(|| value.contains(['E', 'e']))
    });
    line.unwrap_or(true)
}

impl Env<'_> {
    /// Everything that native libraries see in the process.
    pub(super) fn all_variables(&self) -> Vars {
        let mut vars = self.process.clone();
        for (name, (value, source)) in &self.loaded {
            if !vars.has(name) {
                vars.set(name.clone(), value, source.clone());
            }
        }
        vars
    }

    /// Takes over what the process of a booted kernel held for libpq.
    pub(super) fn heard(
        &mut self,
        process: &std::collections::BTreeMap<String, String>,
        source: &Source,
    ) {
        let known = self.all_variables();
        for (name, _) in known.iter().filter(|(name, _)| name.starts_with("PG")) {
            if name != "PGPASSWORD" && !process.contains_key(name) {
                self.process.unset(name);
                self.loaded.remove(name);
            }
        }
        for (name, value) in process {
            if known.text(name).as_deref() != Some(value) {
                self.process.set(name.clone(), value, source.clone());
            }
        }
    }
}
