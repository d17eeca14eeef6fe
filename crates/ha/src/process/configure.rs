//! Putting a configuration in force, and what tracking makes of it.

use super::{Process, now};
use crate::instance::{Instance, cleared};
use crate::message::{Memory, Out};
use crate::network::{Buffer, Leases, Statics, plan, track_implied};
use crate::{Error, Level};
use keepalived_conf::model::{Config, Global, NetlinkBuffers, SyncGroup, VirtualAddress, VrrpInstance};
use netlink::Monitor;
use std::collections::HashSet;
use std::net::IpAddr;
use std::time::Duration;
use vrrp::tracking::{self, Effect, Verdict};
use vrrp::{Action, Burst, Event, Line, Standing, State, Time};

impl Process<'_> {
    /// Puts a configuration in force. Instances that stay the same virtual router keep their state.
    pub(super) fn configure(&mut self, mut config: Config, restored: &Memory) -> Result<(), Error> {
        let now = now();
        let goes_on = !(self.instances.is_empty() && restored.instances.is_empty());
        self.dumps.configure(now, &config);
        // Where none are wanted, a process before this one may have left some.
        if !self.leases.are_kept() {
            let (nftables, program) = (self.network.nftables(), config.program.name.as_deref());
            self.leases = Leases::open(nftables, program, config.global.lease, self.host);
        }
        self.guard_routes(&config)?;
        let links = plan(&mut config, &self.network.interfaces);
        track_implied(&mut config, &links);
        self.network.inherit_settings(&restored.settings);
        let promoting = config.instances.iter().filter(|instance| instance.promote_secondaries);
        let promoting = promoting.map(|instance| instance.interface.clone()).collect();
        let program = config.program.name.clone();
        self.network.want_virtual_interfaces(links, promoting, program, self.host);
        self.network.configure_statics(Statics::of(&config), self.host);
        self.tracking.configure(now, &config, restored, &mut self.network.interfaces, self.host);
        self.handovers.wanted = config.global.handover;
        self.leases.wanted = config.global.lease;
        self.set_monitor_buffer(&config.global.processes.vrrp.netlink);
        self.firewall.configure(&config);
        self.network.configure(&config.global, config.garp_groups, self.host);
        if !goes_on {
            self.begins = begins(now, &config.global);
        }
        self.keeps_addresses = config.program.keeps_addresses;
        self.reports_addresses = config.program.reports_addresses;
        self.proxy.tracked = config.global.track_proxy;
        self.lateness.configure(&config.global.processes);
        self.router_id = config.global.router_id;
        self.receive_buffers = config.global.receive_buffers;
        self.mails_faults = !config.global.mail.no_faults;
        self.log_unknown = config.global.log_unknown_vrids;
        self.replace_instances(now, config.instances, &config.sync_groups);
        self.network.drop_virtual_interfaces(self.host);
        for instance in &mut self.instances {
            let known = restored.instances.iter().any(|(name, _)| *name == instance.config.name);
            instance.joined |= instance.made == Some(now) && goes_on && !known;
        }
        let position = |name: &str| self.instances.iter().position(|i| i.config.name == name);
        let state = |name: &str| resumed(restored, name);
        let gone = self.groups.configure(config.sync_groups, position, state);
        self.groups_deleted(&gone);
        self.provide();
        for instance in &mut self.instances {
            let name = &instance.config.name;
            if let Some((_, reserved)) = restored.sequences.iter().find(|(known, _)| known == name) {
                instance.resume_sequences(*reserved);
            }
        }
        self.evaluate(restored);
        self.settle_groups();
        self.remove_left_over();
        if !self.leases.wanted {
            self.leases.release(self.host);
        }
        self.set_drop_rules();
        self.changed = true;
        self.tell(&Out::Ready);
        Ok(())
    }

    /// Hears of routes and rules only where some are configured: a router may have a million others.
    fn guard_routes(&mut self, config: &Config) -> Result<(), Error> {
        let routed = |instance: &VrrpInstance| !(instance.routes.is_empty() && instance.rules.is_empty());
        let wanted = !(config.static_routes.is_empty() && config.static_rules.is_empty())
            || config.instances.iter().any(routed);
        if wanted != self.guards_routes {
            self.monitor = if wanted { Monitor::open_with_routes()? } else { Monitor::open()? };
            self.guards_routes = wanted;
            // What the old one had not yet told.
            self.network.look()?;
        }
        Ok(())
    }

    /// `vrrp_netlink_monitor_rcv_bufs`: what is not written is large enough already.
    fn set_monitor_buffer(&mut self, buffers: &NetlinkBuffers) {
        let word = "vrrp_netlink_monitor_rcv_bufs";
        Buffer { word, bytes: buffers.monitor, force: buffers.monitor_force }.apply(&self.monitor, self.host);
    }

    fn replace_instances(&mut self, now: Time, wanted: Vec<VrrpInstance>, groups: &[SyncGroup]) {
        let mut old = std::mem::take(&mut self.instances);
        let mut kept = Vec::new();
        for wanted in wanted {
            for line in cleared(&wanted) {
                self.host.log(Level::Warning, &line);
            }
            let grouped = groups.iter().any(|group| group.members.contains(&wanted.name));
            let index = self.instances.len();
            let same = |instance: &Instance| instance.is_same_router(&wanted);
            let named = old.iter().position(|one| one.config.name == wanted.name && same(one));
            match named.or_else(|| old.iter().position(same)) {
                Some(at) => {
                    let mut instance = old.remove(at);
                    let before = instance.reconfigure(now, wanted, grouped, &mut self.actions);
                    self.instances.push(instance);
                    self.carry_out(now, index);
                    kept.push((index, before));
                }
                None => {
                    let mut instance = Instance::new(wanted, grouped);
                    instance.made = Some(now);
                    self.instances.push(instance);
                }
            }
        }
        for instance in old {
            self.delete(now, instance);
        }
        // Now that those which are gone have let go of what is theirs by name.
        let name = |index: usize| self.instances[index].config.name.clone();
        let names = kept.iter().map(|(index, before)| (before.name.clone(), name(*index))).collect();
        self.leases.rename(names);
        self.move_addresses(now, &kept);
    }

    /// Ends an instance that a reload has removed, or made another virtual router of.
    fn delete(&mut self, now: Time, mut instance: Instance) {
        let before = instance.state();
        instance.why = "removed from the configuration".into();
        instance.router.on(now, Event::Stop, &mut self.actions);
        self.actions.retain(|action| !matches!(action, Action::Notify(_)));
        self.instances.push(instance);
        let index = self.instances.len() - 1;
        self.carry_out(now, index);
        self.tell_deleted(index, before);
        self.instances.pop();
    }

    /// A reload changed the addresses, routes or rules of instances: moves those that changed. All are
    /// taken away before any is added, because one may go from an instance to another.
    fn move_addresses(&mut self, now: Time, kept: &[(usize, VrrpInstance)]) {
        let masters = kept.iter().filter(|(index, _)| self.instances[*index].is_master());
        let masters: Vec<&(usize, VrrpInstance)> = masters.collect();
        for (index, before) in &masters {
            let instance = &self.instances[*index];
            let (now_routes, now_rules) = (&instance.config.routes, &instance.config.rules);
            let routes: Vec<_> = before.routes.iter().filter(|route| !now_routes.contains(route)).collect();
            let rules: Vec<_> = before.rules.iter().filter(|rule| !now_rules.contains(rule)).collect();
            let owner = format!("({})", instance.config.name);
            self.network.delete_routing(&owner, &routes, &rules, self.host);
            let gone = addresses(before).filter(|vip| !instance.addresses().any(|kept| kept == *vip));
            self.network.remove(instance, gone, self.host);
        }
        let held = |config: &VrrpInstance| (config.advert_int, config.down_timer_adverts, config.priority);
        let changed = masters.iter().filter(|(index, before)| {
            let instance = &self.instances[*index];
            !addresses(before).eq(instance.addresses()) || held(before) != held(&instance.config)
        });
        let changed: Vec<usize> = changed.map(|(index, _)| *index).collect();
        if !changed.is_empty() {
            // What one of them lets go of another can hold only afterwards.
            self.begin_leases(&changed);
            self.begin_leases(&changed);
        }
        for (index, before) in masters {
            let instance = &self.instances[*index];
            let is_new = |vip: &_| !addresses(before).any(|had| had == vip);
            self.network.install(instance, is_new, self.host);
            let (now_routes, now_rules) = (&instance.config.routes, &instance.config.rules);
            let routes: Vec<_> = now_routes.iter().filter(|route| !before.routes.contains(route)).collect();
            let rules: Vec<_> = now_rules.iter().filter(|rule| !before.rules.contains(rule)).collect();
            let owner = format!("({})", instance.config.name);
            self.network.add_routing(&owner, &routes, &rules, self.host);
            self.network.announce(now, instance, Burst::Master, is_new, self.host);
        }
    }

    /// Removes addresses that a process before this one held and has not given up, because it was
    /// killed, perhaps with everything else: nobody has answered for them since their leases were over, and
    /// nobody is to but those who go on as master.
    pub(super) fn remove_left_over(&mut self) {
        let masters = self.instances.iter().filter(|instance| instance.is_master());
        let kept: HashSet<IpAddr> =
            masters.flat_map(|instance| instance.addresses().map(|vip| vip.address)).collect();
        for address in self.leases.left_over() {
            if !kept.contains(&address) {
                self.network.remove_everywhere(address, self.host);
            }
        }
        self.leases.clear_left_over(self.host);
    }

    /// Adds up what instances track and tells their routers what is new. `restored` has the states of
    /// a predecessor, for instances that have not started.
    pub(super) fn evaluate(&mut self, restored: &Memory) {
        let mut verdicts: Vec<Verdict> = Vec::with_capacity(self.instances.len());
        for index in 0..self.instances.len() {
            let mut causes = self.instances[index].track(self.sources(), self.groups.conditions(index));
            causes.extend(self.proxy.cause());
            let base = self.instances[index].config.priority;
            verdicts.push(tracking::verdict(base, causes.iter().map(|cause| cause.effect)));
            let name = &self.instances[index].config.name;
            let old = &self.instances[index].causes;
            let new_fault = causes.iter().find(|cause| cause.effect == Effect::Fault);
            if let Some(cause) = new_fault.filter(|cause| !cause.told && !old.contains(cause)) {
                self.host.log(Level::Warning, &format!("({name}) entering FAULT state ({})", cause.text));
            }
            self.instances[index].causes = causes;
        }
        // The members of a group stand as the one that stands worst.
        for members in self.groups.members() {
            let worst = |a, b| match (a, b) {
                (Standing::Unfit, _) | (_, Standing::Unfit) => Standing::Unfit,
                (Standing::Waiting, _) | (_, Standing::Waiting) => Standing::Waiting,
                (Standing::Fit, Standing::Fit) => Standing::Fit,
            };
            let common = members.iter().map(|&at| verdicts[at].standing).fold(Standing::Fit, worst);
            for &at in members {
                verdicts[at].standing = common;
            }
        }
        for (index, verdict) in verdicts.into_iter().enumerate() {
            let resumed = resumed(restored, &self.instances[index].config.name);
            self.apply(index, verdict, resumed);
        }
        self.carry_out_all(now());
    }

    /// Tells a router what tracking says. `resumed` is the state of a predecessor, for an instance
    /// that has not started.
    fn apply(&mut self, index: usize, verdict: Verdict, resumed: Option<State>) {
        let now = now();
        let overdue = self.overdue(&self.instances[index]).filter(|_| resumed == Some(State::Master));
        let resumed = if overdue.is_some() { Some(State::Backup) } else { resumed };
        let instance = &mut self.instances[index];
        if self.begins.is_some() && instance.standing.is_none() {
            return;
        }
        instance.router.on(now, Event::Priority(verdict.priority), &mut self.actions);
        let event = match (instance.standing, verdict.standing) {
            (None, standing) => Some(Event::Start { standing, restored: resumed }),
            (Some(Standing::Fit | Standing::Waiting), Standing::Unfit) => Some(Event::Fault),
            (Some(Standing::Unfit | Standing::Waiting), Standing::Fit) => Some(Event::Recovered),
            _ => None,
        };
        // A script that is new after a reload does not make an instance wait again.
        if instance.standing.is_none() || verdict.standing != Standing::Waiting {
            instance.standing = Some(verdict.standing);
        }
        if let Some(event) = event {
            let fault = instance.causes.iter().find(|cause| cause.effect == Effect::Fault);
            match fault {
                Some(cause) => instance.why = cause.text.clone(),
                None if verdict.standing == Standing::Unfit => {
                    instance.why = "another member of its sync group is in FAULT".into();
                }
                None if event == Event::Recovered => instance.why = "nothing tracked fails".into(),
                None => {}
            }
            let starts = matches!(event, Event::Start { .. });
            instance.router.on(now, event, &mut self.actions);
            if let Some(overdue) = overdue.filter(|_| starts && instance.router.state() == State::Backup) {
                self.actions.push(Action::Log(Line::Paused(overdue)));
                self.actions.push(Action::Notify(State::Backup));
            }
        }
        self.put_off(index);
    }

    /// How long an advertisement of a predecessor is overdue, if so long that another router may have taken
    /// over: its successor must not come back as a second master. It advertised when it was last alive, as
    /// far as is known here.
    fn overdue(&self, instance: &Instance) -> Option<Duration> {
        let overdue = now().since(self.silent_since?).saturating_sub(instance.config.advert_int);
        instance.router.may_be_replaced(overdue).then_some(overdue)
    }
}

/// All addresses of an instance.
fn addresses(config: &VrrpInstance) -> impl Iterator<Item = &VirtualAddress> {
    config.addresses.iter().chain(&config.excluded)
}

/// When the election begins, if not now. The clock counts from the machine's start.
fn begins(now: Time, global: &Global) -> Option<Time> {
    let startup = (!global.startup_delay.is_zero()).then(|| now + global.startup_delay);
    let boot = Some(Time(global.delay_after_boot)).filter(|&at| at > now);
    startup.max(boot)
}

fn resumed(restored: &Memory, name: &str) -> Option<State> {
    restored.instances.iter().find(|(known, _)| known == name)?.1.resumed()
}
