//! The processes that do the work, each this program executed afresh.
//!
//! Nothing of the supervisor's memory reaches them: they inherit a channel, a heartbeat and a few
//! words in their environment, and get their typed configuration over the channel.

mod control;
mod proxy;
mod runner;
mod vrrp;

use keepalived_conf::model::{Process, Program};
use logging::{Facility, Level, Logger, Syslog};
use std::fs::OpenOptions;
use std::os::fd::{OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::OnceLock;
use sys::heartbeat::Heartbeat;
use sys::privileges::User;
use sys::signals;

/// Environment variables that a role is started with.
pub(crate) const ROLE: &str = "BACKSTAY_ROLE";
/// Number of the descriptor of its channel.
pub(crate) const CHANNEL: &str = "BACKSTAY_CHANNEL";
/// Number of the descriptor of its heartbeat.
pub(crate) const HEARTBEAT: &str = "BACKSTAY_HEARTBEAT";
/// A [`LogPlan`].
pub(crate) const LOG: &str = "BACKSTAY_LOG";
/// `USER` or `USER:GROUP` that the proxy becomes.
pub(crate) const USER: &str = "BACKSTAY_USER";
/// [`Setup`] as JSON.
pub(crate) const SETUP: &str = "BACKSTAY_SETUP";
/// Descriptors that the proxy may open.
pub(crate) const FILES: &str = "BACKSTAY_FILES";

/// Signals that `killall keepalived` sends to every process: only the supervisor obeys them.
const SUPERVISORS: [i32; 8] = [
    signals::TERM,
    signals::INT,
    signals::HUP,
    signals::QUIT,
    signals::USR1,
    signals::USR2,
    signals::JSON,
    signals::STATISTICS_AND_CLEAR,
];

/// A process that does one kind of work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// Elections and addresses.
    Vrrp,
    /// Scripts and mail.
    Runner,
    /// HTTP.
    Proxy,
    /// What other programs ask.
    Control,
}

impl Role {
    /// Its word in [`ROLE`].
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Vrrp => "vrrp",
            Self::Runner => "runner",
            Self::Proxy => "proxy",
            Self::Control => "control",
        }
    }

    /// The name under which `ps`, `killall` and `pidof` know it: that of the program whose place
    /// it takes, because operators' scripts look for that.
    pub(crate) fn process_name(self) -> &'static str {
        match self {
            Self::Vrrp => "keepalived",
            Self::Runner => "backstay-runner",
            Self::Proxy => "nginx",
            Self::Control => "backstay-ctl",
        }
    }

    /// The role that this process was started for, if it was.
    pub(crate) fn inherited() -> Option<Self> {
        let word = std::env::var(ROLE).ok()?;
        [Self::Vrrp, Self::Runner, Self::Proxy, Self::Control].into_iter().find(|role| role.word() == word)
    }

    /// Does its work.
    pub(crate) fn run(self) -> ExitCode {
        sys::process::set_name(self.process_name());
        // The supervisor's death is noticed by the channel too, but not while a role is stuck.
        if self != Self::Vrrp {
            let _ = rustix::process::set_parent_process_death_signal(Some(rustix::process::Signal::KILL));
        }
        let result = match self {
            Self::Vrrp => vrrp::run(),
            Self::Runner => runner::run(),
            Self::Proxy => proxy::run(),
            Self::Control => control::run(),
        };
        match result {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                if self == Self::Proxy {
                    eprintln!("backstay: {}: {error}", self.word());
                } else {
                    let text = format!("The {} process cannot run: {error}", self.word());
                    LogPlan::inherited().logger("Keepalived_vrrp").log(Level::Error, &text);
                }
                ExitCode::FAILURE
            }
        }
    }
}

/// Why a role could not do its work.
#[derive(Debug)]
pub(crate) enum RoleError {
    /// It was not started by the supervisor.
    NotStartedProperly(&'static str),
    /// The kernel refused something it cannot do without.
    Kernel(&'static str, rustix::io::Errno),
    /// A user of the configuration does not exist.
    UnknownUser(String),
    /// The channel to the supervisor is broken.
    Channel(ipc::Error),
    /// The vrrp process cannot go on.
    Vrrp(ha::Error),
}

impl std::fmt::Display for RoleError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotStartedProperly(what) => {
                write!(f, "{what} is missing: this is started by the supervisor only")
            }
            Self::Kernel(what, errno) => write!(f, "{what}: {errno}"),
            Self::UnknownUser(user) => write!(f, "there is no user or group {user:?}"),
            Self::Channel(error) => write!(f, "channel to the supervisor: {error}"),
            Self::Vrrp(error) => error.fmt(f),
        }
    }
}

impl From<ipc::Error> for RoleError {
    fn from(error: ipc::Error) -> Self {
        Self::Channel(error)
    }
}

/// A descriptor whose number stands in an environment variable.
fn descriptor(variable: &'static str) -> Result<OwnedFd, RoleError> {
    let number: Option<RawFd> = std::env::var(variable).ok().and_then(|number| number.parse().ok());
    let number = number.ok_or(RoleError::NotStartedProperly(variable))?;
    sys::process::inherited(number).map_err(|errno| RoleError::Kernel(variable, errno))
}

/// What a process of the keepalived side is set up with before it gives its privileges up.
#[derive(Clone, Debug, Default, serde::Serialize, serde::Deserialize)]
pub(crate) struct Setup {
    /// `net_namespace`
    pub(crate) namespace: Option<String>,
    /// Name, priorities and limits; for the vrrp process only.
    pub(crate) process: Option<Process>,
    /// `max_auto_priority`; with -1 no real-time scheduling that is not asked for.
    pub(crate) max_auto_priority: i8,
    /// Whom roles become that need no user of their own. A directory of users that does not answer is not
    /// to hold up their start, so the supervisor looks once.
    pub(crate) user: Option<User>,
}

impl Setup {
    /// What the supervisor says, with the network namespace entered.
    fn inherited() -> Result<Self, RoleError> {
        let text = std::env::var(SETUP).unwrap_or_default();
        let setup: Self = serde_json::from_str(&text).map_err(|_| RoleError::NotStartedProperly(SETUP))?;
        if let Some(name) = &setup.namespace {
            sys::namespace::enter_network(name)
                .map_err(|errno| RoleError::Kernel("the network namespace of net_namespace", errno))?;
        }
        Ok(setup)
    }
}

fn heartbeat() -> Result<Heartbeat, RoleError> {
    Heartbeat::open(descriptor(HEARTBEAT)?).map_err(|errno| RoleError::Kernel(HEARTBEAT, errno))
}

/// Where the log lines of the keepalived side go.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct LogPlan {
    /// Syslog's facility; `None` for no syslog.
    pub(crate) facility: Option<u8>,
    /// Whether lines go to stderr.
    pub(crate) stderr: bool,
    /// `-g`: the file they go to; those of roles go beside it, to `NAME_vrrp.log` and the like.
    pub(crate) file: Option<PathBuf>,
    /// `-D`: whether details are written.
    pub(crate) detail: bool,
}

impl LogPlan {
    /// For the environment of a role.
    pub(crate) fn to_word(&self) -> std::io::Result<String> {
        Ok(serde_json::to_string(self)?)
    }

    fn inherited() -> Self {
        let nowhere = Self { facility: None, stderr: false, file: None, detail: false };
        std::env::var(LOG).ok().and_then(|word| serde_json::from_str(&word).ok()).unwrap_or(nowhere)
    }

    /// The logger of a process that calls itself so.
    pub(crate) fn logger(&self, name: &str) -> Logger {
        let tag = format!("{name}[{}]", std::process::id());
        let syslog = self.facility.map(|f| Syslog::unix(Path::new("/dev/log"), Facility(f), tag));
        let least = if self.detail { Level::Debug } else { Level::Info };
        let mut logger = Logger::new(syslog, self.stderr, least);
        if let Some(path) = &self.file {
            let part = name.split_once('_').map_or("", |(_, part)| part);
            let mut file = path.file_stem().unwrap_or_default().to_os_string();
            if !part.is_empty() {
                file.push(format!("_{part}"));
            }
            if let Some(extension) = path.extension() {
                file.push(".");
                file.push(extension);
            }
            let path = path.with_file_name(file);
            match OpenOptions::new().append(true).create(true).mode(0o600).open(&path) {
                Ok(file) => logger.also_to(file.into()),
                Err(error) => logger.log(Level::Error, &format!("Can't open {}: {error}", path.display())),
            }
        }
        logger
    }
}

/// The user that was made for us, if the machine had it when it was first looked for.
pub(crate) fn own_user() -> Option<&'static User> {
    static OWN: OnceLock<Option<User>> = OnceLock::new();
    OWN.get_or_init(|| User::find("backstay", None)).as_ref()
}

/// The user under which roles run that need none of their own: `backstay` if the machine has it, else
/// `nobody`.
pub(crate) fn user_without_rights() -> Option<&'static User> {
    static NOBODY: OnceLock<Option<User>> = OnceLock::new();
    own_user().or_else(|| NOBODY.get_or_init(|| User::find("nobody", None)).as_ref())
}

/// Becomes a user that has no rights. Without root everything stays as it is.
fn give_up_root(user: Option<User>, keep: rustix::thread::CapabilitySet) -> Result<(), RoleError> {
    if !rustix::process::geteuid().is_root() {
        return Ok(());
    }
    let user = user.ok_or_else(|| RoleError::UnknownUser("nobody".to_owned()))?;
    sys::privileges::become_user(&user, keep, true)
        .map_err(|errno| RoleError::Kernel("dropping privileges", errno))
}

/// Gives up for good what nobody needs who only talks: gaining rights, writing files, starting
/// programs. Says what this kernel does not offer.
fn confine() -> Result<Vec<sys::confine::Error>, RoleError> {
    rustix::thread::set_no_new_privs(true).map_err(|errno| RoleError::Kernel("no_new_privs", errno))?;
    let walls = [sys::confine::write_no_files(), sys::confine::start_no_programs()];
    Ok(walls.into_iter().filter_map(Result::err).collect())
}

/// Where pid files are unless the command line says so: `instance`, `net_namespace`, `use_pid_dir`.
pub(crate) fn pid_path(program: &Program, name: &str) -> PathBuf {
    let mut directory = PathBuf::from("/run");
    if program.pid_directory {
        directory.push("keepalived");
    }
    if let Some(namespace) = &program.network_namespace {
        directory.push(namespace);
    }
    match &program.instance {
        Some(instance) => directory.join(format!("{name}_{instance}.pid")),
        None => directory.join(format!("{name}.pid")),
    }
}
