//! No bytes make the reader panic, and what it says can be shown.

use diagnostic::{Colour, render};
use keepalived_conf::model::ConfigFault;
use keepalived_conf::{Environment, Memory, load_from, registry};
use proptest::prelude::*;
use std::path::Path;

/// Pieces that meet the grammar's corners more often than plain bytes do.
const PIECES: &[&str] = &[
    "{",
    "}",
    "\n",
    " ",
    "\"",
    "'",
    "\\",
    "\\\n",
    "\\\\",
    "#",
    "!",
    "$",
    "${",
    "$A",
    "${A}",
    "$A=",
    "@",
    "@^id ",
    "~SEQ(i,1,3) ",
    "~SEQx(i,",
    "~LST({a,b},{1,2}) ",
    "include k.conf\n",
    "includea {a,b}*\n",
    "\r\n",
    "\u{feff}",
    "é",
    "\0",
    ")",
    ",",
    "vrrp_instance A {\n",
    "vrrp_script s {\n",
    "global_defs {\n",
    "state MASTER\n",
    "interface eth0\n",
    "virtual_router_id 1\n",
    "priority 300\n",
    "advert_int 0.5\n",
    "virtual_ipaddress {\n",
    "10.0.0.1/24 dev eth0 brd +\n",
    "::1\n",
    "track_script {\n",
    "script \"[[ -f x ]] && y\"\n",
    "weight -10 reverse\n",
    "authentication { auth_type PASS\n auth_pass 123456789 }\n",
    "virtual_server 1.2.3.4 80 {\n",
    "unicast_peer {\n",
    "vrrp_strict\n",
    "notify_master a b c\n",
    "99999999999999999999",
    "-",
    "0x",
    "${_RANDOM 1 ",
    "${_ENV A}",
    "_",
];

/// What may stand behind a word.
const VALUES: &[&str] = &[
    "0",
    "1",
    "-1",
    "255",
    "256",
    "0.5",
    "4294967296",
    "99999999999999999999",
    "on",
    "off",
    "all",
    "A",
    "eth0",
    "a-name-of-seventeen",
    "10.0.0.1",
    "10.0.0.0/8",
    "10.0.0.1/99",
    "fe80::1",
    "2001:db8::/32",
    "224.0.0.18",
    "ff02::12",
    "default",
    "02:11:22:33:44",
    "ff:ff:ff:ff:ff:ff",
    "hex:00",
    "hex:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f",
    "file:/none",
    "lock",
    "0x10/0xff",
    "1-2",
    "1/2",
    "1:2:3:4",
    "ip",
    "mpls",
    "/path/to",
    "IRWXG|IRWXO",
    "MTU",
    "é",
];

/// Every word and option there is.
fn words() -> Vec<&'static str> {
    registry::keywords().chain(registry::options()).map(|word| word.name).collect()
}

fn read(bytes: &[u8]) {
    let files = Memory::default().with("k.conf", bytes);
    let environment = Environment { config_id: Some("id".to_owned()), ..Environment::default() };
    let loaded = load_from(Path::new("k.conf"), &files, &environment);
    assert!(loaded.report.findings().len() <= 1001, "nobody reads so many");
    for finding in loaded.report.findings().iter().take(2) {
        let _ = render(finding, &loaded.sources, Colour::Never);
    }
    for instance in &loaded.config.instances {
        assert!(instance.vrid > 0 && instance.priority > 0 && !instance.advert_int.is_zero());
        let empty = instance.unicast.as_ref().is_some_and(|unicast| unicast.peers.is_empty());
        assert_eq!(empty, instance.fault == Some(ConfigFault::NoUnicastPeer));
        assert!(instance.addresses.len() <= 255);
        for tracked in &instance.track_scripts {
            assert!(loaded.config.scripts.iter().any(|script| script.name == tracked.name));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        read(&bytes);
    }

    #[test]
    fn any_pieces(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..60)) {
        read(pieces.concat().as_bytes());
    }
}

/// A line: words, options and values as they come, perhaps the beginning or end of a block.
fn line() -> impl Strategy<Value = String> {
    let word = proptest::sample::select(words());
    let rest = proptest::collection::vec(
        prop_oneof![proptest::sample::select(VALUES), proptest::sample::select(words())],
        0..6,
    );
    (word, rest, 0..6u8).prop_map(|(word, rest, end)| {
        let line = format!("{word} {}", rest.join(" "));
        match end {
            0 => format!("{line} {{\n"),
            1 => format!("{line}\n}}\n"),
            _ => format!("{line}\n"),
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_words(lines in proptest::collection::vec(line(), 0..30), block in 0..8usize) {
        let blocks = [
            "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\n",
            "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nvirtual_routes {\n",
            "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nvirtual_rules {\n",
            "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nvirtual_ipaddress {\n",
            "vrrp_instance A {\ninterface eth0\nvirtual_router_id 1\nauth_hmac {\n",
            "global_defs {\n",
            "bfd_instance A {\n",
            "",
        ];
        read(format!("{}{}", blocks[block], lines.concat()).as_bytes());
    }
}

#[test]
fn deep_nesting() {
    read("x {\n".repeat(100_000).as_bytes());
    read("}\n".repeat(5_000).as_bytes());
    read("junk word\n".repeat(100_000).as_bytes());
    read("\\xff\\xff \"\n".repeat(50_000).as_bytes());
    read("include k.conf\n".repeat(100).as_bytes());
}

/// Short texts and large files whose reading took time by the square of their size, or memory: what
/// took minutes takes as long as any other text.
#[test]
fn what_multiplies() {
    let many = |count: usize, line: &dyn Fn(usize) -> String| (0..count).map(line).collect::<String>();
    let block = |head: &str, lines: String| format!("vrrp_instance A {{\n{head}\n{lines}}}\n");
    let texts = [
        "~SEQ(a,1,65536) ~SEQ(b,1,65536)\n".to_owned(),
        format!("~LST({{{}}}{}) x\n", many(3000, &|n| format!("n{n},")) + "n", ",{1}".repeat(3000)),
        format!("include {}\n", "{a}".repeat(100_000)),
        format!("include {}\n", "{a,b}".repeat(40)),
        "${A".repeat(100_000) + "\n",
        "a${".repeat(100_000) + "\n",
        "a{}".repeat(100_000) + "\n",
        "~SEQ(a,1,65536) x {b}{\n".to_owned(),
        "x {b}{\n".repeat(100_000),
        "x { @id ".repeat(10_000) + "\n",
        "a".repeat(300_000) + "\n",
        block("", "priority 100\n".repeat(10_000)),
        block("virtual_routes {", many(5_000, &|n| format!("10.0.0.0/8 vai {n}\n")) + "}\n"),
        block("track_interface {", many(10_000, &|n| format!("eth{n}\n")) + "}\n"),
        many(2_000, &|n| format!("vrrp_script s{n} {{\nscript /bin/true\n}}\n"))
            + &block("track_script {", many(10_000, &|n| format!("t{n}\n")) + "}\n"),
    ];
    texts.iter().for_each(|text| read(text.as_bytes()));
}

#[test]
fn errors_are_not_lost_among_warnings() {
    let text = "global_defs {\n".to_owned() + &"vrrp_version 3 4\n".repeat(2000) + "vrrp_version 9\n}\n";
    let files = Memory::default().with("k.conf", text.as_bytes());
    let loaded = load_from(Path::new("k.conf"), &files, &Environment::default());
    let findings = loaded.report.findings();
    assert_eq!(findings.len(), 1001);
    assert_eq!(findings[0].id, "too-many-findings");
    assert_eq!(findings.last().map(|finding| finding.id), Some("invalid-value"));
}
