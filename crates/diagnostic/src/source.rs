//! Files as they were read, and places in them.

use std::path::{Path, PathBuf};

/// Names one file of a [`Sources`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SourceId(u32);

/// A range of bytes in one file; `start == end` marks a point.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span {
    /// The file.
    pub source: SourceId,
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

impl Span {
    /// From the start of `self` to the end of `other`, which is in the same file.
    #[must_use]
    pub fn to(self, other: Span) -> Span {
        debug_assert_eq!(self.source, other.source);
        Span { source: self.source, start: self.start, end: other.end.max(self.start) }
    }
}

/// A place as an editor shows it: both counted from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
}

/// One file as it was read. The bytes need not be UTF-8.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    bytes: Vec<u8>,
    included_at: Option<Span>,
    line_starts: Vec<usize>,
}

impl Source {
    /// The name under which it was opened.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its contents.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// What asked for it in the file that includes it.
    pub fn included_at(&self) -> Option<Span> {
        self.included_at
    }

    /// The line of a byte offset, from 1.
    pub fn line(&self, offset: usize) -> usize {
        self.line_starts.partition_point(|&start| start <= offset.min(self.bytes.len()))
    }

    /// What stands in its line before a byte offset.
    pub fn before(&self, offset: usize) -> &[u8] {
        let offset = offset.min(self.bytes.len());
        &self.bytes[self.line_starts[self.line(offset) - 1]..offset]
    }

    /// The place of a byte offset.
    pub fn position(&self, offset: usize) -> Position {
        let column = String::from_utf8_lossy(self.before(offset)).chars().count() + 1;
        Position { line: self.line(offset), column }
    }

    /// The whole lines that a range touches, with so many lines before and after.
    pub(crate) fn lines_around(
        &self,
        range: std::ops::Range<usize>,
        around: usize,
    ) -> std::ops::Range<usize> {
        let first = self.line(range.start).saturating_sub(around + 1);
        let after = self.line(range.end.max(range.start)) + around;
        let end = self.line_starts.get(after).copied().unwrap_or(self.bytes.len());
        self.line_starts[first]..end
    }
}

/// Every file that took part in a configuration.
#[derive(Debug, Default)]
pub struct Sources {
    files: Vec<Source>,
}

impl Sources {
    /// Adds a file. Files over 4 GiB are cut there: spans are 32 bits wide.
    pub fn add(&mut self, path: impl Into<PathBuf>, bytes: Vec<u8>) -> SourceId {
        self.add_included(path, bytes, None)
    }

    /// Adds a file that another one includes in this place.
    pub fn add_included(
        &mut self,
        path: impl Into<PathBuf>,
        mut bytes: Vec<u8>,
        included_at: Option<Span>,
    ) -> SourceId {
        bytes.truncate(u32::MAX as usize);
        let mut line_starts = vec![0];
        line_starts.extend(bytes.iter().enumerate().filter(|(_, b)| **b == b'\n').map(|(i, _)| i + 1));
        let id = SourceId(u32::try_from(self.files.len()).unwrap_or(u32::MAX));
        self.files.push(Source { path: path.into(), bytes, included_at, line_starts });
        id
    }

    /// The file of an id that this set gave out.
    pub fn file(&self, id: SourceId) -> &Source {
        &self.files[id.0 as usize]
    }

    /// Files in the order in which they were read.
    pub fn files(&self) -> impl Iterator<Item = (SourceId, &Source)> {
        self.files.iter().enumerate().map(|(i, s)| (SourceId(u32::try_from(i).unwrap_or(u32::MAX)), s))
    }

    /// The whole as one text: each included file stands in place of the line that includes it, which
    /// becomes a comment.
    pub fn joined(&self) -> Vec<u8> {
        let mut text = Vec::new();
        for (id, _) in self.files().filter(|(_, file)| file.included_at.is_none()) {
            self.join(id, &mut text);
        }
        text
    }

    fn join(&self, id: SourceId, text: &mut Vec<u8>) {
        let file = self.file(id);
        let included = |line: std::ops::Range<usize>| {
            let within = move |span: Span| span.source == id && line.contains(&(span.start as usize));
            self.files().filter(move |(_, file)| file.included_at.is_some_and(&within)).map(|(id, _)| id)
        };
        for (at, start) in file.line_starts.iter().copied().enumerate() {
            let end = file.line_starts.get(at + 1).copied().unwrap_or(file.bytes.len());
            let mut files = included(start..end).peekable();
            if files.peek().is_some() {
                text.extend_from_slice(b"# ");
            }
            text.extend_from_slice(&file.bytes[start..end]);
            if end > start && file.bytes[end - 1] != b'\n' {
                text.push(b'\n');
            }
            files.for_each(|file| self.join(file, text));
        }
    }

    /// The bytes of a span.
    pub fn bytes(&self, span: Span) -> &[u8] {
        &self.file(span.source).bytes[span.start as usize..span.end as usize]
    }

    /// The line, from 1, in which a span starts.
    pub fn line(&self, span: Span) -> usize {
        self.file(span.source).line(span.start as usize)
    }

    /// Line and column at which a span starts.
    pub fn position(&self, span: Span) -> Position {
        self.file(span.source).position(span.start as usize)
    }

    /// `file:line:column` of the start of a span.
    pub fn location(&self, span: Span) -> String {
        let at = self.position(span);
        format!("{}:{}:{}", self.file(span.source).path.display(), at.line, at.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_not_bytes() {
        let mut sources = Sources::default();
        let id = sources.add("a.conf", "line one\n主 = x\n".as_bytes().to_vec());
        let span = Span { source: id, start: 13, end: 14 };
        assert_eq!(sources.position(span), Position { line: 2, column: 3 });
        assert_eq!(sources.location(span), "a.conf:2:3");
        assert_eq!(sources.bytes(span), b"=");
    }

    #[test]
    fn included_files_stand_where_they_are_asked_for() {
        let mut sources = Sources::default();
        let main = sources.add("a.conf", b"one\n  include b\ntwo".to_vec());
        let at = Span { source: main, start: 14, end: 15 };
        sources.add_included("b1", b"in b1\n".to_vec(), Some(at));
        let last = sources.add_included("b2", b"include c".to_vec(), Some(at));
        sources.add_included("c", b"in c".to_vec(), Some(Span { source: last, start: 8, end: 9 }));
        assert_eq!(sources.joined(), b"one\n#   include b\nin b1\n# include c\nin c\ntwo\n");
    }

    #[test]
    fn a_point_at_the_end_has_a_place() {
        let mut sources = Sources::default();
        let id = sources.add("a.conf", b"x\n".to_vec());
        assert_eq!(sources.position(Span { source: id, start: 2, end: 2 }), Position { line: 2, column: 1 });
    }
}
