//! A thread of the proxy: its event loop, and the connections it owns.
//!
//! Sockets are watched edge-triggered and registered once, so that the steady state makes no
//! `epoll_ctl` call: a connection remembers that there is something to read until a read comes
//! back short.

mod accept;
mod answering;
mod attempt;
mod client;
mod outbox;
mod peer;
mod receiving;
mod relay;
mod splice;
mod tunnel;

use crate::arena::{Arena, Token};
use crate::clock::{Clock, Time};
use crate::log::Logs;
use crate::message::StopMode;
use crate::request::{ClientFacts, Request};
use crate::shared::{Counters, Shared};
use crate::site::Site;
use crate::timers::{Due, Timers};
use client::{Client, Phase};
use outbox::Outbox;
use peer::Peer;
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

/// What the main thread tells a worker.
#[derive(Debug)]
pub(crate) enum Order {
    /// Use this configuration, and these sockets (one for each of its listeners).
    Configure(Arc<Shared>, Vec<Arc<OwnedFd>>),
    /// The log files were opened anew.
    Logs(Arc<Vec<Mutex<logging::Sink>>>),
    Stop(StopMode),
    /// Show a sign of life: count it.
    Beat,
}

/// Where the main thread leaves orders.
#[derive(Debug)]
pub(crate) struct Mailbox {
    orders: Mutex<Vec<Order>>,
    bell: OwnedFd,
}

impl Mailbox {
    pub(crate) fn new() -> rustix::io::Result<Self> {
        Ok(Self { orders: Mutex::new(Vec::new()), bell: bell()? })
    }

    pub(crate) fn post(&self, order: Order) {
        self.orders.lock().unwrap_or_else(PoisonError::into_inner).push(order);
        // A full counter means that the bell is ringing already.
        let _ = rustix::io::write(&self.bell, &1u64.to_ne_bytes());
    }

    fn take(&self) -> Vec<Order> {
        let _ = rustix::io::read(&self.bell, &mut [0; 8]);
        std::mem::take(&mut self.orders.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// What a worker tells the main thread.
#[derive(Debug)]
pub(crate) enum News {
    /// The configuration of this generation is in force here.
    Ready(u64),
    /// The last request of this generation is done here.
    Drained(u64),
}

/// Where a worker leaves news, and rings for the main thread.
#[derive(Clone, Debug)]
pub(crate) struct Report {
    news: std::sync::mpsc::Sender<News>,
    bell: Arc<OwnedFd>,
}

impl Report {
    pub(crate) fn new(news: std::sync::mpsc::Sender<News>, bell: Arc<OwnedFd>) -> Self {
        Self { news, bell }
    }

    fn send(&self, news: News) {
        // A main thread that is gone takes this one with it soon.
        let _ = self.news.send(news);
        let _ = rustix::io::write(&self.bell, &1u64.to_ne_bytes());
    }
}

/// An eventfd: written to wake whoever polls it.
pub(crate) fn bell() -> rustix::io::Result<OwnedFd> {
    use rustix::event::{EventfdFlags, eventfd};
    eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)
}

/// Bytes read in one go.
const SCRATCH: usize = 64 << 10;
/// Epoll data of the mailbox's bell and, counted down from it, of the listeners.
const BELL: u64 = u64::MAX;
const LISTENERS: u64 = BELL - 65_536;

/// A listening socket in this thread's epoll.
#[derive(Debug)]
struct Listening {
    socket: Arc<OwnedFd>,
    watched: bool,
}

/// A thread of the proxy.
pub(crate) struct Worker {
    index: usize,
    mailbox: Arc<Mailbox>,
    news: Report,
    epoll: OwnedFd,
    clock: Clock,
    logs: Logs,
    site: Rc<Site>,
    /// Generations whose last request is not done yet.
    draining: Vec<(u64, std::rc::Weak<Site>)>,
    listening: Vec<Listening>,
    clients: Arena<Client>,
    peers: Arena<Peer>,
    /// Idle connections to upstreams, by [`Upstream::id`](crate::shared::Upstream::id).
    pools: Vec<Vec<Token>>,
    timers: Timers,
    counters: Arc<Vec<Counters>>,
    connection_number: Arc<AtomicU64>,
    /// Clients to be looked at again before the loop sleeps.
    again: Vec<Token>,
    /// Clients that have had their share of this turn.
    later: Vec<Token>,
    scratch: Box<[u8]>,
    spare_pipes: Vec<splice::Pipe>,
    outbox: Outbox,
    out: Vec<u8>,
    wire: Vec<u8>,
    /// Fields of a head that has no request yet.
    fields: Vec<http1::Field>,
    #[allow(clippy::vec_box, reason = "the boxes themselves are reused")]
    spare_requests: Vec<Box<Request>>,
    stopping: Option<StopMode>,
    accepting: bool,
    /// When accepting is taken up again that the kernel refused.
    accept_again: Option<Time>,
}

/// A worker cannot run.
#[derive(Debug)]
pub(crate) enum StartError {
    Kernel(rustix::io::Errno),
    Expression(String),
}

impl Worker {
    /// A worker that waits for its first connection.
    pub(crate) fn new(
        index: usize,
        shared: Arc<Shared>,
        mailbox: Arc<Mailbox>,
        news: Report,
        connection_number: Arc<AtomicU64>,
    ) -> Result<Self, StartError> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(StartError::Kernel)?;
        let bell = epoll::EventData::new_u64(BELL);
        epoll::add(&epoll, &mailbox.bell, bell, epoll::EventFlags::IN).map_err(StartError::Kernel)?;
        let site = Site::compile(Arc::clone(&shared)).map_err(|e| StartError::Expression(e.0))?;
        Ok(Self {
            index,
            mailbox,
            news,
            epoll,
            clock: Clock::new(shared.started),
            logs: Logs::new(&shared),
            site: Rc::new(site),
            draining: Vec::new(),
            listening: Vec::new(),
            clients: Arena::default(),
            peers: Arena::default(),
            pools: Vec::new(),
            timers: Timers::default(),
            counters: Arc::clone(&shared.counters),
            connection_number,
            again: Vec::new(),
            later: Vec::new(),
            scratch: vec![0; SCRATCH].into_boxed_slice(),
            spare_pipes: Vec::new(),
            outbox: Outbox::default(),
            out: Vec::with_capacity(8192),
            wire: Vec::new(),
            fields: Vec::with_capacity(16),
            spare_requests: Vec::new(),
            stopping: None,
            accepting: true,
            accept_again: None,
        })
    }

    /// Runs until it is told to stop and has nothing left to do.
    pub(crate) fn run(mut self) {
        let mut events = Vec::with_capacity(512);
        loop {
            self.logs.flush_due(self.clock.now());
            if self.is_done() {
                break;
            }
            events.clear();
            let sleep = self.sleep();
            match epoll::wait(&self.epoll, spare_capacity(&mut events), sleep.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(_) => break,
            }
            self.clock.turn();
            for event in &events {
                match event.data.u64() {
                    BELL => self.obey(),
                    data if data >= LISTENERS => self.accept((data - LISTENERS) as usize),
                    data => self.dispatch(data, event.flags),
                }
                self.run_again();
            }
            self.fire_timers();
            self.accept_after_pause();
            self.again.append(&mut self.later);
            self.settle();
            self.report_drained();
        }
        self.logs.flush_all();
    }

    fn sleep(&self) -> Option<Timespec> {
        if !self.later.is_empty() {
            return Some(Timespec { tv_sec: 0, tv_nsec: 0 });
        }
        let now = self.clock.now();
        let timers = self.timers.sleep(now);
        let logs = self.logs.sleep(now);
        let pause = self.accept_again.map(|at| at.saturating_sub(now));
        let until = timers.into_iter().chain(logs).chain(pause).min()?;
        // Rounded up, or the loop would spin through the last fraction of a millisecond.
        let rounded = until.min(Time::from_secs(3600)) + Time::from_micros(500);
        Some(Timespec { tv_sec: rounded.as_secs() as i64, tv_nsec: i64::from(rounded.subsec_nanos()) })
    }

    fn dispatch(&mut self, data: u64, flags: epoll::EventFlags) {
        let (token, is_peer) = Token::from_bits(data);
        if is_peer {
            self.peer_event(token, flags);
        } else {
            self.client_event(token, flags);
        }
    }

    /// Looks again at those that have more to do. What they have to say waits for the end of the turn,
    /// unless it is much.
    fn run_again(&mut self) {
        loop {
            if let Some(token) = self.again.pop() {
                self.drive(token);
            } else if self.outbox.is_full() {
                self.deliver();
            } else {
                return;
            }
        }
    }

    /// Does what is left to do in this turn, and sends what came of all of it.
    fn settle(&mut self) {
        self.run_again();
        while !self.outbox.is_empty() {
            self.deliver();
            self.run_again();
        }
    }

    fn fire_timers(&mut self) {
        let now = self.clock.now();
        while let Some((token, is_peer)) = self.timers.pop(now) {
            if is_peer {
                let Some(peer) = self.peers.find(token) else { continue };
                if self.timers.check(&mut peer.deadline, now, token, true) == Due::Passed {
                    self.peer_timeout(token);
                }
            } else {
                let Some(client) = self.clients.find(token) else { continue };
                if self.timers.check(&mut client.deadline, now, token, false) == Due::Passed {
                    self.client_timeout(token);
                }
            }
        }
    }

    fn obey(&mut self) {
        for order in self.mailbox.clone().take() {
            match order {
                Order::Configure(shared, sockets) => self.configure(shared, sockets),
                Order::Logs(sinks) => self.logs.replace(sinks, self.site.shared.generation),
                Order::Stop(mode) => self.stop(mode),
                Order::Beat => Counters::add(&self.counters().beats, 1),
            }
        }
    }

    fn configure(&mut self, shared: Arc<Shared>, sockets: Vec<Arc<OwnedFd>>) {
        let generation = shared.generation;
        // The main thread has compiled the same configuration before it gave this order.
        let Ok(site) = Site::compile(Arc::clone(&shared)) else { return };
        self.logs.replace(Arc::clone(&shared.logs), generation);
        let old = std::mem::replace(&mut self.site, Rc::new(site));
        self.spare_requests.clear();
        self.move_clients(&old);
        // The first configuration was there before the first sockets.
        if old.shared.generation != generation {
            self.draining.push((old.shared.generation, Rc::downgrade(&old)));
        }
        self.listen(sockets);
        self.news.send(News::Ready(generation));
    }

    /// Open connections go on with the new configuration at their next request; those whose
    /// address is no longer listened on are closed after the present one.
    fn move_clients(&mut self, old: &Site) {
        let addresses = |site: &Site| -> Vec<_> {
            site.http().iter().flat_map(|http| &http.listeners).map(|l| l.address.clone()).collect()
        };
        let (before, after) = (addresses(old), addresses(&self.site));
        if before == after {
            return;
        }
        for token in self.clients.tokens() {
            let Some(client) = self.clients.find(token) else { continue };
            let address = before.get(client.facts.listener);
            match address.and_then(|address| after.iter().position(|a| a == address)) {
                Some(listener) => client.facts = Rc::new(ClientFacts { listener, ..(*client.facts).clone() }),
                None if client.phase == Phase::Head => self.close_client(token),
                None => client.retired = true,
            }
        }
    }

    fn report_drained(&mut self) {
        let news = &self.news;
        self.draining.retain(|(generation, site)| {
            let alive = site.strong_count() > 0;
            if !alive {
                news.send(News::Drained(*generation));
            }
            alive
        });
    }

    fn stop(&mut self, mode: StopMode) {
        self.stopping = Some(mode);
        self.listen(Vec::new());
        for token in self.clients.tokens() {
            let Some(client) = self.clients.find(token) else { continue };
            // One that was just accepted has its first request on the way.
            let idle = client.phase == Phase::Head && client.input.is_empty() && client.requests > 0;
            if idle || mode == StopMode::Fast {
                self.close_client(token);
            } else if let Some(request) = &mut client.request
                && !request.answer.head_sent
            {
                request.keep_alive = false;
            }
        }
    }

    fn is_done(&mut self) -> bool {
        match self.stopping {
            None => false,
            Some(StopMode::Fast) => true,
            Some(StopMode::Graceful) => self.clients.len() == 0,
        }
    }

    /// The counters of this thread.
    fn counters(&self) -> &Counters {
        &self.counters[self.index]
    }
}

/// What phases work with, borrowed from the worker field by field.
macro_rules! means {
    ($worker:expr) => {
        &crate::exchange::Means { clock: &$worker.clock, logs: &$worker.logs }
    };
}
pub(crate) use means;

/// What came of reading from a socket.
enum Read {
    Data(usize),
    /// Nothing now.
    Nothing,
    /// The other end has closed, orderly or not.
    End,
    Broken(rustix::io::Errno),
}

fn read(socket: impl AsFd, buffer: &mut [u8]) -> Read {
    match rustix::net::recv(socket, buffer, rustix::net::RecvFlags::DONTWAIT) {
        Ok((0, _)) => Read::End,
        Ok((n, _)) => Read::Data(n),
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::INTR) => Read::Nothing,
        Err(errno) => Read::Broken(errno),
    }
}
