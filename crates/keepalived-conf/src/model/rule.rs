//! `virtual_rules`, `static_rules`: routing rules as data.

use super::{Family, Prefix};
use serde::{Deserialize, Serialize};

/// One routing rule. Numbers are the kernel's (linux/fib_rules.h).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Rule {
    /// Its family.
    pub family: Family,
    /// What it does.
    pub action: RuleAction,
    /// `preference`, `order` or `priority`. When not written, counted down from 16384 as keepalived does.
    pub priority: u32,
    /// `not`: for what does not match.
    pub invert: bool,
    /// `from`; `None` is all.
    pub from: Option<Prefix>,
    /// `to`; `None` is all.
    pub to: Option<Prefix>,
    /// `iif` or `dev`.
    pub iif: Option<String>,
    /// `oif`.
    pub oif: Option<String>,
    /// `tos` or `dsfield`; 0 is any.
    pub tos: u8,
    /// `fwmark MARK[/MASK]`.
    pub mark: Option<(u32, Option<u32>)>,
    /// `realms`, IPv4.
    pub realms: Option<u32>,
    /// `suppress_prefixlength`: routes with so short a prefix, or a shorter one, do not count.
    pub suppress_prefix_length: Option<u32>,
    /// `suppress_ifgroup`: routes by interfaces of this group do not count.
    pub suppress_group: Option<u32>,
    /// `tunnel-id`.
    pub tunnel_id: Option<u64>,
    /// `uidrange FIRST-LAST`.
    pub uid_range: Option<(u32, u32)>,
    /// `ipproto`.
    pub ip_protocol: Option<u8>,
    /// `sport`: first and last.
    pub source_ports: Option<(u16, u16)>,
    /// `dport`: first and last.
    pub destination_ports: Option<(u16, u16)>,
    /// `protocol`: who made it; 18 (keepalived) unless `no_track` is written.
    pub protocol: u8,
    /// `no_track`: its loss is no loss of the instance.
    pub no_track: bool,
    /// `track_group` of a static rule, which then has `iif`.
    pub track_group: Option<String>,
}

impl Rule {
    /// A rule that matches everything.
    pub fn new(family: Family, action: RuleAction, priority: u32) -> Self {
        Self {
            family,
            action,
            priority,
            invert: false,
            from: None,
            to: None,
            iif: None,
            oif: None,
            tos: 0,
            mark: None,
            realms: None,
            suppress_prefix_length: None,
            suppress_group: None,
            tunnel_id: None,
            uid_range: None,
            ip_protocol: None,
            source_ports: None,
            destination_ports: None,
            protocol: super::Route::KEEPALIVED,
            no_track: false,
            track_group: None,
        }
    }
}

/// What a rule does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum RuleAction {
    /// `table` or `lookup`: looks into this table, which is not 0.
    Table(u32),
    /// `l3mdev`: looks into the table of the VRF of the interface.
    L3mdev,
    /// `goto`: goes on at the rule with this priority, which is greater than its own.
    Goto(u32),
    /// `nop`.
    Nop,
    /// `blackhole`.
    Blackhole,
    /// `unreachable`.
    Unreachable,
    /// `prohibit`.
    Prohibit,
}
