//! `enable_dbus`: what clients see on a real bus, beside the original.

mod support;

use std::path::Path;
use support::{installed, possible, run_with};

/// A bus of the sandbox's own with the policy that we ship, a network, and what clients do.
///
/// `look` walks through our objects: path, then what each interface of ours has. `heard` prints the
/// signals of ours since the last call.
const BUS: &str = r#"
ip link add eth0 type veth peer name other; ip addr add 10.9.0.1/24 dev eth0
ip link add eth0.5 type veth peer name other5; ip addr add 10.8.0.1/24 dev eth0.5
for i in eth0 other eth0.5 other5; do ip link set $i up; done
NAME=org.keepalived.Vrrp1
VRRP=/org/keepalived/Vrrp1/Vrrp
V=/org/keepalived/Vrrp1/Instance/eth0/1/IPv4
# The machine has no user `backstay` until `make_user`.
grep -v '^backstay:' /etc/passwd >/tmp/passwd; grep -v '^backstay:' /etc/group >/tmp/group; chmod 644 /tmp/passwd /tmp/group
mount --bind /tmp/passwd /etc/passwd; mount --bind /tmp/group /etc/group
make_user() { echo 'backstay:x:4711:4711::/:/usr/sbin/nologin' >>/etc/passwd; echo 'backstay:x:4711:' >>/etc/group; }
mkdir -p /run/dbus /tmp/policy; cp /tmp/own/given /tmp/policy/backstay.conf
mount --bind /tmp/policy /etc/dbus-1/system.d
bus() {
    rm -f /run/dbus/system_bus_socket
    dbus-daemon --system --nofork --nopidfile >/tmp/bus.log 2>&1 & BUS=$!
    until_ 5 dbus-send --system --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.ListNames || fail bus
}
call() { dbus-send --system --print-reply=literal --reply-timeout=30000 --dest=$NAME "$@" 2>&1; }
owner() { dbus-send --system --print-reply=literal --dest=org.freedesktop.DBus / org.freedesktop.DBus.GetConnectionUnixUser string:$NAME | awk '{ print $2 }'; }
there() { call / org.freedesktop.DBus.Introspectable.Introspect | grep -q '<node'; }
gone() { ! there; }
ours() { call $1 $NAME.$2 "${@:3}"; }
property() { call $1 org.freedesktop.DBus.Properties.Get string:org.keepalived.Vrrp1.Instance string:$2 | tr -s ' \n' ' '; }
is() { [ "$(property $1 State)" = " variant struct { uint32 $2 $3 } " ]; }
listen() {
    # What an earlier one has written is not to be taken for this one's.
    rm -f /tmp/monitor
    dbus-monitor --system "type='signal'" >/tmp/monitor 2>&1 &
    until_ 5 grep -q NameAcquired /tmp/monitor || fail monitor
}
signals() {
    awk '/^signal/ { p = /org.keepalived/; gsub(/.*path=/, ""); if (p) printf "\n%s", $0; next } p { printf " %s %s", $1, $2 }' \
        /tmp/monitor | sed 's/ interface=org.keepalived.Vrrp1.[A-Za-z]*; member=/ /'
}
heard() { signals >/tmp/now; tail -c +$(( $(stat -c %s /tmp/before 2>/dev/null || echo 0) + 1 )) /tmp/now; echo; mv /tmp/now /tmp/before; }
told() { signals | grep -q "$1"; }
cat >/tmp/look.py <<'X'
import subprocess, sys, xml.etree.ElementTree as tree
seen = set()
def walk(path):
    if path in seen: return
    seen.add(path)
    ask = ["dbus-send", "--system", "--print-reply=literal", "--dest=org.keepalived.Vrrp1", path,
           "org.freedesktop.DBus.Introspectable.Introspect"]
    node = tree.fromstring(subprocess.run(ask, capture_output=True, text=True, check=True).stdout.strip())
    for interface in node.findall("interface"):
        if "keepalived" not in interface.get("name"): continue
        print(path, interface.get("name"))
        for part in sorted(interface, key=lambda part: part.get("name")):
            kinds = [part.get("type"), part.get("access")]
            kinds += [f'{a.get("name")}:{a.get("type")}:{a.get("direction")}' for a in part.findall("arg")]
            print("   ", part.tag, part.get("name"), *filter(None, kinds))
    for child in sorted(node.findall("node"), key=lambda child: child.get("name")):
        walk(path.rstrip("/") + "/" + child.get("name"))
walk("/")
X
look() { python3 /tmp/look.py; }
instance() { echo "vrrp_instance $1 {
    interface $2
    virtual_router_id $3
    virtual_ipaddress {
        $4
    }
}"; }
write() { cat >/tmp/new.conf; mv /tmp/new.conf /etc/keepalived/keepalived.conf; }
trap 'cat /tmp/log /tmp/bus.log 2>/dev/null' EXIT
"#;

/// Who may do what, as we ship it.
const POLICY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../packaging/dbus/backstay.conf");

/// Whether what the tests need is here.
fn ready() -> bool {
    possible() && installed("dbus-daemon") && installed("dbus-monitor")
}

/// Runs a script beside a bus; it must succeed.
#[track_caller]
fn succeed(script: &str) -> String {
    let outcome = run_with(Path::new(POLICY), &format!("{BUS}\n{script}\ntrap - EXIT"));
    assert!(outcome.success, "{}", outcome.text);
    outcome.text
}

/// Everything that a program says on the bus in its life, ordered where order means something; `before`
/// it something is done, and on the bus it has to be the user `owner`.
fn life(program: &str, before: &str, owner: u32) -> String {
    let text = succeed(&format!(
        r#"
        {before}
        bus; listen
        {{ echo 'global_defs {{
            enable_dbus
        }}'; instance V eth0 1 10.9.0.9/32; instance W eth0.5 2 10.8.0.9/32; }} | write
        {program} -n -l >/tmp/log 2>&1 & K=$!
        until_ 8 told "eth0/1/.* uint32 2" || fail no master; until_ 8 told "eth0_5/2/.* uint32 2" || fail no second master
        [ "$(owner)" = {owner} ] || fail "on the bus it is $(owner)"
        echo '== start'; heard; look
        echo '== properties'
        property $V Name; property $V State; property /org/keepalived/Vrrp1/Instance/eth0_5/2/IPv4 Name
        echo; call $V org.freedesktop.DBus.Properties.GetAll string:org.keepalived.Vrrp1.Instance | tr -s ' \n' ' ' |
            sed 's/ dict entry(/\n/g' | grep variant | tr -d ')]' | sed 's/ *$//' | sort
        call $V org.freedesktop.DBus.Peer.Ping && echo pinged
        echo '== mistakes'
        kind() {{ "$@" | grep -o '^Error [^:]*'; }}
        kind ours $V Instance.SendGarp string:x; kind ours $V Instance.SendGarp array:uint32:1,2
        kind ours $VRRP Vrrp.PrintData uint32:1; kind ours $VRRP Vrrp.ReloadConfig boolean:true
        kind ours $V Instance.Nothing
        echo '== files'
        ours $VRRP Vrrp.PrintData; grep -c 'VRRP Instance = ' /tmp/keepalived.data; ls /tmp/*.data; rm /tmp/*.data
        ours $VRRP Vrrp.PrintStats; grep -c 'VRRP Instance: ' /tmp/keepalived.stats; rm /tmp/keepalived.stats
        ours $VRRP Vrrp.PrintStatsClear; grep -A3 'Instance: V' /tmp/keepalived.stats | grep -c 'Sent: [1-9]'
        echo '== announcement'
        tcpdump -i other -nn -l arp and src host 10.9.0.9 >/tmp/arp 2>/tmp/ready &
        until_ 5 grep -q 'listening on' /tmp/ready || fail tcpdump
        ours $V Instance.SendGarp; until_ 5 grep -q 'Request who-has 10.9.0.9' /tmp/arp || fail no announcement
        echo '== reload'
        ours $VRRP Vrrp.ReloadConfig; until_ 5 told VrrpReloaded || fail not reloaded; heard
        {{ echo 'global_defs {{
            enable_dbus
        }}'; instance V eth0 1 10.9.0.9/32; instance N eth0 9 10.9.0.19/32; }} | write
        kill -HUP $K; until_ 8 told 'eth0/9/.* uint32 2' || fail no new master; heard; look
        echo '== stop'
        kill $K; until_ 8 told VrrpStopped || fail VrrpStopped; heard
        "#
    ));
    in_any_order(&text)
}

/// Puts signals that differ in their instance only into one order: two instances become master in
/// the same moment. What is said before `VrrpStarted` is left out, and so are instances that have no
/// state yet when it is said (0): both depend on which thread was faster.
fn in_any_order(text: &str) -> String {
    let kind =
        |line: &str| line.split_once(' ').filter(|_| line.starts_with('/')).map(|(_, kind)| kind.to_owned());
    let started = text.find("/org/keepalived/Vrrp1/Vrrp; VrrpStarted").expect("it has started");
    let told = |line: &&str| !line.is_empty() && !line.ends_with("VrrpStatusChange uint32 0");
    let lines: Vec<&str> = text[started..].lines().filter(told).collect();
    let mut runs: Vec<&[&str]> = lines.chunk_by(|a, b| kind(a).is_some() && kind(a) == kind(b)).collect();
    let mut sorted = String::new();
    for run in &mut runs {
        let mut run = run.to_vec();
        run.sort_unstable();
        run.dedup();
        sorted += &run.join("\n");
        sorted.push('\n');
    }
    sorted
}

#[test]
fn clients_see_what_the_original_shows() {
    if !ready() || !installed("keepalived") || !installed("tcpdump") {
        return;
    }
    let ours = life("keepalived", "", 0);
    assert_eq!(ours, life("keepalived", "make_user", 4711));
    // The one thing that is told differently: the original calls a string what it sends as a structure.
    let theirs =
        life("/usr/sbin/keepalived", "", 0).replace("property Name s read", "property Name (s) read");
    assert_eq!(ours, theirs);
    assert!(
        ours.contains("VrrpStarted") && ours.contains("uint32 98") && ours.contains("InvalidArgs"),
        "{ours}"
    );
}

#[test]
fn a_bus_that_comes_late_or_goes_is_found_again() {
    if !ready() {
        return;
    }
    succeed(
        r#"
        { echo 'global_defs {
            enable_dbus
        }'; instance V eth0 1 10.9.0.9/32; } | write
        keepalived -n -l >/tmp/log 2>&1 &
        until_ 5 grep -q 'the system bus cannot be reached' /tmp/log || fail 'it does not say so'
        until_ 8 grep -q 'Entering MASTER STATE' /tmp/log || fail no master
        ip monitor address >/tmp/addresses & bus; until_ 15 is $V 2 Master || fail 'the bus came late'
        # It is not to be on the new bus before somebody listens there.
        kill -STOP $(pgrep -x backstay-ctl); kill -9 $BUS; bus; listen; kill -CONT $(pgrep -x backstay-ctl)
        until_ 15 is $V 2 Master || fail 'the bus was restarted'
        told VrrpStarted || fail 'no VrrpStarted on the new bus'
        # A bus that stands still is nobody's concern but the clients'.
        kill -STOP $BUS; kill -USR1 $(cat /run/keepalived.pid); until_ 3 test -s /tmp/keepalived.data || fail dump
        backstay status | grep -q MASTER || fail status; kill -CONT $BUS; until_ 5 is $V 2 Master || fail 'it stood still'
        before=$(pgrep -x backstay-ctl); backstay upgrade || fail upgrade
        other() { [ "$(pgrep -x backstay-ctl)" != $before ] && is $V 2 Master; }
        until_ 15 other || fail 'not there after an upgrade'
        grep 10.9.0.9 /tmp/addresses && fail 'the address was touched'
        "#,
    );
}

#[test]
fn a_name_that_another_one_has_is_waited_for() {
    if !ready() || !installed("keepalived") {
        return;
    }
    succeed(
        r#"
        bus; instance X eth0.5 3 10.8.0.8/32 >/tmp/other.conf
        printf 'global_defs {\nenable_dbus\n}\n' >>/tmp/other.conf
        /usr/sbin/keepalived -n -l -f /tmp/other.conf -p /tmp/k.pid -r /tmp/v.pid >/tmp/other.log 2>&1 & OTHER=$!
        until_ 5 there || fail 'the other one is not on the bus'
        { echo 'global_defs {
            enable_dbus
        }'; instance V eth0 1 10.9.0.9/32; } | write
        keepalived -n -l >/tmp/log 2>&1 &
        until_ 5 grep -q 'cannot be reached.*name already taken' /tmp/log || fail 'it does not say so'
        kill $OTHER; until_ 20 is $V 2 Master || fail 'the name is free'
        "#,
    );
}

#[test]
fn our_policy_lets_everybody_look_and_root_act() {
    if !ready() {
        return;
    }
    succeed(
        r#"
        mount -t tmpfs none /usr/share/dbus-1/system.d; rm /tmp/policy/*
        { echo 'global_defs {
            enable_dbus
        }'; instance V eth0 1 10.9.0.9/32; } | write
        bus; keepalived -n -l >/tmp/log 2>&1 &
        until_ 5 grep -q 'cannot be reached.*not allowed to own' /tmp/log || fail 'it may without a policy'
        cp /tmp/own/given /tmp/policy/backstay.conf; kill -9 $BUS; bus
        until_ 20 is $V 2 Master || fail 'it may not with our policy'
        stranger() { setpriv --reuid=nobody --clear-groups --regid=nogroup bash -c "$(declare -f call ours property); NAME=$NAME; $*"; }
        stranger property $V State | grep -q Master || fail 'a stranger sees nothing'
        stranger call $V org.freedesktop.DBus.Introspectable.Introspect | grep -q SendGarp || fail introspection
        stranger call $V org.freedesktop.DBus.Peer.Ping || fail ping
        for method in "$V Instance.SendGarp" "$VRRP Vrrp.PrintData" "$VRRP Vrrp.PrintStatsClear" "$VRRP Vrrp.ReloadConfig"; do
            stranger ours $method | grep -q AccessDenied || fail "a stranger may $method"
        done
        grep 'DBus request' /tmp/log && fail 'it was done all the same'
        "#,
    );
}

#[test]
fn a_user_of_its_own_is_who_it_is_on_the_bus() {
    if !ready() {
        return;
    }
    succeed(
        r#"
        mount -t tmpfs none /usr/share/dbus-1/system.d
        { echo 'global_defs {
            enable_dbus
        }'; instance V eth0 1 10.9.0.9/32; } | write
        # Root connects where there is no such user, and says how to do better.
        bus; keepalived -n -l >>/tmp/log 2>&1 & until_ 8 is $V 2 Master || fail 'not without the user'
        [ "$(owner)" = 0 ] || fail "without the user it is $(owner)"
        grep -q 'system bus as root.*make install' /tmp/log || fail 'no advice'
        # An upgrade is enough once it is there. The bus knows no user that was made after its start.
        make_user; kill -9 $BUS; bus; backstay upgrade || fail upgrade
        by() { [ "$(owner)" = $1 ]; }; until_ 20 by 4711 || fail "with the user it is $(owner)"
        is $V 2 Master || fail 'no answer'
        advice=$(grep -c 'system bus as root' /tmp/log); [ $advice = 1 ] || fail "advised $advice times"
        # A policy that does not know the user: it is not root's connection that helps, it says what does.
        sed -i '/<policy user="backstay">/,/<\/policy>/d' /tmp/policy/backstay.conf; : >/tmp/log; kill -9 $BUS; bus
        until_ 20 grep -q 'cannot be reached.*not allowed to own.*install packaging/dbus/backstay.conf' /tmp/log || fail 'it does not say so'
        there && fail 'it is on the bus'
        cp /tmp/own/given /tmp/policy/backstay.conf; kill -9 $BUS; bus; until_ 40 by 4711 || fail 'not with the policy'
        "#,
    );
}

#[test]
fn whatever_a_client_sends_the_rest_goes_on() {
    if !ready() {
        return;
    }
    succeed(
        r#"
        bus; { echo 'global_defs {
            enable_dbus
        }'; instance V eth0 1 10.9.0.9/32; } | write
        keepalived -n -l >/tmp/log 2>&1 & until_ 8 is $V 2 Master || fail no master
        control=$(pgrep -x backstay-ctl); long=$(head -c 100000 /dev/zero | tr '\0' x)
        P=org.freedesktop.DBus.Properties
        wrong() { "$@" | grep -q '^Error org.freedesktop.DBus.Error' || fail "it takes ${*:0:4}"; }
        wrong call / No.Such.Method; wrong call $V/9 $NAME.Instance.SendGarp; wrong call $VRRP $NAME.Instance.SendGarp
        wrong ours $V Instance.SendGarp string:$long; wrong ours $V Instance.SendGarp variant:uint32:7
        wrong ours $V Instance.SendGarp dict:string:int32:a,1,b,2; wrong ours $VRRP Vrrp.PrintStats objpath:/a/b
        wrong call $V $P.Get; wrong call $V $P.Get uint32:1; wrong call $V $P.Get string:$long string:$long
        wrong call $V $P.Get string:$NAME.Instance string:Nothing; wrong call $V $P.GetAll string:'not an interface'
        wrong call $V $P.Set string:$NAME.Instance string:Name variant:string:other
        wrong call $V $P.Set string:$NAME.Instance string:State variant:uint32:1
        # A lot at once: each is answered, in one way or the other.
        for i in $(seq 150); do ours $VRRP Vrrp.PrintStats >/tmp/answer.$i & calls="${calls:-} $!"; done; wait $calls
        grep -l 'NoReply' /tmp/answer.* && fail 'somebody got no answer'
        is $V 2 Master || fail 'no answer after all that'; [ "$(pgrep -x backstay-ctl)" = $control ] || fail 'it died'
        # The vrrp process stands still for a moment: whoever waits for a file waits, the others do not.
        vrrp=$(cat /run/vrrp.pid); rm -f /tmp/keepalived.data; kill -STOP $vrrp
        ours $VRRP Vrrp.PrintData & F=$!; is $V 2 Master || fail 'no answer meanwhile'
        kill -CONT $vrrp; wait $F; test -s /tmp/keepalived.data || fail 'answered before it was written'
        "#,
    );
}

#[test]
fn what_it_missed_is_told_afresh() {
    if !ready() {
        return;
    }
    succeed(
        r#"
        # Large on the way, and no work for the vrrp process: their interface is not there.
        many() { echo 'global_defs {
            enable_dbus
        }'; instance V eth0 1 10.9.0.9/32; for i in $(seq 2 250); do echo "vrrp_instance I$i {
            interface eth9
            virtual_router_id $i
            virtual_ipaddress {
                $(for a in $(seq 20); do echo 10.7.$i.$a; done)
            }
        }"; done; }
        bus; many >/tmp/many; write </tmp/many; keepalived -n -l >/tmp/log 2>&1 & K=$!
        until_ 8 is $V 2 Master || fail no master
        reloads() { grep -c 'Reload complete' /tmp/log; }
        kill -STOP $(pgrep -x backstay-ctl)
        for i in $(seq 12); do kill -HUP $K; until_ 5 eval "[ \$(reloads) -ge $i ]" || fail "reload $i"; done
        { cat /tmp/many; instance N eth0.5 9 10.8.0.19/32; } | write; kill -HUP $K
        until_ 8 sh -c 'ip addr show eth0.5 | grep -q 10.8.0.19' || fail 'the reload waits for it'
        kill -CONT $(pgrep -x backstay-ctl)
        N=/org/keepalived/Vrrp1/Instance/eth0_5/9/IPv4; until_ 8 is $N 2 Master || fail 'it does not know'
        grep -q 'has missed something' /tmp/log || grep -q 'no sign of life' /tmp/log || fail 'it missed nothing'
        "#,
    );
}

#[test]
fn words_change_the_names() {
    if !ready() {
        return;
    }
    succeed(
        r#"
        sed 's/org.keepalived.Vrrp1/org.example.Two/' /tmp/own/given >/tmp/policy/two.conf; bus; listen
        words() { { echo "instance two-b
        global_defs {
            $1
        }"; instance V eth0 1 10.9.0.9/32; echo 'vrrp_instance U {
            version 3
            unicast_src_ip 10.9.0.1
            unicast_peer {
                10.9.0.2
            }
            virtual_router_id 5
            virtual_ipaddress {
                10.9.0.5/32 dev eth0
            }
        }'; } | write; }
        I=/org/keepalived/Vrrp1/two_b/Instance
        words enable_dbus; keepalived -n -l >/tmp/log 2>&1 & K=$!
        until_ 8 is $I/eth0/1/IPv4 2 Master || fail no master; until_ 8 is $I/none/5/IPv4 2 Master || fail no interface
        told '^/org/keepalived/Vrrp1/two_b/Vrrp; VrrpStarted' || fail "$(heard)"
        words 'enable_dbus
            dbus_no_interface_name nowhere'; kill -HUP $K; until_ 5 is $I/nowhere/5/IPv4 2 Master || fail nowhere
        call $I/none/5/IPv4 org.freedesktop.DBus.Properties.GetAll string:$NAME.Instance | grep -q UnknownObject || fail none
        words 'enable_dbus
            dbus_service_name org.example.Two'; kill -HUP $K; until_ 5 told VrrpStopped || fail 'the old name is kept'
        NAME=org.example.Two; until_ 5 is $I/none/5/IPv4 2 Master || fail 'no other name'
        NAME=org.keepalived.Vrrp1; until_ 5 gone || fail 'it has two names'
        words ''; kill -HUP $K; NAME=org.example.Two; until_ 5 gone || fail 'it stays on the bus'
        words enable_dbus; kill -HUP $K; NAME=org.keepalived.Vrrp1; until_ 5 is $I/eth0/1/IPv4 2 Master || fail 'not back'
        "#,
    );
}
