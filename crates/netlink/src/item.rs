//! What can be added and deleted: addresses, routes, rules.

use netlink_packet_route::RouteNetlinkMessage;
use rustix::io::Errno;

/// What became of one item of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was added or deleted.
    Done,
    /// Nothing to do: it was there before it was to be added, or gone before it was to be deleted.
    Already,
    /// The kernel refused.
    Refused(Errno),
}

impl Outcome {
    /// The outcome of a request, where one of these errors means that nothing was to be done.
    pub(crate) fn of(refusal: Option<Errno>, already: &[Errno]) -> Self {
        match refusal {
            None => Outcome::Done,
            Some(errno) if already.contains(&errno) => Outcome::Already,
            Some(errno) => Outcome::Refused(errno),
        }
    }
}

/// An object of the kernel that [`Requests`](crate::Requests) can add and delete.
pub trait Item: sealed::Message {}

pub(crate) mod sealed {
    use super::{Errno, RouteNetlinkMessage};

    /// The messages of an item; not to be implemented elsewhere.
    pub trait Message {
        /// What the kernel says when an item is not there to be deleted.
        const GONE: &'static [Errno];
        /// The request that adds it, and its flags.
        fn addition(&self) -> (RouteNetlinkMessage, u16);
        /// The request that deletes it.
        fn deletion(&self) -> RouteNetlinkMessage;
    }
}
