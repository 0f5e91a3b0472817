//! Consoles of applications in PHP: WordPress, Drupal, Phinx, Yii, CakePHP, Magento, Craft. Their
//! configuration is read where it is literal; what it computes otherwise stays unresolved.

use std::path::{Path, PathBuf};

use super::address::{Postgres, of_url};
use super::env_file::{Wins, value};
use super::{default_of, gap, option, variable};
use crate::command::{Command, World};
use crate::files::Files;
use crate::source::{Source, SourceKind, Sourced};
use crate::target::node::connection::{self, Connection, Setting};
use crate::target::readers::php::{self, Answer, Cell, Host, Place, Val};
use crate::target::readers::yaml;
use crate::target::{Address, Engine, Resolution, Traced, Value};

/// What PHP files of a project may ask for.
struct Project<'a> {
    command: &'a Command,
    world: &'a World<'a>,
    root: PathBuf,
}

impl Host for Project<'_> {
    fn variable(&self, _: Place, name: &str) -> Option<Cell> {
        let found = variable(self.command, name)?;
        Some(Cell::new(Val::Str(found.value), found.source))
    }

    fn call(&self, name: &str, args: &[Cell], here: &Source) -> Option<Answer> {
        if name != "env" {
            return None;
        }
        let name = args.first()?.val.text()?;
        let found = self.variable(Place::Server, &name);
        let default = || match args.get(1) {
            Some(given) => given.clone(),
            None => Cell::new(Val::Null, here.clone()),
        };
        Some(Answer::Cell(found.unwrap_or_else(default)))
    }

    fn files(&self) -> &dyn Files {
        self.world.files
    }

    fn base(&self) -> &Path {
        &self.root
    }
}

impl<'a> Project<'a> {
    fn new(command: &'a Command, world: &'a World<'a>) -> Self {
        Project {
            command,
            world,
            root: command.step.cwd.clone(),
        }
    }

    /// What a file returns; `None` where it is not there.
    fn returns(&self, path: &Path) -> Option<Traced> {
        php::file(path, self).ok().map(|cell| cell.traced())
    }

    /// The first of these files that is there, from this directory upwards.
    fn upward(&self, names: &[&str]) -> Option<PathBuf> {
        let dirs = self.root.ancestors();
        let mut all = dirs.flat_map(|dir| names.iter().map(move |name| dir.join(name)));
        all.find(|path| self.world.files.is_file(path))
    }

    /// The target of a map under the names that the application uses.
    fn target(&self, engine: Engine, fields: Connection) -> Resolution {
        if engine == Engine::Sqlite {
            return connection::sqlite(&fields.database, &self.root);
        }
        if engine == Engine::Postgres && fields.host.is_absent() {
            return Resolution::unresolved("no host is named: libpq's own default decides");
        }
        as_php(connection::plain(engine, split_host(fields), "PHP"))
    }
}

/// For PHP's MySQL drivers `localhost` is the socket.
fn as_php(mut resolution: Resolution) -> Resolution {
    let mysql = |t: &&mut crate::target::Target| t.engine == Engine::Mysql;
    for target in resolution.targets.iter_mut().filter(mysql) {
        if let Address::Host { host, .. } = &target.address
            && host.value == "localhost"
        {
            let source = host.source.with_note("localhost: the socket");
            let path = Sourced::new(String::new(), source);
            target.address = Address::Socket { path, port: None };
        }
    }
    resolution
}

/// `host:port` and `host:/socket` in one text.
fn split_host(mut fields: Connection) -> Connection {
    if let Setting::Known(host) = &fields.host
        && let Some((name, tail)) = host.value.clone().split_once(':')
        && !tail.contains(':')
    {
        let part = |text: &str| Setting::known(text, host.source.clone());
        let (name, tail) = (part(name), part(tail));
        if matches!(&tail, Setting::Known(t) if t.value.starts_with('/')) {
            fields.socket = tail;
        } else {
            fields.port = tail;
        }
        fields.host = name;
    }
    fields
}

fn no_file(who: &str) -> Resolution {
    Resolution::unresolved(format!("no configuration of {who} is seen here"))
}

/// A PDO data source name: `mysql:host=h;port=p;dbname=d`.
fn of_dsn(dsn: &Traced, user: Setting, project: &Project<'_>) -> Resolution {
    let Some(text) = dsn.as_str() else {
        let why = dsn.why_unknown().unwrap_or("the data source is no text");
        return Resolution::unresolved(why);
    };
    let (driver, tail) = text.split_once(':').unwrap_or((text, ""));
    let engine = Engine::from_driver(driver);
    let source = |what: &str| dsn.source.with_note(what);
    if engine == Engine::Sqlite {
        let file = Setting::known(tail, source("file"));
        return connection::sqlite(&file, &project.root);
    }
    let part = |name: &str| {
        let mut parts = tail.split(';').filter_map(|p| p.split_once('='));
        match parts.find(|(key, _)| key.trim().eq_ignore_ascii_case(name)) {
            Some((_, value)) => Setting::known(value.trim(), source(name)),
            None => Setting::Absent,
        }
    };
    let server = part("Server");
    let fields = Connection {
        host: part("host").or(|| server),
        port: part("port"),
        database: part("dbname").or(|| part("Database")),
        socket: part("unix_socket"),
        user,
        ..Connection::default()
    };
    project.target(engine, fields)
}

/// WordPress: the constants of `wp-config.php`, in this directory or one above, or in `--path`.
pub(super) fn wordpress(command: &Command, world: &World<'_>) -> Resolution {
    let mut project = Project::new(command, world);
    match option(command, &["--path"]) {
        Some(Ok(path)) => project.root = command.step.path(&path.value),
        Some(Err(missing)) => return gap(missing),
        None => {}
    }
    let Some(path) = project.upward(&["wp-config.php"]) else {
        return no_file("WordPress");
    };
    let root = path.parent().unwrap_or(&path).to_owned();
    if world.files.is_file(&root.join("wp-content/db.php")) {
        return Resolution::unresolved("wp-content/db.php takes the place of WordPress's database");
    }
    let Ok(text) = world.files.read_text(&path) else {
        return no_file("WordPress");
    };
    // WP-CLI leaves out the line that starts WordPress, too.
    let lines = text
        .lines()
        .map(|line| match line.contains("wp-settings.php") {
            true => "",
            false => line.trim_end().trim_end_matches("?>"),
        });
    let asked = "return ['host' => DB_HOST, 'database' => DB_NAME, 'username' => DB_USER];";
    let text = format!("{}\n{asked}\n", lines.collect::<Vec<_>>().join("\n"));
    let found = php::text(&text, &path, &project).traced();
    project.target(Engine::Mysql, Connection::of(&found, &[], "username"))
}

/// Drupal: `$databases` of the site's `settings.php`.
pub(super) fn drupal(command: &Command, world: &World<'_>) -> Resolution {
    match option(command, &["--db-url"]) {
        Some(Ok(url)) => return as_php(of_url(&url, Postgres::Libpq, command, world)),
        Some(Err(missing)) => return gap(missing),
        None => {}
    }
    if let Some(Ok(_)) = option(command, &["-l", "--uri"]) {
        return Resolution::unresolved("--uri chooses a site by its own rules");
    }
    let mut project = Project::new(command, world);
    if let Some(root) = command.args.value(&["-r", "--root"]) {
        project.root = command.step.path(root);
    }
    let names = [
        "sites/default/settings.php",
        "web/sites/default/settings.php",
        "docroot/sites/default/settings.php",
        "html/sites/default/settings.php",
    ];
    let Some(path) = project.upward(&names) else {
        return no_file("Drupal");
    };
    let Ok(text) = world.files.read_text(&path) else {
        return no_file("Drupal");
    };
    let site = path.parent().unwrap_or(&path);
    let app = site.parent().and_then(Path::parent).unwrap_or(site);
    let start = format!(
        "<?php $databases = []; $site_path = 'sites/default'; $app_root = '{}';",
        app.display()
    );
    let text = text.trim_end().trim_end_matches("?>");
    let text = format!(
        "{}\nreturn $databases;\n",
        text.replacen("<?php", &start, 1)
    );
    let found = php::text(&text, &path, &project).traced();
    let key = command.args.value(&["--database"]).unwrap_or("default");
    let Some(targets) = found.get(key) else {
        let why = found.why_unknown().unwrap_or("settings.php names none");
        return Resolution::unresolved(why);
    };
    let name = command.args.value(&["--target"]).unwrap_or("default");
    let Some(map) = targets.get(name) else {
        return Resolution::unresolved(targets.why_unknown().unwrap_or("no such target"));
    };
    by_driver(map, "driver", "username", &project)
}

/// A map whose `key` names the driver.
fn by_driver(map: &Traced, key: &str, user: &str, project: &Project<'_>) -> Resolution {
    let Some(driver) = map.get(key).and_then(Traced::as_str) else {
        let why = map.why_unknown().or_else(|| map.get(key)?.why_unknown());
        return Resolution::unresolved(why.unwrap_or("no driver is named"));
    };
    let engine = Engine::from_driver(driver.rsplit('\\').next().unwrap_or(driver));
    let mut fields = Connection::of(map, &[], user);
    fields.socket = Setting::of(map.get("unix_socket"));
    project.target(engine, fields)
}

/// Phinx: the environment of `phinx.php`, `.json`, `.yaml` or `.yml`.
pub(super) fn phinx(command: &Command, world: &World<'_>) -> Resolution {
    let project = Project::new(command, world);
    let names = ["phinx.php", "phinx.json", "phinx.yaml", "phinx.yml"];
    let path = match option(command, &["-c", "--configuration"]) {
        Some(Ok(path)) => Some(command.step.path(&path.value)),
        Some(Err(missing)) => return gap(missing),
        None => names
            .iter()
            .map(|name| command.step.path(name))
            .find(|path| world.files.is_file(path)),
    };
    let Some(path) = path else {
        return no_file("Phinx");
    };
    let shown = crate::files::shown(&path, &command.step.cwd);
    let root = if shown.ends_with(".php") {
        project.returns(&path)
    } else {
        let text = world.files.read_text(&path).ok();
        text.and_then(|t| yaml::read(&t, &shown, yaml::Schema::Core).ok())
    };
    let Some(root) = root else {
        return no_file("Phinx");
    };
    let Some(environments) = root.get("environments") else {
        return Resolution::unresolved(format!("{shown} names no environments"));
    };
    let default = || {
        let keys = ["default_environment", "default_database"];
        let found = keys.iter().find_map(|k| environments.get(k));
        let found =
            found.and_then(|d| Some(Sourced::new(d.as_str()?.to_owned(), d.source.clone())));
        found.or_else(|| Some(default_of("Phinx", "development")))
    };
    let name = match option(command, &["-e", "--environment"]) {
        Some(Ok(name)) => Some(name),
        Some(Err(missing)) => return gap(missing),
        None => variable(command, "PHINX_ENVIRONMENT").or_else(default),
    };
    let Some(name) = name else {
        return no_file("Phinx");
    };
    let Some(map) = environments.get(&name.value) else {
        return Resolution::error(
            "connection-not-configured",
            format!("{shown} has no environment `{}`", name.value),
        );
    };
    let mut resolution = of_phinx(map, &project);
    for target in &mut resolution.targets {
        target.environment = Some(name.clone());
    }
    resolution
}

fn of_phinx(map: &Traced, project: &Project<'_>) -> Resolution {
    if let Some(why) = map.why_unknown() {
        return Resolution::unresolved(why);
    }
    let filled = |name: &str| -> Setting {
        let setting = Setting::of(map.get(name));
        let Setting::Known(known) = &setting else {
            return setting;
        };
        match known.value.split("%%").collect::<Vec<_>>().as_slice() {
            [_] => setting,
            ["", token, ""] => match variable(project.command, token) {
                Some(found) => Setting::Known(found.beating(known.source.clone())),
                None => Setting::Unknown(format!("{}: {token} is not set", known.source)),
            },
            _ => Setting::Unknown(format!("{}: is put together", known.source)),
        }
    };
    if let Setting::Known(url) = filled("dsn") {
        return as_php(of_url(
            &url,
            Postgres::Libpq,
            project.command,
            project.world,
        ));
    }
    let adapter = match filled("adapter") {
        Setting::Known(adapter) => adapter.value,
        Setting::Unknown(why) => return Resolution::unresolved(why),
        Setting::Absent => return Resolution::unresolved("the connection is made by code"),
    };
    let engine = Engine::from_driver(&adapter);
    let mut database = filled("name");
    if engine == Engine::Sqlite
        && let Setting::Known(name) = &mut database
        && name.value != ":memory:"
    {
        let suffix = match filled("suffix") {
            Setting::Known(suffix) => suffix.value,
            _ => ".sqlite3".to_owned(),
        };
        name.value.push_str(&suffix);
    }
    let fields = Connection {
        host: filled("host"),
        port: filled("port"),
        database,
        user: filled("user"),
        socket: filled("unix_socket"),
        ..Connection::default()
    };
    project.target(engine, fields)
}

/// Yii 2: the component `db` (or `--db`) of the console's configuration.
pub(super) fn yii(command: &Command, world: &World<'_>) -> Resolution {
    let project = Project::new(command, world);
    let component = match option(command, &["--db"]) {
        Some(Ok(name)) => name.value,
        Some(Err(missing)) => return gap(missing),
        None => "db".to_owned(),
    };
    let files = match option(command, &["--appconfig"]) {
        Some(Ok(path)) => vec![path.value],
        Some(Err(missing)) => return gap(missing),
        // Of the two usual templates; of the second the local file is merged last.
        None => [
            "config/console.php",
            "console/config/main-local.php",
            "console/config/main.php",
            "common/config/main-local.php",
            "common/config/main.php",
        ]
        .map(str::to_owned)
        .to_vec(),
    };
    for file in files {
        let Some(root) = project.returns(&command.step.path(&file)) else {
            continue;
        };
        if let Some(why) = root.why_unknown() {
            return Resolution::unresolved(why);
        }
        let Some(map) = root.get("components").and_then(|c| c.get(&component)) else {
            continue;
        };
        return match map.get("dsn") {
            Some(dsn) => of_dsn(dsn, Setting::of(map.get("username")), &project),
            None => Resolution::unresolved(map.why_unknown().unwrap_or("no data source is named")),
        };
    }
    no_file("Yii")
}

/// CakePHP: `Datasources` of `config/app_local.php` over those of `config/app.php`.
pub(super) fn cake(command: &Command, world: &World<'_>) -> Resolution {
    let project = Project::new(command, world);
    let name = match option(command, &["-c", "--connection"]) {
        Some(Ok(name)) => name.value,
        Some(Err(missing)) => return gap(missing),
        None => "default".to_owned(),
    };
    if world.files.is_file(&command.step.path("config/.env")) {
        return Resolution::unresolved("config/.env may be loaded");
    }
    let of_file = |file: &str| {
        let root = project.returns(&command.step.path(file))?;
        root.get("Datasources")?.get(&name).cloned()
    };
    let (local, general) = (of_file("config/app_local.php"), of_file("config/app.php"));
    let field = |key: &str| {
        let of = |map: &Option<Traced>| Setting::of(map.as_ref().and_then(|m| m.get(key)));
        of(&local).or(|| of(&general))
    };
    if local.is_none() && general.is_none() {
        return no_file("CakePHP");
    }
    match field("url") {
        Setting::Known(url) => return as_php(of_url(&url, Postgres::Libpq, command, world)),
        Setting::Unknown(why) => return Resolution::unresolved(why),
        Setting::Absent => {}
    }
    let engine = match field("driver") {
        Setting::Known(driver) => {
            let driver = driver.value.trim_end_matches("::class").to_owned();
            Engine::from_driver(driver.rsplit('\\').next().unwrap_or(&driver))
        }
        _ => match cake_driver(command, world) {
            Some(engine) => engine,
            None => return Resolution::unresolved("the driver of config/app.php is computed"),
        },
    };
    let fields = Connection {
        host: field("host"),
        port: field("port"),
        database: field("database"),
        user: field("username"),
        socket: field("unix_socket"),
        ..Connection::default()
    };
    project.target(engine, fields)
}

/// The only driver whose class the configuration names (`use Cake\Database\Driver\Mysql`).
fn cake_driver(command: &Command, world: &World<'_>) -> Option<Engine> {
    let mut found: Vec<String> = Vec::new();
    for file in ["config/app_local.php", "config/app.php"] {
        let text = world.files.read_text(&command.step.path(file));
        for tail in text.unwrap_or_default().split("Database\\Driver\\").skip(1) {
            let name: String = tail
                .chars()
                .take_while(char::is_ascii_alphanumeric)
                .collect();
            if !found.contains(&name) {
                found.push(name);
            }
        }
    }
    match found.as_slice() {
        [one] => Some(Engine::from_driver(one)),
        _ => None,
    }
}

/// Magento: every connection of `app/etc/env.php`.
pub(super) fn magento(command: &Command, world: &World<'_>) -> Resolution {
    let mut project = Project::new(command, world);
    let Some(path) = project.upward(&["app/etc/env.php"]) else {
        return no_file("Magento");
    };
    project.root = command.step.cwd.clone();
    let connections = project
        .returns(&path)
        .and_then(|root| root.get("db")?.get("connection").cloned());
    let Some(Value::Map(entries)) = connections.as_ref().map(|c| &c.value) else {
        return Resolution::unresolved("app/etc/env.php names no connection that can be read");
    };
    let mut resolution = Resolution::none();
    for (name, map) in entries {
        let mut fields = Connection::of(map, &[], "username");
        fields.database = Setting::of(map.get("dbname"));
        let mut one = project.target(Engine::Mysql, fields);
        for target in &mut one.targets {
            target.connection = Some(name.clone());
        }
        resolution.merge(one);
    }
    resolution
}

/// Craft: `CRAFT_DB_*` of the environment or `.env`, over `config/db.php`.
pub(super) fn craft(command: &Command, world: &World<'_>) -> Resolution {
    let project = Project::new(command, world);
    let map = project.returns(&command.step.path("config/db.php"));
    let env = command.step.path(".env");
    let setting = |variables: &[&str], key: &str| {
        for name in variables {
            let found = variable(command, name)
                .map(Ok)
                .or_else(|| value(&env, name, Wins::First, command, world));
            match found {
                Some(Ok(found)) if found.value.is_empty() => {}
                Some(Ok(found)) => return Setting::Known(found),
                Some(Err(missing)) => return Setting::Unknown(missing.reason),
                None => {}
            }
        }
        Setting::of(map.as_ref().and_then(|m| m.get(key)))
    };
    match setting(&["CRAFT_DB_URL", "DB_URL"], "url") {
        Setting::Known(url) => return as_php(of_url(&url, Postgres::Libpq, command, world)),
        Setting::Unknown(why) => return Resolution::unresolved(why),
        Setting::Absent => {}
    }
    match setting(&["CRAFT_DB_DSN", "DB_DSN"], "dsn") {
        Setting::Known(dsn) => {
            let dsn = Traced::new(Value::Str(dsn.value), dsn.source);
            return of_dsn(&dsn, Setting::Absent, &project);
        }
        Setting::Unknown(why) => return Resolution::unresolved(why),
        Setting::Absent => {}
    }
    let database = setting(&["CRAFT_DB_DATABASE", "DB_DATABASE"], "database");
    if database.is_absent() {
        return no_file("Craft");
    }
    let driver = match setting(&["CRAFT_DB_DRIVER", "DB_DRIVER"], "driver") {
        Setting::Known(driver) => driver.value,
        Setting::Absent => "mysql".to_owned(),
        Setting::Unknown(why) => return Resolution::unresolved(why),
    };
    let default = Setting::known(
        "localhost",
        Source::new(SourceKind::Default, "Craft default"),
    );
    let fields = Connection {
        host: setting(&["CRAFT_DB_SERVER", "DB_SERVER"], "server").or(|| default),
        port: setting(&["CRAFT_DB_PORT", "DB_PORT"], "port"),
        database,
        user: setting(&["CRAFT_DB_USER", "DB_USER"], "user"),
        socket: setting(&["CRAFT_DB_UNIX_SOCKET"], "unixSocket"),
        ..Connection::default()
    };
    project.target(Engine::from_driver(&driver), fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::{Caller, Step};
    use crate::environment::Vars;
    use crate::files::Memory;

    fn places(
        resolver: fn(&Command, &World<'_>) -> Resolution,
        tool: &str,
        line: &str,
        files: &[(&str, &str)],
    ) -> String {
        let memory = Memory::new().below("/p", files);
        let caller = Caller::default();
        let world = World {
            files: &memory,
            caller: &caller,
            heard: None,
        };
        let mut vars = Vars::new();
        vars.set("DBH", "envhost", Source::argument("test"));
        let argv = line.split(' ').map(str::to_owned);
        let step = Step::new(argv, vars, "/p".into());
        let tool = crate::command::catalogue::tool(tool).expect("the tool is known");
        let mut command = Command::new(Some(tool), step);
        command.args = crate::command::Args::of(tool, &command.step.argv);
        let found = resolver(&command, &world);
        let mut shown: Vec<String> = found.targets.iter().map(ToString::to_string).collect();
        if !found.gaps.is_empty() {
            shown.push("?".to_owned());
        }
        shown.join(" ")
    }

    #[test]
    fn wordpress_constants_are_read() {
        let config = |host: &str| {
            format!(
                "<?php\n/** x */\ndefine( 'DB_NAME', 'blog' );\ndefine('DB_USER', 'u');\ndefine('DB_HOST', {host});\n$table_prefix = 'wp_';\nif ( ! defined( 'ABSPATH' ) ) {{\n\tdefine( 'ABSPATH', __DIR__ . '/' );\n}}\nrequire_once ABSPATH . 'wp-settings.php';\n"
            )
        };
        for (host, want) in [
            ("'db1'", "mysql://u@db1:3306/blog"),
            ("'db1:3307'", "mysql://u@db1:3307/blog"),
            ("'localhost'", "mysql://u@(default socket)/blog"),
            ("'localhost:/run/x.sock'", "mysql://u@(/run/x.sock)/blog"),
            ("getenv('DBH')", "mysql://u@envhost:3306/blog"),
            ("secret()", "?"),
        ] {
            let text = config(host);
            let files = [("site/wp-config.php", text.as_str())];
            let found = places(wordpress, "wp-cli", "wp db drop --path=site", &files);
            assert_eq!(found, want, "{host}");
        }
        assert_eq!(places(wordpress, "wp-cli", "wp db drop", &[]), "?");
    }

    #[test]
    fn drupal_databases_are_read() {
        let settings = "<?php\n$databases['default']['default'] = [\n 'database' => 'd8',\n 'username' => 'u',\n 'host' => 'h',\n 'port' => '',\n 'driver' => 'mysql',\n];\nif (file_exists($app_root . '/' . $site_path . '/settings.local.php')) {\n  include $app_root . '/' . $site_path . '/settings.local.php';\n}\n";
        let files = [("web/sites/default/settings.php", settings)];
        let found = places(drupal, "drush", "drush sql-drop", &files);
        assert_eq!(found, "mysql://u@h:3306/d8");
        let local = "<?php\n$databases['default']['default']['host'] = 'other';\n";
        let files = [files[0], ("web/sites/default/settings.local.php", local)];
        let found = places(drupal, "drush", "drush sql-drop", &files);
        assert_eq!(found, "mysql://u@other:3306/d8");
        let found = places(drupal, "drush", "drush sql-drop --uri=x", &files);
        assert_eq!(found, "?");
    }

    #[test]
    fn phinx_environments_are_read() {
        let text = "environments:\n  default_environment: dev\n  dev:\n    adapter: mysql\n    host: h\n    name: d\n    user: u\n  prod:\n    adapter: pgsql\n    host: '%%DBH%%'\n    name: p\n    user: u\n    port: 5433\n  file:\n    adapter: sqlite\n    name: data/x\n";
        let files = [("phinx.yml", text)];
        for (line, want) in [
            ("phinx migrate", "mysql://u@h:3306/d"),
            ("phinx rollback -e prod", "postgres://u@envhost:5433/p"),
            ("phinx rollback -e file", "sqlite:/p/data/x.sqlite3"),
            ("phinx rollback -e none", ""),
        ] {
            assert_eq!(places(phinx, "phinx", line, &files), want, "{line}");
        }
        let text = "<?php return ['environments' => ['default_environment' => 'x', 'x' => ['adapter' => 'mysql', 'host' => getenv('DBH'), 'name' => 'd']]];";
        let files = [("phinx.php", text)];
        let found = places(phinx, "phinx", "phinx migrate", &files);
        assert_eq!(found, "mysql://envhost:3306/d");
    }

    #[test]
    fn what_symfony_dumped_goes_before_its_files() {
        let symfony = crate::target::migrators::others::symfony;
        let env = (".env", "APP_ENV=prod\nDATABASE_URL=postgres://u@h/d\n");
        let line = "bin/console doctrine:schema:drop";
        let found = places(symfony, "symfony console", line, &[env]);
        assert_eq!(found, "postgres://u@h:5432/d");
        let dumped = (".env.local.php", "<?php return ['DATABASE_URL' => 'x'];");
        assert_eq!(
            places(symfony, "symfony console", line, &[env, dumped]),
            "?"
        );
    }

    #[test]
    fn yii_cake_magento_and_craft_are_read() {
        let yii_files = [
            (
                "config/console.php",
                "<?php\n$params = require __DIR__ . '/params.php';\n$db = require __DIR__ . '/db.php';\nreturn ['id' => 'x', 'components' => ['db' => $db]];",
            ),
            ("config/params.php", "<?php return [];"),
            (
                "config/db.php",
                "<?php return ['class' => 'yii\\db\\Connection', 'dsn' => 'mysql:host=h;dbname=y', 'username' => 'u'];",
            ),
        ];
        let found = places(yii, "yii", "yii migrate/fresh", &yii_files);
        assert_eq!(found, "mysql://u@h:3306/y");

        let cake_files = [
            (
                "config/app.php",
                "<?php\nuse Cake\\Database\\Driver\\Postgres;\nreturn ['Datasources' => ['default' => ['driver' => Postgres::class, 'host' => 'x', 'port' => 5432]]];",
            ),
            (
                "config/app_local.php",
                "<?php return ['Datasources' => ['default' => ['host' => 'h', 'username' => 'u', 'database' => 'c', 'url' => env('DATABASE_URL', null)]]];",
            ),
        ];
        let found = places(cake, "cake", "cake migrations rollback", &cake_files);
        assert_eq!(found, "postgres://u@h:5432/c");

        let env = "<?php return ['db' => ['connection' => ['default' => ['host' => 'h:3307', 'dbname' => 'm', 'username' => 'u']]]];";
        let files = [("app/etc/env.php", env)];
        let found = places(magento, "magento", "magento setup:uninstall", &files);
        assert_eq!(found, "mysql://u@h:3307/m");

        let files = [(
            ".env",
            "CRAFT_DB_DRIVER=pgsql\nCRAFT_DB_SERVER=h\nCRAFT_DB_PORT=5432\nCRAFT_DB_DATABASE=c\nCRAFT_DB_USER=u\n",
        )];
        let found = places(craft, "craft", "craft db/drop-all-tables", &files);
        assert_eq!(found, "postgres://u@h:5432/c");
        assert_eq!(places(craft, "craft", "craft migrate/up", &[]), "?");
    }
}
