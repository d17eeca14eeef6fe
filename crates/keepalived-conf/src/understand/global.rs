//! `global_defs`.

use super::Places;
use super::script::user_and_group;
use crate::grammar::Word;
use crate::model::{Garp, Global, Iptables};
use crate::placement::{Body, Item};
use crate::value;
use diagnostic::{Diagnostic, Report, Span};
use std::net::Ipv4Addr;
use std::time::Duration;

/// `global_defs`, and what of it only other blocks need.
pub(super) struct Defaults {
    pub(super) global: Global,
    pub(super) interface: Option<Word>,
    pub(super) version: Option<(i64, Span)>,
    /// Whether `vrrp_garp_lower_prio_delay` and `…_repeat` are written.
    pub(super) lower_prio: (bool, bool),
}

/// Reads every `global_defs`; a later one adds to the earlier.
pub(super) fn read(root: &Body<'_>, places: &mut Places, report: &mut Report) -> Defaults {
    let mut defaults =
        Defaults { global: Global::default(), interface: None, version: None, lower_prio: (false, false) };
    let mut strict = None;
    for block in root.all("global_defs") {
        for item in &block.body.items {
            word(item, &mut defaults, places, report);
            defaults.lower_prio.0 |= item.name() == "vrrp_garp_lower_prio_delay";
            defaults.lower_prio.1 |= item.name() == "vrrp_garp_lower_prio_repeat";
            if item.name() == "vrrp_strict" && item.is_on() {
                strict = Some(item.span());
            }
        }
    }
    let alert = |name| root.all("global_defs").filter_map(|block| block.body.last(name)).last();
    defaults.global.mail.alert = alert("smtp_alert_vrrp").or(alert("smtp_alert")).is_some_and(Item::is_on);
    if let Some(span) = strict {
        super::strict::explain(span, &defaults.global, report);
    }
    defaults
}

fn word(item: &Item<'_>, defaults: &mut Defaults, places: &mut Places, report: &mut Report) {
    let global = &mut defaults.global;
    let first = item.first();
    let text = first.map(|word| word.text.clone());
    match item.name() {
        "router_id" => global.router_id = text,
        "notification_email" => {
            global.mail.to.extend(item.body.entries.iter().map(|entry| entry.keyword().text.clone()));
            if item.body.entries.is_empty() && item.body.items.is_empty() {
                report.push(Diagnostic::warning(
                    "empty-list",
                    item.span(),
                    "nobody is listed in notification_email",
                ));
            }
        }
        "notification_email_from" => {
            let words: Vec<&str> = item.arguments().iter().map(|word| word.text.as_str()).collect();
            global.mail.from = Some(words.join(" ")).filter(|from| !from.is_empty());
        }
        "smtp_server" => global.mail.server = mail_server(item, report),
        "smtp_connect_timeout" => {
            if let Some(seconds) = number(first) {
                global.mail.connect_timeout = Duration::from_secs(seconds.max(1));
            }
        }
        "smtp_helo_name" => global.mail.helo_name = text,
        "enable_script_security" => {
            global.script_security = true;
            places.script_security = Some(item.span());
        }
        "script_user" => {
            global.script_user = user_and_group(item.arguments());
            places.script_user = Some(item.span());
        }
        "vrrp_skip_check_adv_addr" => global.skip_check_adv_addr = item.is_on(),
        "vrrp_strict" => global.strict = item.is_on(),
        "vrrp_garp_interval" => global.garp_interval = time(first).unwrap_or(global.garp_interval),
        "vrrp_gna_interval" => global.gna_interval = time(first).unwrap_or(global.gna_interval),
        "vrrp_mcast_group4" => {
            if let Some(group) = first.and_then(|word| multicast_group(word, report)) {
                global.mcast_group4 = group;
            }
        }
        "vrrp_iptables" => {
            global.iptables = match item.arguments() {
                [] => Iptables::Off,
                [inward, outward @ ..] => {
                    report.push(own_table(inward));
                    Iptables::Chains(inward.text.clone(), outward.first().map(|word| word.text.clone()))
                }
            };
        }
        "vrrp_version" => defaults.version = number(first).zip(first).map(|(n, word)| (n as i64, word.span)),
        "default_interface" => defaults.interface = first.cloned(),
        name => {
            if let Some(name) = name.strip_prefix("vrrp_") {
                garp(name, item, &mut global.garp);
            }
        }
    }
}

/// What stands instead of the chains of `vrrp_iptables`.
fn own_table(chain: &Word) -> Diagnostic {
    Diagnostic::warning(
        "chain-not-used",
        chain.span,
        format!("drop rules do not go to the chain `{}` but to a table of their own", chain.text),
    )
    .help("the table is `ip backstay` of nftables; `nft list table ip backstay` shows it")
    .help("without a chain name, `vrrp_iptables` switches the rules off")
}

/// `HOST [PORT]`.
fn mail_server(item: &Item<'_>, report: &mut Report) -> Option<(String, u16)> {
    let host = item.arguments().first()?;
    let port = match item.arguments().get(1) {
        None => 25,
        Some(word) => match word.text.parse::<u16>() {
            Ok(port) if port > 0 => port,
            _ => {
                let message =
                    format!("`{}` is not a port: a whole number from 1 to 65535 is expected", word.text);
                report.push(Diagnostic::error("invalid-value", word.span, message));
                return None;
            }
        },
    };
    let sound =
        host.text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'_'));
    if !sound {
        let message = format!("`{}` is neither an address nor a host name", host.text);
        report.push(Diagnostic::error("invalid-value", host.span, message).help("no mail will be sent"));
        return None;
    }
    Some((host.text.clone(), port))
}

/// An IPv4 multicast address.
pub(super) fn multicast_group(word: &Word, report: &mut Report) -> Option<Ipv4Addr> {
    match word.text.parse::<Ipv4Addr>() {
        Ok(group) if group.is_multicast() => Some(group),
        _ => {
            report.push(
                Diagnostic::error(
                    "invalid-value",
                    word.span,
                    format!("`{}` is not an IPv4 multicast address", word.text),
                )
                .help("multicast addresses are 224.0.0.0 to 239.255.255.255 (RFC 5771)"),
            );
            None
        }
    }
}

/// `garp_*` of an instance, or `vrrp_garp_*` of global_defs without the first part.
pub(super) fn garp(name: &str, item: &Item<'_>, garp: &mut Garp) {
    let Some(value) = number(item.first()) else { return };
    let count = u32::try_from(value).unwrap_or(u32::MAX);
    let time = Duration::from_secs(value);
    match name {
        "garp_master_delay" => garp.master_delay = time,
        "garp_master_repeat" => garp.master_repeat = count.max(1),
        "garp_master_refresh" => garp.refresh = time,
        "garp_master_refresh_repeat" => garp.refresh_repeat = count.max(1),
        "garp_lower_prio_delay" => garp.lower_prio_delay = time,
        "garp_lower_prio_repeat" => garp.lower_prio_repeat = count,
        _ => {}
    }
}

pub(super) fn number(word: Option<&Word>) -> Option<u64> {
    word.and_then(|word| value::integer(&word.text)).and_then(|n| u64::try_from(n).ok())
}

pub(super) fn time(word: Option<&Word>) -> Option<Duration> {
    word.and_then(|word| value::microseconds(&word.text)).map(Duration::from_micros)
}
