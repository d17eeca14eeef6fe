//! Findings as text for a person.

use crate::{Diagnostic, Severity, Sources, Span};
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};

/// Whether to use terminal colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    /// Plain text.
    Never,
    /// ANSI escapes.
    Always,
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
    let mut texts: Vec<(String, String)> = Vec::new();
    let marks: Vec<(Span, &str, AnnotationKind)> = diagnostic
        .span
        .iter()
        .map(|span| (*span, diagnostic.label.as_deref().unwrap_or(""), AnnotationKind::Primary))
        .chain(diagnostic.related.iter().map(|(span, what)| (*span, what.as_str(), AnnotationKind::Context)))
        .collect();
    let mut order: Vec<crate::SourceId> = Vec::new();
    for (span, ..) in &marks {
        if !order.contains(&span.source) {
            order.push(span.source);
            let file = sources.file(span.source);
            texts.push((file.path().display().to_string(), same_length_text(file.bytes())));
        }
    }
    let mut group = Group::with_title(level.primary_title(&diagnostic.message).id(diagnostic.id));
    for (source, (path, text)) in order.iter().zip(&texts) {
        let annotations =
            marks.iter().filter(|(span, ..)| span.source == *source).map(|(span, label, kind)| {
                let annotation = kind.span(span.start as usize..span.end as usize);
                if label.is_empty() { annotation } else { annotation.label(*label) }
            });
        group = group.element(Snippet::source(text.as_str()).path(path.as_str()).annotations(annotations));
    }
    for help in &diagnostic.help {
        group = group.element(Level::HELP.message(help));
    }
    let mut text = renderer.render(&[group]).to_string();
    text.push('\n');
    text
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
}
