//! Gratuitous ARP and unsolicited neighbour advertisements: `garp_*`, `garp_group`.

use serde::{Deserialize, Serialize};
use std::time::Duration;

/// `garp_*` of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Garp {
    /// `garp_master_delay`: second burst this long after the first; 5 s, zero is no second burst.
    pub master_delay: Duration,
    /// `garp_master_repeat`: packets an address in a burst, 5.
    pub master_repeat: u32,
    /// `garp_master_refresh`: bursts while master, this far apart; zero is none.
    pub refresh: Duration,
    /// `garp_master_refresh_repeat`: packets an address in a refresh, 1.
    pub refresh_repeat: u32,
    /// `garp_lower_prio_delay`: second burst after a lower-priority advertisement; when
    /// absent that of `global_defs`, and `master_delay` there.
    pub lower_prio_delay: Duration,
    /// `garp_lower_prio_repeat`: when absent that of `global_defs`, and `master_repeat` there.
    pub lower_prio_repeat: u32,
    /// `garp_extra_if`.
    pub extra: Option<ExtraGarp>,
}

impl Default for Garp {
    fn default() -> Self {
        Self {
            master_delay: Duration::from_secs(5),
            master_repeat: 5,
            refresh: Duration::ZERO,
            refresh_repeat: 1,
            lower_prio_delay: Duration::from_secs(5),
            lower_prio_repeat: 5,
            extra: None,
        }
    }
}

/// `garp_extra_if`, formerly `vmac_garp_intvl`: keeps switches in mind of addresses that are not on
/// the interface that advertises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExtraGarp {
    /// Time between them, 1 to 86400 s.
    pub interval: Duration,
    /// `all`: on every other interface of an address, not on VMACs alone.
    pub all: bool,
}

/// `garp_group { … }`: interfaces that share one pause between packets. At least one pause is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GarpGroup {
    /// `garp_interval`.
    pub garp_interval: Option<Duration>,
    /// `gna_interval`.
    pub gna_interval: Option<Duration>,
    /// `interface` and `interfaces`: each in one group at most.
    pub interfaces: Vec<String>,
}
