//! Signals as bytes in a socket, so that a loop can wait for them beside everything else.

use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, socketpair};
use std::os::fd::{AsRawFd, IntoRawFd, OwnedFd};
use std::sync::atomic::{AtomicI32, Ordering};

/// `SIGHUP`
pub const HUP: i32 = libc::SIGHUP;
/// `SIGINT`
pub const INT: i32 = libc::SIGINT;
/// `SIGQUIT`
pub const QUIT: i32 = libc::SIGQUIT;
/// `SIGUSR1`
pub const USR1: i32 = libc::SIGUSR1;
/// `SIGUSR2`
pub const USR2: i32 = libc::SIGUSR2;
/// `SIGTERM`
pub const TERM: i32 = libc::SIGTERM;
/// `SIGRTMIN + 2`, as the C library counts them.
pub const JSON: i32 = 36;
/// `SIGRTMAX - 1`
pub const STATISTICS_AND_CLEAR: i32 = 63;
/// `SIGWINCH`
pub const WINCH: i32 = libc::SIGWINCH;

/// The end that the handler writes to; it stays open as long as the process lives.
static WRITE_END: AtomicI32 = AtomicI32::new(-1);

extern "C" fn handler(signal: libc::c_int) {
    let byte = signal as u8;
    // SAFETY: send(2) is async-signal-safe and errno is put back; the descriptor is never closed.
    unsafe {
        let errno = *libc::__errno_location();
        libc::send(
            WRITE_END.load(Ordering::Relaxed),
            (&raw const byte).cast(),
            1,
            libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL,
        );
        *libc::__errno_location() = errno;
    }
}

/// Catches these signals from now on. Each one that arrives is one byte, its number, in the socket
/// that is returned. To be called once in a process.
///
/// # Errors
/// No descriptors left, or a signal that cannot be caught.
pub fn catch(signals: &[i32]) -> Result<OwnedFd, Errno> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let (read, write) = socketpair(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    WRITE_END.store(write.as_raw_fd(), Ordering::Relaxed);
    // Given away for good: a signal can arrive as long as the process lives.
    let _ = write.into_raw_fd();
    for signal in signals {
        // SAFETY: zero is a value for every field; the handler does only what a handler may.
        let result = unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = handler as *const () as usize;
            action.sa_flags = libc::SA_RESTART;
            libc::sigaction(*signal, &raw const action, std::ptr::null_mut())
        };
        if result != 0 {
            return Err(Errno::INVAL);
        }
    }
    Ok(read)
}

/// Lets these signals pass without effect from now on; programs that are executed later get the
/// default back.
///
/// # Errors
/// A signal that cannot be caught.
pub fn ignore(signals: &[i32]) -> Result<(), Errno> {
    extern "C" fn nothing(_: libc::c_int) {}
    for signal in signals {
        // SAFETY: as in `catch`; a handler that does nothing is, unlike SIG_IGN, not inherited by
        // programs that are executed.
        let result = unsafe {
            let mut action: libc::sigaction = std::mem::zeroed();
            action.sa_sigaction = nothing as *const () as usize;
            action.sa_flags = libc::SA_RESTART;
            libc::sigaction(*signal, &raw const action, std::ptr::null_mut())
        };
        if result != 0 {
            return Err(Errno::INVAL);
        }
    }
    Ok(())
}

/// The numbers that have arrived at a socket of [`catch`].
pub fn arrived(socket: &OwnedFd) -> Vec<i32> {
    let mut bytes = [0; 64];
    match rustix::net::recv(socket, &mut bytes, rustix::net::RecvFlags::DONTWAIT) {
        Ok((n, _)) => bytes[..n].iter().map(|b| i32::from(*b)).collect(),
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_a_byte() {
        let socket = catch(&[libc::SIGUSR2]).unwrap();
        // SAFETY: raises a signal that is caught.
        unsafe { libc::raise(libc::SIGUSR2) };
        assert_eq!(arrived(&socket), [libc::SIGUSR2]);
        assert!(catch(&[libc::SIGKILL]).is_err());
    }
}
