//! Raw sockets: one for each interface, family and group, or interface and unicast, shared by the
//! instances that use it.

use rustix::io::Errno;
use rustix::net::{RecvFlags, SendFlags, recv, sendto};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, BorrowedFd};
use sys::datagram;
use vrrp::{Family, Incoming};

/// Longer than any advertisement: headers, 255 addresses of 16 bytes, authentication data.
pub(crate) const LONGEST_PACKET: usize = 8192;

/// What a socket is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Purpose {
    /// The interface; empty for unicast by any of them.
    pub(crate) interface: String,
    /// What packets are carried by.
    pub(crate) family: Family,
    /// Whether they have an authentication header.
    pub(crate) ah: bool,
    /// The group to join; `None` for unicast.
    pub(crate) group: Option<IpAddr>,
    /// `unicast_src_ip`: nothing is heard that is sent to another address, and nothing at all while no
    /// interface has it, unless `net.ipv4.ip_nonlocal_bind` allows that.
    pub(crate) own: Option<IpAddr>,
}

/// A raw socket for VRRP, bound to an interface.
#[derive(Debug)]
pub(crate) struct RawSocket {
    pub(crate) purpose: Purpose,
    /// Index of the interface it was bound to; 0 for none.
    pub(crate) link: u32,
    socket: Socket,
}

impl RawSocket {
    /// Opens it. Multicast is not looped back to us, and no group is heard but the one joined here. The
    /// group is joined on the link below a virtual one (`below`) as well: that reports it to switches that
    /// only let wanted groups pass, which a virtual link is kept from.
    pub(crate) fn open(purpose: Purpose, link: u32, below: Option<u32>) -> io::Result<Self> {
        let kind = Type::RAW.nonblocking().cloexec();
        let protocol = if purpose.ah { vrrp::ah::AH_PROTOCOL } else { vrrp::PROTOCOL };
        let protocol = Protocol::from(i32::from(protocol));
        let socket = match purpose.family {
            Family::V4 => {
                let socket = Socket::new(Domain::IPV4, kind, Some(protocol))?;
                socket.set_header_included_v4(true)?;
                socket.set_multicast_all_v4(false)?;
                socket
            }
            Family::V6 => {
                let socket = Socket::new(Domain::IPV6, kind, Some(protocol))?;
                socket.set_multicast_all_v6(false)?;
                socket.set_tclass_v6(u32::from(super::TOS))?;
                socket.set_multicast_hops_v6(255)?;
                datagram::set_details_v6(&socket)?;
                socket
            }
        };
        if !purpose.interface.is_empty() {
            socket.bind_device(Some(purpose.interface.as_bytes()))?;
        }
        match purpose.group {
            Some(IpAddr::V4(group)) => {
                socket.set_multicast_loop_v4(false)?;
                for link in below.into_iter().chain([link]) {
                    socket.join_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(link))?;
                }
            }
            Some(IpAddr::V6(group)) => {
                socket.set_multicast_loop_v6(false)?;
                for link in below.into_iter().chain([link]) {
                    socket.join_multicast_v6(&group, link)?;
                }
            }
            None => {}
        }
        if let Some(own) = purpose.own {
            let own: SocketAddr = match own {
                IpAddr::V4(own) => SocketAddrV4::new(own, 0).into(),
                IpAddr::V6(own) => SocketAddrV6::new(own, 0, 0, link).into(),
            };
            socket.bind(&own.into())?;
        }
        Ok(Self { purpose, link, socket })
    }

    /// Makes room for so many bytes of packets, beyond the system's limit where we may.
    pub(crate) fn set_receive_buffer(&self, bytes: u32) {
        let bytes = bytes as usize;
        if rustix::net::sockopt::set_socket_recv_buffer_size_force(&self.socket, bytes).is_err() {
            // Without the privilege the system's limit holds, as keepalived has it.
            let _ = rustix::net::sockopt::set_socket_recv_buffer_size(&self.socket, bytes);
        }
    }

    /// The next packet that can be one of VRRP, or `None` when there is none.
    pub(crate) fn receive<'a>(&self, buffer: &'a mut [u8; LONGEST_PACKET]) -> Option<Option<Incoming<'a>>> {
        // An error of the socket (its interface went down) is told by netlink as well.
        match self.purpose.family {
            Family::V4 => {
                let (length, _) = recv(&self.socket, &mut buffer[..], RecvFlags::DONTWAIT).ok()?;
                Some(Incoming::v4(&buffer[..length]).ok())
            }
            Family::V6 => {
                let received = datagram::receive(&self.socket, &mut buffer[..]).ok()?;
                let Some(packet) = buffer.get(..received.length) else { return Some(None) };
                let IpAddr::V6(source) = received.source.ip() else { return Some(None) };
                let Some(IpAddr::V6(destination)) = received.destination else { return Some(None) };
                Some(Some(Incoming::v6(source, destination, received.hop_limit, packet)))
            }
        }
    }

    /// Sends a packet, its IPv4 header included. Multicast takes no notice of routes.
    pub(crate) fn send_v4(&self, packet: &[u8], destination: Ipv4Addr) -> Result<(), Errno> {
        let mut flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        if destination.is_multicast() {
            flags |= SendFlags::DONTROUTE;
        }
        sendto(&self.socket, packet, flags, &SocketAddrV4::new(destination, 0)).map(drop)
    }

    /// Sends a packet without its IPv6 header, from an address of ours.
    pub(crate) fn send_v6(
        &self,
        packet: &[u8],
        source: Ipv6Addr,
        destination: Ipv6Addr,
        hop_limit: u8,
    ) -> Result<(), Errno> {
        if !destination.is_multicast() {
            let failed = |_| Errno::INVAL;
            self.socket.set_unicast_hops_v6(u32::from(hop_limit)).map_err(failed)?;
        }
        datagram::send(&self.socket, packet, source, self.link, destination)
    }
}

impl AsFd for RawSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}
