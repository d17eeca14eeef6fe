//! Precedence over other processes: real-time scheduling, niceness, memory that is never swapped out.

use rustix::io::Errno;
use rustix::mm::{MlockAllFlags, mlockall};

/// Puts the calling thread under the round-robin real-time scheduler; its children start under the
/// ordinary one. `priority` is 1 to 99. Needs CAP_SYS_NICE.
///
/// # Errors
/// `EPERM` without the capability, `EINVAL` for another priority.
pub fn round_robin(priority: u8) -> Result<(), Errno> {
    // SAFETY: every field of the structure is an integer, for which zero is a value.
    let mut parameters: libc::sched_param = unsafe { std::mem::zeroed() };
    parameters.sched_priority = i32::from(priority);
    let policy = libc::SCHED_RR | libc::SCHED_RESET_ON_FORK;
    // SAFETY: the structure is valid for the time of the call; 0 is the calling thread.
    let outcome = unsafe { libc::sched_setscheduler(0, policy, &raw const parameters) };
    outcome_of(outcome)
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
