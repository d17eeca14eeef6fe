//! Which programs play the two roles on a host.

use crate::Error;
use std::path::{Path, PathBuf};

/// A program that answers to one of the two names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Program {
    /// Our binary, called by the role's name.
    Ours(PathBuf),
    /// What the machine has under that name.
    Installed,
}

/// The programs called `keepalived` and `nginx` on a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Programs {
    /// Moves the addresses.
    pub keepalived: Program,
    /// Serves HTTP.
    pub nginx: Program,
}

impl Programs {
    /// Our binary in both roles.
    pub fn ours(binary: &Path) -> Self {
        Self { keepalived: Program::Ours(binary.into()), nginx: Program::Ours(binary.into()) }
    }

    /// The originals in both roles.
    pub fn installed() -> Self {
        Self { keepalived: Program::Installed, nginx: Program::Installed }
    }

    /// Reads the value of `--with`: `backstay`, or the originals to use instead of it, joined by
    /// commas: `keepalived`, `nginx`.
    ///
    /// # Errors
    /// Another word, or an original that is not installed.
    pub fn parse(words: &str, binary: &Path) -> Result<Self, Error> {
        let mut programs = Self::ours(binary);
        for word in words.split(',') {
            match word {
                "backstay" => {}
                "keepalived" => programs.keepalived = Program::Installed,
                "nginx" => programs.nginx = Program::Installed,
                _ => {
                    let choice = "backstay, keepalived, nginx or keepalived,nginx";
                    return Err(Error::Option(format!("--with {word}: expected {choice}")));
                }
            }
        }
        programs.check()?;
        Ok(programs)
    }

    /// # Errors
    /// When one of them is not on this machine.
    pub fn check(&self) -> Result<(), Error> {
        for (name, program) in [("keepalived", &self.keepalived), ("nginx", &self.nginx)] {
            let there = match program {
                Program::Installed => is_installed(name),
                Program::Ours(path) => path.is_file(),
            };
            if !there {
                let missing = match program {
                    Program::Installed => name.into(),
                    Program::Ours(path) => path.display().to_string(),
                };
                return Err(Error::Missing(missing));
            }
        }
        Ok(())
    }

    /// Name and path of what the host's private directory holds.
    pub(crate) fn private(&self) -> Vec<(&'static str, &Path)> {
        let mut private = Vec::new();
        for (name, program) in [("keepalived", &self.keepalived), ("nginx", &self.nginx)] {
            if let Program::Ours(path) = program {
                private.push((name, path.as_path()));
            }
        }
        if let Some((_, ours)) = private.first() {
            private.push(("backstay", ours));
        }
        private
    }
}

impl std::fmt::Display for Programs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.keepalived, &self.nginx) {
            (Program::Ours(_), Program::Ours(_)) => f.write_str("backstay"),
            (Program::Installed, Program::Installed) => f.write_str("keepalived and nginx"),
            (Program::Installed, Program::Ours(_)) => f.write_str("keepalived and backstay as nginx"),
            (Program::Ours(_), Program::Installed) => f.write_str("backstay as keepalived and nginx"),
        }
    }
}

/// Whether the machine has a program of this name where daemons live.
pub(crate) fn is_installed(name: &str) -> bool {
    ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].iter().any(|place| Path::new(place).join(name).is_file())
}
