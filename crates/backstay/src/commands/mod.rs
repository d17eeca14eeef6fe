//! The operator's commands.

mod check;
mod choice;
mod run;
pub(crate) mod status;

use crate::inspect;
use crate::supervisor::Face;
use crate::supervisor::names::Name;
use crate::supervisor::operators::{Answer, Ask, Side, ask, running};
use choice::Choice;
use clap::{Args, Parser, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Keeps an address alive and spreads what arrives at it.
///
/// Reads the keepalived.conf and nginx.conf that you have. Called as `keepalived` or `nginx` (by a
/// link of that name, or as the first argument) it behaves as that program.
#[derive(Debug, Parser)]
#[command(name = "backstay", version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// The two configuration files.
#[derive(Clone, Debug, Args)]
pub(crate) struct Files {
    /// keepalived.conf [default: /etc/keepalived/keepalived.conf if it exists]
    #[arg(long, value_name = "FILE")]
    pub(crate) ha: Option<PathBuf>,
    /// nginx.conf [default: /etc/nginx/nginx.conf if it exists]
    #[arg(long, value_name = "FILE")]
    pub(crate) proxy: Option<PathBuf>,
}

impl Files {
    /// The files to use: those that were named, else those that exist. Naming one leaves the other
    /// out unless it is named, too.
    pub(crate) fn chosen(&self) -> (Option<PathBuf>, Option<PathBuf>) {
        let existing = |path: &str| Some(PathBuf::from(path)).filter(|path| path.exists());
        match (&self.ha, &self.proxy) {
            (None, None) => (existing(inspect::KEEPALIVED_CONF), existing(inspect::NGINX_CONF)),
            (ha, proxy) => (ha.clone(), proxy.clone()),
        }
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run in the foreground: virtual addresses, health of scripts, and the proxy
    Run {
        #[command(flatten)]
        files: Files,
        /// Write log lines to stderr instead of syslog
        #[arg(long)]
        stderr: bool,
    },
    /// Check both files and how they fit together; exits 1 when there are errors
    Check {
        #[command(flatten)]
        files: Files,
        /// keepalived.conf of the other node: proves whether a failure here makes it win
        #[arg(long, value_name = "FILE")]
        peer: Option<PathBuf>,
    },
    /// Show who holds which address and why, and how the upstreams are
    Status {
        /// As JSON
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        choice: Choice,
    },
    /// Read the configuration again; any error leaves everything as it was
    Reload(Choice),
    /// Start what was stopped
    Start {
        /// What to start
        side: Service,
        #[command(flatten)]
        choice: Choice,
    },
    /// Stop until it is started again by hand
    Stop {
        /// What to stop
        side: Service,
        #[command(flatten)]
        choice: Choice,
    },
    /// Go on as the new binary that was installed, without losing an address or a connection
    Upgrade(Choice),
    Lab(lab::Options),
}

/// A part that can be started and stopped alone.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum Service {
    /// The proxy
    Nginx,
}

/// Behaves as `backstay`.
pub(crate) fn main() -> ExitCode {
    match Cli::parse().command {
        Command::Run { files, stderr } => run::run(&files, stderr),
        Command::Check { files, peer } => check::check(&files, peer.as_deref()),
        Command::Status { json, choice } => match choice.all(running()) {
            Ok(names) => status::status(&names, json),
            Err(why) => fail(&why),
        },
        Command::Reload(choice) => tell(Ask::Reload(None), &choice),
        Command::Start { side: Service::Nginx, choice } => tell(Ask::Start(Side::Nginx), &choice),
        Command::Stop { side: Service::Nginx, choice } => tell(Ask::Stop(Side::Nginx), &choice),
        Command::Upgrade(choice) => tell(Ask::Upgrade, &choice),
        Command::Lab(options) => lab::command(&options),
    }
}

fn fail(why: &str) -> ExitCode {
    eprintln!("backstay: {why}");
    ExitCode::FAILURE
}

/// Tells the program that is meant, and says what came of it.
fn tell(what: Ask, choice: &Choice) -> ExitCode {
    let faces = match what {
        Ask::Start(_) | Ask::Stop(_) => &[Face::Whole, Face::Nginx][..],
        Ask::Upgrade => &[Face::Whole, Face::Keepalived][..],
        _ => &Face::ALL[..],
    };
    let name = match choice.one(running(), faces) {
        Ok(name) => name,
        Err(why) => return fail(&why),
    };
    match ask(&name, what) {
        Some(Ok(Answer::Failed(why)) | Err(why)) => fail(&format!("{name}: {why}")),
        Some(Ok(_)) if what == Ask::Upgrade => wait_for(&name),
        Some(Ok(_)) => ExitCode::SUCCESS,
        None => fail(&format!("{name} has just ended")),
    }
}

/// Waits until a program goes on as its new binary.
fn wait_for(name: &Name) -> ExitCode {
    let serves = || match ask(name, Ask::Status) {
        Some(Ok(Answer::Status(status))) => status.ha.is_none_or(|ha| ha.instances.is_some()),
        _ => false,
    };
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(100));
        if serves() {
            return ExitCode::SUCCESS;
        }
    }
    fail("the new program does not answer; see its log")
}
