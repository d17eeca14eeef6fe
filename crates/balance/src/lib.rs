//! Load-balancing algorithms over a set of peers, without I/O.
#![forbid(unsafe_code)]
