//! `access_log`: a line for each request.

use super::{Logs, flush};
use crate::clock::{Clock, Time};
use crate::request::Request;
use crate::site::{Format, Slot};
use nginx_conf::model::{AccessLog, Escape};
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
            let Some(format) = request.site.formats.get(log.format) else { continue };
            if request.site.shared.generation == self.generation {
                self.keep(log, clock.now(), |lines| write_line(request, format, clock, lines));
            } else if let Some(sink) = request.site.shared.logs.get(log.log) {
                let mut line = Vec::new();
                write_line(request, format, clock, &mut line);
                sink.lock().unwrap_or_else(PoisonError::into_inner).write(&line, None);
            }
        }
    }

    fn keep(&mut self, log: &AccessLog, now: Time, write: impl FnOnce(&mut Vec<u8>)) {
        let (Some(buffer), Some(sink)) = (self.buffers.get_mut(log.log), self.sinks.get(log.log)) else {
            return;
        };
        if buffer.lines.is_empty() && log.buffer > 0 {
            buffer.due = Some(now + log.flush.unwrap_or(Time::MAX / 2));
        }
        write(&mut buffer.lines);
        if log.buffer == 0 {
            buffer.due = None;
        }
        if buffer.lines.len() >= log.buffer.max(64 << 10) {
            flush(buffer, sink);
        }
    }
}

fn write_line(request: &Request, format: &Format, clock: &Clock, out: &mut Vec<u8>) {
    for slot in &format.slots {
        let start = out.len();
        let found = match slot {
            Slot::Literal(bytes) => {
                out.extend_from_slice(bytes);
                continue;
            }
            Slot::Plain(variable) => {
                if !request.variable(variable, clock, out) && format.escape == Escape::Default {
                    out.push(b'-');
                }
                continue;
            }
            Slot::Field(known) => request.join_known(*known, out),
            Slot::Escaped(variable) => request.variable(variable, clock, out),
        };
        match format.escape {
            Escape::Default if !found || out.len() == start => out.push(b'-'),
            Escape::Default => escape_from(start, escape_default, out),
            Escape::Json => escape_from(start, escape_json, out),
            Escape::None => {}
        }
    }
    out.push(b'\n');
}

/// Escapes what was appended since `start`, if there is anything to escape.
fn escape_from(start: usize, escape: impl Fn(&[u8], &mut Vec<u8>), out: &mut Vec<u8>) {
    // Folded over all bytes, not stopped at the first: many are looked at at once.
    if out[start..].iter().fold(false, |any, b| any | is_special(*b)) {
        let value = out.split_off(start);
        escape(&value, out);
    }
}

/// Whether some way of escaping writes a byte in another form.
fn is_special(byte: u8) -> bool {
    (byte == b'"') | (byte == b'\\') | !(32..127).contains(&byte)
}

fn escape_default(value: &[u8], out: &mut Vec<u8>) {
    for byte in value {
        if is_special(*byte) {
            out.extend_from_slice(b"\\x");
            out.push(b"0123456789ABCDEF"[usize::from(byte >> 4)]);
            out.push(b"0123456789ABCDEF"[usize::from(byte & 15)]);
        } else {
            out.push(*byte);
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
