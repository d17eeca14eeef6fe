//! `vrrp_sync_group`: virtual routers that change their states together.
//!
//! A group is master only when every member is or wants to be; one that is demoted takes the others
//! with it; one that cannot serve makes the others give up. What makes members unable to serve is
//! known before (the standing of a group is the worst of its members'), so that here mostly the first
//! two are left.

use crate::{Event, State};

/// How a member stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its state.
    pub state: State,
    /// Whether it would be master if its group let it: see [`crate::Router::wants_master`].
    pub wants_master: bool,
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

    /// Looks at the members after any of them may have changed. When the group changes its state it
    /// returns the new one, and what each member is to be told, if anything.
    pub fn settle(&mut self, members: &[Member]) -> Option<(State, Vec<Option<Event>>)> {
        let any = |state| members.iter().any(|member| member.state == state);
        let new = if members.is_empty() || members.iter().all(|member| member.state == State::Init) {
            State::Init
        } else if any(State::Fault) {
            State::Fault
        } else if any(State::Init) {
            // Some have not started: the others wait.
            return None;
        } else if self.state == State::Master {
            if any(State::Backup) { State::Backup } else { State::Master }
        } else if members.iter().all(|member| member.state == State::Master || member.wants_master) {
            State::Master
        } else {
            State::Backup
        };
        if new == self.state {
            return None;
        }
        self.state = new;
        let told = members.iter().map(|member| match (new, member.state) {
            (State::Master, State::Backup) => Some(Event::Promote),
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
        Member { state, wants_master }
    }

    const MASTER: Member = Member { state: State::Master, wants_master: false };
    const BACKUP: Member = Member { state: State::Backup, wants_master: false };
    const WILLING: Member = Member { state: State::Backup, wants_master: true };

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
