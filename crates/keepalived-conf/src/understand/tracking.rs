//! `track_script`, `track_interface`, `unicast_peer`: lists within an instance.

use super::script::weight_of;
use crate::grammar::{Statement, Word};
use crate::model::{TrackInterface, TrackWeight, Tracked, UnicastPeer, VrrpScript};
use crate::placement::{Body, Item};
use crate::value;
use diagnostic::{Diagnostic, Report, Span};
use std::net::{IpAddr, Ipv4Addr};

/// Entries of every `track_script`.
pub(super) fn scripts(body: &Body<'_>, known: &[VrrpScript], report: &mut Report) -> Vec<(Tracked, Span)> {
    let mut tracked: Vec<(Tracked, Span)> = Vec::new();
    for entry in entries(body, "track_script") {
        let name = entry.keyword();
        let Some(script) = known.iter().find(|script| script.name == name.text) else {
            report.push(
                Diagnostic::error(
                    "unknown-script",
                    name.span,
                    format!("there is no vrrp_script `{}`", name.text),
                )
                .suggest(&name.text, known.iter().map(|script| script.name.as_str()))
                .help("this entry is left out"),
            );
            continue;
        };
        if let Some((_, first)) = tracked.iter().find(|(t, _)| t.name == name.text) {
            report.push(repeated(name, *first));
            continue;
        }
        let own = TrackWeight { weight: script.weight, reverse: script.reverse };
        let weight = weight(entry, report).unwrap_or(own);
        tracked.push((Tracked { name: name.text.clone(), weight }, name.span));
    }
    tracked
}

/// Entries of every `track_interface`.
pub(super) fn interfaces(body: &Body<'_>, own: &str, report: &mut Report) -> Vec<(TrackInterface, Span)> {
    let mut tracked: Vec<(TrackInterface, Span)> = Vec::new();
    for entry in entries(body, "track_interface") {
        let name = entry.keyword();
        if let Some((_, first)) = tracked.iter().find(|(t, _)| t.interface == name.text) {
            report.push(repeated(name, *first));
            continue;
        }
        let weight = weight(entry, report).unwrap_or(TrackWeight { weight: 0, reverse: false });
        if name.text == own && weight.weight == 0 {
            report.push(
                Diagnostic::hint(
                    "track-own-interface",
                    name.span,
                    format!("`{own}` is tracked anyway: it is the interface of the instance"),
                )
                .help("this entry can go"),
            );
            continue;
        }
        tracked.push((TrackInterface { interface: name.text.clone(), weight }, name.span));
    }
    tracked
}

/// Entries of every `unicast_peer`: `ADDRESS [min_ttl N] [max_ttl N]`.
pub(super) fn peers(body: &Body<'_>, report: &mut Report) -> Vec<UnicastPeer> {
    let mut peers = Vec::new();
    for entry in entries(body, "unicast_peer") {
        if let Some(peer) = ipv4(entry.keyword(), report) {
            peers.push(IpAddr::V4(peer).into());
        }
        for option in entry.arguments() {
            let known = matches!(option.text.as_str(), "min_ttl" | "max_ttl");
            if known {
                let message = format!("`{}` of a peer is not supported yet", option.text);
                report.push(Diagnostic::error("unsupported-keyword", option.span, message));
            } else if option.text.parse::<IpAddr>().is_ok() {
                let message = format!("`{}` stands behind another peer and is not read", option.text);
                report.push(
                    Diagnostic::error("extra-argument", option.span, message)
                        .help("write one peer on each line"),
                );
            } else if value::integer(&option.text).is_none() {
                let message = format!("`{}` is not an option of a peer", option.text);
                report.push(
                    Diagnostic::error("unknown-keyword", option.span, message)
                        .suggest(&option.text, ["min_ttl", "max_ttl"]),
                );
            }
        }
    }
    peers
}

/// An IPv4 address; IPv6 is named as not supported.
pub(super) fn ipv4(word: &Word, report: &mut Report) -> Option<Ipv4Addr> {
    match word.text.parse::<IpAddr>() {
        Ok(IpAddr::V4(address)) => Some(address),
        Ok(IpAddr::V6(_)) => {
            let message = format!("`{}`: IPv6 addresses are not supported yet", word.text);
            report.push(Diagnostic::error("unsupported-keyword", word.span, message));
            None
        }
        Err(_) => {
            let message = format!("`{}` is not an IP address", word.text);
            report.push(Diagnostic::error("invalid-address", word.span, message));
            None
        }
    }
}

/// The entries of all blocks of a name; an empty block is worth a word.
fn entries<'b, 't>(
    body: &'b Body<'t>,
    name: &'static str,
) -> impl Iterator<Item = &'t Statement> + use<'b, 't> {
    body.all(name).flat_map(|item: &Item<'t>| item.body.entries.iter().copied())
}

fn repeated(name: &Word, first: Span) -> Diagnostic {
    Diagnostic::warning(
        "repeated-entry",
        name.span,
        format!("`{}` is listed twice; the first counts", name.text),
    )
    .related(first, "first listed here")
}

/// `weight N [reverse]` after a name.
fn weight(entry: &Statement, report: &mut Report) -> Option<TrackWeight> {
    let [option, rest @ ..] = entry.arguments() else { return None };
    if option.text != "weight" {
        let message = format!("`{}` is not an option here", option.text);
        report.push(
            Diagnostic::error("unknown-keyword", option.span, message)
                .suggest(&option.text, ["weight"])
                .help("write one entry on each line, as `NAME [weight N [reverse]]`"),
        );
        return None;
    }
    let Some(number) = rest.first() else {
        report.push(Diagnostic::error("missing-argument", option.span, "`weight` needs a number"));
        return None;
    };
    if !value::integer(&number.text).is_some_and(|n| (-253..=253).contains(&n)) {
        let message =
            format!("`{}` does not fit `weight`: a whole number from -253 to 253 is expected", number.text);
        report.push(Diagnostic::error("invalid-value", number.span, message));
        return None;
    }
    let (weight, reverse) = weight_of(rest, report);
    Some(TrackWeight { weight, reverse })
}
