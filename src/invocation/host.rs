//! The machine: its name, boot, identity and the service manager's unit.

use sha2::{Digest, Sha256};

use crate::record::hex;
use crate::sys::process::kernel_text;

/// Where a run happened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Host {
    /// Host name.
    pub name: String,
    /// The kernel's id of this boot.
    pub boot: Option<String>,
    /// The machine's id, hashed, so that the journal does not give the id itself away
    /// (as `machine-id(5)` asks).
    pub machine: Option<String>,
    /// Unit of the service manager, or the last part of the control group.
    pub unit: Option<String>,
}

impl Host {
    /// Reads the facts; what is not there stays unknown.
    pub fn read() -> Host {
        let name = nix::unistd::gethostname().unwrap_or_default();
        Host {
            name: name.to_string_lossy().into_owned(),
            boot: line_of("/proc/sys/kernel/random/boot_id"),
            machine: line_of("/etc/machine-id").map(|id| hashed(&id)),
            unit: kernel_text("/proc/self/cgroup")
                .ok()
                .and_then(|text| String::from_utf8(text).ok())
                .and_then(|text| unit(&text)),
        }
    }
}

/// Whether a process of that id is there.
pub fn is_running(pid: u32) -> bool {
    std::path::Path::new(&format!("/proc/{pid}")).exists()
}

fn line_of(path: &str) -> Option<String> {
    let text = kernel_text(path)
        .ok()
        .and_then(|t| String::from_utf8(t).ok())?;
    let line = text.lines().next()?.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

fn hashed(id: &str) -> String {
    let digest = Sha256::digest(format!("tagout machine\n{id}"));
    hex(digest.get(..16).unwrap_or_default())
}

/// The innermost unit of a control group path, else its last part.
fn unit(cgroup: &str) -> Option<String> {
    let path = cgroup
        .lines()
        .find_map(|line| line.strip_prefix("0::"))
        .or_else(|| {
            let line = cgroup.lines().find(|l| l.contains(":name=systemd:"))?;
            line.rsplit(':').next()
        })?;
    let mut parts = path.rsplit('/').filter(|p| !p.is_empty());
    let last = parts.clone().next()?;
    let unit = parts.find(|p| p.ends_with(".service") || p.ends_with(".scope"));
    Some(unit.unwrap_or(last).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_are_found_in_both_generations_of_control_groups() {
        let cases = [
            (
                "0::/system.slice/shop-worker.service\n",
                Some("shop-worker.service"),
            ),
            (
                "0::/user.slice/user-1.slice/user@1.service/app.slice/vte.scope/x\n",
                Some("vte.scope"),
            ),
            (
                "12:cpu:/x\n1:name=systemd:/system.slice/cron.service\n",
                Some("cron.service"),
            ),
            ("0::/\n", None),
            ("0::/kubepods/pod1\n", Some("pod1")),
            ("", None),
        ];
        for (text, expected) in cases {
            assert_eq!(unit(text).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn the_machine_id_itself_is_not_given_away() {
        let id = "0123456789abcdef0123456789abcdef";
        assert_eq!(hashed(id).len(), 32);
        assert_ne!(hashed(id), id);
    }
}
