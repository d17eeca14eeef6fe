//! What is known of the host's interfaces and addresses.

use netlink::{Address, Change, Link};
use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use vrrp::Family;

/// Links and addresses, kept up to date by changes.
#[derive(Debug, Default)]
pub(crate) struct Interfaces {
    links: Vec<Link>,
    addresses: Vec<Address>,
    /// Names of those that are down by what their drivers say when they are asked.
    polled_down: Vec<String>,
    /// Indices of those that packets could pass once and cannot now.
    were_up: HashSet<u32>,
}

/// A change that is worth acting on.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum News {
    /// Packets can pass an interface now.
    Up(String),
    /// Packets can no longer pass it.
    Down(String),
    /// It is gone.
    Gone(String),
    /// An address came, or a link changed in another way.
    Other,
    /// An address went.
    AddressGone {
        /// Index of its interface.
        link: u32,
        /// The address.
        address: IpAddr,
    },
}

impl Interfaces {
    #[cfg(test)]
    pub(crate) fn new(links: Vec<Link>, addresses: Vec<Address>) -> Self {
        Self { links, addresses, ..Self::default() }
    }

    /// Takes all links and addresses anew.
    pub(crate) fn replace(&mut self, links: Vec<Link>, addresses: Vec<Address>) {
        self.were_up.extend(self.links.iter().filter(|link| link.is_usable()).map(|link| link.index));
        self.were_up.retain(|index| links.iter().any(|link| link.index == *index));
        (self.links, self.addresses) = (links, addresses);
    }

    /// All links and addresses.
    pub(crate) fn all(&self) -> (&[Link], &[Address]) {
        (&self.links, &self.addresses)
    }

    /// The link of this name.
    pub(crate) fn link(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|link| link.name == name)
    }

    /// The link with this index.
    pub(crate) fn link_at(&self, index: u32) -> Option<&Link> {
        self.links.iter().find(|link| link.index == index)
    }

    /// Whether packets can pass it.
    pub(crate) fn is_usable(&self, name: &str) -> bool {
        self.link(name).is_some_and(Link::is_usable) && !self.polled_down.iter().any(|down| down == name)
    }

    /// Whether packets can pass a link or could.
    pub(crate) fn has_been_up(&self, link: &Link) -> bool {
        link.is_usable() || self.were_up.contains(&link.index)
    }

    /// Takes in what a poll says of a link. Says whether that is new.
    pub(crate) fn poll_says(&mut self, name: &str, up: bool) -> bool {
        let known = self.polled_down.iter().position(|down| down == name);
        match (known, up) {
            (Some(at), true) => {
                self.polled_down.swap_remove(at);
            }
            (None, false) => self.polled_down.push(name.to_owned()),
            (Some(_), false) | (None, true) => return false,
        }
        true
    }

    /// Whether the address is on any link of this name.
    pub(crate) fn has(&self, name: &str, address: IpAddr) -> bool {
        let index = self.link(name).map(|link| link.index);
        self.addresses.iter().any(|known| Some(known.link) == index && known.address == address)
    }

    /// Every address with the name of its link, for whoever asks about thousands.
    pub(crate) fn places_by_name(&self) -> HashSet<(&str, IpAddr)> {
        let names: HashMap<u32, &str> = self.links.iter().map(|link| (link.index, &*link.name)).collect();
        let place = |known: &Address| Some((*names.get(&known.link)?, known.address));
        self.addresses.iter().filter_map(place).collect()
    }

    /// Whether the address is on any link at all.
    pub(crate) fn has_anywhere(&self, address: IpAddr) -> bool {
        self.addresses.iter().any(|known| known.address == address)
    }

    /// The links that an address is on, with its prefix length.
    pub(crate) fn places(&self, address: IpAddr) -> Vec<(u32, u8)> {
        let places = self.addresses.iter().filter(|known| known.address == address);
        places.map(|known| (known.link, known.prefix)).collect()
    }

    /// Whether this host forwards IPv6 packets that come by an interface.
    pub(crate) fn forwards_v6(&self, name: &str) -> bool {
        netlink::sysctl::read(name, netlink::sysctl::Setting::ForwardingV6).is_ok_and(|value| value != 0)
    }

    /// The first address of an interface that advertisements can come from and that `is_virtual` does
    /// not claim: of IPv4, primary ones first; of IPv6, link-local ones only (RFC 5798 §5.1.2.1).
    pub(crate) fn first_address(
        &self,
        name: &str,
        family: Family,
        is_virtual: impl Fn(IpAddr) -> bool,
    ) -> Option<IpAddr> {
        let index = self.link(name)?.index;
        let own = self.addresses.iter().filter(|address| address.link == index);
        let usable = own.filter(|known| match (known.address, family) {
            (IpAddr::V4(_), Family::V4) => true,
            (IpAddr::V6(v6), Family::V6) => v6.is_unicast_link_local() && !known.tentative,
            _ => false,
        });
        let usable = usable.filter(|known| !is_virtual(known.address));
        usable.min_by_key(|known| (known.secondary, known.deprecated)).map(|known| known.address)
    }

    /// Takes in a change; `None` when nothing of interest changed.
    pub(crate) fn apply(&mut self, change: Change) -> Option<News> {
        match change {
            Change::Link(link) => {
                let old = self.links.iter_mut().find(|known| known.index == link.index);
                let (name, usable, multicast) = (link.name.clone(), link.is_usable(), link.multicast);
                let index = link.index;
                let was = match old {
                    Some(old) => {
                        let old = std::mem::replace(old, link);
                        if old.name != name {
                            // A link may get another name while it is up.
                            return Some(News::Gone(old.name));
                        }
                        Some(old)
                    }
                    None => {
                        self.links.push(link);
                        None
                    }
                };
                match (was.as_ref().map(Link::is_usable), usable) {
                    (Some(true), false) => {
                        self.were_up.insert(index);
                        Some(News::Down(name))
                    }
                    (Some(false) | None, true) => Some(News::Up(name)),
                    _ if was.is_some_and(|was| was.multicast == multicast) => None,
                    _ => Some(News::Other),
                }
            }
            Change::LinkRemoved(link) => {
                self.were_up.remove(&link.index);
                self.links.retain(|known| known.index != link.index);
                self.addresses.retain(|known| known.link != link.index);
                Some(News::Gone(link.name))
            }
            Change::Address(address) => {
                let same = |known: &&mut Address| {
                    (known.link, known.address, known.prefix)
                        == (address.link, address.address, address.prefix)
                };
                match self.addresses.iter_mut().find(same) {
                    Some(known) => *known = address,
                    None => self.addresses.push(address),
                }
                Some(News::Other)
            }
            Change::AddressRemoved(address) => {
                self.addresses.retain(|known| {
                    (known.link, known.address, known.prefix)
                        != (address.link, address.address, address.prefix)
                });
                Some(News::AddressGone { link: address.link, address: address.address })
            }
            Change::Route(_)
            | Change::RouteRemoved(_)
            | Change::Rule(_)
            | Change::RuleRemoved(_)
            | Change::Lost => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(index: u32, usable: bool) -> Link {
        Link { index, name: "eth0".into(), up: usable, running: usable, ..Link::default() }
    }

    fn address(last: u8, secondary: bool) -> Address {
        Address { secondary, ..Address::new(2, IpAddr::from([10, 0, 0, last]), 24) }
    }

    #[test]
    fn links_go_up_and_down_and_away() {
        let mut interfaces = Interfaces::default();
        assert_eq!(interfaces.apply(Change::Link(link(2, false))), Some(News::Other));
        assert!(!interfaces.is_usable("eth0"));
        assert_eq!(interfaces.apply(Change::Link(link(2, true))), Some(News::Up("eth0".into())));
        assert_eq!(interfaces.apply(Change::Link(link(2, true))), None);
        assert_eq!(interfaces.apply(Change::Link(link(2, false))), Some(News::Down("eth0".into())));
        assert_eq!(interfaces.apply(Change::LinkRemoved(link(2, false))), Some(News::Gone("eth0".into())));
        assert_eq!(interfaces.link("eth0"), None);
    }

    #[test]
    fn a_link_with_another_name_is_gone() {
        let mut interfaces = Interfaces::default();
        interfaces.apply(Change::Link(link(2, true)));
        let renamed = Link { name: "wan".into(), ..link(2, true) };
        assert_eq!(interfaces.apply(Change::Link(renamed)), Some(News::Gone("eth0".into())));
        assert!(!interfaces.is_usable("eth0") && interfaces.is_usable("wan"));
    }

    #[test]
    fn thousands_of_addresses_are_found_at_once() {
        let links = vec![link(2, true), Link { index: 3, name: "eth1".into(), ..Link::default() }];
        let all =
            (0..4000u32).map(|n| Address::new(2 + n % 2, IpAddr::from((n | 10 << 24).to_be_bytes()), 32));
        // One whose link is not known yet is nowhere.
        let interfaces =
            Interfaces::new(links, all.chain([Address::new(4, [10, 9, 9, 9].into(), 32)]).collect());
        let places = interfaces.places_by_name();
        assert_eq!(places.len(), 4000);
        let samples = [[10, 0, 0, 0], [10, 0, 0, 1], [10, 0, 15, 159], [10, 9, 9, 9], [10, 1, 0, 0]];
        for (name, address) in
            ["eth0", "eth1", "eth2"].iter().flat_map(|name| samples.map(|a| (*name, a.into())))
        {
            assert_eq!(
                places.contains(&(name, address)),
                interfaces.has(name, address),
                "{address} on {name}"
            );
        }
    }

    #[test]
    fn the_first_address_is_primary_and_not_virtual() {
        let mut interfaces =
            Interfaces::new(vec![link(2, true)], vec![address(9, true), address(100, false)]);
        interfaces.apply(Change::Address(address(1, false)));
        let is_virtual = |address: IpAddr| address == IpAddr::from([10, 0, 0, 100]);
        assert_eq!(
            interfaces.first_address("eth0", Family::V4, is_virtual),
            Some(IpAddr::from([10, 0, 0, 1]))
        );
        interfaces.apply(Change::AddressRemoved(address(1, false)));
        assert_eq!(
            interfaces.first_address("eth0", Family::V4, is_virtual),
            Some(IpAddr::from([10, 0, 0, 9]))
        );
        assert_eq!(interfaces.first_address("eth1", Family::V4, is_virtual), None);
    }
}
