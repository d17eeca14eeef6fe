//! Commands: `script`, `notify_…`, `startup_script`, `shutdown_script`.

use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// A user and, when written, a group.
pub type User = (String, Option<String>);

/// How a command written in the file is to be started.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Command {
    /// Started directly, as keepalived does: program and arguments, split as keepalived splits them.
    Exec(Vec<String>),
    /// The line uses words of a shell (`[[`, `&&`, `|`, `;`, `>`, `$(`…): it is given to one.
    Shell {
        /// Which shell the words need.
        shell: Shell,
        /// The line as written.
        line: String,
    },
    /// `</path`: succeeds when the file can be opened for reading.
    FileOpens(PathBuf),
}

/// A shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Shell {
    /// `/bin/sh`.
    Posix,
    /// `bash` where it exists, because the line uses its words; else `/bin/sh`.
    Bash,
}

/// A notify script: the command, and the user it runs as when written after it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NotifyScript {
    /// What to start.
    pub command: Command,
    /// User and group; those of `script_user` when absent.
    pub user: Option<User>,
}

/// `startup_script` or `shutdown_script` with its limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimedScript {
    /// What to start.
    pub script: NotifyScript,
    /// `…_script_timeout`, 10 s when absent.
    pub timeout: Duration,
}

/// Scripts called on a change of state, of an instance or a sync group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notify {
    /// `notify_master`.
    pub master: Option<NotifyScript>,
    /// `notify_backup`.
    pub backup: Option<NotifyScript>,
    /// `notify_fault`.
    pub fault: Option<NotifyScript>,
    /// `notify_stop`.
    pub stop: Option<NotifyScript>,
    /// `notify`: called as `SCRIPT INSTANCE NAME STATE PRIORITY`, or with `GROUP`.
    pub any: Option<NotifyScript>,
    /// Whether `notify_deleted` is written, with a script or not: a reload that removes the instance
    /// is told as DELETED instead of FAULT.
    pub tell_deleted: bool,
    /// The script of `notify_deleted`.
    pub deleted: Option<NotifyScript>,
    /// `notify_master_rx_lower_pri`: a master heard a lower priority. Instances only.
    pub lower_priority: Option<NotifyScript>,
}
