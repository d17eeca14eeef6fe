//! What changes, whoever changes it.

use crate::{Address, Error, Link, Route, Rule, address, codec, link, route, rule};
use netlink_packet_core::NetlinkPayload;
use netlink_packet_route::RouteNetlinkMessage;
use netlink_packet_route::route::{RouteMessage, RouteProtocol};
use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with, sockopt};
use std::collections::VecDeque;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

// RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR and RTNLGRP_IPV6_IFADDR as bits.
const GROUPS: u32 = 1 | 1 << 4 | 1 << 8;
// RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV4_RULE, RTNLGRP_IPV6_ROUTE and RTNLGRP_IPV6_RULE as bits.
const ROUTE_GROUPS: u32 = 1 << 6 | 1 << 7 | 1 << 10 | 1 << 18;

/// Room for a burst of changes, in bytes: about ten thousand addresses, each with what it costs the
/// kernel to keep a message. Memory is taken only by what waits.
const RECEIVE_BUFFER: usize = 8 << 20;

/// Something changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// A link is new or changed.
    Link(Link),
    /// A link is gone.
    LinkRemoved(Link),
    /// An address is new or changed.
    Address(Address),
    /// An address is gone.
    AddressRemoved(Address),
    /// A route is new or changed.
    Route(Route),
    /// A route is gone. Of IPv4, the kernel does not say so of routes that go with their link or their
    /// source address.
    RouteRemoved(Route),
    /// A rule is new.
    Rule(Rule),
    /// A rule is gone.
    RuleRemoved(Rule),
    /// Changes came faster than they were read, and some are lost: ask for everything again.
    Lost,
}

/// A socket that hears of changes to links and addresses, and to routes and rules.
#[derive(Debug)]
pub struct Monitor {
    socket: OwnedFd,
    buffer: Vec<u8>,
    waiting: VecDeque<Change>,
}

impl Monitor {
    /// Opens the socket; needs no privilege. Changes from now on are heard, so open it before asking
    /// how things stand.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn open() -> Result<Self, Error> {
        Self::listen(GROUPS)
    }

    /// The same, but hears of routes and rules too. Not of the routes that the kernel makes of
    /// addresses. Only where there are routes to be guarded: others may have a million of them.
    ///
    /// # Errors
    /// What the kernel says.
    pub fn open_with_routes() -> Result<Self, Error> {
        Self::listen(GROUPS | ROUTE_GROUPS)
    }

    fn listen(groups: u32) -> Result<Self, Error> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
        // Without the privilege the smaller buffer that every process may have serves as well.
        if sockopt::set_socket_recv_buffer_size_force(&socket, RECEIVE_BUFFER).is_err() {
            sockopt::set_socket_recv_buffer_size(&socket, RECEIVE_BUFFER)?;
        }
        bind(&socket, &SocketAddrNetlink::new(0, groups))?;
        Ok(Self { socket, buffer: vec![0; 65536], waiting: VecDeque::new() })
    }

    /// The next change, or `None` when there is none at present. Never blocks.
    ///
    /// # Errors
    /// When the socket fails. A message that cannot be read is reported as [`Change::Lost`].
    pub fn change(&mut self) -> Result<Option<Change>, Error> {
        loop {
            if let Some(found) = self.waiting.pop_front() {
                return Ok(Some(found));
            }
            match recv(&self.socket, self.buffer.as_mut_slice(), RecvFlags::DONTWAIT) {
                Ok((length, _)) => {
                    let changes = codec::decode(&self.buffer[..length]).filter_map(|message| match message {
                        Ok(message) => meaning(message.payload),
                        Err(_) => Some(Change::Lost),
                    });
                    self.waiting.extend(changes);
                }
                Err(Errno::AGAIN) => return Ok(None),
                Err(Errno::INTR) => {}
                Err(Errno::NOBUFS) => return Ok(Some(Change::Lost)),
                Err(errno) => return Err(errno.into()),
            }
        }
    }
}

impl AsFd for Monitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn meaning(payload: NetlinkPayload<RouteNetlinkMessage>) -> Option<Change> {
    let NetlinkPayload::InnerMessage(message) = payload else { return None };
    match message {
        RouteNetlinkMessage::NewLink(message) => link::read(&message).map(Change::Link),
        RouteNetlinkMessage::DelLink(message) => link::read(&message).map(Change::LinkRemoved),
        RouteNetlinkMessage::NewAddress(message) => address::read(&message).map(Change::Address),
        RouteNetlinkMessage::DelAddress(message) => address::read(&message).map(Change::AddressRemoved),
        RouteNetlinkMessage::NewRoute(message) => route(&message).map(Change::Route),
        RouteNetlinkMessage::DelRoute(message) => route(&message).map(Change::RouteRemoved),
        RouteNetlinkMessage::NewRule(message) => rule::read(&message).map(Change::Rule),
        RouteNetlinkMessage::DelRule(message) => rule::read(&message).map(Change::RuleRemoved),
        _ => None,
    }
}

/// A route that somebody made.
fn route(message: &RouteMessage) -> Option<Route> {
    let made = message.header.protocol != RouteProtocol::Kernel;
    made.then(|| route::read(message)).flatten()
}
