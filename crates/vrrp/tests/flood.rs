//! Tens of thousands of damaged, forged and random packets: nothing panics, nothing of it counts, and
//! the advertisements of the legitimate master between them are obeyed.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use vrrp::{
    Action, Advertisement, Authentication, Centiseconds, Checksum, Event, Expected, Family, Incoming,
    PROTOCOL, Router, Security, Settings, Standing, State, Time, Version, receive,
};
use wire::Ipv4Header;

const MASTER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 9);
const VIPS: [IpAddr; 2] =
    [IpAddr::V4(Ipv4Addr::new(10, 0, 0, 100)), IpAddr::V4(Ipv4Addr::new(10, 0, 0, 101))];
const EXPECTED: Expected<'static> = Expected {
    version: Version::V2,
    vrid: 51,
    interval: Centiseconds(100),
    authentication: Authentication::Pass(*b"1111\0\0\0\0"),
    family: Family::V4,
    hmac: None,
    checksum: Checksum::PseudoHeader,
    unicast: None,
    check_source: false,
    old_group: None,
    addresses: &VIPS,
    compare_unless_from: None,
};

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
}

fn legitimate(priority: u8) -> Vec<u8> {
    let header = Ipv4Header {
        tos: 0xc0,
        id: 7,
        ttl: 255,
        protocol: PROTOCOL,
        source: MASTER,
        destination: Ipv4Addr::new(224, 0, 0, 18),
    };
    let mut body = Vec::new();
    let advertisement = Advertisement {
        version: Version::V2,
        vrid: EXPECTED.vrid,
        priority,
        interval: EXPECTED.interval,
        addresses: &VIPS,
        authentication: EXPECTED.authentication,
        checksum: EXPECTED.checksum,
    };
    advertisement.write(header.source.into(), header.destination.into(), None, &mut body);
    [&header.build(body.len())[..], &body].concat()
}

/// A packet that must not count: noise, or a legitimate one of priority 255 (which would win against
/// everybody) with one to four bits of its VRRP part flipped, or cut short, or lengthened.
fn damaged(random: &mut Random) -> Vec<u8> {
    let mut bytes = legitimate(255);
    match random.below(4) {
        0 => {
            let length = random.below(200);
            return (0..length).map(|_| random.next() as u8).collect();
        }
        1 => bytes.truncate(random.below(bytes.len())),
        2 => bytes.extend((0..=random.below(100)).map(|_| 0xa5)),
        _ => {
            // An odd number of flips within a checksummed word always shows.
            let word = 20 + 2 * random.below((bytes.len() - 20) / 2);
            bytes[word + random.below(2)] ^= 1 << random.below(8);
        }
    }
    bytes
}

fn router() -> Router {
    Router::new(Settings::plain(Version::V2, 100, EXPECTED.interval, IpAddr::from([10, 0, 0, 1])))
}

/// Gives bytes to the router as the process does. Says whether they were accepted.
fn deliver(router: &mut Router, now: Time, bytes: &[u8], actions: &mut Vec<Action>) -> bool {
    let Ok(packet) = Incoming::v4(bytes) else { return false };
    let mut security = Security::default();
    let Ok(received) = receive::check(&packet, &EXPECTED, &mut security, Duration::ZERO) else {
        return false;
    };
    router.on(now, Event::Advertisement(received), actions);
    true
}

#[test]
fn a_backup_under_a_flood_obeys_its_master() {
    let (mut random, mut router, mut actions) = (Random(1), router(), Vec::new());
    router.on(Time::default(), Event::Start { standing: Standing::Fit, restored: None }, &mut actions);
    let mut now = Time::default();
    for round in 0..60_000u32 {
        now = now + Duration::from_millis(1);
        let bytes = damaged(&mut random);
        assert!(!deliver(&mut router, now, &bytes, &mut actions), "accepted {bytes:02x?}");
        if round % 1000 == 0 {
            assert!(deliver(&mut router, now, &legitimate(150), &mut actions));
        }
        router.on(now, Event::Timer, &mut actions);
        assert_eq!(router.state(), State::Backup);
    }
    assert_eq!(router.counters().received, 60);
    // Silence after the flood, and the takeover comes as it must.
    router.on(now + Duration::from_secs(4), Event::Timer, &mut actions);
    assert_eq!(router.state(), State::Master);
}

#[test]
fn a_master_under_a_flood_keeps_its_rhythm_and_gives_way() {
    let (mut random, mut router, mut actions) = (Random(2), router(), Vec::new());
    let start = Event::Start { standing: Standing::Fit, restored: Some(State::Master) };
    router.on(Time::default(), start, &mut actions);
    let mut now = Time::default();
    for _ in 0..20_000 {
        now = now + Duration::from_millis(1);
        deliver(&mut router, now, &damaged(&mut random), &mut actions);
        router.on(now, Event::Timer, &mut actions);
    }
    assert_eq!(router.state(), State::Master);
    let sent = actions.iter().filter(|action| matches!(action, Action::Advertise(_))).count();
    assert_eq!(sent, 21, "one at the start and one each second");
    assert!(deliver(&mut router, now, &legitimate(150), &mut actions));
    assert_eq!(router.state(), State::Backup);
}
