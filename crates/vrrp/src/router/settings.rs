//! What does not change while a router runs.

use crate::{Centiseconds, Version};
use std::net::IpAddr;
use std::time::Duration;

/// What happens when a master of lower priority is heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preempt {
    /// It is replaced.
    Always,
    /// It stays: `nopreempt`.
    Never,
    /// It is replaced when it has been heard for so long: `preempt_delay`.
    After(Duration),
}

/// How gratuitous ARPs are repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Garp {
    /// The second burst comes this long after the transition; zero is none.
    pub delay: Duration,
    /// Bursts while master come this far apart; zero is none.
    pub refresh: Duration,
    /// The second burst after a lower-priority master was heard; zero is none.
    pub lower_delay: Duration,
    /// Whether there is a burst at all when a lower-priority master was heard.
    pub lower: bool,
}

/// What does not change while a router runs, except by [`Router::reconfigure`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The version of the protocol.
    pub version: Version,
    /// Base priority, 1 to 255; 255 owns the addresses and never changes.
    pub priority: u8,
    /// The interval between advertisements.
    pub interval: Centiseconds,
    /// `state MASTER`: matters to an owner only, which then does not wait at the start.
    pub starts_as_master: bool,
    /// `down_timer_adverts`: how many advertisements may be missed, 1 to 100; 3 in the RFCs.
    pub down_timer_adverts: u8,
    /// `lower_prio_no_advert`: a lower-priority master is not answered with an advertisement.
    pub lower_prio_no_advert: bool,
    /// `higher_prio_send_advert`: a higher-priority master is told of us before we step down, so
    /// that it renews the ARP caches that we have spoilt.
    pub higher_prio_send_advert: bool,
    /// `owner_ignore_adverts`: an address owner listens to nobody.
    pub owner_ignore_adverts: bool,
    /// Whether it belongs to a sync group: then it becomes master by [`Event::Promote`] only.
    pub grouped: bool,
    /// Preemption of lower-priority masters.
    pub preempt: Preempt,
    /// The source of our advertisements; decides between equal priorities.
    pub source: IpAddr,
    /// Repetition of gratuitous ARPs.
    pub garp: Garp,
}

impl Settings {
    /// What the RFCs describe, with none of keepalived's options; gratuitous ARPs as keepalived's
    /// defaults.
    pub fn plain(version: Version, priority: u8, interval: Centiseconds, source: IpAddr) -> Self {
        let delay = Duration::from_secs(5);
        Self {
            version,
            priority,
            interval,
            starts_as_master: false,
            down_timer_adverts: 3,
            lower_prio_no_advert: false,
            higher_prio_send_advert: false,
            owner_ignore_adverts: false,
            grouped: false,
            preempt: Preempt::Always,
            source,
            garp: Garp { delay, refresh: Duration::ZERO, lower_delay: delay, lower: true },
        }
    }
}
