//! The session of a subagent. RFC 2741 §7.2.
//!
//! ```text
//!              Connect          Connected: Open          Response
//!   waiting ──────────▶ connecting ───────────▶ opening ───────────▶ open ── Register, Ping, Notify
//!      ▲                    │                      │                  │
//!      └────────────────────┴──────────────────────┴──────────────────┘
//!         lost, refused, silent for too long, or the master agent sends what is no PDU
//! ```

use crate::frames::Frames;
use crate::pdu::{Region, Reject};
use crate::request::{Answer, Demand, Request};
use crate::{ErrorStatus, Header, Message, Oid, Pdu, Value, VarBind};
use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::Duration;

/// snmpTrapOID.0. RFC 3418 §2.
const TRAP: [u32; 11] = [1, 3, 6, 1, 6, 3, 1, 1, 4, 1, 0];
/// Notifications that wait for a session at most.
const MOST_WAITING: usize = 64;
/// How long a notification is worth sending.
const FRESH: Duration = Duration::from_secs(10);
/// How long the master agent may wait for an answer of ours, in seconds.
const ANSWERS_WITHIN: u8 = 5;
/// The usual priority of a registration. RFC 2741 §6.2.3.
const PRIORITY: u8 = 127;
/// The reason for a Close of an agent that stops. RFC 2741 §6.2.2.
const SHUTDOWN: u8 = 5;
/// Sets that were tested and not cleaned up, which a manager that goes away leaves.
const MOST_SETS: usize = 16;

/// What a session is to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Describes the subagent to the master.
    pub description: String,
    /// What the subagent answers for.
    pub subtrees: Vec<Subtree>,
    /// How long the master may be silent before it is asked whether it is there.
    pub ping: Duration,
    /// How long it may take to answer.
    pub patience: Duration,
    /// The first pause before another try; it doubles with every failure.
    pub pause: Duration,
    /// The longest pause.
    pub longest_pause: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            description: String::new(),
            subtrees: Vec::new(),
            ping: Duration::from_secs(120),
            patience: Duration::from_secs(5),
            pause: Duration::from_secs(1),
            longest_pause: Duration::from_secs(60),
        }
    }
}

/// A subtree that the subagent answers for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subtree {
    /// Its root.
    pub root: Oid,
    /// What it is, for sysORTable.
    pub description: String,
}

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// The connection that [`Action::Connect`] asked for is there; of no use if that took too long.
    Connected,
    /// Bytes have come.
    Received(&'a [u8]),
    /// The connection is gone, or could not be made.
    Lost,
    /// A deadline may have passed.
    Timer,
}

/// What is to be done, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Connect to the master agent; [`Event::Connected`] or [`Event::Lost`] is to follow.
    Connect,
    /// Close the connection.
    Disconnect,
    /// Send these bytes.
    Send(Vec<u8>),
    /// Answer this with [`Session::answer`], within a few seconds.
    Request(Request),
    /// Write to the log.
    Log(Line),
}

/// Something for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Line {
    /// The session is open.
    Open,
    /// There is no connection to the master agent; told once until there is one.
    NoMaster,
    /// The master agent opens no session.
    Refused(ErrorStatus),
    /// The master agent does not let us answer for a subtree.
    SubtreeRefused(Oid, ErrorStatus),
    /// The master agent has ended the session or the connection.
    Closed,
    /// The master agent does not answer.
    Silent,
    /// The master agent sent what cannot be read.
    Garbled(Reject),
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open => write!(f, "the session with the master agent is open"),
            Self::NoMaster => write!(f, "there is no master agent; trying again now and then"),
            Self::Refused(error) => write!(f, "the master agent refuses a session: {error}"),
            Self::SubtreeRefused(root, error) => {
                write!(f, "the master agent refuses the subtree {root}: {error}")
            }
            Self::Closed => write!(f, "the master agent has closed the session"),
            Self::Silent => write!(f, "the master agent does not answer"),
            Self::Garbled(reject) => write!(f, "the master agent sent {reject}"),
        }
    }
}

/// Something that managers are to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// What kind it is.
    pub kind: Oid,
    /// What goes with it.
    pub objects: Vec<VarBind>,
}

#[derive(Clone, Debug)]
enum State {
    /// A connection is tried at this time.
    Waiting(Duration),
    /// A connection was asked for; if there is none by this time there will be none.
    Connecting(Duration),
    /// Open was sent.
    Opening,
    Open {
        session: u32,
    },
    /// [`Session::close`]
    Ended,
}

/// What was asked of the master.
#[derive(Clone, Debug)]
enum Asked {
    Open,
    Register(Oid),
    Ping,
    /// Whatever the answer is.
    Other,
}

/// The session of a subagent with its master agent.
#[derive(Clone, Debug)]
pub struct Session {
    settings: Settings,
    state: State,
    frames: Frames,
    /// How many connections there have been.
    connection: u32,
    /// Number of the last PDU.
    packet: u32,
    /// By the number of the PDU: what it asked, and by when the answer has to come.
    asked: BTreeMap<u32, (Asked, Duration)>,
    heard: Duration,
    failures: u32,
    /// [`Line::NoMaster`] was told.
    complained: bool,
    /// By transaction: values that were tested.
    sets: BTreeMap<u32, Vec<VarBind>>,
    /// Notifications, and since when they wait.
    waiting: VecDeque<(Duration, Notification)>,
}

impl Session {
    /// One that wants to connect at once.
    pub fn new(settings: Settings, now: Duration) -> Self {
        Self {
            settings,
            state: State::Waiting(now),
            frames: Frames::default(),
            connection: 0,
            packet: 0,
            asked: BTreeMap::new(),
            heard: now,
            failures: 0,
            complained: false,
            sets: BTreeMap::new(),
            waiting: VecDeque::new(),
        }
    }

    /// Whether the master agent has opened the session.
    pub fn is_open(&self) -> bool {
        matches!(self.state, State::Open { .. })
    }

    /// When [`Event::Timer`] is wanted.
    pub fn next_deadline(&self) -> Option<Duration> {
        match self.state {
            State::Waiting(until) | State::Connecting(until) => Some(until),
            State::Ended => None,
            State::Opening => self.oldest_question(),
            State::Open { .. } => {
                let ping = self.heard + self.settings.ping;
                Some(self.oldest_question().map_or(ping, |answer| answer.min(ping)))
            }
        }
    }

    /// Takes something in.
    pub fn on(&mut self, now: Duration, event: Event<'_>, actions: &mut Vec<Action>) {
        match (event, &self.state) {
            (Event::Timer, State::Waiting(until)) if *until <= now => {
                self.state = State::Connecting(now + self.settings.patience);
                actions.push(Action::Connect);
            }
            (Event::Connected, State::Connecting(_)) => {
                self.state = State::Opening;
                self.connection = self.connection.wrapping_add(1);
                self.frames = Frames::default();
                let description = self.settings.description.clone().into_bytes();
                let open = Pdu::Open { timeout: ANSWERS_WITHIN, id: Oid::default(), description };
                self.ask(now, Asked::Open, open, actions);
            }
            (Event::Received(bytes), State::Opening | State::Open { .. }) => {
                self.frames.push(bytes);
                self.read(now, actions);
            }
            (Event::Lost, State::Connecting(_)) => self.find_none(now, actions),
            (Event::Timer, State::Connecting(until)) if *until <= now => {
                actions.push(Action::Disconnect);
                self.find_none(now, actions);
            }
            (Event::Lost, State::Opening | State::Open { .. }) => {
                actions.push(Action::Log(Line::Closed));
                self.wait(now);
            }
            (Event::Timer, State::Opening | State::Open { .. }) => self.watch(now, actions),
            _ => {}
        }
    }

    /// Whether it waits for the connection that [`Action::Connect`] asked for.
    pub fn is_connecting(&self) -> bool {
        matches!(self.state, State::Connecting(_))
    }

    /// Tells managers something; it waits a while if there is no session.
    pub fn notify(&mut self, now: Duration, notification: Notification, actions: &mut Vec<Action>) {
        if let State::Ended = self.state {
            return;
        }
        if self.waiting.len() == MOST_WAITING {
            self.waiting.pop_front();
        }
        self.waiting.push_back((now, notification));
        self.send_waiting(now, actions);
    }

    /// The bytes of an answer; `None` when the session that wanted it is over.
    pub fn answer(&self, request: &Request, answer: Answer) -> Option<Vec<u8>> {
        if !self.is_open() || request.connection != self.connection {
            return None;
        }
        let (error, index, objects) = match answer {
            Answer::Objects(objects) => (ErrorStatus::NO_ERROR, 0, objects),
            Answer::Set(error, index) => (error, index, Vec::new()),
        };
        Some(response(request.header, error, index, objects))
    }

    /// Ends the session for good; the connection is to be closed when the bytes are sent.
    pub fn close(&mut self, actions: &mut Vec<Action>) {
        if let State::Open { session } = self.state {
            let packet = self.next_packet();
            let header = Header { session, transaction: 0, packet };
            let close = Message { header, context: None, pdu: Pdu::Close { reason: SHUTDOWN } };
            actions.push(Action::Send(close.bytes()));
        }
        self.state = State::Ended;
        actions.push(Action::Disconnect);
    }

    fn oldest_question(&self) -> Option<Duration> {
        self.asked.values().map(|(_, deadline)| *deadline).min()
    }

    fn next_packet(&mut self) -> u32 {
        self.packet = self.packet.wrapping_add(1);
        self.packet
    }

    fn ask(&mut self, now: Duration, what: Asked, pdu: Pdu, actions: &mut Vec<Action>) {
        let session = if let State::Open { session } = self.state { session } else { 0 };
        let packet = self.next_packet();
        let header = Header { session, transaction: packet, packet };
        actions.push(Action::Send(Message { header, context: None, pdu }.bytes()));
        self.asked.insert(packet, (what, now + self.settings.patience));
    }

    /// Waits before the next try.
    fn wait(&mut self, now: Duration) {
        let factor = 1u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        let pause = self.settings.pause.saturating_mul(factor).min(self.settings.longest_pause);
        self.failures = self.failures.saturating_add(1);
        self.state = State::Waiting(now + pause);
        self.frames = Frames::default();
        self.asked.clear();
        self.sets.clear();
    }

    /// There is no connection to be had.
    fn find_none(&mut self, now: Duration, actions: &mut Vec<Action>) {
        if !std::mem::replace(&mut self.complained, true) {
            actions.push(Action::Log(Line::NoMaster));
        }
        self.wait(now);
    }

    fn give_up(&mut self, now: Duration, why: Line, actions: &mut Vec<Action>) {
        actions.push(Action::Log(why));
        actions.push(Action::Disconnect);
        self.wait(now);
    }

    /// Looks whether the master is there.
    fn watch(&mut self, now: Duration, actions: &mut Vec<Action>) {
        if self.oldest_question().is_some_and(|deadline| deadline <= now) {
            self.give_up(now, Line::Silent, actions);
        } else if self.is_open() && self.heard + self.settings.ping <= now {
            // The next one is due when this one has been answered, or too late.
            self.heard = now;
            self.ask(now, Asked::Ping, Pdu::Ping, actions);
        }
    }

    fn read(&mut self, now: Duration, actions: &mut Vec<Action>) {
        while matches!(self.state, State::Opening | State::Open { .. }) {
            match self.frames.next() {
                Ok(Some(bytes)) => self.read_one(now, &bytes, actions),
                Ok(None) => return,
                Err(reject) => self.give_up(now, Line::Garbled(reject), actions),
            }
        }
    }

    fn read_one(&mut self, now: Duration, bytes: &[u8], actions: &mut Vec<Action>) {
        let message = match Message::parse(bytes) {
            Ok(message) => message,
            Err(reject) => return self.refuse_garbled(now, bytes, reject, actions),
        };
        self.heard = now;
        let header = message.header;
        let known = matches!(self.state, State::Open { session } if session == header.session);
        let refuse = |error| Action::Send(response(header, error, 0, Vec::new()));
        let demand = match message.pdu {
            Pdu::Response { error, .. } => return self.hear(now, header, error, actions),
            Pdu::Close { .. } if known => return self.give_up(now, Line::Closed, actions),
            Pdu::CleanupSet => {
                self.sets.remove(&header.transaction);
                return;
            }
            Pdu::Get(ranges) => Demand::Get(ranges),
            Pdu::GetNext(ranges) => Demand::GetNext(ranges),
            Pdu::GetBulk { non_repeaters, repetitions, ranges } => {
                Demand::GetBulk { non_repeaters, repetitions, ranges }
            }
            Pdu::TestSet(objects) => {
                if self.sets.len() == MOST_SETS {
                    self.sets.pop_first();
                }
                self.sets.insert(header.transaction, objects.clone());
                Demand::Test(objects)
            }
            Pdu::CommitSet => match self.sets.get(&header.transaction) {
                Some(objects) => Demand::Commit(objects.clone()),
                None => return actions.push(refuse(ErrorStatus::COMMIT_FAILED)),
            },
            Pdu::UndoSet => match self.sets.remove(&header.transaction) {
                Some(objects) => Demand::Undo(objects),
                None => return actions.push(refuse(ErrorStatus::UNDO_FAILED)),
            },
            // What only subagents send.
            _ => return,
        };
        // RFC 2741 §7.2.2
        actions.push(match (known, message.context) {
            (false, _) => refuse(ErrorStatus::NOT_OPEN),
            (true, Some(_)) => refuse(ErrorStatus::UNSUPPORTED_CONTEXT),
            (true, None) => Action::Request(Request { header, connection: self.connection, demand }),
        });
    }

    /// RFC 2741 §7.2.2: what a request cannot be read is answered; nothing answers an answer.
    fn refuse_garbled(&mut self, now: Duration, bytes: &[u8], reject: Reject, actions: &mut Vec<Action>) {
        match Header::of_request(bytes) {
            Some(header) => {
                actions.push(Action::Send(response(header, ErrorStatus::PARSE_ERROR, 0, Vec::new())));
            }
            None => self.give_up(now, Line::Garbled(reject), actions),
        }
    }

    /// An answer of the master.
    fn hear(&mut self, now: Duration, header: Header, error: ErrorStatus, actions: &mut Vec<Action>) {
        // One to nothing that was asked says nothing.
        let Some((asked, _)) = self.asked.remove(&header.packet) else { return };
        let fine = error == ErrorStatus::NO_ERROR;
        match asked {
            Asked::Open if fine => {
                self.state = State::Open { session: header.session };
                (self.failures, self.complained) = (0, false);
                actions.push(Action::Log(Line::Open));
                self.register(now, actions);
                self.send_waiting(now, actions);
            }
            Asked::Open => self.give_up(now, Line::Refused(error), actions),
            Asked::Register(root) if !fine => actions.push(Action::Log(Line::SubtreeRefused(root, error))),
            // RFC 2741 §7.2.5: the master has forgotten the session.
            Asked::Ping if !fine => self.give_up(now, Line::Closed, actions),
            Asked::Register(_) | Asked::Ping | Asked::Other => {}
        }
    }

    fn register(&mut self, now: Duration, actions: &mut Vec<Action>) {
        for Subtree { root, description } in self.settings.subtrees.clone() {
            let region = Region {
                timeout: 0,
                priority: PRIORITY,
                range_part: 0,
                subtree: root.clone(),
                upper_bound: 0,
            };
            self.ask(now, Asked::Register(root.clone()), Pdu::Register(region), actions);
            let description = description.into_bytes();
            self.ask(now, Asked::Other, Pdu::AddAgentCaps { id: root, description }, actions);
        }
    }

    fn send_waiting(&mut self, now: Duration, actions: &mut Vec<Action>) {
        while self.is_open()
            && let Some((since, notification)) = self.waiting.pop_front()
        {
            if since + FRESH >= now {
                let kind = VarBind { name: Oid::new(&TRAP), value: Value::ObjectId(notification.kind) };
                let objects = [vec![kind], notification.objects].concat();
                self.ask(now, Asked::Other, Pdu::Notify(objects), actions);
            }
        }
    }
}

fn response(header: Header, error: ErrorStatus, index: u16, objects: Vec<VarBind>) -> Vec<u8> {
    let pdu = Pdu::Response { uptime: 0, error, index, objects };
    Message { header, context: None, pdu }.bytes()
}
