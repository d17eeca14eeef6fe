//! Gratuitous ARPs: at once, or `vrrp_garp_interval` apart on each interface.

use rustix::io::Errno;
use std::collections::{BTreeMap, VecDeque};
use std::net::Ipv4Addr;
use std::time::Duration;
use sys::packet::PacketSocket;
use vrrp::Time;
use wire::{Arp, Mac};

/// An announcement to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Announcement {
    pub(crate) link: u32,
    pub(crate) mac: Mac,
    pub(crate) address: Ipv4Addr,
}

/// What waits on one interface.
#[derive(Debug, Default)]
struct Lane {
    queue: VecDeque<Announcement>,
    next: Time,
}

/// Sends announcements.
#[derive(Debug)]
pub(crate) struct Announcer {
    socket: PacketSocket,
    pub(crate) interval: Duration,
    lanes: BTreeMap<u32, Lane>,
}

impl Announcer {
    pub(crate) fn open() -> Result<Self, Errno> {
        Ok(Self { socket: PacketSocket::open()?, interval: Duration::ZERO, lanes: BTreeMap::new() })
    }

    /// Queues an announcement; [`Announcer::send_due`] sends it.
    pub(crate) fn queue(&mut self, announcement: Announcement) {
        self.lanes.entry(announcement.link).or_default().queue.push_back(announcement);
    }

    /// Forgets what waits for an address that was given up.
    pub(crate) fn forget(&mut self, address: Ipv4Addr) {
        for lane in self.lanes.values_mut() {
            lane.queue.retain(|waiting| waiting.address != address);
        }
    }

    /// Sends what may go now and gives each announcement with its outcome to `sent`.
    pub(crate) fn send_due(&mut self, now: Time, mut sent: impl FnMut(Announcement, Result<(), Errno>)) {
        for lane in self.lanes.values_mut() {
            while lane.next <= now
                && let Some(announcement) = lane.queue.pop_front()
            {
                let frame = Arp::gratuitous(announcement.address, announcement.mac).build();
                sent(announcement, self.socket.send(announcement.link, &frame));
                lane.next = now + self.interval;
                if !self.interval.is_zero() {
                    break;
                }
            }
        }
    }

    /// When the next one may go.
    pub(crate) fn next_deadline(&self) -> Option<Time> {
        self.lanes.values().filter(|lane| !lane.queue.is_empty()).map(|lane| lane.next).min()
    }
}
