//! Request heads (RFC 9112 §3, §6).

use crate::eight::{plain_name_end, text_end, word_end};
use crate::fields::{FieldError, Lines, TOKEN, parse_fields};
use crate::{Field, Known, Range, Version, has_token, parse_length};

/// Methods that something depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the methods' own")]
pub enum Method {
    Get,
    Head,
    Post,
    Put,
    Delete,
    Options,
    Patch,
    Lock,
    Connect,
    Trace,
    Other,
}

/// Where the body of a request ends (RFC 9112 §6.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Framing {
    /// There is none.
    None,
    /// After so many bytes, at least one.
    Length(u64),
    /// With the last chunk.
    Chunked,
}

/// A request head; ranges are offsets into the bytes it was read from.
#[derive(Clone, Copy, Debug)]
pub struct RequestHead {
    /// Bytes of the head, the empty line at its end included.
    pub length: usize,
    /// The request line, without its end.
    pub line: Range,
    /// The method.
    pub method: Method,
    /// The method as written.
    pub method_name: Range,
    /// The request target as written.
    pub target: Range,
    /// The part of the target from the first `/` (of an absolute form: after the authority).
    pub path: Range,
    /// The host that is asked for, with its port if written: of the target, else of `Host`.
    pub host: Option<Range>,
    /// The version.
    pub version: Version,
    /// Whether the client means to use the connection again.
    pub keep_alive: bool,
    /// Where the body ends.
    pub framing: Framing,
    /// Whether the client waits for `100 Continue` before it sends the body.
    pub expects_continue: bool,
}

/// Why a request is refused. The client is at fault each time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestError {
    /// The request line is none.
    RequestLine,
    /// A version that is not 1.x.
    Version,
    /// A control character, a space, or a target that is neither a path nor a URL.
    Target,
    /// A field name that is none, or white space before its colon.
    FieldName,
    /// A control character in a value.
    FieldValue,
    /// A folded line.
    Fold,
    /// A line feed without a carriage return.
    BareLineFeed,
    /// No `Host`, more than one, or one that is none.
    Host,
    /// A `Content-Length` that is no number or is repeated.
    ContentLength,
    /// A `Transfer-Encoding` that is not just `chunked`, or that stands beside `Content-Length`.
    TransferEncoding,
    /// More fields than are accepted.
    TooManyFields,
    /// An `Expect` other than `100-continue`.
    Expect,
    /// The head does not end here.
    Incomplete,
}

impl RequestError {
    /// What to write in the log.
    pub fn describe(self) -> &'static str {
        match self {
            Self::RequestLine => "client sent invalid request line",
            Self::Version => "client sent invalid version",
            Self::Target => "client sent invalid request target",
            Self::FieldName => "client sent invalid header name",
            Self::FieldValue => "client sent invalid character in a header value",
            Self::Fold => "client sent a folded header line",
            Self::BareLineFeed => "client sent a line feed without a carriage return",
            Self::Host => "client sent no valid \"Host\" header",
            Self::ContentLength => "client sent invalid \"Content-Length\" header",
            Self::TransferEncoding => "client sent invalid \"Transfer-Encoding\" header",
            Self::TooManyFields => "client sent too many header lines",
            Self::Expect => "client sent unknown \"Expect\" header",
            Self::Incomplete => "client sent an incomplete header",
        }
    }

    /// The status to answer with.
    pub fn status(self) -> u16 {
        match self {
            Self::Version => 505,
            Self::TooManyFields => 431,
            Self::Expect => 417,
            _ => 400,
        }
    }
}

/// Reads the head that `bytes` begin with. When it does not end there, the error may be any:
/// [`HeadScan`](crate::HeadScan) knows whether it does.
///
/// `fields` is emptied and filled. Empty lines before the request line must have been skipped.
pub fn parse_request(bytes: &[u8], fields: &mut Vec<Field>) -> Result<RequestHead, RequestError> {
    let mut request = parse_request_line(bytes)?;
    let first_field = request.line.end as usize + 2;
    request.length =
        parse_fields(bytes, first_field, Lines::Strict, fields).map_err(|error| match error {
            FieldError::Name => RequestError::FieldName,
            FieldError::Value => RequestError::FieldValue,
            FieldError::Fold => RequestError::Fold,
            FieldError::LineFeed => RequestError::BareLineFeed,
            FieldError::TooMany => RequestError::TooManyFields,
            FieldError::Incomplete => RequestError::Incomplete,
        })?;
    apply_fields(bytes, fields, &mut request)?;
    Ok(request)
}

fn parse_request_line(bytes: &[u8]) -> Result<RequestHead, RequestError> {
    let mut space = plain_name_end(bytes, 0);
    if bytes.get(space) != Some(&b' ') {
        space += bytes[space..].iter().take_while(|b| TOKEN[usize::from(**b)]).count();
    }
    if bytes.get(space) != Some(&b' ') || space == 0 || space > 32 {
        return Err(RequestError::RequestLine);
    }
    let target_start = space + 1;
    let target_end = word_end(bytes, target_start);
    match bytes.get(target_end) {
        Some(b' ') if target_end > target_start => {}
        Some(b'\r') | None => return Err(RequestError::RequestLine),
        Some(_) => return Err(RequestError::Target),
    }
    let line_end = text_end(bytes, target_end);
    if bytes.get(line_end..line_end + 2) != Some(b"\r\n") {
        return Err(RequestError::RequestLine);
    }
    let version = parse_version(&bytes[target_end + 1..line_end])?;
    let method = parse_method(&bytes[..space]);
    let (host, path) = split_target(method, &bytes[target_start..target_end], target_start)?;
    Ok(RequestHead {
        length: 0,
        line: Range::new(0, line_end),
        method,
        method_name: Range::new(0, space),
        target: Range::new(target_start, target_end),
        path,
        host,
        version,
        keep_alive: version == Version::Http11,
        framing: Framing::None,
        expects_continue: false,
    })
}

/// `HTTP/1.0` or `HTTP/1.x`.
pub(crate) fn parse_version(word: &[u8]) -> Result<Version, RequestError> {
    match word {
        b"HTTP/1.1" => Ok(Version::Http11),
        b"HTTP/1.0" => Ok(Version::Http10),
        [b'H', b'T', b'T', b'P', b'/', major @ b'0'..=b'9', b'.', b'0'..=b'9'] => {
            if *major == b'1' {
                Ok(Version::Http11)
            } else {
                Err(RequestError::Version)
            }
        }
        _ => Err(RequestError::RequestLine),
    }
}

fn parse_method(name: &[u8]) -> Method {
    match name {
        b"GET" => Method::Get,
        b"HEAD" => Method::Head,
        b"POST" => Method::Post,
        b"PUT" => Method::Put,
        b"DELETE" => Method::Delete,
        b"OPTIONS" => Method::Options,
        b"PATCH" => Method::Patch,
        b"LOCK" => Method::Lock,
        b"CONNECT" => Method::Connect,
        b"TRACE" => Method::Trace,
        _ => Method::Other,
    }
}

/// Origin form, absolute form, or `*` for OPTIONS (RFC 9112 §3.2).
fn split_target(
    method: Method,
    target: &[u8],
    offset: usize,
) -> Result<(Option<Range>, Range), RequestError> {
    let whole = Range::new(offset, offset + target.len());
    if target[0] == b'/' || (method == Method::Options && target == b"*") || method == Method::Connect {
        return Ok((None, whole));
    }
    let scheme = [&b"http://"[..], b"https://"]
        .into_iter()
        .find(|scheme| target.len() > scheme.len() && target[..scheme.len()].eq_ignore_ascii_case(scheme))
        .ok_or(RequestError::Target)?;
    let authority = &target[scheme.len()..];
    let length = authority.iter().position(|b| matches!(b, b'/' | b'?' | b'#')).unwrap_or(authority.len());
    if !is_host(&authority[..length]) {
        return Err(RequestError::Host);
    }
    let host_start = offset + scheme.len();
    let host = Range::new(host_start, host_start + length);
    Ok((Some(host), Range::new(host_start + length, offset + target.len())))
}

/// What a host name may hold: unreserved characters and sub-delimiters of RFC 3986 but `,` and `;`,
/// `%`, and bytes above ASCII.
static HOST: [bool; 256] = {
    let mut table = [false; 256];
    let mut b = 0;
    while b < 256 {
        let c = b as u8;
        table[b] = c.is_ascii_alphanumeric()
            || c >= 0x80
            || matches!(c, b'-' | b'_' | b'.' | b'~' | b'!' | b'$' | b'&' | b'\'' | b'(' | b')')
            || matches!(c, b'*' | b'+' | b'=' | b'%');
        b += 1;
    }
    table
};

/// `host[:port]`, an address in brackets included.
fn is_host(host: &[u8]) -> bool {
    let (name, port) = match host {
        [b'[', rest @ ..] => {
            let Some(close) = rest.iter().position(|b| *b == b']') else { return false };
            let address = &rest[..close];
            let valid = !address.is_empty()
                && address.iter().all(|b| b.is_ascii_hexdigit() || matches!(b, b':' | b'.'));
            if !valid {
                return false;
            }
            (&host[..close + 2], &rest[close + 1..])
        }
        _ => match host.iter().position(|b| *b == b':') {
            Some(colon) => (&host[..colon], &host[colon..]),
            None => (host, &b""[..]),
        },
    };
    let name_valid = name.first() == Some(&b'[') || name.iter().all(|b| HOST[usize::from(*b)]);
    let port_valid = match port {
        [] => true,
        [b':', digits @ ..] => digits.len() <= 5 && digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    !name.is_empty() && name_valid && port_valid
}

fn apply_fields(head: &[u8], fields: &[Field], request: &mut RequestHead) -> Result<(), RequestError> {
    let mut length: Option<u64> = None;
    let mut chunked = false;
    let mut host_seen = false;
    for field in fields {
        let value = field.value.of(head);
        match field.known {
            Known::Host => {
                if host_seen {
                    return Err(RequestError::Host);
                }
                host_seen = true;
                if !value.is_empty() && !is_host(value) {
                    return Err(RequestError::Host);
                }
                match request.host {
                    // RFC 9112 §3.2.2: a target in absolute form decides; one that contradicts is an attack.
                    Some(host) if !host.of(head).eq_ignore_ascii_case(value) => {
                        return Err(RequestError::Host);
                    }
                    Some(_) => {}
                    None => request.host = (!value.is_empty()).then_some(field.value),
                }
            }
            Known::ContentLength => {
                if length.is_some() {
                    return Err(RequestError::ContentLength);
                }
                length = Some(parse_length(value).ok_or(RequestError::ContentLength)?);
            }
            Known::TransferEncoding => {
                if chunked || request.version == Version::Http10 || !value.eq_ignore_ascii_case(b"chunked") {
                    return Err(RequestError::TransferEncoding);
                }
                chunked = true;
            }
            Known::Connection => {
                if has_token(value, b"close") {
                    request.keep_alive = false;
                } else if request.version == Version::Http10 && has_token(value, b"keep-alive") {
                    request.keep_alive = true;
                }
            }
            Known::Expect => {
                if !value.eq_ignore_ascii_case(b"100-continue") {
                    return Err(RequestError::Expect);
                }
                request.expects_continue = request.version == Version::Http11;
            }
            _ => {}
        }
    }
    if request.version == Version::Http11 && !host_seen {
        return Err(RequestError::Host);
    }
    request.framing = match (length, chunked) {
        (Some(_), true) => return Err(RequestError::TransferEncoding),
        (None, true) => Framing::Chunked,
        (Some(0) | None, false) => Framing::None,
        (Some(length), false) => Framing::Length(length),
    };
    if request.framing == Framing::None {
        request.expects_continue = false;
    }
    Ok(())
}

#[cfg(test)]
#[path = "request_tests.rs"]
mod tests;
