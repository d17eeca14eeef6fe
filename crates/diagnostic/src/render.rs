//! Findings as text for a person.

use crate::{Diagnostic, Severity, SourceId, Sources, Span};
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use std::ops::Range;

/// Whether to use terminal colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    Never,
    /// ANSI escapes.
    Always,
}

/// Lines that are shown before and after those that a finding is about.
const LINES_AROUND: usize = 1;

/// What is marked in one file: the stretch of it that is shown, with the places in that stretch.
struct Excerpt<'a> {
    path: String,
    text: String,
    first_line: usize,
    marks: Vec<(Range<usize>, &'a str, AnnotationKind)>,
}

/// Shows one finding with its source lines, carets and help, ending in a newline.
pub fn render(diagnostic: &Diagnostic, sources: &Sources, colour: Colour) -> String {
    let renderer = match colour {
        Colour::Never => Renderer::plain(),
        Colour::Always => Renderer::styled(),
    };
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Hint => Level::INFO.with_name("hint"),
    };
    let excerpts = excerpts(diagnostic, sources);
    let mut group = Group::with_title(level.primary_title(&diagnostic.message).id(diagnostic.id));
    for excerpt in &excerpts {
        let annotations = excerpt.marks.iter().map(|(range, label, kind)| {
            let annotation = kind.span(range.clone());
            if label.is_empty() { annotation } else { annotation.label(*label) }
        });
        let snippet = Snippet::source(excerpt.text.as_str())
            .path(excerpt.path.as_str())
            .line_start(excerpt.first_line)
            .annotations(annotations);
        group = group.element(snippet);
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(help));
    }
    let mut text = renderer.render(&[group]).to_string();
    text.push('\n');
    text
}

/// One excerpt for each file that the finding points into, the primary place's file first.
fn excerpts<'a>(diagnostic: &'a Diagnostic, sources: &Sources) -> Vec<Excerpt<'a>> {
    let primary = diagnostic
        .span
        .iter()
        .map(|span| (*span, diagnostic.label.as_deref().unwrap_or(""), AnnotationKind::Primary));
    let related =
        diagnostic.related.iter().map(|(span, what)| (*span, what.as_str(), AnnotationKind::Context));
    let marks: Vec<(Span, &str, AnnotationKind)> = primary.chain(related).collect();
    let mut order: Vec<SourceId> = Vec::new();
    for (span, ..) in &marks {
        if !order.contains(&span.source) {
            order.push(span.source);
        }
    }
    order
        .into_iter()
        .map(|source| {
            let here: Vec<_> = marks.iter().filter(|(span, ..)| span.source == source).collect();
            let file = sources.file(source);
            let first = here.iter().map(|(span, ..)| span.start as usize).min().unwrap_or(0);
            let last = here.iter().map(|(span, ..)| span.end as usize).max().unwrap_or(0);
            let shown = file.lines_around(first..last, LINES_AROUND);
            let text = same_length_text(&file.bytes()[shown.clone()]);
            let within = |at: u32| text.floor_char_boundary((at as usize).saturating_sub(shown.start));
            let marks = here
                .iter()
                .map(|(span, label, kind)| (within(span.start)..within(span.end), *label, *kind))
                .collect();
            let first_line = file.line(shown.start);
            Excerpt { path: file.path().display().to_string(), first_line, marks, text }
        })
        .collect()
}

/// Text in which each byte that is not UTF-8 is one `?`, so that offsets stay true.
fn same_length_text(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        text.extend(std::iter::repeat_n('?', chunk.invalid().len()));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_place_caret_and_help() {
        let mut sources = Sources::default();
        let id = sources.add("k.conf", b"vrrp_instance VI_1 {\n    priorty 100 # \xff\n}\n".to_vec());
        let span = Span { source: id, start: 25, end: 32 };
        let finding =
            Diagnostic::error("unknown-keyword", span, "unknown keyword `priorty` in vrrp_instance")
                .suggest("priorty", ["priority"]);
        let text = render(&finding, &sources, Colour::Never);
        assert!(text.contains("error[unknown-keyword]: unknown keyword `priorty`"), "{text}");
        assert!(text.contains("k.conf:2:5"), "{text}");
        assert!(text.contains("^^^^^^^"), "{text}");
        assert!(text.contains("did you mean `priority`?"), "{text}");
    }

    #[test]
    fn a_place_deep_in_a_file_keeps_its_line_number() {
        let mut sources = Sources::default();
        let text = "line\n".repeat(999) + "here\n" + &"line\n".repeat(999);
        let id = sources.add("long.conf", text.into_bytes());
        let span = Span { source: id, start: 999 * 5, end: 999 * 5 + 4 };
        let shown = render(&Diagnostic::error("x", span, "wrong"), &sources, Colour::Never);
        assert!(shown.contains("long.conf:1000:1"), "{shown}");
        assert!(shown.contains("1000 | here"), "{shown}");
    }

    #[test]
    fn a_span_that_cuts_a_character_is_shown_all_the_same() {
        let mut sources = Sources::default();
        let id = sources.add("k.conf", "主\n".as_bytes().to_vec());
        for (start, end) in [(0, 1), (1, 2), (2, 3), (1, 9), (4, 4)] {
            let span = Span { source: id, start, end };
            assert!(
                render(&Diagnostic::error("x", span, "wrong"), &sources, Colour::Never).contains("wrong")
            );
        }
    }
}
