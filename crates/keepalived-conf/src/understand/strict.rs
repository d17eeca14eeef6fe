//! `vrrp_strict` and `strict_mode`: what they do to an instance.

use crate::model::{Authentication, Global, InitialState, Iptables, VrrpInstance};
use crate::understand::InstancePlaces;
use diagnostic::{Diagnostic, Report, Span};
use std::time::Duration;

/// Says at the word itself what it brings.
pub(super) fn explain(span: Span, global: &Global, report: &mut Report) {
    let mut finding = Diagnostic::warning(
        "strict-mode",
        span,
        "`vrrp_strict` forbids unicast peers, authentication, preempt_delay and an empty virtual_ipaddress",
    );
    finding = match global.iptables {
        Iptables::Default | Iptables::Chains(..) => finding
            .label("drops traffic to the virtual addresses")
            .help(
                "unless the priority is 255, rules drop whatever is sent to the virtual addresses: they answer \
                 neither ping nor connections",
            )
            .help("remove `vrrp_strict`, or add `vrrp_iptables` without a chain so that no rules are made"),
        Iptables::Off => finding.label("`vrrp_iptables` without a chain: no drop rules are made"),
    };
    report.push(finding);
}

/// Applies the rules to an instance; `false` when it cannot run.
pub(super) fn apply(instance: &mut VrrpInstance, places: &InstancePlaces, report: &mut Report) -> bool {
    let name = instance.name.clone();
    if instance.addresses.is_empty() {
        report.push(
            Diagnostic::error(
                "strict-no-address",
                places.name,
                format!("strict mode needs an address, and `{name}` has none"),
            )
            .help("add one to virtual_ipaddress, or remove vrrp_strict; this instance does not run"),
        );
        return false;
    }
    if instance.unicast.is_some() {
        report.push(
            Diagnostic::error(
                "strict-unicast",
                places.name,
                format!("strict mode allows no unicast peers, and `{name}` has some"),
            )
            .help("remove vrrp_strict")
            .help("the original keepalived drops this instance; here it runs without strict mode"),
        );
        instance.strict = false;
        return true;
    }
    if instance.authentication != Authentication::None {
        report.push(
            Diagnostic::warning(
                "strict-authentication",
                places.name,
                format!("strict mode ignores the authentication of `{name}`"),
            )
            .help("remove the authentication block here and on the peers, or remove vrrp_strict"),
        );
        instance.authentication = Authentication::None;
    }
    let owner = instance.priority == 255;
    if (instance.state == InitialState::Master) != owner {
        report.push(
            Diagnostic::warning(
                "strict-state",
                places.name,
                "in strict mode `state MASTER` is for priority 255 alone, and 255 is always MASTER",
            )
            .help(format!("`{name}` starts as {}", if owner { "MASTER" } else { "BACKUP" })),
        );
        instance.state = if owner { InitialState::Master } else { InitialState::Backup };
    }
    if !instance.preempt_delay.is_zero() {
        report.push(Diagnostic::warning(
            "strict-preempt-delay",
            places.name,
            "strict mode allows no preempt_delay; it is 0",
        ));
        instance.preempt_delay = Duration::ZERO;
    }
    instance.garp.lower_prio_delay = Duration::ZERO;
    instance.garp.lower_prio_repeat = 0;
    true
}
