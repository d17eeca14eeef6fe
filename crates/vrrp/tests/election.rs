//! The election under loss, delay, duplication, partition and stall, over a hundred random
//! schedules on a virtual clock: whatever happened, once the network is whole again exactly one
//! router is master, and without nopreempt it is the one with the highest priority.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use vrrp::{
    Action, Centiseconds, Event, Preempt, Received, Router, Settings, Standing, State, Time, Version,
};

const ROUTERS: usize = 3;
/// Faults happen until then.
const CHAOS: u64 = 60_000;
/// Then all is well for longer than any master_down and preemption takes, in milliseconds.
const PEACE: u64 = 15_000;

/// SplitMix64: small, and the same on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: u64) -> u64 {
        self.next() % limit
    }
}

struct Node {
    router: Router,
    priority: u8,
    address: IpAddr,
    /// Its addresses are installed; must go together with the state.
    serving: bool,
    /// A stalled process neither reads nor fires until then.
    stalled_until: u64,
    inbox: Vec<Received>,
    actions: Vec<Action>,
}

struct World {
    random: Random,
    nodes: Vec<Node>,
    /// Packets on their way: when they arrive, at whom.
    wire: BTreeMap<(u64, u64), (usize, Received)>,
    packets: u64,
    /// Packets lost of a hundred.
    loss: u64,
    /// A router cut off from the others.
    cut: Option<usize>,
}

impl World {
    fn new(seed: u64, preempt: Preempt) -> Self {
        let mut random = Random(seed);
        let nodes = (0..ROUTERS).map(|number| {
            // Equal priorities happen too: then the address decides.
            let priority = 90 + 10 * random.below(3) as u8;
            let address = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 1 + number as u8));
            let settings =
                Settings { preempt, ..Settings::plain(Version::V2, priority, Centiseconds(100), address) };
            let router = Router::new(settings);
            Node {
                router,
                priority,
                address,
                serving: false,
                stalled_until: 0,
                inbox: Vec::new(),
                actions: Vec::new(),
            }
        });
        let nodes = nodes.collect();
        Self { random, nodes, wire: BTreeMap::new(), packets: 0, loss: 0, cut: None }
    }

    fn event(&mut self, at: u64, number: usize, event: Event) {
        let node = &mut self.nodes[number];
        let mut actions = std::mem::take(&mut node.actions);
        node.router.on(Time(Duration::from_millis(at)), event, &mut actions);
        let source = node.address;
        for action in actions.drain(..) {
            match action {
                Action::Advertise(priority) => self.send(at, number, source, priority),
                Action::Install => self.nodes[number].serving = true,
                Action::Remove => self.nodes[number].serving = false,
                Action::Announce(_) | Action::Notify(_) | Action::HeardLower | Action::Log(_) => {}
            }
        }
        let node = &mut self.nodes[number];
        node.actions = actions;
        assert_eq!(node.serving, node.router.state() == State::Master, "addresses follow the state");
    }

    fn send(&mut self, at: u64, from: usize, source: IpAddr, priority: u8) {
        let received = Received { source, priority, interval: Centiseconds(100), difference: None };
        for to in (0..ROUTERS).filter(|&to| to != from) {
            let cut = self.cut == Some(from) || self.cut == Some(to);
            let copies = if self.loss > 0 && self.random.below(20) == 0 { 2 } else { 1 };
            for _ in 0..copies {
                if !cut && self.random.below(100) >= self.loss {
                    self.packets += 1;
                    let delay = self.random.below(if self.loss > 0 { 300 } else { 2 });
                    self.wire.insert((at + delay, self.packets), (to, received));
                }
            }
        }
    }

    /// One millisecond: packets arrive, then, as in the process, queues are emptied before timers fire.
    fn step(&mut self, at: u64) {
        while let Some(entry) = self.wire.first_entry()
            && entry.key().0 <= at
        {
            let (to, received) = entry.remove();
            self.nodes[to].inbox.push(received);
        }
        for number in 0..ROUTERS {
            if self.nodes[number].stalled_until > at {
                continue;
            }
            for received in std::mem::take(&mut self.nodes[number].inbox) {
                self.event(at, number, Event::Advertisement(received));
            }
            let due = self.nodes[number].router.next_deadline();
            if due.is_some_and(|(due, _)| due <= Time(Duration::from_millis(at))) {
                self.event(at, number, Event::Timer);
            }
        }
    }

    /// Something goes wrong, or right again.
    fn misfortune(&mut self, at: u64) {
        let number = self.random.below(ROUTERS as u64) as usize;
        match self.random.below(8) {
            0 => self.loss = self.random.below(90),
            1 => self.loss = 0,
            2 => self.cut = Some(number),
            3 => self.cut = None,
            4 => self.nodes[number].stalled_until = at + self.random.below(8000),
            5 => self.event(at, number, Event::Fault),
            6 => self.event(at, number, Event::Recovered),
            _ => {
                // A crash: its successor resumes what it did.
                let state = self.nodes[number].router.state();
                if state != State::Init {
                    let start = Event::Start { standing: Standing::Fit, restored: Some(state) };
                    self.event(at, number, start);
                }
            }
        }
    }

    fn play(&mut self) -> Vec<usize> {
        for number in 0..ROUTERS {
            self.event(0, number, Event::Start { standing: Standing::Fit, restored: None });
        }
        for at in 1..CHAOS {
            if self.random.below(700) == 0 {
                self.misfortune(at);
            }
            self.step(at);
        }
        (self.loss, self.cut) = (0, None);
        for number in 0..ROUTERS {
            self.nodes[number].stalled_until = 0;
            self.event(CHAOS, number, Event::Recovered);
        }
        for at in CHAOS..CHAOS + PEACE {
            self.step(at);
        }
        (0..ROUTERS).filter(|&number| self.nodes[number].serving).collect()
    }
}

#[test]
fn one_master_the_best_after_any_schedule() {
    for seed in 0..120 {
        let mut world = World::new(seed, Preempt::Always);
        let masters = world.play();
        let best = (0..ROUTERS).max_by_key(|&n| (world.nodes[n].priority, world.nodes[n].address)).unwrap();
        let priority = |number: usize| world.nodes[number].priority;
        assert_eq!(masters.len(), 1, "seed {seed}: {masters:?}");
        // A backup does not preempt a master of the same priority.
        assert_eq!(priority(masters[0]), priority(best), "seed {seed}");
    }
}

#[test]
fn one_master_without_preemption_or_with_a_delay() {
    for seed in 0..40 {
        for preempt in [Preempt::Never, Preempt::After(Duration::from_secs(300))] {
            let masters = World::new(seed, preempt).play();
            assert_eq!(masters.len(), 1, "seed {seed}, {preempt:?}: {masters:?}");
        }
    }
}
