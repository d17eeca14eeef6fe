//! The vrrp process: real-time, with the two capabilities that addresses and raw sockets need.

use super::{CHANNEL, LogPlan, RoleError, SUPERVISORS, Setup, descriptor, give_up_root, heartbeat};
use ha::Host;
use ipc::Channel;
use keepalived_conf::model::Process;
use logging::{Level, Logger};
use rustix::io::Errno;
use rustix::process::{Resource, Rlimit};
use rustix::thread::CapabilitySet;
use std::os::fd::{IntoRawFd, OwnedFd, RawFd};
use sys::heartbeat::Heartbeat;
use sys::signals;

/// keepalived runs its processes at the lowest real-time priority when it has to; so do we, always.
const PRIORITY: u8 = 1;
/// The greatest real-time priority there is.
const HIGHEST: u8 = 99;

/// More descriptors than the process ever has; the kernel's table of them is as long as the highest needs.
const MOST_DESCRIPTORS: u64 = 1 << 14;

struct Surroundings {
    logger: Logger,
    heartbeat: Heartbeat,
}

impl Host for Surroundings {
    fn log(&mut self, level: ha::Level, line: &str) {
        let level = match level {
            ha::Level::Detail => Level::Debug,
            ha::Level::Info => Level::Info,
            ha::Level::Warning => Level::Warning,
            ha::Level::Error => Level::Error,
        };
        self.logger.log(level, line);
    }

    fn beat(&mut self) {
        self.heartbeat.beat();
    }
}

pub(super) fn run() -> Result<(), RoleError> {
    let channel = descriptor(CHANNEL)?;
    allow_descriptors();
    hold_until_death(&channel);
    let channel = Channel::new(channel)?;
    let heartbeat = heartbeat()?;
    // `killall keepalived` reaches this process too; the supervisor decides what comes of it.
    signals::ignore(&SUPERVISORS).map_err(|errno| RoleError::Kernel("signals", errno))?;
    let logger = LogPlan::inherited().logger("Keepalived_vrrp");
    let mut surroundings = Surroundings { logger, heartbeat };
    let Setup { process, max_auto_priority, user, .. } = Setup::inherited()?;
    let for_memory = set_up(&process.unwrap_or_default(), max_auto_priority, &mut surroundings.logger);
    let for_packets = CapabilitySet::NET_ADMIN | CapabilitySet::NET_RAW | CapabilitySet::NET_BROADCAST;
    give_up_root(user, for_packets | for_memory)?;
    ha::run(channel, &mut surroundings).map(|_| ()).map_err(RoleError::Vrrp)
}

/// `vrrp_process_name`, `vrrp_rt_priority`, `vrrp_priority`, `vrrp_cpu_affinity`,
/// `vrrp_rlimit_rttime`, `max_auto_priority`, `vrrp_no_swap`. Each may be refused, in a container for
/// example; the election works without. Returns what has to be kept for it to last.
fn set_up(process: &Process, max_auto_priority: i8, logger: &mut Logger) -> CapabilitySet {
    if let Some(name) = &process.name {
        sys::process::set_name(name);
    }
    let priority = process.realtime_priority.or((max_auto_priority >= 0).then_some(PRIORITY));
    // For `max_auto_priority`, also that of a reload. Where this is refused the supervisor helps.
    let _ = sys::realtime::allow_priority(HIGHEST);
    let locked = lock_memory();
    if let (true, Err(errno)) = (process.no_swap, locked) {
        let text = format!(
            "vrrp_no_swap: the kernel refuses to lock memory ({errno}): this process may be swapped out"
        );
        logger.log(Level::Warning, &text);
    }
    let limited = process.realtime_limit != Process::default().realtime_limit;
    let steps = [
        ("real-time scheduling", priority.map(sys::realtime::round_robin)),
        ("the nice value", (process.nice != 0).then(|| sys::realtime::nice(process.nice))),
        (
            "the choice of processors",
            (!process.cpus.is_empty()).then(|| sys::realtime::run_on(&process.cpus)),
        ),
        ("the real-time limit", limited.then(|| sys::realtime::limit_realtime(process.realtime_limit))),
        ("locking of memory", (!process.no_swap).then_some(locked.map(drop))),
    ];
    for (what, outcome) in steps {
        if let Some(Err(errno)) = outcome {
            logger.log(Level::Info, &format!("The kernel refuses {what} ({errno}); going on without"));
        }
    }
    locked.unwrap_or(CapabilitySet::empty())
}

/// Lets the process have as many descriptors as the system allows: each virtual interface has a socket of
/// its own, and the usual 1024 are too few for some hundred.
fn allow_descriptors() {
    let Rlimit { maximum, .. } = rustix::process::getrlimit(Resource::Nofile);
    // Refused, the election works with fewer.
    let _ = rustix::process::setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
}

/// Has the channel closed by nothing but the end of this process, and then before all else: the kernel closes
/// the descriptors of a dead process from the highest to the lowest, and takes some hundredths of a second
/// for those of sockets for packets. The supervisor need not wait for that. If a kernel should do it in
/// another order, the supervisor hears of the death later, as it would of any process.
fn hold_until_death(channel: &OwnedFd) {
    let Rlimit { current, .. } = rustix::process::getrlimit(Resource::Nofile);
    let above_others =
        current.map_or(MOST_DESCRIPTORS, |limit| limit.min(MOST_DESCRIPTORS)).saturating_sub(1);
    let above_others = RawFd::try_from(above_others).unwrap_or_default();
    if let Ok(held) = rustix::io::fcntl_dupfd_cloexec(channel, above_others) {
        // Nobody closes it.
        let _ = held.into_raw_fd();
    }
}

/// Keeps the process from being swapped out, now and when it grows, and returns the capability that has to
/// be kept for that. Under a limit, memory and stack could grow no more once it is reached: so either there
/// is none, or the capability that goes beyond it stays, which allows no more than the former does.
fn lock_memory() -> Result<CapabilitySet, Errno> {
    let before = rustix::process::getrlimit(Resource::Memlock);
    if rustix::process::setrlimit(Resource::Memlock, Rlimit { current: None, maximum: None }).is_ok() {
        return sys::realtime::lock_memory().map(|()| CapabilitySet::empty());
    }
    // Only who may go beyond any limit locks something under this one. To have the capability is not
    // enough: it counts for nothing in a user namespace.
    rustix::process::setrlimit(Resource::Memlock, Rlimit { current: Some(0), ..before })?;
    let locked = sys::realtime::lock_memory();
    rustix::process::setrlimit(Resource::Memlock, before)?;
    locked.map(|()| CapabilitySet::IPC_LOCK)
}
