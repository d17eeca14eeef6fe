//! What waits to be written to a connection.
//!
//! In the ordinary case nothing waits: bytes go from where they are straight to the socket, and
//! only what the socket does not take is copied here.

use rustix::io::Errno;
use rustix::net::{SendAncillaryBuffer, SendFlags};
use std::collections::VecDeque;
use std::io::IoSlice;
use std::os::fd::{AsFd, OwnedFd};
use std::rc::Rc;

/// Bytes and stretches of files, in order.
#[derive(Debug, Default)]
pub(crate) struct Output {
    queue: VecDeque<Piece>,
    queued_bytes: usize,
}

#[derive(Debug)]
enum Piece {
    Bytes { bytes: Vec<u8>, sent: usize },
    File { file: Rc<OwnedFd>, offset: u64, remaining: u64 },
}

/// The other end is gone; nothing more can be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Gone;

/// Most bytes of a file sent in one turn, so that one connection does not starve the others.
pub(crate) const MOST_FILE_BYTES: u64 = 1 << 20;

impl Output {
    /// Whether everything was written.
    pub(crate) fn is_empty(&self) -> bool {
        self.queue.is_empty()
    }

    /// Bytes that wait in memory.
    pub(crate) fn queued_bytes(&self) -> usize {
        self.queued_bytes
    }

    /// Writes a head and what follows it, or keeps what the socket does not take.
    pub(crate) fn send(&mut self, socket: impl AsFd, head: &[u8], body: &[u8]) -> Result<(), Gone> {
        self.send_with(socket, head, body, SendFlags::empty())
    }

    /// Writes a head that a file follows; with `tcp_nopush` both leave in one packet.
    pub(crate) fn send_before_file(&mut self, socket: impl AsFd, head: &[u8]) -> Result<(), Gone> {
        self.send_with(socket, head, b"", SendFlags::MORE)
    }

    fn send_with(
        &mut self,
        socket: impl AsFd,
        head: &[u8],
        body: &[u8],
        flags: SendFlags,
    ) -> Result<(), Gone> {
        let mut sent = 0;
        if self.queue.is_empty() {
            sent = write(&socket, head, body, flags)?;
        }
        if sent == head.len() + body.len() {
            return Ok(());
        }
        self.queue_bytes(head.get(sent..).unwrap_or(b""));
        self.queue_bytes(body.get(sent.saturating_sub(head.len())..).unwrap_or(b""));
        Ok(())
    }

    /// Keeps bytes for later.
    pub(crate) fn queue_bytes(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        self.queued_bytes += bytes.len();
        match self.queue.back_mut() {
            Some(Piece::Bytes { bytes: last, .. }) => last.extend_from_slice(bytes),
            _ => self.queue.push_back(Piece::Bytes { bytes: bytes.to_vec(), sent: 0 }),
        }
    }

    /// Keeps a whole message for later, in the buffer that it stands in.
    pub(crate) fn post(&mut self, message: Vec<u8>) {
        self.queued_bytes += message.len();
        self.queue.push_back(Piece::Bytes { bytes: message, sent: 0 });
    }

    /// Writes what waits. Gives the buffer of a message back that the socket took whole.
    pub(crate) fn deliver(&mut self, socket: impl AsFd) -> Result<Option<Vec<u8>>, Gone> {
        let (1, Some(Piece::Bytes { bytes, sent })) = (self.queue.len(), self.queue.front_mut()) else {
            return self.flush(socket).map(|_| None);
        };
        let taken = write(&socket, &bytes[*sent..], b"", SendFlags::empty())?;
        *sent += taken;
        self.queued_bytes -= taken;
        let whole = *sent == bytes.len();
        let piece = whole.then(|| self.queue.pop_front()).flatten();
        Ok(match piece {
            Some(Piece::Bytes { bytes, .. }) => Some(bytes),
            _ => None,
        })
    }

    /// Keeps a stretch of a file for later.
    pub(crate) fn queue_file(&mut self, file: Rc<OwnedFd>, offset: u64, remaining: u64) {
        if remaining > 0 {
            self.queue.push_back(Piece::File { file, offset, remaining });
        }
    }

    /// Writes what waits. Says how many bytes the socket took.
    pub(crate) fn flush(&mut self, socket: impl AsFd) -> Result<u64, Gone> {
        let mut total = 0;
        let mut file_budget = MOST_FILE_BYTES;
        while let Some(piece) = self.queue.front_mut() {
            let (taken, finished) = match piece {
                Piece::Bytes { bytes, sent } => {
                    let taken = write(&socket, &bytes[*sent..], b"", SendFlags::empty())?;
                    *sent += taken;
                    self.queued_bytes -= taken;
                    (taken as u64, *sent == bytes.len())
                }
                Piece::File { file, offset, remaining } => {
                    if file_budget == 0 {
                        break;
                    }
                    let want = (*remaining).min(file_budget) as usize;
                    let taken = match rustix::fs::sendfile(&socket, &*file, Some(offset), want) {
                        // The file became shorter than the head says: the answer cannot be saved.
                        Ok(0) => return Err(Gone),
                        Ok(taken) => taken as u64,
                        Err(Errno::AGAIN | Errno::INTR) => 0,
                        Err(_) => return Err(Gone),
                    };
                    *remaining -= taken;
                    file_budget = file_budget.saturating_sub(taken);
                    (taken, *remaining == 0)
                }
            };
            total += taken;
            if finished {
                self.queue.pop_front();
            } else if taken == 0 {
                break;
            }
        }
        Ok(total)
    }

    /// Forgets what waits.
    pub(crate) fn clear(&mut self) {
        self.queue.clear();
        self.queued_bytes = 0;
    }
}

/// Writes both as far as the socket takes them.
fn write(socket: &impl AsFd, first: &[u8], second: &[u8], flags: SendFlags) -> Result<usize, Gone> {
    let flags = flags | SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
    let result = if second.is_empty() {
        if first.is_empty() {
            return Ok(0);
        }
        rustix::net::send(socket, first, flags)
    } else if first.is_empty() {
        rustix::net::send(socket, second, flags)
    } else {
        let slices = [IoSlice::new(first), IoSlice::new(second)];
        rustix::net::sendmsg(socket, &slices, &mut SendAncillaryBuffer::default(), flags)
    };
    match result {
        Ok(sent) => Ok(sent),
        Err(Errno::AGAIN | Errno::INTR) => Ok(0),
        Err(_) => Err(Gone),
    }
}
