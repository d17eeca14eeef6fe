//! Looking at eight bytes at a time, in an ordinary 64-bit word.
//!
//! Heads consist of many short stretches of text. Most end within a few words, sooner than a
//! search with wide registers has been set up.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = ONES << 7;

/// Where the text that begins at `from` ends: at the first control character other than a tab.
/// Where the bytes end when there is none.
pub(crate) fn text_end(bytes: &[u8], from: usize) -> usize {
    let mut at = first_below(b' ', bytes, from);
    while bytes.get(at) == Some(&b'\t') {
        at = first_below(b' ', bytes, at + 1);
    }
    at
}

/// Where the word that begins at `from` ends: at the first space or control character. Where the
/// bytes end when there is none.
pub(crate) fn word_end(bytes: &[u8], from: usize) -> usize {
    first_below(b'!', bytes, from)
}

/// The first byte below `least`, or DEL.
fn first_below(least: u8, bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(word) = word_at(bytes, at) {
        let found = below(word, least) | equal(word, 0x7f);
        if found != 0 {
            return at + (found.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or(b"");
    at + rest.iter().take_while(|b| **b >= least && **b != 0x7f).count()
}

/// Where the letters, digits and hyphens that begin at `from` end.
pub(crate) fn plain_name_end(bytes: &[u8], from: usize) -> usize {
    let mut at = from;
    while let Some(word) = word_at(bytes, at) {
        let others = HIGHS & !plain(word);
        if others != 0 {
            return at + (others.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    let rest = bytes.get(at..).unwrap_or(b"");
    at + rest.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'-').count()
}

fn word_at(bytes: &[u8], at: usize) -> Option<u64> {
    let eight: &[u8; 8] = bytes.get(at..)?.first_chunk()?;
    Some(u64::from_le_bytes(*eight))
}

/// Sets the high bit of the first byte below `least`; bits above it may be wrong.
fn below(word: u64, least: u8) -> u64 {
    word.wrapping_sub(ONES * u64::from(least)) & !word & HIGHS
}

/// Sets the high bit of the first byte that is `byte`; bits above it may be wrong.
fn equal(word: u64, byte: u8) -> u64 {
    let differing = word ^ (ONES * u64::from(byte));
    differing.wrapping_sub(ONES) & !differing & HIGHS
}

/// Sets the high bit of every byte that is a letter, a digit or a hyphen.
fn plain(word: u64) -> u64 {
    // Bytes are seven bits from here on: sums stay within their byte.
    let seven = word & !HIGHS;
    let lower = seven | (ONES * 0x20);
    let from = |least: u8| lower + ONES * u64::from(0x80 - least);
    let letters = from(b'a') & !from(b'z' + 1);
    let digits = from(b'0') & !from(b'9' + 1);
    let hyphens = from(b'-') & !from(b'-' + 1);
    // What is a control character only looked like one of them in lower case.
    let printable = (seven & (ONES * 0x60)) + ONES * 0x60;
    (letters | digits | hyphens) & printable & !word
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every byte at every place of three words.
    fn each(mut check: impl FnMut(&[u8], usize, u8)) {
        for byte in 0..=255 {
            for at in 0..21 {
                let mut text = *b"abcdefgh-JKLMNOP01234";
                text[at] = byte;
                check(&text, at, byte);
            }
        }
    }

    #[test]
    fn text_ends_at_control_characters() {
        each(|text, at, byte| {
            let ends = byte.is_ascii_control() && byte != b'\t';
            assert_eq!(text_end(text, 0), if ends { at } else { 21 }, "{byte:#x} at {at}");
        });
        assert_eq!(text_end(b"\t\t\t\t\t\t\t\t\t\r\n", 1), 9);
        assert_eq!(text_end(b"\xff\x80\x1f\x20", 0), 2);
        assert_eq!(text_end(b"a", 1), 1);
    }

    #[test]
    fn words_end_at_spaces_too() {
        each(|text, at, byte| {
            let ends = byte.is_ascii_control() || byte == b' ';
            assert_eq!(word_end(text, 0), if ends { at } else { 21 }, "{byte:#x} at {at}");
        });
    }

    #[test]
    fn plain_names_end_at_anything_else() {
        each(|text, at, byte| {
            let plain = byte.is_ascii_alphanumeric() || byte == b'-';
            assert_eq!(plain_name_end(text, 0), if plain { 21 } else { at }, "{byte:#x} at {at}");
        });
        assert_eq!(plain_name_end(b"Host: a.example", 0), 4);
        assert_eq!(plain_name_end(b"Host: a.example", 4), 4);
    }
}
