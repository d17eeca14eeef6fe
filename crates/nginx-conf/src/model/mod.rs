//! What an nginx.conf means, with inheritance resolved and every default filled in.
//!
//! The model is plain data: it travels from the supervisor to the proxy process, so it holds no
//! spans, no compiled expressions and nothing that needs the files again. Things that many places
//! share (upstreams, log destinations, formats, media types, user variables) stand once in a table
//! and are referred to by index.

mod location;
mod template;
mod upstream;

pub use location::*;
pub use template::*;
pub use upstream::*;

use serde::{Deserialize, Serialize};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// A whole configuration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Config {
    /// Directives outside every block.
    pub main: Main,
    /// `events`.
    pub events: Events,
    /// `http`; `None` when there is no such block.
    pub http: Option<Http>,
    /// Every destination that some `error_log` or `access_log` names, opened by the supervisor.
    pub logs: Vec<LogDestination>,
}

/// Directives outside every block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Main {
    /// `user`: user and group; the group of the same name when absent. `None`: not written.
    pub user: Option<(String, Option<String>)>,
    /// `worker_processes`: how many proxy threads; 1 when absent.
    pub worker_processes: WorkerProcesses,
    /// `worker_rlimit_nofile`.
    pub worker_rlimit_nofile: Option<u64>,
    /// `worker_shutdown_timeout`: how long a graceful stop waits; for ever when absent.
    pub worker_shutdown_timeout: Option<Duration>,
    /// `pid`, made absolute.
    pub pid: PathBuf,
    /// `daemon`, on when absent.
    pub daemon: bool,
    /// `error_log` of the main level; never empty.
    pub error_logs: Vec<ErrorLog>,
}

/// `worker_processes`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum WorkerProcesses {
    /// One for each processor.
    Auto,
    /// So many.
    Count(u32),
}

/// `events`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Events {
    /// `worker_connections`: connections of a thread, to clients and upstreams together; 512 when absent.
    pub worker_connections: u32,
}

/// Where log lines go.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum LogDestination {
    /// A file, made absolute.
    File(PathBuf),
    /// Standard error.
    Stderr,
    /// `syslog:server=…`.
    Syslog {
        /// Where it listens.
        server: SyslogServer,
        /// Facility number, 23 (local7) when absent.
        facility: u8,
        /// Severity of access lines, 6 (info) when absent.
        severity: u8,
        /// Tag, `nginx` when absent.
        tag: String,
        /// `nohostname`.
        nohostname: bool,
    },
}

/// `server=` of a syslog destination.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SyslogServer {
    /// `unix:PATH`.
    Unix(PathBuf),
    /// `ADDRESS[:514]`.
    Udp(SocketAddr),
}

/// An `error_log` in force.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorLog {
    /// Index into [`Config::logs`].
    pub log: usize,
    /// Least severe level that is written; error when absent.
    pub level: LogLevel,
}

/// nginx's levels, least severe first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum LogLevel {
    /// `debug`
    Debug,
    /// `info`
    Info,
    /// `notice`
    Notice,
    /// `warn`
    Warn,
    /// `error`
    Error,
    /// `crit`
    Crit,
    /// `alert`
    Alert,
    /// `emerg`
    Emerg,
}

/// `http { … }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Http {
    /// One entry for each address that is listened on.
    pub listeners: Vec<Listener>,
    /// Every `server`, in file order.
    pub servers: Vec<Server>,
    /// Every `upstream`, then one implicit group for each `proxy_pass` to a plain address.
    pub upstreams: Vec<Upstream>,
    /// Every `log_format`, `combined` first.
    pub log_formats: Vec<LogFormat>,
    /// Every distinct set of `types`: extension in lower case, and media type.
    pub types: Vec<Vec<(String, String)>>,
    /// Names of the variables made by `set` and by named captures; see [`Variable::User`].
    pub user_variables: Vec<String>,
}

/// `log_format`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogFormat {
    /// Its name.
    pub name: String,
    /// How variables are escaped.
    pub escape: Escape,
    /// The line, without the line feed.
    pub line: Template,
}

/// `escape=` of a `log_format`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Escape {
    /// `"`, `\`, and bytes below 32 or above 126 as `\xXX`; an absent value as `-`.
    Default,
    /// As in a JSON string; an absent value as nothing.
    Json,
    /// Not at all; an absent value as nothing.
    None,
}

/// An address that is listened on, with the options of whichever `listen` set them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Listener {
    /// The address.
    pub address: ListenAddress,
    /// `backlog=`, 511 when absent.
    pub backlog: u32,
    /// `ipv6only=`, on when absent.
    pub ipv6only: bool,
    /// `reuseport`.
    pub reuseport: bool,
    /// `rcvbuf=` in bytes.
    pub rcvbuf: Option<usize>,
    /// `sndbuf=` in bytes.
    pub sndbuf: Option<usize>,
    /// `deferred`.
    pub deferred: bool,
    /// `so_keepalive=`: `None` leaves the system's setting.
    pub keepalive: Option<bool>,
    /// Indices of the servers reachable here, in file order; never empty.
    pub servers: Vec<usize>,
    /// Index of the server for requests whose name no server has.
    pub default_server: usize,
}

/// What `listen` binds.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ListenAddress {
    /// TCP.
    Tcp(SocketAddr),
    /// `unix:PATH`.
    Unix(PathBuf),
}

/// `server { … }`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Server {
    /// `server_name`, in file order; one empty exact name when absent.
    pub names: Vec<ServerName>,
    /// What `$server_name` gives: the first name as written.
    pub name: String,
    /// The server level itself: its settings and rewrite program, and below it the locations.
    pub root: Location,
    /// `client_header_timeout`, 60 s when absent: for the whole head.
    pub client_header_timeout: Duration,
    /// `large_client_header_buffers`: how many and how large, 4 of 8 KiB when absent.
    pub large_client_header_buffers: (usize, usize),
    /// `merge_slashes`, on when absent.
    pub merge_slashes: bool,
    /// `ignore_invalid_headers`, on when absent.
    pub ignore_invalid_headers: bool,
    /// `underscores_in_headers`, off when absent.
    pub underscores_in_headers: bool,
}

/// One word of `server_name`; all lower case.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ServerName {
    /// `example.org`
    Exact(String),
    /// `*.example.org`, kept as `example.org`: any name that ends in `.example.org`.
    Leading(String),
    /// `.example.org`, kept as `example.org`: that name and any that ends in `.example.org`.
    LeadingOrExact(String),
    /// `www.example.*`, kept as `www.example`: any name that begins with `www.example.`.
    Trailing(String),
    /// `~…`
    Regex(Pattern),
}
