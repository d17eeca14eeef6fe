//! `track_script`, `track_interface`, `track_file`, `track_process`, `track_bfd`: of an instance and
//! of a sync group.

use super::reader::{Line, Reader};
use super::script::weight_of;
use crate::grammar::{Statement, Word};
use crate::load::is_crowded;
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
    greatest: i64,
}

const SCRIPT: Kind =
    Kind { block: "track_script", object: "vrrp_script", id: "unknown-script", greatest: 253 };
const FILE: Kind = Kind { block: "track_file", object: "track_file", id: "unknown-name", greatest: 254 };
const PROCESS: Kind =
    Kind { block: "track_process", object: "vrrp_track_process", id: "unknown-name", greatest: 254 };
const BFD: Kind = Kind { block: "track_bfd", object: "bfd_instance", id: "unknown-name", greatest: 253 };

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
        let weight = weight(entry, acts, *own, kind.greatest, reader).unwrap_or(*own);
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
        let weight = weight(entry, acts, none, 253, reader).unwrap_or(none);
        if own == Some(name.text.as_str()) && weight.weight == 0 {
            reader.say(
                Diagnostic::hint(
                    "track-own-interface",
                    name.span,
                    format!("`{}` is tracked anyway: it is the interface of the instance", name.text),
                )
                .help("this entry can go"),
            );
            continue;
        }
        seen.insert(&name.text, name.span);
        tracked.push((TrackInterface { interface: name.text.clone(), weight }, name.span));
    }
    tracked
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
    greatest: i64,
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
    if !value::integer(&number.text).is_some_and(|n| (-greatest..=greatest).contains(&n)) {
        let message = format!(
            "`{}` does not fit `weight`: a whole number from -{greatest} to {greatest} is expected",
            number.text
        );
        reader.error("invalid-value", number.span, message);
        return None;
    }
    let words = &entry.arguments()[1..];
    let stays = words.get(1).is_none_or(|word| word.text == "noreverse");
    if stays && words.len() > 1 {
        return Some(TrackWeight { reverse: false, ..weight_of(&words[..1], own, greatest, reader) });
    }
    let read = weight_of(words, own, greatest, reader);
    Some(TrackWeight { reverse: read.reverse || (words.len() == 1 && own.reverse), ..read })
}
