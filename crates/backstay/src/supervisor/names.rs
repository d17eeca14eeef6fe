//! What operators call the programs of ours that run on one machine: by face, and where there are
//! several of a face by what tells their pid files apart.

use super::Face;
use keepalived_conf::model::Program;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the sockets are, one for each program that runs.
pub(super) const DIRECTORY: &str = "/run/backstay";
/// Between face and instance, as in the names of systemd's units.
const AT: char = '@';

/// A program of ours that runs or may run: `nginx`, `keepalived@blue/two`, `nginx@/run/other.pid`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Name {
    pub(crate) face: Face,
    /// `None` for the usual one of its face.
    pub(crate) instance: Option<String>,
}

impl Name {
    /// The usual one of a face.
    pub(crate) const fn usual(face: Face) -> Self {
        Self { face, instance: None }
    }

    /// The one with this pid file, which may be written in several ways.
    pub(crate) fn of_pid_file(face: Face, path: &Path) -> Self {
        let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
        let directory = path.parent().and_then(|directory| fs::canonicalize(directory).ok());
        let path = match (directory, path.file_name()) {
            (Some(directory), Some(name)) => directory.join(name),
            _ => path,
        };
        let is_usual = path == Path::new("/run").join(format!("{face}.pid"));
        Self { face, instance: (!is_usual).then(|| path.to_string_lossy().into_owned()) }
    }

    /// The keepalived of a configuration that says where pid files are: `NAMESPACE/INSTANCE`, either of
    /// which may be missing.
    pub(crate) fn of_keepalived(program: &Program, pid_file: &Path) -> Self {
        let instance = match (&program.network_namespace, &program.instance) {
            (None, None) => return Self::of_pid_file(Face::Keepalived, pid_file),
            (None, Some(instance)) => instance.clone(),
            (Some(namespace), instance) => format!("{namespace}/{}", instance.as_deref().unwrap_or_default()),
        };
        Self { face: Face::Keepalived, instance: Some(instance) }
    }

    /// Whether an operator means it by this: its whole name, or what stands behind the face.
    pub(crate) fn is_meant_by(&self, word: &str) -> bool {
        self.instance.as_deref() == Some(word) || self.to_string() == word
    }

    /// Its socket. A slash is written as the kernel writes it in sysfs.
    pub(super) fn socket(&self) -> PathBuf {
        Path::new(DIRECTORY).join(format!("{}.sock", self.to_string().replace('/', "!")))
    }

    /// The one whose socket has this name.
    fn of_socket(file: &str) -> Option<Self> {
        let name = file.strip_suffix(".sock")?.replace('!', "/");
        let (face, instance) = match name.split_once(AT) {
            Some((face, instance)) => (face, Some(instance.to_owned())),
            None => (name.as_str(), None),
        };
        let face = Face::ALL.into_iter().find(|known| known.name() == face)?;
        Some(Self { face, instance })
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.instance {
            Some(instance) => write!(f, "{}{AT}{instance}", self.face),
            None => self.face.fmt(f),
        }
    }
}

/// All that have a socket, whether or not somebody listens on it: the whole program first, then by name.
pub(super) fn with_socket() -> Vec<Name> {
    let entries = fs::read_dir(DIRECTORY).into_iter().flatten().flatten();
    let mut names: Vec<Name> =
        entries.filter_map(|entry| Name::of_socket(entry.file_name().to_str()?)).collect();
    names.sort();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_usual_pid_file_makes_the_usual_name() {
        for face in Face::ALL {
            let usual = Path::new("/run").join(format!("{face}.pid"));
            assert_eq!(Name::of_pid_file(face, &usual), Name::usual(face));
        }
        let other = Name::of_pid_file(Face::Nginx, Path::new("/run/../run/other.pid"));
        assert_eq!(other.to_string(), "nginx@/run/other.pid");
        assert_eq!(other.socket(), Path::new("/run/backstay/nginx@!run!other.pid.sock"));
    }

    #[test]
    fn keepalived_is_named_by_what_its_pid_files_are_named_by() {
        let name = |namespace: Option<&str>, instance: Option<&str>| {
            let program = Program {
                network_namespace: namespace.map(str::to_owned),
                instance: instance.map(str::to_owned),
                ..Program::default()
            };
            Name::of_keepalived(&program, Path::new("/run/keepalived.pid")).to_string()
        };
        assert_eq!(name(None, None), "keepalived");
        assert_eq!(name(None, Some("two")), "keepalived@two");
        assert_eq!(name(Some("blue"), None), "keepalived@blue/");
        assert_eq!(name(Some("blue"), Some("two")), "keepalived@blue/two");
    }

    #[test]
    fn a_socket_tells_whose_it_is() {
        for text in ["backstay", "keepalived@blue/two", "keepalived@a@b", "nginx@/run/other.pid"] {
            let name = Name::of_socket(&format!("{}.sock", text.replace('/', "!")));
            let name = name.expect("one of ours");
            assert_eq!(name.to_string(), text);
            assert_eq!(Name::of_socket(&name.socket().file_name().unwrap().to_string_lossy()), Some(name));
        }
        assert_eq!(Name::of_socket("stranger.sock"), None);
        assert_eq!(Name::of_socket("nginx"), None);
    }

    #[test]
    fn what_stands_behind_the_face_is_enough() {
        let two = Name { face: Face::Keepalived, instance: Some("two".to_owned()) };
        assert!(two.is_meant_by("two") && two.is_meant_by("keepalived@two"));
        assert!(!two.is_meant_by("keepalived") && !Name::usual(Face::Keepalived).is_meant_by("two"));
        assert!(Name::usual(Face::Keepalived).is_meant_by("keepalived"));
    }
}
