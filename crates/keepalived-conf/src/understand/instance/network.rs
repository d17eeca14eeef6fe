//! Whom an instance talks to and what it holds: family, addresses, peers, source, group.

use super::super::global::{multicast_group4, multicast_group6, number};
use super::super::reader::{Line, Reader};
use super::super::tracking::entries;
use super::super::{InstancePlaces, address};
use crate::grammar::{Statement, Word};
use crate::model::{
    ConfigFault, ETHERNET_MTU, Family, Global, Unicast, UnicastPeer, VirtualAddress, VrrpInstance,
};
use crate::placement::{Body, Item};
use crate::registry::Context;
use crate::value;
use diagnostic::{Diagnostic, Span};
use std::collections::HashMap;
use std::net::IpAddr;

/// The family of the first thing that has one: an address, a peer, a source, a group, `native_ipv6`.
pub(super) fn family(body: &Body<'_>, reader: &mut Reader<'_>) -> Family {
    let of = |text: &str| text.split('/').next().and_then(|text| text.parse::<IpAddr>().ok()).map(Family::of);
    let of_item = |item: &Item<'_>| match item.name() {
        "virtual_ipaddress" | "unicast_peer" => {
            item.body.entries.iter().find_map(|entry| of(&entry.keyword().text))
        }
        "mcast_src_ip" | "unicast_src_ip" | "mcast_dst_ip" | "use_ipvlan" => {
            item.arguments().iter().find_map(|word| of(&word.text))
        }
        "native_ipv6" => Some(Family::Ipv6),
        _ => None,
    };
    let family = body.items.iter().find_map(of_item).unwrap_or_default();
    if let Some(item) = body.last("native_ipv6") {
        if family == Family::Ipv4 {
            let message = "`native_ipv6` does not go with IPv4 addresses and is left out";
            reader.warn("mixed-families", item.span(), message, "remove it");
        } else {
            let message = "the family follows from the addresses";
            reader.say(Diagnostic::hint("old-name", item.span(), message).help("`native_ipv6` can go"));
        }
    }
    family
}

/// `virtual_ipaddress` and `virtual_ipaddress_excluded`, with their places.
pub(super) struct Lists {
    pub(super) addresses: Vec<VirtualAddress>,
    pub(super) excluded: Vec<VirtualAddress>,
    pub(super) places: Vec<Span>,
}

pub(super) fn addresses(body: &Body<'_>, family: Family, reader: &mut Reader<'_>) -> Lists {
    let mut known: HashMap<(IpAddr, Option<String>), Span> = HashMap::new();
    let mut advertised: HashMap<IpAddr, Span> = HashMap::new();
    let mut list = |name, only: Option<Family>, reader: &mut Reader<'_>| {
        let (mut list, mut places) = (Vec::new(), Vec::new());
        for (entry, acts) in entries(body, name, reader.extent) {
            let Some(address) = address::read(entry, false, acts, reader) else { continue };
            let span = entry.keyword().span;
            if !belongs(&address, only, entry, reader) {
                continue;
            }
            // An advertisement names an address once; elsewhere it may be on several interfaces.
            let key = (address.address, address.dev.clone());
            let again = only.and_then(|_| advertised.get(&address.address)).or(known.get(&key));
            if let Some(first) = again {
                let message = format!("{} is listed twice; the first counts", address.address);
                let finding = Diagnostic::warning("repeated-address", span, message);
                reader.say(finding.related(*first, "first listed here"));
                continue;
            }
            if only.is_some() {
                advertised.insert(address.address, span);
            }
            known.insert(key, span);
            list.push(address);
            places.push(span);
        }
        (list, places)
    };
    let (addresses, places) = list("virtual_ipaddress", Some(family), reader);
    let (excluded, excluded_places) = list("virtual_ipaddress_excluded", None, reader);
    Lists { addresses, excluded, places: [places, excluded_places].concat() }
}

/// Whether an address may stand in its list.
fn belongs(
    address: &VirtualAddress,
    only: Option<Family>,
    entry: &Statement,
    reader: &mut Reader<'_>,
) -> bool {
    let family = Family::of(address.address);
    let span = entry.keyword().span;
    match only {
        Some(only) if only != family => {
            let message = format!("{} is not of {}, as the instance is", address.address, only.name());
            reader.say(
                Diagnostic::error("mixed-families", span, message)
                    .help("the address is left out; put it into virtual_ipaddress_excluded"),
            );
            false
        }
        None if family == Family::Ipv6 && !reader.value_acts("IPv6") => {
            let message = format!("`{}`: IPv6 addresses are not supported yet", entry.keyword().text);
            reader.error("unsupported-keyword", span, message);
            false
        }
        _ => true,
    }
}

/// Leaves out addresses that have no interface to be on, in an instance that has none.
pub(super) fn on_interfaces(
    instance: &mut VrrpInstance,
    places: &mut InstancePlaces,
    reader: &mut Reader<'_>,
) {
    if !instance.interface.is_empty() {
        return;
    }
    let mut spans = std::mem::take(&mut places.addresses).into_iter();
    for list in [&mut instance.addresses, &mut instance.excluded] {
        for (address, span) in std::mem::take(list).into_iter().zip(spans.by_ref()) {
            if address.dev.is_some() {
                list.push(address);
                places.addresses.push(span);
                continue;
            }
            let message = format!("{} has no interface, and neither has its instance", address.address);
            let finding = Diagnostic::error("address-without-interface", span, message);
            reader.say(finding.help("add `dev INTERFACE`; the address is left out"));
        }
    }
}

/// Warns of addresses that no advertisement has room for, and of those that should be the first.
pub(super) fn fit(instance: &VrrpInstance, places: &InstancePlaces, reader: &mut Reader<'_>) {
    let most = instance.most_advertised(ETHERNET_MTU);
    if instance.addresses.len() > most {
        reader.warn(
            "too-many-addresses",
            places.addresses.get(most).copied().unwrap_or(places.name),
            format!(
                "an advertisement of {ETHERNET_MTU} bytes has room for {most} addresses, and there are {}",
                instance.addresses.len()
            ),
            "this one and those after it are not advertised; write them into virtual_ipaddress_excluded",
        );
    }
    if instance.family == Family::Ipv6
        && instance.unicast.is_none()
        && let Some((first, span)) = instance.addresses.first().zip(places.addresses.first())
        && let IpAddr::V6(address) = first.address
        && address.segments()[0] & 0xffc0 != 0xfe80
    {
        reader.say(
            Diagnostic::hint("no-link-local", *span, "the first IPv6 address should be of the link (fe80::)")
                .help("RFC 5798 §5.2.9: hosts learn it as their router from neighbour discovery"),
        );
    }
}

/// `unicast_peer` and its company, the source address, and what is wrong for good.
pub(super) fn unicast(
    body: &Body<'_>,
    global: &Global,
    family: Family,
    reader: &mut Reader<'_>,
) -> (Option<Unicast>, Option<IpAddr>, Option<ConfigFault>) {
    let (peers, ranges) = peers(body, family, reader);
    let source = source(body, family, reader);
    let ttl = body.last("unicast_ttl");
    let words = ["unicast_peer", "unicast_src_ip", "check_unicast_src", "old_unicast_checksum"];
    if peers.is_empty() {
        if let Some(item) = ttl {
            let message = "`unicast_ttl` means nothing without peers";
            reader.warn("useless-word", item.span(), message, "add `unicast_peer`, or remove it");
        }
        if body.last("unicast_fault_no_peer").is_some() {
            let unicast = Unicast { peers, ttl: 255, check_source: false };
            return (Some(unicast), source, Some(ConfigFault::NoUnicastPeer));
        }
        if let Some(item) = words.iter().find_map(|name| body.last(name)) {
            let message = match item.name() {
                "unicast_peer" => "no peer is listed: multicast is used".to_owned(),
                name => format!("`{name}` without `unicast_peer`: multicast is used"),
            };
            let help = "list the addresses of the other routers in `unicast_peer`, one on each line";
            reader.warn("empty-list", item.span(), message, help);
        }
        return (None, source, None);
    }
    let ttl = ttl.and_then(|item| number(item.first())).and_then(|ttl| u8::try_from(ttl).ok());
    let check_source = ranges || body.last("check_unicast_src").is_some() || global.vrrp.check_unicast_source;
    (Some(Unicast { peers, ttl: ttl.unwrap_or(255), check_source }), source, None)
}

/// Entries of every `unicast_peer`, and whether one has a range of TTLs.
fn peers(body: &Body<'_>, family: Family, reader: &mut Reader<'_>) -> (Vec<UnicastPeer>, bool) {
    let mut peers: Vec<UnicastPeer> = Vec::new();
    let mut ranges = false;
    for (entry, acts) in entries(body, "unicast_peer", reader.extent) {
        let word = entry.keyword();
        let Some(address) = of_family(word, family, reader) else { continue };
        let mut line = Line::options(entry, Context::PeerOption, acts);
        let mut peer = UnicastPeer::from(address);
        while let Some(option) = line.next() {
            if line.row(option, reader).is_none() {
                stranger(option, &line, reader);
                continue;
            }
            let Some(ttl) = line.value(option, reader).and_then(|word| word.text.parse().ok()) else {
                continue;
            };
            *(if option.text == "min_ttl" { &mut peer.min_ttl } else { &mut peer.max_ttl }) = ttl;
            ranges = true;
        }
        if peer.min_ttl > peer.max_ttl {
            let message = format!("min_ttl {} is more than max_ttl {}", peer.min_ttl, peer.max_ttl);
            reader.warn(
                "empty-range",
                word.span,
                message,
                "every advertisement of this peer would be dropped",
            );
        }
        if peers.iter().any(|known| known.address == address) {
            let message = format!("{address} is listed twice; the first counts");
            reader.warn("repeated-address", word.span, message, "remove one of them");
            continue;
        }
        peers.push(peer);
    }
    (peers, ranges)
}

/// A word behind a peer that is no option of it. A number alone was never of any use.
fn stranger(option: &Word, line: &Line<'_>, reader: &mut Reader<'_>) {
    if option.text.parse::<IpAddr>().is_ok() {
        let message = format!("`{}` stands behind another peer and is not read", option.text);
        reader.say(
            Diagnostic::error("extra-argument", option.span, message).help("write one peer on each line"),
        );
    } else if value::integer(&option.text).is_none() {
        reader.say(line.unknown(option));
    }
}

/// An address of the instance's family.
fn of_family(word: &Word, family: Family, reader: &mut Reader<'_>) -> Option<IpAddr> {
    let address = reader.address(word)?;
    if Family::of(address) != family {
        let message = format!("{address} is not of {}, as the instance is", family.name());
        reader.say(Diagnostic::error("mixed-families", word.span, message).help("this address is left out"));
        return None;
    }
    Some(address)
}

/// `mcast_src_ip` and `unicast_src_ip` are one: the last counts, be the instance multicast or unicast.
fn source(body: &Body<'_>, family: Family, reader: &mut Reader<'_>) -> Option<IpAddr> {
    let words = ["mcast_src_ip", "unicast_src_ip"];
    let written: Vec<&Word> =
        body.items.iter().filter(|item| words.contains(&item.name())).filter_map(Item::first).collect();
    let sources: Vec<(IpAddr, Span)> =
        written.iter().filter_map(|word| Some((of_family(word, family, reader)?, word.span))).collect();
    let (source, place) = *sources.last()?;
    if let Some((other, first)) = sources.iter().find(|(other, _)| *other != source) {
        let message = format!("`mcast_src_ip` and `unicast_src_ip` are one source: {source} counts");
        reader.say(
            Diagnostic::warning("repeated-address", place, message)
                .related(*first, format!("instead of {other}"))
                .help("write one of the two"),
        );
    }
    Some(source)
}

/// `mcast_dst_ip`, else the group of global_defs.
pub(super) fn group(
    body: &Body<'_>,
    global: &Global,
    family: Family,
    unicast: bool,
    reader: &mut Reader<'_>,
) -> IpAddr {
    let usual: IpAddr = match family {
        Family::Ipv4 => global.mcast_group4.into(),
        Family::Ipv6 => global.mcast_group6.into(),
    };
    let Some(item) = body.last("mcast_dst_ip") else { return usual };
    if unicast {
        let message = "`mcast_dst_ip` means nothing beside `unicast_peer`";
        reader.warn("useless-word", item.span(), message, "remove one of the two");
        return usual;
    }
    let Some(word) = item.first() else { return usual };
    let group = match family {
        Family::Ipv4 => multicast_group4(word, reader).map(IpAddr::from),
        Family::Ipv6 => multicast_group6(word, reader).map(IpAddr::from),
    };
    group.unwrap_or(usual)
}
