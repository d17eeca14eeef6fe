//! Files into logical lines: comments, `\\` remarks, continuation, CRLF, byte order mark.

use super::text::{Text, is_blank};
use crate::findings::is_crowded;
use diagnostic::{Diagnostic, Report, SourceId, Span};

/// A line without comment and outer blanks.
#[derive(Debug)]
pub(crate) struct Line {
    /// What is left of it.
    pub(crate) text: Text,
    /// Whether it ended in a `\` that continues it on the next line.
    pub(crate) continued: bool,
}

/// The lines of a file, empty ones left out except after a continuation.
pub(crate) fn physical(source: SourceId, bytes: &[u8], report: &mut Report) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut offset = 0;
    if bytes.starts_with(b"\xef\xbb\xbf") {
        let span = Span { source, start: 0, end: 3 };
        report.push(
            Diagnostic::hint("byte-order-mark", span, "the file starts with a UTF-8 byte order mark")
                .help("save it without one: the original keepalived does not understand it"),
        );
        offset = 3;
    }
    while offset < bytes.len() {
        let end = bytes[offset..].iter().position(|b| *b == b'\n').map_or(bytes.len(), |i| offset + i);
        let mut text = Text::default();
        text.push_file(source, &bytes[offset..end], offset);
        let line = clean(text, report);
        let after_continuation = lines.last().is_some_and(|l: &Line| l.continued);
        if !line.text.is_empty() || line.continued || after_continuation {
            lines.push(line);
        }
        offset = end + 1;
    }
    lines
}

/// Takes comment, remark and outer blanks off a line.
pub(crate) fn clean(text: Text, report: &mut Report) -> Line {
    let bytes = text.bytes();
    let mut kept = Text::default();
    let mut quote: Option<(u8, usize)> = None;
    let mut continued = false;
    let mut i = 0;
    while i < bytes.len() {
        let byte = bytes[i];
        let next = bytes.get(i + 1).copied();
        match (byte, quote) {
            (b'\\', _) if ends_here(&bytes[i + 1..]) => {
                continued = true;
                break;
            }
            (b'\\', None) if next == Some(b'\\') && starts_word(bytes, i) => {
                remark(&text, i, report);
                break;
            }
            (b'\\', None) if matches!(next, Some(b'#' | b'!')) => {
                kept.append(&text, i + 1..i + 2);
                i += 2;
                continue;
            }
            (b'\\', _) => {
                kept.append(&text, i..i + 2);
                i += 2;
                continue;
            }
            (b'#' | b'!', None) => break,
            (b'"', None) => quote = Some((byte, i)),
            (b'\'', None) if starts_word(bytes, i) && bytes[i + 1..].contains(&b'\'') => {
                quote = Some((byte, i));
            }
            (_, Some((open, _))) if byte == open => quote = None,
            _ => {}
        }
        kept.append(&text, i..i + 1);
        i += 1;
    }
    if let Some((mark, start)) = quote
        && !continued
        && !is_crowded(report)
    {
        report.push(
            Diagnostic::error(
                "grammar-unterminated-quote",
                text.span(start..start + 1),
                "this quote is never closed",
            )
            .label("opened here")
            .help(format!("close it with `{}` on the same line", char::from(mark))),
        );
    }
    Line { text: kept.trimmed(), continued }
}

fn ends_here(rest: &[u8]) -> bool {
    rest.iter().all(|b| is_blank(*b))
}

fn starts_word(bytes: &[u8], i: usize) -> bool {
    i == 0 || is_blank(bytes[i - 1]) || matches!(bytes[i - 1], b'{' | b'}' | b'"')
}

/// Tutorials put `\\remark` after a value, as their shell transcripts do.
fn remark(text: &Text, start: usize, report: &mut Report) {
    if is_crowded(report) {
        return;
    }
    report.push(
        Diagnostic::warning(
            "backslash-remark",
            text.span(start..text.len()),
            "`\\\\` does not start a comment",
        )
        .label("taken for a comment")
        .help("write `#` instead of `\\\\`"),
    );
}
