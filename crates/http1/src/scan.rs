//! Finding the end of a head that arrives in pieces, looking at each byte once.

/// How far a head has been looked at.
#[derive(Clone, Copy, Debug, Default)]
pub struct HeadScan {
    at: usize,
    line_start: usize,
}

/// What a scan found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scanned {
    /// More bytes are needed.
    Partial,
    /// The head ends after so many bytes, the empty line included.
    Complete(usize),
    /// A line feed without a carriage return before it.
    BareLineFeed,
}

impl HeadScan {
    /// Looks at the bytes that were added since the last call.
    ///
    /// With `lenient`, a bare line feed ends a line as well.
    pub fn advance(&mut self, bytes: &[u8], lenient: bool) -> Scanned {
        while let Some(found) = memchr::memchr(b'\n', &bytes[self.at..]) {
            let feed = self.at + found;
            let carriage = feed > self.line_start && bytes[feed - 1] == b'\r';
            if !carriage && !lenient {
                return Scanned::BareLineFeed;
            }
            let content = feed - usize::from(carriage);
            self.at = feed + 1;
            if content == self.line_start {
                return Scanned::Complete(feed + 1);
            }
            self.line_start = feed + 1;
        }
        self.at = bytes.len();
        Scanned::Partial
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_at_a_time_is_as_good_as_all_at_once() {
        let head = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nrest";
        assert_eq!(HeadScan::default().advance(head, false), Scanned::Complete(27));
        let mut scan = HeadScan::default();
        for n in 0..27 {
            assert_eq!(scan.advance(&head[..n], false), Scanned::Partial);
        }
        assert_eq!(scan.advance(&head[..27], false), Scanned::Complete(27));
    }

    #[test]
    fn bare_line_feeds() {
        let head = b"HTTP/1.0 200 OK\nA: b\n\n";
        assert_eq!(HeadScan::default().advance(head, false), Scanned::BareLineFeed);
        assert_eq!(HeadScan::default().advance(head, true), Scanned::Complete(head.len()));
    }
}
