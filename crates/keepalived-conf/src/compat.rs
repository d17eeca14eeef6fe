//! Findings in the words of the original keepalived, and the exit codes of `-t`.

use crate::Loaded;
use diagnostic::{Diagnostic, Report, Severity, Sources};

/// The finding as keepalived would log it: `(FILE: Line N) Unknown keyword 'foo'`. Findings that
/// the original has no words for are said in ours. Hints have no line.
pub fn line(finding: &Diagnostic, sources: &Sources) -> Option<String> {
    if finding.severity == Severity::Hint {
        return None;
    }
    let word = finding.span.map(|span| String::from_utf8_lossy(sources.bytes(span)).into_owned());
    let word = word.as_deref().unwrap_or("");
    let text = match finding.id {
        "misplaced-keyword" if finding.severity == Severity::Warning => {
            format!("VRRP parsed invalid IP {word}. skipping IP...")
        }
        "unknown-keyword" | "misplaced-keyword" | "obsolete-keyword" | "backslash-remark" => {
            format!("Unknown keyword '{word}'")
        }
        "interface-missing" => {
            // The place may be an address with `dev`; the name is quoted in the message.
            let name = finding.message.split('`').nth(1).unwrap_or(word);
            format!("WARNING - interface {name} doesn't exist")
        }
        "unknown-script" => format!("track script {word} not found, ignoring..."),
        "invalid-address" => format!("VRRP parsed invalid IP {word}. skipping IP..."),
        "no-preference" => {
            let number = finding.message.split(|c: char| !c.is_ascii_digit()).find(|part| !part.is_empty());
            let number = number.unwrap_or_default();
            format!(
                "Rule has no preference specified - setting to {number}. This is probably not what you want."
            )
        }
        "sync-group-of-one" => {
            format!("Sync group {word} has only 1 virtual router(s) - this probably isn't what you want")
        }
        "empty-group" if finding.message.starts_with("vrrp_sync_group") => {
            format!("Sync group {word} has no members - removing")
        }
        "version-3-authentication" => "VRRP version 3 does not support authentication. Ignoring.".to_owned(),
        "long-password" => "Truncating auth_pass to 8 characters".to_owned(),
        "grammar-stray-brace" if word == "}" => "Extra '}' found".to_owned(),
        "grammar-stray-brace" => "Unexpected '{' - ignoring".to_owned(),
        "grammar-unterminated-quote" => "Unterminated quote".to_owned(),
        "include-missing" => format!("Config files missing '{word}'."),
        "file-unreadable" => return Some(format!("Configuration file: {}", finding.message)),
        "no-script-security" => {
            return Some(
                "SECURITY VIOLATION - scripts are being executed but script_security not enabled.".to_owned(),
            );
        }
        _ => finding.message.clone(),
    };
    Some(match finding.span {
        Some(span) => {
            let file = sources.file(span.source).path().display();
            format!("({file}: Line {}) {text}", sources.line(span))
        }
        None => text,
    })
}

/// All findings of a load and its checks as lines, in the order of the files.
pub fn lines(loaded: &Loaded, checks: &Report) -> Vec<String> {
    let mut findings: Vec<&Diagnostic> = loaded.report.findings().iter().chain(checks.findings()).collect();
    findings.sort_by_key(|finding| finding.span.map(|span| (span.source, span.start)));
    findings.into_iter().filter_map(|finding| line(finding, &loaded.sources)).collect()
}

/// Warnings about what the original takes without a word.
const OURS_ALONE: [&str; 32] = [
    "bash-missing",
    "duplicate-name",
    "empty-condition",
    "empty-range",
    "extra-argument",
    "include-missing",
    "include-no-file",
    "long-process-name",
    "lost-parameter",
    "master-without-priority",
    "not-utf8",
    "notify-user",
    "out-of-bounds",
    "peer-is-source",
    "peer-missing",
    "quoted-password",
    "relative-path",
    "repeated-address",
    "repeated-keyword",
    "signal-not-permitted",
    "source-is-virtual",
    "strict-mode",
    "strict-reset",
    "sync-group-preemption",
    "too-many-addresses",
    "track-file-directory",
    "track-weight-nopreempt",
    "track-weight-too-small",
    "two-authentications",
    "two-masters-wished",
    "unneeded-word",
    "wide-multicast",
];

/// Exit code of `keepalived -t`, the original's: 6 when there are scripts and no script security, 5 when it
/// would complain of something else, 0 when it would not. Where an interface is missing, it looks no
/// further. A file that cannot be read is 6, as at a start; the original's `-t` has 0 for it.
pub fn exit_code(loaded: &Loaded, checks: &Report) -> u8 {
    let all = || loaded.report.findings().iter().chain(checks.findings());
    let counts = |finding: &Diagnostic| match finding.severity {
        Severity::Error => true,
        Severity::Warning => !OURS_ALONE.contains(&finding.id),
        _ => false,
    };
    let is_there = |id| all().any(|finding| finding.id == id);
    if !loaded.readable || (is_there("no-script-security") && !is_there("interface-missing")) {
        6
    } else if all().any(counts) {
        5
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::{ThisMachine, check};
    use crate::understand::tests::load;

    #[test]
    fn findings_in_the_words_of_the_original() {
        let loaded = load(
            "static_rules {\nfrom 10.0.0.1 table 1\n}\nvrrp_sync_group G {\ngroup {\nA\n}\n}\nvrrp_sync_group H {\n}\nvrrp_instance A {\ninterface lo\nvirtual_router_id 7\nvirtual_ipaddress { 10.0.0.1 }\n}\n",
        );
        let lines = lines(&loaded, &check(&loaded, &ThisMachine, None));
        let expected = [
            "(k.conf: Line 2) Rule has no preference specified - setting to 16384. This is probably not what you want.",
            "(k.conf: Line 4) Sync group G has only 1 virtual router(s) - this probably isn't what you want",
            "(k.conf: Line 9) Sync group H has no members - removing",
        ];
        assert_eq!(lines[..3], expected);
    }
}
