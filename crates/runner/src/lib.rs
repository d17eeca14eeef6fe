//! The runner process: check and notify scripts, mail.
#![forbid(unsafe_code)]

pub mod message;

/// Placeholder until merged.
pub fn run(
    _: ipc::Channel<message::FromRunner, message::ToRunner>,
    _: logging::Logger,
) -> Result<(), ipc::Error> {
    Ok(())
}
