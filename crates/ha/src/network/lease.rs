//! The lease of virtual addresses: what ends the answering when this process does not go on
//! advertising, whatever has become of it. The kernel keeps it; see [`netlink::Lease`].

use super::renewer::Renewer;
use crate::{Host, Level};
use netlink::{Lease, Nftables};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// The leases of all instances that are master.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    /// `None` where they are switched off or the kernel cannot keep them.
    kept: Option<Renewer>,
    /// Whether new ones begin.
    pub(crate) wanted: bool,
    /// Whether a process before this one has left some.
    left: bool,
    /// By name of the instance.
    holders: BTreeMap<String, u32>,
    next: u32,
    /// Holders that have advertised since the last refresh, by how long their lease is.
    advertised: BTreeMap<Duration, Vec<u32>>,
}

impl Leases {
    /// Opens them, or says why there are none, if they are wanted.
    pub(crate) fn open(
        nftables: Result<Nftables, netlink::Error>,
        program: Option<&str>,
        wanted: bool,
        host: &mut dyn Host,
    ) -> Self {
        let lease = nftables.and_then(|nftables| Lease::open(nftables, program));
        let last = lease.as_ref().ok().and_then(|lease| lease.holders().map(|(id, _)| id).max());
        let kept = lease.map_err(|error| error.to_string());
        match kept.and_then(|lease| Renewer::start(lease).map_err(|error| error.to_string())) {
            Ok(kept) => {
                let next = last.map_or(1, |last| last + 1);
                Self { kept: Some(kept), wanted, left: last.is_some(), next, ..Self::default() }
            }
            Err(_) if !wanted => Self::default(),
            Err(why) => {
                let line = format!(
                    "The kernel keeps no lease of virtual addresses ({why}): if all our processes are \
                     killed, the addresses stay answered here"
                );
                host.log(Level::Warning, &line);
                Self::default()
            }
        }
    }

    /// Whether the kernel keeps them.
    pub(crate) fn are_kept(&self) -> bool {
        self.kept.is_some()
    }

    /// The addresses that a process before this one held, which has ended without giving them up, until
    /// [`Leases::clear_left_over`].
    pub(crate) fn left_over(&self) -> Vec<IpAddr> {
        let Some(kept) = self.kept.as_ref().filter(|_| self.left) else { return Vec::new() };
        let ours: Vec<u32> = self.holders.values().copied().collect();
        let lease = kept.lease();
        let others = lease.holders().filter(|(id, _)| !ours.contains(id));
        others.flat_map(|(_, held)| held.iter().copied()).collect()
    }

    /// Lets go of what a process before this one held.
    pub(crate) fn clear_left_over(&mut self, host: &mut dyn Host) {
        if !std::mem::take(&mut self.left) {
            return;
        }
        let ours: Vec<u32> = self.holders.values().copied().collect();
        let Some(kept) = &self.kept else { return };
        let others: Vec<u32> =
            kept.lease().holders().map(|(id, _)| id).filter(|id| !ours.contains(id)).collect();
        if !others.is_empty() {
            complain(kept.forget(&others), "end the leases of a process before", host);
        }
    }

    /// Begins the leases of instances, before their addresses are added. Those of one duration are one
    /// transaction.
    pub(crate) fn begin(&mut self, wanted: &[(&str, Vec<IpAddr>, Duration)], host: &mut dyn Host) {
        let Some(kept) = self.kept.as_ref().filter(|_| self.wanted) else { return };
        let mut durations: BTreeMap<Duration, Vec<(u32, &[IpAddr])>> = BTreeMap::new();
        for (instance, addresses, duration) in wanted {
            let holder = *self.holders.entry((*instance).to_owned()).or_insert_with(|| {
                self.next += 1;
                self.next - 1
            });
            durations.entry(*duration).or_default().push((holder, addresses));
        }
        for (duration, holders) in durations {
            complain(kept.lease().govern(&holders, duration), "begin leases", host);
        }
    }

    /// Ends the leases of instances whose addresses were removed.
    pub(crate) fn end(&mut self, instances: &[&str], host: &mut dyn Host) {
        let ended: Vec<u32> = instances.iter().filter_map(|name| self.holders.remove(*name)).collect();
        if ended.is_empty() {
            return;
        }
        for waiting in self.advertised.values_mut() {
            waiting.retain(|id| !ended.contains(id));
        }
        if let Some(kept) = &self.kept {
            complain(kept.forget(&ended), "end leases", host);
        }
    }

    /// Instances have other names, each given before and now; one may have that of another.
    pub(crate) fn rename(&mut self, names: Vec<(String, String)>) {
        let moved = names.into_iter().filter_map(|(before, now)| Some((now, self.holders.remove(&before)?)));
        let moved: Vec<(String, u32)> = moved.collect();
        self.holders.extend(moved);
    }

    /// Notes that an instance has advertised: its lease is to be renewed.
    pub(crate) fn advertised(&mut self, instance: &str, duration: Duration) {
        if let Some(&holder) = self.holders.get(instance) {
            let waiting = self.advertised.entry(duration).or_default();
            if !waiting.contains(&holder) {
                waiting.push(holder);
            }
        }
    }

    /// Has the leases of all renewed that have advertised.
    pub(crate) fn renew(&mut self, host: &mut dyn Host) {
        let Some(kept) = &self.kept else { return };
        for (duration, holders) in self.advertised.iter_mut().filter(|(_, holders)| !holders.is_empty()) {
            kept.renew(holders, *duration);
            holders.clear();
        }
        for error in kept.errors() {
            complain(Err(error), "renew a lease", host);
        }
    }

    /// Switches them off: nothing is governed any more.
    pub(crate) fn release(&mut self, host: &mut dyn Host) {
        if let Some(kept) = self.kept.take() {
            complain(kept.lease().release(), "remove the leases", host);
        }
        *self = Self::default();
    }
}

fn complain(outcome: Result<(), netlink::Error>, what: &str, host: &mut dyn Host) {
    if let Err(error) = outcome {
        host.log(Level::Error, &format!("cannot {what}: {error}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_may_go_round() {
        let holders = [("A", 1), ("B", 2), ("C", 3)].map(|(name, id)| (name.to_owned(), id));
        let mut leases = Leases { holders: holders.into(), ..Leases::default() };
        let names = [("A", "B"), ("B", "A"), ("C", "D"), ("E", "C")];
        leases.rename(names.map(|(before, now)| (before.to_owned(), now.to_owned())).into());
        let renamed = [("A", 2), ("B", 1), ("D", 3)].map(|(name, id)| (name.to_owned(), id));
        assert_eq!(leases.holders, renamed.into());
    }
}
