//! The runner process: check and notify scripts, mail.
#![forbid(unsafe_code)]

pub mod message;
