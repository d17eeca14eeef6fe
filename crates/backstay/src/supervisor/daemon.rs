//! Going into the background, pid files, and telling whoever waits that we are ready.

use crate::inspect;
use rustix::fs::Mode;
use std::fs::{self, Permissions};
use std::io::{Read, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

/// Number of the descriptor through which a process in the background says that it is ready.
pub(super) const READINESS: &str = "BACKSTAY_READINESS";

/// umask of nginx, and of both beside each other: others may read logs.
pub(crate) const SHARED: Mode = Mode::WGRP.union(Mode::WOTH);
/// umask of keepalived unless `-u` or `umask` says otherwise; scripts get it too.
pub(crate) const PRIVATE: Mode = Mode::XUSR.union(Mode::RWXG).union(Mode::RWXO);

/// Who waits for us to be ready.
#[derive(Debug, Default)]
pub(crate) struct Readiness {
    parent: Option<fs::File>,
}

impl Readiness {
    /// The parent that waits, if this process was started by [`into_background`]. To be called
    /// before files are made, which lack the bits of `umask` from then on.
    pub(crate) fn inherited(umask: Mode) -> Self {
        let number = std::env::var(READINESS).ok().and_then(|number| number.parse().ok());
        let parent = number.and_then(|number| sys::process::inherited(number).ok()).map(fs::File::from);
        if parent.is_some() {
            // The session of the terminal we were started from is not ours any more.
            let _ = rustix::process::setsid();
        }
        // Nor is the umask of whoever started us.
        let _ = rustix::process::umask(umask);
        Self { parent }
    }

    /// Everything is in force. Says whether whoever waits for that has heard it: one that was killed
    /// meanwhile meant the start itself.
    pub(crate) fn ready(&mut self) -> bool {
        let heard = self.tell("");
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
        heard
    }

    /// The start failed: whoever waits for it is to end with status 1.
    pub(crate) fn failed(&mut self, why: &str) {
        self.failed_with(1, why);
    }

    /// The start failed: whoever waits for it is to end with this status.
    pub(crate) fn failed_with(&mut self, status: u8, why: &str) {
        if self.parent.is_none() {
            eprintln!("{why}");
        }
        self.tell(&format!("{status} {why}"));
    }

    /// The stop begins.
    pub(crate) fn stopping(&self) {
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    }

    fn tell(&mut self, text: &str) -> bool {
        let text = if text.is_empty() { "ready" } else { text };
        self.parent.take().is_none_or(|mut parent| parent.write_all(text.as_bytes()).is_ok())
    }
}

/// Starts this program again in the background, unless that has happened, and waits until it is
/// ready. `Some` is the exit code for the process in the foreground.
pub(crate) fn into_background(name: &str) -> Option<ExitCode> {
    if std::env::var_os(READINESS).is_some() || super::upgrade::Inheritance::is_there() {
        return None;
    }
    Some(match start_background(name) {
        Ok(text) if text == "ready" => ExitCode::SUCCESS,
        Ok(text) => match text.split_once(' ').map(|(status, why)| (status.parse::<u8>(), why)) {
            Some((Ok(status), why)) => {
                eprintln!("{why}");
                ExitCode::from(status)
            }
            _ => {
                eprintln!("{name}: ended before it was ready");
                ExitCode::FAILURE
            }
        },
        Err(error) => {
            eprintln!("{name}: cannot go into the background: {error}");
            ExitCode::FAILURE
        }
    })
}

fn start_background(name: &str) -> std::io::Result<String> {
    let (read, write) = rustix::pipe::pipe_with(rustix::pipe::PipeFlags::CLOEXEC)?;
    rustix::io::fcntl_setfd(&write, rustix::io::FdFlags::empty())?;
    let mut command = Command::new("/proc/self/exe");
    command.arg0(name).args(std::env::args_os().skip(1));
    command.env(READINESS, write.as_fd().as_raw_fd().to_string());
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn()?;
    drop(write);
    let mut text = String::new();
    fs::File::from(read as OwnedFd).read_to_string(&mut text)?;
    Ok(text)
}

/// Makes a directory, and those above it, that all may look into whatever the umask; one that is there
/// stays as it is.
pub(crate) fn make_directory(path: &Path) -> std::io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    if let Some(above) = path.parent() {
        make_directory(above)?;
    }
    fs::create_dir(path)?;
    fs::set_permissions(path, Permissions::from_mode(0o755))
}

/// A file that holds the number of a process.
#[derive(Debug)]
pub(crate) struct PidFile {
    path: PathBuf,
    /// The number that we wrote.
    holds: Option<u32>,
}

impl PidFile {
    pub(crate) fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into(), holds: None }
    }

    /// The process named there, if it is alive and has this name: after a crash the number may
    /// belong to a stranger.
    pub(crate) fn alive_as(&self, name: &str) -> Option<u32> {
        let pid: u32 = fs::read_to_string(&self.path).ok()?.trim().parse().ok()?;
        let comm = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
        // `process_name` gives it another name, but none that our other faces have.
        let is_other_face = matches!(comm.trim_end(), "backstay" | "keepalived" | "nginx");
        let program = |pid: &str| fs::read_link(format!("/proc/{pid}/exe")).ok();
        let is_ours = || program(&pid.to_string()).is_some_and(|exe| program("self") == Some(exe));
        (comm.trim_end() == name || !is_other_face && is_ours()).then_some(pid)
    }

    /// Makes it hold this number; without one it is removed. Does nothing when it does already.
    pub(crate) fn hold(&mut self, pid: Option<u32>) -> Result<(), String> {
        if pid == self.holds {
            return Ok(());
        }
        self.holds = pid;
        let Some(pid) = pid else {
            // Someone else may have removed it.
            let _ = fs::remove_file(&self.path);
            return Ok(());
        };
        self.write(pid).map_err(|error| {
            format!("open() \"{}\" failed ({})", self.path.display(), inspect::errno_words(&error))
        })
    }

    /// Others may read it whatever the umask.
    fn write(&self, pid: u32) -> std::io::Result<()> {
        let mut file = fs::File::create(&self.path)?;
        if file.metadata()?.is_file() {
            file.set_permissions(Permissions::from_mode(0o644))?;
        }
        writeln!(file, "{pid}")
    }

    /// Puts it elsewhere, as a reload may want.
    pub(crate) fn move_to(&mut self, path: &Path) -> Result<(), String> {
        if self.path == path {
            return Ok(());
        }
        let mut moved = Self::new(path);
        moved.hold(self.holds)?;
        self.hold(None)?;
        *self = moved;
        Ok(())
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}
