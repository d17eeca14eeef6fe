//! Sync groups, track groups, garp groups.

use super::{found, load, shown};
use crate::Loaded;
use crate::model::{GarpGroup, SyncGroup, TrackGroup, TrackInterface, TrackWeight, Tracked};
use std::time::Duration;

/// Instances A and B, the first line of `more` being 11.
fn with_instances(own: &str, more: &str) -> Loaded {
    load(&format!(
        "vrrp_instance A {{\ninterface eth0\nvirtual_router_id 7\nvirtual_ipaddress {{ 10.0.0.1 }}\n{own}\n}}\nvrrp_instance B {{\ninterface eth1\nvirtual_router_id 8\nvirtual_ipaddress {{ 10.0.1.1 }} }}\n{more}\n"
    ))
}

#[test]
fn everything_of_a_sync_group() {
    let loaded = with_instances(
        "",
        "vrrp_sync_group G {\ngroup {\nA\nB\n}\ntrack_interface {\neth2 weight 10\n}\ntrack_script {\nchk weight 5 reverse\n}\nsync_group_tracking_weight\nnotify_priority_changes\nsmtp_alert\nnotify_master /x/m.sh\nnotify /x/any.sh\n}\nvrrp_script chk {\nscript /x/chk\n}",
    );
    assert_eq!(found(&loaded), [""; 0], "{}", shown(&loaded));
    let group = &loaded.config.sync_groups[0];
    assert!(group.notify.master.is_some() && group.notify.any.is_some());
    let mut expected = SyncGroup {
        name: "G".into(),
        members: vec!["A".into(), "B".into()],
        member_weights: true,
        smtp_alert: true,
        notify_priority_changes: Some(true),
        notify: group.notify.clone(),
        ..SyncGroup::default()
    };
    let weight = |weight, reverse| TrackWeight { weight, reverse };
    expected.track.interfaces.push(TrackInterface { interface: "eth2".into(), weight: weight(10, false) });
    expected.track.scripts.push(Tracked { name: "chk".into(), weight: weight(5, true) });
    assert_eq!(*group, expected);
    assert!(loaded.config.instances.iter().all(|i| i.notify_priority_changes), "members are told");
    assert_eq!(loaded.places.sync_groups[0].members.len(), 2);
}

#[test]
fn rules_of_sync_groups() {
    let cases: &[(&str, &[&str], usize)] = &[
        ("vrrp_sync_group G {\ngroup {\nA\nC\n}\n}", &["unknown-name@14"], 1),
        ("vrrp_sync_group G {\ngroup {\nC\n}\n}", &["empty-group@11", "unknown-name@13"], 0),
        ("vrrp_sync_group G {\n}", &["empty-group@11"], 0),
        (
            "vrrp_sync_group G {\ngroup {\nA\nB\n}\n}\nvrrp_sync_group H {\ngroup {\nB\n}\n}",
            &["two-sync-groups@19"],
            1,
        ),
        (
            "vrrp_sync_group G {\ngroup {\nA B\n}\n}\nvrrp_sync_group G {\ngroup {\nA\n}\n}",
            &["duplicate-name@16"],
            1,
        ),
        (
            "vrrp_sync_group G {\ngroup {\nA\nA\nB\n}\nglobal_tracking\n}",
            &["repeated-entry@14", "old-name@17"],
            1,
        ),
    ];
    for (text, findings, count) in cases {
        let loaded = with_instances("", text);
        assert_eq!(found(&loaded), *findings, "{text}: {}", shown(&loaded));
        assert_eq!(loaded.config.sync_groups.len(), *count, "{text}");
    }
    let says_no = with_instances(
        "notify_priority_changes off",
        "vrrp_sync_group G {\ngroup { A B }\nnotify_priority_changes\n}",
    );
    let changes: Vec<bool> = says_no.config.instances.iter().map(|i| i.notify_priority_changes).collect();
    assert_eq!(changes, [false, true]);
}

#[test]
fn weights_do_not_go_with_an_owner() {
    let group = "vrrp_sync_group G {\ngroup {\nA\nB\n}\ntrack_interface {\neth2 weight 10\n}\n}";
    let loaded = with_instances("priority 255", group);
    assert_eq!(found(&loaded), ["weight-of-owner@11"]);
    assert_eq!(loaded.config.sync_groups[0].track.interfaces[0].weight.weight, 0);
}

#[test]
fn track_groups() {
    let loaded = with_instances("", "track_group T {\ngroup {\nA\n}\n}\ntrack_group U {\ngroup {\nX\n}\n}");
    assert_eq!(found(&loaded), ["empty-group@16", "unknown-name@18"]);
    assert_eq!(loaded.config.track_groups, [TrackGroup { name: "T".into(), members: vec!["A".into()] }]);
}

#[test]
fn garp_groups() {
    let loaded = load(
        "garp_group {\ngarp_interval 0.1\ninterface eth0\ninterfaces {\neth1\neth2\n}\n}\ngarp_group {\ngna_interval 0.2\ninterface eth2\n}\ngarp_group {\ninterface eth3\n}\n",
    );
    assert_eq!(found(&loaded), ["repeated-entry@11", "empty-group@13"], "{}", shown(&loaded));
    let interfaces = ["eth0", "eth1", "eth2"].map(str::to_owned).to_vec();
    let first = GarpGroup { garp_interval: Some(Duration::from_millis(100)), gna_interval: None, interfaces };
    assert_eq!(loaded.config.garp_groups[0], first);
    assert_eq!(loaded.config.garp_groups.len(), 2);
}

#[test]
fn weights_of_members_do_not_count() {
    let tracked =
        "track_interface {\neth2 weight 10\n}\ntrack_script {\na weight 5\nb\n}\ntrack_file {\nf\n}";
    let objects =
        "vrrp_script a {\nscript /x/a\n}\nvrrp_script b {\nscript /x/b\n}\ntrack_file f {\nfile /f\n}";
    let run = |more: &str| {
        let group = format!("{objects}\nvrrp_sync_group G {{\ngroup {{ A B }}\n{more}\n}}");
        with_instances(tracked, &group)
    };
    let loaded = run("");
    let all = ["sync-group-weight@1", "sync-group-weight@6", "sync-group-weight@9"];
    assert_eq!(found(&loaded), all, "{}", shown(&loaded));
    let a = &loaded.config.instances[0];
    let scripts: Vec<&str> = a.track_scripts.iter().map(|tracked| tracked.name.as_str()).collect();
    assert_eq!((scripts, loaded.places.instances[0].track_scripts.len()), (vec!["b"], 1));
    assert_eq!((a.track_interfaces[0].weight.weight, a.track_files[0].weight.weight), (0, 0));
    let loaded = run("sync_group_tracking_weight");
    assert_eq!(found(&loaded), [""; 0], "{}", shown(&loaded));
    assert_eq!(loaded.config.instances[0].track_scripts.len(), 2);
}

#[test]
fn weights_of_an_owner_do_not_count() {
    let objects =
        "vrrp_script a {\nscript /x/a\n}\ntrack_file f {\nfile /f\n}\ntrack_file g {\nfile /g\nweight 2\n}";
    let tracked = "priority 255\ntrack_interface {\neth2 weight 10\neth3\n}\ntrack_script {\na weight 5\n}\ntrack_file {\nf\ng\n}";
    let loaded = with_instances(tracked, objects);
    let findings = found(&loaded);
    assert!(findings.len() == 4 && findings.iter().all(|f| f.starts_with("weight-of-owner")), "{findings:?}");
    let a = &loaded.config.instances[0];
    assert_eq!((a.track_interfaces.len(), a.track_scripts.len()), (1, 0));
    let files: Vec<_> = a.track_files.iter().map(|f| (f.name.as_str(), f.weight.weight)).collect();
    assert_eq!(files, [("f", 0)], "a number in it is a fault");
    assert_eq!(loaded.places.instances[0].track_interfaces.len(), 1);
}
