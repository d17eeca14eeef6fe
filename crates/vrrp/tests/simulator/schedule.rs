//! A schedule: the routers, the network between them and what happens to them, and its text form.
//!
//! ```text
//! network version 2 seed 7 delay 0.0001 0.002 duplicate 5
//! router a 10.0.0.1 priority 100 interval 1 preempt drift -800
//! router b 10.0.0.2 priority 90 interval 1 preempt_delay 5 drift 0
//! 0 start a
//! 0.5 start b
//! 9.25 crash a
//! ```
//! A line is a router or an event; times are in seconds, drift in millionths, loss and duplication in
//! a hundred. `finds MUTANT` says which planted bug this schedule shows.

use std::fmt::{self, Display};
use std::net::Ipv4Addr;
use std::str::{FromStr, SplitWhitespace};
use vrrp::{Preempt, Version};

/// Nanoseconds of the world's clock, which no router sees.
pub(crate) type Instant = u64;

pub(crate) const MICROSECOND: Instant = 1_000;
pub(crate) const MILLISECOND: Instant = 1_000_000;
pub(crate) const SECOND: Instant = 1_000_000_000;

/// Which of the routers.
pub(crate) type Index = usize;

/// At most so many.
pub(crate) const MOST_ROUTERS: usize = 5;

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Schedule {
    pub(crate) version: Version,
    /// Of the network's chances.
    pub(crate) seed: u64,
    /// The least and the most that a packet takes while nothing is wrong.
    pub(crate) delay: (Instant, Instant),
    /// Packets doubled of a hundred while nothing is wrong.
    pub(crate) duplicate: u64,
    pub(crate) routers: Vec<Setup>,
    /// In order of time.
    pub(crate) events: Vec<(Instant, Happening)>,
    /// The planted bug that it finds.
    pub(crate) finds: Option<String>,
}

/// One router's configuration.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Setup {
    pub(crate) address: Ipv4Addr,
    pub(crate) priority: u8,
    /// In hundredths of a second.
    pub(crate) interval: u16,
    pub(crate) preempt: Preempt,
    pub(crate) starts_as_master: bool,
    /// How much too fast its clock is, in millionths.
    pub(crate) drift: i64,
}

/// What happens.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Happening {
    /// A process starts, with or without its predecessor's memory.
    Start {
        router: Index,
        waiting: bool,
        memory: bool,
    },
    /// It is asked to end.
    Stop(Index),
    /// It is killed. Its addresses stay.
    Crash(Index),
    /// What it tracks fails.
    Fault(Index),
    /// What it tracks is well, or has answered for the first time.
    Recover(Index),
    /// Tracking wants another priority.
    Priority(Index, i32),
    /// It does not run, but its socket receives.
    Pause(Index),
    Resume(Index),
    /// So many packets of a hundred are lost.
    Loss(u64),
    /// Packets take up to so much longer.
    Slow(Instant),
    /// So many packets of a hundred are doubled.
    Duplicate(u64),
    /// Nothing gets from one to the other. The way back stays.
    Cut(Index, Index),
    /// The routers of this set of bits, and the others, hear only each other.
    Partition(u8),
    /// The network is whole again.
    Heal,
}

impl Happening {
    /// The same with one router less; none if it was about that one.
    pub(crate) fn without(self, gone: Index) -> Option<Happening> {
        let moved = |router: Index| (router != gone).then(|| router - usize::from(router > gone));
        Some(match self {
            Happening::Start { router, waiting, memory } => {
                Happening::Start { router: moved(router)?, waiting, memory }
            }
            Happening::Stop(router) => Happening::Stop(moved(router)?),
            Happening::Crash(router) => Happening::Crash(moved(router)?),
            Happening::Fault(router) => Happening::Fault(moved(router)?),
            Happening::Recover(router) => Happening::Recover(moved(router)?),
            Happening::Priority(router, to) => Happening::Priority(moved(router)?, to),
            Happening::Pause(router) => Happening::Pause(moved(router)?),
            Happening::Resume(router) => Happening::Resume(moved(router)?),
            Happening::Cut(from, to) => Happening::Cut(moved(from)?, moved(to)?),
            Happening::Partition(set) => {
                let below = set & ((1 << gone) - 1);
                Happening::Partition(below | (set >> (gone + 1)) << gone)
            }
            Happening::Loss(_) | Happening::Slow(_) | Happening::Duplicate(_) | Happening::Heal => self,
        })
    }
}

/// The letter of a router.
pub(crate) fn letter(router: Index) -> char {
    char::from(b'a' + router as u8)
}

/// A time in seconds.
pub(crate) fn seconds(time: Instant) -> String {
    let text = format!("{}.{:09}", time / SECOND, time % SECOND);
    text.trim_end_matches('0').trim_end_matches('.').into()
}

impl Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Happening::Start { router, waiting, memory } => {
                let waiting = if waiting { " waiting" } else { "" };
                let memory = if memory { " memory" } else { "" };
                write!(f, "start {}{waiting}{memory}", letter(router))
            }
            Happening::Stop(router) => write!(f, "stop {}", letter(router)),
            Happening::Crash(router) => write!(f, "crash {}", letter(router)),
            Happening::Fault(router) => write!(f, "fault {}", letter(router)),
            Happening::Recover(router) => write!(f, "recover {}", letter(router)),
            Happening::Priority(router, to) => write!(f, "priority {} {to}", letter(router)),
            Happening::Pause(router) => write!(f, "pause {}", letter(router)),
            Happening::Resume(router) => write!(f, "resume {}", letter(router)),
            Happening::Loss(percent) => write!(f, "loss {percent}"),
            Happening::Slow(most) => write!(f, "slow {}", seconds(most)),
            Happening::Duplicate(percent) => write!(f, "duplicate {percent}"),
            Happening::Cut(from, to) => write!(f, "cut {} {}", letter(from), letter(to)),
            Happening::Partition(set) => {
                let letters: String =
                    (0..MOST_ROUTERS).filter(|router| set >> router & 1 == 1).map(letter).collect();
                write!(f, "partition {letters}")
            }
            Happening::Heal => f.write_str("heal"),
        }
    }
}

impl Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(mutant) = &self.finds {
            writeln!(f, "finds {mutant}")?;
        }
        let (version, seed, (least, most)) = (self.version.number(), self.seed, self.delay);
        write!(f, "network version {version} seed {seed} delay {} {}", seconds(least), seconds(most))?;
        writeln!(f, " duplicate {}", self.duplicate)?;
        for (router, setup) in self.routers.iter().enumerate() {
            let Setup { address, priority, interval, preempt, starts_as_master, drift } = setup;
            let interval = seconds(Instant::from(*interval) * 10 * MILLISECOND);
            write!(f, "router {} {address} priority {priority} interval {interval}", letter(router))?;
            match preempt {
                Preempt::Always => write!(f, " preempt")?,
                Preempt::Never => write!(f, " nopreempt")?,
                Preempt::After(delay) => {
                    write!(f, " preempt_delay {}", seconds(delay.as_nanos() as Instant))?;
                }
            }
            writeln!(f, "{} drift {drift}", if *starts_as_master { " master" } else { "" })?;
        }
        for (at, happening) in &self.events {
            writeln!(f, "{} {happening}", seconds(*at))?;
        }
        Ok(())
    }
}

/// The next word as what is expected there.
fn word<T: FromStr>(words: &mut SplitWhitespace<'_>, what: &str) -> Result<T, String> {
    words.next().and_then(|word| word.parse().ok()).ok_or_else(|| format!("{what} expected"))
}

fn time(words: &mut SplitWhitespace<'_>) -> Result<Instant, String> {
    parse_time(words.next().unwrap_or_default())
}

/// Exactly, as `f64` would not be.
fn parse_time(text: &str) -> Result<Instant, String> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let parsed = || {
        let whole: Instant = whole.parse().ok()?;
        let part: Instant = format!("{part:0<9}").parse().ok()?;
        (part < SECOND).then_some(whole * SECOND + part)
    };
    parsed().ok_or_else(|| format!("a time in seconds expected, not `{text}`"))
}

fn index(words: &mut SplitWhitespace<'_>) -> Result<Index, String> {
    let letter: char = word(words, "a router's letter")?;
    let index = (letter as usize).wrapping_sub('a' as usize);
    if index < MOST_ROUTERS { Ok(index) } else { Err(format!("no router `{letter}`")) }
}

fn expect(words: &mut SplitWhitespace<'_>, expected: &str) -> Result<(), String> {
    if words.next() == Some(expected) { Ok(()) } else { Err(format!("`{expected}` expected")) }
}

fn parse_setup(words: &mut SplitWhitespace<'_>) -> Result<Setup, String> {
    index(words)?;
    let address = word(words, "an address")?;
    expect(words, "priority")?;
    let priority = word(words, "a priority")?;
    expect(words, "interval")?;
    let interval = u16::try_from(time(words)? / (10 * MILLISECOND)).map_err(|error| error.to_string())?;
    let preempt = match words.next() {
        Some("preempt") => Preempt::Always,
        Some("nopreempt") => Preempt::Never,
        Some("preempt_delay") => Preempt::After(std::time::Duration::from_nanos(time(words)?)),
        _ => return Err("`preempt`, `nopreempt` or `preempt_delay` expected".into()),
    };
    let next = words.next();
    let starts_as_master = next == Some("master");
    if starts_as_master {
        expect(words, "drift")?;
    } else if next != Some("drift") {
        return Err("`master` or `drift` expected".into());
    }
    let drift = word(words, "a drift")?;
    Ok(Setup { address, priority, interval, preempt, starts_as_master, drift })
}

fn parse_happening(words: &mut SplitWhitespace<'_>) -> Result<Happening, String> {
    Ok(match words.next().unwrap_or_default() {
        "start" => {
            let router = index(words)?;
            let rest: Vec<&str> = words.collect();
            Happening::Start { router, waiting: rest.contains(&"waiting"), memory: rest.contains(&"memory") }
        }
        "stop" => Happening::Stop(index(words)?),
        "crash" => Happening::Crash(index(words)?),
        "fault" => Happening::Fault(index(words)?),
        "recover" => Happening::Recover(index(words)?),
        "priority" => Happening::Priority(index(words)?, word(words, "a priority")?),
        "pause" => Happening::Pause(index(words)?),
        "resume" => Happening::Resume(index(words)?),
        "loss" => Happening::Loss(word(words, "a percentage")?),
        "slow" => Happening::Slow(time(words)?),
        "duplicate" => Happening::Duplicate(word(words, "a percentage")?),
        "cut" => Happening::Cut(index(words)?, index(words)?),
        "partition" => {
            let letters = words.next().unwrap_or_default();
            Happening::Partition(letters.bytes().fold(0, |set, letter| set | 1 << (letter - b'a').min(7)))
        }
        "heal" => Happening::Heal,
        other => return Err(format!("unknown event `{other}`")),
    })
}

impl FromStr for Schedule {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut schedule = Schedule {
            version: Version::V2,
            seed: 0,
            delay: (0, 0),
            duplicate: 0,
            routers: Vec::new(),
            events: Vec::new(),
            finds: None,
        };
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            schedule.take_line(line).map_err(|error| format!("{error}, in `{line}`"))?;
        }
        Ok(schedule)
    }
}

impl Schedule {
    fn take_line(&mut self, line: &str) -> Result<(), String> {
        let mut words = line.split_whitespace();
        let words = &mut words;
        match words.next().unwrap_or_default() {
            "finds" => self.finds = Some(word(words, "a mutant")?),
            "network" => {
                expect(words, "version")?;
                self.version = if word::<u8>(words, "2 or 3")? == 3 { Version::V3 } else { Version::V2 };
                expect(words, "seed")?;
                self.seed = word(words, "a seed")?;
                expect(words, "delay")?;
                self.delay = (time(words)?, time(words)?);
                expect(words, "duplicate")?;
                self.duplicate = word(words, "a percentage")?;
            }
            "router" => self.routers.push(parse_setup(words)?),
            at => self.events.push((parse_time(at)?, parse_happening(words)?)),
        }
        Ok(())
    }
}
