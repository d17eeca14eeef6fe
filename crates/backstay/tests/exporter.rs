//! What mehdy/keepalived-exporter reads to make metrics of, from the original and from ours: how it asks
//! for the version and the signals, the lines of the text dumps, the keys of the JSON. Run unchanged
//! against both, the exporter itself says the same of both; this holds what it relies on.

mod support;

use serde_json::Value;
use std::collections::BTreeMap;
use support::{installed, possible, succeed};

/// The counters, by section and line of `keepalived.stats` and by key of the JSON.
const COUNTERS: [(&str, &str, &str); 14] = [
    ("Advertisements", "Received", "advert_rcvd"),
    ("Advertisements", "Sent", "advert_sent"),
    ("", "Became master", "become_master"),
    ("", "Released master", "release_master"),
    ("Packet Errors", "Length", "packet_len_err"),
    ("Packet Errors", "TTL", "ip_ttl_err"),
    ("Packet Errors", "Invalid Type", "invalid_type_rcvd"),
    ("Packet Errors", "Advertisement Interval", "advert_interval_err"),
    ("Packet Errors", "Address List", "addr_list_err"),
    ("Authentication Errors", "Invalid Type", "invalid_authtype"),
    ("Authentication Errors", "Type Mismatch", "authtype_mismatch"),
    ("Authentication Errors", "Failure", "auth_failure"),
    ("Priority Zero", "Received", "pri_zero_rcvd"),
    ("Priority Zero", "Sent", "pri_zero_sent"),
];

/// Metrics: a name with its labels, and the value.
type Metrics = BTreeMap<String, String>;

/// Runs a program with instances of every kind until all but `VI_down` are master; prints what the
/// exporter asks for, each after a line with its name.
fn files(program: &str) -> BTreeMap<String, String> {
    let text = succeed(&format!(
        r#"
        for n in 0 1; do
            ip link add eth$n type veth peer name other$n; ip addr add 10.0.$n.1/24 dev eth$n
            ip link set eth$n up
        done
        ip link set other0 up
        cat >/etc/keepalived/keepalived.conf <<'X'
global_defs {{
    router_id R1
    enable_script_security
    script_user root
    vrrp_garp_master_delay 1
}}
vrrp_script chk_ok {{
    script "/usr/bin/test -d /run"
    interval 1
}}
vrrp_script chk_bad {{
    script "/usr/bin/test -d /nowhere"
    interval 1
    weight -2
}}
vrrp_instance VI_1 {{
    interface eth0
    virtual_router_id 51
    virtual_ipaddress {{
        10.0.0.50/24
        10.0.0.51/24 dev eth0 label eth0:1
        10.0.0.54 dev other0
    }}
    virtual_ipaddress_excluded {{
        10.0.0.60/32
        fd00::60/64 dev eth0
    }}
    track_script {{
        chk_ok
        chk_bad
    }}
}}
vrrp_instance VI_vmac {{
    interface eth0
    virtual_router_id 58
    use_vmac
    virtual_ipaddress {{
        10.0.0.58/24
    }}
    virtual_ipaddress_excluded {{
        10.0.0.59/24
    }}
}}
vrrp_instance VI_none {{
    interface eth0
    virtual_router_id 57
    no_virtual_ipaddress
}}
vrrp_instance VI_down {{
    interface eth1
    virtual_router_id 53
    garp_master_delay 7
    virtual_ipaddress {{
        10.0.1.53/24
    }}
}}
X
        {program} -n -D >/tmp/run.log 2>&1 &
        for signal in STATS DATA JSON; do echo "@@ $signal"; {program} --signum=$signal; done
        until_ 5 test -s /run/keepalived.pid || fail no start
        ask() {{
            rm -f /tmp/keepalived.*
            for signal in STATS DATA JSON; do kill -$({program} --signum=$signal) $(cat /run/keepalived.pid); done
            for f in data stats json; do until_ 5 written /tmp/keepalived.$f || fail no $f; done
        }}
        settled() {{ ask; [ $(grep -c 'Became master: 1' /tmp/keepalived.stats) = 3 ] && grep -q BAD /tmp/keepalived.data; }}
        until_ 10 settled || {{ cat /tmp/keepalived.stats /tmp/keepalived.data; fail no masters; }}
        echo "@@ -v"; {program} -v 2>&1 >/dev/null
        echo "@@ --version"; {program} --version 2>&1
        for f in data stats json; do echo "@@ $f"; cat /tmp/keepalived.$f; echo; done
        "#
    ));
    let files = text.split("@@ ").skip(1).filter_map(|part| part.split_once('\n'));
    files.map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
}

/// What stands behind the first `=` or `:` of a line.
fn value(line: &str) -> &str {
    line.split_once(['=', ':']).expect("a label and a value").1.trim()
}

/// `ADDRESS… dev INTERFACE`: an address's place is its third word.
fn place(address: &str) -> String {
    let words: Vec<_> = address.split(' ').collect();
    assert_eq!(words[1], "dev", "{address}");
    format!("{} on {}", words[0], words[2])
}

fn from_text(data: &str, stats: &str) -> Metrics {
    let mut metrics = Metrics::new();
    let (mut of, mut list) = (String::new(), None);
    for line in data.lines() {
        let label = line.split(['=', ':']).next().unwrap_or_default();
        if label.starts_with(" VRRP Instance") || label.starts_with(" VRRP Script") {
            of = format!("{}.{}", label.trim(), value(line));
        } else if !line.starts_with("   ") {
            of.clear();
        } else if line.starts_with("     ") {
            let Some(list) = list.filter(|_| !of.is_empty()) else { continue };
            metrics.insert(format!("{of}.{list}.{}", place(line.trim())), String::new());
        } else if !of.is_empty() {
            let label = label.trim();
            list = ["Virtual IP Excluded", "Virtual IP ("].into_iter().find(|list| label.starts_with(list));
            let read =
                ["State", "Wantstate", "Interface", "Gratuitous ARP delay", "Virtual Router ID", "Status"];
            if read.contains(&label) && value(line) != "running" {
                metrics.insert(format!("{of}.{label}"), value(line).to_owned());
            }
        }
    }
    let mut section = "";
    for line in stats.lines().filter(|line| !line.is_empty()) {
        match line {
            _ if line.starts_with("VRRP Instance") => of = value(line).to_owned(),
            _ if line.starts_with("    ") => {
                let label = line.split(':').next().unwrap_or_default().trim();
                metrics.insert(format!("{of}.{section}.{label}"), value(line).to_owned());
            }
            _ if line.ends_with(':') => section = line.trim().trim_end_matches(':'),
            _ => {
                let label = line.split(':').next().unwrap_or_default().trim();
                metrics.insert(format!("{of}..{label}"), value(line).to_owned());
            }
        }
    }
    metrics
}

/// Those keys are decoded into whole numbers and texts; anything else ends the exporter's reading.
fn from_json(text: &str) -> Metrics {
    let mut metrics = Metrics::new();
    for entry in serde_json::from_str::<Value>(text).expect("JSON").as_array().expect("a list") {
        let name = entry["data"]["iname"].as_str().expect("a name");
        for key in ["state", "wantstate", "garp_delay", "vrid"] {
            metrics.insert(format!("{name}.{key}"), entry["data"][key].as_u64().expect(key).to_string());
        }
        metrics.insert(
            format!("{name}.ifp_ifname"),
            entry["data"]["ifp_ifname"].as_str().expect("a name").into(),
        );
        for key in ["vips", "evips"] {
            let all = entry["data"][key].as_array();
            for address in all.into_iter().flatten().map(|address| address.as_str().expect("a text")) {
                metrics.insert(format!("{name}.{key}.{}", place(address)), String::new());
            }
        }
        for (_, _, key) in COUNTERS {
            metrics.insert(format!("{name}.{key}"), entry["stats"][key].as_u64().expect(key).to_string());
        }
    }
    metrics
}

#[test]
fn the_exporter_reads_the_same_of_both() {
    if !(possible() && installed("keepalived")) {
        return;
    }
    let (theirs, ours) = std::thread::scope(|scope| {
        let theirs = scope.spawn(|| files("/usr/sbin/keepalived"));
        let ours = files("keepalived");
        (theirs.join().expect("the original's files"), ours)
    });
    for files in [&theirs, &ours] {
        let version = files["-v"].lines().next().expect("a line");
        let number = version.split(' ').nth(1).and_then(|word| word.strip_prefix('v')).expect("a version");
        assert!(number.split('.').filter(|part| part.parse::<u32>().is_ok()).count() == 3, "{version}");
        assert!(files["--version"].contains("--enable-json"), "{}", files["--version"]);
    }
    let options = |text: &str, label: &str| -> Vec<String> {
        let line = text.lines().find_map(|line| line.strip_prefix(label)).expect(label);
        line.split_whitespace().map(str::to_owned).collect()
    };
    for (label, some) in [
        ("Config options:", &["NFTABLES", "VRRP_VMAC", "OLD_CHKSUM_COMPAT"][..]),
        ("System options:", &["VRRP_IPVLAN", "VRF"]),
    ] {
        let [theirs, ours] = [&theirs, &ours].map(|files| options(&files["--version"], label));
        assert!(ours.iter().all(|option| theirs.contains(option)), "{ours:?} {theirs:?}");
        assert!(some.iter().all(|option| ours.iter().any(|ours| ours == option)), "{ours:?}");
    }
    for signal in ["STATS", "DATA", "JSON"] {
        assert_eq!(ours[signal], theirs[signal], "{signal}");
    }
    // How much each has sent is a matter of when it was asked.
    let is_timed = |name: &str| name.ends_with(".Advertisements.Sent") || name.ends_with(".advert_sent");
    let [ours, theirs] = [&ours, &theirs].map(|files| {
        let mut metrics = from_text(&files["data"], &files["stats"]);
        metrics.extend(from_json(&files["json"]));
        metrics.retain(|name, _| !is_timed(name));
        metrics
    });
    let text =
        ["Virtual IP (.10.0.0.58/24 on vrrp.58@eth0", "Virtual IP Excluded.10.0.0.59/24 on vrrp.58@eth0"];
    for address in text.map(|address| format!("VRRP Instance.VI_vmac.{address}")) {
        assert!(theirs.contains_key(&address), "{address}: {theirs:#?}");
    }
    assert_eq!(theirs["VRRP Script.chk_bad.Status"], "BAD");
    for (section, label, key) in COUNTERS.iter().filter(|(_, label, _)| *label != "Sent") {
        assert_eq!(theirs[&format!("VI_1.{section}.{label}")], theirs[&format!("VI_1.{key}")]);
    }
    assert_eq!(ours, theirs);
}
