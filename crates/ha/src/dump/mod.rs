//! What signals make keepalived write to files: its data, its counters and its JSON, in its layout, so
//! that what reads those files can read ours. Labels are those of 2.2.7, and of 2.4.3 where that has
//! more; passwords are never shown, as in 2.4.3.
//!
//! The supervisor writes the files; see [`crate::message::In::Dump`].

mod global;
mod interfaces;
mod json;
mod objects;
mod statistics;
mod topology;
mod words;

pub use global::global;

use crate::instance::Instance;
use crate::message::Dump;
use crate::network::Network;
use crate::tracking::Tracking;
use keepalived_conf::model::{Config, SyncGroup};
use netlink::Link;
use statistics::Statistics;
use std::collections::BTreeMap;
use std::time::Duration;
use vrrp::{State, Time};

/// Writes a line to a string, which cannot fail.
macro_rules! line {
    ($to:expr, $($words:tt)*) => {{
        use std::fmt::Write as _;
        let _ = writeln!($to, $($words)*);
    }};
}
use line;

/// What dumps need beside the state of the process.
#[derive(Debug, Default)]
pub(crate) struct Dumps {
    config: Config,
    /// Counters of each instance when they were last cleared.
    cleared: BTreeMap<String, Statistics>,
    /// When the process was configured first.
    started: Option<Time>,
}

/// The state of the process at one moment.
#[derive(Clone, Copy)]
pub(crate) struct Moment<'a> {
    pub(crate) now: Time,
    /// The time since 1970.
    pub(crate) wall: Duration,
    pub(crate) instances: &'a [Instance],
    pub(crate) groups: &'a [(&'a SyncGroup, State)],
    pub(crate) tracking: &'a Tracking,
    pub(crate) network: &'a Network,
}

impl Moment<'_> {
    /// Seconds since 1970 at a time of the clock of deadlines.
    fn wall_at(&self, at: Time) -> Duration {
        if at >= self.now {
            self.wall + at.since(self.now)
        } else {
            self.wall.saturating_sub(self.now.since(at))
        }
    }

    /// An interface as lines of addresses name it: a macvlan or ipvlan with what it lies on.
    fn place(&self, interface: &str) -> String {
        let interfaces = &self.network.interfaces;
        let lies_on_another =
            |link: &&Link| matches!(link.kind.as_deref(), Some("macvlan" | "macvtap" | "ipvlan"));
        let link = interfaces.link(interface).filter(lies_on_another);
        match link.and_then(|link| interfaces.link_at(link.parent?)) {
            Some(parent) => format!("{interface}@{}", parent.name),
            None => interface.to_owned(),
        }
    }
}

impl Dumps {
    /// Takes another configuration.
    pub(crate) fn configure(&mut self, now: Time, config: &Config) {
        self.config.clone_from(config);
        self.started.get_or_insert(now);
        self.cleared.retain(|name, _| config.instances.iter().any(|instance| instance.name == *name));
    }

    /// The configuration as it was sent.
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// When the process was configured first.
    pub(crate) fn started(&self) -> Option<Time> {
        self.started
    }

    /// The text of a dump; empty for one that keepalived would not write.
    pub(crate) fn text(&mut self, kind: Dump, moment: &Moment<'_>) -> String {
        match kind {
            Dump::Data | Dump::Reload { .. } => self.data(moment),
            Dump::Statistics => self.statistics(moment),
            Dump::StatisticsAndClear => {
                let text = self.statistics(moment);
                let counted = |instance: &Instance| (instance.config.name.clone(), Statistics::of(instance));
                self.cleared = moment.instances.iter().map(counted).collect();
                text
            }
            Dump::Json if moment.instances.is_empty() => String::new(),
            Dump::Json => json::text(self, moment),
        }
    }

    fn data(&self, moment: &Moment<'_>) -> String {
        let mut text = global(&self.config, true);
        topology::write(self, moment, &mut text);
        objects::write(&self.config, moment, &mut text);
        interfaces::write(&self.config, moment, &mut text);
        text
    }

    fn statistics(&self, moment: &Moment<'_>) -> String {
        let mut text = String::new();
        for instance in moment.instances {
            self.counted(instance).write(&instance.config.name, &mut text);
        }
        text
    }

    /// What an instance has counted since the counters were cleared.
    fn counted(&self, instance: &Instance) -> Statistics {
        let now = Statistics::of(instance);
        self.cleared.get(&instance.config.name).map_or(now, |before| now.since(before))
    }

    /// When an instance changed its state last, or the process began.
    fn last_transition(&self, instance: &Instance, moment: &Moment<'_>) -> Duration {
        let since = instance.router.since();
        moment.wall_at(since.max(self.started.unwrap_or(since)))
    }
}
