//! IPv4 and IPv6 headers, ARP and neighbour discovery.

use wire::{Arp, Ipv4Packet, Ipv6Packet, NeighbourAdvertisement, NeighbourProbe};

/// What was read is what is written again, and lies within the bytes.
pub fn read(data: &[u8]) {
    if let Ok(packet) = Ipv4Packet::parse(data) {
        assert!(packet.payload.len() + 20 <= data.len());
        let again = [&packet.header.build(packet.payload.len())[..], packet.payload].concat();
        let again = Ipv4Packet::parse(&again).expect("our own header");
        assert_eq!((again.header, again.payload), (packet.header, packet.payload));
    }
    if let Ok(packet) = Ipv6Packet::parse(data) {
        assert!(packet.payload.len() + 40 <= data.len());
    }
    if let Ok(arp) = Arp::parse(data) {
        assert_eq!(Arp::parse(&arp.build()).as_ref(), Ok(&arp));
    }
    if let Ok(advertisement) = NeighbourAdvertisement::parse(data) {
        assert_eq!(NeighbourAdvertisement::parse(&advertisement.build()).as_ref(), Ok(&advertisement));
    }
    if let Ok(probe) = NeighbourProbe::parse(data) {
        assert_eq!(NeighbourProbe::parse(&probe.build()).as_ref(), Ok(&probe));
    }
}
