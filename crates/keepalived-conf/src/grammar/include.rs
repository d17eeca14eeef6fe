//! `include GLOB`, the stricter `includer`, `includem`, `includew`, `includeb`, `includea`, and
//! `include_check`, which makes all that follow as strict.

use super::text::{Text, is_blank};
use diagnostic::{Diagnostic, Report, Span};
use std::path::Path;

/// What inclusions insist on beside what is an error always: a file that is named has to be there, and
/// every file that matches has to be readable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Check {
    /// A pattern with wildcards matches (`includew`, `includea`, `wildcard_match`).
    pub(crate) wildcard: bool,
    /// Each alternative in `{a,b}` matches (`includeb`, `includea`, `brace_match`).
    pub(crate) each_brace: bool,
}

impl Check {
    const ALL: Self = Self { wildcard: true, each_brace: true };

    /// What either insists on.
    fn or(self, other: Self) -> Self {
        Self { wildcard: self.wildcard || other.wildcard, each_brace: self.each_brace || other.each_brace }
    }

    /// Takes `include_check [KIND] [+KIND] [-KIND] …` if the line is one.
    pub(crate) fn obey(&mut self, line: &Text, report: &mut Report) {
        let mut words = words(line);
        if words.next().is_none_or(|(word, _)| word != b"include_check") {
            return;
        }
        let kinds: Vec<_> = words.collect();
        if kinds.is_empty() {
            *self = Self::ALL;
        }
        for (index, (word, span)) in kinds.into_iter().enumerate() {
            let (kind, on) = match word {
                [b'+', kind @ ..] => (kind, true),
                [b'-', kind @ ..] => (kind, false),
                _ if index > 0 => {
                    let message = "only the first word stands without `+` or `-`: this one is ignored";
                    report.push(Diagnostic::error("invalid-value", span, message));
                    continue;
                }
                kind => {
                    *self = Self::default();
                    (kind, true)
                }
            };
            match kind {
                b"wildcard_match" => self.wildcard = on,
                b"brace_match" => self.each_brace = on,
                // These are errors always.
                b"read" | b"readable" | b"match" => {}
                _ => {
                    let message = format!("`{}` is no check of include", String::from_utf8_lossy(kind));
                    report.push(
                        Diagnostic::error("invalid-value", span, message)
                            .help("there are readable, match, wildcard_match and brace_match"),
                    );
                }
            }
        }
    }
}

/// The words of a line, with their places.
fn words(line: &Text) -> impl Iterator<Item = (&[u8], Option<Span>)> {
    let bytes = line.bytes();
    let mut at = 0;
    std::iter::from_fn(move || {
        let start = at + bytes[at..].iter().position(|byte| !is_blank(*byte))?;
        at = bytes[start..].iter().position(|byte| is_blank(*byte)).map_or(bytes.len(), |end| start + end);
        Some((&bytes[start..at], line.span(start..at)))
    })
}

/// An `include` line.
#[derive(Debug)]
pub(crate) struct Inclusion {
    /// The pattern as written.
    pub(crate) pattern: String,
    /// Its place.
    pub(crate) span: Span,
    /// What is to be an error.
    check: Check,
}

impl Inclusion {
    /// The same where so much is insisted on.
    pub(crate) fn stricter(self, check: Check) -> Self {
        Self { check: self.check.or(check), ..self }
    }

    /// Whether every alternative in its braces has to match.
    pub(crate) fn wants_each(&self) -> bool {
        self.check.each_brace && braces(&self.pattern).len() > 1
    }

    /// The finding when no file matches.
    pub(crate) fn missing(&self, pattern: &Path) -> Diagnostic {
        let wildcard = self.pattern.contains(['*', '?', '[']);
        let message = format!("no file matches `{}`", pattern.display());
        if self.wants_each() || self.check.wildcard || !wildcard {
            Diagnostic::error("include-missing", self.span, message)
        } else {
            Diagnostic::warning("include-missing", self.span, message)
        }
        .help("paths are taken from the directory of the file that includes them")
    }
}

/// Reads a line as an inclusion if it is one.
pub(crate) fn read(line: &Text) -> Option<Inclusion> {
    let bytes = line.bytes();
    let word = bytes.iter().position(|b| is_blank(*b))?;
    let check = match &bytes[..word] {
        b"include" | b"includer" | b"includem" => Check::default(),
        b"includew" => Check { wildcard: true, ..Check::default() },
        b"includeb" => Check { each_brace: true, ..Check::default() },
        b"includea" => Check::ALL,
        _ => return None,
    };
    let start = word + bytes[word..].iter().take_while(|b| is_blank(**b)).count();
    let text = String::from_utf8_lossy(&bytes[start..]).into_owned();
    let pattern = text.trim().trim_matches('"').to_owned();
    let span = line.span(start..line.len())?;
    (!pattern.is_empty()).then_some(Inclusion { pattern, span, check })
}

/// Paths that Linux takes have less bytes than this.
const PATH_MAX: usize = 4096;
/// Alternatives that one inclusion may have.
const MOST_ALTERNATIVES: usize = 64;
/// Choices between alternatives that it may have.
const MOST_CHOICES: usize = 8;

/// The alternatives of `{a,b}`, one level of it. More braces than a few stay as written, as do those of
/// what is longer than a path.
pub(crate) fn braces(pattern: &str) -> Vec<String> {
    let mut made = vec![String::new()];
    let mut rest = pattern;
    for _ in 0..if pattern.len() < PATH_MAX { MOST_CHOICES } else { 0 } {
        let Some((before, opened)) = rest.split_once('{') else { break };
        let Some((choices, after)) = opened.split_once('}') else { break };
        let with = |head: &String| -> Vec<String> {
            choices.split(',').map(|choice| format!("{head}{before}{choice}")).collect()
        };
        made = made.iter().flat_map(with).take(MOST_ALTERNATIVES).collect();
        rest = after;
    }
    made.iter_mut().for_each(|path| path.push_str(rest));
    made
}
