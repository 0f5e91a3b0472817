//! libpq's rules (PostgreSQL 15, the later keywords known): how every program that connects
//! through libpq picks its server. Conninfo strings and URIs, service files, `PG*` variables,
//! defaults. For psql and its family, and for every driver that wraps libpq.

use std::path::{Path, PathBuf};

use super::{Address, Engine, Gap, Resolution, Target};
use crate::command::{Step, Stop, World};
use crate::environment::Vars;
use crate::source::{Source, SourceKind, Sourced};

/// A setting that may be given.
pub type Setting = Option<Sourced<String>>;

/// Connection parameters that decide which database is reached. `None` is "not given"; an empty
/// text is a value of its own and keeps weaker places from being asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params {
    /// Host names, addresses or socket directories, separated by commas.
    pub host: Setting,
    /// Addresses that packets go to, whatever `host` says.
    pub hostaddr: Setting,
    /// Ports, one for all or one for each host.
    pub port: Setting,
    /// Database.
    pub dbname: Setting,
    /// User.
    pub user: Setting,
    /// Section of the service file.
    pub service: Setting,
    /// The service file itself (PostgreSQL 18 and later).
    pub servicefile: Setting,
}

/// Keywords that libpq takes besides those of [`Params`]; any other one is an error.
const OTHER_KEYWORDS: &[&str] = &[
    "application_name",
    "authtype",
    "channel_binding",
    "client_encoding",
    "connect_timeout",
    "fallback_application_name",
    "gssdelegation",
    "gssencmode",
    "gsslib",
    "keepalives",
    "keepalives_count",
    "keepalives_idle",
    "keepalives_interval",
    "krbsrvname",
    "load_balance_hosts",
    "max_protocol_version",
    "min_protocol_version",
    "oauth_client_id",
    "oauth_client_secret",
    "oauth_issuer",
    "oauth_scope",
    "options",
    "passfile",
    "password",
    "replication",
    "require_auth",
    "requirepeer",
    "requiressl",
    "scram_client_key",
    "scram_server_key",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
    "sslcert",
    "sslcertmode",
    "sslcompression",
    "sslcrl",
    "sslcrldir",
    "sslkey",
    "sslkeylogfile",
    "sslmode",
    "sslnegotiation",
    "sslpassword",
    "sslrootcert",
    "sslsni",
    "target_session_attrs",
    "tcp_user_timeout",
    "tty",
];

/// Whether a database name is really a whole connection string: libpq looks for a URI's scheme or
/// for any `=`.
pub fn is_conninfo(text: &str) -> bool {
    uri_tail(text).is_some() || text.contains('=')
}

fn uri_tail(text: &str) -> Option<&str> {
    text.strip_prefix("postgresql://")
        .or_else(|| text.strip_prefix("postgres://"))
}

impl Params {
    /// Reads a conninfo string or URI; every value gets `source` with the keyword as a note.
    ///
    /// # Errors
    /// What libpq refuses: unknown keywords, broken quotes and escapes. No value is repeated.
    pub fn parse(text: &str, source: &Source) -> Result<Params, Stop> {
        let pairs = match uri_tail(text) {
            Some(tail) => uri_pairs(tail)?,
            None => conninfo_pairs(text)?,
        };
        let mut params = Params::default();
        for (key, value) in pairs {
            if let Some(slot) = params.slot(&key) {
                *slot = Some(Sourced::new(value, source.with_note(&key)));
            } else if !OTHER_KEYWORDS.contains(&key.as_str()) {
                // Its name may be the rest of a password with a blank in it.
                return Err(invalid("an option that libpq does not know".to_owned()));
            }
        }
        Ok(params)
    }

    /// The place of a keyword that decides the target.
    pub fn slot(&mut self, key: &str) -> Option<&mut Setting> {
        match key {
            "host" => Some(&mut self.host),
            "hostaddr" => Some(&mut self.hostaddr),
            "port" => Some(&mut self.port),
            "dbname" => Some(&mut self.dbname),
            "user" => Some(&mut self.user),
            "service" => Some(&mut self.service),
            "servicefile" => Some(&mut self.servicefile),
            _ => None,
        }
    }

    /// Puts stronger parameters over these; what they beat is kept as such.
    #[must_use]
    pub fn under(mut self, stronger: Params) -> Params {
        let Params {
            host,
            hostaddr,
            port,
            dbname,
            user,
            service,
            servicefile,
        } = stronger;
        for (slot, over) in [
            (&mut self.host, host),
            (&mut self.hostaddr, hostaddr),
            (&mut self.port, port),
            (&mut self.dbname, dbname),
            (&mut self.user, user),
            (&mut self.service, service),
            (&mut self.servicefile, servicefile),
        ] {
            if let Some(mut over) = over {
                if let Some(loser) = slot.take() {
                    over = over.beating(loser.source);
                }
                *slot = Some(over);
            }
        }
        self
    }

    /// Gives the database name as most programs do: a connection string there is expanded and
    /// beats the options; an empty text counts as not given.
    ///
    /// # Errors
    /// As [`Params::parse`].
    pub fn with_dbname(self, text: Sourced<String>) -> Result<Params, Stop> {
        if text.value.is_empty() {
            return Ok(self);
        }
        let stronger = if is_conninfo(&text.value) {
            Params::parse(&text.value, &text.source)?
        } else {
            Params {
                dbname: Some(text),
                ..Params::default()
            }
        };
        Ok(self.under(stronger))
    }

    /// Drops empty values, as libpq does with those of a program's options (not with those inside
    /// a connection string).
    #[must_use]
    pub fn without_empty(mut self) -> Params {
        for key in ["host", "hostaddr", "port", "dbname", "user", "service"] {
            if let Some(slot) = self.slot(key)
                && slot.as_ref().is_some_and(|s| s.value.is_empty())
            {
                *slot = None;
            }
        }
        self
    }
}

fn invalid(detail: impl Into<String>) -> Stop {
    Stop::new("connection-invalid", detail)
}

/// `key = value` pairs; values may be quoted with `'`, and `\` takes the next character as it is.
fn conninfo_pairs(text: &str) -> Result<Vec<(String, String)>, Stop> {
    let mut pairs = Vec::new();
    let mut rest = text.trim_start_matches(is_space);
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| c == '=' || is_space(c))
            .unwrap_or(rest.len());
        let key = &rest[..end];
        rest = rest[end..].trim_start_matches(is_space);
        let Some(after) = rest.strip_prefix('=') else {
            return Err(invalid("missing `=` in the connection string"));
        };
        let (value, after) = conninfo_value(after.trim_start_matches(is_space))?;
        pairs.push((key.to_owned(), value));
        rest = after.trim_start_matches(is_space);
    }
    Ok(pairs)
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

fn conninfo_value(text: &str) -> Result<(String, &str), Stop> {
    let (quoted, text) = match text.strip_prefix('\'') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '\'' if quoted => return Ok((value, &text[at + 1..])),
            c if !quoted && is_space(c) => return Ok((value, &text[at..])),
            '\\' => value.extend(chars.next().map(|(_, next)| next)),
            c => value.push(c),
        }
    }
    if quoted {
        return Err(invalid("unterminated quoted text in the connection string"));
    }
    Ok((value, ""))
}

/// The keywords that a URI gives, in the order in which libpq stores them (later ones win).
fn uri_pairs(tail: &str) -> Result<Vec<(String, String)>, Stop> {
    let mut pairs = Vec::new();
    let mut push = |key: &str, value: &str| -> Result<(), Stop> {
        if !value.is_empty() {
            pairs.push((key.to_owned(), decode(value)?));
        }
        Ok(())
    };
    // The first `@` before any `/` ends the login, whatever follows.
    let rest = match tail
        .find(['@', '/'])
        .filter(|at| tail[*at..].starts_with('@'))
    {
        Some(at) => {
            let user = tail[..at].split(':').next().unwrap_or("");
            push("user", user)?;
            &tail[at + 1..]
        }
        None => tail,
    };
    let (hosts, ports, rest) = netlocs(rest)?;
    push("host", &hosts)?;
    push("port", &ports)?;
    let (path, query) = match rest.split_once('?') {
        Some((path, query)) => (path, query),
        None => (rest, ""),
    };
    push("dbname", path.strip_prefix('/').unwrap_or(path))?;
    pairs.extend(query_pairs(query)?);
    Ok(pairs)
}

/// Host and port lists of a URI, and what follows them.
fn netlocs(mut rest: &str) -> Result<(String, String, &str), Stop> {
    let (mut hosts, mut ports) = (String::new(), String::new());
    loop {
        if let Some(bracketed) = rest.strip_prefix('[') {
            let (host, after) = bracketed
                .split_once(']')
                .ok_or_else(|| invalid("no `]` after the IPv6 address in the URI"))?;
            if host.is_empty() || !(after.is_empty() || after.starts_with([':', '/', '?', ','])) {
                return Err(invalid("broken IPv6 address in the URI"));
            }
            hosts.push_str(host);
            rest = after;
        } else {
            let end = rest.find([':', '/', '?', ',']).unwrap_or(rest.len());
            hosts.push_str(&rest[..end]);
            rest = &rest[end..];
        }
        if let Some(after) = rest.strip_prefix(':') {
            let end = after.find(['/', '?', ',']).unwrap_or(after.len());
            ports.push_str(&after[..end]);
            rest = &after[end..];
        }
        match rest.strip_prefix(',') {
            Some(after) => rest = after,
            None => return Ok((hosts, ports, rest)),
        }
        hosts.push(',');
        ports.push(',');
    }
}

fn query_pairs(query: &str) -> Result<Vec<(String, String)>, Stop> {
    let mut pairs = Vec::new();
    for part in query.split('&').filter(|p| !p.is_empty()) {
        let (key, value) = part
            .split_once('=')
            .ok_or_else(|| invalid("missing `=` in the URI's query"))?;
        if value.contains('=') {
            return Err(invalid("extra `=` in the URI's query"));
        }
        let (key, value) = (decode(key)?, decode(value)?);
        if key != "ssl" {
            pairs.push((key, value));
        }
    }
    Ok(pairs)
}

fn decode(text: &str) -> Result<String, Stop> {
    let mut bytes = text.bytes();
    let mut out = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digit = |b: Option<u8>| b.and_then(|b| char::from(b).to_digit(16));
        match (digit(bytes.next()), digit(bytes.next())) {
            (Some(high), Some(low)) if high + low > 0 => {
                out.push(u8::try_from(high * 16 + low).unwrap_or(0));
            }
            _ => return Err(invalid("invalid percent-encoding in the URI")),
        }
    }
    Ok(String::from_utf8_lossy(&out).into_owned())
}

/// Finds the databases that a libpq client with these explicit parameters may reach, from the
/// variables it sees. Every host of a list is a target.
pub fn resolve(explicit: Params, vars: &Vars, step: &Step, world: &World<'_>) -> Resolution {
    match fill(explicit, vars, step, world) {
        Ok(filled) => filled.resolution(),
        Err(stop) => Resolution {
            errors: vec![stop],
            ..Resolution::default()
        },
    }
}

/// Parameters after service file, variables and defaults: what the connection will use.
#[derive(Debug, Clone, Default)]
pub struct Filled {
    /// The parameters in force.
    pub params: Params,
    /// What could not be decided.
    pub gaps: Vec<Gap>,
}

/// Fills what was not given: from the service file, then from variables, then from defaults.
///
/// # Errors
/// What makes libpq give up before it connects.
pub fn fill(explicit: Params, vars: &Vars, step: &Step, world: &World<'_>) -> Result<Filled, Stop> {
    let mut params = explicit;
    let mut gaps = Vec::new();
    let service = match params.service.clone() {
        Some(service) => Some(service),
        None => variable(vars, "PGSERVICE"),
    };
    if let Some(service) = service {
        let found = service_params(&service, &params, vars, step, world, &mut gaps)?;
        params = found.under(params);
    }
    let from_vars = Params {
        host: variable(vars, "PGHOST"),
        hostaddr: variable(vars, "PGHOSTADDR"),
        port: variable(vars, "PGPORT"),
        dbname: variable(vars, "PGDATABASE"),
        user: variable(vars, "PGUSER"),
        ..Params::default()
    };
    params = from_vars.under(params);
    if params.user.as_ref().is_none_or(|u| u.value.is_empty()) {
        let name = step
            .user
            .clone()
            .unwrap_or_else(|| world.caller.user.clone());
        let source = Source::new(SourceKind::Default, "libpq default (operating system user)");
        params.user = Some(Sourced::new(name, source));
    }
    if params.dbname.as_ref().is_none_or(|d| d.value.is_empty()) {
        params.dbname = params.user.clone().map(|user| {
            let source = Source::new(SourceKind::Default, "libpq default (as the user)");
            Sourced::new(user.value, source).beating(user.source)
        });
    }
    Ok(Filled { params, gaps })
}

/// A variable as libpq sees it: one that is set but empty counts.
fn variable(vars: &Vars, name: &str) -> Setting {
    vars.get(name).map(|var| {
        Sourced::new(
            var.value.to_string_lossy().into_owned(),
            var.source.with_note(name),
        )
    })
}

/// The directory in which libpq looks for the user's own files.
pub fn home(vars: &Vars, world: &World<'_>) -> Option<PathBuf> {
    vars.filled("HOME")
        .map(|h| PathBuf::from(h.as_ref()))
        .or_else(|| world.caller.home.clone())
}

fn service_params(
    service: &Sourced<String>,
    params: &Params,
    vars: &Vars,
    step: &Step,
    world: &World<'_>,
    gaps: &mut Vec<Gap>,
) -> Result<Params, Stop> {
    let named = match &params.servicefile {
        Some(file) => Some(file.value.clone()),
        None => vars.text("PGSERVICEFILE").map(|f| f.into_owned()),
    };
    let mut files = Vec::new();
    match named {
        Some(file) => {
            let path = step.path(&file);
            if !world.files.is_file(&path) {
                let what = format!("service file {} not found", path.display());
                return Err(Stop::new("service-file-missing", what));
            }
            let kind = if path.starts_with(&step.cwd) {
                SourceKind::ProjectFile
            } else {
                SourceKind::UserFile
            };
            files.push((path, kind));
        }
        None => {
            let own = home(vars, world).map(|h| h.join(".pg_service.conf"));
            files.extend(own.map(|p| (step.path(p), SourceKind::UserFile)));
        }
    }
    let system = vars
        .text("PGSYSCONFDIR")
        .map_or(PathBuf::from("/etc/postgresql-common"), |d| {
            step.path(d.as_ref())
        });
    files.push((system.join("pg_service.conf"), SourceKind::SystemFile));
    for (path, kind) in files {
        if !world.files.exists(&path) {
            continue;
        }
        let text = world
            .files
            .read_text(&path)
            .map_err(|e| Stop::new("service-file-missing", format!("{}: {e}", path.display())))?;
        if let Some(found) = service_section(&text, &service.value, &path, kind, gaps)? {
            return Ok(found);
        }
    }
    Err(Stop::new(
        "service-unknown",
        format!("no definition of service `{}`", service.value),
    ))
}

/// The section of a service file; the first setting of a keyword in it wins.
fn service_section(
    text: &str,
    service: &str,
    path: &Path,
    kind: SourceKind,
    gaps: &mut Vec<Gap>,
) -> Result<Option<Params>, Stop> {
    let header = format!("[{service}]");
    let mut found: Option<Params> = None;
    for (number, line) in text.lines().enumerate() {
        let line = line.trim_matches(is_space);
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line.starts_with('[') {
            if found.is_some() {
                break;
            }
            if line.starts_with(&header) {
                found = Some(Params::default());
            }
            continue;
        }
        let Some(params) = found.as_mut() else {
            continue;
        };
        let place = || format!("{}:{}", path.display(), number + 1);
        if line.starts_with("ldap") {
            let why = format!("{}: the service is looked up by LDAP", place());
            gaps.push(Gap::new("target", why));
            continue;
        }
        let syntax = || {
            Stop::new(
                "service-file-invalid",
                format!("syntax error at {}", place()),
            )
        };
        let (key, value) = line.split_once('=').ok_or_else(syntax)?;
        match params.slot(key) {
            Some(_) if key == "service" || key == "servicefile" => return Err(syntax()),
            Some(slot) if slot.is_none() => {
                let source = Source::new(kind, place()).with_note(&format!("service {service}"));
                *slot = Some(Sourced::new(value.to_owned(), source));
            }
            Some(_) => {}
            None if OTHER_KEYWORDS.contains(&key) => {}
            None => return Err(syntax()),
        }
    }
    Ok(found)
}

impl Filled {
    /// The targets: one a host of the list.
    pub fn resolution(&self) -> Resolution {
        match self.addresses() {
            Ok(addresses) => Resolution {
                targets: addresses
                    .into_iter()
                    .map(|address| {
                        Target::new(Engine::Postgres, address)
                            .database(self.params.dbname.clone())
                            .user(self.params.user.clone())
                    })
                    .collect(),
                gaps: self.gaps.clone(),
                ..Resolution::default()
            },
            Err(stop) => Resolution {
                errors: vec![stop],
                gaps: self.gaps.clone(),
                ..Resolution::default()
            },
        }
    }

    fn addresses(&self) -> Result<Vec<Address>, Stop> {
        let hosts = split_list(self.params.host.as_ref());
        let hostaddrs = split_list(self.params.hostaddr.as_ref());
        let ports = split_list(self.params.port.as_ref());
        let count = match (hostaddrs.len(), hosts.len()) {
            (0, 0) => 1,
            (0, n) => n,
            (n, 0) => n,
            (n, m) if n == m => n,
            _ => return Err(invalid("as many host addresses as hosts are needed")),
        };
        if count > MAX_HOSTS {
            return Err(invalid("more hosts than are followed here"));
        }
        if ports.len() > 1 && ports.len() != count {
            return Err(invalid("as many ports as hosts are needed"));
        }
        (0..count)
            .map(|at| {
                let port = port(if ports.len() == 1 {
                    ports.first()
                } else {
                    ports.get(at)
                })?;
                Ok(address(hosts.get(at), hostaddrs.get(at), port))
            })
            .collect()
    }
}

/// Each host is a target that is held against the others.
const MAX_HOSTS: usize = 256;

/// The entries of a comma list; none where nothing or an empty text was given.
fn split_list(setting: Option<&Sourced<String>>) -> Vec<Sourced<String>> {
    setting
        .filter(|s| !s.value.is_empty())
        .map(|s| {
            s.value
                .split(',')
                .map(|v| s.clone().map(|_| v.trim_matches(is_space).to_owned()))
                .collect()
        })
        .unwrap_or_default()
}

fn port(given: Option<&Sourced<String>>) -> Result<Sourced<u16>, Stop> {
    match given.filter(|p| !p.value.is_empty()) {
        None => Ok(Sourced::new(5432, Source::default_of("libpq"))),
        Some(port) => match port.value.parse::<u16>() {
            Ok(number) if number > 0 => Ok(port.clone().map(|_| number)),
            _ => Err(invalid(format!("invalid port number from {}", port.source))),
        },
    }
}

fn address(
    host: Option<&Sourced<String>>,
    hostaddr: Option<&Sourced<String>>,
    port: Sourced<u16>,
) -> Address {
    let host = host.filter(|h| !h.value.is_empty());
    let hostaddr = hostaddr.filter(|h| !h.value.is_empty());
    match (host, hostaddr) {
        (host, Some(addr)) => Address::Host {
            host: host.unwrap_or(addr).clone(),
            port: Some(port),
            hostaddr: Some(addr.clone()),
        },
        (Some(host), None) if host.value.starts_with(['/', '@']) => Address::Socket {
            path: host.clone(),
            port: Some(port),
        },
        (Some(host), None) => Address::Host {
            host: host.clone(),
            port: Some(port),
            hostaddr: None,
        },
        (None, None) => Address::Socket {
            path: Sourced::new(String::new(), Source::default_of("libpq")),
            port: Some(port),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Caller;
    use crate::files::Memory;
    use proptest::prelude::*;

    /// Database name, variables, what is reached.
    type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

    fn vars(pairs: &[(&str, &str)]) -> Vars {
        let mut vars = Vars::new();
        for (name, value) in pairs {
            let source = Source::new(SourceKind::Inherited, "environment");
            vars.set(*name, value, source);
        }
        vars
    }

    fn run(dbname: &str, env: &[(&str, &str)], files: Memory) -> Resolution {
        let caller = Caller {
            user: "me".into(),
            ..Caller::default()
        };
        let world = World {
            files: &files,
            caller: &caller,
            heard: None,
        };
        let vars = vars(env);
        let step = Step::new(["psql".into()], vars.clone(), "/w".into());
        let given = Sourced::new(dbname.to_owned(), Source::argument("-d"));
        match Params::default().with_dbname(given) {
            Ok(params) => resolve(params, &vars, &step, &world),
            Err(stop) => Resolution {
                errors: vec![stop],
                ..Resolution::default()
            },
        }
    }

    /// `host:port/database user`, hosts in brackets where the address differs from the name.
    fn shown(resolution: &Resolution) -> String {
        if let Some(stop) = resolution.errors.first() {
            return format!("error {}", stop.what);
        }
        let one = |t: &Target| {
            let port = |p: &Option<Sourced<u16>>| p.as_ref().map_or(0, |p| p.value);
            let at = match &t.address {
                Address::Host {
                    host,
                    port: p,
                    hostaddr,
                } => {
                    let addr = hostaddr.as_ref().map(|a| format!("[{}]", a.value));
                    format!("{}{}:{}", host.value, addr.unwrap_or_default(), port(p))
                }
                Address::Socket { path, port: p } => format!("<{}>:{}", path.value, port(p)),
                other => format!("{other:?}"),
            };
            let text = |s: &Setting| s.as_ref().map_or("", |s| s.value.as_str()).to_owned();
            format!("{at}/{} {}", text(&t.database), text(&t.user))
        };
        let all: Vec<String> = resolution.targets.iter().map(one).collect();
        all.join(", ")
    }

    #[test]
    fn the_strongest_place_decides_each_field() {
        let cases: &[Case<'_>] = &[
            ("", &[], "<>:5432/me me"),
            ("shop", &[("PGHOST", "h")], "h:5432/shop me"),
            ("", &[("PGUSER", "alice")], "<>:5432/alice alice"),
            (
                "",
                &[("PGDATABASE", "host=x"), ("PGPORT", "1")],
                "<>:1/host=x me",
            ),
            ("shop", &[("PGHOST", "")], "<>:5432/shop me"),
            (
                "host=a dbname=b",
                &[("PGHOST", "h"), ("PGUSER", "u")],
                "a:5432/b u",
            ),
            ("host='' dbname=b", &[("PGHOST", "h")], "<>:5432/b me"),
            ("host = 'a\\'b' port=1", &[], "a'b:1/me me"),
            (
                "host=a",
                &[("PGHOSTADDR", "10.0.0.5")],
                "a[10.0.0.5]:5432/me me",
            ),
            (
                "postgres://u:p@h:1/d",
                &[("PGHOSTADDR", "::1")],
                "h[::1]:1/d u",
            ),
            ("hostaddr=1.2.3.4", &[], "1.2.3.4[1.2.3.4]:5432/me me"),
            (
                "postgres://u@h1:1,h2/d",
                &[("PGPORT", "7")],
                "h1:1/d u, h2:5432/d u",
            ),
            ("host=a,b port=9", &[], "a:9/me me, b:9/me me"),
            ("host=a,b,c port=9,8", &[], "error connection-invalid"),
            ("postgresql:///x?host=/tmp&port=5", &[], "</tmp>:5/x me"),
            ("postgres://%2Ftmp/x", &[], "</tmp>:5432/x me"),
            ("postgres://[::1]:5/x", &[], "::1:5/x me"),
            ("postgres://a@b@c/x", &[], "b@c:5432/x a"),
            ("postgres://h/x?host=y", &[], "y:5432/x me"),
            ("postgres://h/x?nope=y", &[], "error connection-invalid"),
            (
                "postgres://h/x?ssl=true&sslmode=require",
                &[],
                "h:5432/x me",
            ),
            ("nope=1", &[], "error connection-invalid"),
            ("host='x", &[], "error connection-invalid"),
            ("host=a port=70000", &[], "error connection-invalid"),
            ("dbname=postgres://h/y", &[], "<>:5432/postgres://h/y me"),
        ];
        for (dbname, env, expected) in cases {
            assert_eq!(
                shown(&run(dbname, env, Memory::new())),
                *expected,
                "{dbname} {env:?}"
            );
        }
    }

    #[test]
    fn a_service_beats_variables_and_loses_to_what_is_explicit() {
        let files = || {
            Memory::new()
                .with(
                    "/home/me/.pg_service.conf",
                    "[a]\nhost=first\nhost=second\n# x\ndbname=d\n[b]\nhost = x\n",
                )
                .with(
                    "/sys/pg_service.conf",
                    "[sys]\nhost=s\nport=7\n[a]\nhost=never\n",
                )
                .with(
                    "/w/alt.conf",
                    "[a]\nhost=alt\n[n]\nservice=a\n[l]\nldap://x/y\n",
                )
        };
        let cases: &[Case<'_>] = &[
            (
                "",
                &[("PGSERVICE", "a"), ("PGHOST", "env")],
                "first:5432/d me",
            ),
            ("host=x", &[("PGSERVICE", "a")], "x:5432/d me"),
            (
                "service=sys",
                &[("PGSERVICE", "a"), ("PGSYSCONFDIR", "/sys")],
                "s:7/me me",
            ),
            ("postgres://?service=a", &[], "first:5432/d me"),
            (
                "",
                &[("PGSERVICE", "a"), ("PGSERVICEFILE", "alt.conf")],
                "alt:5432/me me",
            ),
            ("", &[("PGSERVICE", "b")], "error service-file-invalid"),
            ("", &[("PGSERVICE", "nope")], "error service-unknown"),
            ("", &[("PGSERVICE", "")], "error service-unknown"),
            (
                "",
                &[("PGSERVICE", "n"), ("PGSERVICEFILE", "/w/alt.conf")],
                "error service-file-invalid",
            ),
            (
                "",
                &[("PGSERVICE", "a"), ("PGSERVICEFILE", "/w/none")],
                "error service-file-missing",
            ),
        ];
        for (dbname, env, expected) in cases {
            let mut env = env.to_vec();
            env.push(("HOME", "/home/me"));
            assert_eq!(
                shown(&run(dbname, &env, files())),
                *expected,
                "{dbname} {env:?}"
            );
        }
        let ldap = run(
            "",
            &[("PGSERVICE", "l"), ("PGSERVICEFILE", "/w/alt.conf")],
            files(),
        );
        assert_eq!(ldap.gaps.len(), 1);
    }

    #[test]
    fn no_password_is_kept_and_losers_are_named() {
        let found = run(
            "postgres://u:s3cret@h/d?password=s3cret",
            &[("PGHOST", "x")],
            Memory::new(),
        );
        assert!(!format!("{found:?}").contains("s3cret"));
        let Address::Host { host, .. } = &found.targets[0].address else {
            panic!("a host was named")
        };
        assert_eq!(host.beat.len(), 1);
        let broken = run("s3cret host=x", &[], Memory::new());
        assert!(!format!("{broken:?}").contains("s3cret"));
    }

    proptest! {
        #[test]
        fn any_text_is_read_without_panic(text in "(postgres://)?[ -~é%@:/?&=,'\\\\\\[\\]]{0,60}") {
            let _ = run(&text, &[], Memory::new());
        }

        #[test]
        fn a_quoted_value_survives(value in "[ -~é]{1,20}") {
            let quoted = value.replace('\\', "\\\\").replace('\'', "\\'");
            let params = Params::parse(&format!("dbname='{quoted}'"), &Source::argument("-d")).unwrap();
            prop_assert_eq!(params.dbname.unwrap().value, value);
        }
    }
}
