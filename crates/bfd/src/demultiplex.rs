//! Which session a packet is for (RFC 5880 §6.3, RFC 5881 §3), and whether it came from near enough
//! (RFC 5881 §5, RFC 5082).

use crate::{Packet, Reject};
use std::net::IpAddr;

/// Between whom a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Path {
    /// `neighbor_ip`.
    pub neighbour: IpAddr,
    /// `source_ip`; `None` takes packets to any address of ours.
    pub source: Option<IpAddr>,
    /// `multihop`: the packets go to [`crate::MULTIHOP_PORT`].
    pub multihop: bool,
}

impl Path {
    fn is_of(&self, from: IpAddr, to: IpAddr, multihop: bool) -> bool {
        self.neighbour == from && self.source.is_none_or(|source| source == to) && self.multihop == multihop
    }
}

/// Finds the session of a packet among those given, each with its path and local discriminator.
///
/// A packet that names a discriminator is for the session that has it, whatever its addresses. Only
/// one that names none, as when a session begins, goes by the addresses and the port that it came
/// `from` and was sent `to`. `None` if there is no such session.
pub fn select<'a>(
    packet: &Packet,
    (from, to, multihop): (IpAddr, IpAddr, bool),
    sessions: impl IntoIterator<Item = (&'a Path, u32)>,
) -> Option<usize> {
    sessions.into_iter().position(|(path, discriminator)| match packet.yours {
        0 => path.is_of(from, to, multihop),
        yours => yours == discriminator,
    })
}

/// How far packets may come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hops {
    /// `ttl` or `hoplimit`: what our packets have, and what the neighbour's are expected to have.
    /// keepalived's default is 255 for IPv4 and 64 for IPv6; RFC 5881 §5 asks for 255 with both.
    pub ttl: u8,
    /// `max_hops`: routers that a packet may have passed. `None`, keepalived's −1, is any number.
    pub most: Option<u8>,
}

impl Hops {
    /// Checks the time to live or hop limit that a packet came with. What the kernel does not tell
    /// is refused, where keepalived lets it pass.
    ///
    /// # Errors
    /// [`Reject::Hops`].
    pub fn check(&self, received: Option<u8>) -> Result<(), Reject> {
        let Some(most) = self.most else { return Ok(()) };
        let least = self.ttl.saturating_sub(most);
        if received.is_some_and(|received| received >= least) {
            Ok(())
        } else {
            Err(Reject::Hops { received, least })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Diagnostic, State};

    #[test]
    fn one_hop_is_255_and_each_router_takes_one() {
        let hops = |ttl, most| Hops { ttl, most };
        assert_eq!(hops(255, Some(0)).check(Some(255)), Ok(()));
        let far = Reject::Hops { received: Some(254), least: 255 };
        assert_eq!(hops(255, Some(0)).check(Some(254)), Err(far));
        assert_eq!(hops(255, Some(2)).check(Some(253)), Ok(()));
        assert_eq!(hops(64, Some(0)).check(Some(255)), Ok(()), "from an RFC's neighbour over IPv6");
        assert_eq!(hops(255, None).check(None), Ok(()));
        assert_eq!(hops(255, Some(0)).check(None), Err(Reject::Hops { received: None, least: 255 }));
        assert_eq!(hops(64, Some(200)).check(Some(1)), Ok(()));
    }

    #[test]
    fn a_discriminator_decides_and_addresses_only_without_one() {
        let address = |last| IpAddr::from([10, 0, 0, last]);
        let path = |last, source, multihop| Path { neighbour: address(last), source, multihop };
        let paths = [
            path(1, Some(address(9)), false),
            path(2, None, false),
            path(1, Some(address(8)), false),
            path(1, None, true),
        ];
        let found = |yours, last, to, multihop| {
            let packet = Packet {
                diagnostic: Diagnostic::NONE,
                state: State::Down,
                poll: false,
                is_final: false,
                control_plane_independent: false,
                demand: false,
                multiplier: 3,
                mine: 77,
                yours,
                min_tx: 1_000_000,
                min_rx: 10_000,
                min_echo_rx: 0,
            };
            select(&packet, (address(last), address(to), multihop), paths.iter().zip(100..))
        };
        assert_eq!(found(0, 1, 9, false), Some(0));
        assert_eq!(found(0, 1, 8, false), Some(2));
        assert_eq!(found(0, 1, 7, false), None);
        assert_eq!(found(0, 2, 7, false), Some(1));
        assert_eq!(found(0, 1, 7, true), Some(3));
        assert_eq!(found(0, 2, 7, true), None);
        assert_eq!(found(102, 55, 7, true), Some(2));
        assert_eq!(found(104, 1, 9, false), None);
    }
}
