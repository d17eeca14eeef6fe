//! Typed, length-prefixed messages between the processes.
#![forbid(unsafe_code)]
