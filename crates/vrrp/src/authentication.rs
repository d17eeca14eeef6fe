//! The authentication of VRRPv2 (RFC 2338 §5.3.6, withdrawn by RFC 3768), which everybody still uses.
//! The one of keepalived 2.4 that goes with any version is [`crate::hmac`].

use crate::packet::AUTHENTICATION_LENGTH;
use std::fmt;

/// VRRPv2 authentication.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Authentication {
    /// Type 0.
    None,
    /// Type 1: a password in clear, padded with zeros.
    Pass([u8; AUTHENTICATION_LENGTH]),
    /// Type 2: the authentication header of IP, keyed with a password padded with zeros.
    Ah([u8; AUTHENTICATION_LENGTH]),
}

impl Authentication {
    /// The number in the packet.
    pub fn number(self) -> u8 {
        match self {
            Authentication::None => 0,
            Authentication::Pass(_) => 1,
            Authentication::Ah(_) => 2,
        }
    }

    /// The bytes after the addresses.
    pub fn data(self) -> [u8; AUTHENTICATION_LENGTH] {
        match self {
            Authentication::None | Authentication::Ah(_) => [0; AUTHENTICATION_LENGTH],
            Authentication::Pass(password) => password,
        }
    }
}

impl fmt::Debug for Authentication {
    /// Does not show the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Authentication::None => "None",
            Authentication::Pass(_) => "Pass",
            Authentication::Ah(_) => "Ah",
        })
    }
}

/// Whether two secrets of equal length are equal. All bytes are compared, so that the time taken
/// does not tell how many were right.
pub(crate) fn same(given: &[u8], right: &[u8]) -> bool {
    given.len() == right.len() && given.iter().zip(right).fold(0, |d, (a, b)| d | (a ^ b)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(format!("{:?}", Authentication::Pass(*b"secret!!")), "Pass");
        assert_eq!(format!("{:?}", Authentication::Ah(*b"secret!!")), "Ah");
    }

    #[test]
    fn secrets_are_compared_whole() {
        assert!(same(b"12345678", b"12345678"));
        assert!(!same(b"12345678", b"12345679"));
        assert!(!same(b"1234567", b"12345678"));
    }
}
