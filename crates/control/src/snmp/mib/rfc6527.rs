//! VRRPV3-MIB (RFC 6527). Like keepalived as it is usually built, it covers VRRPv2 too.

use super::{Facts, Instance, address, column, counter, counter64, gauge, integer, rfc_state, truth};
use agentx::{Table, Tree, Value};
use ha::message::{MasterReason, ProtocolError};
use keepalived_conf::model::Family;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub(super) fn fill(facts: Facts<'_>, tree: &mut Tree) {
    let base = super::rfc6527();
    operations(facts, tree);
    let associated = Table::<()> { entry: &[1, 1, 2, 1], columns: &[column(2, |()| integer(1))] };
    for instance in facts.instances().filter(is_served) {
        let rows = instance.config.addresses.iter().map(|vip| match vip.address {
            IpAddr::V4(v4) => (index(&instance, &v4.octets()), ()),
            IpAddr::V6(v6) => (index(&instance, &v6.octets()), ()),
        });
        associated.fill(&base, rows, tree);
    }
    statistics(facts, tree);
}

/// Whether an instance is one of this MIB.
pub(in crate::snmp) fn is_served(instance: &Instance<'_>) -> bool {
    !instance.config.addresses.is_empty()
}

/// Interface, number of the virtual router, family, and what follows.
pub(in crate::snmp) fn index(instance: &Instance<'_>, rest: &[u8]) -> Vec<u32> {
    let family = if instance.config.family == Family::Ipv6 { 2 } else { 1 };
    let mut index = vec![instance.interface_index(), instance.config.vrid.into(), family];
    index.extend(rest.iter().map(|&byte| u32::from(byte)));
    index
}

/// The address of the family of an instance that its interface has.
fn primary(instance: &Instance<'_>) -> Option<Value> {
    let link = instance.facts.link(&instance.config.interface)?;
    address(match instance.config.family {
        Family::Ipv4 => link.ipv4.unwrap_or(Ipv4Addr::UNSPECIFIED).into(),
        Family::Ipv6 => link.ipv6.unwrap_or(Ipv6Addr::UNSPECIFIED).into(),
    })
}

/// The master's address: ours, or that of the one last heard.
fn master(instance: &Instance<'_>) -> Option<Value> {
    if instance.is_master() {
        return primary(instance);
    }
    let nobody = match instance.config.family {
        Family::Ipv4 => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        Family::Ipv6 => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
    };
    let heard = instance.status.and_then(|status| status.master);
    address(heard.map_or(nobody, |master| master.address))
}

/// vrrpv3StatisticsNewMasterReason.
pub(in crate::snmp) fn master_reason(instance: &Instance<'_>) -> Option<Value> {
    integer(match instance.status?.master_reason {
        None => 0,
        Some(MasterReason::Released) => 1,
        Some(MasterReason::Preempted) => 2,
        Some(MasterReason::NoResponse) => 3,
    })
}

/// vrrpv3StatisticsProtoErrReason.
pub(in crate::snmp) fn error_number(error: Option<ProtocolError>) -> i32 {
    match error {
        None => 0,
        Some(ProtocolError::Ttl) => 1,
        Some(ProtocolError::Version) => 2,
        Some(ProtocolError::Checksum) => 3,
    }
}

fn operations(facts: Facts<'_>, tree: &mut Tree) {
    let table = Table::<Instance<'_>> {
        entry: &[1, 1, 1, 1],
        columns: &[
            column(3, master),
            column(4, primary),
            column(5, Instance::mac),
            column(6, |i| rfc_state(i.state())),
            column(7, |i| gauge(i.config.priority)),
            column(8, |i| integer(i.config.addresses.len())),
            column(9, |i| integer(i.config.advert_int.as_millis() / 10)),
            column(10, |i| truth(!i.config.nopreempt)),
            column(11, |i| truth(i.config.accept)),
            column(12, |i| Some(Value::TimeTicks(i.up()))),
            column(13, |_| integer(1)),
        ],
    };
    let rows = facts.instances().filter(is_served).map(|instance| (index(&instance, &[]), instance));
    table.fill(&super::rfc6527(), rows, tree);
}

fn statistics(facts: Facts<'_>, tree: &mut Tree) {
    let base = super::rfc6527();
    let sums = Table::<[u64; 3]> {
        entry: &[1, 2],
        columns: &[
            column(1, |sums| counter64(sums[0])),
            column(2, |sums| counter64(sums[1])),
            column(3, |sums| counter64(sums[2])),
            // Counters go on for ever.
            column(4, |_| Some(Value::TimeTicks(0))),
        ],
    };
    let statuses = || facts.instances().filter(is_served).filter_map(|instance| instance.status);
    let checksum = statuses().map(|status| status.faults.checksum).sum();
    let version = statuses().map(|status| status.faults.version).sum();
    sums.fill(&base, [(vec![0], [checksum, version, 0])], tree);
    let table = Table::<Instance<'_>> {
        entry: &[1, 2, 5, 1],
        columns: &[
            column(1, |i| counter(i.status?.counters.became_master)),
            column(2, master_reason),
            column(3, |i| counter64(i.status?.counters.received)),
            column(4, |i| counter64(i.status?.faults.interval)),
            column(5, |i| counter64(i.status?.faults.ttl)),
            column(6, |i| integer(error_number(i.status?.protocol_error))),
            column(7, |i| counter64(i.status?.counters.releases_received)),
            column(8, |i| counter64(i.status?.counters.releases_sent)),
            column(9, |i| counter64(i.status?.faults.kind)),
            column(10, |i| counter64(i.status?.faults.addresses)),
            column(11, |i| counter64(i.status?.faults.length)),
            column(12, |_| Some(Value::TimeTicks(0))),
            column(13, |i| gauge(i.config.advert_int.as_millis() / 10 * 10)),
        ],
    };
    let rows = facts.instances().filter(is_served).map(|instance| (index(&instance, &[]), instance));
    table.fill(&base, rows, tree);
}
