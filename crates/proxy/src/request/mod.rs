//! A request and everything that is known of it, from its head to the line in the log.

pub(crate) mod body;
pub(crate) mod captures;
mod variables;

use crate::clock::{Clock, Time};
use crate::site::{LocationId, LocationSite, Site};
use body::Body;
use captures::Captures;
use http1::{Field, Known, Method, RequestHead};
use nginx_conf::model::{Settings, Template};
use std::net::SocketAddr;
use std::rc::Rc;

/// What is known of a client's connection.
#[derive(Clone, Debug)]
pub(crate) struct ClientFacts {
    /// `$connection`
    pub(crate) number: u64,
    pub(crate) listener: usize,
    /// `None` for a unix socket.
    pub(crate) remote: Option<SocketAddr>,
    /// `$remote_addr`
    pub(crate) remote_text: String,
    /// The address it connected to.
    pub(crate) local: Option<SocketAddr>,
    pub(crate) opened: Time,
}

/// One attempt at an upstream.
#[derive(Debug)]
pub(crate) struct Attempt {
    /// Number of the peer in its upstream; `None` when there was none to be tried.
    pub(crate) peer: Option<usize>,
    pub(crate) started: Time,
    pub(crate) connected: Option<Time>,
    pub(crate) head: Option<Time>,
    pub(crate) ended: Option<Time>,
    pub(crate) status: u16,
    pub(crate) sent: u64,
    pub(crate) received: u64,
    pub(crate) body: u64,
}

/// What was answered.
#[derive(Debug, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// The head as sent, when something may ask for its fields.
    pub(crate) head: Vec<u8>,
    /// Bytes of the head.
    pub(crate) head_bytes: usize,
    pub(crate) head_sent: bool,
    pub(crate) body_bytes: u64,
    pub(crate) complete: bool,
    /// Bytes before and after compression.
    pub(crate) gzip: Option<(u64, u64)>,
}

/// A request under way.
#[derive(Debug)]
pub(crate) struct Request {
    pub(crate) site: Rc<Site>,
    pub(crate) client: Rc<ClientFacts>,
    pub(crate) head: Vec<u8>,
    pub(crate) fields: Vec<Field>,
    pub(crate) parsed: RequestHead,
    /// `$connection_requests`
    pub(crate) number: u64,
    pub(crate) started: Time,
    pub(crate) server: usize,
    pub(crate) location: LocationId,
    /// GET after an internal redirect to an error page.
    pub(crate) method: Method,
    pub(crate) method_changed: bool,
    /// `$uri`
    pub(crate) path: Vec<u8>,
    /// `$args`
    pub(crate) args: Vec<u8>,
    /// Whether path or args are no longer those of the request line.
    pub(crate) changed: bool,
    /// Whether the target is a path without a fragment, so that it can go on as it is.
    pub(crate) plain_target: bool,
    /// Whether a `rewrite` changed the path: the URI of `proxy_pass` no longer applies.
    pub(crate) rewritten: bool,
    /// `$host`: lower case, without port.
    pub(crate) host: Vec<u8>,
    pub(crate) captures: Captures,
    pub(crate) user: Vec<Option<Vec<u8>>>,
    /// Internal redirects so far.
    pub(crate) redirects: u8,
    /// Whether the present URI came from an internal redirect.
    pub(crate) internal: bool,
    /// The status that an `error_page` is answering for.
    pub(crate) error_status: Option<u16>,
    pub(crate) body: Body,
    pub(crate) keep_alive: bool,
    /// Whether the upstream switched protocols: from then on bytes go both ways as they come.
    pub(crate) tunnel: bool,
    pub(crate) bytes: u64,
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) upstream_head: Vec<u8>,
    pub(crate) upstream_fields: Vec<Field>,
    /// Upstream that the request went to, by number in the configuration.
    pub(crate) upstream: Option<usize>,
    pub(crate) answer: Answer,
    pub(crate) id: Option<[u8; 16]>,
}

impl Request {
    /// The location in force.
    pub(crate) fn location(&self) -> &LocationSite {
        self.site.location(self.location)
    }

    /// The settings in force.
    pub(crate) fn settings(&self) -> &Settings {
        &self.location().settings
    }

    /// The first field of a kind.
    pub(crate) fn known(&self, known: Known) -> Option<&[u8]> {
        self.fields.iter().find(|f| f.known == known).map(|f| f.value.of(&self.head))
    }

    /// The request line as the client wrote it.
    pub(crate) fn line(&self) -> &[u8] {
        if self.parsed.line.end > 0 {
            return self.parsed.line.of(&self.head);
        }
        let end = self.head.iter().position(|b| matches!(b, b'\r' | b'\n')).unwrap_or(self.head.len());
        &self.head[..end]
    }

    /// The method to use.
    pub(crate) fn method_name(&self) -> &[u8] {
        if self.method_changed { b"GET" } else { self.parsed.method_name.of(&self.head) }
    }

    /// Takes over the groups of an expression that matched.
    pub(crate) fn matched(&mut self, captures: Captures) {
        for (variable, value) in captures.named() {
            set_user(&mut self.user, variable, value.to_vec());
        }
        self.captures = captures;
    }

    /// Sets a user variable.
    pub(crate) fn set(&mut self, variable: usize, value: Vec<u8>) {
        set_user(&mut self.user, variable, value);
    }

    /// Takes note of the head that is sent.
    pub(crate) fn head_is_sent(&mut self, head: &[u8]) {
        self.answer.head.clear();
        if self.site.keeps_sent_heads {
            self.answer.head.extend_from_slice(head);
        }
        self.answer.head_bytes = head.len();
        self.answer.head_sent = true;
    }

    /// The name of the peer that was tried, or of the upstream that had none.
    pub(crate) fn name_of(&self, attempt: &Attempt) -> &str {
        let Some(upstream) = self.upstream.and_then(|n| self.site.shared.upstreams.get(n)) else { return "" };
        match attempt.peer {
            Some(number) => upstream.names.get(number).map_or("", |name| name),
            None => &upstream.model.name,
        }
    }

    /// The value of a word.
    pub(crate) fn value(&self, template: &Template, clock: &Clock) -> Vec<u8> {
        let mut out = Vec::new();
        self.expand(template, clock, &mut out);
        out
    }
}

fn set_user(user: &mut Vec<Option<Vec<u8>>>, variable: usize, value: Vec<u8>) {
    if user.len() <= variable {
        user.resize(variable + 1, None);
    }
    user[variable] = Some(value);
}
