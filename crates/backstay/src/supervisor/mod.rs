//! The supervisor: starts the processes, passes their messages on, obeys signals and operators.
//!
//! One thread, no network parsing. It owns what must outlive a crash of the others: listening
//! sockets, the last known state of every instance, and what an operator has stopped.

mod child;
mod connect;
mod control_side;
mod copies;
pub(crate) mod daemon;
mod dumps;
mod fifos;
mod ha_side;
pub(crate) mod names;
pub(crate) mod operators;
mod orphans;
mod reload_time;
mod sockets;
pub(crate) mod upgrade;
mod web_side;

pub(crate) use ha_side::{HaOptions, HaSide};
pub(crate) use web_side::WebSide;

use crate::inspect::NginxOptions;
use control::message::Act;
use control_side::ControlSide;
use daemon::{PidFile, Readiness};
use ha::message::Dump;
use logging::{Level, Logger};
use names::Name;
use operators::{Answer, Ask, Server, Side};
use orphans::Orphans;
use proxy::message::StopMode;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use sys::signals;
use upgrade::Inheritance;
use web_side::Wish;

/// Which program we are to the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Face {
    /// `backstay run`
    Whole,
    /// `keepalived`
    Keepalived,
    /// `nginx`
    Nginx,
}

impl Face {
    pub(crate) const ALL: [Self; 3] = [Self::Whole, Self::Keepalived, Self::Nginx];

    /// Name of its process.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Whole => "backstay",
            Self::Keepalived => "keepalived",
            Self::Nginx => "nginx",
        }
    }
}

impl std::fmt::Display for Face {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// What to supervise.
pub(crate) struct Plan {
    /// Its face, and what operators call it.
    pub(crate) name: Name,
    pub(crate) ha: Option<HaSide>,
    pub(crate) web: Option<WebSide>,
    /// An nginx side that could not start beside the other: `start` and `reload` try again.
    pub(crate) web_failed: Option<NginxOptions>,
    pub(crate) logger: Logger,
    /// Holds our number.
    pub(crate) pid_file: PidFile,
    /// Holds the number of the vrrp process.
    pub(crate) vrrp_pid_file: Option<PidFile>,
    /// Holds the number of the proxy process.
    pub(crate) proxy_pid_file: Option<PidFile>,
    pub(crate) readiness: Readiness,
    /// What is left of what the program before an upgrade handed over.
    pub(crate) inherited: Option<Inheritance>,
}

/// The signals that are obeyed.
pub(crate) fn catch_signals() -> rustix::io::Result<OwnedFd> {
    signals::catch(&[
        signals::TERM,
        signals::INT,
        signals::QUIT,
        signals::HUP,
        signals::USR1,
        signals::USR2,
        signals::WINCH,
        signals::JSON,
        signals::STATISTICS_AND_CLEAR,
    ])
}

struct Supervisor {
    plan: Plan,
    operators: Option<Server>,
    control: ControlSide,
    caught: OwnedFd,
    stopping: Option<Instant>,
    /// Processes of the program before an upgrade, and the channel of its proxy.
    former: Vec<u32>,
    former_channel: Option<OwnedFd>,
    orphans: Orphans,
}

/// Supervises until everything has stopped. Fails when a process died that `-R` keeps from being started
/// again: whoever started the program may do so once more.
pub(crate) fn supervise(mut plan: Plan, caught: OwnedFd) -> ExitCode {
    if let Some(web) = plan.web.as_mut().filter(|web| !web.stopped)
        && let Err(why) = web.wait_ready()
    {
        web.note("emerg", &why);
        plan.readiness.failed(&format!("{}: [emerg] {why}", plan.name.face));
        if plan.ha.is_none() {
            return ExitCode::FAILURE;
        }
        plan.logger.log(Level::Error, &format!("the proxy does not start: {why}"));
    }
    let operators = match Server::open(&plan.name) {
        Ok(server) => Some(server),
        Err(error) => {
            let text = format!("no socket for operators, so no `status`: {error}");
            match &plan.web {
                Some(web) if plan.name.face == Face::Nginx => web.note("warn", &text),
                _ => plan.logger.log(Level::Warning, &text),
            }
            None
        }
    };
    if let Err(error) = plan.pid_file.hold(Some(std::process::id())) {
        // As nginx does; without its pid file nobody could stop it.
        if plan.name.face == Face::Nginx {
            plan.readiness.failed(&format!("nginx: [emerg] {error}"));
            return ExitCode::FAILURE;
        }
        plan.logger.log(Level::Error, &error);
    }
    let mut supervisor = Supervisor {
        plan,
        operators,
        control: ControlSide::default(),
        caught,
        stopping: None,
        former: Vec::new(),
        former_channel: None,
        orphans: Orphans::default(),
    };
    supervisor.relieve();
    supervisor.configure_control();
    supervisor.write_pids();
    if !supervisor.plan.readiness.ready() {
        supervisor.plan.logger.log(Level::Warning, "whoever started this was killed meanwhile: stopping");
        supervisor.stop(StopMode::Fast);
    }
    supervisor.run();
    if supervisor.has_given_up() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

impl Supervisor {
    fn run(&mut self) {
        loop {
            self.sleep();
            for signal in signals::arrived(&self.caught) {
                self.signal(signal);
            }
            if let Some(ha) = &mut self.plan.ha {
                ha.turn(&mut self.plan.logger);
                if ha.reload_is_due(&mut self.plan.logger) {
                    let _ = self.reload(None);
                }
            }
            if let Some(web) = &mut self.plan.web {
                web.turn();
                for wish in web.wishes() {
                    self.grant(wish);
                }
            }
            self.serve_others();
            if self.has_given_up() && self.stopping.is_none() {
                self.stop(StopMode::Fast);
            }
            upgrade::reap(&mut self.former);
            self.reap_orphans();
            self.tell_of_proxy();
            self.write_pids();
            self.serve_operators();
            if self.is_stopped() {
                break;
            }
        }
        self.write_pids();
        let _ = self.plan.pid_file.hold(None);
    }

    /// Lets the proxy of the program before finish, now that ours is there.
    fn relieve(&mut self) {
        let Some(mut inherited) = self.plan.inherited.take() else { return };
        self.former = std::mem::take(&mut inherited.children);
        if let Some(proxy) = &inherited.proxy {
            self.former_channel = proxy.hold();
            if self.plan.web.is_some() {
                proxy.drain();
            }
        }
    }

    fn reap_orphans(&mut self) {
        let mut ours = self.plan.ha.as_ref().map_or_else(Vec::new, HaSide::children);
        ours.extend(self.plan.web.as_ref().and_then(WebSide::pid));
        ours.extend(self.control.pid());
        ours.extend(&self.former);
        self.orphans.reap(&ours);
    }

    /// Executes the new binary in place of this program; does not return when that succeeds.
    fn upgrade(&mut self, path: &Path) {
        let mut inheritance = Inheritance { children: self.former.clone(), ..Inheritance::default() };
        if let Some(ha) = &mut self.plan.ha {
            ha.bequeath(&mut inheritance, &mut self.plan.logger);
        }
        if let Some(web) = &self.plan.web {
            web.bequeath(&mut inheritance);
        }
        // It ends when its channel closes.
        inheritance.children.extend(self.control.pid());
        self.plan.logger.log(Level::Info, &format!("Replacing this program by {}", path.display()));
        let error = upgrade::execute(path, &inheritance);
        let text = format!("{} cannot be executed: {error}; nothing was changed", path.display());
        self.plan.logger.log(Level::Error, &text);
        if let Some(ha) = &mut self.plan.ha {
            ha.prepare(&mut self.plan.logger);
        }
    }

    /// What an upgrade needs to succeed: a binary that runs, and a configuration that can be read.
    fn may_upgrade(&mut self) -> Result<PathBuf, String> {
        if self.stopping.is_some() {
            return Err("it is stopping".to_owned());
        }
        if self.plan.name.face == Face::Nginx {
            return Err("only `backstay run` and `keepalived` are replaced so".to_owned());
        }
        if let Some(ha) = &mut self.plan.ha {
            ha.read_again(&mut self.plan.logger)?;
        }
        upgrade::successor()
    }

    /// Lets the vrrp process know whether what stands behind its addresses serves.
    fn tell_of_proxy(&mut self) {
        let Plan { ha: Some(ha), web, web_failed, .. } = &mut self.plan else { return };
        if self.stopping.is_some() {
            return;
        }
        match web {
            Some(web) => ha.tell_proxy(web.serves()),
            None if web_failed.is_some() => ha.tell_proxy(false),
            None => {}
        }
    }

    fn sleep(&self) {
        let now = Instant::now();
        let ha = self.plan.ha.as_ref();
        let web = self.plan.web.as_ref();
        let mut deadlines = vec![
            ha.and_then(HaSide::next_deadline),
            web.and_then(WebSide::next_deadline),
            self.control.next_deadline(),
            self.orphans.next_deadline(),
        ];
        if self.stopping.is_some() {
            deadlines.push(Some(now + Duration::from_millis(20)));
        }
        let wait = deadlines.into_iter().flatten().min().map(|at| at.saturating_duration_since(now));
        let timeout = wait.and_then(|wait| Timespec::try_from(wait).ok());
        let mut watched: Vec<BorrowedFd<'_>> = vec![self.caught.as_fd()];
        watched.extend(self.operators.iter().map(AsFd::as_fd));
        watched.extend(ha.iter().flat_map(|ha| ha.descriptors()));
        watched.extend(web.iter().flat_map(|web| web.descriptors()));
        let mut fds: Vec<PollFd<'_>> =
            watched.into_iter().map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)).collect();
        fds.extend(self.control.descriptors());
        // Interrupted or failed: everything is looked at either way.
        let _ = poll(&mut fds, timeout.as_ref());
    }

    fn signal(&mut self, signal: i32) {
        match signal {
            signals::TERM | signals::INT => self.stop(StopMode::Fast),
            // keepalived does not mind it.
            signals::QUIT if self.plan.name.face == Face::Keepalived => {}
            signals::QUIT => self.stop(StopMode::Graceful),
            signals::HUP => {
                // Each side has said in its log what came of it.
                let _ = self.reload(None);
            }
            signals::USR1 => {
                if let Some(web) = &mut self.plan.web {
                    web.reopen_logs();
                }
                self.dump(Dump::Data);
            }
            signals::USR2 if self.plan.ha.is_some() => self.dump(Dump::Statistics),
            signals::STATISTICS_AND_CLEAR => self.dump(Dump::StatisticsAndClear),
            signals::JSON => self.dump(Dump::Json),
            signals::USR2 => {
                if let Some(web) = &self.plan.web {
                    web.note("warn", "USR2: replacing the running program is not supported yet; going on");
                }
            }
            signals::WINCH => {
                if let Some(web) = &mut self.plan.web {
                    web.stop(StopMode::Graceful);
                }
            }
            _ => {}
        }
    }

    fn grant(&mut self, wish: Wish) {
        match wish {
            Wish::Reload => {
                let _ = self.reload(Some(Side::Nginx));
            }
            Wish::Reopen => {
                if let Some(web) = &mut self.plan.web {
                    web.reopen_logs();
                }
            }
            Wish::Stop => {
                self.plan
                    .logger
                    .log(Level::Info, "the proxy was stopped by an operator: not started again until asked");
                if self.plan.name.face == Face::Nginx {
                    self.stop(StopMode::Graceful);
                }
            }
        }
    }

    fn stop(&mut self, mode: StopMode) {
        self.stopping.get_or_insert_with(Instant::now);
        self.plan.readiness.stopping();
        if let Some(web) = &mut self.plan.web {
            web.stop(mode);
        }
        if let Some(ha) = &mut self.plan.ha {
            self.plan.logger.log(Level::Info, "Stopping");
            ha.stop(&mut self.plan.logger);
        }
    }

    fn has_given_up(&self) -> bool {
        self.plan.ha.as_ref().is_some_and(HaSide::has_given_up)
    }

    fn is_stopped(&mut self) -> bool {
        if self.stopping.is_none() {
            return false;
        }
        let ha = self.plan.ha.as_mut().is_none_or(HaSide::is_stopped);
        let web = self.plan.web.as_ref().is_none_or(WebSide::is_gone);
        // It tells of the end of the others.
        if ha {
            self.control.stop();
        }
        ha && web && self.control.is_gone()
    }

    /// Reads the files again. It is one transaction: an error on either side leaves both as they were.
    fn reload(&mut self, side: Option<Side>) -> Result<(), String> {
        let mut loaded = None;
        if let (Some(ha), None | Some(Side::Keepalived)) = (&mut self.plan.ha, side) {
            loaded = Some(ha.read_again(&mut self.plan.logger)?);
        }
        let web = side != Some(Side::Keepalived);
        if web {
            self.reload_web()?;
        }
        if let (Some(ha), Some(loaded)) = (&mut self.plan.ha, loaded) {
            ha.apply(loaded, &mut self.plan.logger);
            self.configure_control();
        }
        // A proxy that could not start earlier keeps nothing else from being reloaded.
        if web && self.plan.web_failed.is_some() { self.start_web() } else { Ok(()) }
    }

    fn reload_web(&mut self) -> Result<(), String> {
        let Some(web) = &mut self.plan.web else { return Ok(()) };
        web.reload()?;
        let alone = self.plan.name.face == Face::Nginx;
        let file = if alone { Some(&mut self.plan.pid_file) } else { self.plan.proxy_pid_file.as_mut() };
        if let Some(file) = file
            && let Err(error) = file.move_to(web.pid_path())
        {
            web.note("emerg", &error);
        }
        if let Some(server) = self.operators.as_mut().filter(|_| alone) {
            let name = Name::of_pid_file(Face::Nginx, web.pid_path());
            match server.move_to(&name) {
                Ok(()) => self.plan.name = name,
                Err(error) => web.note("warn", &format!("`status` goes on to call it as before: {error}")),
            }
        }
        Ok(())
    }

    /// Starts the nginx side that could not start earlier.
    fn start_web(&mut self) -> Result<(), String> {
        let Some(options) = self.plan.web_failed.clone() else {
            return Err("this process serves no nginx.conf".to_owned());
        };
        let mut web = WebSide::load_and_start(options)?;
        web.wait_ready()?;
        self.plan.web_failed = None;
        self.plan.proxy_pid_file = Some(PidFile::new(web.pid_path()));
        self.plan.web = Some(web);
        Ok(())
    }

    /// Keeps the files true that say which process serves which configuration.
    fn write_pids(&mut self) {
        let Plan { ha, web, logger, vrrp_pid_file, proxy_pid_file, .. } = &mut self.plan;
        let vrrp = ha.as_ref().and_then(|ha| ha.pids().0);
        let proxy = web.as_ref().and_then(WebSide::pid);
        for (file, pid) in [(vrrp_pid_file, vrrp), (proxy_pid_file, proxy)] {
            if let Some(Err(error)) = file.as_mut().map(|file| file.hold(pid)) {
                logger.log(Level::Error, &error);
            }
        }
    }

    /// Lets the control process have the configuration that is in force.
    fn configure_control(&mut self) {
        if let Some(ha) = &self.plan.ha {
            self.control.configure(ha, &mut self.plan.logger);
        }
    }

    /// Does what other programs ask by way of the control process.
    fn serve_others(&mut self) {
        let Plan { ha: Some(ha), logger, .. } = &mut self.plan else { return };
        let acts = self.control.turn(ha, logger);
        for act in acts {
            match (act, &mut self.plan.ha) {
                // It says in the log what came of it.
                (Act::Reload, _) => drop(self.reload(Some(Side::Keepalived))),
                // That one is the supervisor's own: it would fill `config_save_dir`.
                (Act::Dump(Dump::Reload { .. }), _) => {}
                (Act::Dump(kind), Some(ha)) => ha.dump_vrrp(kind),
                (Act::Announce { instance }, Some(ha)) => ha.announce(instance),
                (_, None) => {}
            }
        }
    }

    fn dump(&mut self, kind: Dump) {
        if let Some(ha) = &mut self.plan.ha {
            ha.dump(kind, &mut self.plan.logger);
        }
    }

    fn serve_operators(&mut self) {
        let Some(server) = &self.operators else { return };
        let Some((ask, reply)) = server.accept() else { return };
        let answer = match ask {
            Ask::Upgrade => match self.may_upgrade() {
                Ok(path) => {
                    // This answer is the last thing that the program does.
                    reply.send(&Answer::Done);
                    self.upgrade(&path);
                    return;
                }
                Err(why) => Answer::Failed(why),
            },
            ask => self.answer(ask),
        };
        self.write_pids();
        reply.send(&answer);
    }

    fn answer(&mut self, ask: Ask) -> Answer {
        match ask {
            Ask::Status => Answer::Status(Box::new(self.status())),
            Ask::Reload(side) => done(self.reload(side)),
            Ask::Start(Side::Nginx) => match &mut self.plan.web {
                Some(web) => done(web.resume()),
                None => done(self.start_web()),
            },
            Ask::Stop(Side::Nginx) => match &mut self.plan.web {
                Some(web) => {
                    web.stop(StopMode::Graceful);
                    Answer::Done
                }
                None => Answer::Failed("this process serves no nginx.conf".to_owned()),
            },
            Ask::Upgrade | Ask::Start(Side::Keepalived) | Ask::Stop(Side::Keepalived) => {
                Answer::Failed("the keepalived side is started and stopped with its service".to_owned())
            }
        }
    }

    fn status(&mut self) -> operators::Status {
        let ha = self.plan.ha.as_mut().map(|ha| {
            let instances = ha.ask_status(&mut self.plan.logger);
            let (vrrp, runner) = ha.pids();
            operators::HaStatus {
                file: ha.path().display().to_string(),
                vrrp_pid: vrrp,
                runner_pid: runner,
                control_pid: self.control.pid(),
                restarts: ha.restarts + self.control.restarts,
                findings: ha.findings,
                instances,
            }
        });
        let web = self.plan.web.as_mut().map(|web| {
            let proxy = web.ask_status();
            operators::WebStatus {
                file: web.path().to_owned(),
                pid: web.pid(),
                stopped_by_operator: web.stopped,
                restarts: web.restarts,
                proxy,
            }
        });
        let waiting = self.plan.web_failed.as_ref().map(|options| operators::WebStatus {
            file: options.path.clone(),
            pid: None,
            stopped_by_operator: false,
            restarts: 0,
            proxy: None,
        });
        let web = web.or(waiting);
        let Name { face, instance } = self.plan.name.clone();
        operators::Status { face: face.name().to_owned(), instance, pid: std::process::id(), ha, web }
    }
}

fn done(result: Result<(), String>) -> Answer {
    match result {
        Ok(()) => Answer::Done,
        Err(why) => Answer::Failed(why),
    }
}

/// Waits until a descriptor can be read, or so long.
fn wait_readable(descriptor: BorrowedFd<'_>, limit: Duration) {
    let timeout = Timespec::try_from(limit).ok();
    let mut fds = [PollFd::from_borrowed_fd(descriptor, PollFlags::IN)];
    let _ = poll(&mut fds, timeout.as_ref());
}
