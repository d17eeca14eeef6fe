//! The loop: the supervisor's words, ends of children, deadlines.

use crate::Times;
use crate::check::Check;
use crate::launcher::Launcher;
use crate::leftover::Leftovers;
use crate::mail;
use crate::message::{self, Configure, FromRunner, Outcome, Task, ToRunner};
use crate::notifications::Notifications;
use crate::once::Once;
use crate::post::Post;
use crate::readers::Readers;
use ipc::Channel;
use keepalived_conf::model;
use logging::{Level, Logger};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use std::time::{Duration, Instant};

/// The longest sleep: somebody counts the turns.
const TURN: Duration = Duration::from_secs(3);

/// Everything the process does.
pub(crate) struct Runner {
    channel: Channel<FromRunner, ToRunner>,
    logger: Logger,
    times: Times,
    launcher: Launcher,
    checks: Vec<Check>,
    notifications: Notifications,
    readers: Readers,
    once: Once,
    leftovers: Leftovers,
    mail: model::Mail,
    post: Post,
    /// Set once we are told to stop: until when what is under way is waited for.
    stop_by: Option<Instant>,
    /// What is run before that, and for how long at most.
    last: Option<(Task, Duration)>,
}

impl Runner {
    pub(crate) fn new(channel: Channel<FromRunner, ToRunner>, logger: Logger, times: Times) -> Self {
        Self {
            channel,
            logger,
            times,
            launcher: Launcher::new(),
            checks: Vec::new(),
            notifications: Notifications::default(),
            readers: Readers::default(),
            once: Once::default(),
            leftovers: Leftovers::default(),
            mail: model::Mail::default(),
            post: Post::default(),
            stop_by: None,
            last: None,
        }
    }

    /// Works until it is told to stop.
    pub(crate) fn run(mut self, beat: &mut dyn FnMut()) -> Result<(), ipc::Error> {
        loop {
            beat();
            self.hear()?;
            self.advance()?;
            if self.may_end() {
                self.leftovers.kill();
                self.notifications.log_unfinished(&mut self.logger);
                self.post.log_unfinished(&mut self.logger);
                return Ok(());
            }
            self.wait()?;
        }
    }

    fn hear(&mut self) -> Result<(), ipc::Error> {
        while self.stop_by.is_none() {
            match self.channel.recv() {
                Ok(Some(received)) => self.obey(received.message)?,
                Ok(None) => return Ok(()),
                Err(ipc::Error::Closed) => self.stop(None),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn obey(&mut self, message: ToRunner) -> Result<(), ipc::Error> {
        match message {
            ToRunner::Configure(configure) => self.configure(*configure),
            ToRunner::Notify { instance, tasks } => self.notifications.push(instance, tasks),
            ToRunner::Mail(mail) => self.mail(&mail),
            ToRunner::Run { task, limit } => {
                if !self.run_once(&task, limit) {
                    self.send(&FromRunner::Ran)?;
                }
            }
            ToRunner::Stop { last } => self.stop(last),
        }
        Ok(())
    }

    fn run_once(&mut self, task: &Task, limit: Duration) -> bool {
        let start = |task: &Task, logger: &mut Logger| {
            self.launcher.start(&task.command, task.user.as_ref(), &task.arguments, logger)
        };
        self.once.start(task, limit, &mut self.logger, start)
    }

    fn configure(&mut self, configure: Configure) {
        let now = Instant::now();
        let all_changed = self.launcher.configure(&configure.global);
        self.mail = configure.global.mail;
        let mut old = std::mem::take(&mut self.checks);
        for script in configure.scripts {
            let same = old.iter().position(|check| !all_changed && check.runs_like(&script));
            self.checks.push(match same {
                Some(at) => old.swap_remove(at),
                None => Check::new(script, now),
            });
        }
        for check in old {
            check.abandon(now + self.times.grace, &mut self.leftovers);
        }
        self.readers.configure(configure.readers, now + self.times.grace, &mut self.leftovers);
    }

    fn mail(&mut self, mail: &message::Mail) {
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        let logger = &mut self.logger;
        let complain = |error: mail::Error| {
            logger.log(Level::Warning, &format!("mail `{}`: {error}", mail.subject));
        };
        match mail::write(&self.mail, mail, &host, complain) {
            Some(Ok(letter)) => self.post.send(letter, &self.times.mail_waits, &mut self.logger),
            Some(Err(error)) => {
                self.logger.log(Level::Error, &format!("mail `{}` is lost: {error}", mail.subject));
            }
            None => {
                let line = format!(
                    "mail `{}` is not sent: global_defs has no smtp_server or no notification_email",
                    mail.subject
                );
                self.logger.log(Level::Info, &line);
            }
        }
    }

    fn stop(&mut self, last: Option<(Task, Duration)>) {
        self.last = last;
        let now = Instant::now();
        let end = now + self.times.farewell;
        self.stop_by = Some(end);
        self.notifications.hurry(now + self.times.farewell / 2);
        self.readers.stop(now + self.times.farewell / 2);
        for check in self.checks.drain(..) {
            check.abandon(end, &mut self.leftovers);
        }
    }

    fn advance(&mut self) -> Result<(), ipc::Error> {
        let now = Instant::now();
        let mut results = Vec::new();
        for check in &mut self.checks {
            let ended = check.end(&mut self.leftovers);
            let started = check.advance(now, self.times.grace, |script| {
                self.launcher.start(&script.command, script.user.as_ref(), &[], &mut self.logger)
            });
            for outcome in ended.into_iter().chain(started) {
                let news = check.note(&outcome);
                if let (true, Outcome::NotRunnable(why)) = (news, &outcome) {
                    let name = &check.script().name;
                    let line = format!("script {name} cannot run and counts as failed: {why}");
                    self.logger.log(Level::Error, &line);
                }
                results.push(FromRunner::Result { script: check.script().name.clone(), outcome });
            }
        }
        let mut start = |task: &Task, logger: &mut Logger| {
            self.launcher.start(&task.command, task.user.as_ref(), &task.arguments, logger)
        };
        let (logger, leftovers) = (&mut self.logger, &mut self.leftovers);
        let grace = if self.stop_by.is_some() { self.times.farewell } else { self.times.grace };
        let kill_at = self.stop_by.unwrap_or(now + grace);
        self.readers.advance(now, kill_at, logger, leftovers, &mut start);
        self.notifications.advance(now, self.times.patience, logger, leftovers, start);
        if self.once.advance(now, grace, logger, leftovers) {
            results.push(FromRunner::Ran);
        }
        if let Some(at) = self.stop_by
            && (self.notifications.is_idle() || at <= now)
            && let Some((task, limit)) = self.last.take()
        {
            self.run_once(&task, limit);
        }
        self.leftovers.advance(now);
        self.post.advance(&mut self.logger);
        for result in results {
            self.send(&result)?;
        }
        Ok(())
    }

    fn send(&mut self, result: &FromRunner) -> Result<(), ipc::Error> {
        match self.channel.send(result) {
            // Its last words may still stand in the channel: they are heard first.
            Ok(()) | Err(ipc::Error::Closed) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn may_end(&self) -> bool {
        let Some(at) = self.stop_by else { return false };
        let idle = self.notifications.is_idle() && self.readers.is_idle() && self.post.is_idle();
        let waited_for = self.last.is_none() && self.once.is_idle() && self.leftovers.doomed_have_ended();
        waited_for && (idle || at <= Instant::now())
    }

    fn wait(&mut self) -> Result<(), ipc::Error> {
        let now = Instant::now();
        let stopping = self.stop_by.is_some();
        let mut fds = Vec::new();
        if !stopping {
            let writable = if self.channel.wants_write() { PollFlags::OUT } else { PollFlags::empty() };
            fds.push(PollFd::new(&self.channel, PollFlags::IN | writable));
        }
        fds.extend(self.checks.iter().filter_map(Check::poll_fd));
        fds.extend(self.notifications.poll_fds());
        fds.extend(self.readers.poll_fds());
        fds.extend(self.once.poll_fd());
        fds.extend(self.leftovers.poll_fds(stopping));
        fds.extend(self.post.poll_fd());
        let deadlines = self
            .checks
            .iter()
            .map(Check::next)
            .chain(self.notifications.next())
            .chain(self.readers.next())
            .chain(self.once.next());
        let farewell = self.stop_by.filter(|at| *at > now);
        let next = deadlines.chain(self.leftovers.next()).chain(farewell).min();
        let rest = next.map_or(TURN, |next| next.saturating_duration_since(now).min(TURN));
        match poll(&mut fds, Some(&timespec(rest))) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(ipc::Error::Kernel(errno)),
        }
        match self.channel.flush() {
            Ok(()) | Err(ipc::Error::Closed) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn timespec(duration: Duration) -> Timespec {
    Timespec {
        tv_sec: i64::try_from(duration.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: duration.subsec_nanos().into(),
    }
}
