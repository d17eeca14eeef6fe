//! Deaths of the vrrp process and the runner, and those who take their places.

use super::{HaSide, since_boot};
use crate::roles::Role;
use crate::supervisor::child::{Child, Exit};
use logging::{Level, Logger};
use std::time::Duration;

/// A vrrp process that shows no sign of life for so long is killed and started again: well below
/// the three seconds after which peers of an interval of one second take over.
pub(super) const LONGEST_SILENCE: Duration = Duration::from_millis(1500);
/// The same for the runner, without which no check is made: a failure would move nothing.
const LONGEST_REST: Duration = Duration::from_secs(10);

impl HaSide {
    /// Kills what hangs, and takes note of what died.
    pub(super) fn notice_deaths(&mut self, logger: &mut Logger) {
        if self.vrrp.as_mut().is_some_and(|vrrp| vrrp.kill_if_hung(LONGEST_SILENCE)) {
            let text =
                format!("The vrrp process shows no sign of life for {LONGEST_SILENCE:?}: restarting it");
            logger.log(Level::Error, &text);
        }
        if self.runner.as_mut().is_some_and(|runner| runner.kill_if_hung(LONGEST_REST)) {
            let text = format!("The runner shows no sign of life for {LONGEST_REST:?}: restarting it");
            logger.log(Level::Error, &text);
        }
        self.notice_death_of_vrrp(logger);
        if let Some(exit) = self.runner.as_mut().and_then(Child::reap) {
            self.hear_runner();
            let age = self.runner.take().map_or(Duration::ZERO, |runner| runner.age());
            self.lost(Role::Runner, age, &exit.to_string(), logger);
        }
        self.dying.retain_mut(|dying| {
            let exit = dying.reap();
            if let Some(exit) = exit {
                logger.log(Level::Error, &format!("The vrrp process {} {exit}", dying.pid()));
            }
            exit.is_none()
        });
    }

    /// A vrrp process that is dead holds its channel no longer, but the kernel may take a tenth of a second
    /// to clear the rest of it away before it can be waited for; with advertisements 0.01 s apart a backup
    /// takes over meanwhile. So the next one is started at once, unless it needs ports that only one process
    /// can have, those of BFD.
    fn notice_death_of_vrrp(&mut self, logger: &mut Logger) {
        let Some(vrrp) = &mut self.vrrp else { return };
        let exit = vrrp.reap();
        if exit.is_some() {
            self.hear_vrrp(logger);
        }
        let waits = self.stopping.is_some() || !self.options.respawn || !self.config.bfd.is_empty();
        let Some(vrrp) = self.vrrp.take_if(|vrrp| exit.is_some() || (vrrp.is_broken() && !waits)) else {
            return;
        };
        if std::mem::take(&mut self.vrrp_ready) {
            self.silent_since = Some(since_boot().saturating_sub(vrrp.silence()));
        }
        let how = exit.map_or_else(|| "has ended".to_owned(), |exit| exit.to_string());
        self.lost(Role::Vrrp, vrrp.age(), &how, logger);
        if self.stopping.is_some() && exit != Some(Exit::Status(0)) {
            self.start_farewell(logger);
        }
        if exit.is_none() {
            self.let_die(vrrp);
        }
    }

    /// Kills a vrrp process, and leaves it to the kernel to clear it away.
    pub(super) fn let_die(&mut self, vrrp: Child<ha::message::In, ha::message::Out>) {
        vrrp.kill();
        self.dying.push(vrrp);
    }

    /// A process of this age died.
    fn lost(&mut self, role: Role, age: Duration, how: &str, logger: &mut Logger) {
        if self.stopping.is_some() {
            return;
        }
        if !self.options.respawn {
            logger.log(Level::Error, &format!("The {} process {how}: stopping, as -R asks", role.word()));
            self.given_up = true;
            return;
        }
        logger.log(Level::Error, &format!("The {} process {how}: restarting it", role.word()));
        let restart = if role == Role::Vrrp { &mut self.vrrp_restart } else { &mut self.runner_restart };
        restart.died(age);
    }

    /// Starts what is to be started again now.
    pub(super) fn start_again(&mut self, logger: &mut Logger) {
        if self.stopping.is_some() {
            return;
        }
        if self.vrrp_restart.is_due() {
            self.restarts += 1;
            if let Err(error) = self.start_vrrp(logger) {
                logger.log(Level::Error, &format!("Cannot start the vrrp process: {error}"));
                self.vrrp_restart.died(Duration::ZERO);
            }
        }
        if self.runner_restart.is_due() {
            self.restarts += 1;
            if let Err(error) = self.start_runner() {
                logger.log(Level::Error, &format!("Cannot start the runner process: {error}"));
                self.runner_restart.died(Duration::ZERO);
            }
        }
    }
}
