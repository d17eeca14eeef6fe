//! `authentication { }` and `auth_hmac { }`.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::time::Duration;

/// How advertisements prove where they come from. No two ways go together.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Authentication {
    /// No block.
    #[default]
    None,
    /// `auth_type PASS`, VRRPv2: the password as it goes on the wire, cut to 8 bytes and padded with zeros.
    Pass([u8; 8]),
    /// `auth_type AH`, VRRPv2 over IPv4: the key of HMAC-MD5-96 (RFC 2403), cut and padded the same.
    Ah([u8; 8]),
    /// `auth_hmac`, keepalived 2.4: a trailer with HMAC-SHA256, any version and family.
    Hmac(AuthHmac),
}

/// `auth_hmac { }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AuthHmac {
    /// `key`: each number once, never empty.
    pub keys: Vec<HmacKey>,
    /// `active_key`: the number of the one to sign with; always among the keys.
    pub active_key: u8,
    /// `anti_replay` and `time_window`.
    pub anti_replay: AntiReplay,
    /// `mode`, enforce when absent.
    pub mode: HmacMode,
}

/// One `key` of `auth_hmac`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HmacKey {
    /// 1 to 255.
    pub id: u8,
    /// 32 to 64 bytes.
    pub secret: Secret,
}

/// Bytes that no log shows.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret(pub Vec<u8>);

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Secret({} bytes)", self.0.len())
    }
}

/// Which packets of a known sender are too old.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AntiReplay {
    /// `time`, the default: the sequence has to grow and its time to be at most so far from ours;
    /// three advertisement intervals, at least 5 s, when `time_window` is absent.
    Time(Duration),
    /// `monotonic`: the sequence has to grow.
    Monotonic,
}

/// `mode` of `auth_hmac`: the three steps of introducing it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum HmacMode {
    /// A trailer that is there is checked; none is sent.
    ReceiveOnly,
    /// Signs; packets without a trailer are accepted.
    Permissive,
    /// Signs; packets without a trailer are refused.
    #[default]
    Enforce,
}
