//! PDUs to bytes, in network byte order.

use super::{HEADER, Message, NETWORK_BYTE_ORDER, NON_DEFAULT_CONTEXT, Pdu, Region, VERSION, VarBind};
use crate::{Oid, Value};

impl Message {
    /// The bytes of the PDU.
    pub fn bytes(&self) -> Vec<u8> {
        let flags = NETWORK_BYTE_ORDER | if self.context.is_some() { NON_DEFAULT_CONTEXT } else { 0 };
        let mut out = Writer(vec![VERSION, self.pdu.kind(), flags, 0]);
        let header = self.header;
        for word in [header.session, header.transaction, header.packet, 0] {
            out.u32(word);
        }
        if let Some(context) = &self.context {
            out.octets(context);
        }
        out.pdu(&self.pdu);
        let mut bytes = out.0;
        let length = (bytes.len() - HEADER) as u32;
        bytes[16..HEADER].copy_from_slice(&length.to_be_bytes());
        bytes
    }
}

impl Pdu {
    fn kind(&self) -> u8 {
        match self {
            Self::Open { .. } => 1,
            Self::Close { .. } => 2,
            Self::Register(_) => 3,
            Self::Unregister(_) => 4,
            Self::Get(_) => 5,
            Self::GetNext(_) => 6,
            Self::GetBulk { .. } => 7,
            Self::TestSet(_) => 8,
            Self::CommitSet => 9,
            Self::UndoSet => 10,
            Self::CleanupSet => 11,
            Self::Notify(_) => 12,
            Self::Ping => 13,
            Self::IndexAllocate(_) => 14,
            Self::IndexDeallocate(_) => 15,
            Self::AddAgentCaps { .. } => 16,
            Self::RemoveAgentCaps { .. } => 17,
            Self::Response { .. } => 18,
        }
    }
}

struct Writer(Vec<u8>);

impl Writer {
    fn u16(&mut self, value: u16) {
        self.0.extend(value.to_be_bytes());
    }

    fn u32(&mut self, value: u32) {
        self.0.extend(value.to_be_bytes());
    }

    fn oid(&mut self, oid: &Oid, include: bool) {
        let (prefix, parts) = match oid.parts() {
            [1, 3, 6, 1, prefix @ 1..=255, rest @ ..] => (*prefix as u8, rest),
            parts => (0, parts),
        };
        self.0.extend([parts.len() as u8, prefix, include.into(), 0]);
        parts.iter().for_each(|part| self.u32(*part));
    }

    fn octets(&mut self, octets: &[u8]) {
        self.u32(octets.len() as u32);
        self.0.extend(octets);
        self.0.resize(self.0.len().next_multiple_of(4), 0);
    }

    fn object(&mut self, VarBind { name, value }: &VarBind) {
        self.u16(match value {
            Value::Integer(_) => 2,
            Value::Octets(_) => 4,
            Value::Null => 5,
            Value::ObjectId(_) => 6,
            Value::IpAddress(_) => 64,
            Value::Counter32(_) => 65,
            Value::Gauge32(_) => 66,
            Value::TimeTicks(_) => 67,
            Value::Opaque(_) => 68,
            Value::Counter64(_) => 70,
            Value::NoSuchObject => 128,
            Value::NoSuchInstance => 129,
            Value::EndOfMibView => 130,
        });
        self.u16(0);
        self.oid(name, false);
        match value {
            Value::Integer(number) => self.u32(*number as u32),
            Value::Octets(octets) | Value::Opaque(octets) => self.octets(octets),
            Value::ObjectId(oid) => self.oid(oid, false),
            Value::IpAddress(address) => self.octets(&address.octets()),
            Value::Counter32(number) | Value::Gauge32(number) | Value::TimeTicks(number) => self.u32(*number),
            Value::Counter64(number) => self.0.extend(number.to_be_bytes()),
            Value::Null | Value::NoSuchObject | Value::NoSuchInstance | Value::EndOfMibView => {}
        }
    }

    fn region(&mut self, region: &Region) {
        self.0.extend([region.timeout, region.priority, region.range_part, 0]);
        self.oid(&region.subtree, false);
        if region.range_part != 0 {
            self.u32(region.upper_bound);
        }
    }

    fn pdu(&mut self, pdu: &Pdu) {
        match pdu {
            Pdu::Open { timeout, id, description } => {
                self.0.extend([*timeout, 0, 0, 0]);
                self.oid(id, false);
                self.octets(description);
            }
            Pdu::Close { reason } => self.0.extend([*reason, 0, 0, 0]),
            Pdu::Register(region) | Pdu::Unregister(region) => self.region(region),
            Pdu::GetBulk { non_repeaters, repetitions, .. } => {
                self.u16(*non_repeaters);
                self.u16(*repetitions);
            }
            Pdu::AddAgentCaps { id, description } => {
                self.oid(id, false);
                self.octets(description);
            }
            Pdu::RemoveAgentCaps { id } => self.oid(id, false),
            Pdu::Response { uptime, error, index, .. } => {
                self.u32(*uptime);
                self.u16(error.0);
                self.u16(*index);
            }
            _ => {}
        }
        if let Pdu::Get(ranges) | Pdu::GetNext(ranges) | Pdu::GetBulk { ranges, .. } = pdu {
            for range in ranges {
                self.oid(&range.start, range.include);
                self.oid(&range.end, false);
            }
        }
        if let Pdu::TestSet(objects)
        | Pdu::Notify(objects)
        | Pdu::IndexAllocate(objects)
        | Pdu::IndexDeallocate(objects)
        | Pdu::Response { objects, .. } = pdu
        {
            objects.iter().for_each(|object| self.object(object));
        }
    }
}
