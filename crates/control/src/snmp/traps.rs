//! Notifications: what managers are told, with `enable_traps`.

use super::mib::{self, Facts, Instance, rfc2787, rfc6527};
use crate::message::Change;
use agentx::{Notification, Oid, Value, VarBind};
use ha::message::{InstanceState, Occasion, ProtocolError, Refusal, Subject};
use std::net::{IpAddr, Ipv4Addr};

/// A state in notifications, which know more of them than tables do; 4 is unknown.
fn state(occasion: Occasion) -> Option<i32> {
    match occasion {
        Occasion::State(InstanceState::Stop) => Some(5),
        Occasion::State(state) => Some(mib::state_number(state)),
        Occasion::Deleted => Some(6),
        Occasion::LowerHeard | Occasion::Priority(_) => None,
    }
}

/// vrrpSyncGroupStateChange or vrrpInstanceStateChange of KEEPALIVED-MIB. `initial` is `state` of
/// the instance's configuration.
pub(super) fn state_change(change: &Change, initial: i32, facts: Facts<'_>) -> Option<Notification> {
    let base = mib::keepalived_vrrp();
    let state = state(change.occasion)?;
    let column =
        |table: u32, number: u32, value: Value| VarBind { name: base.below(&[table, 1, number]), value };
    let (kind, mut objects) = match change.subject {
        Subject::Group => {
            let known = if change.occasion == Occasion::Deleted { 4 } else { state };
            (1, vec![column(1, 2, Value::text(&change.name)), column(1, 3, Value::Integer(known))])
        }
        Subject::Instance => {
            let objects = vec![
                column(3, mib::NAME, Value::text(&change.name)),
                column(3, mib::STATE, Value::Integer(state)),
                column(3, mib::INITIAL_STATE, Value::Integer(initial)),
            ];
            (2, objects)
        }
    };
    let router = mib::keepalived_global().below(&[2, 0]);
    objects.push(VarBind { name: router, value: Value::text(facts.router_id()) });
    Some(Notification { kind: base.below(&[10, 0, kind]), objects })
}

/// vrrpTrapNewMaster of RFC 2787 and vrrpv3NewMaster of RFC 6527: an instance has become master.
pub(super) fn new_master(instance: &Instance<'_>) -> Vec<Notification> {
    let wanted = instance.facts.config().global.snmp.vrrp;
    let Some(source) = instance.status.and_then(|status| status.source) else { return Vec::new() };
    let mut notifications = Vec::new();
    if wanted.rfc2787
        && rfc2787::is_served(instance)
        && let IpAddr::V4(source) = source
    {
        let base = rfc2787();
        let name = base.below(&[1, 3, 1, 7, instance.interface_index(), instance.config.vrid.into()]);
        let objects = vec![VarBind { name, value: Value::IpAddress(source) }];
        notifications.push(Notification { kind: base.below(&[0, 1]), objects });
    }
    if wanted.rfc6527
        && rfc6527::is_served(instance)
        && let Some(reason) = rfc6527::master_reason(instance)
    {
        let base = rfc6527();
        let index = rfc6527::index(instance, &[]);
        let object = |column: &[u32], value| VarBind { name: base.below(column).below(&index), value };
        let objects =
            vec![object(&[1, 1, 1, 1, 3], Value::address(source)), object(&[1, 2, 5, 1, 2], reason)];
        notifications.push(Notification { kind: base.below(&[0, 1]), objects });
    }
    notifications
}

/// vrrpTrapAuthFailure of RFC 2787 and vrrpv3ProtoError of RFC 6527: a packet was refused.
pub(super) fn refused(refusal: &Refusal, instance: &Instance<'_>) -> Vec<Notification> {
    let wanted = instance.facts.config().global.snmp.vrrp;
    let mut notifications = Vec::new();
    if wanted.rfc2787
        && rfc2787::is_served(instance)
        && let IpAddr::V4(source) = refusal.source
        && let Some(kind) = authentication_error(&refusal.reason)
    {
        notifications.push(authentication_failure(instance, source, kind));
    }
    if wanted.rfc6527
        && rfc6527::is_served(instance)
        && let Some(error) = ProtocolError::of(&refusal.reason)
    {
        let base = rfc6527();
        let name = base.below(&[1, 2, 5, 1, 6]).below(&rfc6527::index(instance, &[]));
        let value = Value::Integer(rfc6527::error_number(Some(error)));
        notifications
            .push(Notification { kind: base.below(&[0, 2]), objects: vec![VarBind { name, value }] });
    }
    notifications
}

fn authentication_failure(instance: &Instance<'_>, source: Ipv4Addr, kind: i32) -> Notification {
    let base = rfc2787();
    let index = [instance.interface_index(), instance.config.vrid.into()];
    let object = |column: u32, value| VarBind { name: base.below(&[1, column]).below(&index), value };
    let objects = vec![object(5, Value::IpAddress(source)), object(6, Value::Integer(kind))];
    Notification { kind: base.below(&[0, 2]), objects }
}

/// vrrpTrapAuthErrorType for a reason, see [`vrrp::Reject::reason`].
fn authentication_error(reason: &str) -> Option<i32> {
    let faults = ha::message::Faults::of(|counted| u64::from(counted == reason));
    let kinds =
        [(faults.unknown_authentication, 1), (faults.other_authentication, 2), (faults.authentication, 3)];
    kinds.into_iter().find(|(count, _)| *count > 0).map(|(_, kind)| kind)
}

/// What a notification is, for the log.
pub(super) fn name(kind: &Oid) -> &'static str {
    match kind.parts() {
        [.., 68, 0, 1] => "vrrpTrapNewMaster",
        [.., 68, 0, 2] => "vrrpTrapAuthFailure",
        [.., 207, 0, 1] => "vrrpv3NewMaster",
        [.., 207, 0, 2] => "vrrpv3ProtoError",
        [.., 10, 0, 1] => "vrrpSyncGroupStateChange",
        _ => "vrrpInstanceStateChange",
    }
}
