//! The high-availability load balancer in one program.
//!
//! Called as `backstay` it is the whole thing and the operator's commands; called as `keepalived`
//! or as `nginx` (by the name of the file, or as first argument) it behaves as that program. Here
//! is only wiring: what the program does stands in the crates of the processes it starts.
#![forbid(unsafe_code)]

mod commands;
mod inspect;
mod personality;
mod roles;
mod supervisor;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

fn main() -> ExitCode {
    // What whoever started us left open is no business of the programs that we start.
    sys::process::close_on_exec();
    if let Some(role) = roles::Role::inherited() {
        return role.run();
    }
    if let Some(code) = lab::stand_in() {
        return code;
    }
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    if arguments.get(1).is_some_and(|word| word == "keepalived" || word == "nginx") {
        arguments.remove(0);
    }
    let name = arguments.first().map(Path::new).and_then(Path::file_name).unwrap_or_default();
    match name.to_str() {
        Some("keepalived") => personality::keepalived::main(&arguments[1..]),
        Some("nginx") => personality::nginx::main(&arguments[1..]),
        _ => commands::main(),
    }
}
