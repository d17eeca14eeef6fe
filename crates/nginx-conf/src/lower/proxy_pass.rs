//! `proxy_pass`: where to, and which URI.

use super::{Lowering, upstream};
use crate::model::{ProxyPass, Template};
use crate::syntax::Directive;
use diagnostic::Diagnostic;

const NO_URI: &str = "\"proxy_pass\" cannot have URI part in location given by regular expression, \
                      or inside named location, or inside \"if\" statement, or inside \"limit_except\" block";

/// Lowers a `proxy_pass`. `no_uri` says why a URI part is not allowed here, if it is not.
pub(super) fn proxy_pass(
    lowering: &mut Lowering<'_>,
    directive: &Directive,
    no_uri: Option<&str>,
) -> Option<ProxyPass> {
    let word = &directive.args[0];
    let text = word.text();
    let Some(rest) = strip_scheme(&text, "http://") else {
        if strip_scheme(&text, "https://").is_some() {
            lowering.report.push(
                Diagnostic::error(
                    "unsupported-value",
                    word.span,
                    "`proxy_pass https://…` is not supported yet",
                )
                .label("TLS to an upstream"),
            );
        } else if text.starts_with('$') {
            lowering.unsupported(directive, word);
        } else {
            lowering.report.push(
                Diagnostic::error("invalid-value", word.span, "invalid URL prefix")
                    .help("write `http://` and a host or the name of an `upstream`"),
            );
        }
        return None;
    };
    let (host, uri) = split(rest);
    if host.contains('$') {
        lowering.report.push(
            Diagnostic::error(
                "unsupported-value",
                word.span,
                "`proxy_pass` with variables in the host is not supported yet",
            )
            .label("this host is known only while running"),
        );
        // The names in it are checked all the same.
        lowering.template(word);
        return None;
    }
    if host.is_empty() {
        lowering.error("invalid-value", word.span, format!("no host in upstream \"{rest}\""));
        return None;
    }
    if !uri.is_empty()
        && !uri.contains('$')
        && let Some(place) = no_uri
    {
        lowering.report.push(
            Diagnostic::error("proxy-pass-uri", word.span, NO_URI)
                .label(format!("{place}: nothing says which part `{uri}` replaces"))
                .help("drop the URI part, or rewrite the URI first"),
        );
    }
    let index = upstream::index(lowering, word, host)?;
    let (shown, port) = match upstream::host_port(host, 80) {
        _ if host.starts_with("unix:") => ("localhost".to_owned(), 0),
        Some((_, 80)) => (host.strip_suffix(":80").unwrap_or(host).to_owned(), 80),
        Some((_, port)) => (host.to_owned(), port),
        None => (host.to_owned(), 80),
    };
    let uri = (!uri.is_empty()).then(|| -> Template {
        let text = if uri.starts_with('/') { uri.to_owned() } else { format!("/{uri}") };
        // A URI that begins with a variable is complete in itself.
        let text = if uri.starts_with('$') { uri.as_bytes() } else { text.as_bytes() };
        lowering.variables.template_of(text, word.span, lowering.report)
    });
    Some(ProxyPass { upstream: index, host: shown, port, uri })
}

fn strip_scheme<'t>(text: &'t str, scheme: &str) -> Option<&'t str> {
    let head = text.get(..scheme.len())?;
    head.eq_ignore_ascii_case(scheme).then(|| &text[scheme.len()..])
}

/// Host and URI part of what follows `http://`.
fn split(text: &str) -> (&str, &str) {
    if let Some(path) = text.strip_prefix("unix:") {
        return match path.find(':') {
            Some(colon) => (&text[..5 + colon], &path[colon + 1..]),
            None => (text, ""),
        };
    }
    let end = text.find(['/', '?']).unwrap_or(text.len());
    let (host, uri) = text.split_at(end);
    // `http://backend$request_uri`: the variable begins the URI, whatever it holds.
    const WHOLE: [&str; 3] = ["$request_uri", "$uri", "$document_uri"];
    match host.find('$') {
        Some(dollar) if dollar > 0 && WHOLE.iter().any(|name| host[dollar..].starts_with(name)) => {
            text.split_at(dollar)
        }
        _ => (host, uri),
    }
}
