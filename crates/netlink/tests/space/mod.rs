//! Network namespaces of a test's own, and the programs that look at them.
#![allow(dead_code, reason = "each test program uses a part")]

use std::io::{BufRead, BufReader};
use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};

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

/// Another network namespace, held by a process.
pub(crate) struct Host(Child);

impl Host {
    pub(crate) fn new() -> Self {
        // The holder ends with its standard input: also when the test is killed.
        let mut holder = Command::new("unshare");
        holder.args(["--net", "sh", "-c", "echo; exec cat"]).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = holder.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Self(child)
    }

    pub(crate) fn pid(&self) -> u32 {
        self.0.id()
    }

    /// Runs a program there and says whether it succeeds.
    pub(crate) fn succeeds(&self, program: &str, arguments: &str) -> bool {
        let mut command = Command::new("nsenter");
        command.arg("-t").arg(self.pid().to_string()).args(["-n", "--", program]);
        command.args(arguments.split_whitespace()).stdout(Stdio::null()).status().unwrap().success()
    }

    /// Runs a function in a thread there.
    pub(crate) fn thread<T: Send + 'static>(
        &self,
        run: impl FnOnce() -> T + Send + 'static,
    ) -> std::thread::JoinHandle<T> {
        let namespace = std::fs::File::open(format!("/proc/{}/ns/net", self.pid())).unwrap();
        std::thread::spawn(move || {
            let kind = Some(rustix::thread::LinkNameSpaceType::Network);
            rustix::thread::move_into_link_name_space(namespace.as_fd(), kind).unwrap();
            run()
        })
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
