//! Who watches one router, knowing its configuration and what reached it but not what it thinks.
//!
//! It holds a router to what RFC 3768 §6.4 and RFC 5798 §6.4 say about a single one, and to what
//! keepalived adds: when the earliest moment for a takeover is, whom a master yields to, what may be
//! sent, and that addresses go with the state.

use crate::schedule::{Schedule, Setup};
use std::time::Duration;
use vrrp::{Action, Event, OWNER, Preempt, RELEASE, Received, Standing, State, Time, Version};

/// A property that does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Invariant {
    /// In a connected network at most one master, once the bound has passed.
    OneMaster,
    /// In a connected network a master, once the bound has passed.
    SomeMaster,
    /// Without a fault no state changes.
    NoFlapping,
    /// No backup that preempts has a higher priority than the settled master.
    Preemption,
    /// A backup waits as long as it must after the last advertisement that counts for it.
    Patience,
    /// A master yields to a better one, to a fault, to a stop and to its own pause, and to nothing else.
    Yielding,
    /// Who does not take part sends nothing but priority 0; who gives up says so.
    Silence,
    /// After a pause nothing is sent before what waited was taken in, and of two masters one yields.
    Waking,
    /// Addresses come and go in turns, and are there exactly while master.
    Addresses,
}

/// What a violation says.
pub(crate) type Broken = (Invariant, String);

pub(crate) struct Witness {
    version: Version,
    preempt: Preempt,
    /// Priority and address: who is the better of two masters.
    rank: (u8, std::net::IpAddr),
    own_interval: Duration,
    owns_at_once: bool,
    is_owner: bool,
    /// Whether it may be master: started, fit, not stopped.
    takes_part: bool,
    installed: bool,
    /// The interval of the master that it follows.
    interval: Duration,
    /// What it waits from, and for how many intervals beside the skew.
    waits: (Time, u32),
    /// As a master: when its next advertisement is due.
    due: Time,
    preempt_at: Option<Time>,
}

impl Witness {
    /// Of a process that has just begun. `installed` is what its predecessor left.
    pub(crate) fn new(schedule: &Schedule, setup: &Setup, installed: bool) -> Self {
        let own_interval = Duration::from_millis(10) * u32::from(setup.interval);
        Self {
            version: schedule.version,
            preempt: setup.preempt,
            rank: (setup.priority, setup.address.into()),
            own_interval,
            owns_at_once: setup.priority == OWNER && setup.starts_as_master,
            is_owner: setup.priority == OWNER,
            takes_part: false,
            installed,
            interval: own_interval,
            waits: (Time::default(), 3),
            due: Time::default(),
            preempt_at: None,
        }
    }

    pub(crate) fn takes_part(&self) -> bool {
        self.takes_part
    }

    pub(crate) fn installed(&self) -> bool {
        self.installed
    }

    pub(crate) fn priority(&self) -> u8 {
        self.rank.0
    }

    /// Tracking wants another priority.
    pub(crate) fn take_priority(&mut self, priority: i32) {
        if !self.is_owner {
            self.rank.0 = priority.clamp(1, 254) as u8;
        }
    }

    /// Whether the sender of this is the better master.
    pub(crate) fn is_outranked_by(&self, received: &Received) -> bool {
        received.priority != RELEASE && (received.priority, received.source) > self.rank
    }

    /// RFC 3768 §6.1 and RFC 5798 §6.1.
    fn skew(&self) -> Duration {
        let unit = if self.version == Version::V2 { Duration::from_secs(1) } else { self.interval };
        unit * (256 - u32::from(self.rank.0)) / 256
    }

    /// The first moment at which a backup may become master.
    fn earliest(&self) -> Time {
        let (from, intervals) = self.waits;
        from + self.skew() + self.interval * intervals
    }

    fn listen(&mut self, now: Time) {
        self.waits = (now, 3);
        self.preempt_at = None;
    }

    /// Whether a master has been silent for so long that another may have taken over: then it steps
    /// back before anything else. It says so to the end all the same, and an owner is never replaced.
    fn was_paused(&self, now: Time, event: &Event, before: State) -> bool {
        let late = now.since(self.due) > self.own_interval * 2;
        before == State::Master && late && self.rank.0 != OWNER && *event != Event::Stop
    }

    /// Sees an event, the states before and after it, and what the router wants done.
    pub(crate) fn see(
        &mut self,
        now: Time,
        event: &Event,
        (before, after): (State, State),
        actions: &[Action],
    ) -> Result<(), Broken> {
        let paused = self.was_paused(now, event, before);
        let before = if paused { State::Backup } else { before };
        if paused {
            self.listen(now);
            self.waits = (now, 1);
        }
        let earliest = self.earliest();
        let expected = self.expect(now, event, before);
        match event {
            Event::Timer if before == State::Backup && after == State::Master => {
                if now < earliest {
                    let text = format!("takes over at {now}, not before {earliest}");
                    return Err((Invariant::Patience, text));
                }
                self.interval = self.own_interval;
            }
            // Neither may be late: that is for the judge of all routers to see.
            _ if after == expected => {}
            _ => {
                let text = format!("is {after:?} after {event:?} in {before:?}, not {expected:?}");
                return Err((Invariant::Yielding, text));
            }
        }
        self.check_sent(event, before, after, actions)?;
        if actions.iter().any(|action| matches!(action, Action::Advertise(1..))) {
            self.due = now + self.own_interval;
        }
        self.check_addresses(event, paused, after, actions)
    }

    /// Takes in an event. Returns the state that it leads to, takeovers apart.
    fn expect(&mut self, now: Time, event: &Event, before: State) -> State {
        match *event {
            Event::Start { standing, restored } => {
                let resumes = matches!(restored, Some(State::Master | State::Backup));
                self.takes_part = match standing {
                    Standing::Fit => true,
                    Standing::Waiting => resumes,
                    Standing::Unfit => false,
                };
                self.listen(now);
                match (standing, restored) {
                    (Standing::Unfit, _) => State::Fault,
                    (_, Some(State::Master)) => State::Master,
                    (_, Some(State::Backup)) => State::Backup,
                    (Standing::Waiting, _) => State::Init,
                    (Standing::Fit, _) => self.entered(),
                }
            }
            Event::Recovered if matches!(before, State::Init | State::Fault) => {
                self.takes_part = true;
                self.interval = self.own_interval;
                self.listen(now);
                self.entered()
            }
            Event::Fault => {
                self.takes_part = false;
                State::Fault
            }
            Event::Stop => {
                self.takes_part = false;
                State::Init
            }
            Event::Priority(priority) => {
                self.take_priority(priority);
                before
            }
            Event::Advertisement(received) => self.hear(now, &received, before),
            _ => before,
        }
    }

    /// The state of one that begins to take part.
    fn entered(&self) -> State {
        if self.owns_at_once { State::Master } else { State::Backup }
    }

    fn hear(&mut self, now: Time, received: &Received, before: State) -> State {
        let interval = if self.version == Version::V3 { received.interval.duration() } else { self.interval };
        match before {
            State::Backup if received.is_release() => self.waits = (now, 0),
            State::Backup => {
                let lower = received.priority < self.rank.0;
                let running = self.preempt_at.is_none_or(|at| at > now);
                if !lower || self.preempt == Preempt::Never || (self.preempt != Preempt::Always && running) {
                    self.interval = interval;
                    self.waits = (now, 3);
                    match self.preempt {
                        Preempt::After(delay) if lower => {
                            self.preempt_at.get_or_insert(now + delay);
                        }
                        _ => self.preempt_at = None,
                    }
                }
            }
            State::Master if self.is_outranked_by(received) => {
                self.interval = interval;
                self.listen(now);
                return State::Backup;
            }
            State::Master | State::Init | State::Fault => {}
        }
        before
    }

    fn check_sent(
        &self,
        event: &Event,
        before: State,
        after: State,
        actions: &[Action],
    ) -> Result<(), Broken> {
        let resumed = matches!(event, Event::Start { restored: Some(State::Master), .. });
        let mut released = false;
        for action in actions {
            let wrong = match *action {
                Action::Advertise(RELEASE) => {
                    released = true;
                    before != State::Master && !resumed
                }
                Action::Advertise(priority) => {
                    !self.takes_part || after != State::Master || priority != self.rank.0
                }
                _ => false,
            };
            if wrong {
                let text = format!("{action:?} after {event:?} in {before:?}");
                return Err((Invariant::Silence, text));
            }
        }
        let gives_up = matches!(event, Event::Fault | Event::Stop) && before == State::Master;
        if gives_up && !released {
            return Err((Invariant::Silence, format!("no priority 0 after {event:?} in {before:?}")));
        }
        Ok(())
    }

    fn check_addresses(
        &mut self,
        event: &Event,
        paused: bool,
        after: State,
        actions: &[Action],
    ) -> Result<(), Broken> {
        // A process that starts does not know what is there.
        let starts = matches!(event, Event::Start { .. });
        let was_installed = self.installed;
        let mut sent = false;
        for action in actions {
            let fits = match action {
                Action::Advertise(_) => {
                    sent = true;
                    true
                }
                // Both ways the advertisement goes first.
                Action::Install => sent && (starts || !std::mem::replace(&mut self.installed, true)),
                Action::Remove => {
                    let yields = paused || matches!(event, Event::Advertisement(_));
                    starts || (sent || yields) && std::mem::replace(&mut self.installed, false)
                }
                _ => true,
            };
            match action {
                Action::Install => self.installed = true,
                Action::Remove => self.installed = false,
                _ => {}
            }
            if !fits {
                let text = format!("{actions:?} after {event:?}, installed before: {was_installed}");
                return Err((Invariant::Addresses, text));
            }
        }
        if self.installed != (after == State::Master) {
            return Err((Invariant::Addresses, format!("installed {} while {after:?}", self.installed)));
        }
        Ok(())
    }
}
