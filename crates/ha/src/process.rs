//! The loop: listen, hear the kernel, obey the supervisor, fire timers; in this order on every turn.

use crate::instance::{Instance, cleared};
use crate::interfaces::News;
use crate::message::{In, InstanceState, Memory, Out};
use crate::network::{Network, interface_of};
use crate::scripts::Scripts;
use crate::sockets::{LONGEST_PACKET, Purpose};
use crate::{Ended, Error, Host, Level, rivals};
use ipc::Channel;
use keepalived_conf::model::{Config, Iptables};
use netlink::{Change, Monitor};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};
use std::net::{IpAddr, Ipv4Addr};
use std::os::fd::AsFd;
use std::time::Duration;
use vrrp::tracking::{self, Effect};
use vrrp::{Action, Event, Line, Received, Standing, State, Time, receive};
use wire::Ipv4Packet;

/// The longest sleep: the supervisor counts [`Host::beat`].
const TURN: Duration = Duration::from_millis(500);
/// Packets taken from one socket in a turn: a flood must not keep the timers from firing.
const PACKETS_A_TURN: usize = 1000;
/// After so long without listening, listen again before a timer fires.
const STALE: Duration = Duration::from_millis(20);
/// How long the last words may take to reach the supervisor.
const FAREWELL: Duration = Duration::from_secs(1);

/// Runs the vrrp process until the supervisor stops it or is gone; then addresses are given up with
/// an advertisement of priority 0.
///
/// Nothing happens before [`In::Configure`]. The caller has set up scheduling, memory locking and
/// privileges; CAP_NET_RAW and CAP_NET_ADMIN are needed.
///
/// # Errors
/// When the process cannot go on. Addresses are left in place then, for a successor that is given
/// the last [`Out::Remember`].
pub fn run(channel: Channel<Out, In>, host: &mut dyn Host) -> Result<Ended, Error> {
    // The monitor first: what changes while we look is heard afterwards.
    let monitor = Monitor::open()?;
    let network = Network::open()?;
    let mut process = Process {
        channel,
        host,
        monitor,
        network,
        scripts: Scripts::default(),
        instances: Vec::new(),
        router_id: None,
        iptables: Iptables::Default,
        dropped: None,
        changed: false,
        actions: Vec::new(),
        heard: Vec::new(),
        remembered: Memory::default(),
        listened: Time::default(),
    };
    let ended = process.turn_until_stopped()?;
    process.stop();
    Ok(ended)
}

/// The present. The clock runs on while the machine is suspended.
fn now() -> Time {
    let time = clock_gettime(ClockId::Boottime);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default();
    Time(Duration::new(seconds, nanoseconds))
}

struct Process<'a> {
    channel: Channel<Out, In>,
    host: &'a mut dyn Host,
    monitor: Monitor,
    network: Network,
    scripts: Scripts,
    instances: Vec<Instance>,
    router_id: Option<String>,
    iptables: Iptables,
    /// Addresses for which drop rules are set; `None` while it is not known what a predecessor left.
    dropped: Option<Vec<Ipv4Addr>>,
    /// Whether a state or verdict may be new since the supervisor was last told what to remember.
    changed: bool,
    /// Reused on every turn.
    actions: Vec<Action>,
    heard: Vec<(usize, Received)>,
    /// What the supervisor was last asked to remember.
    remembered: Memory,
    listened: Time,
}

impl Process<'_> {
    fn turn_until_stopped(&mut self) -> Result<Ended, Error> {
        loop {
            self.host.beat();
            self.sleep()?;
            self.listen();
            self.hear_kernel()?;
            if let Some(ended) = self.obey()? {
                return Ok(ended);
            }
            // What the supervisor asked for may have taken a while, or we were paused just now.
            if now().since(self.listened) > STALE {
                self.listen();
            }
            self.fire();
            self.remember();
        }
    }

    /// Waits for a packet, a change, a message or the next deadline.
    fn sleep(&self) -> Result<(), Error> {
        let routers = self.instances.iter().filter_map(|instance| Some(instance.router.next_deadline()?.0));
        let deadline = routers.chain(self.network.next_deadline()).min();
        let wait = deadline.map_or(TURN, |at| at.since(now()).min(TURN));
        let timeout = Timespec { tv_sec: 0, tv_nsec: wait.as_nanos() as _ };
        let mut channel_flags = PollFlags::IN;
        if self.channel.wants_write() {
            channel_flags |= PollFlags::OUT;
        }
        let mut fds = vec![
            PollFd::new(&self.channel, channel_flags),
            PollFd::from_borrowed_fd(self.monitor.as_fd(), PollFlags::IN),
        ];
        fds.extend(self.network.sockets.iter().map(|socket| PollFd::new(socket, PollFlags::IN)));
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => Ok(()),
            Err(errno) => Err(Error::Kernel { what: "to wait", errno }),
        }
    }

    /// Empties the receive queues. Of several advertisements that one router sent, as they pile up
    /// during a pause, the last one counts: it says how things are now.
    fn listen(&mut self) {
        let now = now();
        self.listened = now;
        let mut buffer = [0; LONGEST_PACKET];
        for at in 0..self.network.sockets.len() {
            for _ in 0..PACKETS_A_TURN {
                let socket = &self.network.sockets[at];
                let Some(bytes) = socket.receive(&mut buffer) else { break };
                let Ok(packet) = Ipv4Packet::parse(bytes) else { continue };
                let Some(vrid) = receive::vrid(&packet) else { continue };
                let is_for =
                    |instance: &Instance| instance.config.vrid == vrid && instance.purpose == socket.purpose;
                let Some(index) = self.instances.iter().position(is_for) else { continue };
                self.judge(now, index, &packet);
            }
        }
        for (index, received) in std::mem::take(&mut self.heard) {
            let instance = &mut self.instances[index];
            if instance.standing.is_some() {
                instance.router.on(now, Event::Advertisement(received), &mut self.actions);
                self.carry_out(now, index);
            }
        }
    }

    /// Checks a packet for an instance, complains about it, or keeps it as heard.
    fn judge(&mut self, now: Time, index: usize, packet: &Ipv4Packet<'_>) {
        let instance = &mut self.instances[index];
        let source = IpAddr::from(packet.header.source);
        let line = match receive::check(packet, &instance.expected()) {
            Err(reject) => instance.complain(now, reject.reason(), source, &reject, reject.is_conflict()),
            Ok(received) => {
                let last_master = instance.router.master_heard().map(|(address, ..)| address);
                let skip = instance.config.skip_check_adv_addr && last_master == Some(source);
                let ours = instance.source.map(IpAddr::from) == Some(source);
                match self.heard.iter_mut().find(|(i, known)| *i == index && known.source == source) {
                    Some(known) => known.1 = received,
                    None => self.heard.push((index, received)),
                }
                match received.difference.filter(|_| !skip) {
                    _ if ours => instance.complain(now, "own-address", source, &OWN_ADDRESS, true),
                    Some(difference) => instance.complain(now, "address-list", source, &difference, true),
                    None => None,
                }
            }
        };
        if let Some(line) = line {
            self.host.log(Level::Warning, &line);
        }
    }

    /// Takes in what changed in the network.
    fn hear_kernel(&mut self) -> Result<(), Error> {
        let mut changed = false;
        let mut gone = Vec::new();
        while let Some(change) = self.monitor.change()? {
            if change == Change::Lost {
                self.network.look()?;
                changed = true;
                continue;
            }
            let Some(news) = self.network.interfaces.apply(change) else { continue };
            match news {
                News::Up(name) => self.report_link(&name, "up"),
                News::Down(name) => self.report_link(&name, "down"),
                News::Gone(name) => self.report_link(&name, "removed"),
                News::AddressGone { link, address } => gone.push((link, address)),
                News::Other => {}
            }
            changed = true;
        }
        if changed {
            self.survey();
        }
        for (link, address) in gone {
            self.repair(link, address);
        }
        Ok(())
    }

    fn report_link(&mut self, name: &str, what: &str) {
        let concerns = |instance: &Instance| {
            instance.config.interface == name
                || instance.config.track_interfaces.iter().any(|tracked| tracked.interface == name)
        };
        if self.instances.iter().any(concerns) {
            self.host.log(Level::Info, &format!("Netlink reports {name} {what}"));
        }
    }

    /// Puts back an address of a master that somebody else took away. keepalived would step down
    /// and become master again half a second later.
    fn repair(&mut self, link: u32, address: IpAddr) {
        for instance in self.instances.iter().filter(|instance| instance.is_master()) {
            let Some(lost) = instance.addresses().find(|vip| vip.address == address) else { continue };
            let interface = interface_of(instance, lost);
            let interfaces = &self.network.interfaces;
            let here = interfaces.link(interface).is_some_and(|known| known.index == link);
            // It may be back already: a reload that changes its prefix takes it away and adds it.
            if !here || interfaces.has(interface, address) {
                continue;
            }
            let line = format!(
                "({}) Netlink reflector reports IP {address} removed from {interface}, putting it back",
                instance.config.name
            );
            self.host.log(Level::Warning, &line);
            let is_lost = |vip: &_| vip == lost;
            self.network.install(instance, is_lost, self.host);
            self.network.announce(now(), instance, vrrp::Burst::Master, is_lost, self.host);
        }
    }

    /// After a change of interfaces: sockets, source addresses, fitness.
    fn survey(&mut self) {
        self.provide();
        for index in 0..self.instances.len() {
            self.evaluate(index, None);
        }
    }

    /// Gives every instance a socket and a source address, as far as its interface has them.
    fn provide(&mut self) {
        let wanted: Vec<Purpose> = self.instances.iter().map(|i| i.purpose.clone()).collect();
        let failures = self.network.provide_sockets(&wanted);
        let virtual_addresses: Vec<IpAddr> =
            self.instances.iter().flat_map(|i| i.addresses().map(|vip| vip.address)).collect();
        for instance in &mut self.instances {
            instance.choose_source(&self.network.interfaces, |v4| virtual_addresses.contains(&v4.into()));
            let failure = failures.iter().find(|(failed, _)| *failed == instance.purpose);
            instance.socket_failure = failure.map(|(_, why)| why.clone());
        }
    }

    /// Adds up what an instance tracks and tells its router what is new. `resumed` is the state of
    /// a predecessor, for an instance that has not started.
    fn evaluate(&mut self, index: usize, resumed: Option<State>) {
        let now = now();
        let instance = &mut self.instances[index];
        let causes = instance.track(&self.scripts, &self.network.interfaces);
        let verdict = tracking::verdict(instance.config.priority, causes.iter().map(|cause| cause.effect));
        let old_causes = std::mem::replace(&mut instance.causes, causes);
        instance.router.on(now, Event::Priority(verdict.priority), &mut self.actions);
        let fault = instance.causes.iter().find(|cause| cause.effect == Effect::Fault);
        if let Some(cause) = fault.filter(|cause| !cause.told && !old_causes.contains(cause)) {
            let name = &instance.config.name;
            self.host.log(Level::Warning, &format!("({name}) entering FAULT state ({})", cause.text));
        }
        let event = match (instance.standing, verdict.standing) {
            (None, standing) => Some(Event::Start { standing, restored: resumed }),
            (Some(Standing::Fit | Standing::Waiting), Standing::Unfit) => Some(Event::Fault),
            (Some(Standing::Unfit | Standing::Waiting), Standing::Fit) => Some(Event::Recovered),
            _ => None,
        };
        // A script that is new after a reload does not make an instance wait again.
        if instance.standing.is_none() || verdict.standing != Standing::Waiting {
            instance.standing = Some(verdict.standing);
        }
        if let Some(event) = event {
            match fault {
                Some(cause) => instance.why = cause.text.clone(),
                None if event == Event::Recovered => instance.why = "nothing tracked fails".into(),
                None => {}
            }
            instance.router.on(now, event, &mut self.actions);
        }
        self.carry_out(now, index);
    }

    /// Does what a router wants done, in its order.
    fn carry_out(&mut self, now: Time, index: usize) {
        let mut actions = std::mem::take(&mut self.actions);
        for action in actions.drain(..) {
            let instance = &mut self.instances[index];
            match action {
                Action::Advertise(priority) => self.network.advertise(instance, priority, self.host),
                Action::Install => {
                    self.set_drop_rules();
                    let instance = &self.instances[index];
                    let line = format!("({}) setting VIPs.", instance.config.name);
                    self.host.log(Level::Detail, &line);
                    self.network.install(instance, |_| true, self.host);
                }
                Action::Remove => {
                    let removed = self.network.remove(instance, instance.addresses(), self.host);
                    if removed > 0 {
                        let line = format!("({}) removing VIPs.", instance.config.name);
                        self.host.log(Level::Detail, &line);
                    }
                    self.set_drop_rules();
                }
                Action::Announce(burst) => {
                    self.network.announce(now, instance, burst, |_| true, self.host);
                }
                Action::Notify(State::Init) => self.notify(index, InstanceState::Stop),
                Action::Notify(state) => self.notify(index, state.into()),
                Action::Log(line) => {
                    if is_reason(&line) {
                        instance.why = line.to_string();
                    }
                    let level = if line.is_detail() { Level::Detail } else { Level::Info };
                    self.host.log(level, &format!("({}) {line}", instance.config.name));
                }
            }
        }
        self.actions = actions;
    }

    /// Sets the drop rules of `vrrp_strict` for the masters there are, when those rules are others.
    fn set_drop_rules(&mut self) {
        let strict =
            self.instances.iter().filter(|instance| instance.is_master() && instance.drops(&self.iptables));
        let v4 = |address: IpAddr| match address {
            IpAddr::V4(v4) => Some(v4),
            IpAddr::V6(_) => None,
        };
        let wanted: Vec<Ipv4Addr> =
            strict.flat_map(|i| i.addresses().filter_map(|vip| v4(vip.address))).collect();
        if self.dropped.as_ref() != Some(&wanted) {
            self.network.drop_packets(&wanted, self.host);
            self.dropped = Some(wanted);
        }
    }

    fn notify(&mut self, index: usize, state: InstanceState) {
        self.changed = true;
        let instance = &mut self.instances[index];
        let notification = instance.notification(state);
        let mail = instance.mail(state, self.router_id.as_deref());
        self.tell(&Out::Notify(notification));
        if let Some(mail) = mail {
            self.tell(&Out::Mail(mail));
        }
    }

    /// Sends to the supervisor. That it is gone is noticed when we listen to it.
    fn tell(&mut self, message: &Out) {
        if let Err(error) = self.channel.send(message)
            && !matches!(error, ipc::Error::Closed)
        {
            self.host.log(Level::Error, &format!("message to the supervisor lost: {error}"));
        }
    }

    /// Does what the supervisor asks for.
    fn obey(&mut self) -> Result<Option<Ended>, Error> {
        match self.channel.flush() {
            Ok(()) | Err(ipc::Error::Closed) => {}
            Err(error) => return Err(Error::Supervisor(error)),
        }
        loop {
            let message = match self.channel.recv() {
                Ok(Some(received)) => received.message,
                Ok(None) => return Ok(None),
                Err(ipc::Error::Closed) => return Ok(Some(Ended::SupervisorGone)),
                Err(error) => return Err(Error::Supervisor(error)),
            };
            match message {
                In::Configure { config, restored } => {
                    self.report_rivals();
                    self.configure(config, &restored);
                }
                In::Reload { config } => self.configure(config, &Memory::default()),
                In::ScriptResult { script, outcome } => {
                    if self.scripts.result(&script, &outcome.into(), self.host) {
                        self.changed = true;
                        for index in 0..self.instances.len() {
                            self.evaluate(index, None);
                        }
                    }
                }
                In::StatusRequest => {
                    let now = now();
                    let status = self.instances.iter().map(|instance| instance.status(now)).collect();
                    self.tell(&Out::Status(status));
                }
                In::Stop => return Ok(Some(Ended::Asked)),
            }
        }
    }

    fn report_rivals(&mut self) {
        for rival in rivals(&[std::process::id()]) {
            let line = format!(
                "{rival} on this host speaks VRRP as well; if it uses one of our virtual router ids here, \
                 both will hold the addresses: stop one of them"
            );
            self.host.log(Level::Warning, &line);
        }
    }

    /// Puts a configuration in force. Instances that stay the same virtual router keep their state.
    fn configure(&mut self, config: Config, restored: &Memory) {
        let now = now();
        self.router_id = config.global.router_id;
        self.iptables = config.global.iptables;
        self.network.set_garp_interval(config.global.garp_interval);
        self.scripts.configure(&config.scripts, &restored.scripts);
        let mut old = std::mem::take(&mut self.instances);
        for wanted in config.instances {
            for line in cleared(&wanted) {
                self.host.log(Level::Warning, &line);
            }
            let index = self.instances.len();
            match old.iter().position(|instance| instance.is_same_router(&wanted)) {
                Some(at) => {
                    let mut instance = old.remove(at);
                    let before = instance.reconfigure(now, wanted, &mut self.actions);
                    self.instances.push(instance);
                    self.carry_out(now, index);
                    self.move_addresses(now, index, &before);
                }
                None => self.instances.push(Instance::new(wanted)),
            }
        }
        for mut instance in old {
            instance.why = "removed from the configuration".into();
            instance.router.on(now, Event::Stop, &mut self.actions);
            self.instances.push(instance);
            self.carry_out(now, self.instances.len() - 1);
            self.instances.pop();
        }
        self.provide();
        for index in 0..self.instances.len() {
            let name = &self.instances[index].config.name;
            let resumed = restored.instances.iter().find(|(known, _)| known == name);
            self.evaluate(index, resumed.and_then(|(_, state)| state.resumed()));
        }
        self.set_drop_rules();
        self.changed = true;
        self.tell(&Out::Ready);
    }

    /// A reload changed the addresses of an instance: moves those that changed.
    fn move_addresses(&mut self, now: Time, index: usize, before: &keepalived_conf::model::VrrpInstance) {
        let instance = &self.instances[index];
        if !instance.is_master() {
            return;
        }
        let was = || before.addresses.iter().chain(&before.excluded);
        let gone = was().filter(|vip| !instance.addresses().any(|kept| kept == *vip));
        self.network.remove(instance, gone, self.host);
        let is_new = |vip: &_| !was().any(|had| had == vip);
        self.network.install(instance, is_new, self.host);
        self.network.announce(now, instance, vrrp::Burst::Master, is_new, self.host);
    }

    /// Fires the timers that are due.
    fn fire(&mut self) {
        let now = now();
        for index in 0..self.instances.len() {
            self.instances[index].router.on(now, Event::Timer, &mut self.actions);
            self.carry_out(now, index);
        }
        self.network.send_announcements(now, self.host);
    }

    /// Lets the supervisor remember what a successor would need, when it has changed.
    fn remember(&mut self) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        let state = |instance: &Instance| (instance.config.name.clone(), instance.state());
        let memory = Memory {
            instances: self.instances.iter().map(state).collect(),
            scripts: self.scripts.verdicts(),
        };
        if memory != self.remembered {
            self.tell(&Out::Remember(memory.clone()));
            self.remembered = memory;
        }
    }

    /// Leaves every group, and sees that the supervisor hears of it.
    fn stop(&mut self) {
        let now = now();
        for index in 0..self.instances.len() {
            self.instances[index].router.on(now, Event::Stop, &mut self.actions);
            self.carry_out(now, index);
        }
        let timeout = Timespec { tv_sec: FAREWELL.as_secs() as _, tv_nsec: 0 };
        while self.channel.flush().is_ok() && self.channel.wants_write() {
            let mut fds = [PollFd::new(&self.channel, PollFlags::OUT)];
            if !matches!(poll(&mut fds, Some(&timeout)), Ok(1..)) {
                return;
            }
        }
    }
}

const OWN_ADDRESS: &str = "advertisement from our own address: another host has it, or another program here";

/// Whether a line says why a state was entered.
fn is_reason(line: &Line) -> bool {
    matches!(
        line,
        Line::ReceiveTimeout | Line::StillMaster | Line::Higher { .. } | Line::SameHigherAddress { .. }
    )
}
