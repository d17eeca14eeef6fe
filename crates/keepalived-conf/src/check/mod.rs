//! What a configuration and the machine, or the peer's configuration, have to say to each other.
//!
//! Nothing here is needed to run; `check` prints it. Facts come in through [`System`].

mod bus;
mod group;
mod machine;
mod network;
mod parameters;
mod script;
mod sync;
mod system;
mod tracked;
mod weights;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod vrrp_tests;

pub use machine::ThisMachine;
pub use system::{FileFacts, System, User};

use crate::InstancePlaces;
use crate::findings::in_file_order;
use crate::load::Loaded;
use crate::model::VrrpInstance;
use diagnostic::{Diagnostic, Report, Span};
use std::collections::BTreeSet;

/// Checks a configuration against the machine it is for and, if given, the peer's configuration.
///
/// The findings of loading are not repeated: they are in `loaded.report`.
pub fn check(loaded: &Loaded, system: &dyn System, peer: Option<&Loaded>) -> Report {
    let mut report = Report::default();
    interfaces(loaded, system, &mut report);
    group::check(loaded, peer, &mut report);
    script::check(loaded, system, &mut report);
    weights::check(loaded, peer, &mut report);
    network::check(loaded, system, &mut report);
    sync::check(loaded, peer, &mut report);
    tracked::check(loaded, system, &mut report);
    bus::check(loaded, system, &mut report);
    in_file_order(&report)
}

/// Each instance with its places.
fn instances(loaded: &Loaded) -> impl Iterator<Item = (&VrrpInstance, &InstancePlaces)> {
    loaded.config.instances.iter().zip(&loaded.places.instances)
}

/// Whether two instances would hear each other as one virtual router.
fn same_router(a: &VrrpInstance, b: &VrrpInstance) -> bool {
    a.vrid == b.vrid
        && a.family == b.family
        && match (&a.unicast, &b.unicast) {
            (None, None) => a.mcast_group == b.mcast_group,
            (Some(_), Some(_)) => true,
            _ => false,
        }
}

/// The interfaces that a configuration names and does not make, each with its place and what becomes of
/// whoever needs it while it is not there.
fn named(loaded: &Loaded) -> impl Iterator<Item = (&str, Span, &'static str)> {
    let own = instances(loaded).map(|(instance, places)| (instance.interface.as_str(), places.interface));
    let own = own.filter(|(name, _)| !name.is_empty());
    let tracked = instances(loaded).flat_map(|(instance, places)| {
        let tracked = instance.track_interfaces.iter().zip(&places.track_interfaces);
        tracked.map(|(tracked, span)| (tracked.interface.as_str(), *span))
    });
    let devices = loaded.places.devices.iter().map(|(name, span)| (name.as_str(), *span));
    own.map(|(name, span)| (name, span, "the instance waits for it"))
        .chain(tracked.map(|(name, span)| (name, span, "counts as down until it is there")))
        .chain(devices.map(|(name, span)| (name, span, "waited for")))
}

/// The interfaces that a configuration needs.
pub fn interfaces_of(loaded: &Loaded) -> BTreeSet<String> {
    named(loaded).map(|(name, ..)| name.to_owned()).collect()
}

/// The first interface that a configuration needs, `known` does not have, and the machine neither. With
/// `dynamic_interfaces` none is missing.
pub fn missing_interface(loaded: &Loaded, system: &dyn System, known: &BTreeSet<String>) -> Option<String> {
    let present = system.interfaces();
    let is_missing = |name: &&str| !known.contains(*name) && !present.iter().any(|there| there == name);
    let needed = named(loaded).map(|(name, ..)| name).filter(|_| !loaded.config.global.dynamic_interfaces);
    needed.into_iter().find(is_missing).map(str::to_owned)
}

fn interfaces(loaded: &Loaded, system: &dyn System, report: &mut Report) {
    let present = system.interfaces();
    let missing = |name: &str, span, what: &str, report: &mut Report| {
        if present.iter().any(|known| known == name) {
            return;
        }
        let message = format!("there is no interface `{name}` here");
        let finding = match loaded.config.global.dynamic_interfaces {
            true => Diagnostic::hint("interface-awaited", span, message),
            false => Diagnostic::warning("interface-missing", span, message),
        };
        report.push(
            finding
                .label(what)
                .suggest(name, present.iter().map(String::as_str))
                .help(format!("interfaces here are {}", present.join(", "))),
        );
    };
    for (instance, places) in instances(loaded) {
        if instance.interface == "lo" {
            report.push(
                Diagnostic::error(
                    "interface-loopback",
                    places.interface,
                    "no other router can be heard on `lo`",
                )
                .help("name the interface that the network is on; the original refuses the instance"),
            );
        }
    }
    for (name, span, what) in named(loaded) {
        missing(name, span, what, report);
    }
}
