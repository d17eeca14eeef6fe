//! 250 instances with 2,000 addresses in one process become master at once, of ours and of a real
//! keepalived, one after the other on the same host. Prints the figures:
//!
//! ```text
//! cargo test --release -p ha --test scale -- --ignored --nocapture
//! ```
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod net;

use keepalived_conf::model::{Config, VirtualAddress, VrrpInstance};
use net::{Host, Network, Ours, Program, config, start_keepalived};
use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::net::Ipv4Addr;
use std::time::Duration;

const INSTANCES: u8 = 250;
const ADDRESSES: u8 = 8;
/// After all addresses are there: long enough for the second burst of announcements.
const STEADY: Duration = Duration::from_secs(12);

fn vips(vrid: u8) -> impl Iterator<Item = Ipv4Addr> {
    (1..=ADDRESSES).map(move |number| Ipv4Addr::new(10, 80, vrid, number))
}

fn ours() -> Config {
    let template = config(200, "eth0").instances.remove(0);
    let instance = |vrid: u8| VrrpInstance {
        name: format!("VI_{vrid}"),
        vrid,
        addresses: vips(vrid).map(|vip| VirtualAddress::new(vip.into(), 32)).collect(),
        ..template.clone()
    };
    Config { instances: (1..=INSTANCES).map(instance).collect(), ..Config::default() }
}

/// The same but for VRID 61, which the frame of the file has.
fn keepalived(network: &Network, host: &Host) -> Program {
    let mut more = String::new();
    for vrid in (1..=INSTANCES).filter(|vrid| *vrid != 61) {
        write!(
            more,
            "vrrp_instance VI_{vrid} {{\n interface eth0\n virtual_router_id {vrid}\n priority 200\n advert_int 1\n \
             authentication {{\n auth_type PASS\n auth_pass 1111\n }}\n virtual_ipaddress {{\n"
        )
        .unwrap();
        vips(vrid).for_each(|vip| writeln!(more, "{vip}").unwrap());
        more.push_str("}\n}\n");
    }
    let mut frame = String::from("virtual_ipaddress_excluded {\n");
    vips(61).skip(1).for_each(|vip| writeln!(frame, "{vip}").unwrap());
    frame.push('}');
    start_keepalived(network, host, 200, &frame, &more)
}

/// Processor time of a process and all below it.
fn processor_time(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<i64> =
        stat.rsplit(')').next().unwrap().split_whitespace().filter_map(|word| word.parse().ok()).collect();
    // After the name come the state, which is no number, and ten numbers; a tick is 10 ms.
    let own = Duration::from_millis(10 * (fields[10] + fields[11]).unsigned_abs());
    let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children")).unwrap_or_default();
    own + children.split_whitespace().map(|pid| processor_time(pid.parse().unwrap())).sum::<Duration>()
}

fn measure(name: &str, start: impl Fn(&Network) -> (Program, u32)) {
    let Some(network) = Network::new() else { return };
    let host = &network.b;
    let capture = network.capture();
    let (program, pid) = start(&network);
    let all = usize::from(INSTANCES) * usize::from(ADDRESSES);
    let held = || host.shows("-o -4 addr show dev eth0").lines().count() - 1;
    // keepalived takes half a minute.
    for _ in 0..600 {
        std::thread::sleep(Duration::from_millis(100));
        if held() == all {
            break;
        }
    }
    let busy = processor_time(pid);
    std::thread::sleep(STEADY);
    assert_eq!(held(), all);
    let steady = processor_time(pid) - busy;
    let frames = capture.stop_timed();
    drop(program);

    let mut last: BTreeMap<u8, Duration> = BTreeMap::new();
    let mut first: BTreeMap<u8, Duration> = BTreeMap::new();
    let (mut gap, mut announced) = (Duration::ZERO, Vec::new());
    for (time, frame) in &frames {
        if frame[12..14] == [8, 0] && frame[23] == 112 {
            let vrid = frame[35];
            first.entry(vrid).or_insert(*time);
            if let Some(before) = last.insert(vrid, *time) {
                gap = gap.max(time.saturating_sub(before));
            }
        } else if frame[12..14] == [8, 6] && frame[28] == 10 && frame[29] == 80 {
            announced.push((frame[28..32].to_vec(), *time));
        }
    }
    assert_eq!(first.len(), usize::from(INSTANCES));
    let begin = *first.values().min().unwrap();
    let mut known: BTreeMap<Vec<u8>, Duration> = BTreeMap::new();
    for (address, time) in announced {
        known.entry(address).or_insert(time);
    }
    println!(
        "{name}: all {} advertised within {:?}, {} of {all} addresses announced within {:?}; largest gap \
         between advertisements {gap:?}; processor time until then {busy:?}, in {STEADY:?} as master {steady:?}",
        first.len(),
        *first.values().max().unwrap() - begin,
        known.len(),
        known.values().max().copied().unwrap_or(begin).saturating_sub(begin),
    );
}

#[test]
#[ignore = "a measurement of half a minute"]
fn of_thousands_of_addresses() {
    measure("ours", |network| {
        let ours = Ours::start(&network.b, ours());
        let pid = ours.pid();
        (Program::Ours(ours), pid)
    });
    measure("keepalived", |network| {
        let theirs = keepalived(network, &network.b);
        let Program::Keepalived(child) = &theirs else { unreachable!() };
        let pid = child.id();
        (theirs, pid)
    });
}
