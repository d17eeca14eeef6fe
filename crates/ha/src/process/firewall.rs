//! The drop rules of `vrrp_strict` and `no_accept`, and the words on how they look: `vrrp_iptables`,
//! `nftables`, `nftables_priority`, `nftables_ifindex`, `nftables_counters`, `vrrp_ipsets`.

use super::Process;
use crate::instance::Instance;
use keepalived_conf::model::{Config, Ipsets, Iptables, VirtualAddress};
use netlink::{DropOn, DropTable};
use std::net::IpAddr;

/// What is dropped, and how.
#[derive(Debug, Default)]
pub(super) struct Firewall {
    iptables: Iptables,
    layout: DropTable,
    /// Whether an interface that may go and come is matched by its name.
    by_name: bool,
    /// The rules that are set; `None` while it is not known what a predecessor left.
    set: Option<(Vec<(IpAddr, DropOn)>, DropTable)>,
}

impl Firewall {
    pub(super) fn configure(&mut self, config: &Config) {
        let global = &config.global;
        self.iptables.clone_from(&global.iptables);
        let usual = DropTable::of(config.program.name.as_deref());
        let nftables = global.firewall.nftables.as_ref();
        self.by_name = nftables.is_some_and(|nftables| !nftables.by_index);
        self.layout = DropTable {
            name: nftables.map_or(usual.name, |nftables| nftables.table.clone()),
            priority: nftables.map_or(usual.priority, |nftables| nftables.priority),
            counters: global.firewall.counters,
            sets: match &global.firewall.ipsets {
                Ipsets::Default => usual.sets,
                Ipsets::Off => None,
                Ipsets::Named(names) => names.first().map(|first| {
                    let second = names.get(1).cloned().unwrap_or_else(|| format!("{first}6"));
                    [first.clone(), second]
                }),
            },
        };
    }

    /// Where packets to an address are dropped. As keepalived, a link-local one goes by the name of its
    /// interface where the instance does not mind whether that is there.
    fn on(&self, instance: &Instance, vip: &VirtualAddress, index: Option<u32>) -> DropOn {
        let interface = instance.interface_of(vip);
        match vip.address {
            IpAddr::V6(address) if address.is_unicast_link_local() => {
                let may_go = instance.config.dont_track_primary && interface == instance.config.interface;
                match index {
                    _ if self.by_name && may_go => DropOn::Name(interface.to_owned()),
                    Some(index) => DropOn::Index(index),
                    None => DropOn::Every,
                }
            }
            _ => DropOn::Every,
        }
    }
}

impl Process<'_> {
    /// Whether packets to the addresses of an instance are dropped while it is master.
    pub(super) fn drops(&self, instance: &Instance) -> bool {
        instance.drops(&self.firewall.iptables)
    }

    /// Sets the drop rules for the masters there are, when those rules are others.
    pub(super) fn set_drop_rules(&mut self) {
        let interfaces = &self.network.interfaces;
        let mut wanted: Vec<(IpAddr, DropOn)> = Vec::new();
        let drops = |instance: &&Instance| instance.is_master() && self.drops(instance);
        for instance in self.instances.iter().filter(drops) {
            wanted.extend(instance.addresses().map(|vip| {
                let index = interfaces.link(instance.interface_of(vip)).map(|link| link.index);
                (vip.address, self.firewall.on(instance, vip, index))
            }));
        }
        let wanted = Some((wanted, self.firewall.layout.clone()));
        if self.firewall.set != wanted {
            self.firewall.set = wanted;
            if let Some((addresses, layout)) = &self.firewall.set {
                self.network.drop_packets(addresses, layout, self.host);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keepalived_conf::model::{Nftables, VrrpInstance};

    #[test]
    fn an_interface_that_may_go_is_matched_by_name() {
        let on = |written: Option<bool>, dont_track_primary: bool, address: &str| {
            let mut config = Config::default();
            let nftables = |by_index| Nftables { table: "mine".into(), priority: -1, by_index };
            config.global.firewall.nftables = written.map(nftables);
            let mut firewall = Firewall::default();
            firewall.configure(&config);
            let interface = "eth0".to_owned();
            let instance = Instance::new(
                VrrpInstance { interface, dont_track_primary, ..VrrpInstance::default() },
                false,
            );
            let vip = VirtualAddress::new(address.parse().expect("an address"), 64);
            firewall.on(&instance, &vip, Some(4))
        };
        let name = DropOn::Name("eth0".into());
        assert_eq!(on(Some(false), true, "fe80::1"), name);
        assert_eq!(on(Some(true), true, "fe80::1"), DropOn::Index(4), "nftables_ifindex");
        assert_eq!(on(Some(false), false, "fe80::1"), DropOn::Index(4), "it is tracked");
        assert_eq!(on(None, true, "fe80::1"), DropOn::Index(4), "nftables is not written");
        assert_eq!(on(Some(false), true, "fd00::1"), DropOn::Every);
        assert_eq!(on(Some(false), true, "10.0.0.1"), DropOn::Every);
    }

    #[test]
    fn sets_are_named_by_vrrp_ipsets() {
        let sets = |ipsets| {
            let mut config = Config::default();
            config.global.firewall.ipsets = ipsets;
            let mut firewall = Firewall::default();
            firewall.configure(&config);
            firewall.layout.sets
        };
        let named = |names: &[&str]| Ipsets::Named(names.iter().map(|name| (*name).to_owned()).collect());
        assert_eq!(sets(Ipsets::Default), DropTable::default().sets);
        assert_eq!(sets(Ipsets::Off), None);
        assert_eq!(sets(named(&["a"])), Some(["a".into(), "a6".into()]));
        assert_eq!(sets(named(&["a", "b", "c"])), Some(["a".into(), "b".into()]));
    }
}
