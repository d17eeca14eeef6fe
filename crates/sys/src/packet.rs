//! A packet socket that only sends: Ethernet frames out of an interface.

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socket_with};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};

/// Sends whole Ethernet frames. It is bound to no protocol, so nothing is ever received.
#[derive(Debug)]
pub struct PacketSocket(OwnedFd);

impl PacketSocket {
    /// Opens the socket; needs CAP_NET_RAW.
    ///
    /// # Errors
    /// What the kernel says, `EPERM` without the capability.
    pub fn open() -> Result<Self, Errno> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        socket_with(AddressFamily::PACKET, SocketType::RAW, flags, None).map(Self)
    }

    /// Sends a frame, its 14-byte header included, out of the interface with this index.
    ///
    /// # Errors
    /// What the kernel says: `ENETDOWN` on an interface that is down, `ENXIO` on one that is gone,
    /// `EAGAIN` when its queue is full.
    pub fn send(&self, interface: u32, frame: &[u8]) -> Result<(), Errno> {
        // SAFETY: every field of the structure is an integer, for which zero is a value.
        let mut address: libc::sockaddr_ll = unsafe { std::mem::zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_ifindex = interface as i32;
        if let Some(protocol) = frame.get(12..14) {
            address.sll_protocol = u16::from_ne_bytes([protocol[0], protocol[1]]);
        }
        // SAFETY: buffer and address are valid for the lengths given, and live until the call returns.
        let sent = unsafe {
            libc::sendto(
                self.0.as_raw_fd(),
                frame.as_ptr().cast(),
                frame.len(),
                libc::MSG_NOSIGNAL,
                (&raw const address).cast(),
                size_of::<libc::sockaddr_ll>() as libc::socklen_t,
            )
        };
        if sent >= 0 {
            return Ok(());
        }
        let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO);
        Err(Errno::from_raw_os_error(errno))
    }
}

impl AsFd for PacketSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}
