//! Which peers a request has already been sent to.

/// A set of peer indices, without allocation for groups of up to 64 peers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tried {
    first: u64,
    rest: Vec<u64>,
}

impl Tried {
    /// Adds a peer.
    pub fn insert(&mut self, peer: usize) {
        match peer.checked_sub(64) {
            None => self.first |= 1 << peer,
            Some(beyond) => {
                let word = beyond / 64;
                if self.rest.len() <= word {
                    self.rest.resize(word + 1, 0);
                }
                self.rest[word] |= 1 << (beyond % 64);
            }
        }
    }

    /// Whether the peer is in the set.
    pub fn contains(&self, peer: usize) -> bool {
        match peer.checked_sub(64) {
            None => self.first & (1 << peer) != 0,
            Some(beyond) => self.rest.get(beyond / 64).is_some_and(|word| word & (1 << (beyond % 64)) != 0),
        }
    }

    /// Forgets all peers.
    pub fn clear(&mut self) {
        self.first = 0;
        self.rest.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_any_index() {
        let mut tried = Tried::default();
        for peer in [0, 63, 64, 200] {
            assert!(!tried.contains(peer));
            tried.insert(peer);
            assert!(tried.contains(peer));
        }
        assert!(!tried.contains(1) && !tried.contains(199));
        tried.clear();
        assert!(!tried.contains(0) && !tried.contains(200));
    }
}
