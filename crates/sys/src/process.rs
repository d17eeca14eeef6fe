//! What a process inherits from the one that started it.

use rustix::io::{Errno, FdFlags};
use std::os::fd::{BorrowedFd, FromRawFd, OwnedFd, RawFd};

/// Takes a descriptor that the starting process left open, by its number, and keeps it from being
/// inherited further. To be called once for each number, before other descriptors are opened.
///
/// # Errors
/// `EBADF` when there is no such descriptor.
pub fn inherited(number: RawFd) -> Result<OwnedFd, Errno> {
    if number < 3 {
        return Err(Errno::BADF);
    }
    // SAFETY: borrowed only for this call, which finds out whether the descriptor exists.
    let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
    rustix::io::fcntl_setfd(descriptor, FdFlags::CLOEXEC)?;
    // SAFETY: the descriptor exists, and nothing else in this process knows its number: the caller
    // takes it before it opens any.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}

/// Sets the flags of descriptors by their numbers: without `CLOEXEC` the program that is executed next
/// inherits them.
///
/// # Errors
/// `EBADF` when one of them is not open.
pub fn pass_on(numbers: &[RawFd], flags: FdFlags) -> Result<(), Errno> {
    for number in numbers {
        // SAFETY: borrowed only for this call, which finds out whether the descriptor exists.
        let descriptor = unsafe { BorrowedFd::borrow_raw(*number) };
        rustix::io::fcntl_setfd(descriptor, flags)?;
    }
    Ok(())
}

/// Names the calling thread as `ps` and `killall` show it: at most 15 bytes are kept.
pub fn set_name(name: &str) {
    let end = name.floor_char_boundary(15);
    if let Ok(name) = std::ffi::CString::new(&name[..end]) {
        // It can only fail for a pointer that is none.
        let _ = rustix::thread::set_name(&name);
    }
}

/// Keeps every descriptor that is open now, except the standard ones, from programs executed later.
/// On kernels before 5.11 they stay open.
pub fn close_on_exec() {
    // SAFETY: sets a flag of descriptors and closes none, so nobody's descriptor becomes invalid.
    unsafe {
        libc::syscall(libc::SYS_close_range, 3u32, u32::MAX, libc::CLOSE_RANGE_CLOEXEC);
    }
}
