//! The body of a request: read, limited, kept for another attempt.

use http1::Framing;
use http1::chunked::{Decoder, InvalidChunk};

/// What is known of the body of a request.
#[derive(Debug)]
pub(crate) struct Body {
    reader: Reader,
    /// Data that was read and is kept, so that another peer can be tried.
    pub(crate) kept: Vec<u8>,
    /// Whether more than `kept` was already passed on, so that no other peer can be tried.
    pub(crate) passed_on: bool,
    /// Bytes of data so far.
    pub(crate) received: u64,
    /// Bytes announced by `Content-Length`.
    pub(crate) announced: Option<u64>,
    /// Whether the client still waits for `100 Continue`.
    pub(crate) expects_continue: bool,
}

#[derive(Debug)]
enum Reader {
    Length(u64),
    Chunked(Decoder),
}

impl Body {
    /// The body of a request whose head said so.
    pub(crate) fn new(framing: Framing, expects_continue: bool) -> Self {
        let (reader, announced) = match framing {
            Framing::None => (Reader::Length(0), None),
            Framing::Length(length) => (Reader::Length(length), Some(length)),
            Framing::Chunked => (Reader::Chunked(Decoder::default()), None),
        };
        Self { reader, kept: Vec::new(), passed_on: false, received: 0, announced, expects_continue }
    }

    /// Whether the request has a body at all.
    pub(crate) fn exists(&self) -> bool {
        self.announced.is_some() || matches!(self.reader, Reader::Chunked(_))
    }

    /// Whether all of it was read.
    pub(crate) fn complete(&self) -> bool {
        match &self.reader {
            Reader::Length(remaining) => *remaining == 0,
            Reader::Chunked(decoder) => decoder.is_done(),
        }
    }

    /// Reads from what the client sent; hands data to `sink`; returns how many bytes were read.
    pub(crate) fn read(&mut self, input: &[u8], mut sink: impl FnMut(&[u8])) -> Result<usize, InvalidChunk> {
        match &mut self.reader {
            Reader::Length(remaining) => {
                let length = usize::try_from(*remaining).unwrap_or(usize::MAX).min(input.len());
                *remaining -= length as u64;
                self.received += length as u64;
                if length > 0 {
                    sink(&input[..length]);
                }
                Ok(length)
            }
            Reader::Chunked(decoder) => {
                let received = &mut self.received;
                decoder.decode(input, |data| {
                    *received += data.len() as u64;
                    sink(data);
                })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_ends_where_the_next_request_begins() {
        let mut body = Body::new(Framing::Length(3), false);
        let mut data = Vec::new();
        assert_eq!(body.read(b"abcGET", |d| data.extend_from_slice(d)), Ok(3));
        assert!(body.complete() && data == b"abc");
        let mut body = Body::new(Framing::Chunked, false);
        data.clear();
        assert_eq!(body.read(b"2\r\nab\r\n0\r\n\r\nGET", |d| data.extend_from_slice(d)), Ok(12));
        assert!(body.complete() && data == b"ab" && body.received == 2);
        assert!(!Body::new(Framing::None, false).exists());
    }
}
