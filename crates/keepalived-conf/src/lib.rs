//! The language of keepalived.conf: grammar, registry, typed model.
#![forbid(unsafe_code)]

pub mod model;
