//! `track_group`, `garp_group`, `interface_up_down_delays`, `linkbeat_interfaces`.

use super::global::time;
use super::reader::Reader;
use super::script::duplicate;
use super::tracking;
use crate::grammar::Word;
use crate::model::{Config, GarpGroup, InterfaceDelay, LinkbeatInterface, LinkbeatMethod, TrackGroup};
use crate::placement::{Body, Item};
use crate::value;
use diagnostic::{Diagnostic, Span};
use std::time::Duration;

/// The instances that a `group` block lists, each once; others are named.
pub(super) fn members(item: &Item<'_>, config: &Config, reader: &mut Reader<'_>) -> Vec<Word> {
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

/// Whether a group lists an instance that does not run for its own mistakes.
pub(super) fn has_unusable(item: &Item<'_>, reader: &Reader<'_>) -> bool {
    let lines = item.body.all("group").flat_map(|item| item.body.entries.iter());
    lines.flat_map(|entry| entry.words.iter()).any(|word| reader.is_declared("vrrp_instance", &word.text))
}

/// A group without instances is left out; said unless those it lists are left out themselves.
pub(super) fn empty(item: &Item<'_>, unusable: bool, reader: &mut Reader<'_>) {
    let Some(name) = item.first().filter(|_| !unusable) else { return };
    let message = format!("{} `{}` has no instance", item.name(), name.text);
    reader.say(Diagnostic::error("empty-group", name.span, message).help("the group is left out"));
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
            empty(item, has_unusable(item, reader), reader);
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
        reader.ignored(words.get(2));
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
        reader.ignored(entry.arguments().get(1));
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
