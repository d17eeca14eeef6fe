//! An upstream's answer as it goes to the client.

use super::answer::{
    BodyWriter, Compressible, Framing, Head, added, begin, connection, field, framing_for, gzip_accepted,
    gzip_applies, gzip_writer,
};
use super::redirect::write_origin;
use super::{Means, local};
use crate::request::Request;
use http1::chunked::{Decoder, InvalidChunk};
use http1::{Known, Method, ResponseFraming, ResponseHead, date};
use nginx_conf::model::{Expires, Handler, ProxyRedirect};

/// Reads the body of an upstream's answer.
#[derive(Debug)]
pub(crate) enum ResponseBody {
    Length(u64),
    Chunked(Decoder),
    Close,
}

impl ResponseBody {
    pub(crate) fn new(framing: ResponseFraming) -> Self {
        match framing {
            ResponseFraming::None => Self::Length(0),
            ResponseFraming::Length(length) => Self::Length(length),
            ResponseFraming::Chunked => Self::Chunked(Decoder::default()),
            ResponseFraming::Close => Self::Close,
        }
    }

    /// Whether all of it was read.
    pub(crate) fn complete(&self) -> bool {
        match self {
            Self::Length(remaining) => *remaining == 0,
            Self::Chunked(decoder) => decoder.is_done(),
            Self::Close => false,
        }
    }

    /// Whether the end of the connection is the end of the body.
    pub(crate) fn ends_with_connection(&self) -> bool {
        matches!(self, Self::Close)
    }

    /// Hands the data in `input` to `sink`; returns how many bytes were read.
    pub(crate) fn read(&mut self, input: &[u8], mut sink: impl FnMut(&[u8])) -> Result<usize, InvalidChunk> {
        match self {
            Self::Length(remaining) => {
                let length = usize::try_from(*remaining).unwrap_or(usize::MAX).min(input.len());
                *remaining -= length as u64;
                if length > 0 {
                    sink(&input[..length]);
                }
                Ok(length)
            }
            Self::Chunked(decoder) => decoder.decode(input, sink),
            Self::Close => {
                sink(input);
                Ok(input.len())
            }
        }
    }
}

/// Writes the head for the client; the upstream's own is in `request.upstream_head`.
pub(crate) fn write_head(
    request: &mut Request,
    response: &ResponseHead,
    means: &Means<'_>,
    out: &mut Vec<u8>,
) -> BodyWriter {
    let source = std::mem::take(&mut request.upstream_head);
    let writer = write_fields(request, &source, response, means, out);
    request.upstream_head = source;
    writer
}

fn write_fields(
    request: &mut Request,
    source: &[u8],
    response: &ResponseHead,
    means: &Means<'_>,
    out: &mut Vec<u8>,
) -> BodyWriter {
    let status = local::final_status(request, response.status);
    let own = Own::of(request, source);
    let announced = match response.framing {
        ResponseFraming::Length(length) => Some(length),
        ResponseFraming::None if request.method == Method::Head => {
            own.content_length.and_then(http1::parse_length)
        }
        _ => None,
    };
    let (applies, gzip) = match request.settings().gzip.on {
        true => compression(request, source, &own, status, announced, means),
        false => (false, false),
    };
    let no_body = request.method == Method::Head || response.framing == ResponseFraming::None;
    let framing = match (no_body, gzip) {
        (true, false) => announced.map_or(Framing::None, Framing::Length),
        (_, true) => framing_for(request, status, None),
        (false, false) => framing_for(request, status, announced),
    };
    let location = request.location();
    let dated = matches!(location.settings.expires, Expires::Modified(_));
    let hides = |name: &str| location.settings.proxy.hide_headers.iter().any(|h| h == name);
    let head = Head {
        status,
        reason: if status == response.status { response.reason.of(source) } else { b"" },
        media_type: own.content_type,
        framing,
        gzip,
        compressible: applies,
        last_modified: own.last_modified.filter(|_| dated).and_then(date::parse_http_date),
        server: own.server.filter(|_| !hides("server")),
        date: own.date.filter(|_| !hides("date")),
    };
    begin(request, &head, means, out);
    connection(request, &head, out);
    let expires = location.settings.expires != Expires::Off;
    for f in &request.upstream_fields {
        let (name, value) = (f.name.of(source), f.value.of(source));
        match f.known {
            known if location.forward.hidden.contains(known, name) => {}
            Known::Upgrade if status != 101 => {}
            Known::ETag if gzip && !value.starts_with(b"W/") => field(out, name, &[b"W/", value].concat()),
            Known::Location => field(out, name, &redirected(request, value, means)),
            Known::Refresh => field(out, name, &refreshed(request, value, means)),
            Known::Other if gzip && name.eq_ignore_ascii_case(b"accept-ranges") => {}
            // `expires` replaces what the upstream said of freshness.
            Known::Other if expires && name.eq_ignore_ascii_case(b"expires") => {}
            Known::CacheControl if expires => {}
            _ => field(out, name, value),
        }
    }
    added(request, &head, means, out);
    out.extend_from_slice(b"\r\n\r\n");
    match (no_body || framing == Framing::None, gzip) {
        (true, _) => BodyWriter::plain(Framing::None),
        (false, true) => gzip_writer(request, framing),
        (false, false) => BodyWriter::plain(framing),
    }
}

/// Values of the upstream's fields that decide something: of each kind the first.
#[derive(Default)]
struct Own<'a> {
    cache_control: Option<&'a [u8]>,
    content_encoding: Option<&'a [u8]>,
    content_length: Option<&'a [u8]>,
    content_type: Option<&'a [u8]>,
    date: Option<&'a [u8]>,
    etag: Option<&'a [u8]>,
    last_modified: Option<&'a [u8]>,
    server: Option<&'a [u8]>,
}

impl<'a> Own<'a> {
    fn of(request: &Request, source: &'a [u8]) -> Self {
        let mut own = Self::default();
        for field in &request.upstream_fields {
            let value = match field.known {
                Known::CacheControl => &mut own.cache_control,
                Known::ContentEncoding => &mut own.content_encoding,
                Known::ContentLength => &mut own.content_length,
                Known::ContentType => &mut own.content_type,
                Known::Date => &mut own.date,
                Known::ETag => &mut own.etag,
                Known::LastModified => &mut own.last_modified,
                Known::Server => &mut own.server,
                _ => continue,
            };
            value.get_or_insert(field.value.of(source));
        }
        own
    }
}

/// Whether the answer could be compressed for some client, and whether it is for this one.
fn compression(
    request: &Request,
    source: &[u8],
    own: &Own<'_>,
    status: u16,
    length: Option<u64>,
    means: &Means<'_>,
) -> (bool, bool) {
    let expires = find_named(request, source, b"expires").and_then(date::parse_http_date);
    let what = Compressible {
        status,
        media_type: own.content_type,
        length,
        encoded: own.content_encoding.is_some(),
        cache_control: own.cache_control,
        expired: expires.is_some_and(|at| at <= means.clock.wall().as_secs() as i64),
        last_modified: own.last_modified.is_some(),
        etag: own.etag.is_some(),
    };
    let applies = gzip_applies(request, &what);
    (applies, applies && gzip_accepted(request, &what))
}

fn find_named<'a>(request: &Request, source: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let mut fields = request.upstream_fields.iter();
    fields.find(|f| f.name.of(source).eq_ignore_ascii_case(name)).map(|f| f.value.of(source))
}

/// `proxy_redirect` on a `Location`.
fn redirected(request: &Request, url: &[u8], means: &Means<'_>) -> Vec<u8> {
    let replaced = match (&request.settings().proxy.redirect, &request.location().handler) {
        (ProxyRedirect::Off, _) => None,
        (ProxyRedirect::Default, Handler::Proxy(pass)) => {
            let mut from = format!("http://{}", pass.host).into_bytes();
            let to: &[u8] = match (&pass.uri, &request.location().prefix) {
                (Some(uri), Some(prefix)) => {
                    from.extend_from_slice(uri.constant().unwrap_or(b""));
                    prefix
                }
                _ => {
                    from.push(b'/');
                    b"/"
                }
            };
            url.strip_prefix(from.as_slice()).map(|rest| [to, rest].concat())
        }
        (ProxyRedirect::Default, _) => None,
        (ProxyRedirect::Rules(rules), _) => rules.iter().find_map(|(from, to)| {
            let rest = url.strip_prefix(request.value(from, means.clock).as_slice())?;
            let mut replaced = request.value(to, means.clock);
            replaced.extend_from_slice(rest);
            Some(replaced)
        }),
    };
    let Some(replaced) = replaced else { return url.to_vec() };
    let mut location = Vec::new();
    if replaced.starts_with(b"/") && request.settings().absolute_redirect {
        write_origin(request, &mut location, means);
    }
    location.extend(replaced.into_iter().filter(|b| !matches!(b, b'\r' | b'\n' | 0)));
    location
}

/// `proxy_redirect` on the URL in a `Refresh`.
fn refreshed(request: &Request, value: &[u8], means: &Means<'_>) -> Vec<u8> {
    let at = value.windows(4).position(|w| w.eq_ignore_ascii_case(b"url="));
    match at {
        Some(at) => [&value[..at + 4], &redirected(request, &value[at + 4..], means)].concat(),
        None => value.to_vec(),
    }
}
