//! Sending answers, and what comes after them.

use super::client::Phase;
use super::receiving::LINGERING;
use super::{Worker, means};
use crate::arena::Token;
use crate::exchange::{Local, Segment, answer};
use crate::request::{Answer, Request};
use crate::shared::Counters;
use crate::timers::Timers;
use std::rc::Rc;

/// Bytes of a file that are read at a time to be compressed.
const FILE_PIECE: usize = 32 << 10;
/// Pieces that one connection compresses in one turn, so that it does not starve the others.
const MOST_PIECES: usize = 16;
/// Requests kept for reuse in a thread.
const MOST_SPARE: usize = 256;

impl Worker {
    /// Sends an answer that comes from here.
    pub(super) fn answer(&mut self, token: Token, mut request: Box<Request>, local: Local) {
        let mut out = std::mem::take(&mut self.out);
        out.clear();
        if !request.body.complete() && request.body.expects_continue {
            // The client still waits whether to send its body: it will not be asked to.
            request.keep_alive = false;
        }
        let mut writer = answer::local_head(&mut request, &local, means!(self), &mut out);
        request.answer.status = local.status;
        request.head_is_sent(&out);
        let Some(client) = self.clients.find(token) else { return };
        let sends_body = writer.has_body();
        let mut body: Vec<u8> = Vec::new();
        let mut segments = local.body.into_iter();
        if sends_body && writer.is_identity() {
            request.answer.body_bytes = 0;
            if let Some(Segment::Bytes(first)) = segments.as_slice().first() {
                body.clone_from(first);
                segments.next();
            }
            let wanted: u64 = body.len() as u64;
            request.answer.body_bytes += wanted;
            let before_file = request.settings().tcp_nopush
                && body.is_empty()
                && matches!(segments.as_slice().first(), Some(Segment::File { .. }));
            let sent = if before_file {
                client.output.send_before_file(&client.socket, &out)
            } else {
                client.output.send(&client.socket, &out, &body)
            };
            if sent.is_err() {
                client.request = Some(request);
                self.out = out;
                return self.abort_client(token);
            }
            for segment in segments {
                match segment {
                    Segment::Bytes(bytes) => {
                        request.answer.body_bytes += bytes.len() as u64;
                        client.output.queue_bytes(&bytes);
                    }
                    Segment::File { file, offset, length } => {
                        request.answer.body_bytes += length;
                        client.output.queue_file(file, offset, length);
                    }
                }
            }
        } else if sends_body {
            client.segments.clear();
            for segment in segments {
                match segment {
                    Segment::Bytes(bytes) if client.segments.is_empty() => writer.write(&bytes, &mut body),
                    other => client.segments.push_back(other),
                }
            }
            if client.segments.is_empty() {
                writer.finish(&mut body);
            }
            request.answer.gzip = writer.compressed();
            request.answer.body_bytes = body.len() as u64;
            client.output.queue_bytes(&out);
            client.output.queue_bytes(&body);
        } else if client.output.send(&client.socket, &out, b"").is_err() {
            client.request = Some(request);
            self.out = out;
            return self.abort_client(token);
        }
        client.writer = Some(writer);
        client.request = Some(request);
        client.phase = Phase::Answering;
        self.out = out;
        self.continue_answer(token);
    }

    /// Goes on with an answer until the socket takes no more, or it is done.
    pub(super) fn continue_answer(&mut self, token: Token) {
        for _ in 0..MOST_PIECES {
            let Some(client) = self.clients.find(token) else { return };
            if !client.output.is_empty() {
                let Ok(taken) = client.output.flush(&client.socket) else { return self.abort_client(token) };
                if !client.output.is_empty() {
                    if taken >= crate::output::MOST_FILE_BYTES {
                        // A large file: others go first, then it is this one's turn again.
                        self.later.push(token);
                    }
                    return self.set_send_deadline(token);
                }
            }
            if client.segments.is_empty() {
                return self.finish_request(token);
            }
            if !self.compress_more(token) {
                return self.abort_client(token);
            }
        }
        self.later.push(token);
    }

    /// Reads and compresses the next piece of a file.
    fn compress_more(&mut self, token: Token) -> bool {
        let Some(client) = self.clients.find(token) else { return false };
        let (Some(writer), Some(request)) = (&mut client.writer, &mut client.request) else { return false };
        let mut wire = Vec::new();
        match client.segments.pop_front() {
            Some(Segment::Bytes(bytes)) => writer.write(&bytes, &mut wire),
            Some(Segment::File { file, offset, length }) => {
                let want = length.min(FILE_PIECE as u64) as usize;
                let buffer = &mut self.scratch[..want];
                let Ok(n @ 1..) = rustix::io::pread(&*file, &mut *buffer, offset) else { return false };
                writer.write(&buffer[..n], &mut wire);
                let n = n as u64;
                if n < length {
                    let rest =
                        Segment::File { file: Rc::clone(&file), offset: offset + n, length: length - n };
                    client.segments.push_front(rest);
                }
            }
            None => {}
        }
        if client.segments.is_empty() {
            writer.finish(&mut wire);
        }
        request.answer.gzip = writer.compressed();
        request.answer.body_bytes += wire.len() as u64;
        client.output.queue_bytes(&wire);
        true
    }

    /// The answer is sent: writes the log, and goes on to the next request or closes.
    pub(super) fn finish_request(&mut self, token: Token) {
        let Some(client) = self.clients.find(token) else { return };
        client.writer = None;
        let Some(mut request) = client.request.take() else { return };
        request.answer.complete = true;
        self.finish_log(&mut request);
        let keep_alive = request.keep_alive;
        let body_complete = request.body.complete();
        let Some(client) = self.clients.find(token) else { return };
        if keep_alive && body_complete {
            client.request = Some(request);
            return self.next_request(token);
        }
        if keep_alive {
            client.phase = Phase::Discarding;
            request.body.kept.clear();
            client.request = Some(request);
            let at = self.clock.now() + LINGERING;
            self.timers.set(&mut client.deadline, at, token, false);
            return self.discard_body(token);
        }
        let pending = !body_complete || client.readable || !client.input.is_empty();
        self.recycle(request);
        Counters::sub(&self.counters().writing, 1);
        if pending { self.start_lingering(token) } else { self.close_client(token) }
    }

    /// Waits for the next request, or takes up one that is already there.
    pub(super) fn next_request(&mut self, token: Token) {
        let now = self.clock.now();
        let Some(client) = self.clients.find(token) else { return };
        let Some(request) = client.request.take() else { return };
        let idle = request.settings().keepalive_timeout.0;
        client.phase = Phase::Head;
        Timers::clear(&mut client.deadline);
        self.timers.set(&mut client.deadline, now + idle, token, false);
        let more = client.readable || !client.input.is_empty();
        let client_retired = client.retired;
        self.recycle(request);
        Counters::sub(&self.counters().writing, 1);
        self.set_waiting(token, true);
        if client_retired || self.stopping.is_some() && !more {
            return self.close_client(token);
        }
        if more {
            self.again.push(token);
        }
    }

    /// Writes the line of a request into the access log.
    pub(super) fn finish_log(&mut self, request: &mut Request) {
        if request.answer.status != 0 {
            self.logs.access(request, &self.clock);
        }
    }

    /// Keeps the memory of a request for the next one; lets go of its configuration.
    pub(super) fn recycle(&mut self, mut request: Box<Request>) {
        let current = Rc::ptr_eq(&request.site, &self.site);
        if self.spare_requests.len() >= MOST_SPARE || !current || request.head.capacity() > 16 << 10 {
            return;
        }
        let r = &mut *request;
        for buffer in [&mut r.head, &mut r.path, &mut r.args, &mut r.host, &mut r.upstream_head] {
            buffer.clear();
        }
        r.fields.clear();
        r.upstream_fields.clear();
        r.user.clear();
        r.attempts.clear();
        let mut head = std::mem::take(&mut r.answer.head);
        head.clear();
        r.answer = Answer { head, ..Answer::default() };
        r.body = crate::request::body::Body::new(http1::Framing::None, false);
        r.captures = crate::request::captures::Captures::default();
        r.method = http1::Method::Get;
        r.method_changed = false;
        r.tunnel = false;
        r.changed = false;
        r.plain_target = false;
        r.rewritten = false;
        r.redirects = 0;
        r.internal = false;
        r.error_status = None;
        r.upstream = None;
        r.id = None;
        self.spare_requests.push(request);
    }
}
