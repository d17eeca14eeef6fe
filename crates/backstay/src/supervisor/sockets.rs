//! Listening sockets, which the supervisor opens for the proxy.

use crate::inspect;
use nginx_conf::model::{ListenAddress, Listener};
use socket2::{Domain, Protocol, Socket, Type};
use std::fs;
use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::os::unix::fs::FileTypeExt;
use std::path::Path;

/// Removes what a socket that is closed for good leaves in the file system.
pub(crate) fn forget(address: &ListenAddress) {
    if let ListenAddress::Unix(path) = address {
        // Someone else may have removed it.
        let _ = fs::remove_file(path);
    }
}

/// Opens the socket of a listener.
///
/// An address that the machine does not have yet is bound all the same (`IP_FREEBIND`): a virtual
/// address arrives later.
pub(crate) fn open(listener: &Listener) -> Result<OwnedFd, String> {
    let result = match &listener.address {
        ListenAddress::Tcp(address) => open_tcp(listener, *address),
        ListenAddress::Unix(path) => open_unix(listener, path),
    };
    result.map(OwnedFd::from).map_err(|error| explain(&listener.address, &error))
}

fn open_tcp(listener: &Listener, address: SocketAddr) -> std::io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket.set_only_v6(listener.ipv6only)?;
        socket.set_freebind_v6(true)?;
    } else {
        socket.set_freebind_v4(true)?;
    }
    if listener.reuseport {
        socket.set_reuse_port(true)?;
    }
    if let Some(bytes) = listener.rcvbuf {
        socket.set_recv_buffer_size(bytes)?;
    }
    if let Some(bytes) = listener.sndbuf {
        socket.set_send_buffer_size(bytes)?;
    }
    if let Some(keepalive) = listener.keepalive {
        socket.set_keepalive(keepalive)?;
    }
    socket.bind(&address.into())?;
    listen(&socket, listener)?;
    if listener.deferred {
        sys::socket::defer_accept(&socket, 1)?;
    }
    Ok(socket)
}

fn open_unix(listener: &Listener, path: &Path) -> std::io::Result<Socket> {
    let address = socket2::SockAddr::unix(path)?;
    // A socket that nobody listens on is what a crash left behind.
    let stale = fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_socket())
        && Socket::new(Domain::UNIX, Type::STREAM, None)?.connect(&address).is_err();
    if stale {
        fs::remove_file(path)?;
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address)?;
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(0o666))?;
    listen(&socket, listener)?;
    Ok(socket)
}

fn listen(socket: &Socket, listener: &Listener) -> std::io::Result<()> {
    socket.listen(i32::try_from(listener.backlog).unwrap_or(i32::MAX))
}

fn explain(address: &ListenAddress, error: &Error) -> String {
    let (name, port) = match address {
        ListenAddress::Tcp(address) => (address.to_string(), Some(address.port())),
        ListenAddress::Unix(path) => (format!("unix:{}", path.display()), None),
    };
    let mut text = format!("bind() to {name} failed ({})", inspect::errno_words(error));
    match (error.kind(), port) {
        (ErrorKind::AddrInUse, Some(port)) => match holder(port) {
            Some((pid, program)) => {
                text += &format!(": port {port} is held by {program} (pid {pid}); stop it first");
            }
            None => text += &format!(": port {port} is held by another program"),
        },
        (ErrorKind::PermissionDenied, Some(port)) if port < 1024 => {
            text += ": only root may listen on ports below 1024";
        }
        _ => {}
    }
    text
}

/// The process that listens on a TCP port here, with its name.
fn holder(port: u16) -> Option<(u32, String)> {
    const LISTEN: &str = "0A";
    let mut inodes = Vec::new();
    for table in ["/proc/net/tcp", "/proc/net/tcp6"] {
        for line in fs::read_to_string(table).unwrap_or_default().lines().skip(1) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let (Some(local), Some(state), Some(inode)) = (words.get(1), words.get(3), words.get(9)) else {
                continue;
            };
            let listens_there =
                local.rsplit(':').next().and_then(|p| u16::from_str_radix(p, 16).ok()) == Some(port);
            if listens_there && *state == LISTEN {
                inodes.push(format!("socket:[{inode}]"));
            }
        }
    }
    let holds = |pid: u32| {
        let entries = fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
        let mut links = entries.flatten().filter_map(|entry| fs::read_link(entry.path()).ok());
        links.any(|link| inodes.iter().any(|inode| link.as_os_str() == inode.as_str())).then_some(pid)
    };
    let processes = fs::read_dir("/proc").ok()?;
    let mut pids: Vec<u32> =
        processes.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok()).collect();
    // The lowest number is usually the parent of the others.
    pids.sort_unstable();
    let pid = pids.into_iter().find_map(holds)?;
    let name = fs::read_to_string(format!("/proc/{pid}/comm")).ok()?;
    Some((pid, name.trim_end().to_owned()))
}
