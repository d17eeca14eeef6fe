//! keepalived.conf: does an instance become master?

use super::support::{possible, run_with};
use super::{files, judge, quoted};
use keepalived_conf::model::{Command, Config, VrrpInstance};
use keepalived_conf::{Environment, load};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

/// Files of which an instance becomes master; this number never falls.
const ELECTED: usize = 32;

/// Directories under which the files' scripts and programs lie: what a test puts there is gone with it.
/// The machine is as its operator would have it: interfaces, users, scripts that succeed, services that run.
const MACHINE: &str = r#"
mkdir /tmp/over; mount -t tmpfs none /tmp/over
for d in etc home opt root usr/local; do
    mkdir -p /tmp/over/$d/up /tmp/over/$d/work
    mount -t overlay -o lowerdir=/$d,upperdir=/tmp/over/$d/up,workdir=/tmp/over/$d/work overlay /$d || echo "no overlay on /$d"
done
mkdir -p /etc/keepalived
interface() { ip link show dev $1 >/dev/null 2>&1 || { n=$((${n:-0}+1)); ip link add $1 type veth peer name peer$n; ip link set peer$n up; ip addr add 10.99.$n.1/24 dev $1; ip link set $1 up; }; }
succeeding() { [ -e "$1" ] || { mkdir -p "$(dirname "$1")" && printf '#!/bin/sh\nexit 0\n' >"$1" && chmod 755 "$1"; } 2>/dev/null; }
user() { grep -q "^$1:" /etc/passwd || echo "$1:x:60123:60123::/:/bin/sh" >>/etc/passwd; }
service() { mkdir -p /tmp/services; cp /bin/sleep /tmp/services/$1; /tmp/services/$1 300 & }
# Asks a service manager; there is none in a sandbox.
succeeding /tmp/bin/systemctl
"#;

#[test]
fn public_files_elect_a_master() {
    let files = files("keepalived");
    if files.is_empty() || !possible() {
        return;
    }
    let elected = judge(&files, becomes_master);
    println!("{elected} of {} keepalived files start and elect a master", files.len());
    assert!(elected >= ELECTED, "{elected} elect a master, not {ELECTED}");
}

fn becomes_master(path: &Path) -> Result<String, String> {
    let loaded = load(path, &Environment { host_name: "director".to_owned(), ..Environment::default() });
    let config = &loaded.config;
    if config.instances.is_empty() {
        let errors = loaded.report.findings().iter().filter(|f| f.severity == diagnostic::Severity::Error);
        let first = errors.map(|f| f.message.clone()).next().unwrap_or_default();
        return Err(format!("no instance that can run: {first}"));
    }
    let mut script = MACHINE.to_owned();
    for line in wanted(config) {
        script += &line;
        script.push('\n');
    }
    let soonest = config.instances.iter().map(|i| i.advert_int + i.preempt_delay).min().unwrap_or_default();
    let _ = write!(
        script,
        r#"
        cp /tmp/own/given /etc/keepalived/keepalived.conf
        cd /etc/keepalived
        keepalived -n -l -D -G -f /etc/keepalived/keepalived.conf >/tmp/log 2>&1 &
        until_ {patience} grep -q 'Entering MASTER STATE' /tmp/log
        # The addresses follow the message.
        sleep 0.5
        grep 'Entering MASTER STATE' /tmp/log | sed 's/^.*(\(.*\)) Entering.*/ELECTED \1/'
        ip -o addr show | sed 's/^/ADDR /'
        echo LOG; tail -20 /tmp/log
        "#,
        patience = 15 + 3 * soonest.as_secs(),
    );
    let text = run_with(path, &script).text;
    let masters: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("ELECTED ")).collect();
    let Some(instance) = config.instances.iter().find(|i| masters.contains(&i.name.as_str())) else {
        return Err(format!("no master\n{text}"));
    };
    if let Some(missing) = instance.addresses.iter().find(|virtual_address| {
        let shown = format!(" {}/{} ", virtual_address.address, virtual_address.prefix);
        !text.lines().any(|line| line.starts_with("ADDR ") && line.contains(&shown))
    }) {
        return Err(format!("{} is master without {}\n{text}", instance.name, missing.address));
    }
    let (masters, all) = (masters.len(), config.instances.len());
    let errors = loaded.report.count(diagnostic::Severity::Error);
    Ok(format!("{masters} of {all} instances master, {errors} errors named"))
}

/// What makes the machine one that the file was written for, as lines for the shell.
fn wanted(config: &Config) -> BTreeSet<String> {
    let mut lines = BTreeSet::new();
    for instance in &config.instances {
        for interface in interfaces(instance) {
            lines.insert(format!("interface {}", quoted(interface)));
        }
        if let Some(source) = instance.source {
            let interface = quoted(&instance.interface);
            lines.insert(format!("ip addr replace {source}/24 dev {interface} 2>/dev/null"));
        }
    }
    let users = config.scripts.iter().filter_map(|s| s.user.as_ref()).chain(&config.global.script_user);
    lines.extend(users.map(|(name, _)| format!("user {}", quoted(name))));
    let notify = config.instances.iter().map(|instance| &instance.notify);
    let notify = notify.flat_map(|n| [&n.master, &n.backup, &n.fault, &n.stop, &n.any]).flatten();
    let commands = config.scripts.iter().map(|script| &script.command);
    for command in commands.chain(notify.map(|script| &script.command)) {
        let words: Vec<String> = match command {
            Command::Exec(words) => words.clone(),
            Command::Shell { line, .. } => {
                line.split(|c: char| c.is_whitespace() || ";&|<>()".contains(c)).map(str::to_owned).collect()
            }
            Command::FileOpens(path) => vec![path.to_string_lossy().into_owned()],
        };
        let paths = words.iter().filter(|w| w.starts_with('/') && !w.starts_with("/dev/"));
        lines.extend(paths.map(|path| format!("succeeding {}", quoted(path))));
        let asks =
            words.iter().any(|w| ["killall", "pkill", "pidof", "pgrep"].iter().any(|p| w.ends_with(p)));
        if let (true, Some(service)) = (asks, words.last()) {
            lines.insert(format!("service {}", quoted(service)));
        }
    }
    lines
}

fn interfaces(instance: &VrrpInstance) -> impl Iterator<Item = &str> {
    let tracked = instance.track_interfaces.iter().map(|tracked| tracked.interface.as_str());
    let addresses = instance.addresses.iter().chain(&instance.excluded);
    let named = addresses.filter_map(|address| address.dev.as_deref());
    std::iter::once(instance.interface.as_str()).chain(tracked).chain(named).filter(|name| *name != "lo")
}
