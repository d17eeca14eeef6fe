//! Bytes that remember where they were written, through every substitution.

use diagnostic::{SourceId, Span};
use std::ops::Range;

/// A run of bytes, each with the place it stands for: its own, or that of the `$NAME` it replaced.
#[derive(Clone, Debug, Default)]
pub(crate) struct Text {
    bytes: Vec<u8>,
    at: Vec<Span>,
}

impl Text {
    /// Adds one byte.
    pub(crate) fn push(&mut self, byte: u8, at: Span) {
        self.bytes.push(byte);
        self.at.push(at);
    }

    /// Adds bytes that all stand for one place.
    pub(crate) fn push_all(&mut self, bytes: &[u8], at: Span) {
        self.bytes.extend_from_slice(bytes);
        self.at.resize(self.bytes.len(), at);
    }

    /// Adds bytes of a file, each standing for itself.
    pub(crate) fn push_file(&mut self, source: SourceId, bytes: &[u8], offset: usize) {
        for (i, byte) in bytes.iter().enumerate() {
            let start = u32::try_from(offset + i).unwrap_or(u32::MAX - 1);
            self.push(*byte, Span { source, start, end: start + 1 });
        }
    }

    /// Adds a part of another text.
    pub(crate) fn append(&mut self, other: &Text, range: Range<usize>) {
        self.bytes.extend_from_slice(&other.bytes[range.clone()]);
        self.at.extend_from_slice(&other.at[range]);
    }

    /// The bytes alone.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// How many bytes.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// A part as a text of its own.
    pub(crate) fn slice(&self, range: Range<usize>) -> Text {
        Text { bytes: self.bytes[range.clone()].to_vec(), at: self.at[range].to_vec() }
    }

    /// The place of one byte, or of the last one past the end.
    pub(crate) fn at(&self, index: usize) -> Option<Span> {
        self.at.get(index).or(self.at.last()).copied()
    }

    /// The place of a part; of the byte before it when it is empty.
    pub(crate) fn span(&self, range: Range<usize>) -> Option<Span> {
        let first = self.at(range.start)?;
        let last = if range.end > range.start { self.at(range.end - 1)? } else { first };
        Some(if first.source == last.source { first.to(last) } else { first })
    }

    /// Without blanks at both ends.
    pub(crate) fn trimmed(&self) -> Text {
        let start = self.bytes.iter().position(|b| !is_blank(*b)).unwrap_or(self.len());
        let end = self.bytes.iter().rposition(|b| !is_blank(*b)).map_or(start, |i| i + 1);
        self.slice(start..end)
    }

    /// The parts between newlines.
    pub(crate) fn lines(&self) -> Vec<Text> {
        let mut lines = Vec::new();
        let mut start = 0;
        for (i, byte) in self.bytes.iter().enumerate() {
            if *byte == b'\n' {
                lines.push(self.slice(start..i));
                start = i + 1;
            }
        }
        lines.push(self.slice(start..self.len()));
        lines
    }
}

/// Space, tab and the control characters that editors leave behind.
pub(crate) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | 0x0b | 0x0c)
}
