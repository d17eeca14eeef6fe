//! `vrrp_script`.

use super::command::{command, place};
use super::{Places, ScriptPlaces};
use crate::grammar::Word;
use crate::model::VrrpScript;
use crate::placement::{Body, Item};
use crate::value;
use diagnostic::{Diagnostic, Report};
use std::time::Duration;

/// Reads every `vrrp_script`.
pub(super) fn read_all(root: &Body<'_>, places: &mut Places, report: &mut Report) -> Vec<VrrpScript> {
    let mut scripts: Vec<VrrpScript> = Vec::new();
    for item in root.all("vrrp_script") {
        let Some((script, place)) = read(item, report) else { continue };
        if let Some(first) = scripts.iter().position(|s| s.name == script.name) {
            report.push(
                Diagnostic::warning(
                    "duplicate-name",
                    place.name,
                    format!("there is already a vrrp_script `{}`", script.name),
                )
                .related(places.scripts[first].name, "defined here")
                .help("the first one counts"),
            );
            continue;
        }
        scripts.push(script);
        places.scripts.push(place);
    }
    scripts
}

fn read(item: &Item<'_>, report: &mut Report) -> Option<(VrrpScript, ScriptPlaces)> {
    let name = item.first()?;
    let Some(line) = item.body.last("script").filter(|line| !line.arguments().is_empty()) else {
        if item.body.all("script").next().is_none() {
            report.push(
                Diagnostic::error(
                    "missing-keyword",
                    name.span,
                    format!("vrrp_script `{}` has no `script`", name.text),
                )
                .help("add `script \"COMMAND\"`"),
            );
        }
        return None;
    };
    let command = command(line.arguments(), report)?;
    let body = &item.body;
    let interval = positive_time(body, "interval", report).unwrap_or(Duration::from_secs(1));
    let timeout = positive_time(body, "timeout", report).unwrap_or(interval);
    let weight = body.last("weight");
    let (weight_value, reverse) = weight.map_or((0, false), |item| weight_of(item.arguments(), report));
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
        weight: weight_value,
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

/// A time that keepalived takes as 1 s when it is 0.
fn positive_time(body: &Body<'_>, name: &'static str, report: &mut Report) -> Option<Duration> {
    let word = body.last(name)?.first()?;
    let micros = value::microseconds(&word.text)?;
    if micros == 0 {
        report.push(
            Diagnostic::warning("zero-time", word.span, format!("`{name} 0` is taken as 1 s"))
                .help("write how many seconds are meant; fractions are allowed"),
        );
        return Some(Duration::from_secs(1));
    }
    Some(Duration::from_micros(micros))
}

/// `N [reverse]`; a number that does not fit counts as 0 and was reported.
pub(super) fn weight_of(words: &[Word], report: &mut Report) -> (i32, bool) {
    let weight = words.first().and_then(|word| value::integer(&word.text));
    let weight = weight.filter(|w| (-253..=253).contains(w)).and_then(|w| i32::try_from(w).ok()).unwrap_or(0);
    let reverse = match words.get(1) {
        None => false,
        Some(word) if word.text == "reverse" => true,
        Some(word) => {
            report.push(
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
    (weight, reverse)
}

/// `USER [[:] GROUP]`.
pub(super) fn user_and_group(words: &[Word]) -> Option<(String, Option<String>)> {
    let mut names = words.iter().flat_map(|word| word.text.split(':')).filter(|name| !name.is_empty());
    let user = names.next()?.to_owned();
    Some((user, names.next().map(str::to_owned)))
}
