//! Entries of `virtual_ipaddress`, `virtual_ipaddress_excluded` and `static_ipaddress`:
//! `ADDRESS[/PREFIX] [OPTION [VALUE]]…`.

use super::names::Kind;
use super::reader::{Line, Reader};
use crate::grammar::{Statement, Word};
use crate::model::{Family, Lifetime, VirtualAddress};
use crate::registry::Context;
use diagnostic::Diagnostic;
use std::net::{IpAddr, Ipv4Addr};

/// Reads one entry; `None` for one that keepalived leaves out too.
pub(super) fn read(
    entry: &Statement,
    is_static: bool,
    block_acts: bool,
    reader: &mut Reader<'_>,
) -> Option<VirtualAddress> {
    let (address, prefix) = address_and_prefix(entry.keyword(), reader)?;
    let mut read = VirtualAddress::new(address, prefix);
    let mut line = Line::options(entry, Context::AddressOption, block_acts);
    let mut broadcast = None;
    let mut lifetime = None;
    while let Some(option) = line.next() {
        match option.text.as_str() {
            "track_group" if !is_static => {
                reader.say(line.unknown(option).help("it is for static addresses"))
            }
            "use_vmac" if is_static => reader.say(line.unknown(option).help("it is for virtual addresses")),
            _ => {
                if line.row(option, reader).is_none() {
                    reader.say(unknown(option, &line));
                    continue;
                }
                set(&mut read, option, &mut line, (&mut broadcast, &mut lifetime), reader)?;
            }
        }
    }
    if let Some(word) = broadcast {
        read.broadcast = self::broadcast(&read, word, reader)?;
    }
    for_family(&mut read, lifetime, entry.keyword(), reader);
    // Of IPv4 keepalived takes no notice here.
    read.preferred = match lifetime {
        _ if address.is_ipv4() => Lifetime::Forever,
        Some(lifetime) => lifetime,
        None if read.prefix == 128 => Lifetime::Seconds(0),
        None => Lifetime::Forever,
    };
    Some(read)
}

fn unknown(option: &Word, line: &Line<'_>) -> Diagnostic {
    let finding = line.unknown(option);
    if option.text.split('/').next().is_some_and(|text| text.parse::<IpAddr>().is_ok()) {
        return finding.help("write one address on each line");
    }
    finding
}

/// `None` when the address cannot be used, as in keepalived.
fn set<'t>(
    address: &mut VirtualAddress,
    option: &Word,
    line: &mut Line<'t>,
    (broadcast, lifetime): (&mut Option<&'t Word>, &mut Option<Lifetime>),
    reader: &mut Reader<'_>,
) -> Option<()> {
    match option.text.as_str() {
        "home" => address.home = true,
        "-nodad" => address.duplicate_detection = true,
        "mngtmpaddr" => address.manage_temporary = true,
        "noprefixroute" => address.no_prefix_route = true,
        "autojoin" => address.autojoin = true,
        "no_track" => address.no_track = true,
        "use_vmac" => address.use_vmac = true,
        name => {
            let value = line.value(option, reader)?;
            match name {
                "dev" if address.dev.is_some() => {
                    let message = format!("{} is given a second interface", address.address);
                    let finding = Diagnostic::error("extra-argument", option.span, message);
                    reader.say(finding.help("write `dev` once; the address is left out"));
                    return None;
                }
                "dev" => address.dev = Some(reader.device(value)?),
                "label" if value.text.len() > 15 => {
                    let message = format!("the label `{}` is longer than 15 bytes", value.text);
                    let finding = Diagnostic::error("invalid-value", value.span, message);
                    reader.say(finding.help("the address is left out"));
                    return None;
                }
                "label" => address.label = Some(value.text.clone()),
                "scope" => scope(address, value, reader),
                "peer" => peer(address, value, reader),
                "preferred_lft" => *lifetime = preferred(value, reader),
                "track_group" => address.track_group = Some(value.text.clone()),
                _ => *broadcast = Some(value),
            }
        }
    }
    Some(())
}

fn scope(address: &mut VirtualAddress, value: &Word, reader: &mut Reader<'_>) {
    match reader.names.byte(Kind::Scope, &value.text) {
        Some(scope) => address.scope = scope,
        None => reader.say(
            Diagnostic::error("invalid-value", value.span, format!("`{}` is not a scope", value.text)).help(
                "scopes are global, site, link, host, nowhere, those of rt_scopes, or a number from 0 to 255",
            ),
        ),
    }
}

fn peer(address: &mut VirtualAddress, value: &Word, reader: &mut Reader<'_>) {
    let Some(peer) = reader.address(value) else { return };
    if peer.is_ipv4() != address.address.is_ipv4() {
        reader.error("mixed-families", value.span, "the peer is of the other family and is left out");
        return;
    }
    let whole = if peer.is_ipv4() { 32 } else { 128 };
    if address.prefix != whole {
        reader.warn(
            "useless-word",
            value.span,
            format!("an address with a peer has no prefix length: /{} is left out", address.prefix),
            format!("write the address without `/{}`", address.prefix),
        );
    }
    (address.peer, address.prefix) = (Some(peer), whole);
}

fn preferred(value: &Word, reader: &mut Reader<'_>) -> Option<Lifetime> {
    if value.text == "forever" {
        return Some(Lifetime::Forever);
    }
    let seconds = value.text.parse().ok().map(Lifetime::Seconds);
    if seconds.is_none() {
        let message = format!("`{}` is neither a number of seconds nor `forever`", value.text);
        reader.error("invalid-value", value.span, message);
    }
    seconds
}

fn broadcast(address: &VirtualAddress, value: &Word, reader: &mut Reader<'_>) -> Option<Option<IpAddr>> {
    let IpAddr::V4(own) = address.address else {
        let finding = Diagnostic::error("invalid-value", value.span, "IPv6 has no broadcast addresses");
        reader.say(finding.help("the address is left out"));
        return None;
    };
    if address.peer.is_some() {
        let message = "an address with a peer has no broadcast address: it is left out";
        reader.warn("useless-word", value.span, message, "write either `brd` or `peer`");
        return Some(None);
    }
    let host_bits = u32::MAX.checked_shr(u32::from(address.prefix)).unwrap_or(0);
    match value.text.as_str() {
        "+" | "-" if address.prefix > 30 => {
            let message = format!("a /{} has no broadcast address", address.prefix);
            reader.error("invalid-value", value.span, message);
            Some(None)
        }
        "+" => Some(Some(Ipv4Addr::from(u32::from(own) | host_bits).into())),
        "-" => Some(Some(Ipv4Addr::from(u32::from(own) & !host_bits).into())),
        text => match text.parse::<Ipv4Addr>() {
            Ok(address) => Some(Some(address.into())),
            Err(_) => {
                let message = format!("`{text}` is not an IPv4 address");
                reader.say(
                    Diagnostic::error("invalid-value", value.span, message).help("the address is left out"),
                );
                None
            }
        },
    }
}

/// IPv6 addresses have neither scope nor label of our choosing, those of IPv4 no lifetime.
fn for_family(
    address: &mut VirtualAddress,
    lifetime: Option<Lifetime>,
    word: &Word,
    reader: &mut Reader<'_>,
) {
    let family = Family::of(address.address);
    let mut useless = |what: &str| {
        let message = format!("an address of {} takes no {what}: it is left out", family.name());
        // As the original, which is silent about lifetimes of IPv4.
        let id = if family == Family::Ipv4 { "unneeded-word" } else { "useless-word" };
        reader.warn(id, word.span, message, format!("remove `{what}`"));
    };
    if family == Family::Ipv4 {
        if lifetime.is_some() {
            useless("preferred_lft");
        }
        return;
    }
    if address.scope != 0 {
        useless("scope");
        address.scope = 0;
    }
    if address.label.take().is_some() {
        useless("label");
    }
}

/// `ADDRESS[/PREFIX]`; a prefix length that does not fit is taken as that of a single address.
pub(super) fn address_and_prefix(word: &Word, reader: &mut Reader<'_>) -> Option<(IpAddr, u8)> {
    let (address, prefix) = match word.text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (word.text.as_str(), None),
    };
    let Ok(address) = address.parse::<IpAddr>() else {
        reader.say(
            Diagnostic::error("invalid-address", word.span, format!("`{}` is not an IP address", word.text))
                .help("write addresses as 192.0.2.1 or 192.0.2.1/24"),
        );
        return None;
    };
    let most = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix.map(str::parse::<u8>) {
        None => most,
        Some(Ok(prefix)) if prefix <= most => prefix,
        Some(_) => {
            let message = format!("`{}`: the prefix length has to be 0 to {most}", word.text);
            let finding = Diagnostic::error("invalid-address", word.span, message);
            reader.say(finding.help(format!("/{most} is taken")));
            most
        }
    };
    Some((address, prefix))
}
