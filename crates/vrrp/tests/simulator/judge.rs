//! Who watches all routers together: how many masters there are, which, and since when.
//!
//! The bounds. Let I be the longest interval of any router, S the longest skew (RFC 3768 §6.1: one
//! second; RFC 5798 §6.1: one interval), M = 3 I + S the longest Master_Down_Interval, D the longest
//! time that a packet takes while nothing is wrong, at most half of the shortest interval; N routers.
//! A clock is up to one in a hundred slow; x' is what x then takes. t is the end of the last
//! disturbance: the last event, or the arrival of the last packet that was sent while the network was
//! not in order.
//!
//! - *Some master*: packets of a router that has gone may arrive until t + D, set a timer of M anew,
//!   and make a master yield to nobody. Its own last packets may do the same to a lower one until
//!   t + 2 D, and so on: after N D no packet of a router is under way that is not master any more
//!   because of one that is gone. A router that then hears nobody better becomes master within M'.
//!   If it hears somebody better, there is a master. A master yields to nobody but a better one,
//!   which stays; so from t + N D + M' on, `some`, there always is one.
//! - *One master*: that master has said so by D later. Whoever became master before he heard it hears
//!   it then, or is better and is heard after D more: `elected` = some + 2 D.
//! - *Settled*: with a preempt_delay P, counted from the first lower advertisement, which comes I' + D
//!   after the election at the latest, another M' runs out after it: `settled` = elected + I' + D +
//!   P' + M' + 2 D. Without one both are the same.
//! - *Waking*: of two who both have been masters since before one of them woke, one sends within I',
//!   and the other yields D after it, or answers and is heard after D more: `woken` = I' + 2 D.

use crate::host::Host;
use crate::network::Network;
use crate::schedule::{Instant, MICROSECOND, MILLISECOND, SECOND, Schedule, letter};
use crate::witness::{Broken, Invariant};
use vrrp::{Preempt, State, Version};

/// What was seen: a simulator that checks nothing finds nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// Moments at which all was settled, and judged.
    pub(crate) settled: u64,
    /// States entered.
    pub(crate) changes: u64,
    /// Times a router became master.
    pub(crate) masters: u64,
    /// Masters that woke from a pause.
    pub(crate) masters_woken: u64,
    /// Copies of packets sent.
    pub(crate) packets: u64,
    /// Events that changed something.
    pub(crate) disturbances: u64,
}

impl Tally {
    pub(crate) fn add(&mut self, other: Tally) {
        self.settled += other.settled;
        self.changes += other.changes;
        self.masters += other.masters;
        self.masters_woken += other.masters_woken;
        self.packets += other.packets;
        self.disturbances += other.disturbances;
    }
}

#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    some: Instant,
    elected: Instant,
    pub(crate) settled: Instant,
    woken: Instant,
}

impl Bounds {
    /// See the module's head.
    pub(crate) fn of(schedule: &Schedule) -> Self {
        let slow = |time: Instant| time * 100 / 99 + MICROSECOND;
        let longest = schedule.routers.iter().map(|setup| setup.interval).max().unwrap_or_default();
        let interval = Instant::from(longest) * 10 * MILLISECOND;
        let skew = if schedule.version == Version::V2 { SECOND } else { interval };
        let down = slow(3 * interval + skew);
        let delay = schedule.delay.1;
        let waits = schedule.routers.iter().filter_map(|setup| match setup.preempt {
            Preempt::After(wait) => Some(wait.as_nanos() as Instant),
            Preempt::Always | Preempt::Never => None,
        });
        let some = schedule.routers.len() as Instant * delay + down;
        let elected = some + 2 * delay;
        let preempted = waits.max().map(|wait| slow(interval) + delay + slow(wait) + down + 2 * delay);
        Self {
            some,
            elected,
            settled: elected + preempted.unwrap_or_default(),
            woken: slow(interval) + 2 * delay,
        }
    }
}

pub(crate) struct Judge {
    pub(crate) bounds: Bounds,
    /// The end of the last disturbance.
    disturbed: Instant,
    /// Whether packets arrive in time.
    calm: bool,
    /// Sets of routers that hear each other and nobody else; none if hearing is not mutual.
    components: Option<Vec<u8>>,
    flapped: bool,
    pub(crate) tally: Tally,
}

impl Judge {
    pub(crate) fn new(schedule: &Schedule) -> Self {
        let bounds = Bounds::of(schedule);
        Self { bounds, disturbed: 0, calm: true, components: None, flapped: false, tally: Tally::default() }
    }

    /// Something happened.
    pub(crate) fn disturb(&mut self, now: Instant, network: &Network, hosts: &[Host]) {
        self.tally.disturbances += 1;
        self.disturb_until(now);
        self.calm = network.is_calm();
        let running = |&(_, host): &(usize, &Host)| host.is_running() && !host.paused;
        let present = hosts.iter().enumerate().filter(running).fold(0, |set, (index, _)| set | 1 << index);
        self.components = network.components(present);
    }

    /// Packets are late until then.
    pub(crate) fn disturb_until(&mut self, until: Instant) {
        self.disturbed = self.disturbed.max(until);
    }

    /// A router entered a state.
    pub(crate) fn changed(&mut self, now: Instant, state: State) {
        self.tally.changes += 1;
        self.tally.masters += u64::from(state == State::Master);
        self.flapped |= self.calm && self.components.is_some() && now > self.disturbed + self.bounds.settled;
    }

    /// Nothing changed from `since` to `until`.
    pub(crate) fn look(&mut self, since: Instant, until: Instant, hosts: &[Host]) -> Result<(), Broken> {
        if std::mem::take(&mut self.flapped) {
            return Err((Invariant::NoFlapping, format!("{} with nothing wrong", states(hosts))));
        }
        let (bounds, disturbed) = (self.bounds, self.disturbed);
        let reached = |bound: Instant| until > since.max(disturbed + bound);
        let Some(components) = self.components.as_ref().filter(|_| self.calm) else { return Ok(()) };
        if !reached(bounds.woken) {
            return Ok(());
        }
        for &component in components {
            let members = || (0..hosts.len()).filter(|&i| component >> i & 1 == 1).map(|i| &hosts[i]);
            let masters = || members().filter(|host| host.state() == State::Master);
            let old = masters().filter(|host| host.changed < disturbed).count();
            if old > 1 {
                return Err((Invariant::Waking, format!("{} long after the last event", states(hosts))));
            }
            let fit = members().filter(|host| host.takes_part()).count();
            if reached(bounds.some) && fit > 0 && masters().count() == 0 {
                return Err((Invariant::SomeMaster, states(hosts)));
            }
            // Preemption after a delay makes two for a moment.
            let one = if bounds.settled > bounds.elected { bounds.settled } else { bounds.elected };
            if reached(one) && masters().count() > 1 {
                return Err((Invariant::OneMaster, states(hosts)));
            }
            if !reached(bounds.settled) {
                continue;
            }
            self.tally.settled += 1;
            let Some(master) = masters().next().map(|host| host.witness.priority()) else { continue };
            let better = |host: &&Host| {
                let preempts = host.setup.preempt != Preempt::Never;
                host.takes_part() && preempts && host.witness.priority() > master
            };
            if members().any(|host| better(&host)) {
                return Err((Invariant::Preemption, states(hosts)));
            }
        }
        Ok(())
    }
}

fn states(hosts: &[Host]) -> String {
    let of = |(index, host): (usize, &Host)| {
        let paused = if host.paused { " (paused)" } else { "" };
        format!("{} is {}{paused}", letter(index), host.state().word())
    };
    hosts.iter().enumerate().map(of).collect::<Vec<String>>().join(", ")
}
