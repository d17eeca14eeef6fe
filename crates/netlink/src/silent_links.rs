//! Links that must not be heard of before they carry traffic: those with a virtual router's Ethernet
//! address (RFC 5798 §7.3). What the kernel sends from them by itself, group membership reports and
//! router solicitations, would teach switches that the address is on a backup's port. So would answers to
//! whoever looks for the link-local address of the host, of which such a link has a copy to send from.
//!
//! ```text
//! table inet backstay_links {
//!     set links { type iface_index; elements = { "vrrp.61" } }
//!     set senders { type iface_index; elements = { "vrrp.61", "vrrp.62" } }
//!     set copies { type ipv6_addr; elements = { fe80::1 } }
//!     chain out { type filter hook output priority -1
//!                 oif @senders icmpv6 type nd-neighbor-advert icmpv6 taddr @copies drop
//!                 oif @links icmpv6 type nd-neighbor-solicit ip6 saddr @copies drop
//!                 oif @links meta l4proto igmp drop
//!                 oif @links icmpv6 type mld-listener-report drop; … done, mld2-report, router-solicit }
//! }
//! ```
//! keepalived sends the reports from the link below instead; for that, join the groups there as well.

use crate::nftables::{Batch, Family, Hook, Keys, Meta, Nftables, SetKind, Table, Verdict, table_name};
use crate::{Error, Missing};
use rustix::io::Errno;
use std::net::Ipv6Addr;

const LINKS: &[u8] = b"links\0";
const SENDERS: &[u8] = b"senders\0";
const COPIES: &[u8] = b"copies\0";
const OUT: &[u8] = b"out\0";
const IGMP: u8 = 2;
/// RFC 2710 and RFC 3810: listener report and done, version 2 report; RFC 4861: router solicitation.
const UNASKED: [u8; 4] = [131, 132, 143, 133];
/// RFC 4861.
const NEIGHBOUR_SOLICITATION: u8 = 135;
const NEIGHBOUR_ADVERTISEMENT: u8 = 136;

/// Who is to be kept silent, and about what.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Silence {
    /// Indices of the links from which nobody is to hear what the kernel sends by itself.
    pub links: Vec<u32>,
    /// Indices of the links that have a copy of an address of the link below, for which nobody is to find
    /// them. One that carries traffic may look for others from it.
    pub senders: Vec<u32>,
    /// Those addresses.
    pub copies: Vec<Ipv6Addr>,
}

impl Silence {
    fn is_empty(&self) -> bool {
        self.links.is_empty() && self.senders.is_empty()
    }
}

/// The table of silent links.
#[derive(Debug)]
pub struct SilentLinks {
    nftables: Nftables,
    /// Of the table, with a zero byte at the end.
    name: Vec<u8>,
}

impl SilentLinks {
    /// None yet; `program` as in [`crate::Lease::open`]. Silencing needs CAP_NET_ADMIN.
    pub fn new(nftables: Nftables, program: Option<&str>) -> Self {
        let name = table_name("backstay_links", program).into_bytes();
        Self { nftables, name: [name.as_slice(), b"\0"].concat() }
    }

    /// Keeps exactly these links silent; to be called before they go up. When there are none, the table
    /// goes.
    ///
    /// # Errors
    /// What the kernel says about the transaction; the rules from before hold then.
    pub fn set(&mut self, silence: &Silence) -> Result<(), Error> {
        let table = Table(Family::Inet, &self.name);
        let mut batch = Batch::begin();
        batch.table(table);
        batch.delete_table(table);
        if !silence.is_empty() {
            batch.table(table);
            for (set, links) in [(LINKS, &silence.links), (SENDERS, &silence.senders)] {
                batch.set(table, set, Keys::INTERFACE, SetKind::Plain);
                let keys: Vec<[u8; 4]> = links.iter().map(|link| link.to_ne_bytes()).collect();
                if !keys.is_empty() {
                    batch.elements(table, set, &keys, None);
                }
            }
            batch.set(table, COPIES, Keys::IPV6, SetKind::Plain);
            let keys: Vec<[u8; 16]> = silence.copies.iter().map(Ipv6Addr::octets).collect();
            if !keys.is_empty() {
                batch.elements(table, COPIES, &keys, None);
            }
            batch.chain(table, OUT, Some((Hook::OUTPUT, -1)));
            batch.rule(table, OUT, |rule| {
                from(rule, SENDERS, NEIGHBOUR_ADVERTISEMENT);
                // RFC 4861 §4.4: the target.
                rule.transport_header(8, 16);
                rule.lookup(COPIES);
                rule.verdict(Verdict::Drop);
            });
            batch.rule(table, OUT, |rule| {
                from(rule, LINKS, NEIGHBOUR_SOLICITATION);
                // RFC 8200 §3: the source.
                rule.network_header(8, 16);
                rule.lookup(COPIES);
                rule.verdict(Verdict::Drop);
            });
            batch.rule(table, OUT, |rule| {
                rule.meta(Meta::OutputInterface);
                rule.lookup(LINKS);
                rule.meta(Meta::Transport);
                rule.compare(true, &[IGMP]);
                rule.verdict(Verdict::Drop);
            });
            for kind in UNASKED {
                batch.rule(table, OUT, |rule| {
                    from(rule, LINKS, kind);
                    rule.verdict(Verdict::Drop);
                });
            }
        }
        match self.nftables.commit(batch) {
            Err(Error::Missing(Missing::Nftables) | Error::Kernel(Errno::INVAL)) if silence.is_empty() => {
                Ok(())
            }
            other => other,
        }
    }
}

/// Goes on with a rule only for ICMPv6 of a type that leaves by a link of a set.
fn from(rule: &mut Batch, links: &[u8], kind: u8) {
    rule.meta(Meta::OutputInterface);
    rule.lookup(links);
    rule.meta(Meta::Family);
    rule.compare(true, &[10]);
    rule.icmpv6(kind);
}
