//! Questions and changes, each answered before the next.

use crate::{Address, Error, Link, NewAddress, codec};
use netlink_packet_core::{NLM_F_ACK, NLM_F_CREATE, NLM_F_DUMP, NLM_F_EXCL, NLM_F_REQUEST, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::AddressMessage;
use netlink_packet_route::link::LinkMessage;
use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, sendto, socket_with,
};
use std::os::fd::OwnedFd;

/// A socket for requests. The kernel answers within the request, so nothing here waits for others.
#[derive(Debug)]
pub struct Requests {
    socket: OwnedFd,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Requests {
    /// Opens the socket. Asking needs no privilege, changing needs CAP_NET_ADMIN.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn open() -> Result<Self, Error> {
        let socket =
            // No protocol number is number 0, NETLINK_ROUTE.
            socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
        bind(&socket, &SocketAddrNetlink::new(0, 0))?;
        Ok(Self { socket, sequence: 0, buffer: vec![0; 65536] })
    }

    /// All links.
    ///
    /// # Errors
    /// When the kernel fails or answers in a way that cannot be read.
    pub fn links(&mut self) -> Result<Vec<Link>, Error> {
        let mut links = Vec::new();
        self.request(RouteNetlinkMessage::GetLink(LinkMessage::default()), NLM_F_DUMP, |answer| {
            if let RouteNetlinkMessage::NewLink(message) = answer {
                links.extend(codec::link(&message));
            }
        })?;
        Ok(links)
    }

    /// All addresses, in the kernel's order: a primary address comes before its secondaries.
    ///
    /// # Errors
    /// When the kernel fails or answers in a way that cannot be read.
    pub fn addresses(&mut self) -> Result<Vec<Address>, Error> {
        let mut addresses = Vec::new();
        let question = RouteNetlinkMessage::GetAddress(AddressMessage::default());
        self.request(question, NLM_F_DUMP, |answer| {
            if let RouteNetlinkMessage::NewAddress(message) = answer {
                addresses.extend(codec::address(&message));
            }
        })?;
        Ok(addresses)
    }

    /// Adds an address. Says whether it was not there before.
    ///
    /// # Errors
    /// `EPERM` without the capability, `ENODEV` without the link, and what else the kernel says.
    pub fn add(&mut self, address: &NewAddress) -> Result<bool, Error> {
        let message = RouteNetlinkMessage::NewAddress(codec::address_message(address));
        match self.request(message, NLM_F_ACK | NLM_F_CREATE | NLM_F_EXCL, |_| ()) {
            Ok(()) => Ok(true),
            Err(Error::Kernel(Errno::EXIST)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Deletes an address. Says whether it was there.
    ///
    /// # Errors
    /// `EPERM` without the capability, and what else the kernel says; a link that is gone is no error.
    pub fn delete(&mut self, address: &NewAddress) -> Result<bool, Error> {
        let message = RouteNetlinkMessage::DelAddress(codec::address_message(address));
        match self.request(message, NLM_F_ACK, |_| ()) {
            Ok(()) => Ok(true),
            Err(Error::Kernel(Errno::ADDRNOTAVAIL | Errno::NODEV)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Sends a request and gives every answer to `each` until the last.
    fn request(
        &mut self,
        message: RouteNetlinkMessage,
        flags: u16,
        mut each: impl FnMut(RouteNetlinkMessage),
    ) -> Result<(), Error> {
        self.sequence = self.sequence.wrapping_add(1);
        let bytes = codec::encode(message, NLM_F_REQUEST | flags, self.sequence);
        retry(|| sendto(&self.socket, &bytes, SendFlags::empty(), &SocketAddrNetlink::new(0, 0)))?;
        loop {
            let (length, _) = retry(|| recv(&self.socket, self.buffer.as_mut_slice(), RecvFlags::empty()))?;
            for message in codec::decode(&self.buffer[..length]) {
                let message = message.map_err(Error::Answer)?;
                if message.header.sequence_number != self.sequence {
                    continue;
                }
                match message.payload {
                    NetlinkPayload::InnerMessage(answer) => each(answer),
                    NetlinkPayload::Done(_) => return Ok(()),
                    NetlinkPayload::Error(error) => {
                        return match error.code {
                            None => Ok(()),
                            Some(code) => Err(Errno::from_raw_os_error(-code.get()).into()),
                        };
                    }
                    NetlinkPayload::Overrun(_) => return Err(Error::Kernel(Errno::NOBUFS)),
                    _ => {}
                }
            }
        }
    }
}

/// Repeats a call that a signal interrupted.
fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            other => return other,
        }
    }
}
