//! Ours and a real keepalived, from the same configuration text, in every way that both can speak:
//! version, authentication, family, multicast and unicast, and either of them as master. Each time
//! exactly one is master, after a stop, after a death and after a return, and a third host is told
//! within a second where the address is.
//!
//! Needs root, iproute2 and keepalived 2.2 or later; with 2.4, `auth_hmac` is spoken too.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod net;

use keepalived_conf::Environment;
use net::duel::Duel;
use net::{Network, Ours, Program};
use std::fs;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};

/// One way to speak.
#[derive(Clone, Copy, Debug)]
struct Way {
    name: &'static str,
    /// Lines of the instance.
    words: &'static str,
    six: bool,
    unicast: bool,
}

const WAYS: [(&str, &str, bool); 5] = [
    ("v2", "version 2\nadvert_int 1", false),
    ("v2-pass", "version 2\nadvert_int 1\nauthentication {\nauth_type PASS\nauth_pass 1111\n}", false),
    ("v2-ah", "version 2\nadvert_int 1\nauthentication {\nauth_type AH\nauth_pass 1111\n}", false),
    ("v3", "version 3\nadvert_int 0.2", false),
    ("v3-ipv6", "version 3\nadvert_int 0.2", true),
];

/// What keepalived 2.4 and later speak too.
const LATER_WAYS: [(&str, &str, bool); 3] = [
    ("v2-hmac", "version 2\nadvert_int 1\nauth_hmac {\nkey 1 KEY\nactive_key 1\n}", false),
    ("v3-hmac", "version 3\nadvert_int 0.2\nauth_hmac {\nkey 1 KEY\nactive_key 1\n}", false),
    ("v3-ipv6-hmac", "version 3\nadvert_int 0.2\nauth_hmac {\nkey 1 KEY\nactive_key 1\n}", true),
];

/// Whether the keepalived here is 2.4 or later.
fn knows_hmac() -> bool {
    let Ok(output) = Command::new("keepalived").arg("-v").output() else { return false };
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    let version = text.split_whitespace().find_map(|word| word.strip_prefix('v'));
    let mut numbers = version.unwrap_or_default().split('.').map(|number| number.parse().unwrap_or(0));
    (numbers.next(), numbers.next()) >= (Some(2), Some(4))
}

impl Way {
    /// Address of a host, 1 and 2 for the routers.
    fn host(self, number: u8) -> String {
        if self.six { format!("fe80::{number}") } else { format!("10.78.0.{number}") }
    }

    /// The address that clients use.
    fn served(self) -> &'static str {
        if self.six { "fd78::64" } else { "10.78.0.100" }
    }

    fn configuration(self, number: u8, priority: u8) -> String {
        let addresses = if self.six { "fe80::64/64\nfd78::64/64" } else { "10.78.0.100/24" };
        let unicast = match self.unicast {
            true => format!(
                "unicast_src_ip {}\nunicast_peer {{\n{}\n}}",
                self.host(number),
                self.host(3 - number)
            ),
            false => String::new(),
        };
        let words = self.words.replace("KEY", "a-key-that-is-at-least-32-bytes-long");
        format!(
            "global_defs {{\nrouter_id host{number}\n}}\nvrrp_instance VI_A {{\nstate BACKUP\ninterface \
             eth0\nvirtual_router_id 61\npriority {priority}\n{words}\n{unicast}\nvirtual_ipaddress {{\n\
             {addresses}\n}}\n}}\n"
        )
    }
}

/// Who is on the first host; the other one is on the second.
#[derive(Clone, Copy, Debug)]
enum First {
    Ours,
    Keepalived,
}

/// A network for one way, and how to start a router on each of its hosts.
struct Pair {
    network: Network,
    way: Way,
    first: First,
    /// What those of ours have logged.
    logs: Mutex<Vec<Arc<fs::File>>>,
}

impl Pair {
    fn new(way: Way, first: First) -> Option<Self> {
        let network = Network::new()?;
        if way.six {
            for (number, host) in [(1, &network.a), (2, &network.b)] {
                // Addresses that are known beforehand, in use at once.
                host.ip("link set eth0 addrgenmode none");
                host.ip(&format!("addr add fe80::{number}/64 dev eth0 nodad"));
                host.ip(&format!("addr add fd78::{number}/64 dev eth0 nodad"));
            }
            network.client_ip("addr add fd78::9/64 dev br0 nodad");
        }
        Some(Self { network, way, first, logs: Mutex::default() })
    }
}

impl Duel for Pair {
    type Router = Program;

    fn network(&self) -> &Network {
        &self.network
    }

    fn label(&self) -> String {
        format!("{} {:?} unicast {}", self.way.name, self.first, self.way.unicast)
    }

    fn served(&self) -> &'static str {
        self.way.served()
    }

    fn start(&self, number: u8) -> Program {
        let priority = if number == 1 { 150 } else { 100 };
        let path = self.network.directory.path().join(format!("{number}.conf"));
        fs::write(&path, self.way.configuration(number, priority)).unwrap();
        let ours = matches!((self.first, number), (First::Ours, 1) | (First::Keepalived, 2));
        if !ours {
            return net::keepalived_with(&self.network, self.host(number), &path);
        }
        let loaded = keepalived_conf::load(&path, &Environment::default());
        assert!(!loaded.report.has_errors(), "{:?}", loaded.report);
        let ours = Ours::start(self.host(number), loaded.config);
        self.logs.lock().unwrap().push(ours.log_file());
        Program::Ours(ours)
    }

    fn is_master(&self, number: u8) -> bool {
        let output = self.host(number).command("ip").args(["-o", "addr", "show", "dev", "eth0"]).output();
        String::from_utf8_lossy(&output.unwrap().stdout).contains(&format!(" {}/", self.served()))
    }

    fn died(&self, number: u8) {
        for address in ["10.78.0.100/24", "fe80::64/64", "fd78::64/64"] {
            let mut command = self.host(number).command("ip");
            command.args(["addr", "del", address, "dev", "eth0"]).stderr(Stdio::null());
            let _ = command.status();
        }
    }

    fn bring_up(&self, number: u8) {
        self.host(number).ip("link set eth0 up");
        if self.way.six {
            // IPv6 forgets its addresses with the link.
            self.host(number).ip(&format!("addr replace fe80::{number}/64 dev eth0 nodad"));
            self.host(number).ip(&format!("addr replace fd78::{number}/64 dev eth0 nodad"));
        }
    }
}

fn all(first: First) {
    let later: &[_] = if knows_hmac() { &LATER_WAYS } else { &[] };
    let ways = WAYS
        .iter()
        .chain(later)
        .flat_map(|&(name, words, six)| [false, true].map(|unicast| Way { name, words, six, unicast }));
    let pairs: Option<Vec<Pair>> = ways.map(|way| Pair::new(way, first)).collect();
    let Some(pairs) = pairs else { return };
    // Nearly all of it is waiting: all ways at once.
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = pairs.iter().map(|pair| scope.spawn(|| pair.run())).collect();
        threads.into_iter().map(|thread| thread.join()).collect()
    });
    for (pair, outcome) in pairs.iter().zip(outcomes) {
        if outcome.is_err() {
            for name in ["1.log", "2.log"] {
                let log = fs::read_to_string(pair.network.directory.path().join(name)).unwrap_or_default();
                eprintln!("{} unicast {} {name}:\n{log}", pair.way.name, pair.way.unicast);
            }
            for log in &*pair.logs.lock().unwrap() {
                eprintln!("ours:\n{}", net::read_log(log));
            }
            panic!("{} unicast {}", pair.way.name, pair.way.unicast);
        }
    }
}

#[test]
fn ours_before_keepalived() {
    all(First::Ours);
}

#[test]
fn keepalived_before_ours() {
    all(First::Keepalived);
}
