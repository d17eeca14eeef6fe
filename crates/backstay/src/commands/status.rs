//! `backstay status`: who holds which address and why, and how the upstreams are.

use crate::supervisor::names::Name;
use crate::supervisor::operators::{Answer, Ask, HaStatus, Status, WebStatus, ask};
use ha::message::InstanceStatus;
use std::fmt::Write as _;
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Duration;

/// Shows how these stand, each under its name.
pub(super) fn status(names: &[Name], json: bool) -> ExitCode {
    let mut all = Vec::new();
    let mut failed = false;
    let mut texts = String::new();
    for name in names {
        match ask(name, Ask::Status) {
            Some(Ok(Answer::Status(status))) => {
                texts += &text(name, &status);
                all.push(*status);
            }
            Some(Ok(Answer::Failed(why)) | Err(why)) => {
                eprintln!("backstay: {why}");
                failed = true;
            }
            Some(Ok(Answer::Done)) | None => {}
        }
    }
    if json {
        match serde_json::to_string_pretty(&all) {
            Ok(text) => show(&text),
            Err(error) => eprintln!("backstay: {error}"),
        }
    } else if all.is_empty() {
        eprintln!("backstay: nothing of ours runs here");
    } else {
        show(&texts);
    }
    if all.is_empty() || failed { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}

/// Prints; a reader that has gone does not want the rest.
fn show(text: &str) {
    let _ = writeln!(std::io::stdout(), "{}", text.trim_end());
}

fn text(name: &Name, status: &Status) -> String {
    let mut text = format!("{name} (pid {})\n", status.pid);
    if let Some(ha) = &status.ha {
        ha_text(ha, &mut text);
    }
    if let Some(web) = &status.web {
        web_text(web, &mut text);
    }
    text
}

fn ha_text(ha: &HaStatus, text: &mut String) {
    // Writing to a string cannot fail, here and below.
    let _ = writeln!(text, "  {}", ha.file);
    if ha.findings > 0 {
        let _ = writeln!(
            text,
            "  degraded: {} errors in the file were passed over; see `backstay check`",
            ha.findings
        );
    }
    if ha.restarts > 0 {
        let _ = writeln!(text, "  processes started again: {}", ha.restarts);
    }
    match &ha.instances {
        Some(instances) => *text += &instances_text(instances, false),
        None => *text += "  the vrrp process does not answer\n",
    }
}

/// Every instance; with `counters`, what each has counted.
pub(crate) fn instances_text(instances: &[InstanceStatus], counters: bool) -> String {
    let mut text = String::new();
    for i in instances {
        let _ = writeln!(
            text,
            "  {}  {} for {}, priority {}{}, {} vrid {}",
            i.name,
            i.state.word(),
            human(i.since),
            i.priority,
            if i.priority == i.base_priority {
                String::new()
            } else {
                format!(" (configured {})", i.base_priority)
            },
            i.interface,
            i.vrid
        );
        if !i.why.is_empty() {
            let _ = writeln!(text, "      because: {}", i.why);
        }
        for effect in &i.effects {
            let _ = writeln!(text, "      {effect}");
        }
        let _ = writeln!(text, "      addresses: {}", i.addresses.join(", "));
        if let Some(master) = &i.master {
            let _ = writeln!(
                text,
                "      last heard master: {} with priority {}, {} ago",
                master.address,
                master.priority,
                human(master.ago)
            );
        }
        if !i.successors.is_empty() {
            let known: Vec<String> = i.successors.iter().map(ToString::to_string).collect();
            let _ = writeln!(text, "      a stop hands over to one of: {}", known.join(", "));
        }
        if let Some(conflict) = &i.conflict {
            let _ = writeln!(
                text,
                "      conflict: {} ({}, {} times, last {} ago)",
                conflict.what,
                conflict.source,
                conflict.count,
                human(conflict.ago)
            );
        }
        if counters {
            let c = &i.counters;
            let _ = writeln!(
                text,
                "      advertisements sent {}, received {}; became master {}, released {}; priority 0 sent {}, received {}",
                c.sent, c.received, c.became_master, c.released_master, c.releases_sent, c.releases_received
            );
            for (reason, count) in &i.rejected {
                let _ = writeln!(text, "      refused: {reason} {count}");
            }
        }
    }
    text
}

fn web_text(web: &WebStatus, text: &mut String) {
    let _ = writeln!(text, "  {}", web.file.display());
    match (web.pid, web.stopped_by_operator) {
        (Some(pid), _) => {
            let _ = writeln!(text, "  proxy (pid {pid})");
        }
        (None, true) => *text += "  proxy stopped by an operator; `backstay start nginx` starts it\n",
        (None, false) => *text += "  proxy not running; `backstay start nginx` starts it or says why not\n",
    }
    let Some(proxy) = &web.proxy else { return };
    let requests: u64 = proxy.threads.iter().map(|t| t.requests).sum();
    let active: u64 = proxy.threads.iter().map(|t| t.active).sum();
    let _ = writeln!(
        text,
        "      generation {}, {} threads, {active} connections, {requests} requests",
        proxy.generation,
        proxy.threads.len()
    );
    let accepted: Vec<String> = proxy.threads.iter().map(|t| t.accepted.to_string()).collect();
    let _ = writeln!(text, "      connections accepted by thread: {}", accepted.join(", "));
    for upstream in &proxy.upstreams {
        let _ = writeln!(text, "  upstream {}", upstream.name);
        for peer in &upstream.peers {
            let state = match (peer.down, peer.available) {
                (true, _) => "down",
                (false, true) => "up",
                (false, false) => "resting",
            };
            let _ = writeln!(
                text,
                "      {}{}  {state}, {} requests, {} failures, {} active",
                peer.address,
                if peer.backup { " backup" } else { "" },
                peer.requests,
                peer.failures,
                peer.active
            );
        }
    }
}

fn human(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..=9 => format!("{:.1} s", time.as_secs_f64()),
        10..=119 => format!("{seconds} s"),
        120..=7199 => format!("{} min", seconds / 60),
        7200..=172_799 => format!("{} h", seconds / 3600),
        _ => format!("{} days", seconds / 86_400),
    }
}
