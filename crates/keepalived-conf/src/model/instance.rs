//! `vrrp_instance`.

use super::{
    Authentication, Family, Garp, Notify, Route, Rule, TrackInterface, Tracked, VirtualAddress,
    VirtualInterface,
};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

/// `state` of an instance: only a wish, the election decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum InitialState {
    /// `state MASTER`, or absent with priority 255.
    Master,
    /// `state BACKUP`, or absent.
    #[default]
    Backup,
}

/// The MTU of an Ethernet, bytes.
pub const ETHERNET_MTU: u32 = 1500;

/// VRRP version.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Version {
    /// RFC 3768.
    #[default]
    V2,
    /// RFC 5798, RFC 9568.
    V3,
}

/// `unicast_peer` and what goes with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unicast {
    /// `unicast_peer`: each address once; never empty, but for [`ConfigFault::NoUnicastPeer`].
    pub peers: Vec<UnicastPeer>,
    /// `unicast_ttl`, 255 when absent.
    pub ttl: u8,
    /// `check_unicast_src`, `vrrp_check_unicast_src`, or a peer has `min_ttl` or `max_ttl`: others
    /// than the peers are not heard.
    pub check_source: bool,
}

/// An entry of `unicast_peer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnicastPeer {
    /// Its address, of the family of the instance.
    pub address: IpAddr,
    /// `min_ttl`, 0 when absent: least TTL that its packets arrive with.
    pub min_ttl: u8,
    /// `max_ttl`, 255 when absent.
    pub max_ttl: u8,
}

impl From<IpAddr> for UnicastPeer {
    fn from(address: IpAddr) -> Self {
        Self { address, min_ttl: 0, max_ttl: 255 }
    }
}

/// The checksum of VRRPv3 over IPv4.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChecksumV3 {
    /// `v3_checksum_as_v2`: without the pseudo-header.
    pub as_v2: bool,
    /// `old_unicast_checksum`.
    pub old_unicast: OldUnicastChecksum,
}

/// Up to 1.3.6 keepalived counted the multicast group as destination of unicast packets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum OldUnicastChecksum {
    /// Not written: changes to it when a peer is heard that does it so.
    #[default]
    Detected,
    /// `old_unicast_checksum`: from the start.
    Always,
    /// `old_unicast_checksum never`.
    Never,
}

/// Why an instance stays in FAULT whatever the network does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ConfigFault {
    /// `unicast_fault_no_peer`, and there is no peer.
    NoUnicastPeer,
    /// `use_ipvlan` with IPv4 and no address for it.
    IpvlanWithoutAddress,
}

/// `vrrp_instance NAME { … }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VrrpInstance {
    /// The name after `vrrp_instance`.
    pub name: String,
    /// `version`, `vrrp_version` or 2; 3 for IPv6 unless 2 is written.
    pub version: Version,
    /// Family of what is advertised: that of the first address, peer or source that is written.
    pub family: Family,
    /// `state`.
    pub state: InitialState,
    /// `interface`, or `default_interface`; empty only for unicast with a source address (see `vrf`).
    pub interface: String,
    /// `virtual_router_id`, 1 to 255.
    pub vrid: u8,
    /// `priority`, 1 to 255; when absent 100, or 255 beside `state MASTER`. 255 is the address owner.
    pub priority: u8,
    /// `advert_int`, 1 s when absent: whole seconds up to 255 in VRRPv2, hundredths up to 40.95 s in VRRPv3.
    pub advert_int: Duration,
    /// `down_timer_adverts`, 1 to 100: intervals without a master before taking over, 3 when absent.
    pub down_timer_adverts: u8,
    /// `nopreempt`.
    pub nopreempt: bool,
    /// `preempt_delay`, 0 to 1000 s.
    pub preempt_delay: Duration,
    /// `authentication` or `auth_hmac`.
    pub authentication: Authentication,
    /// `accept`: the addresses answer. When absent, unless strict; the address owner always.
    pub accept: bool,
    /// `strict_mode` here or `vrrp_strict`.
    pub strict: bool,
    /// `skip_check_adv_addr` here or in `global_defs`.
    pub skip_check_adv_addr: bool,
    /// `higher_prio_send_advert`: one more advertisement when a higher priority takes over.
    pub higher_prio_send_advert: bool,
    /// `lower_prio_no_advert`: a lower priority is not answered at once.
    pub lower_prio_no_advert: bool,
    /// `owner_ignore_adverts`, priority 255 only: nothing is heard.
    pub owner_ignore_adverts: bool,
    /// `v3_checksum_as_v2`, `old_unicast_checksum`.
    pub checksum: ChecksumV3,

    /// `mcast_src_ip` or `unicast_src_ip`; the interface's first address when absent.
    pub source: Option<IpAddr>,
    /// `track_src_ip`: FAULT while `source` is not there.
    pub track_source: bool,
    /// `unicast_peer`; multicast when absent.
    pub unicast: Option<Unicast>,
    /// `mcast_dst_ip`, or that of `global_defs`.
    pub mcast_group: IpAddr,
    /// `kernel_rx_buf_size`, bytes.
    pub receive_buffer: Option<u32>,

    /// `virtual_ipaddress`: carried in advertisements, all of the family of the instance, at most 255.
    pub addresses: Vec<VirtualAddress>,
    /// `virtual_ipaddress_excluded`: installed and announced, not advertised; of any family.
    pub excluded: Vec<VirtualAddress>,
    /// `no_virtual_ipaddress`: there are none on purpose.
    pub no_addresses: bool,
    /// `promote_secondaries`: the interface keeps secondary addresses when the first one goes.
    pub promote_secondaries: bool,
    /// `virtual_routes`.
    pub routes: Vec<Route>,
    /// `virtual_rules`.
    pub rules: Vec<Rule>,

    /// `use_vmac` or `use_ipvlan`.
    pub virtual_interface: Option<VirtualInterface>,
    /// `use_vmac_addr`: addresses with another `dev`, or of the other family, are put on VMACs of their own.
    pub vmac_for_addresses: bool,
    /// `vrf`, unicast without `interface` only.
    pub vrf: Option<String>,
    /// `linkbeat_use_polling` here or at the outer level.
    pub linkbeat_polling: bool,

    /// `track_script`.
    pub track_scripts: Vec<Tracked>,
    /// `track_interface`.
    pub track_interfaces: Vec<TrackInterface>,
    /// `track_file`.
    pub track_files: Vec<Tracked>,
    /// `track_process`.
    pub track_processes: Vec<Tracked>,
    /// `track_bfd`.
    pub track_bfd: Vec<Tracked>,
    /// `dont_track_primary`: a fault of `interface` is no fault of the instance.
    pub dont_track_primary: bool,
    /// What keeps it in FAULT for good.
    pub fault: Option<ConfigFault>,

    /// Notify scripts.
    pub notify: Notify,
    /// `notify_priority_changes` here, in the sync group or `vrrp_notify_priority_changes`.
    pub notify_priority_changes: bool,
    /// `smtp_alert` here or in `global_defs`.
    pub smtp_alert: bool,
    /// `garp_*` here or in `global_defs`.
    pub garp: Garp,
}

/// An instance about which nothing is written: name, interface and number have still to be given.
impl VrrpInstance {
    /// How many addresses an advertisement has room for on a link of this MTU, in bytes. As keepalived
    /// counts, the Ethernet header is among it.
    pub fn most_advertised(&self, mtu: u32) -> usize {
        const GREATEST: usize = 255;
        let (headers, size) = match self.family {
            Family::Ipv4 => (14 + 20 + 8, 4),
            Family::Ipv6 => (14 + 40 + 8, 16),
        };
        let authentication = match (&self.authentication, self.version) {
            (Authentication::Hmac(_), Version::V2) if self.family == Family::Ipv4 => 8 + 28,
            (Authentication::Hmac(_), _) => 28,
            (Authentication::Ah(_), _) => 8 + 24,
            (_, Version::V2) => 8,
            (_, Version::V3) => 0,
        };
        let mtu = usize::try_from(mtu).unwrap_or(usize::MAX);
        (mtu.saturating_sub(headers + authentication) / size).min(GREATEST)
    }
}

impl Default for VrrpInstance {
    fn default() -> Self {
        Self {
            name: String::new(),
            version: Version::V2,
            family: Family::Ipv4,
            state: InitialState::Backup,
            interface: String::new(),
            vrid: 0,
            priority: 100,
            advert_int: Duration::from_secs(1),
            down_timer_adverts: 3,
            nopreempt: false,
            preempt_delay: Duration::ZERO,
            authentication: Authentication::None,
            accept: true,
            strict: false,
            skip_check_adv_addr: false,
            higher_prio_send_advert: false,
            lower_prio_no_advert: false,
            owner_ignore_adverts: false,
            checksum: ChecksumV3::default(),
            source: None,
            track_source: false,
            unicast: None,
            mcast_group: Ipv4Addr::new(224, 0, 0, 18).into(),
            receive_buffer: None,
            addresses: Vec::new(),
            excluded: Vec::new(),
            no_addresses: false,
            promote_secondaries: false,
            routes: Vec::new(),
            rules: Vec::new(),
            virtual_interface: None,
            vmac_for_addresses: false,
            vrf: None,
            linkbeat_polling: false,
            track_scripts: Vec::new(),
            track_interfaces: Vec::new(),
            track_files: Vec::new(),
            track_processes: Vec::new(),
            track_bfd: Vec::new(),
            dont_track_primary: false,
            fault: None,
            notify: Notify::default(),
            notify_priority_changes: false,
            smtp_alert: false,
            garp: Garp::default(),
        }
    }
}
