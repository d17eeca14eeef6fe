//! A destination of nginx's logs.

use crate::Syslog;
use std::os::fd::OwnedFd;

/// Where lines of an `error_log` or `access_log` go.
#[derive(Debug)]
pub enum Sink {
    /// A file, or stderr, opened for appending.
    File(OwnedFd),
    /// A syslog daemon, with the severity that access lines have there.
    Syslog(Syslog, u8),
    /// The destination could not be opened: lines are lost.
    Nowhere,
}

impl Sink {
    /// Writes whole lines, each with its line feed.
    ///
    /// A full disk or a closed pipe loses them: a log must not stop the service. What a short
    /// write left over is tried once more.
    pub fn write(&mut self, lines: &[u8], severity: Option<u8>) {
        match self {
            Self::File(file) => {
                let mut rest = lines;
                while !rest.is_empty() {
                    match rustix::io::write(&*file, rest) {
                        Ok(0) => return,
                        Ok(written) => rest = &rest[written..],
                        Err(rustix::io::Errno::INTR) => {}
                        Err(_) => return,
                    }
                }
            }
            Self::Nowhere => {}
            Self::Syslog(syslog, access) => {
                for line in lines.split(|b| *b == b'\n').filter(|line| !line.is_empty()) {
                    syslog.send(severity.unwrap_or(*access), line);
                }
            }
        }
    }
}
