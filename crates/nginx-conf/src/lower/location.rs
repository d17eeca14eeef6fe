//! `location`: kinds, nesting, handlers, `try_files`.

use super::settings::{Level, Place};
use super::{Lowering, named, proxy_pass, rewrite, settings, values};
use crate::check::Item;
use crate::model::{Fallback, Handler, Location, Matcher, TryFiles};
use crate::syntax::{Directive, Word};
use diagnostic::{Diagnostic, Span};

/// What an `if` in a location takes over from it.
pub(super) struct Surroundings<'a> {
    pub(super) level: &'a Level,
    pub(super) handler: &'a Handler,
}

/// The location that an `if` makes.
pub(super) fn if_location(
    lowering: &mut Lowering<'_>,
    items: &[Item<'_>],
    around: &Surroundings<'_>,
) -> Location {
    let level = settings::level(lowering, items, around.level, Place::If);
    let handler = handler(lowering, items, Some("inside `if`")).unwrap_or_else(|| around.handler.clone());
    Location {
        matcher: Matcher::Unnamed,
        settings: level.settings,
        handler,
        rewrite: Vec::new(),
        try_files: None,
        internal: false,
        locations: Vec::new(),
    }
}

/// Locations of a server or of a location.
pub(super) fn locations(
    lowering: &mut Lowering<'_>,
    items: &[Item<'_>],
    level: &Level,
    outer: Option<(&Matcher, &Word)>,
) -> Vec<Location> {
    let mut locations: Vec<(Location, Span)> = Vec::new();
    for item in named(items, "location") {
        let Some((matcher, word)) = matcher(lowering, item.directive) else { continue };
        if let Some((outer, outer_word)) = outer
            && !may_nest(lowering, outer, outer_word, &matcher, word)
        {
            continue;
        }
        let same = |known: &Matcher| match (known, &matcher) {
            (Matcher::Exact(a), Matcher::Exact(b)) => a == b,
            (Matcher::Named(a), Matcher::Named(b)) => a == b,
            (
                Matcher::Prefix(a) | Matcher::PrefixNoRegex(a),
                Matcher::Prefix(b) | Matcher::PrefixNoRegex(b),
            ) => a == b,
            _ => false,
        };
        if let Some((_, first)) = locations.iter().find(|(known, _)| same(&known.matcher)) {
            lowering.report.push(
                Diagnostic::error(
                    "duplicate-location",
                    word.span,
                    format!("duplicate location \"{}\"", word.text()),
                )
                .related(*first, "the first one is here"),
            );
            continue;
        }
        let location = location(lowering, item, level, matcher, word);
        locations.push((location, word.span));
    }
    locations.into_iter().map(|(location, _)| location).collect()
}

fn location(
    lowering: &mut Lowering<'_>,
    item: &Item<'_>,
    outer: &Level,
    matcher: Matcher,
    word: &Word,
) -> Location {
    let prefix = match &matcher {
        Matcher::Prefix(prefix) | Matcher::PrefixNoRegex(prefix) | Matcher::Exact(prefix) => {
            Some(prefix.clone())
        }
        Matcher::Unnamed | Matcher::Regex(_) | Matcher::Named(_) => None,
    };
    if let (Matcher::Named(_), Some(alias)) = (&matcher, named(&item.items, "alias").next()) {
        lowering.error(
            "alias-in-named-location",
            alias.directive.name.span,
            "the \"alias\" directive cannot be used inside the named location",
        );
    }
    if let (Some(alias), Some(root)) = (named(&item.items, "alias").next(), named(&item.items, "root").next())
    {
        let (first, second) =
            if alias.directive.span < root.directive.span { (alias, root) } else { (root, alias) };
        let (first, second) = (&first.directive.name, &second.directive.name);
        lowering.report.push(
            Diagnostic::error(
                "duplicate-directive",
                second.span,
                format!(
                    "\"{}\" directive is duplicate, \"{}\" directive was specified earlier",
                    second.text(),
                    first.text()
                ),
            )
            .related(first.span, "it is here"),
        );
    }
    let level = settings::level(lowering, &item.items, outer, Place::Location(prefix));
    let no_uri = match &matcher {
        Matcher::Regex(_) => Some("a regular expression"),
        Matcher::Named(_) => Some("a named location"),
        _ => None,
    };
    let handler = handler(lowering, &item.items, no_uri).unwrap_or(Handler::Static);
    let around = Surroundings { level: &level, handler: &handler };
    let rewrite = rewrite::program(lowering, &item.items, Some(&around));
    let try_files = try_files(lowering, &item.items);
    let internal = named(&item.items, "internal").next().is_some();
    let locations = locations(lowering, &item.items, &level, Some((&matcher, word)));
    Location { matcher, settings: level.settings, handler, rewrite, try_files, internal, locations }
}

/// The kind of a location; the modifier may be glued to the name.
fn matcher<'d>(lowering: &mut Lowering<'_>, directive: &'d Directive) -> Option<(Matcher, &'d Word)> {
    let (modifier, name, word): (&[u8], &[u8], &Word) = match directive.args.as_slice() {
        [word] => {
            let text = word.value.as_slice();
            let modifier: &[u8] = [&b"^~"[..], b"~*", b"~", b"=", b"@"]
                .into_iter()
                .find(|modifier| text.starts_with(modifier))
                .unwrap_or(b"");
            (modifier, &text[modifier.len()..], word)
        }
        [modifier, word] => (&modifier.value, &word.value, word),
        _ => return None,
    };
    let matcher = match modifier {
        b"" => Matcher::Prefix(name.to_vec()),
        b"=" => Matcher::Exact(name.to_vec()),
        b"^~" => Matcher::PrefixNoRegex(name.to_vec()),
        b"@" if directive.args.len() == 1 => Matcher::Named(String::from_utf8_lossy(name).into_owned()),
        b"~" | b"~*" => {
            Matcher::Regex(lowering.variables.pattern(name, modifier == b"~*", word, lowering.report))
        }
        _ => {
            let modifier = &directive.args[0];
            lowering.report.push(
                Diagnostic::error(
                    "invalid-value",
                    modifier.span,
                    format!("invalid location modifier \"{}\"", modifier.text()),
                )
                .label("expected `=`, `^~`, `~` or `~*`"),
            );
            return None;
        }
    };
    if let Matcher::Prefix(name) | Matcher::PrefixNoRegex(name) | Matcher::Exact(name) = &matcher
        && !name.starts_with(b"/")
        && !name.is_empty()
    {
        lowering.report.push(
            Diagnostic::warning(
                "location-without-slash",
                word.span,
                format!("location \"{}\" matches no request: URIs begin with `/`", word.text()),
            )
            .help(format!("write `/{}`, or `~ …` for an expression", String::from_utf8_lossy(name))),
        );
    }
    Some((matcher, word))
}

fn may_nest(
    lowering: &mut Lowering<'_>,
    outer: &Matcher,
    outer_word: &Word,
    inner: &Matcher,
    word: &Word,
) -> bool {
    let (name, outer_name) = (word.text(), outer_word.text());
    let wrong = match (outer, inner) {
        (Matcher::Exact(_), _) => {
            Some(format!("location \"{name}\" cannot be inside the exact location \"{outer_name}\""))
        }
        (Matcher::Named(_), _) => {
            Some(format!("location \"{name}\" cannot be inside the named location \"{outer_name}\""))
        }
        (_, Matcher::Named(_)) => Some(format!("named location \"{name}\" can be on the server level only")),
        (
            Matcher::Prefix(outer) | Matcher::PrefixNoRegex(outer),
            Matcher::Prefix(inner) | Matcher::PrefixNoRegex(inner) | Matcher::Exact(inner),
        ) if !inner.starts_with(outer) => {
            Some(format!("location \"{name}\" is outside location \"{outer_name}\""))
        }
        (
            Matcher::Regex(outer),
            Matcher::Prefix(inner) | Matcher::PrefixNoRegex(inner) | Matcher::Exact(inner),
        ) if !inner.starts_with(outer.source.as_bytes()) => {
            Some(format!("location \"{name}\" is outside location \"{outer_name}\""))
        }
        _ => None,
    };
    if let Some(wrong) = wrong {
        lowering.report.push(
            Diagnostic::error("location-nesting", word.span, wrong)
                .related(outer_word.span, "the location around it"),
        );
        return false;
    }
    true
}

/// What answers, when the level says so itself.
pub(super) fn handler(
    lowering: &mut Lowering<'_>,
    items: &[Item<'_>],
    no_uri: Option<&str>,
) -> Option<Handler> {
    let mut handler = None;
    for item in items {
        match item.directive.name.value.as_slice() {
            b"proxy_pass" => {
                handler =
                    proxy_pass::proxy_pass(lowering, item.directive, no_uri).map(Handler::Proxy).or(handler);
            }
            b"stub_status" => handler = Some(Handler::StubStatus),
            _ => {}
        }
    }
    handler
}

pub(super) fn try_files(lowering: &mut Lowering<'_>, items: &[Item<'_>]) -> Option<TryFiles> {
    let directive = named(items, "try_files").next()?.directive;
    let (last, tried) = directive.args.split_last()?;
    let mut candidates = Vec::new();
    for word in tried {
        let (text, folder) = match word.value.strip_suffix(b"/") {
            Some(text) if !text.is_empty() => (text, true),
            _ => (word.value.as_slice(), false),
        };
        let name = lowering.variables.template_of(text, word.span, lowering.report);
        candidates.push((name, folder));
    }
    let fallback = match last.value.split_first() {
        Some((b'=', code)) => {
            let status =
                values::number(code).and_then(|code| u16::try_from(code).ok()).filter(|code| *code <= 999);
            if status.is_none() {
                lowering.error("invalid-value", last.span, format!("invalid code \"{}\"", last.text()));
            }
            Fallback::Status(status?)
        }
        Some((b'@', name)) => Fallback::Named(String::from_utf8_lossy(name).into_owned()),
        _ => Fallback::Uri(lowering.template(last)),
    };
    Some(TryFiles { candidates, fallback })
}
