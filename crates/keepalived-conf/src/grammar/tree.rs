//! Words and braces into blocks, with one precise error for each brace too many or too few.

use super::text::{Text, is_blank};
use super::words::{Token, Word, tokens};
use crate::findings::is_crowded;
use diagnostic::{Diagnostic, Report, Sources, Span};

/// Words on one line and, where it follows, a block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// At least one word: the keyword, then its arguments.
    pub words: Vec<Word>,
    /// `{ … }` after it.
    pub block: Option<Block>,
}

impl Statement {
    /// The keyword.
    pub fn keyword(&self) -> &Word {
        &self.words[0]
    }

    /// The words after the keyword.
    pub fn arguments(&self) -> &[Word] {
        &self.words[1..]
    }

    /// From the keyword to the last argument.
    pub fn span(&self) -> Span {
        join(self.words[0].span, self.words[self.words.len() - 1].span)
    }
}

/// What stands between two braces.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The `{`; the end of the statement when it is missing.
    pub open: Span,
    /// The `}`, when there is one.
    pub close: Option<Span>,
    /// The statements in it.
    pub statements: Vec<Statement>,
}

/// From one place to another, if they are in one file and in this order.
pub(crate) fn join(first: Span, last: Span) -> Span {
    if first.source == last.source && first.end <= last.end { first.to(last) } else { first }
}

/// Blocks that stand at the outer level only: one of them inside another block shows that the other
/// was not closed.
const OUTER: &[&str] = &[
    "global_defs",
    "vrrp_instance",
    "vrrp_script",
    "vrrp_sync_group",
    "vrrp_track_process",
    "virtual_server",
    "virtual_server_group",
    "bfd_instance",
    "static_ipaddress",
    "static_routes",
    "static_rules",
];

/// Blocks that mean nothing without braces and take no arguments.
const BARE: &[&str] = &[
    "authentication",
    "notification_email",
    "track_interface",
    "track_script",
    "unicast_peer",
    "virtual_ipaddress",
    "virtual_ipaddress_excluded",
    "virtual_routes",
];

/// No real configuration nests deeper; this keeps recursion over a tree within the stack.
const MAX_DEPTH: usize = 32;

struct Frame {
    words: Vec<Word>,
    open: Span,
    statements: Vec<Statement>,
}

struct Builder<'a> {
    sources: &'a Sources,
    report: &'a mut Report,
    root: Vec<Statement>,
    frames: Vec<Frame>,
    /// Words of the statement being read.
    pending: Vec<Word>,
    /// Opened beyond [`MAX_DEPTH`] or without a keyword; their closing braces belong to nothing.
    ignored: usize,
    /// Where the last outer block was closed.
    last_close: Option<(Span, Span)>,
    /// Where, by indentation, one was closed too early.
    early_close: Option<(Span, Span)>,
}

/// Builds the tree of all lines.
pub(crate) fn build(lines: &[Text], sources: &Sources, report: &mut Report) -> Vec<Statement> {
    let lines: Vec<Vec<Token>> = lines.iter().map(|line| tokens(line, report)).collect();
    let mut builder = Builder {
        sources,
        report,
        root: Vec::new(),
        frames: Vec::new(),
        pending: Vec::new(),
        ignored: 0,
        last_close: None,
        early_close: None,
    };
    let mut lines = lines.into_iter().filter(|line| !line.is_empty()).peekable();
    while let Some(line) = lines.next() {
        for token in line {
            match token {
                Token::Word(word) => builder.pending.push(word),
                Token::Open(span) => builder.open(span),
                Token::Close(span) => builder.close(span),
            }
        }
        match lines.peek().and_then(|line| line.first()) {
            Some(Token::Open(_)) => {}
            Some(Token::Word(_)) => builder.end_of_line(true),
            Some(Token::Close(_)) | None => builder.end_of_line(false),
        }
    }
    builder.finish()
}

impl Builder<'_> {
    fn statements(&mut self) -> &mut Vec<Statement> {
        match self.frames.last_mut() {
            Some(frame) => &mut frame.statements,
            None => &mut self.root,
        }
    }

    /// A line ends and no `{` follows: what was read is a statement.
    fn end_of_line(&mut self, words_follow: bool) {
        let words = std::mem::take(&mut self.pending);
        let Some(first) = words.first() else { return };
        let keyword = first.text.as_str();
        let needs_block =
            words_follow && (OUTER.contains(&keyword) || words.len() == 1 && BARE.contains(&keyword));
        if !needs_block {
            self.statements().push(Statement { words, block: None });
            return;
        }
        let statement = Statement { words, block: None };
        let span = statement.span();
        self.report.push(
            Diagnostic::error(
                "grammar-missing-brace",
                span,
                format!("`{{` expected after `{}`", title(&statement.words)),
            )
            .help("what follows is read as if the brace were there"),
        );
        self.push_frame(statement.words, span);
    }

    fn open(&mut self, span: Span) {
        let words = std::mem::take(&mut self.pending);
        if words.is_empty() && !is_crowded(self.report) {
            self.report.push(
                Diagnostic::error("grammar-stray-brace", span, "`{` without a word before it")
                    .help("name the block, or remove this brace and its `}`"),
            );
        }
        self.push_frame(words, span);
    }

    fn push_frame(&mut self, words: Vec<Word>, open: Span) {
        if !self.frames.is_empty() && words.first().is_some_and(|w| OUTER.contains(&w.text.as_str())) {
            self.unclosed(Some(&words));
        }
        if self.frames.len() >= MAX_DEPTH {
            if self.ignored == 0 {
                self.report.push(Diagnostic::error(
                    "grammar-nesting",
                    open,
                    format!("blocks are nested more than {MAX_DEPTH} deep"),
                ));
            }
            self.ignored += 1;
            return;
        }
        self.frames.push(Frame { words, open, statements: Vec::new() });
    }

    fn close(&mut self, span: Span) {
        let words = std::mem::take(&mut self.pending);
        if !words.is_empty() {
            self.statements().push(Statement { words, block: None });
        }
        if self.ignored > 0 {
            self.ignored -= 1;
            return;
        }
        match self.frames.pop() {
            Some(frame) => {
                if self.frames.is_empty() {
                    let opened = frame.words.first().map_or(frame.open, |w| w.span);
                    self.last_close = Some((opened, span));
                    if self.indent(span) > self.indent(opened) {
                        self.early_close = self.last_close;
                    }
                }
                self.end_frame(frame, Some(span));
            }
            None => self.stray_close(span),
        }
    }

    fn end_frame(&mut self, frame: Frame, close: Option<Span>) {
        let Frame { words, open, statements } = frame;
        if words.is_empty() {
            self.statements().extend(statements);
        } else {
            let block = Some(Block { open, close, statements });
            self.statements().push(Statement { words, block });
        }
    }

    fn stray_close(&mut self, span: Span) {
        if is_crowded(self.report) {
            return;
        }
        let mut finding = Diagnostic::error("grammar-stray-brace", span, "this `}` closes nothing")
            .label("nothing is open here");
        let early = self.early_close.take();
        if let Some((opened, close)) = early.or(self.last_close) {
            finding = finding.related(opened, "this block…").related(close, "…was already closed here");
        }
        finding = match early {
            Some((_, close)) => finding.help(format!(
                "by its indentation, the brace in line {} is probably the one too many",
                self.sources.line(close)
            )),
            None => finding.help("remove it, or add the `{` that it was meant to close"),
        };
        self.report.push(finding);
    }

    /// Closes everything that is open; `before` is the outer block, or the end, that shows the lack.
    fn unclosed(&mut self, before: Option<&[Word]>) {
        while let Some(frame) = self.frames.pop() {
            if self.frames.is_empty() {
                self.report_unclosed(&frame, before);
            }
            self.end_frame(frame, None);
        }
        self.ignored = 0;
    }

    fn report_unclosed(&mut self, frame: &Frame, before: Option<&[Word]>) {
        let at = frame.words.first().map_or(frame.open, |w| w.span);
        let name = title(&frame.words);
        let mut finding = Diagnostic::error(
            "grammar-missing-brace",
            at,
            format!("`{name}` is never closed: a `}}` is missing"),
        )
        .label("opened here");
        if let Some((inner, close)) = self.closed_by_another(&frame.statements) {
            let next = self.first_outside(inner).unwrap_or(close);
            let line = self.sources.line(next);
            finding = finding
                .related(inner.words[0].span, format!("`{}` opens here…", title(&inner.words)))
                .related(
                    close,
                    "…and is closed by this brace, which by its indentation closes an outer block",
                )
                .help(format!(
                    "`{}` probably lacks its `}}`: add one before line {line}",
                    title(&inner.words)
                ));
        } else {
            finding = match before {
                Some(words) => finding
                    .related(words[0].span, "this belongs to the outer level")
                    .help(format!("add a `}}` before `{}`", title(words))),
                None => finding.help("add a `}` at the end"),
            };
        }
        self.report.push(finding);
    }

    /// The innermost block whose closing brace stands further left than the line that opened it.
    fn closed_by_another<'b>(&self, statements: &'b [Statement]) -> Option<(&'b Statement, Span)> {
        statements.iter().find_map(|statement| {
            let block = statement.block.as_ref()?;
            self.closed_by_another(&block.statements).or_else(|| {
                let close = block.close?;
                let (opened, closed) = (self.indent(statement.words[0].span)?, self.indent(close)?);
                (closed < opened).then_some((statement, close))
            })
        })
    }

    /// The first statement in a block that by its indentation stands behind it.
    fn first_outside(&self, statement: &Statement) -> Option<Span> {
        let own = self.indent(statement.words[0].span)?;
        let inside = &statement.block.as_ref()?.statements;
        inside
            .iter()
            .map(|s| s.words[0].span)
            .find(|span| self.indent(*span).is_some_and(|indent| indent <= own))
    }

    /// How far a word that is first in its line is indented.
    fn indent(&self, span: Span) -> Option<usize> {
        let line = self.sources.file(span.source).before(span.start as usize);
        line.iter().all(|b| is_blank(*b)).then_some(line.len())
    }

    fn finish(mut self) -> Vec<Statement> {
        self.end_of_line(false);
        self.unclosed(None);
        self.root
    }
}

/// A block as it is called in a message: keyword and first argument.
fn title(words: &[Word]) -> String {
    match words {
        [] => "{".to_owned(),
        [keyword] => keyword.text.clone(),
        [keyword, name, ..] => format!("{} {}", keyword.text, name.text),
    }
}
