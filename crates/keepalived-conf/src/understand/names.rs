//! Names of iproute2: `/etc/iproute2/rt_tables` and its kin, beside or instead of those in
//! `/usr/share/iproute2`, with `NAME.d/*.conf`.

use crate::{Files, value};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A kind of name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Kind {
    /// Routing tables.
    Table,
    /// Who made a route or rule.
    Protocol,
    /// Scopes of addresses and routes.
    Scope,
    /// Realms of routes.
    Realm,
    /// Types of service.
    Dsfield,
    /// Groups of interfaces.
    Group,
}

impl Kind {
    fn file(self) -> &'static str {
        match self {
            Self::Table => "rt_tables",
            Self::Protocol => "rt_protos",
            Self::Scope => "rt_scopes",
            Self::Realm => "rt_realms",
            Self::Dsfield => "rt_dsfield",
            Self::Group => "group",
        }
    }

    fn greatest(self) -> u32 {
        match self {
            Self::Table | Self::Group => u32::MAX,
            Self::Realm => u32::from(u16::MAX),
            Self::Protocol | Self::Scope | Self::Dsfield => u32::from(u8::MAX),
        }
    }

    /// Names that hold unless a file gives their number another one (linux/rtnetlink.h).
    fn builtin(self) -> &'static [(&'static str, u32)] {
        match self {
            Self::Table => &[("default", 253), ("main", 254), ("local", 255)],
            Self::Protocol => &[
                ("none", 0),
                ("redirect", 1),
                ("kernel", 2),
                ("boot", 3),
                ("static", 4),
                ("gated", 8),
                ("ra", 9),
                ("mrt", 10),
                ("zebra", 11),
                ("bird", 12),
                ("dnrouted", 13),
                ("xorp", 14),
                ("ntk", 15),
                ("dhcp", 16),
                ("keepalived", 18),
                ("babel", 42),
            ],
            Self::Scope => &[("global", 0), ("site", 200), ("link", 253), ("host", 254), ("nowhere", 255)],
            Self::Group => &[("default", 0)],
            Self::Realm | Self::Dsfield => &[],
        }
    }
}

/// The names of this machine.
pub(super) struct Names<'f> {
    files: &'f dyn Files,
    etc: PathBuf,
    usr: PathBuf,
    known: RefCell<BTreeMap<Kind, Vec<(String, u32)>>>,
}

impl<'f> Names<'f> {
    pub(super) fn new(files: &'f dyn Files, etc: Option<&Path>, usr: Option<&Path>) -> Self {
        Self {
            files,
            etc: etc.unwrap_or(Path::new("/etc/iproute2")).to_owned(),
            usr: usr.unwrap_or(Path::new("/usr/share/iproute2")).to_owned(),
            known: RefCell::default(),
        }
    }

    /// The number that a text stands for: itself, or what a file says of the name.
    pub(super) fn find(&self, kind: Kind, text: &str) -> Option<u32> {
        if let Some(number) = value::unsigned(text) {
            return u32::try_from(number).ok().filter(|number| *number <= kind.greatest());
        }
        let mut known = self.known.borrow_mut();
        let names = known.entry(kind).or_insert_with(|| self.read(kind));
        names.iter().find(|(name, _)| name == text).map(|(_, number)| *number)
    }

    /// The same for numbers of one byte.
    pub(super) fn byte(&self, kind: Kind, text: &str) -> Option<u8> {
        self.find(kind, text).and_then(|number| u8::try_from(number).ok())
    }

    /// `REALM` or `SOURCE/DESTINATION`, the source in the upper 16 bits.
    pub(super) fn realms(&self, text: &str) -> Option<u32> {
        match text.split_once('/') {
            None => self.find(Kind::Realm, text),
            Some((source, destination)) => {
                Some(self.find(Kind::Realm, source)? << 16 | self.find(Kind::Realm, destination)?)
            }
        }
    }

    fn read(&self, kind: Kind) -> Vec<(String, u32)> {
        let mut names = Vec::new();
        let local = self.etc.join(kind.file());
        if !self.file(&local, kind, &mut names) {
            self.file(&self.usr.join(kind.file()), kind, &mut names);
        }
        for folder in [&self.etc, &self.usr] {
            let pattern = folder.join(format!("{}.d/*.conf", kind.file()));
            for path in self.files.glob(&pattern.to_string_lossy()) {
                self.file(&path, kind, &mut names);
            }
        }
        for (name, number) in kind.builtin() {
            if !names.iter().any(|(_, known)| known == number) {
                names.push(((*name).to_owned(), *number));
            }
        }
        names
    }

    /// Lines of a number and a name; others are left out, as iproute2 does.
    fn file(&self, path: &Path, kind: Kind, names: &mut Vec<(String, u32)>) -> bool {
        let Ok(bytes) = self.files.read(path) else { return false };
        for line in String::from_utf8_lossy(&bytes).lines() {
            let line = line.split('#').next().unwrap_or_default();
            let mut words = line.split_whitespace();
            let (Some(number), Some(name), None) = (words.next(), words.next(), words.next()) else {
                continue;
            };
            let number = value::unsigned(number).and_then(|number| u32::try_from(number).ok());
            if let Some(number) = number.filter(|number| *number <= kind.greatest()) {
                names.push((name.to_owned(), number));
            }
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Memory;

    #[test]
    fn files_add_names_and_numbers_speak_for_themselves() {
        let files = Memory::default()
            .with("/etc/iproute2/rt_tables", "255 local # kept\n100\tblue\n0x65 red\nx y\n1 2 3\n")
            .with("/etc/iproute2/rt_tables.d/more.conf", "300 green\n")
            .with("/usr/share/iproute2/rt_tables", "7 unseen\n")
            .with("/usr/share/iproute2/rt_realms", "3 office\n");
        let names = Names::new(&files, None, None);
        let table = |text| names.find(Kind::Table, text);
        assert_eq!((table("blue"), table("red"), table("green")), (Some(100), Some(0x65), Some(300)));
        assert_eq!((table("main"), table("unseen"), table("77")), (Some(254), None, Some(77)));
        assert_eq!(names.realms("office/9"), Some(3 << 16 | 9));
        assert_eq!((names.byte(Kind::Scope, "link"), names.byte(Kind::Scope, "256")), (Some(253), None));
    }
}
