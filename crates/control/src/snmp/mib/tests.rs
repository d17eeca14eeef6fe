use super::*;
use agentx::SearchRange;
use ha::message::Surroundings;
use keepalived_conf::model::{Family, SnmpVrrp, SyncGroup, Version, VirtualAddress, VrrpInstance};

fn configure() -> Configure {
    let instance = |name: &str, version, family, address: &str| VrrpInstance {
        name: name.to_owned(),
        version,
        family,
        interface: "eth0".to_owned(),
        vrid: 7,
        addresses: vec![VirtualAddress::new(address.parse().expect("an address"), 24)],
        ..VrrpInstance::default()
    };
    let mut config = Config::default();
    config.global.snmp.vrrp = SnmpVrrp { keepalived: true, rfc2787: true, rfc6527: true };
    config.instances = vec![
        instance("A", Version::V2, Family::Ipv4, "10.0.0.1"),
        instance("B", Version::V3, Family::Ipv6, "fe80::1"),
    ];
    config.sync_groups =
        vec![SyncGroup { name: "G".to_owned(), members: vec!["A".to_owned()], ..Default::default() }];
    Configure { config, host_name: "host".to_owned(), version: "1".to_owned() }
}

/// Everything by steps of GetNext, as a manager walks.
fn walk(tree: &Tree) -> Vec<(Oid, Value)> {
    let mut range = SearchRange { start: Oid::default(), include: false, end: Oid::default() };
    let mut found = Vec::new();
    loop {
        let object = tree.next(&range);
        if object.value == Value::EndOfMibView {
            return found;
        }
        assert!(object.name > range.start, "{} after {}", object.name, range.start);
        range.start = object.name.clone();
        found.push((object.name, object.value));
    }
}

/// Between a configuration and the first state of the vrrp process nothing is known but what is written.
#[test]
fn a_walk_needs_no_state() {
    let configure = configure();
    let tree = tree(Facts { configure: &configure, state: &State::default() });
    let found = walk(&tree);
    assert_eq!(found.len(), tree.iter().count());
    let roots: Vec<Oid> = subtrees(&configure.config).into_iter().map(|subtree| subtree.root).collect();
    assert!(found.iter().all(|(name, _)| roots.iter().any(|root| name.is_within(root))));
    let value = |name: Oid| tree.exact(&name).value;
    assert_eq!(value(keepalived_global().below(&[2, 0])), Value::text("host"));
    assert_eq!(value(keepalived_vrrp().below(&[3, 1, 4, 1])), Value::Integer(0));
    assert_eq!(value(keepalived_vrrp().below(&[1, 1, 2, 1])), Value::text("G"));
    assert_eq!(value(keepalived_vrrp().below(&[3, 1, 17, 1])), Value::NoSuchInstance);
    // No interface is known, so its number is 0.
    assert_eq!(value(rfc2787().below(&[1, 3, 1, 3, 0, 7])), Value::Integer(1));
    assert_eq!(value(rfc2787().below(&[1, 4, 1, 2, 0, 7, 10, 0, 0, 1])), Value::Integer(1));
    assert_eq!(value(rfc6527().below(&[1, 1, 1, 1, 6, 0, 7, 2])), Value::Integer(1));
}

#[test]
fn rows_of_the_rfcs_are_numbered_by_interface() {
    let configure = configure();
    let mac = Some([2, 0, 0, 0, 0, 1]);
    let link =
        Link { name: "eth0".to_owned(), index: 3, mac, ipv4: Some([10, 0, 0, 9].into()), ..Link::default() };
    let surroundings = Surroundings { links: vec![link], ..Surroundings::default() };
    let state = State { surroundings, ..State::default() };
    let tree = tree(Facts { configure: &configure, state: &state });
    let value = |name: Oid| tree.exact(&name).value;
    assert_eq!(value(rfc2787().below(&[1, 3, 1, 2, 3, 7])), Value::Octets(vec![2, 0, 0, 0, 0, 1]));
    assert_eq!(value(rfc2787().below(&[1, 3, 1, 8, 3, 7])), Value::IpAddress([10, 0, 0, 9].into()));
    assert_eq!(value(rfc6527().below(&[1, 1, 1, 1, 4, 3, 7, 1])), Value::Octets(vec![10, 0, 0, 9]));
    assert_eq!(value(rfc6527().below(&[1, 1, 1, 1, 4, 3, 7, 2])), Value::Octets(vec![0; 16]));
}

#[test]
fn only_what_is_asked_for_is_served() {
    let mut configure = configure();
    configure.config.global.snmp.vrrp = SnmpVrrp { rfc2787: true, ..SnmpVrrp::default() };
    assert_eq!(subtrees(&configure.config).len(), 1);
    let found = walk(&tree(Facts { configure: &configure, state: &State::default() }));
    assert!(!found.is_empty() && found.iter().all(|(name, _)| name.is_within(&rfc2787())));
    configure.config.global.snmp.vrrp = SnmpVrrp::default();
    assert!(walk(&tree(Facts { configure: &configure, state: &State::default() })).is_empty());
}
