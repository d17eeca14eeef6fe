//! Other programs of this host that speak VRRP in our network namespace.
//!
//! Packets cannot show them: multicast is not looped back to the host that sent it. But whoever
//! speaks VRRP holds a raw socket of protocol 112, and `/proc/net/raw` lists those.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// A program that speaks VRRP on this host.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rival {
    /// Its process, `None` when we may not look into other processes.
    pub pid: Option<u32>,
    /// Its name, such as `keepalived`.
    pub name: String,
}

impl std::fmt::Display for Rival {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.pid {
            Some(pid) => write!(f, "{} (pid {pid})", self.name),
            None => write!(f, "{}", self.name),
        }
    }
}

/// Finds programs other than the processes `ours` that hold a raw socket for VRRP in the network
/// namespace of the caller. Sees the owners' names with the privileges of root only.
pub fn rivals(ours: &[u32]) -> Vec<Rival> {
    let mut unowned = vrrp_sockets();
    let mut found = BTreeSet::new();
    if unowned.is_empty() {
        return Vec::new();
    }
    for pid in processes() {
        let held: Vec<u64> = sockets_of(pid).into_iter().filter(|inode| unowned.remove(inode)).collect();
        if !held.is_empty() && !ours.contains(&pid) {
            let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
            found.insert(Rival { pid: Some(pid), name: name.trim_end().to_owned() });
        }
    }
    if !unowned.is_empty() {
        found.insert(Rival { pid: None, name: "a program we may not look into".into() });
    }
    found.into_iter().collect()
}

/// Inodes of the raw sockets of protocol 112. In `/proc/net/raw` the protocol stands where other
/// tables have the local port, in hexadecimal.
fn vrrp_sockets() -> BTreeSet<u64> {
    let table = fs::read_to_string("/proc/thread-self/net/raw").unwrap_or_default();
    let inode = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let (_, protocol) = words.get(1)?.split_once(':')?;
        if u8::from_str_radix(protocol, 16).ok()? != vrrp::PROTOCOL {
            return None;
        }
        words.get(9)?.parse().ok()
    };
    table.lines().skip(1).filter_map(inode).collect()
}

fn processes() -> Vec<u32> {
    let Ok(entries) = fs::read_dir("/proc") else { return Vec::new() };
    entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect()
}

/// Inodes of the sockets a process holds; none when we may not look.
fn sockets_of(pid: u32) -> Vec<u64> {
    let Ok(entries) = fs::read_dir(Path::new("/proc").join(pid.to_string()).join("fd")) else {
        return Vec::new();
    };
    let inode = |entry: fs::DirEntry| {
        let target = fs::read_link(entry.path()).ok()?;
        target.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
    };
    entries.flatten().filter_map(inode).collect()
}
