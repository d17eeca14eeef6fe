//! No bytes make the reader panic, and what it says can be shown.

use diagnostic::{Colour, render};
use keepalived_conf::{Environment, Memory, load_from};
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

fn read(bytes: &[u8]) {
    let files = Memory::default().with("k.conf", bytes);
    let environment = Environment { config_id: Some("id".to_owned()), ..Environment::default() };
    let loaded = load_from(Path::new("k.conf"), &files, &environment);
    for finding in loaded.report.findings().iter().take(3) {
        let _ = render(finding, &loaded.sources, Colour::Never);
    }
    for instance in &loaded.config.instances {
        assert!(instance.vrid > 0 && instance.priority > 0 && !instance.advert_int.is_zero());
        assert!(instance.unicast.as_ref().is_none_or(|unicast| !unicast.peers.is_empty()));
        for tracked in &instance.track_scripts {
            assert!(loaded.config.scripts.iter().any(|script| script.name == tracked.name));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        read(&bytes);
    }

    #[test]
    fn any_pieces(pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..60)) {
        read(pieces.concat().as_bytes());
    }
}

#[test]
fn deep_nesting() {
    read("x {\n".repeat(100_000).as_bytes());
    read("}\n".repeat(5_000).as_bytes());
    read("include k.conf\n".repeat(100).as_bytes());
}
