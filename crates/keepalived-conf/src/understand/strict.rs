//! `vrrp_strict` and `strict_mode`: what they do to an instance.

use super::InstancePlaces;
use super::reader::Reader;
use crate::model::{
    Authentication, Global, HmacMode, InitialState, Iptables, VirtualInterface, VmacAddress, VrrpInstance,
};
use crate::placement::{Body, Item};
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
pub(super) fn apply(
    instance: &mut VrrpInstance,
    body: &Body<'_>,
    places: &InstancePlaces,
    reader: &mut Reader<'_>,
) -> bool {
    let name = instance.name.clone();
    if instance.addresses.is_empty() {
        reader.say(
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
        reader.say(
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
    authentication(instance, places, reader);
    let owner = instance.priority == 255;
    if (instance.state == InitialState::Master) != owner {
        reader.warn(
            "strict-state",
            places.name,
            "in strict mode `state MASTER` is for priority 255 alone, and 255 is always MASTER",
            format!("`{name}` starts as {}", if owner { "MASTER" } else { "BACKUP" }),
        );
        instance.state = if owner { InitialState::Master } else { InitialState::Backup };
    }
    if !instance.preempt_delay.is_zero() {
        reader.say(Diagnostic::warning(
            "strict-preempt-delay",
            places.name,
            "strict mode allows no preempt_delay; it is 0",
        ));
        instance.preempt_delay = Duration::ZERO;
    }
    timers(instance, body, places, reader);
    virtual_interface(instance, places, reader);
    true
}

/// No authentication but `auth_hmac` that is enforced.
fn authentication(instance: &mut VrrpInstance, places: &InstancePlaces, reader: &mut Reader<'_>) {
    match &mut instance.authentication {
        Authentication::None => {}
        Authentication::Hmac(hmac) if hmac.mode == HmacMode::Enforce => {}
        Authentication::Hmac(hmac) => {
            hmac.mode = HmacMode::Enforce;
            let message = "strict mode enforces `auth_hmac`";
            let help = "write `mode enforce`, or remove vrrp_strict while routers without it are left";
            reader.warn("strict-authentication", places.name, message, help);
        }
        Authentication::Pass(_) | Authentication::Ah(_) => {
            reader.warn(
                "strict-authentication",
                places.name,
                format!("strict mode ignores the authentication of `{}`", instance.name),
                "remove the authentication block here and on the peers, or remove vrrp_strict",
            );
            instance.authentication = Authentication::None;
        }
    }
}

/// What the standard fixes about advertisements and announcements.
fn timers(instance: &mut VrrpInstance, body: &Body<'_>, places: &InstancePlaces, reader: &mut Reader<'_>) {
    let mut reset = |name: &'static str, changes: bool, to: &str| {
        if changes {
            let span = body.last(name).map_or(places.name, Item::span);
            reader.warn(
                "strict-reset",
                span,
                format!("strict mode sets `{name}` to {to}"),
                "remove one of the two",
            );
        }
    };
    let written = |name| body.last(name).is_some();
    reset("down_timer_adverts", instance.down_timer_adverts != 3, "3");
    reset(
        "higher_prio_send_advert",
        written("higher_prio_send_advert") && instance.higher_prio_send_advert,
        "off",
    );
    reset("lower_prio_no_advert", written("lower_prio_no_advert") && !instance.lower_prio_no_advert, "on");
    let garp = &mut instance.garp;
    reset("garp_lower_prio_repeat", written("garp_lower_prio_repeat") && garp.lower_prio_repeat > 0, "0");
    reset("garp_lower_prio_delay", written("garp_lower_prio_delay") && !garp.lower_prio_delay.is_zero(), "0");
    (garp.lower_prio_delay, garp.lower_prio_repeat) = (Duration::ZERO, 0);
    instance.down_timer_adverts = 3;
    (instance.higher_prio_send_advert, instance.lower_prio_no_advert) = (false, true);
}

/// The standard fixes the address of a virtual router and that it sends from it.
fn virtual_interface(instance: &mut VrrpInstance, places: &InstancePlaces, reader: &mut Reader<'_>) {
    let Some(VirtualInterface::Vmac(vmac)) = &mut instance.virtual_interface else { return };
    if vmac.address != VmacAddress::Standard || vmac.transmit_base {
        let message = "strict mode allows `use_vmac` neither an address of its own nor `vmac_xmit_base`";
        reader.warn("strict-reset", places.name, message, "both are left out; remove them, or vrrp_strict");
        vmac.address = VmacAddress::Standard;
        vmac.transmit_base = false;
    }
}
