//! `vrrp_instance`.

use super::address;
use super::command::{command, place};
use super::global::{Defaults, garp, multicast_group, number, time};
use super::script::user_and_group;
use super::{InstancePlaces, Places, strict, tracking};
use crate::grammar::Word;
use crate::model::{
    Authentication, InitialState, Notify, NotifyScript, Unicast, VirtualAddress, VrrpInstance, VrrpScript,
};
use crate::placement::{Body, Item};
use diagnostic::{Diagnostic, Report, Span};
use std::time::Duration;

/// Reads every `vrrp_instance`.
pub(super) fn read_all(
    root: &Body<'_>,
    defaults: &Defaults,
    scripts: &[VrrpScript],
    places: &mut Places,
    report: &mut Report,
) -> Vec<VrrpInstance> {
    let mut instances: Vec<VrrpInstance> = Vec::new();
    for item in root.all("vrrp_instance") {
        let Some(name) = item.first() else { continue };
        if let Some(first) = instances.iter().position(|i| i.name == name.text) {
            report.push(
                Diagnostic::error(
                    "duplicate-name",
                    name.span,
                    format!("there is already a vrrp_instance `{}`", name.text),
                )
                .related(places.instances[first].name, "defined here")
                .help("the first one counts"),
            );
            continue;
        }
        if let Some((instance, place)) = read(item, defaults, scripts, report) {
            instances.push(instance);
            places.instances.push(place);
        }
    }
    instances
}

fn read(
    item: &Item<'_>,
    defaults: &Defaults,
    scripts: &[VrrpScript],
    report: &mut Report,
) -> Option<(VrrpInstance, InstancePlaces)> {
    let name = item.first()?;
    let body = &item.body;
    let version = version(body, defaults, name.span, report);
    let vrid = required(body, "virtual_router_id", name.span, report);
    let interface = match body.last("interface").and_then(|item| item.first()).or(defaults.interface.as_ref())
    {
        Some(word) => Some(word),
        None => {
            required(body, "interface", name.span, report);
            None
        }
    };
    let (addresses, address_places) = addresses(body, "virtual_ipaddress", report);
    let (excluded, excluded_places) = addresses_excluded(body, report);
    let authentication = authentication(body, name.span, report);
    let interface_name = interface.map_or("", |word| word.text.as_str());
    let (track_scripts, script_places) = tracking::scripts(body, scripts, report).into_iter().unzip();
    let (track_interfaces, interface_places) =
        tracking::interfaces(body, interface_name, report).into_iter().unzip();
    let (notify, notify_places) = notify(body, report);
    let unicast = unicast(body, report);
    let mcast_group = body.last("mcast_dst_ip").and_then(|item| multicast_group(item.first()?, report));
    let on = |name, default| body.last(name).map_or(default, Item::is_on);
    let written = body.last("priority").and_then(|item| item.first());
    let state = state(body, report);
    let priority = priority(body, state, name, report);
    let places = InstancePlaces {
        name: name.span,
        interface: interface.map_or(name.span, |word| word.span),
        vrid: vrid.map_or(name.span, |(_, span)| span),
        priority: written.map(|word| word.span),
        addresses: address_places.into_iter().chain(excluded_places).collect(),
        track_scripts: script_places,
        track_interfaces: interface_places,
        notify: notify_places,
    };
    let mut instance = VrrpInstance {
        name: name.text.clone(),
        state,
        interface: interface?.text.clone(),
        vrid: u8::try_from(vrid?.0).ok()?,
        priority,
        advert_int: advert_int(body, report),
        nopreempt: preemption_is_off(body),
        preempt_delay: body.last("preempt_delay").and_then(|item| time(item.first())).unwrap_or_default(),
        authentication: authentication?,
        source: source(body, unicast.is_some(), report).map(Into::into),
        unicast,
        mcast_group: mcast_group.unwrap_or(defaults.global.mcast_group4).into(),
        addresses: addresses?,
        excluded,
        track_scripts,
        track_interfaces,
        dont_track_primary: body.last("dont_track_primary").is_some(),
        notify,
        smtp_alert: on("smtp_alert", defaults.global.mail.alert),
        garp: garp_of(body, defaults),
        strict: on("strict_mode", defaults.global.strict),
        skip_check_adv_addr: on("skip_check_adv_addr", defaults.global.skip_check_adv_addr),
        ..VrrpInstance::default()
    };
    let runs = !instance.strict || strict::apply(&mut instance, &places, report);
    reconcile(&mut instance, body, &places, report);
    if instance.addresses.is_empty() && !instance.strict {
        report.push(
            Diagnostic::warning(
                "no-address",
                places.name,
                format!("`{}` has no address: it elects a master and nothing more", instance.name),
            )
            .help("list at least one in virtual_ipaddress, unless notify scripts do the work"),
        );
    }
    (runs && version).then_some((instance, places))
}

/// Whether the version is one we speak. An instance that would speak another one than its peers
/// would be a second master beside them, so it does not run.
fn version(body: &Body<'_>, defaults: &Defaults, name: Span, report: &mut Report) -> bool {
    let own = body.last("version").and_then(|item| Some((number(item.first())?, item.first()?.span)));
    match (own, defaults.version) {
        (Some((3, span)), _) => {
            report.push(
                Diagnostic::error("unsupported-keyword", span, "VRRP version 3 is not supported yet")
                    .help("this instance does not run"),
            );
            false
        }
        (None, Some((3, span))) => {
            report.push(
                Diagnostic::error("unsupported-keyword", span, "VRRP version 3 is not supported yet")
                    .related(name, "so this instance does not run"),
            );
            false
        }
        _ => true,
    }
}

/// A word an instance cannot be without.
fn required(body: &Body<'_>, word: &'static str, name: Span, report: &mut Report) -> Option<(u64, Span)> {
    let item = body.last(word);
    if item.is_none() {
        report.push(
            Diagnostic::error("missing-keyword", name, format!("this instance has no `{word}`"))
                .help(format!("add `{word} …`; without it the instance does not run")),
        );
    }
    let word = item?.first()?;
    Some((number(Some(word))?, word.span))
}

/// Unknown states count as BACKUP; MASTER once said stays.
fn state(body: &Body<'_>, report: &mut Report) -> InitialState {
    let mut state = None;
    for item in body.all("state") {
        let Some(word) = item.first() else { continue };
        state = match word.text.as_str() {
            "MASTER" => Some(InitialState::Master),
            "BACKUP" => state.or(Some(InitialState::Backup)),
            other => {
                report.push(
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
    state.unwrap_or_default()
}

/// 100 when nothing or no priority is written, but 255 when nothing is written beside `state MASTER`.
fn priority(body: &Body<'_>, state: InitialState, name: &Word, report: &mut Report) -> u8 {
    const ORDINARY: u8 = 100;
    const OWNER: u8 = 255;
    if let Some(written) = body.last("priority") {
        return number(written.first())
            .and_then(|p| u8::try_from(p).ok())
            .filter(|p| *p > 0)
            .unwrap_or(ORDINARY);
    }
    if state == InitialState::Backup {
        return ORDINARY;
    }
    report.push(
        Diagnostic::warning(
            "master-without-priority",
            name.span,
            format!(
                "`state MASTER` without `priority` makes `{}` the owner of its addresses: 255",
                name.text
            ),
        )
        .help("priority 255 never changes, whatever is tracked; write a `priority`, such as 150"),
    );
    OWNER
}

/// VRRPv2 carries whole seconds.
fn advert_int(body: &Body<'_>, report: &mut Report) -> Duration {
    let second = Duration::from_secs(1);
    let Some(word) = body.last("advert_int").and_then(|item| item.first()) else { return second };
    let Some(written) = time(Some(word)) else { return second };
    if written.subsec_micros() == 0 {
        return written;
    }
    let rounded = Duration::from_secs((written + Duration::from_millis(500)).as_secs().max(1));
    report.push(
        Diagnostic::warning(
            "rounded-interval",
            word.span,
            format!("VRRPv2 counts whole seconds: `{}` becomes {}", word.text, rounded.as_secs()),
        )
        .help("every router of the group needs the same advert_int"),
    );
    rounded
}

/// `nopreempt` holds unless `preempt` is written after it.
fn preemption_is_off(body: &Body<'_>) -> bool {
    let last = body.items.iter().rfind(|item| matches!(item.name(), "nopreempt" | "preempt"));
    last.is_some_and(|item| item.name() == "nopreempt")
}

/// What MASTER, nopreempt and preempt_delay do to each other.
fn reconcile(instance: &mut VrrpInstance, body: &Body<'_>, places: &InstancePlaces, report: &mut Report) {
    let span = |name: &'static str| body.last(name).map_or(places.name, Item::span);
    if instance.state == InitialState::Master && instance.nopreempt {
        report.push(
            Diagnostic::warning(
                "master-nopreempt",
                span("nopreempt"),
                "`nopreempt` does not go with `state MASTER` and is left out",
            )
            .related(span("state"), "the state")
            .help("write `state BACKUP` on every node of the group"),
        );
        instance.nopreempt = false;
    }
    if instance.preempt_delay.is_zero() {
        return;
    }
    let reason = match (instance.state, instance.nopreempt) {
        (InitialState::Master, _) => "does not go with `state MASTER`",
        (_, true) => "means nothing beside `nopreempt`",
        _ => return,
    };
    report.push(
        Diagnostic::warning(
            "useless-preempt-delay",
            span("preempt_delay"),
            format!("`preempt_delay` {reason} and is left out"),
        )
        .help("for a delayed takeover write `state BACKUP` and no `nopreempt`"),
    );
    instance.preempt_delay = Duration::ZERO;
}

/// `None` when the instance cannot run as written.
fn authentication(body: &Body<'_>, name: Span, report: &mut Report) -> Option<Authentication> {
    let Some(block) = body.last("authentication") else { return Some(Authentication::None) };
    let kind = block.body.last("auth_type").and_then(|item| item.first());
    let pass = block.body.last("auth_pass").and_then(|item| item.first());
    match kind.map(|word| (word.text.as_str(), word.span)) {
        Some(("PASS", _)) => {}
        Some(("AH", span)) => {
            report.push(
                Diagnostic::error("unsupported-keyword", span, "`auth_type AH` is not supported yet")
                    .related(name, "so this instance does not run: without it, it would be a second master"),
            );
            return None;
        }
        Some((other, span)) => {
            report.push(
                Diagnostic::error(
                    "invalid-value",
                    span,
                    format!("`{other}` is not a type of authentication; none is used"),
                )
                .suggest(other, ["PASS", "AH"])
                .help("types are PASS and AH"),
            );
            return Some(Authentication::None);
        }
        None => {
            report.push(
                Diagnostic::warning(
                    "no-authentication",
                    block.span(),
                    "without `auth_type` there is no authentication",
                )
                .help("add `auth_type PASS`, or remove the block"),
            );
            return Some(Authentication::None);
        }
    }
    let Some(pass) = pass.filter(|pass| !pass.text.is_empty()) else {
        report.push(
            Diagnostic::warning(
                "no-authentication",
                block.span(),
                "without `auth_pass` there is no authentication",
            )
            .help("add `auth_pass PASSWORD`, or remove the block"),
        );
        return Some(Authentication::None);
    };
    let password = password(pass, report);
    let bytes = password.as_bytes();
    if bytes.len() > 8 {
        report.push(
            Diagnostic::warning(
                "long-password",
                pass.span,
                format!("only the first 8 of {} bytes are the password", bytes.len()),
            )
            .help("all routers of the group compare 8 bytes; the password is sent in clear text"),
        );
    }
    let mut key = [0; 8];
    let len = bytes.len().min(8);
    key[..len].copy_from_slice(&bytes[..len]);
    Some(Authentication::Pass(key))
}

/// The password as it goes on the wire: of quotes and escapes, keepalived reads only `"` in this
/// place.
fn password(word: &Word, report: &mut Report) -> String {
    let literal = word.raw.replace('"', "");
    if word.raw.starts_with('\'') {
        report.push(
            Diagnostic::warning(
                "quoted-password",
                word.span,
                "here `'` is part of the password and ends at no blank",
            )
            .help("leave quotes out, or write `\"`"),
        );
        return literal.split_whitespace().next().unwrap_or_default().to_owned();
    }
    literal
}

/// `virtual_ipaddress`; `None` when only addresses are written that are not supported.
fn addresses(
    body: &Body<'_>,
    name: &'static str,
    report: &mut Report,
) -> (Option<Vec<VirtualAddress>>, Vec<Span>) {
    let mut places: Vec<Span> = Vec::new();
    let mut addresses: Vec<VirtualAddress> = Vec::new();
    let mut ipv6 = false;
    for entry in body.all(name).flat_map(|item| &item.body.entries) {
        let Some(address) = address::read(entry, report) else {
            ipv6 |= entry.keyword().text.contains(':');
            continue;
        };
        let span = entry.keyword().span;
        if let Some(first) =
            addresses.iter().position(|a| a.address == address.address && a.dev == address.dev)
        {
            report.push(
                Diagnostic::warning(
                    "repeated-entry",
                    span,
                    format!("{} is listed twice; the first counts", address.address),
                )
                .related(places[first], "first listed here"),
            );
            continue;
        }
        addresses.push(address);
        places.push(span);
    }
    let runs = !addresses.is_empty() || !ipv6;
    (runs.then_some(addresses), places)
}

fn addresses_excluded(body: &Body<'_>, report: &mut Report) -> (Vec<VirtualAddress>, Vec<Span>) {
    let (excluded, places) = addresses(body, "virtual_ipaddress_excluded", report);
    (excluded.unwrap_or_default(), places)
}

fn unicast(body: &Body<'_>, report: &mut Report) -> Option<Unicast> {
    let block = body.last("unicast_peer")?;
    let peers = tracking::peers(body, report);
    if peers.is_empty() {
        report.push(
            Diagnostic::warning("empty-list", block.span(), "no peer is listed: multicast is used")
                .help("list the addresses of the other routers, one on each line"),
        );
        return None;
    }
    let ttl = body.last("unicast_ttl").and_then(|item| number(item.first()));
    let ttl = ttl.and_then(|ttl| u8::try_from(ttl).ok()).unwrap_or(255);
    Some(Unicast { peers, ttl, check_source: false })
}

fn source(body: &Body<'_>, unicast: bool, report: &mut Report) -> Option<std::net::Ipv4Addr> {
    let mut read = |name| tracking::ipv4(body.last(name)?.first()?, report);
    let (multicast_source, unicast_source) = (read("mcast_src_ip"), read("unicast_src_ip"));
    if unicast { unicast_source.or(multicast_source) } else { multicast_source.or(unicast_source) }
}

/// What is not written for a lower priority is as after becoming master.
fn garp_of(body: &Body<'_>, defaults: &Defaults) -> crate::model::Garp {
    let mut own = defaults.global.garp.clone();
    for item in &body.items {
        garp(item.name(), item, &mut own);
    }
    if !defaults.lower_prio.0 && body.last("garp_lower_prio_delay").is_none() {
        own.lower_prio_delay = own.master_delay;
    }
    if !defaults.lower_prio.1 && body.last("garp_lower_prio_repeat").is_none() {
        own.lower_prio_repeat = own.master_repeat;
    }
    own
}

fn notify(body: &Body<'_>, report: &mut Report) -> (Notify, [Option<Span>; 5]) {
    let mut places = [None; 5];
    let mut read = |i: usize, name| {
        let item = body.last(name)?;
        let (script, span) = notify_script(item, report)?;
        places[i] = Some(span);
        Some(script)
    };
    let notify = Notify {
        master: read(0, "notify_master"),
        backup: read(1, "notify_backup"),
        fault: read(2, "notify_fault"),
        stop: read(3, "notify_stop"),
        any: read(4, "notify"),
        ..Notify::default()
    };
    (notify, places)
}

/// `COMMAND [USER [GROUP]]`: the command is one word.
fn notify_script(item: &Item<'_>, report: &mut Report) -> Option<(NotifyScript, Span)> {
    let (line, rest) = item.arguments().split_first()?;
    if let Some(word) = rest.first().filter(|_| !line.quoted) {
        report.push(
            Diagnostic::warning(
                "notify-user",
                word.span,
                format!("`{}` is taken for the user that runs the script", word.text),
            )
            .help(format!(
                "if it is an argument, write `{} \"{} {}\"`",
                item.name(),
                line.text,
                word.text
            )),
        );
    }
    let command = command(std::slice::from_ref(line), report)?;
    let span = place(std::slice::from_ref(line))?;
    Some((NotifyScript { command, user: user_and_group(rest) }, span))
}
