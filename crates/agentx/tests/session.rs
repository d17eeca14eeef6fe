//! A session with a master agent that is played here, in virtual time.

use agentx::{
    Action, Answer, Demand, ErrorStatus, Event, Header, Line, Message, Notification, Oid, Pdu, Request,
    SearchRange, Session, Settings, Subtree, Tree, Value, VarBind,
};
use proptest::prelude::*;
use std::time::Duration;

const SESSION: u32 = 42;

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn root() -> Oid {
    Oid::new(&[1, 3, 6, 1, 4, 1, 9586, 100, 5, 2])
}

fn settings() -> Settings {
    let subtree = Subtree { root: root(), description: "ours".to_owned() };
    Settings { description: "test".to_owned(), subtrees: vec![subtree], ..Settings::default() }
}

struct Play {
    session: Session,
    now: Duration,
    log: Vec<Line>,
    requests: Vec<Request>,
    connects: u32,
    disconnects: u32,
}

impl Play {
    fn new() -> Self {
        let session = Session::new(settings(), Duration::ZERO);
        Self {
            session,
            now: Duration::ZERO,
            log: Vec::new(),
            requests: Vec::new(),
            connects: 0,
            disconnects: 0,
        }
    }

    /// Carries actions out; what was sent comes back.
    fn carry_out(&mut self, actions: Vec<Action>) -> Vec<Message> {
        let mut sent = Vec::new();
        for action in actions {
            match action {
                Action::Connect => self.connects += 1,
                Action::Disconnect => self.disconnects += 1,
                Action::Send(bytes) => sent.push(Message::parse(&bytes).expect("a PDU of ours")),
                Action::Request(request) => self.requests.push(request),
                Action::Log(line) => self.log.push(line),
            }
        }
        sent
    }

    fn on(&mut self, event: Event<'_>) -> Vec<Message> {
        let mut actions = Vec::new();
        self.session.on(self.now, event, &mut actions);
        self.carry_out(actions)
    }

    /// Goes to the next deadline.
    fn step(&mut self) -> Vec<Message> {
        self.now = self.session.next_deadline().expect("a deadline");
        self.on(Event::Timer)
    }

    fn hear(&mut self, transaction: u32, packet: u32, pdu: Pdu) -> Vec<Message> {
        let header = Header { session: SESSION, transaction, packet };
        self.on(Event::Received(&Message { header, context: None, pdu }.bytes()))
    }

    fn respond(&mut self, to: &Message, error: ErrorStatus) -> Vec<Message> {
        let pdu = Pdu::Response { uptime: 1, error, index: 0, objects: Vec::new() };
        self.hear(to.header.transaction, to.header.packet, pdu)
    }

    /// One that is open, with everything accepted.
    fn open() -> Self {
        let mut play = Self::new();
        play.on(Event::Timer);
        let open = play.on(Event::Connected);
        let registrations = play.respond(&open[0], ErrorStatus::NO_ERROR);
        for registration in registrations {
            play.respond(&registration, ErrorStatus::NO_ERROR);
        }
        assert!(play.session.is_open());
        play
    }
}

#[test]
fn it_opens_and_registers() {
    let mut play = Play::new();
    assert!(play.on(Event::Timer).is_empty());
    assert_eq!(play.connects, 1);
    let sent = play.on(Event::Connected);
    assert!(
        matches!(&sent[..], [Message { pdu: Pdu::Open { description, .. }, .. }] if description == b"test")
    );
    let sent = play.respond(&sent[0], ErrorStatus::NO_ERROR);
    let [register, capabilities] = &sent[..] else { panic!("{sent:?}") };
    assert!(matches!(&register.pdu, Pdu::Register(region) if region.subtree == root()));
    assert!(matches!(&capabilities.pdu, Pdu::AddAgentCaps { description, .. } if description == b"ours"));
    assert_eq!(register.header.session, SESSION);
    play.respond(register, ErrorStatus::DUPLICATE_REGISTRATION);
    play.respond(capabilities, ErrorStatus::NO_ERROR);
    assert_eq!(play.log, [Line::Open, Line::SubtreeRefused(root(), ErrorStatus::DUPLICATE_REGISTRATION)]);
    assert!(play.session.is_open());
}

#[test]
fn without_a_master_it_tries_ever_less_often() {
    let mut play = Play::new();
    let mut pauses = Vec::new();
    for _ in 0..9 {
        let before = play.now;
        play.step();
        pauses.push((play.now - before).as_secs());
        play.on(Event::Lost);
    }
    assert_eq!(pauses, [0, 1, 2, 4, 8, 16, 32, 60, 60]);
    assert_eq!(play.log, [Line::NoMaster]);
    // Once there was a session the pauses begin anew.
    play.step();
    let open = play.on(Event::Connected);
    play.respond(&open[0], ErrorStatus::NO_ERROR);
    let lost = play.now;
    play.on(Event::Lost);
    assert_eq!(play.session.next_deadline(), Some(lost + seconds(1)));
    assert_eq!(play.log, [Line::NoMaster, Line::Open, Line::Closed]);
}

#[test]
fn a_connection_that_never_comes_is_not_waited_for() {
    let mut play = Play::new();
    play.on(Event::Timer);
    assert!(play.session.is_connecting());
    assert_eq!(play.session.next_deadline(), Some(seconds(5)));
    play.step();
    assert_eq!((play.disconnects, play.session.next_deadline()), (1, Some(seconds(6))));
    assert_eq!(play.log, [Line::NoMaster]);
    // Now it is too late.
    assert!(play.on(Event::Connected).is_empty() && !play.session.is_connecting());
}

#[test]
fn a_refusal_and_silence_are_followed_by_another_try() {
    let mut play = Play::new();
    play.on(Event::Timer);
    let open = play.on(Event::Connected);
    play.respond(&open[0], ErrorStatus::OPEN_FAILED);
    assert_eq!(play.log, [Line::Refused(ErrorStatus::OPEN_FAILED)]);
    assert_eq!((play.disconnects, play.session.next_deadline()), (1, Some(seconds(1))));
    play.step();
    play.on(Event::Connected);
    assert_eq!(play.session.next_deadline(), Some(seconds(6)));
    play.step();
    assert_eq!(play.log[1..], [Line::Silent]);
    assert_eq!((play.disconnects, play.session.next_deadline()), (2, Some(seconds(8))));
}

#[test]
fn a_silent_master_is_pinged_and_given_up() {
    let mut play = Play::open();
    assert_eq!(play.session.next_deadline(), Some(seconds(120)));
    let ping = play.step();
    assert!(matches!(&ping[..], [Message { pdu: Pdu::Ping, .. }]));
    play.respond(&ping[0], ErrorStatus::NO_ERROR);
    assert_eq!(play.session.next_deadline(), Some(seconds(240)));
    play.step();
    assert_eq!(play.session.next_deadline(), Some(seconds(245)));
    play.step();
    assert!(!play.session.is_open());
    assert_eq!(play.log, [Line::Open, Line::Silent]);
    // A master that has forgotten us says so.
    let mut play = Play::open();
    let ping = play.step();
    play.respond(&ping[0], ErrorStatus::NOT_OPEN);
    assert_eq!(play.log, [Line::Open, Line::Closed]);
}

#[test]
fn requests_are_answered_from_a_tree() {
    let mut play = Play::open();
    let mut tree = Tree::new();
    tree.insert(root().below(&[1]), Value::Integer(5));
    let range = SearchRange { start: root(), include: false, end: Oid::default() };
    assert!(play.hear(7, 8, Pdu::GetNext(vec![range])).is_empty());
    let request = play.requests.remove(0);
    let answer = request.read(&tree).expect("an answer");
    let bytes = play.session.answer(&request, answer.clone()).expect("a session");
    let objects = vec![VarBind { name: root().below(&[1]), value: Value::Integer(5) }];
    let header = Header { session: SESSION, transaction: 7, packet: 8 };
    let pdu = Pdu::Response { uptime: 0, error: ErrorStatus::NO_ERROR, index: 0, objects };
    assert_eq!(Message::parse(&bytes), Ok(Message { header, context: None, pdu }));
    // Nobody wants an answer that comes after the end of its session.
    play.on(Event::Lost);
    assert_eq!(play.session.answer(&request, answer.clone()), None);
    // Not even when the next session has the same number.
    play.step();
    let open = play.on(Event::Connected);
    play.respond(&open[0], ErrorStatus::NO_ERROR);
    assert!(play.session.is_open());
    assert_eq!(play.session.answer(&request, answer), None);
}

#[test]
fn what_does_not_concern_us_is_refused() {
    let error = |sent: Vec<Message>| match &sent[..] {
        [Message { pdu: Pdu::Response { error, .. }, .. }] => *error,
        other => panic!("{other:?}"),
    };
    let mut play = Play::open();
    let mut header = Header { session: SESSION + 1, transaction: 1, packet: 1 };
    let other = Message { header, context: None, pdu: Pdu::Get(Vec::new()) };
    assert_eq!(error(play.on(Event::Received(&other.bytes()))), ErrorStatus::NOT_OPEN);
    header.session = SESSION;
    let context = Message { header, context: Some(b"x".to_vec()), pdu: Pdu::Get(Vec::new()) };
    assert_eq!(error(play.on(Event::Received(&context.bytes()))), ErrorStatus::UNSUPPORTED_CONTEXT);
    assert_eq!(error(play.hear(1, 1, Pdu::CommitSet)), ErrorStatus::COMMIT_FAILED);
    assert_eq!(error(play.hear(1, 1, Pdu::UndoSet)), ErrorStatus::UNDO_FAILED);
    // Nor what cannot be read, which ends nothing.
    let mut garbled = context.bytes();
    garbled[23] = 200;
    assert_eq!(error(play.on(Event::Received(&garbled))), ErrorStatus::PARSE_ERROR);
    // What subagents say says nothing to us, nor do answers to nothing.
    for pdu in [Pdu::Ping, Pdu::Notify(Vec::new()), Pdu::AddAgentCaps { id: root(), description: Vec::new() }]
    {
        assert!(play.hear(1, 1, pdu).is_empty());
    }
    let stray = Message { header: Header { packet: 999, ..header }, context: None, pdu: Pdu::Ping };
    assert!(play.respond(&stray, ErrorStatus::NOT_OPEN).is_empty());
    assert!(play.session.is_open() && play.requests.is_empty());
}

#[test]
fn what_is_no_pdu_ends_the_connection() {
    for bytes in
        [&[2u8; 20][..], &[1, 5, 0x10, 0, 0, 0, 0, 42, 0, 0, 0, 1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xfc]]
    {
        let mut play = Play::open();
        // Byte for byte: what is no PDU is seen with its header.
        for byte in bytes {
            play.on(Event::Received(&[*byte]));
        }
        assert!(matches!(play.log[1..], [Line::Garbled(_)]), "{:?}", play.log);
        assert_eq!((play.disconnects, play.session.next_deadline()), (1, Some(seconds(1))));
    }
}

#[test]
fn a_set_is_tested_committed_and_undone() {
    let mut play = Play::open();
    let objects = vec![VarBind { name: root(), value: Value::Integer(1) }];
    play.hear(5, 1, Pdu::TestSet(objects.clone()));
    play.hear(5, 2, Pdu::CommitSet);
    play.hear(5, 3, Pdu::UndoSet);
    let demands: Vec<Demand> = play.requests.iter().map(|request| request.demand.clone()).collect();
    assert_eq!(
        demands,
        [Demand::Test(objects.clone()), Demand::Commit(objects.clone()), Demand::Undo(objects.clone())]
    );
    let bytes = play.session.answer(&play.requests[0], Answer::Set(ErrorStatus::NOT_WRITABLE, 1));
    let pdu = Pdu::Response { uptime: 0, error: ErrorStatus::NOT_WRITABLE, index: 1, objects: Vec::new() };
    assert_eq!(Message::parse(&bytes.expect("a session")).map(|m| m.pdu), Ok(pdu));
    // One that was cleaned up cannot be committed.
    play.hear(6, 4, Pdu::TestSet(objects));
    assert!(play.hear(6, 5, Pdu::CleanupSet).is_empty());
    assert_eq!(play.hear(6, 6, Pdu::CommitSet).len(), 1);
}

#[test]
fn notifications_wait_for_the_session_but_not_for_long() {
    let mut play = Play::new();
    let notify = |play: &mut Play, number: u32| {
        let mut actions = Vec::new();
        let notification = Notification { kind: root().below(&[number]), objects: Vec::new() };
        play.session.notify(play.now, notification, &mut actions);
        play.carry_out(actions)
    };
    assert!(notify(&mut play, 1).is_empty());
    play.now = seconds(8);
    assert!(notify(&mut play, 2).is_empty());
    play.now = seconds(12);
    play.on(Event::Timer);
    let open = play.on(Event::Connected);
    let kinds = |sent: Vec<Message>| -> Vec<Value> {
        let mut kinds = Vec::new();
        for message in sent {
            if let Pdu::Notify(objects) = message.pdu {
                assert_eq!(objects[0].name, Oid::new(&[1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0]));
                kinds.push(objects[0].value.clone());
            }
        }
        kinds
    };
    let kind = |number| Value::ObjectId(root().below(&[number]));
    let sent = play.respond(&open[0], ErrorStatus::NO_ERROR);
    assert_eq!(kinds(sent), [kind(2)]);
    let sent = notify(&mut play, 3);
    assert_eq!(kinds(sent), [kind(3)]);
}

#[test]
fn closing_says_so() {
    let mut play = Play::open();
    let mut actions = Vec::new();
    play.session.close(&mut actions);
    assert!(matches!(&play.carry_out(actions)[..], [Message { pdu: Pdu::Close { reason: 5 }, .. }]));
    assert_eq!((play.disconnects, play.session.next_deadline()), (1, None));
    assert!(play.on(Event::Connected).is_empty());
}

proptest! {
    /// Whatever a master sends, in whatever pieces: there is always a deadline, no answer goes to a
    /// session that is not ours, and nothing panics.
    #[test]
    fn a_mad_master_does_no_harm(
        pieces in prop::collection::vec((0..20u8, prop::collection::vec(any::<u8>(), 0..64), any::<bool>()), 1..40)
    ) {
        let mut play = Play::open();
        for (kind, payload, whole) in pieces {
            let length = (payload.len() / 4 * 4) as u32;
            let mut bytes = vec![1, kind, 0x10, 0];
            for word in [SESSION, 1, u32::from(kind), length] {
                bytes.extend(word.to_be_bytes());
            }
            bytes.extend(&payload[..length as usize]);
            if !whole {
                bytes.truncate(payload.len());
            }
            play.on(Event::Received(&bytes));
            for request in std::mem::take(&mut play.requests) {
                let answer = request.read(&Tree::new()).unwrap_or(Answer::Set(ErrorStatus::NOT_WRITABLE, 1));
                // Another PDU may have ended the session meanwhile.
                prop_assert_eq!(play.session.answer(&request, answer).is_some(), play.session.is_open());
            }
            prop_assert!(play.session.next_deadline().is_some());
            if !play.session.is_open() {
                play.step();
                let open = play.on(Event::Connected);
                play.respond(&open[0], ErrorStatus::NO_ERROR);
            }
        }
    }
}
