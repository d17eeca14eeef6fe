//! Questions and changes, each answered before the call returns.

use crate::item::{Item, Outcome};
use crate::socket::Socket;
use crate::{
    Address, Error, Link, LinkChange, Missing, NewLink, Route, Rule, address, link, new_link, route, rule,
};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::AddressMessage;
use netlink_packet_route::link::{LinkAttribute, LinkMessage};
use netlink_packet_route::route::{RouteMessage, RouteProtocol};
use netlink_packet_route::rule::RuleMessage;
use rustix::io::Errno;
use std::os::fd::{AsFd, BorrowedFd};

/// A socket for requests. The kernel answers within the request, so nothing here waits for others.
#[derive(Debug)]
pub struct Requests {
    socket: Socket,
}

/// The socket, for its options: what it reads are answers to its own requests.
impl AsFd for Requests {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Requests {
    /// Opens the socket. Asking needs no privilege, changing needs CAP_NET_ADMIN.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn open() -> Result<Self, Error> {
        Ok(Self { socket: Socket::open()? })
    }

    /// All links.
    ///
    /// # Errors
    /// When the kernel fails or answers in a way that cannot be read.
    pub fn links(&mut self) -> Result<Vec<Link>, Error> {
        let mut links = Vec::new();
        self.socket.dump(RouteNetlinkMessage::GetLink(LinkMessage::default()), |answer| {
            if let RouteNetlinkMessage::NewLink(message) = answer {
                links.extend(link::read(&message));
            }
        })?;
        Ok(links)
    }

    /// The link with a name, if there is one.
    ///
    /// # Errors
    /// When the kernel fails or answers in a way that cannot be read.
    pub fn link(&mut self, name: &str) -> Result<Option<Link>, Error> {
        let mut question = LinkMessage::default();
        question.attributes.push(LinkAttribute::IfName(name.into()));
        let mut found = None;
        let outcome = self.socket.find(RouteNetlinkMessage::GetLink(question), |answer| {
            if let RouteNetlinkMessage::NewLink(message) = answer {
                found = link::read(&message);
            }
        });
        match outcome {
            // A name that is too long is no link's either.
            Err(Error::Kernel(Errno::NODEV | Errno::RANGE | Errno::INVAL)) => Ok(None),
            other => other.map(|()| found),
        }
    }

    /// Makes a link, down, without a link-local address of its own when it goes up; or adopts one that
    /// is there already and has the same name, kind, mode, parent and Ethernet address.
    ///
    /// # Errors
    /// [`Missing::LinkKind`] where the kernel has none of this kind; `EEXIST` when another link has the
    /// name; `EBUSY` or `EINVAL` when the parent does not allow it (a bridge's port, an ipvlan's).
    pub fn create(&mut self, new: &NewLink) -> Result<Link, Error> {
        let made = match self.add(new) {
            Err(Error::Kernel(Errno::OPNOTSUPP)) => {
                return Err(Error::Missing(Missing::LinkKind(new.kind.name())));
            }
            other => other?,
        };
        let found = self.link(&new.name)?.ok_or(Error::Kernel(Errno::NODEV))?;
        if !made && !new.is(&found) {
            return Err(Error::Kernel(Errno::EXIST));
        }
        // The kernel does not look at this when it makes the link. Without IPv6 it refuses.
        let silent = LinkChange { no_link_local: true, ..LinkChange::default() };
        match self.change(found.index, &silent) {
            Err(Error::Kernel(Errno::AFNOSUPPORT | Errno::OPNOTSUPP)) | Ok(()) => Ok(found),
            Err(error) => Err(error),
        }
    }

    /// Changes a link.
    ///
    /// # Errors
    /// `ENODEV` when it is gone, and what else the kernel says.
    pub fn change(&mut self, index: u32, change: &LinkChange) -> Result<(), Error> {
        self.carry_out(change.request(index))
    }

    /// Deletes a link by its index, as it may have been renamed. Says whether it was there.
    ///
    /// # Errors
    /// `EOPNOTSUPP` for hardware, and what else the kernel says.
    pub fn delete_link(&mut self, index: u32) -> Result<bool, Error> {
        match self.carry_out(new_link::deletion(index)) {
            Ok(()) => Ok(true),
            Err(Error::Kernel(Errno::NODEV)) => Ok(false),
            Err(error) => Err(error),
        }
    }

    fn carry_out(&mut self, request: RouteNetlinkMessage) -> Result<(), Error> {
        let refusals = self.socket.transact(std::iter::once((request, 0)))?;
        refusals.into_iter().flatten().next().map_or(Ok(()), |errno| Err(errno.into()))
    }

    /// All addresses, in the kernel's order: a primary address comes before its secondaries.
    ///
    /// # Errors
    /// When the kernel fails or answers in a way that cannot be read.
    pub fn addresses(&mut self) -> Result<Vec<Address>, Error> {
        let mut addresses = Vec::new();
        self.socket.dump(RouteNetlinkMessage::GetAddress(AddressMessage::default()), |answer| {
            if let RouteNetlinkMessage::NewAddress(message) = answer {
                addresses.extend(address::read(&message));
            }
        })?;
        Ok(addresses)
    }

    /// All routes of all tables that somebody made: without those that the kernel makes of addresses.
    ///
    /// # Errors
    /// When the kernel fails or answers in a way that cannot be read.
    pub fn routes(&mut self) -> Result<Vec<Route>, Error> {
        let mut routes = Vec::new();
        self.socket.dump(RouteNetlinkMessage::GetRoute(RouteMessage::default()), |answer| {
            if let RouteNetlinkMessage::NewRoute(message) = answer
                && message.header.protocol != RouteProtocol::Kernel
            {
                routes.extend(route::read(&message));
            }
        })?;
        Ok(routes)
    }

    /// All rules.
    ///
    /// # Errors
    /// When the kernel fails or answers in a way that cannot be read.
    pub fn rules(&mut self) -> Result<Vec<Rule>, Error> {
        let mut rules = Vec::new();
        self.socket.dump(RouteNetlinkMessage::GetRule(RuleMessage::default()), |answer| {
            if let RouteNetlinkMessage::NewRule(message) = answer {
                rules.extend(rule::read(&message));
            }
        })?;
        Ok(rules)
    }

    /// Adds an item. Says whether it was not there before.
    ///
    /// # Errors
    /// `EPERM` without the capability, `ENODEV` without the link, and what else the kernel says.
    pub fn add<T: Item>(&mut self, item: &T) -> Result<bool, Error> {
        single(&self.add_all(std::slice::from_ref(item))?)
    }

    /// Deletes an item. Says whether it was there.
    ///
    /// # Errors
    /// `EPERM` without the capability, and what else the kernel says; a link that is gone is no error.
    pub fn delete<T: Item>(&mut self, item: &T) -> Result<bool, Error> {
        single(&self.delete_all(std::slice::from_ref(item))?)
    }

    /// Adds items in their order, thousands of them in few system calls. The result has the outcome of
    /// each in its place; one that is refused does not keep the next from being added.
    ///
    /// # Errors
    /// When the socket fails; it is not known then which of them were added.
    pub fn add_all<T: Item>(&mut self, items: &[T]) -> Result<Vec<Outcome>, Error> {
        let refusals = self.socket.transact(items.iter().map(T::addition))?;
        Ok(refusals.into_iter().map(|refusal| Outcome::of(refusal, &[Errno::EXIST])).collect())
    }

    /// Deletes items in their order, as [`Requests::add_all`] adds them.
    ///
    /// # Errors
    /// When the socket fails; it is not known then which of them were deleted.
    pub fn delete_all<T: Item>(&mut self, items: &[T]) -> Result<Vec<Outcome>, Error> {
        let refusals = self.socket.transact(items.iter().map(|item| (item.deletion(), 0)))?;
        Ok(refusals.into_iter().map(|refusal| Outcome::of(refusal, T::GONE)).collect())
    }
}

/// The outcome of the only item of a batch: whether there was something to do.
fn single(outcomes: &[Outcome]) -> Result<bool, Error> {
    match outcomes {
        [Outcome::Done] => Ok(true),
        [Outcome::Refused(errno)] => Err(Error::Kernel(*errno)),
        _ => Ok(false),
    }
}
