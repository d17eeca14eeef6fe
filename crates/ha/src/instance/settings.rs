//! From the configuration of an instance to what its router and its packets are made of.

use crate::network::Purpose;
use keepalived_conf::model::{
    self, AuthHmac, HmacMode, InitialState, OldUnicastChecksum, TrackWeight, VrrpInstance,
};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use vrrp::tracking::Weight;
use vrrp::{Authentication, Centiseconds, Checksum, Family, Garp, Peer, Preempt, Settings, Version, hmac};

/// What its packets need of a socket.
pub(crate) fn purpose(config: &VrrpInstance, interface: &str) -> Purpose {
    Purpose {
        interface: interface.to_owned(),
        family: family(config),
        ah: matches!(config.authentication, model::Authentication::Ah(_)),
        group: config.unicast.is_none().then_some(config.mcast_group),
        own: config.source.filter(|_| config.unicast.is_some()),
    }
}

pub(super) fn family(config: &VrrpInstance) -> Family {
    match config.family {
        model::Family::Ipv4 => Family::V4,
        model::Family::Ipv6 => Family::V6,
    }
}

pub(super) fn version(config: &VrrpInstance) -> Version {
    match config.version {
        model::Version::V2 => Version::V2,
        model::Version::V3 => Version::V3,
    }
}

/// The addresses in the advertisements.
/// The addresses that an advertisement on a link of this MTU has room for.
pub(super) fn advertised(config: &VrrpInstance, mtu: u32) -> Vec<IpAddr> {
    config.addresses.iter().map(|vip| vip.address).take(config.most_advertised(mtu)).collect()
}

pub(super) fn peers(config: &VrrpInstance) -> Option<Vec<Peer>> {
    let peer = |peer: &model::UnicastPeer| Peer { address: peer.address, ttl: peer.min_ttl..=peer.max_ttl };
    Some(config.unicast.as_ref()?.peers.iter().map(peer).collect())
}

pub(super) fn authentication(config: &VrrpInstance) -> Authentication {
    match config.authentication {
        model::Authentication::None | model::Authentication::Hmac(_) => Authentication::None,
        model::Authentication::Pass(password) => Authentication::Pass(password),
        model::Authentication::Ah(key) => Authentication::Ah(key),
    }
}

pub(super) fn hmac(config: &VrrpInstance) -> Option<hmac::Settings> {
    let model::Authentication::Hmac(AuthHmac { keys, active_key, anti_replay, mode }) =
        &config.authentication
    else {
        return None;
    };
    Some(hmac::Settings {
        keys: keys.iter().map(|key| hmac::Key { id: key.id, secret: key.secret.0.clone() }).collect(),
        active_key: *active_key,
        anti_replay: match *anti_replay {
            model::AntiReplay::Time(window) => hmac::AntiReplay::Time(window),
            model::AntiReplay::Monotonic => hmac::AntiReplay::Monotonic,
        },
        mode: match mode {
            HmacMode::ReceiveOnly => hmac::Mode::ReceiveOnly,
            HmacMode::Permissive => hmac::Mode::Permissive,
            HmacMode::Enforce => hmac::Mode::Enforce,
        },
        senders: config.unicast.as_ref().map_or(0, |unicast| unicast.peers.len()).max(hmac::SENDERS),
    })
}

/// The group in old unicast checksums; `None` where they are never to be made or recognised.
pub(super) fn old_group(config: &VrrpInstance) -> Option<Ipv4Addr> {
    match config.mcast_group {
        IpAddr::V4(group) if config.checksum.old_unicast != OldUnicastChecksum::Never => Some(group),
        _ => None,
    }
}

/// The form of checksum that is configured; a peer may teach another one.
pub(super) fn checksum(config: &VrrpInstance) -> Checksum {
    let always_old = config.checksum.old_unicast == OldUnicastChecksum::Always && config.unicast.is_some();
    match old_group(config) {
        _ if config.checksum.as_v2 => Checksum::AsVersion2,
        Some(group) if always_old => Checksum::OldUnicast(group),
        _ => Checksum::PseudoHeader,
    }
}

pub(super) fn weight(weight: TrackWeight) -> Weight {
    Weight { weight: weight.weight, reverse: weight.reverse }
}

/// `state MASTER` excludes nopreempt and preempt_delay, as in keepalived; see [`cleared`].
pub(super) fn settings(config: &VrrpInstance, source: Option<IpAddr>, grouped: bool) -> Settings {
    let starts_as_master = config.state == InitialState::Master;
    let preempt = match config {
        _ if starts_as_master => Preempt::Always,
        _ if config.nopreempt => Preempt::Never,
        _ if !config.preempt_delay.is_zero() => Preempt::After(config.preempt_delay),
        _ => Preempt::Always,
    };
    let unspecified = match family(config) {
        Family::V4 => Ipv4Addr::UNSPECIFIED.into(),
        Family::V6 => Ipv6Addr::UNSPECIFIED.into(),
    };
    let garp = &config.garp;
    Settings {
        version: version(config),
        priority: config.priority,
        interval: Centiseconds::from_duration(config.advert_int),
        starts_as_master,
        down_timer_adverts: config.down_timer_adverts,
        lower_prio_no_advert: config.lower_prio_no_advert,
        higher_prio_send_advert: config.higher_prio_send_advert,
        owner_ignore_adverts: config.owner_ignore_adverts,
        grouped,
        preempt,
        source: source.unwrap_or(unspecified),
        garp: Garp {
            delay: garp.master_delay,
            refresh: garp.refresh,
            lower_delay: garp.lower_prio_delay,
            lower: garp.lower_prio_repeat > 0,
        },
    }
}

/// What of a configuration has no effect, in keepalived's words.
pub(crate) fn cleared(config: &VrrpInstance) -> Vec<String> {
    let name = &config.name;
    let mut lines = Vec::new();
    if config.state == InitialState::Master && config.nopreempt {
        lines
            .push(format!("({name}) Warning - nopreempt will not work with initial state MASTER - clearing"));
    }
    if config.state == InitialState::Master && !config.preempt_delay.is_zero() {
        lines.push(format!(
            "({name}) Warning - preempt delay will not work with initial state MASTER - clearing"
        ));
    } else if config.nopreempt && !config.preempt_delay.is_zero() {
        lines.push(format!("({name}) preempt_delay is incompatible with nopreempt mode - resetting"));
    }
    lines
}
