//! Hand-over messages. The first byte says whether there is a key, and whether the bytes are a message
//! of someone who has it.

use vrrp::Time;
use vrrp::handover::{Backups, Message};

/// See the module.
pub fn read(data: &[u8]) {
    let [how, bytes @ ..] = data else { return };
    let key = (how % 2 == 1).then_some(&b"a secret"[..]);
    let peeked = Message::peek(bytes);
    let Some(message) = Message::read(bytes, key) else { return };
    assert_eq!(peeked.map(|(_, vrid)| vrid), Some(message.vrid));
    // What was understood is what was said.
    let again = message.bytes(key);
    assert_eq!(Message::read(&again, key).as_ref(), Some(&message));
    let mut backups = Backups::default();
    backups.heard(Time::default(), message.sender, message.priority, message.nonce);
    assert!(backups.best(Time::default()).is_none_or(|best| best.address == message.sender));
}
