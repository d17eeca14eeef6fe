//! HTTP/1.1 framing and heads, without I/O.
#![forbid(unsafe_code)]
