//! Messages that leave together at the end of a turn.
//!
//! Sending takes a small message through the whole of the kernel's network, and to the other side of
//! it where that is on this machine: code that pushes everything else out of the processor's caches.
//! So a turn first reads and decides for all its connections, then sends for all of them. A message
//! waits no longer than its few companions take.

use super::Worker;
use super::attempt::Failure;
use crate::arena::Token;

/// Messages that a turn gathers before they leave.
const MOST: usize = 64;
/// A longer message is sent at once, from where it is.
pub(super) const LONGEST: usize = 4 << 10;
/// Buffers that are kept for later messages, and how large they may be.
const MOST_SPARE: usize = 2 * MOST;
const LARGEST_SPARE: usize = 16 << 10;

/// What waits for the end of the turn.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    /// Whose output is to be written: clients and peers.
    addressees: Vec<(Token, bool)>,
    spare: Vec<Vec<u8>>,
}

impl Outbox {
    pub(super) fn is_empty(&self) -> bool {
        self.addressees.is_empty()
    }

    /// Whether so much waits that it had better leave now.
    pub(super) fn is_full(&self) -> bool {
        self.addressees.len() >= MOST
    }

    fn keep(&mut self, mut buffer: Vec<u8>) {
        if self.spare.len() < MOST_SPARE && buffer.capacity() <= LARGEST_SPARE {
            buffer.clear();
            self.spare.push(buffer);
        }
    }
}

impl Worker {
    /// Takes the message in `self.out` to be sent to a client at the end of the turn.
    pub(super) fn post_to_client(&mut self, token: Token) {
        let Some(client) = self.clients.find(token) else { return };
        let buffer = self.outbox.spare.pop().unwrap_or_default();
        client.output.post(std::mem::replace(&mut self.out, buffer));
        self.outbox.addressees.push((token, false));
    }

    /// The same to a peer.
    pub(super) fn post_to_peer(&mut self, token: Token) {
        let Some(peer) = self.peers.find(token) else { return };
        let buffer = self.outbox.spare.pop().unwrap_or_default();
        peer.output.post(std::mem::replace(&mut self.out, buffer));
        self.outbox.addressees.push((token, true));
    }

    /// Sends what waits, and what comes of that.
    pub(super) fn deliver(&mut self) {
        while !self.outbox.addressees.is_empty() {
            let mut addressees = std::mem::take(&mut self.outbox.addressees);
            for (token, is_peer) in addressees.drain(..) {
                if is_peer {
                    self.deliver_to_peer(token);
                } else {
                    self.deliver_to_client(token);
                }
            }
            // A peer that was lost made the request go to another one.
            addressees.append(&mut self.outbox.addressees);
            self.outbox.addressees = addressees;
        }
    }

    fn deliver_to_client(&mut self, token: Token) {
        let Some(client) = self.clients.find(token) else { return };
        if client.output.is_empty() {
            return;
        }
        match client.output.deliver(&client.socket) {
            Ok(buffer) => buffer.into_iter().for_each(|buffer| self.outbox.keep(buffer)),
            Err(_) => return self.abort_client(token),
        }
        self.drive(token);
    }

    fn deliver_to_peer(&mut self, token: Token) {
        let Some(peer) = self.peers.find(token) else { return };
        match peer.output.deliver(&peer.socket) {
            Ok(buffer) => buffer.into_iter().for_each(|buffer| self.outbox.keep(buffer)),
            Err(_) => {
                let text = "send() failed while sending request to upstream";
                self.attempt_failed(token, Failure::Error, text);
            }
        }
    }
}
