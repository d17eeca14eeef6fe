//! The objects of a subagent at one moment, in the order of their identifiers.

use crate::{Oid, SearchRange, Value, VarBind};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound;

/// Objects with their values.
#[derive(Clone, Debug, Default)]
pub struct Tree {
    objects: BTreeMap<Oid, Value>,
    kinds: BTreeSet<Oid>,
}

impl Tree {
    /// One without objects.
    pub fn new() -> Self {
        Self::default()
    }

    /// Tells of a kind of objects, of which there may be none.
    pub fn declare(&mut self, kind: Oid) {
        self.kinds.insert(kind);
    }

    /// Adds an object.
    pub fn insert(&mut self, name: Oid, value: Value) {
        self.objects.insert(name, value);
    }

    /// All objects.
    pub fn iter(&self) -> impl Iterator<Item = (&Oid, &Value)> {
        self.objects.iter()
    }

    /// Whether an object would be of a kind that was told of.
    fn knows(&self, name: &Oid) -> bool {
        self.kinds.range(..=name).next_back().is_some_and(|kind| name.is_within(kind))
    }

    /// The object of this name. RFC 2741 §7.2.3.1.
    pub fn exact(&self, name: &Oid) -> VarBind {
        let value = match self.objects.get(name) {
            Some(value) => value.clone(),
            None if self.knows(name) => Value::NoSuchInstance,
            None => Value::NoSuchObject,
        };
        VarBind { name: name.clone(), value }
    }

    /// The first object of a range. RFC 2741 §7.2.3.2.
    pub fn next(&self, range: &SearchRange) -> VarBind {
        let start = if range.include { Bound::Included(&range.start) } else { Bound::Excluded(&range.start) };
        match self.objects.range((start, Bound::Unbounded)).next() {
            Some((name, value)) if range.end.is_null() || *name < range.end => {
                VarBind { name: name.clone(), value: value.clone() }
            }
            _ => VarBind { name: range.start.clone(), value: Value::EndOfMibView },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree() -> Tree {
        let mut tree = Tree::new();
        tree.declare(Oid::new(&[1, 1]));
        tree.declare(Oid::new(&[1, 2]));
        tree.declare(Oid::new(&[1, 3]));
        for name in [&[1, 1, 1], &[1, 1, 2], &[1, 2, 1]] {
            tree.insert(Oid::new(name), Value::Integer(name[1] as i32 * 10 + name[2] as i32));
        }
        tree
    }

    fn range(start: &[u32], include: bool, end: &[u32]) -> SearchRange {
        SearchRange { start: Oid::new(start), include, end: Oid::new(end) }
    }

    #[test]
    fn a_missing_object_is_told_from_a_missing_kind() {
        let exact = |name: &[u32]| tree().exact(&Oid::new(name)).value;
        assert_eq!(exact(&[1, 1, 2]), Value::Integer(12));
        assert_eq!(exact(&[1, 1, 3]), Value::NoSuchInstance);
        assert_eq!(exact(&[1, 3, 1]), Value::NoSuchInstance);
        assert_eq!(exact(&[1, 1]), Value::NoSuchInstance);
        assert_eq!(exact(&[1, 4, 1]), Value::NoSuchObject);
        assert_eq!(exact(&[1]), Value::NoSuchObject);
        assert_eq!(exact(&[]), Value::NoSuchObject);
    }

    #[test]
    fn next_goes_over_columns_and_ends_with_its_range() {
        let next = |start: &[u32], include, end: &[u32]| {
            let found = tree().next(&range(start, include, end));
            (found.name.parts().to_vec(), found.value)
        };
        assert_eq!(next(&[], false, &[]), (vec![1, 1, 1], Value::Integer(11)));
        assert_eq!(next(&[1, 1], false, &[]), (vec![1, 1, 1], Value::Integer(11)));
        assert_eq!(next(&[1, 1, 1], true, &[]), (vec![1, 1, 1], Value::Integer(11)));
        assert_eq!(next(&[1, 1, 1], false, &[]), (vec![1, 1, 2], Value::Integer(12)));
        assert_eq!(next(&[1, 1, 1, 7], false, &[]), (vec![1, 1, 2], Value::Integer(12)));
        assert_eq!(next(&[1, 1, 2], false, &[]), (vec![1, 2, 1], Value::Integer(21)));
        assert_eq!(next(&[1, 1, 2], false, &[1, 2]), (vec![1, 1, 2], Value::EndOfMibView));
        assert_eq!(next(&[1, 2, 1], false, &[]), (vec![1, 2, 1], Value::EndOfMibView));
        // A range that ends before it begins holds nothing.
        assert_eq!(next(&[1, 2], false, &[1, 1]), (vec![1, 2], Value::EndOfMibView));
    }
}
