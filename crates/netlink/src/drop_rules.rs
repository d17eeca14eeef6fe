//! The drop rules of `vrrp_strict` and `no_accept`, over nfnetlink: a master that does not own its
//! addresses accepts nothing sent to them but neighbour discovery (RFC 3768 §6.4.3, RFC 5798 §6.1
//! Accept_Mode).
//!
//! The tables are what keepalived makes with nftables, under our name unless [`DropTable`] has another:
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
//! Rules may count what they match. A link-local address counts on its own link only. Both tables are
//! replaced as a whole in one transaction, so there is no moment with half of them.

use crate::nftables::{Batch, Family, Hook, Keys, Meta, Nftables, SetKind, Table, Verdict, table_name};
use crate::{Error, Missing};
use rustix::io::Errno;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// RFC 4861: neighbour solicitation and advertisement.
const NEIGHBOUR_DISCOVERY: [u8; 2] = [135, 136];
/// The longest name of an interface with the zero byte behind it, in bytes (`IFNAMSIZ`).
const INTERFACE_NAME: usize = 16;

/// How the tables of drop rules look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DropTable {
    /// The name of both, 255 bytes at most. They are ours alone: what else stands in them goes.
    pub name: String,
    /// When the chains are called among others at their hooks: those with a lower one are before.
    pub priority: i32,
    /// Whether rules count what they match.
    pub counters: bool,
    /// The names of the sets of IPv4 and IPv6 addresses; without sets each address has its own rules.
    pub sets: Option<[String; 2]>,
}

impl Default for DropTable {
    fn default() -> Self {
        Self::of(None)
    }
}

impl DropTable {
    /// As they look where nothing is said about them; `program` as in [`crate::Lease::open`].
    pub fn of(program: Option<&str>) -> Self {
        let sets = Some(["vips", "vips"].map(str::to_owned));
        Self { name: table_name("backstay", program), priority: -1, counters: false, sets }
    }
}

/// On which interface packets are dropped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DropOn {
    /// On every one; for all addresses but link-local ones.
    Every,
    /// On the one with this index.
    Index(u32),
    /// On the one with this name, whenever it is made.
    Name(String),
}

/// A chain, and where the address stands that it looks at.
struct Chain {
    name: &'static [u8],
    hook: Hook,
    index: Meta,
    interface_name: Meta,
    /// Offset in an IPv4 header.
    offset: u32,
    /// Offset in an IPv6 header.
    offset_v6: u32,
}

const CHAINS: [Chain; 2] = [
    Chain {
        name: b"in\0",
        hook: Hook::INPUT,
        index: Meta::InputInterface,
        interface_name: Meta::InputName,
        offset: 16,
        offset_v6: 24,
    },
    Chain {
        name: b"out\0",
        hook: Hook::OUTPUT,
        index: Meta::OutputInterface,
        interface_name: Meta::OutputName,
        offset: 12,
        offset_v6: 8,
    },
];

/// The tables of drop rules.
#[derive(Debug)]
pub struct DropRules {
    nftables: Nftables,
    /// The name of the tables that were made last.
    made: Option<String>,
}

impl DropRules {
    /// None yet. Setting them needs CAP_NET_ADMIN.
    pub fn new(nftables: Nftables) -> Self {
        Self { nftables, made: None }
    }

    /// Drops what is sent to or from exactly these addresses; nothing, and the tables go, when there
    /// are none. So do tables that were made under another name.
    ///
    /// # Errors
    /// What the kernel says about the transaction; the rules from before hold then.
    pub fn set(&mut self, addresses: &[(IpAddr, DropOn)], layout: &DropTable) -> Result<(), Error> {
        let mut v4 = Vec::new();
        let mut v6 = Vec::new();
        let mut on_link = Vec::new();
        for (address, on) in addresses {
            match (address, on) {
                (IpAddr::V4(address), _) => v4.push(*address),
                (IpAddr::V6(address), DropOn::Every) => v6.push(*address),
                (IpAddr::V6(address), on) => on_link.push((*address, on)),
            }
        }
        let mut batch = Batch::begin();
        let before = self.made.as_deref().filter(|name| *name != layout.name);
        for name in before.into_iter().chain([layout.name.as_str()]) {
            let name = with_end(name);
            for family in [Family::Ipv4, Family::Ipv6] {
                // Made if it is not there, so that deleting it cannot fail.
                batch.table(Table(family, &name));
                batch.delete_table(Table(family, &name));
            }
        }
        let name = with_end(&layout.name);
        if !v4.is_empty() {
            let mut rules = Rules::begin(&mut batch, Table(Family::Ipv4, &name), layout);
            rules.v4(&v4);
        }
        if !v6.is_empty() || !on_link.is_empty() {
            let mut rules = Rules::begin(&mut batch, Table(Family::Ipv6, &name), layout);
            rules.v6(&v6, &on_link);
        }
        match self.nftables.commit(batch) {
            // Without nftables there are no rules that could be left over.
            Err(Error::Missing(Missing::Nftables) | Error::Kernel(Errno::INVAL)) if addresses.is_empty() => {}
            other => other?,
        }
        self.made = Some(layout.name.clone());
        Ok(())
    }
}

/// A name as the kernel wants it.
fn with_end(name: &str) -> Vec<u8> {
    [name.as_bytes(), b"\0"].concat()
}

/// The rules of one table in the making.
struct Rules<'a> {
    batch: &'a mut Batch,
    table: Table<'a>,
    layout: &'a DropTable,
}

impl<'a> Rules<'a> {
    fn begin(batch: &'a mut Batch, table: Table<'a>, layout: &'a DropTable) -> Self {
        batch.table(table);
        for chain in &CHAINS {
            batch.chain(table, chain.name, Some((chain.hook, layout.priority)));
        }
        Self { batch, table, layout }
    }

    fn v4(&mut self, addresses: &[Ipv4Addr]) {
        let addresses: Vec<[u8; 4]> = addresses.iter().map(Ipv4Addr::octets).collect();
        let set = self.set(0, Keys::IPV4, &addresses);
        for chain in &CHAINS {
            self.drop(chain.name, chain.offset, &addresses, set.as_deref());
        }
    }

    fn v6(&mut self, addresses: &[Ipv6Addr], on_link: &[(Ipv6Addr, &DropOn)]) {
        let addresses: Vec<[u8; 16]> = addresses.iter().map(Ipv6Addr::octets).collect();
        let set = self.set(1, Keys::IPV6, &addresses);
        for chain in &CHAINS {
            for kind in NEIGHBOUR_DISCOVERY {
                self.rule(chain.name, Verdict::Accept, |rule| rule.icmpv6(kind));
            }
            for (address, on) in on_link {
                self.rule(chain.name, Verdict::Drop, |rule| {
                    interface(rule, chain, on);
                    rule.network_header(chain.offset_v6, 16);
                    rule.compare(true, &address.octets());
                });
            }
            self.drop(chain.name, chain.offset_v6, &addresses, set.as_deref());
        }
    }

    /// Makes the set of addresses, if there are to be sets; its name.
    fn set<const N: usize>(&mut self, family: usize, keys: Keys, addresses: &[[u8; N]]) -> Option<Vec<u8>> {
        let name = with_end(&self.layout.sets.as_ref()?[family]);
        self.batch.set(self.table, &name, keys, SetKind::Plain);
        self.batch.elements(self.table, &name, addresses, None);
        Some(name)
    }

    fn drop<const N: usize>(&mut self, chain: &[u8], offset: u32, addresses: &[[u8; N]], set: Option<&[u8]>) {
        if let Some(set) = set {
            self.rule(chain, Verdict::Drop, |rule| {
                rule.network_header(offset, N as u32);
                rule.lookup(set);
            });
            return;
        }
        for address in addresses {
            self.rule(chain, Verdict::Drop, |rule| {
                rule.network_header(offset, N as u32);
                rule.compare(true, address);
            });
        }
    }

    fn rule(&mut self, chain: &[u8], verdict: Verdict, matches: impl FnOnce(&mut Batch)) {
        let counters = self.layout.counters;
        self.batch.rule(self.table, chain, |rule| {
            matches(rule);
            if counters {
                rule.counter();
            }
            rule.verdict(verdict);
        });
    }
}

/// Goes on with the rule only on an interface.
fn interface(rule: &mut Batch, chain: &Chain, on: &DropOn) {
    match on {
        DropOn::Every => {}
        DropOn::Index(index) => {
            rule.meta(chain.index);
            rule.compare(true, &index.to_ne_bytes());
        }
        DropOn::Name(name) => {
            let mut padded = [0; INTERFACE_NAME];
            let length = name.len().min(INTERFACE_NAME - 1);
            padded[..length].copy_from_slice(&name.as_bytes()[..length]);
            rule.meta(chain.interface_name);
            rule.compare(true, &padded);
        }
    }
}
