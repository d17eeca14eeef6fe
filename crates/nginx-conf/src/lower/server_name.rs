//! `server_name`: exact names, wildcards, expressions.

use super::Lowering;
use crate::model::ServerName;
use crate::syntax::Word;
use diagnostic::Diagnostic;

/// One word of `server_name`.
pub(super) fn server_name(lowering: &mut Lowering<'_>, word: &Word) -> Option<ServerName> {
    let text = word.text();
    if let Some(expression) = word.value.strip_prefix(b"~") {
        if expression.is_empty() {
            lowering.error("invalid-value", word.span, "empty regex in server name \"~\"");
            return None;
        }
        // Hosts are compared in lower case, so an expression with capitals is meant caselessly.
        let caseless = expression.iter().any(u8::is_ascii_uppercase);
        return Some(ServerName::Regex(lowering.variables.pattern(
            expression,
            caseless,
            word,
            lowering.report,
        )));
    }
    if text.contains('/') {
        lowering.report.push(Diagnostic::warning(
            "suspicious-server-name",
            word.span,
            format!("server name \"{text}\" has suspicious symbols"),
        ));
    }
    if text.eq_ignore_ascii_case("$hostname") {
        return Some(ServerName::Exact(lowering.environment.hostname.to_lowercase()));
    }
    let name = text.to_lowercase();
    let sound = |rest: &str| {
        !rest.is_empty() && !rest.starts_with('.') && !rest.contains('*') && !rest.contains("..")
    };
    if let Some(rest) = name.strip_prefix("*.").filter(|rest| sound(rest)) {
        return Some(ServerName::Leading(rest.to_owned()));
    }
    if let Some(rest) = name.strip_suffix(".*").filter(|rest| sound(rest)) {
        return Some(ServerName::Trailing(rest.to_owned()));
    }
    if let Some(rest) = name.strip_prefix('.').filter(|rest| sound(rest)) {
        return Some(ServerName::LeadingOrExact(rest.to_owned()));
    }
    if name.contains('*') || name.starts_with('.') || name.contains("..") {
        // nginx refuses it only where it has to choose among several servers.
        lowering.report.push(
            Diagnostic::warning(
                "invalid-server-name",
                word.span,
                format!("invalid server name or wildcard \"{text}\": no request has this name"),
            )
            .help(
                "`*` can stand only for the first or the last part, as in `*.example.org` or `www.example.*`",
            ),
        );
        return None;
    }
    Some(ServerName::Exact(name))
}
