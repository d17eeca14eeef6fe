//! Which program a name stands for, and whether others than root can change it: `script`,
//! `notify_…`, `enable_script_security`.
//!
//! `check` and the process that runs scripts both ask here, so that they cannot disagree. The rules
//! are keepalived 2.2.7's, as it was seen to apply them.

use std::ffi::{OsStr, OsString};
use std::fs;
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

/// The part of a resolved path that others than root can change, if any: the file, or a directory
/// above it in which they could put another in its place.
///
/// Nothing needs to be safe that does not run as root. A directory with the sticky bit, such as
/// /tmp, is safe, and so is what only the group of root may write.
pub fn changeable_part(resolved: &Path) -> Option<&Path> {
    resolved.ancestors().find(|part| others_can_change(part))
}

fn others_can_change(part: &Path) -> bool {
    let Ok(metadata) = fs::metadata(part) else { return false };
    let mode = metadata.mode();
    let sticky = metadata.is_dir() && mode & 0o1000 != 0;
    let writable = mode & 0o002 != 0 || (mode & 0o020 != 0 && metadata.gid() != 0);
    metadata.uid() != 0 || (writable && !sticky)
}
