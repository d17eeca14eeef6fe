//! What a configuration needs from outside: defaults, files and names.

use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::path::{Path, PathBuf};

/// Everything about the surroundings that changes what a configuration means.
#[derive(Clone, Copy)]
pub struct Environment<'a> {
    /// `-p`, or the prefix it was built with: relative paths of `root`, logs and `pid` start here.
    pub prefix: &'a Path,
    /// `-g`: directives of the main level that are read before the file.
    pub global_directives: Option<&'a str>,
    /// Where errors go when no `error_log` says so (`-e`).
    pub error_log: &'a Path,
    /// Where requests are logged when no `access_log` says so.
    pub access_log: &'a Path,
    /// The `pid` file when the file names none.
    pub pid: &'a Path,
    /// What `$hostname` in a `server_name` stands for.
    pub hostname: &'a str,
    /// Whether the process may bind ports below 1024: a server without `listen` takes 80 or 8000.
    pub root: bool,
    /// Reads the files.
    pub files: &'a dyn Files,
    /// Looks names up.
    pub resolver: &'a dyn Resolver,
}

impl Environment<'static> {
    /// As Debian builds nginx, on the real disk and with the system's resolver.
    pub fn system(root: bool) -> Self {
        Environment {
            prefix: Path::new("/usr/share/nginx"),
            global_directives: None,
            error_log: Path::new("/var/log/nginx/error.log"),
            access_log: Path::new("/var/log/nginx/access.log"),
            pid: Path::new("/run/nginx.pid"),
            hostname: "localhost",
            root,
            files: &Disk,
            resolver: &SystemResolver,
        }
    }
}

/// Reads configuration files.
pub trait Files {
    /// The contents of a file.
    ///
    /// # Errors
    /// Whatever kept it from being read.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The files that match a pattern of `*`, `?` and `[…]`, sorted by name.
    ///
    /// # Errors
    /// A directory that could not be read, or a pattern that is not one.
    fn glob(&self, pattern: &str) -> io::Result<Vec<PathBuf>>;
}

/// The files of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn glob(&self, pattern: &str) -> io::Result<Vec<PathBuf>> {
        let paths = glob::glob_with(pattern, GLOB)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error.msg))?;
        let mut found: Vec<PathBuf> = paths.filter_map(Result::ok).collect();
        found.sort();
        Ok(found)
    }
}

/// As glob(3) without flags: `*` takes neither `/` nor a leading dot.
const GLOB: glob::MatchOptions = glob::MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// Files held in memory: path and contents.
#[derive(Clone, Debug, Default)]
pub struct Memory(pub std::collections::BTreeMap<PathBuf, Vec<u8>>);

impl Memory {
    /// Adds a file, replacing one of the same path.
    #[must_use]
    pub fn with(mut self, path: impl Into<PathBuf>, bytes: impl Into<Vec<u8>>) -> Self {
        self.0.insert(path.into(), bytes.into());
        self
    }
}

impl Files for Memory {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        self.0.get(path).cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn glob(&self, pattern: &str) -> io::Result<Vec<PathBuf>> {
        let pattern = glob::Pattern::new(pattern)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error.msg))?;
        Ok(self.0.keys().filter(|path| pattern.matches_path_with(path, GLOB)).cloned().collect())
    }
}

/// Looks host names up.
pub trait Resolver {
    /// The addresses of a name, in the order in which they are to be tried.
    ///
    /// # Errors
    /// The name is not known, or no server answered.
    fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>>;
}

/// getaddrinfo(3).
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemResolver;

impl Resolver for SystemResolver {
    fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        let mut addresses: Vec<IpAddr> = Vec::new();
        for address in (host, 0).to_socket_addrs()? {
            if !addresses.contains(&address.ip()) {
                addresses.push(address.ip());
            }
        }
        Ok(addresses)
    }
}

/// Knows `localhost` and no other name: nothing is asked of the network.
#[derive(Clone, Copy, Debug, Default)]
pub struct Offline;

impl Resolver for Offline {
    fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        if host == "localhost" {
            return Ok(vec![IpAddr::from([127, 0, 0, 1])]);
        }
        Err(io::Error::from(io::ErrorKind::NotFound))
    }
}
