//! `backstay lab`.

use crate::scenario::{Report, Scenario, Stage};
use crate::{CrashRuns, Error, Programs, crash_runs, first_tutorial, tutorial};
use std::io::IsTerminal;
use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const SIGINT: i32 = 2;
const SIGTERM: i32 = 15;
/// Probes are this far apart.
const RESOLUTION: Duration = Duration::from_millis(1);

/// Play a data centre on this machine: two directors, two real servers, a client, and what goes wrong
#[derive(Clone, Debug, clap::Args)]
pub struct Options {
    /// What to play: tutorial (two directors, one address), dual-master (two addresses), crash (how long
    /// a crash takes the address away), or one of: single, dual, nopreempt, preempt-delay,
    /// multicast-group, unicast, script, notify, log-file
    #[arg(default_value = "tutorial")]
    pub scenario: String,
    /// Which programs to use: backstay, or the originals instead: keepalived, nginx or keepalived,nginx
    #[arg(long = "with", value_name = "PROGRAMS", default_value = "backstay")]
    pub with: String,
    /// Leave the lab standing afterwards, until Ctrl-C
    #[arg(long)]
    pub keep: bool,
    /// How many crashes, for crash
    #[arg(long, value_name = "COUNT", default_value_t = 20)]
    pub runs: usize,
    /// For crash: other programs to crash in a second lab at the same time
    #[arg(long, value_name = "PROGRAMS")]
    pub beside: Option<String>,
    /// The backstay program to be tried instead of this one
    #[arg(long, value_name = "FILE", env = "BACKSTAY_BIN", hide = true)]
    pub binary: Option<PathBuf>,
}

/// Plays what the options say on standard output. Everything it made is gone afterwards. The exit
/// code is 0 only when everything happened as promised. The caller's main function begins with
/// [`crate::stand_in`].
pub fn command(options: &Options) -> ExitCode {
    let interrupted = AtomicBool::new(false);
    let signals = sys::signals::catch(&[SIGINT, SIGTERM]);
    let interrupted = || {
        let arrived = |socket: &OwnedFd| !sys::signals::arrived(socket).is_empty();
        if signals.as_ref().is_ok_and(arrived) {
            interrupted.store(true, Ordering::Relaxed);
        }
        interrupted.load(Ordering::Relaxed)
    };
    match play(options, &interrupted) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("backstay lab: {error}");
            ExitCode::FAILURE
        }
    }
}

fn play(options: &Options, interrupted: &(dyn Fn() -> bool + Sync)) -> Result<(), Error> {
    if !rustix::process::geteuid().is_root() {
        return Err(Error::NotRoot);
    }
    let own = std::env::current_exe().map_err(Error::kernel("finding this program"))?;
    let binary = options.binary.clone().unwrap_or_else(|| own.clone());
    let programs = Programs::parse(&options.with, &binary)?;
    if options.scenario == "crash" {
        let mut pairs = vec![programs];
        if let Some(beside) = &options.beside {
            pairs.push(Programs::parse(beside, &binary)?);
        }
        return crash(options.runs, &pairs, &own, interrupted);
    }
    let scenario = named(&options.scenario, &programs)
        .ok_or_else(|| Error::Option(format!("there is no scenario {}; see --help", options.scenario)))?;
    let mut out = std::io::stdout();
    let colour = out.is_terminal();
    println!("{}", scenario.title);
    for host in &scenario.hosts {
        println!("   {:<12} {}", host.name, host.address);
    }
    let mut stage = Stage::build(scenario, &own, &mut out, colour, interrupted)?;
    let outcome = stage.play();
    if let Ok(report) = &outcome {
        summary(report);
    }
    if options.keep && !matches!(outcome, Err(Error::Interrupted)) {
        println!("\nThe lab stays until you press Ctrl-C here. A shell in a host:");
        for (host, _) in stage.lab.hosts() {
            println!("   {:<12} {}", host.name(), host.enter_line());
        }
        while !interrupted() {
            std::thread::sleep(Duration::from_millis(200));
        }
        println!("\nEverything is cleaned up.");
    }
    outcome.map(drop)
}

/// A scenario by the name it has on the command line.
fn named(name: &str, programs: &Programs) -> Option<Scenario> {
    match name {
        "tutorial" => Some(tutorial::single(programs)),
        "dual-master" => Some(tutorial::dual_master(programs)),
        _ => first_tutorial::named(name, programs),
    }
}

fn summary(report: &Report) {
    println!("\n   longest silence   lost / requests   step");
    for (index, step) in report.steps.iter().enumerate() {
        let gap = crate::scenario::in_words(step.gap);
        let requests = step.requests.as_ref();
        let requests = requests.map_or("-".into(), |all| format!("{} / {}", all.lost, all.sent));
        println!("   {gap:>15}   {requests:>15}   {}. {}", index + 1, step.title);
    }
}

fn crash(
    count: usize,
    pairs: &[Programs],
    own: &std::path::Path,
    interrupted: &(dyn Fn() -> bool + Sync),
) -> Result<(), Error> {
    println!("Master A dies {count} times; seconds from its last advertisement to the first answer:");
    let told = |index: usize, programs: &Programs, run: crate::CrashRun| {
        let (gap, since) = (run.gap.as_secs_f64(), run.since_crash.as_secs_f64());
        println!("   {index:2}. {programs}: {gap:.3} ({since:.3} from the crash)");
    };
    let all = crash_runs(count, pairs, own, &told, interrupted)?;
    let bound = CrashRuns::bound().as_secs_f64();
    println!("\n      min   median      max   bound {bound:.3}");
    for runs in &all {
        let [min, median, max] = runs.summary().map(|gap| gap.as_secs_f64());
        println!("    {min:.3}    {median:.3}    {max:.3}   {}", runs.programs);
    }
    if let [ours, theirs] = all.as_slice()
        && ours.summary()[1] > theirs.summary()[1] + RESOLUTION
    {
        return Err(Error::Unmet("a median no longer than the other pair's".into()));
    }
    let late = all.first().is_some_and(|runs| runs.summary()[2] > CrashRuns::bound());
    if late {
        return Err(Error::Unmet("every gap within 3 × advert_int + skew + 20 ms".into()));
    }
    Ok(())
}
