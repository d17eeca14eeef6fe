//! Starting a program, as another user too.

use crate::privileges::User;
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, pipe_with};
use std::ffi::{CString, OsStr};
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::ptr;

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
        if outcomes == [0; 3] { Ok(()) } else { Err(io::Error::last_os_error()) }
    };
    // SAFETY: between fork and exec only system calls are made: nothing is allocated and no lock is
    // taken that another thread could have held.
    unsafe { command.pre_exec(become_user) };
}

/// Starts a command, once; returns when its program is executed. The program is named by its path, and
/// the command has an environment of its own ([`Command::env_clear`]).
///
/// [`Command::spawn`] waits for the end of a pipe. A child that another thread has started meanwhile holds
/// that pipe too, until it executes a program of its own: one whose file system does not answer would hold
/// up all who start something beside it. Here a child closes whatever it has from others first.
///
/// # Errors
/// What fork or execve say, and a word with a zero byte in it.
pub fn spawn(command: &mut Command) -> io::Result<Child> {
    let (hear, tell) = pipe_with(PipeFlags::CLOEXEC)?;
    let image = Image::of(command)?;
    let told = tell.as_raw_fd();
    // SAFETY: between fork and exec only system calls are made: nothing is allocated and no lock is
    // taken that another thread could have held.
    unsafe { command.pre_exec(move || image.execute(told)) };
    let mut child = command.spawn()?;
    drop(tell);
    let mut errno = Vec::new();
    File::from(hear).read_to_end(&mut errno)?;
    match errno.first_chunk() {
        None => Ok(child),
        Some(errno) => {
            child.wait()?;
            Err(io::Error::from_raw_os_error(i32::from_ne_bytes(*errno)))
        }
    }
}

/// A program with its arguments and its environment, as execve wants them.
struct Image {
    program: CString,
    /// Each list of pointers into its strings ends in a null pointer.
    arguments: (Vec<CString>, Vec<*const libc::c_char>),
    environment: (Vec<CString>, Vec<*const libc::c_char>),
}

// SAFETY: the pointers lead to the heap memory of strings that the same value owns and nobody changes.
unsafe impl Send for Image {}
// SAFETY: as above.
unsafe impl Sync for Image {}

impl Image {
    fn of(command: &Command) -> io::Result<Self> {
        let string = |text: &OsStr| CString::new(text.as_bytes()).map_err(io::Error::from);
        let with_pointers = |strings: Vec<CString>| {
            let pointers = strings.iter().map(|string| string.as_ptr()).chain([ptr::null()]).collect();
            (strings, pointers)
        };
        let words = [command.get_program()].into_iter().chain(command.get_args());
        let arguments = words.map(string).collect::<io::Result<Vec<_>>>()?;
        let variables = command.get_envs().filter_map(|(name, value)| Some((name, value?)));
        let variables = variables.map(|(name, value)| string(&[name, value].join(OsStr::new("="))));
        Ok(Self {
            program: string(command.get_program())?,
            arguments: with_pointers(arguments),
            environment: with_pointers(variables.collect::<io::Result<Vec<_>>>()?),
        })
    }

    /// Becomes the program. Where it cannot, the process ends, and its parent reads why from `tell`.
    fn execute(&self, tell: RawFd) -> io::Result<()> {
        const TELL: RawFd = 3;
        // SAFETY: this is the only thread of a process that has its memory for itself, and no object of
        // it that owns a descriptor is used any more. The pointers given to execve lead to strings that
        // end in zero, in lists that end in null, and errno to four bytes.
        unsafe {
            if tell != TELL && libc::dup3(tell, TELL, libc::O_CLOEXEC) == -1 {
                return Err(io::Error::last_os_error());
            }
            // A kernel without it (before 5.9) leaves the descriptors to execve.
            libc::syscall(libc::SYS_close_range, TELL + 1, libc::c_uint::MAX, 0);
            libc::execve(self.program.as_ptr(), self.arguments.1.as_ptr(), self.environment.1.as_ptr());
            let errno = *libc::__errno_location();
            libc::write(TELL, (&raw const errno).cast(), size_of_val(&errno));
            libc::_exit(127)
        }
    }
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
    fn a_program_is_executed_or_it_is_said_why_not() {
        let mut command = Command::new("/bin/sh");
        command.args(["-c", "exit $((${#A} + $# + $(env | grep -c '^A=')))", "sh", "one", "two"]);
        command.env_clear().env("A", "four").env("PATH", "/usr/bin:/bin");
        assert_eq!(spawn(&mut command).unwrap().wait().unwrap().code(), Some(7));
        let missing = spawn(Command::new("/nonexistent").env_clear()).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
        let directory = spawn(Command::new("/tmp").env_clear()).unwrap_err();
        assert_eq!(directory.kind(), io::ErrorKind::PermissionDenied);
    }

    #[test]
    fn the_own_identity() {
        assert_eq!(own_identity().unwrap().uid, rustix::process::geteuid().as_raw());
    }
}
