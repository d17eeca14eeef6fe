//! VRRP advertisements on the wire.

use super::Train;
use crate::{Error, Host};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};
use std::io::Read;
use std::net::Ipv4Addr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Every frame as it comes in. A socket for IPv4 alone would not see what the bridge only passes on.
const ETH_P_ALL: u16 = 3;

/// A classic BPF program that passes packets whose protocol, the tenth byte of an IPv4
/// header, is VRRP.
fn only_vrrp() -> [SockFilter; 4] {
    const LOAD_BYTE: u16 = 0x30;
    const JUMP_IF_EQUAL: u16 = 0x15;
    const RETURN: u16 = 0x06;
    [
        SockFilter::new(LOAD_BYTE, 0, 0, 9),
        SockFilter::new(JUMP_IF_EQUAL, 0, 1, u32::from(vrrp::PROTOCOL)),
        SockFilter::new(RETURN, 0, 0, 0xffff),
        SockFilter::new(RETURN, 0, 0, 0),
    ]
}

/// An advertisement as it entered the switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Advert {
    /// When.
    pub at: Instant,
    /// Sender.
    pub source: Ipv4Addr,
    /// The group, or a peer.
    pub destination: Ipv4Addr,
    /// Virtual router.
    pub vrid: u8,
    /// Priority; 0 gives the addresses up.
    pub priority: u8,
}

/// Listens to every port of a switch.
#[derive(Debug)]
pub struct AdvertCapture {
    adverts: Arc<Mutex<Vec<Advert>>>,
    _train: Train,
}

impl AdvertCapture {
    /// Starts to listen.
    ///
    /// # Errors
    /// The kernel refuses the socket.
    pub fn start(switch: &Host) -> Result<Self, Error> {
        let protocol = Protocol::from(i32::from(ETH_P_ALL.to_be()));
        let socket = switch.inside(|| Socket::new(Domain::PACKET, Type::DGRAM, Some(protocol)))?;
        let mut socket = socket.map_err(Error::kernel("a packet socket"))?;
        socket.set_read_timeout(Some(Duration::from_millis(50))).map_err(Error::kernel("a packet socket"))?;
        socket.attach_filter(&only_vrrp()).map_err(Error::kernel("a packet socket"))?;
        let adverts = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&adverts);
        let train = Train::start(move |stop| {
            let mut buffer = [0; 2048];
            // A flooded frame is seen on the way in and again on every way out.
            let mut last = (Ipv4Addr::UNSPECIFIED, 0, 0);
            while !stop.load(Ordering::Relaxed) {
                let Ok(length) = socket.read(&mut buffer) else { continue };
                let Ok(packet) = wire::Ipv4Packet::parse(&buffer[..length]) else { continue };
                if packet.header.protocol != vrrp::PROTOCOL {
                    continue;
                }
                let (Some(&vrid), Some(&priority)) = (packet.payload.get(1), packet.payload.get(2)) else {
                    continue;
                };
                let (source, destination) = (packet.header.source, packet.header.destination);
                let identity = (source, vrid, packet.header.id);
                if identity != last {
                    last = identity;
                    let advert = Advert { at: Instant::now(), source, destination, vrid, priority };
                    seen.lock().unwrap_or_else(PoisonError::into_inner).push(advert);
                }
            }
        });
        Ok(Self { adverts, _train: train })
    }

    /// Everything seen so far.
    pub fn adverts(&self) -> Vec<Advert> {
        self.adverts.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The last one from an address before a moment.
    pub fn last_from(&self, source: Ipv4Addr, before: Instant) -> Option<Advert> {
        let adverts = self.adverts();
        adverts.into_iter().rev().find(|advert| advert.source == source && advert.at <= before)
    }
}
