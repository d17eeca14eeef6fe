//! A hundred thousand damaged, forged and random packets for each kind of router: nothing panics,
//! nothing of it counts, and the advertisements of the legitimate master between them are obeyed.

use std::net::Ipv4Addr;
use std::time::Duration;
use vrrp::{
    Action, Advertisement, Authentication, Centiseconds, Event, Expected, Garp, PROTOCOL, Preempt, Router,
    Settings, Standing, State, Time, Version, receive,
};
use wire::{Ipv4Header, Ipv4Packet};

const PACKETS: u32 = 100_000;
const MASTER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);
const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
const VIPS: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 0, 0, 100), Ipv4Addr::new(10, 0, 0, 101)];
const SECRET: Authentication = Authentication::Pass(*b"1111\0\0\0\0");

/// A kind of router and what its packets look like.
#[derive(Clone, Copy, Debug)]
struct Variant {
    version: Version,
    authentication: Authentication,
}

impl Variant {
    const ALL: [Variant; 3] = [
        Variant { version: Version::V2, authentication: Authentication::None },
        Variant { version: Version::V2, authentication: SECRET },
        Variant { version: Version::V3, authentication: Authentication::None },
    ];

    /// Whether a packet counts only from someone who knows a secret.
    fn is_authenticated(self) -> bool {
        self.authentication != Authentication::None
    }

    fn expected(self) -> Expected<'static> {
        Expected {
            version: self.version,
            vrid: 51,
            interval: Centiseconds(100),
            authentication: self.authentication,
            unicast: false,
            addresses: &VIPS,
        }
    }

    /// An advertisement of the master.
    fn legitimate(self, priority: u8) -> Vec<u8> {
        let expected = self.expected();
        let advertisement = Advertisement {
            version: self.version,
            vrid: expected.vrid,
            priority,
            interval: expected.interval,
            addresses: &VIPS,
            authentication: self.authentication,
        };
        let mut body = Vec::new();
        advertisement.write(MASTER, GROUP, &mut body);
        framed(&body)
    }

    /// One of somebody who guesses: right in everything but the secret, which he does not have.
    fn forged(self, random: &mut Random) -> Vec<u8> {
        let addresses = [Ipv4Addr::from(random.next() as u32), VIPS[0]];
        let advertisement = Advertisement {
            version: random.pick([self.version, self.version, Version::V2, Version::V3]),
            vrid: 51,
            priority: random.pick([255, 254, 101, 0, random.0 as u8]),
            interval: random.pick([Centiseconds(100), Centiseconds(1), Centiseconds(random.0 as u16)]),
            addresses: random.pick([&VIPS[..], &addresses, &[]]),
            authentication: random.pick([
                Authentication::None,
                Authentication::Pass([0; 8]),
                Authentication::Pass(*b"1111\0\0\0\x01"),
                Authentication::Pass(random.0.to_be_bytes()),
            ]),
        };
        let mut body = Vec::new();
        advertisement.write(MASTER, GROUP, &mut body);
        framed(&body)
    }

    fn router(self) -> Router {
        Router::new(Settings {
            version: self.version,
            priority: 100,
            interval: Centiseconds(100),
            starts_as_master: false,
            preempt: Preempt::Always,
            source: Ipv4Addr::new(10, 0, 0, 1).into(),
            garp: Garp {
                delay: Duration::from_secs(5),
                refresh: Duration::ZERO,
                lower_delay: Duration::from_secs(5),
                lower: true,
            },
        })
    }
}

fn framed(body: &[u8]) -> Vec<u8> {
    let header =
        Ipv4Header { tos: 0xc0, id: 7, ttl: 255, protocol: PROTOCOL, source: MASTER, destination: GROUP };
    [&header.build(body.len())[..], body].concat()
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
fn damaged(variant: Variant, random: &mut Random) -> Vec<u8> {
    let mut bytes = variant.legitimate(255);
    match random.below(4) {
        0 => {
            let length = random.below(200);
            return (0..length).map(|_| random.next() as u8).collect();
        }
        1 => bytes.truncate(random.below(bytes.len())),
        2 => bytes.extend((0..=random.below(100)).map(|_| 0xa5)),
        _ => {
            let at = 20 + random.below(bytes.len() - 20);
            bytes[at] ^= 1 << random.below(8);
        }
    }
    bytes
}

/// What must not count for this kind of router.
fn worthless(variant: Variant, random: &mut Random) -> Vec<u8> {
    if variant.is_authenticated() && random.below(2) == 0 {
        variant.forged(random)
    } else {
        damaged(variant, random)
    }
}

/// Gives bytes to the router as the process does. Says whether they were accepted.
fn deliver(
    variant: Variant,
    router: &mut Router,
    now: Time,
    bytes: &[u8],
    actions: &mut Vec<Action>,
) -> bool {
    let Ok(packet) = Ipv4Packet::parse(bytes) else { return false };
    let Ok(received) = receive::check(&packet, &variant.expected()) else { return false };
    router.on(now, Event::Advertisement(received), actions);
    true
}

fn start(variant: Variant, restored: Option<State>, actions: &mut Vec<Action>) -> Router {
    let mut router = variant.router();
    router.on(Time::default(), Event::Start { standing: Standing::Fit, restored }, actions);
    router
}

#[test]
fn a_backup_under_a_flood_obeys_its_master() {
    for variant in Variant::ALL {
        let (mut random, mut actions, mut now) = (Random(1), Vec::new(), Time::default());
        let mut router = start(variant, None, &mut actions);
        for round in 0..PACKETS {
            now = now + Duration::from_millis(1);
            let bytes = worthless(variant, &mut random);
            let accepted = deliver(variant, &mut router, now, &bytes, &mut actions);
            assert!(!accepted, "{variant:?} accepted {bytes:02x?}");
            if round % 1000 == 0 {
                assert!(deliver(variant, &mut router, now, &variant.legitimate(150), &mut actions));
            }
            router.on(now, Event::Timer, &mut actions);
            assert_eq!(router.state(), State::Backup);
        }
        assert_eq!(router.counters().received, u64::from(PACKETS / 1000));
        // Silence after the flood, and the takeover comes as it must.
        router.on(now + Duration::from_secs(4), Event::Timer, &mut actions);
        assert_eq!(router.state(), State::Master);
    }
}

#[test]
fn a_master_under_a_flood_keeps_its_rhythm_and_gives_way() {
    for variant in Variant::ALL {
        let (mut random, mut actions, mut now) = (Random(2), Vec::new(), Time::default());
        let mut router = start(variant, Some(State::Master), &mut actions);
        for _ in 0..PACKETS {
            now = now + Duration::from_millis(1);
            deliver(variant, &mut router, now, &worthless(variant, &mut random), &mut actions);
            router.on(now, Event::Timer, &mut actions);
        }
        assert_eq!(router.state(), State::Master);
        let sent = actions.iter().filter(|action| matches!(action, Action::Advertise(_))).count();
        assert_eq!(sent as u32, PACKETS / 1000 + 1, "one at the start and one each second");
        assert!(deliver(variant, &mut router, now, &variant.legitimate(150), &mut actions));
        assert_eq!(router.state(), State::Backup);
    }
}

/// Whatever an impostor sends to a router that trusts everybody, nothing panics, and the addresses
/// stay with the state.
#[test]
fn forged_packets_are_survived_where_all_are_believed() {
    for variant in Variant::ALL.into_iter().filter(|variant| !variant.is_authenticated()) {
        let (mut random, mut actions, mut now) = (Random(3), Vec::new(), Time::default());
        let mut router = start(variant, None, &mut actions);
        let (mut accepted, mut installed) = (0, false);
        for _ in 0..PACKETS {
            now = now + Duration::from_millis(random.next() % 3000);
            actions.clear();
            router.on(now, Event::Timer, &mut actions);
            let bytes = variant.forged(&mut random);
            accepted += u32::from(deliver(variant, &mut router, now, &bytes, &mut actions));
            for action in &actions {
                match action {
                    Action::Install => installed = true,
                    Action::Remove => installed = false,
                    _ => {}
                }
            }
            assert_eq!(installed, router.state() == State::Master);
            assert!(router.next_deadline().is_some());
        }
        assert!(accepted > PACKETS / 20, "{variant:?}: {accepted}");
    }
}
