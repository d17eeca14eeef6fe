//! From a command of the configuration to a child: `script`, `notify_…`, `user`, `script_user`,
//! `enable_script_security`.
//!
//! A child has the environment of this process without what would mislead it ([`kept_from`]), with
//! keepalived's PATH when there is none, `/` as its directory, and `/dev/null` as stdin, stdout and
//! stderr, as with keepalived: a pipe could fill up and block it, or break under a service that it starts.

use crate::error::Error;
use crate::process::{Process, Running};
use keepalived_conf::model::{Command, Global, Shell};
use keepalived_conf::program;
use logging::{Level, Logger};
use std::collections::{BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use sys::privileges::User;

/// What concerns the service, not its scripts; and, as in keepalived, what would make the loader or a
/// shell do other than the script says.
const KEPT: [&str; 10] = [
    "IFS",
    "JOURNAL_STREAM",
    "LISTEN_FDNAMES",
    "LISTEN_FDS",
    "LISTEN_PID",
    "LD_LIBRARY_PATH",
    "LD_PRELOAD",
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
];
const SH: &str = "/bin/sh";

/// A user and a group by name.
pub(crate) type Owner = (String, Option<String>);

/// Starts commands.
#[derive(Debug)]
pub(crate) struct Launcher {
    script_user: Option<Owner>,
    security: bool,
    own: User,
    path: OsString,
    users: HashMap<Owner, User>,
    /// Bare names whose path was logged.
    said: BTreeSet<String>,
}

impl Launcher {
    /// Starts nothing as another user when this process is not root.
    pub(crate) fn new() -> Self {
        let own = sys::child::own_identity().unwrap_or(User { uid: u32::MAX, gid: u32::MAX, groups: vec![] });
        Self {
            script_user: None,
            security: false,
            own,
            path: program::search_path(),
            users: HashMap::new(),
            said: BTreeSet::new(),
        }
    }

    /// Follows other settings from now on; says whether they concern how scripts run.
    pub(crate) fn configure(&mut self, global: &Global) -> bool {
        let changed = self.script_user != global.script_user || self.security != global.script_security;
        self.script_user.clone_from(&global.script_user);
        self.security = global.script_security;
        self.users.clear();
        changed
    }

    /// Starts a command with further arguments. What can be wrong with its files is told by the process.
    pub(crate) fn start(
        &mut self,
        command: &Command,
        user: Option<&Owner>,
        arguments: &[String],
        logger: &mut Logger,
    ) -> Result<Process, Error> {
        let user = self.user(user)?;
        let mut shown = String::new();
        let words = match command {
            Command::Exec(words) => {
                let mut words = words.iter();
                let name = words.next().map_or("", String::as_str);
                let program = self.find(name, logger)?;
                let mut all = vec![program.into_os_string()];
                all.extend(words.map(OsString::from));
                all.extend(arguments.iter().map(OsString::from));
                all
            }
            Command::Shell { shell, line } => {
                shown.clone_from(line);
                let mut all = vec![self.shell(*shell), "-c".into(), with_arguments(line, arguments).into()];
                all.push("sh".into());
                all.extend(arguments.iter().map(OsString::from));
                all
            }
            // A child opens it: it has the user's rights, and a file system that hangs hangs only it.
            Command::FileOpens(path) => {
                vec![SH.into(), "-c".into(), ": <\"$0\"".into(), path.into()]
            }
        };
        let how = How { user, own: self.own.clone(), security: self.security, path: self.path.clone() };
        let start = move || {
            program::named_in(&shown).try_for_each(|program| how.secure(program))?;
            how.secure(Path::new(&words[0]))?;
            how.execute(&words)
        };
        Process::start(start).map_err(|error| Error::Kernel("a thread".to_owned(), error))
    }

    fn user(&mut self, written: Option<&Owner>) -> Result<User, Error> {
        if self.own.uid != 0 {
            return Ok(self.own.clone());
        }
        let Some(owner) = written.or(self.script_user.as_ref()) else {
            let unwritten = ("keepalived_script".to_owned(), None);
            if let Some(user) = self.users.get(&unwritten) {
                return Ok(user.clone());
            }
            let user = User::find(&unwritten.0, None).unwrap_or_else(|| self.own.clone());
            self.users.insert(unwritten, user.clone());
            return Ok(user);
        };
        if let Some(user) = self.users.get(owner) {
            return Ok(user.clone());
        }
        let (name, group) = owner;
        let user = User::find(name, group.as_deref())
            .ok_or_else(|| Error::UnknownUser(name.clone(), group.clone()))?;
        self.users.insert(owner.clone(), user.clone());
        Ok(user)
    }

    /// The program that a name stands for.
    fn find(&mut self, name: &str, logger: &mut Logger) -> Result<PathBuf, Error> {
        if name.contains('/') {
            return Ok(PathBuf::from(name));
        }
        let path = program::find(name, &self.path).ok_or_else(|| Error::NotOnPath(name.to_owned()))?;
        if self.said.insert(name.to_owned()) {
            logger.log(Level::Info, &format!("script `{name}` is run as `{}`", path.display()));
        }
        Ok(path)
    }

    fn shell(&self, shell: Shell) -> OsString {
        let bash = || {
            let folders = std::env::split_paths(&self.path).chain(["/bin".into(), "/usr/bin".into()]);
            folders.map(|folder| folder.join("bash")).find(|path| path.is_file())
        };
        match shell {
            Shell::Posix => SH.into(),
            Shell::Bash => bash().map_or_else(|| SH.into(), PathBuf::into_os_string),
        }
    }
}

/// How a program is to be executed.
struct How {
    user: User,
    own: User,
    security: bool,
    path: OsString,
}

impl How {
    /// keepalived's rule: what runs as root must not be changeable by others.
    fn secure(&self, path: &Path) -> Result<(), Error> {
        if !self.security || self.user.uid != 0 {
            return Ok(());
        }
        let resolved = match fs::canonicalize(path) {
            Ok(resolved) => resolved,
            // Somebody else's folder keeps us out, not the shell of root's that would run it.
            Err(error) if denied(&error) => path.to_owned(),
            // What is not there is told by starting it.
            Err(_) => return Ok(()),
        };
        match program::changeable_part(path) {
            Some(part) => Err(Error::Insecure(path.to_owned(), part)),
            None if resolved.exists() => Ok(()),
            None => Err(Error::NotExecutable(path.to_owned(), self.user.uid)),
        }
    }

    fn execute(&self, words: &[OsString]) -> Result<Running, Error> {
        let user = &self.user;
        let start = |words: &[OsString]| {
            let mut command = std::process::Command::new(&words[0]);
            command.args(&words[1..]).env_clear().current_dir("/");
            command.envs(std::env::vars_os().filter(|(name, _)| !kept_from(name))).env("PATH", &self.path);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            if *user != self.own {
                sys::child::run_as(&mut command, user);
            }
            Running::start(&mut command)
        };
        let through_sh = |script: &[&str]| {
            let script = script.iter().map(OsString::from);
            start(
                &[OsString::from(SH)]
                    .into_iter()
                    .chain(script)
                    .chain(words.iter().cloned())
                    .collect::<Vec<_>>(),
            )
        };
        let program = Path::new(&words[0]);
        let outcome = match start(words) {
            // A script without a first line that names its interpreter.
            Err(error) if error.raw_os_error() == Some(NO_PROGRAM_FORMAT) => through_sh(&[]),
            // This process gave up root's way past permission bits; a shell of root's has it.
            Err(error) if denied(&error) && user.uid == 0 && self.own.uid == 0 && may_execute(program) => {
                through_sh(&["-c", "exec \"$0\" \"$@\""])
            }
            outcome => outcome,
        };
        outcome.map_err(|error| explain(program, user, error))
    }
}

/// Whether scripts do not get this variable.
fn kept_from(name: &OsStr) -> bool {
    name.as_encoded_bytes().starts_with(b"BACKSTAY_") || KEPT.iter().any(|kept| name == *kept)
}

/// `ENOEXEC`
const NO_PROGRAM_FORMAT: i32 = rustix::io::Errno::NOEXEC.raw_os_error();

fn denied(error: &io::Error) -> bool {
    error.kind() == ErrorKind::PermissionDenied
}

/// Whether root may execute it, as far as can be seen from here.
fn may_execute(program: &Path) -> bool {
    program::is_program(program) || fs::metadata(program).is_err_and(|error| denied(&error))
}

fn explain(program: &Path, user: &User, error: io::Error) -> Error {
    match error.kind() {
        ErrorKind::NotFound if program.exists() => {
            Error::InterpreterMissing(program.to_owned(), interpreter(program).unwrap_or_default())
        }
        ErrorKind::NotFound | ErrorKind::NotADirectory => Error::Missing(program.to_owned()),
        _ if error.raw_os_error() == Some(rustix::io::Errno::ACCESS.raw_os_error()) => {
            Error::NotExecutable(program.to_owned(), user.uid)
        }
        _ => Error::Kernel(program.display().to_string(), error),
    }
}

/// The program that the first line of a script names, or its loader when it is no script.
fn interpreter(program: &Path) -> Option<String> {
    let mut line = Vec::new();
    BufReader::new(File::open(program).ok()?).take(256).read_until(b'\n', &mut line).ok()?;
    let line = line.strip_suffix(b"\n").unwrap_or(&line);
    let Some(line) = line.strip_prefix(b"#!") else { return Some("its program loader".to_owned()) };
    let line = String::from_utf8_lossy(line);
    if line.ends_with('\r') {
        return Some(line.into_owned());
    }
    Some(line.split_whitespace().next().unwrap_or_default().to_owned())
}

/// A line for a shell that hands its arguments on to its last command.
///
/// The arguments themselves never become part of the line. A line that takes them by itself, or has
/// no command at its end that could take them, stays as it is.
fn with_arguments(line: &str, arguments: &[String]) -> String {
    let line = line.trim_end();
    let takes_them = line.match_indices('$').any(|(at, _)| {
        let rest = line[at + 1..].trim_start_matches('{');
        rest.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '@' | '*' | '#'))
    });
    let last = line.rsplit([' ', '\t', ';']).next().unwrap_or_default();
    let no_command_last =
        line.ends_with([';', '&', ')', '}']) || matches!(last, "fi" | "done" | "esac" | "]]");
    if arguments.is_empty() || takes_them || no_command_last {
        return line.to_owned();
    }
    format!("{line} \"$@\"")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_go_to_the_last_command_of_a_line() {
        let arguments = ["INSTANCE".to_owned()];
        let with = |line| with_arguments(line, &arguments);
        assert_eq!(with("/n.sh > /tmp/log 2>&1"), "/n.sh > /tmp/log 2>&1 \"$@\"");
        assert_eq!(with("test -f /x && /n.sh"), "test -f /x && /n.sh \"$@\"");
        assert_eq!(with("/n.sh \"$2\" | logger"), "/n.sh \"$2\" | logger");
        assert_eq!(with("/n.sh ${3} ; true"), "/n.sh ${3} ; true");
        assert_eq!(with("/n.sh &"), "/n.sh &");
        assert_eq!(with("if true; then x; fi"), "if true; then x; fi");
        assert_eq!(with_arguments("/n.sh > /tmp/log", &[]), "/n.sh > /tmp/log");
    }
}
