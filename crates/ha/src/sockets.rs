//! Raw sockets: one for each interface and group, or interface and unicast, shared by the instances
//! that use it.

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, sendto};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};
use std::io;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::{AsFd, BorrowedFd};

/// Longer than any advertisement: header with options, 255 addresses, authentication data.
pub(crate) const LONGEST_PACKET: usize = 2048;

/// What a socket is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Purpose {
    /// The interface.
    pub(crate) interface: String,
    /// The group to join; `None` for unicast.
    pub(crate) group: Option<Ipv4Addr>,
}

/// A raw socket for VRRP, bound to an interface.
#[derive(Debug)]
pub(crate) struct RawSocket {
    pub(crate) purpose: Purpose,
    /// Index of the interface it was bound to.
    pub(crate) link: u32,
    socket: Socket,
}

impl RawSocket {
    /// Opens it. Multicast is not looped back to us, and no group is heard but the one joined here.
    pub(crate) fn open(purpose: Purpose, link: u32) -> io::Result<Self> {
        let kind = Type::RAW.nonblocking().cloexec();
        let protocol = Protocol::from(i32::from(vrrp::PROTOCOL));
        let socket = Socket::new(Domain::IPV4, kind, Some(protocol))?;
        socket.set_header_included_v4(true)?;
        socket.bind_device(Some(purpose.interface.as_bytes()))?;
        socket.set_multicast_all_v4(false)?;
        if let Some(group) = &purpose.group {
            socket.set_multicast_loop_v4(false)?;
            socket.join_multicast_v4_n(group, &InterfaceIndexOrAddress::Index(link))?;
        }
        Ok(Self { purpose, link, socket })
    }

    /// The next packet, IP header first, or `None` when there is none.
    pub(crate) fn receive<'a>(&self, buffer: &'a mut [u8; LONGEST_PACKET]) -> Option<&'a [u8]> {
        // An error of the socket (its interface went down) is told by netlink as well.
        let (length, _) = recv(&self.socket, &mut buffer[..], RecvFlags::DONTWAIT).ok()?;
        Some(&buffer[..length])
    }

    /// Sends a packet, its IP header included. Multicast takes no notice of routes.
    pub(crate) fn send(&self, packet: &[u8], destination: Ipv4Addr) -> Result<(), Errno> {
        let mut flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        if destination.is_multicast() {
            flags |= SendFlags::DONTROUTE;
        }
        sendto(&self.socket, packet, flags, &SocketAddrV4::new(destination, 0)).map(drop)
    }
}

impl AsFd for RawSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
