//! Object identifiers.

use std::fmt;

/// An object identifier: a path in the tree of all objects. They are ordered as SNMP walks them: a
/// node comes before what lies below it, and that before its next sibling.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Oid(Vec<u32>);

impl Oid {
    /// Sub-identifiers of the longest one. RFC 2578 §3.5.
    pub const LONGEST: usize = 128;

    /// From its sub-identifiers.
    pub fn new(parts: &[u32]) -> Self {
        Self(parts.to_vec())
    }

    /// Its sub-identifiers.
    pub fn parts(&self) -> &[u32] {
        &self.0
    }

    /// The one that leads from here over `parts`.
    pub fn below(&self, parts: &[u32]) -> Self {
        Self([&self.0, parts].concat())
    }

    /// Whether it is `other` or lies below it.
    pub fn is_within(&self, other: &Oid) -> bool {
        self.0.starts_with(&other.0)
    }

    /// Whether it is the null identifier, which names nothing.
    pub fn is_null(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Vec<u32>> for Oid {
    fn from(parts: Vec<u32>) -> Self {
        Self(parts)
    }
}

impl fmt::Display for Oid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|part| write!(f, ".{part}"))
    }
}
