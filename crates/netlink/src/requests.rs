//! Questions and changes, each answered before the call returns.

use crate::item::{Item, Outcome};
use crate::socket::Socket;
use crate::{Address, Error, Link, address, link};
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::address::AddressMessage;
use netlink_packet_route::link::LinkMessage;
use rustix::io::Errno;

/// A socket for requests. The kernel answers within the request, so nothing here waits for others.
#[derive(Debug)]
pub struct Requests {
    socket: Socket,
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
        self.socket.dump(&RouteNetlinkMessage::GetLink(LinkMessage::default()), |answer| {
            if let RouteNetlinkMessage::NewLink(message) = answer {
                links.extend(link::read(&message));
            }
        })?;
        Ok(links)
    }

    /// All addresses, in the kernel's order: a primary address comes before its secondaries.
    ///
    /// # Errors
    /// When the kernel fails or answers in a way that cannot be read.
    pub fn addresses(&mut self) -> Result<Vec<Address>, Error> {
        let mut addresses = Vec::new();
        self.socket.dump(&RouteNetlinkMessage::GetAddress(AddressMessage::default()), |answer| {
            if let RouteNetlinkMessage::NewAddress(message) = answer {
                addresses.extend(address::read(&message));
            }
        })?;
        Ok(addresses)
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
