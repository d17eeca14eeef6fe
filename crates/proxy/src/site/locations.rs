//! The search for a location, as nginx searches: exact, then the longest prefix and what is nested
//! in it, then expressions in file order.

use super::{BadExpression, ByExpression, LocationId, Site};
use crate::request::captures::Captures;
use nginx_conf::model::{Handler, Matcher};
use std::collections::HashMap;

/// The locations of one level.
#[derive(Debug, Default)]
pub(super) struct Table {
    exact: HashMap<Vec<u8>, LocationId>,
    /// Longest first.
    prefixes: Vec<Prefix>,
    expressions: Vec<ByExpression>,
}

#[derive(Debug)]
struct Prefix {
    prefix: Vec<u8>,
    id: LocationId,
    no_regex: bool,
}

/// What a search found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) location: LocationId,
    /// Groups of the expression that decided, if one did.
    pub(crate) captures: Option<Captures>,
}

impl Table {
    pub(super) fn add(&mut self, matcher: &Matcher, id: LocationId) -> Result<(), BadExpression> {
        match matcher {
            Matcher::Exact(path) => {
                self.exact.insert(path.clone(), id);
            }
            Matcher::Prefix(prefix) => {
                self.prefixes.push(Prefix { prefix: prefix.clone(), id, no_regex: false });
            }
            Matcher::PrefixNoRegex(prefix) => {
                self.prefixes.push(Prefix { prefix: prefix.clone(), id, no_regex: true });
            }
            Matcher::Regex(pattern) => {
                self.expressions.push(ByExpression::compile(pattern, id)?);
            }
            Matcher::Unnamed | Matcher::Named(_) => {}
        }
        Ok(())
    }

    /// Ready for searching; `None` when the level has no locations.
    pub(super) fn finish(mut self) -> Option<Self> {
        self.prefixes.sort_by_key(|p| std::cmp::Reverse(p.prefix.len()));
        let empty = self.exact.is_empty() && self.prefixes.is_empty() && self.expressions.is_empty();
        (!empty).then_some(self)
    }
}

/// Searches below a level, whose own number is the answer when nothing matches.
pub(super) fn find(site: &Site, level: LocationId, path: &[u8]) -> Found {
    match search(site, level, path) {
        Some((found, _)) => found,
        None => Found { location: level, captures: None },
    }
}

/// Whether a path lacks only the final slash of a prefix location whose handler is an upstream:
/// nginx redirects there.
pub(super) fn wants_slash(site: &Site, level: LocationId, path: &[u8]) -> bool {
    let Some(table) = site.location(level).children.as_ref() else { return false };
    if path.ends_with(b"/") || table.exact.contains_key(path) {
        return false;
    }
    table.prefixes.iter().any(|p| {
        p.prefix.len() == path.len() + 1
            && p.prefix.starts_with(path)
            && p.prefix.ends_with(b"/")
            && matches!(site.location(p.id).handler, Handler::Proxy(_))
    })
}

/// What matched below `level`, and whether that is final: an exact or an expression match, which
/// no expression of an outer level may override.
fn search(site: &Site, level: LocationId, path: &[u8]) -> Option<(Found, bool)> {
    let table = site.location(level).children.as_ref()?;
    if let Some(&location) = table.exact.get(path) {
        return Some((Found { location, captures: None }, true));
    }
    let prefix = table.prefixes.iter().find(|p| path.starts_with(&p.prefix));
    let mut best = None;
    if let Some(prefix) = prefix {
        best = match search(site, prefix.id, path) {
            Some((found, true)) => return Some((found, true)),
            Some((found, false)) => Some(found),
            None => Some(Found { location: prefix.id, captures: None }),
        };
        if prefix.no_regex {
            return best.map(|found| (found, false));
        }
    }
    for candidate in &table.expressions {
        if let Some(captures) = candidate.captures(path) {
            let location = candidate.target;
            let nested = search(site, location, path).map(|(found, _)| found);
            let mut found = nested.unwrap_or(Found { location, captures: None });
            found.captures = found.captures.or(Some(captures));
            return Some((found, true));
        }
    }
    best.map(|found| (found, false))
}
