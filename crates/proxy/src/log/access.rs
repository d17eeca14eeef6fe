//! `access_log`: a line for each request.

use super::{Logs, flush};
use crate::clock::{Clock, Time};
use crate::request::Request;
use nginx_conf::model::{AccessLog, Escape, Part, Template, Variable};
use std::sync::PoisonError;

impl Logs {
    /// Writes the lines of a request that is done.
    pub(crate) fn access(&mut self, request: &Request, clock: &Clock) {
        for log in &request.settings().access_logs {
            if let Some(condition) = &log.condition {
                let value = request.value(condition, clock);
                if value.is_empty() || value == b"0" {
                    continue;
                }
            }
            let Some(format) = request.site.http().and_then(|http| http.log_formats.get(log.format)) else {
                continue;
            };
            let mut line = std::mem::take(&mut self.line);
            line.clear();
            write_line(request, &format.line, format.escape, clock, &mut line);
            line.push(b'\n');
            if request.site.shared.generation == self.generation {
                self.keep(log, &line, clock.now());
            } else if let Some(sink) = request.site.shared.logs.get(log.log) {
                sink.lock().unwrap_or_else(PoisonError::into_inner).write(&line, None);
            }
            self.line = line;
        }
    }

    fn keep(&mut self, log: &AccessLog, line: &[u8], now: Time) {
        let (Some(buffer), Some(sink)) = (self.buffers.get_mut(log.log), self.sinks.get(log.log)) else {
            return;
        };
        if buffer.lines.is_empty() && log.buffer > 0 {
            buffer.due = Some(now + log.flush.unwrap_or(Time::MAX / 2));
        }
        buffer.lines.extend_from_slice(line);
        if log.buffer == 0 {
            buffer.due = None;
        }
        if buffer.lines.len() >= log.buffer.max(64 << 10) {
            flush(buffer, sink);
        }
    }
}

fn write_line(request: &Request, line: &Template, escape: Escape, clock: &Clock, out: &mut Vec<u8>) {
    let mut value = Vec::new();
    for part in &line.parts {
        match part {
            Part::Literal(bytes) => out.extend_from_slice(bytes),
            Part::Variable(variable) if is_plain(variable) => {
                if !request.variable(variable, clock, out) && escape == Escape::Default {
                    out.push(b'-');
                }
            }
            Part::Variable(variable) => {
                value.clear();
                let found = request.variable(variable, clock, &mut value);
                match escape {
                    Escape::Default if !found || value.is_empty() => out.push(b'-'),
                    Escape::Default => escape_default(&value, out),
                    Escape::Json => escape_json(&value, out),
                    Escape::None => out.extend_from_slice(&value),
                }
            }
        }
    }
}

/// Variables that never hold anything to escape.
fn is_plain(variable: &Variable) -> bool {
    matches!(
        variable,
        Variable::RemoteAddr
            | Variable::TimeLocal
            | Variable::Status
            | Variable::BodyBytesSent
            | Variable::RequestTime
            | Variable::UpstreamAddr
    )
}

fn escape_default(value: &[u8], out: &mut Vec<u8>) {
    let is_special = |b: &u8| matches!(b, b'"' | b'\\' | 0..=31 | 127..);
    if !value.iter().any(is_special) {
        return out.extend_from_slice(value);
    }
    for byte in value {
        match byte {
            special if is_special(special) => {
                out.extend_from_slice(b"\\x");
                out.push(b"0123456789ABCDEF"[usize::from(byte >> 4)]);
                out.push(b"0123456789ABCDEF"[usize::from(byte & 15)]);
            }
            _ => out.push(*byte),
        }
    }
}

fn escape_json(value: &[u8], out: &mut Vec<u8>) {
    for byte in value {
        match byte {
            b'"' | b'\\' => out.extend_from_slice(&[b'\\', *byte]),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            8 => out.extend_from_slice(b"\\b"),
            12 => out.extend_from_slice(b"\\f"),
            0..=31 => {
                out.extend_from_slice(b"\\u00");
                out.push(b"0123456789ABCDEF"[usize::from(byte >> 4)]);
                out.push(b"0123456789ABCDEF"[usize::from(byte & 15)]);
            }
            _ => out.push(*byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        let (mut plain, mut json) = (Vec::new(), Vec::new());
        escape_default(b"a\"\\\n\xe9", &mut plain);
        assert_eq!(plain, br"a\x22\x5C\x0A\xE9");
        escape_json(b"a\"\\\n\x01", &mut json);
        assert_eq!(json, br#"a\"\\\n\u0001"#);
    }
}
