//! `global_defs` and the outer level.

use super::{found, load, shown};
use crate::model::{
    AgentAddress, Command, Dumps, Fifo, FlushOnStop, Global, Ipsets, MailSwitches, Nftables, NftablesIpvs,
    NotifyScript, Process, Program, ReceiveBuffers, SyncDaemon, SyncDaemonInstance, TrackWeight,
};
use std::time::Duration;

fn global(inner: &str) -> Global {
    let loaded = load(&format!("global_defs {{\n{inner}\n}}\n"));
    let problems: Vec<String> = found(&loaded).into_iter().filter(|f| !f.starts_with("no-effect")).collect();
    let problems: Vec<&String> = problems.iter().filter(|f| !f.starts_with("unsupported")).collect();
    assert!(problems.is_empty(), "{}", shown(&loaded));
    loaded.config.global
}

#[test]
fn nothing_written_is_the_default() {
    assert_eq!(global(""), Global::default());
}

#[test]
fn words_of_ours() {
    let read = global("vrrp_lease off\nvrrp_handover no\nvrrp_track_proxy weight -20 reverse");
    assert!(!read.lease && !read.handover);
    assert_eq!(read.track_proxy, Some(TrackWeight { weight: -20, reverse: true }));
    let read = global("vrrp_lease\nvrrp_track_proxy");
    assert!(read.lease && read.handover);
    assert_eq!(read.track_proxy, Some(TrackWeight::default()));
    let wrong = load("global_defs {\nvrrp_track_proxy weight 300\n}\n");
    assert_eq!(found(&wrong).len(), 1, "{}", shown(&wrong));
}

#[test]
fn the_outer_level() {
    let loaded = load(
        "net_namespace blue\nnet_namespace_ipvs red\nnamespace_with_ipsets\ninstance two\nchild_wait_time 9\nlinkbeat_use_polling\n",
    );
    let expected = Program {
        network_namespace: Some("blue".into()),
        ipvs_namespace: Some("red".into()),
        namespace_with_ipsets: true,
        instance: Some("two".into()),
        pid_directory: true,
        child_wait_time: Duration::from_secs(9),
        linkbeat_polling: true,
        ..Program::default()
    };
    assert_eq!(loaded.config.program, expected);
    assert_eq!(load("").config.program, Program::default());
}

#[test]
fn scripts_fifos_and_mail() {
    let read = global(
        "startup_script \"/x/up now\" nobody\nstartup_script_timeout 3\nshutdown_script /x/down\nuse_symlink_paths\nnotify_fifo /run/all root\nnotify_fifo_script \"/x/read it\"\nvrrp_notify_fifo /run/vrrp\nfifo_write_vrrp_states_on_reload\nno_email_faults\nno_checker_emails",
    );
    let startup = read.startup_script.unwrap();
    assert_eq!((startup.timeout.as_secs(), startup.script.user), (3, Some(("nobody".into(), None))));
    assert_eq!(read.shutdown_script.unwrap().timeout.as_secs(), 10);
    let command = Command::Exec(vec!["/x/read".into(), "it".into()]);
    let all = Fifo {
        path: "/run/all".into(),
        owner: Some(("root".into(), None)),
        script: Some(NotifyScript { command, user: None }),
    };
    assert_eq!(read.fifos.all, Some(all));
    assert_eq!(read.fifos.vrrp.unwrap().path.to_str(), Some("/run/vrrp"));
    assert!(read.fifos.write_states_on_reload && read.use_symlink_paths);
    assert!(read.mail.no_faults && read.mail.checkers.none);
    let loaded = load(
        "global_defs {\nnotify_fifo /run/all\nvrrp_notify_fifo /run/all\nlvs_notify_fifo_script /x\n}\n",
    );
    let expected = ["unneeded-word@3", "unsupported-keyword@4", "useless-word@4"];
    assert_eq!(found(&loaded), expected, "{}", shown(&loaded));
    assert!(loaded.config.global.fifos.vrrp.is_none());
}

/// keepalived keeps the first of some words, and the last of others.
#[test]
fn which_of_several_counts() {
    let text = |inner: &str| format!("global_defs {{\n{inner}\n}}\n");
    for word in [
        "startup_script /x",
        "notify_fifo /x",
        "snmp_socket /x",
        "vmac_prefix x",
        "nftables x",
        "vrrp_iptables x",
        "tmp_config_directory /x",
    ] {
        let (name, _) = word.split_once(' ').unwrap();
        let once = load(&text(word)).config;
        let twice = load(&text(&format!("{word}\n{name} {}", "/other")));
        assert_eq!(twice.config, once, "{word}");
        assert!(found(&twice).contains(&"ignored-keyword@3".to_owned()), "{}", shown(&twice));
        let apart = load(&format!("{}{}", text(word), text(&format!("{name} /other"))));
        assert_eq!(apart.config, once, "{word}");
    }
    let loaded = load("instance one\ninstance two\nnet_namespace blue\nnet_namespace red\n");
    let program = loaded.config.program;
    let names = (program.instance.as_deref(), program.network_namespace.as_deref());
    assert_eq!(names, (Some("one"), Some("blue")));
    let read = load(&text("router_id one\nrouter_id two")).config.global;
    assert_eq!(read.router_id.as_deref(), Some("two"));
}

#[test]
fn small_print() {
    let read = global("notification_email {\na@x b@y \"My c <c@z>\"\nd@w\n}");
    assert_eq!(read.mail.to, ["a@x", "b@y", "My c <c@z>", "d@w"]);
    let read = global("notify_fifo /f\nnotify_fifo_script \"/bin/cat -u\" nobody nogroup");
    let script = read.fifos.all.unwrap().script.unwrap();
    assert_eq!(script.command, Command::Exec(vec!["/bin/cat".into(), "-u".into()]));
    assert_eq!(script.user, Some(("nobody".into(), Some("nogroup".into()))));
    assert_eq!(global("vrrp_garp_master_refresh 86400").garp.refresh.as_secs(), 86_400);
    let read = load("global_defs {\ndynamic_interfaces yes\n}\n").config.global;
    assert!(read.dynamic_interfaces && !read.allow_interface_changes);
}

#[test]
fn processes() {
    let read = global(
        "process_names\nprocess_name one\nvrrp_process_name two\nvrrp_priority -5\nvrrp_no_swap\nvrrp_rt_priority 50\nvrrp_cpu_affinity 0 2\nvrrp_rlimit_rttime 5000\nvrrp_netlink_cmd_rcv_bufs 1000\nvrrp_netlink_monitor_rcv_bufs_force\nmax_auto_priority\nmin_auto_priority_delay 500\nbfd_priority 3\nprocess_monitor_rcv_bufs 77",
    );
    let mut vrrp = Process {
        name: Some("two".into()),
        nice: -5,
        no_swap: true,
        realtime_priority: Some(50),
        cpus: vec![0, 2],
        realtime_limit: Duration::from_millis(5),
        ..Process::default()
    };
    (vrrp.netlink.command, vrrp.netlink.monitor_force) = (Some(1000), true);
    assert_eq!(read.processes.vrrp, vrrp);
    assert_eq!(read.processes.parent_name.as_deref(), Some("one"));
    assert_eq!((read.processes.bfd.name.as_deref(), read.processes.bfd.nice), (Some("keepalived_bfd"), 3));
    assert_eq!((read.processes.max_auto_priority, read.processes.process_monitor_buffer), (99, Some(77)));
    assert_eq!(read.processes.min_auto_priority_delay, Duration::from_micros(500));
    assert_eq!(global("max_auto_priority -1").processes.max_auto_priority, -1);
}

#[test]
fn snmp() {
    let read = global("enable_snmp_keepalived\nsnmp_socket unix:/run/agentx\nenable_traps").snmp;
    assert!(read.vrrp.keepalived && !read.vrrp.rfc2787 && !read.vrrp.rfc6527 && read.traps);
    assert_eq!(read.agent(), Ok(AgentAddress::Path("/run/agentx".into())));
    let read = global("enable_snmp_rfc").snmp;
    assert!(!read.vrrp.keepalived && read.vrrp.rfc2787 && read.vrrp.rfc6527 && !read.traps);
    assert_eq!(read.agent(), Ok(AgentAddress::Path("/var/agentx/master".into())));
    let read = global("smtp_alert\nsmtp_alert_vrrp off").mail;
    assert_eq!(read.written, MailSwitches { all: Some(true), vrrp: Some(false), checkers: None });
    assert!(!read.alert && read.checkers.alert);
    let loaded = load("global_defs {\nenable_snmp_vrrp\nsnmp_socket udp:localhost:705\n}\n");
    assert_eq!(found(&loaded), ["agent-address@3"], "{}", shown(&loaded));
}

#[test]
fn firewall_and_buffers() {
    let read = global(
        "nftables mine\nnftables_priority -5\nnftables_ifindex\nnftables_counters\nnftables_ipvs\nvrrp_ipsets a b",
    );
    let nftables = Nftables { table: "mine".into(), priority: -5, by_index: true };
    assert_eq!(read.firewall.nftables, Some(nftables));
    let ipvs = NftablesIpvs { table: "keepalived_ipvs".into(), priority: -1, first_mark: 1000 };
    assert_eq!(read.firewall.nftables_ipvs, Some(ipvs));
    assert!(read.firewall.counters);
    assert_eq!(read.firewall.ipsets, Ipsets::Named(vec!["a".into(), "b".into()]));
    assert_eq!(
        load(&format!("global_defs {{\nnftables {}\n}}\n", "n".repeat(256)))
            .report
            .count(diagnostic::Severity::Error),
        1
    );
    assert_eq!(global("nftables").firewall.nftables.unwrap().table, "keepalived");
    assert_eq!(global("vrrp_rx_bufs_policy mtu").receive_buffers, ReceiveBuffers::Mtu(3));
    let advert = global("vrrp_rx_bufs_policy ADVERT\nvrrp_rx_bufs_multiplier 7").receive_buffers;
    assert_eq!(advert, ReceiveBuffers::Advert(7));
    assert_eq!(global("vrrp_rx_bufs_policy 8192").receive_buffers, ReceiveBuffers::Bytes(8192));
    assert_eq!(found(&load("global_defs {\nvrrp_rx_bufs_policy MTU ADVERT\n}\n")), ["invalid-value@2"]);
}

#[test]
fn files_and_masks() {
    let read = global(
        "umask 027\nrandom_seed 5\nconfig_save_dir /var/k\nstate_dump_file /d\njson_version 2\ndata_use_instance\nreload_time_file /t\nreload_repeat\nreload_file\nreload_check_config /log",
    );
    assert_eq!((read.umask, read.random_seed), (Some(0o027), Some(5)));
    let dumps = Dumps { with_instance: true, state: Some("/d".into()), json_version: 2, ..Dumps::default() };
    assert_eq!(read.dumps, dumps);
    assert!(read.reload.repeat);
    assert_eq!((read.reload.file, read.reload.check), (Some(None), Some(Some("/log".into()))));
    assert_eq!(global("umask IRWXG | IROTH").umask, Some(0o074));
    assert_eq!(global("umask IWGRP|IXOTH|IRUSR").umask, Some(0o421));
    for wrong in ["umask 1000", "umask IRWXQ", "umask 027 1"] {
        assert_eq!(found(&load(&format!("global_defs {{\n{wrong}\n}}\n"))), ["invalid-value@2"], "{wrong}");
    }
}

#[test]
fn vrrp_defaults() {
    let read = global(
        "vrrp_startup_delay 5.5\nvrrp_delay_after_boot 60\nlog_unknown_vrids\ndynamic_interfaces allow_if_changes\ndisable_local_igmp\nvmac_prefix vip\nvmac_addr_prefix vipa\nvrrp_min_garp\nvrrp_owner_ignore_adverts",
    );
    assert_eq!((read.startup_delay.as_millis(), read.delay_after_boot.as_secs()), (5500, 60));
    assert!(read.log_unknown_vrids && read.dynamic_interfaces && read.allow_interface_changes);
    assert!(read.disable_local_igmp && read.vrrp.owner_ignore_adverts);
    assert_eq!(
        (read.vmac_prefix.as_deref(), read.vmac_address_prefix.as_deref()),
        (Some("vip"), Some("vipa"))
    );
    assert_eq!((read.garp.master_repeat, read.garp.refresh_repeat), (1, 0));
    assert!(read.garp.master_delay.is_zero());
    assert_eq!(global("vrrp_min_garp off").garp, Global::default().garp);
    for (text, finding) in [
        ("vrrp_mcast_group6 224.0.0.1", "invalid-value@2"),
        ("vrrp_mcast_group6 ff05::12", "wide-multicast@2"),
        ("vrrp_garp_extra_if", "missing-argument@2"),
        ("vrrp_garp_extra_if 1e9", "invalid-value@2"),
        ("vrrp_garp_extra_if 0", "invalid-value@2"),
        ("vrrp_cpu_affinity 0 x", "invalid-value@2"),
        ("dynamic_interfaces yes", "invalid-value@2"),
        ("vrrp_startup_delay 0", "invalid-value@2"),
        ("vmac_prefix sixteen-bytes-xx", "invalid-value@2"),
    ] {
        let loaded = load(&format!("global_defs {{\n{text}\n}}\n"));
        assert_eq!(found(&loaded), [finding], "{text}: {}", shown(&loaded));
    }
}

#[test]
fn lvs_is_kept_for_who_needs_it() {
    let instance =
        "vrrp_instance A {\ninterface eth0\nvirtual_router_id 7\nvirtual_ipaddress { 10.0.0.1 }\n}\n";
    let lvs = |line: &str| load(&format!("global_defs {{\n{line}\n}}\n{instance}")).config.global.lvs;
    let expected = SyncDaemon {
        interface: "eth0".into(),
        instance: SyncDaemonInstance::Follows("A".into()),
        id: Some(9),
        max_length: Some(1400),
        port: Some(8848),
        ttl: Some(3),
        group: Some([224, 0, 0, 81].into()),
    };
    let line = "lvs_sync_daemon eth0 inst A id 9 maxlen 1400 port 8848 ttl 3 group 224.0.0.81";
    assert_eq!(lvs(line).sync_daemon, Some(expected.clone()));
    let old = lvs("lvs_sync_daemon eth0 A 9").sync_daemon.unwrap();
    assert_eq!((old.instance, old.id), (expected.instance, Some(9)));
    assert_eq!(lvs("lvs_sync_daemon eth0 inst B").sync_daemon, None);
    let timeouts = lvs("lvs_timeouts tcp 60 udp 5").timeouts;
    assert_eq!((timeouts.tcp, timeouts.udp), (Some(Duration::from_secs(60)), Some(Duration::from_secs(5))));
    assert_eq!(lvs("lvs_flush_on_stop VS").flush_on_stop, FlushOnStop::VirtualServers);
    assert_eq!(lvs("lvs_flush_on_stop").flush_on_stop, FlushOnStop::Everything);
    let of_instance =
        load(&instance.replace("virtual_router_id", "lvs_sync_daemon_interface eth5\nvirtual_router_id"));
    assert_eq!(of_instance.config.global.lvs.sync_daemon.unwrap().interface, "eth5");
}

#[test]
fn the_port_of_mail_may_have_a_name() {
    let services = "# of the machine\nsmtp\t25/tcp\tmail\nsubmission 587/udp\nsubmission 587/tcp # mail\n";
    let server = |words: &str| {
        let text = format!("global_defs {{\nsmtp_server {words}\n}}");
        let loaded = super::load_with(&text, crate::Memory::default().with("/etc/services", services));
        (loaded.config.global.mail.server, loaded.report.findings().len())
    };
    assert_eq!(server("mx submission"), (Some(("mx".into(), 587)), 0));
    assert_eq!(server("mx mail"), (Some(("mx".into(), 25)), 0));
    assert_eq!(server("mx smtps"), (None, 1));
}
