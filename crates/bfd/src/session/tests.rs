use super::*;
use State::{AdminDown, Down, Init, Up};

const MS: Duration = Duration::from_millis(1);
/// Of the jitter: the least, and the most.
const SHORTEST: u32 = 0;
const LONGEST: u32 = u32::MAX;

fn number(discriminator: u32) -> NonZeroU32 {
    NonZeroU32::new(discriminator).unwrap()
}

/// What a neighbour with keepalived's defaults sends.
fn packet(state: State) -> Packet {
    Packet {
        diagnostic: Diagnostic::NONE,
        state,
        poll: false,
        is_final: false,
        control_plane_independent: false,
        demand: false,
        multiplier: 5,
        mine: 22,
        yours: 11,
        min_tx: if state == Up { 10_000 } else { 1_000_000 },
        min_rx: 10_000,
        min_echo_rx: 0,
    }
}

/// A session whose jitter is always the longest interval.
struct Stage {
    session: Session,
    now: Duration,
}

impl Stage {
    fn new(settings: Settings) -> Self {
        Self { session: Session::new(settings, number(11)), now: 1000 * MS }
    }

    fn on(&mut self, event: Event) -> Vec<Action> {
        let mut actions = Vec::new();
        self.session.on(self.now, LONGEST, event, &mut actions);
        actions
    }

    fn hear(&mut self, packet: Packet) -> Vec<Action> {
        self.on(Event::Packet(packet))
    }

    /// What is sent.
    fn sent(&mut self, event: Event) -> Vec<Packet> {
        sent(&self.on(event))
    }

    /// Lets time pass to the next deadline.
    fn next(&mut self) -> Vec<Action> {
        self.now = self.session.next_deadline().unwrap();
        self.on(Event::Timer)
    }
}

fn sent(actions: &[Action]) -> Vec<Packet> {
    let packet = |action: &Action| if let Action::Send(packet) = action { Some(*packet) } else { None };
    actions.iter().filter_map(packet).collect()
}

fn in_state(state: State, settings: Settings) -> Stage {
    let mut stage = Stage::new(settings);
    if state != AdminDown {
        stage.on(Event::Enable);
    }
    if matches!(state, Init | Up) {
        stage.hear(packet(Down));
    }
    if state == Up {
        stage.hear(packet(Init));
    }
    assert_eq!(stage.session.state(), state);
    stage
}

#[test]
fn transition_table() {
    for (ours, theirs, after, told) in [
        (AdminDown, AdminDown, AdminDown, None),
        (AdminDown, Down, AdminDown, None),
        (AdminDown, Init, AdminDown, None),
        (AdminDown, Up, AdminDown, None),
        (Down, AdminDown, Down, None),
        (Down, Down, Init, None),
        (Down, Init, Up, Some(Action::Up)),
        (Down, Up, Down, None),
        (Init, AdminDown, Down, None),
        (Init, Down, Init, None),
        (Init, Init, Up, Some(Action::Up)),
        (Init, Up, Up, Some(Action::Up)),
        (Up, AdminDown, Down, Some(Action::Down(Cause::NeighbourAdminDown))),
        (Up, Down, Down, Some(Action::Down(Cause::NeighbourDown))),
        (Up, Init, Up, None),
        (Up, Up, Up, None),
    ] {
        let mut stage = in_state(ours, Settings::default());
        let actions = stage.hear(packet(theirs));
        assert_eq!(stage.session.state(), after, "{ours:?} hears {theirs:?}");
        let is_told = |action: &&Action| matches!(action, Action::Up | Action::Down(_));
        assert_eq!(actions.iter().find(is_told), told.as_ref(), "{ours:?} hears {theirs:?}");
        // What is new is said at once.
        let changed = ours != after;
        assert_eq!(!sent(&actions).is_empty(), changed, "{ours:?} hears {theirs:?}: {actions:?}");
        assert!(sent(&actions).iter().all(|packet| packet.state == after));
    }
}

#[test]
fn nothing_is_sent_before_it_is_enabled() {
    let mut stage = Stage::new(Settings::default());
    assert_eq!(stage.session.next_deadline(), None);
    assert_eq!(stage.on(Event::Timer), []);
}

#[test]
fn while_not_up_a_second_passes_between_packets() {
    let mut stage = Stage::new(Settings { idle_tx: 100 * MS, ..Settings::default() });
    let first = stage.sent(Event::Enable);
    assert_eq!(first.len(), 1);
    assert_eq!((first[0].state, first[0].yours, first[0].min_tx), (Down, 0, 1_000_000));
    assert_eq!(stage.session.next_deadline(), Some(2000 * MS), "idle_tx below a second counts as one");
    assert_eq!(sent(&stage.next()).len(), 1);
}

#[test]
fn detection_is_exact_and_counted_from_the_last_packet() {
    let mut stage = in_state(Up, Settings::default());
    // The neighbour was at a second when it said Init.
    assert_eq!(stage.session.detection_time(), 5000 * MS);
    stage.now += 3 * MS;
    let actions = stage.hear(packet(Up));
    assert_eq!(stage.session.detection_time(), 50 * MS);
    let line = Line::DetectionTime { to: 50 * MS, from: 5000 * MS };
    assert!(actions.contains(&Action::Log(line)));
    assert_eq!(line.to_string(), "Detection time is 50000 us (was 5000000 us)");

    let heard = stage.now;
    stage.now = heard + Duration::from_micros(49_999);
    stage.on(Event::Timer);
    assert_eq!(stage.session.state(), Up);
    stage.now = heard + 50 * MS;
    let actions = stage.on(Event::Timer);
    assert_eq!(stage.session.state(), Down);
    assert_eq!(stage.session.diagnostic(), Diagnostic::EXPIRED);
    assert_eq!(stage.session.remote_discriminator(), 0);
    let expired = Line::Expired { after: 50 * MS, overdue: Duration::ZERO };
    assert!(actions.starts_with(&[Action::Log(expired)]));
    assert!(actions.contains(&Action::Down(Cause::Expired)));
    let [last] = sent(&actions)[..] else { panic!("{actions:?}") };
    assert_eq!((last.state, last.diagnostic, last.yours), (Down, Diagnostic::EXPIRED, 0));
}

#[test]
fn the_slower_of_both_decides() {
    let settings = Settings { min_rx: 50 * MS, min_tx: 20 * MS, ..Settings::default() };
    let mut stage = in_state(Up, settings);
    stage.hear(Packet { min_rx: 200_000, multiplier: 3, ..packet(Up) });
    assert_eq!(stage.session.transmit_interval(), 200 * MS, "the neighbour takes no more");
    assert_eq!(stage.session.detection_time(), 150 * MS, "we take no more");
    stage.hear(Packet { min_rx: 1_000, min_tx: 70_000, multiplier: 3, ..packet(Up) });
    assert_eq!(stage.session.transmit_interval(), 20 * MS);
    assert_eq!(stage.session.detection_time(), 210 * MS);
}

#[test]
fn a_neighbour_that_takes_none_gets_none() {
    let mut stage = in_state(Up, Settings::default());
    stage.hear(Packet { min_rx: 0, ..packet(Up) });
    assert_eq!(stage.session.next_deadline(), Some(stage.now + 50 * MS), "only the detection is left");
    stage.hear(packet(Up));
    assert_eq!(stage.session.next_deadline(), Some(stage.now + 10 * MS));
}

#[test]
fn demand_stops_packets_while_both_are_up_and_no_poll_runs() {
    let mut stage = in_state(Up, Settings::default());
    stage.hear(Packet { demand: true, ..packet(Up) });
    assert_eq!(stage.session.next_deadline(), Some(stage.now + 10 * MS), "the poll is not over");
    stage.hear(Packet { demand: true, is_final: true, ..packet(Up) });
    assert_eq!(stage.session.next_deadline(), Some(stage.now + 50 * MS));
}

#[test]
fn a_poll_is_answered_at_once_and_ends_ours() {
    let mut stage = in_state(Up, Settings::default());
    let periodic = sent(&stage.next());
    assert!(periodic[0].poll && periodic[0].min_tx == 10_000, "from idle to min_tx is a change");
    let answer = stage.sent(Event::Packet(Packet { poll: true, ..packet(Up) }));
    let [answer] = answer[..] else { panic!("{answer:?}") };
    assert!(answer.is_final && !answer.poll);
    assert!(sent(&stage.next())[0].poll, "an answer of ours ends no poll of ours");
    stage.hear(Packet { is_final: true, ..packet(Up) });
    assert!(!sent(&stage.next())[0].poll);
}

#[test]
fn longer_intervals_wait_for_the_end_of_the_poll() {
    let mut stage = in_state(Up, Settings::default());
    stage.hear(Packet { is_final: true, ..packet(Up) });
    let reconfigure = |stage: &mut Stage, settings: Settings| {
        let mut actions = Vec::new();
        stage.session.reconfigure(stage.now, LONGEST, settings, &mut actions);
        actions
    };

    // Send more rarely: only when the neighbour knows, or it would miss packets.
    let slow = Settings { min_tx: 40 * MS, ..Settings::default() };
    let actions = reconfigure(&mut stage, slow);
    assert!(actions.contains(&Action::Log(Line::Poll)));
    assert!(sent(&actions)[0].poll && sent(&actions)[0].min_tx == 40_000);
    assert_eq!(stage.session.transmit_interval(), 10 * MS);
    stage.hear(Packet { is_final: true, ..packet(Up) });
    assert_eq!(stage.session.transmit_interval(), 40 * MS);

    // Receive faster: the neighbour sends slowly until it knows.
    let before = stage.session.detection_time();
    let fast = Settings { min_rx: 5 * MS, ..slow };
    stage.hear(Packet { min_tx: 1_000, ..packet(Up) });
    reconfigure(&mut stage, fast);
    assert_eq!(stage.session.detection_time(), before);
    stage.hear(Packet { is_final: true, min_tx: 1_000, ..packet(Up) });
    assert_eq!(stage.session.detection_time(), 25 * MS);

    // The other directions hold at once.
    reconfigure(&mut stage, Settings { min_tx: 2 * MS, min_rx: 30 * MS, ..fast });
    assert_eq!(stage.session.transmit_interval(), 10 * MS, "the neighbour's limit");
    assert_eq!(stage.session.detection_time(), 150 * MS);
}

#[test]
fn a_change_during_a_poll_needs_a_second_answer() {
    let mut stage = in_state(Up, Settings::default());
    let slow = Settings { min_tx: 40 * MS, ..Settings::default() };
    stage.session.reconfigure(stage.now, LONGEST, slow, &mut Vec::new());
    stage.hear(Packet { is_final: true, ..packet(Up) });
    assert_eq!(stage.session.transmit_interval(), 10 * MS, "that was the answer to the first poll");
    assert!(sent(&stage.next())[0].poll);
    stage.hear(Packet { is_final: true, ..packet(Up) });
    assert_eq!(stage.session.transmit_interval(), 40 * MS);
}

#[test]
fn a_passive_session_waits_to_be_spoken_to() {
    let mut stage = Stage::new(Settings { passive: true, ..Settings::default() });
    assert_eq!(stage.sent(Event::Enable), []);
    assert_eq!(stage.session.next_deadline(), None);
    let answer = sent(&stage.hear(Packet { yours: 0, ..packet(Down) }));
    assert_eq!((answer[0].state, answer[0].yours), (Init, 22));
    // Silence again: nothing more is sent once the neighbour is forgotten.
    stage.now += 6000 * MS;
    assert_eq!(stage.sent(Event::Timer), []);
    assert_eq!((stage.session.state(), stage.session.next_deadline()), (Down, None));
}

#[test]
fn disabled_it_says_so_and_stays() {
    let mut stage = in_state(Up, Settings::default());
    let actions = stage.on(Event::Disable);
    assert!(actions.contains(&Action::Down(Cause::Disabled)));
    let [last] = sent(&actions)[..] else { panic!("{actions:?}") };
    assert_eq!((last.state, last.diagnostic), (AdminDown, Diagnostic::ADMIN_DOWN));
    assert_eq!(stage.session.next_deadline(), Some(stage.now + 1000 * MS));
    assert_eq!(stage.on(Event::Disable), []);
    assert_eq!(stage.sent(Event::Enable)[0].state, Down);
}

#[test]
fn a_neighbour_that_was_down_is_forgotten_in_time() {
    let mut stage = in_state(Down, Settings::default());
    stage.hear(packet(AdminDown));
    assert_eq!(stage.session.remote_discriminator(), 22);
    while stage.session.remote_discriminator() != 0 {
        assert!(stage.now <= 6000 * MS);
        stage.next();
    }
    assert_eq!(stage.now, 6000 * MS);
    assert_eq!((stage.session.state(), stage.session.diagnostic()), (Down, Diagnostic::NONE));
}

#[test]
fn the_jitter_is_as_the_rfc_asks() {
    for (multiplier, least, most) in [(5, 750, 1000), (2, 750, 1000), (1, 750, 900)] {
        for (random, expected) in [(SHORTEST, least), (LONGEST, most)] {
            let mut session = Session::new(Settings { multiplier, ..Settings::default() }, number(1));
            session.on(Duration::ZERO, random, Event::Enable, &mut Vec::new());
            assert_eq!(session.next_deadline(), Some(expected * MS), "multiplier {multiplier}");
        }
    }
}

#[test]
fn lines_in_keepalived_s_words() {
    let entering = |state| Line::Entering { state, local: Diagnostic::EXPIRED, remote: Diagnostic::NONE };
    for (line, words) in [
        (entering(Up), "Entering Up state"),
        (
            entering(Down),
            "Entering Down state (Local diagnostic - Control Detection Time Expired, \
             Remote diagnostic - No Diagnostic)",
        ),
        (
            Line::Expired { after: 51 * MS, overdue: Duration::from_micros(17) },
            "Expired after 51 ms (17 usec overdue)",
        ),
        (Line::Poll, "Starting poll sequence"),
    ] {
        assert_eq!(line.to_string(), words);
    }
    assert!(Line::Poll.is_detail() && !entering(Up).is_detail());
}
