//! `track_file`: the number in a file, times a weight, is added to the priority.
//!
//! The directory of the file is watched (`inotify(7)`), so that a file that is created, written,
//! replaced by a rename, linked to or deleted counts at once. A writer that keeps the file open is heard
//! after a moment of rest, so that the file is not read between truncation and the new number.

use crate::{Host, Level};
use keepalived_conf::model::{Config, TrackFile, TrackWeight};
use rustix::fs::{Mode, OFlags, inotify};
use rustix::io::Errno;
use std::ffi::OsString;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::time::Duration;
use vrrp::Time;
use vrrp::tracking::Effect;

/// Bytes of a file that are read, as keepalived does.
const LONGEST: usize = 127;
/// So long after a change by a writer that keeps the file open, it is read.
const REST: Duration = Duration::from_millis(100);
/// What cannot be watched is looked at so often.
const LOOK: Duration = Duration::from_secs(1);
/// Priorities from here on are FAULT, and the largest that is added.
const FAULT: i64 = -254;
const MOST: i64 = 253;

#[derive(Debug)]
struct File {
    config: TrackFile,
    value: i64,
    /// Where it is watched: watch descriptors with the name in that directory.
    places: Vec<(i32, OsString)>,
    /// When to read it.
    read_at: Option<Time>,
    /// What is wrong with it, as the log has it.
    complaint: Option<String>,
}

/// All files that are tracked.
#[derive(Debug, Default)]
pub(crate) struct Files {
    inotify: Option<OwnedFd>,
    files: Vec<File>,
}

impl Files {
    /// Takes other files and reads them. With `start`, files of `init_file` are written before.
    pub(crate) fn configure(&mut self, now: Time, files: Vec<TrackFile>, start: bool, host: &mut dyn Host) {
        let old = std::mem::take(self);
        if files.is_empty() {
            return;
        }
        self.inotify = inotify::init(inotify::CreateFlags::NONBLOCK | inotify::CreateFlags::CLOEXEC)
            .inspect_err(|errno| host.log(Level::Error, &format!("track_file: no inotify ({errno})")))
            .ok();
        for config in files {
            if start && let Err(line) = initialise(&config) {
                host.log(Level::Error, &line);
            }
            let known = old.files.iter().find(|known| known.config.path == config.path);
            let value = known.map_or(0, |known| known.value);
            let complaint = known.and_then(|known| known.complaint.clone());
            let mut file = File { config, value, places: Vec::new(), read_at: None, complaint };
            file.look(now, self.inotify.as_ref(), host);
            self.files.push(file);
        }
    }

    /// The number in a file.
    pub(crate) fn value(&self, name: &str) -> Option<i64> {
        Some(self.files.iter().find(|file| file.config.name == name)?.value)
    }

    pub(crate) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.inotify.as_ref().map(AsFd::as_fd)
    }

    pub(crate) fn next_deadline(&self) -> Option<Time> {
        self.files.iter().filter_map(|file| file.read_at).min()
    }

    /// Reads what has changed. Says whether a number is another.
    pub(crate) fn turn(&mut self, now: Time, host: &mut dyn Host) -> bool {
        self.hear(now);
        let mut changed = false;
        for file in &mut self.files {
            if file.read_at.is_some_and(|at| at <= now) {
                changed |= file.look(now, self.inotify.as_ref(), host);
            }
        }
        changed
    }

    fn hear(&mut self, now: Time) {
        let Some(inotify) = &self.inotify else { return };
        let mut buffer = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(inotify, &mut buffer);
        while let Ok(event) = reader.next() {
            let kind = event.events();
            let lost = kind.contains(inotify::ReadFlags::QUEUE_OVERFLOW);
            let unwatched = inotify::ReadFlags::IGNORED
                | inotify::ReadFlags::UNMOUNT
                | inotify::ReadFlags::DELETE_SELF
                | inotify::ReadFlags::MOVE_SELF;
            let unwatched = kind.intersects(unwatched);
            let open = inotify::ReadFlags::MODIFY | inotify::ReadFlags::CREATE;
            let at = if kind.intersects(open) { now + REST } else { now };
            let name = event.file_name().map_or(&[][..], |name| name.to_bytes());
            for file in &mut self.files {
                let here = |(watch, own): &(i32, OsString)| {
                    *watch == event.wd() && (unwatched || own.as_bytes() == name)
                };
                if lost || file.places.iter().any(here) {
                    file.read_at = Some(at);
                }
            }
        }
    }
}

impl File {
    /// Watches it wherever it is now, and reads it. Says whether the number is another.
    fn look(&mut self, now: Time, inotify: Option<&OwnedFd>, host: &mut dyn Host) -> bool {
        let watched = self.watch(inotify);
        self.read_at = watched.is_err().then(|| now + LOOK);
        let (value, trouble) = match read(&self.config.path) {
            Ok(text) => match number(&text) {
                Some(value) => (value, None),
                None => (self.value, Some("the number in it is too large, it is ignored".to_owned())),
            },
            Err(Errno::NOENT) => (0, None),
            Err(errno) => (0, Some(format!("it cannot be read ({errno}) and counts as 0"))),
        };
        let unwatched = |errno| format!("its directory cannot be watched ({errno}), it is read every second");
        let complaint = trouble.or_else(|| watched.err().map(unwatched));
        let TrackFile { name, path, .. } = &self.config;
        if let Some(complaint) = complaint.as_ref().filter(|_| complaint != self.complaint) {
            host.log(Level::Warning, &format!("track_file {name}: {}: {complaint}", path.display()));
        }
        self.complaint = complaint;
        let changed = value != self.value;
        if changed {
            host.log(Level::Detail, &format!("track_file {name} is now {value}"));
        }
        self.value = value;
        changed
    }

    /// Watches the directory that the path names, and that of what a link there points to.
    fn watch(&mut self, inotify: Option<&OwnedFd>) -> Result<(), Errno> {
        self.places.clear();
        let inotify = inotify.ok_or(Errno::MFILE)?;
        let flags = inotify::WatchFlags::CLOSE_WRITE
            | inotify::WatchFlags::MODIFY
            | inotify::WatchFlags::CREATE
            | inotify::WatchFlags::DELETE
            | inotify::WatchFlags::MOVE
            | inotify::WatchFlags::DELETE_SELF
            | inotify::WatchFlags::MOVE_SELF;
        let path = &self.config.path;
        let target = path.canonicalize().ok().filter(|target| target != path);
        for path in std::iter::once(path).chain(&target) {
            let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty());
            let directory = directory.unwrap_or(Path::new("."));
            let name = path.file_name().unwrap_or_default();
            let watch = inotify::add_watch(inotify, directory, flags | inotify::WatchFlags::ONLYDIR)?;
            self.places.push((watch, name.to_owned()));
        }
        Ok(())
    }
}

/// Writes every `init_file`, as the process does by itself at its start as far as it may; its
/// supervisor may do it before. Returns what went wrong.
pub fn write_initial_files(config: &Config) -> Vec<String> {
    config.files.iter().filter_map(|file| initialise(file).err()).collect()
}

/// Writes the number unless the file is there, or if it is another with `overwrite`.
fn initialise(config: &TrackFile) -> Result<(), String> {
    let Some(init) = config.init else { return Ok(()) };
    let there = read(&config.path);
    let is_so = there.as_ref().is_ok_and(|text| number(text) == Some(init.value.into()) && !text.is_empty());
    if is_so || (there.is_ok() && !init.overwrite) {
        return Ok(());
    }
    write(&config.path, &format!("{}\n", init.value))
        .map_err(|errno| format!("Unable to initialise track file {} ({errno})", config.name))
}

/// Writes a file, but not by way of a link: in a directory that others may write to, that could lead
/// anywhere.
fn write(path: &Path, text: &str) -> Result<(), Errno> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::from_raw_mode(0o644))?;
    rustix::io::write(&file, text.as_bytes()).map(drop)
}

/// The beginning of a file. Does not wait, whatever kind of file it is.
fn read(path: &Path) -> Result<Vec<u8>, Errno> {
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty())?;
    let mut bytes = vec![0; LONGEST];
    let length = rustix::io::read(&file, &mut bytes)?;
    bytes.truncate(length);
    Ok(bytes)
}

/// The number at the beginning of a text, as `strtol(3)` reads it with base 0: decimal, `0x…` or octal,
/// 0 where there is none. `None` for one that has no room in 32 bits.
fn number(text: &[u8]) -> Option<i64> {
    let text = text.trim_ascii_start();
    let (negative, text) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (base, digits) = match text {
        [b'0', b'x' | b'X', digit, ..] if digit.is_ascii_hexdigit() => (16, &text[2..]),
        [b'0', ..] => (8, text),
        _ => (10, text),
    };
    let digits = digits.iter().map_while(|&byte| char::from(byte).to_digit(base));
    let mut value = 0i64;
    for digit in digits {
        value = value.checked_mul(base.into())?.checked_add(digit.into())?;
    }
    let value = if negative { -value } else { value };
    (i64::from(i32::MIN)..=i64::from(i32::MAX) + 1).contains(&value).then_some(value)
}

/// What a file with this number does to an instance that tracks it.
pub(crate) fn effect(value: i64, weight: TrackWeight) -> Effect {
    let sign = if weight.reverse { -1 } else { 1 };
    match (weight.weight, value.saturating_mul(i64::from(weight.weight) * sign)) {
        (0, _) if (value != 0) != weight.reverse => Effect::Fault,
        (_, 0) => Effect::None,
        (_, ..=FAULT) => Effect::Fault,
        (_, sum) => Effect::Priority(sum.min(MOST) as i32),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_read_as_c_reads_them() {
        for (text, expected) in [
            ("5", Some(5)),
            ("  -17\n", Some(-17)),
            ("+3 and more", Some(3)),
            ("0x1F", Some(31)),
            ("0x", Some(0)),
            ("010", Some(8)),
            ("09", Some(0)),
            ("", Some(0)),
            ("none", Some(0)),
            ("2147483648", Some(2_147_483_648)),
            ("2147483649", None),
            ("-2147483648", Some(-2_147_483_648)),
            ("-2147483649", None),
            ("99999999999999999999999999", None),
        ] {
            assert_eq!(number(text.as_bytes()), expected, "{text:?}");
        }
    }

    #[test]
    fn numbers_add_up_to_bounds_and_beyond_is_a_fault() {
        let effect = |value, weight, reverse| effect(value, TrackWeight { weight, reverse });
        assert_eq!(effect(0, 0, false), Effect::None);
        assert_eq!(effect(1, 0, false), Effect::Fault);
        assert_eq!(effect(-1, 0, false), Effect::Fault);
        assert_eq!(effect(0, 0, true), Effect::Fault);
        assert_eq!(effect(7, 0, true), Effect::None);
        assert_eq!(effect(0, 10, false), Effect::None);
        assert_eq!(effect(3, -10, false), Effect::Priority(-30));
        assert_eq!(effect(3, -10, true), Effect::Priority(30));
        assert_eq!(effect(-253, 1, false), Effect::Priority(-253));
        assert_eq!(effect(-254, 1, false), Effect::Fault);
        assert_eq!(effect(254, 1, true), Effect::Fault);
        assert_eq!(effect(300, 1, false), Effect::Priority(253));
        assert_eq!(effect(1 << 31, 254, false), Effect::Priority(253));
    }
}
