//! Transactions of nftables over nfnetlink: `linux/netfilter/nfnetlink.h`, `nf_tables.h`.
//!
//! A transaction happens as a whole or not at all, before the call returns. The numbers of attributes
//! stand where they are used, named by the method or the comment beside them.

use crate::{Error, Missing};
use rustix::io::Errno;
use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, sendto, socket_with, sockopt,
};
use std::os::fd::OwnedFd;
use std::sync::Arc;

// linux/netlink.h
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_REQUEST: u16 = 1;
const NLM_F_DUMP: u16 = 0x300;
const NLM_F_CREATE: u16 = 0x400;
const NLM_F_APPEND: u16 = 0x800;
const NLA_F_NESTED: u16 = 0x8000;
const BATCH_BEGIN: u16 = 0x10;
const BATCH_END: u16 = 0x11;
const SUBSYSTEM_NFTABLES: u16 = 10;

const NEW_TABLE: u16 = 0;
const DELETE_TABLE: u16 = 2;
const NEW_CHAIN: u16 = 3;
const DELETE_CHAIN: u16 = 5;
const NEW_RULE: u16 = 6;
const DELETE_RULE: u16 = 8;
const NEW_SET: u16 = 9;
const DELETE_SET: u16 = 11;
const NEW_ELEMENTS: u16 = 12;
const GET_ELEMENTS: u16 = 13;
const DELETE_ELEMENTS: u16 = 14;
const LIST_ELEMENT: u16 = 1;

/// The data type of a map whose values are verdicts.
const VERDICTS: u32 = 0xffff_ff00;
const VERDICT_REGISTER: u32 = 0;
/// The register that all our expressions pass a value in.
const REGISTER: u32 = 1;

/// Elements in a message; the length of an attribute is a 16-bit number.
const ELEMENTS: usize = 500;

/// Room for the transaction of thousands of addresses, in bytes.
const SEND_BUFFER: usize = 4 << 20;

/// A family of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    Inet = 1,
    Ipv4 = 2,
    Arp = 3,
    Ipv6 = 10,
}

/// The name of a table of a program of ours: its own where there are several on a machine. What may not
/// stand in names that `nft` reads is written as `_` with its number in hexadecimal.
pub(crate) fn table_name(usual: &str, program: Option<&str>) -> String {
    /// `NFT_NAME_MAXLEN` with room for what is usual.
    const LONGEST: usize = 200;
    let Some(program) = program else { return usual.to_owned() };
    let mut name = format!("{usual}.");
    for byte in program.bytes() {
        match byte {
            b'/' | b'.' => name.push(byte.into()),
            _ if byte.is_ascii_alphanumeric() => name.push(byte.into()),
            _ => name += &format!("_{byte:02x}"),
        }
    }
    name.truncate(LONGEST);
    name
}

/// A table: its family, and its name ending in a zero byte as all names here.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Table<'a>(pub(crate) Family, pub(crate) &'a [u8]);

/// Where a chain is called. The numbers of the arp family are its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Hook(pub(crate) u32);

impl Hook {
    pub(crate) const PREROUTING: Hook = Hook(0);
    pub(crate) const INPUT: Hook = Hook(1);
    pub(crate) const OUTPUT: Hook = Hook(3);
    pub(crate) const ARP_INPUT: Hook = Hook(0);
    pub(crate) const ARP_OUTPUT: Hook = Hook(1);
}

/// What nft wants to find beside a set, to show its keys right: type 0 (byte order of keys), length 4, and
/// the host's byte order as a number of the host's. The kernel only hands it back.
const HOST_ORDER: [u8; 6] = {
    let [a, b, c, d] = 1u32.to_ne_bytes();
    [0, 4, a, b, c, d]
};

/// What a set holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keys {
    /// nft's number of the type; the kernel only hands it back to nft.
    pub(crate) kind: u32,
    /// In bytes.
    pub(crate) length: u32,
}

impl Keys {
    pub(crate) const NF_PROTO: Keys = Keys { kind: 2, length: 1 };
    pub(crate) const IPV4: Keys = Keys { kind: 7, length: 4 };
    pub(crate) const IPV6: Keys = Keys { kind: 8, length: 16 };
    /// Index of an interface.
    pub(crate) const INTERFACE: Keys = Keys { kind: 20, length: 4 };
    pub(crate) const ETHER_TYPE: Keys = Keys { kind: 10, length: 2 };
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SetKind {
    Plain = 0,
    /// The value of each element is a verdict.
    VerdictMap = 8,
    /// Elements may end on their own.
    Timeout = 16,
}

/// What becomes of a packet.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Verdict<'a> {
    Accept,
    Drop,
    Return,
    Jump(&'a [u8]),
}

/// An element of a map of verdicts.
#[derive(Debug)]
pub(crate) struct Jump {
    pub(crate) key: Vec<u8>,
    /// Name of the chain that the verdict leads to, without the zero byte.
    pub(crate) chain: Vec<u8>,
}

/// A connection to the kernel's nftables, for all that keep tables there.
///
/// The end of one may hold up everybody's transactions for some hundredths of a second: the kernel first
/// clears away what was deleted.
#[derive(Clone, Debug)]
pub struct Nftables(Arc<OwnedFd>);

impl Nftables {
    /// Opens the connection. Changing tables needs CAP_NET_ADMIN.
    ///
    /// # Errors
    /// What the kernel says, [`Missing::Nftables`] when it has no netfilter.
    pub fn open() -> Result<Self, Error> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, Some(netlink::NETFILTER))
            .map_err(meaning)?;
        // Without the privilege the smaller buffer that every process may have serves as well.
        if sockopt::set_socket_send_buffer_size_force(&socket, SEND_BUFFER).is_err() {
            sockopt::set_socket_send_buffer_size(&socket, SEND_BUFFER)?;
        }
        bind(&socket, &SocketAddrNetlink::new(0, 0))?;
        Ok(Self(Arc::new(socket)))
    }

    /// Carries a transaction out. The kernel acknowledges nothing, but tells what it refuses before
    /// the call returns.
    pub(crate) fn commit(&mut self, batch: Batch) -> Result<(), Error> {
        self.send(&batch.end())?;
        let mut answer = vec![0; 16384];
        let mut failure = None;
        loop {
            let length = match recv(&*self.0, answer.as_mut_slice(), RecvFlags::DONTWAIT) {
                Ok((length, _)) => length,
                Err(Errno::AGAIN) => return failure.map_or(Ok(()), |errno| Err(meaning(errno))),
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(errno.into()),
            };
            let errors = messages(&answer[..length]).filter_map(|(kind, body)| error(kind, body));
            failure = failure.or_else(|| errors.into_iter().next());
        }
    }

    /// All elements of a map of verdicts that lead to a chain. None of a table or map that does not exist.
    pub(crate) fn jumps(&mut self, table: Table, set: &[u8]) -> Result<Vec<Jump>, Error> {
        let mut question = Batch::default();
        question.message(table, GET_ELEMENTS, NLM_F_DUMP, |list| list.attribute(2, set));
        self.send(&question.bytes)?;
        let mut found = Vec::new();
        let mut answer = vec![0; 65536];
        loop {
            let length = match recv(&*self.0, answer.as_mut_slice(), RecvFlags::DONTWAIT) {
                Ok((length, _)) => length,
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(errno.into()),
            };
            for (kind, body) in messages(&answer[..length]) {
                match error(kind, body) {
                    Some(Errno::NOENT) => return Ok(found),
                    Some(errno) => return Err(meaning(errno)),
                    None if kind == NLMSG_DONE || kind == NLMSG_ERROR => return Ok(found),
                    None => found.extend(elements(body)),
                }
            }
        }
    }

    fn send(&self, bytes: &[u8]) -> Result<(), Error> {
        loop {
            match sendto(&*self.0, bytes, SendFlags::empty(), &SocketAddrNetlink::new(0, 0)) {
                Err(Errno::INTR) => {}
                other => return other.map(|_| ()).map_err(meaning),
            }
        }
    }
}

/// A kernel without nftables, or without one of its families, refuses in these ways.
fn meaning(errno: Errno) -> Error {
    match errno {
        Errno::PROTONOSUPPORT | Errno::OPNOTSUPP | Errno::AFNOSUPPORT => Error::Missing(Missing::Nftables),
        errno => Error::Kernel(errno),
    }
}

/// The messages of a datagram: kind and body.
fn messages(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let head = bytes.first_chunk::<16>()?;
        let length = u32::from_ne_bytes([head[0], head[1], head[2], head[3]]) as usize;
        let body = bytes.get(16..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((u16::from_ne_bytes([head[4], head[5]]), body))
    })
}

/// The error that a message states, if it does.
fn error(kind: u16, body: &[u8]) -> Option<Errno> {
    let code = i32::from_ne_bytes(*body.first_chunk()?);
    (matches!(kind, NLMSG_ERROR | NLMSG_DONE) && code < 0)
        .then(|| Errno::from_raw_os_error(code.saturating_neg()))
}

/// The attributes of a list.
fn attributes(mut bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let head = bytes.first_chunk::<4>()?;
        let length = usize::from(u16::from_ne_bytes([head[0], head[1]]));
        let value = bytes.get(4..length)?;
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
        Some((u16::from_ne_bytes([head[2], head[3]]) & !NLA_F_NESTED, value))
    })
}

/// The value of an attribute at the end of a path of kinds.
fn attribute<'a>(bytes: &'a [u8], path: &[u16]) -> Option<&'a [u8]> {
    path.iter().try_fold(bytes, |bytes, kind| Some(attributes(bytes).find(|(found, _)| found == kind)?.1))
}

/// The elements in the body of a message that lead to a chain.
fn elements(body: &[u8]) -> Vec<Jump> {
    // Behind the 4 bytes of struct nfgenmsg.
    let list = body.get(4..).and_then(|body| attribute(body, &[3])).unwrap_or_default();
    let element = |(_, element)| {
        let key = attribute(element, &[1, 1])?;
        let chain = attribute(element, &[2, 2, 2])?;
        Some(Jump { key: key.to_vec(), chain: chain.strip_suffix(&[0]).unwrap_or(chain).to_vec() })
    };
    attributes(list).filter_map(element).collect()
}

/// A transaction in the making.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    bytes: Vec<u8>,
    sequence: u32,
    sets: u32,
}

impl Batch {
    pub(crate) fn begin() -> Self {
        let mut batch = Self::default();
        batch.raw(BATCH_BEGIN, 0, 0, SUBSYSTEM_NFTABLES, |_| ());
        batch
    }

    fn end(mut self) -> Vec<u8> {
        self.raw(BATCH_END, 0, 0, SUBSYSTEM_NFTABLES, |_| ());
        self.bytes
    }

    /// Makes a table unless it exists.
    pub(crate) fn table(&mut self, table: Table) {
        self.message(table, NEW_TABLE, NLM_F_CREATE, |_| ());
    }

    /// Deletes a table and all in it; it must exist.
    pub(crate) fn delete_table(&mut self, table: Table) {
        self.message(table, DELETE_TABLE, 0, |_| ());
    }

    /// Makes a chain unless it exists: one that is called at a hook with a priority, or one that is
    /// jumped to.
    pub(crate) fn chain(&mut self, table: Table, name: &[u8], hook: Option<(Hook, i32)>) {
        self.message(table, NEW_CHAIN, NLM_F_CREATE, |chain| {
            chain.attribute(3, name);
            if let Some((Hook(hook), priority)) = hook {
                chain.nested(4, |place| {
                    place.number(1, hook);
                    place.number(2, priority.cast_unsigned());
                });
                // Policy: accept.
                chain.number(5, 1);
                chain.attribute(7, b"filter\0");
            }
        });
    }

    /// Deletes a chain that has no rules and that nothing jumps to.
    pub(crate) fn delete_chain(&mut self, table: Table, name: &[u8]) {
        self.message(table, DELETE_CHAIN, 0, |chain| chain.attribute(3, name));
    }

    /// Deletes the rules of a chain.
    pub(crate) fn flush_chain(&mut self, table: Table, name: &[u8]) {
        self.message(table, DELETE_RULE, 0, |rules| rules.attribute(2, name));
    }

    /// Appends a rule to a chain.
    pub(crate) fn rule(&mut self, table: Table, chain: &[u8], fill: impl FnOnce(&mut Self)) {
        self.message(table, NEW_RULE, NLM_F_CREATE | NLM_F_APPEND, |rule| {
            rule.attribute(2, chain);
            rule.nested(4, fill);
        });
    }

    /// Makes a set unless it exists.
    pub(crate) fn set(&mut self, table: Table, name: &[u8], keys: Keys, kind: SetKind) {
        self.sets += 1;
        let id = self.sets;
        self.message(table, NEW_SET, NLM_F_CREATE, |set| {
            set.attribute(2, name);
            set.number(3, kind as u32);
            set.number(4, keys.kind);
            set.number(5, keys.length);
            if kind == SetKind::VerdictMap {
                set.number(6, VERDICTS);
            }
            set.number(10, id);
            if keys.kind == Keys::INTERFACE.kind {
                set.attribute(13, &HOST_ORDER);
            }
        });
    }

    /// Deletes a set that no rule looks into.
    pub(crate) fn delete_set(&mut self, table: Table, name: &[u8]) {
        self.message(table, DELETE_SET, 0, |set| set.attribute(2, name));
    }

    /// Adds elements to a set; one that is there already stays as it is. `timeout` is in milliseconds.
    pub(crate) fn elements<K: AsRef<[u8]>>(
        &mut self,
        table: Table,
        set: &[u8],
        keys: &[K],
        timeout: Option<u64>,
    ) {
        self.list(table, set, (NEW_ELEMENTS, NLM_F_CREATE), keys, |element| {
            if let Some(timeout) = timeout {
                element.attribute(4, &timeout.to_be_bytes());
                element.attribute(5, &timeout.to_be_bytes());
            }
        });
    }

    /// Adds elements to a map of verdicts.
    pub(crate) fn verdicts<K: AsRef<[u8]>>(
        &mut self,
        table: Table,
        map: &[u8],
        keys: &[K],
        verdict: Verdict,
    ) {
        self.list(table, map, (NEW_ELEMENTS, NLM_F_CREATE), keys, |element| {
            element.nested(2, |data| data.verdict_value(verdict));
        });
    }

    /// Deletes elements of a set, all of which must exist.
    pub(crate) fn delete_elements<K: AsRef<[u8]>>(&mut self, table: Table, set: &[u8], keys: &[K]) {
        self.list(table, set, (DELETE_ELEMENTS, 0), keys, |_| ());
    }

    fn list<K: AsRef<[u8]>>(
        &mut self,
        table: Table,
        set: &[u8],
        (kind, flags): (u16, u16),
        keys: &[K],
        fill: impl Fn(&mut Self),
    ) {
        for keys in keys.chunks(ELEMENTS) {
            self.message(table, kind, flags, |list| {
                list.attribute(2, set);
                list.nested(3, |elements| {
                    for key in keys {
                        elements.nested(LIST_ELEMENT, |element| {
                            element.nested(1, |value| value.attribute(1, key.as_ref()));
                            fill(element);
                        });
                    }
                });
            });
        }
    }

    /// Expression: loads bytes of the network header.
    pub(crate) fn network_header(&mut self, offset: u32, length: u32) {
        self.payload(1, offset, length);
    }

    /// Expression: loads bytes of the transport header.
    pub(crate) fn transport_header(&mut self, offset: u32, length: u32) {
        self.payload(2, offset, length);
    }

    /// Expressions: go on with the rule only for ICMPv6 of a type.
    pub(crate) fn icmpv6(&mut self, kind: u8) {
        self.meta(Meta::Transport);
        self.compare(true, &[58]);
        self.transport_header(0, 1);
        self.compare(true, &[kind]);
    }

    fn payload(&mut self, base: u32, offset: u32, length: u32) {
        self.expression(b"payload\0", |payload| {
            payload.number(1, REGISTER);
            payload.number(2, base);
            payload.number(3, offset);
            payload.number(4, length);
        });
    }

    /// Expression: loads what is known beside the packet's bytes.
    pub(crate) fn meta(&mut self, key: Meta) {
        self.expression(b"meta\0", |meta| {
            meta.number(1, REGISTER);
            meta.number(2, key as u32);
        });
    }

    /// Expression: goes on with the rule only when what was loaded is, or is not, this.
    pub(crate) fn compare(&mut self, equal: bool, value: &[u8]) {
        self.expression(b"cmp\0", |compare| {
            compare.number(1, REGISTER);
            compare.number(2, u32::from(!equal));
            compare.nested(3, |data| data.attribute(1, value));
        });
    }

    /// Expression: goes on with the rule only when what was loaded is in the set.
    pub(crate) fn lookup(&mut self, set: &[u8]) {
        self.expression(b"lookup\0", |lookup| {
            lookup.attribute(1, set);
            lookup.number(2, REGISTER);
        });
    }

    /// Expression: does what the map says about what was loaded, nothing when it is not in it.
    pub(crate) fn verdict_of(&mut self, map: &[u8]) {
        self.expression(b"lookup\0", |lookup| {
            lookup.attribute(1, map);
            lookup.number(2, REGISTER);
            lookup.number(3, VERDICT_REGISTER);
        });
    }

    /// Expression: counts packets and bytes.
    pub(crate) fn counter(&mut self) {
        self.expression(b"counter\0", |counter| {
            counter.attribute(1, &0u64.to_be_bytes());
            counter.attribute(2, &0u64.to_be_bytes());
        });
    }

    /// Expression: the verdict.
    pub(crate) fn verdict(&mut self, verdict: Verdict) {
        self.expression(b"immediate\0", |immediate| {
            immediate.number(1, VERDICT_REGISTER);
            immediate.nested(2, |data| data.verdict_value(verdict));
        });
    }

    fn verdict_value(&mut self, verdict: Verdict) {
        self.nested(2, |value| {
            let code = match verdict {
                Verdict::Accept => 1i32,
                Verdict::Drop => 0,
                Verdict::Jump(_) => -3,
                Verdict::Return => -5,
            };
            value.number(1, code.cast_unsigned());
            if let Verdict::Jump(chain) = verdict {
                value.attribute(2, chain);
            }
        });
    }

    /// A message about a table; its name is attribute 1 of them all.
    fn message(&mut self, table: Table, kind: u16, flags: u16, fill: impl FnOnce(&mut Self)) {
        let Table(family, name) = table;
        self.raw(SUBSYSTEM_NFTABLES << 8 | kind, flags, family as u8, 0, |message| {
            message.attribute(1, name);
            fill(message);
        });
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

/// What is known beside a packet's bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Meta {
    /// EtherType.
    Protocol = 1,
    /// Index of the interface it came by.
    InputInterface = 4,
    /// Index of the interface it goes by.
    OutputInterface = 5,
    /// Name of the interface it came by, 16 bytes.
    InputName = 6,
    /// Name of the interface it goes by, 16 bytes.
    OutputName = 7,
    /// 2 for IPv4, 10 for IPv6.
    Family = 15,
    /// Protocol of the transport layer.
    Transport = 16,
}
