//! What the supervisor and the runner process tell each other.

use ha::message::{Mail, NotifyCommand, ScriptOutcome};
use keepalived_conf::model::{Global, VrrpScript};
use serde::{Deserialize, Serialize};

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
        commands: Vec<NotifyCommand>,
    },
    /// Send a mail to the addressees of `global_defs`.
    Mail(Mail),
    /// Give notifications and mail under way a moment to end, then end.
    Stop,
}

/// What to run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Configure {
    /// Mail settings, `script_user`, `enable_script_security`.
    pub global: Global,
    /// The scripts that an instance tracks.
    pub scripts: Vec<VrrpScript>,
}

/// To the supervisor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum FromRunner {
    /// A run of a tracked script ended.
    Result {
        /// Name of the `vrrp_script`.
        script: String,
        /// How it ended.
        outcome: ScriptOutcome,
    },
}
