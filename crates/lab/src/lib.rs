//! Virtual data centres in network namespaces.
#![forbid(unsafe_code)]
