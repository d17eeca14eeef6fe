//! Accepting connections.
//!
//! All threads watch the same listening sockets, exclusively. The kernel wakes the thread that
//! waits longest in a socket's queue; a thread that has accepted more than another goes to the end
//! of that queue, so that a trickle of connections is spread as evenly as a flood.

use super::client::{Client, Phase};
use super::{LISTENERS, Listening, Worker};
use crate::arena::Token;
use crate::log::{Of, describe};
use crate::output::Output;
use crate::request::ClientFacts;
use crate::shared::Counters;
use crate::timers::Deadline;
use balance::Tried;
use http1::HeadScan;
use nginx_conf::model::LogLevel;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::SocketFlags;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Connections accepted in one go from one socket.
const MOST_AT_ONCE: usize = 64;
/// Idle connections closed in one go to make room.
const MOST_MADE_ROOM: usize = 32;
/// How long accepting rests after the kernel refused.
const ACCEPT_PAUSE: Duration = Duration::from_millis(500);

impl Worker {
    /// Watches these sockets instead of the ones before.
    pub(super) fn listen(&mut self, sockets: Vec<Arc<OwnedFd>>) {
        for old in &self.listening {
            if old.watched {
                // The socket is ours to forget; an error can only mean that it is forgotten.
                let _ = epoll::delete(&self.epoll, &*old.socket);
            }
        }
        self.listening = sockets.into_iter().map(|socket| Listening { socket, watched: false }).collect();
        if self.accepting {
            self.watch_listeners();
        }
    }

    fn watch_listeners(&mut self) {
        let flags = EventFlags::IN | EventFlags::EXCLUSIVE;
        for (i, listening) in self.listening.iter_mut().enumerate().filter(|(_, l)| !l.watched) {
            let data = EventData::new_u64(LISTENERS + i as u64);
            listening.watched = epoll::add(&self.epoll, &*listening.socket, data, flags).is_ok();
        }
    }

    fn unwatch_listeners(&mut self) {
        for listening in self.listening.iter_mut().filter(|l| l.watched) {
            listening.watched = epoll::delete(&self.epoll, &*listening.socket).is_err();
        }
    }

    /// Takes up accepting again once there is room.
    pub(super) fn connection_freed(&mut self) {
        if !self.accepting && self.accept_again.is_none() && self.connections() < self.most_connections() {
            self.accepting = true;
            self.watch_listeners();
        }
    }

    /// Connections of this thread, to clients and upstreams together.
    pub(super) fn connections(&self) -> usize {
        self.clients.len() + self.peers.len()
    }

    pub(super) fn most_connections(&self) -> usize {
        self.site.shared.config.events.worker_connections as usize
    }

    pub(super) fn accept(&mut self, index: usize) {
        let Some(socket) = self.listening.get(index).map(|l| Arc::clone(&l.socket)) else { return };
        for _ in 0..MOST_AT_ONCE {
            if self.connections() >= self.most_connections() {
                let most = self.most_connections();
                if !self.close_idle_ones() {
                    let text = format!("{most} worker_connections are not enough");
                    self.log_main(LogLevel::Alert, &text);
                    self.stop_accepting();
                    return;
                }
                let text = format!("{most} worker_connections are not enough, reusing connections");
                self.log_main(LogLevel::Warn, &text);
            }
            match rustix::net::acceptfrom_with(&*socket, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
                Ok((connection, remote)) => {
                    let remote = remote.and_then(|address| SocketAddr::try_from(address).ok());
                    let token = self.add_client(connection, index, remote);
                    self.drive(token);
                    if self.has_more_than_others() {
                        self.queue_last(index, &socket);
                        return;
                    }
                }
                Err(Errno::AGAIN) => return,
                Err(Errno::INTR | Errno::CONNABORTED) => {}
                Err(errno) => {
                    // No descriptors or no memory: the socket stays ready, and asking again at
                    // once would be a busy loop.
                    self.log_main(LogLevel::Crit, &format!("accept4() failed ({})", describe(errno)));
                    self.stop_accepting();
                    self.accept_again = Some(self.clock.now() + ACCEPT_PAUSE);
                    return;
                }
            }
        }
    }

    fn log_main(&self, level: LogLevel, text: &str) {
        let logs = &self.site.shared.config.main.error_logs;
        self.logs.error(logs, level, text, Of::Nobody, &self.clock);
    }

    fn stop_accepting(&mut self) {
        self.accepting = false;
        self.unwatch_listeners();
    }

    /// Takes up accepting again after a pause.
    pub(super) fn accept_after_pause(&mut self) {
        if self.accept_again.is_some_and(|at| at <= self.clock.now()) {
            self.accept_again = None;
            self.accepting = true;
            self.watch_listeners();
        }
    }

    /// Makes room by closing connections that wait for a request, those first that have
    /// waited longest: a new client matters more. Says whether there were any.
    fn close_idle_ones(&mut self) -> bool {
        let mut idle: Vec<_> = Vec::new();
        for token in self.clients.tokens() {
            let client = self
                .clients
                .find(token)
                .filter(|c| c.phase == Phase::Head && c.input.is_empty() && !c.readable);
            idle.extend(client.and_then(|c| Some((c.deadline.at()?, token))));
        }
        idle.sort_by_key(|(deadline, _)| *deadline);
        idle.truncate(MOST_MADE_ROOM);
        for (_, token) in &idle {
            self.close_client(*token);
        }
        let pooled: Vec<Token> = if idle.is_empty() { self.pools.concat() } else { Vec::new() };
        for token in pooled.iter().take(MOST_MADE_ROOM) {
            self.close_idle(*token);
        }
        !idle.is_empty() || !pooled.is_empty()
    }

    /// Whether some other thread has accepted fewer connections.
    fn has_more_than_others(&self) -> bool {
        let mine = self.counters().accepted.load(Ordering::Relaxed);
        self.counters.iter().any(|c| c.accepted.load(Ordering::Relaxed) < mine)
    }

    /// Goes to the end of a listening socket's queue.
    fn queue_last(&mut self, index: usize, socket: &OwnedFd) {
        let data = EventData::new_u64(LISTENERS + index as u64);
        let flags = EventFlags::IN | EventFlags::EXCLUSIVE;
        let moved =
            epoll::delete(&self.epoll, socket).and_then(|()| epoll::add(&self.epoll, socket, data, flags));
        if let (Err(_), Some(listening)) = (moved, self.listening.get_mut(index)) {
            listening.watched = false;
        }
    }

    fn add_client(&mut self, socket: OwnedFd, listener: usize, remote: Option<SocketAddr>) -> Token {
        let now = self.clock.now();
        let local = rustix::net::getsockname(&socket).ok().and_then(|a| SocketAddr::try_from(a).ok());
        let facts = ClientFacts {
            number: self.connection_number.fetch_add(1, Ordering::Relaxed) + 1,
            listener,
            remote,
            remote_text: remote.map_or_else(|| "unix:".to_owned(), |a| a.ip().to_canonical().to_string()),
            local,
            opened: now,
        };
        let site = Rc::clone(&self.site);
        let server = site.server_model(site.default_server(listener));
        if remote.is_some() && server.is_some_and(|s| s.root.settings.tcp_nodelay) {
            // Without it answers still arrive, only later.
            let _ = rustix::net::sockopt::set_tcp_nodelay(&socket, true);
        }
        let epoll = &self.epoll;
        let token = self.clients.insert_with(|token| {
            watch(epoll, &socket, token.to_bits(false));
            Client {
                socket,
                facts: Rc::new(facts),
                phase: Phase::Head,
                input: Vec::new(),
                scan: HeadScan::default(),
                output: Output::default(),
                // The request is often there already; a read finds out.
                readable: true,
                hung_up: false,
                request: None,
                requests: 0,
                writer: None,
                segments: VecDeque::new(),
                peer: None,
                tried: Tried::default(),
                deadline: Deadline::default(),
                waiting: false,
                retired: false,
            }
        });
        Counters::add(&self.counters().accepted, 1);
        Counters::add(&self.counters().active, 1);
        if let (Some(server), Some(client)) = (server, self.clients.find(token)) {
            self.timers.set(&mut client.deadline, now + server.client_header_timeout, token, false);
        }
        token
    }
}

/// Watches a connection for everything, once and for all.
pub(super) fn watch(epoll: &OwnedFd, socket: impl AsFd, data: u64) {
    let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
    // Only a lack of memory can make this fail; the deadline then ends the connection.
    let _ = epoll::add(epoll, socket, EventData::new_u64(data), flags);
}
