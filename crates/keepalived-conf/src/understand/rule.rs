//! Entries of `virtual_rules` and `static_rules`, in iproute2's words.

use super::names::Kind;
use super::reader::{Line, Reader};
use super::route::{byte, name, number, prefix, realms, same_family};
use crate::grammar::{Statement, Word};
use crate::model::{Family, Prefix, Route, Rule, RuleAction};
use crate::registry::Context;
use crate::value;
use diagnostic::Diagnostic;

/// Where keepalived begins to count down for rules without a preference, each family by itself.
const FIRST_PRIORITY: u32 = 16_384;

/// The preferences that rules without one get, in the order of the file.
#[derive(Debug)]
pub(super) struct NextPriority {
    v4: u32,
    v6: u32,
}

impl Default for NextPriority {
    fn default() -> Self {
        Self { v4: FIRST_PRIORITY, v6: FIRST_PRIORITY }
    }
}

impl NextPriority {
    fn take(&mut self, family: Family) -> u32 {
        let next = match family {
            Family::Ipv4 => &mut self.v4,
            Family::Ipv6 => &mut self.v6,
        };
        let taken = *next;
        *next = next.saturating_sub(1);
        taken
    }
}

/// Reads one entry; one that cannot be right is left out as a whole.
pub(super) fn read(
    entry: &Statement,
    is_static: bool,
    block_acts: bool,
    next: &mut NextPriority,
    reader: &mut Reader<'_>,
) -> Option<Rule> {
    let mut line = Line::whole(entry, Context::RuleOption, block_acts);
    let rule = Rule::new(Family::Ipv4, RuleAction::Nop, 0);
    let mut draft =
        Draft { rule, family: None, action: None, priority: None, protocol: None, of_table: None };
    while let Some(option) = line.next() {
        if option.text == "track_group" && !is_static {
            reader.say(line.unknown(option).help("it is for static rules"));
            line.next();
            continue;
        }
        if line.row(option, reader).is_none() {
            reader.say(line.unknown(option).help("the rule is left out"));
            return None;
        }
        draft.word(option, &mut line, reader)?;
    }
    draft.finish(entry, next, reader)
}

/// A rule while its words are read.
struct Draft<'t> {
    rule: Rule,
    family: Option<Family>,
    action: Option<RuleAction>,
    priority: Option<u32>,
    protocol: Option<(&'t Word, u8)>,
    /// A word that only goes with a table.
    of_table: Option<&'t Word>,
}

impl<'t> Draft<'t> {
    fn word(&mut self, option: &'t Word, line: &mut Line<'t>, reader: &mut Reader<'_>) -> Option<()> {
        let rule = &mut self.rule;
        match option.text.as_str() {
            "inet" => same_family(&mut self.family, Family::Ipv4, option, reader)?,
            "inet6" => same_family(&mut self.family, Family::Ipv6, option, reader)?,
            "from" => self.rule.from = self.side(option, line, reader)?,
            "to" => self.rule.to = self.side(option, line, reader)?,
            "not" => rule.invert = true,
            "preference" | "order" | "priority" => self.priority = Some(number(option, line, reader)?),
            "tos" | "dsfield" => {
                let word = line.value(option, reader)?;
                rule.tos = byte(Kind::Dsfield, "type of service", word, reader)?;
            }
            "fwmark" => rule.mark = Some(valued(option, line, "MARK or MARK/MASK", mark, reader)?),
            "realms" => {
                let word = line.value(option, reader)?;
                rule.realms = Some(realms(word, reader)?);
                self.of_table = Some(option);
                same_family(&mut self.family, Family::Ipv4, option, reader)?;
            }
            "suppress_prefixlength" | "sup_pl" => {
                rule.suppress_prefix_length = Some(number(option, line, reader)?);
                self.of_table = Some(option);
            }
            "suppress_ifgroup" | "sup_group" => {
                let word = line.value(option, reader)?;
                rule.suppress_group = Some(name(Kind::Group, "group", word, reader)?);
                self.of_table = Some(option);
            }
            "dev" | "iif" => {
                let word = line.value(option, reader)?;
                rule.iif = Some(reader.interface(word)?);
            }
            "oif" => {
                let word = line.value(option, reader)?;
                rule.oif = Some(reader.interface(word)?);
            }
            "tunnel-id" => rule.tunnel_id = Some(valued(option, line, "a number", value::unsigned, reader)?),
            "uidrange" => rule.uid_range = Some(valued(option, line, "FIRST-LAST", range, reader)?),
            "ipproto" => {
                rule.ip_protocol = Some(valued(option, line, "an IP protocol", ip_protocol, reader)?)
            }
            "sport" => rule.source_ports = Some(valued(option, line, "a port or FIRST-LAST", ports, reader)?),
            "dport" => {
                rule.destination_ports = Some(valued(option, line, "a port or FIRST-LAST", ports, reader)?);
            }
            "protocol" => {
                let word = line.value(option, reader)?;
                self.protocol = Some((word, byte(Kind::Protocol, "protocol", word, reader)?));
            }
            "no_track" => rule.no_track = true,
            "track_group" => rule.track_group = Some(line.value(option, reader)?.text.clone()),
            "type" => {}
            _ => {
                let action = action(option, line, reader)?;
                if self.action.is_some() {
                    let message = format!("`{}`: the rule has already something to do", option.text);
                    reader.say(left_out(Diagnostic::error("invalid-value", option.span, message)));
                    return None;
                }
                self.action = Some(action);
            }
        }
        Some(())
    }

    /// `from` or `to`: the outer `None` is a mistake, the inner one is everything.
    fn side(
        &mut self,
        option: &Word,
        line: &mut Line<'_>,
        reader: &mut Reader<'_>,
    ) -> Option<Option<Prefix>> {
        let word = line.value(option, reader)?;
        match word.text.as_str() {
            "default" | "any" | "all" => Some(None),
            "default6" => same_family(&mut self.family, Family::Ipv6, word, reader).map(|()| None),
            _ => {
                let prefix = prefix(word, reader)?;
                same_family(&mut self.family, Family::of(prefix.address), word, reader)?;
                Some(Some(prefix))
            }
        }
    }

    fn finish(mut self, entry: &Statement, next: &mut NextPriority, reader: &mut Reader<'_>) -> Option<Rule> {
        let span = entry.span();
        let mut refuse = |message: String, help: &str| {
            reader.say(left_out(Diagnostic::error("invalid-value", span, message).help(help)));
        };
        let Some(action) = self.action else {
            refuse(
                "this rule does nothing".to_owned(),
                "add `table NAME`, `blackhole`, `prohibit` or the like",
            );
            return None;
        };
        if let (RuleAction::Goto(target), priority) = (action, self.priority)
            && priority.is_none_or(|priority| priority >= target)
        {
            refuse(
                format!("`goto {target}` does not lead on"),
                "give the rule a lower `preference` than its target",
            );
            return None;
        }
        if let Some(word) =
            self.of_table.filter(|_| !matches!(action, RuleAction::Table(_) | RuleAction::L3mdev))
        {
            refuse(
                format!("`{}` only goes with a table", word.text),
                "add `table NAME`, or leave the word out",
            );
            return None;
        }
        let rule = &mut self.rule;
        rule.action = action;
        rule.family = self.family.unwrap_or_default();
        rule.priority = self.priority.unwrap_or_else(|| next.take(rule.family));
        if self.priority.is_none() {
            let message = format!("this rule has no preference: {} is taken", rule.priority);
            reader.warn(
                "no-preference",
                span,
                message,
                "write `preference NUMBER`; the lowest is looked at first",
            );
        }
        if rule.no_track {
            rule.protocol = self.protocol.map_or(0, |(_, number)| number);
        } else if let Some((at, number)) = self.protocol
            && number != Route::KEEPALIVED
        {
            let message = format!("a rule that is tracked is of protocol keepalived, not `{}`", at.text);
            reader.warn("useless-word", at.span, message, "add `no_track`, or leave `protocol` out");
        }
        if rule.track_group.is_some() && rule.iif.is_none() {
            let message = "`track_group` needs the interface of the rule: it is left out";
            reader.warn("useless-word", span, message, "add `iif INTERFACE`");
            rule.track_group = None;
        }
        Some(self.rule)
    }
}

fn left_out(finding: Diagnostic) -> Diagnostic {
    finding.help("the rule is left out")
}

fn action(option: &Word, line: &mut Line<'_>, reader: &mut Reader<'_>) -> Option<RuleAction> {
    Some(match option.text.as_str() {
        "table" | "lookup" => {
            let word = line.value(option, reader)?;
            let table = name(Kind::Table, "table", word, reader)?;
            if table == 0 {
                reader.say(left_out(Diagnostic::error("invalid-value", word.span, "there is no table 0")));
                return None;
            }
            RuleAction::Table(table)
        }
        "l3mdev" => RuleAction::L3mdev,
        "goto" => RuleAction::Goto(number(option, line, reader)?),
        "blackhole" => RuleAction::Blackhole,
        "unreachable" => RuleAction::Unreachable,
        "prohibit" => RuleAction::Prohibit,
        _ => RuleAction::Nop,
    })
}

/// The value of an option, read by a function that knows what it has to look like.
fn valued<T>(
    option: &Word,
    line: &mut Line<'_>,
    what: &str,
    read: impl Fn(&str) -> Option<T>,
    reader: &mut Reader<'_>,
) -> Option<T> {
    let word = line.value(option, reader)?;
    let value = read(&word.text);
    if value.is_none() {
        let message = format!("`{}` does not fit `{}`: {what} is expected", word.text, option.text);
        reader.say(left_out(Diagnostic::error("invalid-value", word.span, message)));
    }
    value
}

fn mark(text: &str) -> Option<(u32, Option<u32>)> {
    let number = |text| value::unsigned(text).and_then(|n| u32::try_from(n).ok());
    match text.split_once('/') {
        None => Some((number(text)?, None)),
        Some((mark, mask)) => Some((number(mark)?, Some(number(mask)?))),
    }
}

fn range(text: &str) -> Option<(u32, u32)> {
    let (first, last) = text.split_once('-')?;
    Some((first.parse().ok()?, last.parse().ok()?))
}

fn ports(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (first.parse().ok()?, last.parse().ok()?);
    (first <= last).then_some((first, last))
}

/// The protocols iproute2 knows by name, or a number.
fn ip_protocol(text: &str) -> Option<u8> {
    Some(match text {
        "icmp" => 1,
        "igmp" => 2,
        "ipip" => 4,
        "tcp" => 6,
        "udp" => 17,
        "dccp" => 33,
        "ipv6" => 41,
        "rsvp" => 46,
        "gre" => 47,
        "esp" => 50,
        "ah" => 51,
        "icmpv6" | "ipv6-icmp" => 58,
        "ospf" => 89,
        "pim" => 103,
        "vrrp" => 112,
        "sctp" => 132,
        "udplite" => 136,
        number => return number.parse().ok(),
    })
}
