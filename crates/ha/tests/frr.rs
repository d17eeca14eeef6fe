//! Ours and FRR's vrrpd in one group: VRRPv2, VRRPv3 over IPv4 and over IPv6 (it has no
//! authentication and no unicast), either of them as master. Each time exactly one is master, after a
//! stop, after a death and after a return, and a third host is told within a second.
//!
//! FRR keeps the addresses on a macvlan with the virtual router's Ethernet address, made beforehand,
//! which is up while it is master. Needs root, iproute2 and frr; without frr it is not run.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod net;

use keepalived_conf::Environment;
use net::duel::{self, Duel};
use net::{Host, Network, Ours, Program};
use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;
use wire::Mac;

const ZEBRA: &str = "/usr/lib/frr/zebra";
const VRRPD: &str = "/usr/lib/frr/vrrpd";
const VRID: u8 = 61;

#[derive(Clone, Copy, Debug)]
struct Way {
    name: &'static str,
    version: u8,
    /// Milliseconds.
    interval: u32,
    six: bool,
}

const WAYS: [Way; 3] = [
    Way { name: "v2", version: 2, interval: 1000, six: false },
    Way { name: "v3", version: 3, interval: 200, six: false },
    Way { name: "v3-ipv6", version: 3, interval: 200, six: true },
];

impl Way {
    fn addresses(self) -> &'static [&'static str] {
        if self.six { &["fe80::64/64", "fd78::64/64"] } else { &["10.78.0.100/24"] }
    }

    /// The address that the client uses.
    fn served(self) -> &'static str {
        if self.six { "fd78::64" } else { "10.78.0.100" }
    }

    fn ours(self, priority: u8) -> String {
        let Self { version, interval, .. } = self;
        format!(
            "vrrp_instance VI_A {{\nstate BACKUP\ninterface eth0\nvirtual_router_id {VRID}\npriority \
             {priority}\nversion {version}\nadvert_int {}\nvirtual_ipaddress {{\n{}\n}}\n}}\n",
            f64::from(interval) / 1000.0,
            self.addresses().join("\n")
        )
    }

    fn frr(self, priority: u8) -> String {
        let Self { version, interval, .. } = self;
        let kind = if self.six { "ipv6" } else { "ip" };
        let bare = |address: &&str| address.split('/').next().unwrap().to_owned();
        let addresses: String =
            self.addresses().iter().map(|a| format!(" vrrp {VRID} {kind} {}\n", bare(a))).collect();
        format!(
            "interface eth0\n vrrp {VRID} version {version}\n vrrp {VRID} priority {priority}\n vrrp {VRID} \
             advertisement-interval {interval}\n{addresses}"
        )
    }
}

/// FRR's daemons on a host. The first process of their namespace is a shell: that `unshare` ends takes
/// it along, and it takes them along. They themselves would live on, since they change their user.
struct Frr(Child);

impl Frr {
    fn start(host: &Host, directory: &Path, configuration: &str) -> Self {
        let etc = directory.join("frr");
        fs::create_dir_all(&etc).unwrap();
        fs::write(etc.join("zebra.conf"), "hostname frr\n").unwrap();
        fs::write(etc.join("vrrpd.conf"), configuration).unwrap();
        let script = format!(
            "mount -t tmpfs tmpfs /run && mkdir /run/frr && mount --bind {} /etc/frr && chown -R frr:frr \
             /run/frr /etc/frr && {ZEBRA} -d && until [ -S /run/frr/zserv.api ]; do sleep 0.05; done && \
             {VRRPD}; exit $?",
            etc.display()
        );
        let mut command = host.command("unshare");
        command.args([
            "--mount",
            "--pid",
            "--mount-proc",
            "--fork",
            "--kill-child=KILL",
            "sh",
            "-c",
            &script,
        ]);
        let log = fs::File::create(directory.join("frr.log")).unwrap();
        Self(command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap())
    }
}

impl Drop for Frr {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn children(pid: u32) -> Vec<u32> {
    let pids = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap();
    pids.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

fn is_vrrpd(pid: u32) -> bool {
    fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.trim() == "vrrpd")
}

enum Router {
    Ours(Program),
    Frr(Frr),
}

impl duel::Router for Router {
    fn stop(&mut self) {
        match self {
            Router::Ours(ours) => ours.stop(),
            Router::Frr(frr) => {
                let shell = children(frr.0.id())[0];
                let vrrpd = children(shell).into_iter().find(|pid| is_vrrpd(*pid)).unwrap();
                std::process::Command::new("kill").arg(vrrpd.to_string()).status().unwrap();
                // It has said its last word within a second; its end may take longer.
                std::thread::sleep(Duration::from_secs(1));
                frr.0.kill().unwrap();
                frr.0.wait().unwrap();
            }
        }
    }

    fn kill(&mut self) {
        match self {
            Router::Ours(ours) => ours.kill(),
            Router::Frr(frr) => {
                frr.0.kill().unwrap();
                frr.0.wait().unwrap();
            }
        }
    }
}

struct Pair {
    network: Network,
    way: Way,
    /// The number of the host that FRR is on, 1 or 2.
    frr: u8,
}

impl Pair {
    fn new(way: Way, frr: u8) -> Option<Self> {
        let network = Network::new()?;
        for (number, host) in [(1, &network.a), (2, &network.b)] {
            host.ip("link set eth0 addrgenmode none");
            if way.six {
                host.ip(&format!("addr add fe80::{number}/64 dev eth0 nodad"));
                host.ip(&format!("addr add fd78::{number}/64 dev eth0 nodad"));
            }
        }
        if way.six {
            network.client_ip("addr add fd78::9/64 dev br0 nodad");
        }
        let pair = Self { network, way, frr };
        let host = pair.host(frr);
        host.ip("link add vrrp1 link eth0 type macvlan mode bridge");
        host.ip("link set vrrp1 addrgenmode none");
        host.ip(&format!("link set vrrp1 address {}", pair.virtual_mac()));
        for address in way.addresses() {
            host.ip(&format!("addr add {address} dev vrrp1{}", if way.six { " nodad" } else { "" }));
        }
        host.ip("link set vrrp1 up");
        Some(pair)
    }

    fn virtual_mac(&self) -> Mac {
        Mac::virtual_router(VRID, self.way.six)
    }
}

impl Duel for Pair {
    type Router = Router;

    fn network(&self) -> &Network {
        &self.network
    }

    fn label(&self) -> String {
        format!("{} FRR on host {}", self.way.name, self.frr)
    }

    fn served(&self) -> &'static str {
        self.way.served()
    }

    fn start(&self, number: u8) -> Router {
        let priority = if number == 1 { 150 } else { 100 };
        let directory = self.network.directory.path();
        if number == self.frr {
            // The addresses are there from the beginning; FRR lets them be used while it is master.
            self.host(number).ip("link set vrrp1 protodown on");
            return Router::Frr(Frr::start(self.host(number), directory, &self.way.frr(priority)));
        }
        let path = directory.join("ours.conf");
        fs::write(&path, self.way.ours(priority)).unwrap();
        let loaded = keepalived_conf::load(&path, &Environment::default());
        assert!(!loaded.report.has_errors(), "{:?}", loaded.report);
        Router::Ours(Program::Ours(Ours::start(self.host(number), loaded.config)))
    }

    fn is_master(&self, number: u8) -> bool {
        let host = self.host(number);
        if number != self.frr {
            let output = host.command("ip").args(["-o", "addr", "show", "dev", "eth0"]).output().unwrap();
            return String::from_utf8_lossy(&output.stdout).contains(&format!(" {}/", self.way.served()));
        }
        let output = host.command("ip").args(["-o", "link", "show", "dev", "vrrp1"]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        text.contains("LOWER_UP") && !text.contains("protodown on")
    }

    fn mac(&self, number: u8) -> Mac {
        if number == self.frr { self.virtual_mac() } else { self.host(number).mac() }
    }

    /// FRR leaves its interface up.
    fn stopped(&self, number: u8) {
        self.died(number);
    }

    fn died(&self, number: u8) {
        if number == self.frr {
            self.host(number).ip("link set vrrp1 protodown on");
            return;
        }
        for address in self.way.addresses() {
            let mut command = self.host(number).command("ip");
            command.args(["addr", "del", address, "dev", "eth0"]).stderr(Stdio::null());
            let _ = command.status();
        }
    }

    fn bring_up(&self, number: u8) {
        let host = self.host(number);
        host.ip("link set eth0 up");
        if !self.way.six {
            if number == self.frr {
                host.ip("link set vrrp1 up");
            }
            return;
        }
        // IPv6 forgets its addresses with the link.
        host.ip(&format!("addr replace fe80::{number}/64 dev eth0 nodad"));
        host.ip(&format!("addr replace fd78::{number}/64 dev eth0 nodad"));
        if number == self.frr {
            host.ip("link set vrrp1 up");
            for address in self.way.addresses() {
                host.ip(&format!("addr replace {address} dev vrrp1 nodad"));
            }
        }
    }
}

fn all(frr: u8) {
    if !Path::new(ZEBRA).exists() {
        eprintln!("not run: frr is not installed");
        return;
    }
    let pairs: Option<Vec<Pair>> = WAYS.iter().map(|&way| Pair::new(way, frr)).collect();
    let Some(pairs) = pairs else { return };
    let outcomes: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = pairs.iter().map(|pair| scope.spawn(|| pair.run())).collect();
        threads.into_iter().map(|thread| thread.join()).collect()
    });
    for (pair, outcome) in pairs.iter().zip(outcomes) {
        if outcome.is_err() {
            let log = fs::read_to_string(pair.network.directory.path().join("frr.log"));
            panic!("{}: {}", pair.way.name, log.unwrap_or_default());
        }
    }
}

#[test]
fn ours_before_frr() {
    all(2);
}

#[test]
fn frr_before_ours() {
    all(1);
}
