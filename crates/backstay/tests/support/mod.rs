//! A machine of its own for a test: network, mounts, processes and host name, gone with the test.

#![allow(dead_code, reason = "shared by several test programs, each of which uses a part")]

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

/// What a script in a sandbox printed, stderr included.
pub(crate) struct Outcome {
    pub(crate) text: String,
    pub(crate) success: bool,
}

/// Whether sandboxes can be made here; says why not.
pub(crate) fn possible() -> bool {
    let root = std::fs::metadata("/proc/self").is_ok_and(|m| std::os::unix::fs::MetadataExt::uid(&m) == 0);
    if !root {
        eprintln!("skipped: making namespaces needs root");
    }
    root
}

/// Whether a program is installed; says so if not.
pub(crate) fn installed(program: &str) -> bool {
    let there =
        ["/usr/sbin", "/usr/bin", "/sbin", "/bin"].iter().any(|d| Path::new(d).join(program).exists());
    if !there {
        eprintln!("skipped: {program} is not installed");
    }
    there
}

/// What every script starts with. `backstay`, `nginx` and `keepalived` are ours; the originals
/// are at their full paths, and `$TESTS` is the test program itself.
const PROLOGUE: &str = r#"
set -u
# The checkout may be anywhere, even under a directory that is about to be hidden.
exec 7<"$GIVEN" 8<"$BACKSTAY" 9<"$TESTS"
mount -t tmpfs none /run; mount -t tmpfs none /tmp; mount -t tmpfs none /var/log
mkdir -p /run/lock /var/log/nginx /tmp/bin /tmp/etc /tmp/own
cat <&7 >/tmp/own/given; : >/tmp/own/backstay; : >/tmp/own/tests
mount --no-canonicalize --bind /proc/self/fd/8 /tmp/own/backstay; BACKSTAY=/tmp/own/backstay
mount --no-canonicalize --bind /proc/self/fd/9 /tmp/own/tests; TESTS=/tmp/own/tests
exec 7<&- 8<&- 9<&-
for d in nginx keepalived; do
    mkdir -p /tmp/etc/$d
    if [ -d /etc/$d ]; then cp -a /etc/$d/. /tmp/etc/$d/; mount --bind /tmp/etc/$d /etc/$d; fi
done
ip link set lo up
ln -s "$BACKSTAY" /tmp/bin/backstay; ln -s "$BACKSTAY" /tmp/bin/nginx; ln -s "$BACKSTAY" /tmp/bin/keepalived
chmod 755 /tmp /tmp/bin /tmp/own
PATH=/tmp/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# until_ SECONDS COMMAND…: waits until the command succeeds, on a slow or busy machine three times as long.
until_() { local end=$((SECONDS + 3 * $1)); shift; until "$@" >/dev/null 2>&1; do [ $SECONDS -lt $end ] || return 1; sleep 0.05; done; }
fail() { for log in /tmp/run.log /tmp/log; do [ ! -e $log ] || cat $log; done; echo "FAILED: $*"; exit 1; }
# written FILE: whether it is there and nobody writes it any more.
written() { [ -s "$1" ] && ! readlink /proc/[0-9]*/fd/* 2>/dev/null | grep -qxF "$1"; }
# apart PID: whether a process has a network of its own by now.
apart() { [ "$(readlink /proc/self/ns/net)" != "$(readlink /proc/$1/ns/net)" ]; }
"#;

/// Runs a bash script in a sandbox; all that it started is killed with it, after five minutes at most.
pub(crate) fn run(script: &str) -> Outcome {
    run_with(Path::new("/dev/null"), script)
}

/// The same for a script that finds a copy of a file at `/tmp/own/given`.
pub(crate) fn run_with(given: &Path, script: &str) -> Outcome {
    let mut child = Command::new("timeout")
        .args(["--kill-after=1", "300", "unshare", "--net", "--mount", "--pid", "--uts", "--ipc", "--fork"])
        .args(["--kill-child=KILL", "--mount-proc", "bash", "-s"])
        .env("BACKSTAY", env!("CARGO_BIN_EXE_backstay"))
        .env("GIVEN", given)
        .env("TESTS", std::env::current_exe().expect("this program"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("unshare starts");
    let mut stdin = child.stdin.take().expect("a pipe");
    stdin.write_all(format!("exec 2>&1\n{PROLOGUE}\n{script}\n").as_bytes()).expect("bash reads");
    drop(stdin);
    let output = child.wait_with_output().expect("it ends");
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text += &String::from_utf8_lossy(&output.stderr);
    Outcome { text, success: output.status.success() }
}

/// Runs a script that must succeed.
#[track_caller]
pub(crate) fn succeed(script: &str) -> String {
    let outcome = run(script);
    assert!(outcome.success, "{}", outcome.text);
    outcome.text
}
