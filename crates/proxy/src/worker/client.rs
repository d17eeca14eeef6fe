//! A client's connection, and what wakes it.

use super::Worker;
use crate::arena::Token;
use crate::exchange::Segment;
use crate::exchange::answer::BodyWriter;
use crate::output::Output;
use crate::request::{ClientFacts, Request};
use crate::shared::Counters;
use crate::timers::Deadline;
use balance::Tried;
use http1::HeadScan;
use rustix::event::epoll::EventFlags;
use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::rc::Rc;

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Waiting for a request, or reading its head.
    Head,
    /// Reading the body before an upstream is asked.
    Body,
    /// An upstream is being asked.
    Proxying,
    /// The answer is complete; its last bytes are on their way.
    Answering,
    /// The answer is sent; the rest of the request's body is read and dropped.
    Discarding,
    /// Everything is sent and our side is closed; what still comes is dropped.
    Lingering,
}

/// A client's connection.
pub(super) struct Client {
    pub(super) socket: OwnedFd,
    pub(super) facts: Rc<ClientFacts>,
    pub(super) phase: Phase,
    /// Bytes that were read and not used yet.
    pub(super) input: Vec<u8>,
    pub(super) scan: HeadScan,
    pub(super) output: Output,
    /// Whether a read may find something.
    pub(super) readable: bool,
    /// Whether the client has closed its side.
    pub(super) hung_up: bool,
    pub(super) request: Option<Box<Request>>,
    pub(super) requests: u64,
    pub(super) writer: Option<BodyWriter>,
    /// Parts of a local answer that must be read and compressed as the socket takes them.
    pub(super) segments: VecDeque<Segment>,
    /// The connection to an upstream that works for this client.
    pub(super) peer: Option<Token>,
    pub(super) tried: Tried,
    pub(super) deadline: Deadline,
    pub(super) waiting: bool,
    /// Whether a reload took its listening address away: no further request is read.
    pub(super) retired: bool,
}

impl Worker {
    pub(super) fn client_event(&mut self, token: Token, flags: EventFlags) {
        let Some(client) = self.clients.find(token) else { return };
        if flags.contains(EventFlags::ERR) {
            return self.abort_client(token);
        }
        if flags.intersects(EventFlags::IN | EventFlags::RDHUP | EventFlags::HUP) {
            client.readable = true;
            client.hung_up |= flags.intersects(EventFlags::RDHUP | EventFlags::HUP);
        }
        if flags.contains(EventFlags::OUT) && !client.output.is_empty() && !self.flush_client(token) {
            return;
        }
        self.drive(token);
    }

    /// Does what a client's phase allows, until it must wait.
    pub(super) fn drive(&mut self, token: Token) {
        let Some(client) = self.clients.find(token) else { return };
        match client.phase {
            Phase::Head => self.read_head(token),
            Phase::Body => self.read_body(token),
            Phase::Proxying => self.watch_client(token),
            Phase::Answering => self.continue_answer(token),
            Phase::Discarding => self.discard_body(token),
            Phase::Lingering => self.linger(token),
        }
    }

    /// Writes what waits for a client. Says whether the client is still there.
    pub(super) fn flush_client(&mut self, token: Token) -> bool {
        let Some(client) = self.clients.find(token) else { return false };
        match client.output.flush(&client.socket) {
            Err(_) => {
                self.abort_client(token);
                false
            }
            Ok(taken) => {
                if taken > 0 {
                    self.set_send_deadline(token);
                }
                self.resume_peer(token);
                self.clients.find(token).is_some()
            }
        }
    }

    /// Gives a client time to take what waits, or none when nothing does.
    pub(super) fn set_send_deadline(&mut self, token: Token) {
        let now = self.clock.now();
        let Some(client) = self.clients.find(token) else { return };
        match &client.request {
            Some(request) if !client.output.is_empty() => {
                let at = now + request.settings().send_timeout;
                self.timers.set(&mut client.deadline, at, token, false);
            }
            _ => crate::timers::Timers::clear(&mut client.deadline),
        }
    }

    /// Counts a connection as waiting for a request, or as not.
    pub(super) fn set_waiting(&mut self, token: Token, waiting: bool) {
        let Some(client) = self.clients.find(token) else { return };
        if client.waiting != waiting {
            client.waiting = waiting;
            let counter = &self.counters[self.index].waiting;
            if waiting { Counters::add(counter, 1) } else { Counters::sub(counter, 1) }
        }
    }

    /// Ends a connection that did not come to its proper end; a request under way is logged.
    pub(super) fn abort_client(&mut self, token: Token) {
        let Some(client) = self.clients.find(token) else { return };
        let peer = client.peer.take();
        let request = client.request.take();
        if let Some(peer) = peer {
            self.drop_peer(peer, balance::Outcome::Unknown);
        }
        if let Some(mut request) = request {
            if !request.answer.head_sent {
                request.answer.status = 499;
            }
            self.finish_log(&mut request);
            self.recycle(request);
        }
        self.close_client(token);
    }

    /// Closes a connection.
    pub(super) fn close_client(&mut self, token: Token) {
        self.set_waiting(token, false);
        if let Some(client) = self.clients.remove(token) {
            if let Some(peer) = client.peer {
                self.drop_peer(peer, balance::Outcome::Unknown);
            }
            if let Some(request) = client.request {
                Counters::sub(&self.counters().writing, 1);
                self.recycle(request);
            }
            Counters::sub(&self.counters().active, 1);
            self.connection_freed();
        }
    }
}
