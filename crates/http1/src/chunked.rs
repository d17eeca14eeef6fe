//! The chunked transfer coding (RFC 9112 §7.1).

/// Most bytes of chunk extensions in one body.
const MOST_EXTENSION_BYTES: usize = 4096;
/// Most bytes of trailer fields.
const MOST_TRAILER_BYTES: usize = 8192;

/// Reads a chunked body piece by piece.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decoder {
    state: State,
    remaining: u64,
    extension_bytes: usize,
    trailer_bytes: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum State {
    #[default]
    Size,
    SizeDigits(u8),
    SizePad,
    Extension,
    SizeFeed,
    Data,
    DataReturn,
    DataFeed,
    TrailerStart,
    Trailer,
    TrailerFeed,
    LastFeed,
    Done,
}

/// The body is not chunked as the RFC says; its sender is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidChunk;

impl Decoder {
    /// Whether the last chunk and the trailer have been read.
    pub fn is_done(&self) -> bool {
        self.state == State::Done
    }

    /// Reads from `input` and hands each stretch of data to `sink`; returns how many bytes were
    /// read, which is less than all only when the body ends before.
    pub fn decode(&mut self, input: &[u8], mut sink: impl FnMut(&[u8])) -> Result<usize, InvalidChunk> {
        let mut at = 0;
        while at < input.len() && self.state != State::Done {
            if self.state == State::Data {
                let length = usize::try_from(self.remaining).unwrap_or(usize::MAX).min(input.len() - at);
                sink(&input[at..at + length]);
                at += length;
                self.remaining -= length as u64;
                if self.remaining == 0 {
                    self.state = State::DataReturn;
                }
                continue;
            }
            self.state = self.step(input[at])?;
            at += 1;
        }
        Ok(at)
    }

    fn step(&mut self, byte: u8) -> Result<State, InvalidChunk> {
        Ok(match (self.state, byte) {
            (State::Size, _) => {
                self.remaining = digit(byte)?;
                State::SizeDigits(1)
            }
            (State::SizeDigits(_), b'\r') => State::SizeFeed,
            (State::SizeDigits(_) | State::SizePad, b' ' | b'\t') => State::SizePad,
            (State::SizeDigits(_) | State::SizePad, b';') => State::Extension,
            // Fifteen digits stay below 2⁶⁰; more are an attempt to overflow someone.
            (State::SizeDigits(n), _) if n < 15 => {
                self.remaining = self.remaining << 4 | digit(byte)?;
                State::SizeDigits(n + 1)
            }
            (State::SizePad | State::Extension, b'\r') => State::SizeFeed,
            (State::Extension, b'\t' | 0x20..=0x7e | 0x80..) => {
                self.extension_bytes += 1;
                if self.extension_bytes > MOST_EXTENSION_BYTES {
                    return Err(InvalidChunk);
                }
                State::Extension
            }
            (State::SizeFeed, b'\n') if self.remaining == 0 => State::TrailerStart,
            (State::SizeFeed, b'\n') => State::Data,
            (State::DataReturn, b'\r') => State::DataFeed,
            (State::DataFeed, b'\n') => State::Size,
            (State::TrailerStart, b'\r') => State::LastFeed,
            (State::TrailerStart | State::Trailer, b'\t' | 0x20..=0x7e | 0x80..) => {
                self.trailer_bytes += 1;
                if self.trailer_bytes > MOST_TRAILER_BYTES {
                    return Err(InvalidChunk);
                }
                State::Trailer
            }
            (State::Trailer, b'\r') => State::TrailerFeed,
            (State::TrailerFeed, b'\n') => State::TrailerStart,
            (State::LastFeed, b'\n') => State::Done,
            _ => return Err(InvalidChunk),
        })
    }
}

fn digit(byte: u8) -> Result<u64, InvalidChunk> {
    char::from(byte).to_digit(16).map(u64::from).ok_or(InvalidChunk)
}

/// Appends `data` as one chunk; nothing for empty data, which would end the body.
pub fn encode(data: &[u8], out: &mut Vec<u8>) {
    if data.is_empty() {
        return;
    }
    encode_size(data.len(), out);
    out.extend_from_slice(data);
    out.extend_from_slice(b"\r\n");
}

/// Appends the line before a chunk of so many bytes.
pub fn encode_size(length: usize, out: &mut Vec<u8>) {
    let digits = (usize::BITS - length.leading_zeros()).div_ceil(4).max(1);
    for shift in (0..digits).rev() {
        out.push(b"0123456789abcdef"[length >> (shift * 4) & 15]);
    }
    out.extend_from_slice(b"\r\n");
}

/// What ends a chunked body without trailer.
pub const LAST: &[u8] = b"0\r\n\r\n";

#[cfg(test)]
mod tests {
    use super::*;

    fn read(input: &[u8], step: usize) -> Result<(Vec<u8>, usize, bool), InvalidChunk> {
        let mut decoder = Decoder::default();
        let (mut data, mut used) = (Vec::new(), 0);
        for piece in input.chunks(step) {
            used += decoder.decode(piece, |bytes| data.extend_from_slice(bytes))?;
        }
        Ok((data, used, decoder.is_done()))
    }

    #[test]
    fn any_cut_gives_the_same_data() {
        let body = b"5;a=b\r\nhello\r\nA\r\n0123456789\r\n0\r\nX: y\r\n\r\nNEXT";
        for step in 1..=body.len() {
            let (data, used, done) = read(body, step).unwrap();
            assert_eq!((data.as_slice(), used, done), (&b"hello0123456789"[..], body.len() - 4, true));
        }
    }

    #[test]
    fn what_is_encoded_is_decoded() {
        let mut out = Vec::new();
        encode(&[b'x'; 70_000], &mut out);
        encode(b"", &mut out);
        encode(b"y", &mut out);
        out.extend_from_slice(LAST);
        let (data, used, done) = read(&out, 1000).unwrap();
        assert_eq!((data.len(), used, done), (70_001, out.len(), true));
    }

    #[test]
    fn bad_chunks() {
        for bad in [
            &b"g\r\n"[..],
            b"\r\n",
            b" 5\r\nhello\r\n",
            b"+5\r\nhello\r\n",
            b"0x5\r\nhello\r\n",
            b"-1\r\n",
            b"5\nhello\r\n",
            b"5\r\nhelloX\r\n",
            b"5\r\nhello\n",
            b"5\r\rhello",
            b"5 5\r\nhello\r\n",
            b"1000000000000000\r\n",
            b"5;a\nb\r\n",
            b"5;a\0b\r\n",
            b"0\r\nX: y\n\r\n",
            b"0\r\n\n",
        ] {
            assert_eq!(read(bad, bad.len()).unwrap_err(), InvalidChunk, "{bad:?}");
        }
        let mut long = b"5;".to_vec();
        long.extend([b'x'; 5000]);
        assert!(read(&long, 100).is_err());
    }
}
