//! Confinement of a process that reads what strangers send: it writes no file and starts no
//! program, whatever becomes of it.

use landlock::{ABI, AccessFs, Ruleset, RulesetAttr, RulesetStatus};
use seccompiler::{BpfProgram, SeccompAction, SeccompFilter, TargetArch};
use std::collections::BTreeMap;

/// Why a process could not be confined.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The kernel has no Landlock, or refuses it.
    Landlock(String),
    /// The kernel has no seccomp filters, or refuses this one.
    Seccomp(String),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Landlock(why) => write!(f, "Landlock: {why}"),
            Self::Seccomp(why) => write!(f, "seccomp: {why}"),
        }
    }
}

impl std::error::Error for Error {}

/// Forbids this thread, and those it starts later, to create, change or remove any file. Files that
/// are open stay usable; reading is left to the file's own permissions.
///
/// # Errors
/// The kernel does not offer it: everything else goes on as before.
pub fn write_no_files() -> Result<(), Error> {
    let explain = |error: landlock::RulesetError| Error::Landlock(error.to_string());
    let status = Ruleset::default()
        .handle_access(AccessFs::from_write(ABI::V3))
        .and_then(Ruleset::create)
        .map_err(explain)?
        .restrict_self()
        .map_err(explain)?;
    match status.ruleset {
        RulesetStatus::NotEnforced => Err(Error::Landlock("not offered by this kernel".to_owned())),
        _ => Ok(()),
    }
}

/// System calls that a server of files and requests never makes: a process that makes one has been
/// taken over, and is killed.
const FORBIDDEN: &[libc::c_long] = &[
    libc::SYS_execve,
    libc::SYS_execveat,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_fork,
    #[cfg(target_arch = "x86_64")]
    libc::SYS_vfork,
    libc::SYS_ptrace,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_mount,
    libc::SYS_umount2,
    libc::SYS_pivot_root,
    libc::SYS_chroot,
    libc::SYS_unshare,
    libc::SYS_setns,
    libc::SYS_init_module,
    libc::SYS_finit_module,
    libc::SYS_delete_module,
    libc::SYS_kexec_load,
    libc::SYS_kexec_file_load,
    libc::SYS_bpf,
    libc::SYS_perf_event_open,
    libc::SYS_userfaultfd,
    libc::SYS_keyctl,
    libc::SYS_add_key,
    libc::SYS_request_key,
    libc::SYS_reboot,
    libc::SYS_swapon,
    libc::SYS_swapoff,
    libc::SYS_setuid,
    libc::SYS_setresuid,
    libc::SYS_setgid,
    libc::SYS_setresgid,
    libc::SYS_setgroups,
    libc::SYS_open_by_handle_at,
    libc::SYS_personality,
];

/// Kills this process when it, or a thread it starts later, makes a system call with which a
/// process that was taken over goes on: starting programs, tracing others, changing its identity,
/// mounts, namespaces or the kernel. Needs `no_new_privs`.
///
/// # Errors
/// The kernel does not offer it, or this is a processor we have no filter for.
pub fn start_no_programs() -> Result<(), Error> {
    let explain = |error: &dyn std::fmt::Display| Error::Seccomp(error.to_string());
    let arch = TargetArch::try_from(std::env::consts::ARCH).map_err(|error| explain(&error))?;
    let rules: BTreeMap<i64, Vec<_>> = FORBIDDEN.iter().map(|call| (*call, Vec::new())).collect();
    let filter = SeccompFilter::new(rules, SeccompAction::Allow, SeccompAction::KillProcess, arch)
        .map_err(|error| explain(&error))?;
    let program: BpfProgram =
        filter.try_into().map_err(|error: seccompiler::BackendError| explain(&error))?;
    seccompiler::apply_filter(&program).map_err(|error| explain(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confined_thread_writes_nothing_and_reads_on() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        std::fs::write(&path, "before").unwrap();
        let target = path.clone();
        let confined = std::thread::spawn(move || {
            rustix::thread::set_no_new_privs(true).unwrap();
            if let Err(error) = write_no_files() {
                eprintln!("not run: {error}");
                return;
            }
            assert!(std::fs::write(&target, "after").is_err());
            assert!(std::fs::remove_file(&target).is_err());
            assert_eq!(std::fs::read_to_string(&target).unwrap(), "before");
        });
        confined.join().unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "before");
    }
}
