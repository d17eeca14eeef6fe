//! What instances track beside the state of links: scripts, files, processes, BFD sessions.

mod files;
mod linkbeat;
mod links;
mod processes;
pub(crate) mod scripts;
mod sessions;

pub(crate) use files::effect as file_effect;
pub use files::write_initial_files;

use crate::Host;
use crate::message::Memory;
use crate::network::{Buffer, Interfaces};
use files::Files;
use keepalived_conf::model::{Conditions, Config, Tracked, VrrpInstance};
use linkbeat::Linkbeat;
use links::Links;
use processes::Processes;
use scripts::Scripts;
pub(crate) use sessions::Change;
use sessions::Sessions;
use std::os::fd::BorrowedFd;
use std::time::Duration;
use vrrp::Time;

/// Everything that is tracked.
#[derive(Default)]
pub(crate) struct Tracking {
    pub(crate) scripts: Scripts,
    pub(crate) files: Files,
    pub(crate) processes: Processes,
    pub(crate) sessions: Sessions,
    pub(crate) links: Links,
    pub(crate) linkbeat: Linkbeat,
    /// Whether there was a configuration.
    begun: bool,
    /// `dynamic_interfaces`.
    pub(crate) dynamic_interfaces: bool,
}

impl Tracking {
    /// Takes another configuration. What stays keeps its verdict; `restored` has the verdicts of a
    /// predecessor.
    pub(crate) fn configure(
        &mut self,
        now: Time,
        config: &Config,
        restored: &Memory,
        interfaces: &mut Interfaces,
        host: &mut dyn Host,
    ) {
        // Neither a reload nor a successor writes files anew.
        let start = !std::mem::replace(&mut self.begun, true) && *restored == Memory::default();
        self.dynamic_interfaces = config.global.dynamic_interfaces;
        self.scripts.configure(&config.scripts, &restored.scripts);
        // What nobody tracks is not looked at.
        let tracked = names(config, |instance| &instance.track_files, |group| &group.files);
        let files = config.files.iter().filter(|file| tracked.contains(&file.name.as_str()));
        self.files.configure(now, files.cloned().collect(), start, host);
        let tracked = names(config, |instance| &instance.track_processes, |group| &group.processes);
        let processes = config.processes.iter().filter(|process| tracked.contains(&process.name.as_str()));
        self.processes.configure(now, processes.cloned().collect(), &restored.processes, host);
        let written = &config.global.processes;
        let word = "process_monitor_rcv_bufs";
        let force = written.process_monitor_buffer_force;
        self.processes.size(Buffer { word, bytes: written.process_monitor_buffer, force }, host);
        // Neighbours rely on sessions that nobody here tracks.
        self.sessions.configure(now, config.bfd.clone(), &restored.bfd, host);
        self.linkbeat.configure(now, config, interfaces, host);
        self.links.configure(config.interface_delays.clone(), &config.instances, interfaces, host);
    }

    /// Takes in how often the masters of instances advertise.
    pub(crate) fn learn<'a>(
        &mut self,
        intervals: impl Iterator<Item = (&'a VrrpInstance, Duration)>,
        host: &mut dyn Host,
    ) {
        for (instance, interval) in intervals {
            self.links.learn(instance, interval, host);
        }
    }

    /// What there is to be waited for.
    pub(crate) fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let others = self.files.descriptor().into_iter().chain(self.processes.descriptor());
        others.chain(self.sessions.descriptors())
    }

    pub(crate) fn next_deadline(&self) -> Option<Time> {
        [
            self.files.next_deadline(),
            self.processes.next_deadline(),
            self.sessions.next_deadline(),
            self.links.next_deadline(),
            self.linkbeat.next_deadline(),
        ]
        .into_iter()
        .flatten()
        .min()
    }

    /// Takes in what is new. Says whether anything counts as something else, and which sessions do.
    pub(crate) fn turn(
        &mut self,
        now: Time,
        interfaces: &mut Interfaces,
        host: &mut dyn Host,
    ) -> (bool, Vec<Change>) {
        let sessions = self.sessions.turn(now, host);
        let mut changed = !sessions.is_empty();
        changed |= self.files.turn(now, host);
        changed |= self.processes.turn(now, host);
        changed |= self.linkbeat.turn(now, interfaces, host);
        changed |= self.links.turn(now, interfaces, host);
        (changed, sessions)
    }
}

/// The names of what instances and sync groups track.
fn names(
    config: &Config,
    own: fn(&VrrpInstance) -> &Vec<Tracked>,
    shared: fn(&Conditions) -> &Vec<Tracked>,
) -> Vec<&str> {
    let groups = config.sync_groups.iter().flat_map(|group| shared(&group.track));
    config.instances.iter().flat_map(own).chain(groups).map(|tracked| tracked.name.as_str()).collect()
}
