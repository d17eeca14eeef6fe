//! What a raw IPv6 socket needs beyond socket2 and rustix: the kernel's checksum, and how a packet came
//! (`ipv6(7)`, `raw(7)`, RFC 3542).
//!
//! A raw IPv6 socket sees no IPv6 header, so the hop limit, the destination and the interface come as
//! ancillary data. Groups are joined with [`rustix::net::sockopt::set_ipv6_add_membership`].

use rustix::io::Errno;
use std::mem::MaybeUninit;
use std::net::{Ipv6Addr, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd};

/// Room for ancillary data, in bytes: `in6_pktinfo` and the hop limit take 64.
const CONTROL: usize = 128;

/// Room for ancillary data, laid out as the kernel lays out its headers.
#[repr(C, align(8))]
struct Control([u8; CONTROL]);

/// Lets the kernel compute the checksum of packets sent, and drop packets received with a wrong one.
/// The checksum stands `offset` bytes, an even number, from the start; 6 for VRRP. It covers the pseudo-header.
///
/// # Errors
/// `EINVAL` for an odd offset, and for a socket of another kind.
pub fn set_checksum(socket: impl AsFd, offset: u16) -> Result<(), Errno> {
    set(&socket, libc::IPV6_CHECKSUM, offset.into())
}

/// Lets [`receive`] know hop limit, destination and interface.
///
/// # Errors
/// For a socket of another kind.
pub fn set_receive_details(socket: impl AsFd) -> Result<(), Errno> {
    set(&socket, libc::IPV6_RECVHOPLIMIT, 1)?;
    set(&socket, libc::IPV6_RECVPKTINFO, 1)
}

fn set(socket: &impl AsFd, option: libc::c_int, value: libc::c_int) -> Result<(), Errno> {
    // SAFETY: the pointer and the length describe `value`, which lives for the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::IPPROTO_IPV6,
            option,
            (&raw const value).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result == 0 { Ok(()) } else { Err(last_error()) }
}

/// How a packet came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Bytes received; more than the buffer holds when the packet was cut.
    pub length: usize,
    /// Who sent it. The scope is the interface of a link-local address.
    pub source: SocketAddrV6,
    /// To which address or group it was sent.
    pub destination: Option<Ipv6Addr>,
    /// Index of the interface it came by.
    pub interface: Option<u32>,
    /// Its hop limit on arrival.
    pub hop_limit: Option<u8>,
}

/// Receives a packet, without waiting for one. The details are there after [`set_receive_details`].
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
    let mut received = Received {
        length: length as usize,
        source: SocketAddrV6::new(address.sin6_addr.s6_addr.into(), 0, 0, address.sin6_scope_id),
        destination: None,
        interface: None,
        hop_limit: None,
    };
    // SAFETY: the kernel has filled in `message` and what it points to; CMSG_FIRSTHDR and CMSG_NXTHDR
    // give pointers to whole headers inside the control data, or null.
    unsafe {
        let mut header = libc::CMSG_FIRSTHDR(&raw const message);
        while let Some(found) = header.as_ref() {
            let data = libc::CMSG_DATA(header);
            let room = found.cmsg_len.saturating_sub(libc::CMSG_LEN(0) as usize);
            match (found.cmsg_level, found.cmsg_type) {
                (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT) if room >= size_of::<libc::c_int>() => {
                    let limit = data.cast::<libc::c_int>().read_unaligned();
                    received.hop_limit = u8::try_from(limit).ok();
                }
                (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) if room >= size_of::<libc::in6_pktinfo>() => {
                    let info = data.cast::<libc::in6_pktinfo>().read_unaligned();
                    received.destination = Some(info.ipi6_addr.s6_addr.into());
                    received.interface = Some(info.ipi6_ifindex);
                }
                _ => {}
            }
            header = libc::CMSG_NXTHDR(&raw const message, header);
        }
    }
    Ok(received)
}

/// Sends a packet from an address of this host, by an interface. Neither the socket's binding nor the
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
                set_receive_details(&socket).unwrap();
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
                source: SocketAddrV6::new(source, 0, 0, eth1),
                destination: Some(GROUP),
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
