//! The processes that run, as `/proc` shows them (`proc(5)`).

use std::fs;
use std::io;

/// A process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its number.
    pub pid: u32,
    /// Its name: that of the program's file, or what it called itself; 15 bytes at most.
    pub name: String,
    /// The command line, the program first; empty for a part of the kernel.
    pub arguments: Vec<Vec<u8>>,
}

/// All processes that have not ended. One that ends meanwhile is left out.
///
/// # Errors
/// Without `/proc`.
pub fn all() -> io::Result<impl Iterator<Item = Process>> {
    let entries = fs::read_dir("/proc")?;
    Ok(entries.flatten().filter_map(|entry| process(entry.file_name().to_str()?.parse().ok()?)))
}

/// The processes that have ended and wait for this one, as their parent, to take note. As the first process
/// of a container it is the parent of all whose own parents have ended.
///
/// # Errors
/// Without `/proc`.
pub fn ended_children() -> io::Result<Vec<u32>> {
    let own = std::process::id().to_string();
    let waits = |pid: &u32| {
        let stat = fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
        let end = stat.iter().rposition(|byte| *byte == b')').unwrap_or_default();
        let mut words = stat[end..].split(|byte| *byte == b' ').skip(1);
        words.next() == Some(b"Z") && words.next() == Some(own.as_bytes())
    };
    let entries = fs::read_dir("/proc")?;
    let pids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    Ok(pids.filter(waits).collect())
}

/// The process with a number; `None` when there is none, or it has ended and only waits for its parent
/// to take note.
pub fn process(pid: u32) -> Option<Process> {
    let stat = fs::read(format!("/proc/{pid}/stat")).ok()?;
    // The name stands in parentheses and may hold any byte, parentheses too.
    let start = stat.iter().position(|byte| *byte == b'(')? + 1;
    let end = stat.iter().rposition(|byte| *byte == b')')?;
    let name = String::from_utf8_lossy(stat.get(start..end)?).into_owned();
    if matches!(stat.get(end + 2)?, b'Z' | b'X' | b'x') {
        return None;
    }
    let command = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
    let arguments = match command.strip_suffix(&[0]).unwrap_or(&command) {
        [] => Vec::new(),
        command => command.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect(),
    };
    Some(Process { pid, name, arguments })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::{Command, Stdio};

    #[test]
    fn a_process_is_there_until_it_ends() {
        let mut child = Command::new("cat").arg("-").stdin(Stdio::piped()).spawn().unwrap();
        let seen = all().unwrap().find(|process| process.pid == child.id()).unwrap();
        assert_eq!((seen.name.as_str(), &seen.arguments[..]), ("cat", &[b"cat".to_vec(), b"-".to_vec()][..]));
        // Ended, but not waited for: it is still listed, as a zombie.
        drop(child.stdin.take());
        while process(child.id()).is_some() {
            std::thread::yield_now();
        }
        assert!(std::path::Path::new(&format!("/proc/{}", child.id())).exists());
        assert!(ended_children().unwrap().contains(&child.id()));
        child.wait().unwrap();
        assert!(!ended_children().unwrap().contains(&child.id()));
        assert_eq!(process(child.id()), None);
    }

    #[test]
    fn this_process_and_the_first_are_found() {
        assert!(all().unwrap().any(|process| process.pid == std::process::id()));
        assert!(process(1).is_some());
        assert_eq!(process(u32::MAX), None);
    }
}
