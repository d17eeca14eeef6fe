//! The proxy process: the user of nginx.conf, no capabilities, no way to gain any.

use super::{CHANNEL, FILES, RoleError, USER, descriptor, heartbeat};
use ipc::Channel;
use proxy::message::FromProxy;
use rustix::process::{Resource, Rlimit};
use rustix::thread::CapabilitySet;
use std::os::fd::OwnedFd;
use sys::privileges::{User, become_user};
use sys::signals;

pub(super) fn run() -> Result<(), RoleError> {
    let mut channel = Channel::new(descriptor(CHANNEL)?)?;
    let heartbeat = heartbeat()?;
    // In the background nobody reads our stderr: the supervisor must hear it.
    let caught = prepare().inspect_err(|error| {
        let _ = channel.send(&FromProxy::Refused(0, error.to_string()));
    })?;
    proxy::run(channel, caught, &mut || heartbeat.beat());
    Ok(())
}

/// Catches signals, then gives up everything that is not needed.
fn prepare() -> Result<OwnedFd, RoleError> {
    let caught = signals::catch(&[signals::TERM, signals::INT, signals::QUIT, signals::HUP, signals::USR1])
        .map_err(|errno| RoleError::Kernel("signals", errno))?;
    signals::ignore(&[signals::USR2, signals::WINCH]).map_err(|errno| RoleError::Kernel("signals", errno))?;
    if let Some(files) = std::env::var(FILES).ok().and_then(|files| files.parse().ok()) {
        let limit = Rlimit { current: Some(files), maximum: Some(files) };
        rustix::process::setrlimit(Resource::Nofile, limit)
            .map_err(|errno| RoleError::Kernel("worker_rlimit_nofile", errno))?;
    }
    if rustix::process::geteuid().is_root() {
        let words = std::env::var(USER).map_err(|_| RoleError::NotStartedProperly(USER))?;
        let (name, group) = match words.split_once(':') {
            Some((name, group)) => (name, Some(group)),
            None => (words.as_str(), None),
        };
        let user = User::find(name, group).ok_or_else(|| RoleError::UnknownUser(words.clone()))?;
        become_user(&user, CapabilitySet::empty(), true)
            .map_err(|errno| RoleError::Kernel("dropping privileges", errno))?;
    }
    // An old kernel, or a container, may offer neither: the walls before still stand.
    for error in super::confine()? {
        eprintln!("backstay: the proxy runs without {error}");
    }
    Ok(caught)
}
