//! The control process: no rights, no files, no programs.

use super::{CHANNEL, LogPlan, RoleError, SUPERVISORS, Setup, descriptor, give_up_root, heartbeat};
use ipc::Channel;
use logging::Level;
use rustix::thread::CapabilitySet;
use sys::signals;

pub(super) fn run() -> Result<(), RoleError> {
    let channel = Channel::new(descriptor(CHANNEL)?)?;
    let heartbeat = heartbeat()?;
    signals::ignore(&SUPERVISORS).map_err(|errno| RoleError::Kernel("signals", errno))?;
    let mut logger = LogPlan::inherited().logger("Keepalived_control");
    let Setup { user, .. } = Setup::inherited()?;
    let supervisor = rustix::process::geteuid().as_raw();
    give_up_root(user, CapabilitySet::empty())?;
    // An old kernel, or a container, may offer neither: the walls before still stand.
    for error in super::confine()? {
        logger.log(Level::Warning, &format!("the control process runs without {error}"));
    }
    control::run(channel, logger, supervisor, &mut || heartbeat.beat()).map_err(RoleError::Channel)
}
