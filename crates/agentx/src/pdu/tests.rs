use super::*;
use proptest::prelude::*;

fn oid() -> impl Strategy<Value = Oid> {
    let free = prop::collection::vec(any::<u32>(), 0..20).prop_map(Oid::from);
    let internet =
        prop::collection::vec(0..300u32, 1..20).prop_map(|parts| Oid::new(&[1, 3, 6, 1]).below(&parts));
    prop_oneof![free, internet]
}

fn octets() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(any::<u8>(), 0..40)
}

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        any::<i32>().prop_map(Value::Integer),
        octets().prop_map(Value::Octets),
        Just(Value::Null),
        oid().prop_map(Value::ObjectId),
        any::<[u8; 4]>().prop_map(|bytes| Value::IpAddress(bytes.into())),
        any::<u32>().prop_map(Value::Counter32),
        any::<u32>().prop_map(Value::Gauge32),
        any::<u32>().prop_map(Value::TimeTicks),
        octets().prop_map(Value::Opaque),
        any::<u64>().prop_map(Value::Counter64),
        Just(Value::NoSuchObject),
        Just(Value::NoSuchInstance),
        Just(Value::EndOfMibView),
    ]
}

fn objects() -> impl Strategy<Value = Vec<VarBind>> {
    prop::collection::vec((oid(), value()).prop_map(|(name, value)| VarBind { name, value }), 0..6)
}

fn ranges() -> impl Strategy<Value = Vec<SearchRange>> {
    let range =
        (oid(), any::<bool>(), oid()).prop_map(|(start, include, end)| SearchRange { start, include, end });
    prop::collection::vec(range, 0..6)
}

fn region() -> impl Strategy<Value = Region> {
    (any::<[u8; 3]>(), oid(), any::<u32>()).prop_map(|([timeout, priority, range_part], subtree, bound)| {
        Region {
            timeout,
            priority,
            range_part,
            subtree,
            upper_bound: if range_part == 0 { 0 } else { bound },
        }
    })
}

fn pdu() -> impl Strategy<Value = Pdu> {
    prop_oneof![
        (any::<u8>(), oid(), octets()).prop_map(|(timeout, id, description)| Pdu::Open {
            timeout,
            id,
            description
        }),
        any::<u8>().prop_map(|reason| Pdu::Close { reason }),
        region().prop_map(Pdu::Register),
        region().prop_map(Pdu::Unregister),
        ranges().prop_map(Pdu::Get),
        ranges().prop_map(Pdu::GetNext),
        (any::<u16>(), any::<u16>(), ranges()).prop_map(|(non_repeaters, repetitions, ranges)| {
            Pdu::GetBulk { non_repeaters, repetitions, ranges }
        }),
        objects().prop_map(Pdu::TestSet),
        Just(Pdu::CommitSet),
        Just(Pdu::UndoSet),
        Just(Pdu::CleanupSet),
        objects().prop_map(Pdu::Notify),
        Just(Pdu::Ping),
        objects().prop_map(Pdu::IndexAllocate),
        objects().prop_map(Pdu::IndexDeallocate),
        (oid(), octets()).prop_map(|(id, description)| Pdu::AddAgentCaps { id, description }),
        oid().prop_map(|id| Pdu::RemoveAgentCaps { id }),
        (any::<u32>(), any::<u16>(), any::<u16>(), objects()).prop_map(|(uptime, error, index, objects)| {
            Pdu::Response { uptime, error: ErrorStatus(error), index, objects }
        }),
    ]
}

prop_compose! {
    fn message()(ids in any::<[u32; 3]>(), context in prop::option::of(octets()), pdu in pdu()) -> Message {
        let [session, transaction, packet] = ids;
        let bare = matches!(pdu, Pdu::Open { .. } | Pdu::Close { .. } | Pdu::CommitSet | Pdu::UndoSet
            | Pdu::CleanupSet | Pdu::Response { .. });
        let context = if bare { None } else { context };
        Message { header: Header { session, transaction, packet }, context, pdu }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read(message in message()) {
        let bytes = message.bytes();
        prop_assert_eq!(bytes.len() % 4, 0);
        let head = bytes.first_chunk::<HEADER>().expect("a header");
        prop_assert_eq!(Header::payload_length(head), Ok(bytes.len() - HEADER));
        prop_assert_eq!(Message::parse(&bytes), Ok(message));
    }

    /// Cut off, changed in places, or in the other byte order: it is read or rejected, and what is
    /// read can be written.
    #[test]
    fn no_bytes_do_harm(message in message(), changes in prop::collection::vec(any::<(u16, u8)>(), 0..8), end in any::<u16>()) {
        let mut bytes = message.bytes();
        for (place, byte) in changes {
            let place = usize::from(place) % bytes.len();
            bytes[place] = byte;
        }
        bytes.truncate(usize::from(end) % (2 * bytes.len()));
        if let Ok(read) = Message::parse(&bytes) {
            prop_assert_eq!(Message::parse(&read.bytes()).map(|m| m.header), Ok(read.header));
        }
    }

    #[test]
    fn random_bytes_do_no_harm(kind in 0..20u8, flags in any::<u8>(), rest in prop::collection::vec(any::<u8>(), 0..200)) {
        let mut bytes = [&[VERSION, kind, flags, 0], &rest[..]].concat();
        if let Some(length) = bytes.get_mut(16..20) {
            length.fill(0);
        }
        let _ = Message::parse(&bytes);
    }
}

/// The Get of RFC 2741 §6.2.5's kind, as a little-endian machine sends it.
#[test]
fn little_endian_is_understood() {
    let mut bytes = vec![1, 5, 0x08, 0];
    for word in [7u32, 8, 9, 28] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend([3, 0, 0, 0, b'c', b't', b'x', 0]);
    bytes.extend([1, 2, 1, 0, 0x2c, 1, 0, 0]);
    bytes.extend([0, 0, 0, 0]);
    bytes.extend([0, 0, 0, 0, 0, 0, 0, 0]);
    let ranges = vec![
        SearchRange { start: Oid::new(&[1, 3, 6, 1, 2, 300]), include: true, end: Oid::default() },
        SearchRange { start: Oid::default(), include: false, end: Oid::default() },
    ];
    let header = Header { session: 7, transaction: 8, packet: 9 };
    let expected = Message { header, context: Some(b"ctx".to_vec()), pdu: Pdu::Get(ranges) };
    assert_eq!(Message::parse(&bytes), Ok(expected));
}

/// Bytes counted out by hand from RFC 2741 §5.1 and §6.2.16.
#[test]
fn bytes_are_those_of_the_rfc() {
    let objects = vec![VarBind { name: Oid::new(&[1, 3, 6, 1, 4, 1, 9586]), value: Value::text("VI_1x") }];
    let pdu = Pdu::Response { uptime: 0, error: ErrorStatus::NO_ERROR, index: 0, objects };
    let message = Message { header: Header { session: 1, transaction: 2, packet: 3 }, context: None, pdu };
    let expected: &[&[u8]] = &[
        &[1, 18, 0x10, 0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0, 36],
        &[0, 0, 0, 0, 0, 0, 0, 0],
        &[0, 4, 0, 0, 2, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0x25, 0x72],
        &[0, 0, 0, 5, b'V', b'I', b'_', b'1', b'x', 0, 0, 0],
    ];
    assert_eq!(message.bytes(), expected.concat());
}

#[test]
fn what_cannot_be_is_rejected() {
    let ping = |change: &dyn Fn(&mut Vec<u8>)| {
        let header = Header::default();
        let mut bytes = Message { header, context: None, pdu: Pdu::Ping }.bytes();
        change(&mut bytes);
        Message::parse(&bytes)
    };
    assert_eq!(ping(&|b| b[0] = 2), Err(Reject::Version(2)));
    assert_eq!(ping(&|b| b[1] = 19), Err(Reject::Type(19)));
    assert_eq!(ping(&|b| b[19] = 3), Err(Reject::Length(3)));
    assert_eq!(ping(&|b| b.truncate(19)), Err(Reject::Payload));
    // A context of four thousand million bytes.
    assert_eq!(ping(&|b| (b[2] |= 8, b.extend([0xff; 4])).1), Err(Reject::Payload));
    // An identifier of 129 parts.
    let long = |count: u8, prefix: u8| {
        let mut bytes = vec![1, 17, 0x10, 0];
        bytes.extend([0; 16]);
        bytes.extend([count, prefix, 0, 0]);
        bytes.extend([0; 4 * 130]);
        Message::parse(&bytes).map(|_| ())
    };
    assert_eq!(long(128, 0), Ok(()));
    assert_eq!(long(129, 0), Err(Reject::Payload));
    assert_eq!(long(123, 2), Ok(()));
    assert_eq!(long(124, 2), Err(Reject::Payload));
}
