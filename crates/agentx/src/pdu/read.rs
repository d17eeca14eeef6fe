//! Bytes to PDUs, in either byte order.

use super::{
    ErrorStatus, HEADER, Header, Message, NETWORK_BYTE_ORDER, NON_DEFAULT_CONTEXT, Pdu, Region, Reject,
    SearchRange, VERSION, VarBind,
};
use crate::{Oid, Value};
use std::net::Ipv4Addr;

impl Header {
    /// How many bytes follow a header.
    ///
    /// # Errors
    /// [`Reject::Version`] and [`Reject::Length`].
    pub(crate) fn payload_length(head: &[u8; HEADER]) -> Result<usize, Reject> {
        if head[0] != VERSION {
            return Err(Reject::Version(head[0]));
        }
        let length = Reader::new(&head[16..], head[2]).u32()? as usize;
        if length.is_multiple_of(4) { Ok(length) } else { Err(Reject::Length(length)) }
    }

    /// The header of a PDU, whatever its payload.
    ///
    /// # Errors
    /// [`Reject::Version`], [`Reject::Length`] and [`Reject::Payload`].
    fn parse(bytes: &[u8]) -> Result<Self, Reject> {
        let head = bytes.first_chunk::<HEADER>().ok_or(Reject::Payload)?;
        Self::payload_length(head)?;
        let mut reader = Reader::new(&head[4..], head[2]);
        Ok(Self { session: reader.u32()?, transaction: reader.u32()?, packet: reader.u32()? })
    }

    /// The header of a request, whatever its payload; `None` for what is not to be answered.
    pub(crate) fn of_request(bytes: &[u8]) -> Option<Self> {
        let header = Self::parse(bytes).ok()?;
        matches!(bytes[1], 3..=10 | 12..=17).then_some(header)
    }
}

impl Message {
    /// Reads one whole PDU.
    ///
    /// # Errors
    /// The bytes are none.
    pub fn parse(bytes: &[u8]) -> Result<Self, Reject> {
        let header = Header::parse(bytes)?;
        let (kind, flags) = (bytes[1], bytes[2]);
        let mut reader = Reader::new(&bytes[HEADER..], flags);
        let has_context = !matches!(kind, 1 | 2 | 9 | 10 | 11 | 18) && flags & NON_DEFAULT_CONTEXT != 0;
        let context = has_context.then(|| reader.octets()).transpose()?;
        let pdu = reader.pdu(kind)?;
        Ok(Self { header, context, pdu })
    }
}

struct Reader<'a> {
    rest: &'a [u8],
    big_endian: bool,
}

impl<'a> Reader<'a> {
    fn new(rest: &'a [u8], flags: u8) -> Self {
        Self { rest, big_endian: flags & NETWORK_BYTE_ORDER != 0 }
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], Reject> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>().ok_or(Reject::Payload)?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn u8(&mut self) -> Result<u8, Reject> {
        Ok(self.take::<1>()?[0])
    }

    fn u16(&mut self) -> Result<u16, Reject> {
        let bytes = self.take()?;
        Ok(if self.big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) })
    }

    fn u32(&mut self) -> Result<u32, Reject> {
        let bytes = self.take()?;
        Ok(if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    fn u64(&mut self) -> Result<u64, Reject> {
        let bytes = self.take()?;
        Ok(if self.big_endian { u64::from_be_bytes(bytes) } else { u64::from_le_bytes(bytes) })
    }

    /// RFC 2741 §5.1, and the byte `include`.
    fn oid(&mut self) -> Result<(Oid, bool), Reject> {
        let [count, prefix, include, _] = self.take()?;
        let mut parts = Vec::new();
        if prefix != 0 {
            parts.extend([1, 3, 6, 1, u32::from(prefix)]);
        }
        if parts.len() + usize::from(count) > Oid::LONGEST {
            return Err(Reject::Payload);
        }
        for _ in 0..count {
            parts.push(self.u32()?);
        }
        Ok((parts.into(), include != 0))
    }

    /// RFC 2741 §5.3.
    fn octets(&mut self) -> Result<Vec<u8>, Reject> {
        let length = self.u32()? as usize;
        let padded = length.checked_next_multiple_of(4).ok_or(Reject::Payload)?;
        let (bytes, rest) = self.rest.split_at_checked(padded).ok_or(Reject::Payload)?;
        self.rest = rest;
        Ok(bytes[..length].to_vec())
    }

    fn value(&mut self, kind: u16) -> Result<Value, Reject> {
        Ok(match kind {
            2 => Value::Integer(self.u32()? as i32),
            4 => Value::Octets(self.octets()?),
            5 => Value::Null,
            6 => Value::ObjectId(self.oid()?.0),
            64 => {
                let bytes = <[u8; 4]>::try_from(self.octets()?).map_err(|_| Reject::Payload)?;
                Value::IpAddress(Ipv4Addr::from(bytes))
            }
            65 => Value::Counter32(self.u32()?),
            66 => Value::Gauge32(self.u32()?),
            67 => Value::TimeTicks(self.u32()?),
            68 => Value::Opaque(self.octets()?),
            70 => Value::Counter64(self.u64()?),
            128 => Value::NoSuchObject,
            129 => Value::NoSuchInstance,
            130 => Value::EndOfMibView,
            _ => return Err(Reject::Payload),
        })
    }

    fn objects(&mut self) -> Result<Vec<VarBind>, Reject> {
        let mut objects = Vec::new();
        while !self.rest.is_empty() {
            let kind = self.u16()?;
            self.u16()?;
            let name = self.oid()?.0;
            objects.push(VarBind { name, value: self.value(kind)? });
        }
        Ok(objects)
    }

    fn ranges(&mut self) -> Result<Vec<SearchRange>, Reject> {
        let mut ranges = Vec::new();
        while !self.rest.is_empty() {
            let (start, include) = self.oid()?;
            ranges.push(SearchRange { start, include, end: self.oid()?.0 });
        }
        Ok(ranges)
    }

    fn region(&mut self) -> Result<Region, Reject> {
        let [timeout, priority, range_part, _] = self.take()?;
        let subtree = self.oid()?.0;
        let upper_bound = if range_part == 0 { 0 } else { self.u32()? };
        Ok(Region { timeout, priority, range_part, subtree, upper_bound })
    }

    fn pdu(&mut self, kind: u8) -> Result<Pdu, Reject> {
        Ok(match kind {
            1 => {
                let timeout = self.u8()?;
                self.take::<3>()?;
                Pdu::Open { timeout, id: self.oid()?.0, description: self.octets()? }
            }
            2 => Pdu::Close { reason: self.u8()? },
            3 => Pdu::Register(self.region()?),
            4 => Pdu::Unregister(self.region()?),
            5 => Pdu::Get(self.ranges()?),
            6 => Pdu::GetNext(self.ranges()?),
            7 => {
                let (non_repeaters, repetitions) = (self.u16()?, self.u16()?);
                Pdu::GetBulk { non_repeaters, repetitions, ranges: self.ranges()? }
            }
            8 => Pdu::TestSet(self.objects()?),
            9 => Pdu::CommitSet,
            10 => Pdu::UndoSet,
            11 => Pdu::CleanupSet,
            12 => Pdu::Notify(self.objects()?),
            13 => Pdu::Ping,
            14 => Pdu::IndexAllocate(self.objects()?),
            15 => Pdu::IndexDeallocate(self.objects()?),
            16 => Pdu::AddAgentCaps { id: self.oid()?.0, description: self.octets()? },
            17 => Pdu::RemoveAgentCaps { id: self.oid()?.0 },
            18 => Pdu::Response {
                uptime: self.u32()?,
                error: ErrorStatus(self.u16()?),
                index: self.u16()?,
                objects: self.objects()?,
            },
            _ => return Err(Reject::Type(kind)),
        })
    }
}
