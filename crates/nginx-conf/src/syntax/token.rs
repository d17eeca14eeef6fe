//! nginx's tokens: where words begin and end, what quotes and backslashes do.

use super::Word;
use diagnostic::{Diagnostic, Report, SourceId, Span};

/// Most bytes of a word as written, one less than nginx's buffer.
const LONGEST_WORD: usize = 4095;

/// A word, or what ends a directive.
#[derive(Debug)]
pub(super) enum Token {
    Word(Word),
    Semicolon(Span),
    Open(Span),
    Close(Span),
    /// The end of the file, as a point.
    End(Span),
}

/// Cuts one file into tokens.
pub(super) struct Tokens<'a> {
    bytes: &'a [u8],
    source: SourceId,
    at: usize,
    /// A quoted word was just read: only space, `;`, `{` or `)` may follow.
    after_quote: bool,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(bytes: &'a [u8], source: SourceId) -> Self {
        Self { bytes, source, at: 0, after_quote: false }
    }

    pub(super) fn span(&self, start: usize, end: usize) -> Span {
        let clip = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Span { source: self.source, start: clip(start), end: clip(end) }
    }

    /// The next token. Braces and semicolons count only where no word is under way.
    pub(super) fn next(&mut self, report: &mut Report) -> Token {
        let quoted = std::mem::take(&mut self.after_quote);
        if quoted
            && let Some(&byte) = self.bytes.get(self.at)
            && !matches!(byte, b' ' | b'\t' | b'\r' | b'\n' | b';' | b'{' | b')')
        {
            let shown = char::from(byte).escape_default();
            report.push(
                Diagnostic::error(
                    "grammar-unexpected",
                    self.span(self.at, self.at + 1),
                    format!("unexpected \"{shown}\""),
                )
                .label("right after a closing quote")
                .help("a quoted word ends at its closing quote; put a space or `;` here, or quote the whole word"),
            );
        }
        loop {
            let Some(&byte) = self.bytes.get(self.at) else {
                return Token::End(self.span(self.bytes.len(), self.bytes.len()));
            };
            let start = self.at;
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' => self.at += 1,
                b'#' => self.skip_comment(report),
                b';' => {
                    self.at += 1;
                    return Token::Semicolon(self.span(start, start + 1));
                }
                b'{' => {
                    self.at += 1;
                    return Token::Open(self.span(start, start + 1));
                }
                b'}' => {
                    self.at += 1;
                    return Token::Close(self.span(start, start + 1));
                }
                b'"' | b'\'' => return Token::Word(self.quoted_word(byte, report)),
                _ => return Token::Word(self.bare_word(report)),
            }
        }
    }

    fn skip_comment(&mut self, report: &mut Report) {
        let start = self.at;
        let rest = &self.bytes[start..];
        let length = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        if length > LONGEST_WORD && start + length < self.bytes.len() {
            report.push(
                Diagnostic::error(
                    "grammar-too-long",
                    self.span(start, start + 1),
                    format!("this comment line is longer than {LONGEST_WORD} bytes"),
                )
                .help("nginx reads a comment as one word; break the line"),
            );
        }
        self.at = start + length;
    }

    fn bare_word(&mut self, report: &mut Report) -> Word {
        let start = self.at;
        let mut variable = false;
        while let Some(&byte) = self.bytes.get(self.at) {
            match byte {
                b' ' | b'\t' | b'\r' | b'\n' | b';' => break,
                b'{' if !variable => match repetition(&self.bytes[self.at..]) {
                    Some(length) if self.at > start => self.unquoted_brace(length, report),
                    _ => break,
                },
                b'\\' => self.at = (self.at + 2).min(self.bytes.len()),
                _ => self.at += 1,
            }
            variable = byte == b'$';
        }
        if self.at - start > LONGEST_WORD {
            report.push(Diagnostic::error(
                "grammar-too-long",
                self.span(start, self.at),
                format!("this word is longer than {LONGEST_WORD} bytes"),
            ));
        }
        Word { value: unescape(&self.bytes[start..self.at]), span: self.span(start, self.at), quoted: false }
    }

    /// `x{2}` without quotes: nginx opens a block at this brace, and then knows no directive `2}`.
    fn unquoted_brace(&mut self, length: usize, report: &mut Report) {
        let span = self.span(self.at, self.at + length);
        self.at += length;
        report.push(
            Diagnostic::error("unquoted-brace", span, "a brace in a word without quotes opens a block")
                .label("this is taken for a repetition")
                .help("put the whole expression in quotes"),
        );
    }

    fn quoted_word(&mut self, quote: u8, report: &mut Report) -> Word {
        let start = self.at;
        let mut end = start + 1;
        while let Some(&byte) = self.bytes.get(end) {
            match byte {
                b'\\' => end += 2,
                _ if byte == quote => break,
                _ => end += 1,
            }
        }
        if end >= self.bytes.len() || end - start > LONGEST_WORD {
            return self.unclosed(start, quote, report);
        }
        self.at = end + 1;
        self.after_quote = true;
        let value = unescape(&self.bytes[start + 1..end]);
        Word { value, span: self.span(start, end + 1), quoted: true }
    }

    /// A quote that is never closed: the word is taken to end with its line, so that the rest of
    /// the file can still be read.
    fn unclosed(&mut self, start: usize, quote: u8, report: &mut Report) -> Word {
        let mark = char::from(quote);
        let rest = &self.bytes[start..];
        let line = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let message = if rest.len() > LONGEST_WORD {
            format!("too long parameter, probably missing terminating \"{mark}\" character")
        } else {
            "unexpected end of file, expecting \";\" or \"}\"".to_owned()
        };
        report.push(
            Diagnostic::error("grammar-unterminated", self.span(start, start + 1), message)
                .label("this quote is never closed")
                .help(format!("close the word with {mark}, or write \\{mark} if the mark itself is meant")),
        );
        let text = &self.bytes[start + 1..start + line];
        let text = text.trim_ascii_end();
        let text = text.strip_suffix(b";").unwrap_or(text);
        let end = start + 1 + text.len();
        self.at = end;
        Word { value: unescape(text), span: self.span(start, end), quoted: true }
    }

    /// Skips a block in another language (Lua, mostly) whose opening brace was just read, and
    /// gives its inside. `None`: its closing brace is missing, nothing was skipped.
    pub(super) fn raw_block(&mut self) -> Option<Span> {
        let start = self.at;
        let mut depth = 1_usize;
        let mut at = start;
        while let Some(&byte) = self.bytes.get(at) {
            let rest = &self.bytes[at..];
            match byte {
                b'{' => depth += 1,
                b'}' => {
                    depth -= 1;
                    if depth == 0 {
                        self.at = at + 1;
                        return Some(self.span(start, at));
                    }
                }
                b'"' | b'\'' => at += quoted_length(rest, byte),
                b'-' if rest.starts_with(b"--[[") => at += up_to(&rest[4..], b"]]") + 4,
                b'-' if rest.starts_with(b"--") => at += up_to(rest, b"\n"),
                b'[' if rest.starts_with(b"[[") => at += up_to(&rest[2..], b"]]") + 2,
                _ => {}
            }
            at += 1;
        }
        None
    }
}

/// Bytes before the closing quote of a string that starts `text`; a line's end closes it, too.
fn quoted_length(text: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\\' => at += 1,
            b'\n' => return at,
            _ if byte == quote => return at,
            _ => {}
        }
        at += 1;
    }
    at
}

/// The length of `{2}`, `{2,}` or `{2,3}`, when one starts `text`.
fn repetition(text: &[u8]) -> Option<usize> {
    let length = text.iter().position(|byte| *byte == b'}')? + 1;
    let counts = &text[1..length - 1];
    let plain = counts.iter().all(|byte| byte.is_ascii_digit() || *byte == b',');
    (plain && counts.first().is_some_and(u8::is_ascii_digit)).then_some(length)
}

/// Bytes before `end`, or all of them.
fn up_to(text: &[u8], end: &[u8]) -> usize {
    text.windows(end.len()).position(|window| window == end).unwrap_or(text.len())
}

/// `\"`, `\'` and `\\` lose the backslash, `\t`, `\r`, `\n` become control bytes, others stay.
fn unescape(raw: &[u8]) -> Vec<u8> {
    let mut value = Vec::with_capacity(raw.len());
    let mut at = 0;
    while at < raw.len() {
        let escaped = match (raw[at], raw.get(at + 1)) {
            (b'\\', Some(mark @ (b'"' | b'\'' | b'\\'))) => Some(*mark),
            (b'\\', Some(b't')) => Some(b'\t'),
            (b'\\', Some(b'r')) => Some(b'\r'),
            (b'\\', Some(b'n')) => Some(b'\n'),
            _ => None,
        };
        value.push(escaped.unwrap_or(raw[at]));
        at += 1 + usize::from(escaped.is_some());
    }
    value
}
