//! Tables as data: a row of the program's own type, and what each column takes from it.

use crate::{Oid, Tree, Value};

/// A column.
#[derive(Debug)]
pub struct Column<R> {
    /// Its number below the entry of the table.
    pub number: u32,
    /// What a row has there; `None` for nothing.
    pub value: fn(&R) -> Option<Value>,
}

impl<R> Column<R> {
    /// A column.
    pub const fn new(number: u32, value: fn(&R) -> Option<Value>) -> Self {
        Self { number, value }
    }
}

/// A conceptual table, or with an empty index a group of scalars. RFC 2578 §7.1.12.
#[derive(Debug)]
pub struct Table<'c, R> {
    /// Path of its entry, below which columns are numbered.
    pub entry: &'static [u32],
    /// Its columns.
    pub columns: &'c [Column<R>],
}

impl<R> Table<'_, R> {
    /// Puts rows, each with its index, into a tree whose root is `base`.
    pub fn fill(&self, base: &Oid, rows: impl IntoIterator<Item = (Vec<u32>, R)>, tree: &mut Tree) {
        let entry = base.below(self.entry);
        for column in self.columns {
            tree.declare(entry.below(&[column.number]));
        }
        for (index, row) in rows {
            for column in self.columns {
                if let Some(value) = (column.value)(&row) {
                    tree.insert(entry.below(&[column.number]).below(&index), value);
                }
            }
        }
    }
}
