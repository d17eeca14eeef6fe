//! `track_interface`, `track_script`, `track_file`, `track_process`, `track_bfd`.

use serde::{Deserialize, Serialize};

/// `weight` of a tracked object inside an instance or sync group.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackWeight {
    /// −253 to 253, for files and processes −254 to 254; 0 means FAULT on failure.
    pub weight: i32,
    /// `reverse`: swaps the meaning of up and down.
    pub reverse: bool,
}

/// An entry of `track_script`, `track_file`, `track_process` or `track_bfd`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tracked {
    /// Name of an object of this configuration; always defined.
    pub name: String,
    /// The weight written here, else the object's own.
    pub weight: TrackWeight,
}

/// An entry of `track_interface`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackInterface {
    /// Interface name.
    pub interface: String,
    /// 0 when not written: the instance is in FAULT while the interface is down.
    pub weight: TrackWeight,
}

/// Everything a sync group tracks for its members.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conditions {
    /// `track_interface`.
    pub interfaces: Vec<TrackInterface>,
    /// `track_script`.
    pub scripts: Vec<Tracked>,
    /// `track_file`.
    pub files: Vec<Tracked>,
    /// `track_process`.
    pub processes: Vec<Tracked>,
    /// `track_bfd`.
    pub bfd: Vec<Tracked>,
}
