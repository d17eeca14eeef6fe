//! The proxy from outside: real sockets, real upstreams, and beside a real nginx.
#![allow(clippy::unwrap_used, reason = "a test")]

mod against_nginx;
mod connections;
mod hostile;
mod lifecycle;
mod support;
mod upstreams;
