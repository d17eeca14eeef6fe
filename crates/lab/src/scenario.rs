//! Scenarios: a network, files, and steps with what each promises. All of it is data.

mod run;

pub(crate) use run::in_words;
pub use run::{Report, Stage, StepReport};

use crate::Programs;
use std::net::Ipv4Addr;
use std::time::Duration;

/// A story that a lab can play.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it shows, one line.
    pub title: String,
    /// The network.
    pub hosts: Vec<HostPlan>,
    /// The host that asks.
    pub client: &'static str,
    /// The address that is asked.
    pub vip: Ipv4Addr,
    /// What happens.
    pub steps: Vec<Step>,
}

/// A host and what is on it.
#[derive(Clone, Debug)]
pub struct HostPlan {
    /// Its name.
    pub name: &'static str,
    /// Its address on `ens33`.
    pub address: Ipv4Addr,
    /// Prefix length of that address.
    pub prefix: u8,
    /// Its programs.
    pub programs: Programs,
    /// Paths and texts; a text that begins with `#!` is made executable.
    pub files: Vec<(&'static str, String)>,
    /// Units to be started, in this order.
    pub units: Vec<&'static str>,
    /// Whether the lab is its syslog.
    pub syslog: bool,
}

/// Part of a scenario, measured as one.
#[derive(Clone, Debug)]
pub struct Step {
    /// What it shows.
    pub title: String,
    /// Whether requests are sent meanwhile.
    pub measured: bool,
    /// What is done and expected, in this order.
    pub actions: Vec<Action>,
}

/// Something done or expected.
#[derive(Clone, Debug)]
pub enum Action {
    /// Says something to the reader.
    Say(&'static str),
    /// Runs a line of bash and shows what it prints; it has to succeed.
    Run(&'static str, &'static str),
    /// Runs a line of bash that has to fail.
    Fails(&'static str, &'static str),
    /// Waits until something is so; it has to be within this time.
    Await(Condition, Duration),
    /// Something has to stay so all this time.
    Stays(Condition, Duration),
    /// Fetches a page ten times; the answers have to be these two in strict alternation.
    Alternates(&'static str, [&'static str; 2]),
    /// Link down, then every process of the host killed.
    Crash(&'static str),
    /// The host is back, with its own address, and its units start.
    Boot(&'static str),
    /// The link of a host loses its carrier.
    Cut(&'static str),
    /// The link of a host is back.
    Restore(&'static str),
    /// Advertisements of this step from a host go to this address, and to no other.
    Adverts(&'static str, Ipv4Addr),
}

/// What can be so.
#[derive(Clone, Debug)]
pub enum Condition {
    /// This host has the address, and no other has.
    Holds(&'static str, Ipv4Addr),
    /// A log line of a host in this step contains a text.
    Log(&'static str, &'static str),
    /// A mail from a host in this step has a subject.
    Mail(&'static str, &'static str),
    /// A unit of a host runs.
    Runs(&'static str, &'static str),
    /// A unit of a host does not run.
    Stopped(&'static str, &'static str),
    /// A file of a host contains a text.
    File(&'static str, &'static str, &'static str),
    /// The page at an address, fetched by the client, contains a text.
    Page(&'static str, &'static str),
}

impl std::fmt::Display for Condition {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Condition::Holds(host, vip) => write!(f, "{host} alone holds {vip}"),
            Condition::Log(host, text) => write!(f, "{host} logs «{text}»"),
            Condition::Mail(host, subject) => write!(f, "mail from {host}: «{subject}»"),
            Condition::Runs(host, unit) => write!(f, "{unit} runs on {host}"),
            Condition::Stopped(host, unit) => write!(f, "{unit} does not run on {host}"),
            Condition::File(host, path, text) => write!(f, "{path} on {host} contains «{text}»"),
            Condition::Page(url, text) => write!(f, "{url} answers «{text}»"),
        }
    }
}

/// A step.
pub(crate) fn step(title: &str, measured: bool, actions: Vec<Action>) -> Step {
    Step { title: title.into(), measured, actions }
}

pub(crate) const fn seconds(count: u64) -> Duration {
    Duration::from_secs(count)
}
