//! `enable_dbus`: the interface of keepalived on the system bus.

mod objects;
mod reply;
mod session;
mod table;

use crate::link::Link;
use crate::message::{Act, Change, Configure, Daemon, FromControl};
use crate::service::{Connected, Desk, Service};
use ha::message::{Dump, Occasion, Subject};
use logging::Level;
use reply::Reply;
use rustix::event::PollFd;
use session::{Identity, Order, Report, Session};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use table::{State, Table};

/// How long a file may take to be written.
const WRITING: Duration = Duration::from_secs(5);
/// How often the states are asked for until they come.
const ASKING: Duration = Duration::from_secs(1);
/// Files that may be waited for.
const MOST_FILES: usize = 100;

/// The interface on D-Bus.
pub(crate) struct Dbus {
    link: Link,
    /// `None` while the configuration does not ask for it.
    identity: Option<Identity>,
    session: Option<Session>,
    /// Shared with the objects on the bus.
    table: Arc<Mutex<Table>>,
    /// Of a configuration that is not in force yet; states that its instances have reached already.
    next: Option<(Table, Vec<(String, State)>)>,
    /// When the states are to be asked for again.
    ask_at: Option<Instant>,
    /// Files that are being written, who waits for them, and until when.
    files: Vec<(Dump, Reply, Instant)>,
}

impl Default for Dbus {
    /// Not on the bus yet.
    fn default() -> Self {
        Self {
            link: Link::new(Daemon::SystemBus),
            identity: None,
            session: None,
            table: Arc::default(),
            next: None,
            ask_at: None,
            files: Vec::new(),
        }
    }
}

impl Dbus {
    fn table(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Has something done on the bus; one that does not keep up is left.
    fn order(&mut self, order: Order, desk: &mut Desk) {
        if self.session.as_ref().is_some_and(|session| !session.order(order)) {
            self.lose("it does not keep up", desk);
        }
    }

    fn lose(&mut self, why: &str, desk: &mut Desk) {
        self.session = None;
        self.link.lost(why, Instant::now(), desk);
    }

    fn leave(&mut self) {
        if let Some(session) = self.session.take() {
            session.stop();
        }
        self.link.want(false, Instant::now());
        self.ask_at = None;
    }

    /// Puts the configuration that was announced last into force; says what its new instances have
    /// reached.
    fn enforce(&mut self, desk: &mut Desk) -> Vec<(String, State)> {
        let Some((mut next, reached)) = self.next.take() else { return Vec::new() };
        let mut table = self.table();
        for row in &mut next.0 {
            // By path: an instance that has another name only is the same one to clients.
            row.state = table.at(&row.path).map_or(row.state, |row| row.state);
        }
        *table = next;
        let paths = table.0.iter().map(|row| row.path.clone()).collect();
        drop(table);
        self.order(Order::Serve(paths), desk);
        reached
    }

    fn change(&mut self, name: &str, state: State, desk: &mut Desk) {
        let path = self.table().set(name, state);
        match (path, &mut self.next) {
            (Some(path), _) => self.order(Order::Changed { path, state: state.number() }, desk),
            // Its object comes with the configuration.
            (None, Some((_, reached))) => reached.push((name.to_owned(), state)),
            (None, None) => {}
        }
    }

    fn hear(&mut self, desk: &mut Desk) {
        let reports = self.session.as_mut().map(Session::reports);
        for report in reports.into_iter().flatten() {
            match report {
                Report::Up => {
                    let name = self.identity.as_ref().map_or("", Identity::name);
                    desk.log(Level::Info, &format!("Acquired the name {name} on the system bus"));
                }
                Report::Down(why) => return self.lose(&why, desk),
                Report::Asked(act) => {
                    if let Act::Announce { instance } = &act {
                        let line = format!("Sending garps on {instance} on DBus request");
                        desk.log(Level::Info, &line);
                    }
                    desk.ask(FromControl::Act(act));
                }
                Report::Dump(_, reply) if self.files.len() >= MOST_FILES => reply.give(false),
                Report::Dump(dump, reply) => {
                    desk.log(Level::Info, dump_line(dump));
                    desk.ask(FromControl::Act(Act::Dump(dump)));
                    self.files.push((dump, reply, Instant::now() + WRITING));
                }
            }
        }
        if let Some(why) = self.session.as_ref().and_then(Session::trouble) {
            self.lose(why, desk);
        }
    }
}

impl Service for Dbus {
    fn daemon(&self) -> Daemon {
        Daemon::SystemBus
    }

    fn configure(&mut self, configure: &Configure, _desk: &mut Desk) {
        let config = &configure.config;
        let identity = config.global.dbus.enabled.then(|| Identity::new(config));
        if self.identity != identity {
            self.leave();
            self.identity = identity;
        }
        if self.identity.is_some() {
            self.next = Some((Table::new(config), Vec::new()));
            self.ask_at = Some(Instant::now());
        }
    }

    /// Only now is there something to tell on the bus.
    fn state(&mut self, state: &crate::message::State, desk: &mut Desk) {
        let _ = self.enforce(desk);
        for instance in &state.instances {
            self.table().set(&instance.name, State::Known(instance.state));
        }
        self.ask_at = None;
        self.link.want(self.identity.is_some(), Instant::now());
    }

    fn changed(&mut self, change: &Change, desk: &mut Desk) {
        if change.subject == Subject::Instance {
            match change.occasion {
                Occasion::State(state) => self.change(&change.name, State::Known(state), desk),
                Occasion::Deleted => self.change(&change.name, State::Deleted, desk),
                Occasion::LowerHeard | Occasion::Priority(_) => {}
            }
        }
    }

    fn reloaded(&mut self, desk: &mut Desk) {
        let reached = self.enforce(desk);
        self.order(Order::Reloaded, desk);
        for (name, state) in reached {
            self.change(&name, state, desk);
        }
    }

    fn written(&mut self, dump: Dump) {
        for (_, reply, _) in self.files.extract_if(.., |(kind, ..)| *kind == dump) {
            reply.give(true);
        }
    }

    fn connected(&mut self, outcome: Result<Connected, String>, desk: &mut Desk) {
        let now = Instant::now();
        let Some(connected) = self.link.answered(outcome, now, desk) else { return };
        let Some(identity) = self.identity.clone() else { return };
        match Session::open(connected, identity, &self.table) {
            Ok(session) => self.session = Some(session),
            Err(error) => self.link.lost(&error.to_string(), now, desk),
        }
    }

    fn descriptors(&self) -> Vec<PollFd<'_>> {
        self.session.iter().flat_map(Session::descriptors).collect()
    }

    fn next_deadline(&self) -> Option<Instant> {
        let files = self.files.iter().map(|(.., until)| *until);
        files.chain(self.ask_at).chain(self.link.next_deadline()).min()
    }

    fn turn(&mut self, desk: &mut Desk) {
        let now = Instant::now();
        self.hear(desk);
        for (_, reply, _) in self.files.extract_if(.., |(.., until)| *until <= now) {
            reply.give(false);
        }
        if self.ask_at.is_some_and(|at| at <= now) {
            self.ask_at = Some(now + ASKING);
            desk.ask(FromControl::AskState);
        }
        self.link.turn(now, desk);
    }

    fn stop(&mut self, _desk: &mut Desk) {
        self.leave();
    }
}

fn dump_line(dump: Dump) -> &'static str {
    match dump {
        Dump::Data | Dump::Json | Dump::Reload { .. } => "Printing VRRP data on DBus request",
        Dump::Statistics => "Printing VRRP stats on DBus request",
        Dump::StatisticsAndClear => "Printing and clearing VRRP stats on DBus request",
    }
}
