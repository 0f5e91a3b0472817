//! One request over HTTP/1.1, without TLS: collectors listen on the same machine.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

/// How long a server may take for each step.
const LIMIT: Duration = Duration::from_secs(30);
/// No answer that matters here is longer.
const MAX_ANSWER: u64 = 1 << 20;

/// An `http://` address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    host: String,
    port: u16,
    path: String,
}

impl Address {
    /// Reads `http://host[:port][/path]`; `default` is the path where there is none.
    pub(super) fn parse(url: &str, default: &str) -> Result<Address, String> {
        let rest = url.strip_prefix("http://").ok_or(
            "the address must begin with http:// (use a collector on this machine for TLS)",
        )?;
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at(at),
            None => (rest, ""),
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.contains(']') => (
                host,
                port.parse().map_err(|_| format!("`{port}` is no port"))?,
            ),
            _ => (authority, 4318),
        };
        if host.is_empty() || url.contains(char::is_whitespace) {
            return Err("the address has no host".to_owned());
        }
        Ok(Address {
            host: host.to_owned(),
            port,
            path: if path.len() > 1 { path } else { default }.to_owned(),
        })
    }
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    /// Seconds of `Retry-After`.
    pub(super) retry_after: Option<u64>,
    pub(super) body: Vec<u8>,
}

/// Posts JSON and reads the answer.
pub(super) fn post(to: &Address, body: &[u8]) -> Result<Answer, String> {
    let words = |e: std::io::Error| format!("{}:{}: {e}", to.host, to.port);
    let bare = to.host.trim_start_matches('[').trim_end_matches(']');
    let mut addresses = (bare, to.port).to_socket_addrs().map_err(words)?;
    let address = addresses
        .next()
        .ok_or_else(|| format!("{}: no address", to.host))?;
    let mut stream = TcpStream::connect_timeout(&address, LIMIT).map_err(words)?;
    stream.set_read_timeout(Some(LIMIT)).map_err(words)?;
    stream.set_write_timeout(Some(LIMIT)).map_err(words)?;
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {}:{}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        to.path,
        to.host,
        to.port,
        body.len()
    );
    stream.write_all(head.as_bytes()).map_err(words)?;
    stream.write_all(body).map_err(words)?;
    answer(stream.take(MAX_ANSWER)).map_err(words)
}

fn answer(stream: impl Read) -> std::io::Result<Answer> {
    let bad = |what: &str| std::io::Error::new(std::io::ErrorKind::InvalidData, what.to_owned());
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line)?;
    let status = line.split(' ').nth(1).and_then(|s| s.parse().ok());
    let status = status.ok_or_else(|| bad("no HTTP answer"))?;
    let (mut retry_after, mut length, mut chunked) = (None, None, false);
    loop {
        line.clear();
        if reader.read_line(&mut line)? == 0 || line.trim().is_empty() {
            break;
        }
        let (name, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.trim();
        match name.to_ascii_lowercase().as_str() {
            "retry-after" => retry_after = value.parse().ok(),
            "content-length" => length = value.parse::<u64>().ok(),
            "transfer-encoding" => chunked = value.eq_ignore_ascii_case("chunked"),
            _ => {}
        }
    }
    let mut body = Vec::new();
    if chunked {
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            let size = u64::from_str_radix(line.trim().split(';').next().unwrap_or(""), 16);
            let size = size.map_err(|_| bad("a broken chunk"))?;
            if size == 0 {
                break;
            }
            reader.by_ref().take(size).read_to_end(&mut body)?;
            reader.read_line(&mut line)?;
        }
    } else {
        reader
            .take(length.unwrap_or(MAX_ANSWER))
            .read_to_end(&mut body)?;
    }
    Ok(Answer {
        status,
        retry_after,
        body,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_and_answers_are_read() {
        let address = |url| {
            Address::parse(url, "/v1/logs")
                .ok()
                .map(|a| (a.host, a.port, a.path))
        };
        let shown = |h: &str, p, path: &str| Some((h.to_owned(), p, path.to_owned()));
        assert_eq!(address("http://c:9/x"), shown("c", 9, "/x"));
        assert_eq!(address("http://[::1]"), shown("[::1]", 4318, "/v1/logs"));
        assert_eq!(address("https://c"), None);
        assert_eq!(address("http://c:x/"), None);
        let plain = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}extra";
        assert_eq!(answer(&plain[..]).unwrap().body, b"{}");
        let chunked = b"HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\n\r\n";
        let answered = answer(&chunked[..]).unwrap();
        assert_eq!((answered.status, answered.retry_after), (503, Some(7)));
        assert_eq!(answered.body, b"abc");
        assert!(answer(&b"nonsense"[..]).is_err());
    }
}
