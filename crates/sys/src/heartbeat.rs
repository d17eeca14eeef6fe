//! A moment in memory that two processes share: one says that it is alive, the other looks when it last did.

use crate::time::Moment;
use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

const SIZE: usize = size_of::<AtomicU64>();

/// The shared moment, nanoseconds by `CLOCK_MONOTONIC` and zero before the first beat; each side maps it for
/// itself.
#[derive(Debug)]
pub struct Heartbeat {
    memory: OwnedFd,
    last: NonNull<AtomicU64>,
}

// SAFETY: the pointer is only ever used as `&AtomicU64`, which may be shared between threads.
unsafe impl Send for Heartbeat {}
// SAFETY: as above.
unsafe impl Sync for Heartbeat {}

impl Heartbeat {
    /// Makes one that has never beaten.
    ///
    /// # Errors
    /// The kernel has no memory or descriptors left.
    pub fn new() -> Result<Self, Errno> {
        use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
        let memory = memfd_create("heartbeat", MemfdFlags::CLOEXEC)?;
        ftruncate(&memory, SIZE as u64)?;
        Self::open(memory)
    }

    /// Maps the one of another process, whose descriptor was passed on.
    ///
    /// # Errors
    /// The descriptor is not that of a heartbeat, or the kernel has no memory left.
    pub fn open(memory: OwnedFd) -> Result<Self, Errno> {
        // A shorter file would raise SIGBUS when it is touched.
        if rustix::fs::fstat(&memory)?.st_size < SIZE as i64 {
            return Err(Errno::INVAL);
        }
        // SAFETY: a new mapping of its own, at an address that the kernel chooses.
        let address = unsafe {
            mmap(
                std::ptr::null_mut(),
                SIZE,
                ProtFlags::READ | ProtFlags::WRITE,
                MapFlags::SHARED,
                &memory,
                0,
            )?
        };
        let last = NonNull::new(address.cast()).ok_or(Errno::NOMEM)?;
        Ok(Self { memory, last })
    }

    fn last(&self) -> &AtomicU64 {
        // SAFETY: the mapping lives as long as `self`, is page-aligned, and is only ever accessed
        // atomically, by this and by the other process.
        unsafe { self.last.as_ref() }
    }

    /// Beats: whoever does is alive now.
    pub fn beat(&self) {
        let now = Moment::now().monotonic.as_nanos();
        self.last().store(u64::try_from(now).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// How long ago the last beat was, without time in which the host was suspended; `None` before the first.
    pub fn age(&self) -> Option<Duration> {
        let last = self.last().load(Ordering::Relaxed);
        (last > 0).then(|| Moment::now().monotonic.saturating_sub(Duration::from_nanos(last)))
    }
}

impl AsFd for Heartbeat {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.memory.as_fd()
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        // SAFETY: the mapping was made in `open` and nothing refers to it any more. It can only
        // fail for an address that is no mapping.
        let _ = unsafe { munmap(self.last.as_ptr().cast(), SIZE) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_other_side_sees_when_it_last_beat() {
        let ours = Heartbeat::new().unwrap();
        let theirs = Heartbeat::open(ours.as_fd().try_clone_to_owned().unwrap()).unwrap();
        assert_eq!(ours.age(), None);
        let before = Moment::now();
        theirs.beat();
        std::thread::sleep(Duration::from_millis(5));
        let age = ours.age().unwrap();
        assert!(age >= Duration::from_millis(5) && age <= Moment::now().since(before), "{age:?}");
    }

    #[test]
    fn what_is_no_heartbeat_is_refused() {
        let empty = rustix::fs::memfd_create("empty", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        assert!(Heartbeat::open(empty).is_err());
    }
}
