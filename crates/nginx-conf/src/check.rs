//! The tree against the registry: names, contexts, numbers of words, repetition, support.

use crate::registry::{Context, Form, Row, Standing, foreign_module, lookup, rows};
use crate::syntax::{Block, Body, Directive};
use diagnostic::{Diagnostic, Report, Sources, Span, did_you_mean};
use std::collections::HashMap;

/// A directive that is in order and acts, with those inside it.
#[derive(Debug)]
pub(crate) struct Item<'t> {
    pub(crate) directive: &'t Directive,
    pub(crate) items: Vec<Item<'t>>,
}

/// Reports whatever is wrong and gives what is in order.
pub(crate) fn check<'t>(
    directives: &'t [Directive],
    sources: &Sources,
    report: &mut Report,
) -> Vec<Item<'t>> {
    let mut check = Check { sources, report, tls: None };
    let items = check.block(directives, Context::Main, false);
    if let Some(span) = check.tls {
        report.push(
            Diagnostic::hint(
                "tls-not-served",
                span,
                "`ssl_…` directives have no effect: no listener speaks TLS",
            )
            .help("`listen … ssl` is not supported yet"),
        );
    }
    items
}

struct Check<'a> {
    sources: &'a Sources,
    report: &'a mut Report,
    /// The first `ssl_…` word.
    tls: Option<Span>,
}

impl Check<'_> {
    /// `muted`: inside a block that is not supported as a whole.
    fn block<'t>(&mut self, directives: &'t [Directive], context: Context, muted: bool) -> Vec<Item<'t>> {
        let mut seen: HashMap<&str, Span> = HashMap::new();
        let mut items = Vec::new();
        for (index, directive) in directives.iter().enumerate() {
            let before = &directives[..index];
            let Some(row) = self.row(directive, context, before, muted) else { continue };
            let in_order = self.shape(directive, row) & self.flag(directive, row);
            let inside = self.inside(directive, row, context, muted);
            self.swallowed_line(directive, row, in_order);
            let tracked = matches!(row.standing, Standing::Acting | Standing::NoEffect(_));
            if tracked && !row.repeatable {
                if let Some(first) = seen.get(row.name) {
                    self.report.push(
                        Diagnostic::error(
                            "duplicate-directive",
                            directive.name.span,
                            format!("\"{}\" directive is duplicate", row.name),
                        )
                        .related(*first, "it is already set here")
                        .help("keep one of the two"),
                    );
                    continue;
                }
                seen.insert(row.name, directive.name.span);
            }
            if in_order && self.supported(directive, row, muted) {
                items.push(Item { directive, items: inside });
            }
        }
        items
    }

    /// The row of a directive in this context, or findings.
    fn row(
        &mut self,
        directive: &Directive,
        context: Context,
        before: &[Directive],
        muted: bool,
    ) -> Option<&'static Row> {
        let name = directive.name_text();
        let name = name.as_ref();
        if name.is_empty() {
            return None;
        }
        if directive.name.quoted && lookup(name).next().is_none() {
            self.unknown(directive, context, muted);
            return None;
        }
        let mut known = None;
        for row in lookup(name) {
            if row.allows(context) {
                return Some(row);
            }
            known = Some(row);
        }
        match known {
            Some(_) => {
                self.misplaced(directive, name, context, before);
                let home = lookup(name).flat_map(|row| row.contexts).next().copied().unwrap_or(context);
                if let (Some(block), Some(inside)) = (directive.block(), home.inside(name)) {
                    self.block(&block.directives, inside, muted);
                }
            }
            None => self.unknown(directive, context, muted),
        }
        None
    }

    fn unknown(&mut self, directive: &Directive, context: Context, muted: bool) {
        let name = directive.name_text();
        let name = name.as_ref();
        let finding = Diagnostic::error(
            "unknown-directive",
            directive.name.span,
            format!("unknown directive \"{}\"", shorten(name)),
        );
        if let Some(module) = foreign_module(name) {
            let from = format!("`{name}` comes from {module}, which is not part of nginx and not supported");
            self.report.push(finding.help(from));
            return;
        }
        if let Some(rest) = name.strip_prefix('\u{feff}') {
            self.report.push(finding.help(format!(
                "the file begins with a byte order mark; save it without one, so that it begins with `{rest}`"
            )));
            return;
        }
        let here = rows().filter(|row| row.allows(context)).map(|row| row.name);
        let close = did_you_mean(name, here).or_else(|| did_you_mean(name, rows().map(|row| row.name)));
        match close {
            Some(close) => {
                self.report.push(finding.help(format!("did you mean `{close}`?")));
                if let (Some(block), Some(inside)) = (directive.block(), context.inside(close)) {
                    self.block(&block.directives, inside, muted);
                }
            }
            None => self.report.push(finding),
        }
    }

    fn misplaced(&mut self, directive: &Directive, name: &str, context: Context, before: &[Directive]) {
        let place = context.describe();
        // The block in which it would be right, closed too early?
        let closed_early = before.iter().rev().find_map(|sibling| {
            let block = sibling.block()?;
            let inside = context.inside(&sibling.name_text())?;
            let same_file = block.open.source == directive.name.span.source;
            let fits = lookup(name).any(|row| row.allows(inside));
            (same_file && fits).then_some((sibling, block))
        });
        let home = closed_early.and_then(|(sibling, _)| context.inside(&sibling.name_text()));
        let mut finding = Diagnostic::error(
            "wrong-context",
            directive.name.span,
            format!("\"{name}\" directive is not allowed {place}"),
        )
        .label(format!("it belongs {}", homes(name, context, home)));
        if let Some((sibling, Block { close: Some(close), .. })) = closed_early {
            let outer = sibling.name_text();
            finding = finding
                .related(sibling.name.span, format!("`{outer}` is opened here"))
                .related(*close, format!("and this brace closes `{outer}` before `{name}` begins"))
                .help(format!(
                    "probably meant: `{name}` inside `{outer} {{ … }}`; move this `}}` down, behind the last block that belongs to `{outer}`"
                ));
        }
        self.report.push(finding);
    }

    /// Terminator and number of words.
    fn shape(&mut self, directive: &Directive, row: &Row) -> bool {
        let name = row.name;
        let span = directive.name.span;
        match (&directive.body, row.form) {
            (Body::Block(block), Form::Words | Form::Flag) => {
                self.report.push(
                    Diagnostic::error(
                        "block-not-expected",
                        span,
                        format!("directive \"{name}\" is not terminated by \";\""),
                    )
                    .related(block.open, "a block begins here instead")
                    .help("end the directive with `;`; a word with `{` in it, such as an expression, needs quotes"),
                );
                return false;
            }
            (Body::Line, Form::Block) => {
                self.report.push(
                    Diagnostic::error(
                        "block-expected",
                        span,
                        format!("directive \"{name}\" has no opening \"{{\""),
                    )
                    .help(format!("`{name}` takes a block: `{name} … {{ … }}`")),
                );
                return false;
            }
            _ => {}
        }
        let count = directive.args.len();
        if count < usize::from(row.least) || (row.most != u8::MAX && count > usize::from(row.most)) {
            let wanted = match (row.least, row.most) {
                (0, 0) => "no word".to_owned(),
                (1, 1) => "one word".to_owned(),
                (least, u8::MAX) => format!("at least {least}"),
                (least, most) if least == most => format!("{least} words"),
                (least, most) => format!("{least} to {most} words"),
            };
            let mut finding = Diagnostic::error(
                "wrong-arity",
                span,
                format!("invalid number of arguments in \"{name}\" directive"),
            )
            .label(format!("takes {wanted}, has {count}"));
            if let Some((last, next)) = self.next_line(directive) {
                finding = finding
                    .related(last, "is a `;` missing after this word?")
                    .help(format!("`{next}` on the next line is a directive of its own"));
            }
            self.report.push(finding);
            return false;
        }
        true
    }

    /// A later line of the same directive that begins with a directive's name: the word before it
    /// and that name.
    fn next_line(&self, directive: &Directive) -> Option<(Span, String)> {
        let mut last = &directive.name;
        for word in &directive.args {
            let text = word.text();
            if !word.quoted
                && self.sources.line(word.span) > self.sources.line(last.span)
                && lookup(&text).next().is_some()
            {
                return Some((last.span, text.into_owned()));
            }
            last = word;
        }
        None
    }

    /// A directive that takes any number of words and has swallowed the next one.
    fn swallowed_line(&mut self, directive: &Directive, row: &Row, in_order: bool) {
        let open_ended = row.most == u8::MAX && !matches!(row.name, "log_format");
        if in_order
            && open_ended
            && let Some((last, next)) = self.next_line(directive)
        {
            self.report.push(
                Diagnostic::warning(
                    "missing-semicolon",
                    last,
                    format!("`{}` goes on in the next line with `{next}`", row.name),
                )
                .help("put a `;` after this word if the next line is a directive of its own"),
            );
        }
    }

    fn flag(&mut self, directive: &Directive, row: &Row) -> bool {
        let [word] = directive.args.as_slice() else { return true };
        if row.form != Form::Flag
            || word.value.eq_ignore_ascii_case(b"on")
            || word.value.eq_ignore_ascii_case(b"off")
        {
            return true;
        }
        self.report.push(
            Diagnostic::error(
                "invalid-value",
                word.span,
                format!(
                    "invalid value \"{}\" in \"{}\" directive, it must be \"on\" or \"off\"",
                    word.text(),
                    row.name
                ),
            )
            .suggest(&word.text(), ["on", "off"]),
        );
        false
    }

    fn inside<'t>(
        &mut self,
        directive: &'t Directive,
        row: &Row,
        context: Context,
        muted: bool,
    ) -> Vec<Item<'t>> {
        let Body::Block(block) = &directive.body else { return Vec::new() };
        let Some(inside) = context.inside(row.name) else { return Vec::new() };
        self.block(&block.directives, inside, muted || row.standing == Standing::Unsupported)
    }

    /// Whether it acts.
    fn supported(&mut self, directive: &Directive, row: &Row, muted: bool) -> bool {
        match row.standing {
            Standing::Acting => !muted,
            Standing::NoEffect(_) => false,
            Standing::Needs(_) => {
                if row.name.starts_with("ssl_") && self.tls.is_none() {
                    self.tls = Some(directive.name.span);
                }
                false
            }
            Standing::Unless(value) if off(directive, value) => false,
            Standing::Unless(_) | Standing::Unsupported => {
                if !muted {
                    self.report.push(unsupported(directive, row));
                }
                false
            }
        }
    }
}

/// A word that may be long and may hold control bytes, as one short line.
fn shorten(name: &str) -> String {
    const LONGEST: usize = 60;
    let mut shown: String = name.chars().take(LONGEST).flat_map(char::escape_debug).collect();
    if name.chars().count() > LONGEST {
        shown.push('…');
    }
    shown
}

/// Where a directive belongs: the blocks of the same kind of traffic first of all.
fn homes(name: &str, context: Context, home: Option<Context>) -> String {
    if let Some(home) = home {
        return home.describe().to_owned();
    }
    let known: Vec<Context> = lookup(name).flat_map(|row| row.contexts).copied().collect();
    let family: Vec<Context> = known.iter().copied().filter(|home| home.is_kin(context)).collect();
    let chosen = if family.is_empty() { known } else { family };
    let places: Vec<&str> = chosen.into_iter().map(Context::describe).collect();
    places.join(" or ")
}

fn off(directive: &Directive, value: &str) -> bool {
    matches!(directive.args.as_slice(), [word] if word.value.eq_ignore_ascii_case(value.as_bytes()))
}

fn unsupported(directive: &Directive, row: &Row) -> Diagnostic {
    let finding = Diagnostic::error(
        "unsupported-directive",
        directive.name.span,
        format!("\"{}\" directive is not supported yet", row.name),
    );
    match row.standing {
        Standing::Unless(value) => finding.help(format!("only `{} {value};` is accepted so far", row.name)),
        _ => finding,
    }
}
