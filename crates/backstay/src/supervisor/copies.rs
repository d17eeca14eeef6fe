//! `config_save_dir`: a copy of every configuration that is read, and what the vrrp process makes of it
//! before and after each reload. For those who look for what went wrong; a copy that cannot be made is
//! a line in the log.

use super::dumps;
use ha::message::Dump;
use keepalived_conf::Loaded;
use logging::{Level, Logger};
use std::fs::{self, DirBuilder, Permissions};
use std::io::{Error, ErrorKind};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::PathBuf;

/// Where copies go, and how many configurations were read.
#[derive(Debug, Default)]
pub(super) struct Copies {
    directory: Option<PathBuf>,
    read: u32,
}

impl Copies {
    /// Keeps a configuration that was read as `keepalived.conf.PID.NUMBER`, all its files in one. The
    /// directory is the one that is written in it, or else before.
    pub(super) fn keep(&mut self, loaded: &Loaded, logger: &mut Logger) {
        if let Some(directory) = &loaded.config.global.config_save_directory {
            self.directory = Some(directory.clone());
        }
        let name = format!("keepalived.conf.{}.{}", std::process::id(), self.read);
        self.read += 1;
        self.write(&name, &loaded.sources.joined(), logger);
    }

    /// What the vrrp process is to tell before and after it reloads.
    pub(super) fn around_reload(&self) -> [Option<Dump>; 2] {
        let number = self.read.saturating_sub(1);
        [false, true].map(|over| self.directory.is_some().then_some(Dump::Reload { number, over }))
    }

    /// Keeps what the vrrp process told, as `keepalived_vrrp.PID.NUMBER.pre` or `.post`.
    pub(super) fn keep_state(&self, pid: u32, number: u32, over: bool, text: &str, logger: &mut Logger) {
        let when = if over { "post" } else { "pre" };
        self.write(&format!("keepalived_vrrp.{pid}.{number}.{when}"), text.as_bytes(), logger);
    }

    /// Passwords may stand in it: only its owner may read it.
    fn write(&self, name: &str, bytes: &[u8], logger: &mut Logger) {
        let Some(directory) = &self.directory else { return };
        let there = |error: Error| if error.kind() == ErrorKind::AlreadyExists { Ok(()) } else { Err(error) };
        // The umask may lack what a directory needs.
        let whole = || fs::set_permissions(directory, Permissions::from_mode(0o700));
        let made = DirBuilder::new().mode(0o700).create(directory).and_then(|()| whole()).or_else(there);
        if let Err(error) = made.and_then(|()| dumps::write(&directory.join(name), bytes)) {
            let text = format!("config_save_dir {}: no copy {name}: {error}", directory.display());
            logger.log(Level::Warning, &text);
        }
    }
}
