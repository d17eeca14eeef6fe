use super::*;
use crate::message::Occasion;
use crate::tracking::Tracking;
use keepalived_conf::model::{
    self as model, Command, Conditions, InitialState, Notify, NotifyScript, TrackInterface, TrackWeight,
    Tracked, VrrpScript,
};
use netlink::{Address, Link};

fn script(name: &str) -> NotifyScript {
    NotifyScript { command: Command::Exec(vec![format!("/etc/keepalived/{name}.sh")]), user: None }
}

fn config() -> VrrpInstance {
    VrrpInstance {
        name: "VI_A".into(),
        interface: "eth0".into(),
        vrid: 51,
        track_scripts: vec![tracked("chk", -20)],
        notify: Notify {
            master: Some(script("master")),
            backup: Some(script("backup")),
            fault: None,
            stop: Some(script("stop")),
            any: Some(script("any")),
            ..Notify::default()
        },
        smtp_alert: true,
        ..VrrpInstance::default()
    }
}

fn tracked(name: &str, weight: i32) -> Tracked {
    Tracked { name: name.into(), weight: TrackWeight { weight, reverse: false } }
}

fn tracking(up: Option<bool>) -> Tracking {
    let script = VrrpScript {
        name: "chk".into(),
        command: Command::Exec(vec!["true".into()]),
        interval: Duration::from_secs(1),
        timeout: Duration::from_secs(1),
        weight: 0,
        reverse: false,
        rise: 1,
        fall: 1,
        init_fail: false,
        user: None,
    };
    let mut tracking = Tracking::default();
    let known: Vec<(String, bool)> = up.map(|up| ("chk".into(), up)).into_iter().collect();
    tracking.scripts.configure(&[script], &known);
    tracking
}

fn interfaces(usable: bool) -> Interfaces {
    let link = Link {
        index: 2,
        name: "eth0".into(),
        up: usable,
        running: usable,
        multicast: true,
        ..Link::default()
    };
    let address = Address::new(2, IpAddr::from([10, 0, 0, 1]), 24);
    Interfaces::new(vec![link], vec![address])
}

fn texts(config: VrrpInstance, up: Option<bool>, usable: bool) -> Vec<String> {
    let mut instance = Instance::new(config, false);
    let interfaces = interfaces(usable);
    instance.choose_source(&interfaces, |_| false);
    let sources = Sources { interfaces: &interfaces, tracking: &tracking(up) };
    instance.track(sources, None).iter().map(Cause::describe).collect()
}

#[test]
fn scripts_are_told_in_keepalived_s_order_with_its_arguments() {
    let instance = Instance::new(config(), false);
    let commands = |state| {
        let notification = instance.notification(Occasion::State(state));
        let words = notification.commands.into_iter().map(|command| {
            let Command::Exec(mut words) = command.command else { unreachable!() };
            words.extend(command.arguments);
            words.join(" ")
        });
        words.collect::<Vec<_>>()
    };
    let any = |state: &str| format!("/etc/keepalived/any.sh INSTANCE VI_A {state} 100");
    let own = |name: &str| format!("/etc/keepalived/{name}.sh");
    assert_eq!(commands(InstanceState::Master), [own("master"), any("MASTER")]);
    assert_eq!(commands(InstanceState::Backup), [own("backup"), any("BACKUP")]);
    assert_eq!(commands(InstanceState::Fault), [any("FAULT")]);
    assert_eq!(commands(InstanceState::Stop), [own("stop"), any("STOP")]);
}

#[test]
fn a_state_is_mailed_once() {
    let mut instance = Instance::new(config(), false);
    let mail = instance.mail(Occasion::State(InstanceState::Master), Some("LVS_1")).unwrap();
    assert_eq!(mail.subject, "[LVS_1] VRRP Instance VI_A - Entering MASTER state");
    assert_eq!(mail.body, "=> VRRP Instance is now owning VRRP VIPs <=");
    assert_eq!(instance.mail(Occasion::State(InstanceState::Master), Some("LVS_1")), None);
    assert!(
        instance.mail(Occasion::State(InstanceState::Backup), None).unwrap().subject.starts_with("[] VRRP")
    );
    assert_eq!(instance.mail(Occasion::Deleted, None).unwrap().subject, "[] VRRP Instance VI_A - Deleted");
    let mut silent = Instance::new(VrrpInstance { smtp_alert: false, ..config() }, false);
    assert_eq!(silent.mail(Occasion::State(InstanceState::Master), None), None);
}

#[test]
fn what_is_tracked_has_words() {
    assert_eq!(texts(config(), Some(true), true), [""; 0]);
    assert_eq!(texts(config(), Some(false), true), ["script chk failed: -20"]);
    assert_eq!(texts(config(), Some(true), false), ["interface eth0 down"]);
    let fatal = VrrpInstance { track_scripts: vec![tracked("chk", 0)], ..config() };
    assert_eq!(texts(fatal.clone(), None, true), ["script chk has not answered yet"]);
    assert_eq!(texts(fatal, Some(false), true), ["script chk failed"]);
    let untracked = VrrpInstance { dont_track_primary: true, ..config() };
    assert_eq!(texts(untracked, Some(true), false), [""; 0]);
    let other =
        TrackInterface { interface: "eth1".into(), weight: TrackWeight { weight: -30, reverse: false } };
    let own = TrackInterface { interface: "eth0".into(), ..other.clone() };
    let both = VrrpInstance { track_interfaces: vec![other, own], ..config() };
    assert_eq!(texts(both, Some(true), true), ["interface eth1 down: -30"]);
    let absent = VrrpInstance { interface: "eth9".into(), ..config() };
    assert_eq!(texts(absent, Some(true), true), ["interface eth9 does not exist, waiting for it"]);
}

#[test]
fn state_master_clears_what_it_excludes() {
    let delay = Duration::from_secs(300);
    let master =
        VrrpInstance { state: InitialState::Master, nopreempt: true, preempt_delay: delay, ..config() };
    assert_eq!(settings::settings(&master, None, false).preempt, vrrp::Preempt::Always);
    assert_eq!(cleared(&master).len(), 2);
    let backup = VrrpInstance { state: InitialState::Backup, ..master };
    assert_eq!(settings::settings(&backup, None, false).preempt, vrrp::Preempt::Never);
    assert_eq!(cleared(&backup), ["(VI_A) preempt_delay is incompatible with nopreempt mode - resetting"]);
    let delayed = VrrpInstance { nopreempt: false, ..backup };
    assert_eq!(settings::settings(&delayed, None, false).preempt, vrrp::Preempt::After(delay));
    assert!(cleared(&delayed).is_empty());
}

#[test]
fn the_same_complaint_is_made_once_a_minute() {
    let mut instance = Instance::new(config(), false);
    let mut complain = |seconds| {
        let now = Time(Duration::from_secs(seconds));
        let source = IpAddr::from([10, 0, 0, 9]);
        instance.complain(now, "password", source, &Reject::Password, true)
    };
    assert_eq!(complain(0).unwrap(), "(VI_A) received an invalid passwd! (from 10.0.0.9)");
    assert_eq!((complain(1), complain(59)), (None, None));
    assert_eq!(complain(60).unwrap(), "(VI_A) received an invalid passwd! (from 10.0.0.9; 2 more since)");
    assert_eq!(instance.complaints_of("password"), 4);
    assert_eq!(instance.conflict.unwrap().count, 4);
}

#[test]
fn packet_numbers_start_at_one_and_skip_zero() {
    let mut instance = Instance::new(config(), false);
    assert_eq!(instance.next_packet_id(), 1);
    instance.packet_id = u16::MAX;
    assert_eq!(instance.next_packet_id(), 1);
}

#[test]
fn a_sync_group_tracks_for_its_members() {
    let texts = |config: VrrpInstance, conditions: Conditions| {
        let mut instance = Instance::new(config, true);
        let (interfaces, tracking) = (interfaces(true), tracking(Some(false)));
        instance.choose_source(&interfaces, |_| false);
        let sources = Sources { interfaces: &interfaces, tracking: &tracking };
        let causes = instance.track(sources, Some(&conditions));
        causes.iter().map(Cause::describe).collect::<Vec<_>>()
    };
    let link = |name: &str, weight| TrackInterface {
        interface: name.into(),
        weight: TrackWeight { weight, reverse: false },
    };
    let with = |interface| Conditions { interfaces: vec![interface], ..Conditions::default() };
    assert_eq!(texts(config(), with(link("eth1", 0))), ["interface eth1 down", "script chk failed: -20"]);
    // What both track counts once, with the weight of the group, unless the instance has none.
    let script = |weight| Conditions { scripts: vec![tracked("chk", weight)], ..Conditions::default() };
    assert_eq!(texts(config(), script(-5)), ["script chk failed: -5"]);
    let fatal = VrrpInstance { track_scripts: vec![tracked("chk", 0)], ..config() };
    assert_eq!(texts(fatal, script(-5)), ["script chk failed"]);
    // So its own interface has none, unless it does not track that.
    let alone = VrrpInstance { track_scripts: Vec::new(), ..config() };
    assert_eq!(texts(alone.clone(), with(link("eth0", 40))), [""; 0]);
    let untracked = VrrpInstance { dont_track_primary: true, ..alone };
    assert_eq!(texts(untracked, with(link("eth0", 40))), ["interface eth0 up: +40"]);
}

#[test]
fn fifo_lines_are_keepalived_s() {
    let instance = Instance::new(config(), false);
    let line = |occasion| instance.notification(occasion).fifo_line();
    assert_eq!(line(Occasion::State(InstanceState::Master)), "INSTANCE \"VI_A\" MASTER 100\n");
    assert_eq!(line(Occasion::LowerHeard), "INSTANCE \"VI_A\" MASTER_RX_LOWER_PRI 100\n");
    assert_eq!(line(Occasion::Priority(InstanceState::Backup)), "INSTANCE \"VI_A\" BACKUP_PRIORITY 100\n");
    assert_eq!(line(Occasion::Deleted), "INSTANCE \"VI_A\" DELETED 100\n");
}

#[test]
fn as_many_addresses_are_advertised_as_the_link_has_room_for() {
    let addresses =
        (0..300u16).map(|i| VirtualAddress::new(IpAddr::from([0x2001, 0xdb8, 0, 0, 0, 0, 0, i]), 64));
    let six = VrrpInstance { family: model::Family::Ipv6, version: model::Version::V3, ..config() };
    let mut instance = Instance::new(VrrpInstance { addresses: addresses.collect(), ..six }, false);
    let mut advertised = |mtu: Option<u32>| {
        let link = mtu.map(|mtu| Link { index: 2, name: "eth0".into(), mtu, ..Link::default() });
        instance.fit(&Interfaces::new(link.into_iter().collect(), Vec::new()));
        instance.advertisement(100, Duration::ZERO).0.addresses.len()
    };
    assert_eq!([None, Some(9000), Some(1400), Some(100), None].map(&mut advertised), [89, 255, 83, 2, 89]);
}
