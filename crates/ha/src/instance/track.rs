//! What bears on an instance's priority and fitness.

use super::{Instance, settings};
use crate::network::Interfaces;
use crate::tracking::{self, Tracking};
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
    pub(crate) tracking: &'a Tracking,
}

/// What an instance tracks and what its sync group does. What both track counts once: with the group's
/// weight, unless the instance tracks it without one, as in keepalived.
fn joined<'a, T>(
    own: impl Iterator<Item = &'a T> + Clone,
    shared: impl Iterator<Item = &'a T> + Clone,
    of: impl Fn(&T) -> (&str, TrackWeight),
) -> Vec<&'a T> {
    let same = |one: &T, other: &T| of(one).0 == of(other).0;
    let counts = |one| shared.clone().find(|other| of(one).1.weight != 0 && same(one, other)).unwrap_or(one);
    let rest = shared.clone().filter(|other| !own.clone().any(|one| same(one, other)));
    own.clone().map(counts).chain(rest).collect()
}

fn joined_objects<'a>(own: &'a [Tracked], shared: &'a [Tracked]) -> Vec<&'a Tracked> {
    joined(own.iter(), shared.iter(), |tracked| (tracked.name.as_str(), tracked.weight))
}

impl Sources<'_> {
    /// Whether an interface counts as up; see `interface_up_down_delays`.
    fn is_up(&self, interface: &str) -> bool {
        self.tracking.links.up(interface, self.interfaces)
    }

    fn interface(&self, tracked: &TrackInterface, told: bool) -> Cause {
        let (name, up) = (&tracked.interface, self.is_up(&tracked.interface));
        let text = format!("interface {name} {}", if up { "up" } else { "down" });
        Cause { effect: settings::weight(tracked.weight).effect(Some(up)), text, told }
    }

    fn script(&self, tracked: &Tracked) -> Cause {
        let up = self.tracking.scripts.up(&tracked.name);
        let said = match up {
            None => "has not answered yet",
            Some(true) => "succeeded",
            Some(false) => "failed",
        };
        let text = format!("script {} {said}", tracked.name);
        Cause { effect: settings::weight(tracked.weight).effect(up), text, told: up.is_some() }
    }

    /// `before`: what bore on the instance until now.
    fn file(&self, tracked: &Tracked, before: &[Cause]) -> Cause {
        let name = &tracked.name;
        let value = self.tracking.files.value(name).unwrap_or_default();
        let effect = tracking::file_effect(value, tracked.weight);
        let subject = format!("file {name} is ");
        // In FAULT another number is no news.
        let same = |cause: &Cause| cause.effect == Effect::Fault && cause.text.starts_with(&subject);
        Cause { effect, told: before.iter().any(same), text: format!("{subject}{value}") }
    }

    fn process(&self, tracked: &Tracked, told: bool) -> Cause {
        let name = &tracked.name;
        let (up, count) = self.tracking.processes.state(name).unwrap_or_default();
        let effect = settings::weight(tracked.weight).effect(Some(up));
        Cause { effect, text: format!("process {name}: {count}"), told }
    }

    fn session(&self, tracked: &Tracked, told: bool) -> Cause {
        let (name, up) = (&tracked.name, self.tracking.sessions.up(&tracked.name).unwrap_or_default());
        let effect = settings::weight(tracked.weight).effect(Some(up));
        Cause { effect, text: format!("bfd {name} {}", if up { "up" } else { "down" }), told }
    }
}

impl Instance {
    /// Everything that bears on priority and fitness at present: what the instance tracks by itself,
    /// and what its sync group tracks for it.
    pub(crate) fn track(&self, sources: Sources<'_>, group: Option<&Conditions>) -> Vec<Cause> {
        let (config, nothing) = (&self.config, Conditions::default());
        let group = group.unwrap_or(&nothing);
        let mut causes = self.faults(sources);
        let told = self.standing.is_some();
        // Its own interface it tracks by itself, without a weight; or not at all, but for the group.
        let other = |tracked: &&TrackInterface| tracked.interface != config.interface;
        let own = config.track_interfaces.iter().filter(other);
        let shared = group.interfaces.iter().filter(|one| config.dont_track_primary || other(one));
        let interfaces = joined(own, shared, |tracked| (tracked.interface.as_str(), tracked.weight));
        causes.extend(interfaces.into_iter().map(|tracked| sources.interface(tracked, told)));
        let scripts = joined_objects(&config.track_scripts, &group.scripts);
        causes.extend(scripts.into_iter().map(|tracked| sources.script(tracked)));
        let files = joined_objects(&config.track_files, &group.files);
        causes.extend(files.into_iter().map(|tracked| sources.file(tracked, &self.causes)));
        let processes = joined_objects(&config.track_processes, &group.processes);
        causes.extend(processes.into_iter().map(|tracked| sources.process(tracked, told)));
        let sessions = joined_objects(&config.track_bfd, &group.bfd);
        causes.extend(sessions.into_iter().map(|tracked| sources.session(tracked, told)));
        causes.retain(|cause| cause.effect != Effect::None);
        causes
    }

    /// What keeps it from serving whatever is tracked.
    fn faults(&self, sources: Sources<'_>) -> Vec<Cause> {
        let Sources { interfaces, tracking } = sources;
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
            None => {
                let expected = tracking.dynamic_interfaces;
                fault(format!("interface {own} does not exist, waiting for it"), expected);
            }
            Some(_) if !sources.is_up(own) && !config.dont_track_primary => {
                fault(format!("interface {own} down"), self.standing.is_some());
            }
            // As in keepalived: it would be master on every router at once.
            Some(link) if !link.multicast && config.unicast.is_none() => {
                fault(
                    format!("interface {own} has no multicast: list the other routers in unicast_peer"),
                    false,
                );
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
