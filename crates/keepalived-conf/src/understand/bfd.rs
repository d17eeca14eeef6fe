//! `bfd_instance`.

use super::global::number;
use super::reader::Reader;
use super::script::{duplicate, lacks, weight_of};
use crate::model::{BfdInstance, TrackWeight};
use crate::placement::{Body, Item};
use crate::value;
use diagnostic::{Diagnostic, Span};
use std::net::IpAddr;
use std::time::Duration;

/// Longest interval that makes sense to keepalived.
const SENSIBLE: Duration = Duration::from_secs(10);

/// Reads every `bfd_instance`.
pub(super) fn read_all(root: &Body<'_>, reader: &mut Reader<'_>) -> Vec<BfdInstance> {
    let mut sessions: Vec<(BfdInstance, Span)> = Vec::new();
    for item in root.all("bfd_instance") {
        let Some(session) = read(item, reader) else { continue };
        if let Some((_, first)) = sessions.iter().find(|(s, _)| s.name == session.name) {
            duplicate(item, *first, reader);
            continue;
        }
        let same = |other: &BfdInstance| {
            (other.neighbor, other.source, other.multihop)
                == (session.neighbor, session.source, session.multihop)
        };
        if let Some((other, first)) = sessions.iter().find(|(s, _)| same(s)) {
            let message = format!("`{}` has the same addresses as `{}`", session.name, other.name);
            reader.say(
                Diagnostic::error("invalid-value", item.span(), message)
                    .related(*first, "that session")
                    .help("one session between two addresses is enough; this one is left out"),
            );
            continue;
        }
        sessions.push((session, item.span()));
    }
    sessions.into_iter().map(|(session, _)| session).collect()
}

fn read(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<BfdInstance> {
    let name = item.first()?;
    let body = &item.body;
    let last = |names: [&'static str; 2]| body.items.iter().rfind(|item| names.contains(&item.name()));
    if name.text.len() > 31 {
        let message = format!("`{}` is longer than 31 bytes", name.text);
        reader.say(Diagnostic::error("invalid-value", name.span, message).help("the session is left out"));
        return None;
    }
    let Some(neighbor) = last(["neighbor_ip", "neighbour_ip"]).and_then(|item| item.first()) else {
        lacks(item, "neighbor_ip", "ADDRESS", reader);
        return None;
    };
    let address: IpAddr = reader.address(neighbor)?;
    let source = body.last("source_ip").and_then(|item| item.first());
    let source = source.and_then(|word| Some((reader.address(word)?, word.span)));
    if let Some((source, span)) = source
        && source.is_ipv4() != address.is_ipv4()
    {
        reader.say(
            Diagnostic::error(
                "mixed-families",
                span,
                format!("`{source}` is not of the family of `{address}`"),
            )
            .related(neighbor.span, "the neighbour")
            .help("the session is left out"),
        );
        return None;
    }
    let ttl =
        last(["ttl", "hoplimit"]).and_then(|item| number(item.first())).and_then(|n| u8::try_from(n).ok());
    // RFC 5881 §5: 255, or the neighbour refuses it.
    let ttl = ttl.unwrap_or(255);
    let multiplier = body.last("multiplier").and_then(|item| number(item.first()));
    let weight = body.last("weight").map_or(TrackWeight::default(), |item| {
        weight_of(item.arguments(), TrackWeight::default(), 253, reader)
    });
    let (vrrp, checker) = (body.last("vrrp").is_some(), body.last("checker").is_some());
    Some(BfdInstance {
        name: name.text.clone(),
        neighbor: address,
        source: source.map(|(source, _)| source),
        min_rx: interval(body, "min_rx", 10, reader),
        min_tx: interval(body, "min_tx", 10, reader),
        idle_tx: interval(body, "idle_tx", 1000, reader),
        multiplier: multiplier.and_then(|n| u8::try_from(n).ok()).unwrap_or(5),
        passive: body.last("passive").is_some(),
        ttl,
        max_hops: max_hops(body, ttl, reader),
        multihop: body.last("multihop").is_some_and(Item::is_on),
        weight,
        for_vrrp: vrrp || !checker,
        for_checkers: checker || !vrrp,
    })
}

/// Decimal milliseconds.
fn interval(body: &Body<'_>, name: &'static str, usual: u64, reader: &mut Reader<'_>) -> Duration {
    let word = body.last(name).and_then(|item| item.first());
    let micros = word.and_then(|word| value::microseconds(&word.text)).map(|millionths| millionths / 1000);
    let interval = micros.map_or(Duration::from_millis(usual), Duration::from_micros);
    if let Some(word) = word.filter(|_| interval > SENSIBLE) {
        let message = format!("`{name} {}` is {} s", word.text, interval.as_secs());
        reader.warn("out-of-bounds", word.span, message, "intervals of BFD are in milliseconds");
    }
    interval
}

/// 0 when absent, any number when −1, never more than the TTL.
fn max_hops(body: &Body<'_>, ttl: u8, reader: &mut Reader<'_>) -> Option<u8> {
    let Some(word) = body.last("max_hops").and_then(|item| item.first()) else { return Some(0) };
    match value::integer(&word.text) {
        Some(-1) => None,
        Some(hops) if hops > i64::from(ttl) => {
            let message = format!("`max_hops {hops}` is more than the TTL: {ttl} is taken");
            reader.warn("out-of-bounds", word.span, message, "raise the `ttl` or lower max_hops");
            Some(ttl)
        }
        hops => hops.and_then(|hops| u8::try_from(hops).ok()).or(Some(0)),
    }
}
