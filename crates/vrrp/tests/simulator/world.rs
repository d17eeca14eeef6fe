//! Virtual time: packets arrive, events happen, timers fire, and the judge looks on.

use crate::host::{Host, Order};
use crate::judge::{Judge, Tally};
use crate::mutant::Mutant;
use crate::network::Network;
use crate::packets;
use crate::schedule::{Happening, Index, Instant, Schedule, letter, seconds};
use crate::witness::{Broken, Invariant};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::rc::Rc;
use vrrp::State;

/// An invariant that a schedule broke.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Violation {
    pub(crate) invariant: Invariant,
    at: Instant,
    text: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} broken at {}: {}", self.invariant, seconds(self.at), self.text)
    }
}

/// What a run found.
pub(crate) struct Outcome {
    pub(crate) violation: Option<Violation>,
    pub(crate) tally: Tally,
    /// Every state entered and every event, if asked for.
    pub(crate) trace: String,
}

/// Packets on their way: when each arrives, its number, at whom; the earliest first.
type Wire = BinaryHeap<Reverse<(Instant, u64, Index, Rc<[u8]>)>>;

struct World<'a> {
    schedule: &'a Schedule,
    now: Instant,
    hosts: Vec<Host>,
    network: Network,
    wire: Wire,
    packets: u64,
    judge: Judge,
    trace: Option<String>,
    states: Vec<State>,
}

/// Plays a schedule to its end and for as long after it as everything takes to settle.
pub(crate) fn play(schedule: &Schedule, mutant: Mutant, trace: bool) -> Outcome {
    let mut world = World {
        schedule,
        now: 0,
        hosts: schedule.routers.iter().map(|setup| Host::new(schedule, setup, mutant)).collect(),
        network: Network::new(schedule),
        wire: BinaryHeap::new(),
        packets: 0,
        judge: Judge::new(schedule),
        trace: trace.then(String::new),
        states: vec![State::Init; schedule.routers.len()],
    };
    let broken = world.play().err();
    world.note();
    world.judge.tally.packets = world.packets;
    let violation = broken.map(|(invariant, text)| Violation { invariant, at: world.now, text });
    Outcome { violation, tally: world.judge.tally, trace: world.trace.unwrap_or_default() }
}

impl World<'_> {
    fn play(&mut self) -> Result<(), Broken> {
        let last = self.schedule.events.last().map_or(0, |&(at, _)| at);
        let end = last + self.judge.bounds.settled * 2;
        let mut events = self.schedule.events.iter().peekable();
        loop {
            let arrival = self.wire.peek().map(|Reverse((at, ..))| *at);
            let event = events.peek().map(|(at, _)| (*at).max(self.now));
            let timer = self.hosts.iter().filter_map(|host| host.deadline(self.now)).min();
            let next = [arrival, event, timer].into_iter().flatten().min().unwrap_or(end).min(end);
            // What is now has been so until then.
            self.judge.look(self.now, next, &self.hosts)?;
            self.now = next;
            if next == end {
                return Ok(());
            }
            self.deliver()?;
            while let Some((_, happening)) = events.next_if(|(at, _)| *at <= self.now) {
                self.happen(*happening)?;
                self.send();
            }
            for index in 0..self.hosts.len() {
                self.hosts[index].fire(self.now).map_err(|broken| by(index, broken))?;
            }
            self.send();
            self.note();
        }
    }

    /// Packets that arrive now reach their sockets, and whoever runs takes them in.
    fn deliver(&mut self) -> Result<(), Broken> {
        while let Some(Reverse((at, ..))) = self.wire.peek()
            && *at <= self.now
        {
            if let Some(Reverse((_, _, to, packet))) = self.wire.pop() {
                self.hosts[to].receive(packet);
            }
        }
        for index in 0..self.hosts.len() {
            if !self.hosts[index].paused {
                self.hosts[index].listen(self.now).map_err(|broken| by(index, broken))?;
            }
        }
        self.send();
        Ok(())
    }

    fn happen(&mut self, happening: Happening) -> Result<(), Broken> {
        if let Some(trace) = &mut self.trace {
            trace.push_str(&format!("{} {happening}\n", seconds(self.now)));
        }
        let now = self.now;
        let wakes_master = matches!(happening, Happening::Resume(router)
            if self.hosts.get(router).is_some_and(|host| host.state() == State::Master));
        let mut on = |index: Index, act: &dyn Fn(&mut Host) -> Result<bool, Broken>| {
            self.hosts.get_mut(index).map_or(Ok(false), act).map_err(|broken| by(index, broken))
        };
        let mattered = match happening {
            Happening::Start { router, waiting, memory } => {
                on(router, &|host| host.start(now, self.schedule, waiting, memory))?
            }
            Happening::Stop(router) => on(router, &|host| host.order(now, Order::Stop))?,
            Happening::Fault(router) => on(router, &|host| host.order(now, Order::Fault))?,
            Happening::Recover(router) => on(router, &|host| host.order(now, Order::Recover))?,
            Happening::Priority(router, to) => on(router, &|host| host.order(now, Order::Priority(to)))?,
            Happening::Crash(router) => on(router, &|host| Ok(host.crash()))?,
            Happening::Pause(router) => on(router, &|host| Ok(host.pause()))?,
            Happening::Resume(router) => on(router, &|host| host.resume(now))?,
            _ => self.network.apply(happening),
        };
        if mattered {
            self.judge.tally.masters_woken += u64::from(wakes_master);
            self.judge.disturb(now, &self.network, &self.hosts);
        }
        Ok(())
    }

    /// Puts on the wire what the hosts want sent.
    fn send(&mut self) {
        for from in 0..self.hosts.len() {
            for priority in std::mem::take(&mut self.hosts[from].outbox) {
                let packet = packets::write(self.schedule.version, &self.hosts[from].setup, priority);
                for to in (0..self.hosts.len()).filter(|&to| to != from) {
                    for delay in self.network.copies(from, to) {
                        self.packets += 1;
                        let at = self.now + delay;
                        self.wire.push(Reverse((at, self.packets, to, Rc::clone(&packet))));
                        if !self.network.is_calm() {
                            self.judge.disturb_until(at);
                        }
                    }
                }
            }
        }
    }

    /// Notes the states that are new.
    fn note(&mut self) {
        for index in 0..self.hosts.len() {
            let state = self.hosts[index].state();
            let before = std::mem::replace(&mut self.states[index], state);
            if before != state {
                self.judge.changed(self.now, state);
                if let Some(trace) = &mut self.trace {
                    let (at, name) = (seconds(self.now), letter(index));
                    trace.push_str(&format!("{at}   {name} is {}\n", state.word()));
                }
            }
        }
    }
}

/// Says whose fault it is.
fn by(index: Index, (invariant, text): Broken) -> Broken {
    (invariant, format!("{} {text}", letter(index)))
}
