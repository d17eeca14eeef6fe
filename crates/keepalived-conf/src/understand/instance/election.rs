//! What the election depends on: `state`, `priority`, `version`, `advert_int`, preemption.

use super::super::InstancePlaces;
use super::super::global::{Defaults, number, time};
use super::super::reader::Reader;
use crate::grammar::Word;
use crate::model::{Authentication, Family, InitialState, Version, VrrpInstance};
use crate::placement::{Body, Item};
use diagnostic::{Diagnostic, Span};
use std::time::Duration;

/// Priority of the router that the addresses belong to.
const OWNER: u8 = 255;

/// Unknown states count as BACKUP; MASTER once said stays. `None` when nothing is written.
pub(super) fn state(body: &Body<'_>, reader: &mut Reader<'_>) -> Option<InitialState> {
    let mut state = None;
    for item in body.all("state") {
        let Some(word) = item.first() else { continue };
        state = match word.text.as_str() {
            "MASTER" => Some(InitialState::Master),
            "BACKUP" => state.or(Some(InitialState::Backup)),
            other => {
                reader.say(
                    Diagnostic::error(
                        "invalid-value",
                        word.span,
                        format!("`{other}` is not a state; BACKUP is taken"),
                    )
                    .suggest(other, ["MASTER", "BACKUP"])
                    .help("states are MASTER and BACKUP, in capitals"),
                );
                Some(InitialState::Backup)
            }
        };
    }
    state
}

/// The owner starts as master when nothing else is written.
pub(super) fn start(state: Option<InitialState>, priority: u8) -> InitialState {
    state.unwrap_or(if priority == OWNER { InitialState::Master } else { InitialState::Backup })
}

/// 100 when nothing or no priority is written, but 255 when nothing is written beside `state MASTER`.
pub(super) fn priority(
    body: &Body<'_>,
    state: Option<InitialState>,
    name: &Word,
    reader: &mut Reader<'_>,
) -> u8 {
    const ORDINARY: u8 = 100;
    if let Some(written) = body.last("priority") {
        return number(written.first())
            .and_then(|p| u8::try_from(p).ok())
            .filter(|p| *p > 0)
            .unwrap_or(ORDINARY);
    }
    if state != Some(InitialState::Master) {
        return ORDINARY;
    }
    reader.warn(
        "master-without-priority",
        name.span,
        format!("`state MASTER` without `priority` makes `{}` the owner of its addresses: 255", name.text),
        "priority 255 never changes, whatever is tracked; write a `priority`, such as 150",
    );
    OWNER
}

/// `version`, else that of global_defs; IPv6 is of version 3 in any case (RFC 5798 §1.1).
pub(super) fn version(
    body: &Body<'_>,
    defaults: &Defaults,
    family: Family,
    name: &Word,
    reader: &mut Reader<'_>,
) -> (Version, Option<Span>) {
    let own = body.last("version").and_then(|item| Some((number(item.first())?, item.first()?.span)));
    match (own, family) {
        (Some((2, span)), Family::Ipv6) => {
            reader.say(
                Diagnostic::error("version-2-ipv6", span, "VRRPv2 knows no IPv6: version 3 is taken")
                    .related(name.span, "an instance of IPv6")
                    .help("write `version 3` here and on the peers"),
            );
            (Version::V3, None)
        }
        (_, Family::Ipv6) => (Version::V3, own.map(|(_, span)| span)),
        (Some((3, span)), _) => (Version::V3, Some(span)),
        (Some(_), _) => (Version::V2, None),
        (None, _) => (defaults.global.vrrp.version, defaults.version),
    }
}

/// VRRPv2 carries whole seconds up to 255, VRRPv3 hundredths up to 40.95 s.
pub(super) fn advert_int(body: &Body<'_>, version: Version, reader: &mut Reader<'_>) -> Duration {
    const LONGEST_V3: Duration = Duration::from_millis(40_950);
    let second = Duration::from_secs(1);
    let Some(word) = body.last("advert_int").and_then(|item| item.first()) else { return second };
    let Some(written) = time(Some(word)) else { return second };
    let unit = match version {
        Version::V2 => second,
        Version::V3 => Duration::from_millis(10),
    };
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let unit = micros(unit);
    let rounded = Duration::from_micros(((micros(written) + unit / 2) / unit).max(1) * unit);
    let taken = if version == Version::V3 { rounded.min(LONGEST_V3) } else { rounded };
    if taken == written {
        return written;
    }
    let counts = match version {
        Version::V2 => "VRRPv2 counts whole seconds",
        Version::V3 if rounded > LONGEST_V3 => "VRRPv3 counts up to 40.95 seconds",
        Version::V3 => "VRRPv3 counts hundredths of a second",
    };
    let mut finding = Diagnostic::warning(
        "rounded-interval",
        word.span,
        format!("{counts}: `{}` becomes {}", word.text, taken.as_secs_f64()),
    );
    finding = finding.help("every router of the group needs the same advert_int");
    if version == Version::V2 && written < second {
        finding = finding.help("for less than a second, write `version 3` on every router");
    }
    reader.say(finding);
    taken
}

/// `nopreempt` holds unless `preempt` is written after it.
pub(super) fn preemption_is_off(body: &Body<'_>) -> bool {
    let last = body.items.iter().rfind(|item| matches!(item.name(), "nopreempt" | "preempt"));
    last.is_some_and(|item| item.name() == "nopreempt")
}

/// What MASTER, priority 255, nopreempt and preempt_delay do to each other, and what follows from
/// all together.
pub(super) fn reconcile(
    instance: &mut VrrpInstance,
    body: &Body<'_>,
    places: &InstancePlaces,
    defaults: &Defaults,
    reader: &mut Reader<'_>,
) {
    let span = |name: &'static str| body.last(name).map_or(places.name, Item::span);
    let owner = instance.priority == OWNER;
    let ah = matches!(instance.authentication, Authentication::Ah(_));
    if ah && instance.state == InitialState::Master && !owner {
        let message = "`state MASTER` does not go with `auth_type AH`: BACKUP is taken";
        let help = "a router has to hear the master's sequence number before it takes over";
        reader.warn("master-ah", span("state"), message, help);
        instance.state = InitialState::Backup;
    }
    if instance.nopreempt && instance.state == InitialState::Master {
        reader.say(
            Diagnostic::warning(
                "master-nopreempt",
                span("nopreempt"),
                "`nopreempt` does not go with `state MASTER` and is left out",
            )
            .related(span("state"), "the state")
            .help("write `state BACKUP` on every node of the group"),
        );
        instance.nopreempt = false;
    } else if instance.nopreempt && owner {
        let message = "`nopreempt` does not go with priority 255 and is left out";
        reader.warn("owner-nopreempt", span("nopreempt"), message, "take a priority from 1 to 254");
        instance.nopreempt = false;
    }
    preempt_delay(instance, span("preempt_delay"), reader);
    owner_ignore_adverts(instance, body, defaults, reader);
    let written = body.items.iter().rfind(|item| matches!(item.name(), "accept" | "no_accept"));
    let usual = owner || !instance.strict;
    instance.accept = written.map_or(usual, |item| item.name() == "accept");
    if instance.accept && instance.strict && !owner && instance.version == Version::V2 {
        let message = "in VRRPv2, strict mode lets only the owner accept: `accept` is left out";
        reader.warn("strict-accept", span("accept"), message, "write `version 3`, or remove vrrp_strict");
        instance.accept = false;
    }
}

fn preempt_delay(instance: &mut VrrpInstance, span: Span, reader: &mut Reader<'_>) {
    if instance.preempt_delay.is_zero() {
        return;
    }
    let reason = match (instance.state, instance.nopreempt) {
        (InitialState::Master, _) => "does not go with `state MASTER`",
        (_, true) => "means nothing beside `nopreempt`",
        _ => return,
    };
    let message = format!("`preempt_delay` {reason} and is left out");
    let help = "for a delayed takeover write `state BACKUP` and no `nopreempt`";
    reader.warn("useless-preempt-delay", span, message, help);
    instance.preempt_delay = Duration::ZERO;
}

/// Only for the owner, and always so for one in strict mode.
fn owner_ignore_adverts(
    instance: &mut VrrpInstance,
    body: &Body<'_>,
    defaults: &Defaults,
    reader: &mut Reader<'_>,
) {
    let owner = instance.priority == OWNER;
    let written = body.last("owner_ignore_adverts");
    let usual = owner && (instance.strict || defaults.global.vrrp.owner_ignore_adverts);
    instance.owner_ignore_adverts = written.map_or(usual, Item::is_on);
    if let Some(item) = written.filter(|item| item.is_on() && !owner) {
        let message = "`owner_ignore_adverts` is for priority 255 alone and is left out";
        reader.warn("useless-word", item.span(), message, "remove it");
        instance.owner_ignore_adverts = false;
    }
    if let Some(item) = written.filter(|item| !item.is_on() && owner && instance.strict) {
        let message = "in strict mode priority 255 ignores advertisements: this is left out";
        reader.warn("useless-word", item.span(), message, "remove it, or vrrp_strict");
        instance.owner_ignore_adverts = true;
    }
}
