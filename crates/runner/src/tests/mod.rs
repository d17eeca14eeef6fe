//! The runner with real scripts, in a thread and over a real channel.

mod checks;
mod mail;
mod notify;

use crate::Times;
use crate::message::{Configure, FromRunner, Outcome, Task, ToRunner};
use crate::runner::Runner;
use ipc::Channel;
use keepalived_conf::model::{Command, Global, Shell, VrrpScript};
use logging::{Facility, Level, Logger, Syslog};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::thread::CapabilitySet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What does not happen within this time does not happen.
const LONG: Duration = Duration::from_secs(20);

struct Bench {
    folder: tempfile::TempDir,
    channel: Option<Channel<ToRunner, FromRunner>>,
    log: UnixDatagram,
    lines: Vec<String>,
    runner: Option<JoinHandle<Result<(), ipc::Error>>>,
}

impl Bench {
    fn new() -> Self {
        Self::with(Times::default())
    }

    fn with(times: Times) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
        let log = UnixDatagram::bind(folder.path().join("log")).unwrap();
        let syslog = Syslog::unix(&folder.path().join("log"), Facility::DAEMON, "test".into());
        let (ours, theirs) = UnixStream::pair().unwrap();
        let theirs = Channel::new(theirs.into()).unwrap();
        let logger = Logger::new(Some(syslog), false, Level::Debug);
        let runner = std::thread::spawn(move || {
            // As the process does; capabilities are a thread's, so the test keeps its own.
            if rustix::process::geteuid().is_root() {
                let keep = CapabilitySet::SETUID | CapabilitySet::SETGID | CapabilitySet::KILL;
                sys::privileges::keep_only(keep).unwrap();
            }
            Runner::new(theirs, logger, times).run(&mut || ())
        });
        let channel = Some(Channel::new(ours.into()).unwrap());
        Self { folder, channel, log, lines: Vec::new(), runner: Some(runner) }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes an executable script.
    ///
    /// Another process writes it: a test beside this one may fork while the file is open for
    /// writing, and what is open for writing cannot be executed.
    fn script(&self, name: &str, text: &str) -> String {
        let (draft, path) = (self.path(&format!("{name}.draft")), self.path(name));
        fs::write(&draft, text).unwrap();
        assert!(std::process::Command::new("cp").args([&draft, &path]).status().unwrap().success());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn send(&mut self, message: &ToRunner) {
        let channel = self.channel.as_mut().unwrap();
        channel.send(message).unwrap();
        assert!(!channel.wants_write());
    }

    fn configure(&mut self, global: Global, scripts: Vec<VrrpScript>) {
        self.send(&ToRunner::Configure(Box::new(Configure { global, scripts, readers: Vec::new() })));
    }

    fn notify(&mut self, instance: &str, tasks: Vec<Task>) {
        self.send(&ToRunner::Notify { instance: instance.into(), tasks });
    }

    fn result_within(&mut self, time: Duration) -> Option<(String, Outcome)> {
        let until = Instant::now() + time;
        let channel = self.channel.as_mut().unwrap();
        loop {
            if let Some(received) = channel.recv().unwrap() {
                let FromRunner::Result { script, outcome } = received.message else { continue };
                return Some((script, outcome));
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            let left = Timespec { tv_sec: left.as_secs() as i64, tv_nsec: left.subsec_nanos().into() };
            poll(&mut [PollFd::new(&*channel, PollFlags::IN)], Some(&left)).unwrap();
        }
    }

    fn result(&mut self) -> Outcome {
        self.result_within(LONG).expect("a result").1
    }

    /// The outcome of the first run of one command.
    fn outcome_of(&mut self, global: Global, script: VrrpScript) -> Outcome {
        self.configure(global, vec![script]);
        self.result()
    }

    /// Waits for a log line that contains a text.
    fn logged(&mut self, text: &str) -> String {
        let until = Instant::now() + LONG;
        loop {
            if let Some(line) = self.lines.iter().find(|line| line.contains(text)) {
                return line.clone();
            }
            assert!(Instant::now() < until, "no `{text}` in {:#?}", self.lines);
            self.read_log(until - Instant::now());
        }
    }

    fn read_log(&mut self, wait: Duration) {
        self.log.set_read_timeout(Some(wait.max(Duration::from_millis(1)))).unwrap();
        let mut packet = [0; 8192];
        if let Ok(length) = self.log.recv(&mut packet) {
            self.lines.push(String::from_utf8_lossy(&packet[..length]).into_owned());
        }
    }

    /// Tells it to stop and waits until it has.
    fn stop(&mut self) -> Result<(), ipc::Error> {
        self.stop_with(None)
    }

    /// The same, with something that is run at last, and how long it may take.
    fn stop_with(&mut self, last: Option<(Task, Duration)>) -> Result<(), ipc::Error> {
        self.send(&ToRunner::Stop { last });
        self.runner.take().unwrap().join().unwrap()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.channel = None;
        if let Some(runner) = self.runner.take() {
            let result = runner.join();
            if !std::thread::panicking() {
                result.unwrap().unwrap();
            }
        }
    }
}

fn exec(words: &[&str]) -> Command {
    Command::Exec(words.iter().map(|word| (*word).to_owned()).collect())
}

fn shell(shell: Shell, line: &str) -> Command {
    Command::Shell { shell, line: line.to_owned() }
}

/// A script that runs every 20 ms.
fn check(name: &str, command: Command) -> VrrpScript {
    VrrpScript {
        name: name.to_owned(),
        command,
        interval: Duration::from_millis(20),
        timeout: LONG,
        weight: 0,
        reverse: false,
        rise: 1,
        fall: 1,
        init_fail: false,
        user: None,
    }
}

/// `script_user root`, whatever users the machine has.
fn as_root() -> Global {
    Global { script_user: Some(("root".into(), None)), ..Global::default() }
}

fn wait_for<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + LONG;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "waited in vain for {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn lines_of(path: &Path) -> Vec<String> {
    fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

/// The process number that a script wrote.
fn pid_in(path: &Path) -> u32 {
    wait_for("a pid", || lines_of(path).first()?.parse().ok())
}

/// Whether a process lives; a zombie does not.
fn lives(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(") ").next().is_some_and(|rest| !rest.is_empty() && !rest.starts_with('Z'))
}

fn is_root() -> bool {
    let root = rustix::process::geteuid().is_root();
    if !root {
        eprintln!("not run: needs root");
    }
    root
}
