//! Sources, spans and messages with carets and hints.
//!
//! Every finding about a configuration is a [`Diagnostic`]: a severity, a stable id, the words it
//! is about, what is wrong, and how to mend it. A [`Report`] collects all of them; [`render`] shows
//! them the way a compiler does, with `file:line:column` and a caret.
#![forbid(unsafe_code)]

mod render;
mod source;
mod spelling;

pub use render::{Colour, render};
pub use source::{Position, Source, SourceId, Sources, Span};
pub use spelling::did_you_mean;

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// How much a finding matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; the configuration does what it says.
    Hint,
    /// The configuration works, but perhaps not as its author thinks.
    Warning,
    /// Not understood, not supported or contradictory: a check fails and a reload is refused.
    Error,
}

/// One finding: what is wrong, where, and how to mend it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// How much it matters.
    pub severity: Severity,
    /// A stable, documented name such as `unknown-directive`, for tests and suppressions.
    pub id: &'static str,
    /// What is wrong, in one line without a full stop.
    pub message: String,
    /// The words it is about; `None` when it is about a whole file or about something missing.
    pub span: Option<Span>,
    /// Said beside the caret.
    pub label: Option<String>,
    /// Other places that matter, each with what is to be seen there.
    pub related: Vec<(Span, String)>,
    /// How to mend it; each entry one sentence.
    pub help: Vec<String>,
}

impl Diagnostic {
    fn new(severity: Severity, id: &'static str, span: Option<Span>, message: String) -> Self {
        Self { severity, id, message, span, label: None, related: Vec::new(), help: Vec::new() }
    }

    /// A finding that makes a check fail.
    pub fn error(id: &'static str, span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Self::new(Severity::Error, id, span.into(), message.into())
    }

    /// A finding that does not make a check fail.
    pub fn warning(id: &'static str, span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Self::new(Severity::Warning, id, span.into(), message.into())
    }

    /// Advice.
    pub fn hint(id: &'static str, span: impl Into<Option<Span>>, message: impl Into<String>) -> Self {
        Self::new(Severity::Hint, id, span.into(), message.into())
    }

    /// Adds what is said beside the caret.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = Some(label.into());
        self
    }

    /// Points at another place that matters.
    #[must_use]
    pub fn related(mut self, span: Span, what: impl Into<String>) -> Self {
        self.related.push((span, what.into()));
        self
    }

    /// Adds a sentence on how to mend it.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Adds "did you mean" when one of `candidates` is close to `word`.
    #[must_use]
    pub fn suggest<'a>(self, word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Self {
        match did_you_mean(word, candidates) {
            Some(candidate) => self.help(format!("did you mean `{candidate}`?")),
            None => self,
        }
    }
}

/// All findings of one check, in the order in which they were made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    findings: Vec<Diagnostic>,
    /// Where in the list those of a hash are: a file of a million words may have a finding at each.
    at: HashMap<u64, Vec<usize>>,
}

impl Report {
    /// Adds a finding; the same finding at the same place is kept once.
    pub fn push(&mut self, diagnostic: Diagnostic) {
        let mut hash = DefaultHasher::new();
        (diagnostic.id, diagnostic.span, &diagnostic.message).hash(&mut hash);
        let here = self.at.entry(hash.finish()).or_default();
        if !here.iter().any(|number| self.findings[*number] == diagnostic) {
            here.push(self.findings.len());
            self.findings.push(diagnostic);
        }
    }

    /// Adds all findings of another report.
    pub fn extend(&mut self, other: Report) {
        for finding in other.findings {
            self.push(finding);
        }
    }

    /// The findings, in the order in which they were made.
    pub fn findings(&self) -> &[Diagnostic] {
        &self.findings
    }

    /// Whether any finding is an error.
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// How many findings are of exactly this severity.
    pub fn count(&self, severity: Severity) -> usize {
        self.findings.iter().filter(|f| f.severity == severity).count()
    }
}
