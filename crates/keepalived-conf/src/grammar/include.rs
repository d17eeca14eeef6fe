//! `include GLOB`, the stricter `includer`, `includem`, `includew`, `includeb`, `includea`, and
//! `include_check`, which makes all that follow as strict.

use super::text::{Text, is_blank};
use diagnostic::{Diagnostic, Report, Span};
use std::path::Path;

/// What inclusions insist on beside what is an error always: a file that is named has to be there, and
/// every file that matches has to be readable.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Check {
    /// What wildcards match is files, neither directories nor programs (all but `include`, `readable`).
    pub(crate) files_only: bool,
    /// A pattern with wildcards matches (`includew`, `includea`, `wildcard_match`).
    pub(crate) wildcard: bool,
    /// Each alternative in `{a,b}` matches (`includeb`, `includea`, `brace_match`).
    pub(crate) each_brace: bool,
}

impl Check {
    const ALL: Self = Self { files_only: true, wildcard: true, each_brace: true };

    /// What either insists on.
    fn or(self, other: Self) -> Self {
        Self {
            files_only: self.files_only || other.files_only,
            wildcard: self.wildcard || other.wildcard,
            each_brace: self.each_brace || other.each_brace,
        }
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
                    *self = Self { files_only: true, ..Self::default() };
                    (kind, true)
                }
            };
            match kind {
                b"wildcard_match" => self.wildcard = on,
                b"brace_match" => self.each_brace = on,
                b"read" | b"readable" => self.files_only = on,
                // This is an error always.
                b"match" => {}
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
        let message = format!("no file matches `{}`", pattern.display());
        if self.wants_each() || self.check.wildcard || !self.has_wildcards() {
            Diagnostic::error("include-missing", self.span, message)
        } else {
            Diagnostic::warning("include-missing", self.span, message)
        }
        .help("paths are taken from the directory of the file that includes them")
    }

    /// The finding when something that matches is no configuration.
    pub(crate) fn passed_over(&self, path: &Path, what: &str) -> Diagnostic {
        let message = format!("`{}` is {what}: it is passed over", path.display());
        if self.check.files_only || !self.has_wildcards() {
            Diagnostic::error("include-no-file", self.span, message)
        } else {
            Diagnostic::warning("include-no-file", self.span, message)
        }
        .help("only regular files that are not executable are included")
    }

    fn has_wildcards(&self) -> bool {
        self.pattern.contains(['*', '?', '['])
    }
}

/// Reads a line as an inclusion if it is one.
pub(crate) fn read(line: &Text) -> Option<Inclusion> {
    let bytes = line.bytes();
    let word = bytes.iter().position(|b| is_blank(*b))?;
    let check = match &bytes[..word] {
        b"include" => Check::default(),
        b"includer" | b"includem" => Check { files_only: true, ..Check::default() },
        b"includew" => Check { each_brace: false, ..Check::ALL },
        b"includeb" => Check { wildcard: false, ..Check::ALL },
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

/// The alternatives of `{a,b}`, which may be nested as in csh: `{a/{,b,c},d}`. More braces than a few
/// stay as written, as do those of what is longer than a path.
pub(crate) fn braces(pattern: &str) -> Vec<String> {
    let mut made = Vec::new();
    expand(pattern.to_owned(), if pattern.len() < PATH_MAX { MOST_CHOICES } else { 0 }, &mut made);
    made
}

fn expand(pattern: String, choices: usize, made: &mut Vec<String>) {
    if made.len() >= MOST_ALTERNATIVES {
        return;
    }
    match choice(&pattern).filter(|_| choices > 0) {
        Some((before, alternatives, after)) => {
            for alternative in alternatives {
                expand(format!("{before}{alternative}{after}"), choices - 1, made);
            }
        }
        None => made.push(pattern),
    }
}

/// What stands before the first choice, what may be chosen, and what stands behind it.
fn choice(pattern: &str) -> Option<(&str, Vec<&str>, &str)> {
    let (mut depth, mut open, mut start, mut escaped) = (0_usize, 0, 0, false);
    let mut alternatives = Vec::new();
    for (at, byte) in pattern.bytes().enumerate() {
        match byte {
            _ if escaped => {}
            b'{' => {
                if depth == 0 {
                    (open, start) = (at, at + 1);
                }
                depth += 1;
            }
            b',' if depth == 1 => {
                alternatives.push(&pattern[start..at]);
                start = at + 1;
            }
            b'}' if depth == 1 => {
                alternatives.push(&pattern[start..at]);
                return Some((&pattern[..open], alternatives, &pattern[at + 1..]));
            }
            b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        escaped = byte == b'\\' && !escaped;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::braces;

    #[test]
    fn choices_are_those_of_csh() {
        assert_eq!(braces("a.conf"), ["a.conf"]);
        assert_eq!(braces("{a,b}{c,d}"), ["ac", "ad", "bc", "bd"]);
        assert_eq!(braces("{foo/{,cat,dog},bar}"), ["foo/", "foo/cat", "foo/dog", "bar"]);
        assert_eq!(braces("a{b"), ["a{b"]);
        assert_eq!(braces("a}{b,c}"), ["a}b", "a}c"]);
        assert_eq!(braces(r"\{a,b}"), [r"\{a,b}"]);
        assert_eq!(braces(&"{a,b}".repeat(30)).len(), 64);
        assert_eq!(braces(&"{".repeat(5000)).len(), 1);
    }
}
