//! A `vrrp_instance` at work: its configuration, its router, and what tracking says about it.

mod settings;
mod tell;
mod track;

pub(crate) use settings::cleared;
pub(crate) use tell::notification;
pub(crate) use track::{Cause, Sources};

use crate::message::{InstanceState, Occasion, ProtocolError};
use crate::network::{Interfaces, Purpose};
use keepalived_conf::model::{
    ETHERNET_MTU, Iptables, Route, Rule, VirtualAddress, VirtualInterface, VrrpInstance,
};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;
use vrrp::ah::Sequence;
use vrrp::handover::Backups;
use vrrp::hmac::{self, Stamp};
use vrrp::{
    Advertisement, Authentication, Centiseconds, Checksum, Expected, Family, Incoming, Peer, Received,
    Reject, Router, Security, Standing, State, Time, receive,
};

/// Sequence numbers of authentication headers that are set aside at once: the supervisor is told so
/// often, and a crash skips as many at most.
const SET_ASIDE: u32 = 1000;
/// More are set aside when fewer are left: what is told may be late.
const FEW: u32 = 100;

/// The same complaint about packets is made once in this time.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(60);

/// An instance.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) config: VrrpInstance,
    pub(crate) router: Router,
    /// The socket it uses.
    pub(crate) purpose: Purpose,
    /// The socket it hands over by. A backup must not be heard with the virtual router's Ethernet
    /// address, so that is on the interface below a virtual one.
    pub(crate) handover: Purpose,
    /// The addresses in the advertisements.
    /// Of the link that advertisements leave by.
    mtu: u32,
    advertised: Vec<IpAddr>,
    peers: Option<Vec<Peer>>,
    hmac: Option<hmac::Settings>,
    security: Security,
    /// Sequence numbers of authentication headers up to this one are set aside for this process.
    reserved: u32,
    /// Whether it belongs to a sync group.
    grouped: bool,
    /// `None` before the start.
    pub(crate) standing: Option<Standing>,
    /// What brought it into its state.
    pub(crate) why: String,
    pub(crate) source: Option<IpAddr>,
    /// The last source there was: with its loss the addresses are given up, and that is said from it.
    former_source: Option<IpAddr>,
    /// Why its socket could not be opened, or its interface not be made.
    pub(crate) trouble: Option<String>,
    pub(crate) causes: Vec<Cause>,
    packet_id: u16,
    complaints: BTreeMap<&'static str, Complaint>,
    conflict: Option<Conflict>,
    /// What was wrong with the last packet that RFC 6527 has a number for.
    protocol_error: Option<ProtocolError>,
    /// When it took part first.
    pub(crate) made: Option<Time>,
    /// Whether others had gone before it: a reload brought it.
    pub(crate) joined: bool,
    mailed: Option<Occasion>,
    /// As a master: the backups of our kind, and when to greet them.
    pub(crate) backups: Backups,
    pub(crate) greet_at: Time,
    /// As a master: when `garp_extra_if` is due next.
    pub(crate) extra_at: Option<Time>,
    /// As a master with a virtual interface: when its Ethernet address is claimed next, and how long after
    /// that once more.
    pub(crate) claim: Option<(Time, Duration)>,
    /// As a backup: what a successor's message must bring back; 0 for nothing.
    pub(crate) nonce: u64,
}

#[derive(Debug, Default)]
struct Complaint {
    count: u64,
    unsaid: u64,
    again: Time,
}

#[derive(Debug)]
struct Conflict {
    source: IpAddr,
    what: String,
    at: Time,
    count: u64,
}

impl Instance {
    pub(crate) fn new(config: VrrpInstance, grouped: bool) -> Self {
        Self {
            router: Router::new(settings::settings(&config, None, grouped)),
            purpose: settings::purpose(&config, sending_interface(&config)),
            handover: Purpose { own: None, ..settings::purpose(&config, &config.interface) },
            mtu: ETHERNET_MTU,
            advertised: settings::advertised(&config, ETHERNET_MTU),
            peers: settings::peers(&config),
            hmac: settings::hmac(&config),
            security: Security::default(),
            reserved: 0,
            grouped,
            standing: None,
            why: "started".into(),
            source: None,
            former_source: None,
            trouble: None,
            causes: Vec::new(),
            packet_id: 0,
            complaints: BTreeMap::new(),
            conflict: None,
            protocol_error: None,
            made: None,
            joined: false,
            mailed: None,
            backups: Backups::default(),
            greet_at: Time::default(),
            extra_at: None,
            claim: None,
            nonce: 0,
            config,
        }
    }

    /// Takes another configuration of the same virtual router. Returns the one before.
    pub(crate) fn reconfigure(
        &mut self,
        now: Time,
        config: VrrpInstance,
        grouped: bool,
        actions: &mut Vec<vrrp::Action>,
    ) -> VrrpInstance {
        self.advertised = settings::advertised(&config, self.mtu);
        self.peers = settings::peers(&config);
        self.hmac = settings::hmac(&config);
        self.purpose = settings::purpose(&config, sending_interface(&config));
        self.handover = Purpose { own: None, ..settings::purpose(&config, &config.interface) };
        self.grouped = grouped;
        self.router.reconfigure(now, settings::settings(&config, self.source, grouped), actions);
        std::mem::replace(&mut self.config, config)
    }

    /// Whether two configurations are of the same virtual router in the same place, whatever they call it
    /// and however they sign its packets: as with keepalived, a master stays one then. And in unicast under
    /// another source, if it has kept its name.
    pub(crate) fn is_same_router(&self, other: &VrrpInstance) -> bool {
        let mine = &self.config;
        let purpose = settings::purpose(other, sending_interface(other));
        let unicast_source = |config: &VrrpInstance| config.unicast.as_ref().and(config.source);
        mine.vrid == other.vrid
            // A virtual interface may keep its name on another one.
            && mine.interface == other.interface
            && same_interface(mine.virtual_interface.as_ref(), other.virtual_interface.as_ref())
            && self.purpose == Purpose { ah: self.purpose.ah, own: self.purpose.own, ..purpose }
            && (mine.name == other.name || unicast_source(mine) == unicast_source(other))
    }

    pub(crate) fn family(&self) -> Family {
        self.purpose.family
    }

    /// All its addresses, the excluded ones last.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &VirtualAddress> {
        self.config.addresses.iter().chain(&self.config.excluded)
    }

    /// Where an address goes: `dev`, or the instance's own interface.
    pub(crate) fn interface_of<'a>(&'a self, address: &'a VirtualAddress) -> &'a str {
        address.dev.as_deref().unwrap_or_else(|| own_interface(&self.config))
    }

    /// The interface that its addresses are on unless they say otherwise: the virtual one, if it has one.
    pub(crate) fn own_interface(&self) -> &str {
        own_interface(&self.config)
    }

    /// Its `virtual_routes` and `virtual_rules`.
    pub(crate) fn routing(&self) -> (Vec<&Route>, Vec<&Rule>) {
        (self.config.routes.iter().collect(), self.config.rules.iter().collect())
    }

    /// Whether packets to its addresses are to be dropped: `no_accept`, or `vrrp_strict`, on a router
    /// that does not own them, unless `vrrp_iptables` without a chain switched the rules off.
    pub(crate) fn drops(&self, iptables: &Iptables) -> bool {
        !self.config.accept && self.config.priority != vrrp::OWNER && *iptables != Iptables::Off
    }

    /// The length of its advertisements with their headers, in bytes.
    pub(crate) fn packet_length(&self) -> u32 {
        const HEADERS: usize = 40 + vrrp::ah::AH_LENGTH + hmac::TRAILER_LENGTH;
        let bare = self.family().packet_length(settings::version(&self.config), self.advertised.len());
        u32::try_from(bare + HEADERS).unwrap_or(u32::MAX)
    }

    /// Where its advertisements go.
    pub(crate) fn destinations(&self) -> Vec<IpAddr> {
        match &self.config.unicast {
            Some(unicast) => unicast.peers.iter().map(|peer| peer.address).collect(),
            None => vec![self.config.mcast_group],
        }
    }

    /// Whether a router may be of its group: in unicast, one of its peers.
    pub(crate) fn hears(&self, router: IpAddr) -> bool {
        let is_peer = |peers: &Vec<Peer>| peers.iter().any(|peer| peer.address == router);
        self.peers.as_ref().is_none_or(is_peer)
    }

    /// The secret that its group shares, if it has one.
    pub(crate) fn key(&self) -> Option<Vec<u8>> {
        match settings::authentication(&self.config) {
            Authentication::Pass(key) | Authentication::Ah(key) => Some(key.to_vec()),
            Authentication::None => {
                let hmac = self.hmac.as_ref()?;
                hmac.keys.iter().find(|key| key.id == hmac.active_key).map(|key| key.secret.clone())
            }
        }
    }

    /// How long its addresses may be answered after an advertisement: until a backup, however high
    /// its priority, may have missed us. A peer may be more patient than we are and more hasty: of
    /// `down_timer_adverts` above 3, the usual number counts. A lease of one interval would be over
    /// for a moment whenever an advertisement is a little late, so it is two at least.
    pub(crate) fn lease(&self) -> Duration {
        self.config.advert_int * u32::from(self.config.down_timer_adverts.clamp(2, 3))
    }

    /// Checks a packet that is for this virtual router.
    pub(crate) fn check(&mut self, incoming: &Incoming<'_>, wall: Duration) -> Result<Received, Reject> {
        let last_master = self.router.master_heard().map(|(address, ..)| address);
        let expected = Expected {
            version: settings::version(&self.config),
            family: self.purpose.family,
            vrid: self.config.vrid,
            interval: Centiseconds::from_duration(self.config.advert_int),
            authentication: settings::authentication(&self.config),
            hmac: self.hmac.as_ref(),
            checksum: settings::checksum(&self.config),
            unicast: self.peers.as_deref(),
            check_source: self.config.unicast.as_ref().is_some_and(|unicast| unicast.check_source),
            old_group: settings::old_group(&self.config),
            addresses: &self.advertised,
            compare_unless_from: last_master.filter(|_| self.config.skip_check_adv_addr),
        };
        receive::check(incoming, &expected, &mut self.security, wall)
    }

    /// An advertisement, and the stamp that signs it, if it is to be signed.
    pub(crate) fn advertisement(
        &mut self,
        priority: u8,
        wall: Duration,
    ) -> (Advertisement<'_>, Option<Stamp<'_>>) {
        let checksum = match settings::old_group(&self.config) {
            Some(group) if self.security.old_unicast => Checksum::OldUnicast(group),
            _ => settings::checksum(&self.config),
        };
        let advertisement = Advertisement {
            version: settings::version(&self.config),
            vrid: self.config.vrid,
            priority,
            interval: Centiseconds::from_duration(self.config.advert_int),
            addresses: &self.advertised,
            authentication: settings::authentication(&self.config),
            checksum,
        };
        let hmac = self.hmac.as_ref();
        (advertisement, hmac.and_then(|hmac| self.security.hmac.stamp(hmac, wall)))
    }

    /// The number of the next authentication header.
    pub(crate) fn next_sequence(&mut self) -> u32 {
        self.security.sequence.advance()
    }

    /// Sets more sequence numbers aside when few are left. Says whether it did: a successor has to know.
    pub(crate) fn reserve_sequences(&mut self) -> bool {
        let used = self.security.sequence.0;
        let few = self.purpose.ah && used.saturating_add(FEW) > self.reserved;
        if few {
            self.reserved = used.saturating_add(SET_ASIDE);
        }
        few
    }

    /// The sequence number up to which all may have been used, of a master with authentication headers.
    pub(crate) fn reserved_sequences(&self) -> Option<u32> {
        (self.purpose.ah && self.is_master()).then_some(self.reserved)
    }

    /// Goes on behind the sequence numbers of a predecessor: backups take none twice.
    pub(crate) fn resume_sequences(&mut self, reserved: u32) {
        (self.security.sequence, self.reserved) = (Sequence(reserved), reserved);
    }

    /// A number of its own for each packet; never 0, which the kernel would replace.
    pub(crate) fn next_packet_id(&mut self) -> u16 {
        self.packet_id = self.packet_id.checked_add(1).unwrap_or(1);
        self.packet_id
    }

    /// Chooses the source address: the configured one, else the present one as long as it is there,
    /// else the first of the interface. An owner, whose virtual address is its own, keeps the present
    /// one also when a fault has made it give that address up.
    pub(crate) fn choose_source(&mut self, interfaces: &Interfaces, is_virtual: impl Fn(IpAddr) -> bool) {
        let from = self.source_interface(interfaces, &is_virtual).to_owned();
        let owner = self.config.priority == vrrp::OWNER;
        let present = self.source.filter(|&source| owner || interfaces.has(&from, source));
        self.source = self.config.source.or(present).or_else(|| {
            interfaces.first_address(&from, self.family(), |address| !owner && is_virtual(address))
        });
        if let Some(source) = self.source {
            self.former_source = Some(source);
            self.router.set_source(source);
        }
    }

    /// Where an advertisement leaves from. As keepalived's, a master says that it steps down because it
    /// has lost its address from that address; the kernel lets IPv4 do so.
    pub(crate) fn source_of(&self, priority: u8) -> Option<IpAddr> {
        let former = self.former_source.filter(|source| priority == vrrp::RELEASE && source.is_ipv4());
        self.source.or(former)
    }

    /// Advertises as many addresses as its link has room for: a peer that is told fewer, or more, than it
    /// has itself may refuse to believe it, as keepalived before 2.3.3.
    pub(crate) fn fit(&mut self, interfaces: &Interfaces) {
        let mtu = interfaces.link(&self.purpose.interface).map_or(ETHERNET_MTU, |link| link.mtu);
        if mtu != self.mtu {
            self.mtu = mtu;
            self.advertised = settings::advertised(&self.config, mtu);
        }
    }

    /// The interface whose address is the source: the one below a virtual one, unless that has an
    /// address of its own.
    fn source_interface<'a>(
        &'a self,
        interfaces: &Interfaces,
        is_virtual: impl Fn(IpAddr) -> bool,
    ) -> &'a str {
        let own = self.purpose.interface.as_str();
        match &self.config.virtual_interface {
            Some(_) if interfaces.first_address(own, self.family(), is_virtual).is_none() => {
                &self.config.interface
            }
            _ => own,
        }
    }

    /// Counts something wrong with a packet. Returns the line to be logged when it is time to say it.
    pub(crate) fn complain(
        &mut self,
        now: Time,
        reason: &'static str,
        source: IpAddr,
        what: &dyn std::fmt::Display,
        conflict: bool,
    ) -> Option<String> {
        self.protocol_error = ProtocolError::of(reason).or(self.protocol_error);
        let complaint = self.complaints.entry(reason).or_default();
        complaint.count += 1;
        let count = complaint.count;
        let due = complaint.count == 1 || now >= complaint.again;
        let unsaid = if due { std::mem::take(&mut complaint.unsaid) } else { complaint.unsaid + 1 };
        let line = due.then(|| {
            complaint.again = now + COMPLAINT_INTERVAL;
            let more = if unsaid > 0 { format!("; {unsaid} more since") } else { String::new() };
            format!("({}) {what} (from {source}{more})", self.config.name)
        });
        if !due {
            complaint.unsaid = unsaid;
        }
        if conflict {
            self.conflict = Some(Conflict { source, what: what.to_string(), at: now, count });
        }
        line
    }

    /// How often packets were complained about for a reason.
    pub(crate) fn complaints_of(&self, reason: &str) -> u64 {
        self.complaints.get(reason).map_or(0, |complaint| complaint.count)
    }

    /// Whether a peer was heard that counts checksums in the old way.
    pub(crate) fn uses_old_checksum(&self) -> bool {
        self.security.old_unicast
    }

    pub(crate) fn state(&self) -> InstanceState {
        self.router.state().into()
    }

    /// What it would be if it could: keepalived's `wantstate`.
    pub(crate) fn wanted(&self) -> State {
        match self.router.state() {
            State::Backup | State::Init if self.router.wants_master() => State::Master,
            state => state,
        }
    }

    /// Whether it joined others that ran, and knows of no master, not even itself.
    pub(crate) fn is_newcomer(&self) -> bool {
        self.joined && self.router.master_heard().is_none() && self.router.counters().became_master == 0
    }

    pub(crate) fn is_master(&self) -> bool {
        self.router.state() == State::Master
    }
}

/// The name of the interface that an instance makes for itself.
fn virtual_name(config: &VrrpInstance) -> Option<&str> {
    match config.virtual_interface.as_ref()? {
        VirtualInterface::Vmac(vmac) => vmac.name.as_deref(),
        VirtualInterface::Ipvlan(ipvlan) => ipvlan.name.as_deref(),
    }
}

fn own_interface(config: &VrrpInstance) -> &str {
    virtual_name(config).unwrap_or(&config.interface)
}

/// Whether two are the same but for what can be changed in place.
fn same_interface(one: Option<&VirtualInterface>, other: Option<&VirtualInterface>) -> bool {
    match (one, other) {
        (Some(VirtualInterface::Vmac(one)), Some(VirtualInterface::Vmac(other))) => {
            (&one.name, one.address, one.transmit_base) == (&other.name, other.address, other.transmit_base)
        }
        (one, other) => one == other,
    }
}

/// The interface that advertisements leave by; a VRF for unicast without an interface.
fn sending_interface(config: &VrrpInstance) -> &str {
    match &config.virtual_interface {
        Some(VirtualInterface::Vmac(vmac)) if vmac.transmit_base || config.unicast.is_some() => {
            &config.interface
        }
        None if config.interface.is_empty() => config.vrf.as_deref().unwrap_or_default(),
        _ => own_interface(config),
    }
}

#[cfg(test)]
mod tests;
