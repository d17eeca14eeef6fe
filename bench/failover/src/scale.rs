//! 250 virtual routers with 2,000 addresses go over to the backup at once.

use crate::capture::{Capture, Frame};
use crate::host::{Network, Program, Running};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::io;
use std::net::Ipv4Addr;
use std::path::Path;
use std::time::{Duration, Instant};

const INSTANCES: u8 = 250;
/// Of each instance.
const ADDRESSES: u8 = 8;
const ALL: usize = INSTANCES as usize * ADDRESSES as usize;
/// For a burst of ten thousand announcements, in KiB.
const BUFFER: u32 = 65536;
/// After everybody is there: long enough for the second burst of announcements.
const STEADY: Duration = Duration::from_secs(12);
/// keepalived takes half a minute.
const PATIENCE: Duration = Duration::from_secs(180);

fn configuration(priority: u8) -> String {
    let mut text = String::new();
    for vrid in 1..=INSTANCES {
        let _ = write!(
            text,
            "vrrp_instance VI_{vrid} {{\n state BACKUP\n interface eth0\n virtual_router_id {vrid}\n \
             priority {priority}\n advert_int 1\n virtual_ipaddress {{\n"
        );
        for number in 1..=ADDRESSES {
            let _ = writeln!(text, "10.80.{vrid}.{number}");
        }
        text.push_str(" }\n}\n");
    }
    text
}

/// What a takeover showed.
struct Takeover {
    /// Of each address that was announced: since the last advertisement that the old master sent for
    /// its virtual router. Sorted.
    unserved: Vec<Duration>,
    /// From the first announcement of an address by the new master to that of the last one.
    announcing: Duration,
    /// The longest time between two advertisements of the new master for a virtual router.
    gap: Duration,
    /// Processor time of the new master until it held all addresses, and in the time after that.
    busy: (Duration, Duration),
}

/// Waits until a router holds so many of the addresses.
fn await_addresses(network: &Network, at: usize, count: usize) -> io::Result<()> {
    let end = Instant::now() + PATIENCE;
    loop {
        let output = network.routers[at].command("ip").args(["-o", "-4", "addr"]).output()?;
        let held = String::from_utf8_lossy(&output.stdout).matches(" 10.80.").count();
        if held == count {
            return Ok(());
        }
        if Instant::now() > end {
            return Err(io::Error::other(format!("router {at} holds {held} addresses, not {count}")));
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn takeover(program: &Program) -> io::Result<Takeover> {
    let (network, directory) = (Network::new()?, tempfile::tempdir()?);
    let start = |at: usize, priority| -> io::Result<Running> {
        let file = directory.path().join(format!("{at}.conf"));
        std::fs::write(&file, configuration(priority))?;
        program.start(&network.routers[at], &file)
    };
    let master = start(0, 150)?;
    await_addresses(&network, 0, ALL)?;
    let backup = start(1, 100)?;
    std::thread::sleep(STEADY);
    await_addresses(&network, 1, 0)?;
    let capture = Capture::start(&network, directory.path(), BUFFER)?;
    std::thread::sleep(Duration::from_secs(2));
    let before = backup.processor_time()?;
    network.switch.ip("link set port1 down")?;
    master.kill()?;
    await_addresses(&network, 1, ALL)?;
    let held = backup.processor_time()?;
    std::thread::sleep(STEADY);
    let busy = (held.saturating_sub(before), backup.processor_time()?.saturating_sub(held));
    read(&capture.frames()?, busy)
}

fn read(frames: &[(Duration, Frame)], busy: (Duration, Duration)) -> io::Result<Takeover> {
    let mut last: BTreeMap<u8, Duration> = BTreeMap::new();
    let mut latest: BTreeMap<u8, Duration> = BTreeMap::new();
    let mut announced: BTreeMap<Ipv4Addr, Duration> = BTreeMap::new();
    let mut gap = Duration::ZERO;
    for (at, frame) in frames {
        match frame {
            Frame::Advert { from: 1, vrid } => {
                last.insert(*vrid, *at);
            }
            Frame::Advert { vrid, .. } => {
                if let Some(before) = latest.insert(*vrid, *at) {
                    gap = gap.max(at.saturating_sub(before));
                }
            }
            Frame::Announcement(address) => {
                announced.entry(*address).or_insert(*at);
            }
        }
    }
    if last.len() != usize::from(INSTANCES) || latest.len() != last.len() {
        return Err(io::Error::other("the capture is not whole"));
    }
    let since =
        |(address, at): (&Ipv4Addr, &Duration)| Some(at.saturating_sub(*last.get(&address.octets()[2])?));
    let mut unserved: Vec<Duration> = announced.iter().filter_map(since).collect();
    unserved.sort();
    let ends = announced.values().max().zip(announced.values().min());
    let announcing = ends.map_or(Duration::ZERO, |(last, first)| *last - *first);
    Ok(Takeover { unserved, announcing, gap, busy })
}

/// Lets both programs take over so many times, one after the other, and prints what it showed.
pub(crate) fn run(ours: &Path, runs: u32) -> io::Result<()> {
    println!(
        "takeover of {INSTANCES} virtual routers with {ALL} addresses after a crash, s; unserved: from the \
         last advertisement of an address's router to its first gratuitous ARP"
    );
    println!(
        "{:10} {:>9} {:>9} {:>9} {:>9} {:>11} {:>11} {:>10} {:>11}",
        "", "addresses", "min", "median", "max", "announcing", "longest gap", "CPU until", "CPU in 12 s"
    );
    let programs = [Program::Ours(ours.to_owned()), Program::Keepalived];
    for _ in 0..runs {
        for program in &programs {
            let Takeover { unserved, announcing, gap, busy } = takeover(program)?;
            let seconds = |time: Duration| format!("{:.3}", time.as_secs_f64());
            let rank = |at: usize| unserved.get(at).map_or_else(String::new, |time| seconds(*time));
            println!(
                "{:10} {:>9} {:>9} {:>9} {:>9} {:>11} {:>11} {:>10} {:>11}",
                program.name(),
                unserved.len(),
                rank(0),
                rank(unserved.len() / 2),
                rank(unserved.len().saturating_sub(1)),
                seconds(announcing),
                seconds(gap),
                seconds(busy.0),
                seconds(busy.1),
            );
        }
    }
    Ok(())
}
