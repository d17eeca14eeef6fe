//! Bidirectional Forwarding Detection (RFC 5880), over one hop (RFC 5881) or several (RFC 5883): the
//! asynchronous mode without authentication and without echo, as keepalived's `bfd_instance` has it.
//!
//! Nothing here does I/O, reads a clock or draws a number. Received bytes pass [`Packet::parse`] and
//! [`Hops::check`], [`select`] finds the session, and [`Session::on`] takes the packet in together
//! with the present, a random number for the jitter, and appends [`Action`]s in the order in which
//! they must be carried out. [`Session::next_deadline`] says when it wants [`Event::Timer`].
//!
//! Times are durations on a clock that never goes back, counted from any start the caller likes.
#![forbid(unsafe_code)]

mod demultiplex;
mod line;
mod packet;
mod session;
mod settings;

pub use demultiplex::{Hops, Path, select};
pub use line::Line;
pub use packet::{Diagnostic, Packet, Reject, State};
pub use session::{Action, Cause, Event, Session};
pub use settings::Settings;

/// The UDP port of sessions over one hop. RFC 5881 §4.
pub const PORT: u16 = 3784;

/// The UDP port of sessions over several hops. RFC 5883 §5.
pub const MULTIHOP_PORT: u16 = 4784;

/// The UDP ports to send from. RFC 5881 §4.
pub const SOURCE_PORTS: std::ops::RangeInclusive<u16> = 49152..=65535;
