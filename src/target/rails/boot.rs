//! The environment as Rails sees it when it reads its database configuration.

use std::path::{Path, PathBuf};

use super::config::{self, DbConfig, Setting};
use super::dotenv;
use super::project::{Gems, Version};
use crate::command::{Command, Stop, World};
use crate::environment::Vars;
use crate::source::{Source, SourceKind};
use crate::target::readers::erb::{self, ErbError, Rendered};
use crate::target::readers::ruby::{self, Credentials, Fact, Flow, Ruby};
use crate::target::readers::yaml;
use crate::target::{Gap, Resolution, Traced};

/// Files of `config/` that only servers and tools load.
const NOT_LOADED: &[&str] = &[
    "application.rb",
    "boot.rb",
    "environment.rb",
    "puma.rb",
    "unicorn.rb",
    "routes.rb",
    "deploy.rb",
    "importmap.rb",
    "spring.rb",
    "schedule.rb",
    "bundler-audit.rb",
    "ci.rb",
    "environments.rb",
    "sitemap.rb",
    "i18n-tasks.rb",
];

/// A Rails application booted as far as its database configuration.
pub(crate) struct Boot<'a> {
    pub(super) ruby: Ruby<'a>,
    pub(super) version: Version,
    pub(super) env: String,
    pub(super) env_source: Source,
    /// Version of the dotenv gem.
    pub(super) dotenv_version: String,
    pub(super) notes: Vec<String>,
    pub(super) gaps: Vec<Gap>,
}

impl<'a> Boot<'a> {
    pub(super) fn new(
        command: &Command,
        root: &Path,
        gems: &Gems,
        version: Version,
        world: &World<'a>,
    ) -> Result<Boot<'a>, Stop> {
        let mut ruby = Ruby::new(world.files, root.to_owned(), command.step.vars.clone());
        ruby.host.clone_from(&world.caller.host);
        ruby.follow = true;
        let mut boot = Boot {
            ruby,
            version,
            env: String::new(),
            env_source: Source::default_of("Rails"),
            dotenv_version: gems
                .text("dotenv")
                .or_else(|| gems.text("dotenv-rails"))
                .unwrap_or("3.2.0")
                .to_owned(),
            notes: Vec::new(),
            gaps: Vec::new(),
        };
        for stub in ["bin/rails", "bin/rake"] {
            let used = command
                .step
                .program_path()
                .ends_with(stub.rsplit('/').next().unwrap_or(stub));
            if used {
                boot.evaluate(stub, world);
            }
        }
        boot.evaluate("config/boot.rb", world);
        boot.choose_environment(command);
        boot.ruby.rails_env = Some(boot.env.clone());
        boot.ruby.credentials = credentials(root, &boot.env, &boot.ruby.vars, world);
        let env = boot.env.clone();
        let dotenv_loads = gems.loads("dotenv-rails", &env)
            || gems.version("dotenv").is_some_and(|v| v >= (3, 0)) && gems.loads("dotenv", &env);
        if dotenv_loads {
            boot.load_dotenv(&dotenv::files(&env), false, world)?;
        }
        if gems.loads("figaro", &env) {
            boot.load_figaro(world)?;
        }
        boot.application(world)?;
        boot.spring(command, world);
        Ok(boot)
    }

    fn choose_environment(&mut self, command: &Command) {
        if let Some(env) = command.hint("env") {
            self.env = env.to_owned();
            let from = command.hint("env-source").unwrap_or("the command itself");
            self.env_source = Source::argument(from);
            return;
        }
        for name in ["RAILS_ENV", "RACK_ENV"] {
            let value = self.ruby.variable(name);
            match value.to_text() {
                Err(why) => {
                    let gap = Gap::new("target", format!("the Rails environment: {why}"));
                    self.gaps.push(gap);
                }
                Ok(text) if !text.trim().is_empty() => {
                    self.env = text;
                    if let Some(origin) = value.origin {
                        self.env_source = origin.source;
                    }
                    return;
                }
                Ok(_) => {}
            }
        }
        self.env = "development".into();
    }

    /// Follows the application's own code as far as it touches the environment or the place of
    /// the configuration.
    fn application(&mut self, world: &World<'_>) -> Result<(), Stop> {
        self.evaluate("config/application.rb", world);
        let env_file = format!("config/environments/{}.rb", self.env);
        self.evaluate(&env_file, world);
        let dir = self.ruby.root.join("config/initializers");
        for name in world.files.list(&dir) {
            if name.ends_with(".rb") {
                self.in_doubt(&format!("config/initializers/{name}"), world);
            }
        }
        let config = self.ruby.root.join("config");
        for name in world.files.list(&config) {
            let loaded = self.ruby.loaded.contains(&config.join(&name));
            if name.ends_with(".rb") && !loaded && !NOT_LOADED.contains(&name.as_str()) {
                self.in_doubt(&format!("config/{name}"), world);
            }
        }
        let loads: Vec<String> = self
            .ruby
            .facts
            .iter()
            .filter_map(|f| match f {
                Fact::Load(Ok(what)) => what.strip_prefix("dotenv:").map(str::to_owned),
                _ => None,
            })
            .collect();
        for load in loads {
            let (method, names) = load.split_once(':').unwrap_or((load.as_str(), ""));
            let names: Vec<String> = if names.is_empty() {
                vec![".env".into()]
            } else {
                names.split(',').map(str::to_owned).collect()
            };
            self.load_dotenv(&names, method == "overload", world)?;
        }
        Ok(())
    }

    fn in_doubt(&mut self, shown: &str, world: &World<'_>) {
        let why = format!("{shown} may set it");
        self.ruby.set_doubt(Some(why));
        self.evaluate(shown, world);
        self.ruby.set_doubt(None);
    }

    fn evaluate(&mut self, shown: &str, world: &World<'_>) {
        let path = self.ruby.root.join(shown);
        if !world.files.is_file(&path) {
            return;
        }
        match self.ruby.load_file(&path) {
            Ok(()) | Err(Flow::Leave(_)) => {}
            Err(Flow::Raise(what, line)) => {
                let why = format!("{shown}:{line} raises ({what})");
                self.gaps.push(Gap::new("target", why));
            }
            Err(Flow::Exit) => {
                let gap = Gap::new("target", format!("{shown} ends the program"));
                self.gaps.push(gap);
            }
        }
    }

    /// A running Spring server holds the environment it was started with.
    fn spring(&mut self, command: &Command, world: &World<'_>) {
        let vars = &command.step.vars;
        let disabled = vars.filled("DISABLE_SPRING").is_some_and(|v| v != "0");
        let uses = ["bin/rails", "bin/rake", "bin/spring"].iter().any(|name| {
            world
                .files
                .read_text(&self.ruby.root.join(name))
                .is_ok_and(|text| text.contains("spring"))
        });
        if disabled || !uses {
            return;
        }
        let tmp = ["SPRING_TMP_PATH", "XDG_RUNTIME_DIR", "TMPDIR"]
            .iter()
            .find_map(|name| vars.filled(name))
            .map_or_else(|| PathBuf::from("/tmp"), |t| PathBuf::from(t.as_ref()));
        let socket = vars
            .filled("SPRING_SOCKET")
            .is_some_and(|s| world.files.exists(Path::new(s.as_ref())));
        let running = socket
            || world.files.list(&tmp).iter().any(|name| {
                name.starts_with("spring-") && !world.files.list(&tmp.join(name)).is_empty()
            });
        if running {
            let why = "a Spring server may be running: it keeps the environment it was started \
                       with; stop it (`bin/spring stop`) or set DISABLE_SPRING=1";
            self.gaps.push(Gap::new("target", why));
        } else {
            self.notes
                .push("bin/ loads Spring; no running server was found".into());
        }
    }

    /// Whether development tasks act on the test environment too.
    pub(super) fn test_too(&self) -> bool {
        let set =
            |name: &str| self.ruby.vars.has(name) || self.ruby.unknown_vars.contains_key(name);
        self.version < (6, 1) || !set("SKIP_TEST_DATABASE") && !set("DATABASE_URL")
    }

    pub(super) fn finish(&self, mut resolution: Resolution) -> Resolution {
        if resolution.gaps.is_empty() {
            resolution.gaps.push(Gap::new(
                "target",
                "the database configuration cannot be read",
            ));
        }
        resolution
    }

    /// All configurations; `None` with a gap where they cannot be known.
    pub(super) fn configurations(
        &self,
        command: &Command,
        world: &World<'_>,
    ) -> Result<Option<Vec<DbConfig>>, Stop> {
        let look = |name: &str| self.look(name);
        let setting = Setting {
            env: &self.env,
            version: self.version,
            look: &look,
            first_pass: false,
        };
        let content = match self.content(command, setting, world)? {
            Content::Known(content) => content.map(|c| *c),
            Content::Unknown(why) => {
                let mut unknown = Traced::unknown(why, self.env_source.clone());
                unknown.beat.clear();
                Some(unknown)
            }
        };
        config::build(content.as_ref(), setting).map(Some)
    }

    fn look(&self, name: &str) -> Option<Result<(String, Source), String>> {
        let value = self.ruby.variable(name);
        match value.to_text() {
            Err(why) => Some(Err(why)),
            Ok(_) if matches!(value.rb, ruby::Rb::Nil) => None,
            Ok(text) => {
                let source = value.origin.map_or_else(
                    || Source::new(SourceKind::Inherited, name.to_owned()),
                    |o| o.source,
                );
                Some(Ok((text, source)))
            }
        }
    }

    fn content(
        &self,
        command: &Command,
        setting: Setting<'_>,
        world: &World<'_>,
    ) -> Result<Content, Stop> {
        let mut shown = "config/database.yml".to_owned();
        for fact in &self.ruby.facts {
            match fact {
                Fact::DatabaseFile(Ok(path)) => shown.clone_from(path),
                Fact::DatabaseFile(Err(why)) => return Ok(Content::Unknown(why.clone())),
                _ => {}
            }
        }
        let path = dotenv::inside(&self.ruby.root, &shown);
        let shown = crate::files::shown(&path, &self.ruby.root);
        let text = match world.files.read_text(&path) {
            Ok(text) => text,
            Err(crate::files::FileError::Missing) if (setting.look)("DATABASE_URL").is_some() => {
                return Ok(Content::Known(None));
            }
            Err(e) => {
                return Err(Stop::new("configuration-missing", format!("{shown}: {e}")));
            }
        };
        if command.hint("rake").is_some() && (6, 0) <= self.version && self.version < (7, 1) {
            self.first_pass(&text, &shown, setting)?;
        }
        self.render(&text, &shown, path, world)
    }

    /// A YAML file with ERB; `None` where there is none.
    ///
    /// # Errors
    /// What reading it raises, as a stop.
    pub(super) fn yaml(&self, shown: &str, world: &World<'_>) -> Result<Option<Traced>, Stop> {
        let path = self.ruby.root.join(shown);
        let Ok(text) = world.files.read_text(&path) else {
            return Ok(None);
        };
        Ok(match self.render(&text, shown, path, world)? {
            Content::Known(value) => value.map(|v| *v),
            Content::Unknown(why) => Some(Traced::unknown(why, self.env_source.clone())),
        })
    }

    fn render(
        &self,
        text: &str,
        shown: &str,
        path: PathBuf,
        world: &World<'_>,
    ) -> Result<Content, Stop> {
        let mut ruby = self.template_ruby(shown, path, world);
        let rendered = match erb::render(text, &mut ruby) {
            Ok(rendered) => rendered,
            Err(ErbError::Unread(what, line)) => {
                return Ok(Content::Unknown(format!("{shown}:{line}: {what}")));
            }
            Err(ErbError::Syntax(line)) => {
                let detail = format!("{shown}:{line}: Ruby rejects the template");
                return Err(Stop::new("configuration-invalid", detail));
            }
            Err(ErbError::Raises(what, line)) => {
                let detail = format!("{shown}:{line}: the template raises ({what})");
                return Err(Stop::new("configuration-invalid", detail));
            }
        };
        if rendered.has_unknown_shape() {
            let why = format!("{shown}: the template prints parts that cannot be known");
            return match read(&rendered, shown) {
                Ok(value) => Ok(Content::Known(Some(Box::new(value)))),
                Err(_) => Ok(Content::Unknown(why)),
            };
        }
        read(&rendered, shown).map(|value| Content::Known(Some(Box::new(value))))
    }

    fn template_ruby<'b>(&self, shown: &str, path: PathBuf, world: &World<'b>) -> Ruby<'b> {
        let mut ruby = Ruby::new(world.files, self.ruby.root.clone(), self.ruby.vars.clone());
        ruby.unknown_vars.clone_from(&self.ruby.unknown_vars);
        ruby.rails_env.clone_from(&self.ruby.rails_env);
        ruby.credentials.clone_from(&self.ruby.credentials);
        ruby.host.clone_from(&self.ruby.host);
        ruby.shown = shown.to_owned();
        ruby.path = path;
        ruby
    }

    /// Rails 6.0 to 7.0 read the file a first time with every tag emptied, to name the tasks of
    /// several databases; what that first reading raises ends the command.
    fn first_pass(&self, text: &str, shown: &str, setting: Setting<'_>) -> Result<(), Stop> {
        let emptied = erb::emptied(text);
        let Ok(value) = read(&Rendered::plain(emptied, shown), shown) else {
            return Ok(());
        };
        let setting = Setting {
            first_pass: true,
            ..setting
        };
        config::build(Some(&value), setting).map(|_| ())
    }
}

enum Content {
    Known(Option<Box<Traced>>),
    Unknown(String),
}

fn read(rendered: &Rendered, shown: &str) -> Result<Traced, Stop> {
    let stop = |e: yaml::YamlError| {
        let detail = format!("{shown}: not YAML after the template, {e}");
        Stop::new("configuration-invalid", detail)
    };
    let node = yaml::parse(&rendered.text).map_err(stop)?;
    yaml::compose(&node, yaml::Schema::Psych, &|span| rendered.place(span)).map_err(stop)
}

/// Whether the encrypted credentials can be opened by the command.
fn credentials(root: &Path, env: &str, vars: &Vars, world: &World<'_>) -> Credentials {
    let own = format!("config/credentials/{env}.yml.enc");
    let (file, key) = if world.files.is_file(&root.join(&own)) {
        (own, format!("config/credentials/{env}.key"))
    } else {
        (
            "config/credentials.yml.enc".into(),
            "config/master.key".into(),
        )
    };
    let has_key =
        vars.filled("RAILS_MASTER_KEY").is_some() || world.files.is_file(&root.join(&key));
    if world.files.is_file(&root.join(&file)) && has_key {
        return Credentials::Locked(format!("{file} is encrypted"));
    }
    Credentials::Empty
}
