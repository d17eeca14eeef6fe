//! The first tutorial, whose configurations are pictures: rebuilt from its text.

use crate::Programs;
use crate::files::NOTIFY;
use crate::program::is_installed;
use crate::scenario::{Action, Condition, HostPlan, Scenario, seconds, step};
use std::net::Ipv4Addr;

use Action::{Adverts, Await, Boot, Crash, Run, Stays};
use Condition::{File, Holds, Log, Mail, Page};

const VIP: Ipv4Addr = Ipv4Addr::new(192, 168, 11, 188);
const VIP_2: Ipv4Addr = Ipv4Addr::new(192, 168, 11, 199);
const ADDRESS_A: Ipv4Addr = Ipv4Addr::new(192, 168, 11, 4);
const ADDRESS_B: Ipv4Addr = Ipv4Addr::new(192, 168, 11, 7);
const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 168, 11, 100);
const OTHER_GROUP: Ipv4Addr = Ipv4Addr::new(234, 6, 6, 6);
const A: &str = "mcb-11-4";
const B: &str = "mcb-11-7";
const URL: &str = "http://192.168.11.188";

/// Names of all its scenarios.
pub const NAMES: [&str; 9] = [
    "single",
    "dual",
    "nopreempt",
    "preempt-delay",
    "multicast-group",
    "unicast",
    "script",
    "notify",
    "log-file",
];

/// One of the two directors' keepalived.conf, part by part.
#[derive(Clone, Default)]
struct Conf {
    global: String,
    before: String,
    instances: String,
}

/// An instance with more words inside; `vrid` 51 has the first address.
fn instance(name: &str, state: &str, vrid: u8, priority: u8, more: &str) -> String {
    let vip = if vrid == 51 { VIP } else { VIP_2 };
    format!(
        "vrrp_instance {name} {{
    state {state}
    interface ens33
    virtual_router_id {vrid}
    priority {priority}
    advert_int 1
    authentication {{
        auth_type PASS
        auth_pass 1111
    }}
    virtual_ipaddress {{
        {vip}
    }}
{more}}}
"
    )
}

impl Conf {
    fn new(instances: String) -> Self {
        Self { instances, ..Self::default() }
    }

    fn text(&self, router_id: &str) -> String {
        let Self { global, before, instances } = self;
        format!(
            "global_defs {{
    notification_email {{
        root@localhost
    }}
    notification_email_from keepalived@localhost
    smtp_server 127.0.0.1
    smtp_connect_timeout 30
    router_id {router_id}
    vrrp_skip_check_adv_addr
{global}}}
{before}{instances}"
        )
    }
}

fn director(name: &'static str, address: Ipv4Addr, conf: &Conf, programs: &Programs) -> HostPlan {
    let router_id = if name == A { "LVS_01" } else { "LVS_02" };
    let page = "events {
    worker_connections 1024;
}
http {
    server {
        listen 80;
        root /usr/share/nginx/html;
        index index.html;
    }
}
";
    HostPlan {
        name,
        address,
        prefix: 24,
        programs: programs.clone(),
        files: vec![
            ("/etc/keepalived/keepalived.conf", conf.text(router_id)),
            ("/etc/nginx/nginx.conf", page.into()),
            ("/usr/share/nginx/html/index.html", format!("<h1> {name} </h1>\n")),
        ],
        units: vec!["nginx", "keepalived"],
        syslog: true,
    }
}

/// A scenario by its name in [`NAMES`].
pub fn named(name: &str, programs: &Programs) -> Option<Scenario> {
    let instance_of = |a_state, a_more: &str, b_more: &str| {
        let of_a = Conf::new(instance("VI_1", a_state, 51, 100, a_more));
        (of_a, Conf::new(instance("VI_1", "BACKUP", 51, 80, b_more)))
    };
    let a_first = Await(Holds(A, VIP), seconds(20));
    let a_serves = Await(Page(URL, A), seconds(3));
    let b_takes_over = Await(Holds(B, VIP), seconds(8));
    let a_takes_back = Await(Holds(A, VIP), seconds(20));
    let stop = Run(A, "systemctl stop keepalived");
    let start = Run(A, "systemctl start keepalived");
    let elected = step("A is master", false, vec![a_first, a_serves]);
    let ((mut a, mut b), steps) = match name {
        "single" => (
            instance_of("MASTER", "", ""),
            vec![
                elected,
                step(
                    "A dies, B takes over",
                    true,
                    vec![Crash(A), b_takes_over, Await(Page(URL, B), seconds(3))],
                ),
                step("A is back and takes the address back", true, vec![Boot(A), a_takes_back]),
            ],
        ),
        "dual" => {
            let (mut a, mut b) = instance_of("MASTER", "", "");
            a.instances.push_str(&instance("VI_2", "BACKUP", 52, 80, ""));
            b.instances.push_str(&instance("VI_2", "MASTER", 52, 100, ""));
            let each = || Await(Holds(B, VIP_2), seconds(20));
            let steps = vec![
                elected,
                step("B is master of the other address", false, vec![each()]),
                step("A dies, B has both", true, vec![Crash(A), b_takes_over, each()]),
                step("A is back: each has its own", true, vec![Boot(A), a_takes_back, each()]),
            ];
            ((a, b), steps)
        }
        "nopreempt" => (
            instance_of("BACKUP", "    nopreempt\n", ""),
            vec![
                elected,
                step(
                    "A is stopped, B takes over at once",
                    true,
                    vec![stop, Await(Holds(B, VIP), seconds(3))],
                ),
                step(
                    "A is back and does not take the address",
                    true,
                    vec![start, Stays(Holds(B, VIP), seconds(7))],
                ),
            ],
        ),
        "preempt-delay" => (
            instance_of("BACKUP", "    preempt_delay 6\n", ""),
            vec![
                // Without a master there is nobody to be patient with.
                step("A is master", false, vec![Await(Holds(A, VIP), seconds(20))]),
                step(
                    "A is stopped, B takes over at once",
                    true,
                    vec![stop, Await(Holds(B, VIP), seconds(3))],
                ),
                step(
                    "A is back and takes the address after its delay of 6 s",
                    true,
                    vec![start, Stays(Holds(B, VIP), seconds(6)), Await(Holds(A, VIP), seconds(8))],
                ),
            ],
        ),
        "multicast-group" => (
            instance_of("MASTER", "", ""),
            vec![
                step(
                    "A is master and speaks to the other group",
                    false,
                    vec![
                        Await(Holds(A, VIP), seconds(20)),
                        Stays(Holds(A, VIP), seconds(2)),
                        Adverts(A, OTHER_GROUP),
                    ],
                ),
                step("A dies, B takes over", true, vec![Crash(A), b_takes_over]),
            ],
        ),
        "unicast" => {
            let words = |from: Ipv4Addr, to: Ipv4Addr| {
                format!("    unicast_src_ip {from}\n    unicast_peer {{\n        {to}\n    }}\n")
            };
            let steps = vec![
                step(
                    "A is master and speaks to B alone",
                    false,
                    vec![
                        Await(Holds(A, VIP), seconds(20)),
                        Stays(Holds(A, VIP), seconds(2)),
                        Adverts(A, ADDRESS_B),
                    ],
                ),
                step("A dies, B takes over", true, vec![Crash(A), b_takes_over, Adverts(B, ADDRESS_A)]),
            ];
            (instance_of("MASTER", &words(ADDRESS_A, ADDRESS_B), &words(ADDRESS_B, ADDRESS_A)), steps)
        }
        "script" => {
            let track = "    track_script {\n        check_nginx\n    }\n";
            let (mut a, mut b) = instance_of("MASTER", track, track);
            a.before = "vrrp_script check_nginx {
    script \"/etc/keepalived/check_nginx.sh\"
    interval 1
    weight -30
    fall 3
    rise 2
    timeout 2
}
"
            .into();
            b.before.clone_from(&a.before);
            let steps = vec![
                elected,
                step(
                    "nginx is stopped on A: B serves",
                    true,
                    vec![
                        Run(A, "systemctl stop nginx"),
                        Await(Log(A, "VRRP_Script(check_nginx) failed"), seconds(6)),
                        Await(Holds(B, VIP), seconds(10)),
                        Await(Page(URL, B), seconds(3)),
                    ],
                ),
                step("nginx is back on A", true, vec![Run(A, "systemctl start nginx"), a_takes_back]),
            ];
            ((a, b), steps)
        }
        "notify" => {
            let lines: String = ["master", "backup", "fault"]
                .map(|state| format!("    notify_{state} \"/etc/keepalived/notify.sh {state}\"\n"))
                .concat();
            let steps = vec![
                step(
                    "A becomes master and says so",
                    false,
                    vec![
                        Await(Holds(A, VIP), seconds(20)),
                        Await(Mail(A, "mcb-11-4 to be master, vip floating"), seconds(5)),
                    ],
                ),
                step(
                    "A is stopped: B says that it is master",
                    true,
                    vec![stop, Await(Mail(B, "mcb-11-7 to be master, vip floating"), seconds(8))],
                ),
                step(
                    "A is back: B says that it is backup",
                    true,
                    vec![
                        start,
                        Await(Mail(A, "mcb-11-4 to be master, vip floating"), seconds(20)),
                        Await(Mail(B, "mcb-11-7 to be backup, vip floating"), seconds(5)),
                    ],
                ),
                step(
                    "A's cable is pulled and plugged in: A says what happened",
                    true,
                    vec![
                        Action::Cut(A),
                        Await(Mail(A, "mcb-11-4 to be fault, vip floating"), seconds(5)),
                        b_takes_over,
                        Action::Restore(A),
                        a_takes_back,
                    ],
                ),
            ];
            (instance_of("MASTER", &lines, &lines), steps)
        }
        "log-file" => {
            let log = |text| Await(File(A, "/var/log/keepalived.log", text), seconds(20));
            let steps = vec![step(
                "keepalived's lines arrive in a file of their own",
                false,
                vec![
                    Run(A, "rsyslogd -f /etc/rsyslog.conf -i /run/rsyslogd.pid"),
                    start,
                    log("(VI_1) Entering MASTER STATE"),
                    Run(A, "tail -n 5 /var/log/keepalived.log"),
                    Run(A, "! grep -i vrrp /var/log/other.log"),
                ],
            )];
            (instance_of("MASTER", "", ""), steps)
        }
        _ => return None,
    };
    if name == "multicast-group" {
        for conf in [&mut a, &mut b] {
            conf.global = format!("    vrrp_mcast_group4 {OTHER_GROUP}\n");
        }
    }
    let mut of_a = director(A, ADDRESS_A, &a, programs);
    let mut of_b = director(B, ADDRESS_B, &b, programs);
    for plan in [&mut of_a, &mut of_b] {
        plan.files.push(("/etc/keepalived/notify.sh", NOTIFY.into()));
        plan.files.push(("/etc/keepalived/check_nginx.sh", "#!/bin/bash\nkillall -0 nginx\n".into()));
    }
    if name == "log-file" {
        of_a.units.clear();
        of_a.syslog = false;
        of_a.files.push(("/etc/default/keepalived", "DAEMON_ARGS=\"-D -S 6\"\n".into()));
        let rules = "module(load=\"imuxsock\")
local6.* /var/log/keepalived.log
*.*;local6.none /var/log/other.log
";
        of_a.files.push(("/etc/rsyslog.conf", rules.into()));
    }
    let client = HostPlan {
        name: "client",
        address: CLIENT,
        prefix: 24,
        programs: programs.clone(),
        files: Vec::new(),
        units: Vec::new(),
        syslog: true,
    };
    Some(Scenario {
        title: format!("The first tutorial, {name}, with {programs}"),
        hosts: vec![client, of_a, of_b],
        client: "client",
        vip: VIP,
        steps,
    })
}

/// What a scenario needs that is not on this machine.
pub fn missing(name: &str) -> Option<&'static str> {
    (name == "log-file" && !is_installed("rsyslogd")).then_some("rsyslogd")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_has_a_scenario() {
        for name in NAMES {
            assert!(named(name, &Programs::installed()).is_some(), "{name}");
        }
    }
}
