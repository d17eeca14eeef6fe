//! Notify scripts.

use super::*;
use Shell::Posix;

fn task(command: Command, arguments: &[&str]) -> Task {
    Task { command, user: None, arguments: arguments.iter().map(|a| (*a).to_owned()).collect() }
}

#[test]
fn those_of_one_instance_run_in_order_and_never_at_once() {
    let mut bench = Bench::new();
    let told = bench.path("told");
    let text =
        format!("#!/bin/sh\necho \"begin $*\" >> {0}\nsleep 0.02\necho \"end $*\" >> {0}\n", told.display());
    let script = bench.script("notify.sh", &text);
    let states = ["BACKUP", "MASTER", "FAULT", "BACKUP", "MASTER"];
    bench.configure(as_root(), vec![]);
    for state in states {
        let keepalived = task(exec(&[&script]), &["INSTANCE", "VI_1", state, "100"]);
        bench.notify("VI_1", vec![task(exec(&[&script, "own word"]), &[]), keepalived]);
    }
    let expected: Vec<String> = states
        .iter()
        .flat_map(|state| ["own word".to_owned(), format!("INSTANCE VI_1 {state} 100")])
        .flat_map(|words| [format!("begin {words}"), format!("end {words}")])
        .collect();
    wait_for("all", || (lines_of(&told).len() == expected.len()).then_some(()));
    assert_eq!(lines_of(&told), expected);
}

#[test]
fn those_of_different_instances_run_side_by_side() {
    let mut bench = Bench::new();
    bench.configure(as_root(), vec![]);
    // Each waits for what the other one makes.
    let (a, b) = (bench.path("a"), bench.path("b"));
    let meet = |mine: &Path, other: &Path| {
        let line = format!(
            "touch {}; while [ ! -e {} ]; do sleep 0.01; done; touch $0.met",
            mine.display(),
            other.display()
        );
        exec(&["/bin/sh", "-c", &line, mine.to_str().unwrap()])
    };
    bench.notify("VI_1", vec![task(meet(&a, &b), &[])]);
    bench.notify("VI_2", vec![task(meet(&b, &a), &[])]);
    wait_for("both", || (bench.path("a.met").exists() && bench.path("b.met").exists()).then_some(()));
}

#[test]
fn a_long_one_holds_the_next_back_only_for_a_while_and_lives_on() {
    let mut bench = Bench::with(Times { patience: Duration::from_millis(50), ..Times::default() });
    bench.configure(as_root(), vec![]);
    let (pid, done, go) = (bench.path("pid"), bench.path("done"), bench.path("go"));
    let long = format!("echo $$ > {}; while [ ! -e {} ]; do sleep 0.01; done", pid.display(), go.display());
    bench.notify(
        "VI_1",
        vec![task(shell(Posix, &long), &[]), task(exec(&["touch", done.to_str().unwrap()]), &[])],
    );
    let pid = pid_in(&pid);
    wait_for("the next one", || done.exists().then_some(()));
    assert!(lives(pid));
    bench.logged("is left running, the next one starts");
    fs::write(&go, "").unwrap();
    wait_for("its end", || (!Path::new(&format!("/proc/{pid}")).exists()).then_some(()));
}

#[test]
fn failures_are_said_in_clear_words_and_the_next_one_runs() {
    let mut bench = Bench::new();
    bench.configure(as_root(), vec![]);
    let done = bench.path("done");
    bench.notify(
        "VI_1",
        vec![
            task(exec(&["/bin/sh", "-c", "exit 3"]), &["MASTER"]),
            task(exec(&["/bin/sh", "-c", "kill -9 $$"]), &[]),
            task(exec(&["/nonexistent/notify.sh"]), &["MASTER"]),
            task(shell(Posix, "test $1 = MASTER && touch"), &["MASTER"]),
            task(exec(&["touch"]), &[done.to_str().unwrap()]),
        ],
    );
    wait_for("the last one", || done.exists().then_some(()));
    bench.logged("(VI_1) notify script `/bin/sh -c exit 3 MASTER` failed with exit status 3");
    bench.logged("was ended by signal 9");
    bench.logged("(VI_1) notify script `/nonexistent/notify.sh MASTER` was not run: there is no `/nonexistent/notify.sh`");
    bench.logged("`test $1 = MASTER && touch MASTER` failed with exit status 1");
}

#[test]
fn arguments_reach_a_line_for_the_shell_without_being_part_of_it() {
    let mut bench = Bench::new();
    bench.configure(as_root(), vec![]);
    let told = bench.path("told");
    let script = bench.script("notify.sh", "#!/bin/sh\nfor word; do echo \"<$word>\"; done\n");
    let line = format!("{script} first > {0}.new && mv {0}.new {0} #", told.display());
    bench.notify("VI_1", vec![task(shell(Posix, &line), &["; touch /nowhere", "$(false)"])]);
    wait_for("it", || told.exists().then_some(()));
    assert_eq!(lines_of(&told), ["<first>"]);
    fs::remove_file(&told).unwrap();
    let line = format!("> {0}.new {script} \"$@\" && mv {0}.new {0}", told.display());
    bench.notify("VI_1", vec![task(shell(Posix, &line), &["; touch /nowhere", "$(false)"])]);
    wait_for("it", || told.exists().then_some(()));
    assert_eq!(lines_of(&told), ["<; touch /nowhere>", "<$(false)>"]);
}

#[test]
fn stopping_waits_a_moment_loses_nothing_and_leaves_the_rest_running() {
    let mut bench = Bench::with(Times { farewell: Duration::from_secs(1), ..Times::default() });
    bench.configure(as_root(), vec![]);
    let (short, pid, last) = (bench.path("short"), bench.path("pid"), bench.path("last"));
    let short_line = format!("sleep 0.05; touch {}", short.display());
    let long_line = format!("echo $$ > {}; exec sleep 100", pid.display());
    let last_line = format!("echo $1 >> {}", last.display());
    bench.notify("VI_1", vec![task(shell(Posix, &short_line), &[])]);
    bench.notify("VI_2", vec![task(shell(Posix, &long_line), &[])]);
    let told = ["BACKUP", "STOP"].map(|state| task(shell(Posix, &last_line), &[state]));
    bench.notify("VI_2", told.to_vec());
    let pid = pid_in(&pid);
    bench.stop().unwrap();
    assert!(short.exists());
    assert!(lives(pid));
    bench.logged("is left running, the next one starts");
    let mut told = wait_for("both", || Some(lines_of(&last)).filter(|lines| lines.len() == 2));
    told.sort();
    assert_eq!(told, ["BACKUP", "STOP"]);
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(pid as i32).unwrap(),
        rustix::process::Signal::KILL,
    )
    .unwrap();
}

#[test]
fn stopping_with_nothing_to_do_is_immediate() {
    let mut bench = Bench::with(Times { farewell: LONG, ..Times::default() });
    let quiet = VrrpScript { interval: LONG, ..check("true", exec(&["true"])) };
    assert_eq!(bench.outcome_of(as_root(), quiet), Outcome::Exited(0));
    let begin = Instant::now();
    bench.stop().unwrap();
    assert!(begin.elapsed() < LONG / 2);
}

#[test]
fn what_is_run_at_last_comes_after_notifications_that_end() {
    let mut bench = Bench::with(Times { farewell: LONG, ..Times::default() });
    bench.configure(as_root(), vec![]);
    let order = bench.path("order");
    let say = |word: &str| task(shell(Posix, &format!("sleep 0.1; echo {word} >> {}", order.display())), &[]);
    bench.notify("VI_1", vec![say("BACKUP"), say("STOP")]);
    let begin = Instant::now();
    bench.stop_with(Some((say("last"), LONG))).unwrap();
    assert_eq!(lines_of(&order), ["BACKUP", "STOP", "last"]);
    assert!(begin.elapsed() < LONG / 2);
}

#[test]
fn what_is_run_at_last_waits_a_moment_only_and_has_its_limit() {
    let mut bench = Bench::with(Times { farewell: Duration::from_millis(100), ..Times::default() });
    bench.configure(as_root(), vec![]);
    let (notified, last) = (bench.path("notified"), bench.path("last"));
    let long =
        |path: &Path| task(shell(Posix, &format!("echo $$ > {}; exec sleep 100", path.display())), &[]);
    bench.notify("VI_1", vec![long(&notified)]);
    let notified = pid_in(&notified);
    bench.stop_with(Some((long(&last), Duration::from_millis(500)))).unwrap();
    assert!(lives(notified));
    assert!(!lives(pid_in(&last)));
    bench.logged("the script takes too long: it is ended");
    rustix::process::kill_process(
        rustix::process::Pid::from_raw(notified as i32).unwrap(),
        rustix::process::Signal::KILL,
    )
    .unwrap();
}
