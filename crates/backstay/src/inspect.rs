//! Reading both configurations with the facts of this machine.

use http1::date::Civil;
use keepalived_conf::check::ThisMachine;
use nginx_conf::{Disk, SystemResolver};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

/// Where Debian puts keepalived's file.
pub(crate) const KEEPALIVED_CONF: &str = "/etc/keepalived/keepalived.conf";
/// Where Debian puts nginx's file.
pub(crate) const NGINX_CONF: &str = "/etc/nginx/nginx.conf";

/// This machine's name.
pub(crate) fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// An error of the kernel as nginx writes it: scripts look for the number.
pub(crate) fn errno_words(error: &std::io::Error) -> String {
    let text = error.to_string();
    match error.raw_os_error() {
        Some(number) => format!("{number}: {}", text.split(" (os error").next().unwrap_or_default()),
        None => text,
    }
}

/// Local time as nginx's error log writes it.
pub(crate) fn log_time() -> String {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_secs() as i64);
    let t = Civil::from_seconds(seconds + sys::time::local_offset(seconds));
    format!("{}/{:02}/{:02} {:02}:{:02}:{:02}", t.year, t.month, t.day, t.hour, t.minute, t.second)
}

/// Reads a keepalived.conf.
pub(crate) fn load_keepalived(path: &Path, config_id: Option<&str>) -> keepalived_conf::Loaded {
    let environment = keepalived_conf::Environment {
        config_id: config_id.map(str::to_owned),
        host_name: host_name(),
        directory: std::env::current_dir().unwrap_or_default(),
        variables: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        random_seed: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_nanos() as u64),
    };
    keepalived_conf::load(path, &environment)
}

/// Checks a keepalived.conf against this machine, and against the peer's file if there is one.
pub(crate) fn check_keepalived(
    loaded: &keepalived_conf::Loaded,
    peer: Option<&keepalived_conf::Loaded>,
) -> diagnostic::Report {
    keepalived_conf::check::check(loaded, &ThisMachine, peer)
}

/// An interface that a keepalived.conf needs beyond those `known`, and that is not here.
pub(crate) fn missing_interface(
    loaded: &keepalived_conf::Loaded,
    known: &BTreeSet<String>,
) -> Option<String> {
    keepalived_conf::check::missing_interface(loaded, &ThisMachine, known)
}

/// nginx's command line, as far as it changes what its file means.
#[derive(Clone, Debug)]
pub(crate) struct NginxOptions {
    /// `-c`, made absolute.
    pub(crate) path: PathBuf,
    /// `-p`
    pub(crate) prefix: PathBuf,
    /// `-g`
    pub(crate) global_directives: Option<String>,
    /// `-e`, made absolute.
    pub(crate) error_log: PathBuf,
    /// Where requests are logged when no `access_log` says so.
    pub(crate) access_log: PathBuf,
    /// The `pid` file when the file names none.
    pub(crate) pid: PathBuf,
}

impl Default for NginxOptions {
    fn default() -> Self {
        Self {
            path: PathBuf::from(NGINX_CONF),
            prefix: PathBuf::from("/usr/share/nginx"),
            global_directives: None,
            error_log: PathBuf::from("/var/log/nginx/error.log"),
            access_log: PathBuf::from("/var/log/nginx/access.log"),
            pid: PathBuf::from("/run/nginx.pid"),
        }
    }
}

/// Reads an nginx.conf.
pub(crate) fn load_nginx(options: &NginxOptions) -> nginx_conf::Loaded {
    let environment = nginx_conf::Environment {
        prefix: &options.prefix,
        global_directives: options.global_directives.as_deref(),
        error_log: &options.error_log,
        access_log: &options.access_log,
        pid: &options.pid,
        hostname: &host_name(),
        root: rustix::process::geteuid().is_root(),
        files: &Disk,
        resolver: &SystemResolver,
    };
    nginx_conf::load(&options.path, &environment)
}
