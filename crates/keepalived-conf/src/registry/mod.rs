//! Every word of keepalived.conf: where it may stand, what follows it, whether we act on it.
//!
//! One row a word and place, after the words that keepalived 2.4.3 installs and those that old
//! files still carry. The parser, "did you mean" and the documentation come from these rows.

mod checkers;
mod context;
mod global;
mod lvs;
mod options;
mod ours;
mod process;
mod vrrp;

pub use context::Context;

use std::collections::HashMap;
use std::sync::LazyLock;

/// What the first argument has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any word.
    Text,
    /// A whole number between two bounds, both allowed.
    Integer(i64, i64),
    /// Decimal seconds between two bounds in microseconds, both allowed.
    Seconds(u64, u64),
    /// Decimal milliseconds between two bounds in microseconds, both allowed.
    Milliseconds(u64, u64),
    /// `on`, `off`, `true`, `false`, `yes` or `no`.
    Bool,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

/// How many arguments, and of what kind the first is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arguments {
    /// At least so many.
    pub least: usize,
    /// At most so many.
    pub most: usize,
    /// The first of them.
    pub kind: Kind,
}

impl Arguments {
    /// The same, or nothing at all.
    const fn optional(mut self) -> Self {
        self.least = 0;
        self
    }
}

/// No argument.
const NONE: Arguments = Arguments { least: 0, most: 0, kind: Kind::Text };
/// One word.
const WORD: Arguments = Arguments { least: 1, most: 1, kind: Kind::Text };
/// `on` when nothing follows.
const SWITCH: Arguments = Arguments { least: 0, most: 1, kind: Kind::Bool };
/// A command: one quoted word, or words up to the end of the line.
const COMMAND: Arguments = Arguments { least: 1, most: usize::MAX, kind: Kind::Text };
/// Anything, also nothing.
const ANY: Arguments = Arguments { least: 0, most: usize::MAX, kind: Kind::Text };

/// A number of words between two bounds.
const fn words(least: usize, most: usize) -> Arguments {
    Arguments { least, most, kind: Kind::Text }
}

/// One whole number.
const fn integer(low: i64, high: i64) -> Arguments {
    Arguments { least: 1, most: 1, kind: Kind::Integer(low, high) }
}

/// One whole number and up to `more` words.
const fn integer_and(low: i64, high: i64, more: usize) -> Arguments {
    Arguments { least: 1, most: 1 + more, kind: Kind::Integer(low, high) }
}

/// One number of seconds, bounds in microseconds.
const fn seconds(low: u64, high: u64) -> Arguments {
    Arguments { least: 1, most: 1, kind: Kind::Seconds(low, high) }
}

/// One number of milliseconds from so many on.
const fn milliseconds(low: u64) -> Arguments {
    Arguments { least: 1, most: 1, kind: Kind::Milliseconds(low * 1000, LONGEST) }
}

/// One of these words, then up to `more` words.
const fn one_of(choices: &'static [&'static str], more: usize) -> Arguments {
    Arguments { least: 1, most: 1 + more, kind: Kind::OneOf(choices) }
}

/// The longest time keepalived holds in its timers: 2³² µs, in whole seconds.
const LONGEST: u64 = 4_294_967_295;

/// What becomes of a word. To let a word act is to write `acts` before its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// It does what keepalived does.
    Acts,
    /// It is read into the model, but no process acts on it yet: an error.
    Understood,
    /// It belongs to LVS, which is not supported yet: an error.
    Unsupported,
    /// It makes no difference here, for this reason.
    NoEffect(&'static str),
    /// No keepalived of today does anything about it: a warning.
    Obsolete,
}

/// What holds when a word stands in one block more than once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// The last one.
    Last,
    /// The first one: keepalived ignores those after it.
    First,
    /// All of them.
    All,
}

/// One word in one kind of place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keyword {
    /// The word.
    pub name: &'static str,
    /// Where it may stand.
    pub contexts: &'static [Context],
    /// What follows it.
    pub arguments: Arguments,
    /// The inside of its block, if it has one.
    pub block: Option<Context>,
    /// What becomes of it.
    pub support: Support,
    /// What holds when it stands in one block more than once.
    pub again: Again,
    /// What it does, in one line.
    pub doc: &'static str,
}

const fn row(
    support: Support,
    name: &'static str,
    contexts: &'static [Context],
    arguments: Arguments,
    doc: &'static str,
) -> Keyword {
    Keyword { name, contexts, arguments, block: None, support, again: Again::Last, doc }
}

/// A word that is acted on.
const fn acts(
    name: &'static str,
    contexts: &'static [Context],
    arguments: Arguments,
    doc: &'static str,
) -> Keyword {
    row(Support::Acts, name, contexts, arguments, doc)
}

/// A word that is read into the model and not acted on yet.
const fn understood(
    name: &'static str,
    contexts: &'static [Context],
    arguments: Arguments,
    doc: &'static str,
) -> Keyword {
    row(Support::Understood, name, contexts, arguments, doc)
}

/// A word that makes no difference here, and why.
const fn no_effect(
    name: &'static str,
    contexts: &'static [Context],
    arguments: Arguments,
    doc: &'static str,
    why: &'static str,
) -> Keyword {
    row(Support::NoEffect(why), name, contexts, arguments, doc)
}

/// A word of LVS, which is not supported yet.
const fn later(
    name: &'static str,
    contexts: &'static [Context],
    arguments: Arguments,
    doc: &'static str,
) -> Keyword {
    row(Support::Unsupported, name, contexts, arguments, doc)
}

/// A word that nothing reads any more.
const fn dead(
    name: &'static str,
    contexts: &'static [Context],
    arguments: Arguments,
    doc: &'static str,
) -> Keyword {
    row(Support::Obsolete, name, contexts, arguments, doc)
}

impl Keyword {
    /// Gives the word a block.
    const fn block(mut self, inside: Context) -> Self {
        self.block = Some(inside);
        self
    }

    /// Lets the word stand more than once.
    const fn repeats(mut self) -> Self {
        self.again = Again::All;
        self
    }

    /// Lets the first one hold when the word stands more than once.
    const fn first_counts(mut self) -> Self {
        self.again = Again::First;
        self
    }
}

/// All rows.
pub fn keywords() -> impl Iterator<Item = &'static Keyword> {
    [global::WORDS, ours::WORDS, process::WORDS, vrrp::WORDS, lvs::WORDS, checkers::WORDS]
        .into_iter()
        .flatten()
}

/// All rows of what stands within a line, and of values that matter by themselves.
pub fn options() -> impl Iterator<Item = &'static Keyword> {
    options::WORDS.iter()
}

type Index = HashMap<&'static str, Vec<&'static Keyword>>;

/// Rows by their words: a file may have a million of them.
fn index(rows: impl Iterator<Item = &'static Keyword>) -> Index {
    let mut index = Index::new();
    rows.for_each(|row| index.entry(row.name).or_default().push(row));
    index
}

static KEYWORDS: LazyLock<Index> = LazyLock::new(|| index(keywords()));
static OPTIONS: LazyLock<Index> = LazyLock::new(|| index(options()));

/// All rows of a word.
fn rows(index: &'static Index, name: &str) -> impl Iterator<Item = &'static Keyword> {
    index.get(name).into_iter().flatten().copied()
}

/// The row of an option or value.
pub fn option(name: &str, context: Context) -> Option<&'static Keyword> {
    rows(&OPTIONS, name).find(|k| k.contexts.contains(&context))
}

/// Which words count as acted on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Extent {
    /// Those that a process acts on.
    #[default]
    Acting,
    /// All that are understood: what the model makes of them can be seen before anything acts on it.
    #[cfg(test)]
    Understood,
}

impl Extent {
    /// Whether a word acts.
    pub(crate) fn includes(self, support: Support) -> bool {
        match support {
            Support::Unsupported => false,
            Support::Acts | Support::NoEffect(_) | Support::Obsolete => true,
            #[cfg(test)]
            Support::Understood => self == Self::Understood,
            #[cfg(not(test))]
            Support::Understood => false,
        }
    }
}

/// The row of a word in a place.
pub fn lookup(name: &str, context: Context) -> Option<&'static Keyword> {
    rows(&KEYWORDS, name).find(|k| k.contexts.contains(&context))
}

/// The words that may stand in a place.
pub fn in_context(context: Context) -> impl Iterator<Item = &'static Keyword> {
    keywords().filter(move |k| k.contexts.contains(&context))
}

/// The places where a word may stand.
pub fn places(name: &str) -> Vec<Context> {
    rows(&KEYWORDS, name).flat_map(|k| k.contexts).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_one_row_in_a_place() {
        let mut seen = std::collections::HashSet::new();
        for keyword in keywords() {
            for context in keyword.contexts {
                assert!(seen.insert((keyword.name, *context)), "{} twice in {context:?}", keyword.name);
                assert!(!context.is_list(), "{} in a list", keyword.name);
            }
            assert!(!keyword.doc.is_empty() && !keyword.doc.ends_with('.'), "{}", keyword.name);
        }
        for option in options() {
            for context in option.contexts {
                assert!(seen.insert((option.name, *context)), "{} twice in {context:?}", option.name);
            }
            assert!(!option.doc.is_empty() && !option.doc.ends_with('.'), "{}", option.name);
        }
        assert!(seen.len() > 400, "{} rows", seen.len());
    }
}
