//! A counter in memory that two processes share: one counts, the other watches.

use rustix::io::Errno;
use rustix::mm::{MapFlags, ProtFlags, mmap, munmap};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

const SIZE: usize = size_of::<AtomicU64>();

/// The shared counter; each side maps it for itself.
#[derive(Debug)]
pub struct Heartbeat {
    memory: OwnedFd,
    counter: NonNull<AtomicU64>,
}

// SAFETY: the pointer is only ever used as `&AtomicU64`, which may be shared between threads.
unsafe impl Send for Heartbeat {}
// SAFETY: as above.
unsafe impl Sync for Heartbeat {}

impl Heartbeat {
    /// Makes a counter that stands at zero.
    ///
    /// # Errors
    /// The kernel has no memory or descriptors left.
    pub fn new() -> Result<Self, Errno> {
        use rustix::fs::{MemfdFlags, ftruncate, memfd_create};
        let memory = memfd_create("heartbeat", MemfdFlags::CLOEXEC)?;
        ftruncate(&memory, SIZE as u64)?;
        Self::open(memory)
    }

    /// Maps the counter of another process, whose descriptor was passed on.
    ///
    /// # Errors
    /// The descriptor is not that of a counter, or the kernel has no memory left.
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
        let counter = NonNull::new(address.cast()).ok_or(Errno::NOMEM)?;
        Ok(Self { memory, counter })
    }

    fn counter(&self) -> &AtomicU64 {
        // SAFETY: the mapping lives as long as `self`, is page-aligned, and is only ever accessed
        // atomically, by this and by the other process.
        unsafe { self.counter.as_ref() }
    }

    /// Counts one beat.
    pub fn beat(&self) {
        self.counter().fetch_add(1, Ordering::Relaxed);
    }

    /// Beats so far.
    pub fn count(&self) -> u64 {
        self.counter().load(Ordering::Relaxed)
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
        let _ = unsafe { munmap(self.counter.as_ptr().cast(), SIZE) };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_see_the_count() {
        let ours = Heartbeat::new().unwrap();
        let theirs = Heartbeat::open(ours.as_fd().try_clone_to_owned().unwrap()).unwrap();
        theirs.beat();
        theirs.beat();
        assert_eq!(ours.count(), 2);
    }

    #[test]
    fn what_is_no_counter_is_refused() {
        let empty = rustix::fs::memfd_create("empty", rustix::fs::MemfdFlags::CLOEXEC).unwrap();
        assert!(Heartbeat::open(empty).is_err());
    }
}
