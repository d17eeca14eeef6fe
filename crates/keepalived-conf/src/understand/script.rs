//! `vrrp_script`, `vrrp_track_process`, `track_file`.

use super::command::{command, place};
use super::global::{number, time};
use super::reader::Reader;
use super::{Places, ScriptPlaces};
use crate::grammar::Word;
use crate::model::{ParameterMatch, TrackFile, TrackFileInit, TrackProcess, TrackWeight, User, VrrpScript};
use crate::placement::{Body, Item};
use crate::value;
use diagnostic::{Diagnostic, Span};
use std::path::PathBuf;
use std::time::Duration;

/// Reads every `vrrp_script`.
pub(super) fn read_all(root: &Body<'_>, places: &mut Places, reader: &mut Reader<'_>) -> Vec<VrrpScript> {
    let mut scripts: Vec<VrrpScript> = Vec::new();
    for item in root.all("vrrp_script") {
        let Some((script, place)) = read(item, reader) else { continue };
        let first = scripts.iter().position(|s| s.name == script.name).map(|i| places.scripts[i].name);
        if let Some(first) = first {
            duplicate(item, first, reader);
            continue;
        }
        scripts.push(script);
        places.scripts.push(place);
    }
    scripts
}

/// Says that there is already a block of this name.
pub(super) fn duplicate(item: &Item<'_>, first: Span, reader: &mut Reader<'_>) {
    let Some(name) = item.first() else { return };
    let message = format!("there is already a {} `{}`", item.name(), name.text);
    // The original takes two scripts of one name, and no two groups.
    let finding = if item.name().ends_with("_group") {
        Diagnostic::error("duplicate-name", name.span, message)
    } else {
        Diagnostic::warning("duplicate-name", name.span, message)
    };
    reader.say(finding.related(first, "defined here").help("the first one counts"));
}

fn read(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<(VrrpScript, ScriptPlaces)> {
    let name = item.first()?;
    let Some(line) = item.body.last("script").filter(|line| !line.arguments().is_empty()) else {
        if item.body.all("script").next().is_none() {
            lacks(item, "script", "\"COMMAND\"", reader);
        }
        return None;
    };
    let command = command(line.arguments(), reader.report)?;
    let body = &item.body;
    let interval = positive_time(body, "interval", reader).unwrap_or(Duration::from_secs(1));
    let timeout = positive_time(body, "timeout", reader).unwrap_or(interval);
    let weight = body.last("weight");
    let TrackWeight { weight: amount, reverse } = weight.map_or(TrackWeight::default(), |item| {
        weight_of(item.arguments(), TrackWeight::default(), 253, reader)
    });
    let count = |name| {
        let word = body.last(name).and_then(|item| item.first());
        word.and_then(|word| word.text.parse().ok()).unwrap_or(1)
    };
    let user = body.last("user");
    let script = VrrpScript {
        name: name.text.clone(),
        command,
        interval,
        timeout,
        weight: amount,
        reverse,
        rise: count("rise"),
        fall: count("fall"),
        init_fail: body.last("init_fail").is_some(),
        user: user.and_then(|item| user_and_group(item.arguments())),
    };
    let places = ScriptPlaces {
        name: name.span,
        command: place(line.arguments()).unwrap_or(line.span()),
        user: user.map(Item::span),
        weight: weight.map(Item::span),
    };
    Some((script, places))
}

/// Says that a block lacks a word it cannot be without.
pub(super) fn lacks(item: &Item<'_>, word: &str, value: &str, reader: &mut Reader<'_>) {
    let Some(name) = item.first() else { return };
    let message = format!("{} `{}` has no `{word}`", item.name(), name.text);
    reader
        .say(Diagnostic::error("missing-keyword", name.span, message).help(format!("add `{word} {value}`")));
}

/// Reads every `vrrp_track_process`.
pub(super) fn processes(root: &Body<'_>, reader: &mut Reader<'_>) -> Vec<TrackProcess> {
    let mut processes: Vec<(TrackProcess, Span)> = Vec::new();
    for item in root.all("vrrp_track_process") {
        let Some(process) = process(item, reader) else { continue };
        match processes.iter().find(|(p, _)| p.name == process.name) {
            Some((_, first)) => duplicate(item, *first, reader),
            None => processes.push((process, item.span())),
        }
    }
    processes.into_iter().map(|(process, _)| process).collect()
}

fn process(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<TrackProcess> {
    let name = item.first()?;
    let body = &item.body;
    let Some((program, parameters)) = body
        .last("process")
        .and_then(|item| item.arguments().split_first().map(|(p, rest)| (p, rest.to_vec())))
    else {
        lacks(item, "process", "PROGRAM", reader);
        return None;
    };
    let matching = match body.last("param_match") {
        Some(item) => match item.first().map(|word| word.text.as_str()) {
            Some("initial") => ParameterMatch::Initial,
            Some("partial") => ParameterMatch::Partial,
            _ => ParameterMatch::Exact,
        },
        None if parameters.is_empty() => ParameterMatch::Ignored,
        None => ParameterMatch::Exact,
    };
    let full_command = body.last("full_command").is_some() || matching != ParameterMatch::Ignored;
    if !full_command && program.text.len() > 15 {
        reader.warn(
            "long-process-name",
            program.span,
            format!("the kernel keeps only 15 bytes of a process name: `{}` is never found", program.text),
            "add `full_command`, and write the program as its command line has it",
        );
    }
    let (quorum, quorum_max) = quorum(body, reader);
    // `delay` stands for the two others: of those that say something, the last counts.
    let delay = |name| {
        let items = body.items.iter().filter(|item| [name, "delay"].contains(&item.name()));
        items.filter_map(|item| time(item.first())).next_back().unwrap_or_default()
    };
    Some(TrackProcess {
        name: name.text.clone(),
        program: program.text.clone(),
        parameters: parameters.into_iter().map(|word| word.text).collect(),
        matching,
        full_command,
        weight: own_weight(body, 0, reader),
        quorum,
        quorum_max,
        terminate_delay: delay("terminate_delay"),
        fork_delay: delay("fork_delay"),
    })
}

/// `quorum` and `quorum_max`; one that contradicts the other is left out.
fn quorum(body: &Body<'_>, reader: &mut Reader<'_>) -> (u32, Option<u32>) {
    let read =
        |name| body.last(name).and_then(|item| number(item.first())).and_then(|n| u32::try_from(n).ok());
    let (least, most) = (read("quorum"), read("quorum_max"));
    match (least, most) {
        (None, Some(0)) => (0, Some(0)),
        (least, Some(most)) if most < least.unwrap_or(1) => {
            let span = body.last("quorum_max").map(Item::span);
            let message = format!("`quorum_max {most}` is less than `quorum {}`", least.unwrap_or(1));
            reader.say(Diagnostic::error("invalid-value", span, message).help("quorum_max is left out"));
            (least.unwrap_or(1), None)
        }
        (least, most) => (least.unwrap_or(1), most),
    }
}

/// Reads every `track_file`.
pub(super) fn files(root: &Body<'_>, reader: &mut Reader<'_>) -> Vec<TrackFile> {
    let mut files: Vec<(TrackFile, Span)> = Vec::new();
    for item in root.items.iter().filter(|item| matches!(item.name(), "track_file" | "vrrp_track_file")) {
        if item.name() == "vrrp_track_file" {
            reader.old_name(item.statement.keyword(), "track_file");
        }
        let Some(file) = file(item, reader) else { continue };
        match files.iter().find(|(f, _)| f.name == file.name) {
            Some((_, first)) => duplicate(item, *first, reader),
            None => files.push((file, item.span())),
        }
    }
    files.into_iter().map(|(file, _)| file).collect()
}

fn file(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<TrackFile> {
    let name = item.first()?;
    let body = &item.body;
    let Some(path) = body.last("file").and_then(|item| item.first()) else {
        lacks(item, "file", "PATH", reader);
        return None;
    };
    if !path.text.starts_with('/') {
        let message = format!("`{}` is not an absolute path", path.text);
        reader.warn("relative-path", path.span, message, "write the whole path, from `/` on");
    }
    let init = body.last("init_file").map(|item| init_file(item, reader));
    Some(TrackFile {
        name: name.text.clone(),
        path: PathBuf::from(&path.text),
        weight: own_weight(body, 1, reader),
        init,
    })
}

/// `[VALUE] [overwrite]` in either order.
fn init_file(item: &Item<'_>, reader: &mut Reader<'_>) -> TrackFileInit {
    let mut init = TrackFileInit { value: 0, overwrite: false };
    for word in item.arguments() {
        if word.text == "overwrite" {
            init.overwrite = true;
        } else if let Some(value) = value::integer(&word.text).and_then(|n| i32::try_from(n).ok()) {
            init.value = value;
        } else {
            let message = format!("`{}` is neither a number nor `overwrite`", word.text);
            reader.say(
                Diagnostic::error("invalid-value", word.span, message).suggest(&word.text, ["overwrite"]),
            );
        }
    }
    init
}

/// `weight` of a process or file.
fn own_weight(body: &Body<'_>, usual: i32, reader: &mut Reader<'_>) -> TrackWeight {
    let usual = TrackWeight { weight: usual, reverse: false };
    body.last("weight").map_or(usual, |item| weight_of(item.arguments(), usual, 254, reader))
}

/// A time in whole milliseconds, which keepalived takes as 1 s when it is 0.
fn positive_time(body: &Body<'_>, name: &'static str, reader: &mut Reader<'_>) -> Option<Duration> {
    let word = body.last(name)?.first()?;
    let millis = (value::microseconds(&word.text)? + 500) / 1000;
    if millis == 0 {
        reader.warn(
            "zero-time",
            word.span,
            format!("`{name} {}` is taken as 1 s", word.text),
            "write how many seconds are meant; fractions are allowed, to 0.001",
        );
        return Some(Duration::from_secs(1));
    }
    Some(Duration::from_millis(millis))
}

/// `N [reverse]`; for a number that does not fit, which was reported, the usual one is taken.
pub(super) fn weight_of(
    words: &[Word],
    usual: TrackWeight,
    greatest: i64,
    reader: &mut Reader<'_>,
) -> TrackWeight {
    let weight = words.first().and_then(|word| value::integer(&word.text));
    let weight = weight.filter(|w| (-greatest..=greatest).contains(w)).and_then(|w| i32::try_from(w).ok());
    let reverse = match words.get(1) {
        None => false,
        Some(word) if word.text == "reverse" => true,
        Some(word) => {
            reader.say(
                Diagnostic::error(
                    "invalid-value",
                    word.span,
                    format!("`{}` is not an option of `weight`", word.text),
                )
                .suggest(&word.text, ["reverse"]),
            );
            false
        }
    };
    TrackWeight { weight: weight.unwrap_or(usual.weight), reverse }
}

/// `USER [[:] GROUP]`.
pub(super) fn user_and_group(words: &[Word]) -> Option<User> {
    let mut names = words.iter().flat_map(|word| word.text.split(':')).filter(|name| !name.is_empty());
    let user = names.next()?.to_owned();
    Some((user, names.next().map(str::to_owned)))
}
