use super::*;

/// A packet as RFC 5880 §4.1 draws it: up, poll, multiplier 5, discriminators 1 and 2, 10 ms.
const GOOD: [u8; 24] =
    [0x20, 0xe0, 5, 24, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0x27, 0x10, 0, 0, 0x27, 0x10, 0, 0, 0, 0];

fn with(changes: &[(usize, u8)]) -> Vec<u8> {
    let mut bytes = GOOD.to_vec();
    for &(at, value) in changes {
        bytes[at] = value;
    }
    bytes
}

#[test]
fn a_packet_is_read_and_written() {
    let packet = Packet::parse(&GOOD).unwrap();
    let expected = Packet {
        diagnostic: Diagnostic::NONE,
        state: State::Up,
        poll: true,
        is_final: false,
        control_plane_independent: false,
        demand: false,
        multiplier: 5,
        mine: 1,
        yours: 2,
        min_tx: 10_000,
        min_rx: 10_000,
        min_echo_rx: 0,
    };
    assert_eq!(packet, expected);
    assert_eq!(packet.bytes(), GOOD);
}

#[test]
fn every_bit_that_may_be_set_survives() {
    for first in 0x20..0x40u8 {
        for flags in 0..=0xffu8 {
            let bytes = with(&[(0, first), (1, flags)]);
            if let Ok(packet) = Packet::parse(&bytes) {
                assert_eq!(packet.bytes()[..], bytes, "{first:02x} {flags:02x}");
            }
        }
    }
}

#[test]
fn what_follows_the_stated_length_is_ignored() {
    let longer = [&GOOD[..], &[0xff; 8]].concat();
    assert_eq!(Packet::parse(&longer), Packet::parse(&GOOD));
}

#[test]
fn each_bad_packet_has_its_reason() {
    for (bytes, reject, reason) in [
        (GOOD[..23].to_vec(), Reject::Short(23), "short"),
        (Vec::new(), Reject::Short(0), "short"),
        (with(&[(0, 0x00)]), Reject::Version(0), "version"),
        (with(&[(0, 0x40)]), Reject::Version(2), "version"),
        (with(&[(3, 23)]), Reject::Length { stated: 23, received: 24 }, "length"),
        (with(&[(3, 25)]), Reject::Length { stated: 25, received: 24 }, "length"),
        // With authentication it must be longer.
        (with(&[(1, 0xc4)]), Reject::Length { stated: 24, received: 24 }, "length"),
        (with(&[(2, 0)]), Reject::Multiplier, "multiplier"),
        (with(&[(1, 0xc1)]), Reject::Multipoint, "multipoint"),
        (with(&[(7, 0)]), Reject::MyDiscriminator, "my-discriminator"),
        (with(&[(11, 0)]), Reject::YourDiscriminator(State::Up), "your-discriminator"),
        (with(&[(11, 0), (1, 0x80)]), Reject::YourDiscriminator(State::Init), "your-discriminator"),
        ([&with(&[(1, 0xc4), (3, 28)])[..], &[1, 4, 0, 0]].concat(), Reject::Authentication, "auth"),
        (with(&[(1, 0xf0)]), Reject::PollAndFinal, "poll-and-final"),
    ] {
        assert_eq!(Packet::parse(&bytes), Err(reject), "{bytes:02x?}");
        assert_eq!(reject.reason(), reason);
        assert!(!reject.to_string().is_empty());
    }
}

#[test]
fn a_stranger_may_be_down_only() {
    for (flags, state) in [(0x40, State::Down), (0x00, State::AdminDown)] {
        let packet = Packet::parse(&with(&[(11, 0), (1, flags)])).unwrap();
        assert_eq!((packet.state, packet.yours), (state, 0));
    }
}

#[test]
fn diagnostics_in_keepalived_s_words() {
    assert_eq!(Diagnostic::NONE.to_string(), "No Diagnostic");
    assert_eq!(Diagnostic::EXPIRED.to_string(), "Control Detection Time Expired");
    assert_eq!(Diagnostic::NEIGHBOUR_DOWN.to_string(), "Neighbor Signaled Session Down");
    assert_eq!(Diagnostic(9).to_string(), "Unknown");
}
