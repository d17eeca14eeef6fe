//! One module a target: `read` takes any bytes as that part of the program would get them from a
//! stranger, and panics when a promise is broken. The corpora are also run by `cargo test`, from
//! `crates/backstay/tests/corpora.rs`.

pub mod bfd;
pub mod frames;
pub mod handover;
pub mod http1;
pub mod keepalived_conf;
pub mod vrrp;
