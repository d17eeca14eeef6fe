//! A role process: starting it, noticing that it died or hangs, starting it again.

use crate::roles::{self, Role};
use ipc::Channel;
use rustix::io::{Errno, FdFlags};
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, WaitOptions};
use serde::{Serialize, de::DeserializeOwned};
use std::ffi::OsStr;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use sys::heartbeat::Heartbeat;

/// Deaths before that of a role that lived so long do not count.
pub(super) const HEALTHY: Duration = Duration::from_secs(10);
/// The longest pause before a role is started again.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
/// A process that lives so long may be started again at once as often as it dies.
const BRISK: Duration = Duration::from_secs(1);
/// So many deaths in a row are followed by a start at once.
const AT_ONCE: u32 = 5;

/// What roles need to know of the environment of this process.
const PASSED_ON: [&str; 3] = ["PATH", "TZ", "JOURNAL_STREAM"];

/// What a role is started with besides its channel and heartbeat.
pub(crate) type Environment = Vec<(&'static str, String)>;

/// A running process and our ends of what we share with it.
pub(crate) struct Child<Out, In> {
    pub(crate) channel: Channel<Out, In>,
    role: Role,
    pid: Pid,
    pidfd: OwnedFd,
    heartbeat: Heartbeat,
    /// When this process began to watch it, or went on to after a pause of its own.
    watched: Instant,
    looked: Instant,
    killed: bool,
    broken: bool,
    started: Instant,
}

/// How a process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    Status(i32),
    Signal(i32),
}

impl std::fmt::Display for Exit {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Status(status) => write!(f, "exited with status {status}"),
            Self::Signal(signal) => write!(f, "was killed by signal {signal}"),
        }
    }
}

impl<Out: Serialize, In: DeserializeOwned> Child<Out, In> {
    /// Starts a role.
    pub(crate) fn start(role: Role, environment: &Environment) -> std::io::Result<Self> {
        let (ours, theirs) = UnixStream::pair()?;
        let theirs = OwnedFd::from(theirs);
        let heartbeat = Heartbeat::new()?;
        let mut command = Command::new("/proc/self/exe");
        command.arg0(role.process_name()).env_clear().stdin(Stdio::null());
        let passed_on = |name: &OsStr| match role {
            // Operators' scripts have the environment of the program, as with keepalived.
            Role::Runner => !name.as_encoded_bytes().starts_with(b"BACKSTAY_"),
            Role::Vrrp | Role::Proxy | Role::Control => PASSED_ON.iter().any(|known| name == *known),
        };
        command.envs(std::env::vars_os().filter(|(name, _)| passed_on(name)));
        if role == Role::Vrrp {
            // All its memory is locked: a second thread is not to have 64 MiB set aside for it.
            command.env("MALLOC_ARENA_MAX", "1");
        }
        command.env(roles::ROLE, role.word());
        command.env(roles::CHANNEL, theirs.as_raw_fd().to_string());
        command.env(roles::HEARTBEAT, heartbeat.as_fd().as_raw_fd().to_string());
        command.envs(environment.iter().map(|(name, value)| (*name, value)));
        // Nobody else in this process starts programs, so only this child inherits them.
        let inherited = [theirs.as_fd(), heartbeat.as_fd()];
        inherit(&inherited, true)?;
        let spawned = command.spawn();
        inherit(&inherited, false)?;
        let pid = i32::try_from(spawned?.id()).ok().and_then(Pid::from_raw).ok_or(Errno::SRCH)?;
        let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::empty())?;
        let channel = Channel::new(ours.into()).map_err(std::io::Error::other)?;
        let now = Instant::now();
        Ok(Self {
            channel,
            role,
            pid,
            pidfd,
            heartbeat,
            watched: now,
            looked: now,
            killed: false,
            broken: false,
            started: now,
        })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid.as_raw_nonzero().get().unsigned_abs()
    }

    /// What to wait for: that it says something, and its end.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let channel = (!self.broken).then(|| self.channel.as_fd());
        channel.into_iter().chain([self.pidfd()])
    }

    pub(crate) fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    /// What it says next, if there is something.
    pub(crate) fn hear(&mut self) -> Option<In> {
        let received = self.channel.recv();
        self.broken = received.is_err();
        received.ok()?.map(|received| received.message)
    }

    /// Whether it was heard to its end: it has closed its channel, or sends what makes no sense.
    pub(crate) fn is_broken(&self) -> bool {
        self.broken
    }

    /// How it ended, once it has.
    pub(crate) fn reap(&mut self) -> Option<Exit> {
        let status = rustix::process::waitpid(Some(self.pid), WaitOptions::NOHANG).ok()??.1;
        let signal = status.terminating_signal().map(Exit::Signal);
        signal.or_else(|| status.exit_status().map(Exit::Status))
    }

    /// Whether it has ended, reaped or not.
    pub(crate) fn has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        !matches!(rustix::process::waitid(WaitId::Pid(self.pid), options), Ok(None))
    }

    /// Kills it when it has not shown a sign of life for so long. Says whether it did.
    ///
    /// To be called several times in that while: when it was not, this process was paused, perhaps
    /// the other as well, and nobody can be blamed.
    pub(crate) fn kill_if_hung(&mut self, limit: Duration) -> bool {
        let now = Instant::now();
        if now - self.looked > limit * 2 / 3 {
            self.watched = now;
        }
        self.looked = now;
        // Before the first beat it is starting, which may take longer on a busy machine.
        let limit = if self.heartbeat.age().is_none() { limit * 5 } else { limit };
        let hung = !self.killed && self.silence().min(self.watched.elapsed()) > limit;
        if hung {
            self.kill();
            self.killed = true;
        }
        hung
    }

    /// How long it has shown no sign of life, or has not since its start.
    pub(crate) fn silence(&self) -> Duration {
        self.heartbeat.age().unwrap_or_else(|| self.age())
    }

    /// Kills it.
    pub(crate) fn kill(&self) {
        // It may be dead already, which is what is wanted.
        let _ = rustix::process::pidfd_send_signal(&self.pidfd, Signal::KILL);
    }

    pub(crate) fn role(&self) -> Role {
        self.role
    }

    pub(crate) fn age(&self) -> Duration {
        self.started.elapsed()
    }
}

fn inherit(descriptors: &[BorrowedFd<'_>], on: bool) -> rustix::io::Result<()> {
    let flags = if on { FdFlags::empty() } else { FdFlags::CLOEXEC };
    descriptors.iter().try_for_each(|fd| rustix::io::fcntl_setfd(fd, flags))
}

/// When a role that died is started again: at once, but for one that dies right at its start over and
/// over, which is started later and later.
#[derive(Debug, Default)]
pub(crate) struct Restart {
    failures: u32,
    at: Option<Instant>,
}

impl Restart {
    /// A process of this age died. A pause costs the virtual addresses: it is made only where starts
    /// would keep a processor busy.
    pub(crate) fn died(&mut self, age: Duration) {
        self.failures = if age >= HEALTHY { 0 } else { self.failures + 1 };
        let pause = match self.failures {
            _ if age >= BRISK => Duration::ZERO,
            0..=AT_ONCE => Duration::ZERO,
            n => Duration::from_secs(1 << (n - AT_ONCE - 1).min(6)).min(LONGEST_PAUSE),
        };
        self.at = Some(Instant::now() + pause);
    }

    /// Whether it is time; then it is not time again until the next death.
    pub(crate) fn is_due(&mut self) -> bool {
        let due = self.at.is_some_and(|at| at <= Instant::now());
        if due {
            self.at = None;
        }
        due
    }

    /// When it will be time.
    pub(crate) fn at(&self) -> Option<Instant> {
        self.at
    }

    /// It is not to be started again.
    pub(crate) fn cancel(&mut self) {
        self.at = None;
        self.failures = 0;
    }

    /// Deaths in a row.
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn restarts_back_off_and_recover() {
        let mut restart = Restart::default();
        assert!(!restart.is_due());
        restart.died(Duration::ZERO);
        assert!(restart.is_due() && !restart.is_due());
        for _ in 1..AT_ONCE {
            restart.died(Duration::ZERO);
            assert!(restart.is_due(), "some in a row may be chance");
        }
        restart.died(Duration::ZERO);
        assert!(!restart.is_due() && restart.failures() == AT_ONCE + 1);
        restart.died(BRISK);
        assert!(restart.is_due() && restart.failures() == AT_ONCE + 2, "it does not die at its start");
        restart.died(Duration::from_secs(3600));
        assert!(restart.is_due(), "a process that had lived is started again at once");
        for _ in 0..50 {
            restart.died(Duration::ZERO);
        }
        assert!(restart.at().is_some_and(|at| at <= Instant::now() + LONGEST_PAUSE));
    }
}
