//! The two tutorials' files, remarks and all: every finding at its line, and what is understood.

use diagnostic::Severity;
use keepalived_conf::model::{Authentication, Command, InitialState, Shell};
use keepalived_conf::{Environment, Loaded, compat, load};
use std::path::Path;
use std::time::Duration;

fn fixture(name: &str) -> Loaded {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    load(&path, &Environment::default())
}

/// `line id` of every finding, in the order of the file.
fn findings(loaded: &Loaded) -> Vec<String> {
    let mut found: Vec<(usize, &str)> = loaded
        .report
        .findings()
        .iter()
        .map(|f| (f.span.map_or(0, |span| loaded.sources.position(span).line), f.id))
        .collect();
    found.sort_unstable();
    found.into_iter().map(|(line, id)| format!("{line} {id}")).collect()
}

const SINGLE: &[&str] = &[
    "11 backslash-remark",
    "12 backslash-remark",
    "12 shell-command",
    "13 backslash-remark",
    "15 backslash-remark",
    "16 backslash-remark",
    "18 backslash-remark",
    "19 backslash-remark",
    "37 misplaced-keyword",
    "38 misplaced-keyword",
    "39 misplaced-keyword",
    "41 backslash-remark",
    "43 backslash-remark",
];

#[test]
fn second_tutorial_single_master() {
    for name in ["second-tutorial-single-a.conf", "second-tutorial-single-b.conf"] {
        let loaded = fixture(name);
        assert_eq!(findings(&loaded), SINGLE, "{name}");
        assert_eq!(loaded.report.count(Severity::Error), 0);
        let config = &loaded.config;
        assert_eq!(config.global.router_id.as_deref(), Some("keepaliveA"));
        assert_eq!(config.global.mail.to, ["jevon@danran.com"]);
        assert_eq!(config.global.mail.from.as_deref(), Some("ka_admin@danran.com"));
        assert_eq!(config.global.mail.server, Some(("127.0.0.1".to_owned(), 25)));
        let [down, nginx] = &config.scripts[..] else { panic!("{:?}", config.scripts) };
        let line = "[[ -f /etc/keepalived/down ]] && exit 1 || exit 0".to_owned();
        assert_eq!(down.command, Command::Shell { shell: Shell::Bash, line });
        assert_eq!((down.interval, down.weight, down.fall, down.rise), (Duration::from_secs(1), -10, 2, 1));
        let words = ["killall", "-0", "nginx"].map(str::to_owned).to_vec();
        assert_eq!(nginx.command, Command::Exec(words));
        assert_eq!(
            (nginx.interval, nginx.timeout, nginx.rise),
            (Duration::from_secs(2), Duration::from_secs(2), 2)
        );
        let [instance] = &config.instances[..] else { panic!("{:?}", config.instances) };
        assert_eq!((instance.name.as_str(), instance.interface.as_str()), ("VI_A", "ens33"));
        assert_eq!((instance.vrid, instance.priority, instance.state), (51, 95, InitialState::Backup));
        assert_eq!(instance.authentication, Authentication::Pass(*b"qr8hQHuL"));
        assert_eq!(instance.mcast_group.to_string(), "224.103.5.5");
        let address = &instance.addresses[0];
        assert_eq!((address.address.to_string().as_str(), address.prefix), ("172.16.253.150", 32));
        let tracked: Vec<(&str, i32)> =
            instance.track_scripts.iter().map(|t| (t.name.as_str(), t.weight.weight)).collect();
        assert_eq!(tracked, [("chk_mant_down", -10), ("chk_nginx", -10)]);
        let notify = [&instance.notify.master, &instance.notify.backup, &instance.notify.fault];
        for (script, state) in notify.into_iter().zip(["master", "backup", "fault"]) {
            let words = vec!["/etc/keepalived/notify.sh".to_owned(), state.to_owned()];
            assert_eq!(script.as_ref().unwrap().command, Command::Exec(words));
        }
    }
}

#[test]
fn second_tutorial_dual_master() {
    for (name, states) in [
        ("second-tutorial-dual-a.conf", [InitialState::Master, InitialState::Backup]),
        ("second-tutorial-dual-b.conf", [InitialState::Backup, InitialState::Master]),
    ] {
        let loaded = fixture(name);
        let expected: Vec<String> = [12, 37, 38, 39, 58, 59, 60]
            .iter()
            .map(|line| format!("{line} {}", if *line == 12 { "shell-command" } else { "misplaced-keyword" }))
            .collect();
        assert_eq!(findings(&loaded), expected, "{name}");
        let instances = &loaded.config.instances;
        assert_eq!(instances.iter().map(|i| i.state).collect::<Vec<_>>(), states);
        assert_eq!(instances.iter().map(|i| i.vrid).collect::<Vec<_>>(), [51, 52]);
        assert!(instances.iter().all(|i| i.notify.fault.is_some() && i.track_scripts.len() == 2));
        assert_eq!(instances[1].authentication, Authentication::Pass(*b"qr8hQH99"));
    }
}

#[test]
fn first_tutorial() {
    let loaded = fixture("first-tutorial.conf");
    assert_eq!(findings(&loaded), ["18 strict-mode"]);
    let global = &loaded.config.global;
    assert!(global.strict && global.skip_check_adv_addr);
    assert_eq!((global.garp_interval, global.gna_interval), (Duration::ZERO, Duration::ZERO));
    assert_eq!(global.mail.to, ["root@localhost", "root@localhost", "360601212@qq.com"]);
    let instance = &loaded.config.instances[0];
    assert!(instance.nopreempt && instance.strict);
    assert_eq!(instance.addresses[0].label.as_deref(), Some("ens33:1"));
    assert_eq!(loaded.config.scripts[0].timeout, Duration::from_secs(2));
}

/// The lines that keepalived 2.2.7 itself prints for these files are among ours.
#[test]
fn the_originals_words() {
    let loaded = fixture("second-tutorial-single-a.conf");
    let lines = compat::lines(&loaded, &diagnostic::Report::default());
    for (line, text) in [
        (11, "Unknown keyword '\\\\定義檢測腳本'"),
        (18, "Unknown keyword '\\\\檢測nginx服務是否運行腳本'"),
        (37, "VRRP parsed invalid IP notify_master. skipping IP..."),
        (38, "VRRP parsed invalid IP notify_backup. skipping IP..."),
        (39, "VRRP parsed invalid IP notify_fault. skipping IP..."),
    ] {
        let end = format!("single-a.conf: Line {line}) {text}");
        assert!(lines.iter().any(|l| l.ends_with(&end)), "{end} in {lines:#?}");
    }
    assert_eq!(compat::exit_code(&loaded, &diagnostic::Report::default()), 5);
}

#[test]
fn a_missing_file_fails() {
    let loaded = load(Path::new("/nonexistent/keepalived.conf"), &Environment::default());
    assert!(!loaded.readable && loaded.report.has_errors());
    assert_eq!(compat::exit_code(&loaded, &diagnostic::Report::default()), 6);
}
