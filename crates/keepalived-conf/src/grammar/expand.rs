//! Everything that is textual: `include`, `@id` conditions, definitions, generators.

use super::include::{self, Check, Inclusion};
use super::lines::{self, Line};
use super::sequence::{Round, generator};
use super::text::{Text, is_blank};
use super::variables::{Definitions, MAX_LINE, definition};
use crate::{Environment, Files};
use diagnostic::{Diagnostic, Report, Sources, Span};
use std::path::{Path, PathBuf};

/// Bytes that substitution and generators may produce in all: far above any real configuration,
/// far below what a few lines of `$A=$B$B` would ask for.
const MAX_EXPANDED: usize = 16 << 20;
/// Files read in all: ends cycles that no comparison of paths finds.
const MAX_FILES: usize = 4096;
/// Substitutions within substitutions, generators within generators.
const MAX_DEPTH: usize = 32;

/// Reads a file and all it includes into plain lines.
pub(crate) struct Expansion<'a> {
    files: &'a dyn Files,
    sources: &'a mut Sources,
    report: &'a mut Report,
    config_id: &'a str,
    definitions: Definitions<'a>,
    /// Files being read, outermost first.
    open: Vec<PathBuf>,
    /// `include_check`: that of an included file ends with it.
    check: Check,
    budget: usize,
    /// The result.
    pub(crate) lines: Vec<Text>,
}

impl<'a> Expansion<'a> {
    pub(crate) fn new(
        files: &'a dyn Files,
        environment: &'a Environment,
        sources: &'a mut Sources,
        report: &'a mut Report,
    ) -> Self {
        Self {
            files,
            sources,
            report,
            config_id: environment.effective_config_id(),
            definitions: Definitions::new(environment),
            open: Vec::new(),
            check: Check::default(),
            budget: MAX_EXPANDED,
            lines: Vec::new(),
        }
    }

    /// Reads the file of the command line, or as keepalived all that it matches if it is a pattern; says
    /// whether any could be read.
    pub(crate) fn files(&mut self, path: &Path) -> bool {
        let found = match path.to_str().filter(|path| path.contains(['*', '?', '[', '{'])) {
            Some(pattern) => {
                let patterns = include::braces(pattern);
                let found = patterns.iter().flat_map(|pattern| self.files.glob(pattern));
                found.filter(|path| self.files.is_no_configuration(path).is_none()).collect()
            }
            None => Vec::new(),
        };
        if found.is_empty() {
            return self.file(path, None);
        }
        let mut any = false;
        for path in found {
            any |= self.file(&path, None);
        }
        any
    }

    /// Reads one file; says whether it could be read.
    pub(crate) fn file(&mut self, path: &Path, asked_by: Option<Span>) -> bool {
        if self.open.iter().any(|open| open == path) {
            let chain: Vec<String> = self.open.iter().map(|p| p.display().to_string()).collect();
            self.report.push(
                Diagnostic::error(
                    "grammar-include-cycle",
                    asked_by,
                    format!("`{}` includes itself", path.display()),
                )
                .help(format!("the files being read are {}", chain.join(" → "))),
            );
            return true;
        }
        let bytes = match self.files.read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                let id = if asked_by.is_some() { "include-unreadable" } else { "file-unreadable" };
                let message = format!("cannot read `{}`: {error}", path.display());
                self.report.push(Diagnostic::error(id, asked_by, message));
                return false;
            }
        };
        let source = self.sources.add_included(path, bytes, asked_by);
        let lines = lines::physical(source, self.sources.file(source).bytes(), self.report);
        self.open.push(path.to_owned());
        let check = self.check;
        self.joined(lines);
        self.check = check;
        self.open.pop();
        true
    }

    /// Joins continued lines: with a newline within a definition, with nothing elsewhere.
    fn joined(&mut self, lines: Vec<Line>) {
        let mut lines = lines.into_iter();
        while let Some(line) = lines.next() {
            let mut whole = line.text;
            let mut continued = line.continued;
            let defines = definition(after_condition(whole.bytes())).is_some();
            while continued {
                let Some(next) = lines.next() else { break };
                continued = next.continued;
                match whole.span(whole.len()..whole.len()).or(next.text.at(0)) {
                    Some(place) if defines => whole.push(b'\n', place),
                    Some(place) => whole.push(b' ', place),
                    None => {}
                }
                whole.append(&next.text, 0..next.text.len());
            }
            self.line(whole, 0);
        }
    }

    fn directory(&self) -> PathBuf {
        self.open.last().and_then(|p| p.parent()).map(Path::to_owned).unwrap_or_default()
    }

    /// One logical line, at any stage of its expansion.
    fn line(&mut self, text: Text, depth: usize) {
        let text = text.trimmed();
        if text.is_empty() {
            return;
        }
        if depth > MAX_DEPTH || text.len() > MAX_LINE || self.budget < text.len() {
            let what = if depth > MAX_DEPTH {
                "definitions refer to each other without end"
            } else {
                "this expands to too much text"
            };
            self.report.push(Diagnostic::error("grammar-expansion", text.span(0..text.len()), what));
            return;
        }
        self.budget -= text.len();
        let bytes = text.bytes();
        if bytes[0] == b'@' {
            if let Some(rest) = self.condition(&text) {
                self.line(rest, depth + 1);
            }
            return;
        }
        if let Some((name, start)) = definition(bytes) {
            if is_blank(bytes[start - 2]) {
                self.report.push(
                    Diagnostic::warning("definition-blank", text.span(0..start), "a blank stands before `=`")
                        .help("remove it: the original keepalived does not take this for a definition"),
                );
            }
            // A definition that begins in its second line has no first one.
            let value = &bytes[start..];
            let lead = value.iter().take_while(|b| is_blank(**b) || **b == b'\n').count();
            self.definitions.set(&name, text.slice(start + lead..text.len()).trimmed());
            return;
        }
        if bytes[0] == b'~' {
            self.generate(&text, depth);
            return;
        }
        let directory = self.directory();
        if let Some(replaced) = self.definitions.substitute(&text, &directory, self.report) {
            for line in replaced.lines() {
                // `${_HASH}` and `${_BANG}` are there to make comments.
                let cleaned = lines::clean(line, self.report).text;
                self.line(cleaned, depth + 1);
            }
            return;
        }
        let inclusion = include::read(&text);
        if inclusion.is_none()
            && let Some(start) = directive_behind_brace(text.bytes())
        {
            self.lines.push(text.slice(0..start));
            self.line(text.slice(start..text.len()), depth + 1);
            return;
        }
        self.definitions.report_leftovers(&text, self.report);
        if let Some(inclusion) = inclusion {
            self.include(&inclusion.stricter(self.check));
            return;
        }
        self.definitions.seed(text.bytes());
        self.check.obey(&text, self.report);
        self.lines.push(text);
    }

    /// What stands after `@id` or `@^id` when the condition holds.
    fn condition(&mut self, text: &Text) -> Option<Text> {
        let bytes = text.bytes();
        let inverted = bytes.get(1) == Some(&b'^');
        let start = if inverted { 2 } else { 1 };
        let end = bytes.iter().position(|b| is_blank(*b)).unwrap_or(bytes.len());
        if end <= start || end == bytes.len() {
            self.report.push(
                Diagnostic::warning(
                    "empty-condition",
                    text.span(0..end),
                    "this condition has nothing to decide about",
                )
                .help("write `@id statement` on one line"),
            );
            return None;
        }
        let matches = &bytes[start..end] == self.config_id.as_bytes();
        (matches != inverted).then(|| text.slice(end..text.len()))
    }

    fn generate(&mut self, text: &Text, depth: usize) {
        let close = text.bytes().iter().position(|b| *b == b')').map_or(text.len(), |i| i + 1);
        let directory = self.directory();
        let mut line = text.slice(0..close);
        for _ in 0..MAX_DEPTH {
            match self.definitions.substitute(&line, &directory, self.report) {
                Some(replaced) if replaced.len() <= MAX_LINE => line = replaced,
                _ => break,
            }
        }
        line.append(text, close..text.len());
        let problem = match generator(&line) {
            Some(Ok(made)) => {
                let rest = line.slice(made.rest..line.len());
                for round in made.rounds {
                    // Generators within generators make rounds without end, also of nothing.
                    self.budget = self.budget.saturating_sub(size(&round));
                    for (name, value) in round {
                        let mut written = Text::default();
                        if let Some(place) = line.span(0..close.min(line.len())) {
                            written.push_all(&value, place);
                        }
                        self.definitions.set(&name, written);
                    }
                    if self.budget == 0 || self.budget < rest.len() {
                        self.line(rest, depth + 1);
                        return;
                    }
                    self.line(rest.clone(), depth + 1);
                }
                return;
            }
            Some(Err(problem)) => problem,
            None => "only `~SEQ`, `~SEQx` and `~LST` may start a line with `~`".to_owned(),
        };
        self.report.push(
            Diagnostic::error(
                "grammar-generator",
                text.span(0..close),
                format!("not a valid generator: {problem}"),
            )
            .help("examples: `~SEQ(n, 1, 5) text $n`, `~LST({a, b}, {1, x}, {2, y}) text $a $b`"),
        );
    }

    fn include(&mut self, inclusion: &Inclusion) {
        if self.open.len() >= MAX_DEPTH {
            self.report.push(Diagnostic::error(
                "grammar-include-cycle",
                inclusion.span,
                format!("files include each other more than {MAX_DEPTH} deep"),
            ));
            return;
        }
        if self.sources.files().count() >= MAX_FILES {
            let message = format!("more than {MAX_FILES} files are included");
            self.report.push(Diagnostic::error("grammar-include-cycle", inclusion.span, message));
            return;
        }
        let directory = self.directory();
        let mut any = false;
        for pattern in include::braces(&inclusion.pattern) {
            let pattern = directory.join(pattern);
            let found = self.files.glob(&pattern.display().to_string());
            if found.is_empty() && inclusion.wants_each() {
                self.report.push(inclusion.missing(&pattern));
            }
            any |= !found.is_empty();
            for path in found {
                match self.files.is_no_configuration(&path) {
                    Some(what) => self.report.push(inclusion.passed_over(&path, what)),
                    None => {
                        self.file(&path, Some(inclusion.span));
                    }
                }
            }
        }
        if !any && !inclusion.wants_each() {
            self.report.push(inclusion.missing(&directory.join(&inclusion.pattern)));
        }
    }
}

/// What a round takes of the budget: the bytes that it sets, and as much work as a line.
fn size(round: &Round) -> usize {
    32 + round.iter().map(|(name, value)| name.len() + value.len()).sum::<usize>()
}

/// Where something begins behind a brace that is read as a line of its own, as keepalived does with all
/// that stands behind braces: `vrrp_instance A { @node1 state MASTER`.
fn directive_behind_brace(line: &[u8]) -> Option<usize> {
    const WORDS: [&[u8]; 8] = [
        b"include",
        b"includer",
        b"includem",
        b"includew",
        b"includeb",
        b"includea",
        b"include_check",
        b"random_seed",
    ];
    let is_word = |rest: &[u8], word: &[u8]| {
        rest.strip_prefix(word).is_some_and(|behind| behind.first().is_none_or(|byte| is_blank(*byte)))
    };
    let begins = |rest: &[u8]| {
        matches!(rest.first(), Some(b'@' | b'~'))
            || definition(rest).is_some()
            || WORDS.iter().any(|word| is_word(rest, word))
    };
    let mut quoted = false;
    let mut behind = false;
    for (at, byte) in line.iter().enumerate() {
        match byte {
            _ if is_blank(*byte) => continue,
            _ if behind && begins(&line[at..]) => return Some(at),
            b'"' => quoted = !quoted,
            _ => {}
        }
        behind = !quoted && matches!(byte, b'{' | b'}');
    }
    None
}

/// A line without its `@id` conditions.
fn after_condition(mut line: &[u8]) -> &[u8] {
    while line.first() == Some(&b'@') {
        let word = line.iter().position(|b| is_blank(*b)).unwrap_or(line.len());
        line = line[word..].trim_ascii_start();
    }
    line
}
