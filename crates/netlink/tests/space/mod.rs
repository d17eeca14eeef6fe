//! Network namespaces of a test's own, and the programs that look at them.
#![allow(dead_code, reason = "each test program uses a part")]

use std::process::Command;

/// Moves this thread, and what it starts, into a network namespace that ends with it. Without root it
/// says so, and there is nothing to test.
pub(crate) fn enter() -> bool {
    if !rustix::process::geteuid().is_root() {
        eprintln!("not run: a network namespace needs root");
        return false;
    }
    sys::namespace::enter_new_network().unwrap();
    true
}

/// Runs a program and gives what it prints.
pub(crate) fn run(program: &str, arguments: &str) -> String {
    let output = Command::new(program).args(arguments.split_whitespace()).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments}: {errors}");
    String::from_utf8(output.stdout).unwrap()
}

/// Runs `ip`.
pub(crate) fn ip(arguments: &str) -> String {
    run("ip", arguments)
}

/// The text with its white space made even.
pub(crate) fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
