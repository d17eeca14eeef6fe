use super::*;
use crate::{Advertisement, PROTOCOL};
use wire::Ipv4Header;

const VIPS: [Ipv4Addr; 1] = [Ipv4Addr::new(10, 78, 0, 100)];
const PASS: Authentication = Authentication::Pass(*b"1111\0\0\0\0");
const EXPECTED: Expected<'static> = Expected {
    version: Version::V2,
    vrid: 61,
    interval: Centiseconds(100),
    authentication: PASS,
    unicast: false,
    addresses: &VIPS,
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
    };
    advertisement.write(header.source, header.destination, &mut body);
    alter(&mut header, &mut body);
    if body.len() >= 8 {
        body[6..8].fill(0);
        let sum = wire::checksum(&body);
        body[6..8].copy_from_slice(&sum.to_be_bytes());
    }
    [&header.build(body.len())[..], &body].concat()
}

fn outcome(bytes: &[u8], expected: &Expected<'_>) -> Result<Received, Reject> {
    check(&Ipv4Packet::parse(bytes).unwrap(), expected)
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
    let expected = Expected { unicast: true, ..EXPECTED };
    let near = packet(|header, _| {
        header.ttl = 3;
        header.destination = Ipv4Addr::new(10, 78, 0, 2);
    });
    assert!(outcome(&near, &expected).is_ok());
    assert_eq!(outcome(&packet(|_, _| ()), &expected), Err(Reject::Destination { unicast: true }));
}

#[test]
fn another_address_list_is_accepted_and_reported() {
    let other = [Ipv4Addr::new(10, 78, 0, 101)];
    let received = outcome(&packet(|_, _| ()), &Expected { addresses: &other, ..EXPECTED }).unwrap();
    assert_eq!(received.difference, Some(Difference::Missing { vrid: 61, address: other[0] }));
    let received = outcome(&packet(|_, _| ()), &Expected { addresses: &[], ..EXPECTED }).unwrap();
    assert_eq!(received.difference, Some(Difference::Count { received: 1, expected: 0 }));
}
