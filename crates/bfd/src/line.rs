//! What a session has to say, in keepalived's words.

use crate::{Diagnostic, State};
use std::fmt;
use std::time::Duration;

/// A line for the log, without the instance's name that goes in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Line {
    /// The state is another.
    Entering {
        /// Which.
        state: State,
        /// Why it went down.
        local: Diagnostic,
        /// What the neighbour says why it did.
        remote: Diagnostic,
    },
    /// Nothing was heard for too long.
    Expired {
        /// Since the last packet.
        after: Duration,
        /// By how much it was noticed late.
        overdue: Duration,
    },
    /// Changed intervals wait for the neighbour's confirmation.
    Poll,
    /// The detection time is another.
    DetectionTime {
        /// Now.
        to: Duration,
        /// Before.
        from: Duration,
    },
}

impl Line {
    /// Whether keepalived writes it only with `-D`, or more.
    pub fn is_detail(&self) -> bool {
        matches!(self, Line::Poll | Line::Entering { state: State::Init, .. })
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Line::Entering { state: State::Down, local, remote } => {
                write!(f, "Entering Down state (Local diagnostic - {local}, Remote diagnostic - {remote})")
            }
            Line::Entering { state, .. } => write!(f, "Entering {} state", state.word()),
            Line::Expired { after, overdue } => {
                write!(f, "Expired after {} ms ({} usec overdue)", after.as_millis(), overdue.as_micros())
            }
            Line::Poll => f.write_str("Starting poll sequence"),
            Line::DetectionTime { to, from } => {
                write!(f, "Detection time is {} us (was {} us)", to.as_micros(), from.as_micros())
            }
        }
    }
}
