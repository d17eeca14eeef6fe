//! A hundred thousand damaged, forged and random packets for each kind of router: nothing panics,
//! nothing of it counts, and the advertisements of the legitimate master between them are obeyed.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;
use vrrp::ah::{self, Sequence};
use vrrp::{
    Action, Advertisement, Authentication, Centiseconds, Checksum, Event, Expected, Family, Incoming,
    PROTOCOL, Router, Security, Settings, Standing, State, Time, Version, hmac, receive,
};
use wire::Ipv4Header;

const PACKETS: u32 = 100_000;
const MASTER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);
const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
const MASTER_6: Ipv6Addr = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 9);
const GROUP_6: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);
const VIPS: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(10, 0, 0, 100)), IpAddr::V4(Ipv4Addr::new(10, 0, 0, 101))];
const VIPS_6: [IpAddr; 1] = [IpAddr::V6(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x64))];
const SECRET: [u8; 8] = *b"1111\0\0\0\0";
/// The time of the test's first packet, since 1970.
const WALL: Duration = Duration::from_secs(1_790_000_000);

/// A kind of router and what its packets look like.
#[derive(Clone, Copy, Debug)]
struct Variant {
    version: Version,
    family: Family,
    authentication: Authentication,
    hmac: bool,
}

const V2: Variant =
    Variant { version: Version::V2, family: Family::V4, authentication: Authentication::None, hmac: false };
const V3: Variant = Variant { version: Version::V3, ..V2 };

fn key(byte: u8) -> hmac::Settings {
    hmac::Settings {
        keys: vec![hmac::Key { id: 1, secret: vec![byte; 32] }],
        active_key: 1,
        anti_replay: hmac::AntiReplay::Time(Duration::from_secs(5)),
        mode: hmac::Mode::Enforce,
        senders: hmac::SENDERS,
    }
}

/// Who sends: what has to grow from packet to packet.
#[derive(Default)]
struct Sender {
    sequence: Sequence,
    hmac: hmac::State,
    /// Packets sent before, which must not count again where that is promised.
    sent: Vec<Vec<u8>>,
}

impl Variant {
    const ALL: [Variant; 8] = [
        V2,
        Variant { authentication: Authentication::Pass(SECRET), ..V2 },
        Variant { authentication: Authentication::Ah(SECRET), ..V2 },
        Variant { hmac: true, ..V2 },
        V3,
        Variant { hmac: true, ..V3 },
        Variant { family: Family::V6, ..V3 },
        Variant { family: Family::V6, hmac: true, ..V3 },
    ];

    /// Whether a packet counts only from someone who knows a secret.
    fn is_authenticated(self) -> bool {
        self.authentication != Authentication::None || self.hmac
    }

    /// Whether a packet counts only once.
    fn refuses_repetitions(self) -> bool {
        self.hmac || matches!(self.authentication, Authentication::Ah(_))
    }

    fn addresses(self) -> &'static [IpAddr] {
        match self.family {
            Family::V4 => &VIPS,
            Family::V6 => &VIPS_6,
        }
    }

    fn expected(self, hmac: &hmac::Settings) -> Expected<'_> {
        Expected {
            version: self.version,
            family: self.family,
            vrid: 51,
            interval: Centiseconds(100),
            authentication: self.authentication,
            hmac: self.hmac.then_some(hmac),
            checksum: Checksum::PseudoHeader,
            unicast: None,
            check_source: false,
            old_group: Some(GROUP),
            addresses: self.addresses(),
            compare_unless_from: None,
        }
    }

    /// An advertisement of the master.
    fn legitimate(self, sender: &mut Sender, now: Time, priority: u8) -> Vec<u8> {
        let advertisement = Advertisement {
            version: self.version,
            vrid: 51,
            priority,
            interval: Centiseconds(100),
            addresses: self.addresses(),
            authentication: self.authentication,
            checksum: Checksum::PseudoHeader,
        };
        let bytes = self.packet(&advertisement, sender, &key(7), self.hmac, now);
        sender.sent.push(bytes.clone());
        bytes
    }

    /// One of somebody who guesses: right in everything but the secret, which he does not have.
    fn forged(self, random: &mut Random, now: Time) -> Vec<u8> {
        let addresses = [IpAddr::from(Ipv4Addr::from(random.next() as u32)), VIPS[0]];
        let number = random.0.to_be_bytes();
        let wrong = random.pick([[0; 8], *b"1111\0\0\0\x01", number]);
        let advertisement = Advertisement {
            version: random.pick([self.version, self.version, Version::V2, Version::V3]),
            vrid: 51,
            priority: random.pick([255, 254, 101, 0, random.0 as u8]),
            interval: random.pick([Centiseconds(100), Centiseconds(1), Centiseconds(random.0 as u16)]),
            addresses: match self.family {
                Family::V4 => random.pick([&VIPS[..], &addresses, &[]]),
                Family::V6 => random.pick([&VIPS_6[..], &[]]),
            },
            authentication: random.pick([
                Authentication::None,
                Authentication::Pass(wrong),
                Authentication::Ah(wrong),
            ]),
            checksum: random.pick([Checksum::PseudoHeader, Checksum::AsVersion2]),
        };
        let mut sender = Sender { sequence: Sequence(random.0 as u32), ..Sender::default() };
        let signed = self.hmac && random.below(2) == 0;
        self.packet(&advertisement, &mut sender, &key(random.0 as u8 | 8), signed, now)
    }

    fn packet(
        self,
        advertisement: &Advertisement<'_>,
        sender: &mut Sender,
        hmac: &hmac::Settings,
        signed: bool,
        now: Time,
    ) -> Vec<u8> {
        let stamp = signed.then(|| sender.hmac.stamp(hmac, WALL + now.0)).flatten();
        let mut body = Vec::new();
        if self.family == Family::V6 {
            advertisement.write(MASTER_6.into(), GROUP_6.into(), stamp.as_ref(), &mut body);
            return body;
        }
        advertisement.write(MASTER.into(), GROUP.into(), stamp.as_ref(), &mut body);
        let header =
            Ipv4Header { tos: 0xc0, id: 7, ttl: 255, protocol: PROTOCOL, source: MASTER, destination: GROUP };
        if let Authentication::Ah(secret) = advertisement.authentication {
            let mut whole = Vec::new();
            ah::wrap(header, secret, sender.sequence.advance(), false, &body, &mut whole);
            return whole;
        }
        [&header.build(body.len())[..], &body].concat()
    }

    /// Bytes before those that are covered by a checksum or a code.
    fn header_length(self) -> usize {
        if self.family == Family::V4 { 20 } else { 0 }
    }

    fn router(self) -> Router {
        let source = match self.family {
            Family::V4 => IpAddr::from([10, 0, 0, 1]),
            Family::V6 => Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1).into(),
        };
        Router::new(Settings::plain(self.version, 100, Centiseconds(100), source))
    }
}

/// SplitMix64: small, and the same on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    fn pick<T: Copy, const N: usize>(&mut self, of: [T; N]) -> T {
        of[self.below(N)]
    }
}

/// Noise, or an advertisement of priority 255, which would win against everybody, that is cut short,
/// lengthened, or has a bit of its VRRP part flipped, which every checksum shows.
fn damaged(variant: Variant, sender: &mut Sender, random: &mut Random, now: Time) -> Vec<u8> {
    let mut bytes = variant.legitimate(sender, now, 255);
    // It never arrives whole: as it is, it must not be taken for a repetition.
    sender.sent.pop();
    match random.below(4) {
        0 => {
            let length = random.below(200);
            return (0..length).map(|_| random.next() as u8).collect();
        }
        1 => bytes.truncate(random.below(bytes.len())),
        2 => bytes.extend((0..=random.below(100)).map(|_| 0xa5)),
        _ => {
            let at = variant.header_length() + random.below(bytes.len() - variant.header_length());
            bytes[at] ^= 1 << random.below(8);
        }
    }
    bytes
}

/// What must not count for this kind of router.
fn worthless(variant: Variant, sender: &mut Sender, random: &mut Random, now: Time) -> Vec<u8> {
    match random.below(3) {
        0 if variant.is_authenticated() => variant.forged(random, now),
        1 if variant.refuses_repetitions() && !sender.sent.is_empty() => {
            sender.sent[random.below(sender.sent.len())].clone()
        }
        _ => damaged(variant, sender, random, now),
    }
}

/// A router with what it remembers of packets.
struct Receiver {
    variant: Variant,
    router: Router,
    security: Security,
}

impl Receiver {
    /// Gives bytes to the router as the process does. Says whether they were accepted.
    fn deliver(&mut self, now: Time, bytes: &[u8], actions: &mut Vec<Action>) -> bool {
        let incoming = match self.variant.family {
            Family::V4 => Incoming::v4(bytes),
            Family::V6 => Ok(Incoming::v6(MASTER_6, GROUP_6, Some(255), bytes)),
        };
        let (Ok(incoming), key) = (incoming, key(7)) else { return false };
        let expected = self.variant.expected(&key);
        let checked = receive::check(&incoming, &expected, &mut self.security, WALL + now.0);
        let Ok(received) = checked else { return false };
        self.router.on(now, Event::Advertisement(received), actions);
        true
    }
}

fn start(variant: Variant, restored: Option<State>, actions: &mut Vec<Action>) -> Receiver {
    let mut router = variant.router();
    router.on(Time::default(), Event::Start { standing: Standing::Fit, restored }, actions);
    Receiver { variant, router, security: Security::default() }
}

#[test]
fn a_backup_under_a_flood_obeys_its_master() {
    for variant in Variant::ALL {
        let (mut random, mut actions, mut now) = (Random(1), Vec::new(), Time::default());
        let (mut receiver, mut sender) = (start(variant, None, &mut actions), Sender::default());
        for round in 0..PACKETS {
            now = now + Duration::from_millis(1);
            let bytes = worthless(variant, &mut sender, &mut random, now);
            let accepted = receiver.deliver(now, &bytes, &mut actions);
            assert!(!accepted, "{variant:?} accepted {bytes:02x?}");
            if round % 1000 == 0 {
                let bytes = variant.legitimate(&mut sender, now, 150);
                assert!(receiver.deliver(now, &bytes, &mut actions));
            }
            receiver.router.on(now, Event::Timer, &mut actions);
            assert_eq!(receiver.router.state(), State::Backup);
        }
        assert_eq!(receiver.router.counters().received, u64::from(PACKETS / 1000));
        // Silence after the flood, and the takeover comes as it must.
        receiver.router.on(now + Duration::from_secs(4), Event::Timer, &mut actions);
        assert_eq!(receiver.router.state(), State::Master);
    }
}

#[test]
fn a_master_under_a_flood_keeps_its_rhythm_and_gives_way() {
    for variant in Variant::ALL {
        let (mut random, mut actions, mut now) = (Random(2), Vec::new(), Time::default());
        let mut receiver = start(variant, Some(State::Master), &mut actions);
        let mut sender = Sender::default();
        for _ in 0..PACKETS {
            now = now + Duration::from_millis(1);
            let bytes = worthless(variant, &mut sender, &mut random, now);
            receiver.deliver(now, &bytes, &mut actions);
            receiver.router.on(now, Event::Timer, &mut actions);
        }
        assert_eq!(receiver.router.state(), State::Master);
        let sent = actions.iter().filter(|action| matches!(action, Action::Advertise(_))).count();
        assert_eq!(sent as u32, PACKETS / 1000 + 1, "one at the start and one each second");
        let bytes = variant.legitimate(&mut sender, now, 150);
        assert!(receiver.deliver(now, &bytes, &mut actions));
        assert_eq!(receiver.router.state(), State::Backup);
    }
}

/// Whatever an impostor sends to a router that trusts everybody, nothing panics, and the addresses
/// stay with the state.
#[test]
fn forged_packets_are_survived_where_all_are_believed() {
    for variant in Variant::ALL.into_iter().filter(|variant| !variant.is_authenticated()) {
        let (mut random, mut actions, mut now) = (Random(3), Vec::new(), Time::default());
        let mut receiver = start(variant, None, &mut actions);
        let (mut accepted, mut installed) = (0, false);
        for _ in 0..PACKETS {
            now = now + Duration::from_millis(random.next() % 3000);
            actions.clear();
            receiver.router.on(now, Event::Timer, &mut actions);
            let bytes = variant.forged(&mut random, now);
            accepted += u32::from(receiver.deliver(now, &bytes, &mut actions));
            for action in &actions {
                match action {
                    Action::Install => installed = true,
                    Action::Remove => installed = false,
                    _ => {}
                }
            }
            assert_eq!(installed, receiver.router.state() == State::Master);
            assert!(receiver.router.next_deadline().is_some());
        }
        assert!(accepted > PACKETS / 40, "{variant:?}: {accepted}");
    }
}
