//! The programs whose place we take, by their own command lines.

pub(crate) mod keepalived;
pub(crate) mod nginx;
mod options;
