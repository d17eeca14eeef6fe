//! Control packets as bytes, RFC 5880 §4.1:
//! ```text
//!  version (3) | diagnostic (5)    state (2) | P F C A D M    multiplier    length
//!  my discriminator
//!  your discriminator
//!  desired minimum interval of sending (µs)
//!  required minimum interval of receiving (µs)
//!  required minimum interval of receiving echoes (µs)
//! ```

use std::fmt;

/// Bytes of a packet without authentication.
const LENGTH: usize = 24;
/// Bytes of the shortest packet with authentication. RFC 5880 §6.8.6.
const LENGTH_AUTHENTICATED: usize = 26;
const VERSION: u8 = 1;

const POLL: u8 = 0x20;
const FINAL: u8 = 0x10;
const CONTROL_PLANE_INDEPENDENT: u8 = 0x08;
const AUTHENTICATED: u8 = 0x04;
const DEMAND: u8 = 0x02;
const MULTIPOINT: u8 = 0x01;

/// The state of a session. RFC 5880 §6.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Taken down by the operator, and held down.
    AdminDown,
    /// The neighbour is not heard, or has gone.
    Down,
    /// The neighbour is heard, but it is not known whether it hears us.
    Init,
    /// Both hear each other.
    Up,
}

impl State {
    fn from_bits(bits: u8) -> Self {
        [State::AdminDown, State::Down, State::Init, State::Up][usize::from(bits & 3)]
    }

    /// The RFC's word for it.
    pub fn word(self) -> &'static str {
        match self {
            State::AdminDown => "AdminDown",
            State::Down => "Down",
            State::Init => "Init",
            State::Up => "Up",
        }
    }
}

/// Why a session last left Up. RFC 5880 §4.1, RFC 6428 §5.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Diagnostic(u8);

impl Diagnostic {
    /// No reason.
    pub const NONE: Diagnostic = Diagnostic(0);
    /// Nothing was heard for the detection time.
    pub const EXPIRED: Diagnostic = Diagnostic(1);
    /// The neighbour says that it is down.
    pub const NEIGHBOUR_DOWN: Diagnostic = Diagnostic(3);
    /// The operator took it down.
    pub const ADMIN_DOWN: Diagnostic = Diagnostic(7);

    /// The number in the packet, 0 to 31.
    pub fn number(self) -> u8 {
        self.0
    }
}

impl fmt::Display for Diagnostic {
    /// In keepalived's words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            0 => "No Diagnostic",
            1 => "Control Detection Time Expired",
            2 => "Echo Function Failed",
            3 => "Neighbor Signaled Session Down",
            4 => "Forwarding Plane Reset",
            5 => "Path Down",
            6 => "Concatenated Path Down",
            7 => "Administratively Down",
            8 => "Reverse Concatenated Path Down",
            _ => "Unknown",
        })
    }
}

/// A control packet, sent or accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Why the sender's session last went down.
    pub diagnostic: Diagnostic,
    /// The sender's state.
    pub state: State,
    /// The sender asks for an answer, to have changed intervals confirmed.
    pub poll: bool,
    /// This is the answer.
    pub is_final: bool,
    /// The sender's forwarding goes on when its control plane fails.
    pub control_plane_independent: bool,
    /// The sender wants no periodic packets while both are up.
    pub demand: bool,
    /// So many missing packets of the sender mean that it is gone; at least 1.
    pub multiplier: u8,
    /// The sender's discriminator; not 0.
    pub mine: u32,
    /// The discriminator that the sender last received; 0 if none.
    pub yours: u32,
    /// The interval at which the sender would like to send, in microseconds.
    pub min_tx: u32,
    /// The shortest interval at which the sender can receive, in microseconds; 0 wants no packets.
    pub min_rx: u32,
    /// The same for echoes; 0 wants none.
    pub min_echo_rx: u32,
}

/// Why a packet was refused; always the sender's doing. RFC 5880 §6.8.6.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reject {
    /// Shorter than any packet.
    Short(usize),
    /// Another version of the protocol.
    Version(u8),
    /// Its length field is below the minimum or beyond its end.
    Length {
        /// What it states.
        stated: usize,
        /// Bytes received.
        received: usize,
    },
    /// The multiplier is 0.
    Multiplier,
    /// It is for several receivers.
    Multipoint,
    /// The sender's discriminator is 0.
    MyDiscriminator,
    /// It names no session in a state in which the sender must know ours.
    YourDiscriminator(State),
    /// It is authenticated, and no session is.
    Authentication,
    /// Both a question and an answer. RFC 5880 §6.5.
    PollAndFinal,
    /// It came over more hops than allowed. RFC 5881 §5.
    Hops {
        /// The time to live or hop limit it came with; `None` if the kernel did not say.
        received: Option<u8>,
        /// The least that is accepted.
        least: u8,
    },
}

impl Reject {
    /// A short, stable name for counters.
    pub fn reason(&self) -> &'static str {
        match self {
            Reject::Short(_) => "short",
            Reject::Version(_) => "version",
            Reject::Length { .. } => "length",
            Reject::Multiplier => "multiplier",
            Reject::Multipoint => "multipoint",
            Reject::MyDiscriminator => "my-discriminator",
            Reject::YourDiscriminator(_) => "your-discriminator",
            Reject::Authentication => "auth",
            Reject::PollAndFinal => "poll-and-final",
            Reject::Hops { .. } => "ttl",
        }
    }
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Reject::Short(received) => write!(f, "packet of {received} bytes is too short"),
            Reject::Version(version) => write!(f, "packet of unsupported version {version}"),
            Reject::Length { stated, received } => {
                write!(f, "packet states a length of {stated} bytes and has {received}")
            }
            Reject::Multiplier => f.write_str("packet with a detection multiplier of 0"),
            Reject::Multipoint => f.write_str("packet for several receivers"),
            Reject::MyDiscriminator => f.write_str("packet whose `my discriminator` is 0"),
            Reject::YourDiscriminator(state) => {
                write!(f, "packet whose `your discriminator` is 0 in state {}", state.word())
            }
            Reject::Authentication => f.write_str("authenticated packet, but no authentication is in use"),
            Reject::PollAndFinal => f.write_str("packet with both poll and final set"),
            Reject::Hops { received: Some(received), least } => {
                write!(f, "packet with TTL/HL {received}, less than {least}: it came over too many hops")
            }
            Reject::Hops { received: None, least } => {
                write!(f, "packet without known TTL/HL, which must be {least} at least")
            }
        }
    }
}

impl Packet {
    /// Reads a packet and checks whatever can be checked without its session, in the RFC's order.
    /// keepalived refuses unknown diagnostics too; here they are accepted, since new ones come up.
    ///
    /// # Errors
    /// The first check that failed.
    pub fn parse(bytes: &[u8]) -> Result<Self, Reject> {
        let Some(fixed) = bytes.first_chunk::<LENGTH>() else { return Err(Reject::Short(bytes.len())) };
        let &[first, flags, multiplier, length, ..] = fixed;
        if first >> 5 != VERSION {
            return Err(Reject::Version(first >> 5));
        }
        let is_authenticated = flags & AUTHENTICATED != 0;
        let least = if is_authenticated { LENGTH_AUTHENTICATED } else { LENGTH };
        let stated = usize::from(length);
        if stated < least || stated > bytes.len() {
            return Err(Reject::Length { stated, received: bytes.len() });
        }
        if multiplier == 0 {
            return Err(Reject::Multiplier);
        }
        if flags & MULTIPOINT != 0 {
            return Err(Reject::Multipoint);
        }
        let word = |at: usize| u32::from_be_bytes([fixed[at], fixed[at + 1], fixed[at + 2], fixed[at + 3]]);
        let packet = Packet {
            diagnostic: Diagnostic(first & 0x1f),
            state: State::from_bits(flags >> 6),
            poll: flags & POLL != 0,
            is_final: flags & FINAL != 0,
            control_plane_independent: flags & CONTROL_PLANE_INDEPENDENT != 0,
            demand: flags & DEMAND != 0,
            multiplier,
            mine: word(4),
            yours: word(8),
            min_tx: word(12),
            min_rx: word(16),
            min_echo_rx: word(20),
        };
        if packet.mine == 0 {
            return Err(Reject::MyDiscriminator);
        }
        if packet.yours == 0 && matches!(packet.state, State::Init | State::Up) {
            return Err(Reject::YourDiscriminator(packet.state));
        }
        if is_authenticated {
            return Err(Reject::Authentication);
        }
        if packet.poll && packet.is_final {
            return Err(Reject::PollAndFinal);
        }
        Ok(packet)
    }

    /// The packet as bytes.
    pub fn bytes(&self) -> [u8; LENGTH] {
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let flags = flag(self.poll, POLL)
            | flag(self.is_final, FINAL)
            | flag(self.control_plane_independent, CONTROL_PLANE_INDEPENDENT)
            | flag(self.demand, DEMAND);
        let mut bytes = [0; LENGTH];
        bytes[0] = VERSION << 5 | self.diagnostic.0 & 0x1f;
        bytes[1] = (self.state as u8) << 6 | flags;
        bytes[2] = self.multiplier;
        bytes[3] = LENGTH as u8;
        let words = [self.mine, self.yours, self.min_tx, self.min_rx, self.min_echo_rx];
        for (chunk, word) in bytes[4..].chunks_exact_mut(4).zip(words) {
            chunk.copy_from_slice(&word.to_be_bytes());
        }
        bytes
    }
}

#[cfg(test)]
mod tests;
