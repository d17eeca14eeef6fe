//! Links that must not be heard of before they carry traffic: those with a virtual router's Ethernet
//! address (RFC 5798 §7.3). What the kernel sends from them by itself, group membership reports and
//! router solicitations, would teach switches that the address is on a backup's port.
//!
//! ```text
//! table inet backstay_links {
//!     set links { type iface_index; elements = { "vrrp.61" } }
//!     chain out { type filter hook output priority -1
//!                 oif @links meta l4proto igmp drop
//!                 oif @links icmpv6 type mld-listener-report drop; … done, mld2-report, router-solicit }
//! }
//! ```
//! keepalived sends the reports from the link below instead; for that, join the groups there as well.

use crate::nftables::{Batch, Family, Hook, Keys, Meta, SetKind, Socket, Table, Verdict, table_name};
use crate::{Error, Missing};
use rustix::io::Errno;

const SET: &[u8] = b"links\0";
const OUT: &[u8] = b"out\0";
const IGMP: u8 = 2;
/// RFC 2710 and RFC 3810: listener report and done, version 2 report; RFC 4861: router solicitation.
const UNASKED: [u8; 4] = [131, 132, 143, 133];

/// The table of silent links.
#[derive(Debug)]
pub struct SilentLinks {
    socket: Socket,
    /// Of the table, with a zero byte at the end.
    name: Vec<u8>,
}

impl SilentLinks {
    /// Opens the socket; `program` as in [`crate::Lease::open`]. Changing rules needs CAP_NET_ADMIN.
    ///
    /// # Errors
    /// What the kernel says, [`Missing::Nftables`] when it has no netfilter.
    pub fn open(program: Option<&str>) -> Result<Self, Error> {
        let name = table_name("backstay_links", program).into_bytes();
        Ok(Self { socket: Socket::open()?, name: [name.as_slice(), b"\0"].concat() })
    }

    /// Keeps exactly the links with these indices silent; to be called before they go up. When there
    /// are none, the table goes.
    ///
    /// # Errors
    /// What the kernel says about the transaction; the rules from before hold then.
    pub fn set(&mut self, links: &[u32]) -> Result<(), Error> {
        let table = Table(Family::Inet, &self.name);
        let mut batch = Batch::begin();
        batch.table(table);
        batch.delete_table(table);
        if !links.is_empty() {
            batch.table(table);
            batch.set(table, SET, Keys::INTERFACE, SetKind::Plain);
            let keys: Vec<[u8; 4]> = links.iter().map(|link| link.to_ne_bytes()).collect();
            batch.elements(table, SET, &keys, None);
            batch.chain(table, OUT, Some((Hook::OUTPUT, -1)));
            batch.rule(table, OUT, |rule| {
                rule.meta(Meta::OutputInterface);
                rule.lookup(SET);
                rule.meta(Meta::Transport);
                rule.compare(true, &[IGMP]);
                rule.verdict(Verdict::Drop);
            });
            for kind in UNASKED {
                batch.rule(table, OUT, |rule| {
                    rule.meta(Meta::OutputInterface);
                    rule.lookup(SET);
                    rule.meta(Meta::Family);
                    rule.compare(true, &[10]);
                    rule.icmpv6(kind);
                    rule.verdict(Verdict::Drop);
                });
            }
        }
        match self.socket.commit(batch) {
            Err(Error::Missing(Missing::Nftables) | Error::Kernel(Errno::INVAL)) if links.is_empty() => {
                Ok(())
            }
            other => other,
        }
    }
}
