//! `vrrp_track_process`: whether enough processes of a kind run, and not too many.
//!
//! The kernel tells what processes do (`sys::process_events`). Where it does not, in a container for
//! example, all processes are looked at every second.

use crate::network::Buffer;
use crate::{Host, Level};
use keepalived_conf::model::{ParameterMatch, TrackProcess};
use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;
use sys::process_events::{ProcessEvent, ProcessEvents};
use sys::processes::{self, Process};
use vrrp::Time;

/// Without events, all processes are looked at so often.
const LOOK: Duration = Duration::from_secs(1);
/// Events taken, and processes looked at, in a turn: advertisements must not wait.
const A_TURN: usize = 200;

/// Which of the kinds a process is of, as numbers.
type Kinds = Vec<usize>;

/// A kind of process.
#[derive(Debug)]
struct Tracked {
    config: TrackProcess,
    count: u32,
    /// What it counts as: a change may be delayed.
    up: bool,
    /// When a change will count, if it lasts.
    counts_at: Option<Time>,
}

/// How it is known what runs.
enum Source {
    /// Nothing is tracked.
    None,
    Events(ProcessEvents),
    /// The next look.
    Looks(Time),
}

/// All processes that are looked at, some in each turn, and those found so far.
struct Look {
    rest: Box<dyn Iterator<Item = Process>>,
    found: BTreeMap<u32, Kinds>,
}

/// All kinds of processes that are tracked.
pub(crate) struct Processes {
    tracked: Vec<Tracked>,
    running: BTreeMap<u32, Kinds>,
    source: Source,
    look: Option<Look>,
}

impl Default for Processes {
    fn default() -> Self {
        Self { tracked: Vec::new(), running: BTreeMap::new(), source: Source::None, look: None }
    }
}

impl Processes {
    /// Takes other kinds and looks at all processes. Those that stay keep what they count as;
    /// `known` gives that of a predecessor.
    pub(crate) fn configure(
        &mut self,
        now: Time,
        wanted: Vec<TrackProcess>,
        known: &[(String, bool)],
        host: &mut dyn Host,
    ) {
        // Events first: what starts while we look is heard afterwards.
        match self.source {
            _ if wanted.is_empty() => self.source = Source::None,
            Source::None => self.source = open(now, host),
            Source::Events(_) | Source::Looks(_) => {}
        }
        let old = std::mem::take(&mut self.tracked);
        let is_up = |name: &str| {
            let before = old.iter().find(|old| old.config.name == name).map(|old| old.up);
            before.or_else(|| known.iter().find(|(known, _)| known == name).map(|&(_, up)| up))
        };
        let before = wanted.iter().map(|config| is_up(&config.name)).collect::<Vec<_>>();
        self.tracked = wanted
            .into_iter()
            .map(|config| Tracked { config, count: 0, up: false, counts_at: None })
            .collect();
        (self.running, self.look) = (BTreeMap::new(), None);
        if self.tracked.is_empty() {
            return;
        }
        match self.begin() {
            Ok(look) => {
                let found = look.rest.map(|process| (process.pid, self.kinds(&process)));
                self.running = found.filter(|(_, kinds)| !kinds.is_empty()).collect();
            }
            Err(error) => host.log(Level::Error, &format!("vrrp_track_process: no /proc ({error})")),
        }
        self.count();
        for (tracked, before) in self.tracked.iter_mut().zip(before) {
            tracked.up = before.unwrap_or(tracked.is_enough());
            tracked.settle(now, tracked.is_enough(), host);
        }
    }

    /// `process_monitor_rcv_bufs`: what is not written is large enough already.
    pub(crate) fn size(&self, buffer: Buffer, host: &mut dyn Host) {
        if let Source::Events(events) = &self.source {
            buffer.apply(events, host);
        }
    }

    /// Whether enough run, and how many do.
    pub(crate) fn state(&self, name: &str) -> Option<(bool, String)> {
        let Tracked { config, count, up, .. } = self.tracked.iter().find(|t| t.config.name == name)?;
        let TrackProcess { quorum, quorum_max, .. } = config;
        let wanted = match quorum_max {
            None => quorum.to_string(),
            Some(most) if most == quorum => quorum.to_string(),
            Some(most) => format!("{quorum} to {most}"),
        };
        Some((*up, format!("{count} of {wanted} running")))
    }

    /// How many run, whether that counts as enough, and whether that is about to change.
    pub(crate) fn numbers(&self, name: &str) -> Option<(u32, bool, bool)> {
        let tracked = self.tracked.iter().find(|tracked| tracked.config.name == name)?;
        Some((tracked.count, tracked.up, tracked.counts_at.is_some()))
    }

    /// What each counts as.
    pub(crate) fn verdicts(&self) -> Vec<(String, bool)> {
        self.tracked.iter().map(|tracked| (tracked.config.name.clone(), tracked.up)).collect()
    }

    pub(crate) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        match &self.source {
            Source::Events(events) => Some(events.as_fd()),
            Source::None | Source::Looks(_) => None,
        }
    }

    pub(crate) fn next_deadline(&self) -> Option<Time> {
        let look = match (&self.look, &self.source) {
            (Some(_), _) => Some(Time::default()),
            (None, Source::Looks(at)) => Some(*at),
            (None, Source::None | Source::Events(_)) => None,
        };
        self.tracked.iter().filter_map(|tracked| tracked.counts_at).chain(look).min()
    }

    /// Takes in what processes did. Says whether one of the kinds counts as something else, or other numbers
    /// of it run.
    pub(crate) fn turn(&mut self, now: Time, host: &mut dyn Host) -> bool {
        let stands = |tracked: &Tracked| (tracked.up, tracked.count);
        let before: Vec<_> = self.tracked.iter().map(stands).collect();
        self.hear(now, host);
        // One that takes longer than the pause between two is not begun anew.
        if let Source::Looks(at) = &mut self.source
            && *at <= now
            && self.look.is_none()
        {
            *at = now + LOOK;
            self.look = self.begin().ok();
        }
        self.go_on_looking(now, host);
        for tracked in &mut self.tracked {
            if tracked.counts_at.is_some_and(|at| at <= now) {
                tracked.turn_over(host);
            }
        }
        self.tracked.iter().zip(before).any(|(tracked, before)| stands(tracked) != before)
    }

    fn hear(&mut self, now: Time, host: &mut dyn Host) {
        for _ in 0..A_TURN {
            let Source::Events(events) = &mut self.source else { return };
            match events.event() {
                Ok(None) => return,
                Ok(Some(ProcessEvent::Forked { parent, child })) => {
                    if let Some(kinds) = self.running.get(&parent).cloned() {
                        self.set(now, child, kinds, host);
                    }
                }
                Ok(Some(ProcessEvent::Executed { pid } | ProcessEvent::Renamed { pid, .. })) => {
                    let kinds = processes::process(pid).map(|process| self.kinds(&process));
                    self.set(now, pid, kinds.unwrap_or_default(), host);
                }
                Ok(Some(ProcessEvent::Exited { pid })) => self.set(now, pid, Kinds::new(), host),
                Ok(Some(_)) => self.look = self.begin().ok(),
                Err(errno) => {
                    host.log(Level::Error, &format!("events of processes are lost ({errno})"));
                    self.source = Source::Looks(now);
                }
            }
        }
    }

    /// A process is of these kinds now.
    fn set(&mut self, now: Time, pid: u32, kinds: Kinds, host: &mut dyn Host) {
        let before = match kinds.is_empty() {
            true => self.running.remove(&pid),
            false => self.running.insert(pid, kinds.clone()),
        };
        // A look that is under way may have passed it already.
        if let Some(look) = &mut self.look {
            look.found.remove(&pid);
            if !kinds.is_empty() {
                look.found.insert(pid, kinds.clone());
            }
        }
        let before = before.unwrap_or_default();
        for (number, tracked) in self.tracked.iter_mut().enumerate() {
            match (before.contains(&number), kinds.contains(&number)) {
                (false, true) => tracked.count += 1,
                (true, false) => tracked.count -= 1,
                _ => continue,
            }
            tracked.settle(now, kinds.contains(&number), host);
        }
    }

    fn begin(&self) -> std::io::Result<Look> {
        Ok(Look { rest: Box::new(processes::all()?), found: BTreeMap::new() })
    }

    /// Looks at some more processes; after the last one they count.
    fn go_on_looking(&mut self, now: Time, host: &mut dyn Host) {
        let Some(mut look) = self.look.take() else { return };
        for _ in 0..A_TURN {
            let Some(process) = look.rest.next() else {
                self.running = look.found;
                let before: Vec<u32> = self.tracked.iter().map(|tracked| tracked.count).collect();
                self.count();
                for (tracked, before) in self.tracked.iter_mut().zip(before) {
                    if tracked.count != before {
                        tracked.settle(now, tracked.count > before, host);
                    }
                }
                return;
            };
            let kinds = self.kinds(&process);
            if !kinds.is_empty() {
                look.found.insert(process.pid, kinds);
            }
        }
        self.look = Some(look);
    }

    fn kinds(&self, process: &Process) -> Kinds {
        let kinds = self.tracked.iter().enumerate().filter(|(_, t)| matches(&t.config, process));
        kinds.map(|(number, _)| number).collect()
    }

    fn count(&mut self) {
        for (number, tracked) in self.tracked.iter_mut().enumerate() {
            let of_it = self.running.values().filter(|kinds| kinds.contains(&number));
            tracked.count = u32::try_from(of_it.count()).unwrap_or(u32::MAX);
        }
    }
}

impl Tracked {
    /// Whether enough run now, and not too many.
    fn is_enough(&self) -> bool {
        self.count >= self.config.quorum && self.config.quorum_max.is_none_or(|most| self.count <= most)
    }

    /// The count is another, because a process `started` or ended.
    fn settle(&mut self, now: Time, started: bool, host: &mut dyn Host) {
        let delay = if started { self.config.fork_delay } else { self.config.terminate_delay };
        if self.is_enough() == self.up {
            self.counts_at = None;
        } else if delay.is_zero() {
            self.turn_over(host);
        } else if self.counts_at.is_none() {
            self.counts_at = Some(now + delay);
        }
    }

    fn turn_over(&mut self, host: &mut dyn Host) {
        (self.up, self.counts_at) = (self.is_enough(), None);
        let what = if self.up { "gained" } else { "lost" };
        host.log(Level::Info, &format!("Quorum {what} for tracked process {}", self.config.name));
    }
}

fn open(now: Time, host: &mut dyn Host) -> Source {
    // A mount of /proc may hide the processes of other users (hidepid).
    if processes::process(1).is_none() {
        host.log(Level::Warning, "vrrp_track_process: /proc hides processes of other users (hidepid)");
    }
    match ProcessEvents::open() {
        Ok(events) => Source::Events(events),
        Err(why) => {
            host.log(Level::Warning, &format!("{why}: vrrp_track_process looks at /proc every second"));
            Source::Looks(now + LOOK)
        }
    }
}

/// Whether a process is of a kind.
fn matches(config: &TrackProcess, process: &Process) -> bool {
    if !config.full_command {
        return process.name == config.program;
    }
    let Some((program, found)) = process.arguments.split_first() else { return false };
    let wanted = || config.parameters.iter().map(String::as_bytes);
    let found = || found.iter().map(Vec::as_slice);
    program == config.program.as_bytes()
        && match config.matching {
            ParameterMatch::Ignored => true,
            ParameterMatch::Exact => wanted().eq(found()),
            ParameterMatch::Partial => wanted().eq(found().take(config.parameters.len())),
            // The last may go on.
            ParameterMatch::Initial => match config.parameters.split_last() {
                None => true,
                Some((last, _)) => {
                    let before = config.parameters.len() - 1;
                    wanted().take(before).eq(found().take(before))
                        && found().nth(before).is_some_and(|found| found.starts_with(last.as_bytes()))
                }
            },
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use keepalived_conf::model::TrackWeight;

    fn config(parameters: &[&str], matching: ParameterMatch, full_command: bool) -> TrackProcess {
        TrackProcess {
            name: "web".into(),
            program: "nginx".into(),
            parameters: parameters.iter().map(|word| word.to_string()).collect(),
            matching,
            full_command,
            weight: TrackWeight::default(),
            quorum: 1,
            quorum_max: None,
            terminate_delay: Duration::ZERO,
            fork_delay: Duration::ZERO,
        }
    }

    fn process(name: &str, arguments: &[&str]) -> Process {
        let arguments = arguments.iter().map(|word| word.as_bytes().to_vec()).collect();
        Process { pid: 7, name: name.into(), arguments }
    }

    #[test]
    fn a_process_is_matched_by_name_or_by_command_line() {
        use ParameterMatch::{Exact, Ignored, Initial, Partial};
        let by_name = config(&[], Ignored, false);
        assert!(matches(&by_name, &process("nginx", &["nginx: worker process"])));
        assert!(!matches(&by_name, &process("sh", &["nginx"])));
        let by_command = config(&[], Ignored, true);
        assert!(matches(&by_command, &process("sh", &["nginx", "-x"])));
        assert!(!matches(&by_command, &process("nginx", &[])));
        let found = |wanted: &[&str], matching, words: &[&str]| {
            matches(&config(wanted, matching, true), &process("nginx", &[&["nginx"], words].concat()))
        };
        for (wanted, words, exact, partial, initial) in [
            (&["-c", "/etc"][..], &["-c", "/etc"][..], true, true, true),
            (&["-c", "/etc"], &["-c", "/etc", "-q"], false, true, true),
            (&["-c", "/etc"], &["-c", "/etc/a"], false, false, true),
            (&["-c", "/etc"], &["-c"], false, false, false),
            (&["-c", "/etc"], &["-cc", "/etc"], false, false, false),
            (&[], &[], true, true, true),
            (&[], &["-c"], false, true, true),
        ] {
            assert_eq!(found(wanted, Exact, words), exact, "exact {wanted:?} {words:?}");
            assert_eq!(found(wanted, Partial, words), partial, "partial {wanted:?} {words:?}");
            assert_eq!(found(wanted, Initial, words), initial, "initial {wanted:?} {words:?}");
        }
    }

    struct Silent;

    impl Host for Silent {
        fn log(&mut self, _: Level, _: &str) {}
    }

    /// Two have to run, three may; ends count after 2 s, starts after 1 s.
    fn processes() -> Processes {
        let config = TrackProcess {
            quorum: 2,
            quorum_max: Some(3),
            terminate_delay: Duration::from_secs(2),
            fork_delay: Duration::from_secs(1),
            ..config(&[], ParameterMatch::Ignored, false)
        };
        let tracked = vec![Tracked { config, count: 0, up: false, counts_at: None }];
        Processes { tracked, ..Processes::default() }
    }

    /// A process starts, forks, becomes another program and ends, and each is noticed within a turn or
    /// a look.
    fn follow(expect_events: Option<bool>) {
        let name = format!("bs{}{}", std::process::id(), expect_events.is_some());
        let directory = tempfile::tempdir().unwrap();
        let program = directory.path().join(&name);
        // No copy: a test beside this one may fork while it is open for writing, and then it cannot be executed.
        std::os::unix::fs::symlink("/bin/sh", &program).unwrap();
        let pipe = directory.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let begun = std::time::Instant::now();
        let now = || Time(begun.elapsed());
        let mut processes = Processes::default();
        let wanted = TrackProcess { program: name.clone(), ..config(&[], ParameterMatch::Ignored, false) };
        processes.configure(now(), vec![wanted], &[], &mut Silent);
        let events = matches!(processes.source, Source::Events(_));
        assert!(expect_events.is_none_or(|expected| expected == events));
        println!("{}", if events { "by events" } else { "by looks" });
        let buffer = Buffer { word: "process_monitor_rcv_bufs", bytes: Some(500_000), force: true };
        processes.size(buffer, &mut Silent);
        if let Source::Events(events) = &processes.source {
            assert_eq!(rustix::net::sockopt::socket_recv_buffer_size(events), Ok(1_000_000));
        }
        let mut runs = |wanted: u32| {
            while processes.tracked[0].count != wanted {
                assert!(begun.elapsed() < Duration::from_secs(60), "{:?}", processes.tracked[0]);
                processes.turn(now(), &mut Silent);
                std::thread::sleep(Duration::from_millis(1));
            }
            assert_eq!(processes.tracked[0].up, wanted > 0);
        };
        // The shell reads commands. The first forks, the second becomes another program.
        let mut shell =
            std::process::Command::new(&program).stdin(std::process::Stdio::piped()).spawn().unwrap();
        let mut input = shell.stdin.take().unwrap();
        let mut say = |line: &[u8]| std::io::Write::write_all(&mut input, line).unwrap();
        runs(1);
        say(format!("(read -r _ <{}; :) &\n", pipe.display()).as_bytes());
        runs(2);
        std::fs::write(&pipe, "\n").unwrap();
        runs(1);
        say(b"exec sleep 600\n");
        runs(0);
        shell.kill().unwrap();
        shell.wait().unwrap();
    }

    #[test]
    fn processes_are_followed_by_events_where_there_are_any() {
        follow(None);
    }

    #[test]
    fn processes_are_followed_by_looks_in_another_network_namespace() {
        let entered = std::thread::spawn(|| {
            let entered = sys::namespace::enter_new_network();
            if entered.is_ok() {
                follow(Some(false));
            }
            entered
        });
        if let Err(errno) = entered.join().unwrap() {
            eprintln!("not run: {errno}");
        }
    }

    #[test]
    fn a_change_counts_when_it_has_lasted() {
        let mut processes = processes();
        let at = |second| Time(Duration::from_secs(second));
        let up = |processes: &Processes| processes.state("web").unwrap().0;
        for pid in [11, 12] {
            processes.set(at(10), pid, vec![0], &mut Silent);
        }
        assert_eq!(processes.next_deadline(), Some(at(11)));
        assert!(!up(&processes));
        assert!(processes.turn(at(11), &mut Silent) && up(&processes));
        // One ends and another starts in time: nothing happened.
        processes.set(at(20), 12, vec![], &mut Silent);
        assert_eq!(processes.next_deadline(), Some(at(22)));
        assert_eq!(processes.state("web"), Some((true, "1 of 2 to 3 running".into())));
        processes.set(at(21), 13, vec![0], &mut Silent);
        assert_eq!(processes.next_deadline(), None);
        // Too many, for too long.
        for pid in [14, 15] {
            processes.set(at(30), pid, vec![0], &mut Silent);
        }
        assert!(!processes.turn(at(30), &mut Silent));
        assert!(processes.turn(at(31), &mut Silent) && !up(&processes));
        processes.set(at(40), 15, vec![], &mut Silent);
        assert!(processes.turn(at(42), &mut Silent) && up(&processes));
    }
}
