//! `vrrp_sync_group`, and what it does to its members.

use super::global::Defaults;
use super::group::{empty, has_unusable, members};
use super::instance::notify;
use super::reader::Reader;
use super::script::duplicate;
use super::weights::{self, Why};
use super::{GroupPlaces, Places, tracking};
use crate::grammar::Word;
use crate::model::{Config, SyncGroup, TrackWeight};
use crate::placement::{Body, Item};
use diagnostic::{Diagnostic, Span};

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
        let listed = members(item, config, reader);
        let unusable = has_unusable(item, reader);
        let members: Vec<Word> = listed.into_iter().filter(|word| alone(word, config, reader)).collect();
        if members.is_empty() {
            empty(item, unusable, reader);
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
        if !group.member_weights && reader.acts(item.keyword.support) {
            without_member_weights(&group, config, places, reader);
        }
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

/// Without `sync_group_tracking_weight` no member may fall behind the others.
fn without_member_weights(
    group: &SyncGroup,
    config: &mut Config,
    places: &mut Places,
    reader: &mut Reader<'_>,
) {
    let members = config.instances.iter_mut().zip(&mut places.instances);
    for (instance, places) in members.filter(|(instance, _)| group.members.contains(&instance.name)) {
        weights::leave_out(instance, places, Why::SyncGroup, reader);
    }
}
