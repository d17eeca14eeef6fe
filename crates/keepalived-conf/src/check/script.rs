//! Whether scripts can run: file, interpreter, user, permissions.

use super::instances;
use super::parameters;
use super::system::{System, User};
use crate::Loaded;
use crate::model::{Command, Config, Global, Notify, NotifyScript, Shell};
use crate::program;
use diagnostic::{Diagnostic, Report, Span};
use std::path::{Path, PathBuf};

type Owner = Option<(String, Option<String>)>;

/// One command of the configuration.
struct Use<'a> {
    command: &'a Command,
    user: &'a Owner,
    span: Span,
    /// What becomes of it when it cannot run.
    otherwise: &'static str,
}

pub(super) fn check(loaded: &Loaded, system: &dyn System, report: &mut Report) {
    let uses = uses(loaded, report);
    if let Some(owner) = &loaded.config.global.script_user {
        find_user(owner, loaded.places.script_user, "no script can run", system, report);
    }
    for each in &uses {
        one(loaded, each, system, report);
    }
    security(loaded, &uses, system, report);
}

/// Commands that will be run; checks that nothing tracks are not.
fn uses<'a>(loaded: &'a Loaded, report: &mut Report) -> Vec<Use<'a>> {
    let mut uses = Vec::new();
    for (script, places) in loaded.config.scripts.iter().zip(&loaded.places.scripts) {
        if is_tracked(&loaded.config, &script.name) {
            let otherwise = "the check counts as failed";
            uses.push(Use { command: &script.command, user: &script.user, span: places.command, otherwise });
        } else {
            report.push(
                Diagnostic::hint(
                    "script-unused",
                    places.name,
                    format!("no instance tracks `{}`: it is not run", script.name),
                )
                .help(format!("add `track_script {{ {} }}` to an instance", script.name)),
            );
        }
    }
    let of_instances = instances(loaded).map(|(instance, places)| (&instance.notify, &places.notify));
    let groups = loaded.config.sync_groups.iter().zip(&loaded.places.sync_groups);
    let of_groups = groups.map(|(group, places)| (&group.notify, &places.notify));
    for (notify, places) in of_instances.chain(of_groups) {
        let Notify { master, backup, fault, stop, any, tell_deleted: _, deleted, lower_priority } = notify;
        let scripts = [master, backup, fault, stop, any, deleted, lower_priority];
        for (script, span) in scripts.into_iter().zip(places) {
            if let (Some(script), Some(span)) = (script, *span) {
                let otherwise = "this notification will fail";
                uses.push(Use { command: &script.command, user: &script.user, span, otherwise });
            }
        }
    }
    uses
}

/// Whether an instance or a sync group tracks a script.
fn is_tracked(config: &Config, script: &str) -> bool {
    let of_instances = config.instances.iter().flat_map(|instance| &instance.track_scripts);
    let of_groups = config.sync_groups.iter().flat_map(|group| &group.track.scripts);
    of_instances.chain(of_groups).any(|tracked| tracked.name == script)
}

fn one(loaded: &Loaded, each: &Use<'_>, system: &dyn System, report: &mut Report) {
    let Some(user) = user(loaded, each, system, report) else { return };
    signal_zero(each, user, report);
    match each.command {
        Command::Exec(words) => {
            let Some(program) = words.first() else { return };
            if let Some(path) = find(program, each, system, report) {
                file(loaded, &path, each, user, system, report);
                if let (true, Some(script)) =
                    (is_interpreter(&path), words.get(1).filter(|word| word.starts_with('/')))
                    && find(script, each, system, report).is_none()
                {
                    return;
                }
                for word in &words[1..] {
                    read_for_losses(Path::new(word), each, system, report);
                }
            }
        }
        Command::Shell { shell: Shell::Bash, .. } if system.program("bash").is_none() => report.push(
            Diagnostic::warning(
                "bash-missing",
                each.span,
                "this line needs bash, which is not here: sh runs it",
            )
            .help("install bash, or write the line for sh"),
        ),
        Command::Shell { line, .. } => {
            for program in program::named_in(line) {
                secure(loaded, program, each, user, system, report);
            }
            let script = line.split_whitespace().find(|word| word.starts_with('/'));
            if let Some(path) = script {
                read_for_losses(Path::new(path), each, system, report);
            }
        }
        Command::FileOpens(path) => {
            if system.file(path).is_none() {
                let message =
                    format!("`{}` does not exist now: the check fails until it does", path.display());
                report.push(Diagnostic::hint("file-missing", each.span, message));
            }
        }
    }
}

fn is_interpreter(program: &Path) -> bool {
    let name = program.file_name().and_then(|name| name.to_str());
    matches!(name, Some("sh" | "bash" | "dash" | "ash" | "ksh" | "zsh" | "python3" | "perl"))
}

/// The user a command runs as; `None` when there is no such user.
fn user(loaded: &Loaded, each: &Use<'_>, system: &dyn System, report: &mut Report) -> Option<User> {
    let Some(owner) = each.user.as_ref().or(loaded.config.global.script_user.as_ref()) else {
        return Some(system.user("keepalived_script").unwrap_or_default());
    };
    // What is wrong with `script_user` is said there.
    let mut aside = Report::default();
    let report = if each.user.is_some() { report } else { &mut aside };
    find_user(owner, Some(each.span), each.otherwise, system, report)
}

/// A user by name, in the group written after it.
fn find_user(
    (name, group): &(String, Option<String>),
    span: Option<Span>,
    otherwise: &'static str,
    system: &dyn System,
    report: &mut Report,
) -> Option<User> {
    let Some(user) = system.user(name) else {
        let message = format!("there is no user `{name}` to run scripts as");
        let finding = Diagnostic::error("unknown-user", span, message).label(otherwise);
        report.push(finding.help("create the user, or name another one, such as root"));
        return None;
    };
    let Some(group) = group else { return Some(user) };
    let Some(gid) = system.group(group) else {
        let message = format!("there is no group `{group}` to run scripts as");
        let finding = Diagnostic::error("unknown-user", span, message).label(otherwise);
        report.push(finding.help(format!("create the group, or leave it out: `{name}` has one of its own")));
        return None;
    };
    Some(User { gid, ..user })
}

/// Where the program is, said when it was searched for.
fn find(program: &str, each: &Use<'_>, system: &dyn System, report: &mut Report) -> Option<PathBuf> {
    if program.contains('/') {
        let path = PathBuf::from(program);
        if system.file(&path).is_some() {
            return Some(path);
        }
    } else if let Some(path) = system.program(program) {
        let message = format!("`{program}` is run as `{}`", path.display());
        report.push(Diagnostic::hint("found-on-path", each.span, message));
        return Some(path);
    }
    report.push(
        Diagnostic::error("script-missing", each.span, format!("there is no `{program}` here"))
            .label(each.otherwise)
            .help(if program.contains('/') {
                "create it and make it executable"
            } else {
                "write the full path, or install the package it belongs to"
            }),
    );
    None
}

fn file(loaded: &Loaded, path: &Path, each: &Use<'_>, user: User, system: &dyn System, report: &mut Report) {
    let Some(facts) = system.file(path) else { return };
    let shown = path.display();
    if !facts.executable_by(user) {
        report.push(
            Diagnostic::error(
                "script-not-executable",
                each.span,
                format!("`{shown}` is not executable for uid {}", user.uid),
            )
            .label(each.otherwise)
            .help(format!("chmod +x {shown}")),
        );
        return;
    }
    secure(loaded, path, each, user, system, report);
    interpreter(path, each, system, report);
    read_for_losses(path, each, system, report);
}

/// keepalived's rule: what runs as root must not be changeable by others.
fn secure(
    loaded: &Loaded,
    path: &Path,
    each: &Use<'_>,
    user: User,
    system: &dyn System,
    report: &mut Report,
) {
    let insecure = system.file(path).and_then(|facts| facts.insecure);
    let (true, 0, Some(part)) = (loaded.config.global.script_security, user.uid, insecure) else { return };
    report.push(
        Diagnostic::error(
            "script-insecure",
            each.span,
            format!("`{}` is refused: others than root can change `{}`", path.display(), part.display()),
        )
        .label(each.otherwise)
        .help(format!("chown root {0} && chmod go-w {0}", part.display()))
        .help("or run it as an unprivileged user: the rule is for scripts of root"),
    );
}

/// The program in the script's first line.
fn interpreter(path: &Path, each: &Use<'_>, system: &dyn System, report: &mut Report) {
    let Some(head) = system.head(path, 256) else { return };
    let Some(line) = head.strip_prefix(b"#!").and_then(|rest| rest.split(|b| *b == b'\n').next()) else {
        return;
    };
    let carriage_return = line.ends_with(b"\r");
    let line = String::from_utf8_lossy(line);
    let Some(program) = line.split_whitespace().next() else { return };
    let finding = if carriage_return {
        Diagnostic::error(
            "interpreter-missing",
            each.span,
            format!("the first line of `{}` ends in a carriage return", path.display()),
        )
        .help(format!("the kernel looks for `{program}\\r`: save the file with Unix line ends (dos2unix)"))
    } else if system.file(Path::new(program)).is_none() {
        Diagnostic::error(
            "interpreter-missing",
            each.span,
            format!("`{}` needs `{program}`, which is not here", path.display()),
        )
        .help("correct its first line, or install the interpreter")
    } else {
        return;
    };
    report.push(finding.label(each.otherwise));
}

/// Longest part of a script that is read.
const SCRIPT_HEAD: usize = 64 << 10;

fn read_for_losses(path: &Path, each: &Use<'_>, system: &dyn System, report: &mut Report) {
    if !path.is_absolute() {
        return;
    }
    let Some(text) = system.head(path, SCRIPT_HEAD).filter(|text| text.starts_with(b"#!")) else { return };
    for loss in parameters::lost(&text) {
        let (line, shown, text) = (loss.line, path.display(), loss.text);
        let message = format!("line {line} of `{shown}` seems to have lost a parameter: `{text}`");
        // One script often serves several words: what is wrong with it is said once.
        if report.findings().iter().any(|finding| finding.message == message) {
            continue;
        }
        let finding = Diagnostic::warning("lost-parameter", each.span, message);
        report.push(finding.help(format!("it was probably `{}`", loss.meant)));
    }
}

/// Signal 0 tells a process that is not ours apart from one that is not there only by errno, and
/// the tools do not.
fn signal_zero(each: &Use<'_>, user: User, report: &mut Report) {
    let line = match each.command {
        Command::Exec(words) => words.join(" "),
        Command::Shell { line, .. } => line.clone(),
        Command::FileOpens(_) => return,
    };
    let words: Vec<&str> = line.split(|c: char| c.is_whitespace() || "'\";|&()".contains(c)).collect();
    let signals = words.windows(2).any(|pair| {
        let name = pair[0].rsplit('/').next().unwrap_or(pair[0]);
        matches!(name, "kill" | "killall" | "pkill") && pair[1] == "-0"
    });
    if signals && user.uid != 0 {
        report.push(
            Diagnostic::warning(
                "signal-not-permitted",
                each.span,
                format!("as uid {}, signal 0 to a process of root is refused (EPERM)", user.uid),
            )
            .label("the check would read this as down")
            .help("use `pgrep -x NAME` or `pidof NAME`, or run this check with `user root`"),
        );
    }
}

/// Whether there is something to run, as far as can be seen.
fn may_run(command: &Command, system: &dyn System) -> bool {
    let Command::Exec(words) = command else { return true };
    words.first().is_some_and(|program| match program.contains('/') {
        true => system.file(Path::new(program)).is_some(),
        false => system.program(program).is_some(),
    })
}

/// Scripts that the program runs for itself.
fn of_program(global: &Global) -> impl Iterator<Item = &NotifyScript> {
    let timed = [&global.startup_script, &global.shutdown_script].into_iter().flatten();
    let fifos = [&global.fifos.all, &global.fifos.vrrp, &global.fifos.checkers].into_iter().flatten();
    timed.map(|timed| &timed.script).chain(fifos.filter_map(|fifo| fifo.script.as_ref()))
}

/// What is to be said once about all scripts that there are.
fn security(loaded: &Loaded, uses: &[Use<'_>], system: &dyn System, report: &mut Report) {
    let global = &loaded.config.global;
    let first = uses.iter().find(|each| may_run(each.command, system)).map(|each| each.span);
    let programs_own = of_program(global).any(|script| may_run(&script.command, system));
    if first.is_none() && !programs_own {
        return;
    }
    if !global.script_security {
        report.push(
            Diagnostic::warning(
                "no-script-security",
                first,
                "scripts run, but `enable_script_security` is not set",
            )
            .help("write into global_defs: `enable_script_security` and `script_user root`")
            .help("scripts that others than root can change are then refused"),
        );
    } else if global.script_user.is_none()
        && system.user("keepalived_script").is_none()
        && uses.iter().any(|each| each.user.is_none())
    {
        report.push(
            Diagnostic::warning(
                "no-script-user",
                loaded.places.script_security,
                "there is no `script_user` and no user `keepalived_script`: scripts run as root",
            )
            .help("the original keepalived removes the scripts instead; write `script_user root`"),
        );
    }
}
