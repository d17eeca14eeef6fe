//! Namespaces of the calling thread.

use rustix::io::Errno;
use rustix::thread::{UnshareFlags, unshare_unsafe};

/// Moves the calling thread into a network namespace of its own, empty but for a loopback interface
/// that is down. Sockets opened before stay where they are. Needs CAP_SYS_ADMIN.
///
/// # Errors
/// What the kernel says, `EPERM` without the capability.
pub fn enter_new_network() -> Result<(), Errno> {
    // SAFETY: only the network namespace changes; the descriptor table, which other code relies on
    // being shared between threads, does not.
    unsafe { unshare_unsafe(UnshareFlags::NEWNET) }
}
