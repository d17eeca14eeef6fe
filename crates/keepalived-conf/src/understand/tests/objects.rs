//! `vrrp_track_process`, `track_file`, `bfd_instance`, and what tracks them.

use super::{found, load, shown};
use crate::model::{BfdInstance, ParameterMatch, TrackFile, TrackFileInit, TrackProcess, TrackWeight};
use std::time::Duration;

fn weight(weight: i32, reverse: bool) -> TrackWeight {
    TrackWeight { weight, reverse }
}

#[test]
fn a_process() {
    let loaded = load(
        "vrrp_track_process web {\nprocess /usr/sbin/nginx -g daemon\nparam_match initial\nweight 254 reverse\nquorum 2\nquorum_max 9\ndelay 0.5\nfork_delay 2\n}\nvrrp_track_process db {\nprocess mysqld\nquorum_max 0\n}\n",
    );
    assert_eq!(found(&loaded), [""; 0], "{}", shown(&loaded));
    let web = TrackProcess {
        name: "web".into(),
        program: "/usr/sbin/nginx".into(),
        parameters: vec!["-g".into(), "daemon".into()],
        matching: ParameterMatch::Initial,
        full_command: true,
        weight: weight(254, true),
        quorum: 2,
        quorum_max: Some(9),
        terminate_delay: Duration::from_millis(500),
        fork_delay: Duration::from_secs(2),
    };
    assert_eq!(loaded.config.processes[0], web);
    let db = &loaded.config.processes[1];
    assert_eq!((db.quorum, db.quorum_max, db.full_command), (0, Some(0), false));
    assert_eq!((db.weight, db.matching), (weight(0, false), ParameterMatch::Ignored));
}

#[test]
fn mistakes_of_a_process() {
    let cases: &[(&str, &[&str], usize)] = &[
        ("", &["missing-keyword@1"], 0),
        ("process x\nquorum 5\nquorum_max 3", &["invalid-value@4"], 1),
        ("process a-very-long-program", &["long-process-name@2"], 1),
        ("process a-very-long-program\nfull_command", &[], 1),
        ("process x\nweight 255", &["invalid-value@3"], 1),
        ("process x\nweight 5 revers", &["invalid-value@3"], 1),
        ("process x\ndelay 0", &["invalid-value@3"], 1),
        ("process x\nparam_match exact", &["invalid-value@3"], 1),
    ];
    for (inner, findings, count) in cases {
        let loaded = load(&format!("vrrp_track_process p {{\n{inner}\n}}\n"));
        assert_eq!(found(&loaded), *findings, "{inner}: {}", shown(&loaded));
        assert_eq!(loaded.config.processes.len(), *count, "{inner}");
    }
}

#[test]
fn a_file() {
    let loaded = load(
        "track_file f {\nfile /run/f\nweight 2 reverse\ninit_file 7 overwrite\n}\nvrrp_track_file g {\nfile g\n}\ntrack_file h {\n}\n",
    );
    assert_eq!(found(&loaded), ["old-name@6", "relative-path@7", "missing-keyword@9"], "{}", shown(&loaded));
    let f = TrackFile {
        name: "f".into(),
        path: "/run/f".into(),
        weight: weight(2, true),
        init: Some(TrackFileInit { value: 7, overwrite: true }),
    };
    assert_eq!(loaded.config.files[0], f);
    assert_eq!((loaded.config.files[1].weight, loaded.config.files[1].init), (weight(1, false), None));
}

#[test]
fn a_session_of_bfd() {
    let loaded = load(
        "bfd_instance b {\nneighbor_ip 10.0.0.2\nsource_ip 10.0.0.1\nmin_rx 50\nmin_tx 20.5\nidle_tx 2000\nmultiplier 3\npassive\nttl 9\nmax_hops 3\nmultihop\nweight -10 reverse\nvrrp\n}\nbfd_instance c {\nneighbour_ip fe80::2\n}\n",
    );
    assert_eq!(found(&loaded), [""; 0], "{}", shown(&loaded));
    let b = BfdInstance {
        name: "b".into(),
        neighbor: [10, 0, 0, 2].into(),
        source: Some([10, 0, 0, 1].into()),
        min_rx: Duration::from_millis(50),
        min_tx: Duration::from_micros(20_500),
        idle_tx: Duration::from_secs(2),
        multiplier: 3,
        passive: true,
        ttl: 9,
        max_hops: Some(3),
        multihop: true,
        weight: weight(-10, true),
        for_vrrp: true,
        for_checkers: false,
    };
    assert_eq!(loaded.config.bfd[0], b);
    let c = &loaded.config.bfd[1];
    assert_eq!((c.ttl, c.max_hops, c.multiplier, c.min_rx.as_millis()), (255, Some(0), 5, 10));
    assert!(c.for_vrrp && c.for_checkers && !c.multihop);
}

#[test]
fn mistakes_of_bfd() {
    let cases: &[(&str, &[&str], usize)] = &[
        ("", &["missing-keyword@1"], 0),
        ("neighbor_ip here", &["invalid-address@2"], 0),
        ("neighbor_ip 10.0.0.2\nsource_ip fe80::1", &["mixed-families@3"], 0),
        ("neighbor_ip 10.0.0.2\nmin_rx 20000", &["out-of-bounds@3"], 1),
        ("neighbor_ip 10.0.0.2\nidle_tx 500", &["invalid-value@3"], 1),
        ("neighbor_ip 10.0.0.2\nttl 5\nmax_hops 9", &["out-of-bounds@4"], 1),
        ("neighbor_ip 10.0.0.2\nmax_hops -1", &[], 1),
    ];
    for (inner, findings, count) in cases {
        let loaded = load(&format!("bfd_instance b {{\n{inner}\n}}\n"));
        assert_eq!(found(&loaded), *findings, "{inner}: {}", shown(&loaded));
        assert_eq!(loaded.config.bfd.len(), *count, "{inner}");
    }
    let loaded =
        load("bfd_instance b {\nneighbor_ip 10.0.0.2\n}\nbfd_instance c {\nneighbor_ip 10.0.0.2\n}\n");
    assert_eq!((found(&loaded).len(), loaded.config.bfd.len()), (1, 1));
}

#[test]
fn what_tracks_them() {
    let objects = "track_file f {\nfile /run/f\nweight 3\n}\nvrrp_track_process p {\nprocess x\nweight -5 reverse\n}\nbfd_instance b {\nneighbor_ip 10.0.0.2\nweight 7\n}\nbfd_instance c {\nneighbor_ip 10.0.0.3\nchecker\n}\n";
    let loaded = load(&format!(
        "{objects}vrrp_instance A {{\ninterface eth0\nvirtual_router_id 7\nvirtual_ipaddress {{ 10.0.0.1 }}\ntrack_file {{\nf\n}}\ntrack_process {{\np weight 254 noreverse\n}}\ntrack_bfd {{\nb weight 9\nc\nd\n}}\n}}\n"
    ));
    assert_eq!(
        found(&loaded),
        ["unsupported-keyword@15", "bfd-for-checkers@29", "unknown-name@30"],
        "{}",
        shown(&loaded)
    );
    let a = &loaded.config.instances[0];
    assert_eq!(a.track_files[0].weight, weight(3, false));
    assert_eq!(a.track_processes[0].weight, weight(254, false));
    assert_eq!((a.track_bfd.len(), a.track_bfd[0].weight), (1, weight(9, false)));
}
