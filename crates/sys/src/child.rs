//! Starting a program as another user.

use crate::privileges::User;
use rustix::io::Errno;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Makes a command run with exactly this user, group and supplementary groups. Needs CAP_SETUID and
/// CAP_SETGID when it is started; without them starting it fails with `EPERM`.
///
/// A program run as root has root's capabilities again, even when this process gave them up, as
/// long as they are still in its bounding set.
pub fn run_as(command: &mut Command, user: &User) {
    let User { uid, gid, ref groups } = *user;
    let groups: Vec<libc::gid_t> = groups.clone();
    let become_user = move || {
        // SAFETY: the pointer and the length describe `groups`, which the closure owns.
        let outcomes = unsafe {
            [
                libc::setgroups(groups.len(), groups.as_ptr()),
                libc::setresgid(gid, gid, gid),
                libc::setresuid(uid, uid, uid),
            ]
        };
        if outcomes == [0; 3] { Ok(()) } else { Err(std::io::Error::last_os_error()) }
    };
    // SAFETY: between fork and exec only system calls are made: nothing is allocated and no lock is
    // taken that another thread could have held.
    unsafe { command.pre_exec(become_user) };
}

/// The user, group and supplementary groups of this process.
///
/// # Errors
/// None is known for a call with these arguments.
pub fn own_identity() -> Result<User, Errno> {
    let groups = rustix::process::getgroups()?;
    Ok(User {
        uid: rustix::process::geteuid().as_raw(),
        gid: rustix::process::getegid().as_raw(),
        groups: groups.into_iter().map(|group| group.as_raw()).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_has_the_identity_that_was_asked_for() {
        if !rustix::process::geteuid().is_root() {
            eprintln!("not run: needs root");
            return;
        }
        let user = User { uid: 1, gid: 2, groups: vec![2, 3] };
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "id -u; id -g; id -G"]);
        run_as(&mut command, &user);
        let output = command.output().unwrap();
        assert_eq!(String::from_utf8_lossy(&output.stdout), "1\n2\n2 3\n");
    }

    #[test]
    fn the_own_identity() {
        assert_eq!(own_identity().unwrap().uid, rustix::process::geteuid().as_raw());
    }
}
