//! The loop: listen, hear the kernel, obey the supervisor, fire timers; in this order on every turn.

mod act;
mod configure;
mod firewall;
mod groups;
mod hear;
mod lateness;
mod proxy;
mod repeat;
mod successor;
mod surroundings;

use crate::dump::{Dumps, Moment};
use crate::handover::Handovers;
use crate::instance::{Instance, Sources};
use crate::message::{In, Memory, Out};
use crate::network::{Leases, Network};
use crate::tracking::{Change, Tracking};
use crate::{Ended, Error, Host, Level, rivals};
use firewall::Firewall;
use groups::SyncGroups;
use ipc::Channel;
use keepalived_conf::model::ReceiveBuffers;
use lateness::Lateness;
use netlink::{Monitor, Nftables};
use proxy::Proxy;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::time::{ClockId, clock_gettime};
use std::os::fd::AsFd;
use std::time::Duration;
use vrrp::{Action, Event, Received, Time};

/// The longest sleep: the supervisor counts [`Host::beat`].
const TURN: Duration = Duration::from_millis(500);
/// The most that is done for the supervisor in one turn.
const MOST_ORDERS: usize = 32;
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
    // First of all, so that it has the lowest descriptor, which the kernel takes last from a process that is
    // killed: its end holds up transactions, and the first of a successor is not to wait for it.
    let nftables = Nftables::open().ok();
    // The monitor before the network: what changes while we look is heard afterwards.
    let monitor = Monitor::open()?;
    let network = Network::open(nftables)?;
    let mut process = Process {
        channel,
        host,
        monitor,
        guards_routes: false,
        network,
        leases: Leases::default(),
        handovers: Handovers::default(),
        tracking: Tracking::default(),
        dumps: Dumps::default(),
        proxy: Proxy::default(),
        instances: Vec::new(),
        groups: SyncGroups::default(),
        router_id: None,
        firewall: Firewall::default(),
        lateness: Lateness::default(),
        log_unknown: false,
        unknown: Vec::new(),
        begins: None,
        receive_buffers: ReceiveBuffers::Kernel,
        mails_faults: true,
        keeps_addresses: false,
        reports_addresses: false,
        changed: false,
        more: false,
        actions: Vec::new(),
        pending: Vec::new(),
        heard: Vec::new(),
        remembered: Memory::default(),
        silent_since: None,
        listened: Time::default(),
    };
    let ended = process.turn_until_stopped()?;
    process.stop();
    Ok(ended)
}

/// The present. The clock runs on while the machine is suspended.
fn now() -> Time {
    Time(since_epoch(ClockId::Boottime))
}

/// The time since 1970.
fn wall() -> Duration {
    since_epoch(ClockId::Realtime)
}

fn since_epoch(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    let seconds = u64::try_from(time.tv_sec).unwrap_or_default();
    let nanoseconds = u32::try_from(time.tv_nsec).unwrap_or_default();
    Duration::new(seconds, nanoseconds)
}

struct Process<'a> {
    channel: Channel<Out, In>,
    host: &'a mut dyn Host,
    monitor: Monitor,
    /// Whether it hears of routes and rules.
    guards_routes: bool,
    network: Network,
    leases: Leases,
    handovers: Handovers,
    tracking: Tracking,
    dumps: Dumps,
    proxy: Proxy,
    instances: Vec<Instance>,
    groups: SyncGroups,
    router_id: Option<String>,
    firewall: Firewall,
    lateness: Lateness,
    /// `log_unknown_vrids`.
    log_unknown: bool,
    /// Interfaces and virtual routers of which it was said that they are unknown.
    unknown: Vec<(String, u8)>,
    /// When the election begins: `vrrp_startup_delay`, `vrrp_delay_after_boot`. `None` when it has.
    begins: Option<Time>,
    /// `vrrp_rx_bufs_policy`.
    receive_buffers: ReceiveBuffers,
    /// `no_email_faults`.
    mails_faults: bool,
    /// `-V`
    keeps_addresses: bool,
    /// `-a`
    reports_addresses: bool,
    /// Whether a state or verdict may be new since the supervisor was last told what to remember.
    changed: bool,
    /// Whether there may be more to hear from the kernel or the supervisor than was taken in one turn.
    more: bool,
    /// Reused on every turn.
    actions: Vec<Action>,
    /// What routers want done, by number of the instance.
    pending: Vec<(usize, Vec<Action>)>,
    heard: Vec<(usize, Received)>,
    /// What the supervisor was last asked to remember.
    remembered: Memory,
    /// When a predecessor last showed a sign of life.
    silent_since: Option<Time>,
    listened: Time,
}

impl Process<'_> {
    fn turn_until_stopped(&mut self) -> Result<Ended, Error> {
        loop {
            self.host.beat();
            let deadline = self.sleep()?;
            self.more = false;
            self.listen();
            self.notice_lateness(deadline);
            self.hear_others();
            self.hear_kernel()?;
            if let Some(ended) = self.obey()? {
                return Ok(ended);
            }
            // What the supervisor asked for may have taken a while, or we were paused just now.
            if now().since(self.listened) > STALE {
                self.listen();
            }
            self.track();
            self.fire();
            self.settle_groups();
            self.greet();
            self.leases.renew(self.host);
            self.remember();
        }
    }

    /// Waits for a packet, a change, a message or the next deadline, which it returns.
    fn sleep(&self) -> Result<Option<Time>, Error> {
        let routers = self.instances.iter().filter_map(|instance| Some(instance.router.next_deadline()?.0));
        let others = [
            self.network.next_deadline(),
            self.tracking.next_deadline(),
            self.next_greeting(),
            self.next_extra(),
            self.begins,
        ];
        let deadline = routers.chain(others.into_iter().flatten()).min();
        let longest = if self.more { Duration::ZERO } else { TURN };
        let wait = deadline.map_or(longest, |at| at.since(now()).min(longest));
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
        fds.extend(self.handovers.sockets.iter().map(|socket| PollFd::new(socket, PollFlags::IN)));
        fds.extend(self.tracking.descriptors().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
        match poll(&mut fds, Some(&timeout)) {
            Ok(_) | Err(Errno::INTR) => Ok(deadline),
            Err(errno) => Err(Error::Kernel { what: "to wait", errno }),
        }
    }

    fn sources(&self) -> Sources<'_> {
        Sources { interfaces: &self.network.interfaces, tracking: &self.tracking }
    }

    /// Does what the supervisor asks for; so much in a turn that a flood of it, which others may ask the
    /// supervisor for, keeps us from no deadline.
    fn obey(&mut self) -> Result<Option<Ended>, Error> {
        match self.channel.flush() {
            Ok(()) | Err(ipc::Error::Closed) => {}
            Err(error) => return Err(Error::Supervisor(error)),
        }
        for _ in 0..MOST_ORDERS {
            let message = match self.channel.recv() {
                Ok(Some(received)) => received.message,
                Ok(None) => return Ok(None),
                Err(ipc::Error::Closed) => return Ok(Some(Ended::SupervisorGone)),
                Err(error) => return Err(Error::Supervisor(error)),
            };
            match message {
                In::Configure { config, restored, silent_since } => {
                    // One that goes on where another was may still find that one there.
                    if restored.instances.is_empty() {
                        self.report_rivals();
                    }
                    self.silent_since = silent_since.map(Time);
                    self.configure(config, &restored)?;
                }
                In::Reload { config } => self.reload(config)?,
                In::Adjust { config } => self.configure(config, &Memory::default())?,
                In::ScriptResult { script, outcome } => {
                    if self.tracking.scripts.result(&script, &outcome.into(), self.host) {
                        self.changed = true;
                        self.evaluate(&Memory::default());
                    }
                }
                In::StatusRequest => self.tell_status(),
                In::Announce { instance } => self.announce_asked(&instance),
                In::Proxy { serves } => self.proxy_changed(serves),
                In::Dump(kind) => {
                    let groups = self.groups.states();
                    let moment = Moment {
                        now: now(),
                        wall: wall(),
                        instances: &self.instances,
                        groups: &groups,
                        tracking: &self.tracking,
                        network: &self.network,
                    };
                    let text = self.dumps.text(kind, &moment);
                    self.tell(&Out::Dump(kind, text));
                }
                In::Stop => return Ok(Some(Ended::Asked)),
            }
        }
        self.more = true;
        Ok(None)
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

    /// Takes in what is new of everything tracked.
    fn track(&mut self) {
        let interval = |instance: &Instance| instance.router.master_interval().duration();
        let intervals = self.instances.iter().map(|instance| (&instance.config, interval(instance)));
        self.tracking.learn(intervals, self.host);
        let (changed, sessions) = self.tracking.turn(now(), &mut self.network.interfaces, self.host);
        for Change { name, up } in sessions {
            let tracks = |index: &usize| {
                let shared = self.groups.conditions(*index).map_or(&[][..], |group| &group.bfd);
                let mut all = self.instances[*index].config.track_bfd.iter().chain(shared);
                all.any(|tracked| tracked.name == name)
            };
            for index in (0..self.instances.len()).filter(tracks) {
                let instance = &self.instances[index].config.name;
                let word = if up { "UP" } else { "DOWN" };
                let line = format!("VRRP_Instance({instance}) Tracked BFD instance {name} is {word}");
                self.host.log(Level::Info, &line);
            }
        }
        if changed {
            self.changed = true;
            self.evaluate(&Memory::default());
        }
    }

    /// Fires the timers that are due.
    fn fire(&mut self) {
        let now = now();
        if self.begins.is_some_and(|at| at <= now) {
            self.begins = None;
            self.evaluate(&Memory::default());
        }
        for index in 0..self.instances.len() {
            self.instances[index].router.on(now, Event::Timer, &mut self.actions);
            self.put_off(index);
        }
        self.carry_out_all(now);
        self.announce_extra(now);
        self.claim(now);
        self.network.send_announcements(now, self.host);
    }

    /// Sends to the supervisor. That it is gone is noticed when we listen to it.
    fn tell(&mut self, message: &Out) {
        if let Err(error) = self.channel.send(message)
            && !matches!(error, ipc::Error::Closed)
        {
            self.host.log(Level::Error, &format!("message to the supervisor lost: {error}"));
        }
    }

    /// Lets the supervisor remember what a successor would need, when it has changed.
    fn remember(&mut self) {
        if !std::mem::take(&mut self.changed) {
            return;
        }
        let state = |instance: &Instance| (instance.config.name.clone(), instance.state());
        let sequences =
            |instance: &Instance| Some((instance.config.name.clone(), instance.reserved_sequences()?));
        let memory = Memory {
            instances: self.instances.iter().map(state).collect(),
            scripts: self.tracking.scripts.verdicts(),
            processes: self.tracking.processes.verdicts(),
            bfd: self.tracking.sessions.verdicts(),
            settings: self.network.settings_before(),
            sequences: self.instances.iter().filter_map(sequences).collect(),
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
            if self.keeps_addresses {
                self.actions.retain(|action| matches!(action, Action::Notify(_)));
            }
            self.put_off(index);
        }
        self.carry_out_all(now);
        self.set_drop_rules();
        self.network.remove_statics(self.host);
        if self.keeps_addresses {
            // It concerns the whole machine, and no address needs it.
            self.network.disable_local_igmp(false, self.host);
        } else {
            self.network.remove_virtual_interfaces(self.host);
        }
        self.groups_stopped();
        self.leases.release(self.host);
        let timeout = Timespec { tv_sec: FAREWELL.as_secs() as _, tv_nsec: 0 };
        while self.channel.flush().is_ok() && self.channel.wants_write() {
            let mut fds = [PollFd::new(&self.channel, PollFlags::OUT)];
            if !matches!(poll(&mut fds, Some(&timeout)), Ok(1..)) {
                return;
            }
        }
    }
}
