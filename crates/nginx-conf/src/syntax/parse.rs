//! Directives and blocks from tokens, with `include` expanded in place.

use super::token::{Token, Tokens};
use super::{Block, Body, Directive, Word};
use crate::Environment;
use diagnostic::{Diagnostic, Report, SourceId, Sources, Span};
use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

/// Deepest nesting of blocks and includes: far beyond any real file, well within the stack.
const DEEPEST: usize = 100;
/// Most files of one configuration, so that includes that multiply come to an end.
const MOST_FILES: usize = 10_000;

/// A configuration as a tree, and the files it came from.
#[derive(Debug, Default)]
pub struct Parsed {
    /// Directives of the main level, `-g` first.
    pub directives: Vec<Directive>,
    /// Every file once, the main file first, except that `-g` comes as a file named `-g`.
    pub sources: Sources,
    /// The file at which reading began; `None` when it could not be read.
    pub main: Option<SourceId>,
    /// For each included file, the word of the first `include` that named it.
    pub included_at: HashMap<SourceId, Span>,
    /// What was wrong with the grammar and the includes.
    pub report: Report,
}

/// Reads a file and everything it includes.
pub fn parse(path: &Path, environment: &Environment<'_>) -> Parsed {
    let folder = path.parent().unwrap_or(Path::new("")).to_path_buf();
    let mut parser = Parser {
        environment,
        folder,
        parsed: Parsed::default(),
        known: HashMap::new(),
        open: Vec::new(),
        read: 0,
    };
    let mut directives = Vec::new();
    if let Some(global) = environment.global_directives {
        let bytes = global.as_bytes().to_vec();
        let source = parser.parsed.sources.add("-g", bytes.clone());
        directives.extend(parser.file(&bytes, source, 0));
    }
    match environment.files.read(path) {
        Ok(bytes) => {
            let source = parser.parsed.sources.add(path, bytes.clone());
            parser.parsed.main = Some(source);
            parser.known.insert(path.to_path_buf(), source);
            parser.open.push(path.to_path_buf());
            directives.extend(parser.file(&bytes, source, 0));
        }
        Err(error) => parser.parsed.report.push(Diagnostic::error(
            "file-not-read",
            None,
            format!("open() \"{}\" failed ({})", path.display(), reason(&error)),
        )),
    }
    parser.parsed.directives = directives;
    parser.parsed
}

/// An error as nginx shows it, `2: No such file or directory`.
fn reason(error: &std::io::Error) -> String {
    let text = error.to_string();
    match error.raw_os_error() {
        Some(code) => format!("{code}: {}", text.split(" (os error").next().unwrap_or(&text)),
        None => text,
    }
}

struct Parser<'a> {
    environment: &'a Environment<'a>,
    /// Where relative includes start.
    folder: PathBuf,
    parsed: Parsed,
    known: HashMap<PathBuf, SourceId>,
    /// Files being read, outermost first.
    open: Vec<PathBuf>,
    read: usize,
}

impl Parser<'_> {
    fn file(&mut self, bytes: &[u8], source: SourceId, depth: usize) -> Vec<Directive> {
        let mut tokens = Tokens::new(bytes, source);
        let mut directives = Vec::new();
        while let Some(close) = self.directives(&mut tokens, &mut directives, depth, None) {
            self.parsed.report.push(
                Diagnostic::error("grammar-unexpected", close, "unexpected \"}\"")
                    .label("no block is open here")
                    .help("remove this brace, or see whether an earlier one closes its block too soon"),
            );
        }
        directives
    }

    /// Reads up to the end of the file, or to the brace that closes the block opened at `open`
    /// and gives that brace.
    fn directives(
        &mut self,
        tokens: &mut Tokens<'_>,
        into: &mut Vec<Directive>,
        depth: usize,
        open: Option<(Span, &Word)>,
    ) -> Option<Span> {
        let mut words: Vec<Word> = Vec::new();
        loop {
            match tokens.next(&mut self.parsed.report) {
                Token::Word(word) => words.push(word),
                Token::Semicolon(span) => {
                    if words.is_empty() {
                        self.parsed.report.push(
                            Diagnostic::error("grammar-unexpected", span, "unexpected \";\"")
                                .label("there is no directive before it"),
                        );
                    }
                    self.line(&mut words, span, into, depth);
                }
                Token::Open(span) => {
                    if words.is_empty() {
                        self.parsed.report.push(
                            Diagnostic::error("grammar-unexpected", span, "unexpected \"{\"")
                                .label("there is no directive before it"),
                        );
                        words.push(Word { value: Vec::new(), span, quoted: true });
                    }
                    self.block(tokens, &mut words, span, into, depth);
                }
                Token::Close(span) => {
                    self.unfinished(&mut words, span, "unexpected \"}\"", into, depth);
                    return Some(span);
                }
                Token::End(span) => {
                    let finished = words.is_empty();
                    self.unfinished(&mut words, span, "unexpected end of file", into, depth);
                    if finished && let Some((brace, name)) = open {
                        let name = name.text();
                        self.parsed.report.push(
                            Diagnostic::error(
                                "grammar-unterminated",
                                span,
                                "unexpected end of file, expecting \"}\"",
                            )
                            .related(brace, format!("`{name}` was opened here"))
                            .help(format!("close `{name} {{` with a `}}`")),
                        );
                    }
                    return None;
                }
            }
        }
    }

    /// A directive whose `;` is missing where a block or the file ends.
    fn unfinished(
        &mut self,
        words: &mut Vec<Word>,
        at: Span,
        what: &str,
        into: &mut Vec<Directive>,
        depth: usize,
    ) {
        let Some(last) = words.last() else { return };
        let name = words[0].text().into_owned();
        let expecting = if what.ends_with('e') { ", expecting \";\" or \"}\"" } else { "" };
        self.parsed.report.push(
            Diagnostic::error("grammar-unexpected", at, format!("{what}{expecting}"))
                .related(last.span, format!("`{name}` is not finished"))
                .help("put a `;` after this word"),
        );
        self.line(words, Span { start: last.span.end, ..last.span }, into, depth);
    }

    fn line(&mut self, words: &mut Vec<Word>, end: Span, into: &mut Vec<Directive>, depth: usize) {
        if words.is_empty() {
            return;
        }
        let mut args = std::mem::take(words);
        let name = args.remove(0);
        let span = name.span.to(end);
        if name.value == b"include" && args.len() == 1 {
            self.include(&args[0], into, depth);
            return;
        }
        into.push(Directive { name, args, body: Body::Line, span });
    }

    fn block(
        &mut self,
        tokens: &mut Tokens<'_>,
        words: &mut Vec<Word>,
        open: Span,
        into: &mut Vec<Directive>,
        depth: usize,
    ) {
        let mut args = std::mem::take(words);
        let name = args.remove(0);
        if name.value.ends_with(b"_by_lua_block")
            && let Some(inside) = tokens.raw_block()
        {
            let span = name.span.to(inside);
            into.push(Directive { name, args, body: Body::Raw(inside), span });
            return;
        }
        let mut inside = Vec::new();
        if depth >= DEEPEST {
            self.parsed.report.push(Diagnostic::error(
                "nested-too-deeply",
                open,
                format!("blocks are nested more than {DEEPEST} deep"),
            ));
            let close = self.skip_block(tokens);
            let span = name.span.to(close.unwrap_or(open));
            let block = Block { open, close, directives: inside };
            into.push(Directive { name, args, body: Body::Block(block), span });
            return;
        }
        let close = self.directives(tokens, &mut inside, depth + 1, Some((open, &name)));
        let span = name.span.to(close.unwrap_or(open));
        into.push(Directive {
            name,
            args,
            body: Body::Block(Block { open, close, directives: inside }),
            span,
        });
    }

    /// Passes over a block without recursion.
    fn skip_block(&mut self, tokens: &mut Tokens<'_>) -> Option<Span> {
        let mut depth = 1_usize;
        loop {
            match tokens.next(&mut self.parsed.report) {
                Token::Open(_) => depth += 1,
                Token::Close(span) => {
                    depth -= 1;
                    if depth == 0 {
                        return Some(span);
                    }
                }
                Token::End(_) => return None,
                Token::Word(_) | Token::Semicolon(_) => {}
            }
        }
    }

    fn include(&mut self, word: &Word, into: &mut Vec<Directive>, depth: usize) {
        let named = Path::new(OsStr::from_bytes(&word.value));
        let path = self.folder.join(named);
        if !word.value.iter().any(|byte| matches!(byte, b'*' | b'?' | b'[')) {
            self.include_file(&path, word, into, depth);
            return;
        }
        match self.environment.files.glob(&path.to_string_lossy()) {
            Ok(paths) => {
                for path in paths {
                    self.include_file(&path, word, into, depth);
                }
            }
            Err(error) => self.parsed.report.push(Diagnostic::error(
                "include-not-found",
                word.span,
                format!("cannot expand {}: {error}", path.display()),
            )),
        }
    }

    fn include_file(&mut self, path: &Path, word: &Word, into: &mut Vec<Directive>, depth: usize) {
        self.read += 1;
        if self.open.iter().any(|open| open == path) || depth >= DEEPEST || self.read > MOST_FILES {
            self.parsed.report.push(
                Diagnostic::error(
                    "include-cycle",
                    word.span,
                    format!("{} includes itself, directly or through others", path.display()),
                )
                .help("remove one of the includes of the circle"),
            );
            return;
        }
        let bytes = match self.environment.files.read(path) {
            Ok(bytes) => bytes,
            Err(error) => {
                self.parsed.report.push(
                    Diagnostic::error(
                        "include-not-found",
                        word.span,
                        format!("open() \"{}\" failed ({})", path.display(), reason(&error)),
                    )
                    .help("relative names start at the folder of the main configuration file; a pattern with `*` may match nothing"),
                );
                return;
            }
        };
        let source = match self.known.get(path) {
            Some(source) => *source,
            None => {
                let source = self.parsed.sources.add(path, bytes.clone());
                self.known.insert(path.to_path_buf(), source);
                self.parsed.included_at.insert(source, word.span);
                source
            }
        };
        self.open.push(path.to_path_buf());
        into.extend(self.file(&bytes, source, depth + 1));
        self.open.pop();
    }
}
