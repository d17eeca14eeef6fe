//! `vrrp_sync_group`, `track_group`, `garp_group`, `interface_up_down_delays`, `linkbeat_interfaces`.

use super::global::{Defaults, time};
use super::instance::notify;
use super::reader::Reader;
use super::script::duplicate;
use super::{GroupPlaces, Places, tracking};
use crate::grammar::Word;
use crate::model::{
    Config, GarpGroup, InterfaceDelay, LinkbeatInterface, LinkbeatMethod, SyncGroup, TrackGroup, TrackWeight,
};
use crate::placement::{Body, Item};
use crate::value;
use diagnostic::{Diagnostic, Span};
use std::time::Duration;

/// Reads every `vrrp_sync_group`. What it says for its members is told to them.
pub(super) fn sync_groups(
    root: &Body<'_>,
    defaults: &Defaults,
    config: &mut Config,
    places: &mut Places,
    reader: &mut Reader<'_>,
) {
    for item in root.all("vrrp_sync_group") {
        let Some(name) = item.first() else { continue };
        let first = config.sync_groups.iter().position(|g| g.name == name.text);
        if let Some(first) = first {
            duplicate(item, places.sync_groups[first].name, reader);
            continue;
        }
        let members = members(item, config, reader);
        let members: Vec<Word> = members.into_iter().filter(|word| alone(word, config, reader)).collect();
        if members.is_empty() {
            let message = format!("vrrp_sync_group `{}` has no instance", name.text);
            reader.say(Diagnostic::error("empty-group", name.span, message).help("the group is left out"));
            continue;
        }
        let body = &item.body;
        let (notify, notify_places) = notify(body, reader);
        let tracked = tracking::read(body, None, config, reader);
        let on = |name| body.last(name).map(Item::is_on);
        let old = body.last("global_tracking");
        if let Some(old) = old {
            reader.old_name(old.statement.keyword(), "sync_group_tracking_weight");
        }
        let mut group = SyncGroup {
            name: name.text.clone(),
            members: members.iter().map(|word| word.text.clone()).collect(),
            track: tracked.conditions,
            member_weights: old.is_some() || body.last("sync_group_tracking_weight").is_some(),
            notify,
            smtp_alert: on("smtp_alert").unwrap_or(defaults.global.mail.alert),
            notify_priority_changes: on("notify_priority_changes"),
        };
        let of_group = |instance: &str| group.members.iter().any(|member| member == instance);
        let owner = config.instances.iter().any(|i| of_group(&i.name) && i.priority == 255);
        tell_members(&group, root, config);
        if owner {
            without_weights(&mut group, name.span, reader);
        }
        places.sync_groups.push(GroupPlaces {
            name: name.span,
            members: members.iter().map(|word| word.span).collect(),
            notify: notify_places,
        });
        config.sync_groups.push(group);
    }
}

/// The instances that a `group` block lists, each once; others are named.
fn members(item: &Item<'_>, config: &Config, reader: &mut Reader<'_>) -> Vec<Word> {
    let mut members: Vec<Word> = Vec::new();
    let lines = item.body.all("group").flat_map(|item| item.body.entries.iter());
    for word in lines.flat_map(|entry| entry.words.iter()) {
        if let Some(first) = members.iter().find(|known| known.text == word.text) {
            reader.say(tracking::repeated(word, first.span));
        } else if reader.defined(word, "vrrp_instance", config.instances.iter().map(|i| &i.name)) {
            members.push(word.clone());
        }
    }
    members
}

/// An instance is in one sync group at most.
fn alone(word: &Word, config: &Config, reader: &mut Reader<'_>) -> bool {
    let other = config.sync_groups.iter().find(|group| group.members.contains(&word.text));
    if let Some(other) = other {
        let message = format!("`{}` is already in the sync group `{}`", word.text, other.name);
        let finding = Diagnostic::error("two-sync-groups", word.span, message);
        reader.say(finding.help("an instance is in one group at most; this entry is left out"));
    }
    other.is_none()
}

/// What a member does not say itself: `notify_priority_changes`.
fn tell_members(group: &SyncGroup, root: &Body<'_>, config: &mut Config) {
    let Some(changes) = group.notify_priority_changes else { return };
    let says = |name: &str| {
        root.all("vrrp_instance").any(|item| {
            item.first().is_some_and(|word| word.text == name)
                && item.body.last("notify_priority_changes").is_some()
        })
    };
    for instance in config.instances.iter_mut().filter(|i| group.members.contains(&i.name)) {
        if !says(&instance.name) {
            instance.notify_priority_changes = changes;
        }
    }
}

/// The priority of an owner never changes, and all members have to stand or fall together.
fn without_weights(group: &mut SyncGroup, span: Span, reader: &mut Reader<'_>) {
    let track = &mut group.track;
    let weights = (track.scripts.iter_mut().map(|t| &mut t.weight))
        .chain(track.files.iter_mut().map(|t| &mut t.weight))
        .chain(track.processes.iter_mut().map(|t| &mut t.weight))
        .chain(track.bfd.iter_mut().map(|t| &mut t.weight))
        .chain(track.interfaces.iter_mut().map(|t| &mut t.weight));
    let mut changed = false;
    for TrackWeight { weight, .. } in weights {
        changed |= *weight != 0;
        *weight = 0;
    }
    if changed {
        let message = "a member has priority 255, which never changes: weights of the group count as 0";
        reader.warn("weight-of-owner", span, message, "take priorities from 1 to 254, or leave weights out");
    }
}

/// Reads every `track_group`.
pub(super) fn track_groups(root: &Body<'_>, config: &Config, reader: &mut Reader<'_>) -> Vec<TrackGroup> {
    let mut groups: Vec<(TrackGroup, Span)> = Vec::new();
    for item in root.all("track_group") {
        let Some(name) = item.first() else { continue };
        if let Some((_, first)) = groups.iter().find(|(g, _)| g.name == name.text) {
            duplicate(item, *first, reader);
            continue;
        }
        let members: Vec<String> = members(item, config, reader).into_iter().map(|word| word.text).collect();
        if members.is_empty() {
            let message = format!("track_group `{}` has no instance", name.text);
            reader.say(Diagnostic::error("empty-group", name.span, message).help("the group is left out"));
            continue;
        }
        groups.push((TrackGroup { name: name.text.clone(), members }, name.span));
    }
    groups.into_iter().map(|(group, _)| group).collect()
}

/// Reads every `garp_group`.
pub(super) fn garp_groups(root: &Body<'_>, reader: &mut Reader<'_>) -> Vec<GarpGroup> {
    let mut groups: Vec<GarpGroup> = Vec::new();
    for item in root.all("garp_group") {
        let body = &item.body;
        let interval = |name| body.last(name).and_then(|item| time(item.first()));
        let (garp_interval, gna_interval) = (interval("garp_interval"), interval("gna_interval"));
        if garp_interval.is_none() && gna_interval.is_none() {
            let message = "this garp_group gives no pause and is left out";
            reader.warn("empty-group", item.span(), message, "add `garp_interval SECONDS`");
            continue;
        }
        let mut interfaces: Vec<String> = Vec::new();
        let single = body.all("interface").filter_map(|item| item.first());
        let listed = body.all("interfaces").flat_map(|item| &item.body.entries).flat_map(|e| &e.words);
        for word in single.chain(listed) {
            let Some(interface) = reader.interface(word) else { continue };
            let taken = groups.iter().any(|group| group.interfaces.contains(&interface));
            if taken || interfaces.contains(&interface) {
                let message = format!("`{interface}` is already in a garp_group");
                reader.warn("repeated-entry", word.span, message, "an interface is in one group at most");
            } else {
                interfaces.push(interface);
            }
        }
        groups.push(GarpGroup { garp_interval, gna_interval, interfaces });
    }
    groups
}

/// Reads every `interface_up_down_delays`: `INTERFACE DOWN [UP]`, the last entry counting.
pub(super) fn interface_delays(root: &Body<'_>, reader: &mut Reader<'_>) -> Vec<InterfaceDelay> {
    const LONGEST: Duration = Duration::from_secs(255);
    let mut delays: Vec<InterfaceDelay> = Vec::new();
    for (entry, _) in tracking::entries(root, "interface_up_down_delays", reader.extent) {
        let Some(interface) = reader.interface(entry.keyword()) else { continue };
        let mut read = |word: Option<&Word>| {
            let Some(word) = word else { return Some(Duration::ZERO) };
            let delay = value::microseconds(&word.text).map(Duration::from_micros).filter(|d| *d <= LONGEST);
            if delay.is_none() {
                let message = format!("`{}` is not a number of seconds to 255", word.text);
                reader.error("invalid-value", word.span, message);
            }
            delay
        };
        let words = entry.arguments();
        let (Some(down), Some(up)) = (read(words.first()), read(words.get(1))) else { continue };
        if words.is_empty() {
            let message = format!("`{interface}` is given no delay");
            reader.error("missing-argument", entry.span(), message);
            continue;
        }
        delays.retain(|delay| delay.interface != interface);
        delays.push(InterfaceDelay { interface, down, up });
    }
    delays
}

/// Reads every `linkbeat_interfaces`: `INTERFACE [MII|ETHTOOL|IOCTL]`.
pub(super) fn linkbeat_interfaces(root: &Body<'_>, reader: &mut Reader<'_>) -> Vec<LinkbeatInterface> {
    let mut interfaces: Vec<LinkbeatInterface> = Vec::new();
    for (entry, _) in tracking::entries(root, "linkbeat_interfaces", reader.extent) {
        let Some(interface) = reader.interface(entry.keyword()) else { continue };
        let method = match entry.arguments().first().map(|word| (word, word.text.as_str())) {
            None => None,
            Some((_, "MII")) => Some(LinkbeatMethod::Mii),
            Some((_, "ETHTOOL")) => Some(LinkbeatMethod::Ethtool),
            Some((_, "IOCTL")) => Some(LinkbeatMethod::Ioctl),
            Some((word, other)) => {
                let message = format!("`{other}` is no way to ask for a link");
                let finding = Diagnostic::error("invalid-value", word.span, message);
                reader.say(finding.help("ways are MII, ETHTOOL and IOCTL; write one interface on each line"));
                None
            }
        };
        interfaces.retain(|known| known.interface != interface);
        interfaces.push(LinkbeatInterface { interface, method });
    }
    interfaces
}
