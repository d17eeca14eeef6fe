//! Virtual addresses: many of them in one request to the kernel.

use super::Network;
use crate::instance::Instance;
use crate::{Host, Level};
use keepalived_conf::model::{Lifetime, VirtualAddress};
use netlink::{NewAddress, Outcome};
use std::net::IpAddr;
use vrrp::{Burst, Time};

impl Network {
    /// Adds the addresses of an instance that `chosen` chooses.
    pub(crate) fn install(
        &mut self,
        instance: &Instance,
        chosen: impl Fn(&VirtualAddress) -> bool,
        host: &mut dyn Host,
    ) {
        let name = &instance.config.name;
        let mut places = Vec::new();
        let mut wanted = Vec::new();
        for address in instance.addresses().filter(|address| chosen(address)) {
            let interface = instance.interface_of(address);
            match self.new_address(interface, address) {
                Some(new) => {
                    places.push((address.address, interface));
                    wanted.push(new);
                }
                None => host.log(
                    Level::Error,
                    &format!("({name}) cannot add {}: {interface} does not exist", address.address),
                ),
            }
        }
        match self.requests.add_all(&wanted) {
            Ok(outcomes) => {
                for ((address, interface), outcome) in places.into_iter().zip(outcomes) {
                    if let Outcome::Refused(errno) = outcome {
                        let what = format!("({name}) cannot add {address} to {interface}: {errno}");
                        host.log(Level::Error, &what);
                    }
                }
            }
            Err(error) => host.log(Level::Error, &format!("({name}) cannot add addresses: {error}")),
        }
    }

    /// Deletes addresses that belong, or did until now, to an instance. Says how many were there.
    pub(crate) fn remove<'a>(
        &mut self,
        instance: &'a Instance,
        addresses: impl Iterator<Item = &'a VirtualAddress>,
        host: &mut dyn Host,
    ) -> usize {
        let name = &instance.config.name;
        let (mut places, mut unwanted) = (Vec::new(), Vec::new());
        for address in addresses {
            self.announcer.forget(address.address);
            let interface = instance.interface_of(address);
            if let Some(new) = self.new_address(interface, address) {
                places.push((address.address, interface));
                unwanted.push(new);
            }
        }
        let outcomes = match self.requests.delete_all(&unwanted) {
            Ok(outcomes) => outcomes,
            Err(error) => {
                host.log(Level::Error, &format!("({name}) cannot remove addresses: {error}"));
                return 0;
            }
        };
        for ((address, interface), outcome) in places.into_iter().zip(&outcomes) {
            if let Outcome::Refused(errno) = outcome {
                let what = format!("({name}) cannot remove {address} from {interface}: {errno}");
                host.log(Level::Error, &what);
            }
        }
        outcomes.iter().filter(|outcome| **outcome == Outcome::Done).count()
    }

    /// Deletes an address wherever it is.
    pub(crate) fn remove_everywhere(&mut self, address: IpAddr, host: &mut dyn Host) {
        for (link, prefix) in self.interfaces.places(address) {
            let interface = self.interfaces.link_at(link).map_or("?", |link| &link.name);
            let line = match self.requests.delete(&NewAddress::new(link, address, prefix)) {
                Ok(_) => {
                    format!("removing {address} from {interface}: left behind by a process before this one")
                }
                Err(error) => format!("cannot remove {address} from {interface}: {error}"),
            };
            host.log(Level::Warning, &line);
        }
    }

    /// Announces the addresses of an instance that `chosen` chooses, round by round as keepalived.
    pub(crate) fn announce(
        &mut self,
        now: Time,
        instance: &Instance,
        burst: Burst,
        chosen: impl Fn(&VirtualAddress) -> bool,
        host: &mut dyn Host,
    ) {
        let garp = &instance.config.garp;
        let rounds = match burst {
            Burst::Master => garp.master_repeat,
            Burst::Lower => garp.lower_prio_repeat,
            Burst::Refresh => garp.refresh_repeat,
            Burst::Asked => 1,
        };
        let chosen: Vec<_> = instance.addresses().filter(|address| chosen(address)).collect();
        // Whoever makes us announce again and again must not make the queue grow.
        let waits = |first: &&VirtualAddress| self.announcer.waits(first.address);
        if burst != Burst::Master && chosen.first().is_some_and(waits) {
            return;
        }
        for round in 0..rounds {
            for address in &chosen {
                let interface = instance.interface_of(address);
                let Some(link) = self.interfaces.link(interface) else { continue };
                let Some(mac) = link.mac.filter(|_| !link.no_arp) else { continue };
                if round == 0 {
                    let (name, address) = (&instance.config.name, address.address);
                    let kind =
                        if address.is_ipv4() { "gratuitous ARPs" } else { "Unsolicited Neighbour Adverts" };
                    let line = format!("({name}) Sending/queueing {kind} on {interface} for {address}");
                    host.log(Level::Detail, &line);
                }
                let router = address.address.is_ipv6() && self.interfaces.forwards_v6(interface);
                let announcement =
                    super::Announcement { link: link.index, mac, address: address.address, router };
                self.announcer.queue(interface, announcement, round > 0);
            }
        }
        // Other instances that take over now come before repetitions.
        self.send(now, false, host);
    }

    /// Announces the first address of each interface that is wanted, by its name and whether it is virtual.
    pub(crate) fn announce_interfaces(
        &mut self,
        now: Time,
        instance: &Instance,
        wanted: impl Fn(&str, bool) -> bool,
        host: &mut dyn Host,
    ) {
        let mut done: Vec<&str> = Vec::new();
        for address in instance.addresses() {
            let interface = instance.interface_of(address);
            if done.contains(&interface) || !wanted(interface, self.is_virtual(interface)) {
                continue;
            }
            done.push(interface);
            let Some(link) = self.interfaces.link(interface) else { continue };
            let Some(mac) = link.mac.filter(|_| !link.no_arp) else { continue };
            let router = address.address.is_ipv6() && self.interfaces.forwards_v6(interface);
            let announcement =
                super::Announcement { link: link.index, mac, address: address.address, router };
            self.announcer.queue(interface, announcement, false);
        }
        self.send_announcements(now, host);
    }

    /// Sends the announcements whose time has come.
    pub(crate) fn send_announcements(&mut self, now: Time, host: &mut dyn Host) {
        self.send(now, true, host);
    }

    fn send(&mut self, now: Time, repeated_too: bool, host: &mut dyn Host) {
        let interfaces = &self.interfaces;
        self.announcer.send_due(now, repeated_too, |announcement, outcome| {
            let interface = interfaces.link_at(announcement.link).map_or("?", |link| &link.name);
            let address = announcement.address;
            let kind = if address.is_ipv4() { "gratuitous ARP" } else { "unsolicited Neighbour Advert" };
            match outcome {
                Ok(()) => host.log(Level::Detail, &format!("Sending {kind} on {interface} for {address}")),
                Err(errno) => host.log(
                    Level::Error,
                    &format!("Error sending {kind} on {interface} for {address}: {errno}"),
                ),
            }
        });
    }

    pub(super) fn new_address(&self, interface: &str, address: &VirtualAddress) -> Option<NewAddress> {
        let broadcast = match address.broadcast {
            Some(IpAddr::V4(v4)) => Some(v4),
            Some(IpAddr::V6(_)) | None => None,
        };
        Some(NewAddress {
            broadcast,
            scope: address.scope,
            label: address.label.clone(),
            peer: address.peer,
            nodad: address.address.is_ipv6() && !address.duplicate_detection,
            home: address.home,
            mngtmpaddr: address.manage_temporary,
            noprefixroute: address.no_prefix_route,
            autojoin: address.autojoin,
            preferred: match address.preferred {
                Lifetime::Forever => None,
                Lifetime::Seconds(seconds) => Some(seconds),
            },
            ..NewAddress::new(self.interfaces.link(interface)?.index, address.address, address.prefix)
        })
    }
}
