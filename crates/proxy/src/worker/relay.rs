//! An upstream's answer on its way to the client.

use super::attempt::Failure;
use super::client::Phase;
use super::outbox::LONGEST;
use super::peer::Peer;
use super::tunnel;
use super::{Read, SCRATCH, Worker, means, read};
use crate::arena::Token;
use crate::exchange::answer::{BodyWriter, Framing};
use crate::exchange::upstream_response::{ResponseBody, write_head};
use crate::exchange::{self, intercepts};
use crate::log::describe;
use balance::Outcome;
use http1::{HeadScan, Scanned};
use nginx_conf::model::LogLevel;

/// Reads from one peer in one turn.
const MOST_READS: usize = 16;

impl Worker {
    /// Reads from a peer until it has no more, its client takes no more, or others must have a turn.
    pub(super) fn read_peer(&mut self, token: Token) {
        for _ in 0..MOST_READS {
            if self.splices(token) {
                return self.splice_body(token);
            }
            let Some(peer) = self.peers.find(token) else { return };
            let Some(client_token) = peer.client else { return };
            if !peer.readable {
                return;
            }
            let Some(client) = self.clients.find(client_token) else { return };
            let limit = client.request.as_ref().map_or(0, |r| r.settings().proxy.buffers);
            if client.output.queued_bytes() > limit {
                return;
            }
            let have = if peer.body.is_none() { peer.input.len() } else { 0 };
            if have > 0 {
                self.scratch[..have].copy_from_slice(&peer.input);
            }
            match read(&peer.socket, &mut self.scratch[have..]) {
                Read::Data(n) => {
                    peer.readable = n == SCRATCH - have || peer.hung_up;
                    let attempt = client.request.as_mut().and_then(|request| request.attempts.last_mut());
                    if let Some(attempt) = attempt {
                        attempt.received += n as u64;
                    }
                    if peer.body.is_none() {
                        self.response_head(token, have + n);
                    } else {
                        self.response_body(token, 0, n, 0);
                    }
                }
                Read::Nothing => {
                    peer.readable = false;
                    return;
                }
                Read::End => return self.peer_ended(token, None),
                Read::Broken(errno) => return self.peer_ended(token, Some(errno)),
            }
        }
        if let Some(client) = self.peers.find(token).and_then(|peer| peer.client) {
            self.later.push(client);
        }
    }

    /// Looks for a head in the first `filled` bytes of the scratch buffer.
    fn response_head(&mut self, token: Token, filled: usize) {
        let mut start = 0;
        loop {
            let Some(peer) = self.peers.find(token) else { return };
            let Some(client) = peer.client.and_then(|c| self.clients.find(c)) else { return };
            let Some(request) = &mut client.request else { return };
            let limit = request.settings().proxy.buffer_size.clamp(4096, SCRATCH / 2);
            let bytes = &self.scratch[start..filled];
            // A read nearly always brings a whole head, which then needs no search for its end.
            if peer.input.is_empty()
                && let Ok(response) =
                    http1::parse_response(bytes, request.method, &mut request.upstream_fields)
                && response.length <= limit
                && response.status >= 200
            {
                request.upstream_head.clear();
                request.upstream_head.extend_from_slice(&bytes[..response.length]);
                return self.begin_relay(token, &response, start + response.length, filled);
            }
            let end = match peer.scan.advance(&self.scratch[start..filled], true) {
                Scanned::Complete(end) if end <= limit => start + end,
                Scanned::Partial if filled - start < limit => {
                    peer.input = self.scratch[start..filled].to_vec();
                    let at = self.clock.now() + request.settings().proxy.read_timeout;
                    return self.timers.set(&mut peer.deadline, at, token, true);
                }
                _ => {
                    let text = "upstream sent too big header while reading response header from upstream";
                    return self.attempt_failed(token, Failure::InvalidHeader, text);
                }
            };
            peer.input = Vec::new();
            peer.scan = HeadScan::default();
            request.upstream_head.clear();
            request.upstream_head.extend_from_slice(&self.scratch[start..end]);
            let parsed =
                http1::parse_response(&request.upstream_head, request.method, &mut request.upstream_fields);
            match parsed {
                // An interim answer (RFC 9110 §15.2): the real one follows.
                Ok(response) if response.status < 200 && response.status != 101 => start = end,
                Ok(response) if response.status != 101 || tunnel::was_asked_for(request) => {
                    return self.begin_relay(token, &response, end, filled);
                }
                Ok(_) => {
                    let text = "upstream switched protocols without being asked to";
                    return self.attempt_failed(token, Failure::InvalidHeader, text);
                }
                Err(error) => {
                    let text = format!("{} while reading response header from upstream", error.describe());
                    return self.attempt_failed(token, Failure::InvalidHeader, &text);
                }
            }
        }
    }

    fn begin_relay(&mut self, token: Token, response: &http1::ResponseHead, end: usize, filled: usize) {
        let now = self.clock.now();
        let Some(peer) = self.peers.find(token) else { return };
        let Some(client_token) = peer.client else { return };
        let Some(client) = self.clients.find(client_token) else { return };
        let Some(request) = &mut client.request else { return };
        if let Some(attempt) = request.attempts.last_mut() {
            attempt.head = Some(now);
            attempt.status = response.status;
        }
        let status = response.status;
        let listed = request.settings().proxy.next_upstream.statuses.contains(&status);
        if listed && self.may_retry(client_token, Failure::Status(status), true) {
            if let Some(attempt) = self.last_attempt(client_token) {
                attempt.ended = Some(now);
            }
            return self.reject_status(token, status);
        }
        let Some(peer) = self.peers.find(token) else { return };
        let Some(client) = self.clients.find(client_token) else { return };
        let Some(request) = &mut client.request else { return };
        if intercepts(request, status) {
            client.peer = None;
            let Some(mut request) = client.request.take() else { return };
            if let Some(attempt) = request.attempts.last_mut() {
                attempt.ended = Some(now);
            }
            self.drop_peer(token, Outcome::Good);
            let step = exchange::fail(&mut request, means!(self), status);
            return self.perform(client_token, request, step);
        }
        request.tunnel = status == 101;
        peer.body =
            Some(if request.tunnel { ResponseBody::Close } else { ResponseBody::new(response.framing) });
        peer.keep_alive = response.keep_alive;
        let mut out = std::mem::take(&mut self.out);
        out.clear();
        if request.tunnel {
            request.keep_alive = false;
            // What the client sent behind its request was kept back until now.
            self.again.push(client_token);
        }
        if !request.body.complete() {
            // The peer answered without the whole body; what remains cannot be matched to anything.
            request.keep_alive = false;
        }
        let writer = match request.tunnel {
            true => {
                write_head(request, response, means!(self), &mut out);
                BodyWriter::plain(Framing::Close)
            }
            false => write_head(request, response, means!(self), &mut out),
        };
        request.answer.status = exchange::answered_status(request, status);
        request.head_is_sent(&out);
        client.writer = Some(writer);
        self.out = out;
        let head_length = self.out.len();
        self.response_body(token, end, filled, head_length);
    }

    fn last_attempt(&mut self, client: Token) -> Option<&mut crate::request::Attempt> {
        self.clients.find(client)?.request.as_mut()?.attempts.last_mut()
    }

    /// Passes on the bytes `from..to` of the scratch buffer, after the first `head` bytes of
    /// `self.out`, which are a head that was not sent yet.
    fn response_body(&mut self, token: Token, from: usize, to: usize, head: usize) {
        let Some(peer) = self.peers.find(token) else { return };
        let Some(client_token) = peer.client else { return };
        let Some(client) = self.clients.find(client_token) else { return };
        let (Some(body), Some(writer), Some(request)) =
            (&mut peer.body, &mut client.writer, &mut client.request)
        else {
            return;
        };
        let input = &self.scratch[from..to];
        let mut wire = std::mem::take(&mut self.wire);
        wire.clear();
        let mut direct: Option<(usize, usize)> = None;
        let mut length = 0;
        let identity = writer.is_identity();
        let base = input.as_ptr() as usize;
        let result = body.read(input, |data| {
            length += data.len() as u64;
            if identity && direct.is_none() && wire.is_empty() {
                // The ordinary case: the data goes from the buffer to the socket as it is.
                let start = data.as_ptr() as usize - base;
                direct = Some((start, start + data.len()));
            } else {
                writer.write(data, &mut wire);
            }
        });
        if let Some(attempt) = request.attempts.last_mut() {
            attempt.body += length;
        }
        let complete = body.complete();
        let surplus = result.is_ok_and(|used| used < input.len());
        if complete {
            writer.finish(&mut wire);
            request.answer.gzip = writer.compressed();
        }
        let sends_body = request.method != http1::Method::Head;
        let (start, end) = direct.filter(|_| sends_body).unwrap_or((0, 0));
        if !sends_body {
            wire.clear();
        }
        request.answer.body_bytes += (end - start + wire.len()) as u64;
        let data = &input[start..end];
        // A small answer that is here whole leaves with others; behind a head, little is copied and
        // more is gathered.
        let small = head > 0 && data.len() <= LONGEST;
        let posted = small && complete && wire.is_empty() && client.output.is_empty();
        if small {
            self.out.truncate(head);
            self.out.extend_from_slice(data);
        }
        let mut sent = if posted {
            Ok(())
        } else if small {
            client.output.send(&client.socket, &self.out, b"")
        } else {
            client.output.send(&client.socket, &self.out[..head], data)
        };
        if sent.is_ok() && !wire.is_empty() {
            sent = client.output.send(&client.socket, &wire, b"");
        }
        self.wire = wire;
        if surplus {
            // More than it announced: the connection cannot be trusted any more.
            peer.keep_alive = false;
            means!(self).log(
                request,
                LogLevel::Warn,
                "upstream sent more data than specified in \"Content-Length\" header",
            );
        }
        if result.is_err() {
            return self.attempt_failed(token, Failure::Error, "upstream sent invalid chunked response");
        }
        if sent.is_err() {
            return self.abort_client(client_token);
        }
        if posted {
            self.post_to_client(client_token);
            return self.end_relay(token, client_token);
        }
        if complete {
            return self.finish_relay(token, client_token);
        }
        let at = self.clock.now() + request.settings().proxy.read_timeout;
        self.timers.set(&mut peer.deadline, at, token, true);
        self.set_send_deadline(client_token);
    }

    /// The answer is complete on this side; what the client has not taken yet is sent.
    pub(super) fn finish_relay(&mut self, token: Token, client_token: Token) {
        self.end_relay(token, client_token);
        self.continue_answer(client_token);
    }

    /// The peer has done its part.
    fn end_relay(&mut self, token: Token, client_token: Token) {
        let now = self.clock.now();
        if let Some(client) = self.clients.find(client_token) {
            client.peer = None;
            client.phase = Phase::Answering;
            let mut body_sent = true;
            if let Some(request) = &mut client.request {
                body_sent = request.body.complete();
                if let Some(attempt) = request.attempts.last_mut() {
                    attempt.ended = Some(now);
                }
            }
            if let Some(peer) = self.peers.find(token) {
                // A peer that waits for the rest of a body would take the next request for it.
                peer.keep_alive &= body_sent;
            }
        }
        self.release_peer(token, Outcome::Good);
    }

    /// A peer has closed its connection, or lost it.
    pub(super) fn peer_ended(&mut self, token: Token, errno: Option<rustix::io::Errno>) {
        let Some(client_token) = self.peers.find(token).and_then(|peer| peer.client) else { return };
        let tunnel = self.is_tunnel(client_token);
        let Some(peer) = self.peers.find(token) else { return };
        peer.keep_alive = false;
        match &peer.body {
            Some(body) if body.ends_with_connection() && errno.is_none() => {
                let Some(client) = self.clients.find(client_token) else { return };
                let mut wire = Vec::new();
                if let (Some(writer), Some(request)) = (&mut client.writer, &mut client.request) {
                    writer.finish(&mut wire);
                    request.answer.gzip = writer.compressed();
                    request.answer.body_bytes += wire.len() as u64;
                }
                client.output.queue_bytes(&wire);
                self.finish_relay(token, client_token);
            }
            Some(_) if tunnel => self.abort_client(client_token),
            Some(_) => {
                let text = "upstream prematurely closed connection while reading upstream";
                self.attempt_failed(token, Failure::Error, text);
            }
            None => {
                let text = match errno {
                    Some(errno) => {
                        let errno = describe(errno);
                        format!("recv() failed ({errno}) while reading response header from upstream")
                    }
                    None => {
                        "upstream prematurely closed connection while reading response header from upstream"
                            .to_owned()
                    }
                };
                self.attempt_failed(token, Failure::Error, &text);
            }
        }
    }

    /// A client has taken what waited for it: its peer may be read again.
    pub(super) fn resume_peer(&mut self, client: Token) {
        let Some(entry) = self.clients.find(client) else { return };
        let Some(peer) = entry.peer else { return };
        let waits =
            |p: &Peer| p.connected && (p.readable || p.pipe.as_ref().is_some_and(|pipe| pipe.held > 0));
        if entry.output.is_empty() && self.peers.find(peer).is_some_and(|p| waits(p)) {
            self.read_peer(peer);
        }
    }
}
