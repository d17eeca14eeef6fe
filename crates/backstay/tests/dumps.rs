//! What signals write: the same files, mode, labels and JSON as the original's, for the same
//! configuration on the same network.

mod support;

use serde_json::Value;
use std::collections::BTreeMap;
use support::{installed, possible, succeed};

/// A label that we leave out: the original's library.
const THEIRS: &[&str] = &["libnftnl version"];

/// Two instances in a group, a third in unicast that stays backup, a script; every dump is written,
/// then the counters are cleared. Prints each file after a line with its name.
fn dumps(program: &str) -> BTreeMap<String, String> {
    let text = succeed(&format!(
        r#"
        ip link add eth0 type veth peer name other; ip addr add 10.0.0.1/24 dev eth0
        ip link set eth0 up; ip link set other up
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
vrrp_sync_group G1 {{
    group {{
        VI_1
        VI_2
    }}
    track_script {{
        chk_ok
    }}
}}
vrrp_instance VI_1 {{
    state BACKUP
    interface eth0
    virtual_router_id 51
    priority 100
    authentication {{
        auth_type PASS
        auth_pass secret
    }}
    virtual_ipaddress {{
        10.0.0.50/24
        10.0.0.51/24 dev eth0 label eth0:1
    }}
    virtual_ipaddress_excluded {{
        10.0.0.60/32
    }}
    track_interface {{
        lo
    }}
    notify_master "/usr/bin/test master"
}}
vrrp_instance VI_2 {{
    state BACKUP
    interface eth0
    use_vmac
    virtual_router_id 52
    priority 90
    nopreempt
    virtual_ipaddress {{
        10.0.0.52/24
    }}
}}
vrrp_instance VI_3 {{
    version 3
    state BACKUP
    interface eth0
    virtual_router_id 53
    priority 120
    advert_int 0.5
    preempt_delay 30
    unicast_src_ip 10.0.0.1
    unicast_peer {{
        10.0.0.2
    }}
    virtual_ipaddress {{
        10.0.0.53/24
    }}
    track_script {{
        chk_ok
    }}
}}
X
        {program} -n -G -D &
        P=$!
        for n in 0 2 3; do until_ 10 sh -c "ip addr | grep -q 10.0.0.5$n/" || fail no master of 10.0.0.5$n; done
        until_ 5 test -s /run/keepalived.pid
        ask() {{ kill -$(keepalived --signum=$1) $(cat /run/keepalived.pid); }}
        ask DATA; ask STATS; ask JSON
        for f in keepalived.data keepalived_parent.data keepalived.stats keepalived.json; do
            until_ 5 written /tmp/$f || fail no $f
            [ "$(stat -c %a:%U /tmp/$f)" = 600:root ] || fail "mode of $f: $(stat -c %a:%U /tmp/$f)"
            echo "@@ $f"; cat /tmp/$f; echo
        done
        rm /tmp/keepalived.stats; began=$SECONDS
        ask STATS_CLEAR; until_ 5 written /tmp/keepalived.stats || fail no last counters; rm /tmp/keepalived.stats
        ask STATS; until_ 5 written /tmp/keepalived.stats || fail no cleared counters
        echo "@@ cleared"; cat /tmp/keepalived.stats; echo "@@ seconds"; echo $((SECONDS - began + 1))
        kill $P; wait $P
        "#
    ));
    let files = text.split("@@ ").skip(1).filter_map(|part| part.split_once('\n'));
    files.map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
}

fn both() -> Option<[BTreeMap<String, String>; 2]> {
    (possible() && installed("keepalived")).then(|| [dumps("/usr/sbin/keepalived"), dumps("keepalived")])
}

/// Keys with the kinds of their values.
fn shape(value: &Value) -> Value {
    match value {
        Value::Null | Value::Bool(_) => "bool".into(),
        Value::Number(number) if number.is_u64() => "whole".into(),
        Value::Number(_) => "number".into(),
        Value::String(_) => "text".into(),
        Value::Array(all) => all.iter().map(shape).collect(),
        Value::Object(all) => all.iter().map(|(key, value)| (key.clone(), shape(value))).collect(),
    }
}

/// A line without what may differ: values, numbers.
fn label(line: &str) -> String {
    let end = line.find(" = ").map_or(line.len(), |at| at + 2);
    let line: String = line[..end].chars().filter(|c| !c.is_ascii_digit()).collect();
    line.trim_end().to_owned()
}

fn labels(text: &str) -> Vec<String> {
    let kept = |line: &&str| !THEIRS.iter().any(|label| line.trim_start().starts_with(label));
    text.lines().filter(kept).map(label).collect()
}

#[test]
fn dumps_are_the_originals() {
    let Some([theirs, ours]) = both() else { return };
    let json = |files: &BTreeMap<String, String>| {
        serde_json::from_str::<Value>(&files["keepalived.json"]).expect("JSON")
    };
    let (their_json, our_json) = (json(&theirs), json(&ours));
    assert_eq!(shape(&our_json), shape(&their_json), "\n{our_json:#}\n{their_json:#}");
    for instance in 0..3 {
        for (key, theirs) in their_json[instance]["data"].as_object().expect("an object") {
            let hidden = key == "auth_data" || key == "last_transition";
            assert!(
                hidden || our_json[instance]["data"][key] == *theirs,
                "{key}: {our_json:#}\n{their_json:#}"
            );
        }
    }
    let whole = |text: &str| text.lines().map(label).collect::<Vec<_>>();
    assert_eq!(labels(&ours["keepalived.stats"]), labels(&theirs["keepalived.stats"]));
    for file in ["keepalived.data", "keepalived_parent.data"] {
        let (our_lines, their_lines) = (labels(&ours[file]), labels(&theirs[file]));
        let differing: Vec<_> = our_lines.iter().filter(|line| !their_lines.contains(line)).collect();
        assert!(differing.is_empty(), "only ours in {file}: {differing:#?}");
        let missing: Vec<_> = their_lines.iter().filter(|line| !our_lines.contains(line)).collect();
        assert!(missing.is_empty(), "missing in {file}: {missing:#?}");
        let at = our_lines.iter().zip(&their_lines).position(|(ours, theirs)| ours != theirs);
        let at = at.unwrap_or(our_lines.len().min(their_lines.len()));
        let (our_rest, their_rest) = (our_lines.get(at..at + 3), their_lines.get(at..at + 3));
        assert!(our_lines == their_lines, "{file}, from label {at}: {our_rest:?} is not {their_rest:?}");
    }
    assert!(!ours["keepalived.data"].contains("secret"), "passwords are not shown");
    // One advertisement a second since the counters were cleared.
    let sent = |text: &str| {
        let line = text.lines().find(|line| line.starts_with("    Sent: ")).expect("a counter");
        line.rsplit(' ').next().and_then(|n| n.parse::<u64>().ok()).expect("a number")
    };
    assert!(sent(&ours["keepalived.stats"]) > 0);
    let seconds: u64 = ours["seconds"].trim().parse().expect("a number");
    assert!(sent(&ours["cleared"]) <= seconds, "in {seconds} s: {}", ours["cleared"]);
    assert_eq!(whole(&ours["cleared"]), whole(&theirs["cleared"]));
}

/// What keepalived has from 2.4 on, where there is `auth_hmac`; beside a router that does not sign.
#[test]
fn refused_signatures_are_counted() {
    if !possible() || !installed("keepalived") {
        return;
    }
    let text = succeed(
        r#"
        mkdir -p /run/netns; mount -t tmpfs none /run/netns; ip netns add peer
        ip link add eth0 type veth peer name eth0 netns peer; ip addr add 10.0.0.1/24 dev eth0; ip link set eth0 up
        ip -n peer addr add 10.0.0.2/24 dev eth0; ip -n peer link set eth0 up
        instance() { echo "vrrp_instance VI_1 {
    interface eth0
    virtual_router_id 51
    virtual_ipaddress {
        10.0.0.50
    }
    $*
}"; }
        instance priority 150 >/tmp/peer.conf
        instance 'auth_hmac {
        key 1 0123456789abcdef0123456789abcdef
        key 2 fedcba9876543210fedcba9876543210
        active_key 2
        anti_replay monotonic
    }' >/etc/keepalived/keepalived.conf
        ip netns exec peer /usr/sbin/keepalived -n -l -f /tmp/peer.conf -p /tmp/peer.pid -r /tmp/peer.vrrp >/tmp/peer.log 2>&1 &
        keepalived -n -l >/tmp/log 2>&1 &
        dumped() { kill -USR2 $(cat /run/keepalived.pid); sleep 0.1; grep -q 'Missing: [1-9]' /tmp/keepalived.stats; }
        until_ 10 test -s /run/keepalived.pid; until_ 10 dumped || { cat /tmp/*.log /tmp/keepalived.stats; fail 'nothing is counted'; }
        for s in DATA JSON; do kill -$(keepalived --signum=$s) $(cat /run/keepalived.pid); done
        until_ 3 written /tmp/keepalived.data; until_ 3 written /tmp/keepalived.json
        grep -A4 'Authentication extension' /tmp/keepalived.data
        grep -A7 'Extension Errors' /tmp/keepalived.stats | sed 's/Missing: .*/Missing: some/'
        echo @@; cat /tmp/keepalived.json
        "#,
    );
    let (lines, json) = text.split_once("@@").expect("all were written");
    let expected = "   Authentication extension = HMAC-SHA256-128
     Keys = 2, active key id = 2
     Mode = enforce
     Anti replay = monotonic
";
    let counted = "  Authentication Extension Errors:
    Missing: some
    Malformed: 0
    Unknown Key: 0
    Invalid HMAC: 0
    Stale: 0
    Replay: 0
  Priority Zero:
";
    assert!(lines.starts_with(expected) && lines.ends_with(counted), "{lines}");
    let json: Value = serde_json::from_str(json).expect("it is JSON");
    let stats = json[0]["stats"].as_object().expect("statistics");
    assert!(stats["auth_ext_missing"].as_u64() > Some(0) && stats["auth_failure"] == 0, "{stats:?}");
    let own = ["malformed", "unknown_key", "invalid_hmac", "stale", "replay"];
    assert!(own.iter().all(|word| stats[&format!("auth_ext_{word}")] == 0), "{stats:?}");
}
