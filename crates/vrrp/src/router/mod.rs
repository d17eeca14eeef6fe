//! The virtual router: RFC 3768 §6.4 with keepalived's refinements.
//!
//! ```text
//!            start                      master down timer
//!   Init ──────────────▶ Backup ─────────────────────────▶ Master
//!    │                    │  ▲  ◀─────────────────────────  │
//!    │ fault        fault │  │ recovered   higher priority   │ fault
//!    └──────────────────▶ Fault ◀────────────────────────────┘
//! ```
//!
//! [`Router::on`] takes what happened and appends what is to be done; [`Router::next_deadline`] says
//! when it wants [`Event::Timer`] next. Calling it earlier is harmless. A master that is called so
//! late that another may have taken over was paused: it steps back before it does anything else, and
//! takes part in the election anew.

mod event;
mod settings;

pub use event::{Action, Burst, Counters, Event, MasterReason, Standing, State};
pub use settings::{Garp, Preempt, Settings};

use crate::timers::Timers;
use crate::{Centiseconds, Line, OWNER, RELEASE, Received, Time, Timer, Version};
use std::net::IpAddr;
use std::time::Duration;

/// One virtual router.
#[derive(Clone, Debug)]
pub struct Router {
    settings: Settings,
    state: State,
    since: Time,
    priority: u8,
    /// Ours, or in VRRPv3 that of the master last heard.
    master_interval: Centiseconds,
    /// When a lower-priority master may be preempted; none while no such master was heard.
    preempt_at: Option<Time>,
    master: Option<(IpAddr, u8, Time)>,
    /// Whether the election would make it master if its sync group agreed.
    wants_master: bool,
    /// Why it became master last, and why it would next.
    reason: Option<MasterReason>,
    next_reason: MasterReason,
    rogue: Rogue,
    timers: Timers,
    counters: Counters,
}

/// Another router that claims to own the addresses as well, while we are master and its address is
/// the lower one. keepalived gives it time to step down: until we have advertised twice and a bit
/// more than an interval has passed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Rogue {
    #[default]
    None,
    /// So many advertisements of ours are left, and its interval.
    Told(u8, Centiseconds),
    /// It should be silent until [`Timer::Rogue`] fires.
    Watched,
}

impl Router {
    /// A router that has not started.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            state: State::Init,
            since: Time::default(),
            priority: settings.priority,
            master_interval: settings.interval,
            preempt_at: None,
            master: None,
            wants_master: false,
            reason: None,
            next_reason: MasterReason::NoResponse,
            rogue: Rogue::None,
            timers: Timers::default(),
            counters: Counters::default(),
        }
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// When it entered its state.
    pub fn since(&self) -> Time {
        self.since
    }

    /// The effective priority.
    pub fn priority(&self) -> u8 {
        self.priority
    }

    /// The other router last heard as master: address, priority, when.
    pub fn master_heard(&self) -> Option<(IpAddr, u8, Time)> {
        self.master
    }

    /// Whether it would be master if its sync group let it.
    pub fn wants_master(&self) -> bool {
        self.wants_master
    }

    /// Why it became master last, if it ever did.
    pub fn master_reason(&self) -> Option<MasterReason> {
        self.reason
    }

    /// The interval that deadlines count by: ours, or in VRRPv3 that of the master last heard.
    pub fn master_interval(&self) -> Centiseconds {
        self.master_interval
    }

    /// What it has counted.
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// When it wants [`Event::Timer`], and for what.
    pub fn next_deadline(&self) -> Option<(Time, Timer)> {
        self.timers.next()
    }

    /// How long a backup waits for an advertisement: 3 × the master's interval + skew, or
    /// `down_timer_adverts` in place of 3.
    pub fn master_down(&self) -> Duration {
        self.master_interval.duration() * u32::from(self.settings.down_timer_adverts) + self.skew()
    }

    /// RFC 3768 §6.1: (256 − priority) / 256 seconds, whatever the interval. RFC 5798 §6.1: the same
    /// part of the master's interval.
    fn skew(&self) -> Duration {
        let unit = match self.settings.version {
            Version::V2 => Duration::from_secs(1),
            Version::V3 => self.master_interval.duration(),
        };
        unit * (256 - u32::from(self.priority)) / 256
    }

    /// Takes new settings without leaving the state. The effective priority is that of tracking and
    /// comes by [`Event::Priority`] afterwards; an owner's follows at once.
    pub fn reconfigure(&mut self, now: Time, settings: Settings, actions: &mut Vec<Action>) {
        let old = std::mem::replace(&mut self.settings, settings);
        if settings.priority == OWNER || old.priority == OWNER {
            self.change_priority(settings.priority, actions);
        }
        if old.interval != settings.interval || old.version != settings.version {
            self.master_interval = settings.interval;
            match self.state {
                State::Backup => self.timers.set(Timer::MasterDown, now + self.master_down()),
                State::Master => self.timers.set(Timer::Advertise, now),
                State::Init | State::Fault => {}
            }
        }
        if old.preempt != settings.preempt {
            self.preempt_at = None;
        }
        if old.garp.refresh != settings.garp.refresh && self.state == State::Master {
            self.timers.unset(Timer::Refresh);
            self.start_refresh(now);
        }
    }

    /// Uses another source address from now on.
    pub fn set_source(&mut self, source: IpAddr) {
        self.settings.source = source;
    }

    /// Takes in what happened and appends what is to be done.
    pub fn on(&mut self, now: Time, event: Event, actions: &mut Vec<Action>) {
        if event != Event::Stop {
            self.notice_pause(now, actions);
        }
        match event {
            Event::Start { standing, restored } => self.start(now, standing, restored, actions),
            Event::Advertisement(_) if self.settings.owner_ignore_adverts && self.priority == OWNER => {}
            Event::Advertisement(advertisement) => match self.state {
                // RFC 3768 §6.4.2
                State::Backup => self.heard_as_backup(now, advertisement, actions),
                // RFC 3768 §6.4.3
                State::Master => self.heard_as_master(now, advertisement, actions),
                State::Init | State::Fault => {}
            },
            Event::Priority(priority) => {
                if self.settings.priority != OWNER {
                    self.change_priority(priority.clamp(1, i32::from(OWNER) - 1) as u8, actions);
                }
            }
            Event::Fault => self.fault(now, actions),
            Event::Recovered => {
                if matches!(self.state, State::Init | State::Fault) {
                    self.recover(now, false, actions);
                }
            }
            Event::Promote => {
                if self.state == State::Backup {
                    self.become_master(now, actions);
                }
            }
            Event::Demote => {
                if self.state == State::Master {
                    self.step_back(now, actions);
                }
            }
            Event::HandOver => {
                if self.state == State::Backup {
                    self.next_reason = MasterReason::Released;
                    actions.push(Action::Log(Line::HandedOver));
                    self.take_over(now, actions);
                }
            }
            Event::Stop => self.stop(now, actions),
            Event::Timer => {
                while let Some(timer) = self.timers.take_due(now) {
                    self.fire(now, timer, actions);
                }
            }
        }
    }

    /// A master whose last advertisement is so long ago that the others may have missed it for good
    /// was paused. It gives the addresses up without a word (whoever serves them now is not to be
    /// disturbed) and becomes master again, if nobody is, after one interval.
    fn notice_pause(&mut self, now: Time, actions: &mut Vec<Action>) {
        let Some(due) = self.timers.at(Timer::Advertise).filter(|_| self.state == State::Master) else {
            return;
        };
        if !self.may_be_replaced(now.since(due)) {
            return;
        }
        let interval = self.settings.interval.duration();
        actions.push(Action::Log(Line::Paused(now.since(due))));
        self.step_back(now, actions);
        self.timers.set(Timer::MasterDown, now + interval + self.skew());
    }

    /// Whether another router may serve the addresses of a master whose advertisement is overdue by so
    /// much. An address owner is preempted by nobody.
    pub fn may_be_replaced(&self, overdue: Duration) -> bool {
        let missed =
            self.settings.interval.duration() * u32::from(self.settings.down_timer_adverts.saturating_sub(1));
        overdue > missed && self.priority != OWNER
    }

    /// From master to backup, without an advertisement.
    fn step_back(&mut self, now: Time, actions: &mut Vec<Action>) {
        self.counters.released_master += 1;
        self.since = now;
        self.rogue = Rogue::None;
        actions.push(Action::Log(Line::EnteringBackup { init: false }));
        actions.push(Action::Remove);
        actions.push(Action::Notify(State::Backup));
        self.listen(now);
    }

    /// The election says that we are master: now, or when the sync group agrees.
    fn take_over(&mut self, now: Time, actions: &mut Vec<Action>) {
        if self.settings.grouped {
            self.wants_master = true;
            self.timers.set(Timer::MasterDown, now + self.master_down());
        } else {
            self.become_master(now, actions);
        }
    }

    fn start(&mut self, now: Time, standing: Standing, restored: Option<State>, actions: &mut Vec<Action>) {
        self.since = now;
        match (standing, restored) {
            // Whoever served before the crash goes on without a gap: nobody may notice.
            (Standing::Fit | Standing::Waiting, Some(State::Master)) => {
                self.state = State::Master;
                self.reason = Some(MasterReason::NoResponse);
                self.advertise(now, actions);
                actions.push(Action::Log(Line::StillMaster));
                actions.push(Action::Install);
                // Another router may have served in between, and a second burst may have been due.
                self.announce(now, actions);
            }
            (Standing::Fit | Standing::Waiting, Some(State::Backup)) => {
                actions.push(Action::Remove);
                self.listen(now);
            }
            (Standing::Fit, _) => {
                // An owner keeps the addresses: they are its own.
                if !self.owns_at_once() {
                    actions.push(Action::Remove);
                }
                self.recover(now, true, actions);
            }
            (Standing::Waiting, _) => actions.push(Action::Remove),
            (Standing::Unfit, restored) => {
                self.state = State::Fault;
                if restored == Some(State::Master) {
                    self.release(actions);
                }
                if restored != Some(State::Fault) {
                    actions.push(Action::Log(Line::EnteringFault { init: true }));
                }
                actions.push(Action::Remove);
                if restored != Some(State::Fault) {
                    actions.push(Action::Notify(State::Fault));
                }
            }
        }
    }

    /// RFC 3768 §6.4.1: an owner becomes master at once, any other waits. keepalived asks the owner
    /// for `state MASTER` as well, and lets every other `state MASTER` wait like a backup.
    fn recover(&mut self, now: Time, init: bool, actions: &mut Vec<Action>) {
        self.master_interval = self.settings.interval;
        if self.owns_at_once() && !self.settings.grouped {
            self.next_reason = MasterReason::Preempted;
            self.become_master(now, actions);
            return;
        }
        actions.push(Action::Log(Line::EnteringBackup { init }));
        actions.push(Action::Notify(State::Backup));
        self.since = now;
        self.listen(now);
        if self.owns_at_once() {
            (self.wants_master, self.next_reason) = (true, MasterReason::Preempted);
        }
    }

    fn owns_at_once(&self) -> bool {
        self.priority == OWNER && self.settings.starts_as_master
    }

    /// Waits for a master's advertisements.
    fn listen(&mut self, now: Time) {
        self.state = State::Backup;
        self.preempt_at = None;
        self.wants_master = false;
        self.next_reason = MasterReason::NoResponse;
        self.timers.clear();
        self.timers.set(Timer::MasterDown, now + self.master_down());
    }

    fn heard_as_backup(&mut self, now: Time, advertisement: Received, actions: &mut Vec<Action>) {
        self.counters.received += 1;
        let Received { source, priority, .. } = advertisement;
        let changed = self.master.is_none_or(|(before, ..)| before != source);
        if self.settings.priority == OWNER && self.priority != OWNER && (changed || priority != OWNER) {
            // The other owner has given in: we are the owner again.
            self.change_priority(OWNER, actions);
        }
        if advertisement.is_release() {
            // RFC 3768 §6.4.2: priority zero sets the Master_Down_Timer to Skew_Time.
            self.counters.releases_received += 1;
            self.next_reason = MasterReason::Released;
            actions.push(Action::Log(Line::BackupRelease));
            self.timers.set(Timer::MasterDown, now + self.skew());
            return;
        }
        self.master = Some((source, priority, now));
        // RFC 3768 §6.4.2: Preempt_Mode false, or priority not below ours, resets the timer.
        let lower = priority < self.priority;
        let accept = match self.settings.preempt {
            _ if !lower => true,
            Preempt::Never => true,
            Preempt::Always => false,
            Preempt::After(_) => self.preempt_at.is_none_or(|at| at > now),
        };
        if !accept {
            // The timer runs on: preemption takes what is left of it.
            self.next_reason = MasterReason::Preempted;
            actions.push(Action::Log(Line::Discarding { source, theirs: priority }));
            return;
        }
        (self.wants_master, self.next_reason) = (false, MasterReason::NoResponse);
        self.learn_interval(advertisement.interval, actions);
        self.timers.set(Timer::MasterDown, now + self.master_down());
        if let Preempt::After(delay) = self.settings.preempt {
            if lower && self.preempt_at.is_none() {
                actions.push(Action::Log(Line::PreemptDelayStarted(delay)));
                self.preempt_at = Some(now + delay);
            } else if !lower && self.preempt_at.take().is_some() {
                actions.push(Action::Log(Line::PreemptDelayStopped));
            }
        }
    }

    fn heard_as_master(&mut self, now: Time, advertisement: Received, actions: &mut Vec<Action>) {
        self.counters.received += 1;
        let Received { source, priority, .. } = advertisement;
        if advertisement.is_release() {
            // RFC 3768 §6.4.3: priority zero is answered at once.
            self.counters.releases_received += 1;
            self.advertise(now, actions);
            actions.push(Action::Log(Line::MasterRelease));
            return;
        }
        if priority == self.priority && source == self.settings.source {
            actions.push(Action::Log(Line::OwnAddress));
            return;
        }
        if priority == OWNER && self.priority == OWNER {
            self.heard_another_owner(advertisement, actions);
        }
        if (priority, source) > (self.priority, self.settings.source) {
            self.give_way(now, advertisement, actions);
        } else {
            self.insist(now, source, priority, actions);
        }
    }

    /// Both claim the addresses. The higher address stays for now; when the other goes on all the
    /// same, one of two that are certain must give in.
    fn heard_another_owner(&mut self, advertisement: Received, actions: &mut Vec<Action>) {
        match self.rogue {
            Rogue::None => {
                actions.push(Action::Log(Line::TwoOwners));
                self.rogue = Rogue::Told(2, advertisement.interval);
            }
            Rogue::Told(..) => {}
            Rogue::Watched => {
                actions.push(Action::Log(Line::RogueGoesOn));
                self.rogue = Rogue::None;
                self.timers.unset(Timer::Rogue);
                self.change_priority(OWNER - 1, actions);
            }
        }
    }

    /// RFC 3768 §6.4.3: a higher priority, or the same with a higher address, takes over.
    fn give_way(&mut self, now: Time, advertisement: Received, actions: &mut Vec<Action>) {
        let Received { source, priority, interval, .. } = advertisement;
        if self.settings.higher_prio_send_advert {
            self.advertise(now, actions);
        }
        self.master = Some((source, priority, now));
        actions.push(Action::Log(if priority > self.priority {
            Line::Higher { source, theirs: priority, ours: self.priority }
        } else {
            Line::SameHigherAddress { source, priority }
        }));
        self.learn_interval(interval, actions);
        self.step_back(now, actions);
    }

    /// The RFC discards a lower priority; keepalived answers at once, which ends the other's
    /// mastership sooner, and renews the ARP caches that the other has spoilt.
    fn insist(&mut self, now: Time, source: IpAddr, theirs: u8, actions: &mut Vec<Action>) {
        self.counters.lower_heard += 1;
        let forcing = !self.settings.lower_prio_no_advert;
        actions.push(Action::Log(Line::Lower { source, theirs, ours: self.priority, forcing }));
        if forcing {
            let due = self.timers.at(Timer::Advertise);
            self.advertise(now, actions);
            // Another owner's time is measured by our regular advertisements.
            if let Some(due) = due.filter(|_| self.rogue != Rogue::None) {
                self.timers.set(Timer::Advertise, due);
            }
        }
        if self.settings.garp.lower {
            actions.push(Action::Announce(Burst::Lower));
            if !self.settings.garp.lower_delay.is_zero() {
                self.timers.set(Timer::SecondLowerBurst, now + self.settings.garp.lower_delay);
            }
        }
        actions.push(Action::HeardLower);
    }

    fn change_priority(&mut self, priority: u8, actions: &mut Vec<Action>) {
        if priority == self.priority {
            return;
        }
        actions.push(Action::Log(Line::Priority { from: self.priority, to: priority }));
        let before = self.skew();
        self.priority = priority;
        // A running Master_Down_Timer moves by the difference of the skews.
        self.timers.shift(Timer::MasterDown, self.skew(), before);
    }

    fn fault(&mut self, now: Time, actions: &mut Vec<Action>) {
        if self.state == State::Fault {
            return;
        }
        let was_master = self.state == State::Master;
        self.state = State::Fault;
        self.since = now;
        self.timers.clear();
        (self.wants_master, self.rogue) = (false, Rogue::None);
        actions.push(Action::Log(Line::EnteringFault { init: false }));
        if was_master {
            self.counters.released_master += 1;
            self.release(actions);
            actions.push(Action::Remove);
        }
        actions.push(Action::Notify(State::Fault));
    }

    fn stop(&mut self, now: Time, actions: &mut Vec<Action>) {
        let was = std::mem::replace(&mut self.state, State::Init);
        self.since = now;
        self.timers.clear();
        (self.wants_master, self.rogue) = (false, Rogue::None);
        if was == State::Master {
            // RFC 3768 §6.4.3: shutdown sends priority zero.
            self.counters.released_master += 1;
            self.release(actions);
            actions.push(Action::Remove);
        }
        actions.push(Action::Notify(State::Init));
    }

    fn fire(&mut self, now: Time, timer: Timer, actions: &mut Vec<Action>) {
        let garp = self.settings.garp;
        match timer {
            // RFC 3768 §6.4.2: the Master_Down_Timer fires.
            Timer::MasterDown => {
                if !self.wants_master {
                    actions.push(Action::Log(Line::ReceiveTimeout));
                }
                self.take_over(now, actions);
            }
            // RFC 3768 §6.4.3: the Adver_Timer fires.
            Timer::Advertise => {
                self.advertise(now, actions);
                self.count_for_rogue(now);
            }
            Timer::Rogue => {
                actions.push(Action::Log(Line::RogueStopped));
                self.rogue = Rogue::None;
            }
            Timer::SecondBurst => actions.push(Action::Announce(Burst::Master)),
            Timer::SecondLowerBurst => actions.push(Action::Announce(Burst::Lower)),
            Timer::Refresh => {
                actions.push(Action::Announce(Burst::Refresh));
                self.timers.set(Timer::Refresh, now + garp.refresh);
            }
        }
    }

    /// The other owner has had two advertisements of ours: from now on it should be silent.
    fn count_for_rogue(&mut self, now: Time) {
        if let Rogue::Told(left, interval) = &mut self.rogue {
            *left -= 1;
            if *left == 0 {
                let longest = self.settings.interval.max(*interval).duration();
                self.rogue = Rogue::Watched;
                self.timers.set(Timer::Rogue, now + longest * 12 / 10);
            }
        }
    }

    /// The advertisement goes first: the old master must have given the addresses up before ours
    /// are announced.
    fn become_master(&mut self, now: Time, actions: &mut Vec<Action>) {
        self.state = State::Master;
        self.since = now;
        self.wants_master = false;
        self.reason = Some(self.next_reason);
        self.master_interval = self.settings.interval;
        self.counters.became_master += 1;
        if self.settings.priority == OWNER {
            self.change_priority(OWNER, actions);
        }
        self.timers.clear();
        self.advertise(now, actions);
        actions.push(Action::Log(Line::EnteringMaster));
        actions.push(Action::Install);
        self.announce(now, actions);
        actions.push(Action::Notify(State::Master));
    }

    /// Announces the addresses now, and when that is due again.
    fn announce(&mut self, now: Time, actions: &mut Vec<Action>) {
        actions.push(Action::Announce(Burst::Master));
        if !self.settings.garp.delay.is_zero() {
            self.timers.set(Timer::SecondBurst, now + self.settings.garp.delay);
        }
        self.start_refresh(now);
    }

    fn start_refresh(&mut self, now: Time) {
        if !self.settings.garp.refresh.is_zero() {
            self.timers.set(Timer::Refresh, now + self.settings.garp.refresh);
        }
    }

    fn advertise(&mut self, now: Time, actions: &mut Vec<Action>) {
        self.counters.sent += 1;
        actions.push(Action::Advertise(self.priority));
        self.timers.set(Timer::Advertise, now + self.settings.interval.duration());
    }

    fn release(&mut self, actions: &mut Vec<Action>) {
        self.counters.sent += 1;
        self.counters.releases_sent += 1;
        actions.push(Action::Advertise(RELEASE));
        actions.push(Action::Log(Line::SentRelease));
    }

    /// RFC 5798 §6.4.2: the Master_Adver_Interval is the one in the advertisement. VRRPv2 peers
    /// have the same interval, or their packets were refused.
    fn learn_interval(&mut self, interval: Centiseconds, actions: &mut Vec<Action>) {
        if self.settings.version == Version::V3 && interval != self.master_interval {
            let (from, to) = (self.master_interval.duration(), interval.duration());
            actions.push(Action::Log(Line::IntervalLearnt { from: from.as_millis(), to: to.as_millis() }));
            self.master_interval = interval;
        }
    }
}

#[cfg(test)]
mod tests;
