use super::*;
use crate::{Environment, Memory, load_from};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A machine made up for a test.
pub(super) struct Invented {
    interfaces: Vec<&'static str>,
    files: BTreeMap<PathBuf, (FileFacts, &'static str)>,
    users: BTreeMap<&'static str, User>,
}

impl Invented {
    pub(super) fn new() -> Self {
        let mut machine = Self {
            interfaces: vec!["lo", "ens33", "ens36"],
            files: BTreeMap::new(),
            users: [("root", User::default()), ("nobody", User { uid: 65_534, gid: 65_534 })].into(),
        };
        for program in ["/bin/bash", "/bin/sh", "/usr/bin/killall", "/usr/bin/bash"] {
            machine = machine.with(program, 0o755, "\u{7f}ELF");
        }
        machine
    }

    fn with(mut self, path: &str, mode: u32, text: &'static str) -> Self {
        self.files.insert(path.into(), (FileFacts { is_file: true, mode, ..FileFacts::default() }, text));
        self
    }

    fn insecure(mut self, path: &str, part: &str) -> Self {
        if let Some((facts, _)) = self.files.get_mut(Path::new(path)) {
            facts.insecure = Some(part.into());
        }
        self
    }
}

impl System for Invented {
    fn interfaces(&self) -> Vec<String> {
        self.interfaces.iter().map(|name| (*name).to_owned()).collect()
    }

    fn file(&self, path: &Path) -> Option<FileFacts> {
        self.files.get(path).map(|(facts, _)| facts.clone())
    }

    fn head(&self, path: &Path, most: usize) -> Option<Vec<u8>> {
        self.files.get(path).map(|(_, text)| text.bytes().take(most).collect())
    }

    fn program(&self, name: &str) -> Option<PathBuf> {
        let found = ["/usr/bin", "/bin"].iter().map(|dir| Path::new(dir).join(name));
        found.into_iter().find(|path| self.files.contains_key(path))
    }

    fn user(&self, name: &str) -> Option<User> {
        self.users.get(name).copied()
    }

    fn group(&self, name: &str) -> Option<u32> {
        (name == "daemon").then_some(1)
    }
}

const SECURE: &str = "global_defs {\n enable_script_security\n script_user root\n}\n";

fn load_text(text: &str) -> Loaded {
    load_from(Path::new("k.conf"), &Memory::default().with("k.conf", text), &Environment::default())
}

/// `id@line` of every finding of the check.
fn found(text: &str, system: &dyn System, peer: Option<&str>) -> Vec<String> {
    let loaded = load_text(text);
    let peer = peer.map(load_text);
    let report = check(&loaded, system, peer.as_ref());
    let line = |f: &Diagnostic| f.span.map_or(0, |span| loaded.sources.position(span).line);
    report.findings().iter().map(|f| format!("{}@{}", f.id, line(f))).collect()
}

fn with_script(global: &str, command: &str, more: &str) -> String {
    format!(
        "{global}vrrp_script chk {{ script {command}\n{more}\n}}\nvrrp_instance A {{\ninterface ens33\nvirtual_router_id 1\nvirtual_ipaddress {{ 10.0.0.1 }}\ntrack_script {{ chk }}\n}}\n"
    )
}

fn script(command: &str, system: &Invented) -> Vec<String> {
    found(&with_script(SECURE, command, ""), system, None)
}

#[test]
fn scripts_that_cannot_run_are_named() {
    let machine = Invented::new()
        .with("/x/plain.sh", 0o644, "#!/bin/sh\n")
        .with("/x/good.sh", 0o755, "#!/bin/sh\n")
        .with("/x/interp.sh", 0o755, "#!/nonexistent/interp\n")
        .with("/x/crlf.sh", 0o755, "#!/bin/sh\r\n")
        .with("/x/open.sh", 0o755, "#!/bin/sh\n")
        .insecure("/x/open.sh", "/x");
    let cases: &[(&str, &[&str])] = &[
        ("/x/good.sh", &[]),
        ("\"/x/good.sh with arguments\"", &[]),
        ("/x/plain.sh", &["script-not-executable@5"]),
        ("/x/missing.sh", &["script-missing@5"]),
        ("nonsense", &["script-missing@5"]),
        ("\"/bin/sh /x/missing.sh\"", &["script-missing@5"]),
        ("\"/bin/sh /x/plain.sh\"", &[]),
        ("/x/interp.sh", &["interpreter-missing@5"]),
        ("/x/crlf.sh", &["interpreter-missing@5"]),
        ("/x/open.sh", &["script-insecure@5"]),
        ("\"killall -0 nginx\"", &["found-on-path@5"]),
        ("\"/bin/bash -c '[[ -f /x ]] && exit 1'\"", &[]),
        ("\"[[ -f /x ]] && exit 1 || exit 0\"", &[]),
        ("\"</etc/missing\"", &["file-missing@5"]),
    ];
    for (command, findings) in cases {
        assert_eq!(script(command, &machine), *findings, "{command}");
    }
}

#[test]
fn a_shell_line_without_bash_is_named() {
    let mut machine = Invented::new();
    machine.files.clear();
    assert_eq!(script("\"[[ -f /x ]] && exit 1\"", &machine), ["bash-missing@5"]);
}

#[test]
fn signal_zero_under_an_unprivileged_user() {
    let machine = Invented::new();
    let run = |command: &str, user: &str| found(&with_script(SECURE, command, user), &machine, None);
    assert_eq!(run("\"/usr/bin/killall -0 nginx\"", "user nobody"), ["signal-not-permitted@5"]);
    assert_eq!(run("\"test 1 && killall -0 nginx\"", "user nobody"), ["signal-not-permitted@5"]);
    assert_eq!(run("\"/usr/bin/killall -0 nginx\"", "user root"), [""; 0]);
    assert_eq!(run("\"/usr/bin/killall -0 nginx\"", "user stranger"), ["unknown-user@5"]);
}

#[test]
fn script_security() {
    let mut machine = Invented::new();
    let command = "/usr/bin/killall";
    assert_eq!(found(&with_script("", command, ""), &machine, None), ["no-script-security@1"]);
    let only = "global_defs {\n enable_script_security\n}\n";
    assert_eq!(found(&with_script(only, command, ""), &machine, None), ["no-script-user@2"]);
    machine.users.insert("keepalived_script", User { uid: 990, gid: 990 });
    assert_eq!(found(&with_script(only, command, ""), &machine, None), [""; 0]);
}

#[test]
fn interfaces_that_are_not_here() {
    let text = "vrrp_instance A {\ninterface ens34\nvirtual_router_id 1\nvirtual_ipaddress {\n10.0.0.1 dev eth9\n}\ntrack_interface {\nens35\n}\n}\n";
    assert_eq!(
        found(text, &Invented::new(), None),
        ["interface-missing@2", "interface-missing@5", "interface-missing@8"]
    );
    let awaited = format!("global_defs {{\ndynamic_interfaces\n}}\n{text}");
    assert!(found(&awaited, &Invented::new(), None).iter().all(|f| f.starts_with("interface-awaited")));
    let loopback = "vrrp_instance A {\ninterface lo\nvirtual_router_id 1\n}\n";
    assert_eq!(found(loopback, &Invented::new(), None), ["interface-loopback@2"]);
}

#[test]
fn one_number_twice_on_one_interface() {
    let instance = |name: &str, interface: &str, more: &str| {
        format!("vrrp_instance {name} {{\ninterface {interface}\nvirtual_router_id 7\n{more}\n}}\n")
    };
    let run = |a: &str, b: &str| found(&format!("{a}{b}"), &Invented::new(), None);
    assert_eq!(run(&instance("A", "ens33", ""), &instance("B", "ens33", "")), ["duplicate-vrid@8"]);
    assert_eq!(run(&instance("A", "ens33", ""), &instance("B", "ens36", "")), [""; 0]);
    assert_eq!(run(&instance("A", "ens33", ""), &instance("B", "ens33", "mcast_dst_ip 224.0.0.99")), [""; 0]);
    let peer = |ip: &str| format!("unicast_peer {{ {ip} }}");
    assert_eq!(
        run(&instance("A", "ens33", &peer("10.0.0.2")), &instance("B", "ens33", &peer("10.0.0.2"))),
        ["duplicate-vrid@8"]
    );
    assert_eq!(
        run(&instance("A", "ens33", &peer("10.0.0.2")), &instance("B", "ens33", &peer("10.0.0.3"))),
        [""; 0]
    );
    let from = |ip: &str| format!("unicast_src_ip {ip}\n{}", peer("10.0.0.2"));
    assert_eq!(
        run(&instance("A", "ens33", &from("10.0.0.8")), &instance("B", "ens33", &from("10.0.0.9"))),
        [""; 0]
    );
    let ranged = peer("10.0.0.2 min_ttl 255");
    assert_eq!(
        run(&instance("A", "ens33", &ranged), &instance("B", "ens33", &peer("10.0.0.2"))),
        ["duplicate-vrid@8"],
        "a peer is its address"
    );
}

/// What is said about the weight of a failing script.
fn weight(priority: u8, weight: &str, peer: Option<(u8, &str)>) -> (String, String) {
    let text = |priority: u8, weight: &str, more: &str| {
        with_script(SECURE, "/usr/bin/killall", &format!("weight {weight}"))
            .replace("virtual_router_id 1\n", &format!("virtual_router_id 1\npriority {priority}\n{more}\n"))
    };
    let loaded = load_text(&text(priority, weight, ""));
    let peer = peer.map(|(priority, more)| load_text(&text(priority, "0", more)));
    let report = check(&loaded, &Invented::new(), peer.as_ref());
    let finding = report.findings().iter().find(|f| f.id.contains("weight"));
    finding
        .map_or_else(Default::default, |f| (f.id.to_owned(), format!("{} {}", f.message, f.help.join(" "))))
}

#[test]
fn weights_alone_name_the_peers_that_would_take_over() {
    let (id, text) = weight(100, "-10", None);
    assert_eq!(id, "track-weight");
    assert!(text.contains("falls from 100 to 90") && text.contains("from 91 to 99"), "{text}");
    let (_, text) = weight(100, "20", None);
    assert!(text.contains("falls from 120 to 100"), "{text}");
    let (_, text) = weight(100, "-20 reverse", None);
    assert_eq!(text, "", "a reversed weight raises the priority on failure");
    assert_eq!(weight(100, "0", None).0, "");
    assert_eq!(weight(255, "-10", None).0, "", "the owner's is left out");
}

#[test]
fn weights_against_a_peer_prove_who_wins() {
    assert_eq!(weight(100, "-10", Some((95, ""))).0, "track-weight-proved");
    let (id, text) = weight(100, "-2", Some((95, "")));
    assert_eq!(id, "track-weight-too-small");
    assert!(text.contains("falls from 100 to 98") && text.contains("at least 6"), "{text}");
    let (id, text) = weight(100, "-5", Some((95, "")));
    assert_eq!(id, "track-weight-too-small");
    assert!(text.contains("equal priority"), "{text}");
    assert_eq!(weight(100, "-10", Some((95, "nopreempt"))).0, "track-weight-nopreempt");
    assert_eq!(weight(90, "-10", Some((95, ""))).0, "", "a backup loses nothing");
}

#[test]
fn a_peer_that_differs() {
    let text = |more: &str| format!("vrrp_instance A {{\ninterface ens33\nvirtual_router_id 1\n{more}\n}}\n");
    let run = |ours: &str, theirs: &str| found(&text(ours), &Invented::new(), Some(&text(theirs)));
    assert_eq!(run("", ""), [""; 0]);
    assert_eq!(run("advert_int 2", ""), ["peer-differs@1"]);
    assert_eq!(run("authentication {\nauth_type PASS\nauth_pass x\n}", ""), ["peer-differs@1"]);
    assert_eq!(run("virtual_ipaddress {\n10.0.0.1\n}", ""), ["peer-differs@1"]);
    assert_eq!(run("state MASTER", "state MASTER"), ["two-masters-wished@1"]);
    assert_eq!(run("unicast_peer {\n10.0.0.2\n}", ""), ["peer-missing@3"]);
}

#[test]
fn this_machine_answers() {
    let machine = ThisMachine;
    assert!(machine.interfaces().iter().any(|name| name == "lo"));
    assert!(machine.program("sh").is_some());
    assert_eq!(machine.user("root"), Some(User::default()));
    assert_eq!((machine.user("0"), machine.group("root"), machine.group("0")), (None, Some(0), None));
    assert_eq!(machine.file(Path::new("/nonexistent")), None);
    assert!(machine.file(Path::new("/tmp/..")).is_some_and(|facts| !facts.is_file));
}

#[test]
fn a_script_user_that_does_not_exist() {
    let text = "global_defs {\n script_user stranger\n}\n";
    assert_eq!(found(text, &Invented::new(), None), ["unknown-user@2"]);
    let text = "global_defs {\n script_user root strangers\n}\n";
    assert_eq!(found(text, &Invented::new(), None), ["unknown-user@2"]);
    let text = "global_defs {\n script_user root daemon\n}\n";
    assert_eq!(found(text, &Invented::new(), None), [""; 0]);
}

#[test]
fn a_bus_that_is_not_there() {
    let text = "global_defs {\n enable_dbus\n}\n";
    assert_eq!(found(text, &Invented::new(), None), ["no-system-bus@2"]);
    let machine = Invented::new().with("/run/dbus/system_bus_socket", 0o666, "");
    assert_eq!(found(text, &machine, None), [""; 0]);
    let text = "global_defs {\n dbus_service_name org.example.Vrrp\n}\n";
    assert_eq!(found(text, &Invented::new(), None), [""; 0]);
}

#[test]
fn a_notify_script_that_lost_its_parameters() {
    let script = include_str!("../../tests/fixtures/first-tutorial-notify.sh");
    let machine = Invented::new().with("/etc/keepalived/notify.sh", 0o755, script);
    let direct = "notify_master \"/etc/keepalived/notify.sh master\"\n";
    let through_bash = "notify_backup \"bash /etc/keepalived/notify.sh backup\"\n";
    for uses in [direct.to_owned(), through_bash.to_owned(), format!("{direct}{through_bash}")] {
        let text = format!("{SECURE}vrrp_instance A {{\ninterface ens33\nvirtual_router_id 1\n{uses}}}\n");
        let found = found(&text, &machine, None);
        let losses = |f: &&String| f.starts_with("lost-parameter");
        assert_eq!(found.iter().filter(losses).count(), 4, "{found:?}");
        assert_eq!(
            found.iter().filter(|f| *f == "lost-parameter@8").count(),
            4,
            "said at the first: {found:?}"
        );
    }
}
