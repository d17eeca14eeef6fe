//! `vrrp_*` of `global_defs`.

use super::{Defaults, number, time};
use crate::grammar::Word;
use crate::model::{ExtraGarp, Garp, Global, Iptables, ReceiveBuffers, TrackWeight, Version};
use crate::placement::{Body, Item};
use crate::understand::reader::Reader;
use crate::value;
use diagnostic::Diagnostic;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// Reads one word; `false` when it is none of these.
pub(super) fn word(item: &Item<'_>, defaults: &mut Defaults, reader: &mut Reader<'_>) -> bool {
    let global = &mut defaults.global;
    let first = item.first();
    match item.name() {
        "vrrp_skip_check_adv_addr" => global.skip_check_adv_addr = item.is_on(),
        "vrrp_strict" => global.strict = item.is_on(),
        "vrrp_garp_interval" => global.garp_interval = time(first).unwrap_or(global.garp_interval),
        "vrrp_gna_interval" => global.gna_interval = time(first).unwrap_or(global.gna_interval),
        "vrrp_mcast_group4" => {
            if let Some(group) = first.and_then(|word| multicast_group4(word, reader)) {
                global.mcast_group4 = group;
            }
        }
        "vrrp_mcast_group6" => {
            if let Some(group) = first.and_then(|word| multicast_group6(word, reader)) {
                global.mcast_group6 = group;
            }
        }
        "vrrp_iptables" => {
            global.iptables = match item.arguments() {
                [] => Iptables::Off,
                [inward, outward @ ..] => {
                    reader.say(own_table(inward));
                    Iptables::Chains(inward.text.clone(), outward.first().map(|word| word.text.clone()))
                }
            };
        }
        "vrrp_version" => {
            if let Some(version) = number(first) {
                global.vrrp.version = if version == 3 { Version::V3 } else { Version::V2 };
                defaults.version = first.map(|word| word.span);
            }
        }
        "vrrp_down_timer_adverts" => {
            let written = number(first).and_then(|n| u8::try_from(n).ok());
            global.vrrp.down_timer_adverts = written.unwrap_or(global.vrrp.down_timer_adverts);
        }
        "vrrp_higher_prio_send_advert" => global.vrrp.higher_prio_send_advert = item.is_on(),
        "vrrp_lower_prio_no_advert" => global.vrrp.lower_prio_no_advert = item.is_on(),
        "vrrp_owner_ignore_adverts" => global.vrrp.owner_ignore_adverts = item.is_on(),
        "vrrp_check_unicast_src" => global.vrrp.check_unicast_source = true,
        "v3_checksum_as_v2" => global.vrrp.checksum_as_v2 = item.is_on(),
        "vrrp_notify_priority_changes" => global.vrrp.notify_priority_changes = item.is_on(),
        "vrrp_garp_extra_if" | "vrrp_vmac_garp_intvl" => {
            if item.name() == "vrrp_vmac_garp_intvl" {
                reader.old_name(item.statement.keyword(), "vrrp_garp_extra_if");
            }
            global.vrrp.extra_garp = extra_garp(item, 1, reader).or(global.vrrp.extra_garp);
        }
        "vrrp_min_garp" => min_garp(item, &mut global.garp),
        "vrrp_startup_delay" => global.startup_delay = time(first).unwrap_or(global.startup_delay),
        "vrrp_delay_after_boot" => global.delay_after_boot = time(first).unwrap_or(global.delay_after_boot),
        "log_unknown_vrids" => global.log_unknown_vrids = true,
        "dynamic_interfaces" => {
            global.dynamic_interfaces = true;
            global.allow_interface_changes |= first.is_some();
        }
        "vrrp_lease" => global.lease = item.is_on(),
        "vrrp_handover" => global.handover = item.is_on(),
        "vrrp_track_proxy" => global.track_proxy = Some(proxy_weight(item, reader)),
        "disable_local_igmp" => global.disable_local_igmp = true,
        "vmac_prefix" => global.vmac_prefix = first.and_then(|word| reader.interface(word)),
        "vmac_addr_prefix" => global.vmac_address_prefix = first.and_then(|word| reader.interface(word)),
        name => return name.strip_prefix("vrrp_").is_some_and(|name| garp(name, item, &mut global.garp)),
    }
    true
}

/// What stands instead of the chains of `vrrp_iptables`.
fn own_table(chain: &Word) -> Diagnostic {
    Diagnostic::warning(
        "chain-not-used",
        chain.span,
        format!("drop rules do not go to the chain `{}` but to a table of their own", chain.text),
    )
    .help(
        "the table is `ip backstay` of nftables unless `nftables` names another; `nft list ruleset` shows it",
    )
    .help("without a chain name, `vrrp_iptables` switches the rules off")
}

/// `vrrp_min_garp`: one packet an address and no second burst, where nothing else is written before.
/// Bare it changes nothing in keepalived 2.4.3; the manual says it is `on`, and so it is here.
fn min_garp(item: &Item<'_>, garp: &mut Garp) {
    if !item.is_on() {
        return;
    }
    let usual = Garp::default();
    if garp.master_repeat == usual.master_repeat {
        garp.master_repeat = 1;
    }
    if garp.refresh_repeat == usual.refresh_repeat {
        garp.refresh_repeat = 0;
    }
    if garp.master_delay == usual.master_delay {
        garp.master_delay = Duration::ZERO;
    }
}

/// `[weight N [reverse]]`.
fn proxy_weight(item: &Item<'_>, reader: &mut Reader<'_>) -> TrackWeight {
    let words: Vec<&str> = item.arguments().iter().map(|word| word.text.as_str()).collect();
    let (number, reverse) = match words[..] {
        [] => return TrackWeight::default(),
        ["weight", number] => (number, false),
        ["weight", number, "reverse"] => (number, true),
        _ => ("", false),
    };
    let weight = number.parse().ok().filter(|weight: &i32| (-253..=253).contains(weight));
    if weight.is_none() {
        let message = "`vrrp_track_proxy` takes nothing, or `weight` with a number from -253 to 253";
        reader.error("invalid-value", item.span(), message.to_owned());
    }
    TrackWeight { weight: weight.unwrap_or_default(), reverse: weight.is_some() && reverse }
}

/// `[all] SECONDS`, of which there are `least` to 86400.
pub(in crate::understand) fn extra_garp(
    item: &Item<'_>,
    least: i64,
    reader: &mut Reader<'_>,
) -> Option<ExtraGarp> {
    let (mut all, mut seconds) = (false, None);
    for word in item.arguments() {
        match value::integer(&word.text) {
            _ if word.text == "all" => all = true,
            Some(number) if (least..=86_400).contains(&number) => seconds = u64::try_from(number).ok(),
            _ => {
                let message =
                    format!("`{}` is neither `all` nor a number of seconds from {least} to 86400", word.text);
                reader.error("invalid-value", word.span, message);
                return None;
            }
        }
    }
    if seconds.is_none() {
        let message = format!("`{}` needs a number of seconds", item.name());
        reader.error("missing-argument", item.span(), message);
    }
    Some(ExtraGarp { interval: Duration::from_secs(seconds?), all })
}

/// `vrrp_rx_bufs_policy` with `vrrp_rx_bufs_multiplier`.
pub(super) fn receive_buffers(body: &Body<'_>, global: &mut Global, reader: &mut Reader<'_>) {
    let Some(policy) = body.last("vrrp_rx_bufs_policy") else { return };
    let multiplier = body.last("vrrp_rx_bufs_multiplier").and_then(|item| number(item.first()));
    let multiplier = multiplier.and_then(|n| u32::try_from(n).ok()).unwrap_or(3);
    let mut read = Vec::new();
    for word in policy.arguments() {
        let bytes = value::integer(&word.text).and_then(|n| u32::try_from(n).ok());
        match (word.text.to_ascii_uppercase().as_str(), bytes) {
            ("MTU", _) => read.push(ReceiveBuffers::Mtu(multiplier)),
            ("ADVERT", _) => read.push(ReceiveBuffers::Advert(multiplier)),
            (_, Some(bytes)) => read.push(ReceiveBuffers::Bytes(bytes)),
            _ => {
                let message = format!("`{}` is not MTU, ADVERT or a number of bytes", word.text);
                reader.error("invalid-value", word.span, message);
            }
        }
    }
    // Bytes go before MTU, MTU before ADVERT.
    let order = |policy: &ReceiveBuffers| match policy {
        ReceiveBuffers::Bytes(_) => 0,
        ReceiveBuffers::Mtu(_) => 1,
        ReceiveBuffers::Advert(_) | ReceiveBuffers::Kernel => 2,
    };
    read.sort_by_key(order);
    if let (Some(_), Some(second)) = (read.first(), policy.arguments().get(1).filter(|_| read.len() > 1)) {
        let message = "only one of a number, MTU and ADVERT counts: the first of them in this order";
        reader.error("invalid-value", second.span, message);
    }
    global.receive_buffers = read.first().copied().unwrap_or(global.receive_buffers);
}

/// An IPv4 multicast address.
pub(in crate::understand) fn multicast_group4(word: &Word, reader: &mut Reader<'_>) -> Option<Ipv4Addr> {
    let group = word.text.parse::<Ipv4Addr>().ok().filter(Ipv4Addr::is_multicast);
    if group.is_none() {
        let message = format!("`{}` is not an IPv4 multicast address", word.text);
        reader.say(
            Diagnostic::error("invalid-value", word.span, message)
                .help("multicast addresses are 224.0.0.0 to 239.255.255.255 (RFC 5771)"),
        );
    }
    group
}

/// An IPv6 multicast address, which should be of the link.
pub(in crate::understand) fn multicast_group6(word: &Word, reader: &mut Reader<'_>) -> Option<Ipv6Addr> {
    let group = word.text.parse::<Ipv6Addr>().ok().filter(Ipv6Addr::is_multicast);
    match group {
        None => {
            let message = format!("`{}` is not an IPv6 multicast address", word.text);
            reader.say(
                Diagnostic::error("invalid-value", word.span, message)
                    .help("multicast addresses begin with ff; VRRP's is ff02::12 (RFC 5798 §5.1.2.2)"),
            );
        }
        Some(group) if group.segments()[0] & 0xf != 2 => {
            let message = format!("`{group}` is not confined to the link");
            reader.warn("wide-multicast", word.span, message, "groups of the link begin with ff02:");
        }
        Some(_) => {}
    }
    group
}

/// `garp_*` of an instance, or `vrrp_garp_*` of global_defs without the first part; `false` when it
/// is none.
pub(in crate::understand) fn garp(name: &str, item: &Item<'_>, garp: &mut Garp) -> bool {
    let value = number(item.first());
    let count = value.map(|value| u32::try_from(value).unwrap_or(u32::MAX));
    let time = value.map(Duration::from_secs);
    match name {
        "garp_master_delay" => garp.master_delay = time.unwrap_or(garp.master_delay),
        "garp_master_repeat" => garp.master_repeat = count.map_or(garp.master_repeat, |count| count.max(1)),
        "garp_master_refresh" => garp.refresh = time.unwrap_or(garp.refresh),
        "garp_master_refresh_repeat" => {
            garp.refresh_repeat = count.map_or(garp.refresh_repeat, |count| count.max(1));
        }
        "garp_lower_prio_delay" => garp.lower_prio_delay = time.unwrap_or(garp.lower_prio_delay),
        "garp_lower_prio_repeat" => garp.lower_prio_repeat = count.unwrap_or(garp.lower_prio_repeat),
        _ => return false,
    }
    true
}
