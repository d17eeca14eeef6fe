//! Why a command cannot be started, in an operator's words.

use std::path::PathBuf;

/// Why a command cannot be started.
#[derive(Debug)]
#[non_exhaustive]
pub(crate) enum Error {
    /// The operator named a program that is not there.
    Missing(PathBuf),
    /// A bare name is in no directory of the path.
    NotOnPath(String),
    /// The operator's file may not be executed by the user.
    NotExecutable(PathBuf, u32),
    /// The program in the first line of the operator's script is not there.
    InterpreterMissing(PathBuf, String),
    /// Others than root can change a part of the operator's path.
    Insecure(PathBuf, PathBuf),
    /// The operator named a user or group that is not there.
    UnknownUser(String, Option<String>),
    /// The kernel refused to start it.
    Kernel(String, std::io::Error),
    /// The thread that was to start it has died: a mistake of ours.
    Lost,
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing(path) => write!(f, "there is no `{}`", path.display()),
            Self::NotOnPath(name) => write!(f, "there is no program `{name}` on the path"),
            Self::NotExecutable(path, uid) => {
                write!(f, "`{}` is not executable for uid {uid}", path.display())
            }
            Self::InterpreterMissing(path, line) => match line.strip_suffix('\r') {
                Some(_) => write!(
                    f,
                    "the first line of `{}` ends in a carriage return: save it with Unix line ends",
                    path.display()
                ),
                None => write!(f, "`{}` needs `{line}`, which is not here", path.display()),
            },
            Self::Insecure(path, part) => write!(
                f,
                "`{}` is refused by enable_script_security: others than root can change `{}`",
                path.display(),
                part.display()
            ),
            Self::UnknownUser(user, None) => write!(f, "there is no user `{user}`"),
            Self::UnknownUser(user, Some(group)) => {
                write!(f, "there is no user `{user}` or no group `{group}`")
            }
            Self::Lost => f.write_str("what was to start it has died"),
            Self::Kernel(what, error) => write!(f, "`{what}` cannot be started: {error}"),
        }
    }
}

impl std::error::Error for Error {}
