//! Packet formats below VRRP: IPv4, ARP and checksums.
#![forbid(unsafe_code)]
