//! Connections to daemons that know their clients by the user who connects.
//!
//! The process that talks to them has no rights. Where it runs as a user made for it, it connects to the
//! system bus itself: over a connection of root's whoever took it over could command every service on
//! the bus. Else root connects for it, never waiting: this process watches over the one that holds the
//! addresses.

use control::message::{Daemon, Way};
use keepalived_conf::model::{AgentAddress, Config};
use std::os::fd::OwnedFd;
use std::path::PathBuf;

/// Where the system bus listens unless the environment says otherwise.
const SYSTEM_BUS: &str = "/run/dbus/system_bus_socket";
/// Names the address of the system bus to every client of D-Bus.
const BUS_ADDRESS: &str = "DBUS_SYSTEM_BUS_ADDRESS";

/// The way to the daemon that the configuration means, with a socket where the way is one.
/// `itself`: the process that asks runs as whom the system bus may know it.
pub(super) fn way(daemon: Daemon, config: &Config, itself: bool) -> Result<(Way, Option<OwnedFd>), String> {
    let path = match daemon {
        Daemon::SystemBus => match std::env::var(BUS_ADDRESS) {
            Ok(address) => PathBuf::from(bus_path(&address)?),
            Err(_) => PathBuf::from(SYSTEM_BUS),
        },
        Daemon::AgentX => match config.global.snmp.agent()? {
            AgentAddress::Path(path) => path,
            // What is not guarded by files needs no help of root's.
            AgentAddress::Tcp(address) => return Err(format!("{address} is no path")),
        },
    };
    if itself && daemon == Daemon::SystemBus {
        return Ok((Way::Path(path), None));
    }
    Ok((Way::Socket, Some(control::connect::to(&path)?)))
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
    fn a_user_of_its_own_gets_no_connection_of_roots() {
        let (way, socket) = way(Daemon::SystemBus, &Config::default(), true).unwrap();
        assert!(matches!(way, Way::Path(_)) && socket.is_none());
    }
}
