//! Lines into words and braces.

use super::text::{Text, is_blank};
use crate::findings::is_crowded;
use diagnostic::{Diagnostic, Report, Span};

/// A word of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Its value: quotes taken off, adjacent parts joined, escapes in quotes resolved.
    pub text: String,
    /// As it was written, quotes and escapes included.
    pub raw: String,
    /// Whether any part of it is quoted.
    pub quoted: bool,
    /// Its place.
    pub span: Span,
}

/// What a line is made of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A word.
    Word(Word),
    /// `{`.
    Open(Span),
    /// `}`.
    Close(Span),
}

/// Cuts a cleaned line into tokens.
pub(crate) fn tokens(line: &Text, report: &mut Report) -> Vec<Token> {
    let bytes = line.bytes();
    let last_close = bytes.iter().rposition(|b| *b == b'}').unwrap_or(0);
    let mut tokens = Vec::new();
    let mut i = 0;
    while i < bytes.len() {
        let Some(span) = line.at(i) else { break };
        match bytes[i] {
            b if is_blank(b) => i += 1,
            b'{' => {
                tokens.push(Token::Open(span));
                i += 1;
            }
            b'}' => {
                tokens.push(Token::Close(span));
                i += 1;
            }
            _ => {
                let end = word_end(bytes, i, last_close);
                if let Some(span) = line.span(i..end) {
                    tokens.push(Token::Word(word(&bytes[i..end], span, report)));
                }
                i = end;
            }
        }
    }
    tokens
}

/// Where the word that starts at `start` ends, in a line with its last `}` at `last_close`.
fn word_end(bytes: &[u8], start: usize, last_close: usize) -> usize {
    let mut quote = None;
    let mut i = start;
    while i < bytes.len() {
        match (bytes[i], quote) {
            (b'\\', Some(_)) => i += 1,
            (b'"', None) => quote = Some(b'"'),
            (b'\'', None) if i == start && bytes[i + 1..].contains(&b'\'') => quote = Some(b'\''),
            (b, Some(open)) if b == open => quote = None,
            // An undefined `${NAME}` stays a word.
            (b'{', None) if i > start && bytes[i - 1] == b'$' && i < last_close => {
                i += bytes[i..].iter().position(|b| *b == b'}').unwrap_or(0);
            }
            (b'{' | b'}', None) => break,
            (b, None) if is_blank(b) => break,
            _ => {}
        }
        i += 1;
    }
    i.min(bytes.len())
}

fn word(raw: &[u8], span: Span, report: &mut Report) -> Word {
    let mut value = Vec::with_capacity(raw.len());
    let mut quote = None;
    let mut quoted = false;
    let mut i = 0;
    while i < raw.len() {
        match (raw[i], quote) {
            (b'"', None) => (quote, quoted) = (Some(b'"'), true),
            (b'\'', None) if i == 0 && raw[1..].contains(&b'\'') => (quote, quoted) = (Some(b'\''), true),
            (b, Some(open)) if b == open => quote = None,
            (b'\\', Some(_)) if i + 1 < raw.len() => {
                let (byte, used) = escape(&raw[i + 1..]);
                value.push(byte);
                i += used;
            }
            (b, _) => value.push(b),
        }
        i += 1;
    }
    if std::str::from_utf8(&value).is_err() && !is_crowded(report) {
        report.push(
            Diagnostic::warning("not-utf8", span, "this word is not valid UTF-8")
                .help("save the file as UTF-8; comments may be in any encoding"),
        );
    }
    Word {
        text: String::from_utf8_lossy(&value).into_owned(),
        raw: String::from_utf8_lossy(raw).into_owned(),
        quoted,
        span,
    }
}

/// The byte that an escape stands for and how many bytes after the backslash it takes:
/// `\a \b \E \f \n \r \t \v`, `\nnn` octal, `\xXX`, `\cC` control; anything else is itself.
pub(crate) fn escape(after: &[u8]) -> (u8, usize) {
    let digits = |from: usize, most: usize, radix: u32| -> (u8, usize) {
        let mut value = 0u32;
        let mut used = 0;
        while used < most
            && let Some(digit) = after.get(from + used).and_then(|b| char::from(*b).to_digit(radix))
        {
            value = value * radix + digit;
            used += 1;
        }
        ((value & 0xff) as u8, used)
    };
    match after.first() {
        None => (b'\\', 0),
        Some(b'a') => (7, 1),
        Some(b'b') => (8, 1),
        Some(b'E') => (0x1b, 1),
        Some(b'f') => (0x0c, 1),
        Some(b'n') => (b'\n', 1),
        Some(b'r') => (b'\r', 1),
        Some(b't') => (b'\t', 1),
        Some(b'v') => (0x0b, 1),
        Some(b'0'..=b'7') => digits(0, 3, 8),
        Some(b'x') => match digits(1, 2, 16) {
            (_, 0) => (b'x', 1),
            (value, used) => (value, used + 1),
        },
        Some(b'c') => match after.get(1) {
            Some(letter) => (letter & 0x1f, 2),
            None => (b'c', 1),
        },
        Some(other) => (*other, 1),
    }
}
