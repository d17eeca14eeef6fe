//! Bytes into a syntax tree with spans: the language of keepalived.conf without its words.
//!
//! A file goes through [`lines`] (comments, continuation), [`expand`] (includes, conditions,
//! definitions, generators), [`words`] (quotes, escapes) and [`tree`] (blocks). Each stage reports
//! what is wrong and goes on, so that one reading shows everything. Behaviour: keepalived's
//! `lib/parser.c` and keepalived.conf(5), "CONFIGURATION PARSER".

mod expand;
mod include;
mod lines;
mod sequence;
mod text;
mod tree;
mod variables;
mod words;

#[cfg(test)]
mod tests;

pub use tree::{Block, Statement};
pub use words::Word;

pub(crate) use words::escape;

use crate::{Environment, Files};
use diagnostic::{Report, Sources};
use std::path::Path;

/// Reads a file, or all that a pattern matches, and everything they include. `None` when nothing could be
/// read.
pub(crate) fn parse(
    path: &Path,
    files: &dyn Files,
    environment: &Environment,
    sources: &mut Sources,
    report: &mut Report,
) -> Option<Vec<Statement>> {
    let mut expansion = expand::Expansion::new(files, environment, sources, report);
    let readable = expansion.files(path);
    let lines = std::mem::take(&mut expansion.lines);
    readable.then(|| tree::build(&lines, sources, report))
}
