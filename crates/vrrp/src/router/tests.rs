//! Every state against every event, as data; scenarios over time are in `tests/scenarios`.

use super::*;
use crate::Version;

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

const OURS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 5));

fn settings() -> Settings {
    Settings {
        version: Version::V2,
        priority: 100,
        interval: Centiseconds(100),
        starts_as_master: false,
        preempt: Preempt::Always,
        source: OURS,
        garp: Garp { delay: s(5), refresh: s(0), lower_delay: s(5), lower: true },
    }
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
        (Master, advert(1, 100), Master, "advertise(100) announce(Lower)", Some(1000)),
        (Master, advert(9, 99), Master, "advertise(100) announce(Lower)", Some(1000)),
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
        (Standing::Fit, Master, Master, "advertise(100) install"),
        (Standing::Waiting, Master, Master, "advertise(100) install"),
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
fn of_two_owners_the_higher_address_stays() {
    let owner = Settings { priority: 255, starts_as_master: true, ..settings() };
    let mut actions = Vec::new();
    let mut higher = router_started(owner);
    higher.on(Time(s(1)), advert(1, 255), &mut actions);
    assert_eq!((higher.state(), higher.priority()), (State::Master, 255));
    let mut lower = router_started(owner);
    lower.on(Time(s(1)), advert(9, 255), &mut actions);
    assert_eq!((lower.state(), lower.priority()), (State::Backup, 254));
    assert_eq!(actions.iter().filter(|&&a| a == Action::Log(Line::TwoOwners)).count(), 2);
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
