//! The operator's commands.

mod check;
mod run;
pub(crate) mod status;

use crate::inspect;
use crate::supervisor::Face;
use crate::supervisor::operators::{Answer, Ask, Side, ask};
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
    },
    /// Read the configuration again; any error leaves everything as it was
    Reload,
    /// Start what was stopped
    Start {
        /// What to start
        side: Service,
    },
    /// Stop until it is started again by hand
    Stop {
        /// What to stop
        side: Service,
    },
    /// Go on as the new binary that was installed, without losing an address or a connection
    Upgrade,
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
        Command::Status { json } => status::status(json),
        Command::Reload => tell(Ask::Reload(None)),
        Command::Start { side: Service::Nginx } => tell(Ask::Start(Side::Nginx)),
        Command::Stop { side: Service::Nginx } => tell(Ask::Stop(Side::Nginx)),
        Command::Upgrade => upgrade(),
        Command::Lab(options) => lab::command(&options),
    }
}

/// Tells every process of ours that runs here, and says what came of it.
fn tell(what: Ask) -> ExitCode {
    let faces = match what {
        Ask::Start(_) | Ask::Stop(_) => &[Face::Whole, Face::Nginx][..],
        Ask::Upgrade => &[Face::Whole, Face::Keepalived][..],
        _ => &[Face::Whole, Face::Keepalived, Face::Nginx][..],
    };
    let mut asked = 0;
    let mut failed = false;
    for face in faces {
        let Some(answer) = ask(face.name(), what) else { continue };
        asked += 1;
        if let Ok(Answer::Failed(why)) | Err(why) = answer {
            eprintln!("backstay: {}: {why}", face.name());
            failed = true;
        }
    }
    if asked == 0 {
        eprintln!(
            "backstay: nothing of ours runs here; start it with `backstay run` or `systemctl start backstay`"
        );
        return ExitCode::FAILURE;
    }
    if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Lets the program that runs go on as its new binary, and waits until it does.
fn upgrade() -> ExitCode {
    let code = tell(Ask::Upgrade);
    if code != ExitCode::SUCCESS {
        return code;
    }
    let serves = |face: &Face| match ask(face.name(), Ask::Status) {
        Some(Ok(Answer::Status(status))) => status.ha.is_none_or(|ha| ha.instances.is_some()),
        _ => false,
    };
    let deadline = Instant::now() + Duration::from_secs(10);
    while Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(100));
        if [Face::Whole, Face::Keepalived].iter().any(serves) {
            return code;
        }
    }
    eprintln!("backstay: the new program does not answer; see its log");
    ExitCode::FAILURE
}
