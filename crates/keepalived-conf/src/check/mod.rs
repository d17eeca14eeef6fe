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
use diagnostic::{Diagnostic, Report};

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
    for (instance, places) in loaded.config.instances.iter().zip(&loaded.places.instances) {
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
        if !instance.interface.is_empty() {
            missing(&instance.interface, places.interface, "the instance waits for it", report);
        }
        for (tracked, span) in instance.track_interfaces.iter().zip(&places.track_interfaces) {
            missing(&tracked.interface, *span, "counts as down until it is there", report);
        }
    }
    for (name, span) in &loaded.places.devices {
        missing(name, *span, "waited for", report);
    }
}
