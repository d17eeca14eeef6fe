//! Entries of `virtual_routes` and `static_routes`, in iproute2's words.
//!
//! An entry that cannot be right is left out as a whole, as in keepalived: half a route may lead
//! anywhere.

mod encapsulation;
mod metrics;
mod next_hop;

use super::names::Kind;
use super::reader::{Line, Reader};
use crate::grammar::{Statement, Word};
use crate::model::{Family, Prefix, Route, RouteInsertion, RouteKind, RoutingTable};
use crate::registry::Context;
use crate::value;
use diagnostic::Diagnostic;
use std::net::{IpAddr, Ipv6Addr};

/// Reads one entry.
pub(super) fn read(
    entry: &Statement,
    is_static: bool,
    block_acts: bool,
    reader: &mut Reader<'_>,
) -> Option<Route> {
    let mut line = Line::whole(entry, Context::RouteOption, block_acts);
    let mut draft = Draft {
        route: Route::new(Family::Ipv4, None),
        family: None,
        destination: None,
        protocol: None,
        is_static,
    };
    while let Some(option) = line.next() {
        draft.word(option, &mut line, reader)?;
    }
    draft.finish(entry, reader)
}

/// A route while its words are read.
struct Draft<'t> {
    route: Route,
    /// Known once a word tells it.
    family: Option<Family>,
    destination: Option<&'t Word>,
    protocol: Option<(&'t Word, u8)>,
    is_static: bool,
}

impl<'t> Draft<'t> {
    fn word(&mut self, option: &'t Word, line: &mut Line<'t>, reader: &mut Reader<'_>) -> Option<()> {
        let name = option.text.as_str();
        match name {
            "default" | "any" | "all" => return self.destination(option, reader),
            "track_group" if !self.is_static => {
                reader.say(line.unknown(option).help("it is for static routes"));
                line.next();
                return Some(());
            }
            // A kind of route or an option; `local` in front of a prefix is no option.
            _ if line.row(option, reader).is_none() => return self.destination(option, reader),
            _ => {}
        }
        let route = &mut self.route;
        match name {
            "inet" => return self.set_family(Family::Ipv4, option, reader),
            "inet6" => return self.set_family(Family::Ipv6, option, reader),
            "default6" => {
                reader.old_name(option, "inet6 default");
                self.set_family(Family::Ipv6, option, reader)?;
                self.destination = Some(option);
            }
            "to" => {
                let word = line.value(option, reader)?;
                match kind(&word.text) {
                    Some(kind) => self.route.kind = kind,
                    None => return self.destination(word, reader),
                }
            }
            "src" => {
                let word = line.value(option, reader)?;
                self.route.preferred_source = Some(self.address(word, reader)?);
            }
            "from" => {
                let word = line.value(option, reader)?;
                self.set_family(Family::Ipv6, word, reader)?;
                self.route.from = Some(prefix(word, reader)?);
            }
            "via" | "gw" => {
                if name == "gw" {
                    reader.deprecated(option, "via");
                }
                self.route.via = Some(next_hop::gateway(option, line, &mut self.family, reader)?);
            }
            "or" => self.old_second(option, line, reader)?,
            "nexthop" => self.next_hops(option, line, reader)?,
            "dev" | "oif" => {
                let word = line.value(option, reader)?;
                route.dev = Some(reader.device(word)?);
            }
            "onlink" => route.onlink = true,
            "table" => {
                let word = line.value(option, reader)?;
                route.table = RoutingTable::Number(self::name(Kind::Table, "table", word, reader)?);
            }
            "vrf" => {
                let word = line.value(option, reader)?;
                route.table = RoutingTable::Vrf(reader.interface(word)?);
            }
            "protocol" => {
                let word = line.value(option, reader)?;
                self.protocol = Some((word, byte(Kind::Protocol, "protocol", word, reader)?));
            }
            "scope" => {
                let word = line.value(option, reader)?;
                route.scope = byte(Kind::Scope, "scope", word, reader)?;
            }
            "tos" | "dsfield" => {
                let word = line.value(option, reader)?;
                route.tos = Some(byte(Kind::Dsfield, "type of service", word, reader)?);
            }
            "metric" | "priority" | "preference" => route.metric = Some(number(option, line, reader)?),
            "expires" => {
                route.expires = Some(number(option, line, reader)?);
                self.set_family(Family::Ipv6, option, reader)?;
            }
            "pref" => {
                let word = line.value(option, reader)?;
                route.preference = Some(preference(word, reader)?);
                self.set_family(Family::Ipv6, option, reader)?;
            }
            "realms" => {
                let word = line.value(option, reader)?;
                route.realms = Some(realms(word, reader)?);
                self.set_family(Family::Ipv4, option, reader)?;
            }
            "ttl-propagate" => route.ttl_propagate = Some(line.value(option, reader)?.text == "enabled"),
            "encap" => route.encapsulation = Some(encapsulation::read(option, line, reader)?),
            "add" => route.insertion = RouteInsertion::Add,
            "append" => route.insertion = RouteInsertion::Append,
            "prepend" => route.insertion = RouteInsertion::Prepend,
            "no_track" => route.no_track = true,
            "track_group" => route.track_group = Some(line.value(option, reader)?.text.clone()),
            "as" => {
                line.take("to");
                line.next();
            }
            _ => match kind(name) {
                Some(kind) => route.kind = kind,
                None => metrics::read(&mut route.metrics, option, line, reader)?,
            },
        }
        Some(())
    }

    /// `or ADDRESS`: the address before it and this one are two gateways.
    fn old_second(&mut self, option: &Word, line: &mut Line<'_>, reader: &mut Reader<'_>) -> Option<()> {
        reader.deprecated(option, "nexthop");
        let word = line.value(option, reader)?;
        let second = self.address(word, reader)?;
        if !self.route.next_hops.is_empty() {
            reader.error("invalid-value", option.span, "a second `or` in one route is not read");
            return Some(());
        }
        let hop = |via| crate::model::NextHop { via, ..Default::default() };
        let first = self.route.via.take();
        self.route.next_hops = vec![hop(first), hop(Some(second))];
        Some(())
    }

    /// `nexthop …` up to the end of the line.
    fn next_hops(&mut self, option: &Word, line: &mut Line<'_>, reader: &mut Reader<'_>) -> Option<()> {
        if !self.route.next_hops.is_empty() {
            reader.error("invalid-value", option.span, "`nexthop` does not go with `or`");
            return None;
        }
        self.route.next_hops = next_hop::read_all(line, &mut self.family, reader)?;
        Some(())
    }

    fn set_family(&mut self, family: Family, word: &Word, reader: &mut Reader<'_>) -> Option<()> {
        same_family(&mut self.family, family, word, reader)
    }

    fn address(&mut self, word: &Word, reader: &mut Reader<'_>) -> Option<IpAddr> {
        let address = reader.address(word)?;
        self.set_family(Family::of(address), word, reader)?;
        Some(address)
    }

    fn destination(&mut self, word: &'t Word, reader: &mut Reader<'_>) -> Option<()> {
        if !matches!(word.text.as_str(), "default" | "any" | "all") {
            if !looks_like_address(&word.text) {
                let line = Line::nothing(Context::RouteOption);
                reader.say(line.unknown(word).help("the route is left out"));
                return None;
            }
            let prefix = prefix(word, reader)?;
            self.set_family(Family::of(prefix.address), word, reader)?;
            self.route.destination = Some(prefix);
        }
        self.destination = Some(word);
        Some(())
    }

    fn finish(mut self, entry: &Statement, reader: &mut Reader<'_>) -> Option<Route> {
        let word = entry.keyword();
        if self.destination.is_none() {
            let finding = Diagnostic::error("missing-argument", entry.span(), "this route leads nowhere");
            reader.say(finding.help("write its destination, such as `default` or 192.0.2.0/24"));
            return None;
        }
        self.route.family = self.family.unwrap_or_default();
        if self.route.no_track {
            self.route.protocol = self.protocol.map(|(_, number)| number);
        } else if let Some((at, number)) = self.protocol
            && number != Route::KEEPALIVED
        {
            let message = format!("a route that is tracked is of protocol keepalived, not `{}`", at.text);
            reader.warn("useless-word", at.span, message, "add `no_track`, or leave `protocol` out");
        }
        if self.route.track_group.is_some() && self.route.dev.is_none() {
            let message = "`track_group` needs the interface of the route: it is left out";
            reader.warn("useless-word", word.span, message, "add `dev INTERFACE`");
            self.route.track_group = None;
        }
        Some(self.route)
    }
}

fn kind(text: &str) -> Option<RouteKind> {
    Some(match text {
        "unicast" => RouteKind::Unicast,
        "local" => RouteKind::Local,
        "broadcast" | "brd" => RouteKind::Broadcast,
        "anycast" => RouteKind::Anycast,
        "multicast" => RouteKind::Multicast,
        "blackhole" => RouteKind::Blackhole,
        "unreachable" => RouteKind::Unreachable,
        "prohibit" => RouteKind::Prohibit,
        "throw" => RouteKind::Throw,
        "nat" => RouteKind::Nat,
        "xresolve" => RouteKind::Xresolve,
        _ => return None,
    })
}

fn preference(word: &Word, reader: &mut Reader<'_>) -> Option<u8> {
    match word.text.as_str() {
        "medium" => Some(0),
        "high" => Some(1),
        "low" => Some(3),
        number => {
            let number = number.parse().ok();
            if number.is_none() {
                let message = format!("`{}` is not low, medium or high", word.text);
                reader.error("invalid-value", word.span, message);
            }
            number
        }
    }
}

/// Whether a word can only have been meant as an address.
fn looks_like_address(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_digit()) || text.contains(':')
}

/// Lets a family be the one, or says that another is.
pub(super) fn same_family(
    known: &mut Option<Family>,
    family: Family,
    word: &Word,
    reader: &mut Reader<'_>,
) -> Option<()> {
    match *known {
        Some(other) if other != family => {
            let message =
                format!("`{}` is of {}, what stands before it of {}", word.text, family.name(), other.name());
            reader.say(Diagnostic::error("mixed-families", word.span, message).help("the entry is left out"));
            None
        }
        _ => {
            *known = Some(family);
            Some(())
        }
    }
}

/// `ADDRESS[/LENGTH]` of either family; `default`, `any` and `all` are the IPv6 prefix of length 0
/// where only IPv6 is possible.
pub(super) fn prefix(word: &Word, reader: &mut Reader<'_>) -> Option<Prefix> {
    if matches!(word.text.as_str(), "default" | "any" | "all") {
        return Some(Prefix { address: Ipv6Addr::UNSPECIFIED.into(), length: 0 });
    }
    let (address, length) = super::address::address_and_prefix(word, reader)?;
    Some(Prefix { address, length })
}

/// The value of an option as a number of 32 bits, of C's notations.
pub(super) fn number(option: &Word, line: &mut Line<'_>, reader: &mut Reader<'_>) -> Option<u32> {
    let Some(word) = line.next() else {
        reader.error("missing-argument", option.span, format!("`{}` needs a value", option.text));
        return None;
    };
    let number = value::unsigned(&word.text).and_then(|number| u32::try_from(number).ok());
    if number.is_none() {
        let message = format!("`{}` of `{}` is not a number from 0 to 4294967295", word.text, option.text);
        reader.error("invalid-value", word.span, message);
    }
    number
}

/// A name of iproute2 as its number.
pub(super) fn name(kind: Kind, what: &str, word: &Word, reader: &mut Reader<'_>) -> Option<u32> {
    let number = reader.names.find(kind, &word.text);
    if number.is_none() {
        let message = format!("`{}` is not a {what} that /etc/iproute2 names", word.text);
        reader.say(
            Diagnostic::error("unknown-name", word.span, message).help("write its number, or name it there"),
        );
    }
    number
}

/// The same for numbers of one byte.
pub(super) fn byte(kind: Kind, what: &str, word: &Word, reader: &mut Reader<'_>) -> Option<u8> {
    name(kind, what, word, reader).and_then(|number| u8::try_from(number).ok())
}

/// `REALM` or `SOURCE/DESTINATION`.
pub(super) fn realms(word: &Word, reader: &mut Reader<'_>) -> Option<u32> {
    let realms = reader.names.realms(&word.text);
    if realms.is_none() {
        let message = format!("`{}` is not a realm that /etc/iproute2 names", word.text);
        reader.error("unknown-name", word.span, message);
    }
    realms
}
