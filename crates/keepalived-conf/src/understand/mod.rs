//! Placed words into the model, with keepalived's rules for what contradicts itself.

mod address;
mod bfd;
mod command;
mod fixed;
mod global;
mod group;
mod instance;
mod names;
mod reader;
mod route;
mod rule;
mod script;
mod strict;
mod sync;
mod tracking;
mod weights;

#[cfg(test)]
pub(crate) mod tests;

use crate::Files;
use crate::model::{Config, SyncDaemonInstance};
use crate::placement::{Body, Item};
use crate::registry::Extent;
use diagnostic::{Diagnostic, Report, Span};
use reader::Reader;

/// Where things of the model were written, in the order of the model's lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// `script_user`.
    pub script_user: Option<Span>,
    /// `enable_script_security`.
    pub script_security: Option<Span>,
    /// `enable_dbus`.
    pub dbus: Option<Span>,
    /// One for each of [`Config::scripts`].
    pub scripts: Vec<ScriptPlaces>,
    /// One for each of [`Config::instances`].
    pub instances: Vec<InstancePlaces>,
    /// One for each of [`Config::sync_groups`].
    pub sync_groups: Vec<GroupPlaces>,
    /// Interfaces that addresses and routes go to, in no order.
    pub devices: Vec<(String, Span)>,
}

/// Where a `vrrp_script` was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptPlaces {
    /// Its name.
    pub name: Span,
    /// The command.
    pub command: Span,
    /// `user`.
    pub user: Option<Span>,
    /// `weight`.
    pub weight: Option<Span>,
}

/// Where a `vrrp_instance` was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InstancePlaces {
    /// Its name.
    pub name: Span,
    /// `interface`, or where `default_interface` gives it.
    pub interface: Span,
    /// `virtual_router_id`.
    pub vrid: Span,
    /// `priority`.
    pub priority: Option<Span>,
    /// One for each address, then for each excluded one.
    pub addresses: Vec<Span>,
    /// One for each tracked script.
    pub track_scripts: Vec<Span>,
    /// One for each tracked interface.
    pub track_interfaces: Vec<Span>,
    /// The commands of the notify words: master, backup, fault, stop, any, deleted, lower priority.
    pub notify: [Option<Span>; 7],
}

/// Where a `vrrp_sync_group` was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GroupPlaces {
    /// Its name.
    pub name: Span,
    /// One for each member.
    pub members: Vec<Span>,
    /// As those of an instance.
    pub notify: [Option<Span>; 7],
}

/// Builds the model.
pub(crate) fn understand(
    root: &Body<'_>,
    extent: Extent,
    files: &dyn Files,
    report: &mut Report,
) -> (Config, Places) {
    let mut places = Places::default();
    let [etc, usr] = global::iproute_folders(root);
    let names = names::Names::new(files, etc.as_deref(), usr.as_deref());
    let named = |item: &Item<'_>| Some((item.name(), item.first()?.text.clone()));
    let declared = root.items.iter().filter_map(named).collect();
    let mut reader = Reader { report, files, names, extent, declared, devices: Vec::new() };
    let reader = &mut reader;
    let defaults = global::read(root, &mut places, reader);
    let mut rules = rule::NextPriority::default();
    let mut config = Config {
        program: defaults.program.clone(),
        scripts: script::read_all(root, &mut places, reader),
        processes: script::processes(root, reader),
        files: script::files(root, reader),
        bfd: bfd::read_all(root, reader),
        static_addresses: fixed::addresses(root, &defaults, reader),
        static_routes: fixed::routes(root, reader),
        static_rules: fixed::rules(root, &mut rules, reader),
        garp_groups: group::garp_groups(root, reader),
        interface_delays: group::interface_delays(root, reader),
        linkbeat_interfaces: group::linkbeat_interfaces(root, reader),
        ..Config::default()
    };
    config.instances = instance::read_all(root, &defaults, &config, &mut rules, &mut places, reader);
    sync::sync_groups(root, &defaults, &mut config, &mut places, reader);
    weights::leave_out_of_owners(&mut config, &mut places, reader);
    config.track_groups = group::track_groups(root, &config, reader);
    fixed::check_groups(root, &mut config, reader);
    config.global = defaults.global;
    sync_daemon(root, &mut config, reader);
    places.devices = std::mem::take(&mut reader.devices);
    (config, places)
}

/// `lvs_sync_daemon` follows an instance that exists; an instance may bring it along.
fn sync_daemon(root: &Body<'_>, config: &mut Config, reader: &mut Reader<'_>) {
    for item in root.all("vrrp_instance") {
        let words = ["lvs_sync_daemon_interface", "lvs_sync_daemon_inteface"];
        let Some(written) = words.iter().find_map(|name| item.body.last(name)) else { continue };
        reader.old_name(written.statement.keyword(), "lvs_sync_daemon");
        let (Some(name), Some(word)) = (item.first(), written.first()) else { continue };
        if config.global.lvs.sync_daemon.is_none()
            && let Some(interface) = reader.interface(word)
        {
            let daemon = global::sync_daemon_of_instance(interface, &name.text);
            config.global.lvs.sync_daemon = Some(daemon);
        }
    }
    let Some(daemon) = &config.global.lvs.sync_daemon else { return };
    if let SyncDaemonInstance::Follows(name) = &daemon.instance
        && !config.instances.iter().any(|instance| instance.name == *name)
    {
        let place = root.all("global_defs").filter_map(|block| block.body.last("lvs_sync_daemon")).last();
        let message = format!("there is no vrrp_instance `{name}` for lvs_sync_daemon");
        let names: Vec<&str> = config.instances.iter().map(|i| i.name.as_str()).collect();
        reader.say(
            Diagnostic::error("unknown-name", place.map(|item| item.span()), message)
                .suggest(name, names)
                .help("lvs_sync_daemon is left out"),
        );
        config.global.lvs.sync_daemon = None;
    }
}
