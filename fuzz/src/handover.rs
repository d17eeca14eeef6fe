//! Hand-over messages. The first byte says whether there is a key, and whether the bytes are as they came
//! or the fields of a message of someone who has it.

use vrrp::Time;
use vrrp::handover::{Backups, Kind, Message};

/// See the module.
pub fn read(data: &[u8]) {
    let [how, bytes @ ..] = data else { return };
    let key = (how % 2 == 1).then_some(&b"a secret"[..]);
    let proper = (how & 2 != 0).then(|| of_fields(bytes)).flatten().map(|message| {
        let bytes = message.bytes(key);
        assert_eq!(Message::read(&bytes, key), Some(message));
        assert_eq!(Message::read(&bytes, Some(b"another")), None, "it takes the key");
        bytes
    });
    let bytes = proper.as_ref().map_or(bytes, |bytes| &bytes[..]);
    let peeked = Message::peek(bytes);
    let Some(message) = Message::read(bytes, key) else { return };
    assert_eq!(peeked.map(|(_, vrid)| vrid), Some(message.vrid));
    let mut backups = Backups::default();
    backups.heard(Time::default(), message.sender, message.priority, message.nonce);
    let best = backups.best(Time::default());
    assert_eq!(best.map(|best| best.address), (message.priority > 0).then_some(message.sender));
}

fn of_fields(bytes: &[u8]) -> Option<Message> {
    let [kind, family, vrid, priority, rest @ ..] = bytes else { return None };
    let kind = [Kind::Greeting, Kind::Answer, Kind::Successor][usize::from(kind % 3)];
    let (nonce, rest) = rest.split_first_chunk()?;
    let address: [u8; 16] = *rest.first_chunk()?;
    let [a, b, c, d, ..] = address;
    let sender = if family % 2 == 0 { [a, b, c, d].into() } else { address.into() };
    Some(Message { kind, sender, vrid: *vrid, priority: *priority, nonce: u64::from_be_bytes(*nonce) })
}
