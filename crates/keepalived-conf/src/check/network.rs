//! Addresses, peers and virtual interfaces of an instance: what cannot work, or only badly.

use super::{System, instances};
use crate::Loaded;
use crate::model::{Authentication, VirtualInterface, VrrpInstance};
use crate::understand::InstancePlaces;
use diagnostic::{Diagnostic, Report};
use std::time::Duration;

pub(super) fn check(loaded: &Loaded, system: &dyn System, report: &mut Report) {
    for (instance, places) in instances(loaded) {
        peers(instance, places, report);
        source(instance, places, report);
        authentication(instance, places, report);
        delays(loaded, instance, places, report);
    }
    vmac_names(loaded, system, report);
}

/// A list of peers is often copied to all nodes with each node's own address in it.
fn peers(instance: &VrrpInstance, places: &InstancePlaces, report: &mut Report) {
    let Some(unicast) = &instance.unicast else { return };
    for peer in &unicast.peers {
        let (name, address) = (&instance.name, peer.address);
        if Some(address) == instance.source {
            let message = format!("`{name}` has its own source address {address} among its peers");
            report.push(
                Diagnostic::warning("peer-is-source", places.name, message)
                    .help("list the other routers only; it would hear its own advertisements"),
            );
        }
        if instance.addresses.iter().chain(&instance.excluded).any(|virtual_| virtual_.address == address) {
            let message = format!("the peer {address} of `{name}` is one of its virtual addresses");
            report
                .push(Diagnostic::error("peer-is-virtual", places.name, message).help(
                    "list the peers' own addresses: a virtual one is at the master, whichever that is",
                ));
        }
    }
}

/// A virtual address is gone when the router is no master, unless it is the owner.
fn source(instance: &VrrpInstance, places: &InstancePlaces, report: &mut Report) {
    let Some(source) = instance.source.filter(|_| instance.priority != 255) else { return };
    if instance.addresses.iter().any(|address| address.address == source) {
        let message =
            format!("`{}` is to send from {source}, which is one of its virtual addresses", instance.name);
        report.push(
            Diagnostic::warning("source-is-virtual", places.name, message)
                .help("send from an address that stays on this machine, or leave the source out"),
        );
    }
}

fn authentication(instance: &VrrpInstance, places: &InstancePlaces, report: &mut Report) {
    if let Authentication::Ah(_) = instance.authentication {
        let message = format!("`auth_type AH` of `{}` is HMAC-MD5 with a key of 8 bytes", instance.name);
        report.push(
            Diagnostic::hint("weak-authentication", places.name, message)
                .help("`auth_hmac` is HMAC-SHA256 with 32 bytes; keepalived knows it from 2.4 on"),
        );
    }
}

/// A link that is down has to be noticed before a backup would take over anyway.
fn delays(loaded: &Loaded, instance: &VrrpInstance, places: &InstancePlaces, report: &mut Report) {
    let Some(delay) = loaded.config.interface_delays.iter().find(|d| d.interface == instance.interface)
    else {
        return;
    };
    let most = instance.advert_int * u32::from(instance.down_timer_adverts.saturating_sub(1));
    let longest: Duration = delay.down.max(delay.up);
    if longest >= most && !longest.is_zero() {
        let message = format!(
            "the delay of {} is {} s, and a backup of `{}` takes over after little more than {} s",
            delay.interface,
            longest.as_secs_f64(),
            instance.name,
            most.as_secs_f64()
        );
        report.push(
            Diagnostic::warning("delay-too-long", places.interface, message)
                .help("delays have to be shorter than (down_timer_adverts - 1) times advert_int"),
        );
    }
}

/// Names of virtual interfaces are given once, and not to one that is there for something else.
fn vmac_names(loaded: &Loaded, system: &dyn System, report: &mut Report) {
    let name = |instance: &VrrpInstance| match &instance.virtual_interface {
        Some(VirtualInterface::Vmac(vmac)) => vmac.name.clone(),
        Some(VirtualInterface::Ipvlan(ipvlan)) => ipvlan.name.clone(),
        None => None,
    };
    let named: Vec<_> = instances(loaded).filter_map(|(i, places)| Some((name(i)?, i, places))).collect();
    for (number, (name, instance, places)) in named.iter().enumerate() {
        if let Some((_, other, first)) = named[..number].iter().find(|(other, ..)| other == name) {
            let message =
                format!("`{}` and `{}` both name their interface `{name}`", other.name, instance.name);
            report.push(
                Diagnostic::error("duplicate-vmac", places.name, message)
                    .related(first.name, "first named here")
                    .help("give each a name of its own, or none"),
            );
        }
        let used = loaded.config.instances.iter().any(|i| i.interface == *name);
        if used && system.interfaces().contains(name) {
            let message = format!("`{name}` is an interface that an instance runs on");
            report.push(
                Diagnostic::error("duplicate-vmac", places.name, message)
                    .help("give the virtual interface another name, or none"),
            );
        }
    }
}
