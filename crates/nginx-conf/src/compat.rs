//! The outcome in nginx's own words, for scripts that read them.

use crate::Loaded;
use diagnostic::{Diagnostic, Severity, Span};
use std::path::Path;

/// What `nginx -t` writes: warnings, the first error in reading order, and the verdict.
pub fn test_lines(loaded: &Loaded, path: &Path) -> Vec<String> {
    let mut lines: Vec<String> = loaded
        .report
        .findings()
        .iter()
        .filter(|finding| finding.severity == Severity::Warning)
        .map(|finding| line(loaded, finding))
        .collect();
    match first_error(loaded) {
        Some(error) => {
            lines.push(line(loaded, error));
            lines.push(format!("nginx: configuration file {} test failed", path.display()));
        }
        None => {
            lines.push(format!("nginx: the configuration file {} syntax is ok", path.display()));
            lines.push(format!("nginx: configuration file {} test is successful", path.display()));
        }
    }
    lines
}

/// The error that nginx, which stops at the first, would have met first.
pub fn first_error(loaded: &Loaded) -> Option<&Diagnostic> {
    loaded
        .report
        .findings()
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .min_by_key(|finding| finding.span.map_or_else(|| vec![u32::MAX], |span| place(loaded, span)))
}

/// One finding as nginx words it: `nginx: [emerg] … in FILE:LINE`.
pub fn line(loaded: &Loaded, finding: &Diagnostic) -> String {
    let level = match finding.severity {
        Severity::Error => "emerg",
        Severity::Warning => "warn",
        Severity::Hint => "notice",
    };
    let message = match (finding.id, finding.span) {
        ("wrong-context", Some(span)) => {
            format!("\"{}\" directive is not allowed here", words(loaded, span))
        }
        // nginx without the module that brings it knows no such word.
        ("unsupported-directive", Some(span)) => format!("unknown directive \"{}\"", words(loaded, span)),
        _ => finding.message.clone(),
    };
    // nginx resolves variables after it has read everything, and no longer knows where they were.
    match finding.span.filter(|_| finding.id != "unknown-variable") {
        Some(span) => {
            let file = loaded.sources.file(span.source);
            let line = loaded.sources.line(span);
            format!("nginx: [{level}] {message} in {}:{line}", file.path().display())
        }
        None => format!("nginx: [{level}] {message}"),
    }
}

fn words(loaded: &Loaded, span: Span) -> String {
    String::from_utf8_lossy(loaded.sources.bytes(span)).into_owned()
}

/// Where a span comes in reading order: offsets of the includes that lead to it, then its own.
fn place(loaded: &Loaded, span: Span) -> Vec<u32> {
    let mut offsets = vec![span.start];
    let mut source = span.source;
    while let Some(include) = loaded.included_at.get(&source) {
        offsets.push(include.start);
        source = include.source;
        if offsets.len() > 1000 {
            break;
        }
    }
    // The text of `-g` is read before the main file.
    offsets.push(u32::from(loaded.sources.file(source).path().as_os_str() != "-g"));
    offsets.reverse();
    offsets
}
