//! KEEPALIVED-MIB: vrrpAddressTable.

use super::{
    Facts, Instance, address, address_type, column, gauge, is_set, keepalived_vrrp, scope, text, truth,
};
use agentx::{Table, Tree, Value};
use keepalived_conf::model::VirtualAddress;
use std::net::{IpAddr, Ipv4Addr};

struct Row<'a> {
    facts: Facts<'a>,
    config: &'a VirtualAddress,
    interface: &'a str,
    set: bool,
    advertised: bool,
}

pub(super) fn fill(facts: Facts<'_>, tree: &mut Tree) {
    let table = Table::<Row<'_>> {
        entry: &[6, 1],
        columns: &[
            column(2, |a| address_type(a.config.address)),
            column(3, |a| address(a.config.address)),
            column(4, |a| {
                let none = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
                a.config.address.is_ipv4().then(|| Value::address(a.config.broadcast.unwrap_or(none)))
            }),
            column(5, |a| gauge(a.config.prefix)),
            column(6, |a| scope(a.config.scope)),
            column(7, |a| a.facts.index(a.interface)),
            column(8, |a| text(a.interface)),
            column(9, |a| text(a.config.label.as_deref()?)),
            column(10, |a| truth(a.set)),
            column(11, |a| truth(a.advertised)),
            column(12, |a| address(a.config.peer?)),
        ],
    };
    let fixed = (1..).zip(&facts.config().static_addresses).map(|(number, config)| {
        let interface = config.dev.as_deref().unwrap_or_default();
        let set = is_set(&facts.state.surroundings.addresses, number);
        (vec![0, number], Row { facts, config, interface, set, advertised: false })
    });
    let virtual_ = (1..).zip(facts.instances()).flat_map(|(number, instance)| rows(number, instance));
    table.fill(&keepalived_vrrp(), fixed.chain(virtual_), tree);
}

/// The addresses of an instance, the excluded ones last.
fn rows(number: u32, instance: Instance<'_>) -> impl Iterator<Item = (Vec<u32>, Row<'_>)> {
    let advertised = instance.config.addresses.iter().map(|address| (address, true));
    let excluded = instance.config.excluded.iter().map(|address| (address, false));
    advertised.chain(excluded).enumerate().map(move |(at, (config, advertised))| {
        let place = instance.status.and_then(|status| status.places.get(at));
        let written = config.dev.as_deref().unwrap_or(&instance.config.interface);
        let row = Row {
            facts: instance.facts,
            config,
            interface: place.map_or(written, String::as_str),
            set: instance.is_master() && instance.status.is_some_and(|s| s.present.get(at) == Some(&true)),
            advertised,
        };
        (vec![number, at as u32 + 1], row)
    })
}
