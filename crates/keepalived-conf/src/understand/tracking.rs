//! `track_script`, `track_interface`, `track_file`, `track_process`, `track_bfd`: of an instance and
//! of a sync group.

use super::reader::{Line, Reader};
use super::script::weight_of;
use crate::findings::is_crowded;
use crate::grammar::{Statement, Word};
use crate::model::{Conditions, Config, TrackInterface, TrackWeight, Tracked};
use crate::placement::{Body, Item};
use crate::registry::{Context, Extent};
use crate::value;
use diagnostic::{Diagnostic, Span};
use std::collections::HashMap;

/// Everything that is tracked, with the places of scripts and interfaces.
#[derive(Default)]
pub(super) struct Read {
    pub(super) conditions: Conditions,
    pub(super) scripts: Vec<Span>,
    pub(super) interfaces: Vec<Span>,
}

/// Reads the blocks of an instance, whose own interface needs no entry, or of a sync group.
pub(super) fn read(body: &Body<'_>, own: Option<&str>, known: &Config, reader: &mut Reader<'_>) -> Read {
    let mut read = Read::default();
    let conditions = &mut read.conditions;
    let scripts: Vec<Object<'_>> = known
        .scripts
        .iter()
        .map(|s| (s.name.as_str(), TrackWeight { weight: s.weight, reverse: s.reverse }))
        .collect();
    (conditions.scripts, read.scripts) = tracked(body, &SCRIPT, &scripts, reader).into_iter().unzip();
    let files: Vec<Object<'_>> = known.files.iter().map(|f| (f.name.as_str(), f.weight)).collect();
    conditions.files = without_places(tracked(body, &FILE, &files, reader));
    let processes: Vec<Object<'_>> = known.processes.iter().map(|p| (p.name.as_str(), p.weight)).collect();
    conditions.processes = without_places(tracked(body, &PROCESS, &processes, reader));
    let sessions: Vec<Object<'_>> =
        known.bfd.iter().filter(|b| b.for_vrrp).map(|b| (b.name.as_str(), b.weight)).collect();
    conditions.bfd = without_places(tracked(body, &BFD, &sessions, reader));
    for (entry, _) in entries(body, BFD.block, reader.extent) {
        let name = entry.keyword();
        if known.bfd.iter().any(|session| session.name == name.text && !session.for_vrrp) {
            let message = format!("`{}` is for checkers alone", name.text);
            let finding = Diagnostic::error("bfd-for-checkers", name.span, message);
            reader.say(finding.help("add `vrrp` to the bfd_instance; this entry is left out"));
        }
    }
    (conditions.interfaces, read.interfaces) = interfaces(body, own, reader).into_iter().unzip();
    read
}

/// Name and weight of something that can be tracked.
type Object<'a> = (&'a str, TrackWeight);

/// A kind of tracked object.
struct Kind {
    block: &'static str,
    object: &'static str,
    id: &'static str,
    weights: Weights,
}

/// The greatest weight that can be written, and the greatest there is.
type Weights = (i64, i64);

/// Scripts and interfaces could weigh 254 once, and old files have it.
const ONCE_254: Weights = (254, 253);

const SCRIPT: Kind =
    Kind { block: "track_script", object: "vrrp_script", id: "unknown-script", weights: ONCE_254 };
const FILE: Kind =
    Kind { block: "track_file", object: "track_file", id: "unknown-name", weights: (254, 254) };
const PROCESS: Kind =
    Kind { block: "track_process", object: "vrrp_track_process", id: "unknown-name", weights: (254, 254) };
const BFD: Kind =
    Kind { block: "track_bfd", object: "bfd_instance", id: "unknown-name", weights: (253, 253) };

fn without_places(tracked: Vec<(Tracked, Span)>) -> Vec<Tracked> {
    tracked.into_iter().map(|(tracked, _)| tracked).collect()
}

fn tracked(
    body: &Body<'_>,
    kind: &Kind,
    known: &[Object<'_>],
    reader: &mut Reader<'_>,
) -> Vec<(Tracked, Span)> {
    let mut tracked: Vec<(Tracked, Span)> = Vec::new();
    let entries = entries(body, kind.block, reader.extent);
    if entries.is_empty() {
        return tracked;
    }
    let weights: HashMap<&str, TrackWeight> = known.iter().rev().copied().collect();
    let mut seen: HashMap<&str, Span> = HashMap::new();
    for (entry, acts) in entries {
        let name = entry.keyword();
        let Some(own) = weights.get(name.text.as_str()) else {
            // What was left out for its own mistakes is not missed again. A script is: without it
            // the instance would be unchecked.
            if kind.object != SCRIPT.object && reader.is_declared(kind.object, &name.text) {
                continue;
            }
            if is_crowded(reader.report) {
                continue;
            }
            reader.say(
                Diagnostic::error(kind.id, name.span, format!("there is no {} `{}`", kind.object, name.text))
                    .suggest(&name.text, known.iter().map(|(known, _)| *known))
                    .help("this entry is left out"),
            );
            continue;
        };
        if let Some(first) = seen.get(name.text.as_str()) {
            reader.say(repeated(name, *first));
            continue;
        }
        seen.insert(&name.text, name.span);
        let weight = weight(entry, acts, *own, kind.weights, reader).unwrap_or(*own);
        tracked.push((Tracked { name: name.text.clone(), weight }, name.span));
    }
    tracked
}

fn interfaces(body: &Body<'_>, own: Option<&str>, reader: &mut Reader<'_>) -> Vec<(TrackInterface, Span)> {
    let mut tracked: Vec<(TrackInterface, Span)> = Vec::new();
    let mut seen: HashMap<&str, Span> = HashMap::new();
    for (entry, acts) in entries(body, "track_interface", reader.extent) {
        let name = entry.keyword();
        if let Some(first) = seen.get(name.text.as_str()) {
            reader.say(repeated(name, *first));
            continue;
        }
        let none = TrackWeight::default();
        let weight = weight(entry, acts, none, ONCE_254, reader).unwrap_or(none);
        if own == Some(name.text.as_str()) {
            reader.say(own_interface(name, weight.weight));
            continue;
        }
        seen.insert(&name.text, name.span);
        tracked.push((TrackInterface { interface: name.text.clone(), weight }, name.span));
    }
    tracked
}

/// The interface of the instance is tracked by itself, whatever is written: a weight is left out.
fn own_interface(name: &Word, weight: i32) -> Diagnostic {
    let message = format!("`{}` is tracked anyway: it is the interface of the instance", name.text);
    let help = "this entry can go";
    match weight {
        0 => Diagnostic::hint("track-own-interface", name.span, message).help(help),
        _ => Diagnostic::warning("track-own-interface", name.span, message)
            .help("its weight does not count: the instance is in FAULT while the interface is down")
            .help(help),
    }
}

/// The entries of all blocks of a name, and whether their block acts.
pub(super) fn entries<'t>(body: &Body<'t>, name: &'static str, extent: Extent) -> Vec<(&'t Statement, bool)> {
    let of = |item: &Item<'t>| {
        let acts = extent.includes(item.keyword.support);
        item.body.entries.iter().map(move |entry| (*entry, acts)).collect::<Vec<_>>()
    };
    body.all(name).flat_map(of).collect()
}

pub(super) fn repeated(name: &Word, first: Span) -> Diagnostic {
    Diagnostic::warning(
        "repeated-entry",
        name.span,
        format!("`{}` is listed twice; the first counts", name.text),
    )
    .related(first, "first listed here")
}

/// `weight N [reverse|noreverse]` after a name.
fn weight(
    entry: &Statement,
    acts: bool,
    own: TrackWeight,
    (written, greatest): Weights,
    reader: &mut Reader<'_>,
) -> Option<TrackWeight> {
    let mut line = Line::options(entry, Context::TrackOption, acts);
    let option = line.next()?;
    if option.text != "weight" {
        let finding = line.unknown(option);
        reader.say(finding.help("write one entry on each line, as `NAME [weight N [reverse]]`"));
        return None;
    }
    line.row(option, reader);
    let Some(number) = line.peek() else {
        reader.error("missing-argument", option.span, "`weight` needs a number");
        return None;
    };
    let amount = value::integer(&number.text).filter(|n| (-written..=written).contains(n));
    let taken = amount.map(|n| n.clamp(-greatest, greatest));
    if taken.is_none() || taken != amount {
        let message = format!(
            "`{}` does not fit `weight`: a whole number from -{greatest} to {greatest} is expected",
            number.text
        );
        match taken {
            Some(taken) => {
                reader.warn("weight-of-254", number.span, message, format!("{taken} is taken"));
            }
            None => reader.error("invalid-value", number.span, message),
        }
    }
    let weight = i32::try_from(taken?).ok()?;
    let words = &entry.arguments()[1..];
    reader.ignored(words.get(2));
    let reverse = match words.get(1).map(|word| word.text.as_str()) {
        None => own.reverse,
        Some("noreverse") => false,
        Some(_) => weight_of(words, own, written, reader).reverse,
    };
    Some(TrackWeight { weight, reverse })
}
