//! Database URLs as `urllib.parse` splits them, and the dicts that dj-database-url and
//! django-environ make of them.

use std::rc::Rc;

use super::value::Val;
use crate::source::Source;
use crate::target::url;

/// A URL as `urlsplit` sees it.
pub(super) struct Parts {
    pub(super) scheme: String,
    pub(super) netloc: String,
    pub(super) path: String,
    pub(super) query: String,
    pub(super) fragment: String,
    pub(super) user: Option<String>,
    pub(super) password: Option<String>,
    /// In lower case up to a `%`, without brackets.
    pub(super) host: Option<String>,
    pub(super) port: Option<String>,
}

/// Splits a URL; `None` where `urlsplit` raises.
pub(super) fn split(text: &str) -> Option<Parts> {
    let text: String = text
        .trim_start_matches(|c: char| c <= ' ')
        .chars()
        .filter(|c| !matches!(c, '\n' | '\r' | '\t'))
        .collect();
    let (scheme, rest) = match text.split_once(':') {
        Some((scheme, rest))
            if scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c)) =>
        {
            (scheme.to_ascii_lowercase(), rest)
        }
        _ => (String::new(), text.as_str()),
    };
    let (netloc, rest) = match rest.strip_prefix("//") {
        Some(rest) => {
            let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
            rest.split_at(end)
        }
        None => ("", rest),
    };
    if netloc.contains('[') != netloc.contains(']') {
        return None;
    }
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let (login, place) = match netloc.rsplit_once('@') {
        Some((login, place)) => (Some(login), place),
        None => (None, netloc),
    };
    let (user, password) = match login {
        Some(login) => match login.split_once(':') {
            Some((user, password)) => (Some(user), Some(password)),
            None => (Some(login), None),
        },
        None => (None, None),
    };
    let (host, port) = url::host_and_port(place)?;
    Some(Parts {
        scheme,
        netloc: netloc.to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        fragment: fragment.to_owned(),
        user: user.map(str::to_owned),
        password: password.map(str::to_owned),
        host: (!host.is_empty()).then(|| lower(host)),
        port: port.filter(|p| !p.is_empty()).map(str::to_owned),
    })
}

/// A host in lower case, but for what stands behind a `%`.
fn lower(host: &str) -> String {
    let (name, zone) = host.split_at(host.find('%').unwrap_or(host.len()));
    name.to_lowercase() + zone
}

/// Which library reads the URL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reader {
    DjDatabaseUrl,
    DjangoEnviron,
}

fn backend(reader: Reader, scheme: &str) -> Option<&'static str> {
    Some(match (scheme, reader) {
        ("postgres" | "postgresql" | "pgsql", _) | ("psql", Reader::DjangoEnviron) => {
            "django.db.backends.postgresql"
        }
        ("postgis", _) => "django.contrib.gis.db.backends.postgis",
        ("mysql" | "mysql2", _) => "django.db.backends.mysql",
        ("mysqlgis", _) => "django.contrib.gis.db.backends.mysql",
        ("mysql-connector", _) => "mysql.connector.django",
        ("sqlite", _) => "django.db.backends.sqlite3",
        ("spatialite", _) => "django.contrib.gis.db.backends.spatialite",
        ("mssql", Reader::DjDatabaseUrl) => "sql_server.pyodbc",
        ("mssql", Reader::DjangoEnviron) | ("mssqlms", Reader::DjDatabaseUrl) => "mssql",
        ("oracle", _) => "django.db.backends.oracle",
        ("redshift", _) => "django_redshift_backend",
        ("cockroach", Reader::DjDatabaseUrl) | ("cockroachdb", Reader::DjangoEnviron) => {
            "django_cockroachdb"
        }
        ("timescale", Reader::DjDatabaseUrl) => "timescale.db.backends.postgresql",
        ("timescalegis", Reader::DjDatabaseUrl) => "timescale.db.backends.postgis",
        ("prometheus_postgresql", Reader::DjangoEnviron) => {
            "django_prometheus.db.backends.postgresql"
        }
        ("prometheus_postgis", Reader::DjangoEnviron) => "django_prometheus.db.backends.postgis",
        ("prometheus_mysql", Reader::DjangoEnviron) => "django_prometheus.db.backends.mysql",
        ("prometheus_sqlite", Reader::DjangoEnviron) => "django_prometheus.db.backends.sqlite3",
        _ => return None,
    })
}

/// The entry of `DATABASES` that a library makes of a URL, or what it raises. `scheme` in an
/// error is shown, nothing else of the URL.
pub(super) fn database(
    reader: Reader,
    text: &str,
    engine: Option<&str>,
    source: &Source,
) -> Result<Val, String> {
    let str = |t: &str| Val::str(t, source.clone());
    let mut entries: Vec<(Rc<str>, Val)> = Vec::new();
    let mut put = |key: &str, value: Val| entries.push((key.into(), value));
    if text == "sqlite://:memory:" {
        put("ENGINE", str("django.db.backends.sqlite3"));
        put("NAME", str(":memory:"));
        return Ok(Val::dict(entries, source.clone()));
    }
    let mut parts = split(text);
    // django-environ quotes a URL that ends too early: a password may hold any character.
    if reader == Reader::DjangoEnviron && parts.as_ref().is_none_or(|p| p.path.is_empty()) {
        parts = split(&quoted(text));
    }
    let parts = parts.ok_or("not a valid URL")?;
    let backend = match (backend(reader, &parts.scheme), engine) {
        (_, Some(engine)) if reader == Reader::DjangoEnviron => engine.to_owned(),
        (Some(backend), _) => backend.to_owned(),
        (None, _) => return Err(format!("the scheme `{}` is not known", parts.scheme)),
    };
    let environ = reader == Reader::DjangoEnviron;
    let mut host = parts.host.clone().unwrap_or_default();
    let mut port = parts.port.clone().unwrap_or_default();
    let path = parts.path.get(1..).unwrap_or("");
    let mut name = if environ {
        url::decode(&path.replace('+', " "))
    } else {
        url::decode(path)
    };
    if name.is_empty() && backend.ends_with("sqlite3") {
        name = ":memory:".into();
    }
    let postgres = ["postgres", "postgis"].iter().any(|w| backend.contains(w));
    if environ && postgres {
        let netloc = parts.netloc.rsplit('@').next().unwrap_or("");
        let netloc = url::decode(netloc);
        if netloc.contains(',') {
            (host, port) = host_list(&netloc);
        }
        if name.starts_with('/')
            && let Some((dir, last)) = name.rsplit_once('/')
        {
            host = dir.to_owned();
            name = last.to_owned();
        }
    } else if !environ {
        host = url::decode(&host);
    }
    let single = !port.contains(',');
    if single && !port.is_empty() && port.parse::<u16>().is_err() {
        return Err("the port is not a number".into());
    }
    put("NAME", str(&name));
    put(
        "USER",
        str(&url::decode(parts.user.as_deref().unwrap_or(""))),
    );
    put(
        "PASSWORD",
        str(&url::decode(parts.password.as_deref().unwrap_or(""))),
    );
    put("HOST", str(&host));
    put("PORT", str(&port));
    let options: Vec<(Rc<str>, Val)> = parts
        .query
        .split('&')
        .filter_map(|p| p.split_once('='))
        .filter(|(_, v)| !v.is_empty())
        .map(|(k, v)| {
            let value = url::decode(&v.replace('+', " "));
            let key = url::decode(&k.replace('+', " "));
            (key.as_str().into(), str(&value))
        })
        .collect();
    if !options.is_empty() {
        put("OPTIONS", Val::dict(options, source.clone()));
    }
    put("ENGINE", str(engine.unwrap_or(&backend)));
    Ok(Val::dict(entries, source.clone()))
}

/// `quote(url, safe=":/?&=@")`.
fn quoted(text: &str) -> String {
    let mut out = String::new();
    for byte in text.bytes() {
        match char::from(byte) {
            c if c.is_ascii_alphanumeric() || "_.-~:/?&=@".contains(c) => out.push(c),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

/// `a:1,b:2` as two lists.
fn host_list(netloc: &str) -> (String, String) {
    let mut hosts = Vec::new();
    let mut ports = Vec::new();
    for place in netloc.split(',') {
        match place.rsplit_once(':') {
            Some((host, port)) if port.chars().all(|c| c.is_ascii_digit()) && !port.is_empty() => {
                hosts.push(host);
                ports.push(port);
            }
            _ => hosts.push(place),
        }
    }
    (hosts.join(","), ports.join(","))
}
