//! Checks a keepalived.conf on this machine: `cargo run --example check FILE [PEER-FILE]`.

use diagnostic::{Colour, render};
use keepalived_conf::check::{ThisMachine, check};
use keepalived_conf::{Environment, compat, load};
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    let files: Vec<String> = std::env::args().skip(1).collect();
    let Some(file) = files.first() else {
        eprintln!("usage: check FILE [PEER-FILE]");
        return ExitCode::from(2);
    };
    let environment = Environment { variables: std::env::vars().collect(), ..Environment::default() };
    let loaded = load(Path::new(file), &environment);
    let peer = files.get(1).map(|file| load(Path::new(file), &environment));
    let checks = check(&loaded, &ThisMachine, peer.as_ref());
    for finding in loaded.report.findings().iter().chain(checks.findings()) {
        println!("{}", render(finding, &loaded.sources, Colour::Never));
    }
    for line in compat::lines(&loaded, &checks) {
        println!("{line}");
    }
    ExitCode::from(compat::exit_code(&loaded, &checks))
}
