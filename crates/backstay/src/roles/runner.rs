//! The runner process: the only place that runs operators' code.

use super::{CHANNEL, LogPlan, RoleError, SUPERVISORS, Setup, descriptor, heartbeat};
use ipc::Channel;
use rustix::thread::CapabilitySet;
use sys::signals;

pub(super) fn run() -> Result<(), RoleError> {
    let channel = Channel::new(descriptor(CHANNEL)?)?;
    let heartbeat = heartbeat()?;
    signals::ignore(&SUPERVISORS).map_err(|errno| RoleError::Kernel("signals", errno))?;
    Setup::inherited()?;
    let logger = LogPlan::inherited().logger("Keepalived_vrrp");
    if rustix::process::geteuid().is_root() {
        let keep = CapabilitySet::SETUID | CapabilitySet::SETGID | CapabilitySet::KILL;
        sys::privileges::keep_only(keep).map_err(|errno| RoleError::Kernel("dropping privileges", errno))?;
    }
    runner::run(channel, logger, &mut || heartbeat.beat()).map_err(RoleError::Channel)
}
