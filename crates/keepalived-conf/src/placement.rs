//! The syntax tree against the registry: every word is known, in its place and well provided.
//!
//! What comes out holds every known word in the block it belongs to, also where the file has it one
//! block too deep; those that nothing acts on yet are reported.

use crate::findings::is_crowded;
use crate::grammar::{Statement, Word};
use crate::registry::{self, Again, Context, Extent, Keyword, Support};
use crate::value;
use diagnostic::{Diagnostic, Report, Span};
use std::collections::HashSet;

/// A statement and its row.
#[derive(Debug)]
pub(crate) struct Item<'t> {
    /// The row.
    pub(crate) keyword: &'static Keyword,
    /// As written.
    pub(crate) statement: &'t Statement,
    /// Inside of its block.
    pub(crate) body: Body<'t>,
}

impl Item<'_> {
    /// The name of the keyword.
    pub(crate) fn name(&self) -> &'static str {
        self.keyword.name
    }

    /// The arguments.
    pub(crate) fn arguments(&self) -> &[Word] {
        self.statement.arguments()
    }

    /// The first argument, if it is one that fits the row.
    pub(crate) fn first(&self) -> Option<&Word> {
        self.arguments()
            .first()
            .filter(|word| value::misfit(self.keyword.arguments.kind, &word.text).is_none())
    }

    /// The place of the whole statement.
    pub(crate) fn span(&self) -> Span {
        self.statement.span()
    }

    /// Whether a switch is on: bare, or with a word that says so.
    pub(crate) fn is_on(&self) -> bool {
        self.arguments().first().is_none_or(|word| value::switch(&word.text) == Some(true))
    }
}

/// The inside of a block.
#[derive(Debug, Default)]
pub(crate) struct Body<'t> {
    /// Keywords.
    pub(crate) items: Vec<Item<'t>>,
    /// Entries of a list.
    pub(crate) entries: Vec<&'t Statement>,
}

impl<'t> Body<'t> {
    /// The keywords of this name.
    pub(crate) fn all<'b>(&'b self, name: &'static str) -> impl Iterator<Item = &'b Item<'t>> {
        self.items.iter().filter(move |item| item.name() == name)
    }

    /// The last keyword of this name: the one that counts.
    pub(crate) fn last<'b>(&'b self, name: &'static str) -> Option<&'b Item<'t>> {
        self.items.iter().rfind(|item| item.name() == name)
    }
}

/// Places every statement of a file.
pub(crate) fn place<'t>(tree: &'t [Statement], extent: Extent, report: &mut Report) -> Body<'t> {
    let outer = Level { context: Context::Root, head: None, body: Body::default(), unsupported: false };
    let mut placement = Placement { report, extent, levels: vec![outer], foreign: HashSet::new() };
    placement.statements(tree);
    placement.levels.pop().map(|level| level.body).unwrap_or_default()
}

struct Level<'t> {
    context: Context,
    head: Option<&'t Statement>,
    body: Body<'t>,
    /// Inside of a block that is not supported: reported once, at its word.
    unsupported: bool,
}

struct Placement<'t, 'r> {
    report: &'r mut Report,
    extent: Extent,
    levels: Vec<Level<'t>>,
    /// Words that no block knows, each said once.
    foreign: HashSet<(Span, &'t str)>,
}

impl<'t> Placement<'t, '_> {
    fn statements(&mut self, statements: &'t [Statement]) {
        for statement in statements {
            self.statement(statement);
        }
    }

    fn statement(&mut self, statement: &'t Statement) {
        let depth = self.levels.len() - 1;
        let context = self.levels[depth].context;
        let name = statement.keyword().text.as_str();
        if context.is_list() {
            match self.meant_for_outer(statement) {
                Some((level, keyword)) => self.misplaced(statement, keyword, level),
                None => self.levels[depth].body.entries.push(statement),
            }
            return;
        }
        if let Some(keyword) = registry::lookup(name, context) {
            self.keyword(statement, keyword, depth);
            return;
        }
        match self.outer(name) {
            Some((level, keyword)) => self.misplaced(statement, keyword, level),
            None => self.foreign(statement, context),
        }
    }

    /// The nearest outer block that a word belongs to.
    fn outer(&self, name: &str) -> Option<(usize, &'static Keyword)> {
        let levels = self.levels.iter().enumerate().rev().skip(1);
        levels.filter_map(|(i, level)| registry::lookup(name, level.context).map(|k| (i, k))).next()
    }

    /// Whether an entry of a list is really a keyword of an outer block.
    fn meant_for_outer(&self, statement: &Statement) -> Option<(usize, &'static Keyword)> {
        let found = self.outer(&statement.keyword().text)?;
        // The name of a script or interface may well be a keyword: `state`, `script`.
        let may_be_name = matches!(
            self.levels.last()?.context,
            Context::Names | Context::MailAddresses | Context::LinkbeatInterfaces | Context::InterfaceDelays
        ) && statement.block.is_none()
            && statement.arguments().first().is_none_or(|word| word.text == "weight");
        (!may_be_name).then_some(found)
    }

    fn misplaced(&mut self, statement: &'t Statement, keyword: &'static Keyword, level: usize) {
        let word = statement.keyword();
        let inner = self.levels.last().and_then(|l| l.head).map(title);
        let inner = inner.unwrap_or_else(|| "the outer level".to_owned());
        let (place, belongs) = match self.levels[level].head {
            Some(head) => (Some(head.keyword().span), format!("`{}`", title(head))),
            None => (None, Context::Root.title().to_owned()),
        };
        let listed = self.levels.last().is_some_and(|l| l.context.is_list());
        let message = format!("`{}` stands inside `{inner}` but belongs to {belongs}", word.text);
        let mut finding = if listed {
            Diagnostic::warning("misplaced-keyword", word.span, message)
        } else {
            Diagnostic::error("misplaced-keyword", word.span, message)
        };
        finding = finding
            .label(format!("understood as part of {belongs}"))
            .help(format!("close `{inner}` with `}}` before this line"));
        if let Some(place) = place {
            finding = finding.related(place, "it belongs into this block");
        }
        self.report.push(finding);
        self.keyword(statement, keyword, level);
    }

    /// A word that no block around it knows.
    fn foreign(&mut self, statement: &'t Statement, context: Context) {
        let word = statement.keyword();
        // A generator may write one word at one place thousands of times.
        if is_crowded(self.report) || !self.foreign.insert((word.span, &word.text)) {
            return;
        }
        let elsewhere = registry::places(&word.text);
        let finding = if elsewhere.is_empty() {
            self.unknown(word, context)
        } else {
            let mut titles: Vec<&str> = elsewhere.iter().map(|c| c.title()).collect();
            titles.dedup();
            let message = format!("`{}` does not belong into {}", word.text, context.title());
            Diagnostic::error("misplaced-keyword", word.span, message)
                .help(format!("it belongs into {}", titles.join(" or ")))
        };
        self.report.push(finding);
    }

    fn unknown(&self, word: &Word, context: Context) -> Diagnostic {
        let text = word.text.as_str();
        let finding = Diagnostic::error(
            "unknown-keyword",
            word.span,
            format!("unknown word `{text}` in {}", context.title()),
        );
        let here = || registry::in_context(context).map(|k| k.name);
        if let Some((name, value)) = text.split_once('=').filter(|(name, _)| here().any(|k| k == *name)) {
            return finding.help(format!("write `{name} {value}`"));
        }
        if let Some(near) = diagnostic::did_you_mean(text, here()) {
            return finding.help(format!("did you mean `{near}`?"));
        }
        let glued = here().filter(|k| text.strip_prefix(k).is_some_and(|rest| rest.starts_with('_')));
        if let Some(name) = glued.max_by_key(|k| k.len()) {
            return finding.help(format!("is a blank missing? `{name} {}`", &text[name.len() + 1..]));
        }
        finding.suggest(text, registry::keywords().map(|k| k.name))
    }

    /// A word in its place: its arguments, its block, whether it acts.
    fn keyword(&mut self, statement: &'t Statement, keyword: &'static Keyword, level: usize) {
        let unsupported_block = self.levels.iter().any(|l| l.unsupported);
        self.support(statement, keyword, unsupported_block);
        self.arguments(statement, keyword);
        let counts = self.repetition(statement, keyword, level);
        let body = match (keyword.block, &statement.block) {
            (Some(inside), Some(block)) => {
                self.levels.push(Level {
                    context: inside,
                    head: Some(statement),
                    body: Body::default(),
                    unsupported: !self.extent.includes(keyword.support),
                });
                self.statements(&block.statements);
                self.levels.pop().map(|l| l.body).unwrap_or_default()
            }
            (Some(_), None) => {
                self.report.push(
                    Diagnostic::error(
                        "missing-block",
                        statement.span(),
                        format!("`{}` needs a block", keyword.name),
                    )
                    .help(format!("write `{} {{ … }}`", keyword.name)),
                );
                Body::default()
            }
            (None, Some(block)) => {
                self.report.push(
                    Diagnostic::error(
                        "unexpected-block",
                        block.open,
                        format!("`{}` takes no block", keyword.name),
                    )
                    .help("what stands in the braces is read as if they were not there"),
                );
                self.statements(&block.statements);
                Body::default()
            }
            (None, None) => Body::default(),
        };
        if counts {
            self.levels[level].body.items.push(Item { keyword, statement, body });
        }
    }

    fn support(&mut self, statement: &Statement, keyword: &Keyword, reported: bool) {
        let span = statement.keyword().span;
        match keyword.support {
            support if !self.extent.includes(support) && !reported => {
                let what = if keyword.block.is_some() { "the block " } else { "" };
                let message = format!("{what}`{}` is not supported yet", keyword.name);
                self.report.push(Diagnostic::error("unsupported-keyword", span, message).label(keyword.doc));
            }
            Support::Obsolete => self.report.push(
                Diagnostic::warning(
                    "obsolete-keyword",
                    span,
                    format!("`{}` has no effect in any keepalived of today", keyword.name),
                )
                .label(keyword.doc)
                .help("remove it"),
            ),
            Support::NoEffect(why) if !reported => self.report.push(
                Diagnostic::hint("no-effect", span, format!("`{}` makes no difference here", keyword.name))
                    .label(keyword.doc)
                    .help(why),
            ),
            _ => {}
        }
    }

    fn arguments(&mut self, statement: &Statement, keyword: &Keyword) {
        let given = statement.arguments();
        let expected = keyword.arguments;
        if given.len() < expected.least {
            self.report.push(
                Diagnostic::error(
                    "missing-argument",
                    statement.keyword().span,
                    format!("`{}` needs {}", keyword.name, count(expected.least)),
                )
                .label(keyword.doc),
            );
            return;
        }
        if let Some(word) = given.first()
            && expected.most > 0
            && let Some(problem) = value::misfit(expected.kind, &word.text)
        {
            self.report.push(
                Diagnostic::error(
                    "invalid-value",
                    word.span,
                    format!("`{}` does not fit `{}`: {problem}", word.text, keyword.name),
                )
                .label(keyword.doc),
            );
        }
        if let Some(extra) = given.get(expected.most) {
            self.report.push(
                Diagnostic::warning(
                    "extra-argument",
                    extra.span,
                    format!("`{}` takes {}; this is ignored", keyword.name, count(expected.most)),
                )
                .help("write `#` before a comment"),
            );
        }
    }

    /// Whether this one holds, though it may not be the first.
    fn repetition(&mut self, statement: &Statement, keyword: &Keyword, level: usize) -> bool {
        let mut before = self.levels[level].body.last(keyword.name);
        if before.is_none() && keyword.contexts.contains(&Context::Global) {
            // Of several `global_defs`, all count.
            let others = self.levels[0].body.all("global_defs");
            before = others.filter_map(|block| block.body.last(keyword.name)).last();
        }
        // What does not fit was no first one.
        let first = before.filter(|item| item.arguments().is_empty() || item.first().is_some());
        let (earlier, counts) = match keyword.again {
            Again::All => return true,
            Again::Last => (before, true),
            Again::First => (first, first.is_none()),
        };
        if let Some(earlier) = earlier {
            let (id, which) =
                if counts { ("repeated-keyword", "this") } else { ("ignored-keyword", "the first") };
            let message = format!("`{}` is written again; {which} one counts", keyword.name);
            self.report.push(
                Diagnostic::warning(id, statement.keyword().span, message)
                    .related(earlier.statement.keyword().span, "first written here"),
            );
        }
        counts
    }
}

fn count(arguments: usize) -> String {
    match arguments {
        0 => "no argument".to_owned(),
        1 => "one argument".to_owned(),
        n => format!("{n} arguments"),
    }
}

/// A block as it is called in a message: keyword and first argument.
fn title(statement: &Statement) -> String {
    match statement.arguments().first() {
        Some(name) => format!("{} {}", statement.keyword().text, name.text),
        None => statement.keyword().text.clone(),
    }
}
