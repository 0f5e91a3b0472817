//! PHP's `parse_url`, by position, oddities included: frameworks decide with it which server a
//! URL names.

/// The parts that were found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parts {
    /// `scheme`.
    pub scheme: Option<String>,
    /// `host`, with the brackets of IPv6.
    pub host: Option<String>,
    /// `port`.
    pub port: Option<u16>,
    /// `user`.
    pub user: Option<String>,
    /// `pass`.
    pub pass: Option<String>,
    /// `path`.
    pub path: Option<String>,
    /// `query`.
    pub query: Option<String>,
    /// `fragment`.
    pub fragment: Option<String>,
}

/// Where reading goes on after the scheme.
enum Next {
    Host(usize),
    Path(usize),
    Done,
}

/// The parts of a URL; `None` where PHP returns `false`.
pub fn parse(text: &str) -> Option<Parts> {
    let mut parts = Parts::default();
    let next = scheme(text, &mut parts)?;
    let from = match next {
        Next::Done => return Some(parts),
        Next::Path(from) => from,
        Next::Host(from) => {
            let end = text[from..]
                .find(['/', '?', '#'])
                .map_or(text.len(), |at| from + at);
            authority(&text[from..end], &mut parts)?;
            if end == text.len() {
                return Some(parts);
            }
            end
        }
    };
    path(&text[from..], &mut parts);
    Some(parts)
}

fn part(text: &str) -> Option<String> {
    Some(
        text.chars()
            .map(|c| if c.is_ascii_control() { '_' } else { c })
            .collect(),
    )
}

fn relative(text: &str) -> bool {
    text.starts_with("//")
}

fn scheme(text: &str, parts: &mut Parts) -> Option<Next> {
    let Some(colon) = text.find(':') else {
        return Some(if relative(text) {
            Next::Host(2)
        } else {
            Next::Path(0)
        });
    };
    if colon == 0 {
        return port_first(text, colon, parts);
    }
    let word = &text[..colon];
    let valid = word
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b"+.-".contains(&b));
    if !valid {
        let before_query = text.find(['?', '#']).is_none_or(|at| colon < at);
        if colon + 1 < text.len() && before_query {
            return port_first(text, colon, parts);
        }
        return Some(if relative(text) {
            Next::Host(2)
        } else {
            Next::Path(0)
        });
    }
    let after = &text[colon + 1..];
    if after.is_empty() {
        parts.scheme = part(word);
        return Some(Next::Done);
    }
    if !after.starts_with('/') {
        let digits = after.bytes().take(6).take_while(u8::is_ascii_digit).count();
        if digits < 6 && (digits == after.len() || after.as_bytes().get(digits) == Some(&b'/')) {
            return port_first(text, colon, parts);
        }
        parts.scheme = part(word);
        return Some(Next::Path(colon + 1));
    }
    parts.scheme = part(word);
    if !after.starts_with("//") {
        return Some(Next::Path(colon + 1));
    }
    if word.eq_ignore_ascii_case("file") && after.starts_with("///") {
        let drive = text.as_bytes().get(colon + 5) == Some(&b':');
        return Some(Next::Path(colon + if drive { 4 } else { 3 }));
    }
    Some(Next::Host(colon + 3))
}

/// `a.com:80`, `:80/x`.
fn port_first(text: &str, colon: usize, parts: &mut Parts) -> Option<Next> {
    let after = &text[colon + 1..];
    let digits = after.bytes().take(6).take_while(u8::is_ascii_digit).count();
    let host = if relative(text) { 2 } else { 0 };
    if digits > 0
        && digits < 6
        && (digits == after.len() || after.as_bytes().get(digits) == Some(&b'/'))
    {
        parts.port = Some(after[..digits].parse().ok()?);
        return Some(Next::Host(host));
    }
    if after.is_empty() {
        return None;
    }
    Some(if relative(text) {
        Next::Host(2)
    } else {
        Next::Path(0)
    })
}

fn authority(text: &str, parts: &mut Parts) -> Option<()> {
    let mut place = text;
    if let Some((login, rest)) = text.rsplit_once('@') {
        match login.split_once(':') {
            Some((user, pass)) => {
                parts.user = part(user);
                parts.pass = part(pass);
            }
            None => parts.user = part(login),
        }
        place = rest;
    }
    let bracketed = place.starts_with('[') && place.ends_with(']');
    let colon = if bracketed { None } else { place.rfind(':') };
    let host = match colon {
        Some(colon) => {
            let port = &place[colon + 1..];
            if parts.port.is_none() && !port.is_empty() {
                parts.port = Some(port_number(port)?);
            }
            &place[..colon]
        }
        None => place,
    };
    if host.is_empty() {
        return None;
    }
    parts.host = part(host);
    Some(())
}

/// `strtol` on at most five characters.
fn port_number(text: &str) -> Option<u16> {
    if text.len() > 5 {
        return None;
    }
    let trimmed = text.trim_start();
    let digits = trimmed.bytes().take_while(u8::is_ascii_digit).count();
    if digits == 0 {
        return None;
    }
    trimmed[..digits].parse().ok()
}

fn path(text: &str, parts: &mut Parts) {
    let (rest, fragment) = match text.split_once('#') {
        Some((rest, fragment)) => (rest, Some(fragment)),
        None => (text, None),
    };
    let (rest, query) = match rest.split_once('?') {
        Some((rest, query)) => (rest, Some(query)),
        None => (rest, None),
    };
    parts.fragment = fragment.and_then(part);
    parts.query = query.and_then(part);
    if !rest.is_empty() || text.is_empty() {
        parts.path = part(rest);
    }
}
