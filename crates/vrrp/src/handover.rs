//! Handing over without a wait, between routers of our kind.
//!
//! When a VRRP master stops, its backups wait for the skew, up to a second, because none knows whether
//! it is the best of them. Ours know: a master greets now and then, each backup answers with its
//! priority, and when the master has stepped down it names the best one, which does not wait. All of
//! this is UDP beside VRRP; who does not understand it sees nothing but VRRP as always.
//!
//! ```text
//!  "bkst"
//!  1 | kind | 4 or 6 | VRID
//!  priority | 0
//!  nonce (8)
//!  the address that the sender advertises from, or would (16, one of IPv4 in front)
//!  HMAC-SHA256, the first 16 bytes
//! ```
//! The code covers what stands before it. Its key is that of the virtual
//! router's authentication; without any, the code is zero. The nonce is the backup's: it comes back
//! when that backup is named, so that nobody who does not hear us can name one, nor anybody repeat it.

use crate::authentication::same;
use crate::{Family, Time};
use ::hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::net::IpAddr;
use std::time::Duration;

/// Bytes of a message.
pub const MESSAGE_LENGTH: usize = 52;
/// Where the sender's address begins.
const SENDER: usize = 20;
/// Where the code begins.
const CODE: usize = 36;
/// A backup that has not answered for so long is not named.
const FRESH: Duration = Duration::from_secs(10);
/// Backups remembered for one virtual router.
const MOST_BACKUPS: usize = 16;

/// What is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// By a master: is anybody of our kind there?
    Greeting,
    /// By a backup: I am, with this priority.
    Answer,
    /// By a master that has stepped down: you are next.
    Successor,
}

/// A message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message {
    /// What is said.
    pub kind: Kind,
    /// Where the sender advertises from, or would; the virtual router is of its family.
    pub sender: IpAddr,
    /// The number of the virtual router.
    pub vrid: u8,
    /// The sender's effective priority.
    pub priority: u8,
    /// The backup's nonce; zero in a greeting.
    pub nonce: u64,
}

impl Message {
    /// The bytes, signed with a key if there is one.
    pub fn bytes(&self, key: Option<&[u8]>) -> [u8; MESSAGE_LENGTH] {
        let kind = match self.kind {
            Kind::Greeting => 1,
            Kind::Answer => 2,
            Kind::Successor => 3,
        };
        let mut bytes = [0; MESSAGE_LENGTH];
        let family = match self.sender {
            IpAddr::V4(v4) => {
                bytes[SENDER..SENDER + 4].copy_from_slice(&v4.octets());
                4
            }
            IpAddr::V6(v6) => {
                bytes[SENDER..CODE].copy_from_slice(&v6.octets());
                6
            }
        };
        bytes[..4].copy_from_slice(b"bkst");
        bytes[4..9].copy_from_slice(&[1, kind, family, self.vrid, self.priority]);
        bytes[12..SENDER].copy_from_slice(&self.nonce.to_be_bytes());
        let code = code(&bytes[..CODE], key);
        bytes[CODE..].copy_from_slice(&code);
        bytes
    }

    /// The virtual router that bytes are for, before they are verified.
    pub fn peek(bytes: &[u8]) -> Option<(Family, u8)> {
        let family = match bytes {
            [b'b', b'k', b's', b't', 1, _, 4, ..] => Family::V4,
            [b'b', b'k', b's', b't', 1, _, 6, ..] => Family::V6,
            _ => return None,
        };
        Some((family, *bytes.get(7)?))
    }

    /// Reads a message and verifies that it comes from someone with the key. `None` for anything else.
    pub fn read(bytes: &[u8], key: Option<&[u8]>) -> Option<Self> {
        let (family, vrid) = Self::peek(bytes)?;
        let bytes: &[u8; MESSAGE_LENGTH] = bytes.try_into().ok()?;
        let kind = match bytes[5] {
            1 => Kind::Greeting,
            2 => Kind::Answer,
            3 => Kind::Successor,
            _ => return None,
        };
        if !same(&bytes[CODE..], &code(&bytes[..CODE], key)) {
            return None;
        }
        let nonce = bytes[12..SENDER].try_into().map(u64::from_be_bytes).ok()?;
        let address: [u8; CODE - SENDER] = bytes[SENDER..CODE].try_into().ok()?;
        let [a, b, c, d, ..] = address;
        let sender = match family {
            Family::V4 => IpAddr::from([a, b, c, d]),
            Family::V6 => IpAddr::from(address),
        };
        Some(Self { kind, sender, vrid, priority: bytes[8], nonce })
    }
}

fn code(head: &[u8], key: Option<&[u8]>) -> [u8; MESSAGE_LENGTH - CODE] {
    let mut short = [0; MESSAGE_LENGTH - CODE];
    let Some(Ok(mut mac)) = key.map(Hmac::<Sha256>::new_from_slice) else { return short };
    mac.update(b"backstay handover");
    mac.update(head);
    short.copy_from_slice(&mac.finalize().into_bytes()[..MESSAGE_LENGTH - CODE]);
    short
}

/// A backup that has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backup {
    /// Its address.
    pub address: IpAddr,
    /// Its effective priority.
    pub priority: u8,
    /// To be given back to it.
    pub nonce: u64,
    at: Time,
}

/// The backups that a master knows.
#[derive(Clone, Debug, Default)]
pub struct Backups(Vec<Backup>);

impl Backups {
    /// Takes in an answer.
    pub fn heard(&mut self, now: Time, address: IpAddr, priority: u8, nonce: u64) {
        self.0.retain(|known| known.address != address && now.since(known.at) <= FRESH);
        if self.0.len() < MOST_BACKUPS {
            self.0.push(Backup { address, priority, nonce, at: now });
        }
    }

    /// The one that would win the election, RFC 3768 §6.4.3.
    pub fn best(&self, now: Time) -> Option<Backup> {
        let fresh = self.0.iter().filter(|known| now.since(known.at) <= FRESH && known.priority > 0);
        fresh.max_by_key(|known| (known.priority, known.address)).copied()
    }

    /// Those that have answered lately.
    pub fn fresh(&self, now: Time) -> impl Iterator<Item = IpAddr> {
        self.0.iter().filter(move |known| now.since(known.at) <= FRESH).map(|known| known.address)
    }

    /// Whether this one has answered lately.
    pub fn knows(&self, now: Time, address: IpAddr) -> bool {
        self.fresh(now).any(|known| known == address)
    }

    /// Forgets all: who was master may not know them any more.
    pub fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SENDER: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 78, 0, 1));
    const ANSWER: Message =
        Message { kind: Kind::Answer, sender: SENDER, vrid: 51, priority: 100, nonce: 0x1122_3344_5566 };

    #[test]
    fn a_message_reads_back_with_the_same_key() {
        let six = Message { sender: std::net::Ipv6Addr::LOCALHOST.into(), ..ANSWER };
        for (message, family) in [(ANSWER, Family::V4), (six, Family::V6)] {
            for key in [None, Some(&b"1111\0\0\0\0"[..])] {
                let bytes = message.bytes(key);
                assert_eq!(Message::read(&bytes, key), Some(message));
                assert_eq!(Message::peek(&bytes), Some((family, 51)));
            }
        }
        let bytes = ANSWER.bytes(Some(b"1111"));
        assert_eq!(Message::read(&bytes, Some(b"2222")), None);
        assert_eq!(Message::read(&bytes, None), None);
    }

    #[test]
    fn signed_bytes_cannot_be_changed() {
        let bytes = ANSWER.bytes(Some(b"1111"));
        for at in 0..MESSAGE_LENGTH {
            let mut changed = bytes;
            changed[at] ^= 1;
            assert_eq!(Message::read(&changed, Some(b"1111")), None, "byte {at}");
        }
        assert_eq!(Message::read(&bytes[..MESSAGE_LENGTH - 1], Some(b"1111")), None);
        assert_eq!(Message::read(&[0; 100], None), None);
    }

    #[test]
    fn the_best_of_the_fresh_is_named() {
        let (mut backups, second) = (Backups::default(), |n| Time(Duration::from_secs(n)));
        let address = |last| IpAddr::from([10, 78, 0, last]);
        backups.heard(second(1), address(2), 100, 7);
        backups.heard(second(2), address(3), 100, 8);
        backups.heard(second(3), address(4), 90, 9);
        assert_eq!(backups.best(second(4)).map(|b| (b.address, b.nonce)), Some((address(3), 8)));
        backups.heard(second(5), address(3), 80, 10);
        assert_eq!(backups.best(second(6)).map(|b| b.address), Some(address(2)));
        assert_eq!(backups.best(second(12)).map(|b| b.address), Some(address(4)));
        assert!(backups.knows(second(12), address(3)) && !backups.knows(second(12), address(2)));
        assert_eq!(backups.best(second(60)), None);
    }
}
