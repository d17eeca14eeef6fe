//! ICMP echo (RFC 792) every millisecond.

use super::{Train, time_left};
use crate::{Error, Host};
use rustix::event::{PollFd, PollFlags, poll};
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io::Read;
use std::net::{Ipv4Addr, SocketAddrV4};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

const INTERVAL: Duration = Duration::from_millis(1);
const ECHO_REQUEST: u8 = 8;
const ECHO_REPLY: u8 = 0;

/// Asks an address for an echo every millisecond, and remembers when answers came.
#[derive(Debug)]
pub struct ProbeTrain {
    answers: Arc<Mutex<Vec<Instant>>>,
    _train: Train,
}

impl ProbeTrain {
    /// Starts from a host.
    ///
    /// # Errors
    /// The kernel refuses the socket.
    pub fn start(from: &Host, to: Ipv4Addr) -> Result<Self, Error> {
        static IDENTIFIER: AtomicU16 = AtomicU16::new(1);
        let socket = from.inside(|| Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::ICMPV4)))?;
        let mut socket = socket.map_err(Error::kernel("a socket for ICMP"))?;
        socket.set_nonblocking(true).map_err(Error::kernel("a socket for ICMP"))?;
        let answers = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&answers);
        let identifier = IDENTIFIER.fetch_add(1, Ordering::Relaxed);
        let to = SockAddr::from(SocketAddrV4::new(to, 0));
        let train = Train::start(move |stop| {
            let mut next = Instant::now();
            let mut sequence = 0_u16;
            let mut buffer = [0; 256];
            while !stop.load(Ordering::Relaxed) {
                if Instant::now() >= next {
                    // Failing to send is no answer, which is what is measured.
                    let _ = socket.send_to(&echo(identifier, sequence), &to);
                    sequence = sequence.wrapping_add(1);
                    next = (next + INTERVAL).max(Instant::now() - INTERVAL);
                }
                let _ = poll(&mut [PollFd::new(&socket, PollFlags::IN)], Some(&time_left(next)));
                while let Ok(length) = socket.read(&mut buffer) {
                    if is_answer(&buffer[..length], identifier) {
                        seen.lock().unwrap_or_else(PoisonError::into_inner).push(Instant::now());
                    }
                }
            }
        });
        Ok(Self { answers, _train: train })
    }

    /// The longest time without an answer between two moments.
    pub fn longest_gap(&self, from: Instant, to: Instant) -> Duration {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let mut last = from;
        let mut longest = Duration::ZERO;
        for answer in answers.iter().copied().filter(|answer| (from..=to).contains(answer)).chain([to]) {
            longest = longest.max(answer - last);
            last = answer;
        }
        longest
    }

    /// When the first answer after a moment came.
    pub fn first_answer_after(&self, moment: Instant) -> Option<Instant> {
        let answers = self.answers.lock().unwrap_or_else(PoisonError::into_inner);
        let index = answers.partition_point(|answer| *answer <= moment);
        answers.get(index).copied()
    }
}

fn echo(identifier: u16, sequence: u16) -> [u8; 16] {
    let mut packet = [0; 16];
    packet[0] = ECHO_REQUEST;
    packet[4..6].copy_from_slice(&identifier.to_be_bytes());
    packet[6..8].copy_from_slice(&sequence.to_be_bytes());
    let sum = wire::checksum(&packet);
    packet[2..4].copy_from_slice(&sum.to_be_bytes());
    packet
}

fn is_answer(packet: &[u8], identifier: u16) -> bool {
    wire::Ipv4Packet::parse(packet).is_ok_and(|packet| {
        packet.payload.first() == Some(&ECHO_REPLY)
            && packet.payload.get(4..6) == Some(&identifier.to_be_bytes()[..])
    })
}
