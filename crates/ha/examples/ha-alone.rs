//! The vrrp process without a supervisor, for tests: messages in as lines of JSON on standard input,
//! messages out as lines of JSON on standard output, the log on standard error.
//!
//! The end of standard input is the death of the supervisor; a signal is a crash.

use ha::message::{In, Out};
use ha::{Host, Level};
use ipc::Channel;
use std::io::{BufRead, Write};
use std::os::unix::net::UnixStream;
use std::process::ExitCode;

struct Console;

impl Host for Console {
    fn log(&mut self, level: Level, line: &str) {
        eprintln!("{level:?}: {line}");
    }
}

fn main() -> ExitCode {
    match alone() {
        Ok(()) => ExitCode::SUCCESS,
        Err(why) => {
            eprintln!("ha-alone: {why}");
            ExitCode::FAILURE
        }
    }
}

fn alone() -> Result<(), String> {
    let (ours, theirs) = UnixStream::pair().map_err(|error| error.to_string())?;
    let from_process = ours.try_clone().map_err(|error| error.to_string())?;
    let channel: Channel<Out, In> = Channel::new(theirs.into()).map_err(|error| error.to_string())?;
    std::thread::spawn(move || give(ours));
    std::thread::spawn(move || take(from_process));
    ha::run(channel, &mut Console).map(drop).map_err(|error| error.to_string())
}

/// Lines of standard input become messages.
fn give(socket: UnixStream) {
    let Ok(mut channel) = Channel::<In, Out>::new(socket.into()) else { return };
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        match serde_json::from_str::<In>(&line) {
            Ok(message) => {
                if channel.send(&message).is_err() {
                    return;
                }
            }
            Err(error) => eprintln!("ha-alone: {error}: {line}"),
        }
    }
    let _ = rustix::net::shutdown(&channel, rustix::net::Shutdown::Write);
}

/// Messages become lines of standard output.
fn take(socket: UnixStream) {
    let Ok(mut channel) = Channel::<In, Out>::new(socket.into()) else { return };
    loop {
        let mut fds = [rustix::event::PollFd::new(&channel, rustix::event::PollFlags::IN)];
        if rustix::event::poll(&mut fds, None).is_err() {
            return;
        }
        while let Ok(received) = channel.recv() {
            let Some(received) = received else { break };
            let Ok(line) = serde_json::to_string(&received.message) else { continue };
            if writeln!(std::io::stdout(), "{line}").is_err() {
                return;
            }
        }
    }
}
