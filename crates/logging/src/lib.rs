//! Where log lines go: stderr, files, syslog.
#![forbid(unsafe_code)]
