//! This machine.

use super::system::{FileFacts, System, User};
use crate::program;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The machine the check runs on. Users and groups are those of `/etc/passwd` and
/// `/etc/group`.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThisMachine;

impl System for ThisMachine {
    fn interfaces(&self) -> Vec<String> {
        // Unlike /sys/class/net, this follows the thread into a network namespace.
        let Ok(table) = fs::read_to_string("/proc/thread-self/net/dev") else { return Vec::new() };
        let rows = table.lines().filter_map(|line| line.split_once(':'));
        let mut names: Vec<String> = rows.map(|(name, _)| name.trim().to_owned()).collect();
        names.sort();
        names
    }

    fn file(&self, path: &Path) -> Option<FileFacts> {
        let resolved = fs::canonicalize(path).ok()?;
        let metadata = fs::metadata(&resolved).ok()?;
        let insecure = program::changeable_part(path);
        Some(FileFacts {
            is_file: metadata.is_file(),
            mode: metadata.mode() & 0o7777,
            uid: metadata.uid(),
            gid: metadata.gid(),
            insecure,
        })
    }

    fn head(&self, path: &Path, most: usize) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        let metadata = fs::metadata(path).ok()?;
        if !metadata.is_file() {
            return None;
        }
        File::open(path).ok()?.take(most as u64).read_to_end(&mut bytes).ok()?;
        Some(bytes)
    }

    fn program(&self, name: &str) -> Option<PathBuf> {
        program::find(name, &program::search_path())
    }

    fn user(&self, name: &str) -> Option<User> {
        let row = row("/etc/passwd", name)?;
        Some(User { uid: row.get(2)?.parse().ok()?, gid: row.get(3)?.parse().ok()? })
    }

    fn group(&self, name: &str) -> Option<u32> {
        row("/etc/group", name)?.get(2)?.parse().ok()
    }
}

/// The fields of a name in a table such as `/etc/passwd`.
fn row(table: &str, name: &str) -> Option<Vec<String>> {
    let text = fs::read_to_string(table).ok()?;
    let mut rows = text.lines().map(|line| line.split(':').map(str::to_owned).collect::<Vec<_>>());
    rows.find(|fields| fields.first().is_some_and(|first| first == name))
}
