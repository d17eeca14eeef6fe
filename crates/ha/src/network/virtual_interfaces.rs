//! `use_vmac`, `use_vmac_addr`, `use_ipvlan`: interfaces that instances make for themselves, with the
//! virtual router's Ethernet address (RFC 5798 §7.3).
//!
//! They are made at the start, or adopted where a process before this one left them, stay up whoever
//! is master, and are deleted at the stop.

use super::Network;
use super::interfaces::Interfaces;
use crate::instance::Instance;
use crate::{Host, Level};
use keepalived_conf::model::{
    Config, Family, IpvlanMode, TrackInterface, TrackWeight, VirtualAddress, VirtualInterface, VmacAddress,
    VrrpInstance,
};
use netlink::sysctl::{Setting, Sysctls, VMAC, VMAC_PARENT};
use netlink::{
    Change, IpvlanFlag, LinkChange, LinkKind, MacvlanMode, NewAddress, NewLink, Silence, SilentLinks,
};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};
use wire::Mac;

/// The longest name of an interface, in bytes.
const LONGEST_NAME: usize = 15;

/// An interface to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct VirtualLink {
    /// Its name.
    pub(crate) name: String,
    /// The interface below.
    pub(crate) parent: String,
    kind: LinkKind,
    mac: Option<Mac>,
    group: Option<u32>,
    /// `netlink_notify_msg`.
    notify: bool,
    /// Family of what it carries.
    family: Family,
    /// Whether it also carries the other family.
    both: bool,
    /// Whether advertisements leave by it, so that IPv6 needs a link-local address there.
    sends: bool,
    /// The address of the configuration to send from.
    source: Option<IpAddr>,
    /// An ipvlan's own address and its prefix length.
    own: Option<(IpAddr, u8)>,
}

impl VirtualLink {
    /// Whether a link is this one: it need not be made.
    fn is(&self, link: &netlink::Link, parent: &netlink::Link) -> bool {
        let kind = match self.kind {
            LinkKind::Macvlan(mode) => link.macvlan == Some(mode),
            LinkKind::Ipvlan(_) => true,
        };
        let place = match self.goes_below(parent) {
            true => (link.parent, link.parent_elsewhere) == (parent.parent, parent.parent_elsewhere),
            false => link.parent == Some(parent.index),
        };
        kind && link.kind.as_deref() == Some(self.kind.name())
            && place
            && self.mac.is_none_or(|mac| link.mac == Some(mac))
    }

    /// The address to send advertisements of IPv6 from: the link below has it too, unless the configuration
    /// names another.
    fn copy(&self, interfaces: &Interfaces) -> Option<IpAddr> {
        if self.family != Family::Ipv6 || !self.sends {
            return None;
        }
        self.source.or_else(|| interfaces.first_address(&self.parent, vrrp::Family::V6, |_| false))
    }

    /// Whether the kernel puts it beside the interface it is made on, onto what that one lies on: a macvlan
    /// of a macvlan, which is what containers often have, and an ipvlan of an ipvlan.
    fn goes_below(&self, parent: &netlink::Link) -> bool {
        parent.kind.as_deref() == Some(self.kind.name())
    }
}

/// Gives names to the interfaces of instances and says on which interface each address is. Returns
/// what is to be made.
///
/// Names are those of keepalived: `vrrp.VRID`, with a number behind `vrrp` when that is taken.
pub(crate) fn plan(config: &mut Config, interfaces: &Interfaces) -> Vec<VirtualLink> {
    let global = &config.global;
    let prefix = global.vmac_prefix.clone().unwrap_or_else(|| "vrrp".into());
    let address_prefix = global.vmac_address_prefix.clone().unwrap_or_else(|| prefix.clone());
    let given = config.instances.iter().filter_map(|instance| name_of(instance).map(str::to_owned));
    let mut names: Vec<String> = given.collect();
    let mut links: Vec<VirtualLink> = Vec::new();
    for instance in &mut config.instances {
        let Some(mut link) = link_of(instance) else { continue };
        if link.name.is_empty() {
            link.name = free_name(&prefix, instance.vrid, &link, &names, interfaces);
            names.push(link.name.clone());
        }
        match &mut instance.virtual_interface {
            Some(VirtualInterface::Vmac(vmac)) => vmac.name = Some(link.name.clone()),
            Some(VirtualInterface::Ipvlan(ipvlan)) => ipvlan.name = Some(link.name.clone()),
            None => {}
        }
        // Two instances of one sync group may share one.
        if !links.iter().any(|known| known.name == link.name) {
            links.push(link);
        }
    }
    for instance in &mut config.instances {
        let mut places = Vec::new();
        for address in instance.addresses.iter().chain(&instance.excluded) {
            let (dev, on_vmac) = place(instance, address);
            let Some(parent) = on_vmac else {
                places.push(dev);
                continue;
            };
            let family = Family::of(address.address);
            let mac = mac_of(instance, family);
            let same = |known: &&VirtualLink| known.parent == parent && known.mac == Some(mac);
            let name = match links.iter().find(same) {
                Some(known) => known.name.clone(),
                None => {
                    let mut link = address_link(parent, mac, family);
                    link.name = free_name(&address_prefix, instance.vrid, &link, &names, interfaces);
                    names.push(link.name.clone());
                    links.push(link);
                    names[names.len() - 1].clone()
                }
            };
            places.push(Some(name));
        }
        let addresses = instance.addresses.iter_mut().chain(&mut instance.excluded);
        for (address, dev) in addresses.zip(places) {
            address.dev = dev;
        }
    }
    links
}

/// Lets instances track what keepalived tracks unasked: the interfaces below their addresses, those
/// of their routes and rules, and those of static ones that name their `track_group`. Without such an
/// interface the instance cannot hold all of these, so a weight that is written for it does not count.
pub(crate) fn track_implied(config: &mut Config, links: &[VirtualLink]) {
    let below = |dev: &str| {
        links.iter().find(|link| link.name == dev).map_or(dev, |link| link.parent.as_str()).to_owned()
    };
    let groups = std::mem::take(&mut config.track_groups);
    let addresses = config.static_addresses.iter().map(|a| (&a.track_group, a.no_track, &a.dev));
    let routes = config.static_routes.iter().map(|r| (&r.track_group, r.no_track, &r.dev));
    let rules = config.static_rules.iter().map(|r| (&r.track_group, r.no_track, &r.iif));
    let statics: Vec<(&str, &str)> = addresses
        .chain(routes)
        .chain(rules)
        .filter_map(|(group, no_track, dev)| (!no_track).then_some((group.as_deref()?, dev.as_deref()?)))
        .collect();
    for instance in &mut config.instances {
        let addresses = instance.addresses.iter().chain(&instance.excluded).map(|a| (a.no_track, &a.dev));
        let routes = instance.routes.iter().map(|r| (r.no_track, &r.dev));
        let rules = instance.rules.iter().flat_map(|r| [(r.no_track, &r.iif), (r.no_track, &r.oif)]);
        let own = addresses.chain(routes).chain(rules);
        let mut wanted: Vec<String> = own
            .filter(|(no_track, _)| !no_track)
            .filter_map(|(_, dev)| Some(below(dev.as_deref()?)))
            .collect();
        for (group, dev) in &statics {
            let member = |group: &&keepalived_conf::model::TrackGroup| group.members.contains(&instance.name);
            if groups.iter().filter(|known| known.name == *group).any(|known| member(&known)) {
                wanted.push(below(dev));
            }
        }
        for interface in wanted {
            let weight = TrackWeight { weight: 0, reverse: false };
            let known = instance.track_interfaces.iter_mut().find(|known| known.interface == interface);
            match known {
                Some(known) => known.weight = weight,
                None if interface == instance.interface => {}
                None => instance.track_interfaces.push(TrackInterface { interface, weight }),
            }
        }
    }
    config.track_groups = groups;
}

fn name_of(instance: &VrrpInstance) -> Option<&str> {
    match instance.virtual_interface.as_ref()? {
        VirtualInterface::Vmac(vmac) => vmac.name.as_deref(),
        VirtualInterface::Ipvlan(ipvlan) => ipvlan.name.as_deref(),
    }
}

/// The interface of an instance; its name is empty when none is given.
fn link_of(instance: &VrrpInstance) -> Option<VirtualLink> {
    let family = instance.family;
    let link = VirtualLink {
        name: name_of(instance).unwrap_or_default().to_owned(),
        both: instance.excluded.iter().any(|address| Family::of(address.address) != family),
        source: instance.source,
        ..address_link(&instance.interface, mac_of(instance, family), family)
    };
    Some(match instance.virtual_interface.as_ref()? {
        VirtualInterface::Vmac(vmac) => VirtualLink {
            group: vmac.group,
            notify: vmac.notify,
            sends: !vmac.transmit_base && instance.unicast.is_none(),
            ..link
        },
        VirtualInterface::Ipvlan(ipvlan) => {
            let flag = match ipvlan.mode {
                IpvlanMode::Bridge => IpvlanFlag::Bridge,
                IpvlanMode::Private => IpvlanFlag::Private,
                IpvlanMode::Vepa => IpvlanFlag::Vepa,
            };
            VirtualLink {
                kind: LinkKind::Ipvlan(flag),
                mac: None,
                group: ipvlan.group,
                own: ipvlan.address.map(|own| (own.address, own.length)),
                ..link
            }
        }
    })
}

/// A VMAC for addresses alone.
fn address_link(parent: &str, mac: Mac, family: Family) -> VirtualLink {
    VirtualLink {
        name: String::new(),
        parent: parent.to_owned(),
        kind: LinkKind::Macvlan(MacvlanMode::Private),
        mac: Some(mac),
        group: None,
        notify: false,
        family,
        both: false,
        sends: false,
        source: None,
        own: None,
    }
}

fn mac_of(instance: &VrrpInstance, family: Family) -> Mac {
    match &instance.virtual_interface {
        Some(VirtualInterface::Vmac(vmac)) => match vmac.address {
            VmacAddress::Given(bytes) => Mac(bytes),
            VmacAddress::Standard => Mac::virtual_router(instance.vrid, family == Family::Ipv6),
        },
        _ => Mac::virtual_router(instance.vrid, family == Family::Ipv6),
    }
}

/// Where an address goes: its `dev` (none is the instance's own interface), and the interface below
/// when it needs a VMAC of its own.
fn place<'a>(instance: &'a VrrpInstance, address: &'a VirtualAddress) -> (Option<String>, Option<&'a str>) {
    let at_home = address.dev.as_deref().is_none_or(|dev| dev == instance.interface);
    let same_family = Family::of(address.address) == instance.family;
    // Those of an instance with an ipvlan stay on the interface below, unless they name it.
    let vmac = matches!(instance.virtual_interface, Some(VirtualInterface::Vmac(_)));
    if at_home && vmac && same_family {
        return (None, None);
    }
    let by_instance = instance.vmac_for_addresses && (!at_home || !same_family);
    if address.use_vmac || by_instance {
        return (None, Some(address.dev.as_deref().unwrap_or(&instance.interface)));
    }
    match at_home && instance.virtual_interface.is_some() {
        true => (Some(instance.interface.clone()), None),
        false => (address.dev.clone(), None),
    }
}

fn free_name(
    prefix: &str,
    vrid: u8,
    link: &VirtualLink,
    names: &[String],
    interfaces: &Interfaces,
) -> String {
    let parent = interfaces.link(&link.parent);
    let is_free = |name: &String| {
        let adoptable = match (interfaces.link(name), parent) {
            (None, _) => true,
            (Some(known), Some(parent)) => link.is(known, parent),
            (Some(_), None) => false,
        };
        adoptable && !names.contains(name)
    };
    let name = |number: Option<u32>| {
        let tail = match number {
            Some(number) => format!("{number}.{vrid}"),
            None => format!(".{vrid}"),
        };
        let room = LONGEST_NAME.saturating_sub(tail.len());
        let head: String = prefix.chars().take(room).collect();
        head + &tail
    };
    // keepalived tries `vrrp6` second for IPv6.
    let second = if link.family == Family::Ipv6 { [Some(6)].iter() } else { [].iter() };
    let numbers = std::iter::once(None).chain(second.copied()).chain((1..).map(Some));
    numbers.map(name).find(is_free).unwrap_or_default()
}

/// What was made.
#[derive(Debug, Default)]
pub(crate) struct VirtualInterfaces {
    wanted: Vec<VirtualLink>,
    /// What was wanted before and may be in use until instances have moved.
    left: Vec<VirtualLink>,
    /// Names of those that a master uses.
    busy: Vec<String>,
    /// Why one of them is not there, by name.
    troubles: BTreeMap<String, String>,
    sysctls: Sysctls,
    /// What was set of an interface that exists, and its index then.
    tuned: BTreeMap<String, (u32, Vec<(Setting, i32)>)>,
    /// `None` until it is needed.
    silencer: Option<SilentLinks>,
    /// What tells this program from others of ours here.
    program: Option<String>,
    /// What was kept silent last.
    silence: Silence,
    /// Interfaces that keep their secondary addresses.
    promoting: Vec<String>,
    freed: bool,
}

impl Network {
    /// Takes other virtual interfaces and makes those that do not exist. One that is in use in another
    /// shape stays until [`Network::drop_virtual_interfaces`].
    pub(crate) fn want_virtual_interfaces(
        &mut self,
        wanted: Vec<VirtualLink>,
        promoting: Vec<String>,
        program: Option<String>,
        host: &mut dyn Host,
    ) {
        self.virtual_interfaces.program = program;
        self.virtual_interfaces.left.extend(std::mem::replace(&mut self.virtual_interfaces.wanted, wanted));
        self.virtual_interfaces.promoting = promoting;
        self.make_virtual_interfaces(host);
    }

    /// Deletes the virtual interfaces that a reload has left without an instance, and makes those anew
    /// that are to be others.
    pub(crate) fn drop_virtual_interfaces(&mut self, host: &mut dyn Host) {
        for old in std::mem::take(&mut self.virtual_interfaces.left) {
            let shape = |link: &VirtualLink| (link.name.clone(), link.parent.clone(), link.kind, link.mac);
            if !self.virtual_interfaces.wanted.iter().any(|link| shape(link) == shape(&old)) {
                self.delete_virtual_interface(&old, host);
            }
        }
        self.make_virtual_interfaces(host);
    }

    /// The process stops: deletes all of them and puts settings back.
    pub(crate) fn remove_virtual_interfaces(&mut self, host: &mut dyn Host) {
        for link in std::mem::take(&mut self.virtual_interfaces.wanted) {
            self.delete_virtual_interface(&link, host);
        }
        let own = &mut self.virtual_interfaces;
        if let Some(silencer) = &mut own.silencer {
            complain(silencer.set(&Silence::default()), "let virtual interfaces report their groups", host);
        }
        complain(own.sysctls.restore_all(), "put settings of interfaces back", host);
    }

    fn delete_virtual_interface(&mut self, old: &VirtualLink, host: &mut dyn Host) {
        let parent = self.interfaces.link(&old.parent);
        let link = self.interfaces.link(&old.name);
        let Some((link, _)) = link.zip(parent).filter(|(link, parent)| old.is(link, parent)) else {
            return;
        };
        let link = link.clone();
        complain(self.requests.delete_link(link.index), &format!("delete {}", link.name), host);
        self.interfaces.apply(Change::LinkRemoved(link));
    }

    /// Makes the virtual interfaces that are not there although those below are. Returns the names of
    /// those that are new.
    pub(crate) fn make_virtual_interfaces(&mut self, host: &mut dyn Host) -> Vec<String> {
        let wanted = std::mem::take(&mut self.virtual_interfaces.wanted);
        let mut made = Vec::new();
        let before = std::mem::take(&mut self.virtual_interfaces.troubles);
        for link in &wanted {
            match self.make(link, host) {
                Ok(true) => made.push(link.name.clone()),
                Ok(false) => {}
                Err(why) => {
                    let known = before.get(&link.name).is_some_and(|known| *known == why);
                    if !known {
                        host.log(Level::Error, &why);
                    }
                    self.virtual_interfaces.troubles.insert(link.name.clone(), why);
                }
            }
        }
        // A process before this one has silenced those that are up when this one begins: that it does so too
        // can wait until its masters have advertised.
        let goes_up = |link: &VirtualLink| self.interfaces.link(&link.name).is_some_and(|link| !link.up);
        if self.virtual_interfaces.silencer.is_some() || wanted.iter().any(goes_up) {
            self.silence(&wanted, host);
        }
        for link in &wanted {
            if self.virtual_interfaces.troubles.contains_key(&link.name) {
                continue;
            }
            if let Err(error) = self.raise(link) {
                let why = format!("cannot set {} up: {error}", link.name);
                self.virtual_interfaces.troubles.insert(link.name.clone(), why);
            }
        }
        self.virtual_interfaces.wanted = wanted;
        self.tune(host);
        made
    }

    /// Makes or adopts one. Says whether it is new.
    fn make(&mut self, wanted: &VirtualLink, host: &mut dyn Host) -> Result<bool, String> {
        let VirtualLink { name, kind, mac, .. } = wanted;
        let Some(parent) = self.interfaces.link(&wanted.parent).cloned() else {
            return Err(format!("{name} waits for {}, which does not exist", wanted.parent));
        };
        let group = wanted.group.unwrap_or(parent.group);
        // On its way out a link goes down first.
        if let Some(known) = self.interfaces.link(name).filter(|known| !known.up).cloned()
            && self.requests.link(name).is_ok_and(|link| link.is_none())
        {
            self.interfaces.apply(Change::LinkRemoved(known));
        }
        if let Some(known) = self.interfaces.link(name).cloned() {
            if wanted.is(&known, &parent) {
                let change = LinkChange { group: Some(group), ..LinkChange::default() };
                if known.group != group && self.requests.change(known.index, &change).is_ok() {
                    self.interfaces.apply(Change::Link(netlink::Link { group, ..known }));
                }
                return Ok(false);
            }
            let virtual_ = matches!(known.kind.as_deref(), Some("macvlan" | "ipvlan"));
            if self.virtual_interfaces.left.iter().any(|old| old.name == *name) {
                return Ok(false);
            }
            if !virtual_ {
                return Err(format!("cannot make {name}: an interface of another kind has this name"));
            }
            host.log(Level::Info, &format!("Removing old interface {name}: it is another than wanted"));
            let deleted = self.requests.delete_link(known.index);
            deleted.map_err(|error| format!("cannot delete {name}: {error}"))?;
            self.interfaces.apply(Change::LinkRemoved(known));
        }
        // An interface of a VRF has its VMACs in the same VRF.
        let vrf = |master: &u32| {
            self.interfaces.link_at(*master).is_some_and(|link| link.kind.as_deref() == Some("vrf"))
        };
        let new = NewLink {
            name: name.clone(),
            parent: parent.index,
            kind: *kind,
            mac: *mac,
            master: parent.master.filter(vrf),
            group,
        };
        let link = self.requests.create(&new).map_err(|error| format!("cannot make {name}: {error}"))?;
        self.interfaces.apply(Change::Link(link));
        host.log(Level::Detail, &format!("made interface {name} on {}", wanted.parent));
        if wanted.notify {
            // The kernel does not tell of a bridge that a macvlan made promiscuous; setting what is set
            // makes it tell.
            let same = LinkChange { group: Some(parent.group), ..LinkChange::default() };
            complain(self.requests.change(parent.index, &same), "let the kernel tell of an interface", host);
        }
        Ok(true)
    }

    /// Switches one on, and gives it the addresses to send from.
    fn raise(&mut self, wanted: &VirtualLink) -> Result<(), netlink::Error> {
        let Some(link) = self.interfaces.link(&wanted.name).cloned() else { return Ok(()) };
        if !link.up {
            self.tune_own(wanted)?;
            let up = LinkChange { up: Some(true), ..LinkChange::default() };
            self.requests.change(link.index, &up)?;
            if let Some(link) = self.requests.link(&wanted.name)? {
                self.interfaces.apply(Change::Link(link));
            }
        }
        let needs = |network: &Self, address: IpAddr| !network.interfaces.has(&wanted.name, address);
        if let Some(source) = wanted.copy(&self.interfaces).filter(|source| needs(self, *source)) {
            self.requests.add(&NewAddress::new(link.index, source, 64))?;
            self.interfaces.apply(Change::Address(netlink::Address::new(link.index, source, 64)));
        }
        if let Some((address, prefix)) = wanted.own.filter(|(address, _)| needs(self, *address)) {
            self.requests.add(&NewAddress::new(link.index, address, prefix))?;
        }
        Ok(())
    }

    /// What a virtual interface must know before it goes up. The settings go with it.
    fn tune_own(&mut self, wanted: &VirtualLink) -> Result<(), netlink::Error> {
        let sysctls = &mut Sysctls::default();
        let v6 = wanted.family == Family::Ipv6 || wanted.both;
        let settings: &[(Setting, i32)] = match wanted.family {
            Family::Ipv4 => &VMAC,
            Family::Ipv6 => &VMAC[..1],
        };
        ignore_missing(sysctls.set(&wanted.name, &[(Setting::DisableV6, i32::from(!v6))]))?;
        ignore_missing(sysctls.set(&wanted.name, settings))
    }

    /// Sets what virtual interfaces need of the ones below, and `promote_secondaries`; puts back what
    /// nobody needs any more.
    fn tune(&mut self, host: &mut dyn Host) {
        let own = &mut self.virtual_interfaces;
        let mut settings: BTreeMap<&str, Vec<(Setting, i32)>> = BTreeMap::new();
        for link in own.wanted.iter().filter(|link| link.family == Family::Ipv4 && link.mac.is_some()) {
            settings.insert(&link.parent, VMAC_PARENT.to_vec());
            let parent = self.interfaces.link(&link.parent).filter(|parent| link.goes_below(parent));
            let below = parent.and_then(|parent| self.interfaces.link_at(parent.parent?));
            if let Some(below) = below {
                settings.insert(&below.name, VMAC_PARENT.to_vec());
            }
        }
        if !settings.is_empty() && !own.freed {
            own.freed = true;
            complain(own.sysctls.free_rp_filter(), "set rp_filter for virtual interfaces", host);
        }
        for interface in &own.promoting {
            settings.entry(interface).or_default().push((Setting::PromoteSecondaries, 1));
        }
        for (_, settings) in settings.iter_mut() {
            settings.dedup();
        }
        let is_stale = |interface: &&String| {
            settings.get(interface.as_str()) != own.tuned.get(*interface).map(|(_, set)| set)
        };
        let stale: Vec<String> = own.tuned.keys().filter(is_stale).cloned().collect();
        for interface in stale {
            own.tuned.remove(&interface);
            complain(own.sysctls.restore(&interface), &format!("put settings of {interface} back"), host);
        }
        for (interface, settings) in settings {
            let Some(index) = self.interfaces.link(interface).map(|link| link.index) else { continue };
            if own.tuned.get(interface).is_some_and(|(known, _)| *known == index) {
                continue;
            }
            complain(own.sysctls.set(interface, &settings), &format!("change settings of {interface}"), host);
            own.tuned.insert(interface.to_owned(), (index, settings));
        }
    }

    /// `disable_local_igmp`: lets the kernel report no membership of groups of the link, or again.
    pub(crate) fn disable_local_igmp(&mut self, disable: bool, host: &mut dyn Host) {
        let sysctls = &mut self.virtual_interfaces.sysctls;
        let outcome = match disable {
            true => sysctls.set(netlink::sysctl::EVERY_INTERFACE, &netlink::sysctl::NO_LOCAL_IGMP),
            false => sysctls.restore(netlink::sysctl::EVERY_INTERFACE),
        };
        complain(outcome, "switch local IGMP off or on", host);
    }

    /// What settings were before they were changed, for a successor.
    pub(crate) fn settings_before(&self) -> Vec<(String, String, i32)> {
        let before = self.virtual_interfaces.sysctls.before();
        before.map(|(interface, name, value)| (interface.to_owned(), name.to_owned(), value)).collect()
    }

    /// Takes over from a predecessor what settings are to be put back to.
    pub(crate) fn inherit_settings(&mut self, settings: &[(String, String, i32)]) {
        for (interface, name, value) in settings {
            self.virtual_interfaces.sysctls.inherit(interface, name, *value);
        }
    }

    /// Why an interface that an instance needs beside its own is of no use, if one is not.
    pub(crate) fn trouble_of(&self, instance: &Instance) -> Option<String> {
        let used = instance.addresses().map(|vip| instance.interface_of(vip));
        let trouble = |name: &str| self.virtual_interfaces.troubles.get(name).cloned();
        if let Some(why) = used.chain([instance.own_interface()]).find_map(trouble) {
            return Some(why);
        }
        let vrf = instance.config.vrf.as_deref().filter(|vrf| self.interfaces.link(vrf).is_none())?;
        Some(format!("vrf {vrf} does not exist, waiting for it"))
    }

    /// Whether an interface of this name is one of those.
    pub(crate) fn is_virtual(&self, name: &str) -> bool {
        self.virtual_interfaces.wanted.iter().any(|link| link.name == name)
    }

    /// The interface below one of those.
    pub(crate) fn below(&self, name: &str) -> Option<&str> {
        self.virtual_interfaces.wanted.iter().find(|link| link.name == name).map(|link| link.parent.as_str())
    }

    /// How many of those need an interface not to answer for their addresses.
    pub(crate) fn arp_borrowers(&self, name: &str) -> usize {
        let borrows =
            |link: &&VirtualLink| link.family == Family::Ipv4 && link.mac.is_some() && link.parent == name;
        self.virtual_interfaces.wanted.iter().filter(borrows).count()
    }

    /// How many instances keep the secondary addresses of an interface.
    pub(crate) fn promoters(&self, name: &str) -> usize {
        self.virtual_interfaces.promoting.iter().filter(|promoting| *promoting == name).count()
    }

    /// What a setting of an interface was before it was changed here; 0 where it cannot be read.
    pub(crate) fn original(&self, name: &str, setting: Setting) -> i32 {
        let before = self.virtual_interfaces.sysctls.before_of(name, setting);
        before.or_else(|| netlink::sysctl::read(name, setting).ok()).unwrap_or_default()
    }

    /// Whether there are any.
    pub(crate) fn has_virtual_interfaces(&self) -> bool {
        !self.virtual_interfaces.wanted.is_empty()
    }

    /// Keeps silent all virtual interfaces of IPv4, and those of IPv6 but the busy ones: what the kernel
    /// itself sends from one would lead switches to a backup. A master's IPv6 addresses need the reports
    /// of their groups.
    pub(crate) fn silence_all_but(&mut self, busy: Vec<String>, host: &mut dyn Host) {
        self.virtual_interfaces.busy = busy;
        let wanted = std::mem::take(&mut self.virtual_interfaces.wanted);
        self.silence(&wanted, host);
        self.virtual_interfaces.wanted = wanted;
    }

    fn silence(&mut self, wanted: &[VirtualLink], host: &mut dyn Host) {
        let nftables = self.nftables();
        let own = &mut self.virtual_interfaces;
        let macvlans = wanted.iter().filter(|link| link.mac.is_some());
        let quiet = macvlans.filter(|link| link.family == Family::Ipv4 || !own.busy.contains(&link.name));
        let interfaces = &self.interfaces;
        let index = |link: &VirtualLink| Some(interfaces.link(&link.name)?.index);
        let macvlans = wanted.iter().filter(|link| link.mac.is_some());
        let copied = macvlans.filter_map(|link| match link.copy(interfaces)? {
            IpAddr::V6(address) => Some((index(link)?, address)),
            IpAddr::V4(_) => None,
        });
        let (senders, mut copies): (Vec<u32>, Vec<Ipv6Addr>) = copied.unzip();
        // Those on one link have the same.
        copies.sort_unstable();
        copies.dedup();
        let silence = Silence { links: quiet.filter_map(index).collect(), senders, copies };
        if silence == own.silence {
            return;
        }
        let outcome = match (&mut own.silencer, nftables) {
            (Some(silencer), _) => silencer.set(&silence),
            (None, Ok(nftables)) => {
                let silencer = SilentLinks::new(nftables, own.program.as_deref());
                own.silencer.insert(silencer).set(&silence)
            }
            (None, Err(error)) => Err(error),
        };
        complain(outcome, "keep virtual interfaces from being heard", host);
        own.silence = silence;
    }
}

/// A kernel without IPv6 has none of its settings.
fn ignore_missing(outcome: Result<(), netlink::Error>) -> Result<(), netlink::Error> {
    match outcome {
        Err(netlink::Error::Kernel(rustix::io::Errno::NOENT)) => Ok(()),
        other => other,
    }
}

fn complain<T>(outcome: Result<T, netlink::Error>, what: &str, host: &mut dyn Host) {
    if let Err(error) = outcome {
        host.log(Level::Warning, &format!("cannot {what}: {error}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keepalived_conf::model::{Rule, RuleAction};

    #[test]
    fn interfaces_of_addresses_and_rules_are_tracked() {
        let rule = |iif: Option<&str>, oif: Option<&str>| Rule {
            iif: iif.map(str::to_owned),
            oif: oif.map(str::to_owned),
            ..Rule::new(Family::Ipv4, RuleAction::Table(1), 1)
        };
        let mut address = VirtualAddress::new(IpAddr::from([10, 0, 0, 1]), 24);
        address.dev = Some("eth1".into());
        let instance = VrrpInstance {
            interface: "eth0".into(),
            addresses: vec![address],
            rules: vec![
                rule(Some("eth2"), Some("eth3")),
                Rule { no_track: true, ..rule(Some("eth4"), Some("eth5")) },
                rule(Some("eth0"), Some("eth2")),
            ],
            track_interfaces: ["eth3", "eth6"]
                .map(|name| TrackInterface {
                    interface: name.into(),
                    weight: TrackWeight { weight: 20, reverse: true },
                })
                .to_vec(),
            ..VrrpInstance::default()
        };
        let mut config = Config { instances: vec![instance], ..Config::default() };
        track_implied(&mut config, &[]);
        let tracked = config.instances[0].track_interfaces.iter();
        let tracked = tracked.map(|one| (one.interface.as_str(), one.weight.weight, one.weight.reverse));
        let expected = [("eth3", 0, false), ("eth6", 20, true), ("eth1", 0, false), ("eth2", 0, false)];
        assert_eq!(tracked.collect::<Vec<_>>(), expected);
    }
}
