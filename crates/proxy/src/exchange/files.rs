//! Files: which one a URI names, `index`, `try_files`, conditions and ranges.

use super::local::{boundary, final_status, with_charset};
use super::{Local, Means, Next, Segment, autoindex, redirect};
use crate::clock::Clock;
use crate::log::describe;
use crate::request::Request;
use http1::range::Ranges;
use http1::{Known, Method, conditional, date, range};
use nginx_conf::model::{Fallback, IfModifiedSince, LogLevel, Root, Template};
use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use std::ffi::OsStr;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::rc::Rc;

/// Files up to this size are read and sent together with their head.
const SMALL_FILE: u64 = 16 << 10;

impl Request {
    /// `$document_root`
    pub(crate) fn document_root(&self, clock: &Clock) -> Vec<u8> {
        match &self.settings().root {
            Root::Root(template) | Root::Alias(template) => self.value(template, clock),
        }
    }

    /// `$realpath_root`
    pub(crate) fn realpath_root(&self, clock: &Clock) -> Option<Vec<u8>> {
        let root = self.document_root(clock);
        let real = std::fs::canonicalize(Path::new(OsStr::from_bytes(&root))).ok()?;
        Some(real.into_os_string().as_bytes().to_vec())
    }

    /// The file that a path names here.
    pub(crate) fn file_name(&self, path: &[u8], clock: &Clock) -> Vec<u8> {
        let mut file = self.document_root(clock);
        match (&self.settings().root, &self.location().prefix) {
            (Root::Root(_), _) => file.extend_from_slice(path),
            (Root::Alias(_), Some(prefix)) => {
                file.extend_from_slice(path.get(prefix.len()..).unwrap_or(b""));
            }
            (Root::Alias(_), None) => {}
        }
        file
    }

    /// Whether an alias would be left by what follows the location's prefix (`/i../x`).
    fn leaves_alias(&self, path: &[u8]) -> bool {
        let (Root::Alias(_), Some(prefix)) = (&self.settings().root, &self.location().prefix) else {
            return false;
        };
        let rest = path.get(prefix.len()..).unwrap_or(b"");
        rest.split(|b| *b == b'/').any(|segment| segment == b"..")
    }
}

/// `try_files`; `None` goes on to the content of this location.
pub(super) fn try_files(request: &mut Request, means: &Means<'_>) -> Option<Next> {
    let site = Rc::clone(&request.site);
    let try_files = site.location(request.location).try_files.as_ref()?;
    for (candidate, directory) in &try_files.candidates {
        let mut path = request.value(candidate, means.clock);
        if request.leaves_alias(&path) {
            continue;
        }
        // With `alias`, the location's prefix stands before what is tried.
        let file = match (&request.settings().root, &request.location().prefix) {
            (Root::Alias(_), Some(prefix)) if !path.starts_with(prefix) => {
                let mut file = request.document_root(means.clock);
                file.extend_from_slice(&path);
                let mut whole = prefix.to_vec();
                whole.extend_from_slice(&path);
                path = whole;
                file
            }
            _ => request.file_name(&path, means.clock),
        };
        let found = rustix::fs::stat(OsStr::from_bytes(&file)).is_ok_and(|stat| {
            let kind = FileType::from_raw_mode(stat.st_mode);
            if *directory { kind == FileType::Directory } else { kind == FileType::RegularFile }
        });
        if found {
            if *directory && path.last() != Some(&b'/') {
                path.push(b'/');
            }
            request.changed |= path != request.path;
            request.path = path;
            return None;
        }
    }
    Some(fall_back(request, means, &try_files.fallback))
}

fn fall_back(request: &mut Request, means: &Means<'_>, fallback: &Fallback) -> Next {
    match fallback {
        Fallback::Status(status) => Next::Fail(*status),
        Fallback::Named(name) => {
            request.redirects += 1;
            request.internal = true;
            match request.site.named(request.server, name) {
                Some(location) => Next::Location(location),
                None => Next::Fail(500),
            }
        }
        Fallback::Uri(uri) => {
            let uri = request.value(uri, means.clock);
            internal_redirect(request, &uri)
        }
    }
}

fn internal_redirect(request: &mut Request, uri: &[u8]) -> Next {
    let (path, args) = http1::uri::split_query(uri);
    if let Some(args) = args {
        request.args = args.to_vec();
    }
    request.path = path.to_vec();
    request.changed = true;
    request.redirects += 1;
    request.internal = true;
    Next::Server
}

/// The static handler with `index` and `autoindex`.
pub(super) fn serve(request: &mut Request, means: &Means<'_>) -> Next {
    if !matches!(request.method, Method::Get | Method::Head | Method::Post) {
        return Next::Fail(405);
    }
    if request.leaves_alias(&request.path) {
        means.log(request, LogLevel::Error, "the URI leaves the directory of \"alias\"");
        return Next::Fail(403);
    }
    if request.path.last() == Some(&b'/') {
        return index(request, means);
    }
    let name = request.file_name(&request.path, means.clock);
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let opened = rustix::fs::open(OsStr::from_bytes(&name), flags, Mode::empty())
        .and_then(|file| rustix::fs::fstat(&file).map(|stat| (file, stat)));
    match opened {
        Ok((file, stat)) => match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile if request.method == Method::Post => Next::Fail(405),
            FileType::RegularFile => Next::answer(answer(request, means, file, &stat)),
            FileType::Directory => {
                let mut path = request.path.clone();
                path.push(b'/');
                Next::answer(redirect::to_path(request, 301, &path, means))
            }
            _ => not_served(request, means, &name, Errno::NOENT),
        },
        Err(errno) => not_served(request, means, &name, errno),
    }
}

fn not_served(request: &Request, means: &Means<'_>, name: &[u8], errno: Errno) -> Next {
    let text = format!("open() \"{}\" failed ({})", String::from_utf8_lossy(name), describe(errno));
    match errno {
        Errno::NOENT | Errno::NOTDIR | Errno::NAMETOOLONG => {
            if request.settings().log_not_found {
                means.log(request, LogLevel::Error, &text);
            }
            Next::Fail(404)
        }
        Errno::ACCESS | Errno::LOOP => {
            means.log(request, LogLevel::Error, &text);
            Next::Fail(403)
        }
        _ => {
            means.log(request, LogLevel::Crit, &text);
            Next::Fail(500)
        }
    }
}

fn index(request: &mut Request, means: &Means<'_>) -> Next {
    let site = Rc::clone(&request.site);
    for template in &site.location(request.location).settings.index {
        if let Some(next) = try_index(request, means, template) {
            return next;
        }
    }
    let folder = request.file_name(&request.path, means.clock);
    match rustix::fs::stat(OsStr::from_bytes(&folder)) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Directory => {
            if request.settings().autoindex && request.method != Method::Post {
                return match autoindex::list(request, &folder, means) {
                    Ok(page) => Next::answer(page),
                    Err(_) => Next::Fail(403),
                };
            }
            let text = format!("directory index of \"{}\" is forbidden", String::from_utf8_lossy(&folder));
            means.log(request, LogLevel::Error, &text);
            Next::Fail(403)
        }
        Ok(_) => Next::Fail(404),
        Err(errno) => not_served(request, means, &folder, errno),
    }
}

fn try_index(request: &mut Request, means: &Means<'_>, template: &Template) -> Option<Next> {
    let name = request.value(template, means.clock);
    if name.starts_with(b"/") {
        return Some(internal_redirect(request, &name));
    }
    let mut path = request.path.clone();
    path.extend_from_slice(&name);
    let file = request.file_name(&path, means.clock);
    let stat = rustix::fs::stat(OsStr::from_bytes(&file)).ok()?;
    if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
        return None;
    }
    request.path = path;
    request.changed = true;
    request.redirects += 1;
    request.internal = true;
    Some(Next::Server)
}

fn answer(request: &Request, means: &Means<'_>, file: OwnedFd, stat: &Stat) -> Local {
    let settings = request.settings();
    let media_type = request
        .site
        .media_type(settings.types, &request.path)
        .map_or(settings.default_type.as_str(), |media| media);
    let length = u64::try_from(stat.st_size).unwrap_or(0);
    let modified = stat.st_mtime;
    let mut answer = Local {
        status: final_status(request, 200),
        media_type: (!media_type.is_empty()).then(|| with_charset(request, media_type)),
        last_modified: Some(modified),
        etag: settings.etag.then(|| format!("\"{modified:x}-{length:x}\"").into_bytes()),
        accept_ranges: settings.max_ranges != Some(0),
        ..Local::default()
    };
    if answer.status == 200
        && let Some(status) = condition(request, &answer)
    {
        answer.status = status;
        if status == 412 {
            return super::builtin_page(request, 412);
        }
        answer.accept_ranges = false;
        answer.media_type = None;
        return answer;
    }
    let whole = if length <= SMALL_FILE {
        match read_whole(&file, length) {
            Some(bytes) => Segment::Bytes(bytes),
            None => Segment::File { file: Rc::new(file), offset: 0, length },
        }
    } else {
        Segment::File { file: Rc::new(file), offset: 0, length }
    };
    if answer.status == 200 {
        apply_range(request, means, &mut answer, whole, length);
    } else {
        answer.body = vec![whole];
    }
    answer
}

fn read_whole(file: &OwnedFd, length: u64) -> Option<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(length).ok()?];
    let mut filled = 0;
    while filled < bytes.len() {
        match rustix::io::pread(file, &mut bytes[filled..], filled as u64) {
            Ok(0) | Err(_) => return None,
            Ok(n) => filled += n,
        }
    }
    Some(bytes)
}

/// RFC 9110 §13.2.2: what the request's conditions make of a file.
fn condition(request: &Request, answer: &Local) -> Option<u16> {
    let modified = answer.last_modified?;
    let etag = answer.etag.as_deref().unwrap_or(b"");
    if let Some(list) = request.known(Known::IfMatch) {
        if !conditional::matches(list, etag, true) {
            return Some(412);
        }
    } else if let Some(limit) = request.known(Known::IfUnmodifiedSince).and_then(date::parse_http_date)
        && modified > limit
    {
        return Some(412);
    }
    if let Some(list) = request.known(Known::IfNoneMatch) {
        return conditional::matches(list, etag, false).then_some(304);
    }
    let since = request.known(Known::IfModifiedSince).and_then(date::parse_http_date)?;
    let unchanged = match request.settings().if_modified_since {
        IfModifiedSince::Off => false,
        IfModifiedSince::Exact => modified == since,
        IfModifiedSince::Before => modified <= since,
    };
    unchanged.then_some(304)
}

fn apply_range(request: &Request, means: &Means<'_>, answer: &mut Local, whole: Segment, length: u64) {
    let asked = request.known(Known::Range).filter(|_| answer.accept_ranges && range_holds(request, answer));
    let most = request.settings().max_ranges.unwrap_or(u32::MAX);
    match asked.map(|value| range::parse(value, length, most)) {
        None | Some(Ranges::Ignore) => answer.body = vec![whole],
        Some(Ranges::Unsatisfiable) => {
            *answer = super::builtin_page(request, 416);
            answer.content_range = Some(format!("bytes */{length}").into_bytes());
        }
        Some(Ranges::Parts(parts)) => {
            answer.status = 206;
            match parts.as_slice() {
                [(start, end)] => {
                    answer.content_range = Some(format!("bytes {start}-{}/{length}", end - 1).into_bytes());
                    answer.body = vec![cut(&whole, *start, *end)];
                }
                parts => multipart(answer, &whole, parts, length, means.clock.now().as_nanos() as u64),
            }
        }
    }
}

/// `If-Range` (RFC 9110 §13.1.5).
fn range_holds(request: &Request, answer: &Local) -> bool {
    let Some(validator) = request.known(Known::IfRange) else { return true };
    if validator.starts_with(b"\"") {
        return answer.etag.as_deref().is_some_and(|etag| conditional::matches(validator, etag, true));
    }
    date::parse_http_date(validator).is_some_and(|date| answer.last_modified == Some(date))
}

/// `multipart/byteranges` (RFC 9110 §14.6).
fn multipart(answer: &mut Local, whole: &Segment, parts: &[(u64, u64)], length: u64, seed: u64) {
    let boundary = boundary(seed);
    let media_type = answer.media_type.take().unwrap_or_default();
    for (start, end) in parts {
        let mut head = format!("\r\n--{boundary}\r\n").into_bytes();
        if !media_type.is_empty() {
            head.extend_from_slice(b"Content-Type: ");
            head.extend_from_slice(&media_type);
            head.extend_from_slice(b"\r\n");
        }
        head.extend_from_slice(
            format!("Content-Range: bytes {start}-{}/{length}\r\n\r\n", end - 1).as_bytes(),
        );
        answer.body.push(Segment::Bytes(head));
        answer.body.push(cut(whole, *start, *end));
    }
    answer.body.push(Segment::Bytes(format!("\r\n--{boundary}--\r\n").into_bytes()));
    answer.media_type = Some(format!("multipart/byteranges; boundary={boundary}").into_bytes());
}

fn cut(whole: &Segment, start: u64, end: u64) -> Segment {
    match whole {
        Segment::Bytes(bytes) => {
            Segment::Bytes(bytes.get(start as usize..end as usize).unwrap_or(b"").to_vec())
        }
        Segment::File { file, offset, .. } => {
            Segment::File { file: Rc::clone(file), offset: offset + start, length: end - start }
        }
    }
}
