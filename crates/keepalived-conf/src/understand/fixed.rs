//! `static_ipaddress`, `static_routes`, `static_rules`.

use super::global::Defaults;
use super::instance::entries;
use super::reader::Reader;
use super::rule::NextPriority;
use super::{address, route, rule};
use crate::grammar::{Statement, Word};
use crate::model::{Config, Route, Rule, VirtualAddress};
use crate::placement::Body;

/// `default_interface` when it is not written, as keepalived has it.
const DEFAULT_INTERFACE: &str = "eth0";

/// Each with the interface it goes to.
pub(super) fn addresses(
    root: &Body<'_>,
    defaults: &Defaults,
    reader: &mut Reader<'_>,
) -> Vec<VirtualAddress> {
    entries(root, "static_ipaddress", reader, |entry, acts, reader| {
        let mut address = address::read(entry, true, acts, reader)?;
        let usual = || defaults.global.default_interface.clone().unwrap_or(DEFAULT_INTERFACE.to_owned());
        address.dev = Some(address.dev.unwrap_or_else(usual));
        Some(address)
    })
}

pub(super) fn routes(root: &Body<'_>, reader: &mut Reader<'_>) -> Vec<Route> {
    entries(root, "static_routes", reader, |entry, acts, reader| route::read(entry, true, acts, reader))
}

pub(super) fn rules(root: &Body<'_>, next: &mut NextPriority, reader: &mut Reader<'_>) -> Vec<Rule> {
    entries(root, "static_rules", reader, |entry, acts, reader| rule::read(entry, true, acts, next, reader))
}

/// Takes track groups that there are not from what names them.
pub(super) fn check_groups(root: &Body<'_>, config: &mut Config, reader: &mut Reader<'_>) {
    for name in ["static_ipaddress", "static_routes", "static_rules"] {
        for entry in root.all(name).flat_map(|item| &item.body.entries) {
            if let Some(word) = track_group(entry) {
                reader.defined(word, "track_group", config.track_groups.iter().map(|g| &g.name));
            }
        }
    }
    let known: Vec<String> = config.track_groups.iter().map(|group| group.name.clone()).collect();
    let check = |group: &mut Option<String>| *group = group.take().filter(|name| known.contains(name));
    config.static_addresses.iter_mut().for_each(|address| check(&mut address.track_group));
    config.static_routes.iter_mut().for_each(|route| check(&mut route.track_group));
    config.static_rules.iter_mut().for_each(|rule| check(&mut rule.track_group));
}

/// The word behind `track_group`.
fn track_group(entry: &Statement) -> Option<&Word> {
    let mut words = entry.words.iter();
    words.find(|word| word.text == "track_group")?;
    words.next()
}
