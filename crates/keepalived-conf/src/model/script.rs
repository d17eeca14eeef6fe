//! What can be tracked: `vrrp_script`, `vrrp_track_process`, `track_file`.

use super::{Command, TrackWeight, User};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;
use std::time::Duration;

/// `vrrp_script NAME { … }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VrrpScript {
    /// The name after `vrrp_script`.
    pub name: String,
    /// `script`.
    pub command: Command,
    /// `interval`, 1 s when absent.
    pub interval: Duration,
    /// `timeout`; the interval when absent.
    pub timeout: Duration,
    /// `weight`: −253 to 253; 0 puts the instance in FAULT while the script fails.
    pub weight: i32,
    /// `weight N reverse`.
    pub reverse: bool,
    /// `rise`: successes needed to count as up, 1 when absent.
    pub rise: u32,
    /// `fall`: failures needed to count as down, 1 when absent.
    pub fall: u32,
    /// `init_fail`: counts as failed until `rise` successes.
    pub init_fail: bool,
    /// `user`.
    pub user: Option<User>,
}

/// `vrrp_track_process NAME { … }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackProcess {
    /// The name after `vrrp_track_process`.
    pub name: String,
    /// `process`: the program, as named in `/proc/PID/comm` (its first 15 bytes) or, with
    /// `full_command`, as the first word of `/proc/PID/cmdline`.
    pub program: String,
    /// The further words of `process`.
    pub parameters: Vec<String>,
    /// Whether and how parameters are compared.
    pub matching: ParameterMatch,
    /// `full_command`, also when parameters are compared: the command line counts, not `comm`.
    pub full_command: bool,
    /// `weight` while too few or too many run; 0 puts the instance in FAULT.
    pub weight: TrackWeight,
    /// `quorum`: how many have to run, 1 when absent; 0 only beside `quorum_max 0`.
    pub quorum: u32,
    /// `quorum_max`: how many may run; any number when absent.
    pub quorum_max: Option<u32>,
    /// `terminate_delay` or `delay`: how long after an end it counts.
    pub terminate_delay: Duration,
    /// `fork_delay` or `delay`: how long after a start it counts.
    pub fork_delay: Duration,
}

/// `param_match`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ParameterMatch {
    /// Parameters do not matter.
    #[default]
    Ignored,
    /// Exactly these: when parameters are written, or `param_match` alone.
    Exact,
    /// `initial`: these come first, and the last may be only the beginning of a word.
    Initial,
    /// `partial`: these come first; more may follow.
    Partial,
}

/// `track_file NAME { … }`: the number in a file, times the weight, is added to the priority.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackFile {
    /// The name after `track_file`.
    pub name: String,
    /// `file`.
    pub path: PathBuf,
    /// `weight`, −254 to 254, 1 when absent; 0 puts the instance in FAULT while the number is not 0.
    pub weight: TrackWeight,
    /// `init_file`.
    pub init: Option<TrackFileInit>,
}

/// `init_file [VALUE] [overwrite]`: the file is written at start, not at a reload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackFileInit {
    /// The number, 0 when absent.
    pub value: i32,
    /// `overwrite`: also when the file is there.
    pub overwrite: bool,
}
