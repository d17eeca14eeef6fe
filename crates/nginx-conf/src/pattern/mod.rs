//! Regular expressions: PCRE as configurations write it, run by two engines.
//!
//! Most expressions run in linear time (`regex`); those with look-around, back-references, atomic
//! or possessive parts run by backtracking with a limit (`fancy-regex`). Where the engines read
//! something differently from PCRE, the expression is translated first.

mod translate;

pub(crate) use translate::group_names;

use crate::model::Pattern;
use std::fmt;
use std::ops::Range;
use translate::Translated;

/// Steps a backtracking match may take before it is given up.
const BACKTRACK_LIMIT: usize = 1_000_000;

/// A compiled expression.
#[derive(Clone, Debug)]
pub struct Expression {
    engine: Engine,
}

#[derive(Clone, Debug)]
enum Engine {
    Linear(regex::bytes::Regex),
    Backtracking(fancy_regex::Regex),
}

/// Why an expression did not compile or match.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PatternError {
    /// The operator's: it is not an expression, or uses what neither engine has.
    Syntax(String),
    /// The operator's: it went through too many possibilities on this text.
    Runaway,
}

impl fmt::Display for PatternError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PatternError::Syntax(what) => f.write_str(what),
            PatternError::Runaway => write!(f, "gave up after {BACKTRACK_LIMIT} steps of backtracking"),
        }
    }
}

impl std::error::Error for PatternError {}

impl Pattern {
    /// Compiles the expression.
    ///
    /// # Errors
    /// It is not an expression, or uses what neither engine has.
    pub fn compile(&self) -> Result<Expression, PatternError> {
        let mut names = group_names(&self.source);
        names.sort_unstable();
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(PatternError::Syntax(format!("two groups are named \"{}\"", pair[0])));
        }
        let Translated { linear, backtracking } = Translated::new(&self.source);
        if let Some(linear) = linear {
            // ASCII classes and single bytes as in nginx; a class with letters beyond ASCII needs
            // the other mode.
            for unicode in [false, true] {
                let built = regex::bytes::RegexBuilder::new(&linear)
                    .unicode(unicode)
                    .case_insensitive(self.caseless)
                    .build();
                if let Ok(regex) = built {
                    return Ok(Expression { engine: Engine::Linear(regex) });
                }
            }
        }
        fancy_regex::RegexBuilder::new(&backtracking)
            .bytes_mode(fancy_regex::BytesMode::Ascii)
            .case_insensitive(self.caseless)
            .backtrack_limit(BACKTRACK_LIMIT)
            .build()
            .map(|regex| Expression { engine: Engine::Backtracking(regex) })
            .map_err(|error| PatternError::Syntax(one_line(&error.to_string())))
    }
}

/// The last line of an engine's message, which holds the reason.
fn one_line(message: &str) -> String {
    let line = message.lines().rfind(|line| !line.trim().is_empty()).unwrap_or(message);
    line.trim().trim_start_matches("error: ").to_owned()
}

impl Expression {
    /// Whether it matches somewhere in the text.
    ///
    /// # Errors
    /// [`PatternError::Runaway`].
    pub fn is_match(&self, text: &[u8]) -> Result<bool, PatternError> {
        match &self.engine {
            Engine::Linear(regex) => Ok(regex.is_match(text)),
            Engine::Backtracking(regex) => regex.is_match(text).map_err(|_| PatternError::Runaway),
        }
    }

    /// Where each group of the first match is, the whole match first; `None` when it does not match.
    ///
    /// # Errors
    /// [`PatternError::Runaway`].
    pub fn captures(&self, text: &[u8]) -> Result<Option<Vec<Option<Range<usize>>>>, PatternError> {
        match &self.engine {
            Engine::Linear(regex) => Ok(regex
                .captures(text)
                .map(|captures| captures.iter().map(|group| group.map(|group| group.range())).collect())),
            Engine::Backtracking(regex) => {
                let captures = regex.captures(text).map_err(|_| PatternError::Runaway)?;
                Ok(captures
                    .map(|captures| captures.iter().map(|group| group.map(|group| group.range())).collect()))
            }
        }
    }

    /// Index of a named group.
    pub fn group(&self, name: &str) -> Option<usize> {
        match &self.engine {
            Engine::Linear(regex) => regex.capture_names().position(|other| other == Some(name)),
            Engine::Backtracking(regex) => regex.capture_names().position(|other| other == Some(name)),
        }
    }

    /// Whether it may backtrack, so that its time is not linear in the text's length.
    pub fn backtracks(&self) -> bool {
        matches!(self.engine, Engine::Backtracking(_))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(source: &str) -> Pattern {
        Pattern { source: source.to_owned(), caseless: false, names: Vec::new() }
    }

    fn matches(source: &str, text: &[u8]) -> bool {
        pattern(source).compile().unwrap().is_match(text).unwrap()
    }

    #[test]
    fn plain_expressions_are_linear() {
        for source in [r"\.php$", r"^/(.*)\.(?:jpg|png)$", r"^/x{2}/[\w-]+$", r"^~/\/a\-b_"] {
            assert!(!pattern(source).compile().unwrap().backtracks(), "{source}");
        }
    }

    #[test]
    fn look_around_and_back_references_work() {
        let dot = pattern(r"/\.(?!well-known)").compile().unwrap();
        assert!(dot.backtracks());
        assert!(dot.is_match(b"/.git").unwrap());
        assert!(!dot.is_match(b"/.well-known/x").unwrap());
        assert!(matches(r"^/(\w+)/\1$", b"/a/a"));
        assert!(!matches(r"^/(\w+)/\1$", b"/a/b"));
        assert!(!matches(r"^a++a", b"aaa"));
        assert!(!matches(r"^(?>a+)a", b"aaa"));
    }

    #[test]
    fn dollar_matches_before_a_final_line_feed() {
        assert!(matches(r"\.php$", b"/x.php\n"));
        assert!(!matches(r"\.php$", b"/x.php\n\n"));
        assert!(!matches(r"\.php\z", b"/x.php\n"));
        assert!(matches(r"(?<!a)\.php$", b"/x.php\n"));
    }

    #[test]
    fn pcre_spellings_are_understood() {
        assert!(matches(r"^a\h+b", b"a \tb"));
        assert!(!matches(r"^a\h+b", b"aefb"));
        assert!(matches(r"^[[a]$", b"["));
        assert!(matches(r"^[a&&b]+$", b"&b"));
        assert!(matches(r"^a{b}$", b"a{b}"));
        assert!(matches(r"^a\<b\>$", b"a<b>"));
        assert!(matches(r"^\Qa.b\E.$", b"a.bc"));
        assert!(!matches(r"^\Qa.b\E.$", b"axbc"));
        assert!(matches(r"^a(?#remark)b$", b"ab"));
        assert!(matches(r"^(?'x'a)\k'x'$", b"aa"));
        assert!(matches(r"^.$", b"\xff"));
        assert!(matches(r"^[[:alpha:]]+\e$", b"ab\x1b"));
        assert!(matches("^/é$", "/é".as_bytes()));
    }

    #[test]
    fn groups_are_byte_ranges() {
        let expression = pattern(r"^/(?<year>\d+)(/x)?/(.*)$").compile().unwrap();
        let groups = expression.captures(b"/2024/rest").unwrap().unwrap();
        assert_eq!(groups, vec![Some(0..10), Some(1..5), None, Some(6..10)]);
        assert_eq!(expression.group("year"), Some(1));
        assert_eq!(group_names(r"(?<a>x)(?P<b>y)(?'c'z)(?<!n)(?<=n)[(?<d>]\(?<e>"), ["a", "b", "c"]);
    }

    #[test]
    fn broken_expressions_are_errors() {
        for source in ["(", "a)", "[a", "*a", r"(?<x>a)(?<x>b)"] {
            assert!(pattern(source).compile().is_err(), "{source}");
        }
    }
}
