//! `notify_fifo` and `vrrp_notify_fifo`: a line for every change of state, for whoever reads.
//!
//! A FIFO is opened for reading too, so that opening it does not wait for a reader, and lines are
//! written without waiting: what nobody reads is lost once the FIFO is full.

use keepalived_conf::model::{Fifo, Global, User};
use logging::{Level, Logger};
use rustix::fs::{CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::fs;
use std::os::fd::OwnedFd;
use std::path::Path;

/// keepalived's, with the umask that it sets itself.
const MODE: Mode = Mode::RUSR.union(Mode::WUSR);

#[derive(Debug)]
struct Open {
    config: Fifo,
    fifo: OwnedFd,
    /// Whether it is ours to remove.
    made: bool,
    /// Whether it was said that lines are lost.
    full: bool,
}

/// The FIFOs that are open.
#[derive(Debug, Default)]
pub(super) struct Fifos(Vec<Open>);

impl Fifos {
    /// Opens those of a configuration; those that were open stay so.
    pub(super) fn configure(&mut self, global: &Global, logger: &mut Logger) {
        let wanted: Vec<&Fifo> = global.fifos.all.iter().chain(&global.fifos.vrrp).collect();
        let gone = |open: &mut Open| !wanted.contains(&&open.config);
        self.0.extract_if(.., gone).for_each(Open::close);
        for config in wanted {
            if self.0.iter().any(|open| open.config == *config) {
                continue;
            }
            match Open::new(config, global.script_user.as_ref()) {
                Ok(open) => self.0.push(open),
                Err(error) => {
                    let path = config.path.display();
                    logger.log(Level::Error, &format!("Unable to open notify fifo {path}: {error}"));
                }
            }
        }
    }

    /// Writes a line to each.
    pub(super) fn write(&mut self, line: &str, logger: &mut Logger) {
        for open in &mut self.0 {
            let outcome = rustix::io::write(&open.fifo, line.as_bytes());
            let full = outcome.is_err();
            if full && !open.full {
                let path = open.config.path.display();
                logger.log(
                    Level::Warning,
                    &format!("notify fifo {path} is full: lines are lost until it is read"),
                );
            }
            open.full = full;
        }
    }

    /// Closes all of them and removes those that were made here.
    pub(super) fn close(&mut self) {
        self.0.drain(..).for_each(Open::close);
    }
}

impl Open {
    fn new(config: &Fifo, script_user: Option<&User>) -> Result<Self, Errno> {
        let path = &config.path;
        let made = match rustix::fs::mknodat(CWD, path, FileType::Fifo, MODE, 0) {
            Ok(()) => true,
            Err(Errno::EXIST) => false,
            Err(errno) => return Err(errno),
        };
        let opened = open(path).and_then(|fifo| {
            if made {
                give(&fifo, config.owner.as_ref().or(script_user))?;
            }
            Ok(fifo)
        });
        match opened {
            Ok(fifo) => Ok(Self { config: config.clone(), fifo, made, full: false }),
            Err(errno) => {
                if made {
                    let _ = fs::remove_file(path);
                }
                Err(errno)
            }
        }
    }

    /// Removed first: a script that opens it again and again shall not find it.
    fn close(self) {
        if self.made {
            let _ = fs::remove_file(&self.config.path);
        }
    }
}

fn open(path: &Path) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDWR | OFlags::NONBLOCK | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let fifo = rustix::fs::open(path, flags, Mode::empty())?;
    match FileType::from_raw_mode(rustix::fs::fstat(&fifo)?.st_mode) {
        FileType::Fifo => Ok(fifo),
        _ => Err(Errno::EXIST),
    }
}

/// Hands a new FIFO to the user who is to read it, if there is one and we may.
fn give(fifo: &OwnedFd, owner: Option<&User>) -> Result<(), Errno> {
    let find = |name: &str, group: Option<&str>| sys::privileges::User::find(name, group);
    let user = match owner {
        Some((name, group)) => find(name, group.as_deref()),
        None => find("keepalived_script", None),
    };
    match user.filter(|_| rustix::process::geteuid().is_root()) {
        Some(user) => rustix::fs::fchown(
            fifo,
            Some(rustix::fs::Uid::from_raw(user.uid)),
            Some(rustix::fs::Gid::from_raw(user.gid)),
        ),
        None => Ok(()),
    }
}
