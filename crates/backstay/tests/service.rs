//! Run by a real systemd: our unit, and the originals' own units with ours in the originals' places.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};
use support::{installed, possible, run_with};

/// Our unit.
const UNIT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../packaging/systemd/backstay.service");

/// systemd as the first process of a process namespace within the sandbox, with no unit but those that
/// are given to it: `boot UNIT…` starts it, `in_it COMMAND…` runs a command where it is.
const MACHINE: &str = r#"
ip link add eth0 type veth peer name other; ip addr add 10.9.0.1/24 dev eth0
ip link set eth0 up; ip link set other up
mkdir -p /tmp/units /tmp/sbin; mount --bind /tmp/bin /usr/local/sbin
boot() {
    cp "$@" /tmp/units/
    for target in basic sysinit; do printf '[Unit]\nDescription=Nothing\n' >/tmp/units/$target.target; done
    printf '[Unit]\nDescription=Nothing\nAllowIsolate=yes\n' >/tmp/units/quiet.target
    mount --bind /tmp/units /lib/systemd/system; mount -t tmpfs none /etc/systemd/system
    cat >/tmp/boot <<'X'
echo $$ >"$GROUP/cgroup.procs"
exec unshare --cgroup --pid --mount --ipc --fork --kill-child --mount-proc bash -c '
    mount -t cgroup2 none /sys/fs/cgroup
    exec env container=other /lib/systemd/systemd --system --unit=quiet.target --log-target=console --show-status=no'
X
    bash /tmp/boot >/tmp/systemd.log 2>&1 & BOOT=$!
    first() { FIRST=$(pgrep -P $BOOT) && in_it systemctl is-active quiet.target; }
    until_ 30 first || { cat /tmp/systemd.log; echo "$NO_SYSTEMD"; exit 1; }
}
in_it() { nsenter -t $FIRST --cgroup --pid --mount --ipc "$@"; }
systemctl() { in_it systemctl --no-pager "$@"; }
main() { systemctl show -p MainPID --value $1; }
shows() { [ "$(systemctl show -p $2 --value $1)" = "$3" ] || fail "$1: $2 is $(systemctl show -p $2 --value $1), not $3"; }
held() { ip addr show eth0 | grep -q 10.9.0.9/; }
gone() { ! held; }
answers() { curl -sf --max-time 2 http://10.9.0.1/ | grep -q "$1"; }
cat >/etc/keepalived/keepalived.conf <<'X'
vrrp_instance V {
    interface eth0
    virtual_router_id 1
    advert_int 1
    virtual_ipaddress {
        10.9.0.9/32
    }
}
X
page() { echo "user daemon; pid /run/nginx.pid; events {} http { server { listen 10.9.0.1:80; return 200 '$1'; } }" >/etc/nginx/nginx.conf; }
page one
trap 'cat /tmp/systemd.log' EXIT
"#;

/// What is said where the kernel or a container does not let systemd be a first process.
const NO_SYSTEMD: &str = "systemd is no first process here";

/// A group of processes for systemd to make its groups in; gone with the test.
struct ControlGroup(PathBuf);

impl ControlGroup {
    /// Makes one. `None`, and says so, where there is no second version of control groups.
    fn new() -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let mounts = fs::read_to_string("/proc/self/mounts").expect("mounts can be read");
        let of_version_2 = |line: &str| {
            let mut words = line.split(' ').skip(1);
            words.next().filter(|_| words.next() == Some("cgroup2")).map(PathBuf::from)
        };
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let made = mounts.lines().find_map(of_version_2).and_then(|root| {
            let path = root.join(format!("backstay-test-{}-{number}", std::process::id()));
            fs::create_dir(&path).is_ok().then_some(Self(path))
        });
        if made.is_none() {
            eprintln!("skipped: no control group can be made for systemd");
        }
        made
    }
}

impl Drop for ControlGroup {
    fn drop(&mut self) {
        fn remove(directory: &Path) -> std::io::Result<()> {
            for entry in fs::read_dir(directory)?.flatten().filter(|entry| entry.path().is_dir()) {
                remove(&entry.path())?;
            }
            fs::remove_dir(directory)
        }
        // Killed processes leave it in their own time.
        let began = Instant::now();
        while remove(&self.0).is_err() && began.elapsed() < Duration::from_secs(5) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

/// Runs a script beside a systemd; it must succeed.
#[track_caller]
fn succeed(script: &str) {
    if !possible() || !installed("systemctl") || !Path::new("/lib/systemd/systemd").exists() {
        return;
    }
    let Some(group) = ControlGroup::new() else { return };
    let group = group.0.display();
    let script = format!(
        "export GROUP={group}; NO_SYSTEMD='{NO_SYSTEMD}'\n{MACHINE}\n{script}\nkill -9 $BOOT; trap - EXIT"
    );
    let outcome = run_with(Path::new(UNIT), &script);
    if outcome.text.contains(NO_SYSTEMD) {
        eprintln!("skipped: systemd does not start here:\n{}", outcome.text);
        return;
    }
    assert!(outcome.success, "{}", outcome.text);
}

#[test]
fn our_unit_serves_through_reloads_upgrades_and_crashes() {
    succeed(
        r#"
        cp /tmp/own/given /tmp/backstay.service; boot /tmp/backstay.service
        in_it systemd-analyze verify /tmp/backstay.service || fail verify
        systemctl start backstay || fail start
        answers one || fail 'it is started, and does not serve'
        until_ 8 held || fail 'no master'; main=$(main backstay)
        page two; systemctl reload backstay || fail reload; answers two || fail 'not reloaded'
        cp /etc/keepalived/keepalived.conf /tmp/good; echo bogus >>/etc/keepalived/keepalived.conf
        systemctl reload backstay 2>/dev/null && fail 'a bad file is reloaded'
        shows backstay ActiveState active; cp /tmp/good /etc/keepalived/keepalived.conf; held || fail 'the address went'
        in_it backstay upgrade || fail upgrade; shows backstay MainPID $main; held || fail 'the address went'
        new() { answers two && in_it backstay status | grep -q 'after a restart'; }; until_ 5 new || fail 'not there after an upgrade'
        in_it pkill -9 -x keepalived; until_ 5 in_it pgrep -x keepalived || fail 'no vrrp process'
        shows backstay NRestarts 0; shows backstay MainPID $main; held || fail 'the address went'
        in_it kill -9 $main
        again() { [ "$(systemctl show -p NRestarts --value backstay)" = 1 ] && systemctl is-active backstay; }
        until_ 5 again || fail 'not started again'; until_ 8 held || fail 'no master again'; answers two || fail 'no answer'
        systemctl stop backstay || fail stop; gone || fail 'the address stays'
        shows backstay Result success; shows backstay ActiveState inactive
        in_it pgrep -f 'backstay|keepalived|nginx' && fail 'a process stays'
        true"#,
    );
}

#[test]
fn the_units_of_the_originals_run_ours() {
    if !installed("keepalived") || !installed("nginx") {
        return;
    }
    succeed(
        r#"
        mount --bind "$BACKSTAY" /usr/sbin/keepalived; mount --bind "$BACKSTAY" /usr/sbin/nginx
        boot /lib/systemd/system/{keepalived,nginx}.service
        systemctl start keepalived nginx || fail start
        in_it test /proc/$(main keepalived)/exe -ef "$BACKSTAY" || fail 'it is not ours'
        [ "$(main nginx)" = "$(cat /run/nginx.pid)" ] || fail 'the main process of nginx'
        until_ 8 held || fail 'no master'; answers one || fail 'no answer'
        keepalived=$(main keepalived); nginx=$(main nginx)
        page two; systemctl reload keepalived nginx || fail reload
        until_ 5 answers two || fail 'not reloaded'; held || fail 'the address went'
        sed -i 's|10.9.0.9/32|10.9.0.9/32\n10.9.0.10/32|' /etc/keepalived/keepalived.conf
        second() { ip addr show eth0 | grep -q 10.9.0.10/; }; systemctl reload keepalived; until_ 5 second || fail 'no second address'
        echo bogus >>/etc/nginx/nginx.conf; systemctl reload nginx 2>/dev/null && fail 'a bad file is reloaded'
        answers two || fail 'no answer'; shows nginx MainPID $nginx; shows keepalived MainPID $keepalived
        page three; systemctl restart nginx || fail restart; answers three || fail 'not restarted'
        page four; echo bogus >>/etc/nginx/nginx.conf; systemctl restart nginx 2>/dev/null && fail 'a bad file is started'
        shows nginx ActiveState failed; page five; systemctl start nginx || fail 'start with a good file'
        systemctl stop keepalived nginx || fail stop; gone || fail 'the address stays'
        for unit in keepalived nginx; do shows $unit Result success; shows $unit ActiveState inactive; done
        in_it pgrep -f 'backstay|keepalived|nginx' && fail 'a process stays'
        true"#,
    );
}
