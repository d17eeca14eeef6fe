//! Sync groups at work.

use super::{Process, now};
use crate::Level;
use crate::instance::notification;
use crate::message::{InstanceState, Mail, Occasion, Out, Subject};
use keepalived_conf::model::{Conditions, SyncGroup};
use vrrp::{Group, Member, State};

/// A group with its members as numbers of instances.
#[derive(Debug)]
struct Members {
    config: SyncGroup,
    group: Group,
    members: Vec<usize>,
    mailed: Option<InstanceState>,
}

/// All sync groups.
#[derive(Debug, Default)]
pub(super) struct SyncGroups(Vec<Members>);

impl SyncGroups {
    /// Takes other groups; those that stay keep their states. `position` tells the number of an
    /// instance, `restored` the state of one before a crash.
    pub(super) fn configure(
        &mut self,
        groups: Vec<SyncGroup>,
        position: impl Fn(&str) -> Option<usize>,
        restored: impl Fn(&str) -> Option<State>,
    ) -> Vec<SyncGroup> {
        let mut old = std::mem::take(&mut self.0);
        for config in groups {
            let members: Vec<usize> = config.members.iter().filter_map(|name| position(name)).collect();
            let known = old.iter().position(|known| known.config.name == config.name);
            let (group, mailed) = match known.map(|at| old.remove(at)) {
                Some(known) => (known.group, known.mailed),
                None => {
                    let state = config.members.iter().find_map(|name| restored(name));
                    (state.map(Group::resumed).unwrap_or_default(), None)
                }
            };
            self.0.push(Members { config, group, members, mailed });
        }
        old.into_iter().map(|gone| gone.config).collect()
    }

    /// What the group of an instance tracks for it.
    pub(super) fn conditions(&self, index: usize) -> Option<&Conditions> {
        let group = self.0.iter().find(|group| group.members.contains(&index))?;
        Some(&group.config.track)
    }

    /// The members of each group.
    pub(super) fn members(&self) -> impl Iterator<Item = &[usize]> {
        self.0.iter().map(|group| group.members.as_slice())
    }

    /// Each group and its state.
    pub(super) fn states(&self) -> Vec<(&SyncGroup, State)> {
        self.0.iter().map(|group| (&group.config, group.group.state())).collect()
    }

    /// The other members of an instance's group.
    pub(super) fn siblings(&self, index: usize) -> Vec<usize> {
        let group = self.0.iter().find(|group| group.members.contains(&index));
        group.map_or(Vec::new(), |g| g.members.iter().copied().filter(|&member| member != index).collect())
    }
}

impl Process<'_> {
    /// Lets groups follow their members until nothing moves any more.
    pub(super) fn settle_groups(&mut self) {
        for at in 0..self.groups.0.len() {
            // A group that is told to change settles at once; the bound is for safety.
            for _ in 0..4 {
                let Members { group, members, .. } = &mut self.groups.0[at];
                let member = |&index: &usize| {
                    let router = &self.instances[index].router;
                    let newcomer = self.instances[index].is_newcomer();
                    Member { state: router.state(), wants_master: router.wants_master(), newcomer }
                };
                let standing: Vec<Member> = members.iter().map(member).collect();
                let before = group.state();
                let Some((state, told)) = group.settle(&standing) else { break };
                let members = members.clone();
                // That it begins as backup is no news, as with keepalived.
                if state != before && (before, state) != (State::Init, State::Backup) {
                    self.group_changes(at, state);
                }
                let now = now();
                for (index, event) in members.into_iter().zip(told) {
                    let Some(event) = event else { continue };
                    self.instances[index].why = format!("its sync group goes to {}", state.word());
                    self.instances[index].router.on(now, event, &mut self.actions);
                    self.put_off(index);
                }
                self.carry_out_all(now);
                if state != before {
                    self.notify_group(at, state.into());
                }
            }
        }
    }

    fn group_changes(&mut self, at: usize, state: State) {
        if state != State::Init {
            let name = &self.groups.0[at].config.name;
            let line = format!("VRRP_Group({name}) Syncing instances to {} state", state.word());
            self.host.log(Level::Info, &line);
        }
    }

    fn notify_group(&mut self, at: usize, state: InstanceState) {
        if state == InstanceState::Init {
            return;
        }
        let Members { config, mailed, .. } = &mut self.groups.0[at];
        let SyncGroup { name, notify, smtp_alert, .. } = config;
        let message = notification(Subject::Group, name, notify, Occasion::State(state), 0);
        let mails = *smtp_alert && (self.mails_faults || state != InstanceState::Fault);
        let mail = if mails && mailed.replace(state) != Some(state) {
            group_mail(name, state, self.router_id.as_deref())
        } else {
            None
        };
        self.tell(&Out::Notify(message));
        mail.into_iter().for_each(|mail| self.tell(&Out::Mail(mail)));
    }

    /// Tells the scripts of groups that they stop.
    pub(super) fn groups_stopped(&mut self) {
        for at in 0..self.groups.0.len() {
            self.notify_group(at, InstanceState::Stop);
        }
    }

    /// Tells the scripts of groups that a reload has removed, where they ask for it. keepalived tells
    /// nobody.
    pub(super) fn groups_deleted(&mut self, gone: &[SyncGroup]) {
        for SyncGroup { name, notify, .. } in gone.iter().filter(|group| group.notify.tell_deleted) {
            let message = notification(Subject::Group, name, notify, Occasion::Deleted, 0);
            self.tell(&Out::Notify(message));
        }
    }
}

fn group_mail(name: &str, state: InstanceState, router_id: Option<&str>) -> Option<Mail> {
    let (what, body) = match state {
        InstanceState::Master => {
            ("Entering MASTER state", "=> All VRRP group instances are now in MASTER state <=")
        }
        InstanceState::Backup => {
            ("Entering BACKUP state", "=> All VRRP group instances are now in BACKUP state <=")
        }
        InstanceState::Fault => {
            ("Entering FAULT state", "=> All VRRP group instances are now in FAULT state <=")
        }
        InstanceState::Stop => ("Stopping", "=> All VRRP group instances are now stopping <="),
        InstanceState::Init => return None,
    };
    let subject = format!("[{}] VRRP Group {name} - {what}", router_id.unwrap_or_default());
    Some(Mail { instance: name.to_owned(), subject, body: body.into() })
}
