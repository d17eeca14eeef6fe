//! How long a virtual address is unserved after its master dies, and after it stops: ours beside a
//! real keepalived, at the same time on the same machine.
//!
//! Counted from the last advertisement of the old master to the first gratuitous ARP of the new one,
//! by the kernel's time of each frame on the switch. The theory is 3 × interval + skew after a crash
//! and the skew after a stop (RFC 5798 §6.1; VRRPv2's skew is a part of a second, whatever the
//! interval).
#![forbid(unsafe_code)]

mod busy;
mod capture;
mod host;
mod restart;
mod scale;

use capture::{Capture, Frame};
use host::{Network, Program, Running};
use std::io;
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

const VIP: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 100);
/// Of the master and of its backup.
const PRIORITIES: [u8; 2] = [150, 100];

/// For some hundred frames, in KiB.
const BUFFER: u32 = 256;

/// An advertisement interval.
#[derive(Clone, Copy)]
struct Setting {
    name: &'static str,
    version: u8,
    interval: Duration,
}

const SETTINGS: [Setting; 3] = [
    Setting { name: "v2-1", version: 2, interval: Duration::from_secs(1) },
    Setting { name: "v3-0.1", version: 3, interval: Duration::from_millis(100) },
    Setting { name: "v3-0.01", version: 3, interval: Duration::from_millis(10) },
];

impl Setting {
    fn skew(self) -> Duration {
        let unit = if self.version == 2 { Duration::from_secs(1) } else { self.interval };
        unit * (256 - u32::from(PRIORITIES[1])) / 256
    }

    fn theory(self, end: End) -> Duration {
        match end {
            End::Crash => self.interval * 3 + self.skew(),
            End::Stop => self.skew(),
        }
    }

    fn configuration(self, priority: u8) -> String {
        let (version, interval) = (self.version, self.interval.as_secs_f64());
        format!(
            "global_defs {{\n vrrp_garp_master_delay 0\n}}\nvrrp_instance VI_1 {{\n state BACKUP\n \
             interface eth0\n virtual_router_id 51\n priority {priority}\n version {version}\n advert_int \
             {interval}\n virtual_ipaddress {{\n {VIP}/24\n }}\n}}\n"
        )
    }
}

/// How the master ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    /// Its cable is cut and all its processes are killed.
    Crash,
    /// It is told to stop.
    Stop,
}

/// A pair of routers of one program.
struct Pair {
    program: Program,
    setting: Setting,
    network: Network,
    directory: tempfile::TempDir,
}

impl Pair {
    fn new(program: Program, setting: Setting) -> io::Result<Self> {
        let pair = Self { program, setting, network: Network::new()?, directory: tempfile::tempdir()? };
        for (at, priority) in PRIORITIES.into_iter().enumerate() {
            std::fs::write(pair.file(at), setting.configuration(priority))?;
        }
        Ok(pair)
    }

    fn file(&self, at: usize) -> PathBuf {
        self.directory.path().join(format!("{at}.conf"))
    }

    fn start(&self, at: usize) -> io::Result<Running> {
        self.program.start(&self.network.routers[at], &self.file(at))
    }

    fn holds(&self, at: usize) -> io::Result<()> {
        let end = Instant::now() + Duration::from_secs(20);
        while !self.network.routers[at].holds(VIP)? || self.network.routers[1 - at].holds(VIP)? {
            if Instant::now() > end {
                let log = std::fs::read_to_string(self.file(at).with_extension("log"))?;
                return Err(io::Error::other(format!("router {at} does not take over:\n{log}")));
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Ends the master so many times, and says how long the address was unserved each time.
    fn run(&self, end: End, runs: u32) -> io::Result<Vec<Duration>> {
        let mut gaps = Vec::new();
        let _backup = self.start(1)?;
        for run in 0..runs {
            let master = self.start(0)?;
            self.holds(0)?;
            // Each time at another moment of the interval.
            std::thread::sleep(Duration::from_millis(1500) + self.setting.interval * (run % 10) / 10);
            let capture = Capture::start(&self.network, self.directory.path(), BUFFER)?;
            std::thread::sleep(self.setting.interval * 2 + Duration::from_millis(50));
            match end {
                End::Crash => {
                    self.network.switch.ip("link set port1 down")?;
                    master.kill()?;
                    let _ = self.network.routers[0].ip(&format!("addr del {VIP}/24 dev eth0"));
                }
                End::Stop => master.stop()?,
            }
            self.holds(1)?;
            std::thread::sleep(Duration::from_millis(200));
            gaps.push(gap(&capture.frames()?)?);
            if end == End::Crash {
                self.network.switch.ip("link set port1 up")?;
            }
        }
        Ok(gaps)
    }
}

/// From the last advertisement of the old master to the first announcement of the new one.
fn gap(frames: &[(Duration, Frame)]) -> io::Result<Duration> {
    let last = frames.iter().rposition(|(_, frame)| matches!(frame, Frame::Advert { from: 1, .. }));
    let last = last.ok_or_else(|| io::Error::other("the master did not advertise"))?;
    let first = frames[last..].iter().find(|(_, frame)| *frame == Frame::Announcement(VIP));
    let (at, _) = first.ok_or_else(|| io::Error::other("the new master did not announce itself"))?;
    Ok(at.saturating_sub(frames[last].0))
}

/// What the command line says.
struct Options {
    ours: PathBuf,
    /// How often each is done; how many seconds beside each load.
    runs: u32,
    only: Option<String>,
    what: What,
}

/// What is measured.
#[derive(Clone, Copy, PartialEq, Eq)]
enum What {
    /// A crash and a stop, at each interval.
    Ends,
    /// A takeover of many instances and addresses.
    Scale,
    /// Advertisements beside a busy machine.
    Busy,
    /// A death of the vrrp process alone.
    Restart,
}

fn options() -> Option<Options> {
    let mut options =
        Options { ours: "target/release/backstay".into(), runs: 20, only: None, what: What::Ends };
    let mut arguments = std::env::args().skip(1);
    while let Some(word) = arguments.next() {
        let special = match word.as_str() {
            "--scale" => Some(What::Scale),
            "--busy" => Some(What::Busy),
            "--restart" => Some(What::Restart),
            _ => None,
        };
        if let Some(what) = special {
            options.what = what;
            continue;
        }
        let value = arguments.next()?;
        match word.as_str() {
            "--ours" => options.ours = Path::new(&value).canonicalize().ok()?,
            "--runs" => options.runs = value.parse().ok()?,
            "--only" => options.only = Some(value),
            _ => return None,
        }
    }
    Some(options)
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1}", time.as_secs_f64() * 1000.0)
}

fn report(setting: Setting, end: End, program: &Program, mut gaps: Vec<Duration>) {
    gaps.sort();
    let (Some(first), Some(last)) = (gaps.first(), gaps.last()) else { return };
    println!(
        "{:8} {:6} {:10} {:>9} {:>9} {:>9} {:>9}",
        setting.name,
        format!("{end:?}").to_lowercase(),
        program.name(),
        milliseconds(*first),
        milliseconds(gaps[gaps.len() / 2]),
        milliseconds(*last),
        milliseconds(setting.theory(end)),
    );
}

fn compare(options: &Options, setting: Setting) -> io::Result<()> {
    for end in [End::Crash, End::Stop] {
        let programs = [Program::Ours(options.ours.clone()), Program::Keepalived];
        // Both at the same time: they meet the same load of the machine.
        let outcomes: Vec<io::Result<Vec<Duration>>> = std::thread::scope(|scope| {
            let run = |program: &Program| Pair::new(program.clone(), setting)?.run(end, options.runs);
            let threads: Vec<_> = programs.iter().map(|p| scope.spawn(move || run(p))).collect();
            let panicked = |_| Err(io::Error::other("a thread has panicked"));
            threads.into_iter().map(|thread| thread.join().unwrap_or_else(panicked)).collect()
        });
        for (program, outcome) in programs.iter().zip(outcomes) {
            report(setting, end, program, outcome?);
        }
    }
    Ok(())
}

fn main() -> std::process::ExitCode {
    let Some(options) = options() else {
        eprintln!(
            "usage: bench-failover [--ours BINARY] [--runs N] [--only v2-1|v3-0.1|v3-0.01] \
             [--restart | --scale | --busy]"
        );
        return std::process::ExitCode::from(2);
    };
    if !rustix::process::geteuid().is_root() {
        eprintln!("network namespaces need root");
        return std::process::ExitCode::FAILURE;
    }
    let outcome = match options.what {
        What::Ends => ends(&options),
        What::Scale => scale::run(&options.ours, options.runs),
        What::Busy => busy::run(&options.ours, options.runs),
        What::Restart => restart::run(&options.ours, options.runs, options.only.as_deref()),
    };
    match outcome {
        Ok(()) => std::process::ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            std::process::ExitCode::FAILURE
        }
    }
}

fn ends(options: &Options) -> io::Result<()> {
    println!(
        "unserved, ms, {} runs each: from the old master's last advertisement to the new one's ARP",
        options.runs
    );
    println!("{:8} {:6} {:10} {:>9} {:>9} {:>9} {:>9}", "", "", "", "min", "median", "max", "theory");
    for setting in chosen(options.only.as_deref()) {
        let at = |error| io::Error::other(format!("{}: {error}", setting.name));
        compare(options, setting).map_err(at)?;
    }
    Ok(())
}

/// The setting with a name, or all.
fn chosen(only: Option<&str>) -> impl Iterator<Item = Setting> {
    SETTINGS.into_iter().filter(move |setting| only.is_none_or(|only| only == setting.name))
}
