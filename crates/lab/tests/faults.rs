//! A lab by itself: its network, its faults, its measurements, its mail.
#![allow(clippy::unwrap_used)]

use lab::{Lab, ProbeTrain, Programs, RequestTrain, Requests, What};
use std::net::Ipv4Addr;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

const OWN: &str = env!("CARGO_BIN_EXE_lab-alone");
const A: Ipv4Addr = Ipv4Addr::new(10, 79, 0, 1);
const B: Ipv4Addr = Ipv4Addr::new(10, 79, 0, 2);

fn pair() -> Option<Lab> {
    if !rustix::process::geteuid().is_root() {
        println!("not run: it needs root");
        return None;
    }
    let mut lab = Lab::new(Path::new(OWN)).unwrap();
    lab.add("a", A, 24, &Programs::installed(), true).unwrap();
    lab.add("b", B, 24, &Programs::installed(), true).unwrap();
    Some(lab)
}

/// Waits until something holds.
fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !holds() {
        assert!(Instant::now() < end, "never: {what}");
        sleep(millis(20));
    }
}

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}

#[test]
fn a_gap_is_as_long_as_the_fault() {
    let Some(lab) = pair() else { return };
    let probes = ProbeTrain::start(lab.host("a").unwrap(), B).unwrap();
    sleep(millis(500));
    let gap_of = |fault: &dyn Fn(), mend: &dyn Fn()| {
        let start = Instant::now();
        sleep(millis(200));
        fault();
        sleep(millis(600));
        mend();
        sleep(millis(400));
        probes.longest_gap(start, Instant::now())
    };
    let b = lab.host("b").unwrap();
    let dropped = gap_of(&|| b.drop_protocol(1).unwrap(), &|| b.pass_all().unwrap());
    let cut = gap_of(&|| lab.cut("b").unwrap(), &|| lab.restore("b").unwrap());
    for gap in [dropped, cut] {
        assert!(gap >= millis(590), "{gap:?}");
    }
    let quiet = Instant::now();
    sleep(millis(1500));
    assert!(probes.longest_gap(quiet, Instant::now()) < millis(500));
}

#[test]
fn hosts_are_apart() {
    let Some(lab) = pair() else { return };
    let (a, b) = (lab.host("a").unwrap(), lab.host("b").unwrap());
    assert_eq!(a.must("hostname").unwrap(), "a\n");
    a.write("/etc/keepalived/keepalived.conf", "of a\n").unwrap();
    assert!(!b.run("cat /etc/keepalived/keepalived.conf").unwrap().success());
    a.spawn("exec sleep 100").unwrap();
    eventually("it runs", || a.run("killall -0 sleep").unwrap().success());
    assert!(!b.run("killall -0 sleep").unwrap().success());
    a.signal_all("STOP").unwrap();
    assert!(a.must("ps -C sleep -o stat=").unwrap().starts_with('T'));
    a.signal_all("CONT").unwrap();
    assert!(a.must("ps -C sleep -o stat=").unwrap().starts_with('S'));
    a.kill_all().unwrap();
    eventually("it is killed, and reaped", || !a.run("killall -0 sleep").unwrap().success());
}

#[test]
fn another_server_answers_until_it_is_stopped() {
    let Some(lab) = pair() else { return };
    let (a, b) = (lab.host("a").unwrap(), lab.host("b").unwrap());
    let train = RequestTrain::start(a, B).unwrap();
    let start = Instant::now();
    train.resume();
    let so_far = || train.between(start, Instant::now());
    let answered = |requests: &Requests| requests.answers.get("httpd").copied().unwrap_or_default();
    eventually("nobody answers", || so_far().lost > 10);
    b.must("systemctl start httpd").unwrap();
    assert!(b.must("systemctl status httpd").unwrap().contains("active (running)"));
    eventually("it answers", || answered(&so_far()) > 20);
    b.must("systemctl stop httpd").unwrap();
    assert!(!b.run("systemctl status httpd").unwrap().success());
    let lost = so_far().lost;
    eventually("nobody answers again", || so_far().lost > lost);
    train.pause();
    let requests = so_far();
    assert_eq!(answered(&requests) + requests.lost, requests.sent);
}

#[test]
fn mail_arrives_as_it_was_written() {
    let Some(lab) = pair() else { return };
    let a = lab.host("a").unwrap();
    a.must("printf 'first\\n.second\\n' | mail -s 'a subject' root@localhost other@localhost").unwrap();
    eventually("it is delivered", || !lab.journal.events().is_empty());
    let events = lab.journal.events();
    let What::Mail { from, to, subject, message } = &events[0].what else { panic!("{events:?}") };
    assert_eq!((from.as_str(), subject.as_str()), ("root@a", "a subject"));
    assert_eq!(to, &["root@localhost", "other@localhost"]);
    assert!(message.ends_with("\n\nfirst\n.second\n"), "{message}");
}

#[test]
fn a_unit_that_fails_says_why() {
    let Some(lab) = pair() else { return };
    if Programs::installed().check().is_err() {
        println!("not run: nginx is not installed");
        return;
    }
    let a = lab.host("a").unwrap();
    a.write("/etc/nginx/nginx.conf", "nonsense;\n").unwrap();
    assert!(!a.run("systemctl start nginx").unwrap().success());
    let status = a.run("systemctl status nginx").unwrap();
    assert_eq!(status.code, 3);
    assert!(status.text.contains("failed") && status.text.contains("nonsense"), "{}", status.text);
}
