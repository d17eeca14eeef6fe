//! Two sessions against each other on a virtual clock, with loss, delay, cuts and reloads, and a
//! session under a flood of packets that must not count.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use bfd::{Action, Cause, Event, Hops, Packet, Path, Session, Settings, State, select};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

const MS: Duration = Duration::from_millis(1);

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

struct Pair {
    random: Random,
    sessions: [Session; 2],
    now: Duration,
    /// When each arrives, its number, at whom.
    wire: BTreeMap<(Duration, u64), (usize, [u8; 24])>,
    packets: u64,
    /// Lost of a hundred, towards each.
    loss: [u64; 2],
    delay: Duration,
    /// What trackers were told: when, whose, whether up.
    told: Vec<(Duration, usize, Option<Cause>)>,
    /// When each last received.
    last_heard: [Duration; 2],
}

impl Pair {
    fn new(seed: u64, settings: [Settings; 2]) -> Self {
        let session = |index: usize| {
            Session::new(settings[index], NonZeroU32::new(0x1234_5600 + index as u32).unwrap())
        };
        let mut pair = Self {
            random: Random(seed),
            sessions: [session(0), session(1)],
            now: Duration::ZERO,
            wire: BTreeMap::new(),
            packets: 0,
            loss: [0, 0],
            delay: MS / 10,
            told: Vec::new(),
            last_heard: [Duration::ZERO; 2],
        };
        pair.on(0, Event::Enable);
        pair.on(1, Event::Enable);
        pair
    }

    fn on(&mut self, index: usize, event: Event) {
        let mut actions = Vec::new();
        let random = self.random.next() as u32;
        self.sessions[index].on(self.now, random, event, &mut actions);
        self.carry_out(index, &actions);
    }

    fn reconfigure(&mut self, index: usize, settings: Settings) {
        let mut actions = Vec::new();
        self.sessions[index].reconfigure(self.now, 0, settings, &mut actions);
        self.carry_out(index, &actions);
    }

    fn carry_out(&mut self, index: usize, actions: &[Action]) {
        for action in actions {
            match action {
                Action::Send(packet) => {
                    let to = 1 - index;
                    if self.random.below(100) >= self.loss[to] {
                        self.packets += 1;
                        let at = self.now + self.delay;
                        self.wire.insert((at, self.packets), (to, packet.bytes()));
                    }
                }
                Action::Up => self.told.push((self.now, index, None)),
                Action::Down(cause) => self.told.push((self.now, index, Some(*cause))),
                Action::Log(_) => {}
            }
        }
    }

    fn run_until(&mut self, end: Duration) {
        loop {
            let timers = self.sessions.iter().filter_map(Session::next_deadline);
            let arrival = self.wire.first_key_value().map(|((at, _), _)| *at);
            let next = timers.chain(arrival).min().filter(|at| *at <= end);
            let Some(next) = next else { break };
            assert!(next >= self.now, "a deadline has passed and was not taken out");
            self.now = next;
            while let Some(entry) = self.wire.first_entry()
                && entry.key().0 <= next
            {
                let (to, bytes) = entry.remove();
                self.last_heard[to] = next;
                self.on(to, Event::Packet(Packet::parse(&bytes).unwrap()));
            }
            self.on(0, Event::Timer);
            self.on(1, Event::Timer);
        }
        self.now = end;
    }

    fn run(&mut self, time: Duration) {
        self.run_until(self.now + time);
    }

    fn states(&self) -> [State; 2] {
        [self.sessions[0].state(), self.sessions[1].state()]
    }
}

#[test]
fn both_come_up_and_settle_on_the_slower_interval() {
    let fast = Settings { min_tx: 10 * MS, min_rx: 10 * MS, ..Settings::default() };
    let slow = Settings { min_tx: 50 * MS, min_rx: 100 * MS, multiplier: 3, ..Settings::default() };
    let mut pair = Pair::new(1, [fast, slow]);
    pair.run(100 * MS);
    assert_eq!(pair.states(), [State::Up; 2]);
    pair.run(3000 * MS);
    let [first, second] = &pair.sessions;
    assert_eq!((first.transmit_interval(), second.transmit_interval()), (100 * MS, 50 * MS));
    assert_eq!((first.detection_time(), second.detection_time()), (150 * MS, 500 * MS));
    assert_eq!(pair.told.len(), 2);
}

#[test]
fn a_cut_is_noticed_exactly_one_detection_time_after_the_last_packet() {
    for seed in 0..200 {
        let mut pair = Pair::new(seed, [Settings::default(); 2]);
        let later = MS * pair.random.below(50) as u32;
        pair.run(2000 * MS + later);
        pair.loss = [100, 100];
        pair.told.clear();
        pair.run(1000 * MS);
        for (at, index, cause) in &pair.told {
            assert_eq!(*at, pair.last_heard[*index] + 50 * MS, "seed {seed}");
            assert_eq!(*cause, Some(Cause::Expired));
        }
        assert_eq!((pair.told.len(), pair.states()), (2, [State::Down; 2]));
        // And it heals, within an idle interval and a bit.
        pair.loss = [0, 0];
        pair.run(1010 * MS);
        assert_eq!(pair.states(), [State::Up; 2], "seed {seed}");
    }
}

#[test]
fn whoever_is_not_heard_learns_it_from_the_other() {
    let mut pair = Pair::new(3, [Settings::default(); 2]);
    pair.run(2000 * MS);
    pair.told.clear();
    // The first hears nothing any more; the second hears everything.
    pair.loss = [100, 0];
    pair.run(60 * MS);
    let causes: Vec<_> = pair.told.iter().map(|(_, index, cause)| (*index, *cause)).collect();
    assert_eq!(causes, [(0, Some(Cause::Expired)), (1, Some(Cause::NeighbourDown))]);
    pair.run(20_000 * MS);
    assert!(pair.states().iter().all(|state| *state != State::Up), "nobody is up over half a link");
    assert_eq!(pair.told.len(), 2);
}

#[test]
fn some_loss_does_no_harm_and_much_heals() {
    for seed in 0..100 {
        let mut pair = Pair::new(seed, [Settings { multiplier: 10, ..Settings::default() }; 2]);
        pair.run(1000 * MS);
        pair.told.clear();
        pair.loss = [10, 10];
        pair.run(10_000 * MS);
        assert_eq!(pair.told, [], "seed {seed}: of ten packets one arrives");
        pair.loss = [80, 80];
        pair.run(20_000 * MS);
        pair.loss = [0, 0];
        pair.run(3_000 * MS);
        assert_eq!(pair.states(), [State::Up; 2], "seed {seed}");
    }
}

#[test]
fn other_intervals_are_agreed_on_without_going_down() {
    let mut pair = Pair::new(5, [Settings::default(); 2]);
    pair.run(2000 * MS);
    pair.told.clear();
    let mut settings = Settings::default();
    for (tx, rx) in [(500, 10), (10, 500), (20, 20), (1000, 1000), (1, 1), (10, 10)] {
        (settings.min_tx, settings.min_rx) = (MS * tx, MS * rx);
        pair.reconfigure(0, settings);
        pair.run(4000 * MS);
        assert_eq!(pair.told, [], "{tx} {rx}");
        let [first, second] = &pair.sessions;
        let (sends, receives) = (MS * tx.max(10), MS * rx.max(10));
        assert_eq!((first.transmit_interval(), second.transmit_interval()), (sends, receives));
        assert_eq!((first.detection_time(), second.detection_time()), (receives * 5, sends * 5));
    }
}

#[test]
fn of_two_passive_ones_none_begins_and_of_one_the_other() {
    let passive = Settings { passive: true, ..Settings::default() };
    let mut pair = Pair::new(6, [passive; 2]);
    pair.run(10_000 * MS);
    assert_eq!((pair.states(), pair.packets), ([State::Down; 2], 0));
    let mut pair = Pair::new(6, [passive, Settings::default()]);
    pair.run(10_000 * MS);
    assert_eq!(pair.states(), [State::Up; 2]);
}

#[test]
fn an_operator_s_stop_is_no_failure() {
    let mut pair = Pair::new(7, [Settings::default(); 2]);
    pair.run(1000 * MS);
    pair.told.clear();
    pair.on(0, Event::Disable);
    pair.run(10_000 * MS);
    let causes: Vec<_> = pair.told.iter().map(|(_, index, cause)| (*index, *cause)).collect();
    assert_eq!(causes, [(0, Some(Cause::Disabled)), (1, Some(Cause::NeighbourAdminDown))]);
    assert_eq!(pair.states(), [State::AdminDown, State::Down]);
    pair.on(0, Event::Enable);
    pair.run(1100 * MS);
    assert_eq!(pair.states(), [State::Up; 2]);
}

/// What the process does with what it receives.
struct Receiver {
    session: Session,
    path: Path,
    hops: Hops,
}

impl Receiver {
    /// Says whether the packet reached the session.
    fn deliver(&mut self, now: Duration, from: IpAddr, ttl: u8, bytes: &[u8]) -> bool {
        let Ok(packet) = Packet::parse(bytes) else { return false };
        let to = self.path.source.unwrap();
        let sessions = [(&self.path, self.session.discriminator())];
        if select(&packet, (from, to, false), sessions).is_none() || self.hops.check(Some(ttl)).is_err() {
            return false;
        }
        self.session.on(now, 7, Event::Packet(packet), &mut Vec::new());
        true
    }
}

#[test]
fn a_flood_changes_nothing() {
    let mut random = Random(8);
    let mut pair = Pair::new(8, [Settings::default(); 2]);
    pair.run(2000 * MS);
    let neighbour = IpAddr::from([10, 0, 0, 2]);
    let path = Path { neighbour, source: Some(IpAddr::from([10, 0, 0, 1])), multihop: false };
    let hops = Hops { ttl: 255, most: Some(0) };
    let session = pair.sessions[0].clone();
    let mut receiver = Receiver { session, path, hops };
    let mut now = pair.now;
    let mut refused = 0;
    // A packet that would take the session down if it were accepted.
    let down = {
        let mut actions = Vec::new();
        pair.sessions[1].on(now, 0, Event::Disable, &mut actions);
        actions.iter().find_map(|action| if let Action::Send(packet) = action { Some(*packet) } else { None })
    };
    let down = down.unwrap().bytes();
    let good = Packet { state: State::Up, ..Packet::parse(&down).unwrap() }.bytes();
    for round in 0..100_000 {
        now += MS / 100;
        let mut bytes = down.to_vec();
        let (mut from, mut ttl) = (neighbour, 255);
        match random.below(8) {
            0 => bytes = (0..random.below(80)).map(|_| random.next() as u8).collect(),
            1 => bytes.truncate(random.below(24) as usize),
            2 => ttl = random.below(255) as u8,
            // Another discriminator, or none from elsewhere.
            3 => bytes[8 + random.below(4) as usize] ^= 1 << random.below(8),
            4 => {
                bytes[8..12].fill(0);
                from = IpAddr::from([10, 0, 0, 3 + random.below(200) as u8]);
            }
            5 => bytes[0] ^= 0x20 << random.below(3),
            // The multiplier is zero, and so is the length.
            6 => bytes[2..4].fill(0),
            _ => {
                let all_bad = [0x01, 0x04, 0x30, 0x05];
                bytes[1] |= all_bad[random.below(4) as usize];
            }
        }
        refused += u32::from(!receiver.deliver(now, from, ttl, &bytes));
        // The neighbour itself, every 10 ms.
        if round % 1000 == 0 {
            assert!(receiver.deliver(now, neighbour, 255, &good));
        }
        receiver.session.on(now, 7, Event::Timer, &mut Vec::new());
        assert_eq!(receiver.session.state(), State::Up, "{bytes:02x?} from {from} with {ttl}");
    }
    assert_eq!(refused, 100_000);
    assert!(receiver.deliver(now, neighbour, 255, &down), "and the real one is obeyed");
    assert_eq!(receiver.session.state(), State::Down);
}

/// Any bytes at all, even valid ones: no panic, and deadlines that make sense.
#[test]
fn any_packet_is_survived() {
    let mut random = Random(9);
    let mut session = Session::new(Settings::default(), NonZeroU32::MIN);
    let mut now = Duration::ZERO;
    session.on(now, 0, Event::Enable, &mut Vec::new());
    let mut accepted = 0;
    for _ in 0..100_000 {
        now += Duration::from_micros(random.below(200_000));
        let mut bytes: Vec<u8> = (0..24).map(|_| random.next() as u8).collect();
        bytes[0] = bytes[0] & 0x1f | 0x20;
        bytes[1] &= 0xf2;
        bytes[3] = 24;
        if let Ok(packet) = Packet::parse(&bytes) {
            accepted += 1;
            session.on(now, random.next() as u32, Event::Packet(packet), &mut Vec::new());
        }
        session.on(now, random.next() as u32, Event::Timer, &mut Vec::new());
        assert!(session.next_deadline().is_none_or(|at| at > now));
    }
    assert!(accepted > 50_000, "{accepted}");
}
