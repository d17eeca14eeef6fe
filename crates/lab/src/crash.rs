//! How long the address is silent when its master dies, counted from the master's last advertisement.

use crate::scenario::{Action, Condition, Scenario, Stage, seconds};
use crate::{Error, Programs, tutorial};
use std::path::Path;
use std::time::{Duration, Instant};

/// 3 × advert_int + skew of priority 95 (keepalived: (256 − priority) / 256 s), and 20 ms.
const BOUND: Duration = Duration::from_millis(3000 + 629 + 20);
/// Echoes that were under way when the cable was pulled are in within this time.
const UNDER_WAY: Duration = Duration::from_millis(50);

/// One crash of director A.
#[derive(Clone, Copy, Debug)]
pub struct CrashRun {
    /// From the dead master's last advertisement on the wire to the first answer of the address.
    pub gap: Duration,
    /// From the crash to that answer.
    pub since_crash: Duration,
}

/// The crashes of one pair of directors.
#[derive(Clone, Debug)]
pub struct CrashRuns {
    /// What played the directors.
    pub programs: Programs,
    /// In the order they happened.
    pub runs: Vec<CrashRun>,
}

impl CrashRuns {
    /// Shortest, median and longest gap; zeros when there were no runs.
    pub fn summary(&self) -> [Duration; 3] {
        let mut gaps: Vec<Duration> = self.runs.iter().map(|run| run.gap).collect();
        gaps.sort();
        match (gaps.first(), gaps.get(gaps.len() / 2), gaps.last()) {
            (Some(first), Some(middle), Some(last)) => [*first, *middle, *last],
            _ => [Duration::ZERO; 3],
        }
    }

    /// The longest gap the bar allows: 3 × advert_int + skew + 20 ms.
    pub fn bound() -> Duration {
        BOUND
    }
}

/// Kills director A of the second tutorial `count` times in a lab of each pair, all labs side by side,
/// so that every pair meets the same load of the machine. `told` hears of each run as it ends.
///
/// # Errors
/// What [`Stage::build`] says, or a takeover that does not come.
pub fn crash_runs(
    count: usize,
    pairs: &[Programs],
    own: &Path,
    told: &(dyn Fn(usize, &Programs, CrashRun) + Sync),
    interrupted: &(dyn Fn() -> bool + Sync),
) -> Result<Vec<CrashRuns>, Error> {
    std::thread::scope(|scope| {
        let threads: Vec<_> = pairs
            .iter()
            .map(|programs| {
                scope.spawn(move || {
                    let tell = |index, run| told(index, programs, run);
                    let runs = pair(count, programs, own, &tell, &interrupted)?;
                    Ok(CrashRuns { programs: programs.clone(), runs })
                })
            })
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
            .collect()
    })
}

fn pair(
    count: usize,
    programs: &Programs,
    own: &Path,
    told: &dyn Fn(usize, CrashRun),
    interrupted: &dyn Fn() -> bool,
) -> Result<Vec<CrashRun>, Error> {
    let scenario = Scenario { steps: Vec::new(), ..tutorial::single(programs) };
    let mut silence = std::io::sink();
    let mut stage = Stage::build(scenario, own, &mut silence, false, interrupted)?;
    let holds = |host| Action::Await(Condition::Holds(host, tutorial::VIP), seconds(20));
    let mut runs = Vec::new();
    for index in 1..=count {
        stage.act(&holds(tutorial::A))?;
        // The master has advertised a few times, each crash at another moment of the interval.
        std::thread::sleep(Duration::from_millis(1500 + (index as u64 * 370) % 1000));
        stage.lab.cut(tutorial::A)?;
        let crash = Instant::now();
        stage.lab.host(tutorial::A)?.kill_all()?;
        stage.act(&holds(tutorial::B))?;
        std::thread::sleep(UNDER_WAY);
        let last = stage.adverts.last_from(tutorial::ADDRESS_A, crash);
        let answer = stage.probes.first_answer_after(crash + UNDER_WAY);
        let (Some(last), Some(answer)) = (last, answer) else {
            return Err(Error::Unmet("an advertisement before a crash, and an answer after it".into()));
        };
        let run = CrashRun { gap: answer - last.at, since_crash: answer - crash };
        told(index, run);
        runs.push(run);
        stage.act(&Action::Boot(tutorial::A))?;
    }
    Ok(runs)
}
