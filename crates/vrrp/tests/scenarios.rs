//! Scenario files: what happens goes in, what is done and every change of the next deadline comes out.
//!
//! A file of `tests/scenarios` holds comments (`#`), inputs (from the first column) and outputs
//! (indented). The first input describes the router; the others start with a time in seconds.
//! Timers that fall between two inputs fire when they are due, on a virtual clock. `UPDATE=1`
//! writes the outputs anew; read the difference before you commit it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::fmt::Write;
use std::net::IpAddr;
use std::time::Duration;
use vrrp::{
    Action, Centiseconds, Event, Preempt, Received, Router, Settings, Standing, State, Time, Version,
};

#[test]
fn scenarios() {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios");
    let mut differing = Vec::new();
    let mut count = 0;
    for entry in std::fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        // The simulator's schedules lie beside them.
        if path.extension().is_none_or(|extension| extension != "scenario") {
            continue;
        }
        let expected = std::fs::read_to_string(&path).unwrap();
        let actual = play(&expected);
        count += 1;
        if actual == expected {
            continue;
        }
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&path, &actual).unwrap();
        } else {
            differing.push(format!("{}, played:\n{actual}", path.display()));
        }
    }
    assert!(count > 0, "no scenario in {directory}");
    assert!(differing.is_empty(), "{}", differing.join("\n"));
}

/// The scenario with the outputs that its inputs give now.
fn play(text: &str) -> String {
    let mut out = String::new();
    let mut stage: Option<Stage> = None;
    for line in text.lines().filter(|line| !line.starts_with(' ')) {
        writeln!(out, "{line}").unwrap();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        match &mut stage {
            None => stage = Some(Stage::new(&words)),
            Some(stage) => stage.input(&words, &mut out),
        }
    }
    out
}

struct Stage {
    router: Router,
    name: String,
    deadline: Option<(Time, vrrp::Timer)>,
}

impl Stage {
    /// `router NAME ADDRESS PRIORITY [nopreempt | preempt_delay S | master | advert_int S | refresh S]…`
    fn new(words: &[&str]) -> Self {
        let [_, name, source, priority, options @ ..] = words else { panic!("router NAME ADDRESS PRIORITY") };
        let (priority, source) = (priority.parse().unwrap(), source.parse().unwrap());
        let mut settings = Settings::plain(Version::V2, priority, Centiseconds(100), source);
        let mut options = options.iter();
        while let Some(option) = options.next() {
            let mut value = || seconds(options.next().unwrap());
            match *option {
                "nopreempt" => settings.preempt = Preempt::Never,
                "preempt_delay" => settings.preempt = Preempt::After(value()),
                "master" => settings.starts_as_master = true,
                "advert_int" => settings.interval = Centiseconds::from_duration(value()),
                "refresh" => settings.garp.refresh = value(),
                other => panic!("unknown option {other}"),
            }
        }
        Self { router: Router::new(settings), name: (*name).into(), deadline: None }
    }

    fn input(&mut self, words: &[&str], out: &mut String) {
        let now = Time(seconds(words[0]));
        // `every`: the same advertisement again and again until a time, a second apart.
        if let ["every", "until", end, rest @ ..] = &words[1..] {
            // Of outputs that only move the deadline the last one is enough.
            let (mut at, end, mut quiet) = (now, Time(seconds(end)), String::new());
            while at <= end {
                let mut one = String::new();
                self.event(at, rest, &mut one);
                if one.lines().all(|line| line.contains("  set ")) {
                    quiet = one;
                } else {
                    out.push_str(&std::mem::take(&mut quiet));
                    out.push_str(&one);
                }
                at = at + Duration::from_secs(1);
            }
            out.push_str(&quiet);
            return;
        }
        self.event(now, &words[1..], out);
    }

    fn event(&mut self, now: Time, words: &[&str], out: &mut String) {
        while let Some((at, _)) = self.router.next_deadline()
            && at < now
        {
            self.on(at, Event::Timer, out);
        }
        let event = match words {
            ["start"] => Event::Start { standing: Standing::Fit, restored: None },
            ["start", "waiting"] => Event::Start { standing: Standing::Waiting, restored: None },
            ["start", "unfit"] => Event::Start { standing: Standing::Unfit, restored: None },
            ["start", "restored", "master"] => {
                Event::Start { standing: Standing::Fit, restored: Some(State::Master) }
            }
            ["advert", source, priority] => Event::Advertisement(Received {
                source: source.parse::<IpAddr>().unwrap(),
                priority: priority.parse().unwrap(),
                interval: Centiseconds(100),
                difference: None,
            }),
            ["priority", priority] => Event::Priority(priority.parse().unwrap()),
            ["fault"] => Event::Fault,
            ["recovered"] => Event::Recovered,
            ["stop"] => Event::Stop,
            ["wait"] => Event::Timer,
            other => panic!("unknown event {other:?}"),
        };
        self.on(now, event, out);
    }

    fn on(&mut self, now: Time, event: Event, out: &mut String) {
        let mut actions = Vec::new();
        self.router.on(now, event, &mut actions);
        for action in actions {
            let words = match action {
                Action::Advertise(priority) => format!("advertise {priority}"),
                Action::Install => "install addresses".into(),
                Action::Remove => "remove addresses".into(),
                Action::HeardLower => continue,
                Action::Announce(burst) => format!("announce {burst:?}"),
                Action::Notify(state) => format!("notify {}", state.word()),
                Action::Log(line) => format!("log ({}) {line}", self.name),
            };
            writeln!(out, "    {now}  {words}").unwrap();
        }
        let deadline = self.router.next_deadline();
        if deadline != self.deadline {
            self.deadline = deadline;
            match deadline {
                Some((at, timer)) => writeln!(out, "    {now}  set {timer:?} {at}").unwrap(),
                None => writeln!(out, "    {now}  set nothing").unwrap(),
            }
        }
    }
}

fn seconds(text: &str) -> Duration {
    Duration::from_secs_f64(text.parse().unwrap())
}
