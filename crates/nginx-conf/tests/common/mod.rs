//! Configurations in memory.
#![allow(dead_code, missing_docs, clippy::unwrap_used)]

use nginx_conf::model::{Config, Http, Location, Matcher};
use nginx_conf::{Environment, Loaded, Memory, Offline, load};
use std::path::Path;

pub(crate) fn load_files(files: &Memory) -> Loaded {
    let environment = Environment { files, resolver: &Offline, ..Environment::system(true) };
    load(Path::new("/etc/nginx/nginx.conf"), &environment)
}

pub(crate) fn load_text(text: impl Into<Vec<u8>>) -> Loaded {
    load_files(&Memory::default().with("/etc/nginx/nginx.conf", text))
}

/// Each finding as `id line:column words`.
pub(crate) fn findings(loaded: &Loaded) -> Vec<String> {
    let show = |finding: &diagnostic::Diagnostic| match finding.span {
        Some(span) => {
            let at = loaded.sources.position(span);
            let words = String::from_utf8_lossy(loaded.sources.bytes(span));
            format!("{} {}:{} {words}", finding.id, at.line, at.column)
        }
        None => finding.id.to_owned(),
    };
    loaded.report.findings().iter().map(show).collect()
}

pub(crate) fn config(text: &str) -> Config {
    let loaded = load_text(text);
    assert!(loaded.config.is_some(), "{:#?}", findings(&loaded));
    loaded.config.unwrap()
}

/// The `http` block of a text that is its inside.
pub(crate) fn http(inside: &str) -> Http {
    config(&format!("events {{ }} http {{ {inside} }}")).http.unwrap()
}

/// The findings of an `http` block, which stands on lines of its own.
pub(crate) fn http_findings(inside: &str) -> Vec<String> {
    findings(&load_text(format!("events {{ }} http {{\n{inside}\n}}")))
}

/// The location of a server with this prefix.
pub(crate) fn prefix<'h>(locations: &'h [Location], prefix: &str) -> &'h Location {
    locations.iter().find(|location| location.matcher == Matcher::Prefix(prefix.into())).unwrap()
}
