//! The drop rules of `vrrp_strict`, over nfnetlink: a master that does not own its addresses accepts
//! nothing sent to them (RFC 3768 §6.4.3, RFC 5798 §6.1 Accept_Mode).
//!
//! The table is what keepalived makes with nftables, under our name:
//! ```text
//! table ip backstay {
//!     set vips { type ipv4_addr; elements = { … } }
//!     chain in  { type filter hook input priority -1;  ip daddr @vips drop }
//!     chain out { type filter hook output priority -1; ip saddr @vips drop }
//! }
//! ```
//! It is replaced as a whole in one transaction, so there is no moment with half of it.

use crate::Error;
use rustix::io::Errno;
use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, sendto, socket_with,
};
use std::net::Ipv4Addr;
use std::os::fd::OwnedFd;

const TABLE: &[u8] = b"backstay\0";
const SET: &[u8] = b"vips\0";
const SET_ID: u32 = 1;

// linux/netlink.h and linux/netfilter/nfnetlink.h
const NLMSG_ERROR: u16 = 2;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_ACK: u16 = 4;
const NLM_F_CREATE: u16 = 0x400;
const NLA_F_NESTED: u16 = 0x8000;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const SUBSYSTEM_NFTABLES: u16 = 10;
const AF_UNSPEC: u8 = 0;
const AF_INET: u8 = 2;

// linux/netfilter/nf_tables.h
const NEW_TABLE: u16 = 0;
const DELETE_TABLE: u16 = 2;
const NEW_CHAIN: u16 = 3;
const NEW_RULE: u16 = 6;
const NEW_SET: u16 = 9;
const NEW_ELEMENTS: u16 = 12;
const LIST_ELEMENT: u16 = 1;
/// nft's number for `ipv4_addr`; the kernel only hands it back to nft.
const TYPE_IPV4_ADDR: u32 = 7;
const HOOK_INPUT: u32 = 1;
const HOOK_OUTPUT: u32 = 3;
const NETWORK_HEADER: u32 = 1;
const REGISTER_VERDICT: u32 = 0;
const REGISTER_1: u32 = 1;
const VERDICT_ACCEPT: u32 = 1;
const VERDICT_DROP: u32 = 0;

/// The table of drop rules.
#[derive(Debug)]
pub struct DropRules {
    socket: OwnedFd,
}

impl DropRules {
    /// Opens the socket. Changing rules needs CAP_NET_ADMIN.
    ///
    /// # Errors
    /// What the kernel says, `EPROTONOSUPPORT` when it has no netfilter.
    pub fn open() -> Result<Self, Error> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, Some(netlink::NETFILTER))?;
        bind(&socket, &SocketAddrNetlink::new(0, 0))?;
        Ok(Self { socket })
    }

    /// Drops what is sent to or from exactly these addresses; nothing, and the table goes, when there
    /// are none.
    ///
    /// # Errors
    /// What the kernel says about the transaction; the rules from before hold then.
    pub fn set(&mut self, addresses: &[Ipv4Addr]) -> Result<(), Error> {
        if addresses.is_empty() {
            let mut batch = Batch::begin();
            batch.message(DELETE_TABLE, 0, |table| table.attribute(1, TABLE));
            return match self.commit(batch) {
                // Nothing to delete, or a kernel without nftables: no rules either way.
                Err(Error::Kernel(Errno::NOENT | Errno::OPNOTSUPP | Errno::INVAL)) => Ok(()),
                other => other,
            };
        }
        let mut batch = Batch::begin();
        // Made if it is not there, so that deleting it cannot fail; then made anew.
        batch.message(NEW_TABLE, NLM_F_CREATE, |table| table.attribute(1, TABLE));
        batch.message(DELETE_TABLE, 0, |table| table.attribute(1, TABLE));
        batch.message(NEW_TABLE, NLM_F_CREATE, |table| table.attribute(1, TABLE));
        batch.message(NEW_SET, NLM_F_CREATE, |set| {
            set.attribute(1, TABLE);
            set.attribute(2, SET);
            set.number(3, 0);
            set.number(4, TYPE_IPV4_ADDR);
            set.number(5, 4);
            set.number(10, SET_ID);
        });
        // An attribute holds 65,535 bytes at most.
        for addresses in addresses.chunks(1000) {
            batch.message(NEW_ELEMENTS, NLM_F_CREATE, |list| {
                list.attribute(1, TABLE);
                list.attribute(2, SET);
                list.number(4, SET_ID);
                list.nested(3, |elements| {
                    for address in addresses {
                        elements.nested(LIST_ELEMENT, |element| {
                            element.nested(1, |key| key.attribute(1, &address.octets()));
                        });
                    }
                });
            });
        }
        // Offsets of the destination and source in an IPv4 header.
        batch.chain(b"in\0", HOOK_INPUT, 16);
        batch.chain(b"out\0", HOOK_OUTPUT, 12);
        self.commit(batch)
    }

    /// Sends a transaction. The kernel carries it out before the call returns.
    fn commit(&mut self, batch: Batch) -> Result<(), Error> {
        let bytes = batch.end();
        sendto(&self.socket, &bytes, SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
        let mut answer = [0; 16384];
        let mut failure = None;
        loop {
            let length = match recv(&self.socket, &mut answer[..], RecvFlags::DONTWAIT) {
                Ok((length, _)) => length,
                Err(Errno::AGAIN) => return failure.map_or(Ok(()), |errno| Err(Error::Kernel(errno))),
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(errno.into()),
            };
            failure = failure.or_else(|| first_error(&answer[..length]));
        }
    }
}

/// The first error among the acknowledgements of a datagram.
fn first_error(mut bytes: &[u8]) -> Option<Errno> {
    while let Some(head) = bytes.first_chunk::<20>() {
        let length = u32::from_ne_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let kind = u16::from_ne_bytes([head[4], head[5]]);
        let code = i32::from_ne_bytes([head[16], head[17], head[18], head[19]]);
        if kind == NLMSG_ERROR && code != 0 {
            return Some(Errno::from_raw_os_error(-code));
        }
        bytes = bytes.get(length.max(16).next_multiple_of(4)..)?;
    }
    None
}

/// A transaction in the making.
struct Batch {
    bytes: Vec<u8>,
    sequence: u32,
}

impl Batch {
    fn begin() -> Self {
        let mut batch = Self { bytes: Vec::new(), sequence: 0 };
        batch.raw(BATCH_BEGIN, 0, AF_UNSPEC, SUBSYSTEM_NFTABLES, |_| ());
        batch
    }

    fn end(mut self) -> Vec<u8> {
        self.raw(BATCH_END, 0, AF_UNSPEC, SUBSYSTEM_NFTABLES, |_| ());
        self.bytes
    }

    /// A base chain that drops packets whose IPv4 address at `offset` is in the set.
    fn chain(&mut self, name: &[u8], hook: u32, offset: u32) {
        self.message(NEW_CHAIN, NLM_F_CREATE, |chain| {
            chain.attribute(1, TABLE);
            chain.attribute(3, name);
            chain.nested(4, |place| {
                place.number(1, hook);
                place.number(2, (-1i32).cast_unsigned());
            });
            chain.number(5, VERDICT_ACCEPT);
            chain.attribute(7, b"filter\0");
        });
        self.message(NEW_RULE, NLM_F_CREATE, |rule| {
            rule.attribute(1, TABLE);
            rule.attribute(2, name);
            rule.nested(4, |expressions| {
                expressions.expression(b"payload\0", |payload| {
                    payload.number(1, REGISTER_1);
                    payload.number(2, NETWORK_HEADER);
                    payload.number(3, offset);
                    payload.number(4, 4);
                });
                expressions.expression(b"lookup\0", |lookup| {
                    lookup.attribute(1, SET);
                    lookup.number(2, REGISTER_1);
                    lookup.number(4, SET_ID);
                });
                expressions.expression(b"immediate\0", |immediate| {
                    immediate.number(1, REGISTER_VERDICT);
                    immediate.nested(2, |data| data.nested(2, |verdict| verdict.number(1, VERDICT_DROP)));
                });
            });
        });
    }

    fn message(&mut self, kind: u16, flags: u16, fill: impl FnOnce(&mut Self)) {
        self.raw(SUBSYSTEM_NFTABLES << 8 | kind, flags | NLM_F_ACK, AF_INET, 0, fill);
    }

    fn raw(&mut self, kind: u16, flags: u16, family: u8, resource: u16, fill: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.bytes.extend([0; 4]);
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend((NLM_F_REQUEST | flags).to_ne_bytes());
        self.bytes.extend(self.sequence.to_ne_bytes());
        self.bytes.extend([0; 4]);
        self.bytes.extend([family, 0]);
        self.bytes.extend(resource.to_be_bytes());
        self.sequence += 1;
        fill(self);
        let length = (self.bytes.len() - start) as u32;
        self.bytes[start..start + 4].copy_from_slice(&length.to_ne_bytes());
    }

    fn attribute(&mut self, kind: u16, value: &[u8]) {
        self.bytes.extend((value.len() as u16 + 4).to_ne_bytes());
        self.bytes.extend(kind.to_ne_bytes());
        self.bytes.extend(value);
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }

    fn number(&mut self, kind: u16, value: u32) {
        self.attribute(kind, &value.to_be_bytes());
    }

    fn nested(&mut self, kind: u16, fill: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.attribute(kind | NLA_F_NESTED, &[]);
        fill(self);
        let length = (self.bytes.len() - start) as u16;
        self.bytes[start..start + 2].copy_from_slice(&length.to_ne_bytes());
    }

    fn expression(&mut self, name: &[u8], fill: impl FnOnce(&mut Self)) {
        self.nested(LIST_ELEMENT, |expression| {
            expression.attribute(1, name);
            expression.nested(2, fill);
        });
    }
}
