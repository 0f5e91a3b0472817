//! How Active Record reads a database URL (`ConnectionUrlResolver`): Ruby's RFC 2396 parser, query
//! keys against URL parts by version, adapters by scheme.

use super::project::Version;
use crate::target::url::decode;

/// Keys that a URL gives; blank ones are left out.
pub(super) type UrlKeys = Vec<(String, String)>;

struct Uri<'u> {
    scheme: Option<&'u str>,
    user: Option<&'u str>,
    host: Option<&'u str>,
    port: Option<&'u str>,
    path: &'u str,
    query: &'u str,
    opaque: Option<&'u str>,
}

/// Whether a URL is kept whole for a driver of the Java world.
pub(super) fn kept_whole(url: &str) -> bool {
    ["jdbc:", "http:", "https:"]
        .iter()
        .any(|p| url.starts_with(p))
}

/// Whether Ruby's parser finds a scheme.
///
/// # Errors
/// Where it refuses the text.
pub(super) fn has_scheme(url: &str) -> Result<bool, &'static str> {
    Ok(split(url)?.scheme.is_some())
}

/// The keys of a URL. The password is not among them.
///
/// # Errors
/// What Ruby's URI parser or Active Record refuses, in words without the URL.
pub(super) fn keys(url: &str, version: Version) -> Result<UrlKeys, &'static str> {
    if url.trim().is_empty() {
        return Err("Database URL cannot be empty");
    }
    let uri = split(url)?;
    let adapter = uri.scheme.map(|s| adapter(&s.replace('-', "_"), version));
    let mut own: Vec<(String, Option<String>)> = vec![("adapter".into(), adapter.clone())];
    let (opaque, query) = match uri.opaque {
        Some(opaque) => match opaque.split_once('?') {
            Some((opaque, query)) => (Some(opaque), query),
            None => (Some(opaque), ""),
        },
        None => (None, uri.query),
    };
    match opaque {
        Some(opaque) => own.push(("database".into(), Some(opaque.to_owned()))),
        None => {
            let path = if adapter.as_deref() == Some("sqlite3") {
                uri.path
            } else {
                uri.path.strip_prefix('/').unwrap_or(uri.path)
            };
            let text = |t: Option<&str>| t.map(str::to_owned);
            own.push(("username".into(), text(uri.user)));
            own.push(("port".into(), text(uri.port)));
            own.push(("database".into(), text(Some(path))));
            let host = uri
                .host
                .map(|h| h.trim_start_matches('[').trim_end_matches(']'));
            own.push(("host".into(), text(host)));
        }
    }
    let mut keys: Vec<(String, Option<String>)> = query
        .split('&')
        .filter(|p| !p.is_empty())
        .map(|pair| match pair.split_once('=') {
            Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
            None => (pair.to_owned(), None),
        })
        .collect();
    // Up to 6.1 the URL's parts win, blank ones too; from 7.0 the query does.
    let query_wins = version >= (7, 0) && opaque.is_none();
    for (key, value) in own {
        match keys.iter_mut().rev().find(|(k, _)| *k == key) {
            Some(_) if query_wins => {}
            Some((_, old)) => *old = value,
            None => keys.push((key, value)),
        }
    }
    let mut out = UrlKeys::new();
    for (key, value) in keys {
        let Some(value) = value.filter(|v| !v.trim().is_empty()) else {
            continue;
        };
        let value = decode(&value);
        match out.iter_mut().find(|(k, _)| *k == key) {
            Some((_, old)) => *old = value,
            None => out.push((key, value)),
        }
    }
    Ok(out)
}

fn adapter(scheme: &str, version: Version) -> String {
    match scheme {
        "postgres" => "postgresql",
        "mysql" if version >= (7, 2) => "mysql2",
        "sqlite" if version >= (7, 2) => "sqlite3",
        other => other,
    }
    .to_owned()
}

const BAD: &str = "bad URI";
const REGISTRY: &str = "the scheme does not accept registry part (or bad hostname?)";

fn allowed(text: &str, extra: &str) -> bool {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        if *byte == b'%' {
            let hex = |n: usize| bytes.get(at + n).is_some_and(u8::is_ascii_hexdigit);
            if !hex(1) || !hex(2) {
                return false;
            }
            at += 3;
            continue;
        }
        let c = char::from(*byte);
        if !(c.is_ascii_alphanumeric() || "-_.!~*'()".contains(c) || extra.contains(c)) {
            return false;
        }
        at += 1;
    }
    true
}

fn split(text: &str) -> Result<Uri<'_>, &'static str> {
    // A URL out of a file often ends in a line's end; the parser lets blanks around it be.
    let text = text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\u{B}');
    let (text, fragment) = text.split_once('#').unwrap_or((text, ""));
    if !allowed(fragment, ";/?:@&=+$,[]") {
        return Err(BAD);
    }
    let scheme = text.split_once(':').filter(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c))
    });
    let (scheme, rest) = match scheme {
        Some((scheme, rest)) => (Some(scheme), rest),
        None => (None, text),
    };
    let mut uri = Uri {
        scheme,
        user: None,
        host: None,
        port: None,
        path: "",
        query: "",
        opaque: None,
    };
    if scheme.is_some() && !rest.starts_with('/') {
        if rest.is_empty() || !allowed(rest, ";/?:@&=+$,[]") {
            return Err(BAD);
        }
        uri.opaque = Some(rest);
        return Ok(uri);
    }
    let (hierarchy, query) = rest.split_once('?').unwrap_or((rest, ""));
    if !allowed(query, ";/?:@&=+$,[]") {
        return Err(BAD);
    }
    uri.query = query;
    uri.path = match hierarchy.strip_prefix("//") {
        Some(rest) => {
            let end = rest.find('/').unwrap_or(rest.len());
            authority(&rest[..end], &mut uri)?;
            &rest[end..]
        }
        None => hierarchy,
    };
    let no_path = scheme.is_some() && uri.path.is_empty() && uri.host.is_none();
    if no_path || !allowed(uri.path, ":@&=+$,;/") {
        return Err(BAD);
    }
    Ok(uri)
}

fn authority<'u>(text: &'u str, uri: &mut Uri<'u>) -> Result<(), &'static str> {
    if !allowed(text, ";:&=+$,@[]") {
        return Err(BAD);
    }
    let (login, place) = match text.rsplit_once('@') {
        Some((login, place)) => (Some(login), place),
        None => (None, text),
    };
    let bracket = place.rfind(']').map_or(0, |n| n + 1);
    let (host, port) = match place.get(bracket..).and_then(|p| p.rfind(':')) {
        Some(colon) => (
            &place[..bracket + colon],
            Some(&place[bracket + colon + 1..]),
        ),
        None => (place, None),
    };
    let host_ok = if let Some(inner) = host.strip_prefix('[') {
        inner.strip_suffix(']').is_some_and(|address| {
            !address.is_empty()
                && address
                    .chars()
                    .all(|c| c.is_ascii_hexdigit() || c == ':' || c == '.')
        })
    } else {
        host.chars()
            .all(|c| c.is_ascii_alphanumeric() || "-.%".contains(c))
    };
    let port_ok = port.is_none_or(|p| p.bytes().all(|b| b.is_ascii_digit()));
    let login_ok = login.is_none_or(|l| allowed(l, ";:&=+$,"));
    if !host_ok || !port_ok || !login_ok {
        return Err(REGISTRY);
    }
    if host.is_empty() && (login.is_some() || port.is_some()) {
        return Err(REGISTRY);
    }
    uri.user = login.map(|l| l.split(':').next().unwrap_or(""));
    uri.host = (!host.is_empty()).then_some(host);
    uri.port = port.filter(|p| !p.is_empty());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(url: &str, version: Version) -> String {
        match keys(url, version) {
            Ok(mut keys) => {
                keys.sort();
                let all: Vec<String> = keys.iter().map(|(k, v)| format!("{k}={v}")).collect();
                all.join(" ")
            }
            Err(why) => format!("error {why}"),
        }
    }

    #[test]
    fn keys_are_those_of_active_record() {
        for (url, version, expected) in [
            (
                "postgres://u:p@h:5433/d",
                (6, 1),
                "adapter=postgresql database=d host=h port=5433 username=u",
            ),
            ("postgres:///d", (6, 1), "adapter=postgresql database=d"),
            (
                "postgres://h/d?host=q&port=1",
                (6, 1),
                "adapter=postgresql database=d host=h",
            ),
            (
                "postgres://h/d?host=q&port=1",
                (7, 0),
                "adapter=postgresql database=d host=q port=1",
            ),
            (
                "postgres://[fd00::5]:1/d",
                (6, 1),
                "adapter=postgresql database=d host=fd00::5 port=1",
            ),
            ("mysql://h/d", (7, 1), "adapter=mysql database=d host=h"),
            ("mysql://h/d", (7, 2), "adapter=mysql2 database=d host=h"),
            (
                "sqlite3:db/x.sqlite3?y=1",
                (6, 1),
                "adapter=sqlite3 database=db/x.sqlite3 y=1",
            ),
            ("sqlite3:/abs", (6, 1), "adapter=sqlite3 database=/abs"),
            (
                "sqlite3://db/x",
                (6, 1),
                "adapter=sqlite3 database=/x host=db",
            ),
            (
                "postgres://%2Fvar%2Frun/d",
                (6, 1),
                "adapter=postgresql database=d host=/var/run",
            ),
            ("", (6, 1), "error Database URL cannot be empty"),
            (
                "postgres://db_prod/x",
                (6, 1),
                "error the scheme does not accept registry part (or bad hostname?)",
            ),
            (
                "postgres://h1,h2/x",
                (6, 1),
                "error the scheme does not accept registry part (or bad hostname?)",
            ),
            ("postgres://h/a b", (6, 1), "error bad URI"),
            (
                "\n postgres://h/d \n",
                (6, 1),
                "adapter=postgresql database=d host=h",
            ),
            (
                "my-adapter://h/d",
                (6, 1),
                "adapter=my_adapter database=d host=h",
            ),
        ] {
            assert_eq!(shown(url, version), expected, "{url} {version:?}");
        }
    }
}
