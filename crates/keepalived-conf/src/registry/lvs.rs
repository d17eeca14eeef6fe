//! `virtual_server_group`, `virtual_server`, `real_server`.

use super::Context::{RealServer, Root, ServerGroup, Ssl, VirtualServer};
use super::{COMMAND, Keyword, LONGEST, NONE, SWITCH, WORD, dead, integer, later, one_of, seconds, words};

pub(super) const WORDS: &[Keyword] = &[
    later("virtual_server_group", &[Root], WORD, "addresses and ports that share a virtual server")
        .block(ServerGroup)
        .repeats(),
    later("virtual_server", &[Root], words(1, 3), "an IPVS service").block(VirtualServer).repeats(),
    later("real_server", &[VirtualServer], words(1, 2), "a server behind the virtual one")
        .block(RealServer)
        .repeats(),
    later("sorry_server", &[VirtualServer], words(1, 2), "answers when no real server is left"),
    later("sorry_server_inhibit", &[VirtualServer], NONE, "keep the sorry server in the table with weight 0"),
    later("sorry_server_lvs_method", &[VirtualServer], words(1, 6), "how packets get to the sorry server"),
    later("ip_family", &[VirtualServer], one_of(&["inet", "inet6"], 0), "address family of a mark"),
    later(
        "lb_algo",
        &[VirtualServer],
        one_of(
            &["rr", "wrr", "lc", "wlc", "lblc", "sh", "mh", "dh", "fo", "ovf", "lblcr", "sed", "nq", "twos"],
            0,
        ),
        "scheduler",
    ),
    later(
        "lvs_sched",
        &[VirtualServer],
        one_of(
            &["rr", "wrr", "lc", "wlc", "lblc", "sh", "mh", "dh", "fo", "ovf", "lblcr", "sed", "nq", "twos"],
            0,
        ),
        "scheduler",
    ),
    later("lb_kind", &[VirtualServer], one_of(&["NAT", "DR", "TUN"], 6), "how packets get to real servers"),
    later(
        "lvs_method",
        &[VirtualServer, RealServer],
        one_of(&["NAT", "DR", "TUN"], 6),
        "how packets get to real servers",
    ),
    later("protocol", &[VirtualServer], one_of(&["TCP", "UDP", "SCTP"], 0), "the protocol"),
    later("persistence_engine", &[VirtualServer], WORD, "what recognises a client"),
    later(
        "persistence_timeout",
        &[VirtualServer],
        integer(1, 2_678_400).optional(),
        "how long a client stays with a server, 360 s when bare",
    ),
    later("persistence_granularity", &[VirtualServer], WORD, "netmask that groups clients"),
    later("hashed", &[VirtualServer], NONE, "scheduler flag"),
    later("ops", &[VirtualServer], NONE, "schedule each packet anew"),
    later("flag-1", &[VirtualServer], NONE, "scheduler flag"),
    later("flag-2", &[VirtualServer], NONE, "scheduler flag"),
    later("flag-3", &[VirtualServer], NONE, "scheduler flag"),
    later("sh-port", &[VirtualServer], NONE, "source hashing takes the port too"),
    later("sh-fallback", &[VirtualServer], NONE, "source hashing goes on to the next server"),
    later("mh-port", &[VirtualServer], NONE, "Maglev hashing takes the port too"),
    later("mh-fallback", &[VirtualServer], NONE, "Maglev hashing goes on to the next server"),
    later("ha_suspend", &[VirtualServer], NONE, "no checks while the address is elsewhere"),
    later("alpha", &[VirtualServer], SWITCH, "servers count as down until checked"),
    later("alpha", &[RealServer], SWITCH, "the server counts as down until checked"),
    later("omega", &[VirtualServer], NONE, "call notify scripts at the end"),
    later("quorum", &[VirtualServer], integer(1, 4_294_967_295), "weight that must be up, 1 when absent"),
    later(
        "hysteresis",
        &[VirtualServer],
        integer(0, 4_294_967_295),
        "weight around the quorum that changes nothing",
    ),
    later("quorum_up", &[VirtualServer], COMMAND, "run when the quorum is reached"),
    later("quorum_down", &[VirtualServer], COMMAND, "run when the quorum is lost"),
    later(
        "weight",
        &[VirtualServer, RealServer],
        integer(-2_147_483_647, 65_535),
        "weight of a server, 1 when absent",
    ),
    later("uthreshold", &[RealServer], integer(0, 4_294_967_295), "most connections"),
    later("lthreshold", &[RealServer], integer(0, 4_294_967_295), "connections below which it is free again"),
    later("notify_up", &[RealServer], COMMAND, "run when the server is up"),
    later("notify_down", &[RealServer], COMMAND, "run when the server is down"),
    later(
        "inhibit_on_failure",
        &[VirtualServer, RealServer],
        SWITCH,
        "weight 0 instead of removal on failure",
    ),
    later(
        "retry",
        &[VirtualServer, RealServer],
        integer(0, 4_294_967_295),
        "further tries before a check fails",
    ),
    later("delay_before_retry", &[VirtualServer, RealServer], seconds(0, LONGEST), "wait between tries"),
    later(
        "warmup",
        &[VirtualServer, RealServer],
        seconds(0, LONGEST),
        "longest random wait before the first check",
    ),
    later(
        "connect_timeout",
        &[VirtualServer, RealServer],
        seconds(1, LONGEST),
        "limit for connecting, 5 s when absent",
    ),
    later(
        "delay_loop",
        &[VirtualServer, RealServer],
        seconds(1, LONGEST),
        "time between checks, 60 s when absent",
    ),
    later("smtp_alert", &[VirtualServer, RealServer], SWITCH, "send mail when a server changes"),
    later("virtualhost", &[VirtualServer, RealServer], WORD, "Host header of checks"),
    later("snmp_name", &[VirtualServer, RealServer], WORD, "name in SNMP"),
    later("password", &[Ssl], WORD, "password of the key"),
    later("ca", &[Ssl], WORD, "file of trusted certificates"),
    later("certificate", &[Ssl], WORD, "our certificate"),
    later("key", &[Ssl], WORD, "our key"),
    dead("nat_mask", &[VirtualServer], words(0, 1), "removed from keepalived with Linux 2.2"),
    dead("net_mask", &[VirtualServer], words(0, 1), "a misreading of nat_mask that tutorials copy"),
];
