//! `keepalived`: its command line, its exit codes, its words.

use super::options::{Argument, Given, OptionSpec, parse};
use crate::inspect;
use crate::roles::LogPlan;
use crate::supervisor::daemon::{PidFile, Readiness, into_background};
use crate::supervisor::{Face, HaSide, Plan, catch_signals, supervise};
use keepalived_conf::compat;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const fn flag(short: char, long: &'static str) -> OptionSpec {
    OptionSpec { short, long, argument: Argument::None }
}

const fn value(short: char, long: &'static str) -> OptionSpec {
    OptionSpec { short, long, argument: Argument::Required }
}

/// keepalived 2.2's options. Those that belong to parts we do not have yet are refused by name.
const OPTIONS: [OptionSpec; 32] = [
    value('f', "use-file"),
    flag('P', "vrrp"),
    flag('C', "check"),
    flag('B', "no_bfd"),
    flag('l', "log-console"),
    flag('D', "log-detail"),
    value('S', "log-facility"),
    OptionSpec { short: 'g', long: "log-file", argument: Argument::Attached },
    flag('G', "no-syslog"),
    flag('X', "release-vips"),
    flag('V', "dont-release-vrrp"),
    flag('I', "dont-release-ipvs"),
    flag('R', "dont-respawn"),
    flag('n', "dont-fork"),
    flag('d', "dump-conf"),
    value('p', "pid"),
    value('r', "vrrp_pid"),
    value('c', "checkers_pid"),
    value('b', "bfd_pid"),
    flag('a', "address-monitoring"),
    flag('x', "snmp"),
    value('A', "snmp-agent-socket"),
    value('s', "namespace"),
    flag('m', "core-dump"),
    value('M', "core-dump-pattern"),
    value('i', "config-id"),
    value('σ', "signum"),
    OptionSpec { short: 't', long: "config-test", argument: Argument::Attached },
    value('T', "genhash"),
    flag('v', "version"),
    flag('h', "help"),
    flag('u', "umask"),
];

const HELP: &str = "\
Usage: keepalived [OPTION...]
  -f, --use-file=FILE          Use the specified configuration file
  -P, --vrrp                   Only run with VRRP subsystem
  -l, --log-console            Log messages to local console
  -D, --log-detail             Detailed log messages
  -S, --log-facility=0-7       Set syslog facility to LOG_LOCAL[0-7]
  -G, --no-syslog              Don't log via syslog
  -n, --dont-fork              Don't fork the daemon process
  -p, --pid=FILE               Use specified pidfile for parent process
  -r, --vrrp_pid=FILE          Use specified pidfile for VRRP child process
  -i, --config-id=ID           Skip any configuration lines beginning with '@' that don't match ID
      --signum=SIGNAL          Return the signal number for STOP, RELOAD, DATA, STATS, STATS_CLEAR, JSON
  -t, --config-test[=LOG_FILE] Check the configuration for obvious errors, output to stderr by default
  -v, --version                Display the version number
  -h, --help                   Display this help message

This is Backstay answering as keepalived. `backstay check` shows all findings at once.
";

struct Line {
    file: PathBuf,
    config_id: Option<String>,
    log: LogPlan,
    foreground: bool,
    test: Option<Option<PathBuf>>,
    pid: PathBuf,
    vrrp_pid: PathBuf,
}

/// Behaves as keepalived.
pub(crate) fn main(arguments: &[OsString]) -> ExitCode {
    sys::process::set_name("keepalived");
    let given = match parse(arguments, &OPTIONS) {
        Ok(given) => given,
        Err(error) => return refuse(&error),
    };
    if let Some(code) = answer_at_once(&given) {
        return code;
    }
    match read(given) {
        Ok(Line { test: Some(log), file, config_id, .. }) => {
            test(&file, config_id.as_deref(), log.as_deref())
        }
        Ok(line) => start(line),
        Err(error) => refuse(&error),
    }
}

fn refuse(error: &str) -> ExitCode {
    eprintln!("keepalived: {error}");
    ExitCode::FAILURE
}

/// `-v`, `-h`, `--signum`.
fn answer_at_once(given: &[Given]) -> Option<ExitCode> {
    for (letter, value) in given {
        match letter {
            'v' => {
                eprintln!("Keepalived v2.2.7 (Backstay {})", env!("CARGO_PKG_VERSION"));
                return Some(ExitCode::SUCCESS);
            }
            'h' => {
                eprint!("{HELP}");
                return Some(ExitCode::SUCCESS);
            }
            'σ' => {
                let word = value.as_ref().map(|v| v.to_string_lossy().into_owned()).unwrap_or_default();
                let number = match word.as_str() {
                    "STOP" => 15,
                    "RELOAD" => 1,
                    "DATA" => 10,
                    "STATS" => 12,
                    "STATS_CLEAR" => 63,
                    "JSON" => 36,
                    _ => return Some(refuse(&format!("unknown signal name {word:?}"))),
                };
                println!("{number}");
                return Some(ExitCode::SUCCESS);
            }
            _ => {}
        }
    }
    None
}

fn read(given: Vec<Given>) -> Result<Line, String> {
    const DAEMON: u8 = 3;
    let mut line = Line {
        file: PathBuf::from(inspect::KEEPALIVED_CONF),
        config_id: None,
        log: LogPlan { facility: Some(DAEMON), stderr: false, detail: false },
        foreground: false,
        test: None,
        pid: PathBuf::from("/run/keepalived.pid"),
        vrrp_pid: PathBuf::from("/run/keepalived_vrrp.pid"),
    };
    for (letter, value) in given {
        let path = value.clone().map(PathBuf::from);
        let word = value.as_ref().map(|v| v.to_string_lossy().into_owned()).unwrap_or_default();
        match letter {
            'f' => line.file = path.unwrap_or_default(),
            'i' => line.config_id = Some(word),
            'l' => line.log.stderr = true,
            'D' | 'd' => line.log.detail = true,
            'G' => line.log.facility = None,
            'S' => {
                let facility = word.parse().ok().and_then(logging::Facility::local);
                let facility =
                    facility.ok_or_else(|| format!("log facility {word:?} is not one of 0 to 7"))?;
                line.log.facility = Some(facility.0);
            }
            'n' => line.foreground = true,
            'p' => line.pid = path.unwrap_or_default(),
            'r' => line.vrrp_pid = path.unwrap_or_default(),
            't' => line.test = Some(path),
            // Only VRRP runs anyhow; virtual addresses that a crash left are always taken up again.
            'P' | 'X' | 'B' | 'c' | 'b' => {}
            other => {
                let spec = OPTIONS.iter().find(|spec| spec.short == other);
                let long = spec.map_or("", |spec| spec.long);
                return Err(format!("option -{other} (--{long}) is not supported yet"));
            }
        }
    }
    Ok(line)
}

fn test(file: &Path, config_id: Option<&str>, log: Option<&Path>) -> ExitCode {
    let loaded = inspect::load_keepalived(file, config_id);
    let checks = inspect::check_keepalived(&loaded, None);
    let mut text = String::new();
    for line in compat::lines(&loaded, &checks) {
        text += &line;
        text.push('\n');
    }
    match log {
        Some(path) => {
            if let Err(error) = std::fs::write(path, &text) {
                return refuse(&format!("{}: {error}", path.display()));
            }
        }
        None => eprint!("{text}"),
    }
    ExitCode::from(compat::exit_code(&loaded, &checks))
}

fn start(line: Line) -> ExitCode {
    const NO_CONFIGURATION: u8 = 6;
    let pid_file = PidFile::new(&line.pid);
    if let Some(pid) = pid_file.alive_as("keepalived").filter(|pid| *pid != std::process::id()) {
        eprintln!("keepalived: daemon is already running (pid {pid})");
        return ExitCode::FAILURE;
    }
    if !line.foreground
        && let Some(code) = into_background("keepalived")
    {
        return code;
    }
    let mut readiness = Readiness::inherited();
    let mut logger = line.log.logger("Keepalived");
    let caught = match catch_signals() {
        Ok(caught) => caught,
        Err(errno) => {
            readiness.failed(&format!("keepalived: signals: {errno}"));
            return ExitCode::FAILURE;
        }
    };
    logger
        .log(logging::Level::Info, &format!("Starting Backstay {} as keepalived", env!("CARGO_PKG_VERSION")));
    let ha = match HaSide::start(line.file, line.config_id, line.log, &mut logger) {
        Ok(ha) => ha,
        Err(error) => {
            logger.log(logging::Level::Error, &error);
            readiness.failed(&format!("keepalived: {error}"));
            return ExitCode::from(NO_CONFIGURATION);
        }
    };
    let plan = Plan {
        face: Face::Keepalived,
        ha: Some(ha),
        web: None,
        web_failed: None,
        logger,
        pid_file,
        vrrp_pid_file: Some(PidFile::new(&line.vrrp_pid)),
        proxy_pid_file: None,
        readiness,
    };
    supervise(plan, caught)
}
