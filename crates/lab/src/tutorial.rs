//! The second tutorial: nginx behind keepalived, one address, then two.

use crate::files::{Instance, NOTIFY, REAL_SERVER, director_conf, keepalived_conf};
use crate::scenario::{Action, Condition, HostPlan, Scenario, seconds, step};
use crate::{Program, Programs};
use std::net::Ipv4Addr;
use std::time::Duration;

use Action::{Alternates, Await, Boot, Crash, Fails, Run, Say, Stays};
use Condition::{Holds, Log, Mail, Page, Runs, Stopped};

/// The first virtual address.
pub const VIP: Ipv4Addr = Ipv4Addr::new(172, 16, 253, 150);
/// The second, of the dual-master part.
pub const VIP_B: Ipv4Addr = Ipv4Addr::new(172, 16, 253, 140);
/// Director A's own address.
pub const ADDRESS_A: Ipv4Addr = Ipv4Addr::new(172, 16, 253, 108);
/// Director B's own address.
pub const ADDRESS_B: Ipv4Addr = Ipv4Addr::new(172, 16, 253, 105);
/// Name of director A.
pub const A: &str = "keepalive-A";
/// Name of director B.
pub const B: &str = "keepalive-B";
/// Name of the client.
pub const CLIENT: &str = "client";

const RS1: &str = "LVS-RS1";
const RS2: &str = "LVS-RS2";
const PAGES: [&str; 2] = ["<h1> Web RS1 </h1>", "<h1> Web RS2 </h1>"];
const URL: &str = "http://172.16.253.150";
const URL_B: &str = "http://172.16.253.140";

/// Shows how many connections each thread has accepted; fails when one has none.
const THREADS: &str = "backstay status | grep 'accepted by thread: [1-9][0-9]*, [1-9]'";

const SHOW: &str = "ip -4 a l dev ens33 | grep inet || true";

/// A crash is noticed after 3 × advert_int + skew: 3.63 s at priority 95; a check fails before that
/// within 2 runs of at most 2 s, and a mended one needs as long.
const MOVED: Duration = seconds(14);
/// Two more checks and a takeover: as long as nothing may happen to believe that it never will.
const UNMOVED: Duration = seconds(8);

fn instance(name: &'static str, state: &'static str, priority: u8) -> Instance {
    let (vrid, password, address) = match name {
        "VI_A" => (51, "qr8hQHuL", "172.16.253.150"),
        _ => (52, "qr8hQH99", "172.16.253.140"),
    };
    Instance { name, state, vrid, priority, password, address }
}

/// The tutorial's hosts. The real servers and the client are the same in both halves.
pub(crate) fn hosts(programs: [&Programs; 2], instances: [Vec<Instance>; 2]) -> Vec<HostPlan> {
    let [a, b] = programs;
    let [of_a, of_b] = instances;
    let director = |name, address, sorry: &str, router_id, instances: &[Instance], programs: &Programs| {
        let files = vec![
            ("/etc/keepalived/keepalived.conf", keepalived_conf(router_id, instances, programs)),
            ("/etc/keepalived/notify.sh", NOTIFY.into()),
            ("/etc/nginx/nginx.conf", director_conf(programs)),
            ("/usr/share/nginx/html/index.html", format!("<h1> sorry from {sorry} </h1>\n")),
        ];
        let units = vec!["nginx", "keepalived"];
        HostPlan { name, address, prefix: 16, programs: programs.clone(), files, units, syslog: true }
    };
    let real_server = |name, address, page: &str| HostPlan {
        name,
        address,
        prefix: 16,
        programs: a.clone(),
        files: vec![
            ("/etc/nginx/nginx.conf", REAL_SERVER.into()),
            ("/usr/share/nginx/html/index.html", format!("{page}\n")),
        ],
        units: vec!["nginx"],
        syslog: true,
    };
    vec![
        HostPlan {
            name: CLIENT,
            address: Ipv4Addr::new(172, 16, 253, 177),
            prefix: 16,
            programs: a.clone(),
            files: Vec::new(),
            units: Vec::new(),
            syslog: true,
        },
        real_server(RS1, Ipv4Addr::new(172, 16, 250, 127), PAGES[0]),
        real_server(RS2, Ipv4Addr::new(172, 16, 253, 193), PAGES[1]),
        director(A, ADDRESS_A, "keepalive-A", "keepaliveA", &of_a, a),
        director(B, ADDRESS_B, "keepalive-B", "keepaliveB", &of_b, b),
    ]
}

/// The hosts of the first half, for directors with these programs.
pub(crate) fn single_hosts(a: &Programs, b: &Programs) -> Vec<HostPlan> {
    hosts([a, b], [vec![instance("VI_A", "BACKUP", 100)], vec![instance("VI_A", "BACKUP", 95)]])
}

/// The main scenario: one address, director A before director B.
pub fn single(programs: &Programs) -> Scenario {
    let mut first = vec![
        Await(Holds(A, VIP), seconds(20)),
        Run(A, SHOW),
        Run(B, SHOW),
        Await(Mail(A, "keepalive-A to be master, vip floating"), seconds(5)),
    ];
    if programs.keepalived == Program::Installed {
        first.insert(0, Say("(the check «[[ -f … ]] && …» is written /bin/bash -c '…' for keepalived)"));
    }
    if programs.nginx == Program::Installed {
        first.insert(
            0,
            Say("(chk_nginx has rise 3: nginx tries for 2.5 s to get a taken port, seen by the check)"),
        );
        first.insert(0, Say("(nginx alternates strictly over two workers only with «zone» in upstream)"));
    }
    let mut turns = vec![Alternates(URL, PAGES)];
    if matches!(programs.nginx, Program::Ours(_)) {
        turns.push(Run(A, THREADS));
    }
    Scenario {
        title: format!("Two directors and one address, {VIP}, with {programs}"),
        hosts: single_hosts(programs, programs),
        client: CLIENT,
        vip: VIP,
        steps: vec![
            step("Who holds 172.16.253.150?", false, first),
            step("Ten requests, in turn from both real servers", false, turns),
            step(
                "nginx is stopped on A: B takes over, A's notify starts nginx again, A takes it back",
                true,
                vec![
                    Run(A, "systemctl stop nginx"),
                    Await(Log(A, "VRRP_Script(chk_nginx) failed"), seconds(6)),
                    Await(Holds(B, VIP), MOVED),
                    Await(Mail(A, "keepalive-A to be backup, vip floating"), seconds(5)),
                    Await(Mail(B, "keepalive-B to be master, vip floating"), seconds(5)),
                    Await(Runs(A, "nginx"), seconds(5)),
                    Await(Holds(A, VIP), MOVED),
                    Await(Mail(A, "keepalive-A to be master, vip floating"), seconds(5)),
                ],
            ),
            step(
                "nginx is stopped on A and another server takes port 80: A stays BACKUP",
                true,
                vec![
                    Run(A, "systemctl stop nginx && systemctl start httpd"),
                    Await(Holds(B, VIP), MOVED),
                    Await(Mail(A, "keepalive-A to be backup, vip floating"), seconds(5)),
                    Stays(Holds(B, VIP), UNMOVED),
                    Fails(A, "systemctl status nginx"),
                    Run(A, "systemctl stop httpd"),
                    Say("Port 80 is free again; nobody starts nginx."),
                    Stays(Stopped(A, "nginx"), UNMOVED),
                    Run(A, "systemctl start nginx"),
                    Await(Holds(A, VIP), MOVED),
                ],
            ),
            step(
                "Maintenance: a file takes A out, its removal brings it back",
                true,
                vec![
                    Run(A, "touch /etc/keepalived/down"),
                    Await(Holds(B, VIP), MOVED),
                    Run(A, "rm /etc/keepalived/down"),
                    Await(Holds(A, VIP), MOVED),
                ],
            ),
            step(
                "Both real servers are down: the director says sorry",
                true,
                vec![
                    Run(RS1, "systemctl stop nginx"),
                    Run(RS2, "systemctl stop nginx"),
                    Await(Page(URL, "sorry from keepalive-A"), seconds(5)),
                    Run(CLIENT, "curl -s http://172.16.253.150"),
                    Run(RS1, "systemctl start nginx"),
                    Run(RS2, "systemctl start nginx"),
                    Await(Page(URL, "Web RS"), seconds(15)),
                ],
            ),
            step(
                "A dies",
                true,
                vec![Crash(A), Await(Holds(B, VIP), MOVED), Await(Page(URL, "Web RS"), seconds(5))],
            ),
        ],
    }
}

/// One group of directors with different programs: A is killed and comes back five times, and each time
/// exactly one of them holds the address.
pub fn mixed(a: &Programs, b: &Programs) -> Scenario {
    let mut steps = vec![step("A is master", false, vec![Await(Holds(A, VIP), seconds(20))])];
    for _ in 0..5 {
        steps.push(step("A dies", true, vec![Crash(A), Await(Holds(B, VIP), MOVED)]));
        let back = vec![Boot(A), Await(Holds(A, VIP), seconds(20)), Stays(Holds(A, VIP), seconds(2))];
        steps.push(step("A is back", true, back));
    }
    Scenario {
        title: format!("One group, A with {a}, B with {b}"),
        hosts: single_hosts(a, b),
        client: CLIENT,
        vip: VIP,
        steps,
    }
}

/// The second half: two addresses, each director master of one.
pub fn dual_master(programs: &Programs) -> Scenario {
    let of_a = vec![instance("VI_A", "MASTER", 100), instance("VI_B", "BACKUP", 95)];
    let of_b = vec![instance("VI_A", "BACKUP", 95), instance("VI_B", "MASTER", 100)];
    Scenario {
        title: format!("Two directors, each master of one address, {VIP} and {VIP_B}, with {programs}"),
        hosts: hosts([programs, programs], [of_a, of_b]),
        client: CLIENT,
        vip: VIP,
        steps: vec![
            step(
                "A holds 172.16.253.150, B holds 172.16.253.140",
                false,
                vec![
                    Await(Holds(A, VIP), seconds(20)),
                    Await(Holds(B, VIP_B), seconds(20)),
                    Run(A, SHOW),
                    Run(B, SHOW),
                ],
            ),
            step(
                "Ten requests to each address",
                false,
                vec![Alternates(URL, PAGES), Alternates(URL_B, PAGES)],
            ),
            step(
                "A dies: B serves both addresses",
                true,
                vec![
                    Crash(A),
                    Await(Holds(B, VIP), MOVED),
                    Await(Holds(B, VIP_B), seconds(1)),
                    Await(Page(URL_B, "Web RS"), seconds(5)),
                ],
            ),
            step(
                "A is back: each has its own again",
                true,
                vec![Boot(A), Await(Holds(A, VIP), seconds(20)), Await(Holds(B, VIP_B), seconds(1))],
            ),
        ],
    }
}
