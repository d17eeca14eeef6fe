//! KEEPALIVED-MIB: vrrpInstanceTable.

use super::{
    Facts, Instance, address, address_type, column, gauge, integer, keepalived_vrrp, notifies, numbered,
    script, state_number, text, truth,
};
use agentx::{Table, Tree, Value};
use keepalived_conf::model::{Authentication, InitialState, Version};

/// Numbers of the columns that notifications name.
pub(in crate::snmp) const NAME: u32 = 2;
pub(in crate::snmp) const STATE: u32 = 4;
pub(in crate::snmp) const INITIAL_STATE: u32 = 5;
/// Numbers of the columns that can be set.
pub(in crate::snmp) const BASE_PRIORITY: u32 = 7;
pub(in crate::snmp) const PREEMPT: u32 = 13;

pub(super) fn fill(facts: Facts<'_>, tree: &mut Tree) {
    let table = Table::<Instance<'_>> {
        entry: &[3, 1],
        columns: &[
            column(NAME, |i| text(&i.config.name)),
            column(3, |i| gauge(i.config.vrid)),
            column(STATE, |i| integer(state_number(i.state()))),
            column(INITIAL_STATE, |i| integer(initial_state(i))),
            column(6, |i| integer(state_number(i.status.map_or_else(|| i.state(), |status| status.wanted)))),
            column(BASE_PRIORITY, |i| integer(i.config.priority)),
            column(8, |i| integer(i.status.map_or(i.config.priority, |status| status.priority))),
            column(9, |i| truth(i.is_master())),
            column(10, |i| text(i.status.map_or(&i.config.interface, |status| &status.own_interface))),
            column(11, |i| truth(!i.config.track_interfaces.is_empty())),
            column(12, |i| {
                gauge(match i.config.version {
                    Version::V2 => u128::from(i.config.advert_int.as_secs()),
                    Version::V3 => i.config.advert_int.as_millis() / 10,
                })
            }),
            column(PREEMPT, |i| truth(!i.config.nopreempt)),
            column(14, |i| gauge(i.config.preempt_delay.as_secs())),
            column(15, authentication),
            // There is no LVS synchronisation.
            column(16, |_| truth(false)),
            column(17, |_| None),
            column(18, |i| {
                let groups = &i.facts.config().sync_groups;
                text(&groups.iter().find(|group| group.members.contains(&i.config.name))?.name)
            }),
            column(19, |i| gauge(i.config.garp.master_delay.as_secs())),
            column(20, |i| truth(i.config.smtp_alert)),
            column(21, |i| truth(notifies(&i.config.notify))),
            column(22, |i| script(i.config.notify.master.as_ref())),
            column(23, |i| script(i.config.notify.backup.as_ref())),
            column(24, |i| script(i.config.notify.fault.as_ref())),
            column(25, |i| script(i.config.notify.stop.as_ref())),
            column(26, |i| script(i.config.notify.any.as_ref())),
            column(27, |i| match i.config.version {
                Version::V2 => integer(0),
                Version::V3 => truth(i.config.accept),
            }),
            column(28, |i| truth(i.config.promote_secondaries)),
            column(29, |i| truth(i.config.linkbeat_polling)),
            column(30, |i| integer(if i.config.version == Version::V3 { 3 } else { 2 })),
            column(31, |i| script(i.config.notify.lower_priority.as_ref())),
            column(32, |i| script(i.config.notify.deleted.as_ref())),
            column(33, |i| truth(i.config.notify.tell_deleted)),
            column(34, |i| i.config.unicast.is_none().then(|| address_type(i.config.mcast_group))?),
            column(35, |i| i.config.unicast.is_none().then(|| address(i.config.mcast_group))?),
            column(36, |i| truth(i.config.checksum.as_v2)),
        ],
    };
    table.fill(&keepalived_vrrp(), numbered(facts.instances()), tree);
}

/// `state` of the configuration.
pub(in crate::snmp) fn initial_state(instance: &Instance<'_>) -> i32 {
    match instance.config.state {
        InitialState::Backup => 1,
        InitialState::Master => 2,
    }
}

fn authentication(instance: &Instance<'_>) -> Option<Value> {
    integer(match instance.config.authentication {
        Authentication::Pass(_) => 1,
        Authentication::Ah(_) => 2,
        Authentication::None | Authentication::Hmac(_) => 0,
    })
}
