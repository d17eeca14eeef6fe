//! Typed, length-prefixed messages between the processes of Backstay.
//!
//! Two processes share a stream socket; each direction carries one enum. A frame is a head of six
//! bytes (length of the body as `u32`, number of descriptors as `u16`, both little-endian), then
//! the body in postcard's encoding. Descriptors travel beside the first byte of their frame.
//!
//! Sending never blocks: what the socket does not take waits in the channel until [`Channel::flush`],
//! so that a process that hangs cannot hang the one that talks to it.
#![forbid(unsafe_code)]

use rustix::io::Errno;
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
    SendFlags,
};
use serde::{Serialize, de::DeserializeOwned};
use std::collections::VecDeque;
use std::io::{IoSlice, IoSliceMut};
use std::marker::PhantomData;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

const HEAD: usize = 6;
/// Descriptors that the kernel passes in one message at most (`SCM_MAX_FD`).
const MOST_DESCRIPTORS: usize = 253;
/// A longer body is a broken peer, not a configuration.
const LONGEST_BODY: usize = 1 << 30;

/// Why a channel can no longer be used.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The process at the other end has closed it or is gone.
    Closed,
    /// The process at the other end sent bytes that are no message.
    Garbled,
    /// A message of ours could not be encoded or carries too many descriptors.
    Unsendable,
    /// The kernel refused.
    Kernel(Errno),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Closed => write!(f, "the process at the other end is gone"),
            Self::Garbled => write!(f, "the process at the other end sent bytes that are no message"),
            Self::Unsendable => write!(f, "the message cannot be sent"),
            Self::Kernel(errno) => write!(f, "the kernel refused: {errno}"),
        }
    }
}

impl std::error::Error for Error {}

/// A message with the descriptors that came with it.
#[derive(Debug)]
pub struct Received<In> {
    /// The message.
    pub message: In,
    /// Its descriptors, in the order in which they were sent.
    pub descriptors: Vec<OwnedFd>,
}

/// One end: sends `Out`, receives `In`.
#[derive(Debug)]
pub struct Channel<Out, In> {
    socket: OwnedFd,
    outgoing: VecDeque<Frame>,
    incoming: Vec<u8>,
    descriptors: VecDeque<OwnedFd>,
    longest_body: usize,
    trusted: bool,
    closed: bool,
    direction: PhantomData<fn(&Out) -> In>,
}

#[derive(Debug)]
struct Frame {
    bytes: Vec<u8>,
    sent: usize,
    descriptors: Vec<OwnedFd>,
}

impl<Out: Serialize, In: DeserializeOwned> Channel<Out, In> {
    /// Uses one end of a stream socket pair, which is made non-blocking.
    pub fn new(socket: OwnedFd) -> Result<Self, Error> {
        rustix::io::ioctl_fionbio(&socket, true).map_err(Error::Kernel)?;
        Ok(Self {
            socket,
            outgoing: VecDeque::new(),
            incoming: Vec::new(),
            descriptors: VecDeque::new(),
            longest_body: LONGEST_BODY,
            trusted: true,
            closed: false,
            direction: PhantomData,
        })
    }

    /// Expects little of the other end, which somebody may have taken over: a message longer than so
    /// many bytes, or one with descriptors, is [`Error::Garbled`].
    #[must_use]
    pub fn distrusting(mut self, longest_body: usize) -> Self {
        (self.longest_body, self.trusted) = (longest_body, false);
        self
    }

    /// Sends a message, or keeps what the socket does not take for [`flush`](Self::flush).
    pub fn send(&mut self, message: &Out) -> Result<(), Error> {
        self.send_with(message, Vec::new())
    }

    /// Sends a message with at most 253 descriptors, which are closed here once they are sent.
    pub fn send_with(&mut self, message: &Out, descriptors: Vec<OwnedFd>) -> Result<(), Error> {
        if descriptors.len() > MOST_DESCRIPTORS {
            return Err(Error::Unsendable);
        }
        let mut bytes = vec![0; HEAD];
        bytes = postcard::to_extend(message, bytes).map_err(|_| Error::Unsendable)?;
        let length = u32::try_from(bytes.len() - HEAD).map_err(|_| Error::Unsendable)?;
        bytes[..4].copy_from_slice(&length.to_le_bytes());
        bytes[4..HEAD].copy_from_slice(&(descriptors.len() as u16).to_le_bytes());
        self.outgoing.push_back(Frame { bytes, sent: 0, descriptors });
        self.flush()
    }

    /// Sends what waits, as far as the socket takes it.
    pub fn flush(&mut self) -> Result<(), Error> {
        while let Some(frame) = self.outgoing.front_mut() {
            let fds: Vec<BorrowedFd<'_>> = frame.descriptors.iter().map(AsFd::as_fd).collect();
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            if !fds.is_empty() {
                control.push(SendAncillaryMessage::ScmRights(&fds));
            }
            let rest = IoSlice::new(&frame.bytes[frame.sent..]);
            let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
            match rustix::net::sendmsg(&self.socket, &[rest], &mut control, flags) {
                Ok(sent) => {
                    frame.sent += sent;
                    frame.descriptors.clear();
                    if frame.sent == frame.bytes.len() {
                        self.outgoing.pop_front();
                    }
                }
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(Errno::PIPE | Errno::CONNRESET) => return Err(Error::Closed),
                Err(errno) => return Err(Error::Kernel(errno)),
            }
        }
        Ok(())
    }

    /// Whether something waits for the socket to become writable.
    pub fn wants_write(&self) -> bool {
        !self.outgoing.is_empty()
    }

    /// Bytes that wait for the socket: many when the process at the other end does not read.
    pub fn waiting(&self) -> usize {
        self.outgoing.iter().map(|frame| frame.bytes.len() - frame.sent).sum()
    }

    /// The next message, or `None` when no whole one is there yet.
    ///
    /// Messages that arrived before the other end closed are delivered before [`Error::Closed`].
    pub fn recv(&mut self) -> Result<Option<Received<In>>, Error> {
        loop {
            if let Some(received) = self.next_frame()? {
                return Ok(Some(received));
            }
            if self.closed {
                return Err(Error::Closed);
            }
            if !self.fill()? {
                return Ok(None);
            }
        }
    }

    fn next_frame(&mut self) -> Result<Option<Received<In>>, Error> {
        let Some((head, rest)) = self.incoming.split_first_chunk::<HEAD>() else { return Ok(None) };
        let length = u32::from_le_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let descriptors = usize::from(u16::from_le_bytes([head[4], head[5]]));
        if length > self.longest_body {
            return Err(Error::Garbled);
        }
        if rest.len() < length {
            return Ok(None);
        }
        let message = postcard::from_bytes(&rest[..length]).map_err(|_| Error::Garbled)?;
        if descriptors > self.descriptors.len() {
            return Err(Error::Garbled);
        }
        self.incoming.drain(..HEAD + length);
        Ok(Some(Received { message, descriptors: self.descriptors.drain(..descriptors).collect() }))
    }

    /// Reads once; says whether anything happened.
    fn fill(&mut self) -> Result<bool, Error> {
        let mut bytes = [0; 65536];
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_DESCRIPTORS))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let received = rustix::net::recvmsg(
            &self.socket,
            &mut [IoSliceMut::new(&mut bytes)],
            &mut control,
            RecvFlags::DONTWAIT | RecvFlags::CMSG_CLOEXEC,
        );
        match received {
            Ok(received) => {
                for message in control.drain() {
                    if let RecvAncillaryMessage::ScmRights(fds) = message
                        && self.trusted
                    {
                        self.descriptors.extend(fds);
                    }
                }
                self.closed = received.bytes == 0;
                self.incoming.extend_from_slice(&bytes[..received.bytes]);
                Ok(true)
            }
            Err(Errno::AGAIN) => Ok(false),
            Err(Errno::INTR) => Ok(true),
            Err(Errno::CONNRESET) => {
                self.closed = true;
                Ok(true)
            }
            Err(errno) => Err(Error::Kernel(errno)),
        }
    }
}

impl<Out, In> AsFd for Channel<Out, In> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    fn pair() -> (Channel<String, u32>, Channel<u32, String>) {
        let (a, b) = UnixStream::pair().unwrap();
        (Channel::new(a.into()).unwrap(), Channel::new(b.into()).unwrap())
    }

    #[test]
    fn messages_and_descriptors_arrive_in_order() {
        let (mut a, mut b) = pair();
        let (mut near, far) = UnixStream::pair().unwrap();
        a.send(&"one".into()).unwrap();
        a.send_with(&"two".into(), vec![far.into()]).unwrap();
        assert_eq!(b.recv().unwrap().unwrap().message, "one");
        let mut two = b.recv().unwrap().unwrap();
        assert_eq!((two.message.as_str(), two.descriptors.len()), ("two", 1));
        UnixStream::from(two.descriptors.remove(0)).write_all(b"x").unwrap();
        let mut byte = [0];
        near.read_exact(&mut byte).unwrap();
        assert!(b.recv().unwrap().is_none());
    }

    #[test]
    fn a_message_larger_than_the_socket_waits_and_arrives_whole() {
        let (mut a, mut b) = pair();
        let long = "x".repeat(5_000_000);
        a.send(&long).unwrap();
        assert!(a.wants_write() && a.waiting() > 1_000_000);
        let received = loop {
            a.flush().unwrap();
            if let Some(received) = b.recv().unwrap() {
                break received;
            }
        };
        assert_eq!(received.message, long);
        assert!(!a.wants_write() && a.waiting() == 0);
    }

    #[test]
    fn the_last_words_of_a_process_are_heard() {
        let (mut a, mut b) = pair();
        a.send(&"goodbye".into()).unwrap();
        drop(a);
        assert_eq!(b.recv().unwrap().unwrap().message, "goodbye");
        assert!(matches!(b.recv(), Err(Error::Closed)));
        assert!(matches!(b.send(&1), Err(Error::Closed)));
    }

    #[test]
    fn a_peer_that_is_not_trusted_says_little() {
        let (mut a, b) = pair();
        let mut b = b.distrusting(10);
        a.send(&"short".into()).unwrap();
        assert_eq!(b.recv().unwrap().unwrap().message, "short");
        let (_, far) = UnixStream::pair().unwrap();
        a.send_with(&"more".into(), vec![far.into()]).unwrap();
        assert!(matches!(b.recv(), Err(Error::Garbled)) && b.descriptors.is_empty());
        let (mut a, b) = pair();
        let mut b = b.distrusting(10);
        a.send(&"x".repeat(1_000_000)).unwrap();
        assert!(matches!(b.recv(), Err(Error::Garbled)), "before it has come whole");
    }

    #[test]
    fn bytes_that_are_no_message_are_an_error() {
        let (mut raw, b) = UnixStream::pair().unwrap();
        let mut b: Channel<u32, String> = Channel::new(b.into()).unwrap();
        raw.write_all(&[1, 0, 0, 0, 9, 0, 0]).unwrap();
        assert!(matches!(b.recv(), Err(Error::Garbled)));
    }
}
