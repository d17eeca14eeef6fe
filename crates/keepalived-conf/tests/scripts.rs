//! Scripts as tutorials write them: our outcome beside the original's, row by row.
//!
//! The original's column was measured on keepalived 2.2.7; where that program is installed, what
//! its `-t` says is asked again. What only shows while running (the last rows) is tested where
//! scripts are run.

use diagnostic::Report;
use keepalived_conf::check::{FileFacts, System, User, check};
use keepalived_conf::model::{Command, Shell};
use keepalived_conf::{Environment, Memory, compat, load_from};
use std::path::{Path, PathBuf};

/// A machine with the usual programs and some broken scripts.
struct Director;

impl System for Director {
    fn interfaces(&self) -> Vec<String> {
        vec!["eth0".to_owned()]
    }

    fn file(&self, path: &Path) -> Option<FileFacts> {
        let mode = match path.to_str()? {
            "/x/plain.sh" | "/etc/hostname" => 0o644,
            "/bin/bash" | "/usr/bin/[" | "/usr/bin/killall" | "/x/interp.sh" | "/x/open.sh" | "/bin/sh" => {
                0o755
            }
            _ => return None,
        };
        let insecure = (path == Path::new("/x/open.sh")).then(|| PathBuf::from("/x"));
        Some(FileFacts { is_file: true, mode, insecure, ..FileFacts::default() })
    }

    fn head(&self, path: &Path, _: usize) -> Option<Vec<u8>> {
        let text = if path == Path::new("/x/interp.sh") { "#!/nonexistent/interp\n" } else { "#!/bin/sh\n" };
        self.file(path).map(|_| text.into())
    }

    fn program(&self, name: &str) -> Option<PathBuf> {
        ["/usr/bin", "/bin"]
            .iter()
            .map(|dir| Path::new(dir).join(name))
            .find(|path| self.file(path).is_some())
    }

    fn user(&self, name: &str) -> Option<User> {
        match name {
            "root" => Some(User::default()),
            "nobody" => Some(User { uid: 65_534, gid: 65_534 }),
            _ => None,
        }
    }

    fn group(&self, _: &str) -> Option<u32> {
        None
    }
}

struct Row {
    line: &'static str,
    original: &'static str,
    /// How ours starts it.
    ours: Start,
    /// Findings worth more than what every script brings.
    findings: &'static [&'static str],
}

#[derive(Debug, PartialEq, Eq)]
enum Start {
    Directly(&'static [&'static str]),
    By(Shell),
    Opens(&'static str),
}

const ROWS: &[Row] = &[
    Row {
        line: "\"[[ -f /etc/keepalived/down ]] && exit 1 || exit 0\"",
        original: "check dropped: master without any check",
        ours: Start::By(Shell::Bash),
        findings: &["shell-command"],
    },
    Row {
        line: "\"[ -f /etc/hostname ] && exit 1 || exit 0\"",
        original: "`[` gets `&& exit …` as arguments: permanently failed",
        ours: Start::By(Shell::Posix),
        findings: &["shell-command"],
    },
    Row {
        line: "\"[ -f /x ]\"",
        original: "works, with a warning about the path",
        ours: Start::Directly(&["[", "-f", "/x", "]"]),
        findings: &["found-on-path"],
    },
    Row {
        line: "\"killall -0 nginx\"",
        original: "works, with a warning and exit code 6 under -t",
        ours: Start::Directly(&["killall", "-0", "nginx"]),
        findings: &["found-on-path"],
    },
    Row {
        line: "\"/bin/bash -c '[[ -f /x ]] && exit 1 || exit 0'\"",
        original: "works",
        ours: Start::Directly(&["/bin/bash", "-c", "[[ -f /x ]] && exit 1 || exit 0"]),
        findings: &[],
    },
    Row {
        line: "\"pgrep nginx | wc -l\"",
        original: "`pgrep` gets `| wc -l` as arguments: permanently failed",
        ours: Start::By(Shell::Posix),
        findings: &["shell-command"],
    },
    Row {
        line: "\"</etc/hostname\"",
        original: "file opens",
        ours: Start::Opens("/etc/hostname"),
        findings: &[],
    },
    Row {
        line: "/x/plain.sh",
        original: "not executable: check dropped, master without any check; -t says nothing about it",
        ours: Start::Directly(&["/x/plain.sh"]),
        findings: &["script-not-executable"],
    },
    Row {
        line: "/x/interp.sh",
        original: "missing interpreter counts as success",
        ours: Start::Directly(&["/x/interp.sh"]),
        findings: &["interpreter-missing"],
    },
    Row {
        line: "/x/missing.sh",
        original: "missing: check dropped, master without any check",
        ours: Start::Directly(&["/x/missing.sh"]),
        findings: &["script-missing"],
    },
    Row {
        line: "/x/open.sh",
        original: "unsafe path under enable_script_security: disabled",
        ours: Start::Directly(&["/x/open.sh"]),
        findings: &["script-insecure"],
    },
];

fn configuration(line: &str) -> String {
    format!(
        "global_defs {{\n enable_script_security\n script_user root\n}}\nvrrp_script chk {{\n script {line}\n}}\nvrrp_instance A {{\n interface eth0\n virtual_router_id 7\n virtual_ipaddress {{\n  10.0.0.1\n }}\n track_script {{\n  chk\n }}\n}}\n"
    )
}

#[test]
fn every_row_is_at_least_as_good_as_the_originals() {
    for row in ROWS {
        let files = Memory::default().with("k.conf", configuration(row.line));
        let loaded = load_from(Path::new("k.conf"), &files, &Environment::default());
        let checks = check(&loaded, &Director, None);
        let findings = loaded.report.findings().iter().chain(checks.findings());
        let ids: Vec<&str> = findings.map(|f| f.id).collect();
        assert_eq!(ids, row.findings, "{}", row.line);
        // Never dropped: the instance goes on tracking it.
        assert_eq!(loaded.config.instances[0].track_scripts.len(), 1, "{}", row.line);
        let command = &loaded.config.scripts[0].command;
        let as_expected = match (&row.ours, command) {
            (Start::Directly(words), Command::Exec(own)) => {
                own.iter().map(String::as_str).eq(words.iter().copied())
            }
            (Start::By(shell), Command::Shell { shell: own, .. }) => shell == own,
            (Start::Opens(path), Command::FileOpens(own)) => Path::new(path) == own,
            _ => false,
        };
        assert!(as_expected, "{}: {command:?}", row.line);
        println!("{}\n  keepalived: {}\n  ours:       {:?} {ids:?}", row.line, row.original, row.ours);
    }
}

#[test]
fn a_script_that_hangs_has_a_limit() {
    let files = Memory::default().with("k.conf", configuration("/x\n interval 3"));
    let loaded = load_from(Path::new("k.conf"), &files, &Environment::default());
    assert_eq!(loaded.config.scripts[0].timeout.as_secs(), 3);
}

/// Messages that the installed original prints under `-t` for whole files.
#[test]
#[allow(clippy::disallowed_methods, reason = "asks the original program")]
fn what_the_original_says() {
    let rows: &[(&str, &str)] = &[
        (
            "vrrp_instance A {\n interface lo\n virtual_router_id 7\n foo 1\n virtual_ipaddress { 10.0.0.1 }\n}\n",
            "Line 4) Unknown keyword 'foo'",
        ),
        (
            "vrrp_instance A {\n interface lo\n virtual_router_id 7\n virtual_ipaddress {\n  10.0.0.1\n  notify_master /x\n }\n}\n",
            "Line 6) VRRP parsed invalid IP notify_master. skipping IP...",
        ),
        (
            "vrrp_instance A {\n interface lo\n virtual_router_id 7\n virtual_ipaddress {\n  floating\n }\n}\n",
            "Line 5) VRRP parsed invalid IP floating. skipping IP...",
        ),
        (
            "vrrp_instance A {\n interface lo\n virtual_router_id 7\n authentication {\n  auth_type PASS\n  auth_pass 123456789\n }\n virtual_ipaddress { 10.0.0.1 }\n}\n",
            "Line 6) Truncating auth_pass to 8 characters",
        ),
        (
            "vrrp_instance A {\n interface lo\n virtual_router_id 7\n virtual_ipaddress { 10.0.0.1 }\n}\n}\n",
            "Line 6) Extra '}' found",
        ),
    ];
    let installed = std::process::Command::new("keepalived").arg("-v").output().is_ok();
    if !installed {
        println!("the original is not installed: only our side is tested");
    }
    for (i, (text, line)) in rows.iter().enumerate() {
        let path = std::env::temp_dir().join(format!("keepalived-conf-{}-{i}.conf", std::process::id()));
        std::fs::write(&path, text).unwrap();
        let loaded = keepalived_conf::load(&path, &Environment::default());
        let ours = compat::lines(&loaded, &Report::default());
        if installed {
            let output =
                std::process::Command::new("keepalived").args(["-t", "-f"]).arg(&path).output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(said.contains(line), "the original: {said}");
        }
        std::fs::remove_file(&path).unwrap();
        assert!(ours.iter().any(|own| own.contains(line)), "ours: {ours:?}");
    }
}
