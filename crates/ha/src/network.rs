//! What instances do to the network: advertisements, addresses, announcements.

use crate::announce::{Announcement, Announcer};
use crate::instance::Instance;
use crate::interfaces::Interfaces;
use crate::sockets::{Purpose, RawSocket};
use crate::{Error, Host, Level};
use keepalived_conf::model::VirtualAddress;
use netlink::{DropRules, NewAddress, Requests};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use vrrp::{Burst, Time};
use wire::Ipv4Header;

/// Internetwork control, as keepalived marks its packets.
const TOS: u8 = 0xc0;

/// The network side of the process.
#[derive(Debug)]
pub(crate) struct Network {
    requests: Requests,
    pub(crate) interfaces: Interfaces,
    pub(crate) sockets: Vec<RawSocket>,
    announcer: Announcer,
    /// `None` until rules are needed.
    drop_rules: Option<DropRules>,
    body: Vec<u8>,
    packet: Vec<u8>,
}

impl Network {
    pub(crate) fn open() -> Result<Self, Error> {
        let refused = |errno| Error::Kernel { what: "a packet socket", errno };
        let mut network = Self {
            requests: Requests::open()?,
            interfaces: Interfaces::default(),
            sockets: Vec::new(),
            announcer: Announcer::open().map_err(refused)?,
            drop_rules: None,
            body: Vec::new(),
            packet: Vec::new(),
        };
        network.look()?;
        Ok(network)
    }

    /// Asks for all links and addresses anew.
    pub(crate) fn look(&mut self) -> Result<(), Error> {
        self.interfaces = Interfaces::new(self.requests.links()?, self.requests.addresses()?);
        Ok(())
    }

    /// Sets `vrrp_garp_interval`.
    pub(crate) fn set_garp_interval(&mut self, interval: Duration) {
        self.announcer.interval = interval;
    }

    /// Opens, reopens and closes sockets so that there is one for each purpose whose interface exists.
    /// Returns a reason for each purpose that has none although its interface exists.
    pub(crate) fn provide_sockets(&mut self, wanted: &[Purpose]) -> Vec<(Purpose, String)> {
        let interfaces = &self.interfaces;
        let index = |purpose: &Purpose| interfaces.link(&purpose.interface).map(|link| link.index);
        self.sockets
            .retain(|socket| wanted.contains(&socket.purpose) && index(&socket.purpose) == Some(socket.link));
        let mut failures: Vec<(Purpose, String)> = Vec::new();
        for purpose in wanted {
            let known = self.sockets.iter().any(|socket| socket.purpose == *purpose)
                || failures.iter().any(|(failed, _)| failed == purpose);
            let Some(link) = index(purpose).filter(|_| !known) else { continue };
            match RawSocket::open(purpose.clone(), link) {
                Ok(socket) => self.sockets.push(socket),
                Err(error) => failures.push((purpose.clone(), format!("cannot open a raw socket: {error}"))),
            }
        }
        failures
    }

    /// Drops what is sent to or from exactly these addresses.
    pub(crate) fn drop_packets(&mut self, addresses: &[Ipv4Addr], host: &mut dyn Host) {
        let dropped: Vec<(IpAddr, u32)> = addresses.iter().map(|address| ((*address).into(), 0)).collect();
        let outcome = match &mut self.drop_rules {
            Some(rules) => rules.set(&dropped),
            None => DropRules::open().and_then(|rules| self.drop_rules.insert(rules).set(&dropped)),
        };
        // Where there is no netfilter there are no rules that could be left over.
        if let Err(error) = outcome
            && !addresses.is_empty()
        {
            host.log(Level::Error, &format!("cannot set the drop rules of vrrp_strict: {error}"));
        }
    }

    /// Sends an advertisement to the group or to every peer.
    pub(crate) fn advertise(&mut self, instance: &mut Instance, priority: u8, host: &mut dyn Host) {
        let Some(source) = instance.source else { return };
        // Without a carrier there is nobody to hear it.
        if !self.interfaces.is_usable(&instance.config.interface) {
            return;
        }
        let Some(socket) = self.sockets.iter().find(|socket| socket.purpose == instance.purpose) else {
            return;
        };
        let (ttl, count) = match &instance.config.unicast {
            Some(unicast) => (unicast.ttl, unicast.peers.len()),
            None => (255, 1),
        };
        for peer in 0..count {
            let destination = match &instance.config.unicast {
                Some(unicast) => unicast.peers[peer],
                None => instance.config.mcast_group,
            };
            let id = instance.next_packet_id();
            self.body.clear();
            instance.advertisement(priority).write(source, destination, &mut self.body);
            let header = Ipv4Header { tos: TOS, id, ttl, protocol: vrrp::PROTOCOL, source, destination };
            self.packet.clear();
            self.packet.extend(header.build(self.body.len()));
            self.packet.extend_from_slice(&self.body);
            if let Err(errno) = socket.send(&self.packet, destination) {
                let name = &instance.config.name;
                host.log(Level::Info, &format!("({name}) Cant send advert to {destination} ({errno})"));
            }
        }
    }

    /// Adds the addresses of an instance that `chosen` chooses.
    pub(crate) fn install(
        &mut self,
        instance: &Instance,
        chosen: impl Fn(&VirtualAddress) -> bool,
        host: &mut dyn Host,
    ) {
        let name = &instance.config.name;
        for address in instance.addresses().filter(|address| chosen(address)) {
            let interface = interface_of(instance, address);
            let Some(new) = self.new_address(interface, address) else {
                host.log(
                    Level::Error,
                    &format!("({name}) cannot add {}: {interface} does not exist", address.address),
                );
                continue;
            };
            if let Err(error) = self.requests.add(&new) {
                let what = format!("({name}) cannot add {} to {interface}: {error}", address.address);
                host.log(Level::Error, &what);
            }
        }
    }

    /// Deletes addresses that belong, or did until now, to an instance. Says how many were there.
    pub(crate) fn remove<'a>(
        &mut self,
        instance: &Instance,
        addresses: impl Iterator<Item = &'a VirtualAddress>,
        host: &mut dyn Host,
    ) -> usize {
        let mut removed = 0;
        for address in addresses {
            if let IpAddr::V4(v4) = address.address {
                self.announcer.forget(v4);
            }
            let interface = interface_of(instance, address);
            let Some(new) = self.new_address(interface, address) else { continue };
            match self.requests.delete(&new) {
                Ok(there) => removed += usize::from(there),
                Err(error) => {
                    let name = &instance.config.name;
                    let what =
                        format!("({name}) cannot remove {} from {interface}: {error}", address.address);
                    host.log(Level::Error, &what);
                }
            }
        }
        removed
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
        };
        for round in 0..rounds {
            for address in instance.addresses().filter(|address| chosen(address)) {
                let interface = interface_of(instance, address);
                let IpAddr::V4(v4) = address.address else { continue };
                let Some(link) = self.interfaces.link(interface) else { continue };
                let Some(mac) = link.mac.filter(|_| !link.no_arp) else { continue };
                if round == 0 {
                    let name = &instance.config.name;
                    let line = format!("({name}) Sending/queueing gratuitous ARPs on {interface} for {v4}");
                    host.log(Level::Detail, &line);
                }
                self.announcer.queue(Announcement { link: link.index, mac, address: v4 });
            }
        }
        self.send_announcements(now, host);
    }

    /// Sends the announcements whose time has come.
    pub(crate) fn send_announcements(&mut self, now: Time, host: &mut dyn Host) {
        let interfaces = &self.interfaces;
        self.announcer.send_due(now, |announcement, outcome| {
            let interface = interfaces.link_at(announcement.link).map_or("?", |link| &link.name);
            let address = announcement.address;
            match outcome {
                Ok(()) => {
                    host.log(Level::Detail, &format!("Sending gratuitous ARP on {interface} for {address}"))
                }
                Err(errno) => host.log(
                    Level::Error,
                    &format!("Error sending gratuitous ARP on {interface} for {address}: {errno}"),
                ),
            }
        });
    }

    /// When an announcement that waits may go.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        self.announcer.next_deadline()
    }

    fn new_address(&self, interface: &str, address: &VirtualAddress) -> Option<NewAddress> {
        let broadcast: Option<Ipv4Addr> = match address.broadcast {
            Some(IpAddr::V4(v4)) => Some(v4),
            Some(IpAddr::V6(_)) | None => None,
        };
        let link = self.interfaces.link(interface)?.index;
        Some(NewAddress {
            broadcast,
            scope: address.scope,
            label: address.label.clone(),
            ..NewAddress::new(link, address.address, address.prefix)
        })
    }
}

/// Where an address goes: `dev`, or the instance's interface.
pub(crate) fn interface_of<'a>(instance: &'a Instance, address: &'a VirtualAddress) -> &'a str {
    address.dev.as_deref().unwrap_or(&instance.config.interface)
}
