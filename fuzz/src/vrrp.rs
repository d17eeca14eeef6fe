//! Advertisements as a virtual router gets them: `Incoming`, `receive::check`, `Event::Advertisement`.
//!
//! The first byte chooses the kind of router, the second whether it starts as master. Then packets: a
//! byte of what is done to it, one of the time before it, one of its length, and its bytes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;
use vrrp::ah::{self, Sequence};
use vrrp::{
    Action, Advertisement, Authentication, Centiseconds, Checksum, Event, Expected, Family, Incoming,
    PROTOCOL, Router, Security, Settings, Standing, State, Time, Version, hmac, receive,
};
use wire::{Ipv4Header, Sum, checksum};

const SENDER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);
const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
const SENDER_6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 9);
const GROUP_6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);
const SECRET: [u8; 8] = *b"1111\0\0\0\0";
/// The time of the first packet, since 1970.
const WALL: Duration = Duration::from_secs(1_790_000_000);

struct Receiver {
    version: Version,
    family: Family,
    authentication: Authentication,
    hmac: Option<hmac::Settings>,
    addresses: Vec<IpAddr>,
    router: Router,
    security: Security,
    /// What a sender with the secrets has to count.
    sequence: Sequence,
    stamps: hmac::State,
    holds_addresses: bool,
}

impl Receiver {
    fn new(kind: u8) -> Self {
        let (version, family, authentication, signed) = match kind % 8 {
            0 => (Version::V2, Family::V4, Authentication::None, false),
            1 => (Version::V2, Family::V4, Authentication::Pass(SECRET), false),
            2 => (Version::V2, Family::V4, Authentication::Ah(SECRET), false),
            3 => (Version::V2, Family::V4, Authentication::None, true),
            4 => (Version::V3, Family::V4, Authentication::None, false),
            5 => (Version::V3, Family::V4, Authentication::None, true),
            6 => (Version::V3, Family::V6, Authentication::None, false),
            _ => (Version::V3, Family::V6, Authentication::None, true),
        };
        let (own, address): (IpAddr, IpAddr) = match family {
            Family::V4 => (Ipv4Addr::new(10, 0, 0, 5).into(), Ipv4Addr::new(10, 0, 0, 100).into()),
            Family::V6 => ("fe80::5".parse().expect("one"), "fe80::64".parse().expect("one")),
        };
        let keys = vec![hmac::Key { id: 1, secret: vec![7; 32] }];
        let anti_replay = hmac::AntiReplay::Time(Duration::from_secs(5));
        let mode = [hmac::Mode::Enforce, hmac::Mode::Permissive, hmac::Mode::ReceiveOnly];
        let mode = mode[usize::from(kind >> 3) % 3];
        Self {
            version,
            family,
            authentication,
            hmac: signed.then_some(hmac::Settings { keys, active_key: 1, anti_replay, mode, senders: 4 }),
            addresses: vec![address],
            router: Router::new(Settings::plain(version, 100, Centiseconds(100), own)),
            security: Security::default(),
            sequence: Sequence::default(),
            stamps: hmac::State::default(),
            holds_addresses: false,
        }
    }

    /// A whole packet of a sender who knows the secrets; its fields come from the bytes.
    fn proper(&mut self, bytes: &[u8], now: Time) -> Vec<u8> {
        let at = |index: usize| bytes.get(index).copied().unwrap_or(0);
        let advertisement = Advertisement {
            version: self.version,
            vrid: 51,
            priority: at(0),
            interval: Centiseconds(u16::from_be_bytes([at(1), at(2)])),
            addresses: &self.addresses[..usize::from(at(3) % 2)],
            authentication: self.authentication,
            checksum: Checksum::PseudoHeader,
        };
        let stamp = self.hmac.as_ref().and_then(|keys| self.stamps.stamp(keys, WALL + now.0));
        let mut body = Vec::new();
        if self.family == Family::V6 {
            advertisement.write(SENDER_6.into(), GROUP_6.into(), stamp.as_ref(), &mut body);
            return body;
        }
        advertisement.write(SENDER.into(), GROUP.into(), stamp.as_ref(), &mut body);
        let header =
            Ipv4Header { tos: 0xc0, id: 7, ttl: 255, protocol: PROTOCOL, source: SENDER, destination: GROUP };
        if let Authentication::Ah(secret) = self.authentication {
            let mut whole = Vec::new();
            ah::wrap(header, secret, self.sequence.advance(), false, &body, &mut whole);
            return whole;
        }
        [&header.build(body.len())[..], &body].concat()
    }

    /// The bytes as a VRRP packet with right checksums, so that what lies behind them is reached.
    fn mended(&self, bytes: &[u8]) -> Vec<u8> {
        let mut body = bytes.to_vec();
        if let [_, _, _, _, _, _, sum @ ..] = body.as_mut_slice()
            && let Some(sum) = sum.first_chunk_mut::<2>()
        {
            *sum = [0; 2];
        }
        let length = body.len();
        let right = match (self.version, self.family) {
            (Version::V2, _) => checksum(&body),
            (_, Family::V4) => Sum::pseudo_header_v4(SENDER, GROUP, PROTOCOL, length).with(&body).finish(),
            (_, Family::V6) => {
                Sum::pseudo_header_v6(SENDER_6, GROUP_6, PROTOCOL, length).with(&body).finish()
            }
        };
        if let Some(sum) = body.get_mut(6..8) {
            sum.copy_from_slice(&right.to_be_bytes());
        }
        if self.family == Family::V6 {
            return body;
        }
        let header =
            Ipv4Header { tos: 0xc0, id: 7, ttl: 255, protocol: PROTOCOL, source: SENDER, destination: GROUP };
        [&header.build(body.len())[..], &body].concat()
    }

    fn deliver(&mut self, now: Time, bytes: &[u8], actions: &mut Vec<Action>) {
        let incoming = match self.family {
            Family::V4 => Incoming::v4(bytes),
            Family::V6 => Ok(Incoming::v6(SENDER_6, GROUP_6, Some(255), bytes)),
        };
        let Ok(incoming) = incoming else { return };
        let expected = Expected {
            version: self.version,
            family: self.family,
            vrid: 51,
            interval: Centiseconds(100),
            authentication: self.authentication,
            hmac: self.hmac.as_ref(),
            checksum: Checksum::PseudoHeader,
            unicast: None,
            check_source: false,
            old_group: (self.family == Family::V4).then_some(GROUP),
            addresses: &self.addresses,
            compare_unless_from: None,
        };
        match receive::check(&incoming, &expected, &mut self.security, WALL + now.0) {
            Ok(received) => self.router.on(now, Event::Advertisement(received), actions),
            Err(reject) => assert!(!reject.to_string().is_empty() && !reject.reason().is_empty()),
        }
    }

    /// The addresses are where the state says, and a router that takes part has a deadline.
    fn judge(&mut self, actions: &mut Vec<Action>) {
        for action in actions.drain(..) {
            match action {
                Action::Install => self.holds_addresses = true,
                Action::Remove => self.holds_addresses = false,
                _ => {}
            }
        }
        let state = self.router.state();
        assert_eq!(self.holds_addresses, state == State::Master, "{state:?}");
        assert!(self.router.next_deadline().is_some(), "{state:?} waits for nothing");
    }
}

/// See the module.
pub fn read(data: &[u8]) {
    let [kind, restored, packets @ ..] = data else { return };
    let mut rest = packets;
    let mut receiver = Receiver::new(*kind);
    let restored = (restored % 2 == 1).then_some(State::Master);
    let (mut now, mut actions) = (Time::default(), Vec::new());
    receiver.router.on(now, Event::Start { standing: Standing::Fit, restored }, &mut actions);
    receiver.holds_addresses = restored.is_some();
    receiver.judge(&mut actions);
    while let [what, pause, length, packet @ ..] = rest {
        let (packet, after) = packet.split_at(packet.len().min(usize::from(*length)));
        rest = after;
        now = now + Duration::from_millis(u64::from(*pause) * 10);
        receiver.router.on(now, Event::Timer, &mut actions);
        receiver.judge(&mut actions);
        let bytes = match what % 4 {
            0 => packet.to_vec(),
            1 => receiver.mended(packet),
            2 => receiver.proper(packet, now),
            _ => {
                let mut bytes = receiver.proper(packet, now);
                let at = packet.len() % bytes.len();
                bytes[at] ^= what >> 2;
                bytes
            }
        };
        receiver.deliver(now, &bytes, &mut actions);
        receiver.judge(&mut actions);
    }
}
