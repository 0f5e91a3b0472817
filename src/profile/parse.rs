//! Reads profiles and configuration files. Every mistake names file, line, column and what was
//! meant; nothing is ever skipped in silence.

use std::cell::Cell;
use std::fmt;
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::{
    Applied, Descriptors, FenceMode, FenceUnavailable, HideBy, Limit, Mark, Private, Production,
    ProfileText, Survivors, Unmarked,
};
use crate::command::Effect;
use crate::policy::Tier;
use crate::record::checkpoint::Keeper;
use crate::source::{Source, SourceKind};

/// A mistake in a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file as it is shown.
    pub file: String,
    /// Line, from 1; 0 where the command line is meant.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What was probably meant, or what to do.
    pub hint: Option<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is no file has no lines.
        if self.line == 0 {
            return write!(f, "{}: {}", self.file, self.message);
        }
        write!(
            f,
            "{}:{}:{}: {}",
            self.file, self.line, self.column, self.message
        )
    }
}

impl std::error::Error for ConfigError {}

/// What a configuration file (`policy.toml`, `config.toml`, `tagout.toml`) says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// The profile to use where none is named.
    pub profile: Option<(String, Source)>,
    /// Profiles, by name.
    pub profiles: Vec<(String, ProfileText, Source)>,
    /// Marks.
    pub marks: Vec<Mark>,
    /// Migrations that have run.
    pub migrations: Vec<Applied>,
    /// Rules for every profile.
    pub every: ProfileText,
    /// How the journal is anchored.
    pub journal: JournalText,
    /// What shells and shims wrap.
    pub hook: HookText,
}

/// Which commands shell functions and shims wrap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct HookText {
    /// Commands besides the usual ones: `artisan`, `php artisan`.
    pub commands: Vec<(String, Source)>,
    /// The profile of a command, where it has its own.
    pub profiles: Vec<(String, String)>,
}

/// How a file wants the journal anchored.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct JournalText {
    /// Private key that signs heads.
    pub key: Option<(String, Source)>,
    /// Where heads are kept.
    pub anchors: Vec<(String, Source)>,
    /// Effects before which a head must have been kept.
    pub anchor_required_for: Vec<(Effect, Source)>,
}

/// Keys of a configuration file.
pub const DOCUMENT_KEYS: &[&str] = &[
    "profile",
    "profiles",
    "marks",
    "migrations",
    "every",
    "journal",
    "hook",
];
/// Keys of `[hook]`.
pub const HOOK_KEYS: &[&str] = &["commands", "profiles"];
/// Keys of `[journal]`.
pub const JOURNAL_KEYS: &[&str] = &["key", "anchors", "anchor_required_for"];
/// Keys of `[profiles.NAME]` and `[every]`.
pub const PROFILE_KEYS: &[&str] = &[
    "description",
    "extends",
    "pass",
    "drop",
    "never",
    "set",
    "require",
    "production",
    "unmarked",
    "descriptors",
    "fence",
    "fence_unavailable",
    "allow",
    "hide",
    "hide_by",
    "private",
    "limits",
    "survivors",
];
/// The keys of a table's own, and those that say which targets it means.
macro_rules! with_target_keys {
    ($($own:literal),*) => {
        &[$($own,)* "engine", "host", "network", "socket", "file", "port", "database",
            "environment", "identifier", "url", "why"]
    };
}

/// Keys of `[[marks]]`.
pub const MARK_KEYS: &[&str] = with_target_keys!("tier");
/// Keys of `[[migrations]]`.
pub const MIGRATION_KEYS: &[&str] = with_target_keys!("folder", "applied", "applied_file");
/// Families of names that may be listed with a `*`: harmless whatever the last part is.
const FAMILIES: &[&str] = &["LC_*"];

/// Reads a configuration file. `file` is how it is shown, `kind` whose it is.
///
/// # Errors
/// The first mistake in it.
pub fn parse_document(text: &str, file: &str, kind: SourceKind) -> Result<Document, ConfigError> {
    let reader = Reader {
        text,
        file,
        kind,
        passed: Cell::default(),
    };
    let root = reader.root()?;
    reader.check_keys(root.get_ref(), DOCUMENT_KEYS, "")?;
    let mut document = Document::default();
    for (key, value) in root.get_ref() {
        match key.get_ref().as_ref() {
            "profile" => document.profile = Some(reader.string(value, "profile")?),
            "profiles" => {
                for (name, body) in reader.table(value, "profiles")? {
                    let source = reader.source(&name.span());
                    let profile = reader.profile(reader.table(body, "a profile")?)?;
                    document
                        .profiles
                        .push((name.get_ref().to_string(), profile, source));
                }
            }
            "every" => document.every = reader.profile(reader.table(value, "every")?)?,
            "marks" => document.marks = reader.each(value, "marks", Reader::mark)?,
            "migrations" => {
                document.migrations = reader.each(value, "migrations", Reader::applied)?;
            }
            "journal" => document.journal = reader.journal(reader.table(value, "journal")?)?,
            "hook" => document.hook = reader.hook(reader.table(value, "hook")?)?,
            _ => {}
        }
    }
    Ok(document)
}

/// Reads a built-in profile: a file that is the body of one profile.
///
/// # Errors
/// The first mistake in it.
pub fn parse_profile(text: &str, file: &str) -> Result<ProfileText, ConfigError> {
    let reader = Reader {
        text,
        file,
        kind: SourceKind::Profile,
        passed: Cell::default(),
    };
    let root = reader.root()?;
    reader.profile(root.get_ref())
}

struct Reader<'a> {
    text: &'a str,
    file: &'a str,
    kind: SourceKind,
    /// An offset that was asked for, and the newlines before it: what stands in a file is asked for
    /// in order, more or less.
    passed: Cell<(usize, usize)>,
}

impl<'a> Reader<'a> {
    /// Line and column (from 1, in characters) of a byte offset.
    fn position(&self, offset: usize) -> (usize, usize) {
        let before = self.text.get(..offset).unwrap_or(self.text);
        let (passed, lines) = self.passed.get();
        let between = passed.min(before.len())..passed.max(before.len());
        let breaks = self.text.get(between).unwrap_or("").matches('\n').count();
        let lines = match passed <= before.len() {
            true => lines + breaks,
            false => lines.saturating_sub(breaks),
        };
        self.passed.set((before.len(), lines));
        let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
        (lines + 1, column)
    }

    fn root(&self) -> Result<Spanned<DeTable<'a>>, ConfigError> {
        DeTable::parse(self.text).map_err(|e| {
            let span = e.span().unwrap_or(0..0);
            self.error(&span, e.message().trim().replace('\n', ", "), None)
        })
    }

    fn error(
        &self,
        span: &Range<usize>,
        message: impl Into<String>,
        hint: Option<String>,
    ) -> ConfigError {
        let (line, column) = self.position(span.start);
        ConfigError {
            file: self.file.to_owned(),
            line,
            column,
            message: message.into(),
            hint,
        }
    }

    fn source(&self, span: &Range<usize>) -> Source {
        let (line, _) = self.position(span.start);
        Source::new(self.kind, format!("{}:{line}", self.file))
    }

    fn check_keys(
        &self,
        table: &DeTable<'_>,
        known: &[&str],
        inside: &str,
    ) -> Result<(), ConfigError> {
        for key in table.keys() {
            let name = key.get_ref().as_ref();
            if known.contains(&name) {
                continue;
            }
            let hint = match closest(name, known) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known here: {}", known.join(", ")),
            };
            let message = format!("unknown key `{name}`{inside}");
            return Err(self.error(&key.span(), message, Some(hint)));
        }
        Ok(())
    }

    fn wrong_type(&self, value: &Spanned<DeValue<'_>>, what: &str, wanted: &str) -> ConfigError {
        let found = value.get_ref().type_str();
        self.error(
            &value.span(),
            format!("`{what}` must be {wanted}, not {found}"),
            None,
        )
    }

    fn table<'t>(
        &self,
        value: &'t Spanned<DeValue<'a>>,
        what: &str,
    ) -> Result<&'t DeTable<'a>, ConfigError> {
        value
            .get_ref()
            .as_table()
            .ok_or_else(|| self.wrong_type(value, what, "a table"))
    }

    fn string(
        &self,
        value: &Spanned<DeValue<'_>>,
        what: &str,
    ) -> Result<(String, Source), ConfigError> {
        match value.get_ref().as_str() {
            Some(text) => Ok((text.to_owned(), self.source(&value.span()))),
            None => Err(self.wrong_type(value, what, "a string")),
        }
    }

    fn strings(
        &self,
        value: &Spanned<DeValue<'_>>,
        what: &str,
    ) -> Result<Vec<(String, Source)>, ConfigError> {
        let items = value
            .get_ref()
            .as_array()
            .ok_or_else(|| self.wrong_type(value, what, "a list of strings"))?;
        items.iter().map(|item| self.string(item, what)).collect()
    }

    fn word<T: Copy>(
        &self,
        value: &Spanned<DeValue<'_>>,
        what: &str,
        words: &[(&str, T)],
    ) -> Result<(T, Source), ConfigError> {
        let (text, source) = self.string(value, what)?;
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, found)) => Ok((*found, source)),
            None => {
                let known: Vec<&str> = words.iter().map(|(w, _)| *w).collect();
                let hint = closest(&text, &known).map(|near| format!("did you mean `{near}`?"));
                let message = format!(
                    "`{what}` cannot be `{text}`: it is one of {}",
                    known.join(", ")
                );
                Err(self.error(&value.span(), message, hint))
            }
        }
    }

    fn journal(&self, table: &DeTable<'a>) -> Result<JournalText, ConfigError> {
        self.check_keys(table, JOURNAL_KEYS, " in [journal]")?;
        let mut journal = JournalText::default();
        for (key, value) in table {
            let what = key.get_ref().as_ref();
            match what {
                "key" => journal.key = Some(self.string(value, what)?),
                "anchors" => journal.anchors = self.keepers(value, what)?,
                "anchor_required_for" => {
                    let words = Effect::ALL.map(|effect| (effect.word(), effect));
                    journal.anchor_required_for = self.words(value, what, &words)?;
                }
                _ => {}
            }
        }
        Ok(journal)
    }

    fn hook(&self, table: &DeTable<'a>) -> Result<HookText, ConfigError> {
        self.check_keys(table, HOOK_KEYS, " in [hook]")?;
        let mut hook = HookText::default();
        for (key, value) in table {
            match key.get_ref().as_ref() {
                "commands" => hook.commands = self.strings(value, "commands")?,
                _ => {
                    for (name, value) in self.table(value, "profiles")? {
                        let (profile, _) = self.string(value, "profiles")?;
                        hook.profiles.push((name.get_ref().to_string(), profile));
                    }
                }
            }
        }
        for (command, source) in &hook.commands {
            // They end up in code that a shell evaluates.
            let plain = |c: char| c.is_ascii_alphanumeric() || "_-./+:@".contains(c);
            let sound =
                |word: &str| word.starts_with(|c| plain(c) && c != '-') && word.chars().all(plain);
            if !command.split(' ').all(sound) {
                let (_, line) = source.text().rsplit_once(':').unwrap_or_default();
                return Err(ConfigError {
                    file: self.file.to_owned(),
                    line: line.parse().unwrap_or(1),
                    column: 1,
                    message: format!(
                        "`{command}` cannot be wrapped: it is words of letters, digits and -_./+:@"
                    ),
                    hint: None,
                });
            }
        }
        Ok(hook)
    }

    /// Places where heads are kept.
    fn keepers(
        &self,
        value: &Spanned<DeValue<'_>>,
        what: &str,
    ) -> Result<Vec<(String, Source)>, ConfigError> {
        let places = self.strings(value, what)?;
        for (place, _) in &places {
            if let Err(why) = Keeper::parse(place) {
                return Err(self.error(&value.span(), why, None));
            }
        }
        Ok(places)
    }

    fn profile(&self, table: &DeTable<'a>) -> Result<ProfileText, ConfigError> {
        self.check_keys(table, PROFILE_KEYS, " in a profile")?;
        let mut profile = ProfileText::default();
        for (key, value) in table {
            let what = key.get_ref().as_ref();
            match what {
                "description" => profile.description = Some(self.string(value, what)?.0),
                "extends" => profile.extends = Some(self.string(value, what)?),
                "pass" => profile.pass = self.names(value, what, FAMILIES)?,
                "drop" => profile.drop = self.names(value, what, FAMILIES)?,
                "never" => profile.never = self.strings(value, what)?,
                "require" => profile.require = self.names(value, what, &[])?,
                "set" => profile.set = self.settings(value)?,
                "production" => {
                    profile.production = Some(self.word(value, what, Production::WORDS)?)
                }
                "unmarked" => profile.unmarked = Some(self.word(value, what, Unmarked::WORDS)?),
                "descriptors" => profile.descriptors = Some(self.descriptors(value)?),
                "fence" => profile.fence = Some(self.word(value, what, FenceMode::WORDS)?),
                "fence_unavailable" => {
                    profile.fence_unavailable =
                        Some(self.word(value, what, FenceUnavailable::WORDS)?);
                }
                "allow" => profile.allow = self.strings(value, what)?,
                "hide" => profile.hide = self.strings(value, what)?,
                "hide_by" => profile.hide_by = Some(self.word(value, what, HideBy::WORDS)?),
                "private" => profile.private = self.words(value, what, Private::WORDS)?,
                "limits" => profile.limits = self.limits(self.table(value, what)?)?,
                "survivors" => {
                    profile.survivors = Some(self.word(value, what, Survivors::WORDS)?)
                }
                _ => {}
            }
        }
        Ok(profile)
    }

    /// A list of words.
    fn words<T: Copy>(
        &self,
        value: &Spanned<DeValue<'_>>,
        what: &str,
        words: &[(&str, T)],
    ) -> Result<Vec<(T, Source)>, ConfigError> {
        let items = value
            .get_ref()
            .as_array()
            .ok_or_else(|| self.wrong_type(value, what, "a list of words"))?;
        items
            .iter()
            .map(|item| self.word(item, what, words))
            .collect()
    }

    fn limits(&self, table: &DeTable<'a>) -> Result<Vec<(Limit, u64, Source)>, ConfigError> {
        let known: Vec<&str> = Limit::WORDS.iter().map(|(word, _)| *word).collect();
        self.check_keys(table, &known, " in `limits`")?;
        let mut limits = Vec::new();
        for (key, value) in table {
            let word = key.get_ref().as_ref();
            if let Some((_, limit)) = Limit::WORDS.iter().find(|(own, _)| *own == word) {
                limits.push((
                    *limit,
                    self.number(value, word)?,
                    self.source(&value.span()),
                ));
            }
        }
        Ok(limits)
    }

    /// Names of variables: exact, or one of the documented families.
    fn names(
        &self,
        value: &Spanned<DeValue<'_>>,
        what: &str,
        families: &[&str],
    ) -> Result<Vec<(String, Source)>, ConfigError> {
        let names = self.strings(value, what)?;
        for (at, (name, _)) in names.iter().enumerate() {
            let span = value
                .get_ref()
                .as_array()
                .and_then(|a| a.get(at))
                .map_or(value.span(), Spanned::span);
            self.check_name(name, families, &span)?;
        }
        Ok(names)
    }

    fn check_name(
        &self,
        name: &str,
        families: &[&str],
        span: &Range<usize>,
    ) -> Result<(), ConfigError> {
        if families.contains(&name) {
            return Ok(());
        }
        if name.contains('*') {
            let hint = match families {
                [] => "write each name out".to_owned(),
                _ => format!(
                    "write each name out; only {} is a family",
                    families.join(", ")
                ),
            };
            return Err(self.error(
                span,
                format!("`{name}` is a pattern, but names are exact"),
                Some(hint),
            ));
        }
        if name.is_empty() || name.contains(['=', '\0']) {
            return Err(self.error(
                span,
                format!("`{name}` cannot be the name of a variable"),
                None,
            ));
        }
        Ok(())
    }

    fn settings(
        &self,
        value: &Spanned<DeValue<'a>>,
    ) -> Result<Vec<(String, String, Source)>, ConfigError> {
        let mut out = Vec::new();
        for (name, value) in self.table(value, "set")? {
            self.check_name(name.get_ref(), &[], &name.span())?;
            let (text, source) = self.string(value, "set")?;
            if text.contains('\0') {
                return Err(self.error(&value.span(), "a variable cannot hold a NUL byte", None));
            }
            out.push((name.get_ref().to_string(), text, source));
        }
        Ok(out)
    }

    fn descriptors(
        &self,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<(Descriptors, Source), ConfigError> {
        let source = self.source(&value.span());
        if let Some(items) = value.get_ref().as_array() {
            let numbers = items
                .iter()
                .map(|item| self.number::<i32>(item, "descriptors"))
                .collect::<Result<_, _>>()?;
            return Ok((Descriptors::Only(numbers), source));
        }
        match value.get_ref().as_str() {
            Some("all") => Ok((Descriptors::All, source)),
            Some("no-sockets") => Ok((Descriptors::NoSockets, source)),
            _ => {
                let hint = "\"all\" closes every descriptor above 2, \"no-sockets\" closes sockets, a list of numbers keeps only those".to_owned();
                Err(self.error(
                    &value.span(),
                    "`descriptors` is \"all\", \"no-sockets\" or a list of numbers",
                    Some(hint),
                ))
            }
        }
    }

    fn number<T: std::str::FromStr>(
        &self,
        value: &Spanned<DeValue<'_>>,
        what: &str,
    ) -> Result<T, ConfigError> {
        value
            .get_ref()
            .as_integer()
            .filter(|i| i.radix() == 10)
            .and_then(|i| i.as_str().parse().ok())
            .ok_or_else(|| self.wrong_type(value, what, "a whole number in range"))
    }

    /// A list of tables.
    fn each<T>(
        &self,
        value: &Spanned<DeValue<'a>>,
        what: &str,
        item: impl Fn(&Self, &Spanned<DeValue<'a>>) -> Result<T, ConfigError>,
    ) -> Result<Vec<T>, ConfigError> {
        let items = value.get_ref().as_array().ok_or_else(|| {
            let message = format!("`{what}` must be tables: write `[[{what}]]`");
            self.error(&value.span(), message, None)
        })?;
        items.iter().map(|i| item(self, i)).collect()
    }

    fn mark(&self, item: &Spanned<DeValue<'a>>) -> Result<Mark, ConfigError> {
        let table = self.table(item, "marks")?;
        self.check_keys(table, MARK_KEYS, " in a mark")?;
        let words = [
            ("production", Tier::Production),
            ("disposable", Tier::Disposable),
        ];
        let tier = match table.iter().find(|(key, _)| key.get_ref() == "tier") {
            Some((_, value)) => Some(self.word(value, "tier", &words)?.0),
            None => None,
        };
        let (mut mark, parts) = self.parts(item, table)?;
        let Some(tier) = tier else {
            let hint = Some("add `tier = \"production\"` or `tier = \"disposable\"`".to_owned());
            return Err(self.error(&item.span(), "a mark needs a `tier`", hint));
        };
        if parts == 0 {
            let hint = Some("add `host`, `network`, `socket`, `file`, `port`, `database`, `environment`, `identifier` or `url`".to_owned());
            return Err(self.error(
                &item.span(),
                "a mark must say which targets it recognises",
                hint,
            ));
        }
        mark.tier = tier;
        Ok(mark)
    }

    /// What a table says of the targets it means, and in how many words.
    fn parts(
        &self,
        item: &Spanned<DeValue<'a>>,
        table: &DeTable<'a>,
    ) -> Result<(Mark, usize), ConfigError> {
        let mut mark = Mark::empty(Tier::Unmarked, self.source(&item.span()));
        let mut parts = 0;
        for (key, value) in table {
            let what = key.get_ref().as_ref();
            let text = || self.string(value, what).map(|(text, _)| Some(text));
            match what {
                "engine" => mark.engine = text()?,
                "host" => mark.host = text()?,
                "network" => mark.network = Some(self.network(value)?),
                "socket" => mark.socket = text()?,
                "file" => mark.file = text()?,
                "port" => mark.port = Some(self.number(value, what)?),
                "database" => mark.database = text()?,
                "environment" => mark.environment = text()?,
                "identifier" => mark.identifier = text()?,
                "url" => self.url(value, &mut mark)?,
                "why" => {
                    text()?;
                    continue;
                }
                _ => continue,
            }
            parts += 1;
        }
        Ok((mark, parts))
    }

    fn applied(&self, item: &Spanned<DeValue<'a>>) -> Result<Applied, ConfigError> {
        let table = self.table(item, "migrations")?;
        self.check_keys(table, MIGRATION_KEYS, " in `migrations`")?;
        let (on, parts) = self.parts(item, table)?;
        let mut applied = Applied {
            folder: None,
            versions: Vec::new(),
            versions_file: None,
            on,
        };
        for (key, value) in table {
            let what = key.get_ref().as_ref();
            match what {
                "folder" => applied.folder = Some(self.string(value, what)?.0),
                "applied" => {
                    let versions = self.strings(value, what)?.into_iter();
                    applied.versions = versions.map(|(version, _)| version).collect();
                }
                "applied_file" => applied.versions_file = Some(self.string(value, what)?.0),
                _ => {}
            }
        }
        let file = applied.versions_file.as_deref();
        let wrong = match (parts, file) {
            (0, _) => "`migrations` must say on which targets they have run",
            (_, Some(file)) if !file.starts_with('/') => "`applied_file` must be an absolute path",
            _ => return Ok(applied),
        };
        Err(self.error(&item.span(), wrong, None))
    }

    fn network(&self, value: &Spanned<DeValue<'_>>) -> Result<String, ConfigError> {
        let (text, _) = self.string(value, "network")?;
        if super::super::target::marks::network(&text).is_some() {
            return Ok(text);
        }
        let hint = Some("write an address range such as 10.0.0.0/8 or fd00::/8".to_owned());
        Err(self.error(&value.span(), format!("`{text}` is no address range"), hint))
    }

    /// A URL stands for engine, host, port and database together.
    fn url(&self, value: &Spanned<DeValue<'_>>, mark: &mut Mark) -> Result<(), ConfigError> {
        use crate::target::{Engine, url};
        let (text, _) = self.string(value, "url")?;
        let Some(url) = url::Url::split(&text) else {
            return Err(self.error(
                &value.span(),
                "`url` must look like postgres://host:port/database",
                None,
            ));
        };
        mark.engine = Some(Engine::from_driver(&url.scheme).word().to_owned());
        mark.host = url.host.as_deref().map(url::decode);
        if let Some(port) = &url.port {
            let number = port
                .parse()
                .map_err(|_| self.error(&value.span(), format!("`{port}` is no port"), None))?;
            mark.port = Some(number);
        }
        let database = url::decode(url.path.trim_start_matches('/'));
        mark.database = (!database.is_empty()).then_some(database);
        Ok(())
    }
}

/// The known word nearest to `word`, if it is near enough to have been meant.
pub fn closest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    known
        .iter()
        .map(|k| (distance(word, k), *k))
        .filter(|(d, k)| *d <= (k.len() / 3).max(1))
        .min_by_key(|(d, _)| *d)
        .map(|(_, k)| k)
}

/// Edits (insert, delete, replace) from `a` to `b`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let replace = diagonal + usize::from(ca != *cb);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Document, ConfigError> {
        parse_document(text, "tagout.toml", SourceKind::ProjectFile)
    }

    #[test]
    fn mistakes_name_place_and_meaning() {
        let table = [
            (
                "profil = \"x\"",
                "tagout.toml:1:1: unknown key `profil`",
                "did you mean `profile`?",
            ),
            (
                "[profiles.a]\nproductoin = \"never\"",
                "tagout.toml:2:1: unknown key `productoin` in a profile",
                "did you mean `production`?",
            ),
            (
                "[profiles.a]\nproduction = \"nevr\"",
                "tagout.toml:2:14: `production` cannot be `nevr`: it is one of never, read, write, migrate, console",
                "did you mean `never`?",
            ),
            (
                "[profiles.a]\npass = [\"A\", \"DB_*\"]",
                "tagout.toml:2:14: `DB_*` is a pattern, but names are exact",
                "write each name out; only LC_* is a family",
            ),
            (
                "[[marks]]\nhost = \"x\"",
                "tagout.toml:1:1: a mark needs a `tier`",
                "add `tier = \"production\"` or `tier = \"disposable\"`",
            ),
            (
                "[[marks]]\ntier = \"production\"\nnetwork = \"10.0.0.0/99\"",
                "tagout.toml:3:11: `10.0.0.0/99` is no address range",
                "write an address range such as 10.0.0.0/8 or fd00::/8",
            ),
        ];
        for (text, message, hint) in table {
            let error = parse(text).unwrap_err();
            assert_eq!(error.to_string(), message);
            assert_eq!(error.hint.as_deref(), Some(hint), "{text}");
        }
    }

    #[test]
    fn broken_toml_is_an_error_with_a_place() {
        let error = parse("a = \n").unwrap_err();
        assert_eq!((error.line, error.file.as_str()), (1, "tagout.toml"));
    }

    #[test]
    fn a_url_marks_all_its_parts() {
        let document =
            parse("[[marks]]\ntier = \"production\"\nurl = \"pgsql://u:p@db1:5433/shop\"").unwrap();
        let mark = &document.marks[0];
        assert_eq!(
            (mark.engine.as_deref(), mark.host.as_deref()),
            (Some("postgres"), Some("db1"))
        );
        assert_eq!(
            (mark.port, mark.database.as_deref()),
            (Some(5433), Some("shop"))
        );
    }
}
