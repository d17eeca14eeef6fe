//! A `vrrp_instance` at work: its configuration, its router, and what tracking says about it.

use crate::interfaces::Interfaces;
use crate::message::{self, InstanceState, InstanceStatus, MasterSeen, Notification, NotifyCommand};
use crate::scripts::Scripts;
use crate::sockets::Purpose;
use keepalived_conf::model::{
    self, InitialState, Iptables, NotifyScript, TrackWeight, VirtualAddress, VrrpInstance,
};
use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;
use vrrp::tracking::{Effect, Weight};
use vrrp::{
    Advertisement, Authentication, Centiseconds, Expected, Garp, Preempt, Router, Settings, Standing, State,
    Time, Version,
};

/// The same complaint about packets is made once in this time.
const COMPLAINT_INTERVAL: Duration = Duration::from_secs(60);

/// An instance.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) config: VrrpInstance,
    pub(crate) router: Router,
    /// The socket it uses.
    pub(crate) purpose: Purpose,
    /// The IPv4 addresses in the advertisements.
    advertised: Vec<Ipv4Addr>,
    /// `None` before the start.
    pub(crate) standing: Option<Standing>,
    /// What brought it into its state.
    pub(crate) why: String,
    pub(crate) source: Option<Ipv4Addr>,
    /// Why its socket could not be opened.
    pub(crate) socket_failure: Option<String>,
    pub(crate) causes: Vec<Cause>,
    packet_id: u16,
    complaints: BTreeMap<&'static str, Complaint>,
    conflict: Option<Conflict>,
    mailed: Option<InstanceState>,
}

/// One effect of tracking, with the words for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    pub(crate) effect: Effect,
    pub(crate) text: String,
    /// Whether the log has said it in other words already.
    pub(crate) told: bool,
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
    pub(crate) fn new(config: VrrpInstance) -> Self {
        let router = Router::new(settings(&config, None));
        Self {
            router,
            purpose: purpose(&config),
            advertised: advertised(&config),
            standing: None,
            why: "started".into(),
            source: None,
            socket_failure: None,
            causes: Vec::new(),
            packet_id: 0,
            complaints: BTreeMap::new(),
            conflict: None,
            mailed: None,
            config,
        }
    }

    /// Takes another configuration of the same virtual router. Returns the one before.
    pub(crate) fn reconfigure(
        &mut self,
        now: Time,
        config: VrrpInstance,
        actions: &mut Vec<vrrp::Action>,
    ) -> VrrpInstance {
        self.advertised = advertised(&config);
        self.router.reconfigure(now, settings(&config, self.source), actions);
        std::mem::replace(&mut self.config, config)
    }

    /// Whether two configurations are of the same virtual router in the same place.
    pub(crate) fn is_same_router(&self, other: &VrrpInstance) -> bool {
        let mine = &self.config;
        mine.name == other.name && mine.vrid == other.vrid && self.purpose == purpose(other)
    }

    /// All its addresses, the excluded ones last.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = &VirtualAddress> {
        self.config.addresses.iter().chain(&self.config.excluded)
    }

    /// Whether packets to its addresses are to be dropped: `vrrp_strict` on a router that does not
    /// own them, unless `vrrp_iptables` without a chain switched the rules off.
    pub(crate) fn drops(&self, iptables: &Iptables) -> bool {
        self.config.strict && self.config.priority != vrrp::OWNER && *iptables != Iptables::Off
    }

    /// What a packet must be to be heard.
    pub(crate) fn expected(&self) -> Expected<'_> {
        Expected {
            version: Version::V2,
            vrid: self.config.vrid,
            interval: Centiseconds::from_duration(self.config.advert_int),
            authentication: authentication(&self.config),
            unicast: self.config.unicast.is_some(),
            addresses: &self.advertised,
        }
    }

    pub(crate) fn advertisement(&self, priority: u8) -> Advertisement<'_> {
        Advertisement {
            version: Version::V2,
            vrid: self.config.vrid,
            priority,
            interval: Centiseconds::from_duration(self.config.advert_int),
            addresses: &self.advertised,
            authentication: authentication(&self.config),
        }
    }

    /// A number of its own for each packet; never 0, which the kernel would replace.
    pub(crate) fn next_packet_id(&mut self) -> u16 {
        self.packet_id = self.packet_id.checked_add(1).unwrap_or(1);
        self.packet_id
    }

    /// Chooses the source address: the configured one, else the present one as long as it is there,
    /// else the first of the interface. An owner, whose virtual address is its own, keeps the present
    /// one also when a fault has made it give that address up.
    pub(crate) fn choose_source(&mut self, interfaces: &Interfaces, is_virtual: impl Fn(Ipv4Addr) -> bool) {
        let interface = &self.config.interface;
        let owner = self.config.priority == vrrp::OWNER;
        let present = self.source.filter(|&source| owner || interfaces.has(interface, source.into()));
        self.source = self
            .config
            .source
            .and_then(v4)
            .or(present)
            .or_else(|| interfaces.first_address(interface, |address| !owner && is_virtual(address)));
        if let Some(source) = self.source {
            self.router.set_source(source.into());
        }
    }

    /// Everything that bears on priority and fitness at present.
    pub(crate) fn track(&self, scripts: &Scripts, interfaces: &Interfaces) -> Vec<Cause> {
        let config = &self.config;
        let own = config.interface.as_str();
        let mut causes = Vec::new();
        let mut fault = |text: String, told| causes.push(Cause { effect: Effect::Fault, text, told });
        match interfaces.link(own) {
            None => fault(format!("interface {own} does not exist, waiting for it"), false),
            Some(link) if !link.is_usable() && !config.dont_track_primary => {
                fault(format!("interface {own} down"), self.standing.is_some());
            }
            Some(_) if self.source.is_none() => fault("no IPv4 address for interface".into(), false),
            Some(_) => {}
        }
        if let Some(why) = &self.socket_failure {
            fault(why.clone(), false);
        }
        // keepalived ignores the instance's own interface here.
        for tracked in config.track_interfaces.iter().filter(|tracked| tracked.interface != own) {
            let name = &tracked.interface;
            let up = interfaces.is_usable(name);
            let text = format!("interface {name} {}", if up { "up" } else { "down" });
            let told = self.standing.is_some();
            causes.push(Cause { effect: weight(tracked.weight).effect(Some(up)), text, told });
        }
        for tracked in &config.track_scripts {
            let up = scripts.up(&tracked.name);
            let said = match up {
                None => "has not answered yet",
                Some(true) => "succeeded",
                Some(false) => "failed",
            };
            let text = format!("script {} {said}", tracked.name);
            causes.push(Cause { effect: weight(tracked.weight).effect(up), text, told: up.is_some() });
        }
        causes.retain(|cause| cause.effect != Effect::None);
        causes
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

    /// What scripts are to be told of a state. `Init` from the router means a stop.
    pub(crate) fn notification(&self, state: InstanceState) -> Notification {
        let notify = &self.config.notify;
        let priority = self.router.priority();
        let own = match state {
            InstanceState::Master => &notify.master,
            InstanceState::Backup => &notify.backup,
            InstanceState::Fault => &notify.fault,
            InstanceState::Stop => &notify.stop,
            InstanceState::Init => &None,
        };
        let command = |script: &NotifyScript, arguments| NotifyCommand {
            command: script.command.clone(),
            user: script.user.clone(),
            arguments,
        };
        let name = &self.config.name;
        let arguments = ["INSTANCE", name, state.word(), &priority.to_string()].map(String::from);
        let commands = own.iter().map(|script| command(script, Vec::new()));
        let commands = commands.chain(notify.any.iter().map(|script| command(script, arguments.to_vec())));
        Notification { instance: name.clone(), state, priority, commands: commands.collect() }
    }

    /// The mail for a state, unless that state was mailed last.
    pub(crate) fn mail(&mut self, state: InstanceState, router_id: Option<&str>) -> Option<message::Mail> {
        let (what, body) = match state {
            InstanceState::Master => ("Entering MASTER state", "=> VRRP Instance is now owning VRRP VIPs <="),
            InstanceState::Backup => {
                ("Entering BACKUP state", "=> VRRP Instance is no longer owning VRRP VIPs <=")
            }
            InstanceState::Fault => {
                ("Entering FAULT state", "=> VRRP Instance is no longer owning VRRP VIPs <=")
            }
            InstanceState::Stop => ("Stopping", "=> VRRP Instance stopping <="),
            InstanceState::Init => return None,
        };
        if !self.config.smtp_alert || self.mailed == Some(state) {
            return None;
        }
        self.mailed = Some(state);
        let name = &self.config.name;
        let subject = format!("[{}] VRRP Instance {name} - {what}", router_id.unwrap_or_default());
        Some(message::Mail { instance: name.clone(), subject, body: body.into() })
    }

    pub(crate) fn state(&self) -> InstanceState {
        self.router.state().into()
    }

    pub(crate) fn is_master(&self) -> bool {
        self.router.state() == State::Master
    }

    pub(crate) fn status(&self, now: Time) -> InstanceStatus {
        let config = &self.config;
        InstanceStatus {
            name: config.name.clone(),
            state: self.state(),
            since: now.since(self.router.since()),
            why: self.why.clone(),
            base_priority: config.priority,
            priority: self.router.priority(),
            effects: self.causes.iter().map(Cause::describe).collect(),
            addresses: self.addresses().map(|a| format!("{}/{}", a.address, a.prefix)).collect(),
            interface: config.interface.clone(),
            vrid: config.vrid,
            source: self.source,
            advert_int: config.advert_int,
            counters: self.router.counters().into(),
            rejected: self.complaints.iter().map(|(&reason, c)| (reason.to_owned(), c.count)).collect(),
            master: self.router.master_heard().map(|(address, priority, at)| MasterSeen {
                address,
                priority,
                ago: now.since(at),
            }),
            conflict: self.conflict.as_ref().map(|conflict| message::Conflict {
                source: conflict.source,
                what: conflict.what.clone(),
                ago: now.since(conflict.at),
                count: conflict.count,
            }),
        }
    }
}

impl Cause {
    /// As in `script chk_nginx failed: -20`.
    fn describe(&self) -> String {
        match self.effect {
            Effect::Priority(change) => format!("{}: {change:+}", self.text),
            Effect::None | Effect::Waiting | Effect::Fault => self.text.clone(),
        }
    }
}

fn purpose(config: &VrrpInstance) -> Purpose {
    let group = config.unicast.is_none().then_some(config.mcast_group).and_then(v4);
    Purpose { interface: config.interface.clone(), group }
}

fn advertised(config: &VrrpInstance) -> Vec<Ipv4Addr> {
    config.addresses.iter().filter_map(|address| v4(address.address)).collect()
}

/// The address if it is an IPv4 one: instances of the other family do not run yet.
pub(crate) fn v4(address: IpAddr) -> Option<Ipv4Addr> {
    match address {
        IpAddr::V4(v4) => Some(v4),
        IpAddr::V6(_) => None,
    }
}

fn authentication(config: &VrrpInstance) -> Authentication {
    match config.authentication {
        model::Authentication::None => Authentication::None,
        model::Authentication::Pass(password) => Authentication::Pass(password),
        // The configuration keeps instances with these from running.
        model::Authentication::Ah(_) | model::Authentication::Hmac(_) => Authentication::None,
    }
}

fn weight(weight: TrackWeight) -> Weight {
    Weight { weight: weight.weight, reverse: weight.reverse }
}

/// `state MASTER` excludes nopreempt and preempt_delay, as in keepalived; see [`cleared`].
fn settings(config: &VrrpInstance, source: Option<Ipv4Addr>) -> Settings {
    let starts_as_master = config.state == InitialState::Master;
    let preempt = match config {
        _ if starts_as_master => Preempt::Always,
        _ if config.nopreempt => Preempt::Never,
        _ if !config.preempt_delay.is_zero() => Preempt::After(config.preempt_delay),
        _ => Preempt::Always,
    };
    let garp = &config.garp;
    Settings {
        version: Version::V2,
        priority: config.priority,
        interval: Centiseconds::from_duration(config.advert_int),
        starts_as_master,
        preempt,
        source: source.unwrap_or(Ipv4Addr::UNSPECIFIED).into(),
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

#[cfg(test)]
mod tests;
