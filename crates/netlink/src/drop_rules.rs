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

use crate::nftables::{Batch, Family, Hook, Keys, SetKind, Socket, Table, Verdict};
use crate::{Error, Missing};
use rustix::io::Errno;
use std::net::Ipv4Addr;

const TABLE: Table = Table(Family::Ipv4, b"backstay\0");
const SET: &[u8] = b"vips\0";
/// The chains, their hooks, and where in an IPv4 header the address stands that they look at.
const CHAINS: [(&[u8], Hook, u32); 2] = [(b"in\0", Hook::INPUT, 16), (b"out\0", Hook::OUTPUT, 12)];

/// The table of drop rules.
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

    /// Drops what is sent to or from exactly these addresses; nothing, and the table goes, when there
    /// are none.
    ///
    /// # Errors
    /// What the kernel says about the transaction; the rules from before hold then.
    pub fn set(&mut self, addresses: &[Ipv4Addr]) -> Result<(), Error> {
        if addresses.is_empty() {
            let mut batch = Batch::begin();
            batch.delete_table(TABLE);
            return match self.socket.commit(batch) {
                // Nothing to delete, or a kernel without nftables: no rules either way.
                Err(Error::Kernel(Errno::NOENT | Errno::INVAL) | Error::Missing(Missing::Nftables)) => Ok(()),
                other => other,
            };
        }
        let mut batch = Batch::begin();
        // Made if it is not there, so that deleting it cannot fail; then made anew.
        batch.table(TABLE);
        batch.delete_table(TABLE);
        batch.table(TABLE);
        batch.set(TABLE, SET, Keys::IPV4, SetKind::Plain);
        let keys: Vec<[u8; 4]> = addresses.iter().map(Ipv4Addr::octets).collect();
        batch.elements(TABLE, SET, &keys, None);
        for (chain, hook, offset) in CHAINS {
            batch.chain(TABLE, chain, Some((hook, -1)));
            batch.rule(TABLE, chain, |rule| {
                rule.network_header(offset, 4);
                rule.lookup(SET);
                rule.verdict(Verdict::Drop);
            });
        }
        self.socket.commit(batch)
    }
}
