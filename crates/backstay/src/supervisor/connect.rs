//! Connections to daemons that know their clients by the user who connects.
//!
//! The process that talks to them has no rights; root connects for it. Never waiting: this process
//! watches over the one that holds the addresses.

use control::message::Daemon;
use keepalived_conf::model::{AgentAddress, Config};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, connect, socket_with};
use std::os::fd::OwnedFd;
use std::path::Path;

/// Where the system bus listens unless the environment says otherwise.
const SYSTEM_BUS: &str = "/run/dbus/system_bus_socket";
/// Names the address of the system bus to every client of D-Bus.
const BUS_ADDRESS: &str = "DBUS_SYSTEM_BUS_ADDRESS";

/// Connects to the daemon that the configuration means.
pub(super) fn to(daemon: Daemon, config: &Config) -> Result<OwnedFd, String> {
    let path = match daemon {
        Daemon::SystemBus => match std::env::var(BUS_ADDRESS) {
            Ok(address) => bus_path(&address)?.to_owned(),
            Err(_) => SYSTEM_BUS.to_owned(),
        },
        Daemon::AgentX => match config.global.snmp.agent()? {
            AgentAddress::Path(path) => path.to_string_lossy().into_owned(),
            // What is not guarded by files needs no help of root's.
            AgentAddress::Tcp(address) => return Err(format!("{address} is no path")),
        },
    };
    to_path(Path::new(&path)).map_err(|errno| format!("{path}: {errno}"))
}

fn to_path(path: &Path) -> rustix::io::Result<OwnedFd> {
    let address = SocketAddrUnix::new(path)?;
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    connect(&socket, &address)?;
    Ok(socket)
}

/// The path of a D-Bus address, as in `unix:path=/run/bus,guid=…`.
fn bus_path(address: &str) -> Result<&str, String> {
    let first = address.split(';').next().unwrap_or_default();
    let words = first.strip_prefix("unix:").into_iter().flat_map(|words| words.split(','));
    let path = words.filter_map(|word| word.strip_prefix("path=")).next();
    path.ok_or_else(|| format!("{BUS_ADDRESS} is {address:?}: only unix:path=… is supported"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_name_their_paths() {
        assert_eq!(bus_path("unix:path=/tmp/bus,guid=12"), Ok("/tmp/bus"));
        assert_eq!(bus_path("unix:guid=12,path=/tmp/bus;tcp:host=x"), Ok("/tmp/bus"));
        assert!(bus_path("tcp:host=localhost,port=1").is_err() && bus_path("").is_err());
    }

    #[test]
    fn a_daemon_that_does_not_accept_is_not_waited_for() {
        let folder = std::env::temp_dir().join(format!("connect-{}", std::process::id()));
        let _ = std::fs::remove_file(&folder);
        let listener = std::os::unix::net::UnixListener::bind(&folder).unwrap();
        rustix::net::listen(&listener, 0).unwrap();
        let outcomes: Vec<_> = (0..4).map(|_| to_path(&folder)).collect();
        std::fs::remove_file(&folder).unwrap();
        assert!(outcomes[0].is_ok());
        assert_eq!(outcomes[3].as_ref().err(), Some(&rustix::io::Errno::AGAIN));
    }
}
