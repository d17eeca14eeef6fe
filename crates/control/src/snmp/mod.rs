//! SNMP: `enable_snmp_vrrp`, `enable_snmp_rfcv2`, `enable_snmp_rfcv3`, `enable_traps`, `snmp_socket`.
//!
//! A subagent of the machine's SNMP agent. A request is answered from a state that is no older than
//! [`FRESH`]: else the vrrp process is asked, and the request waits for the answer, but not for long.

mod connection;
mod mib;
mod sets;
mod traps;

use crate::message::{Adjustment, Change, Configure, Daemon, FromControl, State};
use crate::service::{Connected, Desk, Service};
use agentx::{Action, Answer, Demand, ErrorStatus, Event, Line, Request, Session, Settings, Tree};
use connection::{Connection, Lost};
use ha::message::{Dump, InstanceState, Occasion, Refusal, Subject};
use keepalived_conf::model::AgentAddress;
use logging::Level;
use mib::Facts;
use rustix::event::PollFd;
use std::time::{Duration, Instant};

/// How old a state may be that requests are answered from.
const FRESH: Duration = Duration::from_millis(500);
/// How long a request waits for a new state before an old one has to do.
const PATIENCE: Duration = Duration::from_millis(500);
/// While more requests wait, no more are heard; a master agent has one on its way for each of its
/// managers.
const MOST_WAITING: usize = 256;
/// Requests that are answered in one turn.
const ANSWERS_A_TURN: usize = 64;

/// The subagent.
pub(crate) struct Snmp {
    /// What the clock of the session counts from.
    began: Instant,
    configure: Option<Configure>,
    /// The configuration before, which still tells of instances that have gone.
    before: Option<Configure>,
    state: State,
    /// When the state came.
    known: Option<Instant>,
    /// When it was asked for.
    asked: Option<Instant>,
    /// The objects of the present configuration and state, once somebody wants them.
    tree: Option<Tree>,
    /// `None` while nothing asks for it.
    session: Option<Session>,
    connection: Option<Connection>,
    /// Requests, and when they came.
    requests: Vec<(Instant, Request)>,
    /// What the last set replaced, should it be taken back.
    former: Vec<Adjustment>,
    /// What is told with the next state, and when it happened.
    news: Vec<(Instant, News)>,
}

/// What managers are told with numbers that only a state has.
enum News {
    /// An instance became master.
    Master(String),
    Refused(Refusal),
}

impl Snmp {
    pub(crate) fn new(now: Instant) -> Self {
        Self {
            began: now,
            configure: None,
            before: None,
            state: State::default(),
            known: None,
            asked: None,
            tree: None,
            session: None,
            connection: None,
            requests: Vec::new(),
            former: Vec::new(),
            news: Vec::new(),
        }
    }

    fn on(&mut self, event: Event<'_>, desk: &mut Desk) {
        let mut actions = Vec::new();
        let now = self.began.elapsed();
        if let Some(session) = &mut self.session {
            session.on(now, event, &mut actions);
        }
        self.carry_out(actions, desk);
    }

    fn carry_out(&mut self, actions: Vec<Action>, desk: &mut Desk) {
        for action in actions {
            match action {
                Action::Connect => self.connect(desk),
                Action::Disconnect => self.disconnect(),
                Action::Send(bytes) => self.send(&bytes, desk),
                Action::Request(request) => self.requests.push((Instant::now(), request)),
                Action::Log(line) => {
                    let level = if line == Line::Open { Level::Info } else { Level::Warning };
                    desk.log(level, &format!("SNMP: {line}"));
                }
            }
        }
    }

    fn connect(&mut self, desk: &mut Desk) {
        let address = self.configure.as_ref().map(|configure| configure.config.global.snmp.agent());
        let outcome = match address {
            Some(Ok(AgentAddress::Tcp(address))) => Connection::to(address),
            // Where it is, the supervisor knows; the configuration was refused if it is nowhere.
            _ => return desk.ask(FromControl::Connect(Daemon::AgentX)),
        };
        match outcome {
            Ok(connection) => self.connection = Some(connection),
            Err(why) => self.lost(&why, desk),
        }
    }

    fn disconnect(&mut self) {
        self.connection = None;
        self.requests.clear();
    }

    fn lost(&mut self, Lost(why): &Lost, desk: &mut Desk) {
        desk.log(Level::Debug, &format!("SNMP: connection to the master agent: {why}"));
        self.disconnect();
        self.on(Event::Lost, desk);
    }

    fn send(&mut self, bytes: &[u8], desk: &mut Desk) {
        if let Some(Err(why)) = self.connection.as_mut().map(|connection| connection.send(bytes)) {
            self.lost(&why, desk);
        }
    }

    /// Reads and writes what there is.
    fn exchange(&mut self, desk: &mut Desk) -> Result<(), Lost> {
        let Some(connection) = &mut self.connection else { return Ok(()) };
        if connection.is_made()? {
            self.on(Event::Connected, desk);
        }
        let Some(connection) = &mut self.connection else { return Ok(()) };
        connection.flush()?;
        if self.requests.len() > MOST_WAITING {
            return Ok(());
        }
        let bytes = connection.receive()?;
        if !bytes.is_empty() {
            self.on(Event::Received(&bytes), desk);
        }
        Ok(())
    }

    fn is_fresh(&self, now: Instant) -> bool {
        self.known.is_some_and(|at| now.saturating_duration_since(at) <= FRESH)
    }

    /// Whether requests have waited enough for a new state, if they need one.
    fn may_answer(&self, now: Instant) -> bool {
        let late = |(at, _): &(Instant, Request)| now.saturating_duration_since(*at) >= PATIENCE;
        self.is_fresh(now) || self.requests.iter().any(late)
    }

    /// Asks for a state, unless that was done just now.
    fn ask(&mut self, now: Instant, desk: &mut Desk) {
        if self.asked.is_none_or(|at| now.saturating_duration_since(at) > PATIENCE) {
            self.asked = Some(now);
            desk.ask(FromControl::AskState);
        }
    }

    /// Answers what can be answered.
    fn answer(&mut self, now: Instant, desk: &mut Desk) {
        if self.requests.is_empty() {
            return;
        }
        if !self.may_answer(now) {
            self.ask(now, desk);
            return;
        }
        let some = self.requests.len().min(ANSWERS_A_TURN);
        for (_, request) in self.requests.drain(..some).collect::<Vec<_>>() {
            let answer = request.read(self.tree()).unwrap_or_else(|| self.set(&request.demand, desk));
            let bytes = self.session.as_ref().and_then(|session| session.answer(&request, answer));
            if let Some(bytes) = bytes {
                self.send(&bytes, desk);
            }
        }
    }

    /// Tests, makes or takes back what a manager sets.
    fn set(&mut self, demand: &Demand, desk: &mut Desk) -> Answer {
        let (Demand::Test(objects) | Demand::Commit(objects)) = demand else {
            return self.undo(desk);
        };
        let Some(facts) = self.facts() else { return Answer::Set(ErrorStatus::NOT_WRITABLE, 1) };
        let mut adjustments = Vec::new();
        for (number, object) in (1..).zip(objects) {
            match sets::meant(object, facts) {
                Ok(adjustment) => adjustments.push(adjustment),
                Err(error) => return Answer::Set(error, number),
            }
        }
        if let Demand::Commit(_) = demand {
            self.former = adjustments.iter().filter_map(|wanted| sets::present(wanted, facts)).collect();
            adjustments.into_iter().for_each(|adjustment| self.adjust(adjustment, desk));
        }
        Answer::Set(ErrorStatus::NO_ERROR, 0)
    }

    fn undo(&mut self, desk: &mut Desk) -> Answer {
        for adjustment in std::mem::take(&mut self.former) {
            self.adjust(adjustment, desk);
        }
        Answer::Set(ErrorStatus::NO_ERROR, 0)
    }

    /// The supervisor sees to it, and sends the configuration that it makes of it.
    fn adjust(&mut self, adjustment: Adjustment, desk: &mut Desk) {
        let before = self.facts().and_then(|facts| sets::present(&adjustment, facts));
        desk.log(Level::Info, &sets::line(&adjustment, before.as_ref()));
        desk.ask(FromControl::Adjust(adjustment));
        self.known = None;
    }

    fn tree(&mut self) -> &Tree {
        let Self { configure, state, tree, .. } = self;
        tree.get_or_insert_with(|| match configure {
            Some(configure) => mib::tree(Facts { configure, state }),
            None => Tree::new(),
        })
    }

    fn facts(&self) -> Option<Facts<'_>> {
        Some(Facts { configure: self.configure.as_ref()?, state: &self.state })
    }

    /// Whether managers are told of changes.
    fn tells(&self) -> bool {
        self.configure.as_ref().is_some_and(|configure| configure.config.global.snmp.traps)
    }

    fn notify(&mut self, of: &str, notification: agentx::Notification, desk: &mut Desk) {
        let kind = traps::name(&notification.kind);
        desk.log(Level::Debug, &format!("({of}) Sending SNMP notification {kind}"));
        let mut actions = Vec::new();
        let now = self.began.elapsed();
        if let Some(session) = &mut self.session {
            session.notify(now, notification, &mut actions);
        }
        self.carry_out(actions, desk);
    }

    /// Tells what needed a state.
    fn tell_news(&mut self, desk: &mut Desk) {
        for (_, news) in std::mem::take(&mut self.news) {
            let name = match &news {
                News::Master(name) => name,
                News::Refused(refusal) => &refusal.instance,
            };
            let Some(facts) = self.facts() else { return };
            let Some(instance) = facts.instances().find(|instance| instance.config.name == *name) else {
                continue;
            };
            let notifications = match &news {
                News::Master(_) => traps::new_master(&instance),
                News::Refused(refusal) => traps::refused(refusal, &instance),
            };
            let name = name.clone();
            notifications.into_iter().for_each(|notification| self.notify(&name, notification, desk));
        }
    }

    /// `state` of an instance's configuration, present or past; 4 is unknown.
    fn initial_state(&self, name: &str) -> i32 {
        let configurations = [&self.configure, &self.before].into_iter().flatten();
        let mut all =
            configurations.flat_map(|configure| Facts { configure, state: &self.state }.instances());
        all.find(|instance| instance.config.name == name).map_or(4, |instance| mib::initial_state(&instance))
    }
}

impl Service for Snmp {
    fn daemon(&self) -> Daemon {
        Daemon::AgentX
    }

    fn configure(&mut self, configure: &Configure, desk: &mut Desk) {
        let subtrees = mib::subtrees(&configure.config);
        let old = self.configure.replace(configure.clone());
        let plan = |configure: &Configure| {
            let snmp = &configure.config.global.snmp;
            (snmp.vrrp, snmp.socket.clone())
        };
        let same = old.as_ref().is_some_and(|old| plan(old) == plan(configure));
        self.before = old;
        self.tree = None;
        // What the old state says of the new instances is not much.
        self.known = None;
        if same {
            return;
        }
        self.stop(desk);
        if !subtrees.is_empty() {
            desk.log(Level::Info, "Starting SNMP subagent");
            let settings = Settings { description: "Keepalived".to_owned(), subtrees, ..Settings::default() };
            self.session = Some(Session::new(settings, self.began.elapsed()));
            self.ask(Instant::now(), desk);
        }
    }

    fn state(&mut self, state: &State, desk: &mut Desk) {
        self.state.clone_from(state);
        (self.known, self.asked) = (Some(Instant::now()), None);
        self.tree = None;
        self.tell_news(desk);
    }

    fn changed(&mut self, change: &Change, desk: &mut Desk) {
        // A state from before the change is no state to answer from.
        self.known = None;
        let Some(facts) = self.facts().filter(|_| self.tells()) else { return };
        let initial = self.initial_state(&change.name);
        if facts.config().global.snmp.vrrp.keepalived
            && let Some(notification) = traps::state_change(change, initial, facts)
        {
            self.notify(&change.name, notification, desk);
        }
        let became_master = Occasion::State(InstanceState::Master);
        if change.subject == Subject::Instance && change.occasion == became_master {
            self.news.push((Instant::now(), News::Master(change.name.clone())));
            desk.ask(FromControl::AskState);
        }
    }

    fn refused(&mut self, refusal: &Refusal, desk: &mut Desk) {
        if self.tells() {
            self.news.push((Instant::now(), News::Refused(refusal.clone())));
            desk.ask(FromControl::AskState);
        }
    }

    fn reloaded(&mut self, _desk: &mut Desk) {
        self.known = None;
    }

    fn written(&mut self, _dump: Dump) {}

    fn connected(&mut self, outcome: Result<Connected, String>, desk: &mut Desk) {
        // What comes too late, or for a session that nothing asks for any more, is closed.
        if !self.session.as_ref().is_some_and(Session::is_connecting) {
            return;
        }
        let connection = outcome.map_err(Lost).and_then(|connected| Connection::over(connected.socket));
        match connection {
            Ok(connection) => {
                self.connection = Some(connection);
                self.on(Event::Connected, desk);
            }
            Err(why) => self.lost(&why, desk),
        }
    }

    fn descriptors(&self) -> Vec<PollFd<'_>> {
        self.connection.iter().map(Connection::interest).collect()
    }

    fn next_deadline(&self) -> Option<Instant> {
        let session = self.session.as_ref().and_then(Session::next_deadline).map(|at| self.began + at);
        let now = Instant::now();
        let request = self.requests.iter().map(|(at, _)| *at + PATIENCE).min();
        let request = request.map(|at| if self.may_answer(now) { now } else { at });
        session.into_iter().chain(request).min()
    }

    fn turn(&mut self, desk: &mut Desk) {
        if let Err(why) = self.exchange(desk) {
            self.lost(&why, desk);
        }
        self.on(Event::Timer, desk);
        let now = Instant::now();
        self.answer(now, desk);
        // Of what no state came for, managers are not told.
        self.news.retain(|(at, _)| now.saturating_duration_since(*at) < 10 * PATIENCE);
    }

    fn stop(&mut self, desk: &mut Desk) {
        let mut actions = Vec::new();
        if let Some(session) = &mut self.session {
            session.close(&mut actions);
        }
        self.carry_out(actions, desk);
        self.session = None;
    }
}
