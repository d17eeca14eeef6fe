//! Response heads as a proxy reads them (RFC 9112 §4, §6.3).

use crate::eight::text_end;
use crate::fields::{FieldError, Lines, parse_fields};
use crate::request::parse_version;
use crate::{Field, Known, Method, Range, Version, has_token, parse_length};

/// Where the body of a response ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseFraming {
    /// There is none.
    None,
    /// After so many bytes.
    Length(u64),
    /// With the last chunk.
    Chunked,
    /// When the connection closes.
    Close,
}

/// A response head; ranges are offsets into the bytes it was read from.
#[derive(Clone, Copy, Debug)]
pub struct ResponseHead {
    /// Bytes of the head, the empty line at its end included.
    pub length: usize,
    /// The version.
    pub version: Version,
    /// The status, 100 to 999.
    pub status: u16,
    /// The reason phrase.
    pub reason: Range,
    /// Where the body ends.
    pub framing: ResponseFraming,
    /// Whether the connection can be used again after the body.
    pub keep_alive: bool,
}

/// Why a response cannot be used. The upstream is at fault each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ResponseError {
    /// The status line is none.
    StatusLine,
    /// A field line is none.
    Field,
    /// More fields than are accepted.
    TooManyFields,
    /// A `Content-Length` that is no number or is repeated with another value.
    ContentLength,
    /// A `Transfer-Encoding` that is not just `chunked`, or that stands beside `Content-Length`.
    TransferEncoding,
}

impl ResponseError {
    /// What to write in the log.
    pub fn describe(self) -> &'static str {
        match self {
            Self::StatusLine => "upstream sent no valid HTTP/1.0 header",
            Self::Field => "upstream sent invalid header",
            Self::TooManyFields => "upstream sent too many header lines",
            Self::ContentLength => "upstream sent invalid \"Content-Length\" header",
            Self::TransferEncoding => "upstream sent invalid \"Transfer-Encoding\" header",
        }
    }
}

/// Reads the head that `bytes` begin with and that answers a request of the given method. When it
/// does not end there, the error may be any: [`HeadScan`](crate::HeadScan) knows whether it does.
///
/// `fields` is emptied and filled.
pub fn parse_response(
    bytes: &[u8],
    method: Method,
    fields: &mut Vec<Field>,
) -> Result<ResponseHead, ResponseError> {
    let (version, rest) = bytes.split_at_checked(8).ok_or(ResponseError::StatusLine)?;
    let version = parse_version(version).map_err(|_| ResponseError::StatusLine)?;
    let [b' ', a @ b'1'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', reason @ ..] = rest else {
        return Err(ResponseError::StatusLine);
    };
    let status = u16::from(a - b'0') * 100 + u16::from(b - b'0') * 10 + u16::from(c - b'0');
    let reason_start = 12 + usize::from(reason.first() == Some(&b' '));
    let mut line_end = text_end(bytes, reason_start);
    while bytes.get(line_end) == Some(&0x7f) {
        line_end = text_end(bytes, line_end + 1);
    }
    if reason_start == 12 && line_end > 12 {
        return Err(ResponseError::StatusLine);
    }
    let first_field = Lines::Lenient.next(bytes, line_end).map_err(|_| ResponseError::StatusLine)?;
    let length = parse_fields(bytes, first_field, Lines::Lenient, fields).map_err(|error| match error {
        FieldError::TooMany => ResponseError::TooManyFields,
        _ => ResponseError::Field,
    })?;
    let mut response = ResponseHead {
        length,
        version,
        status,
        reason: Range::new(reason_start, line_end),
        framing: ResponseFraming::Close,
        keep_alive: version == Version::Http11,
    };
    apply_fields(bytes, fields, &mut response)?;
    // RFC 9112 §6.3: these never have a body, whatever their fields say.
    if method == Method::Head || status < 200 || status == 204 || status == 304 {
        response.framing = ResponseFraming::None;
    }
    if response.framing == ResponseFraming::Close {
        response.keep_alive = false;
    }
    Ok(response)
}

fn apply_fields(head: &[u8], fields: &[Field], response: &mut ResponseHead) -> Result<(), ResponseError> {
    let mut length: Option<u64> = None;
    let mut chunked = false;
    for field in fields {
        let value = field.value.of(head);
        match field.known {
            Known::ContentLength => {
                let this = parse_length(value).ok_or(ResponseError::ContentLength)?;
                if length.is_some_and(|length| length != this) {
                    return Err(ResponseError::ContentLength);
                }
                length = Some(this);
            }
            Known::TransferEncoding => {
                if chunked || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(ResponseError::TransferEncoding);
                }
                chunked = true;
            }
            Known::Connection => {
                if has_token(value, b"close") {
                    response.keep_alive = false;
                } else if has_token(value, b"keep-alive") {
                    response.keep_alive = true;
                }
            }
            _ => {}
        }
    }
    response.framing = match (length, chunked) {
        (Some(_), true) => return Err(ResponseError::TransferEncoding),
        (None, true) => ResponseFraming::Chunked,
        (Some(length), false) => ResponseFraming::Length(length),
        (None, false) => ResponseFraming::Close,
    };
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(head: &str, method: Method) -> Result<ResponseHead, ResponseError> {
        parse_response(head.as_bytes(), method, &mut Vec::new())
    }

    #[test]
    fn ordinary_responses() {
        let text = "HTTP/1.1 404 Not Found\r\nContent-Length: 3\r\n\r\n";
        let head = read(text, Method::Get).unwrap();
        assert_eq!((head.status, head.framing, head.keep_alive), (404, ResponseFraming::Length(3), true));
        assert_eq!(head.reason.of(text.as_bytes()), b"Not Found");
        let bare = read("HTTP/1.0 200\n\n", Method::Get).unwrap();
        assert_eq!((bare.framing, bare.keep_alive), (ResponseFraming::Close, false));
    }

    #[test]
    fn bodies_that_never_are() {
        for (method, status) in
            [(Method::Head, 200), (Method::Get, 204), (Method::Get, 304), (Method::Get, 103)]
        {
            let head = read(&format!("HTTP/1.1 {status} x\r\nContent-Length: 9\r\n\r\n"), method).unwrap();
            assert_eq!(head.framing, ResponseFraming::None);
            assert!(head.keep_alive);
        }
    }

    #[test]
    fn a_lying_upstream() {
        use ResponseError as E;
        for (head, error) in [
            ("HTTP/2 200 OK\r\n\r\n", E::StatusLine),
            ("HTTP/1.1 20 OK\r\n\r\n", E::StatusLine),
            ("HTTP/1.1 2000 OK\r\n\r\n", E::StatusLine),
            ("ICY 200 OK\r\n\r\n", E::StatusLine),
            ("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", E::ContentLength),
            (
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
                E::TransferEncoding,
            ),
            ("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", E::TransferEncoding),
            ("HTTP/1.1 200 OK\r\nA b: c\r\n\r\n", E::Field),
            ("HTTP/1.1 200 OK\r\nA: \0\r\n\r\n", E::Field),
        ] {
            assert_eq!(read(head, Method::Get).unwrap_err(), error, "{head:?}");
        }
    }
}
