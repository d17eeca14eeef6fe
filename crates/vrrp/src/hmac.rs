//! `auth_hmac`: the trailer of keepalived 2.4 that authenticates an advertisement of any version
//! and family.
//!
//! ```text
//!  type 1 | key id | 0
//!  seconds since 1970
//!  fraction (1/65536 s) | counter
//!  HMAC-SHA256, the first 16 bytes
//! ```
//! Seconds, fraction and counter are one number of 64 bits that grows with every packet of a sender
//! (compared as serial numbers, RFC 1982). The code covers a pseudo-header (family, version, virtual
//! router, the sender's address), the packet with its checksum as zero, and the trailer with the
//! code as zero. It says nothing of the receiver: copies for several peers carry the same trailer.

use crate::Version;
use crate::authentication::same;
use ::hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

/// Bytes of a trailer.
pub const TRAILER_LENGTH: usize = 28;

/// The only scheme there is: HMAC-SHA256 cut to 128 bits.
const TYPE_SHA256: u8 = 1;
/// Where the code begins.
const CODE: usize = 12;
/// Senders remembered for one virtual router that uses multicast: more than two at a time are an attack
/// or a disorder.
pub const SENDERS: usize = 4;

/// A key.
#[derive(Clone, PartialEq, Eq)]
pub struct Key {
    /// 1 to 255; packets name it.
    pub id: u8,
    /// 32 to 64 bytes.
    pub secret: Vec<u8>,
}

impl fmt::Debug for Key {
    /// Does not show the secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", self.id)
    }
}

/// How a repetition is recognised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AntiReplay {
    /// The sender's time may differ by so much from ours, and grows. Clocks must agree.
    Time(Duration),
    /// The number grows.
    Monotonic,
}

/// How far a group has come in introducing the trailer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// A trailer is verified, its absence accepted, none is sent.
    ReceiveOnly,
    /// A trailer is verified, its absence accepted, one is sent.
    Permissive,
    /// A trailer is demanded.
    Enforce,
}

/// `auth_hmac` of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Keys by which packets are verified.
    pub keys: Vec<Key>,
    /// Which of them signs.
    pub active_key: u8,
    /// How repetitions are recognised.
    pub anti_replay: AntiReplay,
    /// Whether one must and may be there.
    pub mode: Mode,
    /// Of how many senders the last packet is remembered: [`SENDERS`], or every peer of unicast if there
    /// are more. A packet of one that was forgotten could be repeated.
    pub senders: usize,
}

impl Settings {
    fn key(&self, id: u8) -> Option<&Key> {
        self.keys.iter().find(|key| key.id == id)
    }
}

/// What is remembered from packet to packet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct State {
    sent: u64,
    /// The senders heard, the one heard last at the end.
    heard: Vec<(IpAddr, u64)>,
}

/// Signs one advertisement, however many peers get a copy.
#[derive(Clone, Copy, Debug)]
pub struct Stamp<'a> {
    key: &'a Key,
    number: u64,
}

/// The number of a moment: seconds since 1970 modulo 2³², then 16 bits of fraction, 16 of counter.
fn number(wall: Duration) -> u64 {
    let fraction = (u64::from(wall.subsec_nanos()) << 16) / 1_000_000_000;
    (wall.as_secs() & 0xffff_ffff) << 32 | fraction << 16
}

/// Whether a number comes after another, RFC 1982.
fn after(a: u64, b: u64) -> bool {
    (a.wrapping_sub(b) as i64) > 0
}

/// How many seconds `a` is ahead of `b`.
fn seconds_ahead(a: u64, b: u64) -> i64 {
    i64::from(((a >> 32) as u32).wrapping_sub((b >> 32) as u32) as i32)
}

impl State {
    /// The stamp for the next advertisement at `wall`, the time since 1970; `None` when none is sent
    /// or the active key is not there.
    pub fn stamp<'a>(&mut self, settings: &'a Settings, wall: Duration) -> Option<Stamp<'a>> {
        if settings.mode == Mode::ReceiveOnly {
            return None;
        }
        let key = settings.key(settings.active_key)?;
        let clock = number(wall);
        // A clock that was set back would leave us ahead of what receivers accept.
        let stranded = matches!(settings.anti_replay, AntiReplay::Time(window)
            if seconds_ahead(self.sent, clock) > window.as_secs() as i64);
        self.sent = if after(clock, self.sent) || stranded { clock } else { self.sent.wrapping_add(1) };
        Some(Stamp { key, number: self.sent })
    }

    /// Verifies the trailer of a packet from `source`; `packet` ends before it.
    pub(crate) fn verify(
        &mut self,
        settings: &Settings,
        version: Version,
        source: IpAddr,
        packet: &[u8],
        trailer: &[u8; TRAILER_LENGTH],
        wall: Duration,
    ) -> Result<(), Wrong> {
        if trailer[0] != TYPE_SHA256 || trailer[2..4] != [0, 0] {
            return Err(Wrong::Malformed);
        }
        let (mut first, present) = ([0; 8], number(wall));
        first.copy_from_slice(&trailer[4..CODE]);
        let received = u64::from_be_bytes(first);
        // Before the code is computed: a flood of old packets must not cost a hash each.
        if let AntiReplay::Time(window) = settings.anti_replay {
            let skew = seconds_ahead(present, received);
            if skew.unsigned_abs() > window.as_secs() {
                return Err(Wrong::Stale { skew, window: window.as_secs() });
            }
        }
        let key = settings.key(trailer[1]).ok_or(Wrong::UnknownKey(trailer[1]))?;
        let vrid = packet.get(1).copied().unwrap_or_default();
        if !same(&trailer[CODE..], &code(key, version, vrid, source, packet, &trailer[..CODE])) {
            return Err(Wrong::Code);
        }
        // Only packets that are authentic move the mark.
        let known = self.heard.iter().position(|(sender, _)| *sender == source);
        if let Some(at) = known {
            let (_, last) = self.heard.remove(at);
            let expired = matches!(settings.anti_replay, AntiReplay::Time(window)
                if seconds_ahead(present, last).unsigned_abs() > window.as_secs());
            if !expired && !after(received, last) {
                self.heard.push((source, last));
                return Err(Wrong::Repeated);
            }
        } else if self.heard.len() >= settings.senders {
            self.heard.remove(0);
        }
        self.heard.push((source, received));
        Ok(())
    }
}

impl Stamp<'_> {
    /// Appends the trailer for the packet that `out` holds from `start` on.
    pub(crate) fn append(&self, version: Version, vrid: u8, source: IpAddr, start: usize, out: &mut Vec<u8>) {
        let mut head = [0; CODE];
        head[..2].copy_from_slice(&[TYPE_SHA256, self.key.id]);
        head[4..].copy_from_slice(&self.number.to_be_bytes());
        let code = code(self.key, version, vrid, source, &out[start..], &head);
        out.extend(head);
        out.extend(code);
    }
}

/// What is wrong with a trailer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// A trailer is demanded and there is none.
    Missing,
    /// An unknown scheme, or a reserved field that is not zero.
    Malformed,
    /// A key that is not configured here.
    UnknownKey(u8),
    /// The code does not fit: another secret, or a changed packet.
    Code,
    /// The sender's clock and ours differ too much, or the packet is an old one.
    Stale {
        /// By how many seconds ours is ahead.
        skew: i64,
        /// `time_window` in seconds.
        window: u64,
    },
    /// Not newer than the last packet of this sender.
    Repeated,
}

fn code(
    key: &Key,
    version: Version,
    vrid: u8,
    source: IpAddr,
    packet: &[u8],
    trailer_head: &[u8],
) -> [u8; TRAILER_LENGTH - CODE] {
    let mut pseudo = [0; 20];
    pseudo[1..3].copy_from_slice(&[version.number(), vrid]);
    match source {
        IpAddr::V4(v4) => {
            pseudo[0] = 4;
            pseudo[4..8].copy_from_slice(&v4.octets());
        }
        IpAddr::V6(v6) => {
            pseudo[0] = 6;
            pseudo[4..].copy_from_slice(&v6.octets());
        }
    }
    let mut short = [0; TRAILER_LENGTH - CODE];
    let (Some(before), Some(behind)) = (packet.get(..6), packet.get(8..)) else { return short };
    // HMAC takes keys of any length.
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&key.secret) else { return short };
    for piece in [&pseudo[..], before, &[0; 2], behind, trailer_head, &[0; TRAILER_LENGTH - CODE]] {
        mac.update(piece);
    }
    short.copy_from_slice(&mac.finalize().into_bytes()[..TRAILER_LENGTH - CODE]);
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 78, 0, 1));
    const NOW: Duration = Duration::from_millis(1_790_000_000_500);
    const PACKET: &[u8] = b"\x31\x3d\x96\x01\x00\x64\xab\xcd\x0a\x4e\x00\x64";

    fn settings() -> Settings {
        Settings {
            keys: vec![Key { id: 1, secret: vec![1; 32] }, Key { id: 2, secret: vec![2; 64] }],
            active_key: 2,
            anti_replay: AntiReplay::Time(Duration::from_secs(5)),
            mode: Mode::Enforce,
            senders: SENDERS,
        }
    }

    fn signed(state: &mut State, settings: &Settings, wall: Duration) -> [u8; TRAILER_LENGTH] {
        let mut out = PACKET.to_vec();
        state.stamp(settings, wall).unwrap().append(Version::V3, PACKET[1], SOURCE, 0, &mut out);
        *out.last_chunk().unwrap()
    }

    fn verify(state: &mut State, trailer: &[u8; TRAILER_LENGTH], wall: Duration) -> Result<(), Wrong> {
        state.verify(&settings(), Version::V3, SOURCE, PACKET, trailer, wall)
    }

    #[test]
    fn the_trailer_names_key_and_time() {
        let trailer = signed(&mut State::default(), &settings(), NOW);
        assert_eq!(trailer[..4], [1, 2, 0, 0]);
        assert_eq!(trailer[4..8], 1_790_000_000u32.to_be_bytes());
        assert_eq!(trailer[8..12], [0x80, 0, 0, 0]);
    }

    #[test]
    fn a_signed_packet_passes_once() {
        let (mut sender, mut receiver) = (State::default(), State::default());
        let first = signed(&mut sender, &settings(), NOW);
        let second = signed(&mut sender, &settings(), NOW);
        assert_eq!(second[10..12], [0, 1]);
        assert_eq!(verify(&mut receiver, &second, NOW), Ok(()));
        assert_eq!(verify(&mut receiver, &second, NOW), Err(Wrong::Repeated));
        assert_eq!(verify(&mut receiver, &first, NOW), Err(Wrong::Repeated));
    }

    /// With unicast, nobody who listed so many peers may be told an old packet of one of them.
    #[test]
    fn as_many_senders_are_remembered_as_there_are_peers() {
        let repeated = |senders: usize| {
            let settings = Settings { senders, ..settings() };
            let mut receiver = State::default();
            let trailers = (1..=6u8).map(|host| {
                let source = IpAddr::from([10, 78, 0, host]);
                let mut out = PACKET.to_vec();
                let stamp = State::default().stamp(&settings, NOW).unwrap();
                stamp.append(Version::V3, PACKET[1], source, 0, &mut out);
                (source, *out.last_chunk::<TRAILER_LENGTH>().unwrap())
            });
            let trailers: Vec<_> = trailers.collect();
            let mut verify = |(source, trailer): &(IpAddr, [u8; TRAILER_LENGTH])| {
                receiver.verify(&settings, Version::V3, *source, PACKET, trailer, NOW)
            };
            assert!(trailers.iter().all(|signed| verify(signed).is_ok()));
            verify(&trailers[0])
        };
        assert_eq!(repeated(6), Err(Wrong::Repeated));
        assert_eq!(repeated(SENDERS), Ok(()), "the limit is what this is about");
    }

    #[test]
    fn every_bit_counts() {
        let trailer = signed(&mut State::default(), &settings(), NOW);
        for at in 0..TRAILER_LENGTH {
            let mut changed = trailer;
            changed[at] ^= 1;
            assert!(verify(&mut State::default(), &changed, NOW).is_err(), "byte {at}");
        }
        let other = IpAddr::from([10, 78, 0, 2]);
        let spoofed = State::default().verify(&settings(), Version::V3, other, PACKET, &trailer, NOW);
        assert_eq!(spoofed, Err(Wrong::Code));
        let mut summed = PACKET.to_vec();
        summed[6] = 0;
        let result = State::default().verify(&settings(), Version::V3, SOURCE, &summed, &trailer, NOW);
        assert_eq!(result, Ok(()), "the checksum is not covered: the kernel may fill it in");
    }

    #[test]
    fn old_packets_and_wrong_clocks_are_refused() {
        let trailer = signed(&mut State::default(), &settings(), NOW);
        let late = NOW + Duration::from_secs(6);
        let stale = Err(Wrong::Stale { skew: 6, window: 5 });
        assert_eq!(verify(&mut State::default(), &trailer, late), stale);
        let early = NOW - Duration::from_secs(6);
        let stale = Err(Wrong::Stale { skew: -6, window: 5 });
        assert_eq!(verify(&mut State::default(), &trailer, early), stale);
    }

    #[test]
    fn a_clock_that_was_set_back_is_followed_beyond_the_window() {
        let (mut sender, mut receiver) = (State::default(), State::default());
        let ahead = NOW + Duration::from_secs(3600);
        assert_eq!(verify(&mut receiver, &signed(&mut sender, &settings(), ahead), ahead), Ok(()));
        assert_eq!(verify(&mut receiver, &signed(&mut sender, &settings(), NOW), NOW), Ok(()));
    }

    #[test]
    fn who_does_not_sign_has_no_stamp() {
        let receive_only = Settings { mode: Mode::ReceiveOnly, ..settings() };
        assert!(State::default().stamp(&receive_only, NOW).is_none());
        let keyless = Settings { active_key: 9, ..settings() };
        assert!(State::default().stamp(&keyless, NOW).is_none());
    }
}
