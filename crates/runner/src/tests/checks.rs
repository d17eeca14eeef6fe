//! Tracked scripts, row by row as tutorials and operators write them.

use super::*;
use Shell::{Bash, Posix};

fn first(global: Global, command: Command) -> Outcome {
    Bench::new().outcome_of(global, check("chk", command))
}

#[test]
fn shell_words_are_given_to_a_shell() {
    let bench = Bench::new();
    let down = bench.path("down");
    let line = format!("[[ -f {} ]] && exit 1 || exit 0", down.display());
    assert_eq!(first(as_root(), shell(Bash, &line)), Outcome::Exited(0));
    fs::write(&down, "").unwrap();
    assert_eq!(first(as_root(), shell(Bash, &line)), Outcome::Exited(1));
    let line = line.replace("[[", "[").replace("]]", "]");
    assert_eq!(first(as_root(), shell(Posix, &line)), Outcome::Exited(1));
    assert_eq!(first(as_root(), shell(Posix, "echo nginx | grep -q nginx")), Outcome::Exited(0));
    assert_eq!(first(as_root(), shell(Posix, "test \"$(echo a; echo b | wc -l)\" = b")), Outcome::Exited(1));
}

#[test]
fn a_test_without_a_shell() {
    let bench = Bench::new();
    let file = bench.path("down");
    let command = exec(&["[", "-f", file.to_str().unwrap(), "]"]);
    assert_eq!(first(as_root(), command.clone()), Outcome::Exited(1));
    fs::write(&file, "").unwrap();
    assert_eq!(first(as_root(), command), Outcome::Exited(0));
}

#[test]
fn a_bare_name_is_searched_and_its_path_is_said_once() {
    let mut bench = Bench::new();
    let global = as_root();
    assert_eq!(bench.outcome_of(global, check("chk", exec(&["true"]))), Outcome::Exited(0));
    assert_eq!(bench.result(), Outcome::Exited(0));
    let line = bench.logged("script `true` is run as `/");
    assert!(line.ends_with("/true`"), "{line}");
    bench.stop().unwrap();
    while bench.lines.len() < 9 {
        let before = bench.lines.len();
        bench.read_log(Duration::from_millis(1));
        if bench.lines.len() == before {
            break;
        }
    }
    assert_eq!(bench.lines.iter().filter(|line| line.contains("is run as")).count(), 1);
}

#[test]
fn a_shell_written_out() {
    assert_eq!(
        first(as_root(), exec(&["/bin/bash", "-c", "[[ -f /nowhere ]] && exit 1 || exit 0"])),
        Outcome::Exited(0)
    );
    assert_eq!(first(as_root(), exec(&["/bin/sh", "-c", "exit 7"])), Outcome::Exited(7));
    assert_eq!(first(as_root(), exec(&["/bin/sh", "-c", "kill -USR1 $$"])), Outcome::Signalled(10));
}

#[test]
fn a_file_that_opens() {
    let bench = Bench::new();
    let path = bench.path("it's \"here\" $(false)");
    assert!(matches!(first(as_root(), Command::FileOpens(path.clone())), Outcome::Exited(1..)));
    fs::write(&path, "").unwrap();
    assert_eq!(first(as_root(), Command::FileOpens(path.clone())), Outcome::Exited(0));
    if is_root() {
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        let daemon = Global { script_user: Some(("daemon".into(), None)), ..Global::default() };
        assert!(matches!(first(daemon, Command::FileOpens(path)), Outcome::Exited(1..)));
    }
}

#[test]
fn what_cannot_run_is_a_failed_check_and_named() {
    let mut bench = Bench::new();
    let plain = bench.script("plain", "#!/bin/sh\nexit 0\n");
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o644)).unwrap();
    let lost = bench.script("lost", "#!/nonexistent/interp -x\nexit 0\n");
    let windows = bench.script("windows", "#!/bin/sh\r\nexit 0\r\n");
    let uid = rustix::process::geteuid().as_raw();
    let folder = bench.path("");
    let rows = [
        (plain.clone(), format!("`{plain}` is not executable for uid {uid}")),
        (lost.clone(), format!("`{lost}` needs `/nonexistent/interp`, which is not here")),
        (windows.clone(), format!("the first line of `{windows}` ends in a carriage return")),
        ("/nonexistent/check".into(), "there is no `/nonexistent/check`".into()),
        ("no-such-program".into(), "there is no program `no-such-program` on the path".into()),
        (folder.to_str().unwrap().to_owned(), "is not executable".into()),
    ];
    for (program, why) in rows {
        let outcome = bench.outcome_of(as_root(), check(&program, exec(&[&program])));
        let Outcome::NotRunnable(told) = outcome else { panic!("{program}: {outcome:?}") };
        assert!(told.contains(&why), "{told}");
        bench.logged(&why);
        // It is never dropped: each interval has its failure.
        assert!(matches!(bench.result(), Outcome::NotRunnable(_)));
        bench.configure(as_root(), vec![]);
        while bench.result_within(Duration::from_millis(50)).is_some() {}
    }
}

#[test]
fn a_script_without_a_first_line_is_one_for_sh() {
    let bench = Bench::new();
    let script = bench.script("bare", "exit $1\n");
    assert_eq!(first(as_root(), exec(&[&script, "3"])), Outcome::Exited(3));
}

#[test]
fn a_script_that_hangs_is_killed_with_its_group() {
    let times = Times { grace: Duration::from_millis(100), ..Times::default() };
    let mut bench = Bench::with(times);
    let (child, grandchild) = (bench.path("child"), bench.path("grandchild"));
    let text = format!(
        "#!/bin/sh\nsh -c 'trap \"\" TERM; echo $$ > {g}; while :; do sleep 0.01; done' &\nwhile [ ! -s {g} ]; do sleep 0.01; done\necho $$ > {c}\nwait\n",
        g = grandchild.display(),
        c = child.display()
    );
    let script = bench.script("hang", &text);
    let script =
        VrrpScript { timeout: Duration::from_secs(2), interval: LONG, ..check("hang", exec(&[&script])) };
    assert_eq!(bench.outcome_of(as_root(), script), Outcome::TimedOut);
    let (child, grandchild) = (pid_in(&child), pid_in(&grandchild));
    assert!(lives(grandchild), "it ignores SIGTERM");
    wait_for("their end", || (!lives(child) && !lives(grandchild)).then_some(()));
    assert_eq!(bench.result_within(Duration::from_millis(50)), None, "its end is no second result");
}

#[test]
fn a_script_that_timed_out_runs_again_when_it_is_due() {
    let mut bench = Bench::new();
    let script = VrrpScript {
        interval: Duration::from_millis(60),
        timeout: Duration::from_millis(30),
        ..check("slow", exec(&["sleep", "100"]))
    };
    bench.configure(as_root(), vec![script]);
    assert_eq!([bench.result(), bench.result()], [Outcome::TimedOut, Outcome::TimedOut]);
}

#[test]
fn a_run_that_still_goes_on_is_not_overtaken() {
    let mut bench = Bench::new();
    let (runs, go) = (bench.path("runs"), bench.path("go"));
    let text = format!(
        "#!/bin/sh\necho begin >> {r}\nwhile [ ! -e {g} ]; do sleep 0.01; done\necho end >> {r}\n",
        r = runs.display(),
        g = go.display()
    );
    let script = bench.script("slow", &text);
    bench.configure(as_root(), vec![check("slow", exec(&[&script])), check("quick", exec(&["true"]))]);
    // Ten intervals of the other one.
    for _ in 0..10 {
        assert_eq!(bench.result_within(LONG).unwrap(), ("quick".into(), Outcome::Exited(0)));
    }
    assert_eq!(lines_of(&runs), ["begin"]);
    fs::write(&go, "").unwrap();
    wait_for("its result", || (bench.result_within(LONG).unwrap().0 == "slow").then_some(()));
    wait_for("the next run", || (lines_of(&runs).len() >= 3).then_some(()));
    assert_eq!(lines_of(&runs)[..3], ["begin", "end", "begin"]);
}

#[test]
fn a_new_configuration_leaves_unchanged_scripts_their_rhythm() {
    let mut bench = Bench::new();
    let (kept, gone) = (bench.path("kept"), bench.path("gone"));
    let write_and_wait = |path: &Path| {
        let line = format!("echo $$ >> {}; sleep 100", path.display());
        VrrpScript {
            interval: LONG,
            ..check(path.file_name().unwrap().to_str().unwrap(), shell(Posix, &line))
        }
    };
    let mut scripts = vec![write_and_wait(&kept), write_and_wait(&gone)];
    bench.configure(as_root(), scripts.clone());
    let (kept_pid, gone_pid) = (pid_in(&kept), pid_in(&gone));
    scripts.pop();
    scripts[0].weight = 20;
    scripts.push(check("new", exec(&["true"])));
    bench.configure(as_root(), scripts);
    assert_eq!(bench.result_within(LONG).unwrap(), ("new".into(), Outcome::Exited(0)));
    wait_for("the removed script's end", || (!lives(gone_pid)).then_some(()));
    assert!(lives(kept_pid));
    assert_eq!(lines_of(&kept).len(), 1);
    bench.stop().unwrap();
    wait_for("the end of checks", || (!lives(kept_pid)).then_some(()));
}

#[test]
fn users_and_groups() {
    if !is_root() {
        return;
    }
    let bench = Bench::new();
    let identity = |name: &str, group: Option<&str>| {
        let user = sys::privileges::User::find(name, group).unwrap();
        let line = format!(
            "test \"$(id -u):$(id -g)\" = {}:{} && test $(id -G | wc -w) = {}",
            user.uid,
            user.gid,
            user.groups.len()
        );
        shell(Posix, &line)
    };
    let of = |user: Option<(&str, Option<&str>)>| user.map(|(u, g)| (u.to_owned(), g.map(str::to_owned)));
    let daemon = Global { script_user: of(Some(("daemon", None))), ..Global::default() };
    let rows = [
        (daemon.clone(), None, identity("daemon", None)),
        (daemon.clone(), Some(("nobody", None)), identity("nobody", None)),
        (daemon.clone(), Some(("nobody", Some("daemon"))), identity("nobody", Some("daemon"))),
        (daemon, Some(("root", None)), identity("root", None)),
    ];
    for (global, user, command) in rows {
        let script = VrrpScript { user: of(user), ..check("who", command) };
        assert_eq!(Bench::new().outcome_of(global, script), Outcome::Exited(0), "{user:?}");
    }
    let unwritten = if sys::privileges::User::find("keepalived_script", None).is_some() {
        "keepalived_script"
    } else {
        "root"
    };
    assert_eq!(first(Global::default(), identity(unwritten, None)), Outcome::Exited(0));
    for user in [("stranger", None), ("root", Some("strangers"))] {
        let script = VrrpScript { user: of(Some(user)), ..check("who", exec(&["true"])) };
        let outcome = Bench::new().outcome_of(Global::default(), script);
        assert!(
            matches!(&outcome, Outcome::NotRunnable(why) if why.contains("there is no user")),
            "{outcome:?}"
        );
    }
    // Execution is the right of the user that runs it, not of whoever starts it.
    let script = bench.script("own", "#!/bin/sh\n");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o700)).unwrap();
    let daemon = Global { script_user: of(Some(("daemon", None))), ..Global::default() };
    assert_eq!(
        first(daemon, exec(&[&script])),
        Outcome::NotRunnable(format!("`{script}` is not executable for uid 1"))
    );
}

#[test]
fn a_script_of_root_has_what_root_has() {
    if !is_root() {
        return;
    }
    let mut bench = Bench::new();
    let own = fs::read_to_string("/proc/self/status").unwrap();
    let own = own.lines().find(|line| line.starts_with("CapEff")).unwrap();
    let line = format!("grep -q '{own}' /proc/self/status");
    let script = check("capabilities", shell(Posix, &line));
    assert_eq!(bench.outcome_of(as_root(), script), Outcome::Exited(0));
    // The runner itself may not even look into this folder any more.
    let folder = bench.path("theirs");
    fs::create_dir(&folder).unwrap();
    let (script, missing) = (bench.script("theirs/check.sh", "exit $1\n"), folder.join("missing"));
    let plain = bench.script("theirs/plain", "#!/bin/sh\n");
    fs::set_permissions(&plain, fs::Permissions::from_mode(0o644)).unwrap();
    std::os::unix::fs::chown(&script, Some(1), Some(1)).unwrap();
    std::os::unix::fs::chown(&folder, Some(1), Some(1)).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!(first(as_root(), exec(&[&script, "4"])), Outcome::Exited(4));
    assert_eq!(first(as_root(), Command::FileOpens(script.into())), Outcome::Exited(0));
    for failing in [missing.to_str().unwrap(), &plain] {
        let outcome = first(as_root(), exec(&[failing]));
        assert!(matches!(outcome, Outcome::Exited(126 | 127)), "{outcome:?}");
    }
    let secure = Global { script_security: true, ..as_root() };
    let outcome = first(secure, exec(&[&plain]));
    assert!(matches!(&outcome, Outcome::NotRunnable(why) if why.contains("others than root")), "{outcome:?}");
}

#[test]
fn a_hanging_script_of_another_user_is_killed() {
    if !is_root() {
        return;
    }
    let mut bench = Bench::new();
    let pid = bench.path("pid");
    fs::write(&pid, "").unwrap();
    std::os::unix::fs::chown(&pid, Some(1), Some(1)).unwrap();
    let line = format!("echo $$ > {}; exec sleep 100", pid.display());
    let script = VrrpScript {
        timeout: Duration::from_secs(2),
        interval: LONG,
        user: Some(("daemon".into(), None)),
        ..check("hang", shell(Posix, &line))
    };
    assert_eq!(bench.outcome_of(as_root(), script), Outcome::TimedOut);
    let pid = pid_in(&pid);
    wait_for("its end", || (!lives(pid)).then_some(()));
}

#[test]
fn script_security_refuses_what_others_can_change() {
    if !is_root() {
        return;
    }
    let bench = Bench::new();
    let script = bench.script("check.sh", "#!/bin/sh\n");
    let secure = Global { script_security: true, ..as_root() };
    assert_eq!(first(secure.clone(), exec(&[&script])), Outcome::Exited(0), "only root can change it");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o777)).unwrap();
    assert_eq!(first(as_root(), exec(&[&script])), Outcome::Exited(0), "without the word it runs");
    for command in [exec(&[&script]), shell(Posix, &format!("test -e /etc && {script}"))] {
        let outcome = first(secure.clone(), command);
        let Outcome::NotRunnable(why) = outcome else { panic!("{outcome:?}") };
        assert!(why.ends_with(&format!("others than root can change `{script}`")), "{why}");
    }
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).unwrap();
    std::os::unix::fs::chown(bench.path(""), Some(1), Some(1)).unwrap();
    let folder = bench.folder.path().display();
    let outcome = first(secure.clone(), exec(&[&script]));
    assert!(
        matches!(&outcome, Outcome::NotRunnable(why) if why.ends_with(&format!("`{folder}`"))),
        "{outcome:?}"
    );
    let daemon = Global { script_user: Some(("daemon".into(), None)), ..secure };
    assert_eq!(first(daemon, exec(&[&script])), Outcome::Exited(0), "it is not run as root");
}

/// A program whose file nobody may open while another process holds a lease of it: executing it waits, as
/// on a file system that does not answer.
#[test]
fn a_script_whose_file_system_hangs_holds_nothing_else_up() {
    if !is_root() {
        return;
    }
    let mut bench = Bench::new();
    let script = bench.script("stuck.sh", "#!/bin/sh\n");
    // The kernel tells the holder that somebody waits: it is not to end of that, but with this test.
    let holder = "import fcntl, signal, sys\nsignal.signal(signal.SIGIO, signal.SIG_IGN)\nf = open(sys.argv[1], 'r+')\n\
                  fcntl.fcntl(f, fcntl.F_SETLEASE, fcntl.F_WRLCK)\nprint('held', flush=True)\nsys.stdin.read()";
    let holder = std::process::Command::new("python3")
        .args(["-c", holder, &script])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn();
    let Ok(mut holder) = holder else {
        eprintln!("not run: no python3");
        return;
    };
    let mut line = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(holder.stdout.take().unwrap()), &mut line)
        .unwrap();
    assert_eq!(line, "held\n");
    let stuck = VrrpScript {
        timeout: Duration::from_millis(200),
        interval: Duration::from_secs(600),
        ..check("stuck", exec(&[&script]))
    };
    let once = |command| Task { command, user: None, arguments: Vec::new() };
    bench.configure(as_root(), vec![stuck, check("other", exec(&["true"]))]);
    bench.notify("V", vec![once(exec(&[&script]))]);
    let done = bench.path("done");
    bench.notify("W", vec![once(shell(Posix, &format!("touch {}", done.display())))]);
    let (mut stuck, mut others) = (None, 0);
    while stuck.is_none() || others < 20 {
        let (name, outcome) = bench.result_within(Duration::from_secs(10)).expect("others go on");
        match name.as_str() {
            "stuck" => stuck = Some(outcome),
            _ => others += 1,
        }
    }
    assert_eq!(stuck, Some(Outcome::TimedOut));
    wait_for("the script of another instance", || done.exists().then_some(()));
    // The process that waits has the other end of its standard input too, until it executes something.
    holder.kill().unwrap();
    holder.wait().unwrap();
}

#[test]
fn a_script_has_the_environment_of_the_program_and_no_descriptors() {
    let mut bench = Bench::new();
    let (environment, descriptors) = (bench.path("environment"), bench.path("descriptors"));
    let line = format!(
        "env > {0}; ls -l /proc/$$/fd > {1}.new; pwd >> {0}; mv {1}.new {1}",
        environment.display(),
        descriptors.display()
    );
    let script = VrrpScript { interval: LONG, ..check("env", shell(Posix, &line)) };
    assert_eq!(bench.outcome_of(as_root(), script), Outcome::Exited(0));
    let names: Vec<String> =
        lines_of(&environment).into_iter().map(|line| line.split('=').next().unwrap().to_owned()).collect();
    // What cargo has set.
    for name in ["PATH", "CARGO_PKG_NAME", "/"] {
        assert!(names.contains(&name.to_owned()), "{names:?}");
    }
    let open: Vec<String> = lines_of(&descriptors).into_iter().filter(|line| line.contains(" -> ")).collect();
    assert!(open.iter().filter(|line| line.ends_with("-> /dev/null")).count() >= 2, "{open:?}");
    assert!(!open.iter().any(|line| line.contains("socket:") || line.contains("pidfd")), "{open:?}");
}

#[test]
fn much_output_blocks_nobody() {
    assert_eq!(
        first(as_root(), shell(Posix, "head -c 1000000 /dev/zero; echo error >&2")),
        Outcome::Exited(0)
    );
}

#[test]
fn it_ends_when_the_supervisor_is_gone() {
    let mut bench = Bench::new();
    let pid = bench.path("pid");
    let line = format!("echo $$ > {}; exec sleep 100", pid.display());
    bench.configure(as_root(), vec![check("long", shell(Posix, &line))]);
    let pid = pid_in(&pid);
    bench.channel = None;
    assert!(bench.runner.take().unwrap().join().unwrap().is_ok());
    wait_for("the end of checks", || (!lives(pid)).then_some(()));
}
