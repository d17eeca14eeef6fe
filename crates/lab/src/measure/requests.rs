//! An HTTP request every few milliseconds, each on a connection of its own.

use super::{Train, time_left};
use crate::{Error, Host};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use socket2::{Domain, SockAddr, Socket, Type};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const INTERVAL: Duration = Duration::from_millis(10);
/// When a request counts as lost.
const PATIENCE: Duration = Duration::from_secs(1);

/// Asks for `/` every 10 ms on a new connection, waiting for up to a second.
#[derive(Debug)]
pub struct RequestTrain {
    done: Arc<Mutex<Vec<Done>>>,
    paused: Arc<AtomicBool>,
    _train: Train,
}

/// How the requests of a span of time ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requests {
    /// How many were sent.
    pub sent: usize,
    /// How many had no answer within a second: refused, reset or silent.
    pub lost: usize,
    /// How many answers of each kind: the text of a page, or the status where it is not 200.
    pub answers: BTreeMap<String, usize>,
}

#[derive(Debug)]
struct Done {
    sent: Instant,
    /// `None` is lost.
    answer: Option<String>,
}

#[derive(Debug)]
struct Pending {
    socket: Socket,
    sent: Instant,
    asked: bool,
    received: Vec<u8>,
}

impl RequestTrain {
    /// Starts from a host; paused at first.
    ///
    /// # Errors
    /// The host's network is gone.
    pub fn start(from: &Host, to: Ipv4Addr) -> Result<Self, Error> {
        let network = File::open(format!("/proc/{}/ns/net", from.pid()));
        let network = network.map_err(Error::kernel("opening a network namespace"))?;
        let done = Arc::new(Mutex::new(Vec::new()));
        let paused = Arc::new(AtomicBool::new(true));
        let (finished, waits) = (Arc::clone(&done), Arc::clone(&paused));
        let train = Train::start(move |stop| {
            if move_into_link_name_space(network.as_fd(), Some(LinkNameSpaceType::Network)).is_err() {
                return;
            }
            let mut pending: Vec<Pending> = Vec::new();
            let mut next = Instant::now();
            while !stop.load(Ordering::Relaxed) {
                if Instant::now() >= next {
                    if !waits.load(Ordering::Relaxed) {
                        let sent = Instant::now();
                        match connect(to) {
                            Ok(socket) => {
                                pending.push(Pending { socket, sent, asked: false, received: Vec::new() });
                            }
                            Err(_) => finish(&finished, sent, None),
                        }
                    }
                    next = (next + INTERVAL).max(Instant::now());
                }
                wait(&pending, next);
                pending.retain_mut(|request| match request.step(to) {
                    Step::Waits => true,
                    Step::Ended(answer) => {
                        finish(&finished, request.sent, answer);
                        false
                    }
                });
            }
        });
        Ok(Self { done, paused, _train: train })
    }

    /// Sends from now on.
    pub fn resume(&self) {
        self.paused.store(false, Ordering::Relaxed);
    }

    /// Sends no more, and waits until every request has ended.
    pub fn pause(&self) {
        if !self.paused.swap(true, Ordering::Relaxed) {
            std::thread::sleep(PATIENCE + Duration::from_millis(50));
        }
    }

    /// How the requests sent between two moments ended. Those of the last second may not have.
    pub fn between(&self, from: Instant, to: Instant) -> Requests {
        let mut requests = Requests::default();
        for done in self.done.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            if !(from..=to).contains(&done.sent) {
                continue;
            }
            requests.sent += 1;
            match &done.answer {
                None => requests.lost += 1,
                Some(answer) => *requests.answers.entry(answer.clone()).or_default() += 1,
            }
        }
        requests
    }
}

fn finish(done: &Mutex<Vec<Done>>, sent: Instant, answer: Option<String>) {
    done.lock().unwrap_or_else(PoisonError::into_inner).push(Done { sent, answer });
}

fn connect(to: Ipv4Addr) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    // Closed connections leave no state behind that could run out of ports.
    socket.set_linger(Some(Duration::ZERO))?;
    match socket.connect(&SockAddr::from(SocketAddrV4::new(to, 80))) {
        Err(error) if error.raw_os_error() != Some(rustix::io::Errno::INPROGRESS.raw_os_error()) => {
            Err(error)
        }
        _ => Ok(socket),
    }
}

fn wait(pending: &[Pending], until: Instant) {
    let flags = |request: &Pending| if request.asked { PollFlags::IN } else { PollFlags::OUT };
    let mut sockets: Vec<PollFd<'_>> =
        pending.iter().map(|request| PollFd::new(&request.socket, flags(request))).collect();
    let _ = poll(&mut sockets, Some(&time_left(until)));
}

enum Step {
    Waits,
    Ended(Option<String>),
}

impl Pending {
    fn step(&mut self, to: Ipv4Addr) -> Step {
        if self.sent.elapsed() > PATIENCE {
            return Step::Ended(None);
        }
        if !self.asked {
            let head = format!("GET / HTTP/1.1\r\nHost: {to}\r\nConnection: close\r\n\r\n");
            match self.socket.write(head.as_bytes()) {
                Ok(_) => self.asked = true,
                Err(error) if not_yet(&error) => return Step::Waits,
                Err(_) => return Step::Ended(None),
            }
        }
        let mut buffer = [0; 2048];
        loop {
            match self.socket.read(&mut buffer) {
                Ok(0) => return Step::Ended(answer(&self.received)),
                Ok(length) => self.received.extend_from_slice(&buffer[..length]),
                Err(error) if not_yet(&error) => return Step::Waits,
                Err(_) => return Step::Ended(None),
            }
        }
    }
}

fn not_yet(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::NotConnected | ErrorKind::Interrupted)
}

/// The text of a page without its tags, or the status when it is not 200.
fn answer(received: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(received);
    let (head, body) = text.split_once("\r\n\r\n")?;
    let status = head.split(' ').nth(1)?;
    if status != "200" {
        return Some(status.into());
    }
    let line = body.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let line: String = line.split('<').map(|part| part.rsplit('>').next().unwrap_or_default()).collect();
    Some(line.trim().into())
}

#[cfg(test)]
mod tests {
    use super::answer;

    #[test]
    fn an_answer_is_known_by_its_text_or_status() {
        let page = b"HTTP/1.1 200 OK\r\nServer: x\r\n\r\n<h1> Web RS1 </h1>\n";
        assert_eq!(answer(page).as_deref(), Some("Web RS1"));
        assert_eq!(answer(b"HTTP/1.1 502 Bad Gateway\r\n\r\n<html>").as_deref(), Some("502"));
        assert_eq!(answer(b"HTTP/1.1 200 OK\r\n"), None);
    }
}
