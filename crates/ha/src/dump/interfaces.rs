//! Interfaces of `keepalived.data`.

use super::{Moment, line};
use keepalived_conf::model::{Config, LinkbeatMethod, TrackWeight};
use netlink::sysctl::Setting;
use netlink::{Address, Link, MacvlanMode};
use std::net::IpAddr;

pub(super) fn write(config: &Config, moment: &Moment<'_>, text: &mut String) {
    let (links, addresses) = moment.network.interfaces.all();
    if !links.is_empty() {
        line!(text, "------< Interfaces >------");
    }
    for link in links {
        let is_virtual = |address: IpAddr| {
            moment.instances.iter().any(|one| one.addresses().any(|vip| vip.address == address))
        };
        let own = addresses.iter().filter(|known| known.link == link.index && !is_virtual(known.address));
        one(link, own, config, moment, text);
    }
}

fn one<'a>(
    link: &Link,
    addresses: impl Iterator<Item = &'a Address> + Clone,
    config: &Config,
    moment: &Moment<'_>,
    text: &mut String,
) {
    line!(text, " Name = {}", link.name);
    line!(text, "   index = {}", link.index);
    let is_own = |address: &&Address| match address.address {
        IpAddr::V4(_) => true,
        IpAddr::V6(v6) => v6.is_unicast_link_local(),
    };
    for (family, v4) in [("IPv4", true), ("IPv6", false)] {
        let mut own = addresses.clone().filter(is_own).filter(|known| known.address.is_ipv4() == v4);
        let first = own.next().map_or("(none)".to_owned(), |first| first.address.to_string());
        line!(text, "   {family} address = {first}");
        for (at, more) in own.enumerate() {
            if at == 0 {
                line!(text, "   Additional {family} addresses :");
            }
            line!(text, "     {}", more.address);
        }
    }
    if let Some(mac) = link.mac.filter(|_| !link.loopback) {
        line!(text, "   MAC = {mac}");
        line!(text, "   MAC broadcast = ff:ff:ff:ff:ff:ff");
    }
    let mut state = standing(link);
    let flags = [
        (link.loopback, ", no broadcast, loopback"),
        (link.no_arp, ", no arp"),
        (!link.multicast, ", no multicast"),
    ];
    flags.into_iter().filter(|(is, _)| *is).for_each(|(_, word)| state += word);
    line!(text, "   State = {state}");
    line!(text, "   Seen up = {}", u8::from(moment.network.interfaces.has_been_up(link)));
    line!(text, "   Delayed state change running = {}", moment.tracking.links.is_delayed(&link.name));
    let below = moment.network.below(&link.name);
    let delayed = below.unwrap_or(&link.name);
    let delays = config.interface_delays.iter().find(|delay| delay.interface == delayed);
    let (up, down) = delays.map_or((0, 0), |delay| (delay.up.as_micros(), delay.down.as_micros()));
    line!(text, "   Up debounce timer = {up}us");
    line!(text, "   Down debounce timer = {down}us");
    macvlan(link, moment, text);
    if below.is_some() {
        line!(text, "   I/f created by keepalived");
    }
    line!(text, "   MTU = {}", link.mtu);
    line!(text, "   HW Type = {}", if link.loopback { "LOOPBACK" } else { "ETHERNET" });
    let polled = match moment.tracking.linkbeat.method(&link.name) {
        None => "netlink status update",
        Some(LinkbeatMethod::Mii) => "support MII regs",
        Some(LinkbeatMethod::Ethtool) => "support ETHTOOL GLINK interface",
        Some(LinkbeatMethod::Ioctl) => "ioctl refresh polling",
    };
    line!(text, "   NIC {polled}");
    settings(link, moment, text);
    tracking(link, moment, text);
}

fn standing(link: &Link) -> String {
    let not = |is: bool| if is { "" } else { "not " };
    format!("{}UP, {}RUNNING", not(link.up), not(link.running))
}

fn macvlan(link: &Link, moment: &Moment<'_>, text: &mut String) {
    let Some(mode) = link.macvlan else { return };
    let mode = match mode {
        MacvlanMode::Private => "private",
        MacvlanMode::Vepa => "vepa",
        MacvlanMode::Bridge => "bridge",
    };
    let interfaces = &moment.network.interfaces;
    match link.parent.and_then(|parent| interfaces.link_at(parent)).filter(|_| !link.parent_elsewhere) {
        Some(parent) => {
            let state = standing(parent);
            line!(text, "   VMAC type {mode}, underlying interface = {}, state = {state}", parent.name);
        }
        None => line!(text, "   VMAC type {mode}, underlying interface in different namespace"),
    }
}

/// What was changed of an interface for virtual ones and for `promote_secondaries`, and how often.
fn settings(link: &Link, moment: &Moment<'_>, text: &mut String) {
    let (network, name) = (moment.network, link.name.as_str());
    let borrowers = network.arp_borrowers(name);
    line!(text, "   Reset ARP config counter {borrowers}");
    line!(text, "   Original arp_ignore {}", network.original(name, Setting::ArpIgnore));
    line!(text, "   Original arp_filter {}", network.original(name, Setting::ArpFilter));
    if (borrowers > 0 || network.is_virtual(name))
        && let Ok(filter) = netlink::sysctl::read(name, Setting::RpFilter)
    {
        line!(text, "   rp_filter {filter}");
    }
    line!(text, "   Original promote_secondaries {}", network.original(name, Setting::PromoteSecondaries));
    line!(text, "   Reset promote_secondaries counter {}", network.promoters(name));
}

fn tracking(link: &Link, moment: &Moment<'_>, text: &mut String) {
    let mut said = false;
    for instance in moment.instances {
        let tracked = instance.config.track_interfaces.iter().find(|one| one.interface == link.name);
        let weight = match tracked {
            Some(tracked) => tracked.weight,
            None if instance.own_interface() == link.name => TrackWeight::default(),
            None if instance.config.interface == link.name && !instance.config.dont_track_primary => {
                TrackWeight::default()
            }
            None => continue,
        };
        if !std::mem::replace(&mut said, true) {
            line!(text, "   Tracking VRRP instances :");
        }
        let reverse = super::words::reverse(weight);
        line!(text, "     {}, weight {}{reverse}", instance.config.name, weight.weight);
    }
}
