//! Asking an upstream: choosing a peer, sending the request, and trying the next one.

use super::client::Phase;
use super::outbox::LONGEST;
use super::receiving::is_idempotent;
use super::{Worker, means};
use crate::arena::Token;
use crate::exchange::upstream_request::{BodyFraming, write_head};
use crate::log::describe;
use crate::request::{Attempt, Request};
use crate::shared::Upstream;
use crate::timers::Timers;
use balance::Outcome;
use nginx_conf::model::{Handler, LogLevel, ProxyPass};
use rustix::io::Errno;
use std::net::IpAddr;
use std::rc::Rc;
use std::sync::Arc;

/// Why an attempt came to nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// The connection could not be made, or broke.
    Error,
    /// It took too long.
    Timeout,
    /// The answer was none.
    InvalidHeader,
    /// An answer with a status that `proxy_next_upstream` names.
    Status(u16),
}

impl Worker {
    /// Asks the upstream of the request's location for the first time.
    pub(super) fn start_attempts(&mut self, token: Token) {
        let now = self.clock.now();
        if let Some(client) = self.clients.find(token) {
            Timers::clear(&mut client.deadline);
            client.phase = Phase::Proxying;
            if let Some(request) = &mut client.request {
                request.attempts.clear();
                request.upstream = pass_of(request).map(|pass| pass.upstream);
            }
        }
        self.next_attempt(token, now);
    }

    /// Chooses a peer and sends it the request.
    fn next_attempt(&mut self, token: Token, now: crate::clock::Time) {
        let Some(client) = self.clients.find(token) else { return };
        let Some(request) = &mut client.request else { return };
        let site = Rc::clone(&request.site);
        let Some(upstream) = request.upstream.and_then(|n| site.shared.upstreams.get(n)) else {
            return self.fail_request(token, 500);
        };
        let is_idempotent = is_idempotent(request);
        let (key, length) = hash_key(client.facts.remote.map(|a| a.ip()));
        let picked = upstream.group().pick(now, &key[..length], &mut client.tried);
        let Some(number) = picked else {
            let text = "no live upstreams while connecting to upstream";
            means!(self).log(request, LogLevel::Error, text);
            request.attempts.push(attempt(None, now, 502));
            return self.fail_request(token, 502);
        };
        let reuse = match self.idle_peer(upstream, number) {
            Some(peer) if !is_idempotent && !self.is_silent(peer) => {
                self.close_idle(peer);
                None
            }
            reuse => reuse,
        };
        self.use_peer(token, upstream, number, reuse);
    }

    /// Sends the request over a kept connection, or begins a new one.
    fn use_peer(&mut self, token: Token, upstream: &Arc<Upstream>, number: usize, kept: Option<Token>) {
        let now = self.clock.now();
        let Some(client) = self.clients.find(token) else { return };
        let Some(request) = &mut client.request else { return };
        request.attempts.push(attempt(Some(number), now, 0));
        let timeout = request.settings().proxy.connect_timeout;
        let peer = match kept.map_or_else(|| self.connect(upstream, number), Ok) {
            Ok(peer) => peer,
            Err(errno) => {
                if let Some(request) = self.clients.find(token).and_then(|c| c.request.as_ref()) {
                    let text = format!("connect() failed ({}) while connecting to upstream", describe(errno));
                    means!(self).log(request, LogLevel::Error, &text);
                }
                upstream.group().release(number, now, Outcome::Failed);
                return self.try_next(token, Failure::Error, false);
            }
        };
        if let Some(client) = self.clients.find(token) {
            client.peer = Some(peer);
        }
        let Some(entry) = self.peers.find(peer) else { return };
        entry.client = Some(token);
        entry.requests += 1;
        if entry.connected {
            self.send_request(peer);
        } else {
            self.timers.set(&mut entry.deadline, now + timeout, peer, true);
        }
    }

    /// The connection is there: sends the head and as much of the body as there is.
    pub(super) fn send_request(&mut self, peer_token: Token) {
        let now = self.clock.now();
        let Some(peer) = self.peers.find(peer_token) else { return };
        let Some(client) = peer.client.and_then(|c| self.clients.find(c)) else { return };
        let Some(request) = &mut client.request else { return };
        let framing = match (request.body.exists(), request.body.complete(), request.body.announced) {
            (false, ..) => BodyFraming::None,
            (true, true, _) => BodyFraming::Length(request.body.kept.len() as u64),
            (true, false, Some(length)) => BodyFraming::Length(length),
            (true, false, None) => BodyFraming::Chunked,
        };
        let mut out = std::mem::take(&mut self.out);
        out.clear();
        write_head(request, framing, means!(self), &mut out);
        if request.body.complete() && request.body.kept.len() <= LONGEST {
            // The ordinary case: this is all, and an answer is waited for.
            out.extend_from_slice(&request.body.kept);
            if let Some(attempt) = request.attempts.last_mut() {
                attempt.connected = Some(now);
                attempt.sent = out.len() as u64;
            }
            let timeout = request.settings().proxy.read_timeout;
            self.timers.set(&mut peer.deadline, now + timeout, peer_token, true);
            self.out = out;
            return self.post_to_peer(peer_token);
        }
        let sent = if framing == BodyFraming::Chunked {
            http1::chunked::encode(&request.body.kept, &mut out);
            peer.output.send(&peer.socket, &out, b"")
        } else {
            peer.output.send(&peer.socket, &out, &request.body.kept)
        };
        if let Some(attempt) = request.attempts.last_mut() {
            attempt.connected = Some(now);
            attempt.sent = (out.len() + request.body.kept.len()) as u64;
        }
        self.out = out;
        let streaming = !request.body.complete();
        if streaming {
            request.body.passed_on = true;
            request.body.kept.clear();
        }
        if sent.is_err() {
            return self.attempt_failed(
                peer_token,
                Failure::Error,
                "send() failed while sending request to upstream",
            );
        }
        self.set_peer_deadline(peer_token);
        if streaming && let Some(client) = self.peers.find(peer_token).and_then(|p| p.client) {
            self.stream_body(client);
        }
    }

    /// Gives a peer time to take what waits for it, or else to answer; none while the rest of the
    /// request's body has yet to come from the client.
    pub(super) fn set_peer_deadline(&mut self, token: Token) {
        let now = self.clock.now();
        let Some(peer) = self.peers.find(token) else { return };
        let Some(client) = peer.client.and_then(|c| self.clients.find(c)) else { return };
        let Some(request) = &client.request else { return };
        let proxy = &request.settings().proxy;
        let timeout = match (peer.output.is_empty(), request.body.complete()) {
            (false, _) => proxy.send_timeout,
            (true, true) => proxy.read_timeout,
            (true, false) => return Timers::clear(&mut peer.deadline),
        };
        self.timers.set(&mut peer.deadline, now + timeout, token, true);
    }

    /// Sends what was just read of a body that is passed on as it comes.
    pub(super) fn pass_body_on(&mut self, token: Token) {
        let Some(client) = self.clients.find(token) else { return };
        let (Some(request), Some(peer_token)) = (&mut client.request, client.peer) else { return };
        let Some(peer) = self.peers.find(peer_token) else { return };
        let data = std::mem::take(&mut request.body.kept);
        let result = if request.body.announced.is_some() {
            peer.output.send(&peer.socket, &data, b"")
        } else {
            let mut wire = Vec::with_capacity(data.len() + 16);
            http1::chunked::encode(&data, &mut wire);
            if request.body.complete() {
                wire.extend_from_slice(http1::chunked::LAST);
            }
            peer.output.send(&peer.socket, &wire, b"")
        };
        if let Some(attempt) = request.attempts.last_mut() {
            attempt.sent += data.len() as u64;
        }
        self.set_peer_deadline(peer_token);
        let Some(peer) = self.peers.find(peer_token) else { return };
        if result.is_err() {
            // What the peer said before it closed may still be an answer.
            peer.output.clear();
            peer.readable = true;
            self.read_peer(peer_token);
        }
    }

    pub(super) fn connect_failed(&mut self, peer: Token, errno: Errno) {
        let text = format!("connect() failed ({}) while connecting to upstream", describe(errno));
        self.attempt_failed(peer, Failure::Error, &text);
    }

    pub(super) fn peer_timeout(&mut self, token: Token) {
        let Some(peer) = self.peers.find(token) else { return };
        if peer.client.is_none() {
            return self.close_idle(token);
        }
        let held = peer.pipe.as_ref().is_some_and(|pipe| pipe.held > 0);
        if held || peer.readable && peer.body.is_some() {
            // It is not silent: its client is slow, and has a deadline of its own.
            return;
        }
        if let Some(client) = peer.client.filter(|client| self.is_tunnel(*client)) {
            return self.tunnel_timeout(client);
        }
        let Some(peer) = self.peers.find(token) else { return };
        let doing = if !peer.connected {
            "connecting to upstream"
        } else if peer.body.is_some() {
            "reading upstream"
        } else if !peer.output.is_empty() {
            "sending request to upstream"
        } else {
            "reading response header from upstream"
        };
        let text = format!("upstream timed out ({}) while {doing}", describe(Errno::TIMEDOUT));
        self.attempt_failed(token, Failure::Timeout, &text);
    }

    /// An attempt came to nothing: tries another peer, or answers with an error.
    pub(super) fn attempt_failed(&mut self, peer_token: Token, failure: Failure, text: &str) {
        let now = self.clock.now();
        let Some(peer) = self.peers.find(peer_token) else { return };
        let (upstream, number) = (Arc::clone(&peer.upstream), peer.number);
        let stale = peer.reused && failure == Failure::Error && peer.body.is_none() && peer.input.is_empty();
        let was_sent = peer.connected;
        let Some(token) = peer.client else { return };
        let Some(client) = self.clients.find(token) else { return };
        client.peer = None;
        let Some(request) = &mut client.request else { return };
        if let Some(attempt) = request.attempts.last_mut() {
            attempt.ended = Some(now);
            attempt.status = match failure {
                Failure::Timeout => 504,
                Failure::Status(status) => status,
                Failure::Error | Failure::InvalidHeader => 502,
            };
        }
        // A kept connection that was closed in the meantime says nothing about the peer.
        if stale && is_idempotent(request) && !request.body.passed_on {
            request.attempts.pop();
            self.discard_peer(peer_token);
            return self.use_peer(token, &upstream, number, None);
        }
        means!(self).log(request, LogLevel::Error, text);
        self.peers.remove(peer_token);
        if upstream.group().release(number, now, Outcome::Failed)
            && let Some(request) = self.clients.find(token).and_then(|c| c.request.as_ref())
        {
            let doing = text.find(" while ").map_or("", |at| &text[at..]);
            means!(self).log(
                request,
                LogLevel::Warn,
                &format!("upstream server temporarily disabled{doing}"),
            );
        }
        self.connection_freed();
        self.try_next(token, failure, was_sent);
    }

    /// Whether another attempt may follow one that failed this way.
    pub(super) fn may_retry(&mut self, token: Token, failure: Failure, was_sent: bool) -> bool {
        let now = self.clock.now();
        let Some(client) = self.clients.find(token) else { return false };
        let Some(request) = &client.request else { return false };
        let proxy = &request.settings().proxy;
        let listed = match failure {
            Failure::Error => proxy.next_upstream.error,
            Failure::Timeout => proxy.next_upstream.timeout,
            Failure::InvalidHeader => proxy.next_upstream.invalid_header,
            Failure::Status(status) => proxy.next_upstream.statuses.contains(&status),
        };
        let tries = request.attempts.len();
        let peers = request
            .upstream
            .and_then(|n| request.site.shared.upstreams.get(n))
            .map_or(0, |u| u.addresses.len());
        let in_time = proxy.next_upstream_timeout.is_zero()
            || request
                .attempts
                .first()
                .is_some_and(|a| now.saturating_sub(a.started) < proxy.next_upstream_timeout);
        listed
            && in_time
            && !request.answer.head_sent
            && !request.body.passed_on
            && tries < peers
            && (proxy.next_upstream_tries == 0 || tries < proxy.next_upstream_tries as usize)
            && (!was_sent || is_idempotent(request) || proxy.next_upstream.non_idempotent)
    }

    fn try_next(&mut self, token: Token, failure: Failure, was_sent: bool) {
        let now = self.clock.now();
        if self.may_retry(token, failure, was_sent) {
            return self.next_attempt(token, now);
        }
        let Some(client) = self.clients.find(token) else { return };
        let Some(request) = &client.request else { return };
        if request.answer.head_sent {
            // Half an answer was sent: only the end of the connection can say so.
            return self.abort_client(token);
        }
        let status = match failure {
            Failure::Timeout => 504,
            Failure::Error | Failure::InvalidHeader => 502,
            Failure::Status(status) => status,
        };
        self.fail_request(token, status);
    }

    /// A peer's answer is not taken although it is well-formed: its status is in
    /// `proxy_next_upstream` and another peer may do better.
    pub(super) fn reject_status(&mut self, peer_token: Token, status: u16) {
        let now = self.clock.now();
        let Some(peer) = self.peers.remove(peer_token) else { return };
        let outcome = if matches!(status, 403 | 404) { Outcome::Good } else { Outcome::Failed };
        peer.upstream.group().release(peer.number, now, outcome);
        let Some(token) = peer.client else { return };
        if let Some(client) = self.clients.find(token) {
            client.peer = None;
        }
        self.next_attempt(token, now);
    }
}

fn attempt(peer: Option<usize>, now: crate::clock::Time, status: u16) -> Attempt {
    Attempt {
        peer,
        started: now,
        connected: None,
        head: None,
        ended: None,
        status,
        sent: 0,
        received: 0,
        body: 0,
    }
}

/// The `proxy_pass` of the location in force.
fn pass_of(request: &Request) -> Option<&ProxyPass> {
    match &request.location().handler {
        Handler::Proxy(pass) => Some(pass),
        _ => None,
    }
}

/// What `ip_hash` hashes: three bytes of an IPv4 address, all of an IPv6 one.
fn hash_key(address: Option<IpAddr>) -> ([u8; 16], usize) {
    match address {
        Some(IpAddr::V4(ip)) => {
            let mut key = [0; 16];
            key[..3].copy_from_slice(&ip.octets()[..3]);
            (key, 3)
        }
        Some(IpAddr::V6(ip)) => (ip.octets(), 16),
        None => ([0; 16], 3),
    }
}
