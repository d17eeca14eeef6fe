//! Placed words into the model, with keepalived's rules for what contradicts itself.

mod address;
mod command;
mod global;
mod instance;
mod script;
mod strict;
mod tracking;

use crate::model::Config;
use crate::placement::Body;
use diagnostic::{Report, Span};

/// Where things of the model were written, in the order of the model's lists.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// `script_user`.
    pub script_user: Option<Span>,
    /// `enable_script_security`.
    pub script_security: Option<Span>,
    /// One for each of [`Config::scripts`].
    pub scripts: Vec<ScriptPlaces>,
    /// One for each of [`Config::instances`].
    pub instances: Vec<InstancePlaces>,
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
    /// The commands of the notify words: master, backup, fault, stop, any.
    pub notify: [Option<Span>; 5],
}

/// Builds the model.
pub(crate) fn understand(root: &Body<'_>, report: &mut Report) -> (Config, Places) {
    let mut places = Places::default();
    let defaults = global::read(root, &mut places, report);
    let scripts = script::read_all(root, &mut places, report);
    let instances = instance::read_all(root, &defaults, &scripts, &mut places, report);
    (Config { global: defaults.global, scripts, instances, ..Config::default() }, places)
}
