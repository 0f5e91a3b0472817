//! The program that `tagout doctor` has tagout start: it says what reached it, and tries to reach
//! what it should not.

use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::{Value, json};

use crate::sys::descriptors::{DescriptorKind, open_above_2};
use crate::sys::process;

/// The word by which the companion program becomes it.
pub const WORD: &str = "canary";
/// How long a connect may take.
const LIMIT: Duration = Duration::from_secs(5);

/// What it says, as one line of JSON: `report`, or `connect ADDRESS`.
pub fn answer(words: &[String]) -> Option<String> {
    let value = match words {
        [what, ..] if what == "report" => report(),
        [what, address, ..] if what == "connect" => connect(address),
        _ => return None,
    };
    Some(format!("{value}\n"))
}

fn report() -> Value {
    let environ = process::environ();
    let names = environ.iter().map(|entry| {
        let entry = entry.to_string_lossy();
        entry.split('=').next().unwrap_or("").to_owned()
    });
    let open = open_above_2();
    let sockets = open
        .iter()
        .filter(|(_, kind)| *kind == DescriptorKind::Socket);
    json!({
        "names": names.collect::<Vec<_>>(),
        "sockets": sockets.map(|(fd, _)| *fd).collect::<Vec<_>>(),
        "others": open.iter().filter(|(_, kind)| *kind != DescriptorKind::Socket).count(),
    })
}

fn connect(address: &str) -> Value {
    let Ok(address) = address.parse::<SocketAddr>() else {
        return json!({"connected": false, "error": "no address"});
    };
    match TcpStream::connect_timeout(&address, LIMIT) {
        Ok(_) => json!({"connected": true}),
        Err(e) => json!({"connected": false, "error": e.to_string()}),
    }
}
