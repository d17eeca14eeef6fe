//! VRRP packets and the virtual router state machine, without I/O.
#![forbid(unsafe_code)]
