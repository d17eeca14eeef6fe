//! Where the bytes of a configuration come from: the only I/O of this crate.

use std::collections::BTreeMap;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// A file system as `include` sees it.
pub trait Files {
    /// The contents of a file.
    ///
    /// # Errors
    /// As the operating system says.
    fn read(&self, path: &Path) -> io::Result<Vec<u8>>;

    /// The paths that match a shell pattern, sorted; a pattern without wildcards matches itself if
    /// it exists. Names that begin with a dot match only what begins with one (glob(7)).
    fn glob(&self, pattern: &str) -> Vec<PathBuf>;

    /// What a path is that `include` passes over, as it does directories and programs; `None` for
    /// what it reads.
    fn is_no_configuration(&self, _path: &Path) -> Option<&'static str> {
        None
    }
}

const MATCHING: glob::MatchOptions = glob::MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// A pattern of glob(7) as the crate `glob` writes it: several `*` are one, `[^…]` is `[!…]`, and what
/// stands behind a `\` stands for itself.
fn of_crate(pattern: &str) -> String {
    let mut made = String::with_capacity(pattern.len());
    let mut characters = pattern.chars().peekable();
    while let Some(character) = characters.next() {
        match (character, characters.peek()) {
            ('*', Some('*')) => {}
            ('[', Some('^')) => {
                characters.next();
                made.push_str("[!");
            }
            ('\\', Some(_)) => match characters.next() {
                Some(special @ ('*' | '?' | '[' | ']')) => made.extend(['[', special, ']']),
                literal => made.extend(literal),
            },
            _ => made.push(character),
        }
    }
    made
}

/// The file system of this machine.
#[derive(Clone, Copy, Debug, Default)]
pub struct Disk;

impl Files for Disk {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn glob(&self, pattern: &str) -> Vec<PathBuf> {
        match glob::glob_with(&of_crate(pattern), MATCHING) {
            Ok(paths) => paths.filter_map(Result::ok).collect(),
            // A `[` that nothing closes stands for itself.
            Err(_) => Some(PathBuf::from(pattern)).filter(|path| path.exists()).into_iter().collect(),
        }
    }

    fn is_no_configuration(&self, path: &Path) -> Option<&'static str> {
        let found = std::fs::metadata(path).ok()?;
        if found.is_dir() {
            Some("a directory")
        } else if !found.is_file() {
            Some("no regular file")
        } else if found.permissions().mode() & 0o111 != 0 {
            Some("executable")
        } else {
            None
        }
    }
}

/// Files held in memory.
#[derive(Clone, Debug, Default)]
pub struct Memory(BTreeMap<PathBuf, Vec<u8>>);

impl Memory {
    /// Adds or replaces a file.
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

    fn glob(&self, pattern: &str) -> Vec<PathBuf> {
        let Ok(pattern) = glob::Pattern::new(&of_crate(pattern)) else { return Vec::new() };
        self.0.keys().filter(|path| pattern.matches_path_with(path, MATCHING)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// As glob(3) has it.
    #[test]
    fn patterns_are_those_of_the_shell() {
        let names = ["/d/.hidden", "/d/a.conf", "/d/b*", "/d/e/f.conf", "/d/g/h/i.conf"];
        let files = names.into_iter().fold(Memory::default(), |files, name| files.with(name, ""));
        let found = |pattern: &str| -> Vec<String> {
            files.glob(pattern).iter().map(|path| path.display().to_string()).collect()
        };
        assert_eq!(found("/d/*"), ["/d/a.conf", "/d/b*"]);
        assert_eq!(found("/d/.*"), ["/d/.hidden"]);
        assert_eq!(found("/d/**/*.conf"), ["/d/e/f.conf"]);
        assert_eq!(found("/d/[^b]*"), ["/d/a.conf"]);
        assert_eq!(found(r"/d/b\*"), ["/d/b*"]);
        assert_eq!(found(r"/d/\a.conf"), ["/d/a.conf"]);
    }

    #[test]
    fn directories_and_programs_are_no_configurations() {
        let folder = std::env::temp_dir().join(format!("include-{}", std::process::id()));
        fs::create_dir_all(folder.join("a")).unwrap();
        fs::write(folder.join("b[c"), "").unwrap();
        fs::write(folder.join("d"), "").unwrap();
        fs::set_permissions(folder.join("d"), fs::Permissions::from_mode(0o755)).unwrap();
        let kinds: Vec<_> = Disk
            .glob(&folder.join("*").display().to_string())
            .iter()
            .map(|path| Disk.is_no_configuration(path))
            .collect();
        assert_eq!(kinds, [Some("a directory"), None, Some("executable")]);
        assert_eq!(Disk.glob(&folder.join("b[c").display().to_string()), [folder.join("b[c")]);
        assert_eq!(Disk.is_no_configuration(Path::new("/dev/null")), Some("no regular file"));
        fs::remove_dir_all(&folder).unwrap();
    }
}
