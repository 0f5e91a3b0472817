//! dbmate: `--url`, a variable, `.env`; PostgreSQL by Go's lib/pq.

use std::path::Path;

use super::connection::{self, Connection, Setting};
use crate::command::{Command, World};
use crate::source::{Source, Sourced};
use crate::target::readers::js::{Evaluator, installed};
use crate::target::url::{Url, decode};
use crate::target::{Engine, Resolution};

pub(super) fn resolve(command: &Command, world: &World<'_>) -> Resolution {
    let mut env = Evaluator::new(&command.step, world);
    let args = &command.args;
    let mut named = false;
    for option in args.options.iter().filter(|o| o.name == "--env-file") {
        named = true;
        env.load_dotenv(
            Path::new(option.value.as_deref().unwrap_or(".env")),
            "godotenv-1.5.1",
            false,
        );
    }
    if !named {
        env.load_dotenv(Path::new(".env"), "godotenv-1.5.1", false);
    }
    let name = args.value(&["--env", "-e"]).unwrap_or("DATABASE_URL");
    let url = match args.value(&["--url", "-u"]) {
        Some(url) => Setting::known(url, Source::argument("option --url")),
        None => Setting::variable(&env.vars, name),
    };
    if let Some(why) = env.doubt().filter(|_| url.is_absent()) {
        return Resolution::unresolved(why);
    }
    let Setting::Known(url) = url else {
        return Resolution::error(
            "connection-not-configured",
            format!("neither --url nor {name} is set"),
        );
    };
    let Some(parts) = Url::split(&url.value) else {
        return Resolution::error("url-invalid", "the database URL cannot be parsed");
    };
    let verb = command.actions.first().map_or("", |a| a.name.as_ref());
    // The package says its version, and with it which database it connects to meanwhile; of a
    // program on its own only the database that it drops or creates is certain.
    let packaged = installed(world.files, &command.step.cwd, "dbmate").is_some();
    let verb = match verb {
        "drop" | "create" if !packaged => "",
        verb => verb,
    };
    match Engine::from_driver(&parts.scheme) {
        Engine::Postgres => {
            let own = postgres(&parts, &url, &env);
            let other = || connection::other_database(own.clone(), Some("postgres"), "dbmate");
            match verb {
                "drop" | "create" => other(),
                "up" => {
                    let mut both = other();
                    both.merge(own.clone());
                    both
                }
                _ => own,
            }
        }
        Engine::Mysql => {
            let mut fields = connection::url_fields(&parts, &url.source);
            if let Some(socket) = parts.parameter("socket") {
                fields.socket = Setting::known(decode(socket), url.source.with_note("socket"));
            }
            let own = connection::plain(Engine::Mysql, fields, "dbmate");
            match verb {
                "drop" | "create" => connection::other_database(own, None, "dbmate"),
                "up" => {
                    let mut both = connection::other_database(own.clone(), None, "dbmate");
                    both.merge(own);
                    both
                }
                _ => own,
            }
        }
        Engine::Sqlite => {
            let path = if parts.has_authority {
                let host = parts.host.clone().unwrap_or_default();
                if host.is_empty() {
                    parts.path.clone()
                } else {
                    format!("{host}{}", parts.path)
                }
            } else {
                parts.path.clone()
            };
            connection::sqlite(
                &Setting::known(decode(&path), url.source.clone()),
                &command.step.cwd,
            )
        }
        engine => connection::plain(
            engine,
            connection::url_fields(&parts, &url.source),
            "dbmate",
        ),
    }
}

/// lib/pq: `?host=`, `?socket=` and `?port=` over the authority, then variables, then localhost.
fn postgres(url: &Url, text: &Sourced<String>, env: &Evaluator<'_>) -> Resolution {
    let own = connection::url_fields(url, &text.source);
    let asked = |name: &str| match url.parameter(name).filter(|v| !v.is_empty()) {
        Some(value) => Setting::known(decode(value), text.source.with_note(name)),
        None => Setting::Absent,
    };
    let variable = |name: &str| Setting::variable(&env.vars, name);
    let default = |value: &str| Setting::known(value, Source::default_of("lib/pq"));
    if let Setting::Known(service) = variable("PGSERVICE") {
        return Resolution::unresolved(format!("{}: a service file", service.source));
    }
    let user = asked("user")
        .or(|| own.user)
        .or(|| variable("PGUSER"))
        .or(|| variable("USER"));
    let fields = Connection {
        url: Setting::Absent,
        host: asked("socket")
            .or(|| asked("host"))
            .or(|| own.host)
            .or(|| variable("PGHOST"))
            .or(|| default("localhost")),
        port: asked("port")
            .or(|| own.port)
            .or(|| variable("PGPORT"))
            .or(|| default("5432")),
        database: asked("dbname")
            .or(|| own.database)
            .or(|| variable("PGDATABASE"))
            .or(|| user.clone()),
        user,
        socket: Setting::Absent,
    };
    let hostaddr = asked("hostaddr").or(|| variable("PGHOSTADDR"));
    let mut resolution = connection::plain(Engine::Postgres, fields, "lib/pq");
    if let Setting::Known(addr) = hostaddr {
        for target in &mut resolution.targets {
            if let crate::target::Address::Host { hostaddr, .. } = &mut target.address {
                *hostaddr = Some(addr.clone());
            }
        }
    }
    resolution
}
