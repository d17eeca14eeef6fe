//! Plays a scenario and says what happens.

use super::{Action, Condition, Scenario, Step};
use crate::{AdvertCapture, Host};
use crate::{Error, Event, Lab, ProbeTrain, RequestTrain, Requests, What};
use std::collections::BTreeSet;
use std::io::Write;
use std::path::Path;
use std::time::{Duration, Instant};

const LOOK: Duration = Duration::from_millis(100);
/// What of a daemon's log the reader wants to see.
const TOLD: [&str; 6] =
    ["Entering", "VRRP_Script(", "effective priority", "ower priority", "igher priority", "Cannot"];

/// What a step did to the client.
#[derive(Clone, Debug)]
pub struct StepReport {
    /// Its title.
    pub title: String,
    /// Longest time without an answer to a 1 ms probe.
    pub gap: Duration,
    /// Requests sent meanwhile, every 10 ms; `None` when it sent none.
    pub requests: Option<Requests>,
}

/// What a scenario did to the client.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Step by step.
    pub steps: Vec<StepReport>,
}

/// A lab with a scenario's hosts, files and daemons, and where it is told.
pub struct Stage<'a> {
    /// The network.
    pub lab: Lab,
    scenario: Scenario,
    out: &'a mut (dyn Write + Send),
    colour: bool,
    interrupted: &'a dyn Fn() -> bool,
    pub(crate) probes: ProbeTrain,
    requests: RequestTrain,
    pub(crate) adverts: AdvertCapture,
    told: usize,
    /// Lines of this step, which daemons like to repeat.
    said: BTreeSet<(String, String)>,
    began: Instant,
}

impl std::fmt::Debug for Stage<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stage").field("lab", &self.lab).finish_non_exhaustive()
    }
}

impl<'a> Stage<'a> {
    /// Builds the network, writes the files and starts the units. `own` as in [`Lab::new`];
    /// `interrupted` is asked often and ends everything when it says yes.
    ///
    /// # Errors
    /// No root, a missing program, or a unit that does not start.
    pub fn build(
        scenario: Scenario,
        own: &Path,
        out: &'a mut (dyn Write + Send),
        colour: bool,
        interrupted: &'a dyn Fn() -> bool,
    ) -> Result<Self, Error> {
        let mut lab = Lab::new(own)?;
        for plan in &scenario.hosts {
            plan.programs.check()?;
            lab.add(plan.name, plan.address, plan.prefix, &plan.programs, plan.syslog)?;
            let host = lab.host(plan.name)?;
            for (path, text) in &plan.files {
                if text.starts_with("#!") {
                    host.write_executable(path, text)?;
                } else {
                    host.write(path, text)?;
                }
            }
        }
        let client = lab.host(scenario.client)?;
        let probes = ProbeTrain::start(client, scenario.vip)?;
        let requests = RequestTrain::start(client, scenario.vip)?;
        let adverts = AdvertCapture::start(lab.switch())?;
        let began = Instant::now();
        let mut stage = Self {
            lab,
            scenario,
            out,
            colour,
            interrupted,
            probes,
            requests,
            adverts,
            told: 0,
            said: BTreeSet::new(),
            began,
        };
        for plan in stage.scenario.hosts.clone() {
            stage.start_units(plan.name)?;
        }
        Ok(stage)
    }

    fn start_units(&mut self, name: &str) -> Result<(), Error> {
        let Some(plan) = self.scenario.hosts.iter().find(|plan| plan.name == name) else { return Ok(()) };
        for unit in plan.units.clone() {
            let host = self.lab.host(name)?;
            if let Err(error) = host.must(&format!("systemctl start {unit}")) {
                let status = host.run(&format!("systemctl status {unit}"))?;
                self.line(&status.text);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Plays all steps.
    ///
    /// # Errors
    /// The first thing that did not happen as promised, or the operator's interruption.
    pub fn play(&mut self) -> Result<Report, Error> {
        let mut report = Report::default();
        let steps = self.scenario.steps.clone();
        for (index, step) in steps.iter().enumerate() {
            let title = format!("{}. {}", index + 1, step.title);
            self.line("");
            self.paint("1", &title);
            match self.step(step) {
                Ok(step) => report.steps.push(step),
                Err(error) => {
                    self.tell();
                    self.paint("31", &format!("   ✗ {error}"));
                    return Err(error);
                }
            }
        }
        Ok(report)
    }

    fn step(&mut self, step: &Step) -> Result<StepReport, Error> {
        self.began = Instant::now();
        self.told = self.lab.journal.events().len();
        self.said.clear();
        if step.measured {
            self.requests.resume();
        }
        for action in &step.actions {
            self.act(action)?;
        }
        let end = Instant::now();
        self.requests.pause();
        self.tell();
        let gap = self.probes.longest_gap(self.began, end);
        let requests = step.measured.then(|| self.requests.between(self.began, end));
        let mut summary = format!("   longest time without an answer {}", in_words(gap));
        if let Some(requests) = &requests {
            let answers: Vec<String> =
                requests.answers.iter().map(|(page, count)| format!("{count} × {page}")).collect();
            let Requests { sent, lost, .. } = requests;
            summary.push_str(&format!("; {lost} of {sent} requests lost ({})", answers.join(", ")));
        }
        self.paint("36", &summary);
        Ok(StepReport { title: step.title.clone(), gap, requests })
    }

    /// Does or awaits one thing.
    pub(crate) fn act(&mut self, action: &Action) -> Result<(), Error> {
        match action {
            Action::Say(text) => self.line(&format!("   {text}")),
            Action::Run(host, line) => {
                let output = self.show(host, line)?;
                if !output.success() {
                    return Err(Error::Unmet(format!("«{line}» on {host} succeeds")));
                }
            }
            Action::Fails(host, line) => {
                if self.show(host, line)?.success() {
                    return Err(Error::Unmet(format!("«{line}» on {host} fails")));
                }
            }
            Action::Await(condition, time) => {
                let end = Instant::now() + *time;
                while !self.is_so(condition)? {
                    if Instant::now() > end {
                        let time = in_words(*time);
                        return Err(Error::Unmet(format!("{condition}, within {time}")));
                    }
                    self.breathe()?;
                }
                self.happened(condition);
            }
            Action::Stays(condition, time) => {
                let end = Instant::now() + *time;
                while Instant::now() < end {
                    if !self.is_so(condition)? {
                        return Err(Error::Unmet(format!("{condition}, for {}", in_words(*time))));
                    }
                    self.breathe()?;
                }
                self.tell();
                self.paint("32", &format!("   ✓ for {}: {condition}", in_words(*time)));
            }
            Action::Alternates(url, pages) => self.alternates(url, pages)?,
            Action::Crash(host) => {
                self.line(&format!("   {host}: link down, every process killed"));
                self.lab.crash(host)?;
            }
            Action::Boot(host) => {
                self.line(&format!("   {host}: powered on"));
                self.lab.boot(host)?;
                self.start_units(host)?;
            }
            Action::Cut(host) => {
                self.line(&format!("   {host}: cable pulled"));
                self.lab.cut(host)?;
            }
            Action::Restore(host) => {
                self.line(&format!("   {host}: cable plugged in"));
                self.lab.restore(host)?;
            }
            Action::Adverts(host, destination) => {
                let source = self.lab.hosts().find(|(known, _)| known.name() == *host).map(|(_, a)| a);
                let adverts = self.adverts.adverts();
                let mut sent = adverts.iter().filter(|a| Some(a.source) == source && a.at >= self.began);
                let what = format!("advertisements of {host} go to {destination}");
                let count = sent.clone().count();
                if count == 0 || sent.any(|advert| advert.destination != *destination) {
                    return Err(Error::Unmet(what));
                }
                self.paint("32", &format!("   ✓ {count} {what}"));
            }
        }
        Ok(())
    }

    fn alternates(&mut self, url: &str, pages: &[&str; 2]) -> Result<(), Error> {
        let line = format!("for i in {{1..10}};do curl -s {url};done");
        let output = self.show(self.scenario.client, &line)?;
        let lines: Vec<&str> = output.text.lines().map(str::trim).collect();
        let first = usize::from(lines.first() == Some(&pages[1]));
        let strict = lines.len() == 10
            && lines.iter().enumerate().all(|(index, line)| *line == pages[(index + first) % 2]);
        let what = "10 of 10 answers, in strict alternation".to_string();
        if !strict {
            return Err(Error::Unmet(what));
        }
        self.paint("32", &format!("   ✓ {what}"));
        Ok(())
    }

    fn is_so(&self, condition: &Condition) -> Result<bool, Error> {
        let said = |host: &str, matches: &dyn Fn(&What) -> bool| {
            let mut events = self.lab.journal.events().into_iter();
            events.any(|event| event.at >= self.began && event.host == host && matches(&event.what))
        };
        Ok(match condition {
            Condition::Holds(name, vip) => {
                let mut others = self.lab.hosts().map(|(host, _)| host).filter(|host| host.name() != *name);
                holds(self.lab.host(name)?, *vip)?
                    && !others.try_fold(false, |any, host| Ok::<_, Error>(any || holds(host, *vip)?))?
            }
            Condition::Log(host, text) => {
                said(host, &|what| matches!(what, What::Log(line) if line.contains(text)))
            }
            Condition::Mail(host, wanted) => {
                said(host, &|what| matches!(what, What::Mail { subject, .. } if subject == wanted))
            }
            Condition::Runs(host, unit) => {
                self.lab.host(host)?.run(&format!("systemctl is-active {unit}"))?.success()
            }
            Condition::Stopped(host, unit) => {
                !self.lab.host(host)?.run(&format!("systemctl is-active {unit}"))?.success()
            }
            Condition::File(host, path, text) => {
                std::fs::read_to_string(self.lab.host(host)?.path(path)).is_ok_and(|file| file.contains(text))
            }
            Condition::Page(url, text) => {
                let client = self.lab.host(self.scenario.client)?;
                client.run(&format!("curl -s -m 2 {url}"))?.text.contains(text)
            }
        })
    }

    /// Waits a moment, telling what happens in it.
    fn breathe(&mut self) -> Result<(), Error> {
        self.tell();
        if (self.interrupted)() {
            return Err(Error::Interrupted);
        }
        std::thread::sleep(LOOK);
        Ok(())
    }

    fn show(&mut self, host: &str, line: &str) -> Result<crate::Output, Error> {
        self.tell();
        self.line(&format!("   [root@{host} ~]# {line}"));
        let output = self.lab.host(host)?.run(line)?;
        for line in output.text.lines() {
            self.line(&format!("   {line}"));
        }
        Ok(output)
    }

    fn happened(&mut self, condition: &Condition) {
        self.tell();
        let since = self.began.elapsed().as_secs_f32();
        self.paint("32", &format!("   {since:5.1} s  ✓ {condition}"));
    }

    /// Tells what was logged and mailed since it was last asked.
    fn tell(&mut self) {
        let events = self.lab.journal.since(self.told);
        self.told += events.len();
        for Event { at, host, what } in events {
            let since = at.saturating_duration_since(self.began).as_secs_f32();
            match what {
                What::Log(line) if TOLD.iter().any(|word| line.contains(word)) => {
                    if self.said.insert((host.clone(), line.clone())) {
                        self.line(&format!("   {since:5.1} s  {host}: {line}"));
                    }
                }
                What::Log(_) => {}
                What::Mail { to, subject, .. } => {
                    self.line(&format!("   {since:5.1} s  mail on {host} to {}: {subject}", to.join(", ")));
                }
            }
        }
    }

    fn paint(&mut self, colour: &str, text: &str) {
        if self.colour {
            self.line(&format!("\x1b[{colour}m{text}\x1b[0m"));
        } else {
            self.line(text);
        }
    }

    /// A line for the reader, at once. That nobody reads is no reason to stop.
    fn line(&mut self, text: &str) {
        let _ = writeln!(self.out, "{text}");
        let _ = self.out.flush();
    }
}

/// The IPv4 addresses on interfaces with a carrier.
const ADDRESSES: &str = "ip -o link | grep -F LOWER_UP | cut -d ' ' -f 2 | tr -d : | cut -d @ -f 1 |
    while read interface; do ip -4 -o addr show dev $interface; done";

/// Whether a host has an address where others see it: one that was cut off and then killed may have
/// kept it.
fn holds(host: &Host, vip: std::net::Ipv4Addr) -> Result<bool, Error> {
    let output = host.run(ADDRESSES)?;
    Ok(output.text.split([' ', '/']).any(|word| word.parse() == Ok(vip)))
}

/// A length of time as people read it: milliseconds below a second.
pub(crate) fn in_words(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else if time.subsec_millis() == 0 {
        format!("{} s", time.as_secs())
    } else {
        format!("{:.2} s", time.as_secs_f64())
    }
}
