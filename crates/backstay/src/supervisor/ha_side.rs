//! The keepalived side: the vrrp process and the runner, and what they say to each other.

use super::child::{Child, Environment, Exit, Restart};
use super::dumps;
use super::fifos::Fifos;
use crate::inspect;
use crate::roles::{self, LogPlan, Role};
use ha::message::{Dump, In, InstanceStatus, Memory, Out, ScriptOutcome};
use keepalived_conf::Loaded;
use keepalived_conf::model::{Config, Fifo, NotifyScript};
use logging::{Level, Logger};
use runner::message::{Configure, FromRunner, Mail, Outcome, Task, ToRunner};
use std::os::fd::{AsFd, BorrowedFd};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// A vrrp process that shows no sign of life for so long is killed and started again: well below
/// the three seconds after which peers of an interval of one second take over.
const LONGEST_SILENCE: Duration = Duration::from_millis(1500);
/// How long an orderly stop may take.
const FAREWELL: Duration = Duration::from_secs(3);

/// The keepalived side.
pub(crate) struct HaSide {
    path: PathBuf,
    config_id: Option<String>,
    config: Config,
    log: LogPlan,
    vrrp: Option<Child<In, Out>>,
    runner: Option<Child<ToRunner, FromRunner>>,
    vrrp_restart: Restart,
    runner_restart: Restart,
    memory: Memory,
    /// What the file was found to lack; `status` says degraded.
    pub(crate) findings: usize,
    pub(crate) restarts: u64,
    fifos: Fifos,
    status: Option<Vec<InstanceStatus>>,
    stopping: Option<Instant>,
    /// Whether the vrrp process was started once more only to give the addresses up.
    farewell_started: bool,
}

impl HaSide {
    /// Reads the file and starts both processes. As keepalived does, a start goes on with what was
    /// understood: refusing would lose the addresses.
    pub(crate) fn start(
        path: PathBuf,
        config_id: Option<String>,
        log: LogPlan,
        logger: &mut Logger,
    ) -> Result<Self, String> {
        let loaded = inspect::load_keepalived(&path, config_id.as_deref());
        if !loaded.readable {
            return Err(format!("the configuration file {} cannot be read", path.display()));
        }
        let checks = inspect::check_keepalived(&loaded, None);
        complain(&loaded, &checks, logger);
        for rival in ha::rivals(&[]) {
            let text = format!(
                "{rival} speaks VRRP on this host already: two of them fight over addresses; stop it"
            );
            logger.log(Level::Warning, &text);
        }
        let findings = loaded.report.count(diagnostic::Severity::Error);
        let mut side = Self {
            path,
            config_id,
            config: loaded.config,
            log,
            vrrp: None,
            runner: None,
            vrrp_restart: Restart::default(),
            runner_restart: Restart::default(),
            memory: Memory::default(),
            findings,
            restarts: 0,
            fifos: Fifos::default(),
            status: None,
            stopping: None,
            farewell_started: false,
        };
        side.fifos.configure(&side.config.global, logger);
        side.start_runner().map_err(|error| format!("the runner process: {error}"))?;
        side.start_vrrp().map_err(|error| format!("the vrrp process: {error}"))?;
        Ok(side)
    }

    fn environment(&self) -> Environment {
        vec![(roles::LOG, self.log.to_word())]
    }

    fn start_vrrp(&mut self) -> std::io::Result<()> {
        let mut child = Child::start(Role::Vrrp, &self.environment())?;
        let configure = In::Configure { config: self.config.clone(), restored: self.memory.clone() };
        child.channel.send(&configure).map_err(std::io::Error::other)?;
        self.vrrp = Some(child);
        Ok(())
    }

    fn start_runner(&mut self) -> std::io::Result<()> {
        let mut child = Child::start(Role::Runner, &self.environment())?;
        child.channel.send(&self.runner_configuration()).map_err(std::io::Error::other)?;
        self.runner = Some(child);
        Ok(())
    }

    /// Scripts that no instance tracks are not run.
    fn runner_configuration(&self) -> ToRunner {
        let tracked = |name: &str| {
            self.config.instances.iter().any(|i| i.track_scripts.iter().any(|script| script.name == name))
        };
        let scripts = self.config.scripts.iter().filter(|script| tracked(&script.name)).cloned().collect();
        let global = self.config.global.clone();
        let readers = global.fifos.all.iter().chain(&global.fifos.vrrp).filter_map(reader).collect();
        ToRunner::Configure(Box::new(Configure { global, scripts, readers }))
    }

    /// Descriptors to wait for.
    pub(crate) fn descriptors(&self) -> Vec<BorrowedFd<'_>> {
        let vrrp = self.vrrp.iter().flat_map(|c| [c.channel.as_fd(), c.pidfd()]);
        let runner = self.runner.iter().flat_map(|c| [c.channel.as_fd(), c.pidfd()]);
        vrrp.chain(runner).collect()
    }

    /// When something must be looked at again.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        let watch = self.vrrp.as_ref().map(|_| Instant::now() + LONGEST_SILENCE / 3);
        [watch, self.vrrp_restart.at(), self.runner_restart.at()].into_iter().flatten().min()
    }

    /// Listens to both processes, and starts again what died.
    pub(crate) fn turn(&mut self, logger: &mut Logger) {
        self.hear_vrrp(logger);
        self.hear_runner();
        if let Some(vrrp) = &mut self.vrrp {
            if vrrp.kill_if_hung(LONGEST_SILENCE) {
                let text =
                    format!("The vrrp process shows no sign of life for {LONGEST_SILENCE:?}: restarting it");
                logger.log(Level::Error, &text);
            }
            if let Some(exit) = vrrp.reap() {
                self.hear_vrrp(logger);
                self.lost(Role::Vrrp, &exit.to_string(), logger);
                if self.stopping.is_some() && exit != Exit::Status(0) {
                    self.start_farewell(logger);
                }
            }
        }
        if let Some(exit) = self.runner.as_mut().and_then(Child::reap) {
            self.hear_runner();
            self.lost(Role::Runner, &exit.to_string(), logger);
        }
        if self.vrrp_restart.is_due() && self.stopping.is_none() {
            self.restarts += 1;
            if let Err(error) = self.start_vrrp() {
                logger.log(Level::Error, &format!("Cannot start the vrrp process: {error}"));
                self.vrrp_restart.died(Duration::ZERO);
            }
        }
        if self.runner_restart.is_due() && self.stopping.is_none() {
            self.restarts += 1;
            if let Err(error) = self.start_runner() {
                logger.log(Level::Error, &format!("Cannot start the runner process: {error}"));
                self.runner_restart.died(Duration::ZERO);
            }
        }
    }

    fn lost(&mut self, role: Role, how: &str, logger: &mut Logger) {
        let (child_age, restart) = match role {
            Role::Vrrp => (self.vrrp.take().map(|c| c.age()), &mut self.vrrp_restart),
            _ => (self.runner.take().map(|c| c.age()), &mut self.runner_restart),
        };
        if self.stopping.is_none() {
            logger.log(Level::Error, &format!("The {} process {how}: restarting it", role.word()));
            restart.died(child_age.unwrap_or_default());
        }
    }

    fn hear_vrrp(&mut self, logger: &mut Logger) {
        while let Some(vrrp) = &mut self.vrrp {
            // A broken channel is followed by the end of the process, which is dealt with above.
            let Ok(Some(received)) = vrrp.channel.recv() else { return };
            match received.message {
                Out::Ready => {}
                Out::Notify(notification) => {
                    let line = notification.fifo_line();
                    let tasks: Vec<Task> = notification.commands.into_iter().map(task).collect();
                    if !tasks.is_empty() {
                        self.tell_runner(&ToRunner::Notify { instance: notification.name, tasks });
                    }
                    self.fifos.write(&line, logger);
                }
                Out::Mail(mail) => {
                    self.tell_runner(&ToRunner::Mail(Mail { subject: mail.subject, body: mail.body }));
                }
                Out::Status(status) => self.status = Some(status),
                Out::Dump(kind, text) => self.write_dump(kind, "", &text, logger),
                Out::Remember(memory) => self.memory = memory,
            }
        }
    }

    fn hear_runner(&mut self) {
        while let Some(runner) = &mut self.runner {
            let Ok(Some(received)) = runner.channel.recv() else { return };
            let FromRunner::Result { script, outcome } = received.message;
            if let Some(vrrp) = &mut self.vrrp {
                let _ = vrrp.channel.send(&In::ScriptResult { script, outcome: script_outcome(outcome) });
            }
        }
    }

    fn tell_runner(&mut self, message: &ToRunner) {
        if let Some(runner) = &mut self.runner {
            let _ = runner.channel.send(message);
        }
    }

    /// Reads the file again, changing nothing: the configuration that [`apply`](Self::apply) takes.
    pub(crate) fn read_again(&self, logger: &mut Logger) -> Result<Config, String> {
        let loaded = inspect::load_keepalived(&self.path, self.config_id.as_deref());
        let wrong = if loaded.readable {
            let checks = inspect::check_keepalived(&loaded, None);
            complain(&loaded, &checks, logger);
            loaded.report.has_errors().then_some("has errors")
        } else {
            Some("cannot be read")
        };
        match wrong {
            None => Ok(loaded.config),
            Some(wrong) => {
                let text = format!("reload refused: {} {wrong}; nothing was changed", self.path.display());
                logger.log(Level::Error, &text);
                Err(text)
            }
        }
    }

    /// Puts a configuration into force.
    pub(crate) fn apply(&mut self, config: Config, logger: &mut Logger) {
        self.findings = 0;
        self.config = config;
        self.fifos.configure(&self.config.global, logger);
        if let Some(vrrp) = &mut self.vrrp {
            let _ = vrrp.channel.send(&In::Reload { config: self.config.clone() });
        }
        let configuration = self.runner_configuration();
        self.tell_runner(&configuration);
        logger.log(Level::Info, "Reload finished");
    }

    /// Asks how the instances stand and waits a moment for the answer.
    pub(crate) fn ask_status(&mut self, logger: &mut Logger) -> Option<Vec<InstanceStatus>> {
        self.status = None;
        self.vrrp.as_mut()?.channel.send(&In::StatusRequest).ok()?;
        let deadline = Instant::now() + Duration::from_secs(1);
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
        if kind == Dump::Data {
            let text = ha::dump::global(&self.config, false);
            self.write_dump(kind, "_parent", &text, logger);
        }
        if let Some(vrrp) = &mut self.vrrp {
            let _ = vrrp.channel.send(&In::Dump(kind));
        }
    }

    fn write_dump(&self, kind: Dump, suffix: &str, text: &str, logger: &mut Logger) {
        if text.is_empty() {
            return;
        }
        if let Err(error) = dumps::write(&dumps::path(&self.config, kind, suffix), text) {
            logger.log(Level::Error, &error);
        }
    }

    /// Begins to stop: the vrrp process gives its addresses up.
    pub(crate) fn stop(&mut self, logger: &mut Logger) {
        if self.stopping.is_some() {
            return;
        }
        self.stopping = Some(Instant::now());
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
        if let Err(error) = self.start_vrrp() {
            logger.log(Level::Error, &format!("The addresses may have stayed: {error}"));
        } else if let Some(vrrp) = &mut self.vrrp {
            let _ = vrrp.channel.send(&In::Stop);
        }
    }

    /// Whether both processes have ended. The runner is told to stop after the last notification.
    pub(crate) fn is_stopped(&mut self) -> bool {
        let Some(since) = self.stopping else { return false };
        if self.vrrp.is_none() {
            self.fifos.close();
            if since.elapsed() < FAREWELL {
                self.tell_runner(&ToRunner::Stop);
            } else if let Some(runner) = &self.runner {
                runner.kill();
            }
        } else if since.elapsed() > FAREWELL {
            self.vrrp.as_ref().inspect(|vrrp| vrrp.kill());
        }
        self.vrrp.is_none() && self.runner.is_none()
    }

    /// Process numbers, for pid files and `status`.
    pub(crate) fn pids(&self) -> (Option<u32>, Option<u32>) {
        (self.vrrp.as_ref().map(Child::pid), self.runner.as_ref().map(Child::pid))
    }

    /// Where the configuration came from.
    pub(crate) fn path(&self) -> &std::path::Path {
        &self.path
    }
}

fn complain(loaded: &Loaded, checks: &diagnostic::Report, logger: &mut Logger) {
    for line in keepalived_conf::compat::lines(loaded, checks) {
        logger.log(Level::Warning, &line);
    }
}

/// The script that reads a FIFO.
fn reader(fifo: &Fifo) -> Option<Task> {
    let NotifyScript { command, user } = fifo.script.clone()?;
    Some(Task { command, user, arguments: vec![fifo.path.to_string_lossy().into_owned()] })
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
