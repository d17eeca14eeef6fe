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

/// How far apart announcements are.
#[derive(Debug, Default)]
struct Pauses {
    /// For ARPs and neighbour advertisements outside of groups.
    usual: (Duration, Duration),
    groups: Vec<GarpGroup>,
}

impl Pauses {
    /// The lane of an interface and its pause. What its group does not say, a member of one does not
    /// take from `global_defs`.
    fn of(&self, interface: &str, link: u32, family: Family) -> (Sharing, Duration) {
        let is_member = |group: &GarpGroup| group.interfaces.iter().any(|member| member == interface);
        let grouped = self.groups.iter().position(is_member).map(|at| (at, &self.groups[at]));
        let pause = match (grouped, family) {
            (Some((_, group)), Family::V4) => group.garp_interval,
            (Some((_, group)), Family::V6) => group.gna_interval,
            (None, Family::V4) => Some(self.usual.0),
            (None, Family::V6) => Some(self.usual.1),
        };
        match (grouped, pause) {
            (Some((at, _)), Some(pause)) => (Sharing::Group(at), pause),
            (_, pause) => (Sharing::Link(link), pause.unwrap_or_default()),
        }
    }
}

/// Sends announcements.
#[derive(Debug)]
pub(crate) struct Announcer {
    socket: PacketSocket,
    pauses: Pauses,
    lanes: BTreeMap<(Sharing, bool), Lane>,
}

impl Announcer {
    pub(crate) fn open() -> Result<Self, Errno> {
        Ok(Self { socket: PacketSocket::open()?, pauses: Pauses::default(), lanes: BTreeMap::new() })
    }

    /// Takes other pauses.
    pub(crate) fn configure(&mut self, global: &Global, groups: Vec<GarpGroup>) {
        self.pauses = Pauses { usual: (global.garp_interval, global.gna_interval), groups };
    }

    /// Queues an announcement; [`Announcer::send_due`] sends it. `repeats` says whether the same was
    /// queued just before.
    pub(crate) fn queue(&mut self, interface: &str, announcement: Announcement, repeats: bool) {
        let family = Family::of(announcement.address);
        let (sharing, pause) = self.pauses.of(interface, announcement.link, family);
        let lane = self.lanes.entry((sharing, family == Family::V6)).or_default();
        lane.pause = pause;
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_of_a_group_has_its_pauses_alone() {
        let seconds = Duration::from_secs;
        let group = |garp_interval, gna_interval, name: &str| GarpGroup {
            garp_interval,
            gna_interval,
            interfaces: vec![name.to_owned()],
        };
        let pauses = Pauses {
            usual: (seconds(1), seconds(2)),
            groups: vec![group(None, Some(seconds(3)), "eth0"), group(Some(seconds(4)), None, "eth1")],
        };
        let of = |interface, family| pauses.of(interface, 7, family);
        assert_eq!(of("eth0", Family::V4), (Sharing::Link(7), Duration::ZERO));
        assert_eq!(of("eth0", Family::V6), (Sharing::Group(0), seconds(3)));
        assert_eq!(of("eth1", Family::V4), (Sharing::Group(1), seconds(4)));
        assert_eq!(of("eth2", Family::V4), (Sharing::Link(7), seconds(1)));
        assert_eq!(of("eth2", Family::V6), (Sharing::Link(7), seconds(2)));
    }
}
