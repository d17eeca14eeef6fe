//! Why a packet was refused, in keepalived's words.

use crate::{Version, hmac};
use std::fmt;

/// Why a packet was refused; always the sender's doing, or the operator's who configured it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reject {
    /// It has not exactly the length its address count asks for.
    Length {
        /// Bytes received, IP header included.
        received: usize,
        /// Bytes it should have.
        expected: usize,
    },
    /// Multicast with a time to live other than 255: it came through a router.
    TimeToLive(u8),
    /// Another version of the protocol.
    Version {
        /// In the packet.
        received: u8,
        /// Ours.
        expected: u8,
    },
    /// Another virtual router.
    VirtualRouter(u8),
    /// An authentication type that does not exist.
    AuthenticationType(u8),
    /// Another authentication type than ours.
    Authentication {
        /// In the packet.
        received: u8,
        /// Ours.
        expected: u8,
    },
    /// The right authentication type with the wrong password.
    Password,
    /// An authentication header where none is expected, or none where one is.
    HeaderPresence {
        /// Whether one was there.
        received: bool,
    },
    /// An authentication header for another protocol than VRRP.
    NextHeader(u8),
    /// The check value of the authentication header is wrong.
    CheckValue,
    /// The authentication header does not name its sender.
    SecurityIndex,
    /// An authentication header with a number that was seen before: the packet is a repetition.
    Repeated {
        /// Its number.
        received: u32,
        /// The last one.
        last: u32,
    },
    /// The trailer of `auth_hmac`.
    Trailer(hmac::Wrong),
    /// An interval of zero.
    ZeroInterval,
    /// `check_unicast_src`: the sender is no peer.
    NoPeer,
    /// A peer's packet with a time to live outside of its range.
    PeerTimeToLive(u8),
    /// Another advertisement interval, in seconds; an error in VRRPv2 only.
    Interval {
        /// Ours.
        mine: u8,
        /// In the packet.
        received: u8,
    },
    /// Not an advertisement.
    Type(u8),
    /// The IP header states another length than was received.
    TotalLength {
        /// What it states.
        stated: usize,
        /// Bytes received.
        received: usize,
    },
    /// The checksum is wrong.
    Checksum(Version),
    /// Multicast where unicast was expected, or the reverse.
    Destination {
        /// Whether unicast was expected.
        unicast: bool,
    },
}

impl Reject {
    /// A short, stable name for counters.
    pub fn reason(&self) -> &'static str {
        match self {
            Reject::Length { .. } => "length",
            Reject::TimeToLive(_) => "ttl",
            Reject::Version { .. } => "version",
            Reject::VirtualRouter(_) => "vrid",
            Reject::AuthenticationType(_) => "auth-type",
            Reject::Authentication { .. } => "auth-mismatch",
            Reject::Password => "password",
            Reject::HeaderPresence { .. } => "ah-mismatch",
            Reject::NextHeader(_) => "ah-next-header",
            Reject::CheckValue => "ah-check-value",
            Reject::SecurityIndex => "ah-index",
            Reject::Repeated { .. } => "ah-repeated",
            Reject::Trailer(hmac::Wrong::Missing) => "hmac-missing",
            Reject::Trailer(hmac::Wrong::Malformed) => "hmac-malformed",
            Reject::Trailer(hmac::Wrong::UnknownKey(_)) => "hmac-unknown-key",
            Reject::Trailer(hmac::Wrong::Code) => "hmac-wrong",
            Reject::Trailer(hmac::Wrong::Stale { .. }) => "hmac-stale",
            Reject::Trailer(hmac::Wrong::Repeated) => "hmac-repeated",
            Reject::ZeroInterval => "zero-interval",
            Reject::NoPeer => "no-peer",
            Reject::PeerTimeToLive(_) => "peer-ttl",
            Reject::Interval { .. } => "interval",
            Reject::Type(_) => "type",
            Reject::TotalLength { .. } => "total-length",
            Reject::Checksum(_) => "checksum",
            Reject::Destination { .. } => "destination",
        }
    }

    /// Whether such a packet comes from a router that uses our number but is set up differently: as
    /// long as it sends, there may be two masters.
    pub fn is_conflict(&self) -> bool {
        matches!(
            self,
            Reject::Version { .. }
                | Reject::AuthenticationType(_)
                | Reject::Authentication { .. }
                | Reject::Password
                | Reject::HeaderPresence { .. }
                | Reject::CheckValue
                | Reject::Trailer(hmac::Wrong::Missing | hmac::Wrong::UnknownKey(_) | hmac::Wrong::Code)
                | Reject::Interval { .. }
                | Reject::Destination { .. }
        )
    }
}

impl fmt::Display for Reject {
    /// In keepalived's words, without the instance's name in front.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Reject::Length { received, expected } => {
                let which = if received > expected { "long" } else { "short" };
                write!(f, "vrrp packet too {which}, length {received} and expect {expected}")
            }
            Reject::TimeToLive(ttl) => write!(f, "invalid TTL/HL. Received {ttl} and expect 255"),
            Reject::Version { received, expected } => {
                write!(f, "wrong version. Received {received} and expect {expected}")
            }
            Reject::VirtualRouter(vrid) => write!(f, "Unknown VRID({vrid}) received. ignoring..."),
            Reject::AuthenticationType(number) => write!(f, "Invalid auth type: {number}"),
            Reject::Authentication { received, expected } => {
                write!(f, "received a {received} auth, expecting {expected}!")
            }
            Reject::Password => f.write_str("received an invalid passwd!"),
            Reject::HeaderPresence { received: true } => {
                f.write_str("Received AH header but auth type not AH")
            }
            Reject::HeaderPresence { received: false } => f.write_str("No AH header but auth type is AH"),
            Reject::NextHeader(number) => write!(f, "AH header for protocol {number} and expect 112"),
            Reject::CheckValue => f.write_str(
                "IPSEC-AH : invalid IPSEC HMAC-MD5 value. Due to fields mutation or bad password !",
            ),
            Reject::SecurityIndex => f.write_str("IPSEC AH : invalid IPSEC SPI value"),
            Reject::Repeated { received, last } => write!(
                f,
                "IPSEC-AH : sequence number {received} already processed. Packet dropped. Local({last})"
            ),
            Reject::Trailer(wrong) => match wrong {
                hmac::Wrong::Missing => f.write_str("missing authentication trailer"),
                hmac::Wrong::Malformed => f.write_str("malformed authentication trailer"),
                hmac::Wrong::UnknownKey(id) => write!(f, "unknown authentication key id {id}"),
                hmac::Wrong::Code => f.write_str("invalid authentication HMAC"),
                hmac::Wrong::Stale { skew, window } => write!(
                    f,
                    "stale authentication trailer, clock skew {skew} sec exceeds window {window} sec"
                ),
                hmac::Wrong::Repeated => f.write_str("replayed authentication trailer"),
            },
            Reject::ZeroInterval => f.write_str("advertisement interval is zero"),
            Reject::NoPeer => f.write_str("unicast source address not a unicast peer"),
            Reject::PeerTimeToLive(ttl) => write!(f, "TTL/HL {ttl} outside of the peer's range"),
            Reject::Interval { mine, received } => {
                write!(f, "advertisement interval mismatch mine={mine} sec rcv'd={received} sec")
            }
            Reject::Type(number) => write!(f, "Invalid packet type. {number} and expect 1"),
            Reject::TotalLength { stated, received } => {
                write!(f, "ip_tot_len mismatch against received length. {stated} and received {received}")
            }
            Reject::Checksum(version) => write!(f, "Invalid VRRPv{} checksum", version.number()),
            Reject::Destination { unicast } => {
                let (expected, received) = if unicast { ("un", "mult") } else { ("mult", "un") };
                write!(f, "Expected {expected}icast packet but received {received}icast packet")
            }
        }
    }
}
