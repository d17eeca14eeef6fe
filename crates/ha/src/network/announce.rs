//! Gratuitous ARPs and unsolicited neighbour advertisements: at once, or a pause apart on each
//! interface (`vrrp_garp_interval`, `vrrp_gna_interval`) or group of interfaces (`garp_group`).

use keepalived_conf::model::{GarpGroup, Global};
use rustix::io::Errno;
use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::time::Duration;
use sys::packet::PacketSocket;
use vrrp::{Family, Time};
use wire::{Arp, Mac, NeighbourAdvertisement};

/// An announcement to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Announcement {
    pub(crate) link: u32,
    pub(crate) mac: Mac,
    pub(crate) address: IpAddr,
    /// Whether this host forwards IPv6 on the interface.
    pub(crate) router: bool,
}

/// What waits on one interface, or in one group of them.
#[derive(Debug, Default)]
struct Lane {
    /// The first of each burst go before all repetitions: they are what the network waits for.
    first: VecDeque<Announcement>,
    repeated: VecDeque<Announcement>,
    next: Time,
    pause: Duration,
}

impl Lane {
    fn is_empty(&self) -> bool {
        self.first.is_empty() && self.repeated.is_empty()
    }

    fn take(&mut self, repeated_too: bool) -> Option<Announcement> {
        let first = self.first.pop_front();
        first.or_else(|| repeated_too.then(|| self.repeated.pop_front()).flatten())
    }
}

/// Who shares a lane: the members of a `garp_group`, by its number, or one interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Sharing {
    Group(usize),
    Link(u32),
}

/// Sends announcements.
#[derive(Debug)]
pub(crate) struct Announcer {
    socket: PacketSocket,
    /// Pauses for ARPs and neighbour advertisements outside of groups.
    pauses: (Duration, Duration),
    groups: Vec<GarpGroup>,
    lanes: BTreeMap<(Sharing, bool), Lane>,
}

impl Announcer {
    pub(crate) fn open() -> Result<Self, Errno> {
        Ok(Self {
            socket: PacketSocket::open()?,
            pauses: (Duration::ZERO, Duration::ZERO),
            groups: Vec::new(),
            lanes: BTreeMap::new(),
        })
    }

    /// Takes other pauses.
    pub(crate) fn configure(&mut self, global: &Global, groups: Vec<GarpGroup>) {
        self.pauses = (global.garp_interval, global.gna_interval);
        self.groups = groups;
    }

    /// Queues an announcement; [`Announcer::send_due`] sends it. `repeats` says whether the same was
    /// queued just before.
    pub(crate) fn queue(&mut self, interface: &str, announcement: Announcement, repeats: bool) {
        let family = Family::of(announcement.address);
        let of = |garp: Option<Duration>, gna: Option<Duration>| match family {
            Family::V4 => garp,
            Family::V6 => gna,
        };
        let alone = (Sharing::Link(announcement.link), of(Some(self.pauses.0), Some(self.pauses.1)));
        let mut groups = self.groups.iter().enumerate();
        let grouped = groups
            .find(|(_, group)| group.interfaces.iter().any(|member| member == interface))
            .map(|(at, group)| (Sharing::Group(at), of(group.garp_interval, group.gna_interval)));
        let (sharing, pause) = grouped.filter(|(_, pause)| pause.is_some()).unwrap_or(alone);
        let lane = self.lanes.entry((sharing, family == Family::V6)).or_default();
        lane.pause = pause.unwrap_or_default();
        let queue = if repeats { &mut lane.repeated } else { &mut lane.first };
        queue.push_back(announcement);
    }

    /// Whether an announcement of this address waits.
    pub(crate) fn waits(&self, address: IpAddr) -> bool {
        let mut waiting = self.lanes.values().flat_map(|lane| lane.first.iter().chain(&lane.repeated));
        waiting.any(|announcement| announcement.address == address)
    }

    /// Forgets what waits for an address that was given up.
    pub(crate) fn forget(&mut self, address: IpAddr) {
        for lane in self.lanes.values_mut() {
            lane.first.retain(|waiting| waiting.address != address);
            lane.repeated.retain(|waiting| waiting.address != address);
        }
    }

    /// Sends what may go now, or of that only the first of each burst, and gives each announcement
    /// with its outcome to `sent`.
    pub(crate) fn send_due(
        &mut self,
        now: Time,
        repeated_too: bool,
        mut sent: impl FnMut(Announcement, Result<(), Errno>),
    ) {
        for lane in self.lanes.values_mut() {
            while lane.next <= now
                && let Some(announcement) = lane.take(repeated_too)
            {
                sent(announcement, send(&self.socket, announcement));
                lane.next = now + lane.pause;
                if !lane.pause.is_zero() {
                    break;
                }
            }
        }
    }

    /// When the next one may go.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        self.lanes.values().filter(|lane| !lane.is_empty()).map(|lane| lane.next).min()
    }
}

fn send(socket: &PacketSocket, announcement: Announcement) -> Result<(), Errno> {
    let Announcement { link, mac, address, router } = announcement;
    match address {
        IpAddr::V4(v4) => socket.send(link, &Arp::gratuitous(v4, mac).build()),
        IpAddr::V6(v6) => socket.send(link, &NeighbourAdvertisement::unsolicited(v6, mac, router).build()),
    }
}
