//! The nginx side: the configuration, the sockets and logs, and the proxy process.

use super::child::{Child, Environment, Restart};
use super::sockets;
use super::upgrade::{Inheritance, Predecessor};
use crate::inspect::{self, NginxOptions};
use crate::roles::{self, Role};
use nginx_conf::model::{Config, ListenAddress, LogDestination};
use proxy::message::{Configure, FromProxy, Status, StopMode, ToProxy};
use std::fs::OpenOptions;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// A proxy that crashes over and over keeps its sockets so often; then clients get a refusal
/// instead of a hang.
const MOST_CRASHES: u32 = 5;
/// A proxy of which a thread shows no sign of life for so long is killed and started again: no
/// request of anybody's keeps a thread busy for longer.
const LONGEST_SILENCE: Duration = Duration::from_secs(10);
/// How long a configuration may take to come into force.
const STARTING: Duration = Duration::from_secs(10);

/// The nginx side.
pub(crate) struct WebSide {
    options: NginxOptions,
    config: Config,
    sockets: Vec<(ListenAddress, OwnedFd)>,
    child: Option<Child<ToProxy, FromProxy>>,
    restart: Restart,
    generation: u64,
    ready: bool,
    refused: Option<String>,
    /// Stopped by an operator: not started again by us.
    pub(crate) stopped: bool,
    status: Option<Status>,
    pub(crate) restarts: u64,
    /// What the process asked for since the last turn.
    wishes: Vec<Wish>,
}

/// What an operator asked of the proxy process itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wish {
    Reload,
    Reopen,
    Stop,
}

impl WebSide {
    /// Opens the sockets and the logs of a configuration that was checked, and starts the process.
    pub(crate) fn start(options: NginxOptions, config: Config) -> Result<Self, String> {
        Self::start_with(options, config, Vec::new(), false)
    }

    /// The same with sockets that are open already, or as an operator had left it: stopped.
    pub(crate) fn start_with(
        options: NginxOptions,
        config: Config,
        sockets: Vec<(ListenAddress, OwnedFd)>,
        stopped: bool,
    ) -> Result<Self, String> {
        let mut side = Self {
            options,
            config,
            sockets,
            child: None,
            restart: Restart::default(),
            generation: 0,
            ready: false,
            refused: None,
            stopped,
            status: None,
            restarts: 0,
            wishes: Vec::new(),
        };
        if !stopped {
            side.open_sockets()?;
            side.start_process()?;
        }
        Ok(side)
    }

    /// Reads the file, then [`start`](Self::start)s.
    pub(crate) fn load_and_start(options: NginxOptions) -> Result<Self, String> {
        let loaded = inspect::load_nginx(&options);
        match loaded.config {
            Some(config) => Self::start(options, config),
            None => Err(nginx_conf::compat::test_lines(&loaded, &options.path).join("; ")),
        }
    }

    /// Opens what the configuration listens on; keeps what is open already.
    fn open_sockets(&mut self) -> Result<(), String> {
        self.sockets = open_missing(&self.config, &mut std::mem::take(&mut self.sockets))?;
        Ok(())
    }

    fn close_sockets(&mut self) {
        for (address, _) in self.sockets.drain(..) {
            sockets::forget(&address);
        }
    }

    fn start_process(&mut self) -> Result<(), String> {
        let user = match &self.config.main.user {
            Some((user, Some(group))) => format!("{user}:{group}"),
            Some((user, None)) => user.clone(),
            None => "nobody".to_owned(),
        };
        let mut environment: Environment = vec![(roles::USER, user)];
        if let Some(files) = self.config.main.worker_rlimit_nofile {
            environment.push((roles::FILES, files.to_string()));
        }
        let logs = open_logs(&self.config)?;
        let mut child =
            Child::start(Role::Proxy, &environment).map_err(|e| format!("the proxy process: {e}"))?;
        self.send_configuration(&mut child, self.config.clone(), logs)?;
        self.child = Some(child);
        Ok(())
    }

    fn send_configuration(
        &mut self,
        child: &mut Child<ToProxy, FromProxy>,
        config: Config,
        logs: Vec<OwnedFd>,
    ) -> Result<(), String> {
        self.generation += 1;
        self.ready = false;
        self.refused = None;
        let mut descriptors = Vec::new();
        for (_, socket) in &self.sockets {
            let copy = socket.try_clone().map_err(|error| format!("no descriptors left: {error}"))?;
            descriptors.push(copy);
        }
        descriptors.extend(logs);
        let configure = Configure { config, generation: self.generation, hostname: inspect::host_name() };
        match child.channel.send_with(&ToProxy::Configure(Box::new(configure)), descriptors) {
            // Of one that has ended already the last words, which say why, are still to be heard.
            Ok(()) | Err(ipc::Error::Closed) => Ok(()),
            Err(error) => Err(format!("the proxy process: {error}")),
        }
    }

    /// Waits until the configuration that was sent last is in force, or refused. A process that
    /// died or does not answer is left to [`turn`](Self::turn).
    pub(crate) fn wait_ready(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + STARTING;
        loop {
            let Some(child) = &self.child else { return Err("the proxy process is gone".to_owned()) };
            let ended = child.has_ended();
            self.hear();
            if self.ready {
                return Ok(());
            }
            if let Some(why) = self.refused.take() {
                return Err(why);
            }
            // What comes of its end is decided where every end is.
            let Some(child) = self.child.as_ref().filter(|_| !ended) else {
                return Err("the proxy process ended before it was ready".to_owned());
            };
            if Instant::now() > deadline {
                // It must not take up later what it was thought to have refused.
                child.kill();
                return Err(format!("the proxy process did not start within {STARTING:?}"));
            }
            super::wait_readable(child.channel.as_fd(), Duration::from_millis(50));
        }
    }

    fn hear(&mut self) {
        while let Some(child) = &mut self.child {
            let Ok(Some(received)) = child.channel.recv() else { return };
            match received.message {
                FromProxy::Ready(generation) => self.ready |= generation == self.generation,
                FromProxy::Refused(generation, why) if [0, self.generation].contains(&generation) => {
                    self.refused = Some(why)
                }
                FromProxy::Refused(..) => {}
                FromProxy::Drained(generation) => {
                    self.note("notice", &format!("generation {generation} exited with code 0"));
                }
                FromProxy::Stopping(_) => {
                    self.stopped = true;
                    self.wishes.push(Wish::Stop);
                }
                FromProxy::ReloadAsked => self.wishes.push(Wish::Reload),
                FromProxy::ReopenAsked => self.wishes.push(Wish::Reopen),
                FromProxy::Status(status) => self.status = Some(status),
            }
        }
    }

    /// Descriptors to wait for.
    pub(crate) fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        self.child.iter().flat_map(|c| [c.channel.as_fd(), c.pidfd()]).collect()
    }

    /// When something must be looked at again.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let watch = self.child.as_ref().map(|_| Instant::now() + LONGEST_SILENCE / 3);
        [watch, self.restart.at()].into_iter().flatten().min()
    }

    /// Listens to the process, and starts it again if it crashed.
    pub(crate) fn turn(&mut self) {
        self.hear();
        if self.child.as_mut().is_some_and(|child| child.kill_if_hung(LONGEST_SILENCE)) {
            self.note("alert", &format!("the proxy process shows no sign of life for {LONGEST_SILENCE:?}"));
        }
        if let Some(child) = &mut self.child
            && let Some(exit) = child.reap()
        {
            let (role, age) = (child.role(), child.age());
            self.hear();
            self.child = None;
            if self.stopped {
                self.close_sockets();
            } else {
                let why = self.refused.take().map_or_else(String::new, |why| format!(" ({why})"));
                self.note("alert", &format!("the {} process {exit}{why}: restarting it", role.word()));
                self.restart.died(age);
                if self.restart.failures() >= MOST_CRASHES {
                    self.note("alert", "it crashes over and over: its sockets are closed meanwhile");
                    self.close_sockets();
                }
            }
        }
        if self.restart.is_due() && !self.stopped {
            self.restarts += 1;
            if let Err(error) = self.open_sockets().and_then(|()| self.start_process()) {
                self.note("emerg", &error);
                self.restart.died(Duration::ZERO);
            }
        }
    }

    /// Whether clients are served. A proxy that crashed over and over serves again once it has lived for
    /// a while.
    pub(crate) fn serves(&self) -> bool {
        let lives = self.child.as_ref().is_some_and(|child| child.age() >= super::child::HEALTHY);
        !self.stopped && (self.restart.failures() < MOST_CRASHES || lives)
    }

    /// What the program after this one needs.
    pub(crate) fn bequeath(&self, inheritance: &mut Inheritance) {
        let child = self.child.as_ref();
        inheritance.proxy = child.and_then(|child| Predecessor::new(child.pid(), child.channel.as_fd()));
        let number = |(address, socket): &(ListenAddress, OwnedFd)| (address.clone(), socket.as_raw_fd());
        inheritance.sockets = self.sockets.iter().map(number).collect();
        inheritance.children.extend(child.map(Child::pid));
        inheritance.stopped = self.stopped;
    }

    /// What operators asked of the process since the last call.
    pub(crate) fn wishes(&mut self) -> Vec<Wish> {
        std::mem::take(&mut self.wishes)
    }

    /// Reads the file again; any error leaves everything as it was.
    pub(crate) fn reload(&mut self) -> Result<(), String> {
        let loaded = inspect::load_nginx(&self.options);
        let Some(config) = loaded.config else {
            let first = nginx_conf::compat::test_lines(&loaded, &self.options.path);
            for line in &first {
                self.note("emerg", line);
            }
            return Err(format!("reload refused, nothing was changed: {}", first.join("; ")));
        };
        let Some(mut child) = self.child.take() else {
            self.config = config;
            return Ok(());
        };
        let result = self.swap(&mut child, &config);
        self.child = Some(child);
        let result = result.and_then(|before| {
            let outcome = self.wait_ready();
            if outcome.is_ok() {
                forget_unwanted(&before, &self.sockets);
            } else {
                forget_unwanted(&self.sockets, &before);
                self.sockets = before;
            }
            outcome
        });
        match result {
            Ok(()) => {
                self.config = config;
                self.note("notice", "the configuration was reloaded");
                Ok(())
            }
            Err(why) => {
                self.note("emerg", &format!("reload refused, nothing was changed: {why}"));
                Err(format!("reload refused, nothing was changed: {why}"))
            }
        }
    }

    /// Sends a new configuration; gives back the sockets of the old one.
    fn swap(
        &mut self,
        child: &mut Child<ToProxy, FromProxy>,
        config: &Config,
    ) -> Result<Vec<(ListenAddress, OwnedFd)>, String> {
        let logs = open_logs(config)?;
        let mut kept = Vec::new();
        for (address, socket) in &self.sockets {
            let copy = socket.try_clone().map_err(|error| format!("no descriptors left: {error}"))?;
            kept.push((address.clone(), copy));
        }
        let sockets = open_missing(config, &mut kept)?;
        let before = std::mem::replace(&mut self.sockets, sockets);
        match self.send_configuration(child, config.clone(), logs) {
            Ok(()) => Ok(before),
            Err(why) => {
                forget_unwanted(&self.sockets, &before);
                self.sockets = before;
                Err(why)
            }
        }
    }

    /// Opens the log files anew, after logrotate has moved them.
    pub(crate) fn reopen_logs(&mut self) {
        match open_logs(&self.config) {
            Ok(logs) => {
                if let Some(child) = &mut self.child {
                    let _ = child.channel.send_with(&ToProxy::ReopenLogs, logs);
                }
            }
            Err(error) => self.note("emerg", &error),
        }
    }

    /// Asks how the proxy stands and waits a moment for the answer.
    pub(crate) fn ask_status(&mut self) -> Option<Status> {
        self.status = None;
        self.child.as_mut()?.channel.send(&ToProxy::Status).ok()?;
        let deadline = Instant::now() + Duration::from_secs(1);
        while self.status.is_none() && Instant::now() < deadline {
            if let Some(child) = &self.child {
                super::wait_readable(child.channel.as_fd(), Duration::from_millis(100));
            }
            self.hear();
        }
        self.status.take()
    }

    /// Begins to stop. Remembered: only [`resume`](Self::resume) starts it again.
    pub(crate) fn stop(&mut self, mode: StopMode) {
        self.stopped = true;
        self.restart.cancel();
        self.close_sockets();
        if let Some(child) = &mut self.child {
            let _ = child.channel.send(&ToProxy::Stop(mode));
        }
    }

    /// Starts again what an operator had stopped.
    pub(crate) fn resume(&mut self) -> Result<(), String> {
        if self.child.is_some() {
            return if self.stopped { Err("the proxy is still stopping".to_owned()) } else { Ok(()) };
        }
        let loaded = inspect::load_nginx(&self.options);
        let Some(config) = loaded.config else {
            return Err(nginx_conf::compat::test_lines(&loaded, &self.options.path).join("; "));
        };
        self.config = config;
        self.open_sockets()?;
        self.stopped = false;
        self.start_process()?;
        self.wait_ready()
    }

    /// Whether no process is left.
    pub(crate) fn is_gone(&self) -> bool {
        self.child.is_none()
    }

    /// Where the configuration came from.
    pub(crate) fn path(&self) -> &Path {
        &self.options.path
    }

    /// `pid` of the configuration in force.
    pub(crate) fn pid_path(&self) -> &Path {
        &self.config.main.pid
    }

    /// Process number, for the pid file.
    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::pid)
    }

    /// Writes a line of the supervisor's own into the error log.
    pub(crate) fn note(&self, level: &str, text: &str) {
        let (time, pid) = (inspect::log_time(), std::process::id());
        let line = format!("{time} [{level}] {pid}#{pid}: {}\n", text.replace('\n', " "));
        for log in &self.config.main.error_logs {
            if let Some(LogDestination::File(path)) = self.config.logs.get(log.log) {
                if let Ok(mut file) = OpenOptions::new().append(true).open(path) {
                    let _ = std::io::Write::write_all(&mut file, line.as_bytes());
                }
            } else {
                eprint!("{line}");
            }
        }
    }
}

impl Drop for WebSide {
    fn drop(&mut self) {
        if let Some(child) = &self.child {
            child.kill();
        }
        self.close_sockets();
    }
}

/// Removes what those leave behind that are not among the wanted ones.
fn forget_unwanted(closed: &[(ListenAddress, OwnedFd)], wanted: &[(ListenAddress, OwnedFd)]) {
    for (address, _) in closed {
        if !wanted.iter().any(|(other, _)| other == address) {
            sockets::forget(address);
        }
    }
}

fn open_missing(
    config: &Config,
    kept: &mut Vec<(ListenAddress, OwnedFd)>,
) -> Result<Vec<(ListenAddress, OwnedFd)>, String> {
    let mut open = Vec::new();
    let mut opened = Vec::new();
    for listener in config.http.iter().flat_map(|http| &http.listeners) {
        let address = listener.address.clone();
        if let Some(at) = kept.iter().position(|(kept, _)| *kept == address) {
            open.push(kept.swap_remove(at));
            continue;
        }
        let socket = sockets::open(listener).inspect_err(|_| opened.iter().for_each(sockets::forget))?;
        opened.push(address.clone());
        open.push((address, socket));
    }
    Ok(open)
}

/// Opens every log that is a file or stderr, in order.
fn open_logs(config: &Config) -> Result<Vec<OwnedFd>, String> {
    let files = config.logs.iter().filter_map(|log| match log {
        LogDestination::File(path) => Some(open_log(path)),
        LogDestination::Stderr => {
            Some(std::io::stderr().as_fd().try_clone_to_owned().map_err(|error| format!("stderr: {error}")))
        }
        LogDestination::Syslog { .. } => None,
    });
    files.collect()
}

fn open_log(path: &Path) -> Result<OwnedFd, String> {
    let file = OpenOptions::new().append(true).create(true).mode(0o644).open(path);
    file.map(OwnedFd::from)
        .map_err(|error| format!("open() \"{}\" failed ({})", path.display(), inspect::errno_words(&error)))
}
