//! PDUs in a stream of bytes.

use crate::pdu::{HEADER, Header, Reject};

/// The longest payload that is taken: some hundred times what a master agent sends.
const LONGEST: usize = 1 << 20;

/// Bytes that have come, of which whole PDUs are taken.
#[derive(Clone, Debug, Default)]
pub(crate) struct Frames {
    bytes: Vec<u8>,
}

impl Frames {
    /// Adds what has come.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next whole PDU, its header included.
    ///
    /// # Errors
    /// What comes cannot be the header of a PDU: there is no telling where the next one begins.
    pub(crate) fn next(&mut self) -> Result<Option<Vec<u8>>, Reject> {
        let Some(head) = self.bytes.first_chunk::<HEADER>() else { return Ok(None) };
        let length = Header::payload_length(head)?;
        if length > LONGEST {
            return Err(Reject::TooLong(length));
        }
        let end = HEADER + length;
        if self.bytes.len() < end {
            return Ok(None);
        }
        let rest = self.bytes.split_off(end);
        Ok(Some(std::mem::replace(&mut self.bytes, rest)))
    }
}
