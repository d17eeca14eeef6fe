//! The language of nginx.conf: grammar, directive registry, typed model.
//!
//! [`load`] takes a file through all of it: bytes → syntax tree → checked tree → [`model::Config`],
//! and reports everything that is wrong, not only the first. The registry ([`registry`]) is the one
//! place that says which directives act, which are accepted because they cannot make a difference
//! here, and which are known but not supported yet; nothing is passed over in silence.
#![forbid(unsafe_code)]

mod check;
pub mod compat;
mod dump;
mod environment;
mod lower;
pub mod model;
pub mod pattern;
pub mod registry;
pub mod syntax;

pub use dump::dump;
pub use environment::{Disk, Environment, Files, Memory, Offline, Resolver, SystemResolver};

use diagnostic::{Report, SourceId, Sources, Span};
use std::collections::HashMap;
use std::path::Path;

/// What became of a configuration.
#[derive(Debug)]
pub struct Loaded {
    /// Every file that took part, for showing findings and for [`dump`].
    pub sources: Sources,
    /// Everything that was found.
    pub report: Report,
    /// What it means; `None` when there are errors, with which nginx would not start.
    pub config: Option<model::Config>,
    /// For each included file, the word of the first `include` that named it.
    pub included_at: HashMap<SourceId, Span>,
}

/// Reads, checks and lowers a configuration.
pub fn load(path: &Path, environment: &Environment<'_>) -> Loaded {
    let parsed = syntax::parse(path, environment);
    let mut report = parsed.report;
    let config = if parsed.main.is_some() {
        let items = check::check(&parsed.directives, &parsed.sources, &mut report);
        Some(lower::lower(&items, &parsed.directives, environment, &mut report))
    } else {
        None
    };
    let config = config.filter(|_| !report.has_errors());
    Loaded { sources: parsed.sources, report, config, included_at: parsed.included_at }
}
