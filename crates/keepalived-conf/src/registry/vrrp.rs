//! `vrrp_instance`, `vrrp_script`, sync groups, tracking, static addresses, BFD.

use super::Context::{
    Addresses, AuthHmac, Authentication, Bfd, GarpGroup, Instance, Names, Peers, Root, Routes, Rules, Script,
    SyncGroup, TrackFile, TrackGroup, TrackProcess,
};
use super::{
    ANY, COMMAND, Keyword, LONGEST, NONE, SWITCH, WORD, acts, dead, integer, integer_and, later, seconds,
    words,
};

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
    later("vrrp_track_process", &[Root], WORD, "watches whether processes run").block(TrackProcess).repeats(),
    later("process", &[TrackProcess], words(1, 64), "the process"),
    later("param_match", &[TrackProcess], WORD, "how its parameters are compared"),
    later("quorum", &[TrackProcess], integer(1, 65_535), "how many must run, 1 when absent"),
    later("quorum_max", &[TrackProcess], integer(0, 65_535), "how many may run"),
    later("delay", &[TrackProcess], seconds(0, LONGEST), "how long before a change counts"),
    later("terminate_delay", &[TrackProcess], seconds(0, LONGEST), "how long before an end counts"),
    later("fork_delay", &[TrackProcess], seconds(0, LONGEST), "how long before a start counts"),
    later("full_command", &[TrackProcess], NONE, "compare the whole command line"),
    later("track_file", &[Root], WORD, "adds a number read from a file to the priority")
        .block(TrackFile)
        .repeats(),
    later("vrrp_track_file", &[Root], WORD, "old name of track_file").block(TrackFile).repeats(),
    later("file", &[TrackFile], WORD, "the file"),
    later("init_file", &[TrackFile], words(0, 2), "creates the file"),
    later("weight", &[TrackProcess, TrackFile], integer_and(-254, 254, 1), "added to the priority"),
    // Sync groups.
    later("vrrp_sync_group", &[Root], WORD, "instances that change state together")
        .block(SyncGroup)
        .repeats(),
    later("group", &[SyncGroup], NONE, "the instances").block(Names),
    later("global_tracking", &[SyncGroup], NONE, "tracking of one counts for all"),
    later("sync_group_tracking_weight", &[SyncGroup], NONE, "weights of members count"),
    later("track_group", &[Root], WORD, "instances whose fault moves static addresses")
        .block(TrackGroup)
        .repeats(),
    later("group", &[TrackGroup], ANY, "the instances").block(Names),
    later("garp_group", &[Root], NONE, "interfaces that share a pause between ARPs")
        .block(GarpGroup)
        .repeats(),
    later("garp_interval", &[GarpGroup], seconds(1, LONGEST), "pause between gratuitous ARPs, seconds"),
    later("gna_interval", &[GarpGroup], seconds(1, LONGEST), "pause between unsolicited NAs, seconds"),
    later("interface", &[GarpGroup], WORD, "one interface"),
    later("interfaces", &[GarpGroup], ANY, "interfaces").block(Names),
    // Static addresses, routes, rules.
    later("static_ipaddress", &[Root], NONE, "addresses that stay").block(Addresses).repeats(),
    later("static_routes", &[Root], NONE, "routes that stay").block(Routes).repeats(),
    later("static_rules", &[Root], NONE, "rules that stay").block(Rules).repeats(),
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
    acts("version", &[Instance], integer(2, 3), "VRRP version, that of vrrp_version when absent"),
    acts("authentication", &[Instance], NONE, "authentication of VRRPv2").block(Authentication),
    acts("auth_type", &[Authentication], WORD, "PASS or AH"),
    acts("auth_pass", &[Authentication], WORD, "password; its first 8 bytes count (RFC 2338 §5.3.6.2)"),
    later("auth_hmac", &[Instance], NONE, "authentication by HMAC, keepalived 2.4").block(AuthHmac),
    later("key", &[AuthHmac], words(1, 4), "a key and its number").repeats(),
    later("active_key", &[AuthHmac], WORD, "number of the key to send with"),
    later("time_window", &[AuthHmac], WORD, "how old a packet may be, seconds"),
    later("anti_replay", &[AuthHmac], ANY, "refuse packets seen before"),
    later("mode", &[AuthHmac], WORD, "whether packets without are refused"),
    acts("strict_mode", &[Instance], SWITCH, "vrrp_strict for this instance"),
    acts("skip_check_adv_addr", &[Instance], SWITCH, "vrrp_skip_check_adv_addr for this instance"),
    later(
        "down_timer_adverts",
        &[Instance],
        integer(1, 100),
        "advertisements missed before taking over, 3 when absent",
    ),
    later(
        "lower_prio_no_advert",
        &[Instance],
        SWITCH,
        "do not answer a lower priority with an advertisement",
    ),
    later(
        "higher_prio_send_advert",
        &[Instance],
        SWITCH,
        "advertise once more when a higher priority takes over",
    ),
    later("owner_ignore_adverts", &[Instance], SWITCH, "the address owner ignores advertisements"),
    later("timer_expired_backup", &[Instance], SWITCH, "become backup after a late timer"),
    later("thread_timer_expired", &[Instance], SWITCH, "become backup after a late timer"),
    later("v3_checksum_as_v2", &[Instance], SWITCH, "VRRPv3 checksum without pseudo-header"),
    later("kernel_rx_buf_size", &[Instance], integer(1, 2_147_483_647), "receive buffer, bytes"),
    later("accept", &[Instance], NONE, "answer traffic to the addresses although strict"),
    later("no_accept", &[Instance], NONE, "drop traffic to the addresses"),
    dead("native_ipv6", &[Instance], NONE, "obsolete: the family follows from the addresses"),
    dead("debug", &[Instance], words(0, 1), "obsolete: no keepalived acts on it"),
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
    later("check_unicast_src", &[Instance], NONE, "accept unicast advertisements of listed peers only"),
    later("unicast_fault_no_peer", &[Instance], NONE, "FAULT when there is no peer"),
    later("old_unicast_checksum", &[Instance], words(0, 1), "VRRPv3 unicast checksum of keepalived 1.3.6"),
    later("track_src_ip", &[Instance], NONE, "FAULT when the source address is gone"),
    later("virtual_routes", &[Instance], NONE, "routes of the master").block(Routes).repeats(),
    later("virtual_rules", &[Instance], NONE, "rules of the master").block(Rules).repeats(),
    later("no_virtual_ipaddress", &[Instance], NONE, "there are no addresses on purpose"),
    later("promote_secondaries", &[Instance], NONE, "keep secondary addresses when the first one goes"),
    // vrrp_instance: interfaces.
    later("use_vmac", &[Instance], words(0, 3), "an interface with the virtual MAC address"),
    later("use_vmac_addr", &[Instance], NONE, "VMAC interfaces for addresses too"),
    later("vmac_xmit_base", &[Instance], NONE, "send from the base interface"),
    later("use_ipvlan", &[Instance], words(0, 3), "an ipvlan interface"),
    later("vrf", &[Instance], WORD, "VRF of the instance"),
    later("linkbeat_use_polling", &[Instance], NONE, "watch the link by polling"),
    later("lvs_sync_daemon_interface", &[Instance], WORD, "old way to write lvs_sync_daemon"),
    later("lvs_sync_daemon_inteface", &[Instance], WORD, "lvs_sync_daemon_interface as old manuals spelt it"),
    // Tracking.
    acts("track_script", &[Instance], NONE, "scripts that move the priority").block(Names).repeats(),
    acts("track_interface", &[Instance], NONE, "interfaces that move the priority").block(Names).repeats(),
    acts("dont_track_primary", &[Instance], NONE, "a fault of the interface is no fault of the instance"),
    later("track_file", &[Instance, SyncGroup], NONE, "files that move the priority").block(Names).repeats(),
    later("track_process", &[Instance, SyncGroup], NONE, "processes that move the priority")
        .block(Names)
        .repeats(),
    later("track_bfd", &[Instance, SyncGroup], NONE, "BFD sessions that move the priority")
        .block(Names)
        .repeats(),
    later("track_script", &[SyncGroup], NONE, "scripts that move the priority").block(Names).repeats(),
    later("track_interface", &[SyncGroup], NONE, "interfaces that move the priority").block(Names).repeats(),
    // Notification.
    acts("notify_master", &[Instance], COMMAND, "run on becoming master"),
    acts("notify_backup", &[Instance], COMMAND, "run on becoming backup"),
    acts("notify_fault", &[Instance], COMMAND, "run on a fault"),
    acts("notify_stop", &[Instance], COMMAND, "run at the end"),
    acts("notify", &[Instance], COMMAND, "run on every change with type, name, state and priority"),
    later("notify_deleted", &[Instance], COMMAND, "run when a reload removes the instance"),
    later("notify_master_rx_lower_pri", &[Instance], COMMAND, "run when a master hears a lower priority"),
    later("notify_master", &[SyncGroup], COMMAND, "run on becoming master"),
    later("notify_backup", &[SyncGroup], COMMAND, "run on becoming backup"),
    later("notify_fault", &[SyncGroup], COMMAND, "run on a fault"),
    later("notify_stop", &[SyncGroup], COMMAND, "run at the end"),
    later("notify_deleted", &[SyncGroup], COMMAND, "run when a reload removes the group"),
    later("notify", &[SyncGroup], COMMAND, "run on every change"),
    later("notify_priority_changes", &[Instance, SyncGroup], SWITCH, "tell about changes of priority"),
    acts("smtp_alert", &[Instance], SWITCH, "send mail on a change of state"),
    later("smtp_alert", &[SyncGroup], SWITCH, "send mail on a change of state"),
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
        integer(0, 4294),
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
        integer(0, 4_294_967_295),
        "ARPs an address after a lower priority",
    ),
    later("garp_extra_if", &[Instance], ANY, "gratuitous ARPs on the base interface of a VMAC too"),
    later("vmac_garp_intvl", &[Instance], ANY, "old name of garp_extra_if"),
    // bfd_instance.
    later("bfd_instance", &[Root], WORD, "a BFD session (RFC 5880)").block(Bfd).repeats(),
    later("source_ip", &[Bfd], WORD, "our address"),
    later("neighbor_ip", &[Bfd], WORD, "the neighbour's address"),
    later("neighbour_ip", &[Bfd], WORD, "the neighbour's address"),
    later("min_rx", &[Bfd], seconds(0, LONGEST), "shortest time between packets received, ms"),
    later("min_tx", &[Bfd], seconds(0, LONGEST), "shortest time between packets sent, ms"),
    later("idle_tx", &[Bfd], seconds(0, LONGEST), "time between packets while down, ms"),
    later("multiplier", &[Bfd], integer(1, 255), "packets missed before the session is down, 5 when absent"),
    later("passive", &[Bfd], NONE, "wait for the neighbour to begin"),
    later("ttl", &[Bfd], integer(1, 255), "TTL of packets"),
    later("hoplimit", &[Bfd], integer(1, 255), "hop limit of packets"),
    later("max_hops", &[Bfd], integer(-1, 255), "hops a received packet may have made"),
    later("multihop", &[Bfd], NONE, "the neighbour may be some hops away (RFC 5883)"),
    later("weight", &[Bfd], integer_and(-253, 253, 1), "added to the priority of instances that track it"),
    later("vrrp", &[Bfd], NONE, "only VRRP may track it"),
    later("checker", &[Bfd], NONE, "only checkers may track it"),
];
