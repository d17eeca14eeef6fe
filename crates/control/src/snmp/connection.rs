//! The connection to the master agent: bytes in and out, never waiting.

use rustix::event::{PollFd, PollFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, send, socket_with};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

/// Bytes that may wait for a master agent that does not read.
const MOST_WAITING: usize = 4 << 20;
/// Bytes taken in one turn.
const MOST_READ: usize = 256 << 10;

/// A connection, there or being made.
#[derive(Debug)]
pub(super) struct Connection {
    socket: OwnedFd,
    /// Whether it is there.
    connected: bool,
    outgoing: Vec<u8>,
}

/// It is of no use any more; why.
#[derive(Debug)]
pub(super) struct Lost(pub(super) String);

impl From<Errno> for Lost {
    fn from(errno: Errno) -> Self {
        Self(errno.to_string())
    }
}

impl Connection {
    /// Uses a connected socket.
    pub(super) fn over(socket: OwnedFd) -> Result<Self, Lost> {
        rustix::io::ioctl_fionbio(&socket, true)?;
        Ok(Self { socket, connected: true, outgoing: Vec::new() })
    }

    /// Begins to connect.
    pub(super) fn to(address: SocketAddr) -> Result<Self, Lost> {
        let family = if address.is_ipv4() { AddressFamily::INET } else { AddressFamily::INET6 };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(family, SocketType::STREAM, flags, None)?;
        match rustix::net::connect(&socket, &address) {
            Ok(()) | Err(Errno::INPROGRESS) => Ok(Self { socket, connected: false, outgoing: Vec::new() }),
            Err(errno) => Err(errno.into()),
        }
    }

    /// Whether it has just been made.
    pub(super) fn is_made(&mut self) -> Result<bool, Lost> {
        if self.connected {
            return Ok(false);
        }
        let mut fds = [PollFd::new(&self.socket, PollFlags::OUT)];
        rustix::event::poll(&mut fds, Some(&rustix::event::Timespec { tv_sec: 0, tv_nsec: 0 }))?;
        if fds[0].revents().is_empty() {
            return Ok(false);
        }
        if let Err(errno) = rustix::net::sockopt::socket_error(&self.socket)? {
            return Err(errno.into());
        }
        self.connected = true;
        Ok(true)
    }

    /// Sends bytes, now or when there is room.
    pub(super) fn send(&mut self, bytes: &[u8]) -> Result<(), Lost> {
        self.outgoing.extend_from_slice(bytes);
        self.flush()?;
        if self.outgoing.len() > MOST_WAITING {
            return Err(Lost("it does not read what it is sent".to_owned()));
        }
        Ok(())
    }

    /// Sends what waits, as far as there is room.
    pub(super) fn flush(&mut self) -> Result<(), Lost> {
        while self.connected && !self.outgoing.is_empty() {
            match send(&self.socket, &self.outgoing, SendFlags::NOSIGNAL | SendFlags::DONTWAIT) {
                Ok(sent) => drop(self.outgoing.drain(..sent)),
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(())
    }

    /// What has come.
    pub(super) fn receive(&mut self) -> Result<Vec<u8>, Lost> {
        let mut bytes = Vec::new();
        let mut buffer = [0; 16 << 10];
        while self.connected && bytes.len() < MOST_READ {
            match recv(&self.socket, &mut buffer, RecvFlags::DONTWAIT) {
                // What came before the end may hold a request; the next turn sees the end.
                Ok((0, _)) if !bytes.is_empty() => break,
                Ok((0, _)) => return Err(Lost("it has closed the connection".to_owned())),
                Ok((length, _)) => bytes.extend_from_slice(&buffer[..length]),
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
        Ok(bytes)
    }

    /// What to wait for.
    pub(super) fn interest(&self) -> PollFd<'_> {
        let mut flags = PollFlags::IN;
        flags.set(PollFlags::OUT, !self.connected || !self.outgoing.is_empty());
        PollFd::new(&self.socket, flags)
    }
}
