//! KEEPALIVED-MIB: vrrpSyncGroupTable and vrrpSyncGroupMemberTable.

use super::{Facts, column, integer, keepalived_vrrp, notifies, numbered, script, state_number, text, truth};
use agentx::{Table, Tree};
use ha::message::InstanceState;
use keepalived_conf::model::SyncGroup;

#[derive(Clone, Copy)]
struct Group<'a> {
    config: &'a SyncGroup,
    state: InstanceState,
}

pub(super) fn fill(facts: Facts<'_>, tree: &mut Tree) {
    let base = keepalived_vrrp();
    let groups = Table::<Group<'_>> {
        entry: &[1, 1],
        columns: &[
            column(2, |g| text(&g.config.name)),
            column(3, |g| integer(state_number(g.state))),
            column(4, |g| truth(g.config.smtp_alert)),
            column(5, |g| truth(notifies(&g.config.notify))),
            column(6, |g| script(g.config.notify.master.as_ref())),
            column(7, |g| script(g.config.notify.backup.as_ref())),
            column(8, |g| script(g.config.notify.fault.as_ref())),
            column(9, |g| script(g.config.notify.any.as_ref())),
            column(10, |g| truth(g.config.member_weights)),
            column(11, |g| script(g.config.notify.stop.as_ref())),
        ],
    };
    let states = &facts.state.surroundings.groups;
    let rows = facts.config().sync_groups.iter().map(|config| Group {
        config,
        state: states.iter().find(|(name, _)| *name == config.name).map_or(InstanceState::Init, |(_, s)| *s),
    });
    groups.fill(&base, numbered(rows), tree);
    let members = Table::<&String> { entry: &[2, 1], columns: &[column(2, |name| text(name))] };
    for (group, config) in (1..).zip(&facts.config().sync_groups) {
        let rows = (1..).zip(&config.members).map(|(member, name)| (vec![group, member], name));
        members.fill(&base, rows, tree);
    }
}
