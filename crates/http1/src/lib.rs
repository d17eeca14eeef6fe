//! HTTP/1.1 framing and heads, without I/O (RFC 9110, RFC 9112).
//!
//! Requests are read strictly: whatever two programs could understand differently (both
//! `Content-Length` and `Transfer-Encoding`, a repeated `Content-Length`, bare line feeds, folded
//! lines, control characters…) is an error, because the difference is what request smuggling lives
//! on. Responses are read a little more leniently, as their sender is the operator's own.
#![forbid(unsafe_code)]

pub mod chunked;
pub mod conditional;
pub mod date;
mod decimal;
mod eight;
mod fields;
pub mod range;
mod request;
mod response;
mod scan;
pub mod status;
pub mod uri;

pub use decimal::write_decimal;
pub use fields::{Field, Known, has_token, parse_length};
pub use request::{Framing, Method, RequestError, RequestHead, parse_request};
pub use response::{ResponseError, ResponseFraming, ResponseHead, parse_response};
pub use scan::{HeadScan, Scanned};

/// A range of bytes in a head.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// Offset of the first byte.
    pub start: u32,
    /// Offset after the last byte.
    pub end: u32,
}

impl Range {
    /// From the offset of the first byte to that after the last.
    pub fn new(start: usize, end: usize) -> Self {
        Self { start: start as u32, end: end as u32 }
    }

    /// The bytes in the head that the range was made for.
    pub fn of(self, head: &[u8]) -> &[u8] {
        head.get(self.start as usize..self.end as usize).unwrap_or(b"")
    }
}

/// The version in a start line; a minor version above 1 counts as 1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// HTTP/1.0
    Http10,
    /// HTTP/1.1
    Http11,
}
