//! Local time, which only the C library knows.

use std::mem::MaybeUninit;

/// How far local time is from UTC at a moment, by `/etc/localtime` or `TZ`; zero when unknown.
pub fn local_offset(seconds: i64) -> i64 {
    let mut parts = MaybeUninit::<libc::tm>::zeroed();
    // SAFETY: both pointers are valid for the call; localtime_r writes only to `parts`, which is
    // fully initialised (zeroed) whatever it returns.
    unsafe {
        if libc::localtime_r(&seconds, parts.as_mut_ptr()).is_null() {
            return 0;
        }
        parts.assume_init().tm_gmtoff
    }
}
