//! Nothing of a lab survives it, however it ends.
#![allow(clippy::unwrap_used)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const OWN: &str = env!("CARGO_BIN_EXE_lab-alone");

/// Starts the lab, waits until it plays, ends it with a signal; the first processes of its hosts have
/// to be gone soon after.
fn end_with(signal: &str) {
    if !rustix::process::geteuid().is_root() || lab::Programs::installed().check().is_err() {
        println!("not run: it needs root, keepalived and nginx");
        return;
    }
    let mut lab = Command::new(OWN)
        .args(["single", "--with", "keepalived,nginx"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let pid = lab.id();
    let mut lines = BufReader::new(lab.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().contains("A is master")));
    // unshare, and the host's bash below it.
    let hosts: Vec<u32> = children(pid).into_iter().flat_map(children).collect();
    assert_eq!(hosts.len(), 4, "three hosts and a switch");
    assert!(Command::new("kill").args(["-s", signal, &pid.to_string()]).status().unwrap().success());
    lab.wait().unwrap();
    let end = Instant::now() + Duration::from_secs(60);
    for host in hosts {
        while Path::new(&format!("/proc/{host}")).exists() {
            assert!(Instant::now() < end, "a host survives {signal}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn children(of: u32) -> Vec<u32> {
    let output = Command::new("ps").args(["-o", "pid=", "--ppid", &of.to_string()]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    text.split_whitespace().map(|pid| pid.parse().unwrap()).collect()
}

#[test]
fn after_ctrl_c() {
    end_with("INT");
}

#[test]
fn after_a_kill() {
    end_with("KILL");
}
