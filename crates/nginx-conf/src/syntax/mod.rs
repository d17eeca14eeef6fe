//! Bytes to syntax tree: nginx's tokens, blocks and `include`, with spans and recovery.

mod parse;
mod token;

pub use parse::{Parsed, parse};

use diagnostic::Span;

/// One word of a directive, unquoted and unescaped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// Its bytes after quotes and escapes.
    pub value: Vec<u8>,
    /// Where it stands, quotes included.
    pub span: Span,
    /// Whether it was quoted.
    pub quoted: bool,
}

impl Word {
    /// Its text, with what is not UTF-8 replaced.
    pub fn text(&self) -> std::borrow::Cow<'_, str> {
        String::from_utf8_lossy(&self.value)
    }
}

/// `name word … ;` or `name word … { … }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// Its first word.
    pub name: Word,
    /// The words after it.
    pub args: Vec<Word>,
    /// What ends it.
    pub body: Body,
    /// From the first byte of the name to the last byte of the terminator.
    pub span: Span,
}

/// What ends a directive.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// `;`
    Line,
    /// `{ … }`
    Block(Block),
    /// A block in another language, such as `content_by_lua_block { … }`.
    Raw(Span),
}

/// The inside of `{ … }`. Directives of included files stand where `include` stood.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    /// The opening brace.
    pub open: Span,
    /// The closing brace; `None` when it is missing.
    pub close: Option<Span>,
    /// What is inside.
    pub directives: Vec<Directive>,
}

impl Directive {
    /// Its name as text, with what is not UTF-8 replaced.
    pub fn name_text(&self) -> std::borrow::Cow<'_, str> {
        self.name.text()
    }

    /// The block, when it has one in nginx's own language.
    pub fn block(&self) -> Option<&Block> {
        match &self.body {
            Body::Block(block) => Some(block),
            Body::Line | Body::Raw(_) => None,
        }
    }

    /// From the name to the last word, without the terminator.
    pub fn words_span(&self) -> Span {
        match self.args.last() {
            Some(last) if last.span.source == self.name.span.source => self.name.span.to(last.span),
            _ => self.name.span,
        }
    }
}
