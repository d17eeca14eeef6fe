//! What instances do to the network: advertisements, addresses, announcements, leases.

mod addresses;
mod announce;
mod buffers;
mod interfaces;
mod lease;
mod renewer;
mod route;
mod routing;
mod sockets;
mod virtual_interfaces;

pub(crate) use announce::Announcement;
pub(crate) use buffers::Buffer;
pub(crate) use interfaces::{Interfaces, News};
pub(crate) use lease::Leases;
pub(crate) use routing::Statics;
pub(crate) use sockets::{LONGEST_PACKET, Purpose};
pub(crate) use virtual_interfaces::{plan, track_implied};

use crate::instance::Instance;
use crate::{Error, Host, Level};
use announce::Announcer;
use keepalived_conf::model::{GarpGroup, Global};
use netlink::{DropOn, DropRules, DropTable, Nftables, Requests};
use sockets::RawSocket;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::time::Duration;
use virtual_interfaces::VirtualInterfaces;
use vrrp::{Authentication, Time};
use wire::Ipv4Header;

/// Internetwork control, as keepalived marks its packets.
const TOS: u8 = 0xc0;

/// The network side of the process.
#[derive(Debug)]
pub(crate) struct Network {
    /// `None` where the kernel had none.
    nftables: Option<Nftables>,
    requests: Requests,
    pub(crate) interfaces: Interfaces,
    pub(crate) sockets: Vec<RawSocket>,
    announcer: Announcer,
    /// `None` until rules are needed.
    drop_rules: Option<DropRules>,
    statics: Statics,
    refused: routing::Refused,
    virtual_interfaces: VirtualInterfaces,
    body: Vec<u8>,
    packet: Vec<u8>,
}

impl Network {
    pub(crate) fn open(nftables: Option<Nftables>) -> Result<Self, Error> {
        let refused = |errno| Error::Kernel { what: "a packet socket", errno };
        let mut network = Self {
            nftables,
            requests: Requests::open()?,
            interfaces: Interfaces::default(),
            sockets: Vec::new(),
            announcer: Announcer::open().map_err(refused)?,
            drop_rules: None,
            statics: Statics::default(),
            refused: routing::Refused::default(),
            virtual_interfaces: VirtualInterfaces::default(),
            body: Vec::new(),
            packet: Vec::new(),
        };
        network.look()?;
        Ok(network)
    }

    /// The connection to nftables, tried anew where there was none.
    pub(crate) fn nftables(&self) -> Result<Nftables, netlink::Error> {
        self.nftables.clone().map_or_else(Nftables::open, Ok)
    }

    /// Asks for all links and addresses anew.
    pub(crate) fn look(&mut self) -> Result<(), Error> {
        self.interfaces.replace(self.requests.links()?, self.requests.addresses()?);
        Ok(())
    }

    /// Sets the pauses between announcements, `disable_local_igmp`, and `vrrp_netlink_cmd_rcv_bufs`.
    /// Less than there is would lose what the kernel answers to many requests at once.
    pub(crate) fn configure(&mut self, global: &Global, groups: Vec<GarpGroup>, host: &mut dyn Host) {
        self.announcer.configure(global, groups);
        self.disable_local_igmp(global.disable_local_igmp, host);
        let buffers = &global.processes.vrrp.netlink;
        let word = "vrrp_netlink_cmd_rcv_bufs";
        Buffer { word, bytes: buffers.command, force: buffers.command_force }.enlarge(&self.requests, host);
    }

    /// Opens, reopens and closes sockets so that there is one for each purpose whose interface exists.
    /// With each purpose goes the receive buffer that it wants, in bytes. Returns a reason for each
    /// purpose that has no socket although its interface exists.
    pub(crate) fn provide_sockets(&mut self, wanted: &[(Purpose, Option<u32>)]) -> Vec<(Purpose, String)> {
        let interfaces = &self.interfaces;
        let index = |purpose: &Purpose| match purpose.interface.as_str() {
            "" => Some(0),
            name => interfaces.link(name).map(|link| link.index),
        };
        self.sockets.retain(|socket| {
            wanted.iter().any(|(purpose, _)| *purpose == socket.purpose)
                && index(&socket.purpose) == Some(socket.link)
        });
        let mut failures: Vec<(Purpose, String)> = Vec::new();
        for (purpose, buffer) in wanted {
            let known = self.sockets.iter().any(|socket| socket.purpose == *purpose)
                || failures.iter().any(|(failed, _)| failed == purpose);
            let Some(link) = index(purpose).filter(|_| !known) else { continue };
            let below = match self.is_virtual(&purpose.interface) {
                true => interfaces.link_at(link).and_then(|link| link.parent),
                false => None,
            };
            match RawSocket::open(purpose.clone(), link, below) {
                Ok(socket) => {
                    if let Some(bytes) = buffer {
                        socket.set_receive_buffer(*bytes);
                    }
                    self.sockets.push(socket);
                }
                Err(error) => {
                    let why = match purpose.own.filter(|_| error.kind() == ErrorKind::AddrNotAvailable) {
                        Some(own) => format!("source address {own} is not there"),
                        None => format!("cannot open a raw socket: {error}"),
                    };
                    failures.push((purpose.clone(), why));
                }
            }
        }
        failures
    }

    /// Drops what is sent to or from exactly these addresses, by tables that look so.
    pub(crate) fn drop_packets(
        &mut self,
        addresses: &[(IpAddr, DropOn)],
        layout: &DropTable,
        host: &mut dyn Host,
    ) {
        let nftables = self.nftables();
        let outcome = match (&mut self.drop_rules, nftables) {
            (Some(rules), _) => rules.set(addresses, layout),
            (None, Ok(nftables)) => self.drop_rules.insert(DropRules::new(nftables)).set(addresses, layout),
            (None, Err(error)) => Err(error),
        };
        // Where there is no netfilter there are no rules that could be left over.
        if let Err(error) = outcome
            && !addresses.is_empty()
        {
            host.log(Level::Error, &format!("cannot set the drop rules of vrrp_strict: {error}"));
        }
    }

    /// Sends an advertisement to the group or to every peer. `wall` is the time since 1970.
    pub(crate) fn advertise(
        &mut self,
        instance: &mut Instance,
        priority: u8,
        wall: Duration,
        host: &mut dyn Host,
    ) {
        let Some(source) = instance.source_of(priority) else { return };
        // Without a carrier there is nobody to hear it.
        let interface = &instance.purpose.interface;
        if !interface.is_empty() && !self.interfaces.is_usable(interface) {
            return;
        }
        let Some(socket) = self.sockets.iter().find(|socket| socket.purpose == instance.purpose) else {
            return;
        };
        let destinations = instance.destinations();
        let ttl = instance.config.unicast.as_ref().map_or(255, |unicast| unicast.ttl);
        let unicast = instance.config.unicast.is_some();
        let id = instance.next_packet_id();
        // All copies have one number and one stamp.
        let sequence = if instance.purpose.ah { instance.next_sequence() } else { 0 };
        let name = instance.config.name.clone();
        let (advertisement, stamp) = instance.advertisement(priority, wall);
        for destination in destinations {
            self.body.clear();
            advertisement.write(source, destination, stamp.as_ref(), &mut self.body);
            self.packet.clear();
            let outcome = match (source, destination) {
                (IpAddr::V4(source), IpAddr::V4(destination)) => {
                    let protocol = vrrp::PROTOCOL;
                    let header = Ipv4Header { tos: TOS, id, ttl, protocol, source, destination };
                    if let Authentication::Ah(key) = advertisement.authentication {
                        vrrp::ah::wrap(header, key, sequence, unicast, &self.body, &mut self.packet);
                    } else {
                        self.packet.extend(header.build(self.body.len()));
                        self.packet.extend_from_slice(&self.body);
                    }
                    socket.send_v4(&self.packet, destination)
                }
                (IpAddr::V6(source), IpAddr::V6(destination)) => {
                    socket.send_v6(&self.body, source, destination, ttl)
                }
                // The configuration has one family only.
                _ => continue,
            };
            if let Err(errno) = outcome {
                host.log(Level::Info, &format!("({name}) Cant send advert to {destination} ({errno})"));
            }
        }
    }

    /// When an announcement that waits may go.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        self.announcer.next_deadline()
    }
}
