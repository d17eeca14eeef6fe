//! Single values in keepalived's notation.

use keepalived_conf::model::{
    Command, Global, Lifetime, NotifyScript, Prefix, Route, RouteInsertion, RouteKind, RoutingTable, Rule,
    RuleAction, TrackWeight, User, VirtualAddress,
};
use std::fmt::Write;
use std::net::IpAddr;
use std::time::Duration;

/// What stands for a password.
pub(super) const HIDDEN: &str = "********";

pub(super) fn truth(is: bool) -> &'static str {
    if is { "true" } else { "false" }
}

pub(super) fn yes(is: bool) -> &'static str {
    if is { "yes" } else { "no" }
}

pub(super) fn enabled(is: bool) -> &'static str {
    if is { "enabled" } else { "disabled" }
}

/// Each word in single quotes.
pub(super) fn command(command: &Command) -> String {
    let words = match command {
        Command::Exec(words) => words.clone(),
        Command::Shell { line, .. } => vec![line.clone()],
        Command::FileOpens(path) => vec![format!("<{}", path.display())],
    };
    words.iter().map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ")
}

/// `COMMAND, uid:gid U:G`.
pub(super) fn script(script: &NotifyScript, global: &Global) -> String {
    let (uid, gid) = owner(script.user.as_ref(), global);
    format!("{}, uid:gid {uid}:{gid}", command(&script.command))
}

/// The numbers of a user of scripts: the one written, else `script_user`, else `keepalived_script`,
/// else root.
pub(super) fn owner(written: Option<&User>, global: &Global) -> (u32, u32) {
    let find = |(user, group): &User| sys::privileges::User::find(user, group.as_deref());
    let found = match written.or(global.script_user.as_ref()) {
        Some(user) => find(user),
        None => find(&("keepalived_script".to_owned(), None)),
    };
    found.map_or((0, 0), |user| (user.uid, user.gid))
}

/// ` reverse`, or nothing.
pub(super) fn reverse(weight: TrackWeight) -> &'static str {
    if weight.reverse { " reverse" } else { "" }
}

/// An address with what it is set with.
pub(super) fn address(vip: &VirtualAddress, interface: &str, set: bool) -> String {
    let prefix = prefix(vip.address, vip.prefix);
    let mut text = if vip.peer.is_some() { vip.address.to_string() } else { prefix };
    let mut add = |words: &str| text.push_str(words);
    if let Some(broadcast) = vip.broadcast {
        add(&format!(" brd {broadcast}"));
    }
    add(&format!(" dev {interface}"));
    if vip.use_vmac {
        add(" use_vmac");
    }
    add(" scope ");
    add(match vip.scope {
        0 => "global",
        200 => "site",
        253 => "link",
        254 => "host",
        _ => "nowhere",
    });
    if let Some(label) = &vip.label {
        add(&format!(" label {label}"));
    }
    if let Some(peer) = vip.peer {
        add(&format!(" peer {peer}/{}", vip.prefix));
    }
    let flags = [
        (vip.home, " home"),
        (vip.duplicate_detection, " -nodad"),
        (vip.manage_temporary, " mngtmpaddr"),
        (vip.no_prefix_route, " noprefixroute"),
        (vip.autojoin, " autojoin"),
        (vip.no_track, " no_track"),
    ];
    flags.into_iter().filter(|(is, _)| *is).for_each(|(_, word)| add(word));
    if let Some(group) = &vip.track_group {
        add(&format!(" track_group {group}"));
    }
    if vip.address.is_ipv6() {
        match vip.preferred {
            Lifetime::Seconds(0) => add(" deprecated"),
            Lifetime::Seconds(seconds) => add(&format!(" preferred_lft {seconds}")),
            Lifetime::Forever => add(" preferred_lft forever"),
        }
    }
    if set {
        add(" set");
    }
    text
}

/// Without the length where all bits count.
fn prefix(address: IpAddr, length: u8) -> String {
    let all = if address.is_ipv4() { 32 } else { 128 };
    if length == all { address.to_string() } else { format!("{address}/{length}") }
}

fn written(prefix_: &Prefix) -> String {
    prefix(prefix_.address, prefix_.length)
}

pub(super) fn route(route: &Route) -> String {
    let mut text = String::from(match route.insertion {
        RouteInsertion::Add => "add ",
        RouteInsertion::Append => "append ",
        RouteInsertion::Prepend => "prepend ",
    });
    let kind = match route.kind {
        RouteKind::Unicast => "",
        RouteKind::Local => "local ",
        RouteKind::Broadcast => "broadcast ",
        RouteKind::Anycast => "anycast ",
        RouteKind::Multicast => "multicast ",
        RouteKind::Blackhole => "blackhole ",
        RouteKind::Unreachable => "unreachable ",
        RouteKind::Prohibit => "prohibit ",
        RouteKind::Throw => "throw ",
        RouteKind::Nat => "nat ",
        RouteKind::Xresolve => "xresolve ",
    };
    text += kind;
    text += &route.destination.as_ref().map_or_else(|| "default".to_owned(), written);
    let mut add = |words: std::fmt::Arguments<'_>| {
        let _ = text.write_fmt(words);
    };
    let family = |address: IpAddr| if address.is_ipv4() { "inet" } else { "inet6" };
    if let Some(from) = &route.from {
        add(format_args!(" from {}", written(from)));
    }
    if let Some(source) = route.preferred_source {
        add(format_args!(" src {source}"));
    }
    if let Some(tos) = route.tos {
        add(format_args!(" tos {tos}"));
    }
    if let Some(via) = route.via {
        add(format_args!(" via {} {via}", family(via)));
    }
    if let Some(dev) = &route.dev {
        add(format_args!(" dev {dev}"));
    }
    match &route.table {
        RoutingTable::Vrf(name) => add(format_args!(" table {name}")),
        RoutingTable::Number(254) => {}
        RoutingTable::Number(number) => add(format_args!(" table {number}")),
    }
    if let Some(protocol) = route.protocol {
        add(format_args!(" proto {protocol}"));
    }
    if route.scope != 0 {
        add(format_args!(" scope {}", route.scope));
    }
    if let Some(metric) = route.metric {
        add(format_args!(" metric {metric}"));
    }
    if route.onlink {
        add(format_args!(" onlink"));
    }
    for hop in &route.next_hops {
        add(format_args!(" nexthop"));
        if let Some(via) = hop.via {
            add(format_args!(" via {} {via}", family(via)));
        }
        if let Some(dev) = &hop.dev {
            add(format_args!(" dev {dev}"));
        }
    }
    if route.no_track {
        add(format_args!(" no_track"));
    }
    if let Some(group) = &route.track_group {
        add(format_args!(" track_group {group}"));
    }
    text
}

pub(super) fn rule(rule: &Rule) -> String {
    let mut text = String::new();
    let mut add = |words: std::fmt::Arguments<'_>| {
        let _ = text.write_fmt(words);
    };
    if rule.family == keepalived_conf::model::Family::Ipv6 {
        add(format_args!("inet6 "));
    }
    if rule.invert {
        add(format_args!("not "));
    }
    match &rule.from {
        Some(from) => add(format_args!("from {}", written(from))),
        None => add(format_args!("from all")),
    }
    if let Some(to) = &rule.to {
        add(format_args!(" to {}", written(to)));
    }
    add(format_args!(" priority {} tos {:#x}", rule.priority, rule.tos));
    if let Some((mark, mask)) = rule.mark {
        add(format_args!(" fwmark {mark:#x}"));
        if let Some(mask) = mask {
            add(format_args!("/{mask:#x}"));
        }
    }
    if let Some(iif) = &rule.iif {
        add(format_args!(" iif {iif}"));
    }
    if let Some(oif) = &rule.oif {
        add(format_args!(" oif {oif}"));
    }
    if let Some((first, last)) = rule.uid_range {
        add(format_args!(" uidrange {first}-{last}"));
    }
    add(format_args!(" protocol {}", rule.protocol));
    match rule.action {
        RuleAction::Table(table) => add(format_args!(" lookup {table}")),
        RuleAction::L3mdev => add(format_args!(" l3mdev")),
        RuleAction::Goto(target) => add(format_args!(" goto {target}")),
        RuleAction::Nop => add(format_args!(" nop")),
        RuleAction::Blackhole => add(format_args!(" type blackhole")),
        RuleAction::Unreachable => add(format_args!(" type unreachable")),
        RuleAction::Prohibit => add(format_args!(" type prohibit")),
    }
    if rule.no_track {
        add(format_args!(" no_track"));
    }
    text
}

/// `SECONDS.MICROSECONDS (Sun Nov 22 01:04:48.782753 2026)`, in local time.
pub(super) fn time(wall: Duration) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] =
        ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let seconds = i64::try_from(wall.as_secs()).unwrap_or_default();
    let local = u64::try_from(seconds + sys::time::local_offset(seconds)).unwrap_or_default();
    let (days, second) = (local / 86_400, local % 86_400);
    let (year, month, day) = date(days);
    let weekday = DAYS[(days % 7) as usize];
    let month = MONTHS[month];
    let micros = wall.subsec_micros();
    let (h, m, s) = (second / 3600, second / 60 % 60, second % 60);
    format!("{seconds}.{micros:06} ({weekday} {month} {day:2} {h:02}:{m:02}:{s:02}.{micros:06} {year})")
}

/// Year, month from 0 and day from 1 of a day since 1970.
fn date(mut day: u64) -> (u64, usize, u64) {
    let leap = |year: u64| year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let mut year = 1970;
    while day >= 365 + u64::from(leap(year)) {
        day -= 365 + u64::from(leap(year));
        year += 1;
    }
    let lengths = [31, 28 + u64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let mut month = 0;
    while day >= lengths[month] {
        day -= lengths[month];
        month += 1;
    }
    (year, month, day + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_have_dates() {
        assert_eq!(date(0), (1970, 0, 1));
        assert_eq!(date(59), (1970, 2, 1));
        assert_eq!(date(11_016), (2000, 1, 29));
        assert_eq!(date(20_779), (2026, 10, 22));
    }
}
