//! A child with a process group of its own.

use rustix::event::{PollFd, PollFlags};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_open, waitid,
};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};

/// A child that leads a process group.
///
/// Its number, which is the group's too, is not given to another process before [`reap`](Self::reap):
/// until then signals to the group reach nobody else.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    group: Pid,
    pidfd: OwnedFd,
}

impl Process {
    /// Starts a command; returns once its program is executed.
    pub(crate) fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = command.process_group(0).spawn()?;
        let group = Pid::from_child(&child);
        match pidfd_open(group, PidfdFlags::empty()) {
            Ok(pidfd) => Ok(Self { child, group, pidfd }),
            Err(errno) => {
                // Without a descriptor its end would go unnoticed.
                let _ = kill_process_group(group, Signal::KILL);
                let _ = child.wait();
                Err(errno.into())
            }
        }
    }

    /// Readable once the child has ended.
    pub(crate) fn poll_fd(&self) -> PollFd<'_> {
        PollFd::new(&self.pidfd, PollFlags::IN)
    }

    /// Whether the child has ended; others of its group may live on.
    pub(crate) fn has_ended(&self) -> bool {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
        // An error says that there is no such child any more.
        !matches!(waitid(WaitId::PidFd(self.pidfd.as_fd()), options), Ok(None))
    }

    /// Takes the status of a child that has ended.
    pub(crate) fn reap(mut self) -> io::Result<ExitStatus> {
        self.child.wait()
    }

    /// Signals everybody in the group; nobody may be left there.
    pub(crate) fn signal(&self, signal: Signal) {
        let _ = kill_process_group(self.group, signal);
    }

    /// Its number.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }
}
