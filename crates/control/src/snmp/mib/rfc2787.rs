//! VRRP-MIB (RFC 2787): VRRPv2 over IPv4.

use super::{Facts, Instance, column, counter, hundredths, integer, rfc_state, truth};
use agentx::{Table, Tree, Value};
use keepalived_conf::model::{Authentication, Family, Version};
use std::net::{IpAddr, Ipv4Addr};

pub(super) fn fill(facts: Facts<'_>, tree: &mut Tree) {
    let base = super::rfc2787();
    let node = Table::<Facts<'_>> {
        entry: &[1],
        columns: &[
            column(1, |_| integer(2)),
            column(2, |f| integer(if f.config().global.snmp.traps { 1 } else { 2 })),
        ],
    };
    node.fill(&base, [(vec![0], facts)], tree);
    operations(facts, tree);
    let address = Table::<IpAddr> { entry: &[1, 4, 1], columns: &[column(2, |_| integer(1))] };
    for instance in facts.instances().filter(is_served) {
        let rows = instance.config.addresses.iter().filter_map(|vip| match vip.address {
            IpAddr::V4(v4) => Some((index(&instance, &v4.octets()), vip.address)),
            IpAddr::V6(_) => None,
        });
        address.fill(&base, rows, tree);
    }
    statistics(facts, tree);
}

/// Whether an instance is one of this MIB.
pub(in crate::snmp) fn is_served(instance: &Instance<'_>) -> bool {
    let config = instance.config;
    config.version == Version::V2 && config.family == Family::Ipv4 && !config.addresses.is_empty()
}

/// Interface, number of the virtual router, and what follows.
fn index(instance: &Instance<'_>, rest: &[u8]) -> Vec<u32> {
    let mut index = vec![instance.interface_index(), instance.config.vrid.into()];
    index.extend(rest.iter().map(|&byte| u32::from(byte)));
    index
}

fn operations(facts: Facts<'_>, tree: &mut Tree) {
    let table = Table::<Instance<'_>> {
        entry: &[1, 3, 1],
        columns: &[
            column(2, Instance::mac),
            column(3, |i| rfc_state(i.state())),
            column(4, |_| integer(1)),
            column(5, |i| integer(i.config.priority)),
            column(6, |i| integer(i.config.addresses.len())),
            column(7, |i| {
                let heard = i.status.and_then(|status| status.master).map(|master| master.address);
                Some(Value::IpAddress(ipv4(heard)))
            }),
            column(8, |i| Some(Value::IpAddress(i.facts.link(&i.config.interface)?.ipv4?))),
            column(9, |i| {
                integer(match i.config.authentication {
                    Authentication::None | Authentication::Hmac(_) => 1,
                    Authentication::Pass(_) => 2,
                    Authentication::Ah(_) => 3,
                })
            }),
            column(11, |i| integer(i.config.advert_int.as_secs())),
            column(12, |i| truth(!i.config.nopreempt)),
            // sysUpTime when it began to take part, counted from our own start.
            column(13, |i| {
                let age = hundredths(i.facts.state.surroundings.age);
                Some(Value::TimeTicks(if i.up() == 0 { 0 } else { age.saturating_sub(i.up()) }))
            }),
            column(14, |_| integer(1)),
            column(15, |_| integer(1)),
        ],
    };
    let rows = facts.instances().filter(is_served).map(|instance| (index(&instance, &[]), instance));
    table.fill(&super::rfc2787(), rows, tree);
}

fn ipv4(address: Option<IpAddr>) -> Ipv4Addr {
    match address {
        Some(IpAddr::V4(address)) => address,
        _ => Ipv4Addr::UNSPECIFIED,
    }
}

fn statistics(facts: Facts<'_>, tree: &mut Tree) {
    let base = super::rfc2787();
    let sums = Table::<[u64; 3]> {
        entry: &[2],
        columns: &[
            column(1, |sums| counter(sums[0])),
            column(2, |sums| counter(sums[1])),
            column(3, |sums| counter(sums[2])),
        ],
    };
    let statuses = || facts.instances().filter(is_served).filter_map(|instance| instance.status);
    let checksum = statuses().map(|status| status.faults.checksum).sum();
    let version = statuses().map(|status| status.faults.version).sum();
    // Packets for other virtual routers concern no instance.
    sums.fill(&base, [(vec![0], [checksum, version, 0])], tree);
    let table = Table::<Instance<'_>> {
        entry: &[2, 4, 1],
        columns: &[
            column(1, |i| counter(i.status?.counters.became_master)),
            column(2, |i| counter(i.status?.counters.received)),
            column(3, |i| counter(i.status?.faults.interval)),
            column(4, |i| counter(i.status?.faults.authentication)),
            column(5, |i| counter(i.status?.faults.ttl)),
            column(6, |i| counter(i.status?.counters.releases_received)),
            column(7, |i| counter(i.status?.counters.releases_sent)),
            column(8, |i| counter(i.status?.faults.kind)),
            column(9, |i| counter(i.status?.faults.addresses)),
            column(10, |i| counter(i.status?.faults.unknown_authentication)),
            column(11, |i| counter(i.status?.faults.other_authentication)),
            column(12, |i| counter(i.status?.faults.length)),
        ],
    };
    let rows = facts.instances().filter(is_served).map(|instance| (index(&instance, &[]), instance));
    table.fill(&base, rows, tree);
}
