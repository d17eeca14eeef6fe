//! Ten thousand damaged, forged and random VRRP packets at two running programs: the master goes on
//! advertising, and the backup obeys it, and takes over when it stops.
//!
//! keepalived 2.2.7 in the master's place sends no advertisement as long as 2,000 such packets a
//! second arrive (seen with tcpdump), so its backup becomes a second master.

mod support;

use socket2::{Domain, Protocol, Socket, Type};
use std::net::{Ipv4Addr, SocketAddrV4};
use std::time::Duration;
use support::{installed, possible, succeed};

/// Set in the sandbox: this test binary is the one that sends, `bad` packets or `lower` ones.
const FLOOD: &str = "TEST_FLOOD";
const PACKETS: u32 = 10_000;
const VRRP: u8 = 112;
const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);
const FORGER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 66);

/// SplitMix64: small, and the same on every run.
struct Random(u64);

impl Random {
    fn byte(&mut self) -> u8 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) as u8
    }
}

/// RFC 1071, with the field at `at` as zero.
fn fill_checksum(bytes: &mut [u8], at: usize) {
    bytes[at..at + 2].fill(0);
    let words = bytes.chunks(2).map(|pair| u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0)));
    let sum = words.sum::<u32>();
    let sum = (sum & 0xffff) + (sum >> 16);
    let sum = !((sum & 0xffff) + (sum >> 16)) as u16;
    bytes[at..at + 2].copy_from_slice(&sum.to_be_bytes());
}

/// Not one of these may count. Priorities are the highest, so each that did would show.
fn bad_packet(number: u32, random: &mut Random) -> Vec<u8> {
    let mut body = vec![0x21, 51, 255, 1, 1, 1, 0, 0, 10, 0, 0, 100];
    body.extend_from_slice(b"1111\0\0\0\0");
    let mut ttl = 255;
    match number % 6 {
        0 => body = (0..random.byte()).map(|_| random.byte()).collect(),
        // A stranger's password.
        1 => body[12..].iter_mut().for_each(|byte| *byte = random.byte()),
        2 => ttl = 254,
        // Another interval, another version, another kind of authentication.
        3 => body[5] = random.byte() | 2,
        4 => body[0] = random.byte() | 0x80,
        _ => body[4] = 0,
    }
    if !number.is_multiple_of(6) {
        fill_checksum(&mut body, 6);
    }
    ip(ttl, &body)
}

/// What a master of lower priority says.
fn lower_packet() -> Vec<u8> {
    let mut body = vec![0x21, 51, 1, 1, 1, 1, 0, 0, 10, 0, 0, 100];
    body.extend_from_slice(b"1111\0\0\0\0");
    fill_checksum(&mut body, 6);
    ip(255, &body)
}

fn ip(ttl: u8, body: &[u8]) -> Vec<u8> {
    let length = u16::try_from(20 + body.len()).expect("short").to_be_bytes();
    let mut packet = vec![0x45, 0xc0, length[0], length[1], 0, 0, 0, 0, ttl, VRRP, 0, 0];
    packet.extend_from_slice(&FORGER.octets());
    packet.extend_from_slice(&GROUP.octets());
    fill_checksum(&mut packet, 10);
    packet.extend_from_slice(body);
    packet
}

/// Not a test by itself: sends the packets, evenly in five seconds.
#[test]
fn sender() {
    let Some(flood) = std::env::var_os(FLOOD) else { return };
    let socket = Socket::new(Domain::IPV4, Type::RAW, Some(Protocol::from(i32::from(VRRP)))).expect("root");
    socket.set_header_included_v4(true).expect("a raw socket");
    socket.set_multicast_if_v4(&FORGER).expect("an address of ours");
    let mut random = Random(1);
    for number in 0..PACKETS {
        let packet = if flood == "lower" { lower_packet() } else { bad_packet(number, &mut random) };
        socket.send_to(&packet, &SocketAddrV4::new(GROUP, 0).into()).expect("the wire takes it");
        if number.is_multiple_of(20) {
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

/// Two directors on one wire, `$p` in the network of the peer; `write FILE PRIORITY` writes a configuration.
fn two_directors() -> String {
    format!(
        r#"
        unshare --net sleep infinity & p=$!; until_ 5 apart $p || fail unshare
        on_peer() {{ nsenter --net=/proc/$p/ns/net "$@"; }}
        ip link add ens33 type veth peer name ens33 netns $p
        ip addr add 10.0.0.1/24 dev ens33; ip link set ens33 up
        on_peer ip addr add 10.0.0.2/24 dev ens33; on_peer ip addr add {FORGER}/24 dev ens33
        on_peer ip link set ens33 up; on_peer ip link set lo up
        write() {{ cat >$1 <<X
vrrp_instance VI {{
    interface ens33
    virtual_router_id 51
    priority $2
    authentication {{
        auth_type PASS
        auth_pass 1111
    }}
    virtual_ipaddress {{
        10.0.0.100/24
    }}
}}
X
        }}
        "#
    )
}

/// Each makes the master announce its addresses again, which it is told to do slowly: what waits is
/// not to grow, so it is quiet soon after the flood.
#[test]
fn a_master_that_is_contradicted_all_the_time_has_an_end() {
    if !possible() || !installed("tcpdump") {
        return;
    }
    let directors = two_directors();
    let text = succeed(&format!(
        r#"{directors}
        write /tmp/ours.conf 200
        printf 'global_defs {{\n vrrp_garp_interval 0.2\n}}\n' >>/tmp/ours.conf
        keepalived -n -l -D -G -f /tmp/ours.conf >/tmp/log 2>&1 &
        until_ 8 grep -q 'Entering MASTER STATE' /tmp/log || fail 'no master'
        tcpdump -U -n -i ens33 -w /tmp/arps arp 2>/dev/null & until_ 5 test -s /tmp/arps
        {FLOOD}=lower on_peer $TESTS --exact sender || fail 'the sender'
        arps() {{ tcpdump -r /tmp/arps 2>/dev/null | grep -c 'Announcement\|who-has 10.0.0.100 '; }}
        echo "DURING $(arps)"
        quiet() {{ local n=$(arps); sleep 1; [ $n = $(arps) ]; }}
        until_ 4 quiet || fail "it announces on and on: $(arps)"
        "#,
    ));
    assert!(!text.contains("DURING 0"), "it does not announce again:\n{text}");
}

#[test]
fn master_and_backup_stand_a_flood() {
    if !possible() {
        return;
    }
    let directors = two_directors();
    let text = succeed(&format!(
        r#"{directors}
        write /tmp/ours.conf 100; write /tmp/peer.conf 200
        on_peer unshare --mount bash -c 'mount -t tmpfs none /run; echo $$ >/tmp/peer.pid; exec keepalived -n -l -D -G -f /tmp/peer.conf' >/tmp/peer.log 2>&1 &
        until_ 8 grep -q 'Entering MASTER STATE' /tmp/peer.log || fail 'the peer is no master'
        keepalived -n -l -D -G -f /tmp/ours.conf >/tmp/log 2>&1 &
        until_ 5 grep -q 'Entering BACKUP STATE' /tmp/log || fail 'no start'
        {FLOOD}=bad on_peer $TESTS --exact sender || fail 'the sender'
        grep 'Entering MASTER STATE' /tmp/log && fail 'two masters'
        [ $(grep -c 'from 10.0.0.66' /tmp/peer.log) -gt 0 ] || fail 'the master is not flooded'
        sed '1,/Entering MASTER STATE/d' /tmp/peer.log | grep 'Entering BACKUP STATE' && fail 'the master gave way'
        kill $(cat /tmp/peer.pid)
        until_ 3 grep -q 'Entering MASTER STATE' /tmp/log || {{ tail -20 /tmp/log; fail 'it does not take over'; }}
        echo "LINES $(wc -l </tmp/log)"
        "#,
    ));
    let lines = text.lines().find_map(|line| line.strip_prefix("LINES ")).expect("a count");
    println!("{PACKETS} packets, {lines} lines of log");
    assert!(lines.parse::<u32>().is_ok_and(|lines| lines < 500), "the log is flooded: {lines} lines");
}
