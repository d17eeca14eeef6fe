//! Global definitions, of `keepalived.data` and `keepalived_parent.data`.

use super::{line, words};
use keepalived_conf::model::{
    Config, Fifo, FlushOnStop, Global, Iptables, Mail, Nftables, Process, Program, ReceiveBuffers,
    TimedScript, Version, VrrpInstance,
};
use netlink::DropTable;

/// The text; `vrrp` adds what only the vrrp process knows.
pub fn global(config: &Config, vrrp: bool) -> String {
    let (global, program) = (&config.global, &config.program);
    let mut text = String::new();
    line!(text, "------< Global definitions >------");
    identity(program, global, &mut text);
    mail(&global.mail, &mut text);
    reload(global, &mut text);
    line!(text, " Dynamic interfaces = {}", words::truth(global.dynamic_interfaces));
    if global.dynamic_interfaces {
        line!(text, " Allow interface changes = {}", words::truth(global.allow_interface_changes));
    }
    if global.mail.no_faults {
        line!(text, " Send emails for fault transitions = off");
    }
    if vrrp {
        line!(text, " Default interface = {}", global.default_interface.as_deref().unwrap_or("eth0"));
    }
    line!(text, " Disable local IGMP = {}", words::yes(global.disable_local_igmp));
    line!(text, " LVS flush = {}", words::truth(global.lvs.flush));
    let on_stop = match global.lvs.flush_on_stop {
        FlushOnStop::No => "disabled",
        FlushOnStop::Everything => "full",
        FlushOnStop::VirtualServers => "VS",
    };
    line!(text, " LVS flush on stop = {on_stop}");
    fifo("Global", global.fifos.all.as_ref(), global, &mut text);
    fifo("VRRP", global.fifos.vrrp.as_ref(), global, &mut text);
    fifo("LVS", global.fifos.checkers.as_ref(), global, &mut text);
    let on_reload = words::truth(global.fifos.write_states_on_reload);
    line!(text, " FIFO write vrrp states on reload = {on_reload}");
    defaults(global, &mut text);
    filters(config, vrrp, &mut text);
    processes(global, &mut text);
    agents(global, &mut text);
    line!(text, " Script security {}", words::enabled(global.script_security));
    let (uid, gid) = words::owner(None, global);
    line!(text, " Default script uid:gid {uid}:{gid}");
    buffers(global, &mut text);
    if !global.startup_delay.is_zero() {
        line!(text, " vrrp_startup_delay = {}", global.startup_delay.as_secs_f64());
    }
    if global.log_unknown_vrids {
        line!(text, " log_unknown_vrids");
    }
    if let Some(prefix) = &global.vmac_prefix {
        line!(text, " VMAC prefix = {prefix}");
    }
    if let Some(prefix) = &global.vmac_address_prefix {
        line!(text, " VMAC address prefix = {prefix}");
    }
    text
}

fn identity(program: &Program, global: &Global, text: &mut String) {
    if let Some(directory) = &global.config_save_directory {
        line!(text, " Config save dir = {}", directory.display());
    }
    line!(text, " Network namespace = {}", program.network_namespace.as_deref().unwrap_or("(default)"));
    let ipvs = program.ipvs_namespace.as_deref();
    line!(text, " Network namespace ipvs = {}", ipvs.unwrap_or("(main namespace)"));
    let processes = &global.processes;
    let names = [
        ("Instance name", &program.instance),
        ("Parent process name", &processes.parent_name),
        ("VRRP process name", &processes.vrrp.name),
        ("LVS process name", &processes.checkers.name),
        ("BFD process name", &processes.bfd.name),
        ("Router ID", &global.router_id),
    ];
    for (label, name) in names {
        if let Some(name) = name {
            line!(text, " {label} = {name}");
        }
    }
}

fn mail(mail: &Mail, text: &mut String) {
    if let Some((host, port)) = &mail.server {
        line!(text, " Smtp server = {host}");
        line!(text, " Smtp server port = {port}");
    }
    if let Some(name) = &mail.helo_name {
        line!(text, " Smtp HELO name = {name}");
    }
    if mail.server.is_some() {
        line!(text, " Smtp server connection timeout = {}", mail.connect_timeout.as_secs());
    }
    if let Some(from) = &mail.from {
        line!(text, " Email notification from = {from}");
        line!(text, " Email notification to:");
        mail.to.iter().for_each(|to| line!(text, "   {to}"));
    }
    let switch = |written: Option<bool>| match written {
        Some(true) => "on",
        Some(false) => "off",
        None => "unset",
    };
    line!(text, " Default smtp_alert = {}", switch(mail.written.all));
    line!(text, " Default smtp_alert_vrrp = {}", switch(mail.written.vrrp));
    line!(text, " Default smtp_alert_checker = {}", switch(mail.written.checkers));
    line!(text, " Checkers log all failures = {}", words::truth(mail.checkers.log_all_failures));
}

fn reload(global: &Global, text: &mut String) {
    match &global.reload.check {
        Some(Some(log)) => line!(text, " Test config before reload, log to {}", log.display()),
        Some(None) => line!(text, " Test config before reload, log to (none)"),
        None => line!(text, " No test config before reload"),
    }
    if let Some(file) = &global.reload.time_file {
        let repeat = if global.reload.repeat { " (repeat)" } else { "" };
        line!(text, " Reload time file = {}{repeat}", file.display());
    }
    if let Some(Some(file)) = &global.reload.file {
        line!(text, " Reload_file = {}", file.display());
    }
    if let Some(directory) = &global.temporary_directory {
        line!(text, " config save directory = {}", directory.display());
    }
    if global.dumps.with_instance {
        line!(text, " Use instance name in data dumps");
    }
    for (label, script) in [("Startup", &global.startup_script), ("Shutdown", &global.shutdown_script)] {
        if let Some(TimedScript { script, timeout }) = script {
            let script = words::script(script, global);
            line!(text, " {label} script = {script}, timeout {}", timeout.as_secs());
        }
    }
}

fn fifo(label: &str, fifo: Option<&Fifo>, global: &Global, text: &mut String) {
    let Some(fifo) = fifo else { return };
    let (uid, gid) = words::owner(fifo.owner.as_ref(), global);
    line!(text, " {label} notify fifo = {}, uid:gid {uid}:{gid}", fifo.path.display());
    if let Some(script) = &fifo.script {
        line!(text, " {label} notify fifo script = {}", words::script(script, global));
    }
}

fn defaults(global: &Global, text: &mut String) {
    let (vrrp, garp) = (&global.vrrp, &global.garp);
    line!(text, " VRRP notify priority changes = {}", words::truth(vrrp.notify_priority_changes));
    line!(text, " VRRP IPv4 mcast group = {}", global.mcast_group4);
    line!(text, " VRRP IPv6 mcast group = {}", global.mcast_group6);
    line!(text, " Gratuitous ARP delay = {}", garp.master_delay.as_secs());
    line!(text, " Gratuitous ARP repeat = {}", garp.master_repeat);
    line!(text, " Gratuitous ARP refresh timer = {}", garp.refresh.as_secs());
    line!(text, " Gratuitous ARP refresh repeat = {}", garp.refresh_repeat);
    line!(text, " Gratuitous ARP lower priority delay = {}", garp.lower_prio_delay.as_secs());
    line!(text, " Gratuitous ARP lower priority repeat = {}", garp.lower_prio_repeat);
    line!(text, " Num adverts before down = {}", vrrp.down_timer_adverts);
    let (what, interval) = match vrrp.extra_garp {
        Some(extra) => (if extra.all { "i/f" } else { "VMAC" }, extra.interval.as_secs()),
        None => ("VMAC", 0),
    };
    line!(text, " Gratuitous ARP for each secondary {what} = {interval}s");
    let lower = words::truth(!vrrp.lower_prio_no_advert);
    line!(text, " Send advert after receive lower priority advert = {lower}");
    let higher = words::truth(vrrp.higher_prio_send_advert);
    line!(text, " Send advert after receive higher priority advert = {higher}");
    line!(text, " Gratuitous ARP interval = {:.6}", global.garp_interval.as_secs_f64());
    line!(text, " Gratuitous NA interval = {:.6}", global.gna_interval.as_secs_f64());
    let version = if vrrp.version == Version::V3 { 3 } else { 2 };
    line!(text, " VRRP default protocol version = {version}");
}

fn filters(config: &Config, vrrp: bool, text: &mut String) {
    let global = &config.global;
    if let Iptables::Chains(inward, outward) = &global.iptables {
        line!(text, " Iptables input chain = {inward}");
        if let Some(outward) = outward {
            line!(text, " Iptables output chain = {outward}");
        }
    }
    let filtered = |instance: &VrrpInstance| !instance.accept || instance.virtual_interface.is_some();
    let needed = vrrp && config.instances.iter().any(filtered);
    let usual = || {
        let table = DropTable::of(config.program.name.as_deref());
        Nftables { table: table.name, priority: table.priority, by_index: false }
    };
    let unwritten = (needed && !matches!(global.iptables, Iptables::Chains(..))).then(usual);
    if let Some(nftables) = global.firewall.nftables.as_ref().or(unwritten.as_ref()) {
        line!(text, " nftables table name = {}", nftables.table);
        line!(text, " nftables base chain priority = {}", nftables.priority);
        let not = if nftables.by_index { "" } else { "don't " };
        line!(text, " nftables {not}force use ifindex for link local IPv6");
    }
    let counters = if global.firewall.counters { "" } else { "out" };
    line!(text, " nftables with{counters} counters");
    line!(text, " VRRP check unicast_src = {}", words::truth(global.vrrp.check_unicast_source));
    line!(text, " VRRP skip check advert addresses = {}", words::truth(global.skip_check_adv_addr));
    line!(text, " VRRP strict mode = {}", words::truth(global.strict));
}

fn processes(global: &Global, text: &mut String) {
    let processes = &global.processes;
    match processes.max_auto_priority {
        -1 => line!(text, " Max auto priority = Disabled"),
        priority => line!(text, " Max auto priority = {priority}"),
    }
    line!(text, " Min auto priority delay = {} usecs", processes.min_auto_priority_delay.as_micros());
    let all = [("VRRP", &processes.vrrp), ("Checker", &processes.checkers), ("BFD", &processes.bfd)];
    for (label, process) in all {
        let Process { nice, no_swap, realtime_priority, cpus, realtime_limit, .. } = process;
        line!(text, " {label} process priority = {nice}");
        line!(text, " {label} don't swap = {}", words::truth(*no_swap));
        line!(text, " {label} realtime priority = {}", realtime_priority.unwrap_or_default());
        if !cpus.is_empty() {
            let list: Vec<String> = cpus.iter().map(u16::to_string).collect();
            line!(text, " {label} CPU Affinity = {}", list.join(", "));
        }
        line!(text, " {label} realtime limit = {}", realtime_limit.as_micros());
    }
}

fn agents(global: &Global, text: &mut String) {
    let snmp = &global.snmp;
    line!(text, " SNMP vrrp {}", words::enabled(snmp.vrrp.keepalived));
    line!(text, " SNMP checker {}", words::enabled(snmp.checkers));
    line!(text, " SNMP RFCv2 {}", words::enabled(snmp.vrrp.rfc2787));
    line!(text, " SNMP RFCv3 {}", words::enabled(snmp.vrrp.rfc6527));
    line!(text, " SNMP traps {}", words::enabled(snmp.traps));
    let socket = snmp.socket.as_deref().unwrap_or("default (unix:/var/agentx/master)");
    line!(text, " SNMP socket = {socket}");
    line!(text, " DBus {}", words::enabled(global.dbus.enabled));
    line!(text, " DBus service name = {}", global.dbus.service_name.as_deref().unwrap_or_default());
}

fn buffers(global: &Global, text: &mut String) {
    let processes = &global.processes;
    let mut one = |name: &str, bytes: Option<u32>, force: bool| {
        line!(text, " {name} = {}", bytes.unwrap_or_default());
        line!(text, " {name}_force = {}", u8::from(force));
    };
    let (vrrp, lvs) = (&processes.vrrp.netlink, &processes.checkers.netlink);
    one("vrrp_netlink_cmd_rcv_bufs", vrrp.command, vrrp.command_force);
    one("vrrp_netlink_monitor_rcv_bufs", vrrp.monitor, vrrp.monitor_force);
    let (bytes, force) = (processes.process_monitor_buffer, processes.process_monitor_buffer_force);
    one("process_monitor_rcv_bufs", bytes, force);
    one("lvs_netlink_cmd_rcv_bufs", lvs.command, lvs.command_force);
    one("lvs_netlink_monitor_rcv_bufs", lvs.monitor, lvs.monitor_force);
    line!(text, " rs_init_notifies = {}", u8::from(global.lvs.init_notifies));
    line!(text, " no_checker_emails = {}", u8::from(global.mail.checkers.none));
    let multiplier = match global.receive_buffers {
        ReceiveBuffers::Mtu(factor) => {
            line!(text, " rx_bufs_policy = MTU");
            factor
        }
        ReceiveBuffers::Advert(factor) => {
            line!(text, " rx_bufs_policy = ADVERT");
            factor
        }
        ReceiveBuffers::Bytes(bytes) => {
            line!(text, " rx_bufs_size = {bytes}");
            3
        }
        ReceiveBuffers::Kernel => 3,
    };
    line!(text, " rx_bufs_multiples = {multiplier}");
    const PRIVATE: u32 = 0o177;
    line!(text, " umask = 0{:o}", global.umask.unwrap_or(PRIVATE));
}
