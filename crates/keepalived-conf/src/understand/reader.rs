//! What every part of the understanding needs: the report, the names of this machine, and which
//! words act.

use super::names::Names;
use crate::Files;
use crate::findings::is_crowded;
use crate::grammar::{Statement, Word};
use crate::registry::{self, Context, Extent, Keyword, Support};
use crate::value;
use diagnostic::{Diagnostic, Report, Span};
use std::net::IpAddr;

/// One reading of a configuration.
pub(super) struct Reader<'a> {
    pub(super) report: &'a mut Report,
    pub(super) files: &'a dyn Files,
    pub(super) names: Names<'a>,
    pub(super) extent: Extent,
    /// Word and name of every block of the outer level, also of those that cannot be used.
    pub(super) declared: Vec<(&'static str, String)>,
    /// Interfaces that addresses and routes go to.
    pub(super) devices: Vec<(String, Span)>,
}

impl Reader<'_> {
    /// Adds a finding.
    pub(super) fn say(&mut self, finding: Diagnostic) {
        self.report.push(finding);
    }

    /// Adds an error at a word.
    pub(super) fn error(&mut self, id: &'static str, span: Span, message: impl Into<String>) {
        self.say(Diagnostic::error(id, span, message));
    }

    /// Adds a warning with what becomes of it.
    pub(super) fn warn(
        &mut self,
        id: &'static str,
        span: Span,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.say(Diagnostic::warning(id, span, message).help(help));
    }

    /// Warns of a word behind all that an entry can have.
    pub(super) fn ignored(&mut self, word: Option<&Word>) {
        let Some(word) = word else { return };
        let message = format!("`{}` stands behind a whole entry; this is ignored", word.text);
        self.warn("extra-argument", word.span, message, "write one entry on each line");
    }

    /// Says that a word is an old name of another.
    pub(super) fn old_name(&mut self, word: &Word, today: &str) {
        let message = format!("`{}` is an old name", word.text);
        self.say(Diagnostic::hint("old-name", word.span, message).help(format!("write `{today}`")));
    }

    /// Warns, in its words, of an old word that keepalived complains of.
    pub(super) fn deprecated(&mut self, word: &Word, today: &str) {
        let message = format!("\"{}\" for routes is deprecated. Please use \"{today}\"", word.text);
        self.warn("deprecated-word", word.span, message, format!("write `{today}`"));
    }

    /// Whether a word or value acts.
    pub(super) fn acts(&self, support: Support) -> bool {
        self.extent.includes(support)
    }

    /// Whether a value of [`Context::Value`] acts.
    pub(super) fn value_acts(&self, name: &str) -> bool {
        registry::option(name, Context::Value).is_some_and(|row| self.acts(row.support))
    }

    /// An interface name, which the kernel holds in 16 bytes with a zero at the end.
    pub(super) fn interface(&mut self, word: &Word) -> Option<String> {
        let text = word.text.as_str();
        let sound = !text.is_empty()
            && text.len() < 16
            && !matches!(text, "." | "..")
            && !text.contains(|c: char| c == '/' || c == ':' || c.is_whitespace());
        if !sound {
            let finding =
                Diagnostic::error("invalid-value", word.span, format!("`{text}` is no interface name"));
            self.say(finding.help("a name has 1 to 15 bytes, and neither `/`, `:` nor blanks"));
        }
        sound.then(|| text.to_owned())
    }

    /// `dev`: the interface that an address or a route goes to.
    pub(super) fn device(&mut self, word: &Word) -> Option<String> {
        let name = self.interface(word)?;
        self.devices.push((name.clone(), word.span));
        Some(name)
    }

    /// An address of either family.
    pub(super) fn address(&mut self, word: &Word) -> Option<IpAddr> {
        let address = word.text.parse().ok();
        if address.is_none() {
            self.error("invalid-address", word.span, format!("`{}` is not an IP address", word.text));
        }
        address
    }

    /// Whether there is a block of this name, which may have been left out for its own mistakes.
    pub(super) fn is_declared(&self, block: &str, name: &str) -> bool {
        self.declared.iter().any(|(known, n)| *known == block && n == name)
    }

    /// The name of something defined elsewhere; what is not is named.
    pub(super) fn defined(
        &mut self,
        word: &Word,
        what: &str,
        known: impl Iterator<Item = impl AsRef<str>> + Clone,
    ) -> bool {
        let found = known.clone().any(|name| name.as_ref() == word.text);
        if !found && !is_crowded(self.report) && !self.is_declared(what, &word.text) {
            let names: Vec<String> = known.map(|name| name.as_ref().to_owned()).collect();
            self.say(
                Diagnostic::error("unknown-name", word.span, format!("there is no {what} `{}`", word.text))
                    .suggest(&word.text, names.iter().map(String::as_str))
                    .help("this entry is left out"),
            );
        }
        found
    }
}

/// The words of an entry, one after the other.
pub(super) struct Line<'t> {
    words: &'t [Word],
    context: Context,
    /// Whether its block acts: else everything in it is reported with the block.
    pub(super) block_acts: bool,
}

impl<'t> Line<'t> {
    /// The words behind the first.
    pub(super) fn options(entry: &'t Statement, context: Context, block_acts: bool) -> Self {
        Self { words: entry.arguments(), context, block_acts }
    }

    /// All words.
    pub(super) fn whole(entry: &'t Statement, context: Context, block_acts: bool) -> Self {
        Self { words: &entry.words, context, block_acts }
    }

    /// No words: for what is said about the options of a place.
    pub(super) fn nothing(context: Context) -> Self {
        Self { words: &[], context, block_acts: false }
    }

    /// Goes on with other options.
    pub(super) fn enter(&mut self, context: Context) {
        self.context = context;
    }

    /// The next word without taking it.
    pub(super) fn peek(&self) -> Option<&'t Word> {
        self.words.first()
    }

    /// Takes the next word.
    pub(super) fn next(&mut self) -> Option<&'t Word> {
        let (first, rest) = self.words.split_first()?;
        self.words = rest;
        Some(first)
    }

    /// Takes the next word if it is this one.
    pub(super) fn take(&mut self, text: &str) -> bool {
        let there = self.peek().is_some_and(|word| word.text == text);
        if there {
            self.next();
        }
        there
    }

    /// The row of an option; one that does not act yet is reported.
    pub(super) fn row(&self, option: &Word, reader: &mut Reader<'_>) -> Option<&'static Keyword> {
        let row = registry::option(&option.text, self.context)?;
        if self.block_acts && !reader.acts(row.support) {
            let message = format!("`{}` of {} is not supported yet", row.name, place(self.context));
            reader.say(Diagnostic::error("unsupported-keyword", option.span, message).label(row.doc));
        }
        if let Support::NoEffect(why) = row.support {
            let message = format!("`{}` makes no difference here", row.name);
            reader.say(Diagnostic::hint("no-effect", option.span, message).help(why));
        }
        Some(row)
    }

    /// Takes the value of an option, checked against its row.
    pub(super) fn value(&mut self, option: &Word, reader: &mut Reader<'_>) -> Option<&'t Word> {
        let Some(word) = self.next() else {
            reader.error("missing-argument", option.span, format!("`{}` needs a value", option.text));
            return None;
        };
        let kind = registry::option(&option.text, self.context)?.arguments.kind;
        if let Some(problem) = value::misfit(kind, &word.text) {
            let message = format!("`{}` does not fit `{}`: {problem}", word.text, option.text);
            reader.error("invalid-value", word.span, message);
            return None;
        }
        Some(word)
    }

    /// What an unknown word may have been meant for.
    pub(super) fn unknown(&self, option: &Word) -> Diagnostic {
        let message = format!("`{}` is not an option of {}", option.text, place(self.context));
        let finding = Diagnostic::error("unknown-keyword", option.span, message);
        let names =
            registry::options().filter(|row| row.contexts.contains(&self.context)).map(|row| row.name);
        finding.suggest(&option.text, names)
    }
}

/// What the options of a line belong to.
fn place(context: Context) -> &'static str {
    match context {
        Context::AddressOption => "an address",
        Context::RouteOption => "a route",
        Context::NextHopOption => "a nexthop",
        Context::RuleOption => "a rule",
        Context::PeerOption => "a peer",
        _ => "a tracked object",
    }
}
