//! The vrrp process: loop, tracking, addresses.
#![forbid(unsafe_code)]
