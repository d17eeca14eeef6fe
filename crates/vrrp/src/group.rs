//! `vrrp_sync_group`: virtual routers that change their states together.
//!
//! A group is master only when every member is or wants to be; one that is demoted takes the others
//! with it; one that cannot serve makes the others give up. What makes members unable to serve is
//! known before (the standing of a group is the worst of its members'), so that here mostly the first
//! two are left.
//!
//! A member that joins a running group has no say until it has heard a master, or has waited for one as
//! long as any router: else every new address would cost the others an election.

use crate::{Event, State};

/// How a member stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its state.
    pub state: State,
    /// Whether it would be master if its group let it: see [`crate::Router::wants_master`].
    pub wants_master: bool,
    /// Whether it joined a running group and has heard no master since.
    pub newcomer: bool,
}

/// A group. It follows from its members what state it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    state: State,
}

impl Default for Group {
    fn default() -> Self {
        Self { state: State::Init }
    }
}

impl Group {
    /// A group that is resumed after a crash.
    pub fn resumed(state: State) -> Self {
        Self { state }
    }

    /// The state that all members have or are about to have.
    pub fn state(&self) -> State {
        self.state
    }

    /// Looks at the members after any of them may have changed. When any of them is to be told something
    /// or the group changes its state, it returns what each is to be told, and the state.
    pub fn settle(&mut self, members: &[Member]) -> Option<(State, Vec<Option<Event>>)> {
        let any = |state| members.iter().any(|member| member.state == state);
        // Where all are new, they are the group.
        let all_new = members.iter().all(|member| member.newcomer);
        let waits = |member: &Member| member.newcomer && !member.wants_master && !all_new;
        let mut deciding = members.iter().filter(|member| !waits(member));
        let new = if members.is_empty() || members.iter().all(|member| member.state == State::Init) {
            State::Init
        } else if any(State::Fault) {
            State::Fault
        } else if any(State::Init) {
            // Some have not started: the others wait.
            return None;
        } else if self.state == State::Master {
            let joins = |member: &Member| member.newcomer && member.wants_master;
            let stays = deciding.all(|member| member.state == State::Master || joins(member));
            if stays { State::Master } else { State::Backup }
        } else if deciding.all(|member| member.state == State::Master || member.wants_master) {
            State::Master
        } else {
            State::Backup
        };
        let promoted = |member: &Member| member.state == State::Backup && !waits(member);
        let joined = new == State::Master && members.iter().any(promoted);
        if new == self.state && !joined {
            return None;
        }
        self.state = new;
        let told = members.iter().map(|member| match (new, member.state) {
            (State::Master, State::Backup) => promoted(member).then_some(Event::Promote),
            (State::Backup, State::Master) => Some(Event::Demote),
            (State::Fault, State::Master | State::Backup) => Some(Event::Fault),
            _ => None,
        });
        Some((new, told.collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(state: State, wants_master: bool) -> Member {
        Member { state, wants_master, newcomer: false }
    }

    const MASTER: Member = Member { state: State::Master, wants_master: false, newcomer: false };
    const BACKUP: Member = Member { state: State::Backup, wants_master: false, newcomer: false };
    const WILLING: Member = Member { state: State::Backup, wants_master: true, newcomer: false };
    const NEW: Member = Member { newcomer: true, ..BACKUP };
    const NEW_AND_WILLING: Member = Member { newcomer: true, ..WILLING };

    #[test]
    fn all_must_want_it() {
        let mut group = Group::resumed(State::Backup);
        assert_eq!(group.settle(&[WILLING, BACKUP]), None);
        let promoted = group.settle(&[WILLING, WILLING]);
        assert_eq!(promoted, Some((State::Master, vec![Some(Event::Promote), Some(Event::Promote)])));
        assert_eq!(group.settle(&[MASTER, MASTER]), None);
    }

    #[test]
    fn one_that_is_demoted_takes_the_others_with_it() {
        let mut group = Group::resumed(State::Master);
        let demoted = group.settle(&[BACKUP, MASTER, MASTER]);
        let told = vec![None, Some(Event::Demote), Some(Event::Demote)];
        assert_eq!(demoted, Some((State::Backup, told)));
    }

    #[test]
    fn one_that_joins_costs_the_others_nothing() {
        let mut group = Group::resumed(State::Master);
        assert_eq!(group.settle(&[MASTER, NEW]), None);
        assert_eq!(
            group.settle(&[MASTER, NEW_AND_WILLING]),
            Some((State::Master, vec![None, Some(Event::Promote)]))
        );
        assert_eq!(group.settle(&[MASTER, MASTER]), None);
        // It hears a master: it is no newcomer any more.
        assert_eq!(group.settle(&[MASTER, BACKUP]), Some((State::Backup, vec![Some(Event::Demote), None])));
        // The others need not wait for it.
        assert_eq!(group.settle(&[WILLING, NEW]), Some((State::Master, vec![Some(Event::Promote), None])));
        assert_eq!(group.settle(&[BACKUP, NEW]).map(|(state, _)| state), Some(State::Backup));
        assert_eq!(group.settle(&[BACKUP, NEW_AND_WILLING]), None);
        let mut group = Group::default();
        assert_eq!(group.settle(&[MASTER, NEW]), Some((State::Master, vec![None, None])));
        let mut group = Group::default();
        assert_eq!(group.settle(&[NEW, NEW]).map(|(state, _)| state), Some(State::Backup));
        let both = Some((State::Master, vec![Some(Event::Promote); 2]));
        // A reload has put others in the place of all that were master.
        let mut replaced = Group::resumed(State::Master);
        assert_eq!(replaced.settle(&[NEW, NEW]), Some((State::Backup, vec![None, None])));
        assert_eq!(group.settle(&[NEW_AND_WILLING, NEW]), None);
        assert_eq!(group.settle(&[NEW_AND_WILLING, NEW_AND_WILLING]), both);
    }

    #[test]
    fn one_that_cannot_serve_stops_all() {
        let mut group = Group::resumed(State::Master);
        let faulty = group.settle(&[MASTER, member(State::Fault, false)]);
        assert_eq!(faulty, Some((State::Fault, vec![Some(Event::Fault), None])));
        assert_eq!(group.settle(&[member(State::Fault, false), BACKUP]), None);
        assert_eq!(group.settle(&[BACKUP, BACKUP]).map(|(state, _)| state), Some(State::Backup));
    }

    #[test]
    fn a_group_that_has_not_started_waits() {
        let mut group = Group::default();
        assert_eq!(group.settle(&[member(State::Init, false), WILLING]), None);
        assert_eq!(group.settle(&[]), None);
    }
}
