//! Which process serves a Unix socket, without connecting to it: for sockets that the kernel, and
//! not tagout, is to connect.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;

use super::policy::{Identity, Judgement, judge_peer};
use super::task;

/// Which socket is meant.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Socket<'a> {
    /// The one of this file.
    File(Identity),
    /// The one of this abstract name.
    Abstract(&'a [u8]),
}

/// The refusal of a socket that a database server listens on, as far as its descriptors can be
/// looked at.
pub(crate) fn judge(socket: Socket<'_>) -> Option<Judgement> {
    let table = fs::read("/proc/net/unix").ok()?;
    let listening: Vec<(&[u8], &[u8])> = table.split(|b| *b == b'\n').filter_map(bound).collect();
    let processes = fs::read_dir("/proc").ok()?.flatten();
    let mut databases = processes.filter_map(|entry| {
        let pid: u32 = entry.file_name().to_str()?.parse().ok()?;
        Some((pid, judge_peer(&task::name(pid))?))
    });
    let (_, refused) = databases.find(|(pid, _)| serves(*pid, &listening, socket))?;
    Some(refused)
}

/// The inode and the name of a listening socket's line.
fn bound(line: &[u8]) -> Option<(&[u8], &[u8])> {
    const LISTENS: &[u8] = b"00010000";
    // The name is the rest, whatever it holds.
    let mut words = line.splitn(8, |byte| *byte == b' ');
    let listens = words.nth(3) == Some(LISTENS);
    let inode = words.nth(2).filter(|_| listens)?;
    Some((inode, words.next()?))
}

fn serves(pid: u32, listening: &[(&[u8], &[u8])], socket: Socket<'_>) -> bool {
    let descriptors = fs::read_dir(format!("/proc/{pid}/fd"));
    let links = descriptors.into_iter().flatten().flatten();
    links
        .filter_map(|entry| fs::read_link(entry.path()).ok())
        .any(|link| {
            let link = link.as_os_str().as_bytes();
            let inode = link
                .strip_prefix(b"socket:[")
                .and_then(|rest| rest.strip_suffix(b"]"));
            let mut own = listening.iter().filter(|(own, _)| Some(*own) == inode);
            own.any(|(_, name)| is_it(pid, name, socket))
        })
}

fn is_it(pid: u32, name: &[u8], socket: Socket<'_>) -> bool {
    match socket {
        Socket::Abstract(own) => name.strip_prefix(b"@") == Some(own),
        Socket::File(own) => {
            let root = format!("/proc/{pid}/root");
            let path = [root.as_bytes(), name].concat();
            let file = fs::metadata(OsStr::from_bytes(&path));
            file.is_ok_and(|file| (file.dev(), file.ino()) == own)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn listening_sockets_are_read_with_their_names() {
        let line = b"0000000000000000: 00000002 00000000 00010000 0001 01 31297 /run/a b.sock";
        assert_eq!(bound(line), Some((&b"31297"[..], &b"/run/a b.sock"[..])));
        let line = b"0000000000000000: 00000003 00000000 00000000 0001 03 31297 /run/x";
        assert_eq!(bound(line), None);
        assert_eq!(bound(b"Num       RefCount Protocol Flags"), None);
        assert_eq!(bound(b""), None);
    }
}
