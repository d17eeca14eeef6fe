//! Instances of a sync group change their states together, beside a keepalived that does the same.
//!
//! Needs root, iproute2 and keepalived.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod net;

use ha::message::{In, Out, ScriptOutcome, Subject};
use keepalived_conf::Environment;
use net::{Host, Network, Ours, eventually};
use std::net::Ipv4Addr;

const ADDRESSES: [Ipv4Addr; 2] = [Ipv4Addr::new(10, 78, 0, 101), Ipv4Addr::new(10, 78, 0, 102)];

/// Two instances in a group; the first one tracks a script when `script` is written.
fn configuration(priorities: [u8; 2], script: &str) -> String {
    let instance = |at: usize, more: &str| {
        format!(
            "vrrp_instance VI_{at} {{\nstate BACKUP\ninterface eth0\nvirtual_router_id 7{at}\npriority {}\n\
             {more}\nvirtual_ipaddress {{\n{}\n}}\n}}\n",
            priorities[at], ADDRESSES[at]
        )
    };
    let group = "vrrp_sync_group VG_1 {\ngroup {\nVI_0\nVI_1\n}\n}\n";
    format!("{script}{group}{}{}", instance(0, if script.is_empty() { "" } else { TRACK }), instance(1, ""))
}

const TRACK: &str = "track_script {\nchk\n}";
const SCRIPT: &str = "vrrp_script chk {\nscript \"/bin/true\"\ninterval 1\n}\n";

fn all(host: &Host) -> bool {
    ADDRESSES.iter().all(|address| host.holds(*address))
}

fn none(host: &Host) -> bool {
    ADDRESSES.iter().all(|address| !host.holds(*address))
}

struct Pair {
    network: Network,
    ours: Ours,
    theirs: net::Program,
}

/// Keepalived on B, which holds both addresses before ours comes on A; each with both instances in a group.
fn pair(ours: [u8; 2], theirs: [u8; 2], script: &str) -> Option<Pair> {
    let network = Network::new()?;
    let (own, other) = (network.directory.path().join("ours.conf"), network.directory.path().join("b.conf"));
    std::fs::write(&own, configuration(ours, script)).unwrap();
    std::fs::write(&other, configuration(theirs, "")).unwrap();
    let loaded = keepalived_conf::load(&own, &Environment::default());
    let theirs = net::keepalived_with(&network, &network.b, &other);
    eventually("B holds both", || all(&network.b));
    let ours = Ours::start(&network.a, loaded.config);
    Some(Pair { network, ours, theirs })
}

fn said(ours: &Ours, word: &str) -> usize {
    let is = |out: &&Out| matches!(out, Out::Notify(n) if n.subject == Subject::Group && n.occasion.word() == word);
    ours.outs().iter().filter(is).count()
}

#[test]
fn a_fault_of_one_moves_both_and_its_recovery_takes_both_back() {
    let Some(Pair { network, mut ours, theirs: _theirs }) = pair([150, 150], [100, 100], SCRIPT) else {
        return;
    };
    let answer = |status| In::ScriptResult { script: "chk".into(), outcome: ScriptOutcome::Exited(status) };
    ours.send(&answer(0));
    eventually("A holds both", || all(&network.a) && none(&network.b));
    ours.send(&answer(1));
    eventually("B holds both", || none(&network.a) && all(&network.b));
    ours.send(&answer(0));
    eventually("A has both back", || all(&network.a) && none(&network.b));
    eventually("scripts of the group were told", || {
        ["MASTER", "FAULT", "BACKUP"].map(|word| said(&ours, word)) == [2, 1, 2]
    });
}

#[test]
fn a_group_is_master_of_all_or_of_nothing() {
    // Each side is the better one for one of the two instances.
    let Some(Pair { network, mut ours, theirs: _theirs }) = pair([150, 90], [100, 100], "") else { return };
    let sent = |ours: &mut Ours| ours.status().counters.sent;
    eventually("time has passed in which A could have taken one", || ours.status().counters.received > 5);
    assert!(none(&network.a) && all(&network.b), "{}", ours.log());
    assert_eq!(sent(&mut ours), 0);
    // Without B it takes both.
    network.b.link("down");
    eventually("A holds both", || all(&network.a));
}

#[test]
fn an_instance_joins_a_group_of_masters_and_costs_the_others_nothing() {
    let Some(network) = Network::new() else { return };
    let load = |name: &str, text: String| {
        let path = network.directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        (keepalived_conf::load(&path, &Environment::default()).config, path)
    };
    let (whole, _) = load("whole.conf", configuration([150, 150], ""));
    let (_, other) = load("b.conf", configuration([100, 100], ""));
    let mut first = whole.clone();
    first.instances.truncate(1);
    first.sync_groups[0].members.truncate(1);
    let mut ours = Ours::start(&network.a, first);
    eventually("A holds the first", || network.a.holds(ADDRESSES[0]));
    let _theirs = net::keepalived_with(&network, &network.b, &other);
    ours.send(&In::Reload { config: whole });
    eventually("A holds both", || all(&network.a));
    assert!(none(&network.b), "{}", ours.log());
    let told = |out: &&Out| matches!(out, Out::Notify(n) if n.name == "VI_0");
    let words: Vec<_> = ours.outs().iter().filter(told).map(|out| format!("{out:?}")).collect();
    assert_eq!(words.iter().filter(|word| word.contains("Master")).count(), 1, "{words:?}");
    assert_eq!(said(&ours, "BACKUP"), 1, "{}", ours.log());
}

#[test]
fn a_group_whose_members_are_all_replaced_begins_as_backup() {
    let Some(Pair { network, mut ours, theirs: _theirs }) = pair([50, 50], [100, 100], "") else { return };
    let path = network.directory.path().join("ours.conf");
    let wanted = keepalived_conf::load(&path, &Environment::default()).config;
    let mut alone = wanted.clone();
    let own = [Ipv4Addr::new(10, 78, 0, 111), Ipv4Addr::new(10, 78, 0, 112)];
    for (instance, address) in alone.instances.iter_mut().zip(own) {
        instance.vrid += 10;
        instance.addresses = vec![net::address(address)];
    }
    ours.send(&In::Reload { config: alone });
    eventually("A is master where nobody else is", || own.iter().all(|address| network.a.holds(*address)));
    ours.send(&In::Reload { config: wanted });
    eventually("time has passed in which A could have taken them", || {
        let status = ours.status();
        status.vrid == 70 && status.counters.received > 5
    });
    assert_eq!((ours.status().counters.sent, none(&network.a), all(&network.b)), (0, true, true));
}
