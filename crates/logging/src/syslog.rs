//! The syslog protocol as local daemons speak it (RFC 3164).

use std::net::{SocketAddr, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

/// A facility number of RFC 3164 §4.1.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facility(pub u8);

impl Facility {
    /// `daemon`, keepalived's own default.
    pub const DAEMON: Self = Self(3);

    /// `user`.
    pub const USER: Self = Self(1);

    /// `localN`, as keepalived's `-S N` chooses; `None` above 7.
    pub fn local(n: u8) -> Option<Self> {
        (n <= 7).then_some(Self(16 + n))
    }
}

/// A connection to a syslog daemon that is made again when the daemon was restarted.
#[derive(Debug)]
pub struct Syslog {
    peer: Peer,
    socket: Option<Socket>,
    facility: Facility,
    tag: String,
    host: Option<String>,
}

#[derive(Debug)]
enum Peer {
    Unix(PathBuf),
    Udp(SocketAddr),
}

#[derive(Debug)]
enum Socket {
    Unix(UnixDatagram),
    Udp(UdpSocket),
}

impl Syslog {
    /// The daemon that listens on a socket of this machine, usually `/dev/log`. `tag` is what
    /// stands before the colon, such as `Keepalived_vrrp[123]`. The connection is made now, while the
    /// process may be more than it is to be.
    pub fn unix(path: &Path, facility: Facility, tag: String) -> Self {
        let mut syslog = Self { peer: Peer::Unix(path.to_owned()), socket: None, facility, tag, host: None };
        syslog.socket = syslog.connect();
        syslog
    }

    /// A daemon reached over UDP; lines carry a host name.
    pub fn udp(address: SocketAddr, facility: Facility, tag: String) -> Self {
        Self { peer: Peer::Udp(address), socket: None, facility, tag, host: None }
    }

    /// Writes a host name into each line.
    #[must_use]
    pub fn with_host(mut self, host: String) -> Self {
        self.host = Some(host);
        self
    }

    /// Sends a line; it is lost when no daemon listens, as with `syslog(3)`. Never blocks.
    pub fn send(&mut self, severity: u8, line: &[u8]) {
        let priority = u16::from(self.facility.0) * 8 + u16::from(severity.min(7));
        let mut packet = format!("<{priority}>").into_bytes();
        crate::logger::write_syslog_time(&mut packet);
        packet.push(b' ');
        if let Some(host) = &self.host {
            packet.extend_from_slice(host.as_bytes());
            packet.push(b' ');
        }
        packet.extend_from_slice(self.tag.as_bytes());
        packet.extend_from_slice(b": ");
        packet.extend_from_slice(line);
        for _ in 0..2 {
            if self.socket.is_none() {
                self.socket = self.connect();
            }
            let sent = match &self.socket {
                Some(Socket::Unix(socket)) => socket.send(&packet),
                Some(Socket::Udp(socket)) => socket.send(&packet),
                None => return,
            };
            match sent {
                Ok(_) => return,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return,
                Err(_) => self.socket = None,
            }
        }
    }

    fn connect(&self) -> Option<Socket> {
        match &self.peer {
            Peer::Unix(path) => {
                let socket = UnixDatagram::unbound().ok()?;
                socket.set_nonblocking(true).ok()?;
                socket.connect(path).ok()?;
                Some(Socket::Unix(socket))
            }
            Peer::Udp(address) => {
                let any: SocketAddr =
                    if address.is_ipv4() { ([0, 0, 0, 0], 0).into() } else { ([0u16; 8], 0).into() };
                let socket = UdpSocket::bind(any).ok()?;
                socket.set_nonblocking(true).ok()?;
                socket.connect(address).ok()?;
                Some(Socket::Udp(socket))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_as_a_daemon_sees_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut syslog = Syslog::unix(&path, Facility::local(3).unwrap(), "Keepalived_vrrp[7]".into());
        syslog.send(6, b"lost: nobody listens");
        let daemon = UnixDatagram::bind(&path).unwrap();
        syslog.send(6, b"hello");
        let mut packet = [0; 200];
        let length = daemon.recv(&mut packet).unwrap();
        let text = std::str::from_utf8(&packet[..length]).unwrap();
        assert!(text.starts_with("<158>"), "{text}");
        assert!(text.ends_with(" Keepalived_vrrp[7]: hello"), "{text}");
        drop(daemon);
        std::fs::remove_file(&path).unwrap();
        let daemon = UnixDatagram::bind(&path).unwrap();
        syslog.send(6, b"again");
        assert!(daemon.recv(&mut packet).is_ok(), "reconnects to a daemon that was restarted");
    }
}
