//! The lab without the rest of the program.
#![forbid(unsafe_code)]

use clap::Parser;
use std::process::ExitCode;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    options: lab::Options,
}

fn main() -> ExitCode {
    lab::stand_in().unwrap_or_else(|| lab::command(&Arguments::parse().options))
}
