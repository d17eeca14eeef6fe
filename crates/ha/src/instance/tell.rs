//! What an instance tells: notifications, mail, its status.

use super::{Cause, Instance};
use crate::message::{
    self, Faults, InstanceState, InstanceStatus, MasterSeen, Notification, NotifyCommand, Occasion, Subject,
};
use crate::network::Network;
use keepalived_conf::model::{Notify, NotifyScript, VirtualAddress};
use std::collections::HashSet;
use std::net::IpAddr;
use vrrp::Time;

impl Instance {
    /// What scripts are to be told.
    pub(crate) fn notification(&self, occasion: Occasion) -> Notification {
        let priority = self.router.priority();
        notification(Subject::Instance, &self.config.name, &self.config.notify, occasion, priority)
    }

    /// The mail for an occasion, unless that was mailed last.
    pub(crate) fn mail(&mut self, occasion: Occasion, router_id: Option<&str>) -> Option<message::Mail> {
        let (what, body) = match occasion {
            Occasion::State(InstanceState::Master) => {
                ("Entering MASTER state", "=> VRRP Instance is now owning VRRP VIPs <=")
            }
            Occasion::State(InstanceState::Backup) => {
                ("Entering BACKUP state", "=> VRRP Instance is no longer owning VRRP VIPs <=")
            }
            Occasion::State(InstanceState::Fault) => {
                ("Entering FAULT state", "=> VRRP Instance is no longer owning VRRP VIPs <=")
            }
            Occasion::State(InstanceState::Stop) => ("Stopping", "=> VRRP Instance stopping <="),
            Occasion::Deleted => ("Deleted", "=> VRRP Deleted at reload <="),
            Occasion::State(InstanceState::Init) | Occasion::LowerHeard | Occasion::Priority(_) => {
                return None;
            }
        };
        if !self.config.smtp_alert || self.mailed == Some(occasion) {
            return None;
        }
        self.mailed = Some(occasion);
        let name = &self.config.name;
        let subject = format!("[{}] VRRP Instance {name} - {what}", router_id.unwrap_or_default());
        Some(message::Mail { instance: name.clone(), subject, body: body.into() })
    }

    /// How it stands. `places` is where all addresses are, by the names of the links.
    pub(crate) fn status(
        &self,
        now: Time,
        network: &Network,
        places: &HashSet<(&str, IpAddr)>,
    ) -> InstanceStatus {
        let config = &self.config;
        let (routes, rules) = match self.is_master() {
            true => (network.routes_set(&config.routes), network.rules_set(&config.rules)),
            false => (Vec::new(), Vec::new()),
        };
        let is_there = |vip: &VirtualAddress| places.contains(&(self.interface_of(vip), vip.address));
        InstanceStatus {
            name: config.name.clone(),
            state: self.state(),
            since: now.since(self.router.since()),
            why: self.why.clone(),
            base_priority: config.priority,
            priority: self.router.priority(),
            effects: self.causes.iter().map(Cause::describe).collect(),
            addresses: self.addresses().map(|a| format!("{}/{}", a.address, a.prefix)).collect(),
            places: self.addresses().map(|address| self.interface_of(address).to_owned()).collect(),
            present: self.addresses().map(is_there).collect(),
            routes,
            rules,
            interface: config.interface.clone(),
            own_interface: self.own_interface().to_owned(),
            vrid: config.vrid,
            source: self.source,
            advert_int: config.advert_int,
            wanted: self.wanted().into(),
            age: self.made.map(|at| now.since(at)).unwrap_or_default(),
            master_reason: self.router.master_reason().map(Into::into),
            protocol_error: self.protocol_error,
            counters: self.router.counters().into(),
            faults: Faults::of(|reason| self.complaints_of(reason)),
            rejected: self.complaints.iter().map(|(&reason, c)| (reason.to_owned(), c.count)).collect(),
            master: self.router.master_heard().map(|(address, priority, at)| MasterSeen {
                address,
                priority,
                ago: now.since(at),
            }),
            successors: self.backups.fresh(now).collect(),
            conflict: self.conflict.as_ref().map(|conflict| message::Conflict {
                source: conflict.source,
                what: conflict.what.clone(),
                ago: now.since(conflict.at),
                count: conflict.count,
            }),
        }
    }
}

/// What the scripts of an instance or a group are to be told: first the one for the occasion, then
/// `notify`, with keepalived's arguments. That one hears of states alone; the rest is for FIFOs.
pub(crate) fn notification(
    subject: Subject,
    name: &str,
    notify: &Notify,
    occasion: Occasion,
    priority: u8,
) -> Notification {
    let own = match occasion {
        Occasion::State(InstanceState::Master) => &notify.master,
        Occasion::State(InstanceState::Backup) => &notify.backup,
        Occasion::State(InstanceState::Fault) => &notify.fault,
        Occasion::State(InstanceState::Stop) => &notify.stop,
        Occasion::Deleted => &notify.deleted,
        Occasion::LowerHeard => &notify.lower_priority,
        Occasion::State(InstanceState::Init) | Occasion::Priority(_) => &None,
    };
    let command = |script: &NotifyScript, arguments| NotifyCommand {
        command: script.command.clone(),
        user: script.user.clone(),
        arguments,
    };
    let any = match occasion {
        Occasion::State(_) | Occasion::Deleted => &notify.any,
        Occasion::LowerHeard | Occasion::Priority(_) => &None,
    };
    let arguments = [subject.word(), name, occasion.word(), &priority.to_string()].map(String::from);
    let commands = own.iter().map(|script| command(script, Vec::new()));
    let commands = commands.chain(any.iter().map(|script| command(script, arguments.to_vec())));
    Notification { subject, name: name.to_owned(), occasion, priority, commands: commands.collect() }
}
