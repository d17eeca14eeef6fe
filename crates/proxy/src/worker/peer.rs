//! Connections to upstreams: making them, keeping them, losing them.

use super::accept::watch;
use super::splice::Pipe;
use super::{Read, Worker, read};
use crate::arena::Token;
use crate::clock::Time;
use crate::exchange::upstream_response::ResponseBody;
use crate::output::Output;
use crate::shared::{Address, Upstream};
use crate::timers::{Deadline, Timers};
use balance::Outcome;
use http1::HeadScan;
use rustix::event::epoll::EventFlags;
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
use std::os::fd::OwnedFd;
use std::sync::Arc;

/// A connection to a peer of an upstream.
pub(super) struct Peer {
    pub(super) socket: OwnedFd,
    /// The client that it works for; idle without one.
    pub(super) client: Option<Token>,
    pub(super) upstream: Arc<Upstream>,
    /// Number of the peer in its upstream.
    pub(super) number: usize,
    pub(super) connected: bool,
    /// Whether it has served a request before the present one.
    pub(super) reused: bool,
    pub(super) requests: u64,
    pub(super) opened: Time,
    pub(super) input: Vec<u8>,
    pub(super) scan: HeadScan,
    /// The body of the present answer, once its head was read.
    pub(super) body: Option<ResponseBody>,
    pub(super) keep_alive: bool,
    /// What a large body goes through.
    pub(super) pipe: Option<Pipe>,
    pub(super) output: Output,
    pub(super) readable: bool,
    pub(super) hung_up: bool,
    pub(super) deadline: Deadline,
}

impl Worker {
    /// An idle connection to a peer, if one is kept.
    pub(super) fn idle_peer(&mut self, upstream: &Upstream, number: usize) -> Option<Token> {
        let pool = self.pools.get_mut(upstream.id)?;
        let peers = &mut self.peers;
        let at = pool.iter().rposition(|token| peers.find(*token).is_some_and(|p| p.number == number))?;
        Some(pool.remove(at))
    }

    /// Begins a connection to a peer.
    pub(super) fn connect(&mut self, upstream: &Arc<Upstream>, number: usize) -> Result<Token, Errno> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let open = |family| rustix::net::socket_with(family, SocketType::STREAM, flags, None);
        let (socket, result) = match upstream.addresses.get(number) {
            Some(Address::Tcp(address)) => {
                let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
                let socket = open(family)?;
                rustix::net::sockopt::set_tcp_nodelay(&socket, true)?;
                let result = rustix::net::connect(&socket, address);
                (socket, result)
            }
            Some(Address::Unix(path)) => {
                let socket = open(AddressFamily::UNIX)?;
                let result = rustix::net::connect(&socket, &SocketAddrUnix::new(path.as_path())?);
                (socket, result)
            }
            Some(Address::Nowhere(_)) | None => return Err(Errno::ADDRNOTAVAIL),
        };
        let connected = match result {
            Ok(()) => true,
            Err(Errno::INPROGRESS) => false,
            Err(errno) => return Err(errno),
        };
        let (epoll, opened, upstream) = (&self.epoll, self.clock.now(), Arc::clone(upstream));
        Ok(self.peers.insert_with(|token| {
            watch(epoll, &socket, token.to_bits(true));
            Peer {
                socket,
                client: None,
                upstream,
                number,
                connected,
                reused: false,
                requests: 0,
                opened,
                input: Vec::new(),
                scan: HeadScan::default(),
                body: None,
                keep_alive: false,
                pipe: None,
                output: Output::default(),
                readable: false,
                hung_up: false,
                deadline: Deadline::default(),
            }
        }))
    }

    pub(super) fn peer_event(&mut self, token: Token, flags: EventFlags) {
        let Some(peer) = self.peers.find(token) else { return };
        if peer.client.is_none() {
            // Whatever an idle connection says, it is no answer to anything.
            if flags.intersects(EventFlags::IN | EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR) {
                self.close_idle(token);
            }
            return;
        }
        if !peer.connected {
            match rustix::net::sockopt::socket_error(&peer.socket) {
                Ok(Ok(())) if flags.contains(EventFlags::OUT) => {
                    peer.connected = true;
                    self.send_request(token);
                }
                Ok(Ok(())) => return,
                Ok(Err(errno)) | Err(errno) => return self.connect_failed(token, errno),
            }
        }
        let Some(peer) = self.peers.find(token) else { return };
        if flags.contains(EventFlags::OUT) && !peer.output.is_empty() {
            if peer.output.flush(&peer.socket).is_err() {
                // The peer may have answered before it closed: what it said is read below.
                peer.output.clear();
            } else {
                let client = peer.client.filter(|_| peer.output.is_empty());
                if peer.body.is_none() {
                    self.set_peer_deadline(token);
                }
                if let Some(client) = client {
                    self.watch_client(client);
                }
            }
        }
        let Some(peer) = self.peers.find(token) else { return };
        if flags.intersects(EventFlags::IN | EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR) {
            peer.readable = true;
            peer.hung_up |= flags.intersects(EventFlags::RDHUP | EventFlags::HUP | EventFlags::ERR);
            self.read_peer(token);
        }
    }

    /// Whether nothing was said on an idle connection; asked before a request that must not be
    /// sent twice.
    pub(super) fn is_silent(&mut self, token: Token) -> bool {
        let Some(peer) = self.peers.find(token) else { return false };
        matches!(read(&peer.socket, &mut self.scratch[..1]), Read::Nothing)
    }

    /// The answer is complete: keeps the connection if it can be used again.
    pub(super) fn release_peer(&mut self, token: Token, outcome: Outcome) {
        let now = self.clock.now();
        let Some(peer) = self.peers.find(token) else { return };
        peer.upstream.group().release(peer.number, now, outcome);
        peer.client = None;
        let model = &peer.upstream.model;
        let usable = peer.keep_alive
            && !peer.hung_up
            // What is still unread would be taken for the next answer.
            && !peer.readable
            && peer.input.is_empty()
            && peer.output.is_empty()
            && peer.body.as_ref().is_some_and(ResponseBody::complete)
            && peer.requests < model.keepalive_requests
            && now.saturating_sub(peer.opened) < model.keepalive_time
            && self.stopping.is_none();
        if !usable || model.keepalive == 0 {
            self.peers.remove(token);
            return self.connection_freed();
        }
        peer.reused = true;
        peer.body = None;
        peer.scan = HeadScan::default();
        let (id, most) = (peer.upstream.id, model.keepalive);
        Timers::clear(&mut peer.deadline);
        self.timers.set(&mut peer.deadline, now + model.keepalive_timeout, token, true);
        if self.pools.len() <= id {
            self.pools.resize_with(id + 1, Vec::new);
        }
        let pool = &mut self.pools[id];
        pool.push(token);
        if pool.len() > most {
            // The one that was idle longest makes room.
            let oldest = pool.remove(0);
            self.peers.remove(oldest);
            self.connection_freed();
        }
    }

    /// Ends a connection whose answer is not wanted or not to be had any more.
    pub(super) fn drop_peer(&mut self, token: Token, outcome: Outcome) {
        let now = self.clock.now();
        if let Some(peer) = self.peers.remove(token) {
            if peer.client.is_some() {
                peer.upstream.group().release(peer.number, now, outcome);
            }
            self.connection_freed();
        }
    }

    /// Closes a connection without a word to its group: the request goes on on another one.
    pub(super) fn discard_peer(&mut self, token: Token) {
        self.peers.remove(token);
    }

    /// Closes an idle connection.
    pub(super) fn close_idle(&mut self, token: Token) {
        if let Some(peer) = self.peers.remove(token) {
            if let Some(pool) = self.pools.get_mut(peer.upstream.id) {
                pool.retain(|t| *t != token);
            }
            self.connection_freed();
        }
    }
}
