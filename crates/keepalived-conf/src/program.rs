//! Which program a name stands for, and whether others than root can change it: `script`,
//! `notify_…`, `enable_script_security`.
//!
//! `check` and the process that runs scripts both ask here, so that they cannot disagree. The rules
//! are keepalived 2.2.7's, as it was seen to apply them, but for links.

use std::ffi::{OsStr, OsString};
use std::fs::{self, Metadata};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Where bare names are looked for by a process that was started without a PATH.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Where this process looks for bare names, and its scripts after it: its own PATH.
pub fn search_path() -> OsString {
    std::env::var_os("PATH").filter(|path| !path.is_empty()).unwrap_or_else(|| PATH.into())
}

/// The program that a bare name stands for.
pub fn find(name: &str, path: &OsStr) -> Option<PathBuf> {
    let mut found = std::env::split_paths(path).map(|folder| folder.join(name));
    found.find(|path| !name.is_empty() && is_program(path))
}

/// Whether it is a file that somebody may execute.
pub fn is_program(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|metadata| metadata.is_file() && metadata.mode() & 0o111 != 0)
}

/// The programs that a line for a shell names by their full path.
pub fn named_in(line: &str) -> impl Iterator<Item = &Path> {
    let words = line.split(|c: char| c.is_whitespace() || ";&|()<>'\"`".contains(c));
    words.filter(|word| word.starts_with('/')).map(Path::new).filter(|path| is_program(path))
}

/// The part of a path that others than root can change, if any: the file, a directory in which they could
/// put another in its place, or a link on the way that they could turn elsewhere.
///
/// Nothing needs to be safe that does not run as root. A directory with the sticky bit, such as
/// /tmp, is safe, and so is what only the group of root may write. keepalived 2.2.7 looks at what links
/// lead to alone.
pub fn changeable_part(path: &Path) -> Option<PathBuf> {
    /// As the kernel's: a path with more links leads nowhere.
    const MOST_LINKS: usize = 40;
    let mut links = 0;
    let mut way = PathBuf::from("/");
    let mut ahead: Vec<OsString> = path.iter().rev().map(OsStr::to_owned).collect();
    while let Some(part) = ahead.pop() {
        match part.as_bytes() {
            b"/" => way = PathBuf::from("/"),
            b"." => {}
            b".." => {
                way.pop();
            }
            _ => way.push(&part),
        }
        let Ok(metadata) = fs::symlink_metadata(&way) else { return None };
        if others_can_change(&metadata) {
            return Some(way);
        }
        if metadata.is_symlink() && links < MOST_LINKS {
            links += 1;
            let Ok(target) = fs::read_link(&way) else { return None };
            way.pop();
            ahead.extend(target.iter().rev().map(OsStr::to_owned));
        }
    }
    None
}

fn others_can_change(metadata: &Metadata) -> bool {
    let mode = metadata.mode();
    // Of a link only the owner counts.
    let sticky = metadata.is_dir() && mode & 0o1000 != 0;
    let writable =
        !metadata.is_symlink() && (mode & 0o002 != 0 || (mode & 0o020 != 0 && metadata.gid() != 0));
    metadata.uid() != 0 || (writable && !sticky)
}
