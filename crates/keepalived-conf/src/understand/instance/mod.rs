//! `vrrp_instance`.

mod authentication;
mod election;
mod interface;
mod network;
mod notify;

use super::global::{Defaults, extra_garp, garp, number, time};
use super::reader::Reader;
use super::rule::NextPriority;
use super::{InstancePlaces, Places, route, rule, strict, tracking};
use crate::grammar::Word;
use crate::model::{ChecksumV3, Config, Garp, OldUnicastChecksum, Version, VrrpInstance};
use crate::placement::{Body, Item};
use diagnostic::{Diagnostic, Span};

pub(super) use notify::notify;

/// Reads every `vrrp_instance`; what they refer to is read already.
pub(super) fn read_all(
    root: &Body<'_>,
    defaults: &Defaults,
    known: &Config,
    rules: &mut NextPriority,
    places: &mut Places,
    reader: &mut Reader<'_>,
) -> Vec<VrrpInstance> {
    let mut instances: Vec<VrrpInstance> = Vec::new();
    for item in root.all("vrrp_instance") {
        let Some(name) = item.first() else { continue };
        if let Some(first) = instances.iter().position(|i| i.name == name.text) {
            reader.say(
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
        if let Some((instance, place)) = read(item, defaults, known, rules, reader) {
            instances.push(instance);
            places.instances.push(place);
        }
    }
    instances
}

fn read(
    item: &Item<'_>,
    defaults: &Defaults,
    known: &Config,
    rules: &mut NextPriority,
    reader: &mut Reader<'_>,
) -> Option<(VrrpInstance, InstancePlaces)> {
    let name = item.first()?;
    let body = &item.body;
    let global = &defaults.global;
    let on = |name, default| body.last(name).map_or(default, Item::is_on);
    let written = |name| body.last(name).is_some();

    let vrid = required(body, "virtual_router_id", name.span, reader);
    let family = network::family(body, reader);
    let lists = network::addresses(body, family, reader);
    let (unicast, source, fault) = network::unicast(body, global, family, reader);
    let interface = interface_word(body, defaults, name.span, unicast.is_some() && source.is_some(), reader);
    let interface_name = interface.map_or("", |word| word.text.as_str());
    let tracked = tracking::read(body, Some(interface_name), known, reader);
    let (notify, notify_places) = notify(body, reader);
    let state = election::state(body, reader);
    let priority = election::priority(body, state, name, reader);
    let (version, version_place) = election::version(body, defaults, family, name, reader);
    let mut instance = VrrpInstance {
        name: name.text.clone(),
        version,
        family,
        state: election::start(state, priority),
        interface: interface_name.to_owned(),
        vrid: vrid.and_then(|(vrid, _)| u8::try_from(vrid).ok()).unwrap_or(0),
        priority,
        advert_int: election::advert_int(body, version, reader),
        down_timer_adverts: body
            .last("down_timer_adverts")
            .and_then(|item| u8::try_from(number(item.first())?).ok())
            .unwrap_or(global.vrrp.down_timer_adverts),
        nopreempt: election::preemption_is_off(body),
        preempt_delay: body.last("preempt_delay").and_then(|item| time(item.first())).unwrap_or_default(),
        authentication: authentication::read(body, version, family, reader),
        accept: true,
        strict: on("strict_mode", global.strict),
        skip_check_adv_addr: on("skip_check_adv_addr", global.skip_check_adv_addr),
        higher_prio_send_advert: on("higher_prio_send_advert", global.vrrp.higher_prio_send_advert),
        lower_prio_no_advert: on("lower_prio_no_advert", global.vrrp.lower_prio_no_advert),
        owner_ignore_adverts: false,
        checksum: checksum(body, global.vrrp.checksum_as_v2),
        source,
        track_source: written("track_src_ip") && source.is_some(),
        mcast_group: network::group(body, global, family, unicast.is_some(), reader),
        unicast,
        receive_buffer: body
            .last("kernel_rx_buf_size")
            .and_then(|item| u32::try_from(number(item.first())?).ok())
            .filter(|size| *size > 0),
        addresses: lists.addresses,
        excluded: lists.excluded,
        no_addresses: written("no_virtual_ipaddress"),
        promote_secondaries: written("promote_secondaries"),
        routes: entries(body, "virtual_routes", reader, |entry, acts, reader| {
            route::read(entry, false, acts, reader)
        }),
        rules: entries(body, "virtual_rules", reader, |entry, acts, reader| {
            rule::read(entry, false, acts, rules, reader)
        }),
        virtual_interface: None,
        vmac_for_addresses: written("use_vmac_addr"),
        vrf: None,
        linkbeat_polling: written("linkbeat_use_polling") || defaults.program.linkbeat_polling,
        track_scripts: tracked.conditions.scripts,
        track_interfaces: tracked.conditions.interfaces,
        track_files: tracked.conditions.files,
        track_processes: tracked.conditions.processes,
        track_bfd: tracked.conditions.bfd,
        dont_track_primary: written("dont_track_primary"),
        fault,
        notify,
        notify_priority_changes: on("notify_priority_changes", global.vrrp.notify_priority_changes),
        smtp_alert: on("smtp_alert", global.mail.alert),
        garp: garp_of(body, defaults, reader),
    };
    let mut places = InstancePlaces {
        name: name.span,
        interface: interface.map_or(name.span, |word| word.span),
        vrid: vrid.map_or(name.span, |(_, span)| span),
        priority: body.last("priority").and_then(|item| item.first()).map(|word| word.span),
        addresses: lists.places,
        track_scripts: tracked.scripts,
        track_interfaces: tracked.interfaces,
        notify: notify_places,
    };
    vrid?;
    interface.or_else(|| instance.unicast.as_ref().and(instance.source).and(Some(name)))?;
    interface::read(body, &mut instance, reader);
    network::on_interfaces(&mut instance, &mut places, reader);
    let runs = !instance.strict || strict::apply(&mut instance, body, &places, reader);
    election::reconcile(&mut instance, body, &places, defaults, reader);
    network::fit(&instance, &places, reader);
    no_address(&instance, &places, reader);
    let spoken = is_spoken(&instance, body, version_place, &places, reader);
    (runs && spoken).then_some((instance, places))
}

/// Reads the entries of all blocks of a name.
pub(super) fn entries<'t, T>(
    body: &Body<'t>,
    name: &'static str,
    reader: &mut Reader<'_>,
    mut read: impl FnMut(&'t crate::grammar::Statement, bool, &mut Reader<'_>) -> Option<T>,
) -> Vec<T> {
    let entries = tracking::entries(body, name, reader.extent);
    entries.into_iter().filter_map(|(entry, acts)| read(entry, acts, reader)).collect()
}

/// `interface`; unicast with a source address can do without, else `default_interface` counts.
fn interface_word<'w>(
    body: &Body<'w>,
    defaults: &'w Defaults,
    name: Span,
    can_do_without: bool,
    reader: &mut Reader<'_>,
) -> Option<&'w Word> {
    let written = body.all("interface").last().and_then(|item| item.statement.arguments().first());
    let usual = defaults.interface.as_ref().filter(|_| !can_do_without);
    if written.is_none() && usual.is_none() {
        if !can_do_without {
            required(body, "interface", name, reader);
        } else if !reader.value_acts("no interface") {
            let message = "unicast without `interface` is not supported yet";
            reader.say(Diagnostic::error("unsupported-keyword", name, message).help("add `interface NAME`"));
            required(body, "interface", name, reader);
        }
    }
    written.or(usual)
}

/// A word an instance cannot be without.
fn required(body: &Body<'_>, word: &'static str, name: Span, reader: &mut Reader<'_>) -> Option<(u64, Span)> {
    let item = body.last(word);
    if item.is_none() {
        reader.say(
            Diagnostic::error("missing-keyword", name, format!("this instance has no `{word}`"))
                .help(format!("add `{word} …`; without it the instance does not run")),
        );
    }
    let word = item?.first()?;
    Some((number(Some(word))?, word.span))
}

fn checksum(body: &Body<'_>, usual: bool) -> ChecksumV3 {
    let old_unicast = match body.last("old_unicast_checksum") {
        None => OldUnicastChecksum::Detected,
        Some(item) if item.arguments().is_empty() => OldUnicastChecksum::Always,
        Some(_) => OldUnicastChecksum::Never,
    };
    ChecksumV3 { as_v2: body.last("v3_checksum_as_v2").map_or(usual, Item::is_on), old_unicast }
}

/// What is not written is as in global_defs: what follows a lower priority too, whatever this instance
/// does after becoming master.
fn garp_of(body: &Body<'_>, defaults: &Defaults, reader: &mut Reader<'_>) -> Garp {
    let mut own = defaults.global.garp.clone();
    own.extra = defaults.global.vrrp.extra_garp;
    for item in &body.items {
        if !garp(item.name(), item, &mut own) && matches!(item.name(), "garp_extra_if" | "vmac_garp_intvl") {
            if item.name() == "vmac_garp_intvl" {
                reader.old_name(item.statement.keyword(), "garp_extra_if");
            }
            if let Some(extra) = extra_garp(item, 0, reader) {
                own.extra = Some(extra).filter(|extra| !extra.interval.is_zero());
            }
        }
    }
    own
}

fn no_address(instance: &VrrpInstance, places: &InstancePlaces, reader: &mut Reader<'_>) {
    if instance.addresses.is_empty() && !instance.strict && !instance.no_addresses {
        reader.warn(
            "no-address",
            places.name,
            format!("`{}` has no address: it elects a master and nothing more", instance.name),
            "list at least one in virtual_ipaddress; write no_virtual_ipaddress if notify scripts do the work",
        );
    }
}

/// Whether all that the peers would see is supported. An instance that would speak otherwise than
/// its peers would be a second master beside them, so it does not run.
fn is_spoken(
    instance: &VrrpInstance,
    body: &Body<'_>,
    version: Option<Span>,
    places: &InstancePlaces,
    reader: &mut Reader<'_>,
) -> bool {
    use crate::model::{Authentication, Family};
    let auth = |block: &'static str, word: &'static str| {
        body.last(block).and_then(|item| item.body.last(word).or(Some(item))).map(Item::span)
    };
    let missing = if instance.family == Family::Ipv6 && !reader.value_acts("IPv6") {
        Some(("IPv6", places.addresses.first().copied()))
    } else if instance.version == Version::V3 && !reader.value_acts("version 3") {
        Some(("VRRP version 3", version))
    } else if matches!(instance.authentication, Authentication::Ah(_)) && !reader.value_acts("auth_type AH") {
        Some(("`auth_type AH`", auth("authentication", "auth_type")))
    } else {
        None
    };
    if let Some((what, place)) = missing {
        let message = format!("{what} is not supported yet");
        let mut finding = Diagnostic::error("unsupported-keyword", place.unwrap_or(places.name), message);
        if place.is_some() {
            finding = finding.related(places.name, "so this instance does not run");
        }
        reader.say(finding.help("without it, it would be a second master beside its peers"));
    }
    let hmac = body.last("auth_hmac").filter(|item| !reader.acts(item.keyword.support));
    if let Some(block) = hmac {
        let message =
            format!("without `auth_hmac`, `{}` would be a second master beside its peers", instance.name);
        reader.say(
            Diagnostic::error("unsupported-keyword", block.span(), message)
                .help("this instance does not run"),
        );
    }
    missing.is_none() && hmac.is_none()
}
