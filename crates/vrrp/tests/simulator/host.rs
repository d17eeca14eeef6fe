//! A machine with a clock of its own and a process that runs a router, as `ha` runs it: what the
//! socket holds is taken in before any order is obeyed or any timer fires.

use crate::mutant::{Machine, Mutant};
use crate::packets;
use crate::schedule::{Instant, SECOND, Schedule, Setup};
use crate::witness::{Broken, Invariant, Witness};
use std::collections::VecDeque;
use std::rc::Rc;
use std::time::Duration;
use vrrp::{Action, Event, Received, Standing, State, Time};

/// Packets that a socket holds while nobody reads. Later ones are dropped.
const QUEUE: usize = 256;
/// No clock begins at zero.
const BOOTED: Instant = 1000 * SECOND;
const MILLION: Instant = 1_000_000;

/// A clock that is wrong by up to one in a hundred.
#[derive(Clone, Copy)]
struct Clock {
    /// Its nanoseconds in a thousand million of the world's, in millionths.
    rate: Instant,
}

impl Clock {
    fn read(self, now: Instant) -> Time {
        Time(Duration::from_nanos(
            BOOTED + (now / MILLION) * self.rate + (now % MILLION) * self.rate / MILLION,
        ))
    }

    /// The first moment at which it shows `time` or later.
    fn when(self, time: Time) -> Instant {
        let passed = (time.0.as_nanos() as Instant).saturating_sub(BOOTED);
        let at = passed / self.rate * MILLION + (passed % self.rate * MILLION).div_ceil(self.rate);
        (at..).find(|&at| self.read(at) >= time).unwrap_or(at)
    }
}

/// What a process is told. While it is paused this waits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Order {
    Stop,
    Fault,
    Recover,
    Priority(i32),
}

pub(crate) struct Host {
    version: vrrp::Version,
    pub(crate) setup: Setup,
    clock: Clock,
    mutant: Mutant,
    /// The process, while there is one.
    machine: Option<Machine>,
    pub(crate) witness: Witness,
    /// What tracking says.
    standing: Standing,
    wanted_priority: i32,
    /// What the supervisor remembers of the process for its successor.
    memory: Option<State>,
    pub(crate) paused: bool,
    /// It takes in what waited during a pause.
    woken: bool,
    queue: VecDeque<Rc<[u8]>>,
    orders: Vec<Order>,
    actions: Vec<Action>,
    heard: Vec<Received>,
    /// Priorities to be sent.
    pub(crate) outbox: Vec<u8>,
    /// Since when it is in its state.
    pub(crate) changed: Instant,
}

impl Host {
    pub(crate) fn new(schedule: &Schedule, setup: &Setup, mutant: Mutant) -> Self {
        Self {
            version: schedule.version,
            setup: setup.clone(),
            clock: Clock { rate: MILLION.saturating_add_signed(setup.drift) },
            mutant,
            machine: None,
            witness: Witness::new(schedule, setup, false),
            standing: Standing::Fit,
            wanted_priority: i32::from(setup.priority),
            memory: None,
            paused: false,
            woken: false,
            queue: VecDeque::new(),
            orders: Vec::new(),
            actions: Vec::new(),
            heard: Vec::new(),
            outbox: Vec::new(),
            changed: 0,
        }
    }

    /// Its state; `Init` without a process.
    pub(crate) fn state(&self) -> State {
        self.machine.as_ref().map_or(State::Init, |machine| machine.router.state())
    }

    /// Whether it runs and may be master.
    pub(crate) fn takes_part(&self) -> bool {
        self.machine.is_some() && !self.paused && self.witness.takes_part()
    }

    pub(crate) fn is_running(&self) -> bool {
        self.machine.is_some()
    }

    /// When its next timer is due; never before `now`.
    pub(crate) fn deadline(&self, now: Instant) -> Option<Instant> {
        let machine = self.machine.as_ref().filter(|_| !self.paused)?;
        Some(self.clock.when(machine.next_deadline()?).max(now))
    }

    fn event(&mut self, now: Instant, event: Event) -> Result<(), Broken> {
        let Some(machine) = &mut self.machine else { return Ok(()) };
        let before = machine.router.state();
        let local = self.clock.read(now);
        self.actions.clear();
        machine.on(local, event, &mut self.actions);
        let after = machine.router.state();
        if before != after {
            self.changed = now;
        }
        self.memory = Some(after).filter(|state| *state != State::Init);
        for action in &self.actions {
            if let Action::Advertise(priority) = action {
                self.outbox.push(*priority);
            }
        }
        self.witness.see(local, &event, (before, after), &self.actions)
    }

    /// Starts a process. Does nothing if there is one.
    pub(crate) fn start(
        &mut self,
        now: Instant,
        schedule: &Schedule,
        waiting: bool,
        memory: bool,
    ) -> Result<bool, Broken> {
        if self.machine.is_some() {
            return Ok(false);
        }
        if waiting && self.standing == Standing::Fit {
            self.standing = Standing::Waiting;
        }
        let restored = self.memory.take().filter(|_| memory);
        self.machine = Some(Machine::new(self.mutant, schedule, &self.setup));
        self.witness = Witness::new(schedule, &self.setup, self.witness.installed());
        let standing = self.standing;
        // As in `ha`, the priority is known before it begins.
        let machine = self.machine.iter_mut();
        let local = self.clock.read(now);
        let priority = Event::Priority(self.wanted_priority);
        machine.for_each(|machine| machine.on(local, priority, &mut Vec::new()));
        self.witness.take_priority(self.wanted_priority);
        self.changed = now;
        self.event(now, Event::Start { standing, restored })?;
        Ok(true)
    }

    /// Its process is killed. Addresses and memory stay.
    pub(crate) fn crash(&mut self) -> bool {
        self.paused = false;
        self.queue.clear();
        for order in std::mem::take(&mut self.orders) {
            self.take_standing(order);
        }
        self.machine.take().is_some()
    }

    /// What tracking says changes whether or not there is a process.
    fn take_standing(&mut self, order: Order) {
        match order {
            Order::Fault => self.standing = Standing::Unfit,
            Order::Recover => self.standing = Standing::Fit,
            Order::Priority(priority) => self.wanted_priority = priority,
            Order::Stop => {}
        }
    }

    /// Tells the process something, or tracking. Says whether it may matter.
    pub(crate) fn order(&mut self, now: Instant, order: Order) -> Result<bool, Broken> {
        if self.paused {
            self.orders.push(order);
            return Ok(false);
        }
        let event = match (order, self.standing) {
            (Order::Stop, _) => Event::Stop,
            (Order::Fault, Standing::Fit | Standing::Waiting) => Event::Fault,
            (Order::Recover, Standing::Unfit | Standing::Waiting) => Event::Recovered,
            (Order::Priority(priority), _) => Event::Priority(priority),
            (Order::Fault | Order::Recover, _) => return Ok(false),
        };
        self.take_standing(order);
        if self.machine.is_none() {
            return Ok(false);
        }
        self.event(now, event)?;
        if order == Order::Stop {
            self.machine = None;
            self.memory = None;
            // A next start finds out anew.
            self.standing = if self.standing == Standing::Waiting { Standing::Fit } else { self.standing };
        }
        Ok(true)
    }

    /// A packet reaches the socket.
    pub(crate) fn receive(&mut self, packet: Rc<[u8]>) {
        let deaf = self.mutant == Mutant::Deaf && self.state() == State::Master;
        if self.machine.is_some() && !deaf && (!self.paused || self.queue.len() < QUEUE) {
            self.queue.push_back(packet);
        }
    }

    /// Empties the socket. Of several advertisements of one sender the last counts. The best comes
    /// first, so that a master that must yield does so before it answers a lower one.
    pub(crate) fn listen(&mut self, now: Instant) -> Result<(), Broken> {
        if self.queue.is_empty() {
            return Ok(());
        }
        let mut heard = std::mem::take(&mut self.heard);
        while let Some(packet) = self.queue.pop_front() {
            let received = packets::read(self.version, &self.setup, &packet);
            match heard.iter_mut().find(|known| known.source == received.source) {
                Some(known) => *known = received,
                None => heard.push(received),
            }
        }
        heard.sort_by_key(|received| std::cmp::Reverse((received.priority, received.source)));
        for at in 0..heard.len() {
            let before = self.outbox.len();
            self.event(now, Event::Advertisement(heard[at]))?;
            let waits = heard[at + 1..].iter().find(|waiting| self.witness.is_outranked_by(waiting));
            if let (true, Some(waits)) = (self.woken && self.outbox.len() > before, waits) {
                let text = format!("answers {:?} while {waits:?} waits", heard[at]);
                return Err((Invariant::Waking, text));
            }
        }
        heard.clear();
        self.heard = heard;
        Ok(())
    }

    /// Fires the timers that are due.
    pub(crate) fn fire(&mut self, now: Instant) -> Result<(), Broken> {
        if self.deadline(now).is_some_and(|at| at <= now) {
            self.event(now, Event::Timer)?;
        }
        Ok(())
    }

    pub(crate) fn pause(&mut self) -> bool {
        self.machine.is_some() && !std::mem::replace(&mut self.paused, true)
    }

    /// Runs again: the socket first, then what it was told, then timers.
    pub(crate) fn resume(&mut self, now: Instant) -> Result<bool, Broken> {
        if !std::mem::replace(&mut self.paused, false) {
            return Ok(false);
        }
        if self.mutant == Mutant::TimersFirst {
            self.fire(now)?;
            if !self.outbox.is_empty() && !self.queue.is_empty() {
                let text = format!("sends {:?} while {} packets wait", self.outbox, self.queue.len());
                return Err((Invariant::Waking, text));
            }
        }
        self.woken = true;
        self.listen(now)?;
        self.woken = false;
        for order in std::mem::take(&mut self.orders) {
            self.order(now, order)?;
        }
        self.fire(now)?;
        Ok(true)
    }
}
