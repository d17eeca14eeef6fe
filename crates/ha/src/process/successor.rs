//! Who comes next: greetings, answers, and naming a successor.

use super::{Process, now};
use crate::instance::Instance;
use rustix::rand::{GetRandomFlags, getrandom};
use std::net::IpAddr;
use std::time::Duration;
use vrrp::handover::{Kind, Message};
use vrrp::{Event, State, Time};

/// How often a master greets.
const GREETING: Duration = Duration::from_secs(3);
/// Messages taken from one socket in a turn.
const MESSAGES_A_TURN: usize = 100;

impl Process<'_> {
    /// Greets for every master whose time has come.
    pub(super) fn greet(&mut self) {
        let now = now();
        for index in 0..self.instances.len() {
            let instance = &mut self.instances[index];
            if instance.is_master() && instance.greet_at <= now {
                instance.greet_at = now + GREETING.max(instance.config.advert_int);
                for to in self.instances[index].destinations() {
                    self.say(index, Kind::Greeting, 0, to);
                }
            }
        }
    }

    /// When the next greeting is due.
    pub(super) fn next_greeting(&self) -> Option<Time> {
        if self.handovers.sockets.is_empty() {
            return None;
        }
        self.instances.iter().filter(|i| i.is_master()).map(|i| i.greet_at).min()
    }

    /// Takes in what others of our kind say.
    pub(super) fn hear_others(&mut self) {
        for at in 0..self.handovers.sockets.len() {
            for _ in 0..MESSAGES_A_TURN {
                let socket = &self.handovers.sockets[at];
                let Some((buffer, length)) = socket.receive() else { break };
                let bytes = if length == buffer.len() { &buffer[..] } else { continue };
                let Some((family, vrid)) = Message::peek(bytes) else { continue };
                // Of several sockets on an interface, one for each group, the kernel gives a message for
                // our address to any: the interface counts, the key, and in unicast who the sender is.
                let verified = |(index, i): (usize, &Instance)| {
                    let here = i.handover.interface == socket.purpose.interface;
                    let is_for = i.config.vrid == vrid && i.family() == family && here;
                    let message = Message::read(bytes, i.key().as_deref()).filter(|_| is_for)?;
                    i.hears(message.sender).then_some((index, message))
                };
                if let Some((index, message)) = self.instances.iter().enumerate().find_map(verified) {
                    self.hear_other(index, message);
                }
            }
        }
        if !self.pending.is_empty() {
            self.carry_out_all(now());
            self.settle_groups();
        }
    }

    fn hear_other(&mut self, index: usize, message: Message) {
        let now = now();
        let instance = &mut self.instances[index];
        let from_master = instance.router.master_heard().is_some_and(|(master, ..)| master == message.sender);
        match (message.kind, instance.router.state()) {
            (Kind::Greeting, State::Backup) if from_master => {
                let mut random = [0; 8];
                if getrandom(&mut random, GetRandomFlags::empty()).is_ok() {
                    instance.nonce = u64::from_be_bytes(random) | 1;
                    let nonce = instance.nonce;
                    self.say(index, Kind::Answer, nonce, message.sender);
                }
            }
            (Kind::Answer, State::Master) => {
                instance.backups.heard(now, message.sender, message.priority, message.nonce);
            }
            (Kind::Successor, State::Backup) if from_master && message.nonce == instance.nonce => {
                instance.nonce = 0;
                instance.router.on(now, Event::HandOver, &mut self.actions);
                self.put_off(index);
            }
            _ => {}
        }
    }

    /// Names the best backup after stepping down. Not where somebody else might be better: in unicast,
    /// every peer must have answered.
    pub(super) fn name_successor(&mut self, now: Time, index: usize) {
        let instance = &mut self.instances[index];
        let best = instance.backups.best(now);
        let all_known = match &instance.config.unicast {
            Some(unicast) => unicast.peers.iter().all(|peer| instance.backups.knows(now, peer.address)),
            None => true,
        };
        instance.backups.clear();
        if let Some(best) = best.filter(|_| all_known) {
            let name = &instance.config.name;
            let line = format!("({name}) handing over to {}", best.address);
            self.host.log(crate::Level::Detail, &line);
            self.say(index, Kind::Successor, best.nonce, best.address);
        }
    }

    fn say(&self, index: usize, kind: Kind, nonce: u64, to: IpAddr) {
        let instance = &self.instances[index];
        let (Some(sender), Some(socket)) = (instance.source, self.handovers.of(&instance.handover)) else {
            return;
        };
        let (vrid, priority) = (instance.config.vrid, instance.router.priority());
        let message = Message { kind, sender, vrid, priority, nonce };
        socket.send(&message.bytes(instance.key().as_deref()), to);
    }
}
