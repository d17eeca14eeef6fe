//! A connection to the bus and the thread that lives with it.
//!
//! The library's calls may wait for the bus, so they are made in a thread of their own. What is to
//! be done there waits in a queue of limited length; a bus that lets it fill up is given up.

use super::objects::{Instance, Vrrp};
use super::reply::Reply;
use super::table::{Row, Table, vrrp_path};
use crate::message::Act;
use crate::service::Connected;
use ha::message::Dump;
use keepalived_conf::model::Config;
use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};
use rustix::io::Errno;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};
use zbus::fdo::RequestNameFlags;
use zbus::object_server::SignalEmitter;
use zbus::{Connection, connection, fdo};

/// The name on the bus without `dbus_service_name`.
const NAME: &str = "org.keepalived.Vrrp1";
/// What may wait to be done: the changes of thousands of instances.
const MOST_ORDERS: usize = 10_000;
/// Questions of clients that may wait.
const MOST_REPORTS: usize = 100;
/// How long the bus may take to let us in.
const ENTERING: Duration = Duration::from_secs(10);
/// How long the last words may take.
const FAREWELL: Duration = Duration::from_millis(500);

/// What is to be done on the bus.
#[derive(Debug)]
pub(super) enum Order {
    /// These are the paths of the instances there are; others are not there any more.
    Serve(Vec<String>),
    Reloaded,
    Changed {
        path: String,
        state: u32,
    },
    /// Say that we stop, and go.
    Stop,
}

/// What comes from the bus.
#[derive(Debug)]
pub(super) enum Report {
    /// The name is ours, and everything is there.
    Up,
    /// The bus does not want us, or it was left.
    Down(String),
    Asked(Act),
    /// The same for a file, and whom to tell when it is there.
    Dump(Dump, Reply),
}

/// How reports get to the thread of the process.
#[derive(Clone, Debug)]
pub(super) struct Reporter {
    reports: SyncSender<Report>,
    bell: Arc<OwnedFd>,
}

impl Reporter {
    /// Passes on what a client asks.
    pub(super) fn ask(&self, report: Report) -> fdo::Result<()> {
        let sent = self.reports.try_send(report);
        self.ring();
        sent.map_err(|_| fdo::Error::LimitsExceeded("too much is being asked at once".to_owned()))
    }

    fn ring(&self) {
        // A bell that rings already is heard too.
        let _ = rustix::io::write(&*self.bell, &1_u64.to_ne_bytes());
    }
}

/// Who we are on the bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Identity {
    name: String,
    /// Path of the object for the process as a whole.
    path: String,
}

impl Identity {
    pub(super) fn new(config: &Config) -> Self {
        let name = config.global.dbus.service_name.as_deref().unwrap_or(NAME);
        Self { name: name.to_owned(), path: vrrp_path(config) }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// A connection to the bus.
pub(super) struct Session {
    orders: SyncSender<Order>,
    reports: Receiver<Report>,
    bell: Arc<OwnedFd>,
    /// A copy of the connection: to notice its end, and to bring it about.
    socket: UnixStream,
    opened: Instant,
    up: bool,
}

impl Session {
    /// Enters the bus.
    pub(super) fn open(
        connected: Connected,
        identity: Identity,
        table: &Arc<Mutex<Table>>,
    ) -> std::io::Result<Self> {
        let Connected { socket, user } = connected;
        let stream = UnixStream::from(socket);
        let socket = stream.try_clone()?;
        let bell = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let (orders, waiting) = sync_channel(MOST_ORDERS);
        let (reports, heard) = sync_channel(MOST_REPORTS);
        let reporter = Reporter { reports, bell: bell.clone() };
        let bus = Bus { identity, table: table.clone(), reporter: reporter.clone(), served: Vec::new() };
        // What changes from now on is ordered.
        let rows = table.lock().unwrap_or_else(PoisonError::into_inner).0.clone();
        std::thread::Builder::new().name("dbus".to_owned()).spawn(move || {
            let why = match bus.live(stream, user, rows, &waiting) {
                Ok(()) => "it was left".to_owned(),
                Err(error) => error.to_string(),
            };
            // Nobody listens any more when the session was dropped.
            let _ = reporter.reports.send(Report::Down(why));
            reporter.ring();
        })?;
        Ok(Self { orders, reports: heard, bell, socket, opened: Instant::now(), up: false })
    }

    /// Has something done. `false`: the bus does not keep up.
    pub(super) fn order(&self, order: Order) -> bool {
        self.orders.try_send(order).is_ok()
    }

    /// What has come from the bus.
    pub(super) fn reports(&mut self) -> Vec<Report> {
        let _ = rustix::io::read(&*self.bell, &mut [0; 8]);
        let reports: Vec<Report> = self.reports.try_iter().collect();
        self.up |= reports.iter().any(|report| matches!(report, Report::Up));
        reports
    }

    /// Why there is no point in going on, if so.
    pub(super) fn trouble(&self) -> Option<&'static str> {
        let mut fds = [PollFd::new(&self.socket, PollFlags::RDHUP)];
        let closed = !matches!(poll(&mut fds, Some(&Timespec::default())), Ok(0) | Err(Errno::INTR));
        match closed {
            true => Some("it has closed the connection"),
            false if !self.up && self.opened.elapsed() > ENTERING => Some("it does not answer"),
            false => None,
        }
    }

    /// What to wait for.
    pub(super) fn descriptors(&self) -> [PollFd<'_>; 2] {
        let bell = PollFd::from_borrowed_fd(self.bell.as_fd(), PollFlags::IN);
        [bell, PollFd::new(&self.socket, PollFlags::RDHUP)]
    }

    /// Says that we stop and goes; waits a moment for the bus to hear it.
    pub(super) fn stop(self) {
        let until = Instant::now() + FAREWELL;
        if !self.order(Order::Stop) {
            return;
        }
        while let Ok(report) = self.reports.recv_timeout(until.saturating_duration_since(Instant::now())) {
            match report {
                Report::Down(_) => return,
                Report::Dump(_, reply) => reply.give(false),
                Report::Up | Report::Asked(_) => {}
            }
        }
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Ends what the thread waits for. It is closed already when the bus has gone.
        let _ = self.socket.shutdown(std::net::Shutdown::Both);
    }
}

/// What the thread does.
struct Bus {
    identity: Identity,
    table: Arc<Mutex<Table>>,
    reporter: Reporter,
    /// Paths of the instances that are there.
    served: Vec<String>,
}

impl Bus {
    fn live(
        mut self,
        stream: UnixStream,
        user: u32,
        rows: Vec<Row>,
        orders: &Receiver<Order>,
    ) -> zbus::Result<()> {
        let connection = zbus::block_on(self.enter(stream, user, rows))?;
        // The other thread empties the queue, or has dropped it.
        let _ = self.reporter.reports.send(Report::Up);
        self.reporter.ring();
        // Between two orders a thread of the library's serves the clients.
        while let Ok(order) = orders.recv() {
            let stops = matches!(order, Order::Stop);
            zbus::block_on(self.obey(&connection, order))?;
            if stops {
                break;
            }
        }
        zbus::block_on(connection.close())
    }

    async fn enter(&mut self, stream: UnixStream, user: u32, rows: Vec<Row>) -> zbus::Result<Connection> {
        let vrrp = Vrrp { reporter: self.reporter.clone() };
        let builder = connection::Builder::unix_stream(stream).user_id(user);
        let connection = builder.serve_at(self.identity.path.clone(), vrrp).build().await?;
        self.serve(&connection, rows.iter().map(|row| row.path.clone()).collect()).await?;
        let flags = RequestNameFlags::DO_NOT_QUEUE;
        let name = self.identity.name.clone();
        connection.request_name_with_flags(name, flags).await.map_err(|error| self.explained(error))?;
        Vrrp::vrrp_started(&SignalEmitter::new(&connection, self.identity.path.clone())?).await?;
        for row in rows {
            let emitter = SignalEmitter::new(&connection, row.path)?;
            Instance::vrrp_status_change(&emitter, row.state.number()).await?;
        }
        Ok(connection)
    }

    /// Says what to do about a bus that does not let us have the name.
    fn explained(&self, error: zbus::Error) -> zbus::Error {
        let denied = match &error {
            zbus::Error::MethodError(name, ..) => name.as_str() == "org.freedesktop.DBus.Error.AccessDenied",
            zbus::Error::FDO(error) => matches!(**error, fdo::Error::AccessDenied(_)),
            _ => false,
        };
        if !denied {
            return error;
        }
        // The bus's own words have another number in them each time.
        zbus::Error::Failure(format!(
            "not allowed to own {}: install packaging/dbus/backstay.conf as \
             /etc/dbus-1/system.d/backstay.conf (`make install` does), with that name in it, and \
             `systemctl reload dbus`",
            self.identity.name
        ))
    }

    async fn obey(&mut self, connection: &Connection, order: Order) -> zbus::Result<()> {
        let emitter = SignalEmitter::new(connection, self.identity.path.clone())?;
        match order {
            Order::Serve(paths) => self.serve(connection, paths).await,
            Order::Reloaded => Vrrp::vrrp_reloaded(&emitter).await,
            Order::Changed { path, state } => {
                Instance::vrrp_status_change(&SignalEmitter::new(connection, path)?, state).await
            }
            Order::Stop => Vrrp::vrrp_stopped(&emitter).await,
        }
    }

    async fn serve(&mut self, connection: &Connection, paths: Vec<String>) -> zbus::Result<()> {
        let server = connection.object_server();
        for gone in self.served.iter().filter(|path| !paths.contains(path)) {
            server.remove::<Instance, _>(gone.as_str()).await?;
        }
        for path in paths.iter().filter(|path| !self.served.contains(path)) {
            let (table, reporter) = (self.table.clone(), self.reporter.clone());
            server.at(path.as_str(), Instance { path: path.clone(), table, reporter }).await?;
        }
        self.served = paths;
        Ok(())
    }
}
