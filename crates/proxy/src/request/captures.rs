//! Groups of the last regular expression that matched.

use nginx_conf::pattern::Expression;

/// The text that matched, and where its groups are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Captures {
    subject: Vec<u8>,
    groups: Vec<Option<(usize, usize)>>,
    /// User variables that named groups set.
    named: Vec<(usize, usize)>,
}

impl Captures {
    /// Matches an expression; one that gives up (too much backtracking) does not match.
    pub(crate) fn of(expression: &Expression, names: &[(String, usize)], text: &[u8]) -> Option<Self> {
        let groups = expression.captures(text).ok()??;
        let named =
            names.iter().filter_map(|(name, variable)| Some((*variable, expression.group(name)?))).collect();
        Some(Self {
            subject: text.to_vec(),
            groups: groups.into_iter().map(|g| g.map(|range| (range.start, range.end))).collect(),
            named,
        })
    }

    /// A group; nothing when it took no part.
    pub(crate) fn group(&self, n: usize) -> Option<&[u8]> {
        let (start, end) = (*self.groups.get(n)?)?;
        self.subject.get(start..end)
    }

    /// User variables with the values that named groups give them.
    pub(crate) fn named(&self) -> impl Iterator<Item = (usize, &[u8])> {
        self.named.iter().map(|(variable, group)| (*variable, self.group(*group).unwrap_or(b"")))
    }
}
