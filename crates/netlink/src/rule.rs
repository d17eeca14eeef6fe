//! Rules, which choose the table of routes: `ip-rule(8)`, `linux/fib_rules.h`.

use crate::item::{Item, sealed};
use crate::prefix::Prefix;
use crate::route::PROTOCOL_KEEPALIVED;
use netlink_packet_core::{NLM_F_CREATE, NLM_F_EXCL};
use netlink_packet_route::route::RouteRealm;
use netlink_packet_route::rule::{
    RuleAction as Action, RuleAttribute, RuleFlags, RuleMessage, RulePortRange, RuleUidRange,
};
use netlink_packet_route::{AddressFamily, IpProtocol, RouteNetlinkMessage};
use rustix::io::Errno;

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Whether it is for IPv6.
    pub ipv6: bool,
    /// For packets that do not match (`not`).
    pub invert: bool,
    /// Source.
    pub from: Option<Prefix>,
    /// Destination.
    pub to: Option<Prefix>,
    /// Type of service.
    pub tos: u8,
    /// Name of the interface packets come by.
    pub iif: Option<String>,
    /// Name of the interface that a socket of this host is bound to.
    pub oif: Option<String>,
    /// Firewall mark.
    pub fwmark: Option<u32>,
    /// Which bits of the mark count; all when absent.
    pub fwmask: Option<u32>,
    /// Realms of IPv4, from and to.
    pub realms: Option<(u16, u16)>,
    /// Tunnel key.
    pub tun_id: Option<u64>,
    /// The table is that of the VRF the packet belongs to.
    pub l3mdev: bool,
    /// First and last user of the sending process.
    pub uid_range: Option<(u32, u32)>,
    /// Protocol of the transport layer.
    pub ip_proto: Option<u8>,
    /// First and last source port.
    pub sport: Option<(u16, u16)>,
    /// First and last destination port.
    pub dport: Option<(u16, u16)>,
    /// Routes with prefixes not longer than this are not taken.
    pub suppress_prefixlength: Option<u32>,
    /// Routes by links of this group are not taken.
    pub suppress_ifgroup: Option<u32>,
    /// Its place; the kernel chooses one before all others when absent.
    pub priority: Option<u32>,
    /// What becomes of packets.
    pub action: RuleAction,
    /// Who made it, as the kernel's number; 18 is keepalived.
    pub protocol: u8,
}

/// What becomes of packets that a rule matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RuleAction {
    /// A table of this number is looked at; 0 with `l3mdev`.
    Table(u32),
    /// The rules from this priority on decide.
    Goto(u32),
    /// The next rule decides.
    Nop,
    /// They are dropped.
    Blackhole,
    /// They are refused: network unreachable.
    Unreachable,
    /// They are refused: forbidden.
    Prohibit,
}

impl Rule {
    /// A rule for all packets of a family, of keepalived's protocol number.
    pub fn new(ipv6: bool, action: RuleAction) -> Self {
        Self {
            ipv6,
            invert: false,
            from: None,
            to: None,
            tos: 0,
            iif: None,
            oif: None,
            fwmark: None,
            fwmask: None,
            realms: None,
            tun_id: None,
            l3mdev: false,
            uid_range: None,
            ip_proto: None,
            sport: None,
            dport: None,
            suppress_prefixlength: None,
            suppress_ifgroup: None,
            priority: None,
            action,
            protocol: PROTOCOL_KEEPALIVED,
        }
    }

    /// Whether a rule that the kernel speaks of is this one; what it fills in itself does not count.
    pub fn is(&self, seen: &Rule) -> bool {
        let mine = Self {
            priority: self.priority.or(seen.priority),
            fwmask: self.fwmask.or(seen.fwmask),
            ..self.clone()
        };
        mine == *seen
    }

    fn message(&self) -> RuleMessage {
        let mut message = RuleMessage::default();
        let header = &mut message.header;
        header.family = if self.ipv6 { AddressFamily::Inet6 } else { AddressFamily::Inet };
        header.tos = self.tos;
        header.flags.set(RuleFlags::Invert, self.invert);
        let attributes = &mut message.attributes;
        header.action = match self.action {
            RuleAction::Table(table) => {
                // Larger numbers stand in the attribute alone.
                header.table = u8::try_from(table).unwrap_or(0);
                attributes.push(RuleAttribute::Table(table));
                Action::ToTable
            }
            RuleAction::Goto(priority) => {
                attributes.push(RuleAttribute::Goto(priority));
                Action::Goto
            }
            RuleAction::Nop => Action::Nop,
            RuleAction::Blackhole => Action::Blackhole,
            RuleAction::Unreachable => Action::Unreachable,
            RuleAction::Prohibit => Action::Prohibit,
        };
        if let Some(from) = self.from {
            header.src_len = from.length;
            attributes.push(RuleAttribute::Source(from.address));
        }
        if let Some(to) = self.to {
            header.dst_len = to.length;
            attributes.push(RuleAttribute::Destination(to.address));
        }
        attributes.extend(self.iif.clone().map(RuleAttribute::Iifname));
        attributes.extend(self.oif.clone().map(RuleAttribute::Oifname));
        attributes.extend(self.fwmark.map(RuleAttribute::FwMark));
        attributes.extend(self.fwmask.map(RuleAttribute::FwMask));
        attributes.extend(
            self.realms.map(|(source, destination)| RuleAttribute::Realm(RouteRealm { source, destination })),
        );
        attributes.extend(self.tun_id.map(RuleAttribute::TunId));
        if self.l3mdev {
            attributes.push(RuleAttribute::L3MDev(true));
        }
        attributes
            .extend(self.uid_range.map(|(start, end)| RuleAttribute::UidRange(RuleUidRange { start, end })));
        attributes
            .extend(self.ip_proto.map(|protocol| RuleAttribute::IpProtocol(IpProtocol::from(protocol))));
        let ports = |(start, end)| RulePortRange { start, end };
        attributes.extend(self.sport.map(|range| RuleAttribute::SourcePortRange(ports(range))));
        attributes.extend(self.dport.map(|range| RuleAttribute::DestinationPortRange(ports(range))));
        attributes.extend(self.suppress_prefixlength.map(RuleAttribute::SuppressPrefixLen));
        attributes.extend(self.suppress_ifgroup.map(RuleAttribute::SuppressIfGroup));
        attributes.extend(self.priority.map(RuleAttribute::Priority));
        attributes.push(RuleAttribute::Protocol(self.protocol.into()));
        message
    }
}

impl Item for Rule {}

impl sealed::Message for Rule {
    const GONE: &'static [Errno] = &[Errno::NOENT];

    fn addition(&self) -> (RouteNetlinkMessage, u16) {
        (RouteNetlinkMessage::NewRule(self.message()), NLM_F_CREATE | NLM_F_EXCL)
    }

    fn deletion(&self) -> RouteNetlinkMessage {
        RouteNetlinkMessage::DelRule(self.message())
    }
}

/// What we keep of a rule; `None` for one of another family or with an action of a newer kernel.
pub(crate) fn read(message: &RuleMessage) -> Option<Rule> {
    let header = &message.header;
    let ipv6 = match header.family {
        AddressFamily::Inet => false,
        AddressFamily::Inet6 => true,
        _ => return None,
    };
    let mut rule = Rule::new(ipv6, RuleAction::Nop);
    let mut table = u32::from(header.table);
    let mut target = 0;
    rule.invert = header.flags.contains(RuleFlags::Invert);
    rule.tos = header.tos;
    rule.protocol = 0;
    for attribute in &message.attributes {
        match attribute {
            RuleAttribute::Source(address) => {
                rule.from = Some(Prefix { address: *address, length: header.src_len });
            }
            RuleAttribute::Destination(address) => {
                rule.to = Some(Prefix { address: *address, length: header.dst_len });
            }
            RuleAttribute::Iifname(name) => rule.iif = Some(name.clone()),
            RuleAttribute::Oifname(name) => rule.oif = Some(name.clone()),
            RuleAttribute::FwMark(mark) => rule.fwmark = Some(*mark),
            RuleAttribute::FwMask(mask) => rule.fwmask = Some(*mask),
            RuleAttribute::Realm(realm) => rule.realms = Some((realm.source, realm.destination)),
            RuleAttribute::TunId(id) => rule.tun_id = Some(*id),
            RuleAttribute::L3MDev(l3mdev) => rule.l3mdev = *l3mdev,
            RuleAttribute::UidRange(range) => rule.uid_range = Some((range.start, range.end)),
            RuleAttribute::IpProtocol(protocol) => rule.ip_proto = Some(u8::from(*protocol)),
            RuleAttribute::SourcePortRange(range) => rule.sport = Some((range.start, range.end)),
            RuleAttribute::DestinationPortRange(range) => rule.dport = Some((range.start, range.end)),
            // All bits: no suppression, which the kernel says of every rule.
            RuleAttribute::SuppressPrefixLen(length) if *length != u32::MAX => {
                rule.suppress_prefixlength = Some(*length);
            }
            RuleAttribute::SuppressIfGroup(group) if *group != u32::MAX => {
                rule.suppress_ifgroup = Some(*group);
            }
            RuleAttribute::Priority(priority) => rule.priority = Some(*priority),
            RuleAttribute::Table(number) => table = *number,
            RuleAttribute::Goto(priority) => target = *priority,
            RuleAttribute::Protocol(protocol) => rule.protocol = u8::from(*protocol),
            _ => {}
        }
    }
    rule.action = match header.action {
        Action::ToTable => RuleAction::Table(table),
        Action::Goto => RuleAction::Goto(target),
        Action::Nop => RuleAction::Nop,
        Action::Blackhole => RuleAction::Blackhole,
        Action::Unreachable => RuleAction::Unreachable,
        Action::Prohibit => RuleAction::Prohibit,
        _ => return None,
    };
    Some(rule)
}
