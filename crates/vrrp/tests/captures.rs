//! Packets that real keepalived programs sent, with authentication: each passes once, and ours made
//! of the same parts is the same byte for byte. How they were taken: `fixtures/README.md`.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;
use vrrp::{
    Advertisement, Authentication, Centiseconds, Checksum, Expected, Family, Incoming, Peer, Reject,
    Security, Version, ah, hmac, receive,
};
use wire::Ipv4Header;

const PASSWORD: [u8; 8] = *b"1111\0\0\0\0";

fn fixture(name: &str) -> Vec<Vec<u8>> {
    let path = format!("{}/tests/fixtures/{name}.hex", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let byte = |at: usize, line: &str| u8::from_str_radix(&line[at..at + 2], 16).unwrap();
    text.lines().map(|line| (0..line.len()).step_by(2).map(|at| byte(at, line)).collect()).collect()
}

fn keys(active_key: u8) -> hmac::Settings {
    let first = (0..32).collect();
    let second = b"this-is-a-second-key-of-more-than-32-bytes".to_vec();
    hmac::Settings {
        keys: vec![hmac::Key { id: 1, secret: first }, hmac::Key { id: 2, secret: second }],
        active_key,
        anti_replay: hmac::AntiReplay::Time(Duration::from_secs(5)),
        mode: hmac::Mode::Enforce,
        senders: hmac::SENDERS,
    }
}

/// What a router in the place of the sender's backup expects.
fn expected<'a>(
    version: Version,
    authentication: Authentication,
    hmac: Option<&'a hmac::Settings>,
    peers: Option<&'a [Peer]>,
    addresses: &'a [IpAddr],
) -> Expected<'a> {
    Expected {
        version,
        family: Family::of(addresses[0]),
        vrid: 61,
        interval: Centiseconds(100),
        authentication,
        hmac,
        checksum: Checksum::PseudoHeader,
        unicast: peers,
        check_source: true,
        old_group: None,
        addresses,
        compare_unless_from: None,
    }
}

/// The moment that a trailer names, to the fraction that it can hold.
fn moment(trailer: &[u8]) -> Duration {
    let seconds = u32::from_be_bytes(trailer[4..8].try_into().unwrap());
    let fraction = u64::from(u16::from_be_bytes(trailer[8..10].try_into().unwrap()));
    Duration::new(seconds.into(), (fraction * 1_000_000_000).div_ceil(1 << 16) as u32)
}

fn is_v4(packet: &[u8]) -> bool {
    packet[0] >> 4 == 4
}

fn incoming(packet: &[u8]) -> Incoming<'_> {
    if is_v4(packet) {
        return Incoming::v4(packet).unwrap();
    }
    let address = |at: usize| Ipv6Addr::from(<[u8; 16]>::try_from(&packet[at..at + 16]).unwrap());
    Incoming::v6(address(8), address(24), Some(packet[7]), &packet[40..])
}

#[test]
fn trailers_of_keepalived_pass_and_are_made_the_same() {
    let v4 = [IpAddr::from([10, 78, 0, 100])];
    let v6 = [
        IpAddr::from(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x64)),
        IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0x64)),
    ];
    let peers = [Peer { address: IpAddr::from([10, 78, 0, 1]), ttl: 0..=255 }];
    for (name, version, centiseconds, key, unicast) in [
        ("v2-hmac", Version::V2, 100, 1, false),
        ("v3-hmac", Version::V3, 50, 2, false),
        ("v3-ipv6-hmac", Version::V3, 50, 1, false),
        ("v3-unicast-hmac", Version::V3, 50, 1, true),
    ] {
        let settings = keys(key);
        let mut security = Security::default();
        for packet in fixture(name) {
            let addresses: &[IpAddr] = if is_v4(&packet) { &v4 } else { &v6 };
            let peers = unicast.then_some(&peers[..]);
            let expected = expected(version, Authentication::None, Some(&settings), peers, addresses);
            let (incoming, trailer) = (incoming(&packet), &packet[packet.len() - hmac::TRAILER_LENGTH..]);
            let wall = moment(trailer);
            let received = receive::check(&incoming, &expected, &mut security, wall).unwrap();
            assert_eq!((received.priority, received.difference), (150, None), "{name}");
            let again = receive::check(&incoming, &expected, &mut security, wall);
            assert_eq!(again, Err(Reject::Trailer(hmac::Wrong::Repeated)), "{name}");
            let advertisement = Advertisement {
                version,
                vrid: 61,
                priority: 150,
                interval: Centiseconds(centiseconds),
                addresses,
                authentication: Authentication::None,
                checksum: Checksum::PseudoHeader,
            };
            let (mut sender, mut ours) = (hmac::State::default(), Vec::new());
            let stamp = sender.stamp(&settings, wall);
            advertisement.write(incoming.source, incoming.destination, stamp.as_ref(), &mut ours);
            assert_eq!(ours, incoming.packet, "{name}");
        }
    }
}

#[test]
fn authentication_headers_of_keepalived_pass_and_are_made_the_same() {
    let vips = [IpAddr::from([10, 78, 0, 100])];
    let peers = [Peer { address: IpAddr::from([10, 78, 0, 1]), ttl: 0..=255 }];
    let authentication = Authentication::Ah(PASSWORD);
    for (name, ttl, destination) in
        [("v2-ah", 255, Ipv4Addr::new(224, 0, 0, 18)), ("v2-ah-unicast", 64, Ipv4Addr::new(10, 78, 0, 2))]
    {
        let unicast = !destination.is_multicast();
        let mut security = Security::default();
        for (packet, number) in fixture(name).into_iter().zip(1..) {
            let expected = expected(Version::V2, authentication, None, unicast.then_some(&peers[..]), &vips);
            let received = receive::check(&incoming(&packet), &expected, &mut security, Duration::ZERO);
            assert_eq!(received.map(|r| (r.priority, r.difference)), Ok((150, None)), "{name}");
            let again = receive::check(&incoming(&packet), &expected, &mut security, Duration::ZERO);
            assert_eq!(again, Err(Reject::Repeated { received: number, last: number }), "{name}");
            let source = Ipv4Addr::new(10, 78, 0, 1);
            let header = Ipv4Header {
                tos: 0xc0,
                id: number as u16,
                ttl,
                protocol: vrrp::PROTOCOL,
                source,
                destination,
            };
            let advertisement = Advertisement {
                version: Version::V2,
                vrid: 61,
                priority: 150,
                interval: Centiseconds(100),
                addresses: &vips,
                authentication,
                checksum: Checksum::PseudoHeader,
            };
            let (mut body, mut ours) = (Vec::new(), Vec::new());
            advertisement.write(source.into(), destination.into(), None, &mut body);
            ah::wrap(header, PASSWORD, number, unicast, &body, &mut ours);
            assert_eq!(ours, packet, "{name}");
        }
    }
}
