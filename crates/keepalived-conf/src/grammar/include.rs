//! `include GLOB` and the stricter `includer`, `includem`, `includew`, `includeb`, `includea`.

use super::text::{Text, is_blank};
use diagnostic::{Diagnostic, Span};
use std::path::Path;

/// What an inclusion insists on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Check {
    /// At least one file matches (`includem`, `includea`).
    pub(crate) matches: bool,
    /// So does a pattern with wildcards (`includew`, `includea`).
    pub(crate) wildcard: bool,
    /// Each alternative in `{a,b}` matches (`includeb`, `includea`).
    pub(crate) each_brace: bool,
}

/// An `include` line.
#[derive(Debug)]
pub(crate) struct Inclusion {
    /// The pattern as written.
    pub(crate) pattern: String,
    /// Its place.
    pub(crate) span: Span,
    /// What is to be an error.
    pub(crate) check: Check,
}

impl Inclusion {
    /// The finding when no file matches.
    pub(crate) fn missing(&self, pattern: &Path) -> Diagnostic {
        let wildcard = self.pattern.contains(['*', '?', '[']);
        let message = format!("no file matches `{}`", pattern.display());
        let strict = self.check.matches || self.check.each_brace || (wildcard && self.check.wildcard);
        if strict || !wildcard {
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
        b"include" | b"includer" => Check::default(),
        b"includem" => Check { matches: true, ..Check::default() },
        b"includew" => Check { matches: true, wildcard: true, ..Check::default() },
        b"includeb" => Check { each_brace: true, ..Check::default() },
        b"includea" => Check { matches: true, wildcard: true, each_brace: true },
        _ => return None,
    };
    let start = word + bytes[word..].iter().take_while(|b| is_blank(**b)).count();
    let text = String::from_utf8_lossy(&bytes[start..]).into_owned();
    let pattern = text.trim().trim_matches('"').to_owned();
    let span = line.span(start..line.len())?;
    (!pattern.is_empty()).then_some(Inclusion { pattern, span, check })
}

/// The alternatives of one level of `{a,b}`; at most 64, more braces stay as written.
pub(crate) fn braces(pattern: &str) -> Vec<String> {
    let Some((before, rest)) = pattern.split_once('{') else { return vec![pattern.to_owned()] };
    let Some((inner, after)) = rest.split_once('}') else { return vec![pattern.to_owned()] };
    let tails = braces(after);
    inner
        .split(',')
        .flat_map(|choice| tails.iter().map(move |tail| format!("{before}{choice}{tail}")))
        .take(64)
        .collect()
}
