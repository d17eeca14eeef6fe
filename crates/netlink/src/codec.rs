//! Between our values and the messages of rtnetlink.

use crate::{Address, Link, NewAddress};
use netlink_packet_core::{NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_route::address::{AddressAttribute, AddressHeaderFlags, AddressMessage};
use netlink_packet_route::link::{LinkAttribute, LinkFlags, LinkMessage};
use netlink_packet_route::{AddressFamily, RouteNetlinkMessage};
use std::net::IpAddr;
use wire::Mac;

/// The bytes of a request.
pub(crate) fn encode(message: RouteNetlinkMessage, flags: u16, sequence: u32) -> Vec<u8> {
    let mut header = NetlinkHeader::default();
    header.flags = flags;
    header.sequence_number = sequence;
    let mut message = NetlinkMessage::new(header, NetlinkPayload::from(message));
    message.finalize();
    let mut bytes = vec![0; message.buffer_len()];
    message.serialize(&mut bytes);
    bytes
}

/// The messages in a datagram; one that cannot be read is an error in its place.
pub(crate) fn decode(
    mut bytes: &[u8],
) -> impl Iterator<Item = Result<NetlinkMessage<RouteNetlinkMessage>, String>> {
    std::iter::from_fn(move || {
        let length = u32::from_ne_bytes(*bytes.first_chunk::<4>()?) as usize;
        if length < 16 || length > bytes.len() {
            bytes = &[];
            return Some(Err(format!("message length {length}")));
        }
        let message = NetlinkMessage::deserialize(&bytes[..length]).map_err(|error| error.to_string());
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some(message)
    })
}

/// What we keep of a link; `None` for one without a name.
pub(crate) fn link(message: &LinkMessage) -> Option<Link> {
    let mut name = None;
    let mut mac = None;
    for attribute in &message.attributes {
        match attribute {
            LinkAttribute::IfName(found) => name = Some(found.clone()),
            LinkAttribute::Address(bytes) => mac = Mac::from_slice(bytes),
            _ => {}
        }
    }
    let flags = message.header.flags;
    Some(Link {
        index: message.header.index,
        name: name?,
        mac,
        up: flags.contains(LinkFlags::Up),
        running: flags.contains(LinkFlags::Running),
        no_arp: flags.contains(LinkFlags::Noarp),
    })
}

/// What we keep of an address. The local address of a point-to-point link is the one in `Local`.
pub(crate) fn address(message: &AddressMessage) -> Option<Address> {
    let mut local = None;
    let mut other = None;
    for attribute in &message.attributes {
        match attribute {
            AddressAttribute::Local(address) => local = Some(*address),
            AddressAttribute::Address(address) => other = Some(*address),
            _ => {}
        }
    }
    Some(Address {
        link: message.header.index,
        address: local.or(other)?,
        prefix: message.header.prefix_len,
        secondary: message.header.flags.contains(AddressHeaderFlags::Secondary),
    })
}

/// The message that adds or deletes an address.
pub(crate) fn address_message(new: &NewAddress) -> AddressMessage {
    let mut message = AddressMessage::default();
    message.header.family = match new.address {
        IpAddr::V4(_) => AddressFamily::Inet,
        IpAddr::V6(_) => AddressFamily::Inet6,
    };
    // A virtual IPv6 address must answer at once: no duplicate address detection.
    if new.address.is_ipv6() {
        message.header.flags = AddressHeaderFlags::Nodad;
    }
    message.header.prefix_len = new.prefix;
    message.header.scope = new.scope.into();
    message.header.index = new.link;
    message.attributes.push(AddressAttribute::Local(new.address));
    message.attributes.push(AddressAttribute::Address(new.address));
    message.attributes.extend(new.broadcast.map(AddressAttribute::Broadcast));
    message.attributes.extend(new.label.clone().map(AddressAttribute::Label));
    message
}
