//! Log lines of the processes that behave as keepalived.

use crate::Syslog;
use http1::date::{Civil, MONTHS, write_http_date};
use std::io::Write;
use std::os::fd::OwnedFd;
use std::time::{SystemTime, UNIX_EPOCH};

/// How urgent a line is, by syslog's severities.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// 7
    Debug,
    /// 6
    Info,
    /// 5
    Notice,
    /// 4
    Warning,
    /// 3
    Error,
}

impl Level {
    fn severity(self) -> u8 {
        match self {
            Self::Debug => 7,
            Self::Info => 6,
            Self::Notice => 5,
            Self::Warning => 4,
            Self::Error => 3,
        }
    }
}

/// Writes lines to syslog, to stderr, or to both.
#[derive(Debug)]
pub struct Logger {
    syslog: Option<Syslog>,
    stderr: bool,
    file: Option<OwnedFd>,
    least: Level,
}

impl Logger {
    /// Lines below `least` are dropped. On stderr a line has the time before it, unless the
    /// journal reads there, which stamps lines itself.
    pub fn new(syslog: Option<Syslog>, stderr: bool, least: Level) -> Self {
        Self { syslog, stderr, file: None, least }
    }

    /// Writes lines to a file too, which is open for appending.
    pub fn also_to(&mut self, file: OwnedFd) {
        self.file = Some(file);
    }

    /// Writes a line; control characters in it become `?`, so that nobody forges a second line.
    pub fn log(&mut self, level: Level, line: &str) {
        if level < self.least {
            return;
        }
        let line: String = line.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
        if let Some(syslog) = &mut self.syslog {
            syslog.send(level.severity(), line.as_bytes());
        }
        let with_time = |stamped: bool| {
            let mut bytes = Vec::with_capacity(line.len() + 28);
            if stamped {
                write_stderr_time(&mut bytes);
                bytes.extend_from_slice(b": ");
            }
            bytes.extend_from_slice(line.as_bytes());
            bytes.push(b'\n');
            bytes
        };
        if let Some(file) = &self.file {
            // A full disk loses the line: a log must not stop the service.
            let _ = rustix::io::write(file, &with_time(true));
        }
        if self.stderr {
            let bytes = with_time(std::env::var_os("JOURNAL_STREAM").is_none());
            // A closed stderr must not stop the process that only wanted to say something.
            let _ = std::io::stderr().write_all(&bytes);
        }
    }
}

fn local_now() -> Civil {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64);
    Civil::from_seconds(seconds + sys::time::local_offset(seconds))
}

/// `Nov  6 08:49:37`
pub(crate) fn write_syslog_time(out: &mut Vec<u8>) {
    let t = local_now();
    let month = MONTHS[t.month as usize - 1];
    out.extend_from_slice(
        format!("{month} {:2} {:02}:{:02}:{:02}", t.day, t.hour, t.minute, t.second).as_bytes(),
    );
}

/// `Sun Nov  6 08:49:37 1994`, as keepalived writes it with `-l`.
fn write_stderr_time(out: &mut Vec<u8>) {
    let t = local_now();
    let mut weekday = Vec::new();
    write_http_date(t.to_seconds(), &mut weekday);
    out.extend_from_slice(&weekday[..3]);
    let month = MONTHS[t.month as usize - 1];
    out.extend_from_slice(
        format!(" {month} {:2} {:02}:{:02}:{:02} {}", t.day, t.hour, t.minute, t.second, t.year).as_bytes(),
    );
}
