//! `nginx`: its command line, its exit codes, its words.

use super::options::{Argument, OptionSpec, parse};
use crate::inspect::{self, NginxOptions};
use crate::roles::LogPlan;
use crate::supervisor::daemon::{PidFile, Readiness, SHARED, into_background};
use crate::supervisor::names::Name;
use crate::supervisor::operators::{Answer, Ask, Side, ask};
use crate::supervisor::{Face, Plan, WebSide, catch_signals, supervise};
use nginx_conf::Loaded;
use nginx_conf::compat;
use rustix::process::{Pid, Signal, kill_process};
use std::ffi::OsString;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const OPTIONS: [OptionSpec; 12] = {
    const fn option(short: char, argument: Argument) -> OptionSpec {
        OptionSpec { short, long: "", argument }
    }
    [
        option('?', Argument::None),
        option('h', Argument::None),
        option('v', Argument::None),
        option('V', Argument::None),
        option('t', Argument::None),
        option('T', Argument::None),
        option('q', Argument::None),
        option('s', Argument::Required),
        option('p', Argument::Required),
        option('e', Argument::Required),
        option('c', Argument::Required),
        option('g', Argument::Required),
    ]
};

const HELP: &str = "\
Usage: nginx [-?hvVtTq] [-s signal] [-p prefix]
             [-e filename] [-c filename] [-g directives]

Options:
  -?,-h         : this help
  -v            : show version and exit
  -V            : show version and configure options then exit
  -t            : test configuration and exit
  -T            : test configuration, dump it and exit
  -q            : suppress non-error messages during configuration testing
  -s signal     : send signal to a master process: stop, quit, reopen, reload
  -p prefix     : set prefix path (default: /usr/share/nginx/)
  -e filename   : set error log file (default: /var/log/nginx/error.log)
  -c filename   : set configuration file (default: /etc/nginx/nginx.conf)
  -g directives : set global directives out of configuration file

This is Backstay answering as nginx. `backstay check` shows all findings at once.
";

/// The level of nginx whose configuration language this is; scripts compare it.
const VERSION: &str = concat!("nginx version: backstay/", env!("CARGO_PKG_VERSION"));

#[derive(Debug, Default)]
struct Line {
    help: bool,
    version: bool,
    details: bool,
    test: bool,
    dump: bool,
    quiet: bool,
    signal: Option<String>,
    options: NginxOptions,
}

/// Behaves as nginx.
pub(crate) fn main(arguments: &[OsString]) -> ExitCode {
    sys::process::set_name("nginx");
    let line = match read(arguments) {
        Ok(line) => line,
        Err(error) => {
            eprintln!("nginx: {error}");
            return ExitCode::FAILURE;
        }
    };
    if line.help || line.version || line.details {
        eprintln!("{VERSION}");
        if line.details {
            eprintln!("built with rustc\nconfigure arguments: --with-http_stub_status_module");
        }
        if line.help {
            eprint!("{HELP}");
        }
        return ExitCode::SUCCESS;
    }
    if let Some(signal) = &line.signal {
        return send_signal(signal, &line.options);
    }
    let loaded = inspect::load_nginx(&line.options);
    if line.test {
        return test(&line, &loaded);
    }
    match loaded.config {
        Some(_) => start(line.options, loaded),
        None => refuse(&loaded, &line.options),
    }
}

/// Says why a file cannot be used.
fn refuse(loaded: &Loaded, options: &NginxOptions) -> ExitCode {
    for text in compat::test_lines(loaded, &options.path).iter().filter(|l| l.contains("[emerg]")) {
        eprintln!("{text}");
    }
    ExitCode::FAILURE
}

fn read(arguments: &[OsString]) -> Result<Line, String> {
    let mut line = Line::default();
    let mut conf: Option<PathBuf> = None;
    let mut error_log: Option<PathBuf> = None;
    for (letter, value) in parse(arguments, &OPTIONS)? {
        let value = value.unwrap_or_default();
        match letter {
            'v' => line.version = true,
            'V' => line.details = true,
            't' => line.test = true,
            'T' => (line.test, line.dump) = (true, true),
            'q' => line.quiet = true,
            's' => {
                let signal = value.to_string_lossy().into_owned();
                if !matches!(signal.as_str(), "stop" | "quit" | "reopen" | "reload") {
                    return Err(format!("invalid option: \"-s {signal}\""));
                }
                line.signal = Some(signal);
            }
            'p' => line.options.prefix = absolute(&PathBuf::from(value), Path::new("")),
            'e' => error_log = Some(value.into()),
            'c' => conf = Some(value.into()),
            'g' => line.options.global_directives = Some(value.to_string_lossy().into_owned()),
            _ => line.help = true,
        }
    }
    let prefix = line.options.prefix.clone();
    if let Some(conf) = conf {
        line.options.path = absolute(&conf, &prefix);
    }
    match error_log {
        Some(log) if log.as_os_str() == "stderr" => line.options.error_log = log,
        Some(log) => line.options.error_log = absolute(&log, &prefix),
        None => {}
    }
    Ok(line)
}

/// Relative paths count from the prefix, a relative prefix from the working directory.
fn absolute(path: &Path, base: &Path) -> PathBuf {
    if path.is_absolute() {
        return path.to_owned();
    }
    std::path::absolute(base.join(path)).unwrap_or_else(|_| path.to_owned())
}

fn test(line: &Line, loaded: &Loaded) -> ExitCode {
    let good = loaded.config.is_some();
    for text in compat::test_lines(loaded, &line.options.path) {
        if !line.quiet || !good || text.contains("[emerg]") {
            eprintln!("{text}");
        }
    }
    if line.dump && good {
        // A reader that has gone does not want the rest.
        let _ = std::io::stdout().write_all(&nginx_conf::dump(&loaded.sources));
    }
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn send_signal(word: &str, options: &NginxOptions) -> ExitCode {
    let loaded = inspect::load_nginx(options);
    let Some(config) = &loaded.config else { return refuse(&loaded, options) };
    let signal = match word {
        "stop" => Signal::TERM,
        "quit" => Signal::QUIT,
        "reopen" => Signal::USR1,
        _ => Signal::HUP,
    };
    let file = PidFile::new(&config.main.pid);
    let pid = file.alive_as("nginx").and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
    let result = match pid {
        Some(pid) => kill_process(pid, signal).map_err(|errno| errno.to_string()),
        None => Err(format!("no process is running by \"{}\"", file.path().display())),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nginx: [error] {word} failed: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Whether a `backstay run` runs here with this nginx.conf.
fn whole_serves(file: &Path) -> bool {
    let answer = ask(&Name::usual(Face::Whole), Ask::Status);
    matches!(answer, Some(Ok(Answer::Status(status))) if status.web.as_ref().is_some_and(|web| web.file == file))
}

fn start(options: NginxOptions, loaded: Loaded) -> ExitCode {
    let Some(config) = loaded.config else { return ExitCode::FAILURE };
    // A `backstay run` of this file that was told to stop its proxy takes it up again, instead of a
    // second one being started beside it.
    if whole_serves(&options.path)
        && let Some(answer) = ask(&Name::usual(Face::Whole), Ask::Start(Side::Nginx))
    {
        return match answer {
            Ok(Answer::Failed(why)) | Err(why) => {
                eprintln!("nginx: [emerg] {why}");
                ExitCode::FAILURE
            }
            Ok(_) => ExitCode::SUCCESS,
        };
    }
    let pid_file = PidFile::new(&config.main.pid);
    if let Some(pid) = pid_file.alive_as("nginx").filter(|_| config.http.is_some()) {
        eprintln!("nginx: [warn] process {pid} is running by \"{}\" already", pid_file.path().display());
    }
    if config.main.daemon
        && let Some(code) = into_background("nginx")
    {
        return code;
    }
    let mut readiness = Readiness::inherited(SHARED);
    let caught = match catch_signals() {
        Ok(caught) => caught,
        Err(errno) => {
            readiness.failed(&format!("nginx: [emerg] signals: {errno}"));
            return ExitCode::FAILURE;
        }
    };
    let web = match WebSide::start(options, config) {
        Ok(web) => web,
        Err(error) => {
            readiness.failed(&format!("nginx: [emerg] {error}"));
            return ExitCode::FAILURE;
        }
    };
    let log = LogPlan { facility: None, stderr: false, file: None, detail: false };
    let plan = Plan {
        name: Name::of_pid_file(Face::Nginx, pid_file.path()),
        ha: None,
        web: Some(web),
        web_failed: None,
        logger: log.logger("nginx"),
        pid_file,
        vrrp_pid_file: None,
        proxy_pid_file: None,
        readiness,
        inherited: None,
    };
    supervise(plan, caught)
}
