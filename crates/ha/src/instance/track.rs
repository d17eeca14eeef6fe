//! What bears on an instance's priority and fitness.

use super::{Instance, settings};
use crate::network::Interfaces;
use crate::scripts::Scripts;
use keepalived_conf::model::{Conditions, ConfigFault, TrackInterface, TrackWeight, Tracked};
use vrrp::Family;
use vrrp::tracking::Effect;

/// One effect of tracking, with the words for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Cause {
    pub(crate) effect: Effect,
    pub(crate) text: String,
    /// Whether the log has said it in other words already.
    pub(crate) told: bool,
}

impl Cause {
    /// What a tracked object that is up or down means, if anything.
    pub(crate) fn of(weight: TrackWeight, up: bool, text: &str) -> Option<Self> {
        let effect = settings::weight(weight).effect(Some(up));
        (effect != Effect::None).then(|| Self { effect, text: text.to_owned(), told: false })
    }

    /// Something worth telling that changes nothing.
    pub(crate) fn note(text: &str) -> Self {
        Self { effect: Effect::None, text: text.to_owned(), told: true }
    }

    /// As in `script chk_nginx failed: -20`.
    pub(super) fn describe(&self) -> String {
        match self.effect {
            Effect::Priority(change) => format!("{}: {change:+}", self.text),
            Effect::None | Effect::Waiting | Effect::Fault => self.text.clone(),
        }
    }
}

/// Everything that can be tracked, as it stands.
#[derive(Clone, Copy)]
pub(crate) struct Sources<'a> {
    pub(crate) interfaces: &'a Interfaces,
    pub(crate) scripts: &'a Scripts,
}

impl Sources<'_> {
    fn interface(&self, tracked: &TrackInterface, told: bool) -> Cause {
        let (name, up) = (&tracked.interface, self.interfaces.is_usable(&tracked.interface));
        let text = format!("interface {name} {}", if up { "up" } else { "down" });
        Cause { effect: settings::weight(tracked.weight).effect(Some(up)), text, told }
    }

    fn script(&self, tracked: &Tracked) -> Cause {
        let up = self.scripts.up(&tracked.name);
        let said = match up {
            None => "has not answered yet",
            Some(true) => "succeeded",
            Some(false) => "failed",
        };
        let text = format!("script {} {said}", tracked.name);
        Cause { effect: settings::weight(tracked.weight).effect(up), text, told: up.is_some() }
    }

    /// What a sync group tracks for its members.
    pub(crate) fn conditions(&self, conditions: &Conditions, told: bool, causes: &mut Vec<Cause>) {
        causes.extend(conditions.interfaces.iter().map(|tracked| self.interface(tracked, told)));
        causes.extend(conditions.scripts.iter().map(|tracked| self.script(tracked)));
    }
}

impl Instance {
    /// Everything that bears on priority and fitness at present: what the instance tracks by itself,
    /// and what its sync group tracks for it.
    pub(crate) fn track(&self, sources: Sources<'_>, group: Option<&Conditions>) -> Vec<Cause> {
        let mut causes = self.faults(sources.interfaces);
        let told = self.standing.is_some();
        let own = self.config.interface.as_str();
        // keepalived ignores the instance's own interface here.
        for tracked in self.config.track_interfaces.iter().filter(|tracked| tracked.interface != own) {
            causes.push(sources.interface(tracked, told));
        }
        causes.extend(self.config.track_scripts.iter().map(|tracked| sources.script(tracked)));
        if let Some(conditions) = group {
            sources.conditions(conditions, told, &mut causes);
        }
        causes.retain(|cause| cause.effect != Effect::None);
        causes
    }

    /// What keeps it from serving whatever is tracked.
    fn faults(&self, interfaces: &Interfaces) -> Vec<Cause> {
        let (config, own) = (&self.config, self.config.interface.as_str());
        let mut causes = Vec::new();
        let mut fault = |text: String, told| causes.push(Cause { effect: Effect::Fault, text, told });
        match config.fault {
            Some(ConfigFault::NoUnicastPeer) => fault("no unicast peer is configured".into(), false),
            Some(ConfigFault::IpvlanWithoutAddress) => fault("the ipvlan has no address".into(), false),
            None => {}
        }
        let has_source = match (config.source, config.track_source) {
            (Some(source), true) => interfaces.has_anywhere(source),
            _ => self.source.is_some(),
        };
        match interfaces.link(own) {
            None if own.is_empty() => {}
            None => fault(format!("interface {own} does not exist, waiting for it"), false),
            Some(link) if !link.is_usable() && !config.dont_track_primary => {
                fault(format!("interface {own} down"), self.standing.is_some());
            }
            Some(_) if !has_source => match (config.source, self.family()) {
                (Some(source), _) => fault(format!("source address {source} is not there"), false),
                (None, Family::V4) => fault("no IPv4 address for interface".into(), false),
                (None, Family::V6) => fault("no link-local IPv6 address for interface".into(), false),
            },
            Some(_) => {}
        }
        if let Some(why) = &self.trouble {
            fault(why.clone(), false);
        }
        causes
    }
}
