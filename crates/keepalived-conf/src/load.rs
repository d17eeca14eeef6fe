//! A file into a model, with everything that is to be said about it.

use crate::grammar;
use crate::model::Config;
use crate::placement;
use crate::registry::Extent;
use crate::understand::{self, Places};
use crate::{Disk, Environment, Files};
use diagnostic::{Diagnostic, Report, Sources};
use std::path::Path;

/// A configuration as it was understood.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Every file that was read.
    pub sources: Sources,
    /// Everything that is to be said about them.
    pub report: Report,
    /// What was understood, also when there are errors.
    pub config: Config,
    /// Where it was written.
    pub places: Places,
    /// Whether the file itself could be read.
    pub readable: bool,
}

/// Reads a configuration from this machine's files. Never fails as a whole: what is wrong is in the
/// report, and the model holds what could be understood.
pub fn load(path: &Path, environment: &Environment) -> Loaded {
    load_from(path, &Disk, environment)
}

/// Reads a configuration from the given files.
pub fn load_from(path: &Path, files: &dyn Files, environment: &Environment) -> Loaded {
    load_extent(path, files, environment, Extent::Acting)
}

/// Reads a configuration as if so many words acted.
pub(crate) fn load_extent(
    path: &Path,
    files: &dyn Files,
    environment: &Environment,
    extent: Extent,
) -> Loaded {
    let mut loaded = Loaded::default();
    let tree = grammar::parse(path, files, environment, &mut loaded.sources, &mut loaded.report);
    loaded.readable = tree.is_some();
    let tree = tree.unwrap_or_default();
    let root = placement::place(&tree, extent, &mut loaded.report);
    (loaded.config, loaded.places) = understand::understand(&root, extent, files, &mut loaded.report);
    if is_crowded(&loaded.report) {
        loaded.report = most_severe(&loaded.report);
    }
    loaded.report = in_file_order(&loaded.report);
    loaded
}

/// Findings that anybody will read; a file of another kind would make one a word.
const MOST_FINDINGS: usize = 1000;

/// Whether findings that come by the word are to stop.
pub(crate) fn is_crowded(report: &Report) -> bool {
    report.findings().len() >= MOST_FINDINGS
}

/// As many findings as anybody will read, errors first, and that there are more.
fn most_severe(report: &Report) -> Report {
    let mut findings = report.findings().to_vec();
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let mut kept = Report::default();
    let message = format!("more than {MOST_FINDINGS} findings; the rest is not listed");
    kept.push(Diagnostic::error("too-many-findings", None, message).help("is this a keepalived.conf?"));
    findings.into_iter().take(MOST_FINDINGS).for_each(|finding| kept.push(finding));
    kept
}

/// The same findings in the order of the files and their lines, whatever stage made them.
pub(crate) fn in_file_order(report: &Report) -> Report {
    let mut findings = report.findings().to_vec();
    findings.sort_by_key(|finding| finding.span.map(|span| (span.source, span.start)));
    let mut sorted = Report::default();
    findings.into_iter().for_each(|finding| sorted.push(finding));
    sorted
}
