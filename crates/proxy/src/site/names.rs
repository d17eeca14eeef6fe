//! Sets of field names, compiled so that asking costs next to nothing.

use http1::Known;

/// Names of fields, whatever their case.
#[derive(Debug, Default)]
pub(crate) struct NameSet {
    /// A bit for each known one.
    known: u64,
    /// A bit for each length among the others.
    lengths: u64,
    others: Vec<Box<[u8]>>,
}

impl NameSet {
    /// The set of these names and these kinds.
    pub(crate) fn of<'a>(names: impl IntoIterator<Item = &'a str>, kinds: &[Known]) -> Self {
        let mut set = Self { known: kinds.iter().fold(0, |bits, kind| bits | kind.bit()), ..Self::default() };
        for name in names {
            match Known::of(name.as_bytes()) {
                Known::Other => {
                    set.lengths |= length_bit(name.len());
                    set.others.push(name.as_bytes().into());
                }
                known => set.known |= known.bit(),
            }
        }
        set
    }

    /// Whether a field of this kind and name is in the set.
    pub(crate) fn contains(&self, known: Known, name: &[u8]) -> bool {
        if known != Known::Other {
            return self.known & known.bit() != 0;
        }
        self.lengths & length_bit(name.len()) != 0
            && self.others.iter().any(|other| name.eq_ignore_ascii_case(other))
    }
}

/// All long names share a bit.
fn length_bit(length: usize) -> u64 {
    1 << length.min(63)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_found_whatever_their_case() {
        let long = "x-".repeat(50);
        let set = NameSet::of(["Date", "X-Real-IP", long.as_str()], &[Known::Upgrade]);
        let contains = |name: &str| set.contains(Known::of(name.as_bytes()), name.as_bytes());
        assert!(["date", "DATE", "x-real-ip", "Upgrade", &long.to_uppercase()].into_iter().all(contains));
        assert!(!["server", "x-real-up", "x", &"y-".repeat(50)].into_iter().any(contains));
    }
}
