//! Every state against every event, as data; scenarios over time are in `tests/scenarios`.

use super::*;
use crate::Version;

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const OURS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 5));

fn settings() -> Settings {
    Settings::plain(Version::V2, 100, Centiseconds(100), OURS)
}

fn advert(last: u8, priority: u8) -> Event {
    Event::Advertisement(Received {
        source: IpAddr::from([10, 0, 0, last]),
        priority,
        interval: Centiseconds(100),
        difference: None,
    })
}

/// A router that reached `state` at ten seconds.
fn router(state: State, settings: Settings) -> Router {
    let mut router = Router::new(settings);
    let (at, mut actions) = (Time(s(10)), Vec::new());
    let (standing, restored) = match state {
        State::Init => return router,
        State::Fault => (Standing::Unfit, None),
        State::Backup => (Standing::Fit, None),
        State::Master => (Standing::Fit, Some(State::Master)),
    };
    router.on(at, Event::Start { standing, restored }, &mut actions);
    assert_eq!(router.state(), state);
    router
}

/// Actions without the log, short.
fn short(actions: &[Action]) -> String {
    let words = actions.iter().filter_map(|action| {
        Some(match action {
            Action::Advertise(priority) => format!("advertise({priority})"),
            Action::Install => "install".into(),
            Action::Remove => "remove".into(),
            Action::Announce(burst) => format!("announce({burst:?})"),
            Action::Notify(state) => format!("notify({})", state.word()),
            Action::HeardLower => "heard-lower".into(),
            Action::Log(_) => return None,
        })
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn transition_table() {
    use State::{Backup, Fault, Init, Master};
    let start = |standing| Event::Start { standing, restored: None };
    let takeover = "advertise(100) install announce(Master) notify(MASTER)";
    // State, event half a second later, state after, actions, next deadline in milliseconds after
    // the event; a Backup entered at 10 s had 3,609 ms, a Master 1,000 ms.
    let table: &[(State, Event, State, &str, Option<u64>)] = &[
        (Init, start(Standing::Fit), Backup, "remove notify(BACKUP)", Some(3609)),
        (Init, start(Standing::Waiting), Init, "remove", None),
        (Init, start(Standing::Unfit), Fault, "remove notify(FAULT)", None),
        (Init, advert(9, 200), Init, "", None),
        (Init, Event::Priority(90), Init, "", None),
        (Init, Event::Fault, Fault, "notify(FAULT)", None),
        (Init, Event::Recovered, Backup, "notify(BACKUP)", Some(3609)),
        (Init, Event::Stop, Init, "notify(INIT)", None),
        (Init, Event::Timer, Init, "", None),
        (Backup, advert(9, 200), Backup, "", Some(3609)),
        (Backup, advert(1, 100), Backup, "", Some(3609)),
        (Backup, advert(9, 99), Backup, "", Some(3109)),
        (Backup, advert(9, 0), Backup, "", Some(609)),
        (Backup, Event::Priority(90), Backup, "", Some(3148)),
        (Backup, Event::Fault, Fault, "notify(FAULT)", None),
        (Backup, Event::Recovered, Backup, "", Some(3109)),
        (Backup, Event::Stop, Init, "notify(INIT)", None),
        (Backup, Event::Timer, Backup, "", Some(3109)),
        (Master, advert(1, 101), Backup, "remove notify(BACKUP)", Some(3609)),
        (Master, advert(9, 100), Backup, "remove notify(BACKUP)", Some(3609)),
        (Master, advert(5, 100), Master, "", Some(500)),
        (Master, advert(1, 100), Master, "advertise(100) announce(Lower) heard-lower", Some(1000)),
        (Master, advert(9, 99), Master, "advertise(100) announce(Lower) heard-lower", Some(1000)),
        (Master, advert(9, 0), Master, "advertise(100)", Some(1000)),
        (Master, Event::Priority(90), Master, "", Some(500)),
        (Master, Event::Fault, Fault, "advertise(0) remove notify(FAULT)", None),
        (Master, Event::Recovered, Master, "", Some(500)),
        (Master, Event::Stop, Init, "advertise(0) remove notify(INIT)", None),
        (Master, Event::Timer, Master, "", Some(500)),
        (Fault, advert(9, 200), Fault, "", None),
        (Fault, advert(9, 0), Fault, "", None),
        (Fault, Event::Priority(90), Fault, "", None),
        (Fault, Event::Fault, Fault, "", None),
        (Fault, Event::Recovered, Backup, "notify(BACKUP)", Some(3609)),
        (Fault, Event::Stop, Init, "notify(INIT)", None),
        (Fault, Event::Timer, Fault, "", None),
    ];
    for &(from, event, to, expected, deadline) in table {
        let mut router = router(from, settings());
        let (now, mut actions) = (Time(Duration::from_millis(10_500)), Vec::new());
        router.on(now, event, &mut actions);
        assert_eq!(router.state(), to, "{from:?} {event:?}");
        assert_eq!(short(&actions), expected, "{from:?} {event:?}");
        let next = router.next_deadline().map(|(at, _)| at.since(now).as_millis() as u64);
        assert_eq!(next, deadline, "{from:?} {event:?}");
    }
    let mut backup = router(Backup, settings());
    let mut actions = Vec::new();
    backup.on(Time(Duration::from_millis(13_610)), Event::Timer, &mut actions);
    assert_eq!((backup.state(), short(&actions).as_str()), (Master, takeover));
}

#[test]
fn a_start_after_a_crash_goes_on_where_it_was() {
    use State::{Backup, Fault, Init, Master};
    let table: &[(Standing, State, State, &str)] = &[
        (Standing::Fit, Master, Master, "advertise(100) install announce(Master)"),
        (Standing::Waiting, Master, Master, "advertise(100) install announce(Master)"),
        (Standing::Unfit, Master, Fault, "advertise(0) remove notify(FAULT)"),
        (Standing::Fit, Backup, Backup, "remove"),
        (Standing::Waiting, Backup, Backup, "remove"),
        (Standing::Unfit, Backup, Fault, "remove notify(FAULT)"),
        (Standing::Fit, Fault, Backup, "remove notify(BACKUP)"),
        (Standing::Waiting, Fault, Init, "remove"),
        (Standing::Unfit, Fault, Fault, "remove"),
    ];
    for &(standing, was, is, expected) in table {
        let (mut router, mut actions) = (Router::new(settings()), Vec::new());
        router.on(Time::default(), Event::Start { standing, restored: Some(was) }, &mut actions);
        assert_eq!((router.state(), short(&actions).as_str()), (is, expected), "{standing:?} {was:?}");
    }
}

#[test]
fn only_an_owner_that_says_master_starts_at_once() {
    for (priority, starts_as_master, state) in [
        (255, true, State::Master),
        (255, false, State::Backup),
        (254, true, State::Backup),
        (100, true, State::Backup),
    ] {
        let settings = Settings { priority, starts_as_master, ..settings() };
        assert_eq!(router_started(settings).state(), state, "{priority} {starts_as_master}");
    }
}

fn router_started(settings: Settings) -> Router {
    let mut router = Router::new(settings);
    let start = Event::Start { standing: Standing::Fit, restored: None };
    router.on(Time::default(), start, &mut Vec::new());
    router
}

#[test]
fn of_two_owners_the_lower_address_gives_way() {
    let owner = Settings { priority: 255, starts_as_master: true, ..settings() };
    let mut lower = router_started(owner);
    lower.on(Time(s(1)), advert(9, 255), &mut Vec::new());
    assert_eq!((lower.state(), lower.priority()), (State::Backup, 255));
}

#[test]
fn an_owner_gives_way_to_another_that_does_not() {
    let owner = Settings { priority: 255, starts_as_master: true, ..settings() };
    let (mut router, mut actions) = (router_started(owner), Vec::new());
    // The other goes on while we advertise twice, and after that: it is left 1.2 intervals.
    for tenth in 1..=21 {
        let now = Time(Duration::from_millis(100 * tenth));
        router.on(now, Event::Timer, &mut actions);
        router.on(now, advert(1, 255), &mut actions);
        let state = if tenth < 20 { State::Master } else { State::Backup };
        assert_eq!(router.state(), state, "after {tenth} tenths");
    }
    assert_eq!(router.priority(), 254);
    assert!(actions.contains(&Action::Log(Line::RogueGoesOn)));
    // It is the owner again as soon as the other claims less, or another one is heard.
    router.on(Time(s(3)), advert(1, 200), &mut actions);
    assert_eq!(router.priority(), 255);
}

#[test]
fn an_owner_that_falls_silent_in_time_is_forgotten() {
    let owner = Settings { priority: 255, starts_as_master: true, ..settings() };
    let (mut router, mut actions) = (router_started(owner), Vec::new());
    router.on(Time(Duration::from_millis(500)), advert(1, 255), &mut actions);
    for second in 1..=4 {
        router.on(Time(s(second)), Event::Timer, &mut actions);
    }
    assert!(actions.contains(&Action::Log(Line::RogueStopped)));
    router.on(Time(s(4)), advert(1, 255), &mut actions);
    assert_eq!((router.state(), router.priority()), (State::Master, 255));
}

#[test]
fn a_master_that_was_paused_steps_back_and_comes_again() {
    let (mut router, mut actions) = (router(State::Master, settings()), Vec::new());
    router.on(Time(s(14)), Event::Timer, &mut actions);
    assert_eq!((router.state(), short(&actions)), (State::Backup, "remove notify(BACKUP)".into()));
    // Nobody is heard: back after one interval and the skew.
    let wait = Duration::from_secs(1) + Duration::from_secs(1) * 156 / 256;
    assert_eq!(router.next_deadline(), Some((Time(s(14)) + wait, Timer::MasterDown)));
    router.on(Time(s(16)), Event::Timer, &mut actions);
    assert_eq!(router.state(), State::Master);
}

#[test]
fn a_master_that_is_a_little_late_goes_on() {
    let mut router = router(State::Master, settings());
    router.on(Time(s(13)), Event::Timer, &mut Vec::new());
    assert_eq!(router.state(), State::Master);
}

#[test]
fn what_waited_during_a_pause_is_heard_as_a_backup() {
    let (mut router, mut actions) = (router(State::Master, settings()), Vec::new());
    router.on(Time(s(20)), advert(9, 50), &mut actions);
    assert_eq!((router.state(), short(&actions)), (State::Backup, "remove notify(BACKUP)".into()));
}

#[test]
fn a_member_of_a_group_waits_for_the_others() {
    let (mut router, mut actions) = (router_started(Settings { grouped: true, ..settings() }), Vec::new());
    router.on(Time(s(4)), Event::Timer, &mut actions);
    assert_eq!((router.state(), router.wants_master()), (State::Backup, true));
    router.on(Time(s(5)), Event::Promote, &mut actions);
    assert_eq!((router.state(), router.wants_master()), (State::Master, false));
    actions.clear();
    router.on(Time(s(5)), Event::Demote, &mut actions);
    assert_eq!((router.state(), short(&actions)), (State::Backup, "remove notify(BACKUP)".into()));
    router.on(Time(s(9)), Event::Timer, &mut actions);
    assert!(router.wants_master());
    router.on(Time(s(9)), advert(9, 200), &mut actions);
    assert!(!router.wants_master());
}

#[test]
fn a_named_successor_does_not_wait() {
    let (mut router, mut actions) = (router(State::Backup, settings()), Vec::new());
    router.on(Time(s(11)), Event::HandOver, &mut actions);
    assert_eq!(router.state(), State::Master);
    actions.clear();
    router.on(Time(s(11)), Event::HandOver, &mut actions);
    assert_eq!(short(&actions), "");
}

#[test]
fn options_about_lower_and_higher_masters() {
    let master = |settings| {
        let (mut router, mut actions) = (Router::new(settings), Vec::new());
        let start = Event::Start { standing: Standing::Fit, restored: Some(State::Master) };
        router.on(Time::default(), start, &mut actions);
        router
    };
    let mut actions = Vec::new();
    master(Settings { lower_prio_no_advert: true, ..settings() }).on(Time(s(1)), advert(9, 50), &mut actions);
    assert_eq!(short(&actions), "announce(Lower) heard-lower");
    actions.clear();
    let polite = Settings { higher_prio_send_advert: true, ..settings() };
    master(polite).on(Time(s(1)), advert(9, 200), &mut actions);
    assert_eq!(short(&actions), "advertise(100) remove notify(BACKUP)");
    actions.clear();
    let deaf = Settings { priority: 255, owner_ignore_adverts: true, ..settings() };
    master(deaf).on(Time(s(1)), advert(9, 255), &mut actions);
    assert_eq!(short(&actions), "");
    // Nor does it wait for another owner as a backup.
    let mut backup = router(State::Backup, deaf);
    backup.on(Time(s(12)), advert(9, 255), &mut actions);
    backup.on(Time(s(14)), Event::Timer, &mut actions);
    assert_eq!(backup.state(), State::Master);
}

#[test]
fn another_number_of_adverts_may_be_missed() {
    let router = Router::new(Settings { down_timer_adverts: 1, ..settings() });
    assert_eq!(router.master_down().as_millis(), 1609);
}

#[test]
fn the_owner_s_priority_never_changes() {
    let mut owner = router_started(Settings { priority: 255, ..settings() });
    owner.on(Time(s(1)), Event::Priority(200), &mut Vec::new());
    assert_eq!(owner.priority(), 255);
    let mut other = router_started(settings());
    for (wanted, effective) in [(300, 254), (-5, 1), (0, 1), (77, 77)] {
        other.on(Time(s(1)), Event::Priority(wanted), &mut Vec::new());
        assert_eq!(other.priority(), effective);
    }
}

#[test]
fn master_down_follows_priority_interval_and_version() {
    for (version, priority, centiseconds, milliseconds) in [
        (Version::V2, 100, 100, 3609),
        (Version::V2, 150, 100, 3414),
        (Version::V2, 255, 100, 3003),
        (Version::V2, 1, 500, 15_996),
        (Version::V3, 100, 100, 3609),
        (Version::V3, 100, 10, 360),
        (Version::V3, 150, 1, 34),
    ] {
        let settings = Settings { version, priority, interval: Centiseconds(centiseconds), ..settings() };
        let down = Router::new(settings).master_down();
        assert_eq!(down.as_millis(), milliseconds, "{version:?} {priority} {centiseconds}");
    }
}

#[test]
fn version_3_learns_the_master_s_interval() {
    let mut router = router_started(Settings { version: Version::V3, ..settings() });
    let slow = Received {
        source: IpAddr::from([10, 0, 0, 9]),
        priority: 200,
        interval: Centiseconds(200),
        difference: None,
    };
    router.on(Time(s(1)), Event::Advertisement(slow), &mut Vec::new());
    assert_eq!(router.master_down().as_millis(), 6000 + 2000 * 156 / 256);
}

#[test]
fn a_reload_keeps_the_state() {
    let mut actions = Vec::new();
    let mut master = router(State::Master, settings());
    let slower = Settings { interval: Centiseconds(200), priority: 120, ..settings() };
    master.reconfigure(Time(s(11)), slower, &mut actions);
    master.on(Time(s(11)), Event::Priority(120), &mut actions);
    master.on(Time(s(11)), Event::Timer, &mut actions);
    assert_eq!((master.state(), short(&actions).as_str()), (State::Master, "advertise(120)"));
    assert_eq!(master.next_deadline(), Some((Time(s(13)), Timer::Advertise)));
}

#[test]
fn a_reload_begins_and_ends_the_refreshing_of_arp_caches() {
    let mut master = router(State::Master, settings());
    let refreshing = |every| Settings { garp: Garp { refresh: every, ..settings().garp }, ..settings() };
    let bursts = |master: &mut Router, at| {
        let mut actions = Vec::new();
        for second in at..at + 6 {
            master.on(Time(s(second)), Event::Timer, &mut actions);
        }
        actions.iter().filter(|action| **action == Action::Announce(Burst::Refresh)).count()
    };
    master.reconfigure(Time(s(11)), refreshing(s(2)), &mut Vec::new());
    assert_eq!(bursts(&mut master, 12), 3, "at 13, 15 and 17");
    master.reconfigure(Time(s(17)), refreshing(Duration::ZERO), &mut Vec::new());
    assert_eq!(bursts(&mut master, 18), 0);
}

#[test]
fn it_knows_why_it_became_master() {
    let reason = |settings: Settings, events: &[Event]| {
        let mut router = Router::new(settings);
        let (mut now, mut actions) = (Time(s(10)), Vec::new());
        router.on(now, Event::Start { standing: Standing::Fit, restored: None }, &mut actions);
        assert_eq!(router.master_reason().is_some(), router.state() == State::Master);
        for event in events {
            now = now + Duration::from_millis(900);
            router.on(now, *event, &mut actions);
        }
        router.on(now + s(5), Event::Timer, &mut actions);
        router.master_reason()
    };
    assert_eq!(reason(settings(), &[]), Some(MasterReason::NoResponse));
    assert_eq!(reason(settings(), &[advert(9, 200)]), Some(MasterReason::NoResponse));
    assert_eq!(reason(settings(), &[advert(9, 50)]), Some(MasterReason::Preempted));
    assert_eq!(reason(settings(), &[advert(9, 50), advert(9, 200)]), Some(MasterReason::NoResponse));
    assert_eq!(reason(settings(), &[advert(9, 200), advert(9, 0)]), Some(MasterReason::Released));
    assert_eq!(reason(settings(), &[Event::HandOver]), Some(MasterReason::Released));
    let owner = Settings { priority: 255, starts_as_master: true, ..settings() };
    assert_eq!(reason(owner, &[]), Some(MasterReason::Preempted));
}
