//! Damaged and random frames: none may cause a panic, and what is read must be what was written.

use std::net::{Ipv4Addr, Ipv6Addr};
use wire::{
    Arp, Ipv4Header, Ipv4Packet, Ipv6Header, Ipv6Packet, Mac, NeighbourAdvertisement, NeighbourProbe,
};

/// A xorshift generator: the same numbers in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }
}

fn good() -> Vec<Vec<u8>> {
    let mac = Mac([2, 0, 0, 0, 0, 1]);
    let (v4, v6) = (Ipv4Addr::new(192, 0, 2, 1), Ipv6Addr::LOCALHOST);
    let header = Ipv4Header { tos: 0xc0, id: 1, ttl: 255, protocol: 112, source: v4, destination: v4 };
    let header6 =
        Ipv6Header { traffic_class: 0xc0, next_header: 112, hop_limit: 255, source: v6, destination: v6 };
    vec![
        Arp::gratuitous(v4, mac).build().to_vec(),
        NeighbourAdvertisement::unsolicited(v6, mac, true).build(),
        NeighbourProbe { source_mac: mac, target: v6 }.build(),
        [&header.build(8)[..], &[0; 8]].concat(),
        [&header6.build(8)[..], &[0; 8]].concat(),
    ]
}

#[test]
fn no_bytes_cause_a_panic() {
    let good = good();
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let mut refused = 0;
    for round in 0..100_000 {
        let mut bytes = good[round % good.len()].clone();
        match random.below(4) {
            0 => bytes.truncate(random.below(bytes.len() + 1)),
            1 => bytes = (0..random.below(120)).map(|_| random.next() as u8).collect(),
            _ => {
                for _ in 0..=random.below(4) {
                    let at = random.below(bytes.len());
                    bytes[at] = random.next() as u8;
                }
            }
        }
        let advertisement = NeighbourAdvertisement::parse(&bytes);
        let outcomes = [
            Arp::parse(&bytes).is_err(),
            advertisement.is_err(),
            NeighbourProbe::parse(&bytes).is_err(),
            Ipv4Packet::parse(&bytes).is_err(),
            Ipv6Packet::parse(&bytes).is_err(),
        ];
        refused += usize::from(outcomes.iter().all(|refused| *refused));
        // A checksum stands over it: it is read only as it was meant.
        if let Ok(read) = advertisement
            && read.target_mac.is_some()
            && bytes.len() == NeighbourAdvertisement::LENGTH
        {
            assert_eq!(NeighbourAdvertisement::parse(&read.build()), Ok(read));
        }
    }
    assert!(refused > 10_000, "{refused}");
}
