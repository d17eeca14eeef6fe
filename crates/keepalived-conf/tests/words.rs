//! Words, places and values: what is said, and what is understood all the same.

use keepalived_conf::model::{Authentication, Command, InitialState, Iptables, Version, VrrpInstance};
use keepalived_conf::registry::{self, Context, Support};
use keepalived_conf::{Environment, Loaded, Memory, load_from};
use std::path::Path;
use std::time::Duration;

fn load_text(text: &str) -> Loaded {
    load_from(Path::new("k.conf"), &Memory::default().with("k.conf", text), &Environment::default())
}

/// `id@line` of every finding.
fn found(loaded: &Loaded) -> Vec<String> {
    let line = |f: &diagnostic::Diagnostic| f.span.map_or(0, |span| loaded.sources.position(span).line);
    loaded.report.findings().iter().map(|f| format!("{}@{}", f.id, line(f))).collect()
}

fn helps(loaded: &Loaded) -> String {
    loaded.report.findings().iter().flat_map(|f| f.help.clone()).collect::<Vec<_>>().join("; ")
}

/// An instance whose further words begin in line 5.
fn instance(more: &str) -> Loaded {
    load_text(&format!(
        "vrrp_instance A {{\ninterface eth0\nvirtual_router_id 7\nvirtual_ipaddress {{ 10.0.0.1/24 }}\n{more}\n}}\n"
    ))
}

fn only(loaded: &Loaded) -> &VrrpInstance {
    assert_eq!(loaded.config.instances.len(), 1, "{:?}", loaded.report);
    &loaded.config.instances[0]
}

/// As keepalived 2.2.7 was seen to do.
#[test]
fn the_priority_of_a_master_that_has_none() {
    let loaded = instance("state MASTER");
    assert_eq!(found(&loaded), ["master-without-priority@1"]);
    assert_eq!(only(&loaded).priority, 255);
    for wrong in ["300", "0"] {
        let loaded = instance(&format!("state MASTER\npriority {wrong}"));
        assert_eq!((found(&loaded), only(&loaded).priority), (vec!["invalid-value@6".to_owned()], 100));
    }
}

#[test]
fn defaults() {
    let loaded = instance("");
    assert_eq!(found(&loaded), [""; 0]);
    let a = only(&loaded);
    assert_eq!((a.state, a.priority, a.advert_int), (InitialState::Backup, 100, Duration::from_secs(1)));
    assert_eq!(a.mcast_group.to_string(), "224.0.0.18");
    assert_eq!((a.garp.master_delay, a.garp.master_repeat), (Duration::from_secs(5), 5));
    assert_eq!((a.garp.lower_prio_delay, a.garp.lower_prio_repeat), (Duration::from_secs(5), 5));
    assert!(!a.strict && !a.nopreempt && !a.smtp_alert && a.unicast.is_none());
}

#[test]
fn words_that_are_not_known() {
    let cases: &[(&str, &str, &str)] = &[
        ("priorty 90", "unknown-keyword@5", "did you mean `priority`?"),
        ("mcast_src_ip=10.0.0.2", "unknown-keyword@5", "write `mcast_src_ip 10.0.0.2`"),
        ("notify_mastr x", "unknown-keyword@5", "did you mean `notify_master`?"),
        ("real_server 10.0.0.2 80 {\n}", "misplaced-keyword@5", "it belongs into `virtual_server`"),
        ("auth_pass secret", "misplaced-keyword@5", "it belongs into `authentication`"),
        ("native_ipv6", "mixed-families@5", "remove it"),
    ];
    for (text, finding, help) in cases {
        let loaded = instance(text);
        assert_eq!(found(&loaded), [*finding], "{text}");
        assert!(helps(&loaded).contains(help), "{text}: {}", helps(&loaded));
        assert_eq!(only(&loaded).priority, 100);
    }
    let loaded = load_text("vrrp_script_chk_nginx {\n script x\n}\n");
    assert_eq!(found(&loaded), ["unknown-keyword@1"]);
    assert_eq!(helps(&loaded), "is a blank missing? `vrrp_script chk_nginx`");
}

#[test]
fn an_unsupported_block_is_one_error_and_its_words_are_still_read() {
    let text = "virtual_server 10.0.0.1 80 {\n lb_algo rr\n lb_kind DR\n nat_mask 255.255.255.0\n real_server 10.0.0.2 80 {\n  weigth 1\n  TCP_CHECK {\n   nb_get_retry 3\n   connect_port 99999\n  }\n }\n}\n";
    let loaded = load_text(text);
    assert_eq!(
        found(&loaded),
        [
            "unsupported-keyword@1",
            "obsolete-keyword@4",
            "unknown-keyword@6",
            "obsolete-keyword@8",
            "invalid-value@9",
        ]
    );
}

#[test]
fn arguments() {
    let cases: &[(&str, &[&str])] = &[
        ("priority", &["missing-argument@5"]),
        ("priority 0", &["invalid-value@5"]),
        ("priority 256", &["invalid-value@5"]),
        ("priority ten", &["invalid-value@5"]),
        ("preempt_delay 1001", &["invalid-value@5"]),
        ("smtp_alert maybe", &["invalid-value@5"]),
        ("advert_int 0", &["invalid-value@5"]),
        ("priority 90 91", &["extra-argument@5"]),
        ("priority 90\npriority 91", &["repeated-keyword@6"]),
        ("version 3\nversion 2", &["ignored-keyword@6"]),
        ("garp_master_refresh 86400", &[]),
        ("authentication", &["missing-block@5", "no-authentication@5"]),
        ("nopreempt {\n}", &["unexpected-block@5"]),
        ("track_interface eth1", &["missing-block@5", "extra-argument@5"]),
    ];
    for (text, findings) in cases {
        assert_eq!(found(&instance(text)), *findings, "{text}");
    }
    let loaded = instance("priority 300");
    assert!(loaded.report.findings()[0].message.contains("from 1 to 255"), "{:?}", loaded.report);
    assert_eq!(only(&instance("priority 90\npriority 91")).priority, 91);
}

#[test]
fn words_one_block_too_deep_are_understood_as_meant() {
    let text = "vrrp_instance A {\ninterface eth0\nvirtual_router_id 7\nvirtual_ipaddress {\n10.0.0.1\nnotify_master /x\ntrack_interface {\neth1\n}\n}\nauthentication {\nauth_type PASS\nauth_pass x\npriority 90\n}\n}\n";
    let loaded = load_text(text);
    assert_eq!(found(&loaded), ["misplaced-keyword@6", "misplaced-keyword@7", "misplaced-keyword@14"]);
    let severities: Vec<_> = loaded.report.findings().iter().map(|f| f.severity).collect();
    use diagnostic::Severity::{Error, Warning};
    assert_eq!(severities, [Warning, Warning, Error]);
    let a = only(&loaded);
    assert!(a.notify.master.is_some());
    assert_eq!((a.track_interfaces.len(), a.priority, a.addresses.len()), (1, 90, 1));
}

#[test]
fn a_name_that_is_also_a_word_stays_a_name() {
    let text = "vrrp_script state {\nscript /x\n}\nvrrp_instance A {\ninterface eth0\nvirtual_router_id 7\nvirtual_ipaddress { 10.0.0.1 }\ntrack_script {\nstate weight 5\n}\n}\n";
    let loaded = load_text(text);
    assert_eq!(found(&loaded), [""; 0]);
    assert_eq!(only(&loaded).track_scripts[0].weight.weight, 5);
}

#[test]
fn state_and_preemption() {
    let cases: &[(&str, &[&str], InitialState, bool, u64)] = &[
        ("state MASTER", &[], InitialState::Master, false, 0),
        ("state SLAVE", &["invalid-value@5"], InitialState::Backup, false, 0),
        ("state master", &["invalid-value@5"], InitialState::Backup, false, 0),
        ("nopreempt", &[], InitialState::Backup, true, 0),
        ("nopreempt\npreempt", &[], InitialState::Backup, false, 0),
        ("preempt_delay 300", &[], InitialState::Backup, false, 300),
        ("state MASTER\nnopreempt", &["master-nopreempt@6"], InitialState::Master, false, 0),
        ("state MASTER\npreempt_delay 300", &["useless-preempt-delay@6"], InitialState::Master, false, 0),
        ("nopreempt\npreempt_delay 300", &["useless-preempt-delay@6"], InitialState::Backup, true, 0),
    ];
    for (text, findings, state, nopreempt, delay) in cases {
        let loaded = instance(&format!("{text}\npriority 100"));
        assert_eq!(found(&loaded), *findings, "{text}");
        let a = only(&loaded);
        assert_eq!((a.state, a.nopreempt, a.preempt_delay.as_secs()), (*state, *nopreempt, *delay), "{text}");
    }
    assert!(helps(&instance("state master")).contains("did you mean `MASTER`?"));
}

#[test]
fn intervals() {
    for (written, seconds, findings) in
        [("0.3", 1, 1), ("1.4", 1, 1), ("2.5", 3, 1), ("3", 3, 0), ("2.0", 2, 0)]
    {
        let loaded = instance(&format!("advert_int {written}"));
        assert_eq!(only(&loaded).advert_int, Duration::from_secs(seconds), "{written}");
        assert_eq!(found(&loaded).len(), findings, "{written}");
    }
    let loaded = load_text("global_defs {\nvrrp_garp_interval 0\nvrrp_gna_interval 0.01\n}\n");
    assert_eq!(found(&loaded), [""; 0]);
    assert_eq!(loaded.config.global.gna_interval, Duration::from_millis(10));
    let loaded = load_text("vrrp_script s {\nscript /x\ninterval 0\n}\n");
    assert_eq!(found(&loaded), ["zero-time@3"]);
    assert_eq!(loaded.config.scripts[0].timeout, Duration::from_secs(1));
    let loaded = load_text("vrrp_script s {\nscript /x\ninterval 0.0004\ntimeout 0.0006\n}\n");
    assert_eq!(found(&loaded), ["zero-time@3"], "milliseconds count");
    let script = &loaded.config.scripts[0];
    assert_eq!((script.interval, script.timeout), (Duration::from_secs(1), Duration::from_millis(1)));
}

#[test]
fn authentication() {
    let run = |inner: &str| instance(&format!("authentication {{\n{inner}\n}}"));
    let long = run("auth_type PASS\nauth_pass 1234567890");
    assert_eq!(found(&long), ["long-password@7"]);
    assert_eq!(only(&long).authentication, Authentication::Pass(*b"12345678"));
    assert_eq!(
        only(&run("auth_type PASS\nauth_pass 1111")).authentication,
        Authentication::Pass(*b"1111\0\0\0\0")
    );
    assert_eq!(
        only(&run("auth_type PASS\nauth_pass \"a b\\t\"")).authentication,
        Authentication::Pass(*b"a b\\t\0\0\0")
    );
    let single = run("auth_type PASS\nauth_pass 'ab cd'");
    assert_eq!(found(&single), ["quoted-password@7"]);
    assert_eq!(only(&single).authentication, Authentication::Pass(*b"'ab\0\0\0\0\0"));
    assert_eq!(found(&run("auth_pass x")), ["no-authentication@5"]);
    assert_eq!(found(&run("auth_type pass\nauth_pass x")), ["invalid-value@6"]);
}

/// Whether a value acts already.
fn acts(value: &str) -> bool {
    registry::option(value, Context::Value).is_some_and(|row| row.support == Support::Acts)
}

/// An instance that spoke otherwise than its peers would be a second master beside them.
#[test]
fn what_would_make_a_second_master_does_not_run_until_it_acts() {
    let global = "global_defs {\nvrrp_version 3\n}\nvrrp_instance A {\ninterface eth0\nvirtual_router_id 7\nvirtual_ipaddress { 10.0.0.1 }\n}\n";
    let six = "vrrp_instance A {\ninterface eth0\nvirtual_router_id 7\nvirtual_ipaddress { fe80::1 }\n}\n";
    let cases = [
        ("version 3", instance("version 3")),
        ("version 3", load_text(global)),
        ("auth_type AH", instance("authentication {\nauth_type AH\nauth_pass x\n}")),
        ("IPv6", load_text(six)),
    ];
    for (value, loaded) in cases {
        assert_eq!(loaded.config.instances.len(), usize::from(acts(value)), "{value}");
        let unsupported = found(&loaded).iter().any(|finding| finding.starts_with("unsupported-keyword"));
        assert_eq!(unsupported, !acts(value), "{value}: {:?}", found(&loaded));
    }
    assert_eq!(found(&instance("version 2")), [""; 0]);
    let loaded = instance("virtual_ipaddress_excluded {\nfe80::1\n10.0.0.9\n}");
    assert_eq!(only(&loaded).excluded.len(), 1 + usize::from(acts("IPv6")));
}

#[test]
fn a_word_that_is_only_understood_is_an_error() {
    let waiting = registry::in_context(Context::Instance)
        .filter(|word| word.support == Support::Understood && word.block.is_none());
    for word in waiting {
        let argument = if word.arguments.least > 0 { "1" } else { "" };
        let loaded = instance(&format!("{} {argument}", word.name));
        let first = found(&loaded).into_iter().find(|finding| finding.starts_with("unsupported-keyword"));
        assert_eq!(first.as_deref(), Some("unsupported-keyword@5"), "{}", word.name);
    }
}

#[test]
fn addresses() {
    let cases: &[(&str, &[&str])] = &[
        ("10.0.0.2/16 brd + dev eth1 scope link label eth1:vip", &[]),
        ("10.0.0.2 dev", &["missing-argument@6"]),
        ("10.0.0.2/33", &["invalid-address@6"]),
        ("10.0.0.256", &["invalid-address@6"]),
        ("floating_ip", &["invalid-address@6"]),
        ("10.0.0.2 10.0.0.3", &["unknown-keyword@6"]),
        ("10.0.0.2 lable x", &["unknown-keyword@6", "unknown-keyword@6"]),
        ("10.0.0.2 brd -", &["invalid-value@6"]),
        ("10.0.0.2 label fifteen-letters", &[]),
        ("10.0.0.2 label sixteen-letters-", &["invalid-value@6"]),
        ("10.0.0.2\n10.0.0.2", &["repeated-address@7"]),
    ];
    for (entry, findings) in cases {
        let loaded = instance(&format!("virtual_ipaddress_excluded {{\n{entry}\n}}"));
        assert_eq!(found(&loaded), *findings, "{entry}");
    }
    let loaded =
        instance("virtual_ipaddress_excluded {\n10.0.0.2/16 brd + dev eth1 scope link label eth1:vip\n}");
    let address = &only(&loaded).excluded[0];
    assert_eq!(address.broadcast.unwrap().to_string(), "10.0.255.255");
    assert_eq!((address.prefix, address.scope, address.dev.as_deref()), (16, 253, Some("eth1")));
}

#[test]
fn unicast() {
    let loaded = instance(
        "mcast_src_ip 10.0.0.9\nunicast_src_ip 10.0.0.8\nunicast_peer {\n10.0.0.3\n10.0.0.4\n}\nunicast_ttl 64",
    );
    assert_eq!(found(&loaded), ["repeated-address@6"]);
    let unicast = only(&loaded).unicast.as_ref().unwrap();
    assert_eq!((unicast.peers.len(), unicast.ttl), (2, 64));
    assert_eq!(only(&loaded).source.unwrap().to_string(), "10.0.0.8");
    let loaded = instance("unicast_src_ip 10.0.0.8\nmcast_src_ip 10.0.0.9\nunicast_peer {\n10.0.0.3\n}");
    assert_eq!(only(&loaded).source.unwrap().to_string(), "10.0.0.9", "the last counts");
    let loaded = instance("unicast_peer {\n}");
    assert_eq!(found(&loaded), ["empty-list@5"]);
    assert!(only(&loaded).unicast.is_none());
}

#[test]
fn tracking() {
    let text = |entry: &str| {
        format!(
            "vrrp_script chk {{\nscript /x\nweight -5\n}}\nvrrp_instance A {{\ninterface eth0\nvirtual_router_id 7\nvirtual_ipaddress {{ 10.0.0.1 }}\ntrack_script {{\n{entry}\n}}\n}}\n"
        )
    };
    let cases: &[(&str, &[&str], Option<i32>)] = &[
        ("chk", &[], Some(-5)),
        ("chk weight 20", &[], Some(20)),
        ("chk weight 254", &["weight-of-254@10"], Some(253)),
        ("chk weight -255", &["invalid-value@10"], Some(-5)),
        ("chk weight", &["missing-argument@10"], Some(-5)),
        ("chk weight 3 reverse x", &["extra-argument@10"], Some(3)),
        ("chk wieght 3", &["unknown-keyword@10"], Some(-5)),
        ("chkk", &["unknown-script@10"], None),
        ("chk\nchk", &["repeated-entry@11"], Some(-5)),
    ];
    for (entry, findings, weight) in cases {
        let loaded = load_text(&text(entry));
        assert_eq!(found(&loaded), *findings, "{entry}");
        assert_eq!(only(&loaded).track_scripts.first().map(|t| t.weight.weight), *weight, "{entry}");
    }
    assert!(helps(&load_text(&text("chkk"))).contains("did you mean `chk`?"));
    let loaded = instance("track_interface {\neth0\neth1 weight 10 reverse\n}");
    assert_eq!(found(&loaded), ["track-own-interface@6"]);
    assert!(only(&loaded).track_interfaces[0].weight.reverse);
    let loaded = instance("track_interface {\neth0 weight -20\neth1 weight -254\n}");
    assert_eq!(found(&loaded), ["track-own-interface@6", "weight-of-254@7"]);
    let tracked = &only(&loaded).track_interfaces;
    assert_eq!((tracked.len(), tracked[0].weight.weight), (1, -253), "the own one has no weight");
}

#[test]
fn strict_mode() {
    let run = |global: &str, more: &str| {
        load_text(&format!(
            "global_defs {{\nvrrp_strict\n{global}\n}}\nvrrp_instance A {{\ninterface eth0\nvirtual_router_id 7\n{more}\n}}\n"
        ))
    };
    let vip = "virtual_ipaddress { 10.0.0.1 }";
    let loaded = run("", vip);
    assert_eq!(found(&loaded), ["strict-mode@2"]);
    assert!(
        helps(&loaded).contains("neither ping nor connections") && helps(&loaded).contains("vrrp_iptables")
    );
    let loaded = run("vrrp_iptables", vip);
    assert_eq!(loaded.config.global.iptables, Iptables::Off);
    assert!(!helps(&loaded).contains("neither ping"));
    let loaded = run("", "");
    assert_eq!(found(&loaded), ["strict-mode@2", "strict-no-address@5"]);
    assert!(loaded.config.instances.is_empty());
    let loaded = run("", &format!("{vip}\nunicast_peer {{ 10.0.0.2 }}"));
    assert_eq!(found(&loaded), ["strict-mode@2", "strict-unicast@5"]);
    assert!(!only(&loaded).strict, "it runs, without strict mode");
    let loaded = run(
        "",
        &format!("{vip}\nstate MASTER\npriority 100\nauthentication {{ auth_type PASS\n auth_pass x\n }}"),
    );
    assert_eq!(found(&loaded), ["strict-mode@2", "strict-authentication@5", "strict-state@5"]);
    assert_eq!(only(&loaded).authentication, Authentication::None);
}

#[test]
fn what_an_instance_cannot_be_without() {
    assert_eq!(found(&load_text("vrrp_instance A {\n}\n")), ["missing-keyword@1", "missing-keyword@1"]);
    assert_eq!(found(&load_text("vrrp_instance {\n}\n")), ["missing-argument@1"]);
    assert_eq!(found(&load_text("vrrp_script s {\n}\n")), ["missing-keyword@1"]);
    let text = "global_defs {\ndefault_interface eth9\n}\nvrrp_instance A {\nvirtual_router_id 7\n}\nvrrp_instance A {\nvirtual_router_id 8\n}\n";
    let loaded = load_text(text);
    assert_eq!(found(&loaded), ["no-address@4", "duplicate-name@7"]);
    assert_eq!(only(&loaded).interface, "eth9");
    let text = "global_defs {\ndefault_interface eth9\n}\nvrrp_instance A {\nvirtual_router_id 7\nunicast_src_ip 10.0.0.8\nunicast_peer {\n10.0.0.9\n}\nvirtual_ipaddress {\n10.0.0.1 dev eth0\n10.0.0.2\n}\nuse_vmac\n}\n";
    let loaded = load_text(text);
    assert_eq!(found(&loaded), ["address-without-interface@12", "virtual-without-interface@14"]);
    let instance = only(&loaded);
    assert_eq!((instance.interface.as_str(), instance.addresses.len()), ("", 1));
    assert_eq!(instance.virtual_interface, None);
}

/// Of these words keepalived takes the first, and warns of those after it.
#[test]
fn the_first_counts() {
    let loaded = instance("version 3\nversion 2\nnotify /x/a\nnotify /x/b");
    assert_eq!(found(&loaded), ["ignored-keyword@6", "ignored-keyword@8"]);
    let instance = only(&loaded);
    assert_eq!(instance.version, Version::V3);
    assert_eq!(instance.notify.any.as_ref().unwrap().command, Command::Exec(vec!["/x/a".into()]));
    let one = |name: &str| {
        format!("vrrp_instance {name} {{\ninterface eth0\nvirtual_router_id 7\nno_virtual_ipaddress\n}}\n")
    };
    let group = "vrrp_sync_group G {\ngroup {\nA\n}\ngroup {\nB\n}\n}\n";
    let loaded = load_text(&format!("{group}{}{}", one("A"), one("B")));
    assert_eq!(found(&loaded)[0], "ignored-keyword@5");
    assert_eq!(loaded.config.sync_groups[0].members, ["A"]);
    let loaded = load_text(
        "vrrp_track_process P {\nprocess a\nprocess b\nfork_delay 3\ndelay 2\nterminate_delay 1\n}\n",
    );
    assert_eq!(found(&loaded), ["ignored-keyword@3"]);
    let process = &loaded.config.processes[0];
    assert_eq!(process.program, "a");
    assert_eq!((process.fork_delay.as_secs(), process.terminate_delay.as_secs()), (2, 1));
}

#[test]
fn notify_scripts() {
    let loaded = instance("notify_master \"/x/n.sh master\" nobody nogroup\nnotify /x/any.sh");
    assert_eq!(found(&loaded), [""; 0]);
    let notify = &only(&loaded).notify;
    assert_eq!(notify.master.as_ref().unwrap().user, Some(("nobody".to_owned(), Some("nogroup".to_owned()))));
    assert!(notify.any.is_some());
    assert_eq!(found(&instance("notify_master /x/n.sh master")), ["notify-user@5"]);
}

#[test]
fn gratuitous_arp() {
    let text = |global: &str, own: &str| {
        load_text(&format!(
            "global_defs {{\n{global}\n}}\nvrrp_instance A {{\ninterface eth0\nvirtual_router_id 7\nvirtual_ipaddress {{ 10.0.0.1 }}\n{own}\n}}\n"
        ))
    };
    let garp = only(&text("vrrp_garp_master_delay 10\nvrrp_garp_master_repeat 0", "garp_master_refresh 60"))
        .garp
        .clone();
    assert_eq!((garp.master_delay.as_secs(), garp.master_repeat, garp.refresh.as_secs()), (10, 1, 60));
    assert_eq!((garp.lower_prio_delay.as_secs(), garp.lower_prio_repeat), (10, 1));
    let garp = only(&text("vrrp_garp_lower_prio_repeat 3", "garp_master_repeat 2")).garp.clone();
    assert_eq!((garp.master_repeat, garp.lower_prio_repeat), (2, 3));
    let garp = only(&text("", "garp_master_repeat 2\ngarp_master_delay 10")).garp.clone();
    assert_eq!((garp.lower_prio_delay.as_secs(), garp.lower_prio_repeat), (5, 5), "as in global_defs");
}

/// Every id in the source is explained in FINDINGS.md.
#[test]
fn every_finding_is_documented() {
    let known = include_str!("../FINDINGS.md");
    let mut stack = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src"))];
    let mut ids = 0;
    while let Some(path) = stack.pop() {
        if path.is_dir() {
            stack.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        for call in ["error(", "warning(", "hint("] {
            for after in text.split(&format!("Diagnostic::{call}")).skip(1) {
                let Some(id) = after.trim_start().strip_prefix('"').and_then(|a| a.split('"').next()) else {
                    continue;
                };
                assert!(
                    known.contains(&format!("`{id}`")),
                    "{id} of {} is not in FINDINGS.md",
                    path.display()
                );
                ids += 1;
            }
        }
    }
    assert!(ids > 80, "{ids}");
}
