//! What a virtual router has to say, in keepalived's words.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// A line for the log, without the instance's name that goes in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// The master has not been heard for too long.
    ReceiveTimeout,
    /// Became master.
    EnteringMaster,
    /// Is master still after the process was started again.
    StillMaster,
    /// Became backup.
    EnteringBackup {
        /// At the start.
        init: bool,
    },
    /// Became unable to serve.
    EnteringFault {
        /// At the start.
        init: bool,
    },
    /// Master: another has a higher priority and takes over.
    Higher {
        /// Who.
        source: IpAddr,
        /// Its priority.
        theirs: u8,
        /// Ours.
        ours: u8,
    },
    /// Master: another with the same priority has the higher address and takes over.
    SameHigherAddress {
        /// Who.
        source: IpAddr,
        /// The priority of both.
        priority: u8,
    },
    /// Master: another with a lower priority thinks it is master.
    Lower {
        /// Who.
        source: IpAddr,
        /// Its priority.
        theirs: u8,
        /// Ours.
        ours: u8,
        /// Whether we answer with an advertisement.
        forcing: bool,
    },
    /// Backup: the master has a lower priority and will be preempted.
    Discarding {
        /// Who.
        source: IpAddr,
        /// Its priority.
        theirs: u8,
    },
    /// Backup: the master steps down.
    BackupRelease,
    /// Master: another master steps down.
    MasterRelease,
    /// We step down.
    SentRelease,
    /// The effective priority changed.
    Priority {
        /// Before.
        from: u8,
        /// Now.
        to: u8,
    },
    /// Somebody else advertises with our own address and priority.
    OwnAddress,
    /// Two routers claim to own the addresses.
    TwoOwners,
    /// The other router that claims to own the addresses does not step down: we do.
    RogueGoesOn,
    /// The other router that claimed to own the addresses has stepped down.
    RogueStopped,
    /// A master of our own kind named us as its successor.
    HandedOver,
    /// Master: nothing was sent for so long after an advertisement was due. Others may have taken
    /// over meanwhile.
    Paused(Duration),
    /// A lower-priority master will be preempted after this delay.
    PreemptDelayStarted(Duration),
    /// The master is no longer of lower priority.
    PreemptDelayStopped,
    /// VRRPv3: the master uses another interval.
    IntervalLearnt {
        /// Before, in milliseconds.
        from: u128,
        /// Now, in milliseconds.
        to: u128,
    },
}

impl Line {
    /// Whether keepalived writes it only with `-D`.
    pub fn is_detail(&self) -> bool {
        matches!(
            self,
            Line::ReceiveTimeout
                | Line::BackupRelease
                | Line::MasterRelease
                | Line::SentRelease
                | Line::PreemptDelayStarted(_)
                | Line::PreemptDelayStopped
                | Line::IntervalLearnt { .. }
                | Line::RogueStopped
        )
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at_start = |init: bool| if init { " (init)" } else { "" };
        match *self {
            Line::ReceiveTimeout => f.write_str("Receive advertisement timeout"),
            Line::EnteringMaster => f.write_str("Entering MASTER STATE"),
            Line::StillMaster => f.write_str("Still in MASTER STATE after a restart of the vrrp process"),
            Line::EnteringBackup { init } => write!(f, "Entering BACKUP STATE{}", at_start(init)),
            Line::EnteringFault { init } => write!(f, "Entering FAULT STATE{}", at_start(init)),
            Line::Higher { source, theirs, ours } => {
                write!(f, "Master received advert from {source} with higher priority {theirs}, ours {ours}")
            }
            Line::SameHigherAddress { source, priority } => write!(
                f,
                "Master received advert from {source} with same priority {priority} but higher IP address than ours"
            ),
            Line::Lower { source, theirs, ours, forcing } => {
                let election = if forcing { ", forcing new election" } else { "" };
                write!(f, "Received advert from {source} with lower priority {theirs}, ours {ours}{election}")
            }
            Line::Discarding { source, theirs } => {
                write!(f, "received lower priority ({theirs}) advert from {source} - discarding")
            }
            Line::BackupRelease => f.write_str("Backup received priority 0 advertisement"),
            Line::MasterRelease => f.write_str("Master received priority 0 message"),
            Line::SentRelease => f.write_str("sent 0 priority"),
            Line::Priority { from, to } => write!(f, "Changing effective priority from {from} to {to}"),
            Line::OwnAddress => {
                f.write_str("WARNING - equal priority advert received from remote host with our IP address.")
            }
            Line::TwoOwners => f.write_str(
                "CONFIGURATION ERROR: local instance and a remote instance are both configured as address \
                 owner, please resolve",
            ),
            Line::RogueGoesOn => f.write_str(
                "the remote instance is still advertising as address owner, please resolve - reducing our \
                 priority",
            ),
            Line::RogueStopped => f.write_str("rogue address owner appears to have stopped advertising"),
            Line::HandedOver => f.write_str("the master steps down and hands over to us"),
            Line::Paused(late) => write!(
                f,
                "was paused: an advertisement is {}.{:03} s overdue and another router may have taken over; \
                 stepping back",
                late.as_secs(),
                late.subsec_millis()
            ),
            Line::PreemptDelayStarted(delay) => {
                write!(f, "start preempt delay ({}.{:06})", delay.as_secs(), delay.subsec_micros())
            }
            Line::PreemptDelayStopped => f.write_str("stop preempt delay"),
            Line::IntervalLearnt { from, to } => {
                write!(f, "advertisement interval updated from {from}ms to {to}ms by master")
            }
        }
    }
}
