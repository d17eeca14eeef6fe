//! Renews leases beside the election, in a thread of its own. A transaction of nftables waits for all
//! others: while somebody loads a large ruleset, for as long as that takes. An election whose intervals are
//! shorter must not wait for that.

use netlink::{Error, Lease};
use std::collections::BTreeMap;
use std::io;
use std::mem::take;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// All of it is locked in memory; a transaction needs a few pages.
const STACK: usize = 256 << 10;

/// The tables, and the thread that renews what is due.
#[derive(Debug)]
pub(super) struct Renewer {
    shared: Arc<Shared>,
    errors: Receiver<Error>,
    /// `None` when it has ended.
    thread: Option<JoinHandle<()>>,
}

/// Whoever takes both locks takes that of the tables first.
#[derive(Debug)]
struct Shared {
    lease: Mutex<Lease>,
    due: Mutex<Due>,
    changed: Condvar,
}

/// What is to be renewed.
#[derive(Debug, Default)]
struct Due {
    /// By holder: for how long, and from when.
    renewals: BTreeMap<u32, (Duration, Instant)>,
    ends: bool,
}

impl Renewer {
    /// Starts the thread, which has the scheduling of this one.
    ///
    /// # Errors
    /// The kernel has no thread left. The tables are deleted then: nobody would renew what they govern.
    pub(super) fn start(lease: Lease) -> io::Result<Self> {
        let shared = Shared { lease: Mutex::new(lease), due: Mutex::default(), changed: Condvar::new() };
        let shared = Arc::new(shared);
        let (complain, errors) = channel();
        let theirs = Arc::clone(&shared);
        let work = move || {
            let _guard = EndsWithProcess;
            theirs.work(&complain);
        };
        match std::thread::Builder::new().name("leases".into()).stack_size(STACK).spawn(work) {
            Ok(thread) => Ok(Self { shared, errors, thread: Some(thread) }),
            Err(error) => {
                let _ = lock(&shared.lease).release();
                Err(error)
            }
        }
    }

    /// The tables, for all else than to renew; nothing is renewed meanwhile.
    pub(super) fn lease(&self) -> MutexGuard<'_, Lease> {
        lock(&self.shared.lease)
    }

    /// Has the lease of holders renewed, for so long from now. It happens soon, or not at all when that
    /// time is over before.
    pub(super) fn renew(&self, holders: &[u32], duration: Duration) {
        let now = Instant::now();
        let renewals = holders.iter().map(|holder| (*holder, (duration, now)));
        lock(&self.shared.due).renewals.extend(renewals);
        self.shared.changed.notify_one();
    }

    /// Lets go of what these holders have.
    ///
    /// # Errors
    /// What the kernel says.
    pub(super) fn forget(&self, holders: &[u32]) -> Result<(), Error> {
        let mut lease = self.lease();
        lock(&self.shared.due).renewals.retain(|holder, _| !holders.contains(holder));
        lease.forget(holders)
    }

    /// What could not be renewed, since the last call.
    pub(super) fn errors(&self) -> impl Iterator<Item = Error> {
        self.errors.try_iter()
    }
}

impl Drop for Renewer {
    fn drop(&mut self) {
        lock(&self.shared.due).ends = true;
        self.shared.changed.notify_one();
        let _ = self.thread.take().map(JoinHandle::join);
    }
}

impl Shared {
    fn work(&self, complain: &Sender<Error>) {
        loop {
            let idle = |due: &mut Due| due.renewals.is_empty() && !due.ends;
            let due = self.changed.wait_while(lock(&self.due), idle).unwrap_or_else(PoisonError::into_inner);
            if due.ends {
                return;
            }
            drop(due);
            // Nothing that is forgotten before this is due any more.
            let mut lease = lock(&self.lease);
            let mut common: BTreeMap<(Instant, Duration), Vec<u32>> = BTreeMap::new();
            for (holder, (duration, from)) in take(&mut lock(&self.due).renewals) {
                common.entry((from, duration)).or_default().push(holder);
            }
            for ((from, duration), holders) in common {
                // Both this process and a transaction may have been held up.
                let left = duration.saturating_sub(from.elapsed());
                if !left.is_zero()
                    && let Err(error) = lease.refresh(&holders, left)
                {
                    let _ = complain.send(error);
                }
            }
        }
    }
}

/// Without the thread leases would run out while the election goes on: rather another process takes over.
struct EndsWithProcess;

impl Drop for EndsWithProcess {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}

/// A thread that has panicked has ended the process.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlink::Nftables;
    use std::net::IpAddr;
    use std::process::Command;

    const LONG: Duration = Duration::from_secs(600);

    /// Elements of leases that live.
    fn alive() -> usize {
        let output = Command::new("nft").args(["list", "ruleset"]).output().unwrap();
        String::from_utf8(output.stdout).unwrap().matches("expires").count()
    }

    fn until(wanted: usize) {
        let end = Instant::now() + Duration::from_secs(10);
        while alive() != wanted {
            assert!(Instant::now() < end, "{wanted} are to live, {} do", alive());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn the_election_waits_for_no_transaction() {
        if !rustix::process::geteuid().is_root() {
            eprintln!("not run: a network namespace needs root");
            return;
        }
        sys::namespace::enter_new_network().unwrap();
        let address = [IpAddr::from([192, 0, 2, 7])];
        let mut lease = Lease::open(Nftables::open().unwrap(), None).unwrap();
        lease.govern(&[(1, &address), (2, &[])], LONG).unwrap();
        // Three for each: ARP, IPv4 and IPv6.
        assert_eq!(alive(), 6);
        lease.end(&[1, 2]).unwrap();
        assert_eq!(alive(), 0);
        let renewer = Renewer::start(lease).unwrap();

        // A transaction takes its time; what is due only for as long as that is over then.
        let transaction = renewer.lease();
        renewer.renew(&[1], LONG);
        renewer.renew(&[2], Duration::from_millis(20));
        std::thread::sleep(Duration::from_millis(40));
        assert_eq!(alive(), 0);
        drop(transaction);
        until(3);

        renewer.renew(&[1, 2], LONG);
        until(6);
        renewer.renew(&[1, 2], LONG);
        renewer.forget(&[1]).unwrap();
        renewer.renew(&[2], LONG);
        until(3);
        assert_eq!(renewer.errors().count(), 0, "what is forgotten is due no more");
        renewer.lease().release().unwrap();
        renewer.renew(&[2], LONG);
        let told = renewer.errors.recv_timeout(Duration::from_secs(10));
        assert!(told.is_ok(), "what cannot be renewed is told of");
    }
}
