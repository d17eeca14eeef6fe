//! A session against keepalived's bfd process and against BIRD, over a real link between two network
//! namespaces: it comes up, agrees on other intervals, notices a cut in time, heals, and is taken
//! down in peace. `BIRD` names the program if it is not in the path.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
#![allow(clippy::disallowed_methods, reason = "the peer is a real program on a real link")]

use bfd::{Action, Cause, Event, Packet, Session, Settings, State};
use std::io::{BufRead, BufReader, Write};
use std::net::UdpSocket;
use std::num::NonZeroU32;
use std::os::unix::fs::MetadataExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

const MS: Duration = Duration::from_millis(1);
const INSIDE: &str = "BFD_TEST_INSIDE";

/// What takes longer does not happen. Intervals are long enough for a machine with much else to do to keep
/// a session up.
const LONG: Duration = Duration::from_secs(30);

/// A program that speaks BFD.
struct Program {
    /// The test that plays it.
    test: &'static str,
    configuration: &'static str,
    /// What follows its path; `DIR` is a directory of its own.
    arguments: &'static str,
    /// What it logs when the session comes up, and when we say that it is down.
    up: &'static str,
    down: &'static str,
    neighbour_down: &'static str,
}

const KEEPALIVED: Program = Program {
    test: "a_session_with_keepalived",
    configuration: "
global_defs {
    router_id peer
}
bfd_instance lan {
    neighbor_ip 10.78.9.1
    source_ip 10.78.9.2
    min_rx 100
    min_tx 125
    idle_tx 1000
    multiplier 4
}
",
    arguments: "-n -l -D -G -f DIR/configuration -p DIR/pid -b DIR/bfd.pid -r DIR/vrrp.pid -c DIR/check.pid",
    up: "Entering Up state",
    down: "Entering Down state",
    neighbour_down: "Local diagnostic - Neighbor Signaled Session Down",
};

const BIRD: Program = Program {
    test: "a_session_with_bird",
    configuration: "
log stderr all;
router id 10.78.9.2;
protocol device { }
protocol bfd {
    debug all;
    interface \"peer\" {
        min rx interval 100 ms;
        min tx interval 125 ms;
        idle tx interval 1000 ms;
        multiplier 4;
    };
    neighbor 10.78.9.1 dev \"peer\" local 10.78.9.2;
}
",
    arguments: "-f -c DIR/configuration -s DIR/socket -P DIR/pid",
    up: "to Up",
    down: "Up to Down",
    neighbour_down: "Up to Down",
};

/// Runs a command to its end and wants success.
fn run(words: &str) {
    let mut words = words.split(' ');
    let status = Command::new(words.next().unwrap()).args(words.clone()).status().unwrap();
    assert!(status.success(), "{words:?}");
}

fn is_installed(program: &str) -> bool {
    Command::new(program).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok()
}

#[test]
fn a_session_with_keepalived() {
    play(&KEEPALIVED, "keepalived".into());
}

#[test]
fn a_session_with_bird() {
    play(&BIRD, std::env::var("BIRD").unwrap_or("bird".into()));
}

/// Plays this test once more in namespaces of its own, and there the session.
fn play(program: &Program, path: String) {
    if std::env::var_os(INSIDE).is_some() {
        return inside(program, &path);
    }
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    if !is_root || !is_installed(&path) || !is_installed("unshare") {
        println!("not run: it needs root, {path} and unshare");
        return;
    }
    let mut command = Command::new("unshare");
    command.args(["-n", "-m", "--"]).arg(std::env::current_exe().unwrap());
    command.args([program.test, "--exact", "--nocapture"]).env(INSIDE, "1");
    assert!(command.status().unwrap().success());
}

/// The program in a namespace of its own. Both end with this.
struct Peer {
    process: Child,
    lines: Receiver<String>,
    directory: std::path::PathBuf,
}

impl Peer {
    fn start(program: &Program, path: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("bfd-{}", std::process::id()));
        std::fs::create_dir_all(&directory).unwrap();
        std::fs::write(directory.join("configuration"), program.configuration).unwrap();
        // It waits for its link before it becomes the program.
        let script = "read -r _; ip link set lo up; ip address add 10.78.9.2/24 dev peer; \
                      ip link set peer up; exec \"$@\"";
        let arguments = program.arguments.replace("DIR", directory.to_str().unwrap());
        let mut process = Command::new("unshare")
            .args(["-n", "--", "sh", "-c", script, "sh", path])
            .args(arguments.split(' '))
            .stdin(Stdio::piped())
            .stderr(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let (sender, lines) = channel();
        let log = BufReader::new(process.stderr.take().unwrap());
        std::thread::spawn(move || {
            for line in log.lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let peer = Self { process, lines, directory };
        // The process is in its namespace once its link to it is another than ours.
        let namespace = |pid: &str| std::fs::read_link(format!("/proc/{pid}/ns/net")).ok();
        let pid = peer.process.id().to_string();
        let begun = Instant::now();
        while namespace(&pid) == namespace("self") {
            assert!(begun.elapsed() < LONG);
            std::thread::sleep(MS);
        }
        run(&format!("ip link add ours type veth peer name peer netns {pid}"));
        run("ip address add 10.78.9.1/24 dev ours");
        run("ip link set ours up");
        peer
    }

    fn go(&mut self) {
        self.process.stdin.take().unwrap().write_all(b"go\n").unwrap();
    }

    /// Whether it logs a line with these words.
    fn says(&self, words: &str) -> bool {
        let begun = Instant::now();
        while let Ok(line) = self.lines.recv_timeout(LONG.saturating_sub(begun.elapsed())) {
            println!("peer: {line}");
            if line.contains(words) {
                return true;
            }
        }
        false
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        run(&format!("kill {}", self.process.id()));
        let _ = self.process.wait();
        let _ = std::fs::remove_dir_all(&self.directory);
    }
}

struct Us {
    session: Session,
    begun: Instant,
    receiver: UdpSocket,
    sender: UdpSocket,
    heard: Duration,
    /// When trackers were told that it is down, and why.
    down: Vec<(Duration, Cause)>,
}

impl Us {
    fn carry_out(&mut self, actions: &[Action]) {
        for action in actions {
            match action {
                // The link may be cut.
                Action::Send(packet) => drop(self.sender.send_to(&packet.bytes(), ("10.78.9.2", bfd::PORT))),
                Action::Down(cause) => self.down.push((self.begun.elapsed(), *cause)),
                Action::Up => {}
                Action::Log(line) => println!("{:?} ours: {line}", self.begun.elapsed()),
            }
        }
    }

    fn on(&mut self, event: Event) {
        let now = self.begun.elapsed();
        let mut actions = Vec::new();
        self.session.on(now, now.subsec_nanos().wrapping_mul(2_654_435_761), event, &mut actions);
        self.carry_out(&actions);
    }

    /// Lets the session run until something is so, for so long at most.
    fn run_until(&mut self, limit: Duration, done: impl Fn(&Self) -> bool) -> bool {
        let end = self.begun.elapsed() + limit;
        let mut buffer = [0; 128];
        while self.begun.elapsed() < end {
            if done(self) {
                return true;
            }
            let wait = self.session.next_deadline().map_or(end, |at| at.min(end));
            let wait = wait.saturating_sub(self.begun.elapsed()).max(MS / 10);
            self.receiver.set_read_timeout(Some(wait)).unwrap();
            if let Ok(length) = self.receiver.recv(&mut buffer) {
                let packet = Packet::parse(&buffer[..length]).unwrap();
                self.heard = self.begun.elapsed();
                self.on(Event::Packet(packet));
            }
            self.on(Event::Timer);
        }
        done(self)
    }
}

fn inside(program: &Program, path: &str) {
    run("ip link set lo up");
    let mut peer = Peer::start(program, path);
    let sender = UdpSocket::bind(("10.78.9.1", *bfd::SOURCE_PORTS.start())).unwrap();
    sender.set_ttl(255).unwrap();
    let settings = Settings { min_tx: 50 * MS, min_rx: 150 * MS, multiplier: 3, ..Settings::default() };
    let mut us = Us {
        session: Session::new(settings, NonZeroU32::new(0x0bac_57a1).unwrap()),
        begun: Instant::now(),
        receiver: UdpSocket::bind(("10.78.9.1", bfd::PORT)).unwrap(),
        sender,
        heard: Duration::ZERO,
        down: Vec::new(),
    };
    us.on(Event::Enable);
    peer.go();

    // It comes up, and both know each other's intervals.
    assert!(us.run_until(LONG, |us| us.session.state() == State::Up));
    assert!(us.run_until(LONG, |us| us.session.detection_time() == 4 * 150 * MS));
    assert_eq!(us.session.transmit_interval(), 100 * MS, "as fast as the peer takes them");
    assert!(us.run_until(LONG, |us| us.heard > Duration::ZERO) && peer.says(program.up));

    // Other intervals, agreed on by a poll, without going down.
    let slower = Settings { min_tx: 300 * MS, min_rx: 500 * MS, ..settings };
    let mut actions = Vec::new();
    us.session.reconfigure(us.begun.elapsed(), 0, slower, &mut actions);
    us.carry_out(&actions);
    assert!(us.run_until(LONG, |us| us.session.transmit_interval() == 300 * MS));
    assert_eq!(us.session.detection_time(), 4 * 500 * MS);
    assert!(!us.run_until(3000 * MS, |us| us.session.state() != State::Up));

    // A cut is noticed after the detection time, and heals.
    run("ip link set ours down");
    assert!(us.run_until(LONG, |us| us.session.state() == State::Down));
    let (at, cause) = us.down.pop().unwrap();
    assert_eq!(cause, Cause::Expired);
    println!("noticed {:?} after the last packet", at - us.heard);
    assert!(at - us.heard >= 2000 * MS);
    assert!(peer.says(program.down));
    run("ip link set ours up");
    assert!(us.run_until(LONG, |us| us.session.state() == State::Up));
    assert!(!us.run_until(1000 * MS, |us| us.session.state() != State::Up));
    assert!(peer.says(program.up));

    // Taken down by the operator: the peer hears it, and does not wait for the detection time.
    us.on(Event::Disable);
    assert!(peer.says(program.neighbour_down));
    us.on(Event::Enable);
    assert!(us.run_until(LONG, |us| us.session.state() == State::Up));
    assert_eq!(us.down.pop().map(|(_, cause)| cause), Some(Cause::Disabled));
}
