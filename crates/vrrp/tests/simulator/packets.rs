//! Between the simulator and the crate: settings, and packets as bytes.

use crate::schedule::{Schedule, Setup};
use std::net::{IpAddr, Ipv4Addr};
use std::rc::Rc;
use std::time::Duration;
use vrrp::{
    Advertisement, Authentication, Centiseconds, Checksum, Expected, Family, Incoming, PROTOCOL, Preempt,
    Received, Security, Settings, Version, receive,
};
use wire::Ipv4Header;

const VRID: u8 = 51;
const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
const VIPS: [IpAddr; 1] = [IpAddr::V4(Ipv4Addr::new(10, 0, 0, 100))];

pub(crate) fn settings(schedule: &Schedule, setup: &Setup, preempt: Preempt, source: Ipv4Addr) -> Settings {
    let interval = Centiseconds(setup.interval);
    Settings {
        starts_as_master: setup.starts_as_master,
        preempt,
        ..Settings::plain(schedule.version, setup.priority, interval, source.into())
    }
}

fn authentication(version: Version) -> Authentication {
    match version {
        Version::V2 => Authentication::Pass(*b"1111\0\0\0\0"),
        Version::V3 => Authentication::None,
    }
}

/// An advertisement as it leaves a router.
pub(crate) fn write(version: Version, setup: &Setup, priority: u8) -> Rc<[u8]> {
    let header = Ipv4Header {
        tos: 0xc0,
        id: 7,
        ttl: 255,
        protocol: PROTOCOL,
        source: setup.address,
        destination: GROUP,
    };
    let advertisement = Advertisement {
        version,
        vrid: VRID,
        priority,
        interval: Centiseconds(setup.interval),
        addresses: &VIPS,
        authentication: authentication(version),
        checksum: Checksum::PseudoHeader,
    };
    let mut body = Vec::with_capacity(64);
    advertisement.write(setup.address.into(), GROUP.into(), None, &mut body);
    [&header.build(body.len())[..], &body].concat().into()
}

/// An advertisement as a router reads it. The network damages nothing, so it always passes.
pub(crate) fn read(version: Version, setup: &Setup, bytes: &[u8]) -> Received {
    let expected = Expected {
        version,
        vrid: VRID,
        interval: Centiseconds(setup.interval),
        authentication: authentication(version),
        family: Family::V4,
        hmac: None,
        checksum: Checksum::PseudoHeader,
        unicast: None,
        check_source: false,
        old_group: None,
        addresses: &VIPS,
        compare_unless_from: None,
    };
    let incoming = Incoming::v4(bytes).unwrap();
    receive::check(&incoming, &expected, &mut Security::default(), Duration::ZERO).unwrap()
}
