//! `global_defs` and the words of the outer level.

mod firewall;
mod lvs;
mod process;
mod vrrp;

pub(super) use lvs::sync_daemon_of_instance;
pub(super) use vrrp::{extra_garp, garp, multicast_group4, multicast_group6};

use super::command::notify_script;
use super::reader::Reader;
use super::script::user_and_group;
use super::{Places, strict};
use crate::Files;
use crate::grammar::Word;
use crate::model::{Global, MailCheckers, MailSwitches, Program, TimedScript};
use crate::placement::{Body, Item};
use crate::value;
use diagnostic::{Diagnostic, Span};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// `global_defs`, and what of it only other blocks need.
pub(super) struct Defaults {
    pub(super) global: Global,
    pub(super) program: Program,
    pub(super) interface: Option<Word>,
    /// Where `vrrp_version` is written.
    pub(super) version: Option<Span>,
}

/// Where iproute2's names are, which the reading of everything else needs.
pub(super) fn iproute_folders(root: &Body<'_>) -> [Option<PathBuf>; 2] {
    ["iproute_etc_dir", "iproute_usr_dir"].map(|name| {
        let written = root.all("global_defs").filter_map(|block| block.body.last(name)).last();
        written.and_then(|item| item.first()).map(|word| PathBuf::from(&word.text))
    })
}

/// Reads every `global_defs`, a later one adding to the earlier, and the outer level.
pub(super) fn read(root: &Body<'_>, places: &mut Places, reader: &mut Reader<'_>) -> Defaults {
    let mut defaults = Defaults {
        global: Global::default(),
        program: process::program(root),
        interface: None,
        version: None,
    };
    let mut strict_at = None;
    for block in root.all("global_defs") {
        for item in &block.body.items {
            word(item, &mut defaults, places, reader);
            if item.name() == "vrrp_strict" && item.is_on() {
                strict_at = Some(item.span());
            }
        }
        scripts(&block.body, &mut defaults.global, reader);
        process::fifos(&block.body, &mut defaults.global.fifos, reader);
        firewall::read(&block.body, &mut defaults.global.firewall, reader);
        vrrp::receive_buffers(&block.body, &mut defaults.global, reader);
    }
    let last = |name| root.all("global_defs").filter_map(|block| block.body.last(name)).last();
    let garp = &mut defaults.global.garp;
    if last("vrrp_garp_lower_prio_delay").is_none() {
        garp.lower_prio_delay = garp.master_delay;
    }
    if last("vrrp_garp_lower_prio_repeat").is_none() {
        garp.lower_prio_repeat = garp.master_repeat;
    }
    let [all, vrrp, checkers] =
        ["smtp_alert", "smtp_alert_vrrp", "smtp_alert_checker"].map(|name| last(name).map(Item::is_on));
    let mail = &mut defaults.global.mail;
    mail.written = MailSwitches { all, vrrp, checkers };
    mail.alert = vrrp.or(all).unwrap_or(false);
    mail.checkers.alert = checkers.or(all).unwrap_or(false);
    process::distinct_fifos(root, &mut defaults.global.fifos, reader);
    if let Some(span) = strict_at {
        strict::explain(span, &defaults.global, reader.report);
    }
    defaults
}

fn word(item: &Item<'_>, defaults: &mut Defaults, places: &mut Places, reader: &mut Reader<'_>) {
    let global = &mut defaults.global;
    let first = item.first();
    let text = first.map(|word| word.text.clone());
    let path = || text.as_ref().map(PathBuf::from);
    match item.name() {
        "router_id" => global.router_id = text,
        "notification_email" => {
            let words = item.body.entries.iter().flat_map(|entry| &entry.words);
            global.mail.to.extend(words.map(|word| word.text.clone()));
            if item.body.entries.is_empty() && item.body.items.is_empty() {
                let message = "nobody is listed in notification_email";
                reader.say(Diagnostic::warning("empty-list", item.span(), message));
            }
        }
        "notification_email_from" => {
            let words: Vec<&str> = item.arguments().iter().map(|word| word.text.as_str()).collect();
            global.mail.from = Some(words.join(" ")).filter(|from| !from.is_empty());
        }
        "smtp_server" => global.mail.server = mail_server(item, reader),
        "smtp_connect_timeout" => {
            if let Some(seconds) = number(first) {
                global.mail.connect_timeout = Duration::from_secs(seconds.max(1));
            }
        }
        "smtp_helo_name" => global.mail.helo_name = text,
        "no_email_faults" => global.mail.no_faults = true,
        "no_checker_emails" | "checker_log_all_failures" => checkers(item, &mut global.mail.checkers),
        "enable_script_security" => {
            global.script_security = true;
            places.script_security = Some(item.span());
        }
        "script_user" => {
            global.script_user = user_and_group(item.arguments());
            places.script_user = Some(item.span());
        }
        "enable_dbus" => {
            global.dbus.enabled = true;
            places.dbus = Some(item.span());
        }
        "use_symlink_paths" => global.use_symlink_paths = item.is_on(),
        "default_interface" => {
            defaults.interface = first.cloned();
            global.default_interface = text;
        }
        "umask" => global.umask = process::umask(item, reader).or(global.umask),
        "random_seed" => global.random_seed = number(first).and_then(|n| u32::try_from(n).ok()),
        "config_save_dir" => global.config_save_directory = path(),
        "tmp_config_directory" => global.temporary_directory = path(),
        "iproute_etc_dir" => global.iproute_etc_directory = path(),
        "iproute_usr_dir" => global.iproute_usr_directory = path(),
        _ if vrrp::word(item, defaults, reader) || process::word(item, &mut defaults.global, reader) => {}
        _ => {
            lvs::word(item, &mut defaults.global.lvs, reader);
        }
    }
}

fn checkers(item: &Item<'_>, checkers: &mut MailCheckers) {
    match item.name() {
        "no_checker_emails" => checkers.none = item.is_on(),
        _ => checkers.log_all_failures = item.is_on(),
    }
}

/// `startup_script` and `shutdown_script`.
fn scripts(body: &Body<'_>, global: &mut Global, reader: &mut Reader<'_>) {
    let mut read = |name, limit| {
        let (script, _) = notify_script(body.last(name)?, reader.report)?;
        let seconds = body.last(limit).and_then(|item| number(item.first())).unwrap_or(10);
        Some(TimedScript { script, timeout: Duration::from_secs(seconds) })
    };
    let startup = read("startup_script", "startup_script_timeout");
    let shutdown = read("shutdown_script", "shutdown_script_timeout");
    global.startup_script = startup.or(global.startup_script.take());
    global.shutdown_script = shutdown.or(global.shutdown_script.take());
}

/// `HOST [PORT]`.
fn mail_server(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<(String, u16)> {
    let host = item.arguments().first()?;
    let port = match item.arguments().get(1) {
        None => 25,
        Some(word) => match word.text.parse().ok().or_else(|| service(&word.text, reader.files)) {
            Some(port) if port > 0 => port,
            _ => {
                let message = format!(
                    "`{}` is not a port: a number from 1 to 65535 or a name in /etc/services is expected",
                    word.text
                );
                reader.error("invalid-value", word.span, message);
                return None;
            }
        },
    };
    let sound =
        host.text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'_'));
    if !sound {
        let message = format!("`{}` is neither an address nor a host name", host.text);
        reader.say(Diagnostic::error("invalid-value", host.span, message).help("no mail will be sent"));
        return None;
    }
    Some((host.text.clone(), port))
}

/// The TCP port of a service: services(5).
fn service(name: &str, files: &dyn Files) -> Option<u16> {
    let known = files.read(Path::new("/etc/services")).ok()?;
    String::from_utf8_lossy(&known).lines().find_map(|line| {
        let mut words = line.split('#').next()?.split_whitespace();
        let (first, port) = (words.next()?, words.next()?.strip_suffix("/tcp")?);
        (first == name || words.any(|alias| alias == name)).then(|| port.parse().ok())?
    })
}

pub(super) fn number(word: Option<&Word>) -> Option<u64> {
    word.and_then(|word| value::integer(&word.text)).and_then(|n| u64::try_from(n).ok())
}

pub(super) fn time(word: Option<&Word>) -> Option<Duration> {
    word.and_then(|word| value::microseconds(&word.text)).map(Duration::from_micros)
}
