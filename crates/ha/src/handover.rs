//! The sockets for handing over between routers of our kind; see [`vrrp::handover`].

use crate::network::{Interfaces, Purpose};
use rustix::net::{RecvFlags, SendFlags, recv, sendto};
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, Socket, Type};
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, BorrowedFd};
use vrrp::Family;
use vrrp::handover::MESSAGE_LENGTH;

/// The UDP port of master and backups.
const PORT: u16 = 8112;

/// A socket for one interface and family.
#[derive(Debug)]
pub(crate) struct HandoverSocket {
    pub(crate) purpose: Purpose,
    link: u32,
    socket: Socket,
}

impl HandoverSocket {
    fn open(purpose: Purpose, link: u32) -> io::Result<Self> {
        let kind = Type::DGRAM.nonblocking().cloexec();
        let (domain, any): (_, SocketAddr) = match purpose.family {
            Family::V4 => (Domain::IPV4, SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, PORT).into()),
            Family::V6 => (Domain::IPV6, SocketAddrV6::new(Ipv6Addr::UNSPECIFIED, PORT, 0, 0).into()),
        };
        let socket = Socket::new(domain, kind, Some(Protocol::UDP))?;
        socket.set_reuse_address(true)?;
        socket.bind_device(Some(purpose.interface.as_bytes()))?;
        if purpose.family == Family::V6 {
            socket.set_only_v6(true)?;
        }
        match purpose.group {
            Some(IpAddr::V4(group)) => {
                socket.set_multicast_all_v4(false)?;
                socket.set_multicast_loop_v4(false)?;
                socket.join_multicast_v4_n(&group, &InterfaceIndexOrAddress::Index(link))?;
            }
            Some(IpAddr::V6(group)) => {
                socket.set_multicast_all_v6(false)?;
                socket.set_multicast_loop_v6(false)?;
                socket.join_multicast_v6(&group, link)?;
            }
            None => {}
        }
        socket.bind(&any.into())?;
        Ok(Self { purpose, link, socket })
    }

    /// The next message, or what looks like one.
    pub(crate) fn receive(&self) -> Option<([u8; MESSAGE_LENGTH], usize)> {
        let mut buffer = [0; MESSAGE_LENGTH];
        let (_, length) = recv(&self.socket, &mut buffer[..], RecvFlags::DONTWAIT | RecvFlags::TRUNC).ok()?;
        Some((buffer, length))
    }

    /// Sends a message. That nobody listens there is no failure: VRRP goes on without.
    pub(crate) fn send(&self, message: &[u8; MESSAGE_LENGTH], to: IpAddr) {
        let flags = SendFlags::DONTWAIT | SendFlags::NOSIGNAL;
        let _ = match to {
            IpAddr::V4(v4) => sendto(&self.socket, message, flags, &SocketAddrV4::new(v4, PORT)),
            IpAddr::V6(v6) => {
                sendto(&self.socket, message, flags, &SocketAddrV6::new(v6, PORT, 0, self.link))
            }
        };
    }
}

impl AsFd for HandoverSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// All of them.
#[derive(Debug, Default)]
pub(crate) struct Handovers {
    /// `vrrp_handover`.
    pub(crate) wanted: bool,
    pub(crate) sockets: Vec<HandoverSocket>,
}

impl Handovers {
    /// Opens, reopens and closes sockets so that there is one for each purpose whose interface exists.
    /// One that cannot be opened is done without.
    pub(crate) fn provide(&mut self, purposes: &[Purpose], interfaces: &Interfaces) {
        let wanted = if self.wanted { purposes } else { &[] };
        let index = |purpose: &Purpose| interfaces.link(&purpose.interface).map(|link| link.index);
        self.sockets
            .retain(|socket| wanted.contains(&socket.purpose) && index(&socket.purpose) == Some(socket.link));
        for purpose in wanted {
            if self.sockets.iter().any(|socket| socket.purpose == *purpose) {
                continue;
            }
            if let Some(link) = index(purpose)
                && let Ok(socket) = HandoverSocket::open(purpose.clone(), link)
            {
                self.sockets.push(socket);
            }
        }
    }

    /// The socket of an instance.
    pub(crate) fn of(&self, purpose: &Purpose) -> Option<&HandoverSocket> {
        self.sockets.iter().find(|socket| socket.purpose == *purpose)
    }
}
