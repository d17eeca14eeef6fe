//! Tracked objects of `keepalived.data`: scripts, files, processes, BFD sessions.

use super::{Moment, line, words};
use keepalived_conf::model::{
    BfdInstance, Conditions, Config, ParameterMatch, TrackFile, TrackProcess, TrackWeight, Tracked,
    VrrpInstance, VrrpScript,
};

pub(super) fn write(config: &Config, moment: &Moment<'_>, text: &mut String) {
    let tracked = |script: &&VrrpScript| {
        users(config, &script.name, |i| &i.track_scripts, |group| &group.scripts).next().is_some()
    };
    let scripts: Vec<&VrrpScript> = config.scripts.iter().filter(tracked).collect();
    if !scripts.is_empty() {
        line!(text, "------< VRRP Scripts >------");
        scripts.into_iter().for_each(|one| script(one, config, moment, text));
    }
    if !config.files.is_empty() {
        line!(text, "------< VRRP Track files >------");
        config.files.iter().for_each(|one| file(one, config, moment, text));
    }
    if !config.processes.is_empty() {
        line!(text, "------< VRRP Track processes >------");
        config.processes.iter().for_each(|one| process(one, config, moment, text));
    }
    if !config.bfd.is_empty() {
        line!(text, "------< VRRP Track BFDs >------");
        config.bfd.iter().for_each(|one| session(one, config, moment, text));
    }
}

/// The instances that track an object, by themselves or by their group, with the weight it has for each.
fn users<'a>(
    config: &'a Config,
    name: &'a str,
    own: impl Fn(&'a VrrpInstance) -> &'a Vec<Tracked> + 'a,
    of_group: impl Fn(&'a Conditions) -> &'a Vec<Tracked> + 'a,
) -> impl Iterator<Item = (&'a str, TrackWeight)> {
    let groups = |instance: &VrrpInstance| {
        let member = instance.name.clone();
        config.sync_groups.iter().filter(move |group| group.members.contains(&member))
    };
    config.instances.iter().filter_map(move |instance| {
        let all = groups(instance).flat_map(|group| of_group(&group.track)).chain(own(instance));
        Some((instance.name.as_str(), all.into_iter().find(|tracked| tracked.name == name)?.weight))
    })
}

fn list<'a>(users: impl Iterator<Item = (&'a str, TrackWeight)>, text: &mut String) {
    for (at, (name, weight)) in users.enumerate() {
        if at == 0 {
            line!(text, "   Tracking instances :");
        }
        line!(text, "     {name}, weight {}{}", weight.weight, words::reverse(weight));
    }
}

fn script(script: &VrrpScript, config: &Config, moment: &Moment<'_>, text: &mut String) {
    let up = moment.tracking.scripts.up(&script.name);
    let result = if up == Some(true) { script.rise + script.fall - 1 } else { 0 };
    line!(text, " VRRP Script = {}", script.name);
    line!(text, "   Command = {}", words::command(&script.command));
    line!(text, "   Interval = {} sec", script.interval.as_secs());
    line!(text, "   Timeout = {} sec", script.timeout.as_secs());
    line!(text, "   Weight = {}{}", script.weight, if script.reverse { " reverse" } else { "" });
    line!(text, "   Rise = {}", script.rise);
    line!(text, "   Fall = {}", script.fall);
    line!(text, "   Result = {result}");
    line!(text, "   Insecure = no");
    let stage = match (up, script.init_fail) {
        (None, false) => "INIT",
        (None, true) => "INIT/FAILED",
        (Some(_), _) => "unknown",
    };
    line!(text, "   Init state = {stage}");
    line!(text, "   Status = {}", if up == Some(true) { "GOOD" } else { "BAD" });
    let (uid, gid) = words::owner(script.user.as_ref(), &config.global);
    line!(text, "   Script uid:gid = {uid}:{gid}");
    line!(text, "   VRRP instances :");
    list(users(config, &script.name, |instance| &instance.track_scripts, |group| &group.scripts), text);
    // Whether a run is under way is known to the process that runs it only.
    line!(text, "   State = idle");
}

fn file(file: &TrackFile, config: &Config, moment: &Moment<'_>, text: &mut String) {
    line!(text, " Track file = {}", file.name);
    line!(text, "   File = {}", file.path.display());
    line!(text, "   Status = {}", moment.tracking.files.value(&file.name).unwrap_or_default());
    line!(text, "   Weight = {}{}", file.weight.weight, words::reverse(file.weight));
    list(users(config, &file.name, |instance| &instance.track_files, |group| &group.files), text);
}

fn process(process: &TrackProcess, config: &Config, moment: &Moment<'_>, text: &mut String) {
    line!(text, " VRRP Track process = {}", process.name);
    line!(text, "   Process = {}", process.program);
    if !process.parameters.is_empty() {
        line!(text, "   Parameters = {}", process.parameters.join(" "));
    }
    match process.matching {
        ParameterMatch::Ignored => {}
        ParameterMatch::Exact => line!(text, "   Param match"),
        ParameterMatch::Initial => line!(text, "   Param match = initial"),
        ParameterMatch::Partial => line!(text, "   Param match = partial"),
    }
    line!(text, "   Min processes = {}", process.quorum);
    if let Some(most) = process.quorum_max {
        line!(text, "   Max processes = {most}");
    }
    let (running, enough, delayed) = moment.tracking.processes.numbers(&process.name).unwrap_or_default();
    line!(text, "   Current processes = {running}");
    line!(text, "   Have quorum = {}", words::truth(enough));
    line!(text, "   Weight = {}{}", process.weight.weight, words::reverse(process.weight));
    line!(text, "   Terminate delay = {:.6}s", process.terminate_delay.as_secs_f64());
    line!(text, "   Fork delay = {:.6}s", process.fork_delay.as_secs_f64());
    let (forking, ending) = (delayed && !enough, delayed && enough);
    line!(text, "   Fork delay timer {}running", if forking { "" } else { "not " });
    line!(text, "   Terminate delay timer {}running", if ending { "" } else { "not " });
    line!(text, "   Full command = {}", words::truth(process.full_command));
    list(users(config, &process.name, |instance| &instance.track_processes, |group| &group.processes), text);
}

fn session(session: &BfdInstance, config: &Config, moment: &Moment<'_>, text: &mut String) {
    line!(text, " VRRP Track BFD = {}", session.name);
    line!(text, "   Weight = {}{}", session.weight.weight, words::reverse(session.weight));
    let up = moment.tracking.sessions.up(&session.name) == Some(true);
    line!(text, "   Bfd is {}", if up { "up" } else { "down" });
    line!(text, "   Tracking VRRP instances :");
    list(users(config, &session.name, |instance| &instance.track_bfd, |group| &group.bfd), text);
}
