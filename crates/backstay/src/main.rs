//! The high-availability load balancer in one program.
#![forbid(unsafe_code)]
fn main() {}
