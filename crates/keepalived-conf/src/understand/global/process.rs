//! The outer level, and processes, FIFOs, dumps, reload, SNMP and D-Bus of `global_defs`.

use super::{number, time};
use crate::model::{AgentAddress, Dbus, Fifo, Fifos, Global, Process, Program};
use crate::placement::{Body, Item};
use crate::understand::command::notify_script;
use crate::understand::reader::Reader;
use crate::understand::script::user_and_group;
use crate::value;
use diagnostic::Diagnostic;
use std::path::PathBuf;
use std::time::Duration;

/// Words of the outer level.
pub(super) fn program(root: &Body<'_>) -> Program {
    let text = |name| root.last(name).and_then(|item| item.first()).map(|word| word.text.clone());
    let written = |name| root.last(name).is_some();
    let wait = root.last("child_wait_time").and_then(|item| number(item.first())).map(Duration::from_secs);
    let usual = Program::default();
    Program {
        network_namespace: text("net_namespace"),
        ipvs_namespace: text("net_namespace_ipvs"),
        namespace_with_ipsets: written("namespace_with_ipsets"),
        instance: text("instance"),
        pid_directory: written("use_pid_dir") || written("net_namespace") || written("instance"),
        child_wait_time: wait.unwrap_or(usual.child_wait_time),
        linkbeat_polling: written("linkbeat_use_polling"),
        ..usual
    }
}

/// Reads one word of `global_defs`; `false` when it is none of these.
pub(super) fn word(item: &Item<'_>, global: &mut Global, reader: &mut Reader<'_>) -> bool {
    let first = item.first();
    let text = first.map(|word| word.text.clone());
    let path = || text.as_ref().map(PathBuf::from);
    let processes = &mut global.processes;
    match item.name() {
        "process_names" => {
            processes.vrrp.name = Some("keepalived_vrrp".to_owned());
            processes.checkers.name = Some("keepalived_lvs".to_owned());
            processes.bfd.name = Some("keepalived_bfd".to_owned());
        }
        "process_name" => processes.parent_name = text,
        "lvs_process_name" => processes.checkers.name = text,
        "max_auto_priority" => {
            let written =
                first.and_then(|word| value::integer(&word.text)).and_then(|n| i8::try_from(n).ok());
            processes.max_auto_priority = written.unwrap_or(99);
        }
        "min_auto_priority_delay" => {
            let micros = number(first).map(Duration::from_micros);
            processes.min_auto_priority_delay = micros.unwrap_or(processes.min_auto_priority_delay);
        }
        "process_monitor_rcv_bufs" => processes.process_monitor_buffer = bytes(item),
        "process_monitor_rcv_bufs_force" => processes.process_monitor_buffer_force = item.is_on(),
        "snmp_socket" => {
            if let Some(word) = first
                && let Err(why) = AgentAddress::parse(&word.text)
            {
                reader.error("agent-address", word.span, why);
            } else {
                global.snmp.socket = text;
            }
        }
        "enable_traps" => global.snmp.traps = true,
        "enable_snmp_vrrp" | "enable_snmp_keepalived" => global.snmp.vrrp.keepalived = true,
        "enable_snmp_rfc" => (global.snmp.vrrp.rfc2787, global.snmp.vrrp.rfc6527) = (true, true),
        "enable_snmp_rfcv2" => global.snmp.vrrp.rfc2787 = true,
        "enable_snmp_rfcv3" => global.snmp.vrrp.rfc6527 = true,
        "enable_snmp_checker" => global.snmp.checkers = true,
        "snmp_vs_stats_update_interval" => {
            let age = time(first).unwrap_or(global.snmp.virtual_server_age);
            (global.snmp.virtual_server_age, global.snmp.real_server_age) = (age, age);
        }
        "snmp_rs_stats_update_interval" => {
            global.snmp.real_server_age = time(first).unwrap_or(global.snmp.real_server_age);
        }
        "dbus_service_name" => global.dbus.service_name = text,
        "dbus_no_interface_name" => {
            global.dbus.no_interface_name = text.unwrap_or(Dbus::default().no_interface_name);
        }
        "json_version" => {
            global.dumps.json_version = number(first).and_then(|n| u8::try_from(n).ok()).unwrap_or(1);
        }
        "data_use_instance" => global.dumps.with_instance = item.is_on(),
        "state_dump_file" => global.dumps.state = path(),
        "stats_dump_file" => global.dumps.statistics = path(),
        "json_dump_file" => global.dumps.json = path(),
        "reload_check_config" => global.reload.check = Some(path()),
        "reload_time_file" => global.reload.time_file = path(),
        "reload_repeat" => global.reload.repeat = true,
        "reload_file" => global.reload.file = Some(path()),
        name => return of_process(name, item, global, reader),
    }
    true
}

/// `vrrp_…`, `checker_…`, `lvs_…`, `bfd_…` on a process.
fn of_process(name: &str, item: &Item<'_>, global: &mut Global, reader: &mut Reader<'_>) -> bool {
    let processes = &mut global.processes;
    let (process, rest) = match name.split_once('_') {
        Some(("vrrp", rest)) => (&mut processes.vrrp, rest),
        Some(("checker" | "lvs", rest)) => (&mut processes.checkers, rest),
        Some(("bfd", rest)) => (&mut processes.bfd, rest),
        _ => return false,
    };
    setting(rest, item, process, reader)
}

/// 1 to 99; what is more is taken as 99.
fn realtime_priority(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<u8> {
    const GREATEST: u64 = 99;
    let word = item.first()?;
    let written = number(Some(word))?;
    if written > GREATEST {
        let message = format!("`{} {written}` is more than the kernel has: {GREATEST} is taken", item.name());
        reader.warn("out-of-bounds", word.span, message, "real-time priorities are 1 to 99");
    }
    u8::try_from(written.min(GREATEST)).ok()
}

fn setting(name: &str, item: &Item<'_>, process: &mut Process, reader: &mut Reader<'_>) -> bool {
    let first = item.first();
    match name {
        "process_name" => process.name = first.map(|word| word.text.clone()),
        "priority" => {
            let nice = first.and_then(|word| value::integer(&word.text)).and_then(|n| i8::try_from(n).ok());
            process.nice = nice.unwrap_or(process.nice);
        }
        "no_swap" => process.no_swap = true,
        "rt_priority" => process.realtime_priority = realtime_priority(item, reader),
        "cpu_affinity" => {
            let wrong = item.arguments().iter().find(|word| word.text.parse::<u16>().is_err());
            if let Some(word) = wrong {
                let message = format!("`{}` is no number of a processor", word.text);
                reader.say(
                    Diagnostic::error("invalid-value", word.span, message)
                        .help("the line is left out: the process may run on all of them"),
                );
            }
            let cpus: Option<Vec<u16>> = item.arguments().iter().map(|word| word.text.parse().ok()).collect();
            process.cpus = cpus.unwrap_or_default();
        }
        "rlimit_rttime" | "rlimit_rtime" => {
            let limit = number(first).map(|micros| Duration::from_micros(micros.max(2)));
            process.realtime_limit = limit.unwrap_or(process.realtime_limit);
        }
        "netlink_cmd_rcv_bufs" => process.netlink.command = bytes(item),
        "netlink_cmd_rcv_bufs_force" => process.netlink.command_force = item.is_on(),
        "netlink_monitor_rcv_bufs" => process.netlink.monitor = bytes(item),
        "netlink_monitor_rcv_bufs_force" => process.netlink.monitor_force = item.is_on(),
        _ => return false,
    }
    true
}

fn bytes(item: &Item<'_>) -> Option<u32> {
    number(item.first()).and_then(|bytes| u32::try_from(bytes).ok())
}

/// `…notify_fifo` and `…notify_fifo_script`.
pub(super) fn fifos(body: &Body<'_>, fifos: &mut Fifos, reader: &mut Reader<'_>) {
    let mut read = |name, script_name| {
        let script = body.last(script_name).and_then(|item| notify_script(item, reader.report));
        let script = script.map(|(script, _)| script);
        let Some((path, owner)) = body.last(name).and_then(|item| item.arguments().split_first()) else {
            if let (Some(item), Some(_)) = (body.last(script_name), &script) {
                let message = format!("`{script_name}` without `{name}` has nothing to read");
                reader.warn("useless-word", item.span(), message, format!("add `{name} PATH`"));
            }
            return None;
        };
        Some(Fifo { path: PathBuf::from(&path.text), owner: user_and_group(owner), script })
    };
    let all = read("notify_fifo", "notify_fifo_script");
    let vrrp = read("vrrp_notify_fifo", "vrrp_notify_fifo_script");
    let checkers = read("lvs_notify_fifo", "lvs_notify_fifo_script");
    fifos.all = all.or(fifos.all.take());
    fifos.vrrp = vrrp.or(fifos.vrrp.take());
    fifos.checkers = checkers.or(fifos.checkers.take());
    fifos.write_states_on_reload |= body.last("fifo_write_vrrp_states_on_reload").is_some();
}

/// Lines would come twice on a FIFO that is named twice.
pub(super) fn distinct_fifos(root: &Body<'_>, fifos: &mut Fifos, reader: &mut Reader<'_>) {
    let Some(all) = fifos.all.as_ref().map(|fifo| fifo.path.clone()) else { return };
    for (fifo, name) in [(&mut fifos.vrrp, "vrrp_notify_fifo"), (&mut fifos.checkers, "lvs_notify_fifo")] {
        if fifo.as_ref().is_some_and(|fifo| fifo.path == all) {
            *fifo = None;
            let place = root.all("global_defs").filter_map(|block| block.body.last(name)).last();
            let message = format!("`{name}` is the FIFO of `notify_fifo`: it is left out");
            reader.say(
                Diagnostic::warning("unneeded-word", place.map(Item::span), message)
                    .help("everything is written to `notify_fifo` already"),
            );
        }
    }
}

/// A number, octal with a leading 0, or names such as `IRWXG | IRWXO`.
pub(super) fn umask(item: &Item<'_>, reader: &mut Reader<'_>) -> Option<u32> {
    let words = item.arguments();
    let first = words.first()?;
    if first.text.starts_with(|c: char| c.is_ascii_digit()) {
        let mask = value::unsigned(&first.text).filter(|mask| *mask <= 0o777);
        if mask.is_none() || words.len() > 1 {
            let message = format!("`{}` is no mask of permissions", first.text);
            reader.say(
                Diagnostic::error("invalid-value", first.span, message).help("write it as in `umask 027`"),
            );
            return None;
        }
        return mask.and_then(|mask| u32::try_from(mask).ok());
    }
    let text: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
    let mut mask = 0;
    for name in text.concat().split('|') {
        let bits = name.strip_prefix('I').and_then(permission);
        let Some(bits) = bits else {
            let message = format!("`{name}` is no permission");
            reader.say(
                Diagnostic::error("invalid-value", item.span(), message)
                    .help("permissions are IRUSR, IWUSR, IXUSR, IRWXU, and the like with GRP, G and OTH, O"),
            );
            return None;
        };
        mask |= bits;
    }
    Some(mask)
}

/// `RUSR` … `RWXO`.
fn permission(name: &str) -> Option<u32> {
    let shift = match name.get(1..)? {
        "USR" | "WXU" => 6,
        "GRP" | "WXG" => 3,
        "OTH" | "WXO" => 0,
        _ => return None,
    };
    let bits = match (name.get(..1)?, name.len()) {
        ("R", 4) if name.contains("WX") => 7,
        ("R", _) => 4,
        ("W", _) => 2,
        ("X", _) => 1,
        _ => return None,
    };
    Some(bits << shift)
}
