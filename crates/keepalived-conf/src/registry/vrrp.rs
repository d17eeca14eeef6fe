//! `vrrp_instance`, `vrrp_script`, sync groups, tracking, static addresses, BFD.

use super::Context::{
    Addresses, AuthHmac, Authentication, Bfd, GarpGroup, Instance, Names, Peers, Root, Routes, Rules, Script,
    SyncGroup, TrackFile, TrackGroup, TrackProcess,
};
use super::{
    ANY, Arguments, COMMAND, Keyword, Kind, LONGEST, NONE, SWITCH, WORD, acts, integer, integer_and, later,
    milliseconds, no_effect, one_of, seconds, words,
};

/// Why nothing is needed for masters whose timers come late.
const LATE: &str = "every master that was late for so long becomes backup here";

pub(super) const WORDS: &[Keyword] = &[
    // vrrp_script.
    acts("vrrp_script", &[Root], WORD, "a check run at an interval").block(Script).repeats(),
    acts("script", &[Script], COMMAND, "the command; exit code 0 is success"),
    acts("interval", &[Script], seconds(0, LONGEST), "time between two runs, 1 s when absent"),
    acts("timeout", &[Script], seconds(0, LONGEST), "limit for a run; the interval when absent"),
    acts(
        "weight",
        &[Script],
        integer_and(-253, 253, 1),
        "added to the priority; 0 puts the instance in FAULT",
    ),
    acts("rise", &[Script], integer(1, 2_147_483_647), "successes needed to count as up, 1 when absent"),
    acts("fall", &[Script], integer(1, 2_147_483_647), "failures needed to count as down, 1 when absent"),
    acts("user", &[Script], words(1, 2), "user and group the script runs as"),
    acts("init_fail", &[Script], NONE, "counts as failed until it has succeeded"),
    // Other things to track.
    acts("vrrp_track_process", &[Root], WORD, "watches whether processes run").block(TrackProcess).repeats(),
    acts("process", &[TrackProcess], words(1, 64), "the process").first_counts(),
    acts(
        "param_match",
        &[TrackProcess],
        one_of(&["initial", "partial"], 0).optional(),
        "how its parameters are compared: whole, the first ones, or the last one in part",
    ),
    acts("quorum", &[TrackProcess], integer(1, 65_535), "how many must run, 1 when absent"),
    acts("quorum_max", &[TrackProcess], integer(0, 65_535), "how many may run, any number when absent"),
    acts("delay", &[TrackProcess], seconds(1, 3_600_000_000), "how long before a change counts"),
    acts("terminate_delay", &[TrackProcess], seconds(1, 3_600_000_000), "how long before an end counts"),
    acts("fork_delay", &[TrackProcess], seconds(1, 3_600_000_000), "how long before a start counts"),
    acts("full_command", &[TrackProcess], NONE, "compare the whole command line"),
    acts("track_file", &[Root], WORD, "adds a number read from a file to the priority")
        .block(TrackFile)
        .repeats(),
    acts("vrrp_track_file", &[Root], WORD, "old name of track_file").block(TrackFile).repeats(),
    acts("file", &[TrackFile], WORD, "the file").first_counts(),
    acts("init_file", &[TrackFile], words(0, 2), "creates the file"),
    acts("weight", &[TrackProcess, TrackFile], integer_and(-254, 254, 1), "added to the priority")
        .first_counts(),
    // Sync groups.
    acts("vrrp_sync_group", &[Root], WORD, "instances that change state together").block(SyncGroup).repeats(),
    acts("group", &[SyncGroup], NONE, "the instances").block(Names).first_counts(),
    acts("global_tracking", &[SyncGroup], NONE, "old name of sync_group_tracking_weight"),
    acts("sync_group_tracking_weight", &[SyncGroup], NONE, "weights of members count"),
    acts(
        "track_group",
        &[Root],
        WORD,
        "instances that are in FAULT while the interface of a static address, route or rule is down",
    )
    .block(TrackGroup)
    .repeats(),
    acts("group", &[TrackGroup], NONE, "the instances").block(Names).first_counts(),
    acts("garp_group", &[Root], NONE, "interfaces that share a pause between ARPs")
        .block(GarpGroup)
        .repeats(),
    acts("garp_interval", &[GarpGroup], seconds(0, LONGEST), "pause between gratuitous ARPs, seconds"),
    acts("gna_interval", &[GarpGroup], seconds(0, LONGEST), "pause between unsolicited NAs, seconds"),
    acts("interface", &[GarpGroup], WORD, "one interface").repeats(),
    acts("interfaces", &[GarpGroup], NONE, "interfaces").block(Names).repeats(),
    // Static addresses, routes, rules.
    acts("static_ipaddress", &[Root], NONE, "addresses that stay").block(Addresses).repeats(),
    acts("static_routes", &[Root], NONE, "routes that stay").block(Routes).repeats(),
    acts("static_rules", &[Root], NONE, "rules that stay").block(Rules).repeats(),
    // vrrp_instance: the election.
    acts("vrrp_instance", &[Root], WORD, "one virtual router").block(Instance).repeats(),
    acts("state", &[Instance], WORD, "MASTER or BACKUP: only a wish, the election decides"),
    acts("interface", &[Instance], WORD, "where advertisements go"),
    acts(
        "virtual_router_id",
        &[Instance],
        integer(1, 255),
        "number of the virtual router, 1 to 255 (RFC 3768 §5.3.3)",
    ),
    acts(
        "priority",
        &[Instance],
        integer(1, 255),
        "1 to 255; when absent 100, or 255 beside `state MASTER`; 255 is the address owner (RFC 3768 §5.3.4)",
    ),
    acts(
        "advert_int",
        &[Instance],
        seconds(10_000, 255_000_000),
        "time between advertisements, 1 s when absent; whole seconds in VRRPv2 (RFC 3768 §5.3.7)",
    ),
    acts("nopreempt", &[Instance], NONE, "a higher priority does not take over from a living master"),
    acts("preempt", &[Instance], NONE, "a higher priority takes over: the default"),
    acts("preempt_delay", &[Instance], seconds(0, 1_000_000_000), "wait before taking over, 0 to 1000 s"),
    acts("version", &[Instance], integer(2, 3), "VRRP version, that of vrrp_version when absent")
        .first_counts(),
    acts("authentication", &[Instance], NONE, "authentication of VRRPv2").block(Authentication),
    acts("auth_type", &[Authentication], WORD, "PASS or AH"),
    acts("auth_pass", &[Authentication], WORD, "password; its first 8 bytes count (RFC 2338 §5.3.6.2)"),
    acts("auth_hmac", &[Instance], NONE, "authentication by HMAC, keepalived 2.4").block(AuthHmac),
    acts(
        "key",
        &[AuthHmac],
        Arguments { least: 2, most: 2, kind: Kind::Integer(1, 255) },
        "number and key: 32 to 64 bytes, `hex:…`, or `file:PATH`",
    )
    .repeats(),
    acts("active_key", &[AuthHmac], integer(1, 255), "number of the key to sign with"),
    acts(
        "time_window",
        &[AuthHmac],
        integer(1, 300),
        "how far the time of a packet may be from ours, seconds; three advert_int, at least 5, when absent",
    ),
    acts(
        "anti_replay",
        &[AuthHmac],
        one_of(&["time", "monotonic"], 0),
        "time: the window counts; monotonic: numbers only have to grow",
    ),
    acts(
        "mode",
        &[AuthHmac],
        one_of(&["enforce", "permissive", "receive-only"], 0),
        "enforce when absent; permissive accepts packets without, receive-only sends none either",
    ),
    acts("strict_mode", &[Instance], SWITCH, "vrrp_strict for this instance"),
    acts("skip_check_adv_addr", &[Instance], SWITCH, "vrrp_skip_check_adv_addr for this instance"),
    acts(
        "down_timer_adverts",
        &[Instance],
        integer(1, 100),
        "advertisements missed before taking over, 3 when absent",
    ),
    acts("lower_prio_no_advert", &[Instance], SWITCH, "do not answer a lower priority with an advertisement"),
    acts(
        "higher_prio_send_advert",
        &[Instance],
        SWITCH,
        "advertise once more when a higher priority takes over",
    ),
    acts("owner_ignore_adverts", &[Instance], SWITCH, "the address owner ignores advertisements"),
    no_effect(
        "timer_expired_backup",
        &[Instance],
        integer(1, 254).optional(),
        "a master with nopreempt becomes backup when its timer was so late that another may have taken over",
        LATE,
    ),
    no_effect(
        "thread_timer_expired",
        &[Instance],
        integer(1, 254).optional(),
        "old name of timer_expired_backup",
        LATE,
    ),
    acts("v3_checksum_as_v2", &[Instance], SWITCH, "VRRPv3 checksum without pseudo-header"),
    acts("kernel_rx_buf_size", &[Instance], integer(0, 4_294_967_295), "receive buffer, bytes"),
    acts("accept", &[Instance], NONE, "answer traffic to the addresses although strict"),
    acts("no_accept", &[Instance], NONE, "drop traffic to the addresses"),
    acts(
        "native_ipv6",
        &[Instance],
        NONE,
        "old word for an instance of IPv6; the family follows from the addresses",
    ),
    no_effect(
        "debug",
        &[Instance],
        integer(0, 4).optional(),
        "how much an instance says",
        "keepalived takes it and acts on it nowhere; -D and -G say how much is logged",
    ),
    // vrrp_instance: addresses and peers.
    acts("virtual_ipaddress", &[Instance], NONE, "the addresses, sent in advertisements")
        .block(Addresses)
        .repeats(),
    acts("virtual_ipaddress_excluded", &[Instance], NONE, "addresses that are not advertised")
        .block(Addresses)
        .repeats(),
    acts("mcast_src_ip", &[Instance], WORD, "source address of advertisements"),
    acts("mcast_dst_ip", &[Instance], WORD, "multicast group of this instance"),
    acts("unicast_src_ip", &[Instance], WORD, "source address of advertisements"),
    acts("unicast_peer", &[Instance], NONE, "peers, instead of multicast").block(Peers).repeats(),
    acts("unicast_ttl", &[Instance], integer(0, 255), "TTL of unicast advertisements, 255 when absent"),
    acts("check_unicast_src", &[Instance], NONE, "accept unicast advertisements of listed peers only"),
    acts("unicast_fault_no_peer", &[Instance], NONE, "FAULT when there is no peer"),
    acts(
        "old_unicast_checksum",
        &[Instance],
        one_of(&["never"], 0).optional(),
        "VRRPv3 unicast checksum of keepalived 1.3.6",
    ),
    acts("track_src_ip", &[Instance], NONE, "FAULT when the source address is gone"),
    acts("virtual_routes", &[Instance], NONE, "routes of the master").block(Routes).repeats(),
    acts("virtual_rules", &[Instance], NONE, "rules of the master").block(Rules).repeats(),
    acts("no_virtual_ipaddress", &[Instance], NONE, "there are no addresses on purpose"),
    acts("promote_secondaries", &[Instance], NONE, "keep secondary addresses when the first one goes"),
    // vrrp_instance: interfaces.
    acts("use_vmac", &[Instance], words(0, 6), "an interface with the virtual MAC address"),
    acts("use_vmac_addr", &[Instance], NONE, "VMAC interfaces for addresses too"),
    acts("vmac_xmit_base", &[Instance], NONE, "send from the base interface"),
    acts("use_ipvlan", &[Instance], words(0, 6), "an ipvlan interface").first_counts(),
    acts("vrf", &[Instance], WORD, "VRF of the instance").first_counts(),
    acts("linkbeat_use_polling", &[Instance], NONE, "ask for the link every second"),
    later("lvs_sync_daemon_interface", &[Instance], WORD, "old way to write lvs_sync_daemon"),
    later("lvs_sync_daemon_inteface", &[Instance], WORD, "lvs_sync_daemon_interface as old manuals spelt it"),
    // Tracking.
    acts("track_script", &[Instance], NONE, "scripts that move the priority").block(Names).repeats(),
    acts("track_interface", &[Instance], NONE, "interfaces that move the priority").block(Names).repeats(),
    acts("dont_track_primary", &[Instance], NONE, "a fault of the interface is no fault of the instance"),
    acts("track_file", &[Instance, SyncGroup], NONE, "files that move the priority").block(Names).repeats(),
    acts("track_process", &[Instance, SyncGroup], NONE, "processes that move the priority")
        .block(Names)
        .repeats(),
    acts("track_bfd", &[Instance, SyncGroup], NONE, "BFD sessions that move the priority")
        .block(Names)
        .repeats(),
    acts("track_script", &[SyncGroup], NONE, "scripts that move the priority").block(Names).repeats(),
    acts("track_interface", &[SyncGroup], NONE, "interfaces that move the priority").block(Names).repeats(),
    // Notification.
    acts("notify_master", &[Instance], COMMAND, "run on becoming master").first_counts(),
    acts("notify_backup", &[Instance], COMMAND, "run on becoming backup").first_counts(),
    acts("notify_fault", &[Instance], COMMAND, "run on a fault").first_counts(),
    acts("notify_stop", &[Instance], COMMAND, "run at the end").first_counts(),
    acts("notify", &[Instance], COMMAND, "run on every change with type, name, state and priority")
        .first_counts(),
    acts("notify_deleted", &[Instance], COMMAND.optional(), "run when a reload removes the instance")
        .first_counts(),
    acts("notify_master_rx_lower_pri", &[Instance], COMMAND, "run when a master hears a lower priority")
        .first_counts(),
    acts("notify_master", &[SyncGroup], COMMAND, "run on becoming master").first_counts(),
    acts("notify_backup", &[SyncGroup], COMMAND, "run on becoming backup").first_counts(),
    acts("notify_fault", &[SyncGroup], COMMAND, "run on a fault").first_counts(),
    acts("notify_stop", &[SyncGroup], COMMAND, "run at the end").first_counts(),
    acts("notify_deleted", &[SyncGroup], COMMAND, "run when a reload removes the group").first_counts(),
    acts("notify", &[SyncGroup], COMMAND, "run on every change").first_counts(),
    acts("notify_priority_changes", &[Instance, SyncGroup], SWITCH, "tell about changes of priority"),
    acts("smtp_alert", &[Instance], SWITCH, "send mail on a change of state"),
    acts("smtp_alert", &[SyncGroup], SWITCH, "send mail on a change of state"),
    // Gratuitous ARP.
    acts(
        "garp_master_delay",
        &[Instance],
        integer(0, 4294),
        "second ARP burst after becoming master, 5 s when absent",
    ),
    acts(
        "garp_master_repeat",
        &[Instance],
        integer(0, 4_294_967_295),
        "ARPs an address in a burst, 5 when absent",
    ),
    acts(
        "garp_master_refresh",
        &[Instance],
        integer(0, 4_294_967_295),
        "ARP bursts while master are this far apart, seconds",
    ),
    acts(
        "garp_master_refresh_repeat",
        &[Instance],
        integer(0, 4_294_967_295),
        "ARPs an address in a refresh",
    ),
    acts(
        "garp_lower_prio_delay",
        &[Instance],
        integer(0, 4294),
        "second ARP burst after a lower priority was heard",
    ),
    acts(
        "garp_lower_prio_repeat",
        &[Instance],
        integer(0, 2_147_483_647),
        "ARPs an address after a lower priority",
    ),
    acts(
        "garp_extra_if",
        &[Instance],
        ANY,
        "seconds between ARPs for one address on each VMAC (with `all`, each interface) that no advertisement leaves by",
    ),
    acts("vmac_garp_intvl", &[Instance], ANY, "old name of garp_extra_if"),
    // bfd_instance.
    acts("bfd_instance", &[Root], WORD, "a BFD session (RFC 5880)").block(Bfd).repeats(),
    acts("source_ip", &[Bfd], WORD, "our address"),
    acts("neighbor_ip", &[Bfd], WORD, "the neighbour's address"),
    acts("neighbour_ip", &[Bfd], WORD, "the neighbour's address"),
    acts("min_rx", &[Bfd], milliseconds(1), "shortest time between packets received, 10 ms when absent"),
    acts("min_tx", &[Bfd], milliseconds(1), "shortest time between packets sent, 10 ms when absent"),
    acts("idle_tx", &[Bfd], milliseconds(1000), "time between packets while down, 1000 ms when absent"),
    acts("multiplier", &[Bfd], integer(1, 255), "packets missed before the session is down, 5 when absent"),
    acts("passive", &[Bfd], NONE, "wait for the neighbour to begin"),
    acts("ttl", &[Bfd], integer(1, 255), "TTL of packets, 255 when absent"),
    acts("hoplimit", &[Bfd], integer(1, 255), "hop limit of packets, 255 when absent"),
    acts("max_hops", &[Bfd], integer(-1, 255), "hops a received packet may have made"),
    acts("multihop", &[Bfd], SWITCH, "the neighbour may be some hops away (RFC 5883)"),
    acts("weight", &[Bfd], integer_and(-253, 253, 1), "added to the priority of instances that track it"),
    acts("vrrp", &[Bfd], NONE, "only VRRP may track it"),
    later("checker", &[Bfd], NONE, "only checkers may track it"),
];
