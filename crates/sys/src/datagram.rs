//! Datagrams with what IP says about them, beyond socket2 and rustix (`ip(7)`, `ipv6(7)`, `raw(7)`,
//! RFC 3542).
//!
//! A raw IPv6 socket sees no IPv6 header and an UDP socket none at all, so the hop limit, which VRRP and
//! BFD want to be 255, the destination and the interface come as ancillary data. Groups are joined with
//! [`rustix::net::sockopt::set_ipv6_add_membership`].

use rustix::io::Errno;
use std::mem::MaybeUninit;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd};

/// Room for ancillary data, in bytes: `in6_pktinfo` and the hop limit take 64, those of IPv4 less.
const CONTROL: usize = 128;

/// Room for ancillary data, laid out as the kernel lays out its headers.
#[repr(C, align(8))]
struct Control([u8; CONTROL]);

/// Lets the kernel compute the checksum of packets sent by a raw IPv6 socket, and drop packets received with a wrong one.
/// The checksum stands `offset` bytes, an even number, from the start; 6 for VRRP. It covers the pseudo-header.
///
/// # Errors
/// `EINVAL` for an odd offset, and for a socket of another kind.
pub fn set_checksum(socket: impl AsFd, offset: u16) -> Result<(), Errno> {
    set(&socket, libc::IPPROTO_IPV6, libc::IPV6_CHECKSUM, offset.into())
}

/// Lets [`receive`] know hop limit, destination and interface of an IPv6 socket.
///
/// # Errors
/// For a socket of another kind.
pub fn set_details_v6(socket: impl AsFd) -> Result<(), Errno> {
    set(&socket, libc::IPPROTO_IPV6, libc::IPV6_RECVHOPLIMIT, 1)?;
    set(&socket, libc::IPPROTO_IPV6, libc::IPV6_RECVPKTINFO, 1)
}

/// Lets [`receive`] know time to live, destination and interface of an IPv4 socket.
///
/// # Errors
/// For a socket of another kind.
pub fn set_details_v4(socket: impl AsFd) -> Result<(), Errno> {
    set(&socket, libc::IPPROTO_IP, libc::IP_RECVTTL, 1)?;
    set(&socket, libc::IPPROTO_IP, libc::IP_PKTINFO, 1)
}

fn set(socket: &impl AsFd, level: libc::c_int, option: libc::c_int, value: libc::c_int) -> Result<(), Errno> {
    // SAFETY: the pointer and the length describe `value`, which lives for the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            level,
            option,
            (&raw const value).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(last_error()) }
}

/// How a datagram came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Bytes received; more than the buffer holds when the datagram was cut.
    pub length: usize,
    /// Who sent it; the port is zero on a raw socket. The scope is the interface of a link-local address.
    pub source: SocketAddr,
    /// To which address or group it was sent.
    pub destination: Option<IpAddr>,
    /// Index of the interface it came by.
    pub interface: Option<u32>,
    /// Its hop limit, or time to live, on arrival.
    pub hop_limit: Option<u8>,
}

/// Receives a datagram, without waiting for one. The details are there after [`set_details_v6`] or
/// [`set_details_v4`].
///
/// # Errors
/// `EAGAIN` when there is none.
pub fn receive(socket: impl AsFd, buffer: &mut [u8]) -> Result<Received, Errno> {
    let mut control = Control([0; CONTROL]);
    // SAFETY: every field of the structures is an integer or a pointer, for which zero is a value.
    let (mut address, mut message): (libc::sockaddr_in6, libc::msghdr) = unsafe { std::mem::zeroed() };
    let mut part = libc::iovec { iov_base: buffer.as_mut_ptr().cast(), iov_len: buffer.len() };
    message.msg_name = (&raw mut address).cast();
    message.msg_namelen = size_of::<libc::sockaddr_in6>() as libc::socklen_t;
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut control).cast();
    message.msg_controllen = CONTROL;
    // SAFETY: all that `message` points to is valid for the lengths given, and lives until the end of
    // this function.
    let length = unsafe {
        libc::recvmsg(
            socket.as_fd().as_raw_fd(),
            &raw mut message,
            libc::MSG_DONTWAIT | libc::MSG_TRUNC | libc::MSG_CMSG_CLOEXEC,
        )
    };
    if length < 0 {
        return Err(last_error());
    }
    let source = match libc::c_int::from(address.sin6_family) {
        libc::AF_INET => {
            // SAFETY: `sockaddr_in` is smaller than `sockaddr_in6`, needs no greater alignment, and is
            // valid for any bytes; the family says that the kernel has written one.
            let address = unsafe { (&raw const address).cast::<libc::sockaddr_in>().read() };
            let ip = Ipv4Addr::from_bits(u32::from_be(address.sin_addr.s_addr));
            SocketAddr::V4(SocketAddrV4::new(ip, u16::from_be(address.sin_port)))
        }
        _ => SocketAddr::V6(SocketAddrV6::new(
            address.sin6_addr.s6_addr.into(),
            u16::from_be(address.sin6_port),
            0,
            address.sin6_scope_id,
        )),
    };
    let mut received =
        Received { length: length as usize, source, destination: None, interface: None, hop_limit: None };
    // SAFETY: the kernel has filled in `message` and what it points to; CMSG_FIRSTHDR and CMSG_NXTHDR
    // give pointers to whole headers inside the control data, or null.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(&raw const message);
        while let Some(found) = header.as_ref() {
            let data = libc::CMSG_DATA(header);
            let room = found.cmsg_len.saturating_sub(libc::CMSG_LEN(0) as usize);
            match (found.cmsg_level, found.cmsg_type) {
                (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT) | (libc::IPPROTO_IP, libc::IP_TTL)
                    if room >= size_of::<libc::c_int>() =>
                {
                    let limit = data.cast::<libc::c_int>().read_unaligned();
                    received.hop_limit = u8::try_from(limit).ok();
                }
                (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) if room >= size_of::<libc::in6_pktinfo>() => {
                    let info = data.cast::<libc::in6_pktinfo>().read_unaligned();
                    received.destination = Some(Ipv6Addr::from(info.ipi6_addr.s6_addr).into());
                    received.interface = Some(info.ipi6_ifindex);
                }
                (libc::IPPROTO_IP, libc::IP_PKTINFO) if room >= size_of::<libc::in_pktinfo>() => {
                    let info = data.cast::<libc::in_pktinfo>().read_unaligned();
                    let destination = Ipv4Addr::from_bits(u32::from_be(info.ipi_addr.s_addr));
                    received.destination = Some(destination.into());
                    received.interface = u32::try_from(info.ipi_ifindex).ok();
                }
                _ => {}
            }
            header = libc::CMSG_NXTHDR(&raw const message, header);
        }
    }
    Ok(received)
}

/// Sends a packet by a raw IPv6 socket from an address of this host, by an interface. Neither the socket's binding nor the
/// kernel's choice of a source counts.
///
/// # Errors
/// `EINVAL` or `EADDRNOTAVAIL` when the address is not this host's, `ENETUNREACH` without a route,
/// `ENODEV` without the interface, `EAGAIN` when its queue is full.
pub fn send(
    socket: impl AsFd,
    packet: &[u8],
    source: Ipv6Addr,
    interface: u32,
    destination: Ipv6Addr,
) -> Result<(), Errno> {
    let mut control = Control([0; CONTROL]);
    // SAFETY: every field of the structures is an integer or a pointer, for which zero is a value.
    let (mut address, mut message): (libc::sockaddr_in6, libc::msghdr) = unsafe { std::mem::zeroed() };
    address.sin6_family = libc::AF_INET6 as libc::sa_family_t;
    address.sin6_addr.s6_addr = destination.octets();
    if destination.is_unicast_link_local() || destination.is_multicast() {
        address.sin6_scope_id = interface;
    }
    let mut part = libc::iovec { iov_base: packet.as_ptr().cast_mut().cast(), iov_len: packet.len() };
    message.msg_name = (&raw mut address).cast();
    message.msg_namelen = size_of::<libc::sockaddr_in6>() as libc::socklen_t;
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = (&raw mut control).cast();
    let mut info = MaybeUninit::<libc::in6_pktinfo>::zeroed();
    // SAFETY: the control data has room for a header and `in6_pktinfo`, as CMSG_SPACE says, and is
    // aligned as a header must be, so CMSG_FIRSTHDR gives a pointer into it.
    unsafe {
        message.msg_controllen = libc::CMSG_SPACE(size_of::<libc::in6_pktinfo>() as u32) as usize;
        let info = info.assume_init_mut();
        info.ipi6_addr.s6_addr = source.octets();
        info.ipi6_ifindex = interface;
        let header = libc::CMSG_FIRSTHDR(&raw const message);
        if let Some(header) = header.as_mut() {
            header.cmsg_level = libc::IPPROTO_IPV6;
            header.cmsg_type = libc::IPV6_PKTINFO;
            header.cmsg_len = libc::CMSG_LEN(size_of::<libc::in6_pktinfo>() as u32) as usize;
            libc::CMSG_DATA(header).cast::<libc::in6_pktinfo>().write_unaligned(*info);
        }
    }
    // SAFETY: all that `message` points to is valid for the lengths given and lives until the call
    // returns; the kernel does not write to the packet.
    let sent = unsafe {
        libc::sendmsg(socket.as_fd().as_raw_fd(), &raw const message, libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL)
    };
    if sent >= 0 { Ok(()) } else { Err(last_error()) }
}

fn last_error() -> Errno {
    let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO);
    Errno::from_raw_os_error(errno)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::net::{AddressFamily, Protocol, SocketFlags, SocketType, socket_with, sockopt};
    use std::num::NonZero;
    use std::process::Command;

    const GROUP: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12);
    const VRRP: Option<Protocol> = match NonZero::new(112) {
        Some(number) => Some(Protocol::from_raw(number)),
        None => None,
    };

    fn ip(arguments: &str) -> String {
        let output = Command::new("ip").args(arguments.split(' ')).output().unwrap();
        assert!(output.status.success(), "ip {arguments}");
        String::from_utf8(output.stdout).unwrap()
    }

    #[test]
    fn an_ipv4_datagram_tells_how_it_came() {
        let receiver = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        set_details_v4(&receiver).unwrap();
        let sender = std::net::UdpSocket::bind("127.0.0.2:0").unwrap();
        sender.set_ttl(255).unwrap();
        sender.send_to(b"hello", receiver.local_addr().unwrap()).unwrap();
        let mut buffer = [0; 16];
        let received = receive(&receiver, &mut buffer).unwrap();
        let expected = Received {
            length: 5,
            source: sender.local_addr().unwrap(),
            destination: Some(Ipv4Addr::LOCALHOST.into()),
            interface: Some(1),
            hop_limit: Some(255),
        };
        assert_eq!((received, &buffer[..5]), (expected, &b"hello"[..]));
        assert_eq!(receive(&receiver, &mut buffer), Err(Errno::AGAIN));
    }

    #[test]
    fn a_packet_tells_how_it_came() {
        if !rustix::process::geteuid().is_root() {
            eprintln!("not run: a network namespace needs root");
            return;
        }
        let test = || {
            crate::namespace::enter_new_network().unwrap();
            ip("link add eth0 type veth peer name eth1");
            ip("link set eth0 addrgenmode none up");
            ip("link set eth1 addrgenmode none up");
            ip("addr add fe80::a/64 dev eth0 nodad");
            ip("addr add fe80::b/64 dev eth0 nodad");
            ip("addr add fe80::1/64 dev eth1 nodad");
            let index = |name: &str| -> u32 {
                ip(&format!("-o link show {name}")).split(':').next().unwrap().parse().unwrap()
            };
            let (eth0, eth1) = (index("eth0"), index("eth1"));
            let open = || {
                let flags = SocketFlags::CLOEXEC;
                let socket = socket_with(AddressFamily::INET6, SocketType::RAW, flags, VRRP).unwrap();
                set_checksum(&socket, 6).unwrap();
                set_details_v6(&socket).unwrap();
                socket
            };
            let sender = open();
            sockopt::set_ipv6_multicast_hops(&sender, 255).unwrap();
            sockopt::set_ipv6_multicast_loop(&sender, false).unwrap();
            let receiver = open();
            sockopt::set_ipv6_add_membership(&receiver, &GROUP, eth1).unwrap();
            let mut buffer = [0; 64];
            assert_eq!(receive(&receiver, &mut buffer), Err(Errno::AGAIN));

            let source = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0xb);
            send(&sender, &[0x31, 61, 100, 0, 0, 100, 0, 0], source, eth0, GROUP).unwrap();
            let received = receive(&receiver, &mut buffer).unwrap();
            let expected = Received {
                length: 8,
                source: SocketAddrV6::new(source, 0, 0, eth1).into(),
                destination: Some(GROUP.into()),
                interface: Some(eth1),
                hop_limit: Some(255),
            };
            assert_eq!(received, expected);
            assert_eq!(buffer[..6], [0x31, 61, 100, 0, 0, 100]);
            assert_ne!(buffer[6..8], [0, 0], "the kernel has filled in the checksum");

            send(&sender, &[0; 100], source, eth0, GROUP).unwrap();
            assert_eq!(receive(&receiver, &mut buffer).unwrap().length, 100, "more than there is room for");
            let foreign = Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0x99);
            assert!(send(&sender, &[0; 8], foreign, eth0, GROUP).is_err());
            assert!(send(&sender, &[0; 8], source, 999, GROUP).is_err());
            assert_eq!(set_checksum(&sender, 5), Err(Errno::INVAL));
        };
        std::thread::spawn(test).join().unwrap();
    }
}
