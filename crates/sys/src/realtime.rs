//! Precedence over other processes: real-time scheduling, niceness, memory that is never swapped out.

use rustix::io::Errno;
use rustix::mm::{MlockAllFlags, mlockall};

/// Puts the calling thread under the round-robin real-time scheduler, and what it starts. `priority` is 1 to
/// 99. Needs CAP_SYS_NICE.
///
/// # Errors
/// `EPERM` without the capability, `EINVAL` for another priority.
pub fn round_robin(priority: u8) -> Result<(), Errno> {
    // 0 is the calling thread.
    schedule(0, priority)
}

/// Does the same for the first thread of another process. Needs CAP_SYS_NICE.
///
/// # Errors
/// `EPERM` without the capability, `ESRCH` when there is no such process, `EINVAL` for another priority.
pub fn round_robin_of(pid: u32, priority: u8) -> Result<(), Errno> {
    schedule(libc::pid_t::try_from(pid).map_err(|_| Errno::SRCH)?, priority)
}

fn schedule(pid: libc::pid_t, priority: u8) -> Result<(), Errno> {
    // SAFETY: every field of the structure is an integer, for which zero is a value.
    let mut parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    parameters.sched_priority = i32::from(priority);
    // SAFETY: the structure is valid for the time of the call.
    let outcome = unsafe { libc::sched_setscheduler(pid, libc::SCHED_RR, &raw const parameters) };
    outcome_of(outcome)
}

/// The real-time priority of the calling thread, `None` when it has none.
///
/// # Errors
/// What the kernel says.
pub fn priority() -> Result<Option<u8>, Errno> {
    // SAFETY: every field of the structure is an integer, for which zero is a value.
    let mut parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    // SAFETY: the structure is valid for the time of the call; 0 is the calling thread.
    outcome_of(unsafe { libc::sched_getparam(0, &raw mut parameters) })?;
    // Those of the ordinary schedulers have 0.
    Ok(u8::try_from(parameters.sched_priority).ok().filter(|priority| *priority > 0))
}

/// Lets the process raise its real-time priority up to this one, 1 to 99, when it has given up
/// CAP_SYS_NICE. Needs CAP_SYS_RESOURCE.
///
/// # Errors
/// `EPERM` without the capability.
pub fn allow_priority(highest: u8) -> Result<(), Errno> {
    let highest = Some(u64::from(highest));
    let limit = rustix::process::Rlimit { current: highest, maximum: highest };
    rustix::process::setrlimit(rustix::process::Resource::Rtprio, limit)
}

/// Sets the niceness of the calling process, -20 to 19. Going down needs CAP_SYS_NICE.
///
/// # Errors
/// `EACCES` without the capability.
pub fn nice(niceness: i8) -> Result<(), Errno> {
    rustix::process::setpriority_process(None, i32::from(niceness))
}

/// Keeps all memory of the process, present and future, from being swapped out. Needs CAP_IPC_LOCK or
/// a sufficient RLIMIT_MEMLOCK.
///
/// # Errors
/// `EPERM` without the capability, `ENOMEM` beyond the limit.
pub fn lock_memory() -> Result<(), Errno> {
    mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE)
}

/// Lets the calling thread and its children run on these processors only.
///
/// # Errors
/// `EINVAL` when none of them is there.
pub fn run_on(cpus: &[u16]) -> Result<(), Errno> {
    let mut set = rustix::thread::CpuSet::new();
    for cpu in cpus.iter().map(|cpu| usize::from(*cpu)).filter(|cpu| *cpu < rustix::thread::CpuSet::MAX_CPU) {
        set.set(cpu);
    }
    rustix::thread::sched_setaffinity(None, &set)
}

/// Bounds how long the process may use a processor in real time without a call that waits; then it
/// gets SIGXCPU.
///
/// # Errors
/// What the kernel says.
pub fn limit_realtime(limit: std::time::Duration) -> Result<(), Errno> {
    let micros = u64::try_from(limit.as_micros()).ok();
    let limit = rustix::process::Rlimit { current: micros, maximum: micros };
    rustix::process::setrlimit(rustix::process::Resource::Rttime, limit)
}

fn outcome_of(outcome: i32) -> Result<(), Errno> {
    if outcome >= 0 {
        return Ok(());
    }
    let errno = std::io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO);
    Err(Errno::from_raw_os_error(errno))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn priorities_out_of_range_are_refused() {
        assert_eq!(round_robin(0), Err(Errno::INVAL));
        assert_eq!(round_robin(100), Err(Errno::INVAL));
    }

    #[test]
    fn round_robin_shows_in_the_process_table() {
        if !rustix::process::geteuid().is_root() {
            eprintln!("not run: needs root");
            return;
        }
        std::thread::spawn(|| {
            round_robin(1).unwrap();
            let stat = std::fs::read_to_string("/proc/thread-self/stat").unwrap();
            let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
            // Fields 40 and 41 of proc(5): priority 1, policy SCHED_RR.
            assert_eq!(fields[37..39], ["1", "2"]);
        })
        .join()
        .unwrap();
    }
}
