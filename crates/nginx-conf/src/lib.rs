//! The language of nginx.conf: grammar, directive registry, typed model.
#![forbid(unsafe_code)]

pub mod model;
