//! How everything stands, for those who ask from outside.

use super::{Process, now};
use crate::message::{Link, Out, Surroundings};
use keepalived_conf::model::{Config, Route, RoutingTable, Rule, VirtualAddress};
use std::collections::{BTreeSet, HashSet};
use std::net::IpAddr;
use vrrp::Family;

impl Process<'_> {
    /// Answers [`crate::message::In::StatusRequest`].
    pub(super) fn tell_status(&mut self) {
        let now = now();
        let places = self.network.interfaces.places_by_name();
        let status =
            self.instances.iter().map(|instance| instance.status(now, &self.network, &places)).collect();
        let surroundings = self.surroundings();
        self.tell(&Out::Status(status, surroundings));
    }

    fn surroundings(&self) -> Surroundings {
        let config = self.dumps.config();
        let is_there = |address: &VirtualAddress| {
            address.dev.as_deref().is_some_and(|dev| self.network.interfaces.has(dev, address.address))
        };
        let (files, processes) = (&self.tracking.files, &self.tracking.processes);
        Surroundings {
            age: self.dumps.started().map(|at| now().since(at)).unwrap_or_default(),
            groups: self.groups.states().iter().map(|(g, state)| (g.name.clone(), (*state).into())).collect(),
            scripts: self.tracking.scripts.verdicts(),
            files: config
                .files
                .iter()
                .filter_map(|f| Some((f.name.clone(), files.value(&f.name)?)))
                .collect(),
            processes: config
                .processes
                .iter()
                .filter_map(|process| {
                    let (running, enough, _) = processes.numbers(&process.name)?;
                    Some((process.name.clone(), running, enough))
                })
                .collect(),
            bfd: self.tracking.sessions.verdicts(),
            addresses: config.static_addresses.iter().map(is_there).collect(),
            routes: self.network.routes_set(&config.static_routes),
            rules: self.network.rules_set(&config.static_rules),
            links: self.links(config),
        }
    }

    /// The interfaces that matter, and what is below them.
    fn links(&self, config: &Config) -> Vec<Link> {
        let interfaces = &self.network.interfaces;
        let mut names: BTreeSet<&str> =
            config.static_addresses.iter().filter_map(|a| a.dev.as_deref()).collect();
        names.extend(routed(&config.static_routes, &config.static_rules));
        for instance in &self.instances {
            let config = &instance.config;
            names.extend([config.interface.as_str(), instance.own_interface()]);
            names.extend(instance.addresses().map(|vip| instance.interface_of(vip)));
            names.extend(routed(&config.routes, &config.rules));
        }
        let all = self.instances.iter().flat_map(|instance| instance.addresses());
        let virtual_: HashSet<IpAddr> = all.map(|vip| vip.address).collect();
        let is_virtual = |address: IpAddr| virtual_.contains(&address);
        let first = |name: &str, family| interfaces.first_address(name, family, is_virtual);
        let known = names.into_iter().filter_map(|name| interfaces.link(name));
        let link = |link: &netlink::Link| Link {
            name: link.name.clone(),
            index: link.index,
            mac: link.mac.map(|mac| mac.0),
            ipv4: match first(&link.name, Family::V4) {
                Some(IpAddr::V4(address)) => Some(address),
                _ => None,
            },
            ipv6: match first(&link.name, Family::V6) {
                Some(IpAddr::V6(address)) => Some(address),
                _ => None,
            },
            table: link.vrf_table,
        };
        known.map(link).collect()
    }
}

/// The interfaces that routes and rules name.
fn routed<'a>(routes: &'a [Route], rules: &'a [Rule]) -> impl Iterator<Item = &'a str> {
    let hops = routes.iter().flat_map(|route| &route.next_hops).filter_map(|hop| hop.dev.as_deref());
    let tables = routes.iter().filter_map(|route| match &route.table {
        RoutingTable::Vrf(name) => Some(name.as_str()),
        RoutingTable::Number(_) => None,
    });
    let rules = rules.iter().flat_map(|rule| [&rule.iif, &rule.oif]).filter_map(|name| name.as_deref());
    routes.iter().filter_map(|route| route.dev.as_deref()).chain(hops).chain(tables).chain(rules)
}
