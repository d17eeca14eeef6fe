//! Users and capabilities: what a process keeps of root.

use rustix::io::Errno;
use rustix::thread::{CapabilitySet, CapabilitySets};
use serde::{Deserialize, Serialize};
use std::ffi::CString;

/// A user of this machine with its groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct User {
    /// User number.
    pub uid: u32,
    /// Primary group, or the one that was asked for.
    pub gid: u32,
    /// Supplementary groups, the primary one included.
    pub groups: Vec<u32>,
}

impl User {
    /// Looks a user up by name; `group` replaces the primary group. `None` when one is unknown.
    pub fn find(name: &str, group: Option<&str>) -> Option<Self> {
        let name = CString::new(name).ok()?;
        let mut entry = std::mem::MaybeUninit::<libc::passwd>::uninit();
        let mut buffer = vec![0 as libc::c_char; 16 << 10];
        let mut found = std::ptr::null_mut();
        // SAFETY: all pointers are valid for the call and `buffer.len()` is the buffer's length;
        // `entry` is read only when the call says that it was filled.
        let (uid, primary) = unsafe {
            let result = libc::getpwnam_r(
                name.as_ptr(),
                entry.as_mut_ptr(),
                buffer.as_mut_ptr(),
                buffer.len(),
                &mut found,
            );
            if result != 0 || found.is_null() {
                return None;
            }
            let entry = entry.assume_init();
            (entry.pw_uid, entry.pw_gid)
        };
        let gid = match group {
            Some(group) => find_group(group)?,
            None => primary,
        };
        Some(Self { uid, gid, groups: groups_of(&name, gid) })
    }
}

/// The number of a group.
pub fn find_group(name: &str) -> Option<u32> {
    let name = CString::new(name).ok()?;
    let mut entry = std::mem::MaybeUninit::<libc::group>::uninit();
    let mut buffer = vec![0 as libc::c_char; 64 << 10];
    let mut found = std::ptr::null_mut();
    // SAFETY: as for getpwnam_r above.
    unsafe {
        let result = libc::getgrnam_r(
            name.as_ptr(),
            entry.as_mut_ptr(),
            buffer.as_mut_ptr(),
            buffer.len(),
            &mut found,
        );
        (result == 0 && !found.is_null()).then(|| entry.assume_init().gr_gid)
    }
}

fn groups_of(name: &CString, gid: u32) -> Vec<u32> {
    let mut groups = vec![0 as libc::gid_t; 1024];
    let mut count = groups.len() as libc::c_int;
    // SAFETY: `count` is the room in `groups`, and the call writes at most as many entries.
    let result = unsafe { libc::getgrouplist(name.as_ptr(), gid, groups.as_mut_ptr(), &mut count) };
    if result < 0 {
        return vec![gid];
    }
    groups.truncate(usize::try_from(count).unwrap_or(0));
    groups
}

/// Becomes this user and keeps just these capabilities, with no way to gain others.
///
/// To be called before threads are started: the C library changes all threads of the process, the
/// capabilities are those of the caller. With uid 0 in `user` the capabilities are reduced all the
/// same, but a program that is executed later gets root's again. The signal at the parent's death,
/// which the kernel forgets when the identity changes, is kept.
///
/// # Errors
/// The process is not root, or the kernel refuses.
pub fn become_user(user: &User, keep: CapabilitySet, no_new_privileges: bool) -> Result<(), Errno> {
    let groups: Vec<libc::gid_t> = user.groups.clone();
    let at_parents_death = rustix::process::parent_process_death_signal()?;
    rustix::thread::set_keep_capabilities(true)?;
    // SAFETY: the pointer and the length describe `groups`; the calls change only the identity of
    // this process.
    unsafe {
        check(libc::setgroups(groups.len(), groups.as_ptr()))?;
        check(libc::setresgid(user.gid, user.gid, user.gid))?;
        check(libc::setresuid(user.uid, user.uid, user.uid))?;
    }
    rustix::thread::set_keep_capabilities(false)?;
    keep_only(keep)?;
    if no_new_privileges {
        rustix::thread::set_no_new_privs(true)?;
    }
    rustix::process::set_parent_process_death_signal(at_parents_death)
}

/// Gives up all capabilities but these.
///
/// # Errors
/// The kernel refuses, because the process does not have them.
pub fn keep_only(keep: CapabilitySet) -> Result<(), Errno> {
    let sets = CapabilitySets { effective: keep, permitted: keep, inheritable: CapabilitySet::empty() };
    rustix::thread::set_capabilities(None, sets)
}

fn check(result: libc::c_int) -> Result<(), Errno> {
    if result == 0 { Ok(()) } else { Err(last_error()) }
}

fn last_error() -> Errno {
    // SAFETY: the C library gives every thread an errno of its own.
    Errno::from_raw_os_error(unsafe { *libc::__errno_location() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_and_groups_are_found_by_name() {
        let root = User::find("root", None).unwrap();
        assert_eq!((root.uid, root.gid), (0, 0));
        assert_eq!(User::find("root", Some("daemon")).unwrap().gid, find_group("daemon").unwrap());
        assert!(User::find("no such user", None).is_none());
        assert!(User::find("root", Some("no such group")).is_none());
        assert!(User::find("a\0b", None).is_none());
    }
}
