//! The lease: addresses that are answered only while somebody goes on saying so, kept by the kernel.
//!
//! When every process of ours is dead or stopped, a virtual address stays on the interface, and the
//! host would answer for it beside the next master. So each address is *governed* by a holder, a VRRP
//! instance for example, and each holder has an element with a timeout in a set of nftables. The
//! element is refreshed with every advertisement. Once it is over, ARP requests and neighbour
//! solicitations for the address and packets to it are dropped, and so is what would tell others that
//! the address is here: ARP and packets from it. A refresh is one element, however many addresses.
//!
//! ```text
//! table arp backstay_lease {
//!     map v4 { type ipv4_addr : verdict; elements = { 192.0.2.7 : jump holder1 } }
//!     set alive1 { type ether_type; flags timeout; elements = { arp timeout 3s } }
//!     chain holder1 { meta protocol @alive1 return; drop }
//!     chain in  { type filter hook input priority -300;  arp daddr ip vmap @v4 }
//!     chain out { type filter hook output priority -300; arp saddr ip vmap @v4 }
//! }
//! table inet backstay_lease {
//!     map v4, map v6, set alive1 { type nf_proto; … }, chain holder1 { meta nfproto @alive1 return; drop }
//!     chain in  { type filter hook prerouting priority -300
//!                 iif != lo ip daddr vmap @v4; iif != lo ip6 daddr vmap @v6 }
//!     chain solicited { type filter hook prerouting priority -300
//!                 icmpv6 type nd-neighbor-solicit icmpv6 taddr vmap @v6 }
//!     chain out { type filter hook output priority -300
//!                 oif != lo ip saddr vmap @v4; oif != lo ip6 saddr vmap @v6 }
//! }
//! ```
//! Packets are looked at before address translation and IPVS see them. Solicitations go to a group, so
//! their target counts. What the host says to itself passes. Frames of a packet socket, such as
//! gratuitous tables.arp, are not looked at.
//!
//! A program beside others has the tables `backstay_lease.NAME`. They outlive the process: what was over stays over, what lives lives on until its time. The
//! next process adopts them.

use crate::Error;
use crate::nftables::{Batch, Family, Hook, Jump, Keys, Meta, Nftables, SetKind, Table, Verdict, table_name};
use rustix::io::Errno;
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

const V4: &[u8] = b"v4\0";
const V6: &[u8] = b"v6\0";
const IN: &[u8] = b"in\0";
const OUT: &[u8] = b"out\0";
const SOLICITED: &[u8] = b"solicited\0";
/// Before connection tracking: nft's `raw`.
const PRIORITY: i32 = -300;
/// EtherType of tables.arp, as `meta protocol` loads it.
const ARP_KEY: [[u8; 2]; 1] = [[0x08, 0x06]];
/// `NFPROTO_IPV4` and `NFPROTO_IPV6`, as `meta nfproto` loads them.
const IP_KEYS: [[u8; 1]; 2] = [[2], [10]];

/// The tables of both families.
#[derive(Clone, Copy, Debug)]
struct Tables<'a> {
    arp: Table<'a>,
    inet: Table<'a>,
}

impl<'a> Tables<'a> {
    fn named(name: &'a [u8]) -> Self {
        Self { arp: Table(Family::Arp, name), inet: Table(Family::Inet, name) }
    }

    fn all(self) -> [Table<'a>; 2] {
        [self.arp, self.inet]
    }
}

/// The tables and who holds what.
#[derive(Debug)]
pub struct Lease {
    nftables: Nftables,
    /// Of the tables, with a zero byte at the end.
    name: Vec<u8>,
    held: BTreeMap<u32, Vec<IpAddr>>,
    /// Whether the rules for all holders may be those of an older program; the next transaction that is
    /// more than a refresh writes them anew.
    adopted: bool,
    /// Whether the kernel prolongs an element that is added again. Every one that is deleted instead is
    /// cleared away later, and whoever ends a connection to nftables waits for that, with all other
    /// transactions.
    prolongs: bool,
}

impl Lease {
    /// Makes the tables of this program of ours, `None` where there is but one, or adopts those of a
    /// process before this one, without a transaction: those wait for each other, and a master that goes
    /// on advertises first. What [`Lease::holders`] tells then is governed; who of them is dead must be
    /// forgotten or governed anew. Needs CAP_NET_ADMIN.
    ///
    /// # Errors
    /// [`Missing::Nftables`](crate::Missing::Nftables) where the kernel has none, or not for ARP:
    /// do without a lease. Else what the kernel says.
    pub fn open(nftables: Nftables, program: Option<&str>) -> Result<Self, Error> {
        let name = table_name("backstay_lease", program).into_bytes();
        let name = [name.as_slice(), b"\0"].concat();
        let mut lease =
            Self { nftables, name, held: BTreeMap::new(), adopted: false, prolongs: kernel_prolongs() };
        let inet = Tables::named(&lease.name).inet;
        let [v4, v6] = [V4, V6].map(|map| lease.nftables.jumps(inet, map));
        for Jump { key, chain } in v4? {
            lease.adopt(<[u8; 4]>::try_from(key).ok().map(|octets| Ipv4Addr::from(octets).into()), &chain);
        }
        for Jump { key, chain } in v6? {
            lease.adopt(<[u8; 16]>::try_from(key).ok().map(|octets| Ipv6Addr::from(octets).into()), &chain);
        }
        lease.adopted = !lease.held.is_empty();
        if !lease.adopted {
            let mut batch = Batch::begin();
            lease.base(&mut batch);
            lease.nftables.commit(batch)?;
        }
        Ok(lease)
    }

    fn adopt(&mut self, address: Option<IpAddr>, chain: &[u8]) {
        let holder =
            chain.strip_prefix(b"holder").and_then(|id| std::str::from_utf8(id).ok()?.parse::<u32>().ok());
        if let (Some(address), Some(holder)) = (address, holder) {
            self.held.entry(holder).or_default().push(address);
        }
    }

    /// Who holds which addresses.
    pub fn holders(&self) -> impl Iterator<Item = (u32, &[IpAddr])> {
        self.held.iter().map(|(holder, addresses)| (*holder, addresses.as_slice()))
    }

    /// Lets each of these holders govern exactly these addresses, beginning with a lease of `duration`.
    /// To be called before the addresses are added. An address that another holder governs stays with
    /// that one. The host's own address (the owner's, priority 255) must not be governed: with
    /// the lease over, the host could not be reached.
    ///
    /// # Errors
    /// What the kernel says about the transaction; all is as before then.
    pub fn govern(&mut self, holders: &[(u32, &[IpAddr])], duration: Duration) -> Result<(), Error> {
        let tables = Tables::named(&self.name);
        let mut held = self.held.clone();
        let mut batch = Batch::begin();
        if self.adopted {
            self.base(&mut batch);
        }
        for (holder, addresses) in holders {
            let before = held.remove(holder).unwrap_or_default();
            let free = |address: &&IpAddr| !held.values().any(|others| others.contains(address));
            let mut governed: Vec<IpAddr> = addresses.iter().filter(free).copied().collect();
            governed.sort_unstable();
            governed.dedup();
            for (map, keys) in maps(before.iter().filter(|address| !governed.contains(address))) {
                map.each(tables, |table, name| batch.delete_elements(table, name, &keys));
            }
            install(&mut batch, tables, *holder, governed.iter().filter(|address| !before.contains(address)));
            held.insert(*holder, governed);
        }
        for (holder, _) in holders {
            renew(&mut batch, tables, *holder, duration, Renewal::MayLive);
        }
        match self.nftables.commit(batch) {
            // Somebody has flushed the ruleset.
            Err(Error::Kernel(Errno::NOENT)) => {
                let all: Vec<u32> = holders.iter().map(|(holder, _)| *holder).collect();
                self.restore(&held, &all, duration)?;
            }
            other => other?,
        }
        self.adopted = false;
        self.held = held;
        Ok(())
    }

    /// Governs the addresses of these holders no more: packets to them pass, and ARP for them.
    ///
    /// # Errors
    /// What the kernel says about the transaction; all is as before then.
    pub fn forget(&mut self, holders: &[u32]) -> Result<(), Error> {
        match self.forget_all(holders, false) {
            // Somebody has flushed the ruleset: what is missing is made first, then all can be deleted.
            Err(Error::Kernel(Errno::NOENT)) => self.forget_all(holders, true)?,
            other => other?,
        }
        self.adopted = false;
        self.held.retain(|holder, _| !holders.contains(holder));
        Ok(())
    }

    fn forget_all(&mut self, holders: &[u32], missing: bool) -> Result<(), Error> {
        let tables = Tables::named(&self.name);
        let mut batch = Batch::begin();
        if missing || self.adopted {
            self.base(&mut batch);
        }
        for holder in holders {
            let Some(addresses) = self.held.get(holder) else { continue };
            if missing {
                install(&mut batch, tables, *holder, addresses.iter());
            }
            for (map, keys) in maps(addresses.iter()) {
                map.each(tables, |table, name| batch.delete_elements(table, name, &keys));
            }
            for table in tables.all() {
                batch.flush_chain(table, &chain(*holder));
                batch.delete_chain(table, &chain(*holder));
                batch.delete_set(table, &alive(*holder));
            }
        }
        self.nftables.commit(batch)
    }

    /// Lets these holders' addresses be answered for `duration` from now, to the precision of the
    /// kernel's tick (4 ms at 250 Hz). One transaction for all of them. If somebody has flushed the
    /// ruleset, the tables are made anew.
    ///
    /// # Errors
    /// What the kernel says; `ENOENT` for a holder that governs nothing.
    pub fn refresh(&mut self, holders: &[u32], duration: Duration) -> Result<(), Error> {
        if holders.iter().any(|holder| !self.held.contains_key(holder)) {
            return Err(Error::Kernel(Errno::NOENT));
        }
        // An element that cannot be prolonged is replaced. One that is over is not there any more, and
        // cannot be deleted; that is rare, and finding out costs a transaction.
        let tables = Tables::named(&self.name);
        let renewals: &[Renewal] =
            if self.prolongs { &[Renewal::Prolonged] } else { &[Renewal::Lives, Renewal::MayLive] };
        for &renewal in renewals {
            let mut batch = Batch::begin();
            for holder in holders {
                renew(&mut batch, tables, *holder, duration, renewal);
            }
            match self.nftables.commit(batch) {
                Err(Error::Kernel(Errno::NOENT)) => {}
                other => return other,
            }
        }
        let held = self.held.clone();
        self.restore(&held, holders, duration)
    }

    /// Ends the leases of these holders now; they still govern their addresses.
    ///
    /// # Errors
    /// What the kernel says; `ENOENT` for a holder that governs nothing.
    pub fn end(&mut self, holders: &[u32]) -> Result<(), Error> {
        let tables = Tables::named(&self.name);
        let mut batch = Batch::begin();
        for holder in holders {
            renew(&mut batch, tables, *holder, Duration::ZERO, Renewal::Ends);
        }
        self.nftables.commit(batch)
    }

    /// Deletes the tables: nothing is governed, everything passes.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn release(&mut self) -> Result<(), Error> {
        let tables = Tables::named(&self.name);
        let mut batch = Batch::begin();
        for table in tables.all() {
            // Made if somebody has deleted it, so that deleting it cannot fail.
            batch.table(table);
            batch.delete_table(table);
        }
        self.nftables.commit(batch)?;
        self.held.clear();
        Ok(())
    }

    /// Makes what is there whoever holds what.
    fn base(&self, batch: &mut Batch) {
        let tables = Tables::named(&self.name);
        base(batch, tables);
        if self.held.values().flatten().any(IpAddr::is_ipv6) {
            solicitations(batch, tables);
        }
    }

    /// Makes what is missing of the tables, and what these holders need there. The others govern nothing
    /// until it is their turn: better than that their addresses are dropped before they are refreshed.
    fn restore(
        &mut self,
        held: &BTreeMap<u32, Vec<IpAddr>>,
        holders: &[u32],
        duration: Duration,
    ) -> Result<(), Error> {
        let tables = Tables::named(&self.name);
        let mut batch = Batch::begin();
        self.base(&mut batch);
        for holder in holders {
            install(&mut batch, tables, *holder, held.get(holder).into_iter().flatten());
            renew(&mut batch, tables, *holder, duration, Renewal::MayLive);
        }
        self.nftables.commit(batch)
    }
}

/// A map of addresses, of one family.
#[derive(Clone, Copy)]
struct Map(&'static [u8]);

impl Map {
    /// Calls with each table that has it.
    fn each(self, tables: Tables, mut call: impl FnMut(Table, &[u8])) {
        if self.0 == V4 {
            call(tables.arp, self.0);
        }
        call(tables.inet, self.0);
    }
}

/// Addresses as keys of the maps they belong into.
fn maps<'a>(addresses: impl Iterator<Item = &'a IpAddr>) -> [(Map, Vec<Vec<u8>>); 2] {
    let mut v4 = Vec::new();
    let mut v6 = Vec::new();
    for address in addresses {
        match address {
            IpAddr::V4(address) => v4.push(address.octets().to_vec()),
            IpAddr::V6(address) => v6.push(address.octets().to_vec()),
        }
    }
    [(Map(V4), v4), (Map(V6), v6)]
}

fn chain(holder: u32) -> Vec<u8> {
    format!("holder{holder}\0").into_bytes()
}

fn alive(holder: u32) -> Vec<u8> {
    format!("alive{holder}\0").into_bytes()
}

/// Makes what is there before any holder. Rules are written anew; a transaction shows no moment
/// without.
fn base(batch: &mut Batch, tables: Tables) {
    for table in tables.all() {
        batch.table(table);
        batch.set(table, V4, Keys::IPV4, SetKind::VerdictMap);
    }
    batch.set(tables.inet, V6, Keys::IPV6, SetKind::VerdictMap);
    let chains = [
        (tables.arp, IN, Hook::ARP_INPUT),
        (tables.arp, OUT, Hook::ARP_OUTPUT),
        (tables.inet, IN, Hook::PREROUTING),
        (tables.inet, OUT, Hook::OUTPUT),
        (tables.inet, SOLICITED, Hook::PREROUTING),
    ];
    for (table, name, hook) in chains {
        batch.chain(table, name, Some((hook, PRIORITY)));
        batch.flush_chain(table, name);
    }
    // RFC 826: sender's and target's protocol address.
    for (chain, offset) in [(OUT, 14), (IN, 24)] {
        batch.rule(tables.arp, chain, |rule| {
            rule.network_header(offset, 4);
            rule.verdict_of(V4);
        });
    }
    // Source and destination in the headers of IPv4 and IPv6.
    let headers = [
        (IN, Meta::InputInterface, 2, 16, 4, V4),
        (IN, Meta::InputInterface, 10, 24, 16, V6),
        (OUT, Meta::OutputInterface, 2, 12, 4, V4),
        (OUT, Meta::OutputInterface, 10, 8, 16, V6),
    ];
    for (chain, interface, family, offset, length, map) in headers {
        batch.rule(tables.inet, chain, |rule| {
            rule.meta(interface);
            // The loopback interface is number 1 in every namespace.
            rule.compare(false, &1u32.to_ne_bytes());
            rule.meta(Meta::Family);
            rule.compare(true, &[family]);
            rule.network_header(offset, length);
            rule.verdict_of(map);
        });
    }
}

/// Writes the rule for solicitations. It is there only when it is needed: nft reads what it lists of
/// it only since it knows `icmpv6 taddr`, and whoever saves a ruleset wants to load it again.
fn solicitations(batch: &mut Batch, tables: Tables) {
    batch.flush_chain(tables.inet, SOLICITED);
    batch.rule(tables.inet, SOLICITED, |rule| {
        rule.meta(Meta::Family);
        rule.compare(true, &[10]);
        rule.icmpv6(135);
        // RFC 4861 §4.3: the target.
        rule.transport_header(8, 16);
        rule.verdict_of(V6);
    });
}

/// Makes a holder's set and chain unless they exist, and lets it govern addresses.
fn install<'a>(
    batch: &mut Batch,
    tables: Tables,
    holder: u32,
    addresses: impl Iterator<Item = &'a IpAddr> + Clone,
) {
    let (chain, alive) = (chain(holder), alive(holder));
    for (table, keys, meta) in
        [(tables.arp, Keys::ETHER_TYPE, Meta::Protocol), (tables.inet, Keys::NF_PROTO, Meta::Family)]
    {
        batch.set(table, &alive, keys, SetKind::Timeout);
        batch.chain(table, &chain, None);
        batch.flush_chain(table, &chain);
        batch.rule(table, &chain, |rule| {
            rule.meta(meta);
            rule.lookup(&alive);
            rule.verdict(Verdict::Return);
        });
        batch.rule(table, &chain, |rule| rule.verdict(Verdict::Drop));
    }
    if addresses.clone().any(IpAddr::is_ipv6) {
        solicitations(batch, tables);
    }
    for (map, keys) in maps(addresses) {
        map.each(tables, |table, name| batch.verdicts(table, name, &keys, Verdict::Jump(&chain)));
    }
}

fn kernel_prolongs() -> bool {
    prolongs(&rustix::system::uname().release().to_string_lossy())
}

/// Whether a kernel of this release prolongs an element that is added again, as Linux does since 6.12; before,
/// that changed nothing.
fn prolongs(release: &str) -> bool {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|number| number.parse::<u32>());
    let mut next = || numbers.next().and_then(Result::ok).unwrap_or_default();
    (next(), next()) >= (6, 12)
}

/// What is known of a holder's element, and what becomes of it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Renewal {
    /// It may be there or not, and the kernel prolongs it.
    Prolonged,
    /// It is there, and is replaced.
    Lives,
    /// It may be there or not.
    MayLive,
    /// It may be there or not, and goes.
    Ends,
}

fn renew(batch: &mut Batch, tables: Tables, holder: u32, duration: Duration, renewal: Renewal) {
    let alive = alive(holder);
    // Zero would be without end.
    let timeout = Some(u64::try_from(duration.as_millis()).unwrap_or(u64::MAX).max(1));
    let mut element = |table, keys: &[&[u8]]| {
        if renewal != Renewal::Lives {
            batch.elements(table, &alive, keys, timeout);
        }
        if renewal == Renewal::Prolonged {
            return;
        }
        batch.delete_elements(table, &alive, keys);
        if renewal != Renewal::Ends {
            batch.elements(table, &alive, keys, timeout);
        }
    };
    element(tables.arp, &ARP_KEY.each_ref().map(|key| key.as_slice()));
    element(tables.inet, &IP_KEYS.each_ref().map(|key| key.as_slice()));
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;
    use std::thread::sleep;

    #[test]
    fn the_release_tells_whether_elements_are_prolonged() {
        for new in ["6.12", "6.12.0-rc1", "6.18.44-fc", "7.0.1", "10.1"] {
            assert!(prolongs(new), "{new}");
        }
        for old in ["6.11.9", "6.1.0-28-amd64", "5.10.0", "4.19", "6", "", "unknown"] {
            assert!(!prolongs(old), "{old}");
        }
    }

    /// Both ways work on a kernel that can prolong.
    #[test]
    fn a_lease_is_renewed_whether_it_lives_or_not() {
        if !rustix::process::geteuid().is_root() {
            eprintln!("not run: a network namespace needs root");
            return;
        }
        sys::namespace::enter_new_network().unwrap();
        let alive = || {
            let output = Command::new("nft").args(["list", "ruleset"]).output().unwrap();
            String::from_utf8(output.stdout).unwrap().matches("expires").count()
        };
        let (short, long) = (Duration::from_millis(200), Duration::from_secs(600));
        let mut lease = Lease::open(Nftables::open().unwrap(), None).unwrap();
        for prolongs in [kernel_prolongs(), false] {
            lease.prolongs = prolongs;
            lease.govern(&[(1, &[Ipv4Addr::new(192, 0, 2, 7).into()])], short).unwrap();
            lease.refresh(&[1], long).unwrap();
            sleep(short * 2);
            // ARP, IPv4 and IPv6.
            assert_eq!(alive(), 3, "prolonged: {prolongs}");
            lease.refresh(&[1], short).unwrap();
            sleep(short * 2);
            assert_eq!(alive(), 0, "shortened: {prolongs}");
            lease.refresh(&[1], long).unwrap();
            assert_eq!(alive(), 3, "again after its end: {prolongs}");
        }
    }
}
