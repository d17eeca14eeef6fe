//! Interfaces: `use_vmac`, `use_ipvlan`, `interface_up_down_delays`, `linkbeat_interfaces`.

use super::Prefix;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// The interface that an instance makes for itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum VirtualInterface {
    /// `use_vmac`.
    Vmac(Vmac),
    /// `use_ipvlan`.
    Ipvlan(Ipvlan),
}

/// `use_vmac [[name] NAME] [MAC] [netlink_notify_msg] [group GROUP]`: a private macvlan.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vmac {
    /// Its name, at most 15 bytes; `vrrp.VRID`, or the like with `vmac_prefix`, when absent.
    pub name: Option<String>,
    /// Its hardware address.
    pub address: VmacAddress,
    /// `vmac_xmit_base`: advertisements leave by the interface below. Always so with unicast.
    pub transmit_base: bool,
    /// `netlink_notify_msg`: the macvlan passes on changes of state of the interface below.
    pub notify: bool,
    /// `group`: the number of its interface group.
    pub group: Option<u32>,
}

/// Hardware address of a VMAC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum VmacAddress {
    /// 00-00-5e-00-01-VRID, or 00-00-5e-00-02-VRID for IPv6 (RFC 5798 §7.3).
    #[default]
    Standard,
    /// As written; of five bytes written, the sixth is the VRID.
    Given([u8; 6]),
}

/// `use_ipvlan [[name] NAME] [ADDRESS[/PREFIX]] [bridge|private|vepa] [group GROUP]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ipvlan {
    /// Its name, as that of a VMAC.
    pub name: Option<String>,
    /// Its own address, the source of advertisements; IPv4 cannot do without.
    pub address: Option<Prefix>,
    /// What its neighbours on the same interface see.
    pub mode: IpvlanMode,
    /// `group`: the number of its interface group.
    pub group: Option<u32>,
}

/// Mode of an ipvlan, which is always of layer 2.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum IpvlanMode {
    /// `bridge`, the default.
    #[default]
    Bridge,
    /// `private`.
    Private,
    /// `vepa`.
    Vepa,
}

/// An entry of `interface_up_down_delays`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceDelay {
    /// The interface.
    pub interface: String,
    /// How long it has to be down to count as down, 0 to 255 s.
    pub down: Duration,
    /// How long it has to be up to count as up; 0 when not written.
    pub up: Duration,
}

/// An entry of `linkbeat_interfaces`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LinkbeatInterface {
    /// The interface.
    pub interface: String,
    /// How its link is asked for; each way is tried when not written.
    pub method: Option<LinkbeatMethod>,
}

/// How the state of a link is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkbeatMethod {
    /// `MII`: SIOCGMIIREG.
    Mii,
    /// `ETHTOOL`: ETHTOOL_GLINK.
    Ethtool,
    /// `IOCTL`: SIOCGIFFLAGS.
    Ioctl,
}
