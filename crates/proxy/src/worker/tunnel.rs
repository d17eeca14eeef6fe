//! Connections that switched protocols (RFC 9110 §7.8), WebSocket above all.
//!
//! What the upstream says goes to the client as a body that ends with the connection; this is the
//! other direction. Nothing of it is read before the upstream has agreed with 101, so that no
//! request can hide behind one that asks for an upgrade.

use super::{Read, Worker, means, read};
use crate::arena::Token;
use crate::log::describe;
use crate::request::Request;
use http1::{Known, Version};
use nginx_conf::model::LogLevel;
use rustix::io::Errno;

/// Whether the client asked to switch, and `proxy_set_header Upgrade` let the upstream know.
pub(super) fn was_asked_for(request: &Request) -> bool {
    let headers = &request.settings().proxy.set_headers;
    request.parsed.version == Version::Http11
        && request.known(Known::Upgrade).is_some()
        && request.body.complete()
        && headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("upgrade"))
}

impl Worker {
    /// Passes on what the client says, as fast as the upstream takes it.
    pub(super) fn pass_through(&mut self, token: Token) {
        loop {
            let Some(client) = self.clients.find(token) else { return };
            let (Some(request), Some(peer_token)) = (&mut client.request, client.peer) else { return };
            let Some(peer) = self.peers.find(peer_token) else { return };
            if !peer.output.is_empty() {
                return;
            }
            let kept = std::mem::take(&mut client.input);
            let data = if !kept.is_empty() {
                kept.as_slice()
            } else if client.readable {
                match read(&client.socket, &mut self.scratch) {
                    Read::Data(n) => {
                        client.readable = n == self.scratch.len() || client.hung_up;
                        &self.scratch[..n]
                    }
                    Read::Nothing => {
                        client.readable = false;
                        return;
                    }
                    Read::End | Read::Broken(_) => return self.abort_client(token),
                }
            } else {
                return;
            };
            request.bytes += data.len() as u64;
            if let Some(attempt) = request.attempts.last_mut() {
                attempt.sent += data.len() as u64;
            }
            let at = self.clock.now() + request.settings().proxy.read_timeout;
            self.timers.set(&mut peer.deadline, at, peer_token, true);
            if peer.output.send(&peer.socket, data, b"").is_err() {
                return self.abort_client(token);
            }
        }
    }

    pub(super) fn is_tunnel(&mut self, client: Token) -> bool {
        self.clients.find(client).and_then(|c| c.request.as_ref()).is_some_and(|request| request.tunnel)
    }

    /// Nothing was said in either direction for `proxy_read_timeout`.
    pub(super) fn tunnel_timeout(&mut self, client: Token) {
        if let Some(request) = self.clients.find(client).and_then(|c| c.request.as_ref()) {
            let why = describe(Errno::TIMEDOUT);
            let text = format!("upstream timed out ({why}) while proxying upgraded connection");
            means!(self).log(request, LogLevel::Error, &text);
        }
        self.abort_client(client);
    }
}
