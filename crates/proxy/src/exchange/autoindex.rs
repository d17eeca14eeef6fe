//! `autoindex`: a page that lists a directory.

use super::{Local, Means};
use crate::request::Request;
use http1::date::{Civil, MONTHS};
use http1::uri::{Escape, escape};
use std::ffi::OsStr;
use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;

struct Entry {
    name: Vec<u8>,
    directory: bool,
    modified: i64,
    size: u64,
}

/// Columns of the listing, as wide as nginx's.
const NAME_WIDTH: usize = 50;

/// Lists a directory: sub-directories first, hidden entries left out.
pub(super) fn list(request: &Request, folder: &[u8], means: &Means<'_>) -> std::io::Result<Local> {
    let mut entries = Vec::new();
    for entry in std::fs::read_dir(OsStr::from_bytes(folder))? {
        let entry = entry?;
        let name = entry.file_name().as_bytes().to_vec();
        if name.starts_with(b".") {
            continue;
        }
        // A link that leads nowhere is not listed.
        let Ok(metadata) = std::fs::metadata(entry.path()) else { continue };
        let (directory, modified, size) = (metadata.is_dir(), metadata.mtime(), metadata.len());
        entries.push(Entry { name, directory, modified, size });
    }
    entries.sort_by(|a, b| b.directory.cmp(&a.directory).then_with(|| a.name.cmp(&b.name)));
    let path = html(&String::from_utf8_lossy(&request.path));
    let mut page = format!(
        "<html>\r\n<head><title>Index of {path}</title></head>\r\n<body>\r\n<h1>Index of {path}</h1><hr><pre>\
         <a href=\"../\">../</a>\r\n"
    );
    let offset = if request.settings().autoindex_localtime { means.clock.offset() } else { 0 };
    for entry in &entries {
        line(request, entry, offset, &mut page);
    }
    page += "</pre><hr></body>\r\n</html>\r\n";
    Ok(Local::text(request, 200, "text/html", page.into_bytes()))
}

fn line(request: &Request, entry: &Entry, offset: i64, page: &mut String) {
    let slash = if entry.directory { "/" } else { "" };
    let mut link = Vec::new();
    escape(&entry.name, Escape::Component, &mut link);
    let name = String::from_utf8_lossy(&entry.name);
    let full = format!("{name}{slash}");
    let shown: String = if full.chars().count() > NAME_WIDTH {
        full.chars().take(NAME_WIDTH - 3).chain("..>".chars()).collect()
    } else {
        full.clone()
    };
    let padding = NAME_WIDTH.saturating_sub(shown.chars().count());
    let t = Civil::from_seconds(entry.modified + offset);
    let size = match (entry.directory, request.settings().autoindex_exact_size) {
        (true, _) => "-".to_owned(),
        (false, true) => entry.size.to_string(),
        (false, false) => human_size(entry.size),
    };
    let width = if request.settings().autoindex_exact_size { 19 } else { 7 };
    // Writing to a string cannot fail.
    let _ = write!(
        page,
        "<a href=\"{}{slash}\">{}</a>{:padding$} {:02}-{}-{} {:02}:{:02} {size:>width$}\r\n",
        html(&String::from_utf8_lossy(&link)),
        html(&shown),
        "",
        t.day,
        MONTHS[t.month as usize - 1],
        t.year,
        t.hour,
        t.minute,
    );
}

fn human_size(size: u64) -> String {
    match size {
        0..=9999 => size.to_string(),
        10_000..=1_048_575 => format!("{}K", size.div_ceil(1 << 10)),
        1_048_576..=1_073_741_823 => format!("{}M", size.div_ceil(1 << 20)),
        _ => format!("{}G", size.div_ceil(1 << 30)),
    }
}

fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
