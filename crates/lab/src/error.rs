//! What can go wrong in a lab, and whose fault it is.

use std::io;

/// Why a lab cannot be built or a scenario did not do what it promises.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The operator's: namespaces can only be made by root.
    NotRoot,
    /// The operator's: a program is not installed.
    Missing(String),
    /// The operator's: an option has no such value.
    Option(String),
    /// The kernel refused something.
    Kernel {
        /// What was asked of it.
        what: String,
        /// Its answer.
        error: io::Error,
    },
    /// A command in a host failed, which the lab itself needs.
    Command {
        /// The host's name.
        host: String,
        /// The command line.
        command: String,
        /// What it printed.
        output: String,
    },
    /// The programs under test: something expected did not happen.
    Unmet(String),
    /// The operator pressed Ctrl-C.
    Interrupted,
}

impl Error {
    /// Wraps the kernel's answer with what was asked.
    pub(crate) fn kernel(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |error| Error::Kernel { what, error }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::NotRoot => f.write_str(
                "the lab needs root: it makes network, mount and process namespaces (nothing on this \
                 machine is changed); run it with sudo",
            ),
            Error::Missing(program) => write!(f, "{program} is not installed, and the lab needs it"),
            Error::Option(why) => f.write_str(why),
            Error::Kernel { what, error } => write!(f, "{what}: {error}"),
            Error::Command { host, command, output } => {
                write!(f, "{host}: «{command}» failed: {}", output.trim())
            }
            Error::Unmet(what) => write!(f, "did not happen: {what}"),
            Error::Interrupted => f.write_str("interrupted"),
        }
    }
}

impl std::error::Error for Error {}
