//! What the supervisor and the vrrp process tell each other.

mod surroundings;

pub use surroundings::{Faults, Link, MasterReason, ProtocolError, Refusal, Surroundings};

use keepalived_conf::model::{Command, Config};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::time::Duration;

/// Of the messages' shape: a program that was upgraded understands what a process of the one before it
/// says if that has the same.
pub const VERSION: u32 = 1;

/// From the supervisor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum In {
    /// The first message: what to do, and what a predecessor that crashed was doing.
    Configure {
        /// The configuration.
        config: Config,
        /// Empty at an ordinary start; else the last [`Out::Remember`] of the predecessor.
        restored: Memory,
        /// When the predecessor last showed a sign of life, counted from the machine's start; `None` when
        /// there is none or it lives on until [`Out::Ready`].
        #[serde(default)]
        silent_since: Option<Duration>,
    },
    /// Another configuration for the running process. What did not change goes on undisturbed.
    Reload {
        /// The configuration.
        config: Config,
    },
    /// The configuration, in which a manager has changed a number of an instance: as a reload, but
    /// nobody is told.
    Adjust {
        /// The configuration.
        config: Config,
    },
    /// A run of a `vrrp_script` ended.
    ScriptResult {
        /// Name of the `vrrp_script`.
        script: String,
        /// How it ended.
        outcome: ScriptOutcome,
    },
    /// Whether the proxy of this program serves, when there is one: told at the start and on a change.
    Proxy {
        /// It does.
        serves: bool,
    },
    /// Answer with [`Out::Status`].
    StatusRequest,
    /// Answer with [`Out::Dump`].
    Dump(Dump),
    /// Announce the addresses of an instance once more, if it is master.
    Announce {
        /// Its name.
        instance: String,
    },
    /// Step down, give the addresses up, and end.
    Stop,
}

/// To the supervisor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Out {
    /// The configuration is in force; sent once for each [`In::Configure`], [`In::Reload`] and
    /// [`In::Adjust`].
    Ready,
    /// An instance or group changed its state: start these commands in this order.
    Notify(Notification),
    /// A line for the FIFOs only, its line end included: a state that a reload has left as it was.
    FifoLine(String),
    /// A mail is to be sent, to the addressees of `global_defs`.
    Mail(Mail),
    /// The answer to [`In::StatusRequest`]: the instances in the order of the configuration, and what
    /// is around them.
    Status(Vec<InstanceStatus>, Surroundings),
    /// An instance refused a packet; told once a minute for each reason.
    Refused(Refusal),
    /// The answer to [`In::Dump`]: the text of the file, empty when none is to be written.
    Dump(Dump, String),
    /// To be kept and given to a successor if this process crashes. Each replaces the one before.
    Remember(Memory),
    /// `max_auto_priority`: timers fire late, and this real-time priority is to help. Only when the
    /// process may not give it to itself.
    Raise(u8),
}

/// What a signal makes keepalived write to a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Dump {
    /// SIGUSR1, `keepalived.data`: settings and states.
    Data,
    /// SIGUSR2, `keepalived.stats`: counters.
    Statistics,
    /// SIGRTMAX-1: the same; then all of them begin at 0.
    StatisticsAndClear,
    /// SIGRTMIN+2, `keepalived.json`.
    Json,
    /// `config_save_dir`: what [`Dump::Data`] has, before or after the reload of this number.
    Reload {
        /// Counted from the start of the program.
        number: u32,
        /// Whether the reload is over.
        over: bool,
    },
}

/// What outlives a crash of the process.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Memory {
    /// State of each instance by name.
    pub instances: Vec<(String, InstanceState)>,
    /// Whether each script that has answered is up, by name.
    pub scripts: Vec<(String, bool)>,
    /// Whether enough of each tracked process run, by name.
    pub processes: Vec<(String, bool)>,
    /// Whether the neighbour of each BFD session can be reached, by name.
    pub bfd: Vec<(String, bool)>,
    /// Settings of interfaces that were changed: interface, name, and what each was before.
    pub settings: Vec<(String, String, i32)>,
    /// Of each master with authentication headers, by name: the sequence number up to which all may
    /// have been used.
    #[serde(default)]
    pub sequences: Vec<(String, u32)>,
}

/// How a run of a script ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ScriptOutcome {
    /// With this exit status; 0 is success.
    Exited(i32),
    /// By this signal, not ours.
    Signalled(i32),
    /// It was killed after `timeout`.
    TimedOut,
    /// It could not be started, and why.
    NotRunnable(String),
}

/// The state of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum InstanceState {
    /// Waiting for the first results of its scripts.
    Init,
    /// Listening to a master.
    Backup,
    /// Serving the addresses.
    Master,
    /// Unable to serve.
    Fault,
    /// Stopped or removed.
    Stop,
}

impl InstanceState {
    /// keepalived's word, as in its FIFO lines and the third argument of `notify` scripts.
    pub fn word(self) -> &'static str {
        match self {
            InstanceState::Init => "INIT",
            InstanceState::Backup => "BACKUP",
            InstanceState::Master => "MASTER",
            InstanceState::Fault => "FAULT",
            InstanceState::Stop => "STOP",
        }
    }
}

/// What a notification is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Subject {
    /// A `vrrp_instance`.
    Instance,
    /// A `vrrp_sync_group`.
    Group,
}

impl Subject {
    /// keepalived's word, as in its FIFO lines and the first argument of `notify` scripts.
    pub fn word(self) -> &'static str {
        match self {
            Subject::Instance => "INSTANCE",
            Subject::Group => "GROUP",
        }
    }
}

/// What scripts are told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Occasion {
    /// A state was entered.
    State(InstanceState),
    /// A reload removed the instance or group.
    Deleted,
    /// A master heard a lower priority.
    LowerHeard,
    /// The priority changed in this state.
    Priority(InstanceState),
}

impl Occasion {
    /// keepalived's word, as in its FIFO lines and the third argument of `notify` scripts.
    pub fn word(self) -> &'static str {
        match self {
            Occasion::State(state) => state.word(),
            Occasion::Deleted => "DELETED",
            Occasion::LowerHeard => "MASTER_RX_LOWER_PRI",
            Occasion::Priority(InstanceState::Master) => "MASTER_PRIORITY",
            Occasion::Priority(_) => "BACKUP_PRIORITY",
        }
    }
}

/// Something that scripts and FIFOs are told of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notification {
    /// Instance or group.
    pub subject: Subject,
    /// Its name.
    pub name: String,
    /// What happened.
    pub occasion: Occasion,
    /// Its effective priority; 0 for a group.
    pub priority: u8,
    /// Commands to start, first `notify_…`, then `notify`; none when none is configured.
    pub commands: Vec<NotifyCommand>,
}

impl Notification {
    /// The line that FIFOs get, its line end included: `INSTANCE "VI_1" MASTER 100`.
    pub fn fifo_line(&self) -> String {
        let Self { subject, name, occasion, priority, .. } = self;
        format!("{} \"{name}\" {} {priority}\n", subject.word(), occasion.word())
    }
}

/// One command of a notification.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NotifyCommand {
    /// What to start.
    pub command: Command,
    /// User and group; those of `script_user` when absent.
    pub user: Option<(String, Option<String>)>,
    /// To be appended: `INSTANCE NAME STATE PRIORITY` for `notify` (`GROUP` for groups), nothing for
    /// the others.
    pub arguments: Vec<String>,
}

/// A mail in keepalived's words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// Name of the instance.
    pub instance: String,
    /// `[ROUTER_ID] VRRP Instance NAME - Entering MASTER state`; without a router_id the host's name
    /// is to be put into the empty brackets.
    pub subject: String,
    /// One line.
    pub body: String,
}

/// How an instance stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InstanceStatus {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: InstanceState,
    /// How long it has been in it.
    pub since: Duration,
    /// What brought it there.
    pub why: String,
    /// The priority of the configuration.
    pub base_priority: u8,
    /// The priority it advertises.
    pub priority: u8,
    /// What changed the priority or causes a fault, as in `script chk_nginx failed: -20`.
    pub effects: Vec<String>,
    /// Its addresses with prefix, the excluded ones last.
    pub addresses: Vec<String>,
    /// The interface that each of these addresses is, or would be, on.
    pub places: Vec<String>,
    /// Whether each of these addresses is there.
    pub present: Vec<bool>,
    /// As a master, whether each of its routes is there; else empty, as is the next.
    pub routes: Vec<bool>,
    /// The same of rules.
    pub rules: Vec<bool>,
    /// Its interface.
    pub interface: String,
    /// The interface that its packets concern: the virtual one, if it has one.
    pub own_interface: String,
    /// Its number.
    pub vrid: u8,
    /// Source address of its advertisements; `None` while there is none.
    pub source: Option<IpAddr>,
    /// Its interval.
    pub advert_int: Duration,
    /// The state it would be in if its sync group let it.
    pub wanted: InstanceState,
    /// For how long it has been configured.
    pub age: Duration,
    /// Why it became master last, if it ever did.
    pub master_reason: Option<MasterReason>,
    /// What was wrong with the last packet that RFC 6527 has a number for.
    pub protocol_error: Option<ProtocolError>,
    /// What it has counted.
    pub counters: Counters,
    /// Packets refused, by keepalived's counters.
    pub faults: Faults,
    /// Packets refused, by reason.
    pub rejected: Vec<(String, u64)>,
    /// The other router last heard as master.
    pub master: Option<MasterSeen>,
    /// As a master: backups of our kind that have answered lately, one of which follows at a stop.
    pub successors: Vec<IpAddr>,
    /// The last sign of a router that is configured differently but uses the same number.
    pub conflict: Option<Conflict>,
}

/// Counters since the start of the process.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Advertisements sent, priority 0 included.
    pub sent: u64,
    /// Advertisements accepted.
    pub received: u64,
    /// Times it became master.
    pub became_master: u64,
    /// Times it left that state.
    pub released_master: u64,
    /// Priority 0 sent.
    pub releases_sent: u64,
    /// Priority 0 received.
    pub releases_received: u64,
    /// Advertisements of a lower priority heard while master: moments with two masters.
    pub lower_heard: u64,
}

/// A master heard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MasterSeen {
    /// Its address.
    pub address: IpAddr,
    /// Its priority.
    pub priority: u8,
    /// How long ago.
    pub ago: Duration,
}

/// A router that does not fit ours.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Conflict {
    /// Its address.
    pub source: IpAddr,
    /// What does not fit, in keepalived's words.
    pub what: String,
    /// How long ago.
    pub ago: Duration,
    /// How many such packets since the start.
    pub count: u64,
}

impl From<ScriptOutcome> for vrrp::tracking::Outcome {
    fn from(outcome: ScriptOutcome) -> Self {
        match outcome {
            ScriptOutcome::Exited(status) => Self::Exited(status),
            ScriptOutcome::Signalled(signal) => Self::Signalled(signal),
            ScriptOutcome::TimedOut => Self::TimedOut,
            ScriptOutcome::NotRunnable(why) => Self::NotRunnable(why),
        }
    }
}

impl From<vrrp::State> for InstanceState {
    fn from(state: vrrp::State) -> Self {
        match state {
            vrrp::State::Init => Self::Init,
            vrrp::State::Backup => Self::Backup,
            vrrp::State::Master => Self::Master,
            vrrp::State::Fault => Self::Fault,
        }
    }
}

impl InstanceState {
    /// The state to resume; `None` for one that is begun anew.
    pub(crate) fn resumed(self) -> Option<vrrp::State> {
        match self {
            InstanceState::Backup => Some(vrrp::State::Backup),
            InstanceState::Master => Some(vrrp::State::Master),
            InstanceState::Fault => Some(vrrp::State::Fault),
            InstanceState::Init | InstanceState::Stop => None,
        }
    }
}

impl From<vrrp::Counters> for Counters {
    fn from(counters: vrrp::Counters) -> Self {
        let vrrp::Counters {
            sent,
            received,
            became_master,
            released_master,
            releases_sent,
            releases_received,
            lower_heard,
        } = counters;
        Self { sent, received, became_master, released_master, releases_sent, releases_received, lower_heard }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keepalived_conf::model::Command;

    /// What a program that is upgraded hears of its predecessor, as bytes. Whoever has to change these
    /// bytes has to count up [`VERSION`] as well.
    #[test]
    fn the_shape_is_that_of_the_version() {
        let command = NotifyCommand {
            command: Command::Exec(vec!["/n".into()]),
            user: Some(("u".into(), None)),
            arguments: vec!["a".into()],
        };
        let notification = Notification {
            subject: Subject::Instance,
            name: "V".into(),
            occasion: Occasion::State(InstanceState::Master),
            priority: 100,
            commands: vec![command],
        };
        let memory = Memory {
            instances: vec![("V".into(), InstanceState::Master)],
            scripts: vec![("s".into(), true)],
            processes: vec![("p".into(), false)],
            bfd: vec![("b".into(), true)],
            settings: vec![("eth0".into(), "rp_filter".into(), 1)],
            sequences: vec![("V".into(), 100)],
        };
        let mail = Mail { instance: "V".into(), subject: "s".into(), body: "b".into() };
        let said =
            [Out::Notify(notification), Out::FifoLine("f".into()), Out::Mail(mail), Out::Remember(memory)];
        let expected: [&[u8]; 4] = [
            b"\x01\0\x01V\0\x02d\x01\0\x01\x02/n\x01\x01u\0\x01\x01a",
            b"\x02\x01f",
            b"\x03\x01V\x01s\x01b",
            b"\x07\x01\x01V\x02\x01\x01s\x01\x01\x01p\0\x01\x01b\x01\x01\x04eth0\trp_filter\x02\x01\x01Vd",
        ];
        assert_eq!(VERSION, 1);
        assert_eq!(said.map(|one| postcard::to_allocvec(&one).expect("it can be encoded")), expected);
    }
}
