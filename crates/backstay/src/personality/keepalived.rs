//! `keepalived`: its command line, its exit codes, its words.

use super::options::{Argument, Given, OPERAND, OptionSpec, parse};
use crate::inspect;
use crate::roles::{self, LogPlan};
use crate::supervisor::daemon::{PRIVATE, PidFile, Readiness, into_background, make_directory};
use crate::supervisor::names::Name;
use crate::supervisor::upgrade::Inheritance;
use crate::supervisor::{Face, HaOptions, HaSide, Plan, catch_signals, supervise};
use keepalived_conf::model::AgentAddress;
use keepalived_conf::{Loaded, compat};
use rustix::process::{Resource, Rlimit};
use std::ffi::OsString;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const fn flag(short: char, long: &'static str) -> OptionSpec {
    OptionSpec { short, long, argument: Argument::None }
}

const fn value(short: char, long: &'static str) -> OptionSpec {
    OptionSpec { short, long, argument: Argument::Required }
}

const fn long(letter: char, long: &'static str) -> OptionSpec {
    OptionSpec { short: letter, long, argument: Argument::None }
}

/// keepalived's options. Those that have no letter there have a Greek one here.
const OPTIONS: [OptionSpec; 40] = [
    value('f', "use-file"),
    flag('P', "vrrp"),
    flag('C', "check"),
    flag('B', "no_bfd"),
    long('α', "all"),
    flag('l', "log-console"),
    flag('D', "log-detail"),
    value('S', "log-facility"),
    OptionSpec { short: 'g', long: "log-file", argument: Argument::Attached },
    long('φ', "flush-log-file"),
    flag('G', "no-syslog"),
    value('u', "umask"),
    flag('X', "release-vips"),
    flag('V', "dont-release-vrrp"),
    flag('I', "dont-release-ipvs"),
    flag('R', "dont-respawn"),
    flag('n', "dont-fork"),
    flag('d', "dump-conf"),
    value('p', "pid"),
    value('r', "vrrp_pid"),
    flag('T', "genhash"),
    value('c', "checkers_pid"),
    value('b', "bfd_pid"),
    flag('a', "address-monitoring"),
    flag('x', "snmp"),
    value('A', "snmp-agent-socket"),
    value('s', "namespace"),
    flag('m', "core-dump"),
    OptionSpec { short: 'M', long: "core-dump-pattern", argument: Argument::Attached },
    flag('e', "all-config"),
    value('i', "config-id"),
    value('σ', "signum"),
    OptionSpec { short: 't', long: "config-test", argument: Argument::Attached },
    value('κ', "config-fd"),
    long('ι', "ignore-sigint"),
    OptionSpec { short: 'π', long: "perf", argument: Argument::Attached },
    OptionSpec { short: 'δ', long: "debug", argument: Argument::Attached },
    flag('v', "version"),
    flag('h', "help"),
    OptionSpec { short: OPERAND, long: "", argument: Argument::None },
];

/// Options that are refused, and why.
const REFUSED: [(char, &str); 4] = [
    ('C', "it is for health checks alone, and those are not supported yet"),
    ('T', "it comes with health checks, which are not supported yet"),
    ('π', "it is not built in, as in keepalived's usual builds: run `perf record -p PID`"),
    ('δ', "it is not built in, as in keepalived's usual builds: `-D` logs most"),
];

const HELP: &str = "\
Usage: keepalived [OPTION...]
  -f, --use-file=FILE          Use the specified configuration file
  -P, --vrrp                   Only run with VRRP subsystem
  -B, --no_bfd                 Don't run BFD subsystem
      --all                    Force all child processes to run, even if have no configuration
  -l, --log-console            Log messages to local console
  -D, --log-detail             Detailed log messages
  -S, --log-facility=FACILITY  Set syslog facility: 0 to 7 or local0 to local7, user, daemon (default)
  -g, --log-file=FILE          Also log to FILE (default /tmp/keepalived.log)
      --flush-log-file         Flush log file on write: always so here
  -G, --no-syslog              Don't log via syslog
  -u, --umask=MASK             umask for file creation (in numeric form)
  -X, --release-vips           Drop VIP on transition from signal: always so here
  -V, --dont-release-vrrp      Leave virtual addresses and routes in place when the daemon stops
  -I, --dont-release-ipvs      Don't remove IPVS topology on daemon stop: there is none yet
  -R, --dont-respawn           Don't respawn child processes
  -n, --dont-fork              Don't fork the daemon process
  -d, --dump-conf              Dump the configuration data to the log
  -p, --pid=FILE               Use specified pidfile for parent process
  -r, --vrrp_pid=FILE          Use specified pidfile for VRRP child process
  -c, --checkers_pid=FILE      Use specified pidfile for checkers child process: there is none yet
  -b, --bfd_pid=FILE           Use specified pidfile for BFD child process: BFD runs in the VRRP one
  -a, --address-monitoring     Report addresses that others add or delete
  -x, --snmp                   Enable SNMP subsystem
  -A, --snmp-agent-socket=FILE Use the specified socket for master agent
  -s, --namespace=NAME         Run in network namespace NAME (overrides config)
  -m, --core-dump              Produce core dump if terminate abnormally
  -M, --core-dump-pattern=PATN Also set /proc/sys/kernel/core_pattern to PATN (default 'core')
  -e, --all-config             Error if any configuration file missing (same as includet)
  -i, --config-id=ID           Skip any configuration lines beginning with '@' that don't match ID
      --signum=SIGNAL          Return the signal number for STOP, RELOAD, DATA, STATS, STATS_CLEAR, JSON
      --config-fd=FD           Write what was read, all files in one, to an open file descriptor
      --ignore-sigint          Don't stop on SIGINT
  -t, --config-test[=LOG_FILE] Check the configuration for obvious errors, output to stderr by default
  -v, --version                Display the version number
  -h, --help                   Display this help message

This is Backstay answering as keepalived. `backstay check` shows all findings at once.
";

/// What `-v` says after the version: the original's names of what it is built with, as far as that acts
/// here. Readers of dumps look for the third word.
const CONFIGURED: &str = "configure options: --enable-bfd --enable-dbus --enable-json --enable-snmp-vrrp \
    --enable-snmp-rfc\n\n\
    Config options:  NFTABLES VRRP VRRP_AUTH VRRP_VMAC JSON BFD OLD_CHKSUM_COMPAT SNMP_V3_FOR_V2 SNMP_VRRP \
    SNMP_RFCV2 SNMP_RFCV3 DBUS SYSTEMD_NOTIFY\n\n\
    System options:  RTA_ENCAP RTA_EXPIRES RTA_PREF FRA_SUPPRESS_PREFIXLEN FRA_SUPPRESS_IFGROUP \
    FRA_TUN_ID RTAX_CC_ALGO RTAX_QUICKACK FRA_L3MDEV FRA_UID_RANGE RTAX_FASTOPEN_NO_COOKIE RTA_VIA \
    FRA_PROTOCOL FRA_IP_PROTO FRA_SPORT_RANGE FRA_DPORT_RANGE RTA_TTL_PROPAGATE LWTUNNEL_ENCAP_MPLS \
    LWTUNNEL_ENCAP_ILA VRRP_IPVLAN VRF";

struct Line {
    ha: HaOptions,
    foreground: bool,
    ignores_interrupt: bool,
    test: Option<Option<PathBuf>>,
    pid: Option<PathBuf>,
    vrrp_pid: Option<PathBuf>,
    copy: Option<u32>,
    complaint: Option<String>,
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
        Ok(Line { test: Some(log), ha, copy, complaint, .. }) => test(&ha, copy, complaint, log.as_deref()),
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
                eprintln!("Keepalived v2.2.7 (Backstay {})\n\n{CONFIGURED}", env!("CARGO_PKG_VERSION"));
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
                    _ => return Some(refuse(&format!("Unknown sigfunc {word}"))),
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
    let log =
        LogPlan { facility: Some(logging::Facility::DAEMON.0), stderr: false, file: None, detail: false };
    let mut line = Line {
        ha: HaOptions::new(PathBuf::from(inspect::KEEPALIVED_CONF), log),
        foreground: false,
        ignores_interrupt: false,
        test: None,
        pid: None,
        vrrp_pid: None,
        copy: None,
        complaint: None,
    };
    let operands = given.iter().filter(|(letter, _)| *letter == OPERAND);
    let operands: Vec<_> = operands.filter_map(|(_, word)| word.as_ref()?.to_str()).collect();
    if !operands.is_empty() {
        eprintln!("Unexpected argument(s): {}", operands.join(" "));
    }
    // A test looks at the whole file whatever would run.
    let is_test = given.iter().any(|(letter, _)| *letter == 't');
    for (letter, value) in given {
        let path = value.clone().map(PathBuf::from);
        let word = value.as_ref().map(|v| v.to_string_lossy().into_owned()).unwrap_or_default();
        match letter {
            'f' => line.ha.path = path.unwrap_or_default(),
            'i' => line.ha.config_id = Some(word),
            'e' => line.ha.every_file = true,
            'B' => line.ha.bfd = false,
            'R' => line.ha.respawn = false,
            'V' => line.ha.keeps_addresses = true,
            'a' => line.ha.reports_addresses = true,
            'd' => line.ha.dump = true,
            's' => line.ha.namespace = Some(word),
            'x' => line.ha.snmp = true,
            'A' => {
                AgentAddress::parse(&word).map_err(|why| format!("--snmp-agent-socket: {why}"))?;
                line.ha.snmp_socket = Some(word);
            }
            'u' => {
                line.ha.umask = mask(&word);
                if line.ha.umask.is_none() {
                    eprintln!("Invalid --umask option {word}");
                }
            }
            'l' => line.ha.log.stderr = true,
            'D' => line.ha.log.detail = true,
            'G' => line.ha.log.facility = None,
            'g' => {
                line.ha.log.file = Some(path.unwrap_or_else(|| std::env::temp_dir().join("keepalived.log")))
            }
            'S' => {
                // A typing error here is no reason to go without addresses.
                match facility(&word) {
                    Some(facility) => line.ha.log.facility = Some(facility.0),
                    None => line.complaint = Some(format!("Invalid log facility '{word}'")),
                }
            }
            'n' => line.foreground = true,
            'm' => dump_core(None)?,
            'M' => dump_core(Some(if word.is_empty() { "core" } else { &word }))?,
            'ι' => line.ignores_interrupt = true,
            'p' => line.pid = path,
            'r' => line.vrrp_pid = path,
            't' => line.test = Some(path),
            'κ' => {
                line.copy = Some(word.parse().map_err(|_| format!("--config-fd: {word:?} is no number"))?)
            }
            'C' if is_test => {}
            // Only VRRP runs anyhow; virtual addresses that a crash left are always taken up again;
            // of IPVS nothing is set up; there is no process for the others' pid files; log lines are
            // never held back.
            'P' | 'α' | 'X' | 'I' | 'c' | 'b' | 'φ' | OPERAND => {}
            other => {
                let spec = OPTIONS.iter().find(|spec| spec.short == other);
                let name = spec.map_or("", |spec| spec.long);
                let why = REFUSED.iter().find(|(letter, _)| *letter == other).map_or("", |(_, why)| why);
                return Err(format!("option --{name} is not supported: {why}"));
            }
        }
    }
    Ok(line)
}

/// `-S`
fn facility(word: &str) -> Option<logging::Facility> {
    match word {
        "user" => Some(logging::Facility::USER),
        "daemon" => Some(logging::Facility::DAEMON),
        _ => logging::Facility::local(word.strip_prefix("local").unwrap_or(word).parse().ok()?),
    }
}

/// `-u`: a number as C writes it.
fn mask(word: &str) -> Option<u32> {
    let mask = match (word.strip_prefix("0x"), word.strip_prefix('0')) {
        (Some(digits), _) => u32::from_str_radix(digits, 16),
        (_, Some(digits)) if !digits.is_empty() => u32::from_str_radix(digits, 8),
        _ => word.parse(),
    };
    mask.ok().filter(|mask| *mask <= 0o777)
}

/// `-m` and `-M`.
fn dump_core(pattern: Option<&str>) -> Result<(), String> {
    let unlimited = Rlimit { current: None, maximum: None };
    rustix::process::setrlimit(Resource::Core, unlimited).map_err(|errno| format!("core dumps: {errno}"))?;
    let Some(pattern) = pattern else { return Ok(()) };
    std::fs::write("/proc/sys/kernel/core_pattern", pattern).map_err(|error| format!("core_pattern: {error}"))
}

/// What a configuration that cannot be read, or not all of it, ends with.
const NO_CONFIGURATION: u8 = 6;

fn test(ha: &HaOptions, copy: Option<u32>, complaint: Option<String>, log: Option<&Path>) -> ExitCode {
    let loaded = ha.load();
    let checks = match ha.check(&loaded) {
        Ok(checks) => checks,
        Err(error) => return refuse(&error),
    };
    if let Err(error) = write_copy(&loaded, copy) {
        return refuse(&error);
    }
    let mut text = String::new();
    let code = match (ha.lacks_file(&loaded), compat::exit_code(&loaded, &checks)) {
        (true, _) => NO_CONFIGURATION,
        (false, 0) if complaint.is_some() => 5,
        (false, code) => code,
    };
    for line in complaint.into_iter().chain(compat::lines(&loaded, &checks)) {
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
    ExitCode::from(code)
}

/// `--config-fd`
fn write_copy(loaded: &Loaded, descriptor: Option<u32>) -> Result<(), String> {
    let Some(descriptor) = descriptor else { return Ok(()) };
    let open = OpenOptions::new().write(true).open(format!("/proc/self/fd/{descriptor}"));
    open.and_then(|mut file| file.write_all(&loaded.sources.joined()))
        .map_err(|error| format!("--config-fd={descriptor}: {error}"))
}

fn start(mut line: Line) -> ExitCode {
    if let Some(complaint) = &line.complaint {
        eprintln!("keepalived: {complaint}");
    }
    // Where pid files go stands in the file; a file that cannot be read is complained about below.
    let loaded = inspect::load_keepalived(&line.ha.path, line.ha.config_id.as_deref());
    if let Err(error) = write_copy(&loaded, line.copy) {
        return refuse(&error);
    }
    let mut program = loaded.config.program;
    if line.ha.namespace.is_some() {
        program.network_namespace.clone_from(&line.ha.namespace);
        program.pid_directory = true;
    }
    let (pid_path, name) = match line.pid {
        Some(path) => (path.clone(), Name::of_pid_file(Face::Keepalived, &path)),
        None => {
            let path = roles::pid_path(&program, "keepalived");
            let name = Name::of_keepalived(&program, &path);
            (path, name)
        }
    };
    line.ha.name.clone_from(&name.instance);
    let pid_file = PidFile::new(pid_path);
    if let Some(pid) = pid_file.alive_as("keepalived").filter(|pid| *pid != std::process::id()) {
        // The original's status: what was wanted is the case.
        eprintln!("keepalived: daemon is already running (pid {pid})");
        return ExitCode::SUCCESS;
    }
    if !line.foreground
        && let Some(code) = into_background("keepalived")
    {
        return code;
    }
    let mut readiness = Readiness::inherited(PRIVATE);
    let mut logger = line.ha.log.logger("Keepalived");
    let caught = match catch_signals() {
        Ok(caught) => caught,
        Err(errno) => {
            readiness.failed(&format!("keepalived: signals: {errno}"));
            return ExitCode::FAILURE;
        }
    };
    if line.ignores_interrupt {
        let _ = sys::signals::ignore(&[sys::signals::INT]);
    }
    logger
        .log(logging::Level::Info, &format!("Starting Backstay {} as keepalived", env!("CARGO_PKG_VERSION")));
    let mut inherited = Inheritance::take();
    let ha = match HaSide::start(line.ha, inherited.as_mut(), &mut logger) {
        Ok(ha) => ha,
        Err(error) => {
            logger.log(logging::Level::Error, &error);
            let status = if loaded.readable { 1 } else { NO_CONFIGURATION };
            readiness.failed_with(status, &format!("keepalived: {error}"));
            return ExitCode::from(status);
        }
    };
    if let Some(directory) = pid_file.path().parent().filter(|_| program.pid_directory) {
        // Where it cannot be made, writing the files says so.
        let _ = make_directory(directory);
    }
    let vrrp_pid = line.vrrp_pid.unwrap_or_else(|| roles::pid_path(&program, "vrrp"));
    let plan = Plan {
        name,
        ha: Some(ha),
        web: None,
        web_failed: None,
        logger,
        pid_file,
        vrrp_pid_file: Some(PidFile::new(vrrp_pid)),
        proxy_pid_file: None,
        readiness,
        inherited,
    };
    supervise(plan, caught)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_names_every_option_that_is_taken() {
        for option in OPTIONS.iter().filter(|option| option.short != OPERAND) {
            let named = HELP.lines().any(|line| {
                let words = line.split("  ").find(|words| words.contains("--")).unwrap_or_default();
                let letter = option.short.is_ascii().then(|| format!("-{},", option.short));
                let long = words.split(' ').find_map(|word| word.strip_prefix("--"));
                let long = long.map(|word| word.split(['=', '[']).next().unwrap_or(word));
                long == Some(option.long) && letter.is_none_or(|letter| words.contains(&letter))
            });
            let is_refused = REFUSED.iter().any(|(letter, _)| *letter == option.short);
            assert_eq!(named, !is_refused, "--{}", option.long);
        }
    }
}
