//! What it costs that the process which speaks VRRP is killed while its supervisor lives, beside a real
//! keepalived as the backup.

use crate::capture::{Capture, Frame};
use crate::host::{Network, Program, Running};
use crate::{BUFFER, PRIORITIES, Setting, VIP, chosen, milliseconds};
use std::io;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// From when the address is there to the death.
const CALM: Duration = Duration::from_millis(1500);

/// What came of all kills at one setting.
struct Outcome {
    /// Between the master's advertisements, the longest around each kill.
    gaps: Vec<Duration>,
    /// How often the backup took over.
    moved: u32,
    /// Pings of the virtual address, one every 10 ms: sent and lost.
    pings: (u32, u32),
}

/// Pings the virtual address from the switch.
struct Pings(Child);

impl Pings {
    fn start(network: &Network) -> io::Result<Self> {
        network.switch.ip("addr add 10.78.0.9/24 dev br0")?;
        let mut command = network.switch.command("ping");
        command.args(["-n", "-q", "-i", "0.01", "-W", "1"]).arg(VIP.to_string());
        Ok(Self(command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?))
    }

    /// How many were sent and how many of them were lost.
    fn end(mut self) -> io::Result<(u32, u32)> {
        Command::new("kill").args(["-INT", &self.0.id().to_string()]).status()?;
        let mut said = String::new();
        if let Some(output) = self.0.stdout.as_mut() {
            io::Read::read_to_string(output, &mut said)?;
        }
        let before = |word: &str| said.split(word).next()?.rsplit([' ', '\n']).next()?.parse::<u32>().ok();
        let numbers = before(" packets transmitted").zip(before(" received"));
        let (sent, received) = numbers.ok_or_else(|| io::Error::other(format!("ping says {said}")))?;
        Ok((sent, sent.saturating_sub(received)))
    }
}

impl Drop for Pings {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Kills the master's vrrp process so many times.
fn kill(program: &Program, setting: Setting, runs: u32) -> io::Result<Outcome> {
    let (network, directory) = (Network::new()?, tempfile::tempdir()?);
    let files = [0, 1].map(|at| directory.path().join(format!("{at}.conf")));
    for (file, priority) in files.iter().zip(PRIORITIES) {
        std::fs::write(file, setting.configuration(priority))?;
    }
    let _backup = Program::Keepalived.start(&network.routers[1], &files[1])?;
    let mut outcome = Outcome { gaps: Vec::new(), moved: 0, pings: (0, 0) };
    for run in 0..runs {
        // A new one each time: keepalived waits longer after each death.
        let master = program.start(&network.routers[0], &files[0])?;
        serves_alone(&network)?;
        // Each time at another moment of the interval.
        std::thread::sleep(CALM + setting.interval * (run % 10) / 10);
        let pings = Pings::start(&network)?;
        let capture = Capture::start(&network, directory.path(), BUFFER)?;
        std::thread::sleep(setting.interval * 2 + Duration::from_millis(100));
        Command::new("kill").args(["-9", &vrrp_process(&master)?.to_string()]).status()?;
        // keepalived starts another after a second.
        std::thread::sleep(setting.interval * 6 + Duration::from_secs(2));
        let frames = capture.frames()?;
        let (sent, lost) = pings.end()?;
        network.switch.ip("addr del 10.78.0.9/24 dev br0")?;
        let from =
            |wanted: u8| move |frame: &Frame| matches!(frame, Frame::Advert { from, .. } if *from == wanted);
        let times: Vec<Duration> =
            frames.iter().filter(|(_, frame)| from(1)(frame)).map(|(at, _)| *at).collect();
        let gaps = times.windows(2).map(|pair| pair[1].saturating_sub(pair[0]));
        outcome.gaps.extend(gaps.max());
        outcome.moved += u32::from(frames.iter().any(|(_, frame)| from(2)(frame)));
        outcome.pings = (outcome.pings.0 + sent, outcome.pings.1 + lost);
        // In order, so that the address is taken away and what comes next is known by it.
        master.stop()?;
    }
    Ok(outcome)
}

/// Waits until the first router has the address, and the second has not.
fn serves_alone(network: &Network) -> io::Result<()> {
    let end = Instant::now() + Duration::from_secs(30);
    while !network.routers[0].holds(VIP)? || network.routers[1].holds(VIP)? {
        if Instant::now() > end {
            return Err(io::Error::other("the master does not serve"));
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(())
}

/// The child of the program's first process that speaks VRRP; both programs call it `keepalived`.
fn vrrp_process(program: &Running) -> io::Result<u32> {
    let children = |pid: u32| -> io::Result<Vec<u32>> {
        let text = std::fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))?;
        Ok(text.split_whitespace().filter_map(|word| word.parse().ok()).collect())
    };
    let named = |pid: &u32| {
        std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|name| name.starts_with("keepalived"))
    };
    let first = children(program.id())?.into_iter().next();
    let first = first.ok_or_else(|| io::Error::other("the program has ended"))?;
    let found = children(first)?.into_iter().find(named);
    found.ok_or_else(|| io::Error::other("there is no vrrp process"))
}

/// Kills the vrrp processes of both programs, at the same time, and prints what came of it.
pub(crate) fn run(ours: &Path, runs: u32, only: Option<&str>) -> io::Result<()> {
    println!("kill -9 of a master's vrrp process, {runs} times: longest gap between its advertisements, ms");
    println!(
        "{:8} {:10} {:>9} {:>9} {:>9} {:>9} {:>12}",
        "", "", "min", "median", "max", "moved", "pings lost"
    );
    let programs = [Program::Ours(ours.to_owned()), Program::Keepalived];
    for setting in chosen(only) {
        let outcomes: Vec<io::Result<Outcome>> = std::thread::scope(|scope| {
            let threads =
                programs.each_ref().map(|program| scope.spawn(move || kill(program, setting, runs)));
            let panicked = |_| Err(io::Error::other("a thread has panicked"));
            threads.map(|thread| thread.join().unwrap_or_else(panicked)).into()
        });
        for (program, outcome) in programs.iter().zip(outcomes) {
            let Outcome { mut gaps, moved, pings: (sent, lost) } = outcome?;
            gaps.sort();
            let at = |index: usize| gaps.get(index).map_or_else(String::new, |gap| milliseconds(*gap));
            println!(
                "{:8} {:10} {:>9} {:>9} {:>9} {:>9} {:>12}",
                setting.name,
                program.name(),
                at(0),
                at(gaps.len() / 2),
                at(gaps.len().saturating_sub(1)),
                format!("{moved}/{runs}"),
                format!("{lost}/{sent}"),
            );
        }
    }
    Ok(())
}
