//! The outer level and `global_defs`: identity, mail, scripts, VRRP defaults.

use super::Context::{Global, Root};
use super::{
    ANY, COMMAND, Context, Keyword, LONGEST, NONE, SWITCH, WORD, acts, dead, integer, later, no_effect,
    one_of, seconds, words,
};

/// Why these words are not needed.
const NETLINK: &str = "netlink tells the carrier at once: nothing needs polling";

pub(super) const WORDS: &[Keyword] = &[
    // The outer level.
    acts("global_defs", &[Root], NONE, "settings of the whole program").block(Global).repeats(),
    no_effect(
        "linkbeat_use_polling",
        &[Root],
        NONE,
        "watch links by MII or ethtool polling instead of netlink",
        NETLINK,
    ),
    acts("net_namespace", &[Root], WORD, "network namespace to run in"),
    later("net_namespace_ipvs", &[Root], words(0, 1), "network namespace of IPVS"),
    no_effect(
        "namespace_with_ipsets",
        &[Root],
        NONE,
        "use ipsets although in a network namespace",
        "drop rules are kept in a table of nftables, which has sets of its own in every namespace",
    ),
    acts("instance", &[Root], WORD, "name of this keepalived among several on one machine"),
    acts("use_pid_dir", &[Root], NONE, "put pid files into a directory of their own"),
    acts(
        "child_wait_time",
        &[Root],
        integer(0, 4_294_967_295),
        "how long to wait for children at exit, 5 s when absent",
    ),
    no_effect("linkbeat_interfaces", &[Root], NONE, "interfaces whose link is polled", NETLINK)
        .block(Context::LinkbeatInterfaces)
        .repeats(),
    acts(
        "interface_up_down_delays",
        &[Root],
        NONE,
        "how long an interface must be up or down to count as so",
    )
    .block(Context::InterfaceDelays)
    .repeats(),
    later("SSL", &[Root], NONE, "certificates for checks by TLS").block(Context::Ssl),
    // Identity and mail.
    acts("router_id", &[Global], WORD, "name of this machine in mails; the host name when absent"),
    acts("notification_email", &[Global], NONE, "who gets mail when a state changes")
        .block(Context::MailAddresses),
    acts("notification_email_from", &[Global], words(1, 16), "sender of mails"),
    acts("smtp_server", &[Global], words(1, 2), "mail server and port, 25 when absent"),
    acts(
        "smtp_connect_timeout",
        &[Global],
        integer(0, 4294),
        "how long to wait for the mail server, 30 s when absent",
    ),
    acts("smtp_helo_name", &[Global], WORD, "name given in HELO; the host name when absent"),
    acts("smtp_alert", &[Global], SWITCH, "send mail for every instance unless it says otherwise"),
    acts("smtp_alert_vrrp", &[Global], SWITCH, "send mail for every vrrp_instance unless it says otherwise"),
    later(
        "smtp_alert_checker",
        &[Global],
        SWITCH,
        "send mail for every real server unless it says otherwise",
    ),
    acts("no_email_faults", &[Global], NONE, "send no mail for FAULT"),
    later("no_checker_emails", &[Global], SWITCH, "send no mail for checkers"),
    later("checker_log_all_failures", &[Global], SWITCH, "log every failed check"),
    // Scripts.
    acts("enable_script_security", &[Global], NONE, "refuse scripts that others than root could change"),
    acts("script_user", &[Global], words(1, 2), "user and group that scripts run as"),
    dead("set_supplementary_groups", &[Global], words(0, 1), "a word of no release of keepalived"),
    no_effect(
        "use_symlink_paths",
        &[Global],
        SWITCH,
        "start scripts by their symbolic links",
        "scripts are always started by the path that is written",
    ),
    acts("startup_script", &[Global], COMMAND, "run at start"),
    acts("startup_script_timeout", &[Global], integer(1, 1000), "limit for startup_script, seconds"),
    acts("shutdown_script", &[Global], COMMAND, "run at the end"),
    acts("shutdown_script_timeout", &[Global], integer(1, 1000), "limit for shutdown_script, seconds"),
    // VRRP defaults.
    acts(
        "vrrp_skip_check_adv_addr",
        &[Global],
        SWITCH,
        "do not compare the addresses again when the master is the same as before",
    ),
    acts(
        "vrrp_strict",
        &[Global],
        SWITCH,
        "hold to the VRRP standard: no unicast, no authentication, an address list",
    ),
    acts(
        "vrrp_garp_interval",
        &[Global],
        seconds(0, LONGEST),
        "pause between gratuitous ARPs of an interface, seconds",
    ),
    acts(
        "vrrp_gna_interval",
        &[Global],
        seconds(0, LONGEST),
        "pause between unsolicited NAs of an interface, seconds",
    ),
    acts("vrrp_mcast_group4", &[Global], WORD, "IPv4 multicast group, 224.0.0.18 when absent"),
    acts("vrrp_mcast_group6", &[Global], WORD, "IPv6 multicast group, ff02::12 when absent"),
    acts(
        "vrrp_garp_master_delay",
        &[Global],
        integer(0, 4294),
        "second ARP burst after becoming master, 5 s when absent",
    ),
    acts(
        "vrrp_garp_master_repeat",
        &[Global],
        integer(0, 4_294_967_295),
        "ARPs an address in a burst, 5 when absent",
    ),
    acts(
        "vrrp_garp_master_refresh",
        &[Global],
        integer(0, 4294),
        "ARP bursts while master are this far apart, seconds",
    ),
    acts(
        "vrrp_garp_master_refresh_repeat",
        &[Global],
        integer(0, 4_294_967_295),
        "ARPs an address in a refresh, 1 when absent",
    ),
    acts(
        "vrrp_garp_lower_prio_delay",
        &[Global],
        integer(0, 4294),
        "second ARP burst after a lower priority was heard",
    ),
    acts(
        "vrrp_garp_lower_prio_repeat",
        &[Global],
        integer(0, 4_294_967_295),
        "ARPs an address after a lower priority was heard",
    ),
    acts(
        "vrrp_iptables",
        &[Global],
        words(0, 2),
        "without a chain: no drop rules are made; the rules of strict mode go to a table of their own",
    ),
    acts("vrrp_version", &[Global], integer(2, 3), "VRRP version, 2 when absent"),
    acts("default_interface", &[Global], WORD, "interface of instances and static addresses that name none"),
    acts(
        "dynamic_interfaces",
        &[Global],
        one_of(&["allow_if_changes"], 0).optional(),
        "interfaces may come later or change",
    ),
    acts(
        "vrrp_down_timer_adverts",
        &[Global],
        integer(1, 100),
        "advertisements missed before taking over, 3 when absent",
    ),
    acts("vrrp_min_garp", &[Global], SWITCH, "send one gratuitous ARP an address only"),
    acts("vrrp_garp_extra_if", &[Global], ANY, "send gratuitous ARPs on the base interface of a VMAC too"),
    acts("vrrp_vmac_garp_intvl", &[Global], ANY, "old name of vrrp_garp_extra_if"),
    acts(
        "vrrp_lower_prio_no_advert",
        &[Global],
        SWITCH,
        "do not answer a lower priority with an advertisement",
    ),
    acts(
        "vrrp_higher_prio_send_advert",
        &[Global],
        SWITCH,
        "advertise once more when a higher priority takes over",
    ),
    acts("vrrp_check_unicast_src", &[Global], NONE, "accept unicast advertisements of listed peers only"),
    acts("vrrp_owner_ignore_adverts", &[Global], SWITCH, "the address owner ignores advertisements"),
    acts("v3_checksum_as_v2", &[Global], SWITCH, "VRRPv3 checksum without pseudo-header"),
    acts("vrrp_startup_delay", &[Global], seconds(1000, LONGEST), "wait before VRRP starts, seconds"),
    acts(
        "vrrp_delay_after_boot",
        &[Global],
        seconds(1000, LONGEST),
        "wait this long after boot before VRRP starts",
    ),
    acts("log_unknown_vrids", &[Global], NONE, "log advertisements of unknown virtual routers"),
    acts("vmac_prefix", &[Global], WORD, "name prefix of VMAC interfaces"),
    acts("vmac_addr_prefix", &[Global], WORD, "name prefix of VMAC interfaces of addresses"),
    no_effect(
        "disable_local_igmp",
        &[Global],
        NONE,
        "no IGMP on interfaces of this machine",
        "interfaces with a virtual Ethernet address send no IGMP of their own here",
    ),
    acts("vrrp_notify_priority_changes", &[Global], SWITCH, "tell FIFOs about changes of priority"),
    acts("vrrp_rx_bufs_policy", &[Global], words(1, 2), "size of receive buffers: MTU, ADVERT or bytes"),
    acts("vrrp_rx_bufs_multiplier", &[Global], integer(1, 4_294_967_295), "factor for receive buffers"),
    // Firewall.
    acts(
        "vrrp_ipsets",
        &[Global],
        words(0, 6),
        "names of the sets of IPv4 and IPv6 addresses in the tables of nftables; without a name there are no sets",
    ),
    acts(
        "nftables",
        &[Global],
        words(0, 1),
        "nftables table for the drop rules, `keepalived` without a name, `backstay` without the word; it has to be of our own",
    ),
    acts(
        "nftables_priority",
        &[Global],
        integer(i32::MIN as i64, i32::MAX as i64),
        "priority of the nftables chains, beside `nftables`; -1 when absent",
    ),
    acts(
        "nftables_ifindex",
        &[Global],
        NONE,
        "match interfaces by index also where `nftables` would go by name: with `dont_track_primary`",
    ),
    acts("nftables_counters", &[Global], NONE, "count what the nftables rules match"),
    later("nftables_ipvs", &[Global], words(0, 1), "nftables table for IPVS marks"),
    later(
        "nftables_ipvs_priority",
        &[Global],
        integer(i32::MIN as i64, i32::MAX as i64),
        "priority of the IPVS chains",
    ),
    later("nftables_ipvs_start_fwmark", &[Global], integer(1, 4_294_967_295), "first mark to use"),
    // LVS.
    later("lvs_sync_daemon", &[Global], words(1, 16), "interface of the IPVS connection synchronisation"),
    later("lvs_timeouts", &[Global], words(1, 6), "IPVS timeouts for tcp, tcpfin and udp"),
    later("lvs_flush", &[Global], NONE, "empty the IPVS table at start"),
    later("lvs_flush_on_stop", &[Global], words(0, 1), "empty the IPVS table at the end"),
    later("lvs_flush_onstop", &[Global], words(0, 1), "old name of lvs_flush_on_stop"),
    later("rs_init_notifies", &[Global], SWITCH, "call notify scripts of real servers at start"),
    dead("lvs_id", &[Global], words(0, 1), "the name of router_id before keepalived 1.1"),
    // Notification by FIFO.
    acts("notify_fifo", &[Global], words(1, 3), "FIFO that all changes of state are written to"),
    acts("notify_fifo_script", &[Global], COMMAND, "script that reads the FIFO"),
    acts("vrrp_notify_fifo", &[Global], words(1, 3), "FIFO for VRRP"),
    acts("vrrp_notify_fifo_script", &[Global], COMMAND, "script that reads the VRRP FIFO"),
    later("lvs_notify_fifo", &[Global], words(1, 3), "FIFO for checkers"),
    later("lvs_notify_fifo_script", &[Global], COMMAND, "script that reads the checkers' FIFO"),
    acts("fifo_write_vrrp_states_on_reload", &[Global], NONE, "write all states to the FIFO after a reload"),
    // Kept here because they concern how the file itself is read.
    acts(
        "include_check",
        &[Global],
        ANY,
        "makes it an error that wildcards (wildcard_match) or a choice of braces (brace_match) match no file; that a named file is missing or unreadable is one always",
    )
    .repeats(),
    acts("random_seed", &[Global], integer(0, 4_294_967_295), "seed of ${_RANDOM}"),
];
