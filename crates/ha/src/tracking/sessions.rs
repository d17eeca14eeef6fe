//! `bfd_instance`: sessions with neighbours (RFC 5880), by UDP as RFC 5881 and RFC 5883 say.

use crate::{Host, Level};
use bfd::{Action, Cause, Event, Hops, Packet, Path, Session, Settings, State};
use keepalived_conf::model::BfdInstance;
use rustix::rand::{GetRandomFlags, getrandom};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::num::NonZeroU32;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;
use sys::datagram::{self, Received};
use vrrp::Time;

/// Longer than any packet without authentication, and than most with.
const LONGEST_PACKET: usize = 128;
/// Packets taken from one socket in a turn: a flood must not keep timers from firing.
const PACKETS_A_TURN: usize = 1000;
/// The same complaint is made once in this time.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(60);
/// Internetwork control, like advertisements.
const TOS: u32 = 0xc0;
/// A verdict of a predecessor stands for so many `idle_tx` while the session comes up again.
const COMING_UP: u32 = 3;

/// A session at work.
#[derive(Debug)]
struct Running {
    config: BfdInstance,
    path: Path,
    session: Session,
    /// What trackers were told.
    up: bool,
    /// How long they are told what a predecessor knew.
    held_until: Option<Time>,
    sender: Option<Socket>,
    /// Whether the last packet could not be sent.
    failing: bool,
}

/// A socket that hears neighbours.
#[derive(Debug)]
struct Receiver {
    v6: bool,
    multihop: bool,
    socket: Socket,
}

/// A session whose neighbour can or cannot be reached any more.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) name: String,
    pub(crate) up: bool,
}

/// All sessions.
#[derive(Debug, Default)]
pub(crate) struct Sessions {
    sessions: Vec<Running>,
    receivers: Vec<Receiver>,
    /// Why neighbours cannot be heard, as the log has it.
    deaf: Option<String>,
    complain_at: Time,
    random: Random,
    actions: Vec<Action>,
}

impl Sessions {
    /// Takes other sessions. Those between the same addresses go on; those that are gone say so.
    /// `known` has what a predecessor told trackers.
    pub(crate) fn configure(
        &mut self,
        now: Time,
        wanted: Vec<BfdInstance>,
        known: &[(String, bool)],
        host: &mut dyn Host,
    ) {
        let mut old = std::mem::take(&mut self.sessions);
        for config in wanted {
            let kept = old.iter().position(|old| old.is_same(&config)).map(|at| old.remove(at));
            self.sessions.push(kept.unwrap_or_else(|| {
                let restored = known.iter().any(|(name, up)| *name == config.name && *up);
                self.random.session(now, config.clone(), restored)
            }));
            let at = self.sessions.len() - 1;
            let running = &mut self.sessions[at];
            if running.config.ttl != config.ttl {
                running.sender = None;
            }
            running.config = config;
            let (settings, random) = (running.settings(), self.random.next());
            running.session.reconfigure(now.0, random, settings, &mut self.actions);
            self.carry_out(at, host);
            self.on(now, at, Event::Enable, host);
        }
        for gone in old {
            self.sessions.push(gone);
            let at = self.sessions.len() - 1;
            self.on(now, at, Event::Disable, host);
            self.sessions.pop();
        }
        let sessions = &self.sessions;
        let is_used = |receiver: &Receiver| sessions.iter().any(|running| receiver.hears(running));
        self.receivers.retain(is_used);
        self.listen(host);
    }

    /// Whether the neighbour can be reached.
    pub(crate) fn up(&self, name: &str) -> Option<bool> {
        Some(self.sessions.iter().find(|running| running.config.name == name)?.up)
    }

    /// What trackers were told of each.
    pub(crate) fn verdicts(&self) -> Vec<(String, bool)> {
        self.sessions.iter().map(|running| (running.config.name.clone(), running.up)).collect()
    }

    pub(crate) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.receivers.iter().map(|receiver| receiver.socket.as_fd())
    }

    pub(crate) fn next_deadline(&self) -> Option<Time> {
        let sessions = self.sessions.iter();
        sessions
            .flat_map(|running| [running.session.next_deadline().map(Time), running.held_until])
            .flatten()
            .min()
    }

    /// Hears neighbours, and only then fires timers: after a pause of the machine, what came meanwhile
    /// counts. Returns what is new for trackers.
    pub(crate) fn turn(&mut self, now: Time, host: &mut dyn Host) -> Vec<Change> {
        let before: Vec<bool> = self.sessions.iter().map(|running| running.up).collect();
        for at in 0..self.receivers.len() {
            self.hear(now, at, host);
        }
        for at in 0..self.sessions.len() {
            if self.sessions[at].session.next_deadline().is_some_and(|due| due <= now.0) {
                self.listen(host);
                self.on(now, at, Event::Timer, host);
            }
            self.sessions[at].release(now);
        }
        let changed = self.sessions.iter().zip(before).filter(|(running, before)| running.up != *before);
        changed.map(|(running, _)| Change { name: running.config.name.clone(), up: running.up }).collect()
    }

    /// Opens the sockets that are missing.
    fn listen(&mut self, host: &mut dyn Host) {
        for running in &self.sessions {
            if self.receivers.iter().any(|receiver| receiver.hears(running)) {
                continue;
            }
            let BfdInstance { neighbor, multihop, .. } = running.config;
            match Receiver::open(neighbor.is_ipv6(), multihop) {
                Ok(receiver) => {
                    self.receivers.push(receiver);
                    self.deaf = None;
                }
                Err(error) => {
                    let line = format!(
                        "BFD: cannot listen on UDP port {} ({error}); does another program speak BFD here?",
                        port(multihop)
                    );
                    if self.deaf.as_ref() != Some(&line) {
                        host.log(Level::Error, &line);
                    }
                    self.deaf = Some(line);
                    return;
                }
            }
        }
    }

    fn hear(&mut self, now: Time, receiver: usize, host: &mut dyn Host) {
        let mut buffer = [0; LONGEST_PACKET];
        for _ in 0..PACKETS_A_TURN {
            let Receiver { v6, multihop, ref socket } = self.receivers[receiver];
            let Ok(received) = datagram::receive(socket, &mut buffer) else { return };
            let Received { length, source, destination, hop_limit, .. } = received;
            let Some(bytes) = buffer.get(..length) else { continue };
            let (from, to) = (source.ip(), destination.unwrap_or(any(v6)));
            let packet = match Packet::parse(bytes) {
                Ok(packet) => packet,
                Err(reject) => {
                    self.complain(now, &format!("Discarding bogus packet from {from} ({reject})"), host);
                    continue;
                }
            };
            let sessions = self.sessions.iter().map(|r| (&r.path, r.session.discriminator()));
            let Some(at) = bfd::select(&packet, (from, to, multihop), sessions) else {
                let line = format!(
                    "Discarding packet from {from} (session is not found - your discriminator field is \
                     0x{:08x})",
                    packet.yours
                );
                self.complain(now, &line, host);
                continue;
            };
            let BfdInstance { name, ttl: expected, max_hops, .. } = &self.sessions[at].config;
            match (Hops { ttl: *expected, most: *max_hops }).check(hop_limit) {
                Ok(()) => self.on(now, at, Event::Packet(packet), host),
                Err(reject) => {
                    let line = format!("({name}) Discarding packet from {from} ({reject})");
                    self.complain(now, &line, host);
                }
            }
        }
    }

    fn complain(&mut self, now: Time, line: &str, host: &mut dyn Host) {
        if self.complain_at <= now {
            self.complain_at = now + COMPLAINT_INTERVAL;
            host.log(Level::Warning, line);
        }
    }

    fn on(&mut self, now: Time, at: usize, event: Event, host: &mut dyn Host) {
        let random = self.random.next();
        self.sessions[at].session.on(now.0, random, event, &mut self.actions);
        self.carry_out(at, host);
    }

    fn carry_out(&mut self, at: usize, host: &mut dyn Host) {
        let running = &mut self.sessions[at];
        for action in self.actions.drain(..) {
            match action {
                Action::Send(packet) => running.send(&packet, &mut self.random, host),
                Action::Up => (running.up, running.held_until) = (true, None),
                // The neighbour's operator took it down: the path has not failed. RFC 5882 §3.2.
                Action::Down(Cause::NeighbourAdminDown) => {}
                Action::Down(_) => running.up = false,
                Action::Log(line) => {
                    let down = matches!(
                        line,
                        bfd::Line::Expired { .. } | bfd::Line::Entering { state: State::Down, .. }
                    );
                    let level = match line {
                        _ if line.is_detail() => Level::Detail,
                        _ if down => Level::Warning,
                        _ => Level::Info,
                    };
                    host.log(level, &format!("({}) {line}", running.config.name));
                }
            }
        }
    }
}

impl Running {
    /// Whether a configuration is of this session; all else may change while it runs.
    fn is_same(&self, other: &BfdInstance) -> bool {
        let key = |config: &BfdInstance| (config.neighbor, config.source, config.multihop);
        self.config.name == other.name && key(&self.config) == key(other)
    }

    fn settings(&self) -> Settings {
        let BfdInstance { min_tx, min_rx, idle_tx, multiplier, passive, .. } = self.config;
        Settings { min_tx, min_rx, idle_tx, multiplier, passive }
    }

    /// What a predecessor knew does not count any longer.
    fn release(&mut self, now: Time) {
        if self.held_until.is_some_and(|until| until <= now) {
            self.held_until = None;
            self.up &= self.session.state() == State::Up;
        }
    }

    fn send(&mut self, packet: &Packet, random: &mut Random, host: &mut dyn Host) {
        let outcome = self.try_to_send(packet, random);
        if let Err(error) = &outcome
            && !self.failing
        {
            host.log(Level::Error, &format!("({}) Error sending packet ({error})", self.config.name));
        }
        self.failing = outcome.is_err();
    }

    fn try_to_send(&mut self, packet: &Packet, random: &mut Random) -> io::Result<()> {
        let sender = match self.sender.take() {
            Some(sender) => sender,
            None => open_sender(&self.config, random)?,
        };
        let to = SocketAddr::new(self.config.neighbor, port(self.config.multihop));
        let sender = self.sender.insert(sender);
        sender.send_to(&packet.bytes(), &SockAddr::from(to)).map(drop)
    }
}

impl Receiver {
    fn open(v6: bool, multihop: bool) -> io::Result<Self> {
        let socket = udp(v6)?;
        if v6 {
            socket.set_only_v6(true)?;
            datagram::set_details_v6(&socket)?;
        } else {
            datagram::set_details_v4(&socket)?;
        }
        socket.bind(&SocketAddr::new(any(v6), port(multihop)).into())?;
        Ok(Self { v6, multihop, socket })
    }

    fn hears(&self, running: &Running) -> bool {
        (self.v6, self.multihop) == (running.config.neighbor.is_ipv6(), running.config.multihop)
    }
}

fn port(multihop: bool) -> u16 {
    if multihop { bfd::MULTIHOP_PORT } else { bfd::PORT }
}

fn any(v6: bool) -> IpAddr {
    if v6 { Ipv6Addr::UNSPECIFIED.into() } else { Ipv4Addr::UNSPECIFIED.into() }
}

fn udp(v6: bool) -> io::Result<Socket> {
    let domain = if v6 { Domain::IPV6 } else { Domain::IPV4 };
    Socket::new(domain, Type::DGRAM.nonblocking().cloexec(), Some(Protocol::UDP))
}

/// A socket that sends from `source_ip` and a port of RFC 5881 §4 that nobody else uses.
fn open_sender(config: &BfdInstance, random: &mut Random) -> io::Result<Socket> {
    let v6 = config.neighbor.is_ipv6();
    let socket = udp(v6)?;
    if v6 {
        socket.set_unicast_hops_v6(config.ttl.into())?;
        socket.set_tclass_v6(TOS)?;
    } else {
        socket.set_ttl_v4(config.ttl.into())?;
        socket.set_tos_v4(TOS)?;
    }
    let source = config.source.unwrap_or(any(v6));
    let (first, last) = bfd::SOURCE_PORTS.into_inner();
    let ports = u32::from(last - first) + 1;
    let start = random.next() % ports;
    for step in 0..ports {
        let port = first + ((start + step) % ports) as u16;
        match socket.bind(&SocketAddr::new(source, port).into()) {
            Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
            outcome => return outcome.map(|()| socket),
        }
    }
    Err(io::ErrorKind::AddrInUse.into())
}

/// Numbers for jitter, ports and discriminators: no secret.
#[derive(Debug)]
struct Random(u64);

impl Default for Random {
    fn default() -> Self {
        let mut seed = [0; 8];
        // Fixed numbers serve if the kernel has none.
        let _ = getrandom(&mut seed, GetRandomFlags::empty());
        Self(u64::from_ne_bytes(seed))
    }
}

impl Random {
    fn next(&mut self) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 32) as u32
    }

    /// A new session. `restored`: a predecessor knew it as up.
    fn session(&mut self, now: Time, config: BfdInstance, restored: bool) -> Running {
        let discriminator = NonZeroU32::new(self.next()).unwrap_or(NonZeroU32::MIN);
        let path = Path { neighbour: config.neighbor, source: config.source, multihop: config.multihop };
        let hold = config.idle_tx.max(Duration::from_secs(1)) * COMING_UP;
        Running {
            session: Session::new(Settings::default(), discriminator),
            config,
            path,
            up: restored,
            held_until: restored.then(|| now + hold),
            sender: None,
            failing: false,
        }
    }
}
