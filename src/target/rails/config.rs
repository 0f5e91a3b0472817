//! From `database.yml` and the environment to the configurations that Active Record builds
//! (`ActiveRecord::DatabaseConfigurations`), by version.

use super::project::Version;
use super::url::{self, kept_whole};
use crate::command::Stop;
use crate::source::Source;
use crate::target::{Traced, Value};

/// One database configuration.
#[derive(Debug, Clone)]
pub struct DbConfig {
    /// The environment it belongs to.
    pub env: String,
    /// Its name (`primary` where the environment has only one).
    pub name: String,
    /// Its keys with their sources.
    pub keys: Vec<(String, Traced)>,
    /// It came with a `url:` key or as a URL, so that no variable is merged.
    by_url: bool,
    /// Why nothing of it is known.
    pub unknown: Option<String>,
}

impl DbConfig {
    /// A configuration as Active Record itself tells it.
    pub(super) fn told(env: String, name: String, keys: Vec<(String, Traced)>) -> DbConfig {
        DbConfig {
            env,
            name,
            keys,
            by_url: true,
            unknown: None,
        }
    }

    /// The value of a key.
    pub fn key(&self, name: &str) -> Option<&Traced> {
        self.keys.iter().find(|(k, _)| k == name).map(|(_, v)| v)
    }

    /// Text of a key, as `to_s` gives it; `None` for nil.
    pub fn text(&self, name: &str) -> Option<String> {
        match self.key(name).map(|v| &v.value) {
            Some(Value::Str(text)) => Some(text.clone()),
            Some(Value::Int(n)) => Some(n.to_string()),
            Some(Value::Bool(b)) => Some(b.to_string()),
            Some(Value::Float(f)) if f.fract() == 0.0 => Some(format!("{f:.1}")),
            Some(Value::Float(f)) => Some(f.to_string()),
            _ => None,
        }
    }

    fn flag(&self, name: &str, version: Version) -> Option<bool> {
        let value = &self.key(name)?.value;
        Some(match value {
            Value::Null | Value::Bool(false) => false,
            // `to_boolean!` came with 7.2; before, any text is true.
            Value::Str(text) if version >= (7, 2) => !matches!(
                text.as_str(),
                "false" | "f" | "0" | "off" | "FALSE" | "F" | "OFF" | ""
            ),
            _ => true,
        })
    }

    /// It is a replica.
    pub fn replica(&self, version: Version) -> bool {
        self.flag("replica", version).unwrap_or(false)
    }

    /// Tasks leave it alone.
    pub fn hidden(&self, version: Version) -> bool {
        self.replica(version)
            || version >= (7, 0) && !self.flag("database_tasks", version).unwrap_or(true)
    }

    fn put(&mut self, name: &str, value: Traced) {
        match self.keys.iter_mut().find(|(k, _)| k == name) {
            Some((_, old)) => {
                let mut value = value;
                if !matches!(old.value, Value::Null) {
                    value.beat.push(old.source.clone());
                }
                *old = value;
            }
            None => self.keys.push((name.to_owned(), value)),
        }
    }
}

/// A variable as the configuration sees it: text with its source, or why it is not known.
pub(super) type Look<'a> = &'a dyn Fn(&str) -> Option<Result<(String, Source), String>>;

/// What building needs to know.
#[derive(Clone, Copy)]
pub(super) struct Setting<'a> {
    /// The current environment.
    pub env: &'a str,
    /// Active Record's version.
    pub version: Version,
    /// Look-up of variables.
    pub look: Look<'a>,
    /// The first reading, which only names tasks, merges no `shared:`.
    pub first_pass: bool,
}

/// Builds all configurations from the file's content (`None`: there is no file).
///
/// # Errors
/// What Active Record raises, as a stop.
pub(super) fn build(file: Option<&Traced>, setting: Setting<'_>) -> Result<Vec<DbConfig>, Stop> {
    let mut configs = Vec::new();
    if let Some(file) = file {
        match &file.value {
            Value::Map(entries) => {
                let entries = if setting.first_pass {
                    entries.clone()
                } else {
                    shared(entries, setting.version)?
                };
                for (env, value) in entries {
                    environment(&env, &value, setting, &mut configs)?;
                }
            }
            Value::Null | Value::Bool(false) => {}
            Value::Unknown(why) => configs.push(unknown(setting.env, why)),
            _ => {
                return Err(Stop::new(
                    "configuration-invalid",
                    "the database configuration is not a mapping",
                ));
            }
        }
    }
    if !configs.iter().any(|c| c.env == setting.env)
        && let Some(config) = from_variable(setting, "primary", None)?
    {
        configs.push(config);
    }
    if setting.version < (6, 0) {
        return merge_old(configs, setting);
    }
    configs
        .into_iter()
        .map(|config| {
            if config.by_url || config.env != setting.env || config.unknown.is_some() {
                return Ok(config);
            }
            let merged = from_variable(setting, &config.name.clone(), Some(&config))?;
            Ok(merged.unwrap_or(config))
        })
        .collect()
}

fn unknown(env: &str, why: &str) -> DbConfig {
    DbConfig {
        env: env.to_owned(),
        name: "primary".into(),
        keys: Vec::new(),
        by_url: true,
        unknown: Some(why.to_owned()),
    }
}

/// Takes `shared:` off and puts it under every environment.
fn shared(entries: &[(String, Traced)], version: Version) -> Result<Vec<(String, Traced)>, Stop> {
    let shared = entries
        .iter()
        .find(|(k, _)| k == "shared")
        .map(|(_, v)| v)
        .and_then(|v| match &v.value {
            Value::Map(keys) => Some(keys.clone()),
            _ => None,
        });
    let Some(shared) = shared else {
        return Ok(entries.to_vec());
    };
    let under = |value: &Traced| -> Traced {
        let mut value = value.clone();
        if let Value::Map(keys) = &mut value.value {
            let missing = shared
                .iter()
                .filter(|(k, _)| !keys.iter().any(|(o, _)| o == k));
            let missing: Vec<_> = missing.cloned().collect();
            keys.extend(missing);
        }
        value
    };
    let mut out = Vec::new();
    for (env, value) in entries.iter().filter(|(k, _)| k != "shared") {
        let mut value = value.clone();
        match &mut value.value {
            Value::Map(keys) if version >= (7, 0) && tiers(keys) => {
                for (_, sub) in keys.iter_mut() {
                    *sub = under(sub);
                }
            }
            Value::Map(_) => value = under(&value),
            _ => {
                return Err(Stop::new(
                    "configuration-invalid",
                    format!("`shared` cannot be merged into `{env}`"),
                ));
            }
        }
        out.push((env.clone(), value));
    }
    Ok(out)
}

/// Whether an environment has several databases: all its values are mappings.
fn tiers(keys: &[(String, Traced)]) -> bool {
    keys.iter().all(|(_, v)| matches!(v.value, Value::Map(_)))
}

fn environment(
    env: &str,
    value: &Traced,
    setting: Setting<'_>,
    configs: &mut Vec<DbConfig>,
) -> Result<(), Stop> {
    if let Value::Map(keys) = &value.value
        && tiers(keys)
    {
        for (name, sub) in keys {
            configs.push(one(env, name, sub, setting)?);
        }
        return Ok(());
    }
    configs.push(one(env, "primary", value, setting)?);
    Ok(())
}

fn one(env: &str, name: &str, value: &Traced, setting: Setting<'_>) -> Result<DbConfig, Stop> {
    let mut config = DbConfig {
        env: env.to_owned(),
        name: name.to_owned(),
        keys: Vec::new(),
        by_url: false,
        unknown: None,
    };
    match &value.value {
        Value::Unknown(why) => {
            config.unknown = Some(why.clone());
            Ok(config)
        }
        Value::Str(text) => {
            let bad = |what: &str| {
                Stop::new(
                    "configuration-invalid",
                    format!("{}: the entry `{env}` is {what}", value.source),
                )
            };
            if !url::has_scheme(text).map_err(&bad)? {
                return Err(bad("neither a URL nor a mapping"));
            }
            config.by_url = true;
            apply_url(&mut config, text, value, setting.version)?;
            Ok(config)
        }
        Value::Map(keys) => {
            config.keys = keys.clone();
            let Some(at) = config.keys.iter().position(|(k, _)| k == "url") else {
                return Ok(config);
            };
            let (_, url) = config.keys.remove(at);
            match &url.value {
                Value::Null | Value::Bool(false) => {
                    config.by_url = (6, 0) <= setting.version && setting.version < (7, 1);
                }
                Value::Unknown(why) => {
                    config.unknown = Some(why.clone());
                    config.by_url = true;
                }
                Value::Str(text) => {
                    config.by_url = true;
                    apply_url(&mut config, text, &url, setting.version)?;
                }
                _ => {
                    return Err(Stop::new(
                        "configuration-invalid",
                        format!("{}: `url` is not a text", url.source),
                    ));
                }
            }
            Ok(config)
        }
        _ => Err(Stop::new(
            "configuration-invalid",
            format!("the entry `{env}` is neither a URL nor a mapping"),
        )),
    }
}

/// Puts a URL's keys over the others.
fn apply_url(
    config: &mut DbConfig,
    text: &str,
    from: &Traced,
    version: Version,
) -> Result<(), Stop> {
    if kept_whole(text) {
        let why = format!("{} is a URL for the Java driver, kept whole", from.source);
        config.put("url", Traced::unknown(why, from.source.clone()));
        return Ok(());
    }
    let keys = url::keys(text, version)
        .map_err(|why| Stop::new("url-invalid", format!("{}: {why}", from.source)))?;
    for (key, value) in keys {
        let mut traced = Traced::new(Value::Str(value), from.source.clone());
        traced.beat.clone_from(&from.beat);
        config.put(&key, traced);
    }
    Ok(())
}

/// The configuration that `NAME_DATABASE_URL` or `DATABASE_URL` gives over `base`.
fn from_variable(
    setting: Setting<'_>,
    name: &str,
    base: Option<&DbConfig>,
) -> Result<Option<DbConfig>, Stop> {
    let own = format!("{}_DATABASE_URL", name.to_uppercase());
    let mut found = None;
    if setting.version >= (6, 0) {
        found = (setting.look)(&own);
    }
    if found.is_none() && name == "primary" {
        found = (setting.look)("DATABASE_URL");
    }
    let Some(found) = found else {
        return Ok(None);
    };
    let mut config = base.cloned().unwrap_or(DbConfig {
        env: setting.env.to_owned(),
        name: name.to_owned(),
        keys: Vec::new(),
        by_url: true,
        unknown: None,
    });
    match found {
        Err(why) => config.unknown = Some(why),
        Ok((text, source)) => {
            let from = Traced::new(Value::Str(text.clone()), source);
            apply_url(&mut config, &text, &from, setting.version)?;
        }
    }
    Ok(Some(config))
}

/// Active Record 5: `DATABASE_URL` goes over the current environment, which becomes one
/// configuration.
fn merge_old(configs: Vec<DbConfig>, setting: Setting<'_>) -> Result<Vec<DbConfig>, Stop> {
    if (setting.look)("DATABASE_URL").is_none() {
        return Ok(configs);
    }
    let mut out: Vec<DbConfig> = Vec::new();
    for config in configs {
        if config.env != setting.env || config.by_url {
            out.push(config);
        } else if !out.iter().any(|c| c.env == setting.env) {
            let mut base = config;
            if base.name != "primary" {
                base.name = "primary".into();
                base.keys.clear();
            }
            let merged = from_variable(setting, "primary", Some(&base))?;
            out.push(merged.unwrap_or(base));
        }
    }
    Ok(out)
}
