//! The lease of virtual addresses: what ends the answering when this process does not go on
//! advertising, whatever has become of it. The kernel keeps it; see [`netlink::Lease`].

use crate::{Host, Level};
use netlink::Lease;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

/// The leases of all instances that are master.
#[derive(Debug, Default)]
pub(crate) struct Leases {
    /// `None` where they are switched off or the kernel cannot keep them.
    lease: Option<Lease>,
    /// By name of the instance.
    holders: BTreeMap<String, u32>,
    next: u32,
    /// Holders that have advertised since the last refresh, by how long their lease is.
    advertised: BTreeMap<Duration, Vec<u32>>,
}

impl Leases {
    /// Opens them, or says why there are none, if they are wanted.
    pub(crate) fn open(program: Option<&str>, wanted: bool, host: &mut dyn Host) -> Self {
        match Lease::open(program) {
            Ok(lease) => {
                let next = lease.holders().map(|(id, _)| id).max().unwrap_or_default() + 1;
                Self { lease: Some(lease), next, ..Self::default() }
            }
            Err(_) if !wanted => Self::default(),
            Err(error) => {
                let line = format!(
                    "The kernel keeps no lease of virtual addresses ({error}): if all our processes are \
                     killed, the addresses stay answered here"
                );
                host.log(Level::Warning, &line);
                Self::default()
            }
        }
    }

    /// Whether the kernel keeps them.
    pub(crate) fn are_kept(&self) -> bool {
        self.lease.is_some()
    }

    /// The addresses that a process before this one held, which has ended without giving them up.
    pub(crate) fn left_over(&self) -> Vec<IpAddr> {
        let ours: Vec<u32> = self.holders.values().copied().collect();
        let holders = self.lease.iter().flat_map(Lease::holders);
        holders.filter(|(id, _)| !ours.contains(id)).flat_map(|(_, held)| held.iter().copied()).collect()
    }

    /// Lets go of what a process before this one held.
    pub(crate) fn clear_left_over(&mut self, host: &mut dyn Host) {
        let ours: Vec<u32> = self.holders.values().copied().collect();
        let Some(lease) = &mut self.lease else { return };
        let others: Vec<u32> = lease.holders().map(|(id, _)| id).filter(|id| !ours.contains(id)).collect();
        if !others.is_empty() {
            complain(lease.forget(&others), "end the leases of a process before", host);
        }
    }

    /// Begins the leases of instances, before their addresses are added. Those of one duration are one
    /// transaction.
    pub(crate) fn begin(&mut self, wanted: &[(&str, Vec<IpAddr>, Duration)], host: &mut dyn Host) {
        let Some(lease) = &mut self.lease else { return };
        let mut durations: BTreeMap<Duration, Vec<(u32, &[IpAddr])>> = BTreeMap::new();
        for (instance, addresses, duration) in wanted {
            let holder = *self.holders.entry((*instance).to_owned()).or_insert_with(|| {
                self.next += 1;
                self.next - 1
            });
            durations.entry(*duration).or_default().push((holder, addresses));
        }
        for (duration, holders) in durations {
            complain(lease.govern(&holders, duration), "begin leases", host);
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
        if let Some(lease) = &mut self.lease {
            complain(lease.forget(&ended), "end leases", host);
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

    /// Renews the leases of all that have advertised.
    pub(crate) fn renew(&mut self, host: &mut dyn Host) {
        let Some(lease) = &mut self.lease else { return };
        for (duration, holders) in &mut self.advertised {
            if !holders.is_empty() {
                complain(lease.refresh(holders, *duration), "renew a lease", host);
                holders.clear();
            }
        }
    }

    /// Switches them off: nothing is governed any more.
    pub(crate) fn release(&mut self, host: &mut dyn Host) {
        if let Some(lease) = self.lease.take() {
            complain(lease.release(), "remove the leases", host);
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
