//! PDUs. RFC 2741 §6:
//! ```text
//!  version      | type         | flags        | reserved
//!  session
//!  transaction
//!  packet
//!  length of the payload in bytes, a multiple of 4
//!  payload: [context] and what belongs to the type
//! ```

mod read;
#[cfg(test)]
mod tests;
mod write;

use crate::{Oid, Value};
use std::fmt;

/// Bytes of a header.
pub(crate) const HEADER: usize = 20;
const VERSION: u8 = 1;

/// Flags of a header. RFC 2741 §6.1.
const NON_DEFAULT_CONTEXT: u8 = 0x08;
const NETWORK_BYTE_ORDER: u8 = 0x10;

/// Why bytes of the master agent are no PDU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reject {
    /// The master agent speaks another version of AgentX.
    Version(u8),
    /// The master agent sent a PDU of a type that there is not.
    Type(u8),
    /// The master agent says that so many bytes follow, which is no multiple of four.
    Length(usize),
    /// The master agent says that so many bytes follow, which is no length of any PDU.
    TooLong(usize),
    /// The master agent's PDU ends too early, or has a value of a type that there is not, or an
    /// object identifier of more than 128 parts.
    Payload,
}

impl fmt::Display for Reject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(f, "version {version} of AgentX"),
            Self::Type(kind) => write!(f, "a PDU of type {kind}"),
            Self::Length(length) => write!(f, "a PDU of {length} bytes, which is no multiple of four"),
            Self::TooLong(length) => write!(f, "a PDU of {length} bytes"),
            Self::Payload => write!(f, "a PDU whose payload is no such thing"),
        }
    }
}

impl std::error::Error for Reject {}

/// What every PDU begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Which session; the master agent numbers them.
    pub session: u32,
    /// Which request of an SNMP manager.
    pub transaction: u32,
    /// Which PDU; the response has the number of what it answers.
    pub packet: u32,
}

/// A PDU with its header.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The header.
    pub header: Header,
    /// The context, unless it is the default one.
    pub context: Option<Vec<u8>>,
    /// The PDU.
    pub pdu: Pdu,
}

/// What a PDU says. RFC 2741 §6.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pdu {
    /// A subagent asks for a session.
    Open {
        /// How long the master agent is to wait for an answer, in seconds; 0 leaves it to the master.
        timeout: u8,
        /// Names the subagent; may be null.
        id: Oid,
        /// Describes the subagent.
        description: Vec<u8>,
    },
    /// A session ends.
    Close {
        /// Why: 1 other, 2 parse error, 3 protocol error, 4 timeouts, 5 shutdown, 6 by manager.
        reason: u8,
    },
    /// A subagent wants to answer for a subtree.
    Register(Region),
    /// And does not want to any more.
    Unregister(Region),
    /// The values of these objects are wanted; of the ranges only the starts count.
    Get(Vec<SearchRange>),
    /// The first object of each range is wanted.
    GetNext(Vec<SearchRange>),
    /// The first objects of each range are wanted.
    GetBulk {
        /// Of so many ranges only the first object.
        non_repeaters: u16,
        /// Of the others so many.
        repetitions: u16,
        /// The ranges.
        ranges: Vec<SearchRange>,
    },
    /// Could these values be set?
    TestSet(Vec<VarBind>),
    /// Set them.
    CommitSet,
    /// Take that back.
    UndoSet,
    /// The set is over.
    CleanupSet,
    /// Something happened.
    Notify(Vec<VarBind>),
    /// Are you there?
    Ping,
    /// A subagent wants values of an index for itself.
    IndexAllocate(Vec<VarBind>),
    /// And does not want them any more.
    IndexDeallocate(Vec<VarBind>),
    /// For sysORTable: what the subagent implements.
    AddAgentCaps {
        /// Names it.
        id: Oid,
        /// Describes it.
        description: Vec<u8>,
    },
    /// And does not any more.
    RemoveAgentCaps {
        /// Names it.
        id: Oid,
    },
    /// The answer to another PDU.
    Response {
        /// The master's sysUpTime in hundredths of a second; 0 from a subagent.
        uptime: u32,
        /// Whether it worked.
        error: ErrorStatus,
        /// Which of the objects is at fault, from 1; 0 for none of them.
        index: u16,
        /// The objects, in the order of the request.
        objects: Vec<VarBind>,
    },
}

/// What Register and Unregister are about. RFC 2741 §6.2.3.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Region {
    /// As in Open; 0 leaves it to the session.
    pub timeout: u8,
    /// The lowest number wins among those who answer for the same subtree; 127 is usual.
    pub priority: u8,
    /// Which part of `subtree`, from 1, goes up to `upper_bound`; 0 for none.
    pub range_part: u8,
    /// The subtree.
    pub subtree: Oid,
    /// See `range_part`.
    pub upper_bound: u32,
}

/// Where an object is searched for. RFC 2741 §5.2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SearchRange {
    /// From here.
    pub start: Oid,
    /// Whether `start` itself counts.
    pub include: bool,
    /// Up to, and not including, this one; null for no end.
    pub end: Oid,
}

/// An object. RFC 2741 §5.4.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VarBind {
    /// Its name.
    pub name: Oid,
    /// Its value.
    pub value: Value,
}

/// Whether a PDU did what it should: SNMP's and AgentX's numbers. RFC 2741 §6.2.16, RFC 3416 §3.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ErrorStatus(pub u16);

impl ErrorStatus {
    /// It did.
    pub const NO_ERROR: Self = Self(0);
    /// For no reason that has a number.
    pub const GENERAL: Self = Self(5);
    /// The object cannot be reached.
    pub const NO_ACCESS: Self = Self(6);
    /// The object has values of another type.
    pub const WRONG_TYPE: Self = Self(7);
    /// The object cannot have this value.
    pub const WRONG_VALUE: Self = Self(10);
    /// There is no such object, and there cannot be.
    pub const NO_CREATION: Self = Self(11);
    /// The value could not be set after all.
    pub const COMMIT_FAILED: Self = Self(14);
    /// What was set could not be taken back.
    pub const UNDO_FAILED: Self = Self(15);
    /// The object can only be read.
    pub const NOT_WRITABLE: Self = Self(17);
    /// The master agent opens no session.
    pub const OPEN_FAILED: Self = Self(256);
    /// There is no such session.
    pub const NOT_OPEN: Self = Self(257);
    /// The context is not known.
    pub const UNSUPPORTED_CONTEXT: Self = Self(262);
    /// Another subagent answers for the subtree.
    pub const DUPLICATE_REGISTRATION: Self = Self(263);
    /// The PDU could not be read.
    pub const PARSE_ERROR: Self = Self(266);
    /// The master agent does not allow it.
    pub const REQUEST_DENIED: Self = Self(267);
    /// For another reason.
    pub const PROCESSING_ERROR: Self = Self(268);
}

impl fmt::Display for ErrorStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = match *self {
            Self::NO_ERROR => "no error",
            Self::OPEN_FAILED => "it opens no session",
            Self::NOT_OPEN => "it knows no such session",
            Self::UNSUPPORTED_CONTEXT => "unsupported context",
            Self::DUPLICATE_REGISTRATION => "another subagent answers for it",
            Self::PARSE_ERROR => "it could not read what it was sent",
            Self::REQUEST_DENIED => "it does not allow that",
            Self::PROCESSING_ERROR => "it could not do that",
            Self(number) => return write!(f, "error {number}"),
        };
        write!(f, "{word}")
    }
}
