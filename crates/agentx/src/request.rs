//! Requests of the master agent for objects. RFC 2741 §7.2.3 and §7.2.4.

use crate::{ErrorStatus, Header, SearchRange, Tree, Value, VarBind};

/// Objects in an answer to GetBulk at most; the manager asks for the rest again.
const MOST_OBJECTS: usize = 1024;

/// A request that waits for its answer, see [`crate::Session::answer`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub(crate) header: Header,
    /// Which of the session's connections it came over.
    pub(crate) connection: u32,
    /// What is wanted.
    pub demand: Demand,
}

/// What is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Demand {
    /// The objects at the starts of the ranges.
    Get(Vec<SearchRange>),
    /// The first object of each range.
    GetNext(Vec<SearchRange>),
    /// The first object of the first ranges, and several of each of the others.
    GetBulk {
        /// Of so many ranges only the first object.
        non_repeaters: u16,
        /// Of the others so many.
        repetitions: u16,
        /// The ranges.
        ranges: Vec<SearchRange>,
    },
    /// To know whether these values can be set.
    Test(Vec<VarBind>),
    /// These values, tested before, to be set.
    Commit(Vec<VarBind>),
    /// These values, set before, to be replaced by what was before.
    Undo(Vec<VarBind>),
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// To a request for values.
    Objects(Vec<VarBind>),
    /// To one that sets: whether it works, and which object is at fault, from 1; 0 for none of them.
    Set(ErrorStatus, u16),
}

impl Request {
    /// The answer to a request for values; `None` for one that sets.
    pub fn read(&self, tree: &Tree) -> Option<Answer> {
        let objects = match &self.demand {
            Demand::Get(ranges) => ranges.iter().map(|range| tree.exact(&range.start)).collect(),
            Demand::GetNext(ranges) => ranges.iter().map(|range| tree.next(range)).collect(),
            Demand::GetBulk { non_repeaters, repetitions, ranges } => {
                bulk(tree, usize::from(*non_repeaters), *repetitions, ranges)
            }
            Demand::Test(_) | Demand::Commit(_) | Demand::Undo(_) => return None,
        };
        Some(Answer::Objects(objects))
    }
}

/// RFC 2741 §7.2.3.3.
fn bulk(tree: &Tree, non_repeaters: usize, repetitions: u16, ranges: &[SearchRange]) -> Vec<VarBind> {
    let (single, repeated) = ranges.split_at(non_repeaters.min(ranges.len()));
    let mut objects: Vec<VarBind> = single.iter().map(|range| tree.next(range)).collect();
    let mut ranges = repeated.to_vec();
    for _ in 0..repetitions {
        if ranges.is_empty() || objects.len() + ranges.len() > MOST_OBJECTS.max(single.len() + ranges.len()) {
            break;
        }
        let mut any = false;
        for range in &mut ranges {
            let object = tree.next(range);
            any |= object.value != Value::EndOfMibView;
            (range.start, range.include) = (object.name.clone(), false);
            objects.push(object);
        }
        if !any {
            break;
        }
    }
    objects
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Oid;

    #[test]
    fn bulk_goes_on_where_it_was_and_ends_with_the_tree() {
        let mut tree = Tree::new();
        for number in 1..=3 {
            tree.insert(Oid::new(&[1, number]), Value::Integer(number as i32));
        }
        let range =
            |start: &[u32]| SearchRange { start: Oid::new(start), include: false, end: Oid::default() };
        let names = |non_repeaters, repetitions, ranges: &[SearchRange]| -> Vec<String> {
            bulk(&tree, non_repeaters, repetitions, ranges).iter().map(|o| o.name.to_string()).collect()
        };
        let two = [range(&[1]), range(&[1, 1])];
        assert_eq!(names(1, 2, &two), [".1.1", ".1.2", ".1.3"]);
        assert_eq!(names(0, 2, &two), [".1.1", ".1.2", ".1.2", ".1.3"]);
        assert_eq!(names(0, 9, &two[1..]), [".1.2", ".1.3", ".1.3"]);
        assert_eq!(names(7, 9, &two), [".1.1", ".1.2"]);
        assert_eq!(names(0, 0, &two), [""; 0]);
        let many = vec![range(&[1]); 2000];
        assert_eq!(names(0, 5, &many).len(), 2000);
        assert_eq!(names(0, 2000, &two[..1]).len(), 4);
    }
}
