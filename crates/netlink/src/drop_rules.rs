//! The drop rules of `vrrp_strict` and `no_accept`, over nfnetlink: a master that does not own its
//! addresses accepts nothing sent to them but neighbour discovery (RFC 3768 §6.4.3, RFC 5798 §6.1
//! Accept_Mode).
//!
//! The tables are what keepalived makes with nftables, under our name:
//! ```text
//! table ip backstay {
//!     set vips { type ipv4_addr; elements = { … } }
//!     chain in  { type filter hook input priority -1;  ip daddr @vips drop }
//!     chain out { type filter hook output priority -1; ip saddr @vips drop }
//! }
//! table ip6 backstay {
//!     set vips { type ipv6_addr; elements = { … } }
//!     chain in  { type filter hook input priority -1
//!                 icmpv6 type nd-neighbor-solicit accept; icmpv6 type nd-neighbor-advert accept
//!                 iif eth0 ip6 daddr fe80::100 drop; …
//!                 ip6 daddr @vips drop }
//!     chain out { the same with oif and saddr }
//! }
//! ```
//! A link-local address counts on its own link only. Both tables are replaced as a whole in one
//! transaction, so there is no moment with half of them.

use crate::nftables::{Batch, Family, Hook, Keys, Meta, SetKind, Socket, Table, Verdict};
use crate::{Error, Missing};
use rustix::io::Errno;
use std::net::{IpAddr, Ipv6Addr};

const TABLE: Table = Table(Family::Ipv4, b"backstay\0");
const TABLE_V6: Table = Table(Family::Ipv6, b"backstay\0");
const SET: &[u8] = b"vips\0";
const PRIORITY: i32 = -1;
/// RFC 4861: neighbour solicitation and advertisement.
const NEIGHBOUR_DISCOVERY: [u8; 2] = [135, 136];

/// A chain, and where the address stands that it looks at.
struct Chain {
    name: &'static [u8],
    hook: Hook,
    interface: Meta,
    /// Offset in an IPv4 header.
    offset: u32,
    /// Offset in an IPv6 header.
    offset_v6: u32,
}

const CHAINS: [Chain; 2] = [
    Chain { name: b"in\0", hook: Hook::INPUT, interface: Meta::InputInterface, offset: 16, offset_v6: 24 },
    Chain { name: b"out\0", hook: Hook::OUTPUT, interface: Meta::OutputInterface, offset: 12, offset_v6: 8 },
];

/// The tables of drop rules.
#[derive(Debug)]
pub struct DropRules {
    socket: Socket,
}

impl DropRules {
    /// Opens the socket. Changing rules needs CAP_NET_ADMIN.
    ///
    /// # Errors
    /// What the kernel says, [`Missing::Nftables`] when it has no netfilter.
    pub fn open() -> Result<Self, Error> {
        Ok(Self { socket: Socket::open()? })
    }

    /// Drops what is sent to or from exactly these addresses; nothing, and the tables go, when there
    /// are none. With each address goes the index of its link, which counts for a link-local one.
    ///
    /// # Errors
    /// What the kernel says about the transaction; the rules from before hold then.
    pub fn set(&mut self, addresses: &[(IpAddr, u32)]) -> Result<(), Error> {
        let mut v4 = Vec::new();
        let mut v6 = Vec::new();
        let mut link_local = Vec::new();
        for (address, link) in addresses {
            match address {
                IpAddr::V4(address) => v4.push(address.octets()),
                IpAddr::V6(address) if address.is_unicast_link_local() => link_local.push((*address, *link)),
                IpAddr::V6(address) => v6.push(address.octets()),
            }
        }
        let mut batch = Batch::begin();
        for table in [TABLE, TABLE_V6] {
            // Made if it is not there, so that deleting it cannot fail.
            batch.table(table);
            batch.delete_table(table);
        }
        if !v4.is_empty() {
            batch.table(TABLE);
            batch.set(TABLE, SET, Keys::IPV4, SetKind::Plain);
            batch.elements(TABLE, SET, &v4, None);
            for chain in &CHAINS {
                batch.chain(TABLE, chain.name, Some((chain.hook, PRIORITY)));
                drop_of_set(&mut batch, TABLE, chain.name, chain.offset, 4);
            }
        }
        if !v6.is_empty() || !link_local.is_empty() {
            batch.table(TABLE_V6);
            batch.set(TABLE_V6, SET, Keys::IPV6, SetKind::Plain);
            batch.elements(TABLE_V6, SET, &v6, None);
            for chain in &CHAINS {
                batch.chain(TABLE_V6, chain.name, Some((chain.hook, PRIORITY)));
                chain_v6(&mut batch, chain, &link_local);
            }
        }
        match self.socket.commit(batch) {
            // Without nftables there are no rules that could be left over.
            Err(Error::Missing(Missing::Nftables) | Error::Kernel(Errno::INVAL)) if addresses.is_empty() => {
                Ok(())
            }
            other => other,
        }
    }
}

fn drop_of_set(batch: &mut Batch, table: Table, chain: &[u8], offset: u32, length: u32) {
    batch.rule(table, chain, |rule| {
        rule.network_header(offset, length);
        rule.lookup(SET);
        rule.verdict(Verdict::Drop);
    });
}

fn chain_v6(batch: &mut Batch, chain: &Chain, link_local: &[(Ipv6Addr, u32)]) {
    for kind in NEIGHBOUR_DISCOVERY {
        batch.rule(TABLE_V6, chain.name, |rule| {
            rule.icmpv6(kind);
            rule.verdict(Verdict::Accept);
        });
    }
    for (address, link) in link_local {
        batch.rule(TABLE_V6, chain.name, |rule| {
            rule.meta(chain.interface);
            rule.compare(true, &link.to_ne_bytes());
            rule.network_header(chain.offset_v6, 16);
            rule.compare(true, &address.octets());
            rule.verdict(Verdict::Drop);
        });
    }
    drop_of_set(batch, TABLE_V6, chain.name, chain.offset_v6, 16);
}
