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

/// Moves the calling thread into a network namespace by its name, as `ip netns` makes them. Needs
/// CAP_SYS_ADMIN.
///
/// # Errors
/// `ENOENT` when there is none of this name; what the kernel says.
pub fn enter_network(name: &str) -> Result<(), Errno> {
    use rustix::fs::{Mode, OFlags};
    use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
    if name.is_empty() || name.contains('/') {
        return Err(Errno::INVAL);
    }
    let path = std::path::Path::new("/run/netns").join(name);
    let file = rustix::fs::open(path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    move_into_link_name_space(std::os::fd::AsFd::as_fd(&file), Some(LinkNameSpaceType::Network))
}
