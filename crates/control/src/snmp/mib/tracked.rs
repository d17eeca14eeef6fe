//! KEEPALIVED-MIB: what can be tracked, and who tracks it.

use super::{Facts, column, command, gauge, integer, keepalived_vrrp, numbered, text, truth};
use agentx::{Oid, Table, Tree, Value};
use keepalived_conf::model::{
    BfdInstance, Command, Conditions, ParameterMatch, TrackFile, TrackProcess, TrackWeight, Tracked,
    VrrpScript,
};

struct Script<'a> {
    config: &'a VrrpScript,
    /// `None` while it has not answered.
    up: Option<bool>,
}

struct File<'a> {
    config: &'a TrackFile,
    value: i64,
}

struct Process<'a> {
    config: &'a TrackProcess,
    running: u32,
    enough: bool,
}

struct Session<'a> {
    config: &'a BfdInstance,
    up: bool,
}

pub(super) fn fill(facts: Facts<'_>, tree: &mut Tree) {
    let base = keepalived_vrrp();
    scripts(facts, &base, tree);
    files(facts, &base, tree);
    sessions(facts, &base, tree);
    processes(facts, &base, tree);
    let instances: Vec<Conditions> = facts
        .config()
        .instances
        .iter()
        .map(|instance| Conditions {
            interfaces: instance.track_interfaces.clone(),
            scripts: instance.track_scripts.clone(),
            files: instance.track_files.clone(),
            processes: instance.track_processes.clone(),
            bfd: instance.track_bfd.clone(),
        })
        .collect();
    users(&instances.iter().collect::<Vec<_>>(), [4, 5, 12, 17, 20], &base, tree);
    let groups: Vec<&Conditions> = facts.config().sync_groups.iter().map(|group| &group.track).collect();
    users(&groups, [14, 15, 16, 19, 22], &base, tree);
}

/// Those that something tracks: others are not run.
fn scripts(facts: Facts<'_>, base: &Oid, tree: &mut Tree) {
    let table = Table::<Script<'_>> {
        entry: &[9, 1],
        columns: &[
            column(2, |s| text(&s.config.name)),
            column(3, |s| command(&s.config.command)),
            column(4, |s| integer(s.config.interval.as_secs())),
            column(5, |s| integer(s.config.weight)),
            column(6, |s| {
                integer(match (s.up, s.config.init_fail) {
                    (None, false) => 1,
                    (Some(false), _) => 2,
                    (Some(true), _) => 3,
                    (None, true) => 5,
                })
            }),
            column(7, |s| gauge(s.config.rise)),
            column(8, |s| gauge(s.config.fall)),
            column(9, |s| truth(s.config.reverse)),
            column(10, |s| path(&s.config.command)),
            column(11, |s| gauge(s.config.interval.as_micros())),
            column(12, |s| gauge(s.config.timeout.as_micros())),
        ],
    };
    let config = facts.config();
    let is = |name: &str, tracked: &[Tracked]| tracked.iter().any(|tracked| tracked.name == name);
    let is_tracked = |script: &&VrrpScript| {
        config.instances.iter().any(|instance| is(&script.name, &instance.track_scripts))
            || config.sync_groups.iter().any(|group| is(&script.name, &group.track.scripts))
    };
    let verdicts = &facts.state.surroundings.scripts;
    let rows = config.scripts.iter().filter(is_tracked).map(|config| Script {
        config,
        up: verdicts.iter().find(|(name, _)| *name == config.name).map(|(_, up)| *up),
    });
    table.fill(base, numbered(rows), tree);
}

/// The program of a command.
fn path(command: &Command) -> Option<Value> {
    match command {
        Command::Exec(words) => text(words.first()?),
        Command::Shell { line, .. } => text(line),
        Command::FileOpens(path) => text(&path.to_string_lossy()),
    }
}

fn files(facts: Facts<'_>, base: &Oid, tree: &mut Tree) {
    let table = Table::<File<'_>> {
        entry: &[13, 1],
        columns: &[
            column(2, |f| text(&f.config.name)),
            column(3, |f| text(&f.config.path.to_string_lossy())),
            column(4, |f| integer(f.value.clamp(i32::MIN.into(), i32::MAX.into()))),
            column(5, |f| integer(f.config.weight.weight)),
            column(6, |f| truth(f.config.weight.reverse)),
        ],
    };
    let values = &facts.state.surroundings.files;
    let rows = facts.config().files.iter().map(|config| File {
        config,
        value: values.iter().find(|(name, _)| *name == config.name).map_or(0, |(_, value)| *value),
    });
    table.fill(base, numbered(rows), tree);
}

fn sessions(facts: Facts<'_>, base: &Oid, tree: &mut Tree) {
    let table = Table::<Session<'_>> {
        entry: &[18, 1],
        columns: &[
            column(2, |b| text(&b.config.name)),
            column(3, |b| integer(u8::from(b.up))),
            column(4, |b| integer(b.config.weight.weight)),
            column(5, |b| truth(b.config.weight.reverse)),
        ],
    };
    let verdicts = &facts.state.surroundings.bfd;
    let rows = facts
        .config()
        .bfd
        .iter()
        .map(|config| Session { config, up: verdicts.iter().any(|(name, up)| *name == config.name && *up) });
    table.fill(base, numbered(rows), tree);
}

fn processes(facts: Facts<'_>, base: &Oid, tree: &mut Tree) {
    let table = Table::<Process<'_>> {
        entry: &[21, 1],
        columns: &[
            column(2, |p| text(&p.config.name)),
            column(3, |p| text(&p.config.program)),
            column(4, |p| text(&p.config.parameters.join(" "))),
            column(5, |p| {
                integer(match p.config.matching {
                    ParameterMatch::Ignored => 0,
                    ParameterMatch::Exact => 1,
                    ParameterMatch::Initial => 2,
                    ParameterMatch::Partial => 3,
                })
            }),
            column(6, |p| integer(p.config.weight.weight)),
            column(7, |p| truth(p.config.weight.reverse)),
            column(8, |p| gauge(p.config.quorum)),
            column(9, |p| p.config.quorum_max.map_or(integer(-1), integer)),
            column(10, |p| gauge(p.config.fork_delay.as_micros())),
            column(11, |p| gauge(p.config.terminate_delay.as_micros())),
            column(12, |p| truth(p.config.full_command)),
            column(13, |p| integer(p.running)),
            column(14, |p| truth(p.enough)),
        ],
    };
    let known = &facts.state.surroundings.processes;
    let rows = facts.config().processes.iter().map(|config| {
        let (running, enough) = known
            .iter()
            .find(|(name, ..)| *name == config.name)
            .map_or((0, false), |(_, running, enough)| (*running, *enough));
        Process { config, running, enough }
    });
    table.fill(base, numbered(rows), tree);
}

/// Who tracks what with which weight: a table each for interfaces, scripts, files, BFD sessions and
/// processes, of which that for interfaces begins one column earlier.
fn users(all: &[&Conditions], entries: [u32; 5], base: &Oid, tree: &mut Tree) {
    let [interfaces, scripts, files, bfd, processes] = entries;
    let named = |list: &[Tracked]| -> Vec<(String, TrackWeight)> {
        list.iter().map(|tracked| (tracked.name.clone(), tracked.weight)).collect()
    };
    for (user, conditions) in (1..).zip(all) {
        let links: Vec<(String, TrackWeight)> =
            conditions.interfaces.iter().map(|t| (t.interface.clone(), t.weight)).collect();
        let tables = [
            (interfaces, 1, links),
            (scripts, 2, named(&conditions.scripts)),
            (files, 2, named(&conditions.files)),
            (bfd, 2, named(&conditions.bfd)),
            (processes, 2, named(&conditions.processes)),
        ];
        for (entry, first, rows) in tables {
            let entry = base.below(&[entry, 1]);
            let table = Table::<(String, TrackWeight)> {
                entry: &[],
                columns: &[
                    column(first, |(name, _)| text(name)),
                    column(first + 1, |(_, weight)| integer(weight.weight)),
                    column(first + 2, |(_, weight)| truth(weight.reverse)),
                ],
            };
            table.fill(&entry, (1..).zip(rows).map(|(number, row)| (vec![user, number], row)), tree);
        }
    }
}
