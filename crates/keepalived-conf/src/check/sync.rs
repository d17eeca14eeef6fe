//! Sync groups: whether their members can really move together.

use super::{instances, same_router};
use crate::Loaded;
use crate::model::{SyncGroup, VrrpInstance};
use diagnostic::{Diagnostic, Report, Span};

pub(super) fn check(loaded: &Loaded, peer: Option<&Loaded>, report: &mut Report) {
    let groups = loaded.config.sync_groups.iter().zip(&loaded.places.sync_groups);
    for (group, places) in groups {
        if group.members.len() == 1 {
            let message = format!(
                "the sync group `{}` has one instance: there is nothing to keep together",
                group.name
            );
            report.push(
                Diagnostic::warning("sync-group-of-one", places.name, message)
                    .help("list the instances that are to change state with it, or remove the group"),
            );
        }
        let members: Vec<&VrrpInstance> =
            instances(loaded).map(|(i, _)| i).filter(|i| group.members.contains(&i.name)).collect();
        owners(group, &members, places.name, report);
        preemption(group, &members, places.name, report);
        if let Some(peer) = peer {
            crossed(group, &members, peer, places.name, report);
        }
    }
}

/// An owner starts as master at once; the others wait, and the group with them.
fn owners(group: &SyncGroup, members: &[&VrrpInstance], span: Span, report: &mut Report) {
    let owners = members.iter().filter(|member| member.priority == 255).count();
    if owners > 0 && owners < members.len() {
        let message =
            format!("some members of the sync group `{}` have priority 255 and some have not", group.name);
        report
            .push(Diagnostic::error("sync-group-owners", span, message).help(
                "255 never changes, so the others cannot take it along: give none of them 255, or all",
            ));
    }
}

/// One that preempts would drag along one that must not.
fn preemption(group: &SyncGroup, members: &[&VrrpInstance], span: Span, report: &mut Report) {
    let nopreempt = members.iter().filter(|member| member.nopreempt).count();
    if nopreempt > 0 && nopreempt < members.len() {
        let message =
            format!("some members of the sync group `{}` have `nopreempt` and some have not", group.name);
        report.push(
            Diagnostic::warning("sync-group-preemption", span, message)
                .help("write `nopreempt` into all of them or into none"),
        );
    }
}

/// We win one election and the peer another: neither side can be master of all.
fn crossed(group: &SyncGroup, members: &[&VrrpInstance], peer: &Loaded, span: Span, report: &mut Report) {
    let (mut ours, mut theirs) = (None, None);
    for member in members {
        let Some(other) = peer.config.instances.iter().find(|other| same_router(member, other)) else {
            continue;
        };
        match member.priority.cmp(&other.priority) {
            std::cmp::Ordering::Greater => ours = Some(&member.name),
            std::cmp::Ordering::Less => theirs = Some(&member.name),
            std::cmp::Ordering::Equal => {}
        }
    }
    if let (Some(ours), Some(theirs)) = (ours, theirs) {
        let message =
            format!("in the sync group `{}` we win `{ours}` and the peer wins `{theirs}`", group.name);
        report
            .push(Diagnostic::error("sync-group-crossed", span, message).help(
                "a group is master of all its members or of none: give one side the higher priorities",
            ));
    }
}
