//! The vrrp process of the program before an upgrade: it goes on until ours is there, and what it says
//! meanwhile counts.

use super::{HaSide, since_boot};
use crate::supervisor::upgrade;
use ha::message::{In, Out};
use ipc::Channel;
use logging::{Level, Logger};

/// The process, and our end of what it talks into.
pub(super) struct Predecessor {
    process: upgrade::Predecessor,
    /// Never to be closed while the process is to go on, even if what it says is not understood.
    channel: Option<Channel<In, Out>>,
}

impl Predecessor {
    pub(super) fn new(process: upgrade::Predecessor) -> Self {
        let channel = process.hold().and_then(|end| Channel::new(end).ok());
        Self { process, channel }
    }

    pub(super) fn pid(&self) -> u32 {
        self.process.pid()
    }

    /// What it has said since it was last listened to.
    fn news(&mut self) -> Vec<Out> {
        let channel = self.channel.as_mut().filter(|_| self.process.is_understood());
        let next = |channel: &mut Channel<In, Out>| Some(channel.recv().ok()??.message);
        channel.map_or_else(Vec::new, |channel| std::iter::from_fn(|| next(channel)).collect())
    }
}

impl HaSide {
    /// Takes in what the process says that ours is to resume.
    pub(super) fn hear_predecessor(&mut self, logger: &mut Logger) {
        let news = self.predecessor.as_mut().map_or_else(Vec::new, Predecessor::news);
        for one in news {
            self.hear_news(one, logger);
        }
    }

    /// Ends the process, if it is still there. Says whether it changed a state after ours was told what
    /// to resume.
    pub(super) fn relieve(&mut self, logger: &mut Logger) -> bool {
        let Some(predecessor) = &self.predecessor else { return false };
        predecessor.process.kill();
        self.silent_since = Some(since_boot());
        let known = self.memory.instances.clone();
        self.hear_predecessor(logger);
        self.predecessor = None;
        self.memory.instances != known
    }

    /// Has another vrrp process resume what is known now, in place of one that was told what is no longer
    /// true.
    pub(super) fn start_vrrp_anew(&mut self, logger: &mut Logger) {
        logger
            .log(Level::Info, "A state changed in the middle of the upgrade: starting the vrrp process anew");
        self.vrrp_ready = false;
        if let Some(mistaken) = self.vrrp.take() {
            self.let_die(mistaken);
        }
        if let Err(error) = self.start_vrrp(logger) {
            logger.log(Level::Error, &format!("Cannot start the vrrp process: {error}"));
            self.vrrp_restart.died(std::time::Duration::ZERO);
        }
    }
}
