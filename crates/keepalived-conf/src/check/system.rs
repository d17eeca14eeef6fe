//! The facts about a machine that checks ask for.

use std::path::{Path, PathBuf};

/// A file as the checks see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FileFacts {
    /// Whether it is a regular file.
    pub is_file: bool,
    /// Permission bits.
    pub mode: u32,
    /// Owner.
    pub uid: u32,
    /// Group.
    pub gid: u32,
    /// The first part of its resolved path that others than root could change, if any.
    pub insecure: Option<PathBuf>,
}

impl FileFacts {
    /// Whether this user may execute it; root may when anybody may.
    pub(super) fn executable_by(&self, user: User) -> bool {
        let bits = match user.uid {
            0 => 0o111,
            uid if uid == self.uid => 0o100,
            _ if user.gid == self.gid => 0o010,
            _ => 0o001,
        };
        self.is_file && self.mode & bits != 0
    }
}

/// A user that scripts run as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct User {
    /// User id.
    pub uid: u32,
    /// Its main group, or the one written after it.
    pub gid: u32,
}

/// A machine.
pub trait System {
    /// Names of its network interfaces.
    fn interfaces(&self) -> Vec<String>;

    /// A file, symbolic links followed; `None` when there is none.
    fn file(&self, path: &Path) -> Option<FileFacts>;

    /// The first bytes of a file, at most `most`.
    fn head(&self, path: &Path, most: usize) -> Option<Vec<u8>>;

    /// Where a bare program name is found on the path that scripts get.
    fn program(&self, name: &str) -> Option<PathBuf>;

    /// A user by name; keepalived takes no numbers.
    fn user(&self, name: &str) -> Option<User>;

    /// The number of a group by name.
    fn group(&self, name: &str) -> Option<u32>;
}
