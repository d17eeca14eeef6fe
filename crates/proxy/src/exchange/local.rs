//! Answers that come from here: texts and files.

use crate::request::Request;
use crate::shared::total;
use std::os::fd::OwnedFd;
use std::rc::Rc;

/// An answer that is ready to be sent.
#[derive(Debug, Default)]
pub(crate) struct Local {
    pub(crate) status: u16,
    pub(crate) media_type: Option<Vec<u8>>,
    pub(crate) body: Vec<Segment>,
    pub(crate) location: Option<(Vec<u8>, Target)>,
    pub(crate) last_modified: Option<i64>,
    pub(crate) etag: Option<Vec<u8>>,
    pub(crate) accept_ranges: bool,
    /// `Content-Range`
    pub(crate) content_range: Option<Vec<u8>>,
    /// A page that is built in: never has validators.
    pub(crate) builtin: bool,
}

/// Where a redirect leads: nginx writes `Location` in another place for its own paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Target {
    Here,
    Elsewhere,
}

/// A stretch of a body.
#[derive(Clone, Debug)]
pub(crate) enum Segment {
    Bytes(Vec<u8>),
    File { file: Rc<OwnedFd>, offset: u64, length: u64 },
}

impl Segment {
    fn len(&self) -> u64 {
        match self {
            Self::Bytes(bytes) => bytes.len() as u64,
            Self::File { length, .. } => *length,
        }
    }
}

impl Local {
    /// An answer without a body.
    pub(super) fn empty(request: &Request, status: u16) -> Self {
        Self { status: final_status(request, status), ..Self::default() }
    }

    /// A text.
    pub(super) fn text(request: &Request, status: u16, media_type: &str, text: Vec<u8>) -> Self {
        Self {
            status: final_status(request, status),
            media_type: Some(with_charset(request, media_type)),
            body: vec![Segment::Bytes(text)],
            ..Self::default()
        }
    }

    /// Length of the body.
    pub(crate) fn length(&self) -> u64 {
        self.body.iter().map(Segment::len).sum()
    }
}

/// The status that an `error_page` is answering for, else the answer's own.
pub(super) fn final_status(request: &Request, own: u16) -> u16 {
    match request.error_status {
        Some(status) if status != 0 => status,
        _ => own,
    }
}

/// Adds the `charset` to the media types that nginx adds it to.
pub(super) fn with_charset(request: &Request, media_type: &str) -> Vec<u8> {
    const TEXTS: [&str; 6] = [
        "text/html",
        "text/xml",
        "text/plain",
        "text/vnd.wap.wml",
        "application/javascript",
        "application/rss+xml",
    ];
    let mut value = media_type.as_bytes().to_vec();
    if let Some(charset) = &request.settings().charset
        && TEXTS.contains(&media_type)
    {
        value.extend_from_slice(b"; charset=");
        value.extend_from_slice(charset.as_bytes());
    }
    value
}

/// `stub_status`
pub(super) fn stub_status(request: &Request) -> Local {
    let counters = &request.site.shared.counters;
    let active = total(counters, |c| &c.active);
    let accepted = total(counters, |c| &c.accepted);
    let requests = total(counters, |c| &c.requests);
    let (writing, waiting) = (total(counters, |c| &c.writing), total(counters, |c| &c.waiting));
    let reading = active.saturating_sub(writing + waiting);
    let text = format!(
        "Active connections: {active} \nserver accepts handled requests\n {accepted} {accepted} {requests} \n\
         Reading: {reading} Writing: {writing} Waiting: {waiting} \n"
    );
    Local::text(request, 200, "text/plain", text.into_bytes())
}

/// The boundary of a `multipart/byteranges` body.
pub(super) fn boundary(seed: u64) -> String {
    format!("{seed:020}")
}
