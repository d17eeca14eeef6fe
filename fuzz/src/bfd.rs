//! BFD control packets as a session gets them. Each is a byte of the time before it, one of its length,
//! one of what is done to it, and its bytes.

use bfd::{Event, Packet, Session, Settings, State};
use std::num::NonZeroU32;
use std::time::Duration;

const OWN: u32 = 0x0102_0304;

/// See the module.
pub fn read(data: &[u8]) {
    let settings =
        Settings { passive: data.first().is_some_and(|byte| byte % 2 == 1), ..Settings::default() };
    let mut session = Session::new(settings, NonZeroU32::new(OWN).expect("not zero"));
    let (mut now, mut actions, mut rest) = (Duration::ZERO, Vec::new(), data);
    session.on(now, 0, Event::Enable, &mut actions);
    while let [pause, length, what, packet @ ..] = rest {
        let (bytes, after) = packet.split_at(packet.len().min(usize::from(*length)));
        rest = after;
        now += Duration::from_millis(u64::from(*pause) * 4);
        session.on(now, u32::from(*what), Event::Timer, &mut actions);
        let mut bytes = bytes.to_vec();
        if what % 2 == 1
            && let Some(yours) = bytes.get_mut(8..12)
        {
            yours.copy_from_slice(&OWN.to_be_bytes());
        }
        match Packet::parse(&bytes) {
            Ok(packet) if packet.yours == OWN || packet.yours == 0 => {
                session.on(now, u32::from(*what), Event::Packet(packet), &mut actions);
            }
            Ok(_) => {}
            Err(reject) => assert!(!reject.to_string().is_empty() && !reject.reason().is_empty()),
        }
        actions.clear();
        session.on(now, 0, Event::Timer, &mut actions);
        // Whoever is up notices silence, and no deadline is left in the past.
        let deadline = session.next_deadline();
        assert!(session.state() != State::Up || deadline.is_some());
        assert!(deadline.is_none_or(|at| at > now), "{deadline:?} at {now:?}");
        actions.clear();
    }
}
