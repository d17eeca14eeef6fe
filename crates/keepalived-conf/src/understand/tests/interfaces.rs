//! `use_vmac`, `use_ipvlan`, `vrf`, delays and linkbeat.

use super::{found, instance, load, only, shown, sound, with_address};
use crate::model::{
    ConfigFault, InterfaceDelay, Ipvlan, IpvlanMode, LinkbeatInterface, LinkbeatMethod, Prefix,
    VirtualInterface, Vmac, VmacAddress,
};
use std::time::Duration;

fn vmac(arguments: &str) -> (Vmac, Vec<String>) {
    let loaded = with_address(&format!("use_vmac {arguments}"));
    match &only(&loaded).virtual_interface {
        Some(VirtualInterface::Vmac(vmac)) => (vmac.clone(), found(&loaded)),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_vmac_in_every_way() {
    assert_eq!(vmac(""), (Vmac::default(), vec![]));
    let given = [0x02, 0x11, 0x22, 0x33, 0x44, 0x55];
    let expected = Vmac {
        name: Some("vip7".into()),
        address: VmacAddress::Given(given),
        transmit_base: false,
        notify: true,
        group: Some(5),
    };
    assert_eq!(vmac("name vip7 02:11:22:33:44:55 netlink_notify_msg group 5"), (expected, vec![]));
    let with_vrid = VmacAddress::Given([0x02, 0x11, 0x22, 0x33, 0x44, 7]);
    assert_eq!(vmac("vip7 2:11:22:33:44").0.address, with_vrid);
    let base = with_address("use_vmac\nvmac_xmit_base\nuse_vmac_addr");
    let a = sound(&base);
    assert!(a.vmac_for_addresses);
    assert!(matches!(&a.virtual_interface, Some(VirtualInterface::Vmac(vmac)) if vmac.transmit_base));
}

#[test]
fn mistakes_of_a_vmac() {
    for (arguments, finding) in [
        ("sixteen-bytes-xx", "invalid-value@5"),
        ("01:11:22:33:44:55", "invalid-value@5"),
        ("00:00:5e:00:01:07", "invalid-value@5"),
        ("02:11:22", "invalid-value@5"),
        ("a b", "extra-argument@5"),
        ("group nowhere", "unknown-name@5"),
    ] {
        let (vmac, findings) = vmac(arguments);
        assert_eq!(findings, [finding], "{arguments}");
        assert_eq!(vmac.address, VmacAddress::Standard, "{arguments}");
    }
    let loaded = with_address("use_vmac\nunicast_peer {\n10.0.0.9\n}");
    assert_eq!(found(&loaded), ["vmac-unicast@5"]);
    assert_eq!(found(&with_address("vmac_xmit_base")), ["useless-word@5"]);
    assert_eq!(found(&with_address("use_vmac\nuse_ipvlan 10.0.0.7/24")), ["useless-word@6"]);
    assert_eq!(found(&with_address("strict_mode\nuse_vmac\nvmac_xmit_base")), ["strict-reset@1"]);
    assert_eq!(found(&with_address("use_vmac\npromote_secondaries")), ["no-effect@6"]);
}

#[test]
fn an_ipvlan() {
    let loaded = with_address("use_ipvlan ipv7 10.0.0.7/24 private");
    let a = sound(&loaded);
    let address = Some(Prefix { address: [10, 0, 0, 7].into(), length: 24 });
    let expected = Ipvlan { name: Some("ipv7".into()), address, mode: IpvlanMode::Private, group: None };
    assert_eq!(a.virtual_interface, Some(VirtualInterface::Ipvlan(expected)));
    assert_eq!(a.source, Some([10, 0, 0, 7].into()));
    let loaded = with_address("use_ipvlan");
    assert_eq!(found(&loaded), ["ipvlan-without-address@5"]);
    assert_eq!(only(&loaded).fault, Some(ConfigFault::IpvlanWithoutAddress));
    assert_eq!(found(&with_address("use_ipvlan fe80::7")), ["ipvlan-without-address@5", "mixed-families@5"]);
    sound(&instance("virtual_ipaddress { fe80::1 }\nuse_ipvlan vepa"));
}

#[test]
fn a_vrf_instead_of_an_interface() {
    let loaded = load(
        "vrrp_instance A {\nvrf red\nvirtual_router_id 7\nvirtual_ipaddress { 10.0.0.1 dev eth0 }\nunicast_src_ip 10.0.0.8\nunicast_peer {\n10.0.0.9\n}\n}\n",
    );
    let a = sound(&loaded);
    assert_eq!((a.interface.as_str(), a.vrf.as_deref()), ("", Some("red")));
    assert_eq!(found(&with_address("vrf red")), ["useless-word@5"]);
}

#[test]
fn delays_and_linkbeat() {
    let loaded = load(
        "linkbeat_use_polling\ninterface_up_down_delays {\neth0 0.5 3\neth1 2\neth0 1\n}\nlinkbeat_interfaces {\neth0\neth1 ETHTOOL\n}\n",
    );
    assert_eq!(found(&loaded), [""; 0], "{}", shown(&loaded));
    let delay = |interface: &str, down| InterfaceDelay {
        interface: interface.into(),
        down: Duration::from_secs(down),
        up: Duration::ZERO,
    };
    assert_eq!(loaded.config.interface_delays, [delay("eth1", 2), delay("eth0", 1)]);
    let linkbeat = |interface: &str, method| LinkbeatInterface { interface: interface.into(), method };
    let ethtool = Some(LinkbeatMethod::Ethtool);
    assert_eq!(loaded.config.linkbeat_interfaces, [linkbeat("eth0", None), linkbeat("eth1", ethtool)]);
    assert!(loaded.config.program.linkbeat_polling);
    let loaded = load("interface_up_down_delays {\neth0\neth1 300\n}\nlinkbeat_interfaces {\neth0 PING\n}\n");
    assert_eq!(found(&loaded), ["missing-argument@2", "invalid-value@3", "invalid-value@6"]);
}
