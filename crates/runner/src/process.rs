//! A child with a process group of its own.
//!
//! Executing a program waits for its file system. One that does not answer, NFS for example, must hold up
//! nothing but its own script, so each child is started on a thread of its own, and has nothing that
//! another start waits for ([`sys::child::spawn`]).

use crate::error::Error;
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd};
use rustix::process::{
    Pid, PidfdFlags, Signal, WaitId, WaitIdOptions, kill_process_group, pidfd_open, waitid,
};
use std::cell::{Cell, OnceCell};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, TryRecvError, channel};

/// A child that leads a process group, or one that is about to.
#[derive(Debug)]
pub(crate) struct Process {
    outcome: OnceCell<Result<Running, Error>>,
    coming: Receiver<Result<Running, Error>>,
    /// Readable once the start has an outcome.
    wake: OwnedFd,
    /// A signal that came before the child did.
    signal: Cell<Option<Signal>>,
}

/// Its number, which is the group's too, is not given to another process before it is reaped: until
/// then signals to the group reach nobody else.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    group: Pid,
    pidfd: OwnedFd,
}

impl Running {
    /// Starts a command, once; returns when its program is executed.
    pub(crate) fn start(command: &mut Command) -> io::Result<Self> {
        let mut child = sys::child::spawn(command.process_group(0))?;
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

    fn signal(&self, signal: Signal) {
        let _ = kill_process_group(self.group, signal);
    }
}

/// How a child ended.
#[derive(Debug)]
pub(crate) enum End {
    Exited(ExitStatus),
    /// It was never there.
    NotStarted(Error),
    /// It ended in a way that nobody can tell any more.
    Unknown(io::Error),
}

impl Process {
    /// Has a child started by `start`; returns at once.
    pub(crate) fn start(start: impl FnOnce() -> Result<Running, Error> + Send + 'static) -> io::Result<Self> {
        let wake = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        let theirs = wake.try_clone()?;
        let (sender, coming) = channel();
        std::thread::Builder::new().name("start".into()).spawn(move || {
            // Without a receiver this process is about to end.
            let _ = sender.send(start());
            let _ = rustix::io::write(&theirs, &1_u64.to_ne_bytes());
        })?;
        Ok(Self { outcome: OnceCell::new(), coming, wake, signal: Cell::new(None) })
    }

    /// What came of the start, once something has.
    fn outcome(&self) -> Option<&Result<Running, Error>> {
        if self.outcome.get().is_none() {
            let outcome = match self.coming.try_recv() {
                Ok(outcome) => outcome,
                Err(TryRecvError::Empty) => return None,
                Err(TryRecvError::Disconnected) => Err(Error::Lost),
            };
            if let (Ok(running), Some(signal)) = (&outcome, self.signal.take()) {
                running.signal(signal);
            }
            return Some(self.outcome.get_or_init(|| outcome));
        }
        self.outcome.get()
    }

    /// Readable once [`has_ended`](Self::has_ended) may have something new to say.
    pub(crate) fn poll_fd(&self) -> PollFd<'_> {
        match self.outcome() {
            Some(Ok(running)) => PollFd::new(&running.pidfd, PollFlags::IN),
            Some(Err(_)) | None => PollFd::new(&self.wake, PollFlags::IN),
        }
    }

    /// Whether the child has ended, or was not started; others of its group may live on.
    pub(crate) fn has_ended(&self) -> bool {
        match self.outcome() {
            None => false,
            Some(Err(_)) => true,
            Some(Ok(running)) => {
                let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
                // An error says that there is no such child any more.
                !matches!(waitid(WaitId::PidFd(running.pidfd.as_fd()), options), Ok(None))
            }
        }
    }

    /// Takes the status of a child that [has ended](Self::has_ended).
    pub(crate) fn reap(self) -> End {
        // Nothing is taken before its outcome was seen.
        match self.outcome.into_inner().unwrap_or(Err(Error::Lost)) {
            Ok(mut running) => running.child.wait().map_or_else(End::Unknown, End::Exited),
            Err(error) => End::NotStarted(error),
        }
    }

    /// Signals everybody in the group; nobody may be left there. A child that is about to start gets it
    /// then.
    pub(crate) fn signal(&self, signal: Signal) {
        match self.outcome() {
            Some(Ok(running)) => running.signal(signal),
            Some(Err(_)) => {}
            None => self.signal.set(Some(signal)),
        }
    }

    /// Its number, once it has one.
    pub(crate) fn id(&self) -> Option<u32> {
        self.outcome()?.as_ref().ok().map(|running| running.child.id())
    }
}
