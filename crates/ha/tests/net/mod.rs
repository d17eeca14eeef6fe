//! A switch with two hosts, and the programs that run on them. Ours is the example `ha-alone`, which
//! `cargo test -p ha` builds (`cargo test --test` alone does not).
#![allow(dead_code, reason = "each test target uses a part")]

pub(crate) mod duel;

use ha::message::{In, InstanceState, InstanceStatus, Memory, Out};
use keepalived_conf::model::{
    Authentication, Config, TrackWeight, Tracked, Unicast, VirtualAddress, VrrpInstance, VrrpScript,
};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddrV4};
use std::os::fd::AsFd;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use wire::{Ipv4Header, Mac};

/// The virtual address of all tests.
pub(crate) const VIP: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 100);

/// Two hosts on a switch.
pub(crate) struct Network {
    switch: Host,
    pub(crate) a: Host,
    pub(crate) b: Host,
    pub(crate) directory: tempfile::TempDir,
}

impl Network {
    /// Builds it; `None`, with a word on standard error, without root.
    pub(crate) fn new() -> Option<Self> {
        if !rustix::process::geteuid().is_root() {
            eprintln!("not run: network namespaces need root");
            return None;
        }
        let network = Self {
            switch: Host::new(),
            a: Host::new(),
            b: Host::new(),
            directory: tempfile::tempdir().unwrap(),
        };
        network.switch.ip("link add br0 type bridge");
        network.switch.ip("addr add 10.78.0.9/24 dev br0");
        network.switch.ip("link set br0 up");
        for (number, host) in [(1, &network.a), (2, &network.b)] {
            let pid = network.switch.pid();
            host.ip(&format!("link add eth0 type veth peer name port{number} netns {pid}"));
            network.switch.ip(&format!("link set port{number} master br0 up"));
            host.ip(&format!("addr add 10.78.0.{number}/24 dev eth0"));
            host.ip("link set eth0 up");
            host.ip("link set lo up");
        }
        Some(network)
    }

    /// One more host on the switch, 10.78.0.NUMBER and fd78::NUMBER.
    pub(crate) fn join(&self, number: u8) -> Host {
        let host = Host::new();
        let pid = self.switch.pid();
        host.ip(&format!("link add eth0 type veth peer name port{number} netns {pid}"));
        self.switch.ip(&format!("link set port{number} master br0 up"));
        host.ip(&format!("addr add 10.78.0.{number}/24 dev eth0"));
        host.ip(&format!("addr add fd78::{number}/64 dev eth0 nodad"));
        host.ip("link set eth0 up");
        host.ip("link set lo up");
        host
    }

    /// Runs `ip` on the switch, which is a client too.
    pub(crate) fn client_ip(&self, arguments: &str) {
        self.switch.ip(arguments);
    }

    /// Whether an address answers the client.
    pub(crate) fn client_reaches(&self, address: &str) -> bool {
        let mut command = self.switch.command("ping");
        command.args(["-c", "1", "-W", "1", address]).stdout(Stdio::null()).stderr(Stdio::null());
        command.status().unwrap().success()
    }

    /// The Ethernet address that the client has for an address.
    pub(crate) fn client_neighbour(&self, address: &str) -> Option<Mac> {
        let output = self.switch.command("ip").args(["neigh", "show", address]).output().unwrap();
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let mut words = text.split_whitespace().skip_while(|word| *word != "lladdr");
        words.nth(1)?.parse().ok()
    }

    /// Asks on the wire, three times, who has an address: only the host with this MAC answers.
    pub(crate) fn only_answers(&self, address: Ipv4Addr, expected: Mac) {
        let mut command = self.switch.command("arping");
        command.args(["-c", "3", "-w", "4", "-I", "br0", &address.to_string()]);
        let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
        let replies: Vec<&str> = text.lines().filter(|line| line.contains("reply from")).collect();
        let expected = format!("[{}]", expected.to_string().to_uppercase());
        assert!(!replies.is_empty(), "nobody answers: {text}");
        assert!(replies.iter().all(|reply| reply.contains(&expected)), "not only {expected}: {text}");
    }

    /// Starts to write down all frames that pass the switch; one capture a network.
    pub(crate) fn capture(&self) -> Capture<'_> {
        let file = self.directory.path().join("capture.pcap");
        assert!(!file.exists(), "the file of another capture would be taken for a beginning of this one");
        let mut command = self.switch.command("tcpdump");
        command.args(["-i", "br0", "-U", "--immediate-mode", "-s", "2048", "-B", "65536", "-w"]).arg(&file);
        let child = command.stderr(Stdio::null()).spawn().unwrap();
        eventually("tcpdump listens", || fs::metadata(&file).is_ok_and(|meta| meta.len() >= 24));
        Capture { child, file, switch: &self.switch }
    }
}

/// A running capture.
pub(crate) struct Capture<'a> {
    child: Child,
    file: PathBuf,
    switch: &'a Host,
}

impl Capture<'_> {
    /// Gives all frames until now. The switch asks for an address that nobody has: what came before the
    /// question is written down when the question is.
    pub(crate) fn stop(self) -> Vec<Vec<u8>> {
        let nobody = Ipv4Addr::new(10, 78, 0, 254);
        let mut command = self.switch.command("arping");
        command.args(["-w", "60", "-I", "br0", &nobody.to_string()]).stdout(Stdio::null());
        let mut asking = command.spawn().unwrap();
        let mut frames = Vec::new();
        eventually("the end is written down", || {
            frames = self.frames();
            frames.iter().any(|frame| wire::Arp::parse(frame).is_ok_and(|arp| arp.target_ip == nobody))
        });
        asking.kill().unwrap();
        asking.wait().unwrap();
        frames
    }

    /// What is written down by now.
    pub(crate) fn frames(&self) -> Vec<Vec<u8>> {
        let bytes = fs::read(&self.file).unwrap();
        let mut rest = &bytes[24..];
        let mut frames = Vec::new();
        while let Some(length) = rest.get(8..12) {
            let length = u32::from_le_bytes(length.try_into().unwrap()) as usize;
            let Some(frame) = rest.get(16..16 + length) else { break };
            frames.push(frame.to_vec());
            rest = &rest[16 + length..];
        }
        frames
    }
}

impl Drop for Capture<'_> {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A network namespace, held by a process.
pub(crate) struct Host(Child);

impl Host {
    fn new() -> Self {
        // The holder ends with its standard input: also when the test is killed.
        let mut holder = Command::new("unshare");
        holder.args(["--net", "sh", "-c", "echo; exec cat"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = holder.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Self(child)
    }

    fn pid(&self) -> u32 {
        self.0.id()
    }

    /// A command that will run on this host.
    pub(crate) fn command(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new("nsenter");
        command.arg("-t").arg(self.pid().to_string()).arg("-n").arg("--").arg(program);
        command
    }

    /// Runs `ip` on this host.
    pub(crate) fn ip(&self, arguments: &str) {
        let status = self.command("ip").args(arguments.split(' ')).status().unwrap();
        assert!(status.success(), "ip {arguments}");
    }

    /// What `ip` prints on this host, a line each.
    pub(crate) fn shows(&self, arguments: &str) -> String {
        let output = self.command("ip").args(arguments.split(' ')).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn link(&self, state: &str) {
        self.ip(&format!("link set eth0 {state}"));
    }

    /// Takes an address away if it is there, as a reboot does.
    pub(crate) fn flush(&self, address: Ipv4Addr) {
        let mut command = self.command("ip");
        command.args(["addr", "del", &format!("{address}/32"), "dev", "eth0"]);
        let _ = command.stderr(Stdio::null()).status();
    }

    /// Whether the address is on any interface of this host.
    pub(crate) fn holds(&self, address: Ipv4Addr) -> bool {
        let output = self.command("ip").args(["-o", "-4", "addr"]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).contains(&format!(" {address}/32 "))
    }

    /// Whether an address answers a ping from here.
    pub(crate) fn reaches(&self, address: Ipv4Addr) -> bool {
        let mut command = self.command("ping");
        command.args(["-c", "1", "-W", "1", &address.to_string()]).stdout(Stdio::null());
        command.status().unwrap().success()
    }

    /// Multicasts that many damaged, forged and random packets from this host, evenly in that time.
    /// Returns how many left.
    pub(crate) fn flood(&self, count: u64, time: Duration) -> u64 {
        let namespace = fs::File::open(format!("/proc/{}/ns/net", self.pid())).unwrap();
        // A thread of its own: it does not come back from there.
        let thread = std::thread::spawn(move || {
            let kind = Some(rustix::thread::LinkNameSpaceType::Network);
            rustix::thread::move_into_link_name_space(namespace.as_fd(), kind).unwrap();
            let socket = socket2::Socket::new(
                socket2::Domain::IPV4,
                socket2::Type::RAW,
                Some(socket2::Protocol::from(i32::from(vrrp::PROTOCOL))),
            );
            let socket = socket.unwrap();
            socket.set_header_included_v4(true).unwrap();
            socket.bind_device(Some(b"eth0")).unwrap();
            // keepalived puts its next advertisement off with every packet it refuses: a flood that
            // it hears silences it. So this one does not reach the host it comes from.
            socket.set_multicast_loop_v4(false).unwrap();
            let group = Ipv4Addr::new(224, 0, 0, 18);
            let mut random = 1;
            let mut sent = 0;
            for number in 0..count {
                let packet = bad_packet(number, &mut random);
                let to = SocketAddrV4::new(group, 0).into();
                sent += u64::from(socket.send_to(&packet, &to).is_ok());
                std::thread::sleep(time / count as u32);
            }
            sent
        });
        thread.join().unwrap()
    }

    pub(crate) fn mac(&self) -> Mac {
        let output = self.command("ip").args(["-o", "link", "show", "eth0"]).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let words: Vec<&str> = text.split_whitespace().collect();
        let at = words.iter().position(|&word| word == "link/ether").unwrap();
        words[at + 1].parse().unwrap()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A packet for VRID 61 that would win if it counted, but is wrong in one of several ways.
fn bad_packet(number: u64, random: &mut u64) -> Vec<u8> {
    let mut next = || {
        *random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (*random >> 33) as u8
    };
    let mut header = Ipv4Header {
        tos: 0xc0,
        id: 1,
        ttl: 255,
        protocol: vrrp::PROTOCOL,
        source: Ipv4Addr::new(10, 78, 0, next().max(3)),
        destination: Ipv4Addr::new(224, 0, 0, 18),
    };
    let mut advertisement = vrrp::Advertisement {
        version: vrrp::Version::V2,
        vrid: 61,
        priority: 255,
        interval: vrrp::Centiseconds(100),
        addresses: &[VIP.into()],
        checksum: vrrp::Checksum::PseudoHeader,
        authentication: vrrp::Authentication::Pass(*b"1111\0\0\0\0"),
    };
    let mut body = Vec::new();
    match number % 6 {
        0 => advertisement.authentication = vrrp::Authentication::Pass([next(); 8]),
        1 => advertisement.interval = vrrp::Centiseconds(200),
        2 => advertisement.version = vrrp::Version::V3,
        3 => header.ttl = next().min(254),
        _ => {}
    }
    advertisement.write(header.source.into(), header.destination.into(), None, &mut body);
    match number % 6 {
        4 => body[usize::from(next()) % 20] ^= 1 << (next() % 8),
        5 => {
            let length = next();
            body = (0..length).map(|_| next()).collect();
        }
        _ => {}
    }
    [&header.build(body.len())[..], &body].concat()
}

/// A program that takes part.
pub(crate) enum Program {
    Ours(Ours),
    Keepalived(Child),
}

impl Program {
    /// SIGKILL to all its processes.
    pub(crate) fn kill(&mut self) {
        match self {
            Program::Ours(ours) => ours.kill(),
            Program::Keepalived(child) => {
                child.kill().unwrap();
                child.wait().unwrap();
            }
        }
    }

    /// An orderly stop.
    pub(crate) fn stop(&mut self) {
        match self {
            Program::Ours(ours) => ours.send(&In::Stop),
            Program::Keepalived(child) => {
                // The child of `unshare --fork` is keepalived's parent process.
                let children = format!("/proc/{0}/task/{0}/children", child.id());
                let pid = fs::read_to_string(children).unwrap();
                Command::new("kill").arg(pid.trim()).status().unwrap();
                child.wait().unwrap();
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Program::Keepalived(child) = self {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// Starts a real keepalived on a host, multicast.
pub(crate) fn keepalived(network: &Network, host: &Host, priority: u8) -> Program {
    start_keepalived(network, host, priority, "", "")
}

/// The same with a second instance: its VRID, priority and address.
pub(crate) fn keepalived_dual(
    network: &Network,
    host: &Host,
    priority: u8,
    (vrid, second_priority, address): (u8, u8, Ipv4Addr),
) -> Program {
    let second = format!(
        "vrrp_instance VI_B {{\n state BACKUP\n interface eth0\n virtual_router_id {vrid}\n priority \
         {second_priority}\n authentication {{\n auth_type PASS\n auth_pass 1111\n }}\n \
         virtual_ipaddress {{\n {address}\n }}\n}}\n"
    );
    start_keepalived(network, host, priority, "", &second)
}

/// The same with unicast between the two hosts.
pub(crate) fn keepalived_unicast(network: &Network, host: &Host, priority: u8) -> Program {
    let unicast = "unicast_src_ip 10.78.0.2\n unicast_peer {\n 10.78.0.1\n }";
    start_keepalived(network, host, priority, unicast, "")
}

/// The same with more lines in the instance, and more blocks behind it.
pub(crate) fn start_keepalived(
    network: &Network,
    host: &Host,
    priority: u8,
    more: &str,
    after: &str,
) -> Program {
    let configuration = network.directory.path().join(format!("{priority}.conf"));
    let text = format!(
        "global_defs {{\n router_id test\n}}\nvrrp_instance VI_A {{\n state BACKUP\n interface eth0\n \
         virtual_router_id 61\n priority {priority}\n advert_int 1\n authentication {{\n auth_type PASS\n \
         auth_pass 1111\n }}\n virtual_ipaddress {{\n {VIP}\n }}\n {more}\n}}\n{after}"
    );
    fs::write(&configuration, text).unwrap();
    keepalived_with(network, host, &configuration)
}

/// Starts a real keepalived with a configuration; its log is beside it, named `.log`.
pub(crate) fn keepalived_with(network: &Network, host: &Host, configuration: &std::path::Path) -> Program {
    let stem = configuration.file_stem().unwrap().to_string_lossy().into_owned();
    // Its processes live in a PID namespace of their own: killing the first kills all. So do its PID
    // files, all of which keepalived 2.4 locks, those of processes that it does not start too.
    let mut command = host.command("unshare");
    command.args(["--pid", "--mount", "--fork", "--kill-child=KILL", "sh", "-c"]);
    command.arg("mount -t tmpfs none /run && exec keepalived -n -l -D -P -f \"$0\"").arg(configuration);
    let log = fs::File::create(network.directory.path().join(format!("{stem}.log"))).unwrap();
    command.stdout(log.try_clone().unwrap()).stderr(log).stdin(Stdio::null());
    Program::Keepalived(command.spawn().unwrap())
}

/// Our vrrp process, with the test as its supervisor.
pub(crate) struct Ours {
    child: Child,
    outs: Arc<Mutex<Vec<Out>>>,
    /// A file, so that what it has logged before it says something is there to be read when that is heard.
    log: Arc<fs::File>,
}

impl Ours {
    /// Starts it on a host.
    pub(crate) fn start(host: &Host, config: Config) -> Self {
        Self::resume(host, config, Memory::default())
    }

    /// Starts it as the successor of one that crashed.
    pub(crate) fn resume(host: &Host, config: Config, restored: Memory) -> Self {
        Self::resume_after(host, config, restored, None)
    }

    /// The same, after one that has shown no sign of life since then.
    pub(crate) fn resume_after(
        host: &Host,
        config: Config,
        restored: Memory,
        silent_since: Option<Duration>,
    ) -> Self {
        let program = std::env::current_exe().unwrap();
        let program = program.parent().unwrap().parent().unwrap().join("examples/ha-alone");
        let mut command = host.command(program);
        let log = tempfile::tempfile().unwrap();
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(log.try_clone().unwrap());
        let mut child = command.spawn().unwrap();
        let outs: Arc<Mutex<Vec<Out>>> = Arc::default();
        let stdout = child.stdout.take().unwrap();
        let heard = Arc::clone(&outs);
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                heard.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        let mut ours = Self { child, outs, log: Arc::new(log) };
        ours.send(&In::Configure { config, restored, silent_since });
        ours
    }

    /// Sends a message of the supervisor.
    pub(crate) fn send(&mut self, message: &In) {
        let line = serde_json::to_string(message).unwrap();
        writeln!(self.child.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Closes the channel, as a supervisor that died.
    pub(crate) fn close(&mut self) {
        drop(self.child.stdin.take());
    }

    /// The status of its first instance.
    pub(crate) fn status(&mut self) -> InstanceStatus {
        self.statuses().remove(0)
    }

    /// Those of all its instances.
    pub(crate) fn statuses(&mut self) -> Vec<InstanceStatus> {
        let statuses = |outs: &[Out]| {
            let all = outs.iter().filter_map(|out| match out {
                Out::Status(status, _) => Some(status.clone()),
                _ => None,
            });
            all.collect::<Vec<_>>()
        };
        let before = statuses(&self.outs()).len();
        self.send(&In::StatusRequest);
        eventually("a status", || statuses(&self.outs()).len() > before);
        statuses(&self.outs()).pop().unwrap()
    }

    /// What it asked to be remembered, once all its instances are master.
    pub(crate) fn remembered_as_master(&self) -> Memory {
        let is_master = |(_, state): &(String, InstanceState)| *state == InstanceState::Master;
        eventually("it is remembered", || self.remembered().instances.iter().all(is_master));
        self.remembered()
    }

    /// What it asked to be remembered last.
    pub(crate) fn remembered(&self) -> Memory {
        let outs = self.outs();
        let memories = outs.iter().rev().find_map(|out| match out {
            Out::Remember(memory) => Some(memory.clone()),
            _ => None,
        });
        memories.unwrap()
    }

    /// Everything it has sent.
    pub(crate) fn outs(&self) -> Vec<Out> {
        self.outs.lock().unwrap().clone()
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Everything it has logged.
    pub(crate) fn log(&self) -> String {
        read_log(&self.log)
    }

    /// Its log, which outlives it; for [`read_log`].
    pub(crate) fn log_file(&self) -> Arc<fs::File> {
        Arc::clone(&self.log)
    }

    /// SIGKILL.
    pub(crate) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGSTOP and SIGCONT.
    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }
}

impl Drop for Ours {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// All that is in a log by now, wherever its writer's place in the file is.
pub(crate) fn read_log(file: &fs::File) -> String {
    let mut bytes = vec![0; file.metadata().unwrap().len().try_into().unwrap()];
    file.read_exact_at(&mut bytes, 0).unwrap();
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Waits until something is true; master_down and a start lie well within the time, on a machine that
/// has much else to do too.
pub(crate) fn eventually(what: &str, mut is: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !is() {
        assert!(Instant::now() < end, "not within 60 s: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// An address as a file without any attribute gives it.
pub(crate) fn address(address: Ipv4Addr) -> VirtualAddress {
    VirtualAddress::new(address.into(), 32)
}

/// One instance: VRID 61, password 1111, one address.
pub(crate) fn config(priority: u8, interface: &str) -> Config {
    let instance = VrrpInstance {
        name: "VI_A".into(),
        interface: interface.into(),
        vrid: 61,
        priority,
        authentication: Authentication::Pass(*b"1111\0\0\0\0"),
        addresses: vec![address(VIP)],
        ..VrrpInstance::default()
    };
    Config { instances: vec![instance], ..Config::default() }
}

/// Adds a tracked script `chk`.
pub(crate) fn with_script(mut config: Config, weight: i32) -> Config {
    config.scripts.push(VrrpScript {
        name: "chk".into(),
        command: keepalived_conf::model::Command::Exec(vec!["true".into()]),
        interval: Duration::from_secs(1),
        timeout: Duration::from_secs(1),
        weight,
        reverse: false,
        rise: 1,
        fall: 1,
        init_fail: false,
        user: None,
    });
    config.instances[0]
        .track_scripts
        .push(Tracked { name: "chk".into(), weight: TrackWeight { weight, reverse: false } });
    config
}

/// Speaks unicast from one host of the network to the other.
pub(crate) fn unicast(mut config: Config, from: u8, to: u8) -> Config {
    config.instances[0].source = Some(Ipv4Addr::new(10, 78, 0, from).into());
    config.instances[0].unicast =
        Some(Unicast { peers: vec![IpAddr::from([10, 78, 0, to]).into()], ttl: 255, check_source: false });
    config
}
