//! Both tutorials, with the originals and with ours: the binary in BACKSTAY_BIN, or one that was built.
#![allow(clippy::unwrap_used)]

use lab::scenario::{Scenario, Stage};
use lab::{Programs, first_tutorial, tutorial};
use std::path::{Path, PathBuf};

const OWN: &str = env!("CARGO_BIN_EXE_lab-alone");

fn ours() -> Option<PathBuf> {
    match std::env::var_os("BACKSTAY_BIN") {
        Some(path) => Some(path.into()),
        None => Some(Path::new(OWN).with_file_name("backstay")).filter(|path| path.is_file()),
    }
}

/// Plays a scenario with each pair of programs that is here; what happened is printed.
fn play(name: &str, scenario: impl Fn(&Programs) -> Scenario) {
    if !rustix::process::geteuid().is_root() {
        println!("{name}: not played, it needs root");
        return;
    }
    let mut pairs = vec![Programs::installed()];
    match ours() {
        Some(binary) => pairs.push(Programs::ours(&binary)),
        None => println!("{name}: not played with ours, which is not built (BACKSTAY_BIN)"),
    }
    for programs in pairs {
        if let Err(error) = programs.check() {
            println!("{name}: not played with {programs}: {error}");
            continue;
        }
        let mut out = Vec::new();
        let outcome = Stage::build(scenario(&programs), Path::new(OWN), &mut out, false, &|| false)
            .and_then(|mut stage| stage.play());
        println!("{}", String::from_utf8_lossy(&out));
        if let Err(error) = outcome {
            panic!("{name} with {programs}: {error}");
        }
    }
}

/// A group of one of ours and an original, which ours is told to be with `ours_first`.
fn mixed(ours_first: bool) {
    let (Some(binary), true) = (ours(), rustix::process::geteuid().is_root()) else {
        println!("mixed: not played, it needs root and our binary (BACKSTAY_BIN)");
        return;
    };
    let originals = Programs::installed();
    if let Err(error) = originals.check() {
        println!("mixed: not played: {error}");
        return;
    }
    let ours = Programs::ours(&binary);
    let scenario =
        if ours_first { tutorial::mixed(&ours, &originals) } else { tutorial::mixed(&originals, &ours) };
    let mut out = Vec::new();
    let outcome =
        Stage::build(scenario, Path::new(OWN), &mut out, false, &|| false).and_then(|mut stage| stage.play());
    println!("{}", String::from_utf8_lossy(&out));
    outcome.unwrap();
}

#[test]
fn ours_as_master_and_an_original_form_one_group() {
    mixed(true);
}

#[test]
fn an_original_as_master_and_ours_form_one_group() {
    mixed(false);
}

fn first(name: &str) {
    if let Some(program) = first_tutorial::missing(name) {
        println!("{name}: not played, {program} is not installed");
        return;
    }
    play(name, |programs| first_tutorial::named(name, programs).unwrap());
}

#[test]
fn single_instance() {
    first("single");
}

#[test]
fn dual_instance() {
    first("dual");
}

#[test]
fn nopreempt() {
    first("nopreempt");
}

#[test]
fn delayed_preemption() {
    first("preempt-delay");
}

#[test]
fn changed_multicast_group() {
    first("multicast-group");
}

#[test]
fn unicast() {
    first("unicast");
}

#[test]
fn script_check() {
    first("script");
}

#[test]
fn notify_by_mail() {
    first("notify");
}

#[test]
fn log_file_of_its_own() {
    first("log-file");
}

#[test]
fn second_tutorial() {
    play("tutorial", tutorial::single);
}

#[test]
fn second_tutorial_dual_master() {
    play("dual-master", tutorial::dual_master);
}
