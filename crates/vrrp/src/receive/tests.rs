use super::*;
use crate::{Advertisement, PROTOCOL};
use wire::Ipv4Header;

const VIPS: [IpAddr; 1] = [IpAddr::V4(Ipv4Addr::new(10, 78, 0, 100))];
const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
const PASS: Authentication = Authentication::Pass(*b"1111\0\0\0\0");
const EXPECTED: Expected<'static> = Expected {
    version: Version::V2,
    vrid: 61,
    interval: Centiseconds(100),
    authentication: PASS,
    family: Family::V4,
    hmac: None,
    checksum: Checksum::PseudoHeader,
    unicast: None,
    check_source: false,
    old_group: Some(GROUP),
    addresses: &VIPS,
    compare_unless_from: None,
};

/// A whole packet; the checksum is made after `alter` changed its VRRP part.
fn packet(alter: impl FnOnce(&mut Ipv4Header, &mut Vec<u8>)) -> Vec<u8> {
    let mut header = Ipv4Header {
        tos: 0xc0,
        id: 1,
        ttl: 255,
        protocol: PROTOCOL,
        source: Ipv4Addr::new(10, 78, 0, 1),
        destination: Ipv4Addr::new(224, 0, 0, 18),
    };
    let mut body = Vec::new();
    let advertisement = Advertisement {
        version: Version::V2,
        vrid: 61,
        priority: 150,
        interval: Centiseconds(100),
        addresses: &VIPS,
        authentication: PASS,
        checksum: Checksum::PseudoHeader,
    };
    advertisement.write(header.source.into(), header.destination.into(), None, &mut body);
    alter(&mut header, &mut body);
    if body.len() >= 8 {
        body[6..8].fill(0);
        let sum = wire::checksum(&body);
        body[6..8].copy_from_slice(&sum.to_be_bytes());
    }
    [&header.build(body.len())[..], &body].concat()
}

fn outcome(bytes: &[u8], expected: &Expected<'_>) -> Result<Received, Reject> {
    check(&Incoming::v4(bytes).unwrap(), expected, &mut Security::default(), Duration::ZERO)
}

#[test]
fn a_packet_keepalived_sent_passes() {
    // keepalived 2.2.7, VRID 61, priority 150, password "1111".
    let bytes = [
        0x45, 0xc0, 0x00, 0x28, 0x00, 0x01, 0x00, 0x00, 0xff, 0x70, 0xcf, 0x6b, 10, 78, 0, 1, 224, 0, 0, 18,
        0x21, 0x3d, 0x96, 0x01, 0x01, 0x01, 0xda, 0xab, 10, 78, 0, 100, 0x31, 0x31, 0x31, 0x31, 0, 0, 0, 0,
    ];
    let received = outcome(&bytes, &EXPECTED).unwrap();
    assert_eq!(received.source, IpAddr::from([10, 78, 0, 1]));
    assert_eq!((received.priority, received.interval), (150, Centiseconds(100)));
    assert_eq!(received.difference, None);
}

#[test]
fn each_fault_has_its_reason_and_keepalived_s_words() {
    type Alter = fn(&mut Ipv4Header, &mut Vec<u8>);
    let cases: &[(Alter, Reject, &str)] = &[
        (
            |_, body| body.truncate(5),
            Reject::Length { received: 25, expected: 36 },
            "vrrp packet too short, length 25 and expect 36",
        ),
        (
            |_, body| body.push(0),
            Reject::Length { received: 41, expected: 40 },
            "vrrp packet too long, length 41 and expect 40",
        ),
        (
            |_, body| body[3] = 2,
            Reject::Length { received: 40, expected: 44 },
            "vrrp packet too short, length 40 and expect 44",
        ),
        (
            |header, _| header.ttl = 254,
            Reject::TimeToLive(254),
            "invalid TTL/HL. Received 254 and expect 255",
        ),
        (
            |_, body| {
                body[0] = 0x31;
                body.truncate(12);
            },
            Reject::Version { received: 3, expected: 2 },
            "wrong version. Received 3 and expect 2",
        ),
        (|_, body| body[1] = 62, Reject::VirtualRouter(62), "Unknown VRID(62) received. ignoring..."),
        (|_, body| body[4] = 3, Reject::AuthenticationType(3), "Invalid auth type: 3"),
        (
            |_, body| body[4] = 0,
            Reject::Authentication { received: 0, expected: 1 },
            "received a 0 auth, expecting 1!",
        ),
        (|_, body| body[19] = 1, Reject::Password, "received an invalid passwd!"),
        (
            |_, body| body[5] = 2,
            Reject::Interval { mine: 1, received: 2 },
            "advertisement interval mismatch mine=1 sec rcv'd=2 sec",
        ),
        (|_, body| body[0] = 0x22, Reject::Type(2), "Invalid packet type. 2 and expect 1"),
        (
            |header, _| header.destination = Ipv4Addr::new(10, 78, 0, 2),
            Reject::Destination { unicast: false },
            "Expected multicast packet but received unicast packet",
        ),
    ];
    for (alter, reject, words) in cases {
        assert_eq!(outcome(&packet(*alter), &EXPECTED), Err(*reject));
        assert_eq!(reject.to_string(), *words);
    }
}

#[test]
fn the_first_of_two_faults_is_named() {
    let both = packet(|header, body| {
        header.ttl = 1;
        body[19] = 1;
    });
    assert_eq!(outcome(&both, &EXPECTED), Err(Reject::TimeToLive(1)));
}

#[test]
fn a_flipped_bit_is_a_checksum_error() {
    let mut bytes = packet(|_, _| ());
    bytes[22] ^= 1;
    assert_eq!(outcome(&bytes, &EXPECTED), Err(Reject::Checksum(Version::V2)));
}

#[test]
fn a_total_length_below_the_received_one_is_refused() {
    let mut bytes = packet(|_, _| ());
    bytes[3] -= 1;
    assert_eq!(outcome(&bytes, &EXPECTED), Err(Reject::TotalLength { stated: 39, received: 40 }));
}

#[test]
fn unicast_takes_any_time_to_live_and_refuses_multicast() {
    let expected = Expected { unicast: Some(&[]), ..EXPECTED };
    let near = packet(|header, _| {
        header.ttl = 3;
        header.destination = Ipv4Addr::new(10, 78, 0, 2);
    });
    assert!(outcome(&near, &expected).is_ok());
    assert_eq!(outcome(&packet(|_, _| ()), &expected), Err(Reject::Destination { unicast: true }));
}

#[test]
fn another_address_list_is_accepted_and_reported() {
    let other = [IpAddr::from([10, 78, 0, 101])];
    let received = outcome(&packet(|_, _| ()), &Expected { addresses: &other, ..EXPECTED }).unwrap();
    assert_eq!(received.difference, Some(Difference::Missing { vrid: 61, address: other[0] }));
    let received = outcome(&packet(|_, _| ()), &Expected { addresses: &[], ..EXPECTED }).unwrap();
    assert_eq!(received.difference, Some(Difference::Count { received: 1, expected: 0 }));
}

const IPV6: Expected<'static> = Expected {
    version: Version::V3,
    family: Family::V6,
    authentication: Authentication::None,
    old_group: None,
    addresses: &[],
    ..EXPECTED
};

fn ipv6(last: u16) -> Ipv6Addr {
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, last)
}

#[test]
fn ipv6_packets_pass_with_hop_limit_and_checksum() {
    let group = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);
    let advertisement = Advertisement {
        version: Version::V3,
        vrid: 61,
        priority: 150,
        interval: Centiseconds(1),
        addresses: &[],
        authentication: Authentication::None,
        checksum: Checksum::PseudoHeader,
    };
    let mut bytes = Vec::new();
    advertisement.write(ipv6(1).into(), group.into(), None, &mut bytes);
    let outcome = |source, hop_limit, bytes: &[u8]| {
        let incoming = Incoming::v6(source, group, hop_limit, bytes);
        check(&incoming, &IPV6, &mut Security::default(), Duration::ZERO)
    };
    assert_eq!(outcome(ipv6(1), Some(255), &bytes).map(|r| r.interval), Ok(Centiseconds(1)));
    assert_eq!(outcome(ipv6(1), Some(64), &bytes), Err(Reject::TimeToLive(64)));
    assert_eq!(outcome(ipv6(2), Some(255), &bytes), Err(Reject::Checksum(Version::V3)));
    bytes[5] = 0;
    assert_eq!(outcome(ipv6(1), Some(255), &bytes), Err(Reject::ZeroInterval));
}

/// A VRRPv2 packet in an authentication header.
fn wrapped(sequence: u32) -> Vec<u8> {
    let plain = packet(|_, _| ());
    let header = Ipv4Packet::parse(&plain).unwrap().header;
    let advertisement = Advertisement {
        version: Version::V2,
        vrid: 61,
        priority: 150,
        interval: Centiseconds(100),
        addresses: &VIPS,
        authentication: AH,
        checksum: Checksum::PseudoHeader,
    };
    let (mut body, mut out) = (Vec::new(), Vec::new());
    advertisement.write(header.source.into(), header.destination.into(), None, &mut body);
    ah::wrap(header, *b"1111\0\0\0\0", sequence, false, &body, &mut out);
    out
}

const AH: Authentication = Authentication::Ah(*b"1111\0\0\0\0");

#[test]
fn authentication_headers_pass_once() {
    let (expected, mut security) = (Expected { authentication: AH, ..EXPECTED }, Security::default());
    let mut judge = |bytes: &[u8], expected: &Expected<'_>| {
        check(&Incoming::v4(bytes).unwrap(), expected, &mut security, Duration::ZERO).map(|r| r.priority)
    };
    assert_eq!(judge(&wrapped(5), &expected), Ok(150));
    assert_eq!(judge(&wrapped(5), &expected), Err(Reject::Repeated { received: 5, last: 5 }));
    assert_eq!(judge(&wrapped(6), &expected), Ok(150));
    let plain = packet(|_, _| ());
    assert_eq!(judge(&plain, &expected), Err(Reject::HeaderPresence { received: false }));
    assert_eq!(judge(&wrapped(7), &EXPECTED), Err(Reject::HeaderPresence { received: true }));
    let mut forged = wrapped(8);
    forged[20 + 24 + 2] = 255;
    assert_eq!(judge(&forged, &expected), Err(Reject::CheckValue));
    let stranger = Expected { authentication: Authentication::Ah(*b"2222\0\0\0\0"), ..EXPECTED };
    assert_eq!(judge(&wrapped(9), &stranger), Err(Reject::CheckValue));
}

fn keys(mode: hmac::Mode) -> hmac::Settings {
    hmac::Settings {
        keys: vec![hmac::Key { id: 1, secret: vec![7; 32] }],
        active_key: 1,
        anti_replay: hmac::AntiReplay::Time(Duration::from_secs(5)),
        mode,
        senders: hmac::SENDERS,
    }
}

#[test]
fn trailers_are_demanded_verified_or_only_welcome() {
    const NOW: Duration = Duration::from_secs(1_790_000_000);
    let settings = keys(hmac::Mode::Enforce);
    let signed = |sender: &mut hmac::State, settings: &hmac::Settings| {
        let plain = packet(|_, _| ());
        let header = Ipv4Packet::parse(&plain).unwrap().header;
        let advertisement = Advertisement {
            version: Version::V2,
            vrid: 61,
            priority: 150,
            interval: Centiseconds(100),
            addresses: &VIPS,
            authentication: Authentication::None,
            checksum: Checksum::PseudoHeader,
        };
        let (stamp, mut body) = (sender.stamp(settings, NOW), Vec::new());
        let (source, destination) = (header.source.into(), header.destination.into());
        advertisement.write(source, destination, stamp.as_ref(), &mut body);
        [&header.build(body.len())[..], &body].concat()
    };
    let (mut sender, mut security) = (hmac::State::default(), Security::default());
    let mut judge = |bytes: &[u8], settings: &hmac::Settings| {
        let expected = Expected { authentication: Authentication::None, hmac: Some(settings), ..EXPECTED };
        check(&Incoming::v4(bytes).unwrap(), &expected, &mut security, NOW).map(|r| r.priority)
    };
    let first = signed(&mut sender, &settings);
    assert_eq!(judge(&first, &settings), Ok(150));
    assert_eq!(judge(&first, &settings), Err(Reject::Trailer(hmac::Wrong::Repeated)));
    let bare = signed(&mut sender, &keys(hmac::Mode::ReceiveOnly));
    assert_eq!(judge(&bare, &settings), Err(Reject::Trailer(hmac::Wrong::Missing)));
    assert_eq!(judge(&bare, &keys(hmac::Mode::Permissive)), Ok(150));
    let mut forged = signed(&mut sender, &settings);
    forged[22] = 255;
    assert_eq!(judge(&forged, &keys(hmac::Mode::ReceiveOnly)), Err(Reject::Trailer(hmac::Wrong::Code)));
}

/// A VRRPv3 packet of 10.78.0.1 for 10.78.0.2 with a checksum of this form.
fn unicast(form: Checksum) -> Vec<u8> {
    let header = Ipv4Header {
        tos: 0xc0,
        id: 1,
        ttl: 64,
        protocol: PROTOCOL,
        source: Ipv4Addr::new(10, 78, 0, 1),
        destination: Ipv4Addr::new(10, 78, 0, 2),
    };
    let advertisement = Advertisement {
        version: Version::V3,
        vrid: 61,
        priority: 150,
        interval: Centiseconds(100),
        addresses: &VIPS,
        authentication: Authentication::None,
        checksum: form,
    };
    let mut body = Vec::new();
    advertisement.write(header.source.into(), header.destination.into(), None, &mut body);
    [&header.build(body.len())[..], &body].concat()
}

#[test]
fn old_unicast_checksums_are_recognised_and_remembered() {
    let peers = [Peer { address: IpAddr::from([10, 78, 0, 1]), ttl: 60..=255 }];
    let expected = Expected { version: Version::V3, unicast: Some(&peers), check_source: true, ..EXPECTED };
    let expected = Expected { authentication: Authentication::None, ..expected };
    let mut security = Security::default();
    let mut judge = |bytes: &[u8], expected: &Expected<'_>| {
        let outcome = check(&Incoming::v4(bytes).unwrap(), expected, &mut security, Duration::ZERO);
        (outcome.map(|r| r.priority), security.old_unicast)
    };
    assert_eq!(judge(&unicast(Checksum::PseudoHeader), &expected), (Ok(150), false));
    assert_eq!(judge(&unicast(Checksum::OldUnicast(GROUP)), &expected), (Ok(150), true));
    assert_eq!(judge(&unicast(Checksum::OldUnicast(GROUP)), &expected), (Ok(150), true));
    let plain = Expected { checksum: Checksum::AsVersion2, old_group: None, ..expected };
    assert_eq!(judge(&unicast(Checksum::AsVersion2), &plain), (Ok(150), true));
}

#[test]
fn a_stranger_with_a_trailer_is_refused_in_unicast() {
    let peers = [Peer { address: IpAddr::from([10, 78, 0, 9]), ttl: 0..=255 }];
    let judge = |mode, bytes: &[u8]| {
        let settings = keys(mode);
        let expected =
            Expected { version: Version::V3, unicast: Some(&peers), hmac: Some(&settings), ..EXPECTED };
        let expected = Expected { authentication: Authentication::None, ..expected };
        outcome(bytes, &expected).map(|r| r.priority)
    };
    let bare = unicast(Checksum::PseudoHeader);
    let mut signed = bare.clone();
    signed.extend([0; TRAILER_LENGTH]);
    let length = (signed.len() as u16).to_be_bytes();
    signed[2..4].copy_from_slice(&length);
    assert_eq!(judge(hmac::Mode::Permissive, &signed), Err(Reject::NoPeer));
    // As long as there need be no trailer, `check_unicast_src` alone says who is heard.
    assert_eq!(judge(hmac::Mode::Permissive, &bare), Ok(150));
    assert_eq!(judge(hmac::Mode::Enforce, &bare), Err(Reject::Trailer(hmac::Wrong::Missing)));
}

#[test]
fn one_that_sums_as_version_2_takes_both_forms() {
    let expected = Expected { version: Version::V3, checksum: Checksum::AsVersion2, ..EXPECTED };
    let expected = Expected { authentication: Authentication::None, unicast: Some(&[]), ..expected };
    let judge = |bytes: &[u8]| outcome(bytes, &expected).map(|r| r.priority);
    assert_eq!(judge(&unicast(Checksum::AsVersion2)), Ok(150));
    assert_eq!(judge(&unicast(Checksum::PseudoHeader)), Ok(150));
    let mut damaged = unicast(Checksum::PseudoHeader);
    damaged[22] ^= 1;
    assert_eq!(judge(&damaged), Err(Reject::Checksum(Version::V3)));
    // The other way round nothing is taken, as by keepalived.
    let full = Expected { checksum: Checksum::PseudoHeader, ..expected };
    let refused = outcome(&unicast(Checksum::AsVersion2), &full).map(|r| r.priority);
    assert_eq!(refused, Err(Reject::Checksum(Version::V3)));
}

#[test]
fn unicast_sources_are_checked_on_demand() {
    let judge = |peers: &[Peer], check_source| {
        let expected = Expected { version: Version::V3, unicast: Some(peers), check_source, ..EXPECTED };
        let expected = Expected { authentication: Authentication::None, ..expected };
        outcome(&unicast(Checksum::PseudoHeader), &expected).map(|r| r.priority)
    };
    let peer = |last, ttl| Peer { address: IpAddr::from([10, 78, 0, last]), ttl };
    assert_eq!(judge(&[peer(9, 0..=255)], false), Ok(150));
    assert_eq!(judge(&[peer(9, 0..=255)], true), Err(Reject::NoPeer));
    assert_eq!(judge(&[peer(1, 0..=255)], true), Ok(150));
    assert_eq!(judge(&[peer(1, 250..=255)], true), Err(Reject::PeerTimeToLive(64)));
}
