//! `vrrp_sync_group` and `track_group`.

use super::{Conditions, Notify};
use serde::{Deserialize, Serialize};

/// `vrrp_sync_group NAME { … }`: instances that change state together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncGroup {
    /// The name after `vrrp_sync_group`.
    pub name: String,
    /// `group`: names of instances of this configuration, each in one group at most; never empty.
    pub members: Vec<String>,
    /// `track_interface`, `track_script`, `track_file`, `track_process`, `track_bfd`: for every
    /// member. Without weights when a member is the address owner.
    pub track: Conditions,
    /// `sync_group_tracking_weight` or `global_tracking`: what members track by themselves keeps its
    /// weight. Else it has none in the model either: interfaces have weight 0, and what else had one
    /// is not tracked.
    pub member_weights: bool,
    /// Notify scripts, called with `GROUP`.
    pub notify: Notify,
    /// `smtp_alert` here or in `global_defs`.
    pub smtp_alert: bool,
    /// `notify_priority_changes` for members that do not say otherwise; `None` leaves it to `global_defs`.
    pub notify_priority_changes: Option<bool>,
}

/// `track_group NAME { … }`: instances that static addresses, routes and rules matter to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackGroup {
    /// The name after `track_group`.
    pub name: String,
    /// `group`: names of instances of this configuration; never empty.
    pub members: Vec<String>,
}
