//! How many findings are told of a file, and in which order.

use diagnostic::{Diagnostic, Report};

/// Findings that anybody will read; a file of another kind would make one a word.
const MOST_FINDINGS: usize = 1000;

/// Whether findings that come by the word are to stop.
pub(crate) fn is_crowded(report: &Report) -> bool {
    report.findings().len() >= MOST_FINDINGS
}

/// As many findings as anybody will read, errors first, and that there are more.
pub(crate) fn most_severe(report: &Report) -> Report {
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
