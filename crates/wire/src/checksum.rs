//! The Internet checksum, RFC 1071.

/// A ones' complement sum that can be fed in pieces.
///
/// Each piece but the last must have an even length, as every header here has.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sum(u64);

impl Sum {
    /// Adds the big-endian 16-bit words of `bytes`; an odd last byte counts as the high half.
    #[must_use]
    pub fn with(mut self, bytes: &[u8]) -> Self {
        let mut words = bytes.chunks_exact(2);
        for word in &mut words {
            self.0 += u64::from(u16::from_be_bytes([word[0], word[1]]));
        }
        if let [last] = words.remainder() {
            self.0 += u64::from(*last) << 8;
        }
        self
    }

    /// The complement of the folded sum: what goes into a checksum field, or zero when bytes that
    /// contain a right checksum were summed.
    pub fn finish(self) -> u16 {
        let mut sum = self.0;
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        !(sum as u16)
    }
}

/// The checksum of one run of bytes.
pub fn checksum(bytes: &[u8]) -> u16 {
    Sum::default().with(bytes).finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071() {
        // RFC 1071 §3: the words 0001 f203 f4f5 f6f7 sum to ddf2.
        assert_eq!(checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
    }

    #[test]
    fn a_sum_over_its_own_checksum_is_zero() {
        let mut bytes = *b"an even number of by00";
        let sum = checksum(&bytes[..20]);
        bytes[20..].copy_from_slice(&sum.to_be_bytes());
        assert_eq!(checksum(&bytes), 0);
    }

    #[test]
    fn pieces_sum_like_the_whole() {
        let bytes: Vec<u8> = (0..=255).collect();
        assert_eq!(Sum::default().with(&bytes[..100]).with(&bytes[100..]).finish(), checksum(&bytes));
        assert_eq!(checksum(&[0xab]), !0xab00);
    }
}
