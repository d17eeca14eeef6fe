//! The proxy process: HTTP, static files, upstreams.
#![forbid(unsafe_code)]
