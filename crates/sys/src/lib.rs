//! The operating system: every unsafe block and raw system call.

pub mod namespace;
pub mod packet;
