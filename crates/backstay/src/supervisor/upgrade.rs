//! Replacing the running program by its new binary: the supervisor executes it in its own place, with
//! the same number, and hands over what must not be lost.
//!
//! The old vrrp process goes on advertising until the new one is ready to resume, so that the addresses
//! are served all the time. The old proxy takes no more connections and finishes those it has; the new
//! one has the same sockets.

use ha::message::Memory;
use nginx_conf::model::ListenAddress;
use rustix::io::FdFlags;
use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};
use serde::{Deserialize, Serialize};
use std::io::{self, Read};
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// [`Inheritance`] as JSON, for the supervisor that is executed.
const UPGRADE: &str = "BACKSTAY_UPGRADE";
/// How long a new binary may take to tell its version: this process looks after others.
const PATIENCE: Duration = Duration::from_secs(2);

/// A process of the program before.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Predecessor {
    pid: i32,
    /// Its channel: it must not be closed while the process is to go on.
    channel: RawFd,
    /// [`ha::message::VERSION`] of what it says there.
    #[serde(default)]
    version: u32,
}

/// What the program before hands over.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Inheritance {
    /// What the vrrp process reported last.
    pub(crate) memory: Memory,
    /// The vrrp process.
    pub(super) vrrp: Option<Predecessor>,
    /// The proxy.
    pub(super) proxy: Option<Predecessor>,
    /// Listening sockets.
    pub(super) sockets: Vec<(ListenAddress, RawFd)>,
    /// Whether an operator has stopped the proxy.
    pub(super) stopped: bool,
    /// Every process of the program before, which only this process can wait for.
    pub(super) children: Vec<u32>,
}

impl Inheritance {
    /// What was handed over to this process, if it was executed for an upgrade.
    pub(crate) fn take() -> Option<Self> {
        let text = std::env::var(UPGRADE).ok()?;
        Some(serde_json::from_str(&text).unwrap_or_default())
    }

    /// Whether this process was executed for an upgrade.
    pub(crate) fn is_there() -> bool {
        std::env::var_os(UPGRADE).is_some()
    }

    /// Whether the proxy is not to be started.
    pub(crate) fn proxy_is_stopped(&self) -> bool {
        self.stopped
    }

    /// The sockets, as what they are.
    pub(crate) fn take_sockets(&mut self) -> Vec<(ListenAddress, OwnedFd)> {
        let sockets = self.sockets.drain(..);
        sockets
            .filter_map(|(address, number)| Some((address, sys::process::inherited(number).ok()?)))
            .collect()
    }
}

impl Predecessor {
    pub(super) fn new(pid: u32, channel: BorrowedFd<'_>) -> Option<Self> {
        let version = ha::message::VERSION;
        Some(Self { pid: i32::try_from(pid).ok()?, channel: channel.as_raw_fd(), version })
    }

    pub(super) fn pid(&self) -> u32 {
        self.pid.unsigned_abs()
    }

    /// Whether what it says can be understood.
    pub(super) fn is_understood(&self) -> bool {
        self.version == ha::message::VERSION
    }

    /// Holds its channel open.
    pub(super) fn hold(&self) -> Option<OwnedFd> {
        sys::process::inherited(self.channel).ok()
    }

    /// Asks it to take no more connections and to finish those it has.
    pub(super) fn drain(&self) {
        if let Some(pid) = Pid::from_raw(self.pid) {
            let _ = kill_process(pid, Signal::QUIT);
        }
    }

    /// Kills it and waits until it is gone: what it did is resumed.
    pub(super) fn kill(&self) {
        // It is a child of this process, so its number is nobody else's.
        if let Some(pid) = Pid::from_raw(self.pid) {
            let _ = kill_process(pid, Signal::KILL);
            let _ = waitpid(Some(pid), WaitOptions::empty());
        }
    }
}

/// Reaps processes of the program before, which nobody else waits for.
pub(super) fn reap(pids: &mut Vec<u32>) {
    let gone = |pid: &u32| {
        let pid = i32::try_from(*pid).ok().and_then(Pid::from_raw);
        !matches!(waitpid(pid, WaitOptions::NOHANG), Ok(None)) || pid.is_none()
    };
    pids.retain(|pid| !gone(pid));
}

/// The binary that lies where ours lay.
///
/// # Errors
/// It does not lie there, or does not tell its version within two seconds.
pub(super) fn successor() -> Result<PathBuf, String> {
    let own =
        std::env::current_exe().map_err(|error| format!("where this program lies is unknown: {error}"))?;
    // The kernel marks the path of a file that was replaced.
    let text = own.to_string_lossy().into_owned();
    let path = PathBuf::from(text.strip_suffix(" (deleted)").unwrap_or(&text));
    let explain = |why: String| format!("{} is not executed: {why}; nothing was changed", path.display());
    let mut probe = Command::new(&path);
    probe.arg0("backstay").arg("--version").env_clear();
    let said = said_within(&mut probe, PATIENCE).map_err(|error| explain(error.to_string()))?;
    if !said.starts_with(b"backstay ") {
        return Err(explain("it does not tell its version".to_owned()));
    }
    Ok(path)
}

/// What a program says that ends well within a time; nothing when it does not. It is to be little.
fn said_within(program: &mut Command, patience: Duration) -> io::Result<Vec<u8>> {
    const PAUSE: Duration = Duration::from_millis(5);
    let mut child = program.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
    let began = Instant::now();
    let status = loop {
        match child.try_wait()? {
            Some(status) => break status,
            None if began.elapsed() < patience => std::thread::sleep(PAUSE),
            None => {
                child.kill()?;
                break child.wait()?;
            }
        }
    };
    let mut said = Vec::new();
    if let Some(mut stdout) = child.stdout.take().filter(|_| status.success()) {
        // What it has left running may hold the pipe open: no more than what is there is read.
        let mut buffer = [0; 256];
        let length = stdout.read(&mut buffer)?;
        said.extend_from_slice(&buffer[..length]);
    }
    Ok(said)
}

/// Executes it in place of this program. Returns only when that fails; then nothing has changed.
pub(super) fn execute(path: &Path, inheritance: &Inheritance) -> io::Error {
    let text = match serde_json::to_string(inheritance) {
        Ok(text) => text,
        Err(error) => return error.into(),
    };
    let mut numbers: Vec<RawFd> = inheritance.sockets.iter().map(|(_, number)| *number).collect();
    numbers.extend([&inheritance.vrrp, &inheritance.proxy].into_iter().flatten().map(|one| one.channel));
    if let Err(errno) = sys::process::pass_on(&numbers, FdFlags::empty()) {
        return errno.into();
    }
    let mut arguments = std::env::args_os();
    let mut command = Command::new(path);
    command.arg0(arguments.next().unwrap_or_default()).args(arguments);
    command.env(UPGRADE, text).env_remove(super::daemon::READINESS);
    let error = command.exec();
    let _ = sys::process::pass_on(&numbers, FdFlags::CLOEXEC);
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_hangs_or_fails_says_nothing() {
        let said = |script: &str, patience| {
            said_within(Command::new("sh").args(["-c", script]), patience).expect("it starts")
        };
        assert_eq!(said("echo backstay 1", PATIENCE), b"backstay 1\n");
        assert_eq!(said("echo backstay 1; exit 1", PATIENCE), b"");
        assert_eq!(said("echo backstay 1; exec sleep 60", Duration::from_millis(50)), b"");
    }
}
