//! The control process: started when the configuration asks for something it does.
//!
//! It may hang, and whoever floods it makes it slow: messages to it are dropped once
//! [`MOST_WAITING`] bytes wait, and when it has caught up it is told afresh how everything stands.

use super::HaSide;
use super::child::{Child, Restart};
use super::connect;
use crate::inspect;
use crate::roles::{self, Role};
use control::message::{Act, Configure, Daemon, FromControl, ToControl};
use logging::{Level, Logger};
use rustix::event::{PollFd, PollFlags};
use std::os::fd::{AsFd, OwnedFd};
use std::time::{Duration, Instant};

/// A process that shows no sign of life for so long is killed and started again.
const LONGEST_SILENCE: Duration = Duration::from_secs(10);
/// Bytes that may wait for it before nothing more is queued.
const MOST_WAITING: usize = 1 << 20;
/// The longest thing that it may have to say, in bytes.
const LONGEST_QUESTION: usize = 64 << 10;
/// Questions that are heard in one turn.
const QUESTIONS_A_TURN: usize = 100;
/// How long it may take to say goodbye.
const FAREWELL: Duration = Duration::from_secs(1);
/// What the log says where root has to connect to the system bus.
const ROOTS_CONNECTION: &str = "Connecting to the system bus as root: there is no user `backstay` to do it \
    with less power; `make install` makes it (or `useradd --system backstay`, \
    packaging/dbus/backstay.conf in /etc/dbus-1/system.d and `systemctl reload dbus`), then `backstay upgrade`";

/// The control process, if there is one.
#[derive(Default)]
pub(super) struct ControlSide {
    child: Option<Child<ToControl, FromControl>>,
    restart: Restart,
    /// Whether the configuration asks for it.
    wanted: bool,
    /// When it was told to stop.
    leaving: Option<Instant>,
    /// Whether it has missed messages.
    behind: bool,
    /// Whether more of its questions are there.
    more: bool,
    /// Whether it runs as a user of its own, who may connect to the system bus.
    has_own_user: bool,
    /// Whether the log has [`ROOTS_CONNECTION`].
    told_of_root: bool,
    /// Whether it has sent what is none: it is killed, and not heard any more.
    broken: bool,
    pub(super) restarts: u64,
}

impl ControlSide {
    /// Starts it, tells it of another configuration, or stops it, as the configuration wants.
    pub(super) fn configure(&mut self, ha: &HaSide, logger: &mut Logger) {
        let global = &ha.config().global;
        let tables = global.snmp.vrrp;
        let asked_for = global.dbus.enabled || tables.keepalived || tables.rfc2787 || tables.rfc6527;
        if !asked_for {
            self.stop();
            return;
        }
        self.wanted = true;
        match &self.child {
            // One that is leaving is followed by another when it has gone.
            Some(_) => self.tell(&configuration(ha), Vec::new()),
            None => self.start(ha, logger),
        }
    }

    fn start(&mut self, ha: &HaSide, logger: &mut Logger) {
        self.leaving = None;
        (self.behind, self.broken) = (false, false);
        self.has_own_user = !rustix::process::geteuid().is_root() || roles::own_user().is_some();
        let started = ha.environment(None).and_then(|environment| Child::start(Role::Control, &environment));
        match started {
            Ok(mut child) => {
                child.channel = child.channel.distrusting(LONGEST_QUESTION);
                self.child = Some(child);
                self.tell(&configuration(ha), Vec::new());
            }
            Err(error) => {
                logger.log(Level::Error, &format!("Cannot start the control process: {error}"));
                self.restart.died(Duration::ZERO);
            }
        }
    }

    /// Tells it something, unless it does not listen.
    fn tell(&mut self, message: &ToControl, descriptors: Vec<OwnedFd>) {
        let Some(child) = self.child.as_mut().filter(|_| self.leaving.is_none()) else { return };
        if self.behind || child.channel.waiting() > MOST_WAITING {
            self.behind = true;
        } else {
            // A broken channel is followed by the end of the process.
            let _ = child.channel.send_with(message, descriptors);
        }
    }

    /// Descriptors to wait for.
    pub(super) fn descriptors(&self) -> impl Iterator<Item = PollFd<'_>> {
        self.child.iter().flat_map(|child| {
            let mut interest = PollFlags::empty();
            interest.set(PollFlags::IN, !self.broken);
            interest.set(PollFlags::OUT, child.channel.wants_write());
            let channel = PollFd::from_borrowed_fd(child.channel.as_fd(), interest);
            [channel, PollFd::from_borrowed_fd(child.pidfd(), PollFlags::IN)]
        })
    }

    /// When something must be looked at again.
    pub(super) fn next_deadline(&self) -> Option<Instant> {
        let watch = self.child.as_ref().map(|_| Instant::now() + LONGEST_SILENCE / 3);
        let more = self.more.then(Instant::now);
        let leaving = self.leaving.map(|since| since + FAREWELL);
        [watch, more, leaving, self.restart.at()].into_iter().flatten().min()
    }

    /// Passes on what is new, starts the process again if it died, and says what it wants done.
    pub(super) fn turn(&mut self, ha: &mut HaSide, logger: &mut Logger) -> Vec<Act> {
        for news in ha.news() {
            self.tell(&news, Vec::new());
        }
        let acts = self.hear(ha, logger);
        self.catch_up(ha, logger);
        self.watch(ha, logger);
        acts
    }

    fn hear(&mut self, ha: &mut HaSide, logger: &mut Logger) -> Vec<Act> {
        let (mut acts, mut adjustments, mut asks) = (Vec::new(), Vec::new(), false);
        self.more = false;
        for heard in 1..=QUESTIONS_A_TURN {
            let child = self.child.as_mut().filter(|_| !self.broken);
            let received = match child.map(|child| child.channel.recv()) {
                Some(Ok(Some(received))) => received,
                Some(Err(error)) => {
                    self.give_up(&error, logger);
                    break;
                }
                Some(Ok(None)) | None => break,
            };
            match received.message {
                FromControl::AskState => asks = true,
                FromControl::Connect(daemon) => self.connect(daemon, ha, logger),
                FromControl::Adjust(adjustment) => adjustments.push(adjustment),
                // Asked for twice in a turn, it is done once.
                FromControl::Act(act) if acts.contains(&act) => {}
                FromControl::Act(act) => acts.push(act),
            }
            self.more = heard == QUESTIONS_A_TURN;
        }
        // Managers have no business here unless the operator lets them in.
        if !adjustments.is_empty() && ha.config().global.snmp.vrrp.keepalived {
            ha.adjust(&adjustments);
            self.tell(&configuration(ha), Vec::new());
        }
        if asks {
            ha.request_status();
        }
        acts
    }

    /// Its end of the channel is gone, and so it will be, or what comes is no question.
    fn give_up(&mut self, error: &ipc::Error, logger: &mut Logger) {
        self.broken = true;
        self.child.as_ref().inspect(|child| child.kill());
        if !matches!(error, ipc::Error::Closed) {
            logger.log(Level::Error, &format!("The control process is not understood, killing it: {error}"));
        }
    }

    fn connect(&mut self, daemon: Daemon, ha: &HaSide, logger: &mut Logger) {
        let (way, socket) = match connect::way(daemon, ha.config(), self.has_own_user) {
            Ok((way, socket)) => (Ok(way), socket),
            Err(why) => (Err(why), None),
        };
        if daemon == Daemon::SystemBus && socket.is_some() && !self.told_of_root {
            self.told_of_root = true;
            logger.log(Level::Warning, ROOTS_CONNECTION);
        }
        self.tell(&ToControl::Way(daemon, way), socket.into_iter().collect());
    }

    /// Once it has read everything it is told afresh what it missed.
    fn catch_up(&mut self, ha: &mut HaSide, logger: &mut Logger) {
        let Some(child) = &mut self.child else { return };
        let _ = child.channel.flush();
        if self.behind && !child.channel.wants_write() {
            logger.log(Level::Warning, "The control process has missed something: it is told afresh");
            self.behind = false;
            self.tell(&configuration(ha), Vec::new());
            ha.request_status();
        }
    }

    fn watch(&mut self, ha: &HaSide, logger: &mut Logger) {
        if let Some(child) = &mut self.child {
            if child.kill_if_hung(LONGEST_SILENCE) {
                let text = format!(
                    "The control process shows no sign of life for {LONGEST_SILENCE:?}: restarting it"
                );
                logger.log(Level::Error, &text);
            }
            if self.leaving.is_some_and(|since| since.elapsed() > FAREWELL) {
                child.kill();
            }
            if let Some(exit) = child.reap() {
                let age = child.age();
                self.child = None;
                if self.leaving.take().is_none() {
                    let next = if ha.respawns() { "restarting it" } else { "not restarting it, as -R asks" };
                    logger.log(Level::Error, &format!("The control process {exit}: {next}"));
                    self.restart.died(age);
                    if !ha.respawns() {
                        self.wanted = false;
                        self.restart.cancel();
                    }
                } else if self.wanted {
                    self.start(ha, logger);
                }
            }
        }
        if self.restart.is_due() && self.wanted {
            self.restarts += 1;
            self.start(ha, logger);
        }
    }

    /// Begins to stop.
    pub(super) fn stop(&mut self) {
        self.wanted = false;
        self.restart.cancel();
        if self.leaving.is_none() && self.child.is_some() {
            self.tell(&ToControl::Stop, Vec::new());
            self.leaving = Some(Instant::now());
        }
    }

    /// Whether no process is left.
    pub(super) fn is_gone(&self) -> bool {
        self.child.is_none()
    }

    /// Its number.
    pub(super) fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::pid)
    }
}

fn configuration(ha: &HaSide) -> ToControl {
    ToControl::Configure(Box::new(Configure {
        config: ha.config().without_secrets(),
        host_name: inspect::host_name(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }))
}
