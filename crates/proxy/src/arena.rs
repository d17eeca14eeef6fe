//! Slots with generations: a token of something that is gone never finds its successor.

/// Names an entry of an [`Arena`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    index: u32,
    generation: u32,
}

impl Token {
    /// As a number for epoll, beside a bit of the caller's own.
    pub(crate) fn to_bits(self, bit: bool) -> u64 {
        u64::from(bit) << 63 | u64::from(self.generation & GENERATIONS) << 32 | u64::from(self.index)
    }

    /// Back from [`to_bits`](Self::to_bits).
    pub(crate) fn from_bits(bits: u64) -> (Self, bool) {
        let generation = (bits >> 32) as u32 & GENERATIONS;
        (Self { index: bits as u32, generation }, bits >> 63 == 1)
    }
}

/// Generations wrap here; the bits above belong to the callers of `to_bits`.
const GENERATIONS: u32 = (1 << 30) - 1;

#[derive(Debug)]
struct Slot<T> {
    generation: u32,
    entry: Option<T>,
}

/// A growing set of `T`.
#[derive(Debug)]
pub(crate) struct Arena<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
}

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: Vec::new() }
    }
}

impl<T> Arena<T> {
    /// Number of entries.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Adds what `make` gives for the new token.
    pub(crate) fn insert_with(&mut self, make: impl FnOnce(Token) -> T) -> Token {
        let index = self.free.pop().unwrap_or_else(|| {
            self.slots.push(Slot { generation: 0, entry: None });
            (self.slots.len() - 1) as u32
        });
        let slot = &mut self.slots[index as usize];
        let token = Token { index, generation: slot.generation };
        slot.entry = Some(make(token));
        token
    }

    /// The entry, if it is still there.
    pub(crate) fn find(&mut self, token: Token) -> Option<&mut T> {
        let slot = self.slots.get_mut(token.index as usize)?;
        if slot.generation == token.generation { slot.entry.as_mut() } else { None }
    }

    /// Takes the entry out.
    pub(crate) fn remove(&mut self, token: Token) -> Option<T> {
        let slot = self.slots.get_mut(token.index as usize)?;
        if slot.generation != token.generation {
            return None;
        }
        let entry = slot.entry.take()?;
        slot.generation = (slot.generation + 1) & GENERATIONS;
        self.free.push(token.index);
        Some(entry)
    }

    /// Tokens of all entries.
    pub(crate) fn tokens(&self) -> Vec<Token> {
        let occupied = self.slots.iter().enumerate().filter(|(_, slot)| slot.entry.is_some());
        occupied.map(|(i, slot)| Token { index: i as u32, generation: slot.generation }).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_token_finds_nothing() {
        let mut arena = Arena::default();
        let a = arena.insert_with(|_| "a");
        assert_eq!(arena.remove(a), Some("a"));
        let b = arena.insert_with(|_| "b");
        assert!(arena.find(a).is_none());
        assert_eq!(arena.find(b), Some(&mut "b"));
        assert_eq!(Token::from_bits(b.to_bits(true)), (b, true));
        assert_eq!((arena.len(), arena.tokens()), (1, vec![b]));
    }
}
