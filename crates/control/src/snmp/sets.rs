//! What managers may set: vrrpInstanceBasePriority and vrrpInstancePreempt, as in keepalived. Both
//! hold until the next reload.

use super::mib::{BASE_PRIORITY, Facts, PREEMPT, keepalived_vrrp};
use crate::message::{Adjustment, OWNER, Setting};
use agentx::{ErrorStatus, Oid, Value, VarBind};

/// What a value set for an object means.
///
/// # Errors
/// It cannot be set, and why.
pub(super) fn meant(object: &VarBind, facts: Facts<'_>) -> Result<Adjustment, ErrorStatus> {
    let (column, instance) = place(&object.name).ok_or(ErrorStatus::NOT_WRITABLE)?;
    let at = usize::try_from(instance).ok().and_then(|number| number.checked_sub(1));
    let config = at.and_then(|at| facts.config().instances.get(at)).ok_or(ErrorStatus::NOT_WRITABLE)?;
    let Value::Integer(number) = object.value else { return Err(ErrorStatus::WRONG_TYPE) };
    let setting = match (column, number) {
        (BASE_PRIORITY, _) => match u8::try_from(number) {
            // Being the owner means more than a priority, and is for the configuration to say.
            Ok(priority) if priority != 0 && ![priority, config.priority].contains(&OWNER) => {
                Setting::Priority(priority)
            }
            _ => return Err(ErrorStatus::WRONG_VALUE),
        },
        (_, 1) => Setting::Preempt(true),
        (_, 2) => Setting::Preempt(false),
        _ => return Err(ErrorStatus::WRONG_VALUE),
    };
    Ok(Adjustment { instance: config.name.clone(), setting })
}

/// The adjustment that would make an instance as it is.
pub(super) fn present(adjustment: &Adjustment, facts: Facts<'_>) -> Option<Adjustment> {
    let config = facts.config().instances.iter().find(|config| config.name == adjustment.instance)?;
    let setting = match adjustment.setting {
        Setting::Priority(_) => Setting::Priority(config.priority),
        Setting::Preempt(_) => Setting::Preempt(!config.nopreempt),
    };
    Some(Adjustment { instance: config.name.clone(), setting })
}

/// Column and instance of an object that can be set.
fn place(name: &Oid) -> Option<(u32, u32)> {
    let base = keepalived_vrrp();
    match name.parts().strip_prefix(base.parts())? {
        [3, 1, column @ (BASE_PRIORITY | PREEMPT), instance] => Some((*column, *instance)),
        _ => None,
    }
}

/// What the log says of it.
pub(super) fn line(adjustment: &Adjustment, before: Option<&Adjustment>) -> String {
    let name = &adjustment.instance;
    match (adjustment.setting, before.map(|before| before.setting)) {
        (Setting::Priority(to), Some(Setting::Priority(from))) => {
            format!("({name}) base priority changed from {from} to {to} via SNMP.")
        }
        (Setting::Priority(to), _) => format!("({name}) base priority changed to {to} via SNMP."),
        (Setting::Preempt(true), _) => format!("({name}) preemption enabled with SNMP"),
        (Setting::Preempt(false), _) => format!("({name}) preemption disabled with SNMP"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Configure, State};
    use keepalived_conf::model::{Config, VrrpInstance};

    fn set(path: &[u32], value: Value) -> Result<Setting, ErrorStatus> {
        let named = |name: &str, priority| VrrpInstance {
            name: name.to_owned(),
            priority,
            ..VrrpInstance::default()
        };
        let config = Config { instances: vec![named("A", 100), named("Owner", 255)], ..Config::default() };
        let configure = Configure { config, host_name: String::new(), version: String::new() };
        let facts = Facts { configure: &configure, state: &State::default() };
        let object = VarBind { name: keepalived_vrrp().below(path), value };
        meant(&object, facts).map(|adjustment| adjustment.setting)
    }

    #[test]
    fn two_columns_can_be_set_within_bounds() {
        let priority = |value| set(&[3, 1, 7, 1], Value::Integer(value));
        assert_eq!(priority(1), Ok(Setting::Priority(1)));
        assert_eq!(priority(254), Ok(Setting::Priority(254)));
        for value in [0, 255, 256, -1, i32::MIN, i32::MAX] {
            assert_eq!(priority(value), Err(ErrorStatus::WRONG_VALUE), "{value}");
        }
        assert_eq!(set(&[3, 1, 7, 2], Value::Integer(100)), Err(ErrorStatus::WRONG_VALUE));
        assert_eq!(set(&[3, 1, 13, 2], Value::Integer(2)), Ok(Setting::Preempt(false)));
        assert_eq!(set(&[3, 1, 13, 1], Value::Integer(3)), Err(ErrorStatus::WRONG_VALUE));
        assert_eq!(set(&[3, 1, 13, 1], Value::Gauge32(1)), Err(ErrorStatus::WRONG_TYPE));
        for path in [&[3, 1, 8, 1][..], &[3, 1, 7, 0], &[3, 1, 7, 3], &[3, 1, 7], &[3, 1, 7, 1, 1], &[]] {
            assert_eq!(set(path, Value::Integer(1)), Err(ErrorStatus::NOT_WRITABLE), "{path:?}");
        }
    }
}
