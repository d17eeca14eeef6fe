//! `authentication` and `auth_hmac`.

use super::{found, instance, load_with, only, shown, sound, with_address};
use crate::Memory;
use crate::model::{AntiReplay, AuthHmac, Authentication, HmacKey, HmacMode, InitialState, Secret};
use std::time::Duration;

const HEX: &str = "hex:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

fn hmac(inner: &str) -> crate::Loaded {
    with_address(&format!("auth_hmac {{\n{inner}\n}}"))
}

#[test]
fn header_authentication() {
    let loaded = with_address("authentication {\nauth_type AH\nauth_pass 123456789\n}");
    assert_eq!(found(&loaded), ["long-password@7"]);
    assert_eq!(only(&loaded).authentication, Authentication::Ah(*b"12345678"));
    let loaded = with_address("state MASTER\npriority 150\nauthentication {\nauth_type AH\nauth_pass x\n}");
    assert_eq!(found(&loaded), ["master-ah@5"]);
    assert_eq!(only(&loaded).state, InitialState::Backup);
}

#[test]
fn blocks_are_read_as_one() {
    let two = |first, second| {
        with_address(&format!("authentication {{\n{first}\n}}\nauthentication {{\n{second}\n}}"))
    };
    let loaded = two("auth_type PASS\nauth_pass a", "auth_pass b");
    assert_eq!(only(&loaded).authentication, Authentication::Pass(*b"b\0\0\0\0\0\0\0"));
    assert_eq!(
        only(&two("auth_pass a", "auth_type AH")).authentication,
        Authentication::Ah(*b"a\0\0\0\0\0\0\0")
    );
}

#[test]
fn version_3_has_none() {
    let loaded = with_address("version 3\nauthentication {\nauth_type PASS\nauth_pass x\n}");
    assert_eq!(found(&loaded), ["version-3-authentication@6"]);
    assert_eq!(only(&loaded).authentication, Authentication::None);
    assert!(shown(&loaded).contains("auth_hmac"), "{}", shown(&loaded));
    let loaded = instance("virtual_ipaddress { fe80::1 }\nauthentication {\nauth_type AH\nauth_pass x\n}");
    assert_eq!(found(&loaded), ["version-3-authentication@5"]);
}

#[test]
fn hmac_with_its_defaults() {
    let loaded = hmac(&format!("key 1 {HEX}\nactive_key 1"));
    let expected = AuthHmac {
        keys: vec![HmacKey { id: 1, secret: Secret((0..32).collect()) }],
        active_key: 1,
        anti_replay: AntiReplay::Time(Duration::from_secs(5)),
        mode: HmacMode::Enforce,
    };
    assert_eq!(sound(&loaded).authentication, Authentication::Hmac(expected));
    assert!(!format!("{:?}", loaded.config).contains("[0, 1, 2"), "a secret is not shown");
}

#[test]
fn hmac_with_everything_written() {
    let text = format!(
        "vrrp_instance A {{\ninterface eth0\nvirtual_router_id 7\nvirtual_ipaddress {{ 10.0.0.1 }}\nadvert_int 4\nauth_hmac {{\nkey 1 {HEX}\nkey 2 file:/keys/two\nkey 3 0123456789abcdef0123456789abcdef\nactive_key 2\nmode receive-only\n}}\n}}\n"
    );
    let loaded = load_with(&text, Memory::default().with("/keys/two", format!("{HEX}ff\n")));
    let Authentication::Hmac(read) = &sound(&loaded).authentication else { panic!("no hmac") };
    let lengths: Vec<_> = read.keys.iter().map(|key| (key.id, key.secret.0.len())).collect();
    assert_eq!(lengths, [(1, 32), (2, 33), (3, 32)]);
    assert_eq!((read.active_key, read.mode), (2, HmacMode::ReceiveOnly));
    assert_eq!(read.anti_replay, AntiReplay::Time(Duration::from_secs(12)), "three intervals");
    let loaded = hmac(&format!("key 1 {HEX}\nactive_key 1\nanti_replay monotonic\nmode permissive"));
    let Authentication::Hmac(read) = &sound(&loaded).authentication else { panic!("no hmac") };
    assert_eq!((read.anti_replay, read.mode), (AntiReplay::Monotonic, HmacMode::Permissive));
    let loaded = hmac(&format!("key 1 {HEX}\nactive_key 1\ntime_window 60"));
    let Authentication::Hmac(read) = &sound(&loaded).authentication else { panic!("no hmac") };
    assert_eq!(read.anti_replay, AntiReplay::Time(Duration::from_secs(60)));
}

#[test]
fn mistakes_of_hmac() {
    let cases: &[(&str, &[&str], bool)] = &[
        (&format!("key 1 {HEX}"), &["no-active-key@5"], false),
        (&format!("key 1 {HEX}\nactive_key 2"), &["no-active-key@7"], false),
        ("key 1 short\nactive_key 1", &["invalid-value@6", "no-active-key@7"], false),
        ("key 1 hex:0g\nactive_key 1", &["invalid-value@6", "no-active-key@7"], false),
        ("key 1 file:/none\nactive_key 1", &["key-unreadable@6", "no-active-key@7"], false),
        (&format!("key 0 {HEX}\nkey 1 {HEX}\nactive_key 1"), &["invalid-value@6"], true),
        (&format!("key 1 {HEX}\nkey 1 {HEX}\nactive_key 1"), &["duplicate-name@7"], true),
        (&format!("key 1 {HEX}\nactive_key 1\nmode strict"), &["invalid-value@8"], true),
        (&format!("key 1 {HEX}\nactive_key 1\ntime_window 301"), &["invalid-value@8"], true),
        (
            &format!("key 1 {HEX}\nactive_key 1\nanti_replay monotonic\ntime_window 3"),
            &["unneeded-word@9"],
            true,
        ),
    ];
    for (inner, findings, works) in cases {
        let loaded = hmac(inner);
        assert_eq!(found(&loaded), *findings, "{inner}: {}", shown(&loaded));
        assert_eq!(matches!(only(&loaded).authentication, Authentication::Hmac(_)), *works, "{inner}");
    }
}

#[test]
fn hmac_goes_before_the_old_way() {
    let loaded = with_address(&format!(
        "authentication {{\nauth_type PASS\nauth_pass x\n}}\nauth_hmac {{\nkey 1 {HEX}\nactive_key 1\n}}"
    ));
    assert_eq!(found(&loaded), ["two-authentications@5"]);
    assert!(matches!(only(&loaded).authentication, Authentication::Hmac(_)));
    let loaded =
        with_address(&format!("strict_mode\nauth_hmac {{\nkey 1 {HEX}\nactive_key 1\nmode permissive\n}}"));
    assert_eq!(found(&loaded), ["strict-authentication@1"]);
    let Authentication::Hmac(read) = &only(&loaded).authentication else { panic!("no hmac") };
    assert_eq!(read.mode, HmacMode::Enforce);
}
