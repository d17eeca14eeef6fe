//! nginx's logs: lines for requests, and lines for what went wrong.

mod access;

use crate::clock::{Clock, Time};
use crate::exchange::Means;
use crate::exchange::upstream_request::write_uri;
use crate::request::{ClientFacts, Request};
use crate::shared::Shared;
use logging::Sink;
use nginx_conf::model::{ErrorLog, Handler, LogLevel};
use std::sync::{Arc, Mutex, PoisonError};

/// The logs as one thread writes them.
#[derive(Debug)]
pub(crate) struct Logs {
    sinks: Arc<Vec<Mutex<Sink>>>,
    /// The generation whose logs `sinks` are.
    generation: u64,
    buffers: Vec<Buffer>,
}

/// Lines that wait to be written.
#[derive(Debug, Default)]
struct Buffer {
    lines: Vec<u8>,
    /// When they must be written; at the end of the turn when absent.
    due: Option<Time>,
}

/// What an error line says besides the message.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Of<'a> {
    /// Nothing.
    Nobody,
    /// A connection without a request.
    Client(&'a ClientFacts),
    /// A request.
    Request(&'a Request),
}

impl Logs {
    pub(crate) fn new(shared: &Shared) -> Self {
        let buffers = shared.logs.iter().map(|_| Buffer::default()).collect();
        Self { sinks: Arc::clone(&shared.logs), generation: shared.generation, buffers }
    }

    /// Uses the logs of another generation, or the same ones opened anew.
    pub(crate) fn replace(&mut self, sinks: Arc<Vec<Mutex<Sink>>>, generation: u64) {
        self.flush_all();
        self.buffers = sinks.iter().map(|_| Buffer::default()).collect();
        self.sinks = sinks;
        self.generation = generation;
    }

    /// Writes a line of nginx's error log to each log whose level lets it pass.
    pub(crate) fn error(&self, logs: &[ErrorLog], level: LogLevel, message: &str, of: Of<'_>, clock: &Clock) {
        if !logs.iter().any(|log| level >= log.level) {
            return;
        }
        let (name, severity) = level_name(level);
        let process = std::process::id();
        let mut line = format!("{} [{name}] {process}#{process}: ", clock.error_log_time());
        let client = match of {
            Of::Nobody => None,
            Of::Client(client) => Some(client),
            Of::Request(request) => Some(&*request.client),
        };
        if let Some(client) = client {
            line += &format!("*{} ", client.number);
        }
        line += message;
        if let Some(client) = client {
            line += &format!(", client: {}", client.remote_text);
        }
        if let Of::Request(request) = of {
            line += &self.request_context(request, clock);
        }
        let mut bytes = printable(&line).into_bytes();
        bytes.push(b'\n');
        let sinks = match of {
            Of::Request(request) => self.sinks_of(request),
            Of::Nobody | Of::Client(_) => &self.sinks,
        };
        for log in logs.iter().filter(|log| level >= log.level) {
            if let Some(sink) = sinks.get(log.log) {
                sink.lock().unwrap_or_else(PoisonError::into_inner).write(&bytes, Some(severity));
            }
        }
    }

    /// The logs that a request's configuration numbers: after a reload, requests that are still
    /// under way have the ones they began with.
    fn sinks_of<'a>(&'a self, request: &'a Request) -> &'a [Mutex<Sink>] {
        let shared = &request.site.shared;
        if shared.generation == self.generation { &self.sinks } else { &shared.logs }
    }

    /// Writes what is due; at the end of each turn of the loop.
    pub(crate) fn flush_due(&mut self, now: Time) {
        for (buffer, sink) in self.buffers.iter_mut().zip(self.sinks.iter()) {
            if !buffer.lines.is_empty() && buffer.due.is_none_or(|due| due <= now) {
                flush(buffer, sink);
            }
        }
    }

    /// Writes everything.
    pub(crate) fn flush_all(&mut self) {
        for (buffer, sink) in self.buffers.iter_mut().zip(self.sinks.iter()) {
            flush(buffer, sink);
        }
    }

    /// How long the loop may sleep before something must be written.
    pub(crate) fn sleep(&self, now: Time) -> Option<Time> {
        let waiting = self.buffers.iter().filter(|b| !b.lines.is_empty());
        waiting.filter_map(|b| b.due).min().map(|due| due.saturating_sub(now))
    }

    /// What an error line says of a request, in nginx's order.
    fn request_context(&self, request: &Request, clock: &Clock) -> String {
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let server = request.site.server_model(request.server).map_or("", |s| s.name.as_str());
        let mut text = format!(", server: {server}, request: \"{}\"", lossy(request.line()));
        if let Some(attempt) = request.attempts.last() {
            let mut uri = Vec::new();
            if let Handler::Proxy(pass) = &request.location().handler {
                write_uri(request, pass, &Means { clock, logs: self }, &mut uri);
            }
            text += &format!(", upstream: \"http://{}{}\"", request.name_of(attempt), lossy(&uri));
        }
        if let Some(host) = request.parsed.host {
            text += &format!(", host: \"{}\"", lossy(host.of(&request.head)));
        }
        if let Some(referer) = request.known(http1::Known::Referer) {
            text += &format!(", referrer: \"{}\"", lossy(referer));
        }
        text
    }
}

fn flush(buffer: &mut Buffer, sink: &Mutex<Sink>) {
    if !buffer.lines.is_empty() {
        sink.lock().unwrap_or_else(PoisonError::into_inner).write(&buffer.lines, None);
        buffer.lines.clear();
    }
    buffer.due = None;
}

/// An error of the kernel in nginx's words: `111: Connection refused`.
pub(crate) fn describe(errno: rustix::io::Errno) -> String {
    let number = errno.raw_os_error();
    let text = std::io::Error::from_raw_os_error(number).to_string();
    format!("{number}: {}", text.strip_suffix(&format!(" (os error {number})")).unwrap_or(&text))
}

/// Control characters become `?`, so that nobody forges a line.
fn printable(line: &str) -> String {
    line.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}

fn level_name(level: LogLevel) -> (&'static str, u8) {
    match level {
        LogLevel::Debug => ("debug", 7),
        LogLevel::Info => ("info", 6),
        LogLevel::Notice => ("notice", 5),
        LogLevel::Warn => ("warn", 4),
        LogLevel::Error => ("error", 3),
        LogLevel::Crit => ("crit", 2),
        LogLevel::Alert => ("alert", 1),
        LogLevel::Emerg => ("emerg", 0),
    }
}
