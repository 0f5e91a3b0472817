//! Tools whose connection is one option, or lies in compiled code.

use super::address::{Postgres, go_mysql, of_jdbc, of_url};
use super::{gap, option};
use crate::command::{Command, World};
use crate::source::{Source, SourceKind, Sourced};
use crate::target::{Address, Engine, Gap, Resolution, Target};

/// A URL or DSN given by one of the options that the catalogue lists under `data.url`, or by a
/// variable of `data.variables`; without any, the tool's own files decide.
pub(super) fn url_option(command: &Command, world: &World<'_>) -> Resolution {
    let data = |key: &str| command.tool.map_or(&[] as &[&str], |t| t.data(key));
    let url = match option(command, data("url")) {
        Some(Ok(url)) => Some(url),
        Some(Err(missing)) => return gap(missing),
        None => data("variables")
            .iter()
            .find_map(|name| super::variable(command, name))
            .filter(|v| !v.value.is_empty()),
    };
    let Some(url) = url.or_else(|| url_operand(command)) else {
        let name = command.tool_name();
        return Resolution::unresolved(format!("{name} takes the connection from its own files"));
    };
    if url.value.starts_with("jdbc:") {
        of_jdbc(&url, command, world)
    } else if url.value.contains("@tcp(") {
        go_mysql(&url.value, &url)
    } else {
        let text = match url.value.strip_prefix("db:") {
            Some(uri) => database_uri(uri),
            None => url.value.clone(),
        };
        of_url(
            &Sourced { value: text, ..url },
            Postgres::Libpq,
            command,
            world,
        )
    }
}

/// A URI of Sqitch behind its `db:`: `pg` is PostgreSQL, and without slashes only a name follows.
fn database_uri(uri: &str) -> String {
    let (scheme, rest) = uri.split_once(':').unwrap_or((uri, ""));
    match scheme {
        "pg" if rest.starts_with("//") => format!("postgresql:{rest}"),
        "pg" | "postgres" | "postgresql" if !rest.starts_with("//") => {
            format!("postgresql:///{rest}")
        }
        "mysql" | "mariadb" if !rest.starts_with("//") => format!("{scheme}:///{rest}"),
        _ => uri.to_owned(),
    }
}

fn url_operand(command: &Command) -> Option<Sourced<String>> {
    let (_, word) = command
        .args
        .operands
        .iter()
        .find(|(_, w)| w.unknown.is_none() && w.text.contains("://"))?;
    Some(Sourced::new(word.text.clone(), Source::argument("operand")))
}

/// Symfony with Doctrine: `DATABASE_URL` from the environment, else from the `.env` files, where
/// the file of the environment beats the general one and a `.local` file beats the one it is of.
pub(super) fn symfony(command: &Command, world: &World<'_>) -> Resolution {
    if let Some(Ok(_)) = option(command, &["--conn", "--connection", "--em"]) {
        return Resolution::unresolved("a connection other than the default one");
    }
    let doctrine = command.step.path("config/packages/doctrine.yaml");
    if let Ok(text) = world.files.read_text(&doctrine)
        && !text.contains("DATABASE_URL)%")
    {
        return Resolution::unresolved("config/packages/doctrine.yaml names no DATABASE_URL");
    }
    let find = |files: &[String], name: &str| {
        files.iter().find_map(|file| {
            let path = command.step.path(file);
            super::env_file::value(&path, name, super::env_file::Wins::Last, command, world)
        })
    };
    let general = [".env.local".to_owned(), ".env".to_owned()];
    let environment = match option(command, &["-e", "--env"]) {
        Some(Ok(found)) => found,
        Some(Err(missing)) => return gap(missing),
        None => match super::variable(command, "APP_ENV")
            .map(Ok)
            .or_else(|| find(&general, "APP_ENV"))
        {
            Some(Ok(found)) => found,
            Some(Err(missing)) => return gap(missing),
            None => super::default_of("Symfony", "dev"),
        },
    };
    let name = &environment.value;
    let mut files = vec![format!(".env.{name}.local"), format!(".env.{name}")];
    if name != "test" {
        files.push(".env.local".to_owned());
    }
    files.push(".env".to_owned());
    let given = super::variable(command, "DATABASE_URL");
    // Symfony's `Dotenv::bootEnv` (5.1): what `composer dump-env` wrote goes before the files.
    if given.is_none() && world.files.is_file(&command.step.path(".env.local.php")) {
        return Resolution::unresolved(".env.local.php decides, which is code");
    }
    let found = given.map(Ok).or_else(|| find(&files, "DATABASE_URL"));
    let mut resolution = match found {
        Some(Ok(url)) => of_url(&url, Postgres::Libpq, command, world),
        Some(Err(missing)) => return gap(missing),
        None => return Resolution::unresolved("DATABASE_URL is set nowhere that can be seen"),
    };
    for target in &mut resolution.targets {
        target.environment = Some(environment.clone());
    }
    resolution
}

/// Hanami: `DATABASE_URL` from the environment, else from the `.env` files of its environment.
pub(super) fn hanami(command: &Command, world: &World<'_>) -> Resolution {
    let environment = super::variable(command, "HANAMI_ENV")
        .filter(|e| !e.value.is_empty())
        .unwrap_or_else(|| super::default_of("Hanami", "development"));
    let name = &environment.value;
    let files = [
        format!(".env.{name}.local"),
        ".env.local".to_owned(),
        format!(".env.{name}"),
        ".env".to_owned(),
    ];
    let of_files = || {
        let mut files = files.iter().map(|file| command.step.path(file));
        files.find_map(|path| {
            super::env_file::value(
                &path,
                "DATABASE_URL",
                super::env_file::Wins::First,
                command,
                world,
            )
        })
    };
    let found = super::variable(command, "DATABASE_URL").map(Ok);
    let mut resolution = match found.or_else(of_files) {
        Some(Ok(url)) => of_url(&url, Postgres::Libpq, command, world),
        Some(Err(missing)) => return gap(missing),
        None => return Resolution::unresolved("DATABASE_URL is set nowhere that can be seen"),
    };
    for target in &mut resolution.targets {
        target.environment = Some(environment.clone());
    }
    resolution
}

/// Ecto: `config/ENV.exs` where it is literal; otherwise Elixir code decides.
pub(super) fn ecto(command: &Command, world: &World<'_>) -> Resolution {
    let environment = match super::variable(command, "MIX_ENV") {
        Some(found) if !found.value.is_empty() => found,
        _ => super::default_of("mix", command.hint("env").unwrap_or("dev")),
    };
    let runtime = command.step.path("config/runtime.exs");
    let file = format!("config/{}.exs", environment.value);
    let path = command.step.path(&file);
    let unresolved = |why: &str| {
        let why = format!("Ecto (environment {}): {why}", environment.value);
        Resolution::unresolved(why)
    };
    let Ok(text) = world.files.read_text(&path) else {
        return unresolved("compiled configuration decides");
    };
    let set_late = world
        .files
        .read_text(&runtime)
        .is_ok_and(|t| t.contains("Repo"));
    if set_late && environment.value != "dev" && environment.value != "test" {
        return unresolved("config/runtime.exs decides when the program starts");
    }
    let Some(block) = repo_block(&text) else {
        return unresolved("no single repository with literal settings");
    };
    from_block(&block, &file, environment)
}

/// The lines of the only `config :app, App.Repo` block: line number, key, expression.
fn repo_block(text: &str) -> Option<Vec<(usize, &str, &str)>> {
    let mut blocks = 0;
    let mut inside = false;
    let mut lines = Vec::new();
    for (at, line) in text.lines().enumerate() {
        let line = line.trim();
        if line.starts_with('#') {
            continue;
        }
        if line.starts_with("config ") || line.starts_with("config(") {
            inside = line.contains("Repo,") || line.ends_with("Repo");
            blocks += usize::from(inside);
            continue;
        }
        if inside {
            if line.is_empty() || line.starts_with("if ") || line == "end" {
                inside = false;
                continue;
            }
            let (key, value) = line.split_once(':')?;
            lines.push((at + 1, key.trim(), value.trim().trim_end_matches(',')));
        }
    }
    (blocks == 1).then_some(lines)
}

fn from_block(
    block: &[(usize, &str, &str)],
    file: &str,
    environment: Sourced<String>,
) -> Resolution {
    let find = |name: &str| block.iter().find(|(_, key, _)| *key == name);
    let text = |name: &str| -> Option<Result<Sourced<String>, Gap>> {
        let (line, _, value) = find(name)?;
        let source = Source::project_file(file, *line);
        let inner = value
            .trim()
            .strip_prefix('"')
            .and_then(|v| v.strip_suffix('"'))
            .filter(|v| !v.contains("#{") && !v.contains(['"', '\\']))
            .or_else(|| value.bytes().all(|b| b.is_ascii_digit()).then_some(*value));
        Some(match inner {
            Some(inner) => Ok(Sourced::new(inner.to_owned(), source)),
            None => Err(Gap::new(
                "target",
                format!("{source}: computed by Elixir code"),
            )),
        })
    };
    if let Some(found) = find("url")
        .or_else(|| find("socket_dir"))
        .or_else(|| find("socket"))
    {
        let why = format!("{file}:{}: this form is not followed", found.0);
        return Resolution::unresolved(why);
    }
    let mut values = Vec::new();
    for name in ["hostname", "port", "database", "username"] {
        match text(name) {
            Some(Err(missing)) => return gap(missing),
            Some(Ok(value)) => values.push(Some(value)),
            None => values.push(None),
        }
    }
    let mut values = values.into_iter();
    let (host, port, database, user) = (
        values.next().flatten(),
        values.next().flatten(),
        values.next().flatten(),
        values.next().flatten(),
    );
    let default = || Source::new(SourceKind::Default, "Postgrex default");
    let (Some(host), Some(database)) = (host, database) else {
        return Resolution::unresolved(format!("{file}: host or database are not set there"));
    };
    let port = match port.map(|p| (p.value.parse(), p.source)) {
        Some((Ok(port), source)) => Sourced::new(port, source),
        _ => Sourced::new(5432, default()),
    };
    let address = Address::Host {
        host,
        port: Some(port),
        hostaddr: None,
    };
    let mut target = Target::new(Engine::Postgres, address)
        .database(Some(database))
        .user(user);
    target.environment = Some(environment);
    target
        .notes
        .push("taken for PostgreSQL, Ecto's usual adapter".to_owned());
    Resolution::target(target)
}

/// EF Core: `--connection`, else compiled code decides.
pub(super) fn entity_framework(command: &Command, _world: &World<'_>) -> Resolution {
    let text = match option(command, &["--connection"]) {
        Some(Ok(text)) => text,
        Some(Err(missing)) => return gap(missing),
        None => {
            return Resolution::unresolved("the application's compiled code chooses the database");
        }
    };
    let part = |names: &[&str]| {
        text.value
            .split(';')
            .filter_map(|p| p.split_once('='))
            .find(|(key, _)| names.contains(&key.trim().to_ascii_lowercase().as_str()))
            .map(|(key, value)| {
                Sourced::new(value.trim().to_owned(), text.source.with_note(key.trim()))
            })
    };
    if let Some(file) = part(&["filename"]).or_else(|| {
        part(&["data source"]).filter(|f| f.value.contains(['/', '.']) && f.value.ends_with("db"))
    }) {
        let path = Sourced {
            value: command.step.path(&file.value).display().to_string(),
            ..file
        };
        return Resolution::target(Target::new(Engine::Sqlite, Address::File { path }));
    }
    let database = part(&["database", "initial catalog"]);
    let user = part(&["username", "user id", "uid", "user"]);
    let Some(host) = part(&["host", "server", "data source", "address"]) else {
        return Resolution::unresolved("option --connection names no host");
    };
    let engine = if part(&["host"]).is_some() {
        Engine::Postgres
    } else if part(&[
        "initial catalog",
        "trustservercertificate",
        "integrated security",
    ])
    .is_some()
        || host.value.contains([',', '\\'])
    {
        Engine::Sqlserver
    } else {
        Engine::Other("entity-framework".to_owned())
    };
    let (name, own) = match host.value.split_once(',') {
        Some((name, port)) => (name.to_owned(), port.trim().parse().ok()),
        None => (host.value.clone(), None),
    };
    let port = part(&["port"])
        .and_then(|p| p.value.parse().ok())
        .or(own)
        .or(engine.default_port());
    let address = Address::Host {
        host: Sourced::new(
            name.trim_start_matches("tcp:").to_owned(),
            host.source.clone(),
        ),
        port: port.map(|p| Sourced::new(p, host.source.clone())),
        hostaddr: None,
    };
    Resolution::target(Target::new(engine, address).database(database).user(user))
}
