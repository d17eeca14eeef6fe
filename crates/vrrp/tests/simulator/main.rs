//! The election of up to five real routers that exchange real packets over a simulated network, in
//! virtual time, under thousands of random schedules: loss, delay, duplication, reordering, one-way
//! links, partitions, pauses, drifting clocks, crashes, restarts, stops, faults, other priorities.
//!
//! [`judge`] and [`witness`] say what must hold. A schedule that breaks it is made as small as it
//! gets and written to `tests/scenarios`, where it stays and is played again by every run.
//!
//! `SCHEDULES=1000000` plays so many instead of 10,000, `SEED=7` begins there, `TRACE=1` shows what
//! happens in each scenario file.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod generate;
mod host;
mod judge;
mod mutant;
mod network;
mod packets;
mod random;
mod schedule;
mod shrink;
mod witness;
mod world;

use judge::Tally;
use mutant::Mutant;
use schedule::Schedule;
use std::sync::atomic::{AtomicBool, Ordering};
use world::{Violation, play};

const DIRECTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios");
const SCHEDULES: u64 = 10_000;
/// Schedules within which a planted bug must show.
const ENOUGH: u64 = 2_000;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok()?.parse().ok()
}

/// Plays the schedules of these seeds until one breaks an invariant.
fn play_seeds(seeds: impl Iterator<Item = u64>, stop: &AtomicBool) -> (Tally, Option<(u64, Violation)>) {
    let mut tally = Tally::default();
    for seed in seeds {
        let outcome = play(&generate::schedule(seed), Mutant::Sound, false);
        tally.add(outcome.tally);
        if let Some(violation) = outcome.violation {
            stop.store(true, Ordering::Relaxed);
            return (tally, Some((seed, violation)));
        }
        if stop.load(Ordering::Relaxed) {
            break;
        }
    }
    (tally, None)
}

#[test]
fn invariants_hold_under_random_schedules() {
    let first = number("SEED").unwrap_or_default();
    let last = first + number("SCHEDULES").unwrap_or(SCHEDULES);
    let stop = AtomicBool::new(false);
    let results: Vec<_> = std::thread::scope(|scope| {
        let stop = &stop;
        let run = |half| scope.spawn(move || play_seeds((first + half..last).step_by(2), stop));
        let threads = [0, 1].map(run);
        threads.map(|thread| thread.join().unwrap()).into()
    });
    let mut tally = Tally::default();
    for (part, failed) in results {
        tally.add(part);
        if let Some((seed, violation)) = failed {
            fail(seed, &violation);
        }
    }
    println!("{} schedules: {tally:?}", last - first);
    // Each has moments of rest that were judged, and something to judge.
    assert!(tally.settled > last - first && tally.masters > last - first, "{tally:?}");
}

/// Shrinks the schedule of a seed, keeps it as a file and fails with it.
fn fail(seed: u64, violation: &Violation) -> ! {
    let small = shrink::shrink(generate::schedule(seed), Mutant::Sound, violation.invariant);
    let outcome = play(&small, Mutant::Sound, true);
    let small = format!("# Seed {seed}: {violation}\n{small}");
    let path = format!("{DIRECTORY}/seed-{seed}.schedule");
    let written = std::fs::write(&path, &small);
    let found = outcome.violation.map(|violation| violation.to_string()).unwrap_or_default();
    panic!("seed {seed}: {violation}\n\n{path} ({written:?}):\n{small}\n{}{found}", outcome.trace);
}

#[test]
fn the_schedules_that_were_kept_hold() {
    let mut count = 0;
    for entry in std::fs::read_dir(DIRECTORY).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "schedule") {
            continue;
        }
        count += 1;
        let text = std::fs::read_to_string(&path).unwrap();
        let schedule: Schedule = text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let outcome = play(&schedule, Mutant::Sound, true);
        if std::env::var_os("TRACE").is_some() {
            println!("{}\n{}", path.display(), outcome.trace);
        }
        if let Some(violation) = outcome.violation {
            panic!("{}: {violation}\n{}", path.display(), outcome.trace);
        }
        if let Some(name) = &schedule.finds {
            let (mutant, invariant) = Mutant::named(name).unwrap_or_else(|| panic!("no mutant {name}"));
            let found = play(&schedule, mutant, false).violation.map(|violation| violation.invariant);
            assert_eq!(found, Some(invariant), "{}", path.display());
        }
    }
    assert!(count > 0, "no schedule in {DIRECTORY}");
}

/// Every planted bug shows within a few hundred schedules, and every invariant is broken by one.
/// `UPDATE=1` keeps the smallest form of what showed it.
#[test]
fn planted_bugs_are_found() {
    for (mutant, name, invariant) in Mutant::PLANTED {
        let breaks = |seed: &u64| {
            let violation = play(&generate::schedule(*seed), mutant, false).violation;
            violation.is_some_and(|violation| violation.invariant == invariant)
        };
        let seed = (0..ENOUGH).find(breaks);
        let seed = seed.unwrap_or_else(|| panic!("{name} does not break {invariant:?} in {ENOUGH}"));
        println!("{name} breaks {invariant:?} with seed {seed}");
        if std::env::var_os("UPDATE").is_some() {
            let mut small = shrink::shrink(generate::schedule(seed), mutant, invariant);
            small.finds = Some(name.into());
            std::fs::write(format!("{DIRECTORY}/planted_{name}.schedule"), small.to_string()).unwrap();
        }
    }
}

/// What is kept of a schedule that breaks an invariant is small, and breaks it when it is read again.
#[test]
fn what_is_kept_is_small_and_breaks_the_same() {
    let name = "no_release";
    let (mutant, invariant) = Mutant::named(name).unwrap();
    let breaks = |schedule: &Schedule| {
        let violation = play(schedule, mutant, false).violation;
        violation.is_some_and(|violation| violation.invariant == invariant)
    };
    let large = (0..ENOUGH).map(generate::schedule).find(&breaks).unwrap();
    let small = shrink::shrink(large.clone(), mutant, invariant);
    let (count, before) = (small.events.len(), large.events.len());
    // One router that starts and ends is enough.
    assert!(count <= 3 && count < before && small.routers.len() == 1, "{before} events became\n{small}");
    let kept: Schedule = small.to_string().parse().unwrap();
    assert!(breaks(&kept) && play(&kept, Mutant::Sound, false).violation.is_none(), "{small}");
}

#[test]
fn a_schedule_reads_back_as_it_was_written() {
    for seed in 0..1000 {
        let schedule = generate::schedule(seed);
        assert_eq!(schedule.to_string().parse(), Ok(schedule));
    }
}

#[test]
fn a_schedule_plays_the_same_twice() {
    for seed in 0..50 {
        let schedule = generate::schedule(seed);
        let [once, twice] = [(); 2].map(|()| play(&schedule, Mutant::Sound, true).trace);
        assert_eq!(once, twice, "seed {seed}");
    }
}
