//! Reading requests: heads, bodies, and what is left of them.

use super::client::{Client, Phase};
use super::{Read, SCRATCH, Worker, means, read};
use crate::arena::Token;
use crate::exchange::{self, Step};
use crate::log::Of;
use crate::request::body::Body;
use crate::request::captures::Captures;
use crate::request::{Answer, Request};
use crate::shared::Counters;
use crate::timers::Timers;
use http1::{Framing, HeadScan, Method, Range, RequestError, RequestHead, Scanned, Version};
use nginx_conf::model::LogLevel;
use rustix::net::Shutdown;
use std::rc::Rc;
use std::time::Duration;

/// How long what a client still sends after its answer is read and dropped.
pub(super) const LINGERING: Duration = Duration::from_secs(5);
/// Bytes of a body that are dropped for the sake of keeping a connection.
const MOST_DISCARDED: u64 = 256 << 10;

/// Why a head was not taken.
enum Bad {
    Request(RequestError),
    TargetTooLong,
    HeadTooLarge,
    Path,
    Method,
}

impl Bad {
    fn status(&self) -> u16 {
        match self {
            Self::Request(error) => error.status(),
            Self::TargetTooLong => 414,
            Self::HeadTooLarge => 431,
            Self::Path => 400,
            Self::Method => 405,
        }
    }

    fn describe(&self) -> &'static str {
        match self {
            Self::Request(error) => error.describe(),
            Self::TargetTooLong => "client sent too long URI",
            Self::HeadTooLarge => "client sent too large request header",
            Self::Path => "client sent invalid request path",
            Self::Method => "client sent a method that no server here takes",
        }
    }
}

impl Worker {
    /// Reads until a head is complete, and starts its request.
    pub(super) fn read_head(&mut self, token: Token) {
        loop {
            let Some(client) = self.clients.find(token) else { return };
            let default = self.site.server_model(self.site.default_server(client.facts.listener));
            let (count, size) = default.map_or((4, 8192), |s| s.large_client_header_buffers);
            let limit = (count * size).min(SCRATCH / 2);
            let have = client.input.len();
            let mut filled = have;
            let mut scanned = Scanned::Partial;
            if have > 0 {
                // What was pipelined is looked at before more is read.
                self.scratch[..have].copy_from_slice(&client.input);
                scanned = client.scan.advance(&self.scratch[..have], false);
            }
            if scanned == Scanned::Partial && have < limit {
                if !client.readable {
                    return;
                }
                match read(&client.socket, &mut self.scratch[have..]) {
                    Read::Data(n) => {
                        client.readable = n == SCRATCH - have || client.hung_up;
                        filled += n;
                        let bytes = &self.scratch[..filled];
                        // A read nearly always brings a whole head, which then needs no search for its end.
                        if have == 0
                            && let Ok(head) = http1::parse_request(bytes, &mut self.fields)
                            && head.length <= limit
                        {
                            client.input.extend_from_slice(&bytes[head.length..]);
                            return self.begin_request(token, head.length, Some(head), size);
                        }
                        scanned = client.scan.advance(bytes, false);
                    }
                    Read::Nothing => {
                        client.readable = false;
                        return;
                    }
                    Read::End | Read::Broken(_) => return self.close_client(token),
                }
            }
            let first_bytes = have == 0;
            match scanned {
                // Empty lines before a request line are skipped (RFC 9112 §2.2).
                Scanned::Complete(1..=2) => {
                    let bytes = &self.scratch[..filled];
                    let pairs = bytes.chunks(2).take_while(|pair| pair == b"\r\n").count();
                    client.input = bytes[pairs * 2..].to_vec();
                    client.scan = HeadScan::default();
                }
                Scanned::Complete(end) if end <= limit => {
                    client.input =
                        if end == filled { Vec::new() } else { self.scratch[end..filled].to_vec() };
                    client.scan = HeadScan::default();
                    return self.begin_request(token, end, None, size);
                }
                Scanned::Complete(_) => return self.refuse(token, filled, &Bad::HeadTooLarge),
                Scanned::BareLineFeed => {
                    return self.refuse(token, filled, &Bad::Request(RequestError::BareLineFeed));
                }
                Scanned::Partial if filled >= limit => {
                    let in_line = !self.scratch[..filled].contains(&b'\n');
                    let bad = if in_line { Bad::TargetTooLong } else { Bad::HeadTooLarge };
                    return self.refuse(token, filled, &bad);
                }
                Scanned::Partial => {
                    client.input = self.scratch[..filled].to_vec();
                    if first_bytes && client.requests > 0 {
                        // From the first byte on it is the head that is waited for, not a request.
                        let timeout = default.map_or(Duration::from_secs(60), |s| s.client_header_timeout);
                        let at = self.clock.now() + timeout;
                        self.timers.set(&mut client.deadline, at, token, false);
                        self.set_waiting(token, false);
                    }
                }
            }
        }
    }

    /// Starts the request whose head is the first `end` bytes of the scratch buffer; when it was
    /// read already, its fields are in `self.fields`.
    fn begin_request(&mut self, token: Token, end: usize, head: Option<RequestHead>, longest_line: usize) {
        self.set_waiting(token, false);
        let Some(mut request) = self.blank_request(token, end) else { return };
        let parsed = match head {
            Some(head) => {
                std::mem::swap(&mut self.fields, &mut request.fields);
                Ok(head)
            }
            None => http1::parse_request(&request.head, &mut request.fields),
        };
        let Some(client) = self.clients.find(token) else { return };
        client.requests += 1;
        request.number = client.requests;
        Counters::add(&self.counters().requests, 1);
        Counters::add(&self.counters().writing, 1);
        let checked = parsed.map_err(Bad::Request).and_then(|parsed| {
            request.parsed = parsed;
            request.method = parsed.method;
            request.keep_alive = parsed.keep_alive;
            if request.line().len() > longest_line {
                return Err(Bad::TargetTooLong);
            }
            set_target(&mut request)
        });
        if let Err(bad) = checked {
            self.answer_bad(token, request, &bad);
            return;
        }
        let keep_alive = self.stopping.is_none() && request.keep_alive;
        let settings = &request.site.location(request.site.root(request.server)).settings;
        request.keep_alive = keep_alive
            && !settings.keepalive_timeout.0.is_zero()
            && request.number < settings.keepalive_requests;
        request.body = Body::new(request.parsed.framing, request.parsed.expects_continue);
        let step = exchange::route(&mut request, means!(self));
        self.perform(token, request, step);
    }

    /// Takes a request to its answer, or to the upstream.
    pub(super) fn perform(&mut self, token: Token, mut request: Box<Request>, step: Step) {
        let limit = request.settings().client_max_body_size;
        let too_large = limit > 0 && request.body.announced.is_some_and(|length| length > limit);
        let step = if too_large && request.error_status.is_none() && !request.answer.head_sent {
            let length = request.body.announced.unwrap_or(0);
            let text = format!("client intended to send too large body: {length} bytes");
            means!(self).log(&request, LogLevel::Error, &text);
            exchange::fail(&mut request, means!(self), 413)
        } else {
            step
        };
        match step {
            Step::Answer(local) => self.answer(token, request, *local),
            Step::Close => {
                request.answer.status = 444;
                self.finish_log(&mut request);
                self.recycle(request);
                Counters::sub(&self.counters().writing, 1);
                self.close_client(token);
            }
            Step::Proxy => {
                let Some(client) = self.clients.find(token) else { return };
                client.request = Some(request);
                client.tried.clear();
                client.phase = Phase::Body;
                self.read_body(token);
            }
        }
    }

    /// Reads a body until it is complete or fills its buffer, then asks the upstream.
    pub(super) fn read_body(&mut self, token: Token) {
        loop {
            let Some(client) = self.clients.find(token) else { return };
            let Some(request) = &mut client.request else { return };
            if request.body.complete() || ready_to_stream(request) {
                return self.start_attempts(token);
            }
            if request.body.expects_continue && client.input.is_empty() {
                request.body.expects_continue = false;
                if client.output.send(&client.socket, b"HTTP/1.1 100 Continue\r\n\r\n", b"").is_err() {
                    return self.abort_client(token);
                }
            }
            match take_body(client, &mut self.scratch) {
                Taken::Some => {
                    let now = self.clock.now();
                    let Some(client) = self.clients.find(token) else { return };
                    let Some(request) = &mut client.request else { return };
                    let limit = request.settings().client_max_body_size;
                    if limit > 0 && request.body.received > limit {
                        means!(self).log(request, LogLevel::Error, "client sent too large chunked body");
                        return self.fail_request(token, 413);
                    }
                    let at = now + request.settings().client_body_timeout;
                    self.timers.set(&mut client.deadline, at, token, false);
                }
                Taken::Nothing => {
                    let Some(client) = self.clients.find(token) else { return };
                    if let Some(request) = &client.request {
                        let at = self.clock.now() + request.settings().client_body_timeout;
                        self.timers.set(&mut client.deadline, at, token, false);
                    }
                    return;
                }
                Taken::Invalid => {
                    if let Some(request) = self.clients.find(token).and_then(|c| c.request.as_ref()) {
                        means!(self).log(request, LogLevel::Info, "client sent invalid chunked body");
                    }
                    return self.fail_request(token, 400);
                }
                Taken::End => return self.abort_client(token),
            }
        }
    }

    /// Answers the request of a client with an error.
    pub(super) fn fail_request(&mut self, token: Token, status: u16) {
        let Some(client) = self.clients.find(token) else { return };
        let Some(mut request) = client.request.take() else { return };
        if matches!(status, 400 | 408 | 413) {
            request.keep_alive = false;
        }
        let step = exchange::fail(&mut request, means!(self), status);
        self.perform(token, request, step);
    }

    /// While an upstream works: passes on more of the body, and notices a client that leaves.
    pub(super) fn watch_client(&mut self, token: Token) {
        let Some(client) = self.clients.find(token) else { return };
        let Some(request) = &client.request else { return };
        if request.tunnel {
            self.pass_through(token);
            return self.resume_peer(token);
        }
        if !request.body.complete() {
            self.stream_body(token);
            return self.resume_peer(token);
        }
        if client.hung_up && !request.settings().proxy.ignore_client_abort {
            means!(self).log(request, LogLevel::Info, "client prematurely closed connection");
            return self.abort_client(token);
        }
        self.resume_peer(token);
    }

    /// Passes what the client sends of its body on to the upstream, as fast as that takes it.
    pub(super) fn stream_body(&mut self, token: Token) {
        loop {
            let Some(client) = self.clients.find(token) else { return };
            let (Some(request), Some(peer)) = (&mut client.request, client.peer) else { return };
            let Some(peer) = self.peers.find(peer) else { return };
            if request.body.complete() || !peer.connected || !peer.output.is_empty() {
                return;
            }
            let taken = take_body(client, &mut self.scratch);
            let Some(request) = &mut client.request else { return };
            match taken {
                Taken::Some => {
                    let limit = request.settings().client_max_body_size;
                    if limit > 0 && request.body.received > limit {
                        means!(self).log(request, LogLevel::Error, "client sent too large chunked body");
                        return self.abort_client(token);
                    }
                    if request.body.complete() {
                        Timers::clear(&mut client.deadline);
                    }
                    self.pass_body_on(token);
                }
                Taken::Nothing => {
                    let at = self.clock.now() + request.settings().client_body_timeout;
                    return self.timers.set(&mut client.deadline, at, token, false);
                }
                Taken::Invalid | Taken::End => return self.abort_client(token),
            }
        }
    }

    /// Reads and drops the rest of a body, so that the connection can be used again.
    pub(super) fn discard_body(&mut self, token: Token) {
        loop {
            let Some(client) = self.clients.find(token) else { return };
            let Some(request) = &mut client.request else { return };
            if request.body.complete() {
                return self.next_request(token);
            }
            if request.body.received > MOST_DISCARDED {
                return self.close_client(token);
            }
            match take_body(client, &mut self.scratch) {
                Taken::Some => {
                    if let Some(request) = &mut client.request {
                        request.body.kept.clear();
                    }
                }
                Taken::Nothing => return,
                Taken::Invalid | Taken::End => return self.close_client(token),
            }
        }
    }

    /// Closes our side and waits for the client's: closing both while data is on its way would
    /// make the client lose the answer.
    pub(super) fn start_lingering(&mut self, token: Token) {
        let at = self.clock.now() + LINGERING;
        let Some(client) = self.clients.find(token) else { return };
        if client.hung_up || rustix::net::shutdown(&client.socket, Shutdown::Write).is_err() {
            return self.close_client(token);
        }
        client.phase = Phase::Lingering;
        self.timers.set(&mut client.deadline, at, token, false);
        self.linger(token);
    }

    pub(super) fn linger(&mut self, token: Token) {
        let Some(client) = self.clients.find(token) else { return };
        while client.readable {
            match read(&client.socket, &mut self.scratch) {
                Read::Data(_) => {}
                Read::Nothing => client.readable = false,
                Read::End | Read::Broken(_) => return self.close_client(token),
            }
        }
    }

    /// A client took too long.
    pub(super) fn client_timeout(&mut self, token: Token) {
        let Some(client) = self.clients.find(token) else { return };
        match client.phase {
            Phase::Head if client.input.is_empty() => self.close_client(token),
            Phase::Head => {
                let text = "client timed out while reading client request headers";
                let logs = &self.site.shared.config.main.error_logs;
                self.logs.error(logs, LogLevel::Info, text, Of::Client(&client.facts), &self.clock);
                self.refuse_with(token, 408);
            }
            Phase::Body => self.fail_request(token, 408),
            Phase::Proxying | Phase::Answering => {
                if let Some(request) = &client.request {
                    means!(self).log(request, LogLevel::Info, "client timed out");
                    if request.settings().reset_timedout_connection {
                        // Closing then drops what waits in the kernel, too. It fails only on what is no socket.
                        let _ = rustix::net::sockopt::set_socket_linger(&client.socket, Some(Duration::ZERO));
                    }
                }
                self.abort_client(token);
            }
            Phase::Discarding | Phase::Lingering => self.close_client(token),
        }
    }

    /// Answers a head that is none with an error, and closes.
    fn refuse(&mut self, token: Token, filled: usize, bad: &Bad) {
        let line_end = self.scratch[..filled].iter().position(|b| matches!(b, b'\r' | b'\n'));
        let shown = line_end.unwrap_or(filled).min(2048);
        let Some(mut request) = self.blank_request(token, shown) else { return };
        let Some(client) = self.clients.find(token) else { return };
        client.requests += 1;
        request.number = client.requests;
        Counters::add(&self.counters().requests, 1);
        Counters::add(&self.counters().writing, 1);
        self.answer_bad(token, request, bad);
    }

    fn refuse_with(&mut self, token: Token, status: u16) {
        let Some(mut request) = self.blank_request(token, 0) else { return };
        Counters::add(&self.counters().requests, 1);
        Counters::add(&self.counters().writing, 1);
        request.keep_alive = false;
        let page = exchange::builtin_page(&request, status);
        self.answer(token, request, page);
    }

    fn answer_bad(&mut self, token: Token, mut request: Box<Request>, bad: &Bad) {
        request.keep_alive = false;
        let text = format!("{} while reading client request headers", bad.describe());
        means!(self).log(&request, LogLevel::Info, &text);
        let step = exchange::fail(&mut request, means!(self), bad.status());
        self.perform(token, request, step);
    }

    /// A request of which nothing is known but its head, the first bytes of the scratch buffer.
    fn blank_request(&mut self, token: Token, head: usize) -> Option<Box<Request>> {
        let site = Rc::clone(&self.site);
        let head = &self.scratch[..head];
        let facts = Rc::clone(&self.clients.find(token)?.facts);
        let server = site.default_server(facts.listener);
        let location = site.root(server);
        let now = self.clock.now();
        let blank = RequestHead {
            length: 0,
            line: Range::default(),
            method: Method::Get,
            method_name: Range::default(),
            target: Range::default(),
            path: Range::default(),
            host: None,
            version: Version::Http11,
            keep_alive: false,
            framing: Framing::None,
            expects_continue: false,
        };
        Some(match self.spare_requests.pop() {
            Some(mut spare) => {
                spare.head.extend_from_slice(head);
                spare.site = site;
                spare.client = facts;
                spare.parsed = blank;
                spare.started = now;
                spare.server = server;
                spare.location = location;
                spare.bytes = head.len() as u64;
                spare
            }
            None => Box::new(Request {
                site,
                client: facts,
                head: head.to_vec(),
                fields: Vec::with_capacity(16),
                parsed: blank,
                number: 0,
                started: now,
                server,
                location,
                method: Method::Get,
                method_changed: false,
                path: Vec::new(),
                args: Vec::new(),
                changed: false,
                plain_target: false,
                rewritten: false,
                host: Vec::new(),
                captures: Captures::default(),
                user: Vec::new(),
                redirects: 0,
                internal: false,
                error_status: None,
                body: Body::new(Framing::None, false),
                keep_alive: false,
                tunnel: false,
                bytes: head.len() as u64,
                attempts: Vec::new(),
                upstream_head: Vec::new(),
                upstream_fields: Vec::new(),
                upstream: None,
                answer: Answer::default(),
                id: None,
            }),
        })
    }
}

/// Finds host, server and path of a request whose head was read.
fn set_target(request: &mut Request) -> Result<(), Bad> {
    let site = Rc::clone(&request.site);
    request.host.clear();
    if let Some(host) = request.parsed.host {
        let host = host.of(&request.head);
        let name = match host {
            [b'[', ..] => host.iter().position(|b| *b == b']').map_or(host, |close| &host[..=close]),
            _ => host.split(|b| *b == b':').next().unwrap_or(host),
        };
        let name = name.strip_suffix(b".").unwrap_or(name);
        request.host.extend(name.iter().map(u8::to_ascii_lowercase));
    }
    let (server, captures) = site.server(request.client.listener, &request.host);
    request.server = server;
    request.location = site.root(server);
    if let Some(captures) = captures {
        request.matched(captures);
    }
    let Some(model) = site.server_model(server) else { return Err(Bad::Path) };
    if request.host.is_empty() {
        request.host.extend_from_slice(model.name.as_bytes());
    }
    if request.fields.iter().any(|f| f.odd_name) {
        let head = &request.head;
        request.fields.retain(|f| {
            let underscores_only =
                f.name.of(head).iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
            !f.odd_name
                || if underscores_only { model.underscores_in_headers } else { !model.ignore_invalid_headers }
        });
    }
    if matches!(request.method, Method::Connect | Method::Trace) {
        return Err(Bad::Method);
    }
    let target = request.parsed.path.of(&request.head);
    let (path, args) = http1::uri::split_query(target);
    let whole = path.len() + args.map_or(0, |args| args.len() + 1) == target.len();
    request.plain_target =
        whole && request.parsed.path == request.parsed.target && target.first() == Some(&b'/');
    request.args.clear();
    request.args.extend_from_slice(args.unwrap_or(b""));
    if path == b"*" {
        request.path = b"*".to_vec();
        return Ok(());
    }
    http1::uri::normalise(path, model.merge_slashes, &mut request.path).map_err(|_| Bad::Path)
}

/// Whether the upstream can be asked before the body is complete.
fn ready_to_stream(request: &Request) -> bool {
    let settings = request.settings();
    let ten = settings.proxy.http_version == nginx_conf::model::ProxyHttpVersion::Http10;
    // Only HTTP/1.1 upstreams understand a body of unknown length.
    let length_known = request.body.announced.is_some() || !ten;
    let enough = request.body.kept.len() >= settings.client_body_buffer_size;
    length_known && request.body.exists() && (enough || !settings.proxy.request_buffering)
}

enum Taken {
    Some,
    Nothing,
    Invalid,
    End,
}

/// Reads some of a body into `kept`.
fn take_body(client: &mut Client, scratch: &mut [u8]) -> Taken {
    let Some(request) = &mut client.request else { return Taken::Nothing };
    let body = &mut request.body;
    let mut kept = std::mem::take(&mut body.kept);
    let result = if client.input.is_empty() {
        if !client.readable {
            body.kept = kept;
            return Taken::Nothing;
        }
        match read(&client.socket, scratch) {
            Read::Data(n) => {
                client.readable = n == scratch.len() || client.hung_up;
                request.bytes += n as u64;
                body.read(&scratch[..n], |data| kept.extend_from_slice(data)).map(|used| {
                    client.input.extend_from_slice(&scratch[used..n]);
                })
            }
            Read::Nothing => {
                client.readable = false;
                body.kept = kept;
                return Taken::Nothing;
            }
            Read::End | Read::Broken(_) => {
                body.kept = kept;
                return Taken::End;
            }
        }
    } else {
        body.read(&client.input, |data| kept.extend_from_slice(data)).map(|used| {
            request.bytes += used as u64;
            client.input.drain(..used);
        })
    };
    request.body.kept = kept;
    if result.is_ok() { Taken::Some } else { Taken::Invalid }
}

/// Whether a request may be sent again although an upstream may have acted on it.
pub(super) fn is_idempotent(request: &Request) -> bool {
    !matches!(request.method, Method::Post | Method::Lock | Method::Patch)
}
