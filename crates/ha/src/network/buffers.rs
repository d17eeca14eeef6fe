//! Receive buffers of the sockets that the kernel answers on: `vrrp_netlink_…_rcv_bufs`,
//! `process_monitor_rcv_bufs`.

use crate::{Host, Level};
use rustix::net::sockopt::{
    set_socket_recv_buffer_size, set_socket_recv_buffer_size_force, socket_recv_buffer_size,
};
use std::os::fd::AsFd;

/// A word that sizes a buffer, and its `…_force`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Buffer {
    pub(crate) word: &'static str,
    /// As written; `None` leaves the buffer as it is.
    pub(crate) bytes: Option<u32>,
    /// Beyond the limit of the system (`net.core.rmem_max`), which needs CAP_NET_ADMIN.
    pub(crate) force: bool,
}

impl Buffer {
    /// Sizes the buffer of a socket.
    pub(crate) fn apply(self, socket: impl AsFd, host: &mut dyn Host) {
        let Some(bytes) = self.bytes.map(|bytes| bytes as usize) else { return };
        let forced = self.force && set_socket_recv_buffer_size_force(&socket, bytes).is_ok();
        if !forced && let Err(errno) = set_socket_recv_buffer_size(&socket, bytes) {
            host.log(Level::Warning, &format!("{} {bytes}: {errno}", self.word));
        }
    }

    /// Sizes the buffer of a socket that needs what it has: it only grows.
    pub(crate) fn enlarge(self, socket: impl AsFd, host: &mut dyn Host) {
        // The kernel tells twice what was set.
        let there = socket_recv_buffer_size(&socket).map(|bytes| bytes / 2);
        let fewer = |there: usize| self.bytes.is_some_and(|bytes| (bytes as usize) < there);
        match there {
            Ok(there) if fewer(there) => {
                let line = format!("{}: less than the {there} bytes there are; they stay", self.word);
                host.log(Level::Warning, &line);
            }
            _ => self.apply(socket, host),
        }
    }
}
