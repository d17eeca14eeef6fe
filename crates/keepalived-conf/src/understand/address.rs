//! Entries of `virtual_ipaddress` and `virtual_ipaddress_excluded`:
//! `ADDRESS[/PREFIX] [brd ADDRESS] [dev IF] [scope SCOPE] [label LABEL]`.

use crate::grammar::{Statement, Word};
use crate::model::VirtualAddress;
use diagnostic::{Diagnostic, Report};
use std::net::{IpAddr, Ipv4Addr};

/// Options keepalived knows that are not supported yet; the flag says whether a value follows.
const LATER: &[(&str, bool)] = &[
    ("peer", true),
    ("home", false),
    ("-nodad", false),
    ("mngtmpaddr", false),
    ("noprefixroute", false),
    ("autojoin", false),
    ("no_track", false),
    ("preferred_lft", true),
    ("track_group", true),
    ("use_vmac", false),
];

/// Reads one entry.
pub(super) fn read(entry: &Statement, report: &mut Report) -> Option<VirtualAddress> {
    let word = entry.keyword();
    let (address, prefix) = address_and_prefix(word, report)?;
    if address.is_ipv6() {
        report.push(
            Diagnostic::error(
                "unsupported-keyword",
                word.span,
                format!("`{}`: IPv6 addresses are not supported yet", word.text),
            )
            .label("needs VRRPv3"),
        );
        return None;
    }
    let mut read = VirtualAddress::new(address, prefix);
    let mut words = entry.arguments().iter();
    while let Some(option) = words.next() {
        let known = matches!(option.text.as_str(), "brd" | "broadcast" | "dev" | "scope" | "label");
        if known {
            let Some(value) = words.next() else {
                let message = format!("`{}` needs a value", option.text);
                report.push(Diagnostic::error("missing-argument", option.span, message));
                return None;
            };
            set(&mut read, option, value, report)?;
            continue;
        }
        match LATER.iter().find(|(name, _)| *name == option.text) {
            Some((name, has_value)) => {
                report.push(Diagnostic::error(
                    "unsupported-keyword",
                    option.span,
                    format!("`{name}` of an address is not supported yet"),
                ));
                if *has_value {
                    words.next();
                }
            }
            None => report.push(unknown_option(option)),
        }
    }
    Some(read)
}

fn unknown_option(option: &Word) -> Diagnostic {
    let finding = Diagnostic::error(
        "unknown-keyword",
        option.span,
        format!("`{}` is not an option of an address", option.text),
    );
    if option.text.split('/').next().is_some_and(|text| text.parse::<IpAddr>().is_ok()) {
        return finding.help("write one address on each line");
    }
    let known = ["brd", "broadcast", "dev", "scope", "label"].into_iter();
    finding.suggest(&option.text, known.chain(LATER.iter().map(|(name, _)| *name)))
}

/// `None` when the address cannot be used as keepalived would.
fn set(address: &mut VirtualAddress, option: &Word, value: &Word, report: &mut Report) -> Option<()> {
    match option.text.as_str() {
        "dev" => address.dev = Some(value.text.clone()),
        "label" if value.text.len() > 15 => {
            let message = format!("the label `{}` is longer than 15 bytes", value.text);
            report.push(
                Diagnostic::error("invalid-value", value.span, message).help("the address is left out"),
            );
            return None;
        }
        "label" => address.label = Some(value.text.clone()),
        "scope" => match scope(&value.text) {
            Some(scope) => address.scope = scope,
            None => report.push(
                Diagnostic::error("invalid-value", value.span, format!("`{}` is not a scope", value.text))
                    .help("scopes are global, site, link, host, nowhere or a number from 0 to 255"),
            ),
        },
        _ => address.broadcast = broadcast(address, value, report)?,
    }
    Some(())
}

fn broadcast(address: &VirtualAddress, value: &Word, report: &mut Report) -> Option<Option<IpAddr>> {
    let IpAddr::V4(own) = address.address else { return Some(None) };
    let host_bits = u32::MAX.checked_shr(u32::from(address.prefix)).unwrap_or(0);
    match value.text.as_str() {
        "+" | "-" if address.prefix > 30 => {
            let message = format!("a /{} has no broadcast address", address.prefix);
            report.push(Diagnostic::error("invalid-value", value.span, message));
            Some(None)
        }
        "+" => Some(Some(Ipv4Addr::from(u32::from(own) | host_bits).into())),
        "-" => Some(Some(Ipv4Addr::from(u32::from(own) & !host_bits).into())),
        text => match text.parse::<Ipv4Addr>() {
            Ok(address) => Some(Some(address.into())),
            Err(_) => {
                let message = format!("`{text}` is not an IPv4 address");
                report.push(
                    Diagnostic::error("invalid-value", value.span, message).help("the address is left out"),
                );
                None
            }
        },
    }
}

fn scope(text: &str) -> Option<u8> {
    match text {
        "global" => Some(0),
        "site" => Some(200),
        "link" => Some(253),
        "host" => Some(254),
        "nowhere" => Some(255),
        number => number.parse().ok(),
    }
}

fn address_and_prefix(word: &Word, report: &mut Report) -> Option<(IpAddr, u8)> {
    let (address, prefix) = match word.text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (word.text.as_str(), None),
    };
    let Ok(address) = address.parse::<IpAddr>() else {
        report.push(
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
            report.push(Diagnostic::error("invalid-address", word.span, message));
            return None;
        }
    };
    Some((address, prefix))
}
