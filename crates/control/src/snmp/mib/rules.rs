//! KEEPALIVED-MIB: vrrpRuleTable.

use super::{Facts, address_type, column, gauge, integer, is_set, keepalived_vrrp, network, text, truth};
use agentx::{Table, Tree};
use keepalived_conf::model::{Prefix, Rule, RuleAction};

struct Row<'a> {
    config: &'a Rule,
    set: bool,
}

impl Row<'_> {
    fn table(&self) -> Option<u32> {
        match self.config.action {
            RuleAction::Table(table) => Some(table),
            RuleAction::L3mdev => Some(0),
            _ => None,
        }
    }

    /// The only address of the columns that are obsolete.
    fn prefix(&self) -> Option<Prefix> {
        self.config.to.or(self.config.from)
    }
}

pub(super) fn fill(facts: Facts<'_>, tree: &mut Tree) {
    let table = Table::<Row<'_>> {
        entry: &[8, 1],
        columns: &[
            column(2, |r| {
                text(match (&r.config.from, &r.config.to) {
                    (Some(_), Some(_)) => "both",
                    (None, Some(_)) => "to",
                    (Some(_), None) => "from",
                    (None, None) => "",
                })
            }),
            column(3, |r| address_type(r.prefix()?.address)),
            column(4, |r| network(r.prefix()?)),
            column(5, |r| gauge(r.prefix()?.length)),
            column(6, |r| gauge(r.table()?)),
            column(7, |r| truth(r.set)),
            column(8, |r| truth(r.config.invert)),
            column(9, |r| address_type(r.config.to?.address)),
            column(10, |r| network(r.config.to?)),
            column(11, |r| gauge(r.config.to?.length)),
            column(12, |r| address_type(r.config.from?.address)),
            column(13, |r| network(r.config.from?)),
            column(14, |r| gauge(r.config.from?.length)),
            column(15, |r| gauge(r.config.tos)),
            column(16, |r| gauge(r.config.mark?.0)),
            column(17, |r| gauge(r.config.mark?.1?)),
            column(18, |r| gauge(r.config.realms.filter(|realms| *realms != 0)? & 0xffff)),
            column(19, |r| gauge(r.config.realms.map(|realms| realms >> 16).filter(|realm| *realm != 0)?)),
            column(20, |r| text(r.config.iif.as_deref()?)),
            column(21, |r| text(r.config.oif.as_deref()?)),
            column(22, |r| match r.config.action {
                RuleAction::Goto(target) => gauge(target),
                _ => None,
            }),
            column(23, |r| integer(action(r.config.action))),
            column(24, |r| gauge(r.table()?)),
            column(25, |r| (r.config.priority != 0).then(|| gauge(r.config.priority))?),
            column(26, |r| gauge(r.config.suppress_prefix_length?)),
            column(27, |r| text(&r.config.suppress_group?.to_string())),
            column(28, |r| gauge(r.config.tunnel_id? >> 32)),
            column(29, |r| gauge(r.config.tunnel_id? & 0xffff_ffff)),
            column(30, |r| gauge(r.config.uid_range?.0)),
            column(31, |r| gauge(r.config.uid_range?.1)),
            column(32, |r| (r.config.action == RuleAction::L3mdev).then(|| truth(true))?),
        ],
    };
    let fixed = (1..).zip(&facts.config().static_rules);
    let fixed = fixed.map(|(number, config)| {
        let set = is_set(&facts.state.surroundings.rules, number);
        (vec![0, number], Row { config, set })
    });
    let virtual_ = (1..).zip(facts.instances()).flat_map(|(number, instance)| {
        let rules = (1..).zip(&instance.config.rules);
        rules.map(move |(at, config)| {
            let set = instance.status.is_some_and(|status| is_set(&status.rules, at));
            (vec![number, at], Row { config, set })
        })
    });
    table.fill(&keepalived_vrrp(), fixed.chain(virtual_), tree);
}

/// FR_ACT_* of linux/fib_rules.h.
fn action(action: RuleAction) -> i32 {
    match action {
        RuleAction::Table(_) | RuleAction::L3mdev => 1,
        RuleAction::Goto(_) => 2,
        RuleAction::Nop => 3,
        RuleAction::Blackhole => 6,
        RuleAction::Unreachable => 7,
        RuleAction::Prohibit => 8,
    }
}
