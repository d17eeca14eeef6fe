//! Connecting to a daemon on this machine, never waiting.

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use std::os::fd::OwnedFd;
use std::path::Path;

/// Connects to the socket at a path.
///
/// # Errors
/// Nobody listens there, this user may not connect, or whoever listens does not accept: in words, with
/// the path.
pub fn to(path: &Path) -> Result<OwnedFd, String> {
    connected(path).map_err(|errno| format!("{}: {errno}", path.display()))
}

fn connected(path: &Path) -> rustix::io::Result<OwnedFd> {
    let address = SocketAddrUnix::new(path)?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    connect(&socket, &address)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::io::Errno;

    #[test]
    fn a_daemon_that_does_not_accept_is_not_waited_for() {
        let path = std::env::temp_dir().join(format!("connect-{}", std::process::id()));
        let _ = std::fs::remove_file(&path);
        let listener = std::os::unix::net::UnixListener::bind(&path).unwrap();
        rustix::net::listen(&listener, 0).unwrap();
        let outcomes: Vec<_> = (0..4).map(|_| connected(&path)).collect();
        std::fs::remove_file(&path).unwrap();
        assert!(outcomes[0].is_ok());
        assert_eq!(outcomes[3].as_ref().err(), Some(&Errno::AGAIN));
        assert!(to(&path).unwrap_err().starts_with(&*path.to_string_lossy()));
    }
}
