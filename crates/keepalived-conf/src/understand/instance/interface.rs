//! Interfaces of an instance: `use_vmac`, `use_ipvlan`, `vrf`.

use super::super::address::address_and_prefix;
use super::super::names::Kind;
use super::super::reader::Reader;
use crate::grammar::Word;
use crate::model::{
    ConfigFault, Family, Ipvlan, IpvlanMode, Prefix, VirtualInterface, Vmac, VmacAddress, VrrpInstance,
};
use crate::placement::{Body, Item};
use diagnostic::Diagnostic;
use std::net::IpAddr;

/// The first bytes of the addresses that RFC 5798 §7.3 gives out; the next is 1 or 2, then the VRID.
const STANDARD: [u8; 4] = [0x00, 0x00, 0x5e, 0x00];

pub(super) fn read(body: &Body<'_>, instance: &mut VrrpInstance, reader: &mut Reader<'_>) {
    if instance.interface.is_empty() {
        let virtual_one = body.items.iter().find(|item| matches!(item.name(), "use_vmac" | "use_ipvlan"));
        if let Some(item) = virtual_one {
            let message = format!("`{}` needs an `interface` to be on, and is left out", item.name());
            let finding = Diagnostic::error("virtual-without-interface", item.span(), message);
            reader.say(finding.help("add `interface NAME`"));
        }
        vrf(body, instance, reader);
        return;
    }
    let unicast = instance.unicast.is_some();
    let transmit_base = body.last("vmac_xmit_base").is_some();
    if let Some(item) = body.last("use_vmac") {
        let mut vmac = vmac(item, instance.vrid, reader);
        vmac.transmit_base = transmit_base || unicast;
        if unicast && !transmit_base {
            let message = "unicast with `use_vmac` sends from the interface below";
            reader.say(
                Diagnostic::hint("vmac-unicast", item.span(), message).help("write `vmac_xmit_base` too"),
            );
        }
        instance.virtual_interface = Some(VirtualInterface::Vmac(vmac));
    } else if let Some(item) = body.last("vmac_xmit_base").filter(|_| body.last("use_ipvlan").is_none()) {
        let message = "`vmac_xmit_base` means nothing without `use_vmac`";
        reader.warn("useless-word", item.span(), message, "add `use_vmac`, or remove it");
    }
    if let Some(item) = body.last("use_ipvlan") {
        if instance.virtual_interface.is_some() {
            let message = "`use_ipvlan` does not go with `use_vmac` and is left out";
            reader.warn("useless-word", item.span(), message, "remove one of the two");
        } else {
            ipvlan_of(item, instance, reader);
        }
    }
    if let Some(item) = body.last("promote_secondaries").filter(|_| instance.virtual_interface.is_some()) {
        let message = "`promote_secondaries` is on for virtual interfaces anyway";
        reader.say(Diagnostic::hint("no-effect", item.span(), message).help("it can go"));
        instance.promote_secondaries = false;
    }
    vrf(body, instance, reader);
}

/// `vrf` is for unicast that names no interface.
fn vrf(body: &Body<'_>, instance: &mut VrrpInstance, reader: &mut Reader<'_>) {
    let Some(item) = body.last("vrf") else { return };
    if !instance.interface.is_empty() || instance.unicast.is_none() {
        let message = "`vrf` is for unicast without `interface` and is left out";
        reader.warn("useless-word", item.span(), message, "an interface belongs to its VRF anyway");
        return;
    }
    instance.vrf = item.first().and_then(|word| reader.interface(word));
}

/// `[[name] NAME] [MAC] [netlink_notify_msg] [group GROUP]`.
fn vmac(item: &Item<'_>, vrid: u8, reader: &mut Reader<'_>) -> Vmac {
    let mut vmac = Vmac::default();
    let mut words = item.arguments().iter();
    while let Some(word) = words.next() {
        match word.text.as_str() {
            "netlink_notify_msg" => vmac.notify = true,
            "group" => vmac.group = group(words.next(), word, reader),
            "name" => name(words.next().unwrap_or(word), &mut vmac.name, reader),
            text if text.contains(':') => {
                if let Some(address) = hardware_address(word, vrid, reader) {
                    vmac.address = VmacAddress::Given(address);
                }
            }
            _ => name(word, &mut vmac.name, reader),
        }
    }
    vmac
}

/// `[[name] NAME] [ADDRESS[/PREFIX]] [bridge|private|vepa] [group GROUP]`.
fn ipvlan_of(item: &Item<'_>, instance: &mut VrrpInstance, reader: &mut Reader<'_>) {
    let mut ipvlan = Ipvlan::default();
    let mut words = item.arguments().iter();
    while let Some(word) = words.next() {
        match word.text.as_str() {
            "bridge" => ipvlan.mode = IpvlanMode::Bridge,
            "private" => ipvlan.mode = IpvlanMode::Private,
            "vepa" => ipvlan.mode = IpvlanMode::Vepa,
            "group" => ipvlan.group = group(words.next(), word, reader),
            "name" => name(words.next().unwrap_or(word), &mut ipvlan.name, reader),
            text if text.split('/').next().is_some_and(|text| text.parse::<IpAddr>().is_ok()) => {
                ipvlan.address = own_address(word, instance.family, reader);
            }
            _ => name(word, &mut ipvlan.name, reader),
        }
    }
    instance.source = instance.source.or(ipvlan.address.map(|prefix| prefix.address));
    if ipvlan.address.is_none() && instance.family == Family::Ipv4 {
        let message = "an ipvlan of IPv4 needs an address of its own: the instance stays in FAULT";
        let finding = Diagnostic::error("ipvlan-without-address", item.span(), message);
        reader.say(finding.help("write it as in `use_ipvlan 192.0.2.7/24`"));
        instance.fault = instance.fault.or(Some(ConfigFault::IpvlanWithoutAddress));
    }
    instance.virtual_interface = Some(VirtualInterface::Ipvlan(ipvlan));
}

fn own_address(word: &Word, family: Family, reader: &mut Reader<'_>) -> Option<Prefix> {
    let (address, length) = address_and_prefix(word, reader)?;
    if Family::of(address) != family {
        let message = format!("{address} is not of {}, as the instance is", family.name());
        reader.error("mixed-families", word.span, message);
        return None;
    }
    Some(Prefix { address, length })
}

fn name(word: &Word, place: &mut Option<String>, reader: &mut Reader<'_>) {
    if place.is_some() {
        let message = format!("`{}` would be a second name and is not read", word.text);
        reader.error("extra-argument", word.span, message);
        return;
    }
    *place = reader.interface(word);
}

fn group(word: Option<&Word>, option: &Word, reader: &mut Reader<'_>) -> Option<u32> {
    let Some(word) = word else {
        reader.error("missing-argument", option.span, "`group` needs a name or number");
        return None;
    };
    let number = reader.names.find(Kind::Group, &word.text);
    if number.is_none() {
        let message = format!("`{}` is not a group that /etc/iproute2 names", word.text);
        reader.error("unknown-name", word.span, message);
    }
    number
}

/// Six bytes, or five with the VRID for the sixth; neither multicast nor one that the RFC gives out.
fn hardware_address(word: &Word, vrid: u8, reader: &mut Reader<'_>) -> Option<[u8; 6]> {
    let text = word.text.strip_suffix(':').unwrap_or(&word.text);
    let byte = |text: &str| u8::from_str_radix(text, 16).ok().filter(|_| text.len() <= 2);
    let mut bytes: Vec<u8> = text.split(':').map(byte).collect::<Option<_>>().unwrap_or_default();
    if bytes.len() == 5 {
        bytes.push(vrid);
    }
    let address = <[u8; 6]>::try_from(bytes).ok();
    let problem = match address {
        None => "is not a hardware address",
        Some(address) if address[0] & 1 == 1 => "is a multicast address",
        Some(address) if address[..4] == STANDARD && matches!(address[4], 1 | 2) => {
            "is the address of some virtual router; without it, the right one is taken"
        }
        Some(_) => return address,
    };
    reader.error("invalid-value", word.span, format!("`{}` {problem}", word.text));
    None
}
