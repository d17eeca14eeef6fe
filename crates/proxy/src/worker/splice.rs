//! Large bodies that need nothing done to them: from socket to socket through a pipe, so that
//! their bytes are never copied.

use super::{Read, Worker, read};
use crate::arena::Token;
use crate::exchange::upstream_response::ResponseBody;
use crate::timers::Timers;
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};
use std::os::fd::OwnedFd;

/// A shorter rest is copied: the pipe would cost more than it saves.
const LEAST: u64 = 64 << 10;
/// Bytes that a pipe holds at most.
const PIPE_SIZE: usize = 1 << 20;
/// Empty pipes kept for reuse in a thread.
const MOST_SPARE: usize = 16;
/// Turns of filling and emptying before other connections have theirs.
const MOST_TURNS: usize = 4;

/// A pipe and how much is in it.
#[derive(Debug)]
pub(super) struct Pipe {
    from: OwnedFd,
    into: OwnedFd,
    pub(super) held: usize,
}

impl Pipe {
    fn new() -> Result<Self, Errno> {
        let (from, into) = pipe_with(PipeFlags::NONBLOCK | PipeFlags::CLOEXEC)?;
        // A limit on the user's pipes leaves it smaller, which only costs time.
        let _ = fcntl_setpipe_size(&into, PIPE_SIZE);
        Ok(Self { from, into, held: 0 })
    }
}

/// What moving bytes came to.
enum Moved {
    Some,
    Blocked,
    End,
    Broken(Errno),
}

fn moved(result: Result<usize, Errno>, count: impl FnOnce(usize)) -> Moved {
    match result {
        Ok(0) => Moved::End,
        Ok(n) => {
            count(n);
            Moved::Some
        }
        Err(Errno::AGAIN | Errno::INTR) => Moved::Blocked,
        Err(errno) => Moved::Broken(errno),
    }
}

impl Worker {
    /// Whether the rest of a peer's answer goes through a pipe; takes one if it does.
    pub(super) fn splices(&mut self, token: Token) -> bool {
        let Some(peer) = self.peers.find(token) else { return false };
        if peer.pipe.is_some() {
            return true;
        }
        if !matches!(&peer.body, Some(ResponseBody::Length(rest)) if *rest >= LEAST) {
            return false;
        }
        let plain = peer
            .client
            .and_then(|c| self.clients.find(c))
            .is_some_and(|client| client.writer.as_ref().is_some_and(|w| w.is_identity() && w.has_body()));
        if !plain {
            return false;
        }
        peer.pipe = self.spare_pipes.pop().or_else(|| Pipe::new().ok());
        peer.pipe.is_some()
    }

    /// Moves bytes from a peer to its client until one of them must be waited for.
    pub(super) fn splice_body(&mut self, token: Token) {
        for _ in 0..MOST_TURNS {
            let Some(peer) = self.peers.find(token) else { return };
            let Some(client_token) = peer.client else { return };
            let Some(client) = self.clients.find(client_token) else { return };
            let (Some(pipe), Some(request)) = (&mut peer.pipe, &mut client.request) else { return };
            let Some(ResponseBody::Length(rest)) = &mut peer.body else { return };
            if !client.output.is_empty() {
                return;
            }
            let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
            if pipe.held == 0 && *rest > 0 {
                if !peer.readable {
                    return;
                }
                let most = usize::try_from(*rest).unwrap_or(usize::MAX).min(PIPE_SIZE);
                let result = splice(&peer.socket, None, &pipe.into, None, most, flags);
                let filled = moved(result, |n| {
                    pipe.held = n;
                    *rest -= n as u64;
                    if let Some(attempt) = request.attempts.last_mut() {
                        attempt.received += n as u64;
                        attempt.body += n as u64;
                    }
                });
                match filled {
                    Moved::Some => {
                        let at = self.clock.now() + request.settings().proxy.read_timeout;
                        self.timers.set(&mut peer.deadline, at, token, true);
                    }
                    Moved::Blocked => {
                        // The pipe was empty, so it is the socket that is.
                        peer.readable = false;
                        return;
                    }
                    Moved::End => return self.peer_ended(token, None),
                    Moved::Broken(errno) => return self.peer_ended(token, Some(errno)),
                }
            }
            while pipe.held > 0 {
                let result = splice(&pipe.from, None, &client.socket, None, pipe.held, flags);
                let emptied = moved(result, |n| {
                    pipe.held -= n;
                    request.answer.body_bytes += n as u64;
                });
                let at = self.clock.now() + request.settings().send_timeout;
                match emptied {
                    Moved::Some => {}
                    Moved::Blocked => return self.timers.set(&mut client.deadline, at, client_token, false),
                    Moved::End | Moved::Broken(_) => return self.abort_client(client_token),
                }
            }
            Timers::clear(&mut client.deadline);
            if *rest == 0 {
                return self.finish_splice(token, client_token);
            }
        }
        if let Some(client) = self.peers.find(token).and_then(|peer| peer.client) {
            self.later.push(client);
        }
    }

    fn finish_splice(&mut self, token: Token, client_token: Token) {
        let Some(peer) = self.peers.find(token) else { return };
        if let Some(pipe) = peer.pipe.take()
            && self.spare_pipes.len() < MOST_SPARE
        {
            self.spare_pipes.push(pipe);
        }
        // Bytes that were moved were not looked at: only now it shows whether more follow.
        peer.keep_alive &= matches!(read(&peer.socket, &mut self.scratch[..1]), Read::Nothing);
        peer.readable = false;
        self.finish_relay(token, client_token);
    }
}
