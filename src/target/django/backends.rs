//! Where Django's database backends connect: what they hand to the driver, and what the driver
//! makes of it. Rules as in Django 5.2.

use super::field;
use super::settings::Settings;
use crate::command::{Command, Step, World};
use crate::source::{Source, Sourced};
use crate::target::libpq::{self, Params};
use crate::target::{Address, Engine, Gap, Resolution, Target, Traced, Value};

/// Resolves one entry of `DATABASES`.
pub(super) fn resolve(
    command: &Command,
    world: &World<'_>,
    settings: &Settings,
    database: &Traced,
) -> Resolution {
    match &database.value {
        Value::Map(_) => {}
        Value::Unknown(why) => return Resolution::unresolved(why.clone()),
        _ => return Resolution::error("settings-invalid", "the entry is not a dict"),
    }
    let engine = match field(database, "ENGINE") {
        Ok(Some(engine)) => engine,
        Ok(None) => return no_engine(),
        Err(gap) => return gaps(gap),
    };
    match backend(&engine.value) {
        Some(Engine::Postgres) => postgres(command, world, settings, database),
        Some(Engine::Mysql) => mysql(command, world, settings, database),
        Some(Engine::Sqlite) => sqlite(command, database),
        Some(engine) => server(engine, database),
        None if engine.value.is_empty() || engine.value == "django.db.backends.dummy" => {
            no_engine()
        }
        None => Resolution::unresolved(format!(
            "`{}` is not one of Django's own database engines ({})",
            engine.value, engine.source
        )),
    }
}

fn no_engine() -> Resolution {
    Resolution::error("settings-invalid", "no `ENGINE` is configured")
}

fn gaps(gap: Gap) -> Resolution {
    Resolution {
        gaps: vec![gap],
        ..Resolution::default()
    }
}

/// The engine of a backend that hands its settings to the driver as Django's own do.
fn backend(name: &str) -> Option<Engine> {
    Some(match name {
        "django.db.backends.postgresql"
        | "django.db.backends.postgresql_psycopg2"
        | "django.contrib.gis.db.backends.postgis"
        | "django_prometheus.db.backends.postgresql"
        | "django_prometheus.db.backends.postgis"
        | "timescale.db.backends.postgresql"
        | "timescale.db.backends.postgis"
        | "django_redshift_backend"
        | "psqlextra.backend"
        | "django_cockroachdb" => Engine::Postgres,
        "django.db.backends.mysql"
        | "django.contrib.gis.db.backends.mysql"
        | "django_prometheus.db.backends.mysql" => Engine::Mysql,
        "django.db.backends.sqlite3"
        | "django.contrib.gis.db.backends.spatialite"
        | "django_prometheus.db.backends.sqlite3" => Engine::Sqlite,
        "django.db.backends.oracle" | "django.contrib.gis.db.backends.oracle" => {
            Engine::Other("oracle".to_owned())
        }
        "mssql" | "sql_server.pyodbc" => Engine::Sqlserver,
        _ => return None,
    })
}

fn filled(value: Option<Sourced<String>>) -> Option<Sourced<String>> {
    value.filter(|v| !v.value.is_empty())
}

/// `OPTIONS`, where they can be known.
fn options(database: &Traced) -> Result<Traced, Gap> {
    match database.get("OPTIONS") {
        None => Ok(Traced::new(Value::Map(Vec::new()), database.source.clone())),
        Some(options) => match &options.value {
            Value::Map(_) => Ok(options.clone()),
            Value::Null => Ok(Traced::new(Value::Map(Vec::new()), options.source.clone())),
            Value::Unknown(why) => Err(Gap::new("target", format!("`OPTIONS`: {why}"))),
            _ => Err(Gap::new("target", "`OPTIONS` is not a dict")),
        },
    }
}

fn postgres(
    command: &Command,
    world: &World<'_>,
    settings: &Settings,
    database: &Traced,
) -> Resolution {
    let params = match postgres_params(database) {
        Ok(Ok(params)) => params,
        Ok(Err(resolution)) => return resolution,
        Err(gap) => return gaps(gap),
    };
    if let Some(gap) = doubtful_variable(settings, &["PG"]) {
        return gaps(gap);
    }
    let name = command.args.operand(0).unwrap_or("");
    let step = &command.step;
    let resolve = |params: Params| driver(params, settings, step, world);
    match name {
        "test" | "testserver" => {
            let source = Source::default_of("django");
            let mut maintenance = params.clone();
            maintenance.dbname = Some(Sourced::new("postgres".to_owned(), source));
            let mut resolution = resolve(maintenance);
            resolution.merge(resolve(params.clone()));
            let own = |name| {
                let dbname = Some(name);
                resolve(Params {
                    dbname,
                    ..params.clone()
                })
            };
            tested(&mut resolution, database, params.dbname.as_ref(), &own);
            resolution
        }
        "reset_db" | "drop_test_database" => {
            let source = Source::default_of("django-extensions");
            let victim = params.dbname.clone();
            let mut maintenance = params;
            maintenance.dbname = Some(Sourced::new("template1".to_owned(), source));
            let mut resolution = resolve(maintenance);
            if let Some(victim) = victim.filter(|_| command.reaches.is_empty()) {
                resolution.notes.push(format!(
                    "the database dropped is `{}` ({}), on that server",
                    victim.value, victim.source
                ));
                resolution.victims.push(victim);
                resolution.targets.iter_mut().for_each(|t| t.serves = true);
            }
            resolution
        }
        "dbshell" => psql(command, params, settings, world),
        _ => resolve(params),
    }
}

/// The database that a test run drops and makes anew. The configured one is connected to only to
/// do that.
fn tested(
    resolution: &mut Resolution,
    database: &Traced,
    name: Option<&Sourced<String>>,
    resolve: &dyn Fn(Sourced<String>) -> Resolution,
) {
    let test = database.get("TEST");
    if let Some(why) = test.and_then(Traced::why_unknown) {
        resolution
            .gaps
            .push(Gap::new("database", format!("`TEST`: {why}")));
        return;
    }
    match test.map_or(Ok(None), |t| field(t, "NAME")) {
        Err(gap) => resolution.gaps.push(gap),
        Ok(Some(own)) => {
            resolution.targets.iter_mut().for_each(|t| t.serves = true);
            resolution.merge(resolve(own));
        }
        Ok(None) => {
            if let Some(name) = name {
                let victim = name.clone().map(|name| format!("test_{name}"));
                resolution.notes.push(format!(
                    "the database dropped and made anew is `{}`, on that server",
                    victim.value
                ));
                resolution.targets.iter_mut().for_each(|t| t.serves = true);
                resolution.victims.push(victim);
            }
        }
    }
}

type Given<T> = Result<Result<T, Resolution>, Gap>;

/// What the PostgreSQL backend hands to psycopg: `OPTIONS` over `NAME`, then `USER`, `HOST` and
/// `PORT` over both where they are not empty.
fn postgres_params(database: &Traced) -> Given<Params> {
    let options = options(database)?;
    let mut params = Params {
        service: field(&options, "service")?,
        servicefile: field(&options, "servicefile")?,
        host: field(&options, "host")?,
        hostaddr: field(&options, "hostaddr")?,
        port: field(&options, "port")?,
        dbname: field(&options, "dbname")?,
        user: field(&options, "user")?,
    };
    let is_null = database.get("NAME").is_some_and(|n| n.value == Value::Null);
    let name = filled(field(database, "NAME")?);
    if is_null {
        params.service = None;
        let source = Source::default_of("django");
        params.dbname = params
            .dbname
            .or_else(|| Some(Sourced::new("postgres".to_owned(), source)));
    } else if let Some(mut name) = name {
        match &mut params.dbname {
            Some(stronger) => stronger.beat.push(name.source),
            None => {
                name.beat.clear();
                params.dbname = Some(name);
            }
        }
    } else if params.service.is_none() {
        let why = "neither `NAME` nor `OPTIONS[\"service\"]` is given";
        return Ok(Err(Resolution::error("settings-invalid", why)));
    }
    let over = |slot: &mut Option<Sourced<String>>, key: &str| {
        if let Some(mut value) = filled(field(database, key)?) {
            if let Some(old) = slot.take() {
                value.beat.push(old.source);
            }
            *slot = Some(value);
        }
        Ok(())
    };
    over(&mut params.host, "HOST")?;
    over(&mut params.port, "PORT")?;
    // Who connects does not decide where to.
    if field(database, "USER").is_ok() {
        over(&mut params.user, "USER")?;
    }
    Ok(Ok(params))
}

/// A variable of the driver that is not certain.
fn doubtful_variable(settings: &Settings, prefixes: &[&str]) -> Option<Gap> {
    settings
        .doubts
        .iter()
        .find(|(name, _)| name == "*" || prefixes.iter().any(|p| name.starts_with(p)))
        .map(|(_, why)| Gap::new("target", format!("the environment is not certain: {why}")))
}

/// Whether the project uses psycopg 2. Django takes psycopg 3 where both are installed; what the
/// project asks for stands in its requirements.
fn uses_psycopg2(settings: &Settings, step: &Step, world: &World<'_>) -> bool {
    let mut two = false;
    let mut three = false;
    let dirs = [settings.root.as_path(), step.cwd.as_path()];
    for dir in dirs {
        for name in world.files.list(dir) {
            let lists = (name.starts_with("requirements") && name.ends_with(".txt"))
                || ["pyproject.toml", "Pipfile", "setup.cfg", "setup.py"].contains(&name.as_str());
            if !lists {
                continue;
            }
            let text = world.files.read_text(&dir.join(&name)).unwrap_or_default();
            two |= text.contains("psycopg2");
            three |= text.match_indices("psycopg").any(|(at, word)| {
                !text[at + word.len()..].starts_with(|c: char| c == '2' || c.is_alphanumeric())
            });
        }
    }
    two && !three
}

/// psycopg 3 looks names up itself: what it takes from `PGHOST` or its arguments it hands to
/// libpq as explicit parameters, address included, which a service cannot change any more.
pub(in crate::target) fn as_psycopg3(
    mut params: Params,
    vars: &crate::environment::Vars,
) -> Params {
    let from_env = |name: &str| {
        vars.get(name).map(|var| {
            let text = var.value.to_string_lossy().into_owned();
            Sourced::new(text, var.source.with_note(name))
        })
    };
    let host = filled(params.host.clone()).or_else(|| filled(from_env("PGHOST")));
    let hostaddr = filled(params.hostaddr.clone()).or_else(|| filled(from_env("PGHOSTADDR")));
    if let Some(hostaddr) = hostaddr {
        params.hostaddr = Some(hostaddr);
        params.host = host.or(params.host);
        return params;
    }
    if let Some(host) = host
        && !host.value.starts_with('/')
    {
        params.hostaddr = Some(Sourced::new(String::new(), host.source.clone()));
        params.host = Some(host);
        params.port = filled(params.port).or_else(|| filled(from_env("PGPORT")));
    }
    params
}

fn driver(params: Params, settings: &Settings, step: &Step, world: &World<'_>) -> Resolution {
    let params = if uses_psycopg2(settings, step, world) {
        params
    } else {
        as_psycopg3(params, &settings.vars)
    };
    honest(libpq::resolve(params, &settings.vars, step, world))
}

/// An address that is set apart from a host's name (`PGHOSTADDR`) may belong to any server: marks
/// that go by names would judge the wrong one.
pub(in crate::target) fn honest(mut resolution: Resolution) -> Resolution {
    let apart = resolution
        .targets
        .iter()
        .find_map(|target| match &target.address {
            Address::Host {
                host,
                hostaddr: Some(hostaddr),
                ..
            } if host.value != hostaddr.value => Some(format!(
                "packets go to the address {} ({}), whatever server the name `{}` ({}) stands for",
                hostaddr.value, hostaddr.source, host.value, host.source
            )),
            _ => None,
        });
    if let Some(why) = apart {
        resolution.targets.clear();
        resolution.gaps.push(Gap::new("host", why));
    }
    resolution
}

/// `dbshell`: psql gets `NAME` as its operand, where a URL or conninfo is expanded.
fn psql(
    command: &Command,
    mut params: Params,
    settings: &Settings,
    world: &World<'_>,
) -> Resolution {
    let client: Vec<&str> = command
        .hint("client")
        .map_or(Vec::new(), |c| c.split('\n').collect());
    let mut words = client.iter();
    while let Some(word) = words.next() {
        let harmless = ["-c", "-f", "--command", "--file", "-v", "-o", "-P", "-L"].contains(word);
        if harmless {
            words.next();
        } else if !word.starts_with("--command=")
            && !word.starts_with("--file=")
            && !["-t", "-A", "-q", "-x", "-X", "-1", "-a", "-e", "-n"].contains(word)
        {
            return Resolution::unresolved(format!(
                "the word `{word}` after `--` can lead psql to another database"
            ));
        }
    }
    let name = params.dbname.take();
    let params = params.without_empty();
    let params = match name {
        Some(name) => match params.with_dbname(name) {
            Ok(params) => params,
            Err(stop) => {
                return Resolution {
                    errors: vec![stop],
                    ..Resolution::default()
                };
            }
        },
        None => params,
    };
    honest(libpq::resolve(params, &settings.vars, &command.step, world))
}

/// Django's MySQL backend: `OPTIONS` last, so that they win.
fn mysql(
    command: &Command,
    world: &World<'_>,
    settings: &Settings,
    database: &Traced,
) -> Resolution {
    if database.get("HOST").is_some_and(|h| h.value == Value::Null) {
        return Resolution::error("settings-invalid", "`HOST` is None");
    }
    let found = (|| {
        let options = options(database)?;
        let pick = |keys: &[&str], own: &str| -> Result<Option<Sourced<String>>, Gap> {
            let own = filled(field(database, own)?);
            for key in keys {
                if let Some(mut value) = field(&options, key)? {
                    value.beat.extend(own.map(|o| o.source));
                    return Ok(Some(value));
                }
            }
            Ok(own)
        };
        // A `HOST` that is a path is a socket, which one of the options beats, and no host.
        let mut host = pick(&["host"], "HOST")?;
        let mut socket = field(&options, "unix_socket")?;
        if host.as_ref().is_some_and(|h| h.value.starts_with('/')) {
            let own = host.take();
            socket = socket.or(own);
        }
        Ok(MysqlParams {
            host,
            socket,
            port: pick(&["port"], "PORT")?,
            database: pick(&["database", "db"], "NAME")?,
            user: pick(&["user"], "USER").unwrap_or(None),
            file: field(&options, "read_default_file")?,
            group: field(&options, "read_default_group")?,
        })
    })();
    let mut params: MysqlParams = match found {
        Ok(params) => params,
        Err(gap) => return gaps(gap),
    };
    if let Some(file) = params.file.clone()
        && let Err(gap) = params.take_file(&file, command, world)
    {
        return gaps(gap);
    }
    let pymysql = settings_use_pymysql(settings, world);
    let name = command.args.operand(0).unwrap_or("");
    if ["reset_db", "drop_test_database"].contains(&name) {
        let victim = params.database.take();
        let mut resolution = params.resolution(pymysql);
        if let Some(victim) = victim.filter(|_| command.reaches.is_empty()) {
            resolution.notes.push(format!(
                "the database dropped is `{}` ({}), on that server",
                victim.value, victim.source
            ));
            resolution.victims.push(victim);
            resolution.targets.iter_mut().for_each(|t| t.serves = true);
        }
        return resolution;
    }
    if ["test", "testserver"].contains(&name) {
        let mut resolution = params.clone().resolution(pymysql);
        let own = |name| {
            let mut params = params.clone();
            params.database = Some(name);
            params.resolution(pymysql)
        };
        tested(&mut resolution, database, params.database.as_ref(), &own);
        return resolution;
    }
    if name == "dbshell" && command.hint("client").is_some() {
        return Resolution::unresolved("words after `--` can lead the client to another database");
    }
    params.resolution(pymysql)
}

fn settings_use_pymysql(settings: &Settings, world: &World<'_>) -> bool {
    world.files.noted().iter().any(|path| {
        path.starts_with(&settings.root)
            && path.extension().is_some_and(|e| e == "py")
            && world
                .files
                .read_text(path)
                .is_ok_and(|t| t.contains("install_as_MySQLdb"))
    })
}

#[derive(Clone)]
struct MysqlParams {
    host: Option<Sourced<String>>,
    socket: Option<Sourced<String>>,
    port: Option<Sourced<String>>,
    database: Option<Sourced<String>>,
    user: Option<Sourced<String>>,
    file: Option<Sourced<String>>,
    group: Option<Sourced<String>>,
}

impl MysqlParams {
    /// Takes what an option file says where nothing was said before.
    fn take_file(
        &mut self,
        file: &Sourced<String>,
        command: &Command,
        world: &World<'_>,
    ) -> Result<(), Gap> {
        let path = command.step.path(&file.value);
        let shown = crate::files::shown(&path, &command.step.cwd);
        let text = world
            .files
            .read_text(&path)
            .map_err(|e| Gap::new("host", format!("{shown}: {e}")))?;
        let wanted = self.group.as_ref().map_or("client", |g| g.value.as_str());
        let mut section = String::new();
        for (number, line) in (1..).zip(text.lines()) {
            let line = line.trim();
            if line.starts_with('!') {
                return Err(Gap::new(
                    "host",
                    format!("{shown}:{number} includes other files"),
                ));
            }
            if let Some(name) = line.strip_prefix('[').and_then(|l| l.strip_suffix(']')) {
                section = name.trim().to_owned();
                continue;
            }
            if section != "client" && section != wanted || line.starts_with(['#', ';']) {
                continue;
            }
            let Some((key, value)) = line.split_once('=') else {
                continue;
            };
            let value = value.trim().trim_matches(['"', '\'']).to_owned();
            let value = Sourced::new(value, Source::project_file(&shown, number));
            let slot = match key.trim().replace('_', "-").as_str() {
                "host" => &mut self.host,
                "port" => &mut self.port,
                "socket" => &mut self.socket,
                "user" => &mut self.user,
                "database" => &mut self.database,
                _ => continue,
            };
            match slot {
                Some(stronger) => stronger.beat.push(value.source),
                None => *slot = Some(value),
            }
        }
        Ok(())
    }

    fn resolution(self, pymysql: bool) -> Resolution {
        let local = self
            .host
            .as_ref()
            .is_none_or(|h| h.value.is_empty() || (h.value == "localhost" && !pymysql));
        let address = match (self.socket, self.host) {
            (Some(path), _) if local || pymysql => Address::Socket { path, port: None },
            (_, host) if local && !pymysql => {
                let source =
                    host.map_or_else(|| Source::default_of("libmysqlclient"), |h| h.source);
                Address::Socket {
                    path: Sourced::new(String::new(), source),
                    port: None,
                }
            }
            (_, host) => {
                let source = Source::default_of("mysql client");
                let host = host
                    .filter(|h| !h.value.is_empty())
                    .unwrap_or_else(|| Sourced::new("localhost".to_owned(), source.clone()));
                let port = match self.port {
                    None => Sourced::new(3306, source),
                    Some(port) => match port.value.parse() {
                        Ok(number) => port.map(|_| number),
                        Err(_) => {
                            return Resolution::error("settings-invalid", "`PORT` is not a number");
                        }
                    },
                };
                Address::Host {
                    host,
                    port: Some(port),
                    hostaddr: None,
                }
            }
        };
        Resolution::target(
            Target::new(Engine::Mysql, address)
                .database(self.database)
                .user(self.user),
        )
    }
}

/// SQLite: a path from the working directory, or a `file:` URI.
fn sqlite(command: &Command, database: &Traced) -> Resolution {
    let name = match field(database, "NAME") {
        Ok(name) => filled(name),
        Err(gap) => return gaps(gap),
    };
    let Some(name) = name else {
        return Resolution::error("settings-invalid", "`NAME` is not given");
    };
    let tests = command
        .args
        .operand(0)
        .is_some_and(|n| n == "test" || n == "testserver");
    if tests {
        let test = database.get("TEST");
        let own = match test.map_or(Ok(None), |t| field(t, "NAME")) {
            Ok(own) => own,
            Err(gap) => return gaps(gap),
        };
        return match own {
            Some(own) => file(&own, command),
            // The default test database lives in memory.
            None => Resolution::target(Target::new(
                Engine::Sqlite,
                Address::Memory {
                    source: Source::default_of("django"),
                },
            )),
        };
    }
    file(&name, command)
}

fn file(name: &Sourced<String>, command: &Command) -> Resolution {
    let source = name.source.clone();
    let memory = || {
        Target::new(
            Engine::Sqlite,
            Address::Memory {
                source: source.clone(),
            },
        )
    };
    let text = name.value.as_str();
    if text == ":memory:" {
        return Resolution::target(memory());
    }
    let path = match text.strip_prefix("file:") {
        None => text.to_owned(),
        Some(uri) => {
            let (path, query) = uri.split_once('?').unwrap_or((uri, ""));
            if query.contains("mode=memory") || path == ":memory:" {
                return Resolution::target(memory());
            }
            let path = path.strip_prefix("//localhost").unwrap_or(path);
            let path = path.strip_prefix("//").unwrap_or(path);
            crate::target::url::decode(path)
        }
    };
    let path = command.step.path(path).to_string_lossy().into_owned();
    Resolution::target(Target::new(
        Engine::Sqlite,
        Address::File {
            path: name.clone().map(|_| path),
        },
    ))
}

/// Engines that take host, port and name as they stand.
fn server(engine: Engine, database: &Traced) -> Resolution {
    let found = (|| {
        let host = filled(field(database, "HOST")?);
        let port = filled(field(database, "PORT")?);
        let name = filled(field(database, "NAME")?);
        Ok((host, port, name))
    })();
    let (host, port, name) = match found {
        Ok(found) => found,
        Err(gap) => return gaps(gap),
    };
    let Some(host) = host else {
        return Resolution::unresolved("no `HOST` is given, and the driver's own rules decide");
    };
    let port = match port {
        Some(port) => port.value.parse().ok().map(|n| port.map(|_| n)),
        None => engine.usual_port("driver"),
    };
    let address = Address::Host {
        host,
        port,
        hostaddr: None,
    };
    Resolution::target(Target::new(engine, address).database(name))
}
