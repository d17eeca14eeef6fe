//! What comes in: packets of other routers, and what the kernel says of links and addresses.

use super::{Process, now, wall};
use crate::instance::Instance;
use crate::message::{Memory, Out, Refusal};
use crate::network::{LONGEST_PACKET, News, Purpose};
use crate::{Error, Level};
use keepalived_conf::model::{ReceiveBuffers, Route, Rule};
use netlink::Change;
use std::cmp::Reverse;
use std::collections::HashSet;
use std::net::IpAddr;
use vrrp::{Event, Incoming, Time};

/// Packets taken from one socket in a turn: a flood must not keep the timers from firing.
const PACKETS_A_TURN: usize = 1000;
/// Changes taken from the kernel in a turn: whoever sets a million routes must not either.
const CHANGES_A_TURN: usize = 1000;
/// Unknown virtual routers that are told of, at most.
const MOST_UNKNOWN: usize = 255;

const OWN_ADDRESS: &str = "advertisement from our own address: another host has it, or another program here";

impl Process<'_> {
    /// Empties the receive queues. Of several advertisements that one router sent, as they pile up
    /// during a pause, the last one counts: it says how things are now.
    pub(super) fn listen(&mut self) {
        let now = now();
        self.listened = now;
        let mut buffer = [0; LONGEST_PACKET];
        for at in 0..self.network.sockets.len() {
            for _ in 0..PACKETS_A_TURN {
                let socket = &self.network.sockets[at];
                let Some(incoming) = socket.receive(&mut buffer) else { break };
                let Some(incoming) = incoming else { continue };
                let Some(vrid) = incoming.vrid() else { continue };
                match self.addressee(at, vrid, incoming.source) {
                    Some(index) => self.judge(now, index, &incoming),
                    None => self.report_unknown(at, vrid, incoming.source),
                }
            }
        }
        // The best first: one that we have to yield to is obeyed before another is answered.
        let mut heard = std::mem::take(&mut self.heard);
        heard.sort_by_key(|(index, received)| (*index, Reverse((received.priority, received.source))));
        for (index, received) in heard {
            let instance = &mut self.instances[index];
            if instance.standing.is_some() {
                instance.router.on(now, Event::Advertisement(received), &mut self.actions);
                self.put_off(index);
            }
        }
        self.carry_out_all(now);
    }

    /// The instance that a packet on a socket is for. Of several of one number, as there may be in unicast,
    /// each hears its own peers.
    fn addressee(&self, socket: usize, vrid: u8, source: IpAddr) -> Option<usize> {
        let purpose = &self.network.sockets[socket].purpose;
        let is_for = |instance: &Instance| instance.config.vrid == vrid && instance.purpose == *purpose;
        let mut all = (0..self.instances.len()).filter(|&index| is_for(&self.instances[index]));
        let first = all.next()?;
        let Some(second) = all.next() else { return Some(first) };
        [first, second].into_iter().chain(all).find(|&index| self.instances[index].hears(source))
    }

    /// Checks a packet for an instance, complains about it, or keeps it as heard.
    fn judge(&mut self, now: Time, index: usize, incoming: &Incoming<'_>) {
        let instance = &mut self.instances[index];
        let source = incoming.source;
        let line = match instance.check(incoming, wall()) {
            Err(reject) => {
                let reason = reject.reason();
                let line = instance.complain(now, reason, source, &reject, reject.is_conflict());
                if line.is_some() {
                    let (instance, reason) = (instance.config.name.clone(), reason.to_owned());
                    self.tell(&Out::Refused(Refusal { instance, source, reason }));
                }
                line
            }
            Ok(received) => {
                let ours = instance.source == Some(source);
                match self.heard.iter_mut().find(|(i, known)| *i == index && known.source == source) {
                    Some(known) => known.1 = received,
                    None => self.heard.push((index, received)),
                }
                match received.difference {
                    _ if ours => instance.complain(now, "own-address", source, &OWN_ADDRESS, true),
                    Some(difference) => instance.complain(now, "address-list", source, &difference, true),
                    None => None,
                }
            }
        };
        if let Some(line) = line {
            self.host.log(Level::Warning, &line);
        }
    }

    /// `log_unknown_vrids`: says once of each that it is there.
    fn report_unknown(&mut self, socket: usize, vrid: u8, source: IpAddr) {
        let Purpose { interface, .. } = &self.network.sockets[socket].purpose;
        let known = |(on, number): &(String, u8)| on == interface && *number == vrid;
        if !self.log_unknown || self.unknown.len() >= MOST_UNKNOWN || self.unknown.iter().any(known) {
            return;
        }
        let line = format!("Unknown VRID {vrid} received on {interface} from {source}. ignoring...");
        self.unknown.push((interface.clone(), vrid));
        self.host.log(Level::Info, &line);
    }

    /// Takes in what changed in the network.
    pub(super) fn hear_kernel(&mut self) -> Result<(), Error> {
        let (mut changed, mut lost) = (false, false);
        let mut gone = Vec::new();
        for taken in 1..=CHANGES_A_TURN {
            let Some(change) = self.monitor.change()? else { break };
            self.more |= taken == CHANGES_A_TURN;
            if change == Change::Lost {
                (changed, lost) = (true, true);
                continue;
            }
            match &change {
                Change::RouteRemoved(route) => self.repair_route(route),
                Change::RuleRemoved(rule) => self.repair_rule(rule),
                _ => {}
            }
            if self.reports_addresses {
                self.report_address(&change);
            }
            let Some(news) = self.network.interfaces.apply(change) else { continue };
            match news {
                News::Up(name) => self.report_link(&name, "up"),
                News::Down(name) => self.report_link(&name, "down"),
                News::Gone(name) => self.report_link(&name, "removed"),
                News::AddressGone { link, address } => gone.push((link, address)),
                News::Other => {}
            }
            changed = true;
        }
        if lost {
            self.network.look()?;
        }
        if changed {
            self.survey();
        }
        if lost {
            gone = self.missing();
        }
        for (link, address) in gone {
            self.repair(link, address);
        }
        if changed {
            self.repair_after_links();
        }
        Ok(())
    }

    /// The addresses of masters that are not on their links.
    fn missing(&self) -> Vec<(u32, IpAddr)> {
        let interfaces = &self.network.interfaces;
        let there = interfaces.places_by_name();
        let masters = self.instances.iter().filter(|instance| instance.is_master());
        let places = masters.flat_map(|i| i.addresses().map(|vip| (i.interface_of(vip), vip.address)));
        let missing = places.filter(|place| !there.contains(place));
        missing.filter_map(|(name, address)| Some((interfaces.link(name)?.index, address))).collect()
    }

    /// `-a`: an address that is no virtual one came or went.
    fn report_address(&mut self, change: &Change) {
        let interfaces = &self.network.interfaces;
        let (changed, what) = match change {
            Change::Address(changed) => (changed, "added to"),
            Change::AddressRemoved(changed) => (changed, "removed from"),
            _ => return,
        };
        let name = interfaces.link_at(changed.link).map_or("?", |link| &link.name);
        let known = interfaces.has(name, changed.address);
        let is_news = known == matches!(change, Change::AddressRemoved(_));
        let is_ours = |instance: &Instance| instance.addresses().any(|vip| vip.address == changed.address);
        if is_news && !self.instances.iter().any(is_ours) {
            let line = format!("Netlink reflector reports IP {} {what} {name}", changed.address);
            self.host.log(Level::Info, &line);
        }
    }

    fn report_link(&mut self, name: &str, what: &str) {
        let concerns = |(index, instance): (usize, &Instance)| {
            let group = self.groups.conditions(index).map_or(&[][..], |group| &group.interfaces);
            let mut tracked = instance.config.track_interfaces.iter().chain(group);
            instance.config.interface == name || tracked.any(|tracked| tracked.interface == name)
        };
        if self.instances.iter().enumerate().any(concerns) {
            self.host.log(Level::Info, &format!("Netlink reports {name} {what}"));
        }
    }

    /// Puts back an address of a master that somebody else took away. keepalived would step down
    /// and become master again half a second later.
    fn repair(&mut self, link: u32, address: IpAddr) {
        for instance in self.instances.iter().filter(|instance| instance.is_master()) {
            let lost = instance.addresses().find(|vip| vip.address == address && !vip.no_track);
            let Some(lost) = lost else { continue };
            let interface = instance.interface_of(lost);
            let interfaces = &self.network.interfaces;
            let here = interfaces.link(interface).is_some_and(|known| known.index == link);
            // It may be back already: a reload that changes its prefix takes it away and adds it.
            if !here || interfaces.has(interface, address) {
                continue;
            }
            let line = format!(
                "({}) Netlink reflector reports IP {address} removed from {interface}, putting it back",
                instance.config.name
            );
            self.host.log(Level::Warning, &line);
            let is_lost = |vip: &_| vip == lost;
            self.network.install(instance, is_lost, self.host);
            self.network.announce(now(), instance, vrrp::Burst::Master, is_lost, self.host);
        }
    }

    /// Puts a route of a master back that somebody else removed, unless it says `no_track`.
    fn repair_route(&mut self, seen: &netlink::Route) {
        for instance in self.instances.iter().filter(|instance| instance.is_master()) {
            let lost = |route: &&Route| !route.no_track && self.network.is_route(route, seen);
            if let Some(route) = instance.config.routes.iter().find(lost) {
                let owner = format!("({})", instance.config.name);
                self.network.restore_routes(&owner, std::iter::once(route), self.host);
            }
        }
        self.network.restore_static_route(seen, self.host);
    }

    fn repair_rule(&mut self, seen: &netlink::Rule) {
        for instance in self.instances.iter().filter(|instance| instance.is_master()) {
            let lost = |rule: &&Rule| !rule.no_track && self.network.is_rule(rule, seen);
            if let Some(rule) = instance.config.rules.iter().find(lost) {
                self.network.restore_rule(&format!("({})", instance.config.name), rule, self.host);
            }
        }
        self.network.restore_static_rule(seen, self.host);
    }

    /// Puts back what the kernel took away with a link or an address without a word.
    fn repair_after_links(&mut self) {
        self.network.restore_statics(self.host);
        for instance in self.instances.iter().filter(|instance| instance.is_master()) {
            let routes = instance.config.routes.iter().filter(|route| !route.no_track);
            self.network.restore_routes(&format!("({})", instance.config.name), routes, self.host);
        }
    }

    /// After a change of interfaces: sockets, source addresses, fitness.
    fn survey(&mut self) {
        let made = self.network.make_virtual_interfaces(self.host);
        self.provide();
        self.evaluate(&Memory::default());
        self.fill(&made);
    }

    /// Puts the addresses of masters on interfaces that somebody deleted and that were made anew.
    fn fill(&mut self, made: &[String]) {
        if made.is_empty() {
            return;
        }
        for instance in self.instances.iter().filter(|instance| instance.is_master()) {
            let on_it = |vip: &_| made.iter().any(|name| name == instance.interface_of(vip));
            self.network.install(instance, on_it, self.host);
            self.network.announce(now(), instance, vrrp::Burst::Master, on_it, self.host);
        }
    }

    /// `kernel_rx_buf_size` of an instance, else what `vrrp_rx_bufs_policy` says.
    fn receive_buffer(&self, instance: &Instance) -> Option<u32> {
        let link = self.network.interfaces.link(&instance.purpose.interface);
        let policy = match self.receive_buffers {
            ReceiveBuffers::Kernel => None,
            ReceiveBuffers::Bytes(bytes) => Some(bytes),
            ReceiveBuffers::Mtu(packets) => Some(link?.mtu * packets),
            ReceiveBuffers::Advert(packets) => Some(instance.packet_length() * packets),
        };
        instance.config.receive_buffer.or(policy)
    }

    /// Gives every instance a socket and a source address, as far as its interface has them.
    pub(super) fn provide(&mut self) {
        let purposes: Vec<Purpose> = self.instances.iter().map(|i| i.purpose.clone()).collect();
        let buffers = self.instances.iter().map(|instance| self.receive_buffer(instance));
        let wanted: Vec<(Purpose, Option<u32>)> = purposes.iter().cloned().zip(buffers).collect();
        let failures = self.network.provide_sockets(&wanted);
        let handovers: Vec<Purpose> = self.instances.iter().map(|i| i.handover.clone()).collect();
        self.handovers.provide(&handovers, &self.network.interfaces);
        let virtual_addresses: HashSet<IpAddr> =
            self.instances.iter().flat_map(|i| i.addresses().map(|vip| vip.address)).collect();
        for instance in &mut self.instances {
            instance.fit(&self.network.interfaces);
            instance.choose_source(&self.network.interfaces, |address| virtual_addresses.contains(&address));
            let failure = failures.iter().find(|(failed, _)| *failed == instance.purpose);
            let opened = failure.map(|(_, why)| why.clone());
            instance.trouble = opened.or_else(|| self.network.trouble_of(instance));
        }
    }
}
