//! What a router is told and what it wants done.

use crate::{Line, Received};

/// Where a virtual router stands. RFC 3768 §6.4, and keepalived's FAULT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Not started, stopped, or waiting for the first results of its scripts.
    Init,
    /// Listening to a master.
    Backup,
    /// Serving the addresses.
    Master,
    /// Unable to serve.
    Fault,
}

impl State {
    /// keepalived's word for it, as in logs and notify scripts.
    pub fn word(self) -> &'static str {
        match self {
            State::Init => "INIT",
            State::Backup => "BACKUP",
            State::Master => "MASTER",
            State::Fault => "FAULT",
        }
    }
}

/// Whether a router may take part in the election.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// A script it depends on has not answered yet.
    Waiting,
    /// It may.
    Fit,
    /// An interface is down or a script without weight fails.
    Unfit,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Take part.
    Start {
        /// What tracking says at present.
        standing: Standing,
        /// The state of a predecessor that ended without stopping; its addresses are still there.
        restored: Option<State>,
    },
    /// An advertisement passed [`crate::receive::check`].
    Advertisement(Received),
    /// Tracking wants another effective priority; clamped to 1..=254.
    Priority(i32),
    /// Something makes serving impossible.
    Fault,
    /// Nothing makes serving impossible any more, or the first script results are in.
    Recovered,
    /// The sync group lets it become master.
    Promote,
    /// The sync group steps back.
    Demote,
    /// A master of our own kind steps down and names us as its successor: do not wait.
    HandOver,
    /// Leave the group.
    Stop,
    /// A deadline may have passed.
    Timer,
}

/// Why a router became master. RFC 6527 §4, vrrpv3StatisticsNewMasterReason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MasterReason {
    /// The master before gave the addresses up, with priority 0 or by naming us.
    Released,
    /// It preempted a master of lower priority, or owns the addresses.
    Preempted,
    /// No master was heard.
    NoResponse,
}

/// Which burst of gratuitous ARPs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Burst {
    /// After becoming master: `garp_master_repeat` packets an address.
    Master,
    /// After a lower-priority advertisement: `garp_lower_prio_repeat`.
    Lower,
    /// While master: `garp_master_refresh_repeat`.
    Refresh,
    /// Somebody asked for it: one packet an address.
    Asked,
}

/// What is to be done, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send an advertisement with this priority; 0 steps down.
    Advertise(u8),
    /// Make the addresses ours. Those that are there already stay.
    Install,
    /// Give the addresses up. Those that are not there are no error.
    Remove,
    /// Announce the addresses by gratuitous ARPs.
    Announce(Burst),
    /// Tell the notify scripts; `Init` is a stop.
    Notify(State),
    /// Tell `notify_master_rx_lower_pri`.
    HeardLower,
    /// Write to the log.
    Log(Line),
}

/// What a router has counted since it was made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Advertisements sent, those of priority 0 included.
    pub sent: u64,
    /// Advertisements accepted by the checks and heard in Backup or Master.
    pub received: u64,
    /// Times it became master.
    pub became_master: u64,
    /// Times it left Master.
    pub released_master: u64,
    /// Priority 0 sent.
    pub releases_sent: u64,
    /// Priority 0 received.
    pub releases_received: u64,
    /// As a master, advertisements of lower priority heard: each means two masters for a moment.
    pub lower_heard: u64,
}
