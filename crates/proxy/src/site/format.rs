//! `log_format`, compiled.

use http1::Known;
use nginx_conf::model::{Escape, Http, Part, Template, Variable};

/// A format of access log lines.
#[derive(Debug)]
pub(crate) struct Format {
    pub(crate) escape: Escape,
    pub(crate) slots: Vec<Slot>,
}

/// A part of a line.
#[derive(Debug)]
pub(crate) enum Slot {
    Literal(Vec<u8>),
    /// A variable that never holds anything to escape.
    Plain(Variable),
    /// All request fields of a kind.
    Field(Known),
    Escaped(Variable),
}

impl Format {
    pub(super) fn compile_all(http: &Http) -> Vec<Self> {
        let compile = |line: &Template| line.parts.iter().map(slot).collect();
        http.log_formats.iter().map(|f| Self { escape: f.escape, slots: compile(&f.line) }).collect()
    }
}

fn slot(part: &Part) -> Slot {
    match part {
        Part::Literal(bytes) => Slot::Literal(bytes.clone()),
        Part::Variable(Variable::RequestHeader(name)) => match Known::of(name.replace('_', "-").as_bytes()) {
            Known::Other => Slot::Escaped(Variable::RequestHeader(name.clone())),
            known => Slot::Field(known),
        },
        Part::Variable(variable) if is_plain(variable) => Slot::Plain(variable.clone()),
        Part::Variable(variable) => Slot::Escaped(variable.clone()),
    }
}

fn is_plain(variable: &Variable) -> bool {
    matches!(
        variable,
        Variable::RemoteAddr
            | Variable::TimeLocal
            | Variable::Status
            | Variable::BodyBytesSent
            | Variable::RequestTime
            | Variable::UpstreamAddr
    )
}

/// Whether a word of a log asks for fields of the head that was sent.
pub(super) fn asks_for_sent_head(word: &Template) -> bool {
    word.parts.iter().any(|part| matches!(part, Part::Variable(Variable::SentHeader(_))))
}
