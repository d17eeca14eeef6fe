//! What the supervisor and the runner process tell each other.

use keepalived_conf::model::{Command, Global, VrrpScript};
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// From the supervisor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToRunner {
    /// What to run; replaces what was there. Tracked scripts that did not change keep their rhythm.
    Configure(Box<Configure>),
    /// Start these commands one after the other; those of one `instance` never overlap, those of
    /// different ones may.
    Notify {
        /// Name of the instance whose state changed.
        instance: String,
        /// The commands, in order.
        tasks: Vec<Task>,
    },
    /// Start this and answer with [`FromRunner::Ran`] when it is over, after `limit` at the latest.
    Run {
        /// What to start.
        task: Task,
        /// How long it may take.
        limit: Duration,
    },
    /// Send a mail to the addressees of `global_defs`.
    Mail(Mail),
    /// Give notifications and mail under way a moment to end, then end.
    Stop {
        /// What is started once notifications have ended or had their moment, and how long it may take.
        last: Option<(Task, Duration)>,
    },
}

/// What to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Configure {
    /// Mail settings, `script_user`, `enable_script_security`.
    pub global: Global,
    /// The scripts that an instance tracks.
    pub scripts: Vec<VrrpScript>,
    /// Scripts that read FIFOs and run as long as those are there, each with the path of its FIFO as
    /// the last argument.
    pub readers: Vec<Task>,
}

/// A command to start once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// What to start.
    pub command: Command,
    /// User and group; those of `script_user` when absent.
    pub user: Option<(String, Option<String>)>,
    /// Appended to the command's own arguments.
    pub arguments: Vec<String>,
}

/// A mail.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Mail {
    /// Its subject; an empty pair of brackets in front is filled with the host's name.
    pub subject: String,
    /// Its text.
    pub body: String,
}

/// To the supervisor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromRunner {
    /// A run of a tracked script ended.
    Result {
        /// Name of the `vrrp_script`.
        script: String,
        /// How it ended.
        outcome: Outcome,
    },
    /// What [`ToRunner::Run`] started is over, or could not be started; the log says how.
    Ran,
}

/// How a run of a script ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// With this exit status; 0 is success.
    Exited(i32),
    /// By this signal, not ours.
    Signalled(i32),
    /// It was killed after `timeout`.
    TimedOut,
    /// It could not be started, and why.
    NotRunnable(String),
}
