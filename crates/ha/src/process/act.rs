//! What routers want done, in keepalived's order: advertise, move addresses, announce them, tell.

use super::{Process, now, wall};
use crate::Level;
use crate::instance::Instance;
use crate::message::{InstanceState, Occasion, Out};
use keepalived_conf::model::VirtualAddress;
use std::net::IpAddr;
use std::time::Duration;
use vrrp::{Action, Burst, Line, RELEASE, State, Time};

/// A virtual Ethernet address is claimed again so long after a takeover, and then with pauses that double up
/// to the last.
const FIRST_CLAIM: Duration = Duration::from_millis(30);
const LAST_CLAIM: Duration = Duration::from_millis(500);

impl Process<'_> {
    /// Does what a router wants done.
    pub(super) fn carry_out(&mut self, now: Time, index: usize) {
        self.put_off(index);
        self.carry_out_all(now);
    }

    /// Keeps what a router wants done until [`Process::carry_out_all`].
    pub(super) fn put_off(&mut self, index: usize) {
        if !self.actions.is_empty() {
            self.pending.push((index, std::mem::take(&mut self.actions)));
        }
    }

    /// Does what routers want done, in the order of each. But the advertisements of all leave first,
    /// and what is told to nftables is told once for all: each transaction waits some 10 ms for all
    /// processors, and 250 instances that take over together must not wait for each other.
    pub(super) fn carry_out_all(&mut self, now: Time) {
        let mut pending = std::mem::take(&mut self.pending);
        for (index, actions) in &pending {
            for action in actions {
                if let Action::Advertise(priority) = action {
                    self.advertise(*index, *priority);
                }
            }
        }
        // Once the first instances have started it is clear what nobody goes on with.
        if !pending.is_empty() {
            self.remove_left_over();
        }
        let wanting = |wanted: Action| {
            let has = move |(_, actions): &&(usize, Vec<Action>)| actions.contains(&wanted);
            pending.iter().filter(has).map(|(index, _)| *index).collect::<Vec<usize>>()
        };
        let (installing, removing) = (wanting(Action::Install), wanting(Action::Remove));
        if !installing.is_empty() {
            self.set_drop_rules();
            self.silence();
            self.begin_leases(&installing);
        }
        for (index, actions) in pending.drain(..) {
            self.carry_out_rest(now, index, actions);
        }
        if !removing.is_empty() {
            let gone = removing.iter().map(|index| &self.instances[*index]);
            let gone = gone.filter(|instance| !instance.is_master());
            let names: Vec<&str> = gone.map(|instance| instance.config.name.as_str()).collect();
            self.leases.end(&names, self.host);
            self.set_drop_rules();
            self.silence();
        }
        if self.pending.is_empty() {
            self.pending = pending;
        }
    }

    fn carry_out_rest(&mut self, now: Time, index: usize, actions: Vec<Action>) {
        let released = actions.contains(&Action::Advertise(RELEASE));
        for action in actions {
            match action {
                Action::Advertise(_) => {}
                Action::Install => self.install(now, index),
                Action::Remove => self.remove(index),
                Action::Announce(burst) => self.announce(now, index, burst),
                Action::Notify(State::Init) => self.notify_state(index, InstanceState::Stop),
                Action::Notify(state) => self.notify_state(index, state.into()),
                Action::HeardLower => self.notify(index, Occasion::LowerHeard),
                Action::Log(line) => self.log(index, line),
            }
        }
        if released {
            self.name_successor(now, index);
        }
    }

    fn advertise(&mut self, index: usize, priority: u8) {
        let instance = &mut self.instances[index];
        self.network.advertise(instance, priority, wall(), self.host);
        self.changed |= instance.reserve_sequences();
        if priority != RELEASE {
            let duration = instance.lease();
            self.leases.advertised(&instance.config.name, duration);
        }
    }

    fn install(&mut self, now: Time, index: usize) {
        let instance = &mut self.instances[index];
        instance.greet_at = Time::default();
        instance.extra_at = None;
        instance.backups.clear();
        let is_virtual = |vip: &VirtualAddress| self.network.is_virtual(instance.interface_of(vip));
        let claims = instance.addresses().any(is_virtual);
        instance.claim = claims.then_some((now + FIRST_CLAIM, FIRST_CLAIM * 2));
        self.log_parts("setting", index, &Part::ALL);
        let instance = &self.instances[index];
        let name = &instance.config.name;
        self.network.install(instance, |_| true, self.host);
        let (routes, rules) = instance.routing();
        self.network.add_routing(&format!("({name})"), &routes, &rules, self.host);
    }

    fn remove(&mut self, index: usize) {
        let instance = &self.instances[index];
        let name = &instance.config.name;
        let (routes, rules) = instance.routing();
        self.network.delete_routing(&format!("({name})"), &routes, &rules, self.host);
        let removed = self.network.remove(instance, instance.addresses(), self.host);
        if removed > 0 {
            let [drop_rule, addresses, excluded, routes, rules] = Part::ALL;
            self.log_parts("removing", index, &[rules, routes, addresses, excluded, drop_rule]);
        }
    }

    /// Names what of an instance comes and goes with its addresses.
    fn log_parts(&mut self, verb: &str, index: usize, parts: &[Part]) {
        let instance = &self.instances[index];
        for &part in parts {
            if self.has(instance, part) {
                let line = format!("({}) {verb} {}", instance.config.name, part.words());
                self.host.log(Level::Detail, &line);
            }
        }
    }

    fn has(&self, instance: &Instance, part: Part) -> bool {
        let config = &instance.config;
        match part {
            Part::DropRule => self.drops(instance),
            Part::Addresses => !config.addresses.is_empty(),
            Part::Excluded => !config.excluded.is_empty(),
            Part::Routes => !config.routes.is_empty(),
            Part::Rules => !config.rules.is_empty(),
        }
    }

    /// Begins the leases of instances, before their addresses are added.
    pub(super) fn begin_leases(&mut self, indices: &[usize]) {
        if !self.leases.are_kept() {
            return;
        }
        let instances = indices.iter().map(|index| &self.instances[*index]);
        // An owner's addresses are the host's own.
        let wanted = instances.filter(|instance| instance.config.priority != vrrp::OWNER).map(|instance| {
            let addresses: Vec<IpAddr> = instance.addresses().map(|vip| vip.address).collect();
            (instance.config.name.as_str(), addresses, instance.lease())
        });
        self.leases.begin(&wanted.collect::<Vec<_>>(), self.host);
    }

    /// After a lower-priority master was heard, the other members of a sync group announce their
    /// addresses too: the other side had those as well.
    fn announce(&mut self, now: Time, index: usize, burst: Burst) {
        let members = match burst {
            Burst::Lower => self.groups.siblings(index),
            Burst::Master | Burst::Refresh | Burst::Asked => Vec::new(),
        };
        for member in std::iter::once(index).chain(members) {
            let instance = &self.instances[member];
            if instance.is_master() {
                self.network.announce(now, instance, burst, |_| true, self.host);
            }
        }
    }

    /// Announces the addresses of an instance that somebody asks for, if it is master.
    pub(super) fn announce_asked(&mut self, name: &str) {
        let index = self.instances.iter().position(|instance| instance.config.name == name);
        if let Some(index) = index {
            self.announce(now(), index, Burst::Asked);
        }
    }

    /// Keeps the virtual interfaces of backups from being heard.
    fn silence(&mut self) {
        if !self.network.has_virtual_interfaces() {
            return;
        }
        let masters = self.instances.iter().filter(|instance| instance.is_master());
        let busy = masters.flat_map(|instance| {
            instance.addresses().map(|vip| instance.interface_of(vip)).chain([instance.own_interface()])
        });
        let mut busy: Vec<String> = busy.map(str::to_owned).collect();
        busy.sort_unstable();
        busy.dedup();
        self.network.silence_all_but(busy, self.host);
    }

    /// `garp_extra_if`: announces one address on each interface that no advertisement leaves by.
    pub(super) fn announce_extra(&mut self, now: Time) {
        for index in 0..self.instances.len() {
            let instance = &mut self.instances[index];
            let Some(extra) = instance.config.garp.extra.filter(|_| instance.is_master()) else { continue };
            match instance.extra_at {
                Some(at) if at > now => continue,
                Some(_) => instance.extra_at = Some(now + extra.interval),
                None => {
                    instance.extra_at = Some(now + instance.config.garp.master_delay + extra.interval);
                    continue;
                }
            }
            let sending = self.instances[index].purpose.interface.as_str();
            let wanted = |name: &str, is_virtual| name != sending && (is_virtual || extra.all);
            self.network.announce_interfaces(now, &self.instances[index], wanted, self.host);
        }
    }

    /// Announces one address on each virtual interface again, soon after a takeover. The master before still
    /// had the address when the first announcement came, and its kernel answered that from the same
    /// Ethernet address, as whose place switches then took its own.
    pub(super) fn claim(&mut self, now: Time) {
        for instance in &mut self.instances {
            let Some((_, pause)) = instance.claim.filter(|(at, _)| *at <= now) else { continue };
            instance.claim = (pause <= LAST_CLAIM).then(|| (now + pause, pause * 2));
            if instance.is_master() {
                self.network.announce_interfaces(now, instance, |_, is_virtual| is_virtual, self.host);
            }
        }
    }

    /// When the next of both is due.
    pub(super) fn next_extra(&self) -> Option<Time> {
        let masters = self.instances.iter().filter(|instance| instance.is_master());
        let due = |instance: &Instance| {
            let extra = instance.config.garp.extra.and(instance.extra_at);
            extra.into_iter().chain(instance.claim.map(|(at, _)| at)).min()
        };
        masters.filter_map(due).min()
    }

    fn log(&mut self, index: usize, line: Line) {
        let instance = &mut self.instances[index];
        if is_reason(&line) {
            instance.why = line.to_string();
        }
        let level = match line {
            Line::Paused(_) => Level::Warning,
            line if line.is_detail() => Level::Detail,
            _ => Level::Info,
        };
        self.host.log(level, &format!("({}) {line}", instance.config.name));
        if let Line::Priority { .. } = line
            && self.instances[index].config.notify_priority_changes
            && matches!(self.instances[index].state(), InstanceState::Master | InstanceState::Backup)
        {
            self.notify(index, Occasion::Priority(self.instances[index].state()));
        }
    }

    fn notify_state(&mut self, index: usize, state: InstanceState) {
        self.changed = true;
        self.notify(index, Occasion::State(state));
        self.mail(index, Occasion::State(state));
    }

    fn mail(&mut self, index: usize, occasion: Occasion) {
        if self.mails_faults || occasion != Occasion::State(InstanceState::Fault) {
            let mail = self.instances[index].mail(occasion, self.router_id.as_deref());
            mail.into_iter().for_each(|mail| self.tell(&Out::Mail(mail)));
        }
    }

    /// Tells that a reload has removed an instance. Without `notify_deleted` that is a FAULT for `notify`
    /// and FIFOs, as it always was in keepalived, unless it was in that state already.
    pub(super) fn tell_deleted(&mut self, index: usize, before: InstanceState) {
        let occasion = match self.instances[index].config.notify.tell_deleted {
            true => Occasion::Deleted,
            false if before == InstanceState::Fault => return,
            false => Occasion::State(InstanceState::Fault),
        };
        self.instances[index].config.notify.fault = None;
        self.notify(index, occasion);
        self.mail(index, occasion);
    }

    pub(super) fn notify(&mut self, index: usize, occasion: Occasion) {
        let notification = self.instances[index].notification(occasion);
        self.tell(&Out::Notify(notification));
    }
}

/// What comes and goes with a master.
#[derive(Clone, Copy)]
enum Part {
    DropRule,
    Addresses,
    Excluded,
    Routes,
    Rules,
}

impl Part {
    /// In the order in which keepalived sets them.
    const ALL: [Part; 5] = [Part::DropRule, Part::Addresses, Part::Excluded, Part::Routes, Part::Rules];

    /// keepalived's words.
    fn words(self) -> &'static str {
        match self {
            Part::DropRule => "firewall drop rule",
            Part::Addresses => "VIPs.",
            Part::Excluded => "E-VIPs.",
            Part::Routes => "Virtual Routes",
            Part::Rules => "Virtual Rules",
        }
    }
}

/// Whether a line says why a state was entered.
fn is_reason(line: &Line) -> bool {
    matches!(
        line,
        Line::ReceiveTimeout
            | Line::StillMaster
            | Line::Higher { .. }
            | Line::SameHigherAddress { .. }
            | Line::HandedOver
            | Line::Paused(_)
    )
}
