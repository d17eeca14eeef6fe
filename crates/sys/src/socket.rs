//! Socket options that rustix does not have.

use rustix::io::Errno;
use std::os::fd::{AsFd, AsRawFd};

/// `TCP_DEFER_ACCEPT`: a connection is accepted only once its first data has arrived, or after so
/// many seconds.
///
/// # Errors
/// The descriptor is no TCP socket.
pub fn defer_accept(socket: impl AsFd, seconds: u32) -> Result<(), Errno> {
    let seconds = seconds as libc::c_int;
    // SAFETY: the pointer and the length describe `seconds`, which lives for the call.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_DEFER_ACCEPT,
            (&raw const seconds).cast(),
            size_of::<libc::c_int>() as libc::socklen_t,
        )
    };
    if result == 0 {
        return Ok(());
    }
    // SAFETY: the C library gives every thread an errno of its own.
    Err(Errno::from_raw_os_error(unsafe { *libc::__errno_location() }))
}
