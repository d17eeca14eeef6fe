//! The choice of a server by name.

use super::{BadExpression, ByExpression};
use crate::request::captures::Captures;
use nginx_conf::model::{Server, ServerName};
use std::collections::HashMap;

/// Groups of the `server_name` expression that matched.
pub(crate) type NameCaptures = Captures;

/// The names of the servers on one listener.
#[derive(Debug, Default)]
pub(super) struct Names {
    exact: HashMap<Vec<u8>, usize>,
    /// `example.org` for `*.example.org`.
    leading: HashMap<Vec<u8>, usize>,
    /// `www.example` for `www.example.*`.
    trailing: HashMap<Vec<u8>, usize>,
    expressions: Vec<ByExpression>,
}

impl Names {
    pub(super) fn compile(servers: &[Server], here: &[usize]) -> Result<Self, BadExpression> {
        let mut names = Self::default();
        let by_expression = |index: &usize| {
            let server = servers.get(*index);
            server.is_some_and(|s| s.names.iter().any(|name| matches!(name, ServerName::Regex(_))))
        };
        if here.len() == 1 && !here.iter().any(by_expression) {
            // Whatever the name, it is this one.
            return Ok(names);
        }
        for &index in here {
            for name in servers.get(index).map_or(&[][..], |server| &server.names) {
                match name {
                    ServerName::Exact(name) => {
                        names.exact.entry(name.clone().into_bytes()).or_insert(index);
                    }
                    ServerName::Leading(name) => {
                        names.leading.entry(name.clone().into_bytes()).or_insert(index);
                    }
                    ServerName::LeadingOrExact(name) => {
                        names.exact.entry(name.clone().into_bytes()).or_insert(index);
                        names.leading.entry(name.clone().into_bytes()).or_insert(index);
                    }
                    ServerName::Trailing(name) => {
                        names.trailing.entry(name.clone().into_bytes()).or_insert(index);
                    }
                    ServerName::Regex(pattern) => {
                        names.expressions.push(ByExpression::compile(pattern, index)?);
                    }
                }
            }
        }
        Ok(names)
    }

    /// Exact, then the longest leading wildcard, then the longest trailing one, then expressions.
    pub(super) fn find(&self, host: &[u8]) -> Option<(usize, Option<NameCaptures>)> {
        if let Some(&index) = self.exact.get(host) {
            return Some((index, None));
        }
        if host.is_empty() {
            return None;
        }
        let dots = || host.iter().enumerate().filter(|(_, b)| **b == b'.').map(|(i, _)| i);
        if !self.leading.is_empty()
            && let Some(&index) = dots().filter(|i| *i > 0).find_map(|i| self.leading.get(&host[i + 1..]))
        {
            return Some((index, None));
        }
        if !self.trailing.is_empty() {
            let longest = dots().collect::<Vec<_>>();
            if let Some(&index) = longest.into_iter().rev().find_map(|i| self.trailing.get(&host[..i])) {
                return Some((index, None));
            }
        }
        self.expressions.iter().find_map(|name| Some((name.target, Some(name.captures(host)?))))
    }
}
