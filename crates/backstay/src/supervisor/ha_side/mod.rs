//! The keepalived side: the vrrp process and the runner, and what they say to each other.

mod deaths;
mod hear;
mod options;
mod predecessor;

pub(crate) use options::HaOptions;

use super::child::{Child, Environment, Restart};
use super::copies::Copies;
use super::dumps;
use super::fifos::Fifos;
use super::reload_time::ReloadTime;
use super::upgrade::{self, Inheritance};
use crate::roles::{self, Role, Setup};
use control::message::{Adjustment, ToControl};
use ha::message::{Dump, In, InstanceStatus, Memory, Out, ScriptOutcome};
use keepalived_conf::Loaded;
use keepalived_conf::check::interfaces_of;
use keepalived_conf::model::{Config, Fifo, NotifyScript, Process, Program, TimedScript};
use logging::{Level, Logger};
use options::in_namespace;
use predecessor::Predecessor;
use runner::message::{Configure, FromRunner, Outcome, Task, ToRunner};
use rustix::fs::OFlags;
use rustix::time::{ClockId, clock_gettime};
use std::collections::{BTreeSet, HashSet};
use std::fs::OpenOptions;
use std::io::Write;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// How long the runner may take to end beyond what `shutdown_script` has.
const FAREWELL: Duration = Duration::from_secs(3);

/// Notifications and mails that are kept while there is no runner.
const MOST_UNTOLD: usize = 1000;

/// How long the vrrp process may take to say how its instances stand.
const STATUS: Duration = Duration::from_secs(1);

/// A word that only a start follows and that is another one now.
fn word_of_a_start(running: &Program, wanted: &Program) -> Option<&'static str> {
    if running.network_namespace != wanted.network_namespace {
        Some("net_namespace")
    } else {
        (running.instance != wanted.instance).then_some("instance")
    }
}

/// The keepalived side.
pub(crate) struct HaSide {
    options: HaOptions,
    config: Config,
    vrrp: Option<Child<In, Out>>,
    /// Vrrp processes that are dead, but not cleared away by the kernel yet.
    dying: Vec<Child<In, Out>>,
    runner: Option<Child<ToRunner, FromRunner>>,
    vrrp_restart: Restart,
    runner_restart: Restart,
    /// What the runner is to do once there is one.
    untold: Vec<ToRunner>,
    memory: Memory,
    /// Whether the vrrp process has its configuration in force.
    vrrp_ready: bool,
    /// When the last one that had was seen alive, from the machine's start.
    silent_since: Option<Duration>,
    /// What the file was found to lack; `status` says degraded.
    pub(crate) findings: usize,
    pub(crate) restarts: u64,
    /// The interfaces that the configuration names.
    interfaces: BTreeSet<String>,
    fifos: Fifos,
    reload_time: ReloadTime,
    copies: Copies,
    /// What the vrrp process was told of the proxy.
    proxy: Option<bool>,
    status: Option<Vec<InstanceStatus>>,
    /// When the control process's question was passed on, until it is answered.
    status_asked: Option<Instant>,
    /// What the control process is to be told.
    news: Vec<ToControl>,
    /// Whether a configuration has been in force.
    started: bool,
    /// Whether a reload is not in force yet.
    reloading: bool,
    /// `-d`: the next dump goes to the log.
    dump_to_log: bool,
    stopping: Option<Instant>,
    /// Whether a process died that `-R` keeps from being started again.
    given_up: bool,
    /// Whether `startup_script` is over.
    script_ran: bool,
    /// When the runner was told to stop.
    runner_stopping: Option<Instant>,
    /// The vrrp process of the program before an upgrade.
    predecessor: Option<Predecessor>,
    /// Whether the vrrp process was started once more only to give the addresses up.
    farewell_started: bool,
}

impl HaSide {
    /// Reads the file and starts both processes. As keepalived does, a start goes on with what was
    /// understood: refusing would lose the addresses.
    pub(crate) fn start(
        options: HaOptions,
        inherited: Option<&mut Inheritance>,
        logger: &mut Logger,
    ) -> Result<Self, String> {
        let (loaded, checks) = options.read()?;
        complain(&loaded, &checks, logger);
        let mut copies = Copies::default();
        copies.keep(&loaded, logger);
        let findings = loaded.report.count(diagnostic::Severity::Error);
        let mut side = Self {
            dump_to_log: options.dump,
            options,
            interfaces: interfaces_of(&loaded),
            config: loaded.config,
            vrrp: None,
            dying: Vec::new(),
            runner: None,
            vrrp_restart: Restart::default(),
            runner_restart: Restart::default(),
            untold: Vec::new(),
            memory: Memory::default(),
            vrrp_ready: false,
            silent_since: None,
            findings,
            restarts: 0,
            fifos: Fifos::default(),
            reload_time: ReloadTime::default(),
            copies,
            proxy: None,
            status: None,
            status_asked: None,
            news: Vec::new(),
            started: false,
            reloading: false,
            stopping: None,
            given_up: false,
            script_ran: false,
            runner_stopping: None,
            predecessor: None,
            farewell_started: false,
        };
        let upgraded = inherited.is_some();
        if let Some(inherited) = inherited {
            side.memory = std::mem::take(&mut inherited.memory);
            side.predecessor = inherited.vrrp.take().map(Predecessor::new);
        }
        side.warn_of_rivals(logger);
        side.prepare(logger);
        side.start_runner().map_err(|error| format!("the runner process: {error}"))?;
        if !upgraded {
            // The vrrp process may not write where these files are.
            for line in ha::write_initial_files(&side.config) {
                logger.log(Level::Error, &line);
            }
            side.run_startup_script(logger);
        }
        side.start_vrrp(logger).map_err(|error| format!("the vrrp process: {error}"))?;
        if side.dump_to_log {
            side.dump(Dump::Data, logger);
        }
        Ok(side)
    }

    fn warn_of_rivals(&self, logger: &mut Logger) {
        let namespace = self.config.program.network_namespace.as_deref();
        let ours: Vec<u32> = self.predecessor.iter().map(Predecessor::pid).collect();
        for rival in in_namespace(namespace, || ha::rivals(&ours)).unwrap_or_default() {
            let text = format!(
                "{rival} speaks VRRP on this host already: with one virtual router id on one interface, \
                 two of them fight over addresses"
            );
            logger.log(Level::Warning, &text);
        }
    }

    /// What this process itself does for a configuration: `umask`, `process_name`, FIFOs.
    pub(crate) fn prepare(&mut self, logger: &mut Logger) {
        let global = &self.config.global;
        if let Some(mask) = self.options.umask.or(global.umask) {
            let _ = rustix::process::umask(rustix::fs::Mode::from_raw_mode(mask));
        }
        if let Some(name) = &global.processes.parent_name {
            sys::process::set_name(name);
        }
        self.reload_time.configure(&global.reload);
        self.fifos.configure(global, logger);
    }

    /// Runs `startup_script` and waits for it; the election waits too, as with keepalived.
    fn run_startup_script(&mut self, logger: &mut Logger) {
        let Some((task, limit)) = self.config.global.startup_script.clone().map(timed) else { return };
        self.tell_runner(&ToRunner::Run { task, limit });
        let deadline = Instant::now() + limit + FAREWELL;
        while !self.script_ran && Instant::now() < deadline {
            let Some(runner) = self.runner.as_ref().filter(|runner| !runner.has_ended()) else { break };
            super::wait_readable(runner.channel.as_fd(), Duration::from_millis(100));
            self.hear_runner();
        }
        if !self.script_ran {
            logger.log(Level::Error, "startup_script did not end");
        }
    }

    /// What both processes are started with.
    pub(super) fn environment(&self, process: Option<Process>) -> std::io::Result<Environment> {
        let processes = &self.config.global.processes;
        let setup = Setup {
            namespace: self.config.program.network_namespace.clone(),
            process,
            max_auto_priority: processes.max_auto_priority,
            user: roles::user_without_rights().cloned(),
        };
        let mut environment = vec![(roles::LOG, self.options.log.to_word()?)];
        environment.push((roles::SETUP, serde_json::to_string(&setup)?));
        Ok(environment)
    }

    fn start_vrrp(&mut self, logger: &mut Logger) -> std::io::Result<()> {
        let process = self.config.global.processes.of_vrrp(!self.config.bfd.is_empty());
        let mut child = Child::start(Role::Vrrp, &self.environment(Some(process))?)?;
        // Only one process can have the ports of BFD; without them the old one advertises until the new
        // one does.
        if self.config.bfd.is_empty() {
            self.hear_predecessor(logger);
        } else {
            self.relieve(logger);
        }
        let configure = In::Configure {
            config: self.config.clone(),
            restored: self.memory.clone(),
            silent_since: self.silent_since,
        };
        child.channel.send(&configure).map_err(std::io::Error::other)?;
        if let Some(serves) = self.proxy {
            child.channel.send(&In::Proxy { serves }).map_err(std::io::Error::other)?;
        }
        self.vrrp = Some(child);
        Ok(())
    }

    fn start_runner(&mut self) -> std::io::Result<()> {
        let mut child = Child::start(Role::Runner, &self.environment(None)?)?;
        child.channel.send(&self.runner_configuration()).map_err(std::io::Error::other)?;
        for message in self.untold.drain(..) {
            child.channel.send(&message).map_err(std::io::Error::other)?;
        }
        self.runner = Some(child);
        Ok(())
    }

    /// Scripts that neither an instance nor a sync group tracks are not run.
    fn runner_configuration(&self) -> ToRunner {
        let of_instances = self.config.instances.iter().flat_map(|instance| &instance.track_scripts);
        let of_groups = self.config.sync_groups.iter().flat_map(|group| &group.track.scripts);
        let all: HashSet<&str> = of_instances.chain(of_groups).map(|script| script.name.as_str()).collect();
        let tracked = |name: &str| all.contains(name);
        let scripts = self.config.scripts.iter().filter(|script| tracked(&script.name)).cloned().collect();
        let global = self.config.global.clone();
        let readers = global.fifos.all.iter().chain(&global.fifos.vrrp).filter_map(reader).collect();
        ToRunner::Configure(Box::new(Configure { global, scripts, readers }))
    }

    /// Tells the vrrp process whether the proxy beside it serves, when that is new.
    pub(crate) fn tell_proxy(&mut self, serves: bool) {
        if self.proxy.replace(serves) != Some(serves)
            && let Some(vrrp) = &mut self.vrrp
        {
            let _ = vrrp.channel.send(&In::Proxy { serves });
        }
    }

    /// Descriptors to wait for.
    pub(crate) fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        let vrrp = self.vrrp.iter().flat_map(Child::descriptors);
        let runner = self.runner.iter().flat_map(Child::descriptors);
        vrrp.chain(runner).chain(self.dying.iter().map(Child::pidfd)).collect()
    }

    /// When something must be looked at again.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let watch = self.vrrp.as_ref().map(|_| Instant::now() + deaths::LONGEST_SILENCE / 3);
        [watch, self.vrrp_restart.at(), self.runner_restart.at()].into_iter().flatten().min()
    }

    /// Listens to both processes, and starts again what died.
    pub(crate) fn turn(&mut self, logger: &mut Logger) {
        self.hear_vrrp(logger);
        self.hear_runner();
        self.notice_deaths(logger);
        self.start_again(logger);
    }

    fn tell_runner(&mut self, message: &ToRunner) {
        match &mut self.runner {
            Some(runner) => {
                let _ = runner.channel.send(message);
            }
            // The next one does it; its configuration it is told anyway.
            None => {
                let concerns_it = matches!(message, ToRunner::Notify { .. } | ToRunner::Mail(_));
                if concerns_it && self.untold.len() < MOST_UNTOLD {
                    self.untold.push(message.clone());
                }
            }
        }
    }

    /// Reads the file again, changing nothing: the configuration that [`apply`](Self::apply) takes.
    pub(crate) fn read_again(&mut self, logger: &mut Logger) -> Result<Loaded, String> {
        let read = self.while_marked(|| self.options.read());
        let refused = match read {
            Ok((loaded, checks)) => {
                complain(&loaded, &checks, logger);
                if let Some(Some(path)) = &self.config.global.reload.check {
                    write_findings(path, &loaded, &checks, logger);
                }
                self.copies.keep(&loaded, logger);
                match self.refusal(&loaded) {
                    None => return Ok(loaded),
                    Some(why) => why,
                }
            }
            Err(why) => why,
        };
        let text = format!("reload refused: {refused}; nothing was changed");
        logger.log(Level::Error, &text);
        Err(text)
    }

    /// Why a configuration cannot go into force while another one is.
    fn refusal(&self, loaded: &Loaded) -> Option<String> {
        if loaded.report.has_errors() {
            return Some(format!("{} has errors", self.options.path.display()));
        }
        if let Some(word) = word_of_a_start(&self.config.program, &loaded.config.program) {
            return Some(format!("`{word}` cannot be changed while the program runs: restart it"));
        }
        // An editor or a copy may just be writing it.
        let is_blank = |(_, source): (_, &diagnostic::Source)| source.bytes().trim_ascii().is_empty();
        if loaded.sources.files().all(is_blank) && !self.config.instances.is_empty() {
            return Some(format!("{} is empty", self.options.path.display()));
        }
        // A start waits for it: that is better than no program. Addresses that are served are not given up
        // for it.
        let missing = self.options.missing_interface(loaded, &self.interfaces);
        let words = |name| {
            format!("there is no interface `{name}` here (`dynamic_interfaces` lets instances wait for it)")
        };
        missing.map(|missing| missing.map(words)).unwrap_or_else(Some)
    }

    /// `reload_file`: the file is there, and empty, as long as others had better not change the
    /// configuration.
    fn while_marked<T>(&self, read: impl FnOnce() -> T) -> T {
        let written = self.config.global.reload.file.clone();
        let usual = || roles::pid_path(&self.config.program, "keepalived").with_extension("reload");
        let mark = written.map(|path| path.unwrap_or_else(usual));
        if let Some(mark) = &mark {
            let _ = std::fs::write(mark, "");
        }
        let outcome = read();
        if let Some(mark) = &mark {
            let _ = std::fs::remove_file(mark);
        }
        outcome
    }

    /// Whether `reload_time_file` asks for a reload now.
    pub(crate) fn reload_is_due(&mut self, logger: &mut Logger) -> bool {
        self.stopping.is_none() && self.reload_time.is_due(logger)
    }

    /// Puts a configuration into force.
    pub(crate) fn apply(&mut self, loaded: Loaded, logger: &mut Logger) {
        self.findings = 0;
        self.interfaces = interfaces_of(&loaded);
        self.config = loaded.config;
        self.prepare(logger);
        if let Some(vrrp) = &mut self.vrrp {
            let reload = In::Reload { config: self.config.clone() };
            let [before, after] = self.copies.around_reload().map(|kind| kind.map(In::Dump));
            for message in [before, Some(reload), after].iter().flatten() {
                let _ = vrrp.channel.send(message);
            }
        }
        self.reloading = true;
        let configuration = self.runner_configuration();
        self.tell_runner(&configuration);
    }

    /// Changes numbers of instances as managers want them, until the next reload; together, because
    /// the vrrp process takes the whole configuration anew.
    pub(crate) fn adjust(&mut self, wanted: &[Adjustment]) {
        let config = &mut self.config;
        let changed = wanted.iter().filter(|adjustment| adjustment.apply(config)).count() > 0;
        // A process that is not there now gets it at its start.
        if let Some(vrrp) = self.vrrp.as_mut().filter(|_| changed) {
            let _ = vrrp.channel.send(&In::Adjust { config: self.config.clone() });
        }
    }

    /// Asks how the instances stand; the answer is among the [`news`](Self::news) some time. Asked
    /// again before it has come, it is not asked twice: the vrrp process has better things to do.
    pub(crate) fn request_status(&mut self) {
        let waits = self.status_asked.is_some_and(|at| at.elapsed() < STATUS);
        if let Some(vrrp) = self.vrrp.as_mut().filter(|_| !waits) {
            self.status_asked = Some(Instant::now());
            let _ = vrrp.channel.send(&In::StatusRequest);
        }
    }

    /// Announces the addresses of an instance once more, if it is master.
    pub(crate) fn announce(&mut self, instance: String) {
        self.wish(&In::Announce { instance });
    }

    /// What the control process is to be told, since the last call.
    pub(crate) fn news(&mut self) -> Vec<ToControl> {
        std::mem::take(&mut self.news)
    }

    /// The configuration in force.
    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// Whether processes that die are started again: not `-R`.
    pub(crate) fn respawns(&self) -> bool {
        self.options.respawn
    }

    /// Whether a process died that is not started again: the program is to stop.
    pub(crate) fn has_given_up(&self) -> bool {
        self.given_up
    }

    /// Asks how the instances stand and waits a moment for the answer.
    pub(crate) fn ask_status(&mut self, logger: &mut Logger) -> Option<Vec<InstanceStatus>> {
        self.status = None;
        self.vrrp.as_mut()?.channel.send(&In::StatusRequest).ok()?;
        let deadline = Instant::now() + STATUS;
        while self.status.is_none() && Instant::now() < deadline {
            if let Some(vrrp) = &self.vrrp {
                super::wait_readable(vrrp.channel.as_fd(), Duration::from_millis(100));
            }
            self.hear_vrrp(logger);
        }
        self.status.take()
    }

    /// Writes what a signal of keepalived's asks for; the vrrp process's part when it has answered.
    pub(crate) fn dump(&mut self, kind: Dump, logger: &mut Logger) {
        let vrrp = self.vrrp.as_ref().map(Child::pid);
        for line in dumps::words(kind, vrrp).into_iter().filter(|_| !self.dump_to_log) {
            logger.log(Level::Info, &line);
        }
        if kind == Dump::Data && !self.dump_to_log {
            let text = ha::dump::global(&self.config, false);
            self.write_dump(kind, "_parent", &text, logger);
        }
        self.dump_vrrp(kind);
    }

    /// Writes the vrrp process's part alone.
    pub(crate) fn dump_vrrp(&mut self, kind: Dump) {
        self.wish(&In::Dump(kind));
    }

    /// Passes on what somebody wishes for, unless the vrrp process is behind: a flood of wishes is to fill
    /// no memory.
    fn wish(&mut self, wish: &In) {
        if let Some(vrrp) = self.vrrp.as_mut().filter(|vrrp| !vrrp.channel.wants_write()) {
            let _ = vrrp.channel.send(wish);
        }
    }

    fn write_dump(&mut self, kind: Dump, suffix: &str, text: &str, logger: &mut Logger) {
        if text.is_empty() {
            return;
        }
        if std::mem::take(&mut self.dump_to_log) {
            text.lines().for_each(|line| logger.log(Level::Info, line));
            return;
        }
        let path = dumps::path(&self.config, kind, suffix);
        if let Err(error) = dumps::write(&path, text.as_bytes()) {
            logger.log(Level::Error, &format!("Can't open dump file {}: {error}", path.display()));
        }
    }

    /// What the program after this one needs. The runner ends when its channel closes.
    pub(crate) fn bequeath(&mut self, inheritance: &mut Inheritance, logger: &mut Logger) {
        self.hear_vrrp(logger);
        self.relieve(logger);
        // Those that were made here are to be made, and removed, by the program after this one.
        self.fifos.close();
        inheritance.memory = self.memory.clone();
        let vrrp = self.vrrp.as_ref();
        inheritance.vrrp = vrrp.and_then(|vrrp| upgrade::Predecessor::new(vrrp.pid(), vrrp.channel.as_fd()));
        inheritance.children.extend(self.runner.iter().map(Child::pid));
        inheritance.children.extend(self.dying.iter().map(Child::pid));
    }

    /// Begins to stop: the vrrp process gives its addresses up.
    pub(crate) fn stop(&mut self, logger: &mut Logger) {
        if self.stopping.is_some() {
            return;
        }
        self.stopping = Some(Instant::now());
        if self.relieve(logger) {
            // What one that knows better holds is to be given up.
            self.start_vrrp_anew(logger);
        }
        self.vrrp_restart.cancel();
        self.runner_restart.cancel();
        match &mut self.vrrp {
            Some(vrrp) => {
                let _ = vrrp.channel.send(&In::Stop);
            }
            None => self.start_farewell(logger),
        }
    }

    /// A vrrp process that died has left its addresses behind: one more takes them up and gives
    /// them up in order.
    fn start_farewell(&mut self, logger: &mut Logger) {
        if std::mem::replace(&mut self.farewell_started, true) {
            return;
        }
        if let Err(error) = self.start_vrrp(logger) {
            logger.log(Level::Error, &format!("The addresses may have stayed: {error}"));
        } else if let Some(vrrp) = &mut self.vrrp {
            let _ = vrrp.channel.send(&In::Stop);
        }
    }

    /// Whether both processes have ended. After the last notification the runner is told to stop, which runs
    /// `shutdown_script` when those are over; FIFOs end after that, so that it does not start again the
    /// scripts that end with them.
    pub(crate) fn is_stopped(&mut self) -> bool {
        let Some(since) = self.stopping else { return false };
        if self.vrrp.is_some() {
            if since.elapsed() > self.config.program.child_wait_time {
                self.vrrp.as_ref().inspect(|vrrp| vrrp.kill());
            }
            return false;
        }
        let last = self.config.global.shutdown_script.clone().map(timed);
        let limit = last.as_ref().map_or(Duration::ZERO, |(_, limit)| *limit);
        match self.runner_stopping {
            None => {
                self.runner_stopping = Some(Instant::now());
                self.tell_runner(&ToRunner::Stop { last });
                self.fifos.close();
            }
            Some(since) if since.elapsed() > limit + FAREWELL => {
                self.runner.as_ref().inspect(|runner| runner.kill());
            }
            Some(_) => {
                // A broken channel is followed by its end.
                let _ = self.runner.as_mut().map(|runner| runner.channel.flush());
            }
        }
        self.runner.is_none()
    }

    /// Every process that only this one can wait for.
    pub(crate) fn children(&self) -> Vec<u32> {
        let vrrp = self.vrrp.iter().chain(&self.dying).map(Child::pid);
        vrrp.chain(self.runner.iter().map(Child::pid)).collect()
    }

    /// Process numbers, for pid files and `status`.
    pub(crate) fn pids(&self) -> (Option<u32>, Option<u32>) {
        (self.vrrp.as_ref().map(Child::pid), self.runner.as_ref().map(Child::pid))
    }

    /// Where the configuration came from.
    pub(crate) fn path(&self) -> &Path {
        &self.options.path
    }
}

/// The time since the machine's start; it runs on while the machine is suspended.
fn since_boot() -> Duration {
    let time = clock_gettime(ClockId::Boottime);
    Duration::try_from(time).unwrap_or_default()
}

/// Gives the vrrp process a real-time priority, if `max_auto_priority` lets it have that.
fn raise(pid: u32, priority: u8, highest: i8, logger: &mut Logger) {
    if i16::from(priority) > i16::from(highest) {
        return;
    }
    match sys::realtime::round_robin_of(pid, priority) {
        Ok(()) => logger.log(Level::Info, &format!("Set realtime priority {priority} of the vrrp process")),
        Err(errno) => {
            let text =
                format!("The kernel refuses real-time priority {priority} ({errno}); going on without");
            logger.log(Level::Warning, &text);
        }
    }
}

fn complain(loaded: &Loaded, checks: &diagnostic::Report, logger: &mut Logger) {
    for line in keepalived_conf::compat::lines(loaded, checks) {
        logger.log(Level::Warning, &line);
    }
}

/// `reload_check_config`: writes what was found to a file, anew each time. Neither a link nor a FIFO
/// that nobody reads is waited for or followed.
fn write_findings(path: &Path, loaded: &Loaded, checks: &diagnostic::Report, logger: &mut Logger) {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o644).custom_flags(flags.bits().cast_signed());
    let lines = keepalived_conf::compat::lines(loaded, checks);
    let text: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    if let Err(error) = written {
        logger.log(Level::Warning, &format!("reload_check_config {}: {error}", path.display()));
    } else if loaded.report.has_errors() {
        let text = format!("New config failed validation, see {} for details", path.display());
        logger.log(Level::Info, &text);
    }
}

/// The script that reads a FIFO.
fn reader(fifo: &Fifo) -> Option<Task> {
    let NotifyScript { command, user } = fifo.script.clone()?;
    Some(Task { command, user, arguments: vec![fifo.path.to_string_lossy().into_owned()] })
}

/// `startup_script` or `shutdown_script`, and how long it may take.
fn timed(script: TimedScript) -> (Task, Duration) {
    let TimedScript { script: NotifyScript { command, user }, timeout } = script;
    (Task { command, user, arguments: Vec::new() }, timeout)
}

fn task(command: ha::message::NotifyCommand) -> Task {
    Task { command: command.command, user: command.user, arguments: command.arguments }
}

fn script_outcome(outcome: Outcome) -> ScriptOutcome {
    match outcome {
        Outcome::Exited(status) => ScriptOutcome::Exited(status),
        Outcome::Signalled(signal) => ScriptOutcome::Signalled(signal),
        Outcome::TimedOut => ScriptOutcome::TimedOut,
        Outcome::NotRunnable(why) => ScriptOutcome::NotRunnable(why),
    }
}
