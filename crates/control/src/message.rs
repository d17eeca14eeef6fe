//! What the supervisor and the control process tell each other.

use ha::message::{Dump, InstanceStatus, Occasion, Refusal, Subject, Surroundings};
use keepalived_conf::model::Config;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// The priority of an address owner. RFC 3768 §5.3.4.
pub(crate) const OWNER: u8 = 255;

/// From the supervisor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ToControl {
    /// What there is to tell of; replaces what was there.
    Configure(Box<Configure>),
    /// How everything stands: the answer to [`FromControl::AskState`], and sometimes unasked.
    State(State),
    /// An instance or group changed just now.
    Changed(Change),
    /// An instance refused a packet just now.
    Refused(Refusal),
    /// A reload is in force; its [`ToControl::Configure`] came before.
    Reloaded,
    /// A file that was asked for is written.
    Written(Dump),
    /// The answer to [`FromControl::Connect`]: the way there, or why there is none.
    Way(Daemon, Result<Way, String>),
    /// Say goodbye and end.
    Stop,
}

/// How to get to a daemon.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Way {
    /// Over the socket that comes along; the supervisor has connected it.
    Socket,
    /// Connect to this path as whom you are.
    Path(PathBuf),
}

/// What there is to tell of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Configure {
    /// The configuration in force, without its secrets.
    pub config: Config,
    /// Name of the host.
    pub host_name: String,
    /// Version of this program.
    pub version: String,
}

/// How everything stands.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {
    /// The instances, in the order of the configuration.
    pub instances: Vec<InstanceStatus>,
    /// What is around them.
    pub surroundings: Surroundings,
}

/// A change as it happens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change {
    /// Instance or group.
    pub subject: Subject,
    /// Its name.
    pub name: String,
    /// What happened.
    pub occasion: Occasion,
    /// Its effective priority; 0 for a group.
    pub priority: u8,
}

/// To the supervisor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FromControl {
    /// Answer with [`ToControl::State`]. There is no answer while the vrrp process is away.
    AskState,
    /// Do this, as an operator could.
    Act(Act),
    /// Change this until the next reload; what is refused here changes nothing.
    Adjust(Adjustment),
    /// Answer with [`ToControl::Way`].
    Connect(Daemon),
}

/// A number of an instance that managers may change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Adjustment {
    /// Name of the instance.
    pub instance: String,
    /// What changes.
    pub setting: Setting,
}

impl Adjustment {
    /// Makes the change in a configuration. Says whether there is a difference: not where it may not
    /// be made, and not where it was made before.
    pub fn apply(&self, config: &mut Config) -> bool {
        let mut instances = config.instances.iter_mut();
        let Some(instance) = instances.find(|known| known.name == self.instance) else { return false };
        match self.setting {
            // An owner is one by its configuration, on which more depends.
            Setting::Priority(0 | OWNER) => false,
            Setting::Priority(_) if instance.priority == OWNER => false,
            Setting::Priority(to) => std::mem::replace(&mut instance.priority, to) != to,
            Setting::Preempt(to) => std::mem::replace(&mut instance.nopreempt, !to) == to,
        }
    }
}

/// What managers may change of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Setting {
    /// `priority`, 1 to 254, of one that is no address owner.
    Priority(u8),
    /// Not `nopreempt`.
    Preempt(bool),
}

/// What other programs may have done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Act {
    /// Read keepalived.conf again.
    Reload,
    /// Write the vrrp process's part of what a signal asks for, and answer with [`ToControl::Written`].
    Dump(Dump),
    /// Announce the addresses of an instance once more, if it is master.
    Announce {
        /// Its name.
        instance: String,
    },
}

/// A daemon that knows its clients by the user who connects. Where it listens is the supervisor's to
/// know, and who connects its to decide: a path in a question would let whoever has taken this process
/// over reach any socket of root's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Daemon {
    /// D-Bus's system bus: the socket of `$DBUS_SYSTEM_BUS_ADDRESS`, or the usual one.
    SystemBus,
    /// SNMP's master agent: the socket of `snmp_socket`, or the usual one.
    AgentX,
}

impl std::fmt::Display for Daemon {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::SystemBus => "the system bus",
            Self::AgentX => "the SNMP master agent",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keepalived_conf::model::VrrpInstance;

    #[test]
    fn only_what_may_and_does_change_is_a_change() {
        let named = |name: &str, priority| VrrpInstance {
            name: name.to_owned(),
            priority,
            ..VrrpInstance::default()
        };
        let instances = vec![named("A", 100), named("Owner", 255)];
        let mut config = Config { instances, ..Config::default() };
        let mut apply = |name: &str, setting| {
            let changed = Adjustment { instance: name.to_owned(), setting }.apply(&mut config);
            (changed, config.instances[0].priority, config.instances[0].nopreempt)
        };
        assert_eq!(apply("A", Setting::Priority(150)), (true, 150, false));
        assert_eq!(apply("A", Setting::Priority(150)), (false, 150, false));
        assert_eq!(apply("A", Setting::Preempt(false)), (true, 150, true));
        assert_eq!(apply("A", Setting::Preempt(false)), (false, 150, true));
        for priority in [0, 255] {
            assert_eq!(apply("A", Setting::Priority(priority)), (false, 150, true));
        }
        assert!(!apply("Owner", Setting::Priority(100)).0 && !apply("B", Setting::Preempt(true)).0);
        assert_eq!(config.instances[1].priority, 255);
    }
}
