//! `backstay run`: everything in one.

use super::Files;
use crate::inspect::{self, NginxOptions};
use crate::roles::LogPlan;
use crate::supervisor::daemon::{PRIVATE, PidFile, Readiness, SHARED};
use crate::supervisor::names::Name;
use crate::supervisor::operators::is_served;
use crate::supervisor::upgrade::Inheritance;
use crate::supervisor::{Face, HaOptions, HaSide, Plan, WebSide, catch_signals, supervise};
use logging::Level;
use std::process::ExitCode;

/// Runs until it is told to stop.
pub(super) fn run(files: &Files, stderr: bool) -> ExitCode {
    const DAEMON: u8 = 3;
    let (ha_file, proxy_file) = files.chosen();
    if ha_file.is_none() && proxy_file.is_none() {
        eprintln!(
            "backstay: neither {} nor {} exists; name a file with --ha or --proxy",
            inspect::KEEPALIVED_CONF,
            inspect::NGINX_CONF
        );
        return ExitCode::FAILURE;
    }
    if is_served(&Name::usual(Face::Whole)) {
        eprintln!("backstay: it runs already, see `backstay status`");
        return ExitCode::FAILURE;
    }
    let readiness = Readiness::inherited(if proxy_file.is_none() { PRIVATE } else { SHARED });
    let journal = std::env::var_os("JOURNAL_STREAM").is_some();
    let to_stderr = stderr || journal;
    let log =
        LogPlan { facility: (!to_stderr).then_some(DAEMON), stderr: to_stderr, file: None, detail: true };
    let mut logger = log.logger("backstay");
    let caught = match catch_signals() {
        Ok(caught) => caught,
        Err(errno) => {
            eprintln!("backstay: signals: {errno}");
            return ExitCode::FAILURE;
        }
    };
    let mut inherited = Inheritance::take();
    let mut web = None;
    let mut web_failed = None;
    let mut proxy_pid_file = None;
    if let Some(path) = proxy_file {
        let path = std::path::absolute(&path).unwrap_or(path);
        let options = NginxOptions { path, ..NginxOptions::default() };
        let loaded = inspect::load_nginx(&options);
        for line in nginx_conf::compat::test_lines(&loaded, &options.path) {
            logger.log(if loaded.config.is_some() { Level::Info } else { Level::Error }, &line);
        }
        let started = match loaded.config {
            Some(config) => {
                proxy_pid_file = Some(PidFile::new(&config.main.pid));
                let sockets = inherited.as_mut().map_or_else(Vec::new, Inheritance::take_sockets);
                let stopped = inherited.as_ref().is_some_and(Inheritance::proxy_is_stopped);
                WebSide::start_with(options.clone(), config, sockets, stopped)
            }
            None => Err("nginx.conf has errors".to_owned()),
        };
        match started {
            Ok(side) => web = Some(side),
            Err(error) => {
                logger.log(Level::Error, &format!("the proxy does not start: {error}"));
                web_failed = Some(options);
                // The addresses are worth serving alone: other programs may be behind them.
                if ha_file.is_none() {
                    eprintln!("backstay: {error}");
                    return ExitCode::FAILURE;
                }
            }
        }
    }
    let mut ha = None;
    if let Some(path) = ha_file {
        match HaSide::start(HaOptions::new(path, log), inherited.as_mut(), &mut logger) {
            Ok(side) => ha = Some(side),
            Err(error) => {
                logger.log(Level::Error, &error);
                eprintln!("backstay: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    let pid_file = PidFile::new("/run/backstay.pid");
    let plan = Plan {
        name: Name::usual(Face::Whole),
        ha,
        web,
        web_failed,
        logger,
        pid_file,
        vrrp_pid_file: None,
        proxy_pid_file,
        readiness,
        inherited,
    };
    supervise(plan, caught)
}
