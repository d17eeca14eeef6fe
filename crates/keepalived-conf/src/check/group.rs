//! Virtual routers that meet: on one interface of one machine, and on the peer.

use super::same_router;
use crate::Loaded;
use crate::model::{Authentication, HmacMode, InitialState, UnicastPeer, Version, VrrpInstance};
use diagnostic::{Diagnostic, Report, Span};

pub(super) fn check(loaded: &Loaded, peer: Option<&Loaded>, report: &mut Report) {
    duplicate_numbers(loaded, report);
    let Some(peer) = peer else { return };
    for (instance, places) in loaded.config.instances.iter().zip(&loaded.places.instances) {
        match peer.config.instances.iter().find(|other| same_router(instance, other)) {
            Some(other) => differences(instance, other, places.name, report),
            None => report.push(
                Diagnostic::warning(
                    "peer-missing",
                    places.vrid,
                    format!(
                        "the peer has no virtual router {} that `{}` would hear",
                        instance.vrid, instance.name
                    ),
                )
                .help("virtual_router_id, multicast group and unicast or multicast have to be the same"),
            ),
        }
    }
    let names = (&loaded.config.global.router_id, &peer.config.global.router_id);
    if let (Some(ours), Some(theirs)) = names
        && ours == theirs
    {
        report.push(
            Diagnostic::hint("same-router-id", None, format!("the peer's router_id is `{ours}` too"))
                .help("mails then do not show which machine they are about"),
        );
    }
}

/// Two instances with one number on one interface would fight each other.
fn duplicate_numbers(loaded: &Loaded, report: &mut Report) {
    let instances: Vec<_> = loaded.config.instances.iter().zip(&loaded.places.instances).collect();
    for (i, (instance, places)) in instances.iter().enumerate() {
        let earlier = instances[..i].iter().find(|(other, _)| {
            other.interface == instance.interface
                && same_router(instance, other)
                && hears_same(instance, other)
        });
        if let Some((other, other_places)) = earlier {
            report.push(
                Diagnostic::error(
                    "duplicate-vrid",
                    places.vrid,
                    format!(
                        "`{}` and `{}` are both virtual router {} on {}",
                        other.name, instance.name, instance.vrid, instance.interface
                    ),
                )
                .related(other_places.vrid, "first used here")
                .help("give each virtual router of a network a virtual_router_id of its own"),
            );
        }
    }
}

/// Unicast instances with different peers keep apart, and those that have different addresses.
fn hears_same(a: &VrrpInstance, b: &VrrpInstance) -> bool {
    let (Some(ours), Some(theirs)) = (&a.unicast, &b.unicast) else { return true };
    let apart = a.source.zip(b.source).is_some_and(|(a, b)| a != b);
    let shared = |peer: &UnicastPeer| theirs.peers.iter().any(|other| other.address == peer.address);
    !apart && ours.peers.iter().any(shared)
}

/// Whether each accepts what the other sends.
fn understand_each_other(ours: &Authentication, theirs: &Authentication) -> bool {
    match (ours, theirs) {
        (Authentication::Hmac(a), Authentication::Hmac(b)) => {
            // What one signs with, the other has to know.
            let knows = |from: &crate::model::AuthHmac, to: &crate::model::AuthHmac| {
                let key = from.keys.iter().find(|key| key.id == from.active_key);
                match from.mode {
                    HmacMode::ReceiveOnly => to.mode != HmacMode::Enforce,
                    _ => key.is_some_and(|key| to.keys.contains(key)),
                }
            };
            knows(a, b) && knows(b, a)
        }
        (Authentication::Hmac(hmac), Authentication::None)
        | (Authentication::None, Authentication::Hmac(hmac)) => hmac.mode == HmacMode::ReceiveOnly,
        (ours, theirs) => ours == theirs,
    }
}

/// What must be equal on both sides.
fn differences(ours: &VrrpInstance, theirs: &VrrpInstance, span: Span, report: &mut Report) {
    let mut differ = |what: &str, effect: &str| {
        report.push(
            Diagnostic::error("peer-differs", span, format!("{what} of `{}` is not the peer's", ours.name))
                .help(effect),
        );
    };
    const DROPPED: &str = "each would drop the other's advertisements, and both would be master";
    if ours.version != theirs.version {
        differ("version", DROPPED);
    }
    // A backup of VRRPv3 learns the interval from the master.
    if ours.advert_int != theirs.advert_int && ours.version == Version::V2 {
        differ("advert_int", DROPPED);
    }
    if !understand_each_other(&ours.authentication, &theirs.authentication) {
        differ("authentication", DROPPED);
    }
    if ours.version == Version::V3 && ours.checksum.as_v2 != theirs.checksum.as_v2 {
        differ(
            "v3_checksum_as_v2",
            "whoever has it hears the others, but they drop its advertisements: change the backups first",
        );
    }
    let addresses = |instance: &VrrpInstance| {
        let mut addresses: Vec<_> = instance.addresses.iter().map(|a| a.address).collect();
        addresses.sort();
        addresses
    };
    if addresses(ours) != addresses(theirs) {
        differ(
            "virtual_ipaddress",
            "keepalived before 2.3.3 drops advertisements with other addresses, and both would be master",
        );
    }
    if ours.state == InitialState::Master
        && theirs.state == InitialState::Master
        && ours.priority == theirs.priority
    {
        report.push(
            Diagnostic::warning(
                "two-masters-wished",
                span,
                format!("`{}` is `state MASTER` with the same priority on both sides", ours.name),
            )
            .help("the higher address wins; give one of them a lower priority"),
        );
    }
}
