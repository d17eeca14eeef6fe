//! The head of an answer, and how its body goes on the wire.

use super::local::Target;
use super::{Local, Means};
use crate::request::Request;
use crate::{SERVER, SERVER_WITH_VERSION};
use flate2::{Compress, Compression, FlushCompress, Status};
use http1::{Known, Method, Version, chunked, has_token, status, write_decimal};
use nginx_conf::model::{Expires, GzipProxied, ServerTokens};

/// How the length of a body is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framing {
    /// There is no body.
    None,
    /// `Content-Length`
    Length(u64),
    /// `Transfer-Encoding: chunked`
    Chunked,
    /// The connection closes.
    Close,
}

/// Puts the data of a body on the wire: compressed, in chunks, or as it is.
#[derive(Debug)]
pub(crate) struct BodyWriter {
    framing: Framing,
    gzip: Option<Box<Gzip>>,
}

#[derive(Debug)]
struct Gzip {
    compress: Compress,
    crc: flate2::Crc,
    header_written: bool,
}

impl BodyWriter {
    /// The writer of a body that needs nothing done to it.
    pub(crate) fn plain(framing: Framing) -> Self {
        Self { framing, gzip: None }
    }

    /// Whether there is a body at all.
    pub(crate) fn has_body(&self) -> bool {
        self.framing != Framing::None
    }

    /// Whether data can go to the socket as it is.
    pub(crate) fn is_identity(&self) -> bool {
        self.gzip.is_none() && self.framing != Framing::Chunked
    }

    /// Appends data as it goes on the wire.
    pub(crate) fn write(&mut self, data: &[u8], out: &mut Vec<u8>) {
        match &mut self.gzip {
            Some(gzip) => {
                let mut packed = Vec::new();
                gzip.write(data, FlushCompress::None, &mut packed);
                self.frame(&packed, out);
            }
            None => self.frame(data, out),
        }
    }

    /// Appends what ends the body.
    pub(crate) fn finish(&mut self, out: &mut Vec<u8>) {
        if let Some(gzip) = &mut self.gzip {
            let mut packed = Vec::new();
            gzip.finish(&mut packed);
            self.frame(&packed, out);
        }
        if self.framing == Framing::Chunked {
            out.extend_from_slice(chunked::LAST);
        }
    }

    /// Bytes before and after compression, when there is any.
    pub(crate) fn compressed(&self) -> Option<(u64, u64)> {
        self.gzip.as_ref().map(|gzip| (gzip.compress.total_in(), gzip.compress.total_out()))
    }

    fn frame(&self, data: &[u8], out: &mut Vec<u8>) {
        match self.framing {
            Framing::None => {}
            Framing::Chunked => chunked::encode(data, out),
            Framing::Length(_) | Framing::Close => out.extend_from_slice(data),
        }
    }
}

impl Gzip {
    /// A gzip stream (RFC 1952) over deflate.
    fn new(level: u32) -> Self {
        let compress = Compress::new(Compression::new(level), false);
        Self { compress, crc: flate2::Crc::new(), header_written: false }
    }

    fn write(&mut self, data: &[u8], flush: FlushCompress, out: &mut Vec<u8>) {
        if !self.header_written {
            self.header_written = true;
            // Magic, deflate, no flags, no time, unknown speed, Unix.
            out.extend_from_slice(&[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]);
        }
        self.crc.update(data);
        let mut rest = data;
        loop {
            out.reserve(rest.len() / 2 + 256);
            let before = self.compress.total_in();
            let status = self.compress.compress_vec(rest, out, flush);
            rest = &rest[(self.compress.total_in() - before) as usize..];
            let more = match (flush, status) {
                (FlushCompress::Finish, Ok(Status::Ok | Status::BufError)) => true,
                (_, Ok(_)) => !rest.is_empty() || out.len() == out.capacity(),
                (_, Err(_)) => false,
            };
            if !more {
                return;
            }
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        self.write(b"", FlushCompress::Finish, out);
        out.extend_from_slice(&self.crc.sum().to_le_bytes());
        out.extend_from_slice(&self.crc.amount().to_le_bytes());
    }
}

/// The parts of a head that local and proxied answers have in common.
pub(crate) struct Head<'a> {
    pub(crate) status: u16,
    /// As the upstream wrote it; the standard one when empty.
    pub(crate) reason: &'a [u8],
    pub(crate) media_type: Option<&'a [u8]>,
    pub(crate) framing: Framing,
    pub(crate) gzip: bool,
    /// Whether some client would get it compressed.
    pub(crate) compressible: bool,
    pub(crate) last_modified: Option<i64>,
    /// `Server` and `Date` of the upstream, when `proxy_pass_header` lets them through.
    pub(crate) server: Option<&'a [u8]>,
    pub(crate) date: Option<&'a [u8]>,
}

/// Writes everything that comes before the fields that are the answer's own, in nginx's order.
pub(crate) fn begin(request: &Request, head: &Head<'_>, means: &Means<'_>, out: &mut Vec<u8>) {
    let reason = if head.reason.is_empty() { status::reason(head.status).as_bytes() } else { head.reason };
    if head.status == 200 && reason == b"OK" {
        out.extend_from_slice(b"HTTP/1.1 200 OK");
    } else {
        out.extend_from_slice(b"HTTP/1.1 ");
        write_decimal(u64::from(head.status), out);
        out.push(b' ');
        out.extend_from_slice(reason);
    }
    let with_version = request.settings().server_tokens == ServerTokens::On;
    if head.server.is_none() && head.date.is_none() {
        out.extend_from_slice(means.clock.server_and_date(with_version));
    } else {
        let own = if with_version { SERVER_WITH_VERSION } else { SERVER };
        field(out, b"Server", head.server.unwrap_or(own.as_bytes()));
        field(out, b"Date", head.date.unwrap_or(means.clock.http_date()));
    }
    if let Some(media_type) = head.media_type {
        field(out, b"Content-Type", media_type);
    }
    match head.framing {
        Framing::Length(length) => {
            out.extend_from_slice(b"\r\nContent-Length: ");
            write_decimal(length, out);
        }
        Framing::None | Framing::Close | Framing::Chunked => {}
    }
}

/// Writes what the answer does to the connection, and `Vary` if some clients get it compressed.
pub(crate) fn connection(request: &Request, head: &Head<'_>, out: &mut Vec<u8>) {
    if head.framing == Framing::Chunked {
        out.extend_from_slice(b"\r\nTransfer-Encoding: chunked");
    }
    if head.status == 101 {
        out.extend_from_slice(b"\r\nConnection: upgrade");
    } else if request.keep_alive {
        out.extend_from_slice(b"\r\nConnection: keep-alive");
        if let Some(timeout) = request.settings().keepalive_timeout.1 {
            out.extend_from_slice(b"\r\nKeep-Alive: timeout=");
            write_decimal(timeout.as_secs(), out);
        }
    } else {
        out.extend_from_slice(b"\r\nConnection: close");
    }
    if head.compressible && request.settings().gzip.vary {
        field(out, b"Vary", b"Accept-Encoding");
    }
}

/// Writes what the configuration adds.
pub(crate) fn added(request: &Request, head: &Head<'_>, means: &Means<'_>, out: &mut Vec<u8>) {
    let ordinary = matches!(head.status, 200 | 201 | 204 | 206 | 301 | 302 | 303 | 304 | 307 | 308);
    if ordinary {
        write_expires(request, head.last_modified, means, out);
    }
    for header in &request.settings().add_headers {
        if ordinary || header.always {
            let value = request.value(&header.value, means.clock);
            if !value.is_empty() {
                let clean: Vec<u8> = value.into_iter().filter(|b| !matches!(b, b'\r' | b'\n' | 0)).collect();
                field(out, header.name.as_bytes(), &clean);
            }
        }
    }
    if head.gzip {
        out.extend_from_slice(b"\r\nContent-Encoding: gzip");
    }
}

/// Writes a field, beginning with the line end of the one before.
pub(crate) fn field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    out.extend_from_slice(value);
}

fn write_expires(request: &Request, modified: Option<i64>, means: &Means<'_>, out: &mut Vec<u8>) {
    let now = means.clock.wall().as_secs() as i64;
    let at = match request.settings().expires {
        Expires::Off => return,
        Expires::Epoch => {
            field(out, b"Expires", b"Thu, 01 Jan 1970 00:00:01 GMT");
            return field(out, b"Cache-Control", b"no-cache");
        }
        Expires::Max => {
            field(out, b"Expires", b"Thu, 31 Dec 2037 23:55:55 GMT");
            return field(out, b"Cache-Control", b"max-age=315360000");
        }
        Expires::Access(seconds) => now + seconds,
        Expires::Modified(seconds) => modified.unwrap_or(now) + seconds,
        Expires::Daily(seconds) => {
            let local = now + means.clock.offset();
            let today = local - local.rem_euclid(86_400) + seconds - means.clock.offset();
            if today > now { today } else { today + 86_400 }
        }
    };
    let mut date = Vec::new();
    http1::date::write_http_date(at, &mut date);
    field(out, b"Expires", &date);
    if at < now {
        field(out, b"Cache-Control", b"no-cache");
    } else {
        field(out, b"Cache-Control", format!("max-age={}", at - now).as_bytes());
    }
}

/// Whether and how a body of unknown or known length goes to this client.
pub(crate) fn framing_for(request: &mut Request, status: u16, length: Option<u64>) -> Framing {
    if status < 200 || status == 204 || status == 304 {
        return Framing::None;
    }
    match length {
        Some(length) => Framing::Length(length),
        None if request.parsed.version == Version::Http10
            || !request.settings().chunked_transfer_encoding =>
        {
            request.keep_alive = false;
            Framing::Close
        }
        None => Framing::Chunked,
    }
}

/// What decides whether an answer is compressed.
pub(crate) struct Compressible<'a> {
    pub(crate) status: u16,
    pub(crate) media_type: Option<&'a [u8]>,
    pub(crate) length: Option<u64>,
    pub(crate) encoded: bool,
    /// Fields that `gzip_proxied` asks about.
    pub(crate) cache_control: Option<&'a [u8]>,
    pub(crate) expired: bool,
    pub(crate) last_modified: bool,
    pub(crate) etag: bool,
}

/// Whether the answer could be compressed for some client, so that `Vary` must say so.
pub(crate) fn gzip_applies(request: &Request, what: &Compressible<'_>) -> bool {
    let gzip = &request.settings().gzip;
    let head_only = request.method == Method::Head;
    if !gzip.on || head_only || what.encoded || !matches!(what.status, 200 | 403 | 404) {
        return false;
    }
    if what.length.is_some_and(|length| length < gzip.min_length.max(1)) {
        return false;
    }
    let Some(media_type) = what.media_type else { return false };
    let bare = media_type.split(|b| *b == b';').next().unwrap_or(b"").trim_ascii();
    match &gzip.types {
        None => true,
        Some(types) => {
            bare.eq_ignore_ascii_case(b"text/html")
                || types.iter().any(|media| bare.eq_ignore_ascii_case(media.as_bytes()))
        }
    }
}

/// Whether this client gets it compressed.
pub(crate) fn gzip_accepted(request: &Request, what: &Compressible<'_>) -> bool {
    let gzip = &request.settings().gzip;
    if request.parsed.version == Version::Http10 && !gzip.http10 {
        return false;
    }
    let accepts = request.known(Known::AcceptEncoding).is_some_and(accepts_gzip);
    let agent = request.known(Known::UserAgent).unwrap_or(b"");
    let disabled = request.location().gzip_disable.iter().any(|e| e.is_match(agent).unwrap_or(false));
    accepts && !disabled && (request.known(Known::Via).is_none() || proxied_accepted(request, what))
}

fn proxied_accepted(request: &Request, what: &Compressible<'_>) -> bool {
    let control = |word: &[u8]| what.cache_control.is_some_and(|list| has_token(list, word));
    request.settings().gzip.proxied.iter().any(|condition| match condition {
        GzipProxied::Any => true,
        GzipProxied::Auth => request.known(Known::Authorization).is_some(),
        GzipProxied::Expired => what.expired,
        GzipProxied::NoCache => control(b"no-cache"),
        GzipProxied::NoStore => control(b"no-store"),
        GzipProxied::Private => control(b"private"),
        GzipProxied::NoLastModified => !what.last_modified,
        GzipProxied::NoEtag => !what.etag,
    })
}

/// `gzip` or `*` in `Accept-Encoding`, with a weight above zero (RFC 9110 §12.5.3).
fn accepts_gzip(list: &[u8]) -> bool {
    let mut star = false;
    for item in list.split(|b| *b == b',') {
        let mut parts = item.split(|b| *b == b';').map(<[u8]>::trim_ascii);
        let coding = parts.next().unwrap_or(b"");
        let zero = parts.any(|p| {
            let weight = p.strip_prefix(b"q=").or_else(|| p.strip_prefix(b"Q="));
            weight.is_some_and(|w| w.iter().all(|b| matches!(b, b'0' | b'.')))
        });
        if coding.eq_ignore_ascii_case(b"gzip") {
            return !zero;
        }
        star |= coding == b"*" && !zero;
    }
    star
}

/// The writer for a body that is compressed at this request's level.
pub(crate) fn gzip_writer(request: &Request, framing: Framing) -> BodyWriter {
    BodyWriter { framing, gzip: Some(Box::new(Gzip::new(request.settings().gzip.level))) }
}

/// Writes the head of a local answer; gives the writer for its body.
pub(crate) fn local_head(
    request: &mut Request,
    local: &Local,
    means: &Means<'_>,
    out: &mut Vec<u8>,
) -> BodyWriter {
    let what = Compressible {
        status: local.status,
        media_type: local.media_type.as_deref(),
        length: Some(local.length()),
        encoded: false,
        cache_control: None,
        expired: false,
        last_modified: local.last_modified.is_some(),
        etag: local.etag.is_some(),
    };
    let applies = gzip_applies(request, &what);
    let gzip = applies && gzip_accepted(request, &what);
    let length = (!gzip).then(|| local.length());
    let framing = framing_for(request, local.status, length);
    let head = Head {
        status: local.status,
        reason: b"",
        media_type: local.media_type.as_deref().filter(|_| framing != Framing::None),
        framing,
        gzip,
        compressible: applies,
        last_modified: local.last_modified,
        server: None,
        date: None,
    };
    begin(request, &head, means, out);
    // Of an error page only the error is as old as the answer.
    if let Some(modified) = local.last_modified.filter(|_| matches!(local.status, 200 | 206 | 304)) {
        let mut date = Vec::new();
        http1::date::write_http_date(modified, &mut date);
        field(out, b"Last-Modified", &date);
    }
    let (moved_here, elsewhere) = match &local.location {
        Some((location, Target::Here)) => (Some(location), None),
        Some((location, Target::Elsewhere)) => (None, Some(location)),
        None => (None, None),
    };
    if let Some(location) = moved_here {
        field(out, b"Location", location);
    }
    connection(request, &head, out);
    if let Some(location) = elsewhere {
        field(out, b"Location", location);
    }
    if let Some(etag) = &local.etag {
        let weak = if gzip { [b"W/", etag.as_slice()].concat() } else { etag.clone() };
        field(out, b"ETag", &weak);
    }
    if local.status == 405 {
        field(out, b"Allow", b"GET, HEAD");
    }
    added(request, &head, means, out);
    if let Some(range) = &local.content_range {
        field(out, b"Content-Range", range);
    } else if local.accept_ranges && !gzip && local.status == 200 {
        field(out, b"Accept-Ranges", b"bytes");
    }
    out.extend_from_slice(b"\r\n\r\n");
    let no_body = request.method == Method::Head || framing == Framing::None;
    match (no_body, gzip) {
        (true, _) => BodyWriter::plain(Framing::None),
        (false, true) => gzip_writer(request, framing),
        (false, false) => BodyWriter::plain(framing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    #[test]
    fn what_is_compressed_unpacks() {
        let mut writer = BodyWriter { framing: Framing::Close, gzip: Some(Box::new(Gzip::new(1))) };
        let (mut out, mut data) = (Vec::new(), Vec::new());
        for i in 0..2000u32 {
            let piece = format!("line {i} of something {}\n", i.wrapping_mul(2_654_435_761));
            writer.write(piece.as_bytes(), &mut out);
            data.extend_from_slice(piece.as_bytes());
        }
        writer.finish(&mut out);
        assert!(out.len() < data.len());
        let mut unpacked = Vec::new();
        flate2::read::GzDecoder::new(out.as_slice()).read_to_end(&mut unpacked).unwrap();
        assert_eq!(unpacked, data);
    }

    #[test]
    fn accept_encoding() {
        for yes in ["gzip", "deflate, gzip;q=0.5", "*", "GZIP;q=1.0", "br, *;q=0.1"] {
            assert!(accepts_gzip(yes.as_bytes()), "{yes}");
        }
        for no in ["", "gzip;q=0", "gzip;q=0.0, *", "br", "*;q=0", "xgzip"] {
            assert!(!accepts_gzip(no.as_bytes()), "{no}");
        }
    }
}
