//! The objects that are served: KEEPALIVED-MIB but for its LVS part, VRRP-MIB (RFC 2787) and
//! VRRPV3-MIB (RFC 6527), as pure functions of configuration and state.
//!
//! What keepalived answers is followed, also where the MIBs would have it otherwise, because that is
//! what managers know; where it answers what is plainly wrong, the truth is told.

mod addresses;
mod global;
mod groups;
mod instances;
pub(super) mod rfc2787;
pub(super) mod rfc6527;
mod routes;
mod rules;
#[cfg(test)]
mod tests;
mod tracked;

pub(super) use instances::{BASE_PRIORITY, INITIAL_STATE, NAME, PREEMPT, STATE, initial_state};

use crate::message::{Configure, State};
use agentx::{Column, Oid, Subtree, Tree, Value};
use ha::message::{InstanceState, InstanceStatus, Link};
use keepalived_conf::model::{Command, Config, Notify, NotifyScript, Prefix, VrrpInstance};
use std::net::IpAddr;

/// KEEPALIVED-MIB::keepalived.
const KEEPALIVED: [u32; 9] = [1, 3, 6, 1, 4, 1, 9586, 100, 5];
/// VRRP-MIB::vrrpMIB.
const RFC2787: [u32; 7] = [1, 3, 6, 1, 2, 1, 68];
/// VRRPV3-MIB::vrrpv3MIB.
const RFC6527: [u32; 7] = [1, 3, 6, 1, 2, 1, 207];

/// KEEPALIVED-MIB::global.
pub(super) fn keepalived_global() -> Oid {
    Oid::new(&KEEPALIVED).below(&[1])
}

/// KEEPALIVED-MIB::vrrp.
pub(super) fn keepalived_vrrp() -> Oid {
    Oid::new(&KEEPALIVED).below(&[2])
}

/// VRRP-MIB::vrrpMIB.
pub(super) fn rfc2787() -> Oid {
    Oid::new(&RFC2787)
}

/// VRRPV3-MIB::vrrpv3MIB.
pub(super) fn rfc6527() -> Oid {
    Oid::new(&RFC6527)
}

/// What objects are made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Facts<'a> {
    pub(super) configure: &'a Configure,
    pub(super) state: &'a State,
}

impl<'a> Facts<'a> {
    pub(super) fn config(&self) -> &'a Config {
        &self.configure.config
    }

    /// `router_id`, or the name of the host.
    pub(super) fn router_id(&self) -> &'a str {
        self.config().global.router_id.as_deref().unwrap_or(&self.configure.host_name)
    }

    fn link(&self, name: &str) -> Option<&'a Link> {
        self.state.surroundings.links.iter().find(|link| link.name == name)
    }

    fn index(&self, name: &str) -> Option<Value> {
        integer(self.link(name)?.index)
    }

    /// The instances of the configuration, with how they stand.
    pub(super) fn instances(self) -> impl Iterator<Item = Instance<'a>> {
        let states = &self.state.instances;
        self.config().instances.iter().enumerate().map(move |(at, config)| {
            let is_its = |status: &&InstanceStatus| status.name == config.name;
            // In the same order but for a moment after a reload: thousands must not be searched for.
            let status = states.get(at).filter(is_its).or_else(|| states.iter().find(is_its));
            Instance { facts: self, config, status }
        })
    }
}

/// An instance.
#[derive(Clone, Copy, Debug)]
pub(super) struct Instance<'a> {
    pub(super) facts: Facts<'a>,
    pub(super) config: &'a VrrpInstance,
    /// `None` for a moment after a reload that has added it.
    pub(super) status: Option<&'a InstanceStatus>,
}

impl<'a> Instance<'a> {
    fn state(&self) -> InstanceState {
        self.status.map_or(InstanceState::Init, |status| status.state)
    }

    fn is_master(&self) -> bool {
        self.state() == InstanceState::Master
    }

    /// Index of the interface it is on, below a virtual one; 0 if there is none.
    pub(super) fn interface_index(&self) -> u32 {
        self.facts.link(&self.config.interface).map_or(0, |link| link.index)
    }

    /// The Ethernet address of the interface that its packets concern.
    fn mac(&self) -> Option<Value> {
        let name = self.status.map_or(self.config.interface.as_str(), |status| &status.own_interface);
        Some(Value::Octets(self.facts.link(name)?.mac?.to_vec()))
    }

    /// For how long it has taken part, in hundredths of a second; 0 when it does not.
    fn up(&self) -> u32 {
        let takes_part = matches!(self.state(), InstanceState::Backup | InstanceState::Master);
        self.status.filter(|_| takes_part).map_or(0, |status| hundredths(status.age))
    }
}

/// Everything that is served.
pub(super) fn tree(facts: Facts<'_>) -> Tree {
    let mut tree = Tree::new();
    let wanted = facts.config().global.snmp.vrrp;
    if wanted.keepalived {
        global::fill(facts, &mut tree);
        groups::fill(facts, &mut tree);
        instances::fill(facts, &mut tree);
        addresses::fill(facts, &mut tree);
        routes::fill(facts, &mut tree);
        rules::fill(facts, &mut tree);
        tracked::fill(facts, &mut tree);
    }
    if wanted.rfc2787 {
        rfc2787::fill(facts, &mut tree);
    }
    if wanted.rfc6527 {
        rfc6527::fill(facts, &mut tree);
    }
    tree
}

/// The subtrees that the configuration asks for.
pub(super) fn subtrees(config: &Config) -> Vec<Subtree> {
    let wanted = config.global.snmp.vrrp;
    let all = [
        (wanted.keepalived, keepalived_global(), "Keepalived"),
        (wanted.keepalived, keepalived_vrrp(), "KEEPALIVED-VRRP"),
        (wanted.rfc2787, rfc2787(), "VRRP"),
        (wanted.rfc6527, rfc6527(), "VRRPV3"),
    ];
    let wanted = all.into_iter().filter(|(is_wanted, ..)| *is_wanted);
    wanted
        .map(|(_, root, name)| Subtree { root, description: format!("The MIB module for {name}") })
        .collect()
}

const fn column<R>(number: u32, value: fn(&R) -> Option<Value>) -> Column<R> {
    Column::new(number, value)
}

/// Rows with their numbers, from 1.
fn numbered<R>(rows: impl Iterator<Item = R>) -> impl Iterator<Item = (Vec<u32>, R)> {
    (1..).zip(rows).map(|(number, row)| (vec![number], row))
}

/// Whether the one of this number, from 1, is there.
fn is_set(set: &[bool], number: u32) -> bool {
    set.get(number as usize - 1) == Some(&true)
}

fn text(text: &str) -> Option<Value> {
    Some(Value::text(text))
}

fn truth(value: bool) -> Option<Value> {
    Some(Value::truth(value))
}

fn integer(number: impl TryInto<i32>) -> Option<Value> {
    Some(Value::Integer(number.try_into().unwrap_or(i32::MAX)))
}

fn gauge(number: impl TryInto<u32>) -> Option<Value> {
    Some(Value::Gauge32(number.try_into().unwrap_or(u32::MAX)))
}

/// Counter32: the lower half of a counter.
fn counter(number: u64) -> Option<Value> {
    Some(Value::Counter32(number as u32))
}

fn counter64(number: u64) -> Option<Value> {
    Some(Value::Counter64(number))
}

fn address(address: IpAddr) -> Option<Value> {
    Some(Value::address(address))
}

fn address_type(address: IpAddr) -> Option<Value> {
    Some(Value::address_type(address.is_ipv6()))
}

/// The address of a prefix, as written.
fn network(prefix: Prefix) -> Option<Value> {
    address(prefix.address)
}

/// TimeTicks, which go round after 497 days.
fn hundredths(time: std::time::Duration) -> u32 {
    (time.as_millis() / 10) as u32
}

/// VrrpState of KEEPALIVED-MIB.
pub(super) fn state_number(state: InstanceState) -> i32 {
    match state {
        InstanceState::Init => 0,
        InstanceState::Backup => 1,
        InstanceState::Master => 2,
        InstanceState::Fault => 3,
        InstanceState::Stop => 4,
    }
}

/// vrrpOperState of RFC 2787 and vrrpv3OperationsStatus of RFC 6527.
fn rfc_state(state: InstanceState) -> Option<Value> {
    integer(match state {
        InstanceState::Backup => 2,
        InstanceState::Master => 3,
        InstanceState::Init | InstanceState::Fault | InstanceState::Stop => 1,
    })
}

/// InetScopeType of KEEPALIVED-MIB for a scope of the kernel.
fn scope(scope: u8) -> Option<Value> {
    integer(match scope {
        0 => 14,
        200 => 5,
        253 => 2,
        254 => 1,
        _ => 0,
    })
}

/// A command, each word in single quotes.
fn command(command: &Command) -> Option<Value> {
    let words = match command {
        Command::Exec(words) => words.clone(),
        Command::Shell { line, .. } => vec![line.clone()],
        Command::FileOpens(path) => vec![format!("<{}", path.display())],
    };
    text(&words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" "))
}

fn script(script: Option<&NotifyScript>) -> Option<Value> {
    command(&script?.command)
}

/// Whether anything is called.
fn notifies(notify: &Notify) -> bool {
    let Notify { master, backup, fault, stop, any, deleted, lower_priority, .. } = notify;
    [master, backup, fault, stop, any, deleted, lower_priority].into_iter().any(Option::is_some)
}
