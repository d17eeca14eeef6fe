//! `global_defs`: identity, mail, scripts, VRRP defaults, firewall.

use super::{
    Dbus, Dumps, ExtraGarp, Fifos, Garp, Lvs, Processes, Reload, Snmp, TimedScript, TrackWeight, User,
    Version,
};
use serde::{Deserialize, Serialize};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::time::Duration;

/// `global_defs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Global {
    /// `router_id`; the host name when absent.
    pub router_id: Option<String>,
    /// The mail block.
    pub mail: Mail,
    /// `script_user`: user and, when written, group. Without it: `keepalived_script` if that user
    /// exists, else root.
    pub script_user: Option<User>,
    /// `enable_script_security`.
    pub script_security: bool,
    /// `use_symlink_paths`: scripts are started by the path as written, not by what it resolves to.
    pub use_symlink_paths: bool,
    /// `startup_script`.
    pub startup_script: Option<TimedScript>,
    /// `shutdown_script`.
    pub shutdown_script: Option<TimedScript>,

    /// `vrrp_skip_check_adv_addr`.
    pub skip_check_adv_addr: bool,
    /// `vrrp_strict`.
    pub strict: bool,
    /// Other defaults of instances, which carry the values that hold for them.
    pub vrrp: VrrpDefaults,
    /// `vrrp_mcast_group4`; 224.0.0.18 when absent.
    pub mcast_group4: Ipv4Addr,
    /// `vrrp_mcast_group6`; ff02::12 when absent.
    pub mcast_group6: Ipv6Addr,
    /// `vrrp_garp_interval`: pause between two gratuitous ARPs on an interface; zero is no pause.
    pub garp_interval: Duration,
    /// `vrrp_gna_interval`: the same for unsolicited neighbour advertisements.
    pub gna_interval: Duration,
    /// Gratuitous ARP defaults, `vrrp_garp_*`; instances carry the values that hold for them.
    pub garp: Garp,
    /// `vrrp_startup_delay`: the wait before the election begins.
    pub startup_delay: Duration,
    /// `vrrp_delay_after_boot`: the election begins so long after the machine was started.
    pub delay_after_boot: Duration,
    /// `log_unknown_vrids`.
    pub log_unknown_vrids: bool,
    /// `dynamic_interfaces`: interfaces that are not there yet are waited for without complaint.
    pub dynamic_interfaces: bool,
    /// `dynamic_interfaces allow_if_changes`: an interface may change its kind or what it lies upon.
    pub allow_interface_changes: bool,
    /// `default_interface`.
    pub default_interface: Option<String>,
    /// `disable_local_igmp`: the kernel makes no IGMP reports for groups of the link.
    pub disable_local_igmp: bool,
    /// `vmac_prefix`; `vrrp` when absent.
    pub vmac_prefix: Option<String>,
    /// `vmac_addr_prefix`; that of `vmac_prefix` when absent.
    pub vmac_address_prefix: Option<String>,
    /// `vrrp_rx_bufs_policy` and `vrrp_rx_bufs_multiplier`.
    pub receive_buffers: ReceiveBuffers,

    /// `vrrp_lease`, a word of ours, on when absent: the kernel lets addresses be answered only as long
    /// as we advertise.
    pub lease: bool,
    /// `vrrp_handover`, a word of ours, on when absent: a master that stops names its successor.
    pub handover: bool,
    /// `vrrp_track_proxy`, a word of ours: how it counts that the proxy of this program does not serve.
    pub track_proxy: Option<TrackWeight>,

    /// `vrrp_iptables`: written without a chain name it switches the drop rules of `vrrp_strict` off.
    pub iptables: Iptables,
    /// The other words on packet filters.
    pub firewall: Firewall,
    /// `notify_fifo` and its kin.
    pub fifos: Fifos,
    /// Priorities, names and buffers of the processes.
    pub processes: Processes,
    /// `snmp_*`, `enable_snmp_*`.
    pub snmp: Snmp,
    /// `enable_dbus`, `dbus_*`.
    pub dbus: Dbus,
    /// Files that signals write.
    pub dumps: Dumps,
    /// `reload_*`.
    pub reload: Reload,
    /// LVS.
    pub lvs: Lvs,
    /// `umask`: permission bits that created files lack; as inherited when absent.
    pub umask: Option<u32>,
    /// `random_seed`.
    pub random_seed: Option<u32>,
    /// `config_save_dir`: where copies of the configuration are kept.
    pub config_save_directory: Option<PathBuf>,
    /// `tmp_config_directory`.
    pub temporary_directory: Option<PathBuf>,
    /// `iproute_etc_dir`; `/etc/iproute2` when absent.
    pub iproute_etc_directory: Option<PathBuf>,
    /// `iproute_usr_dir`; `/usr/share/iproute2` when absent.
    pub iproute_usr_directory: Option<PathBuf>,
}

impl Default for Global {
    fn default() -> Self {
        Self {
            router_id: None,
            mail: Mail::default(),
            script_user: None,
            script_security: false,
            use_symlink_paths: false,
            startup_script: None,
            shutdown_script: None,
            skip_check_adv_addr: false,
            strict: false,
            vrrp: VrrpDefaults::default(),
            mcast_group4: Ipv4Addr::new(224, 0, 0, 18),
            mcast_group6: Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12),
            garp_interval: Duration::ZERO,
            gna_interval: Duration::ZERO,
            garp: Garp::default(),
            startup_delay: Duration::ZERO,
            delay_after_boot: Duration::ZERO,
            log_unknown_vrids: false,
            dynamic_interfaces: false,
            allow_interface_changes: false,
            default_interface: None,
            disable_local_igmp: false,
            vmac_prefix: None,
            vmac_address_prefix: None,
            receive_buffers: ReceiveBuffers::default(),
            lease: true,
            handover: true,
            track_proxy: None,
            iptables: Iptables::Default,
            firewall: Firewall::default(),
            fifos: Fifos::default(),
            processes: Processes::default(),
            snmp: Snmp::default(),
            dbus: Dbus::default(),
            dumps: Dumps::default(),
            reload: Reload::default(),
            lvs: Lvs::default(),
            umask: None,
            random_seed: None,
            config_save_directory: None,
            temporary_directory: None,
            iproute_etc_directory: None,
            iproute_usr_directory: None,
        }
    }
}

/// `vrrp_*`: what holds for an instance that says nothing else.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VrrpDefaults {
    /// `vrrp_version`, 2 when absent.
    pub version: Version,
    /// `vrrp_down_timer_adverts`, 3 when absent.
    pub down_timer_adverts: u8,
    /// `vrrp_higher_prio_send_advert`.
    pub higher_prio_send_advert: bool,
    /// `vrrp_lower_prio_no_advert`.
    pub lower_prio_no_advert: bool,
    /// `vrrp_owner_ignore_adverts`.
    pub owner_ignore_adverts: bool,
    /// `vrrp_check_unicast_src`.
    pub check_unicast_source: bool,
    /// `v3_checksum_as_v2`.
    pub checksum_as_v2: bool,
    /// `vrrp_notify_priority_changes`.
    pub notify_priority_changes: bool,
    /// `vrrp_garp_extra_if`.
    pub extra_garp: Option<ExtraGarp>,
}

impl Default for VrrpDefaults {
    fn default() -> Self {
        Self {
            version: Version::V2,
            down_timer_adverts: 3,
            higher_prio_send_advert: false,
            lower_prio_no_advert: false,
            owner_ignore_adverts: false,
            check_unicast_source: false,
            checksum_as_v2: false,
            notify_priority_changes: false,
            extra_garp: None,
        }
    }
}

/// `vrrp_rx_bufs_policy`: how large the receive buffers of sockets are. `kernel_rx_buf_size` of an
/// instance goes before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ReceiveBuffers {
    /// Not written: as the kernel has them.
    #[default]
    Kernel,
    /// `NUMBER`: so many bytes.
    Bytes(u32),
    /// `MTU`: room for so many packets of the size of the MTU (`vrrp_rx_bufs_multiplier`, 3 when absent).
    Mtu(u32),
    /// `ADVERT`: room for so many advertisements.
    Advert(u32),
}

/// `vrrp_iptables [IN [OUT]]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Iptables {
    /// Not written.
    #[default]
    Default,
    /// Written without a chain: no rules are added.
    Off,
    /// Written with chains: the rules are made all the same, in a table of our own.
    Chains(String, Option<String>),
}

/// Packet filters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Firewall {
    /// `vrrp_ipsets`.
    pub ipsets: Ipsets,
    /// `nftables`, `nftables_priority`, `nftables_ifindex`.
    pub nftables: Option<Nftables>,
    /// `nftables_ipvs`, `nftables_ipvs_priority`, `nftables_ipvs_start_fwmark`.
    pub nftables_ipvs: Option<NftablesIpvs>,
    /// `nftables_counters`.
    pub counters: bool,
}

/// `vrrp_ipsets`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Ipsets {
    /// Not written: with `vrrp_iptables` they are used.
    #[default]
    Default,
    /// Written without a name: none.
    Off,
    /// The names that are written, one to six.
    Named(Vec<String>),
}

/// `nftables [TABLE]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Nftables {
    /// The table; `keepalived` when not written.
    pub table: String,
    /// `nftables_priority`, −1 when absent.
    pub priority: i32,
    /// `nftables_ifindex`: interfaces by index, not by name.
    pub by_index: bool,
}

/// `nftables_ipvs [TABLE]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NftablesIpvs {
    /// The table; `keepalived_ipvs` when not written.
    pub table: String,
    /// `nftables_ipvs_priority`, −1 when absent.
    pub priority: i32,
    /// `nftables_ipvs_start_fwmark`, 1000 when absent.
    pub first_mark: u32,
}

/// Mail settings of `global_defs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mail {
    /// `notification_email`.
    pub to: Vec<String>,
    /// `notification_email_from`; `keepalived@HOST` when absent.
    pub from: Option<String>,
    /// `smtp_server`: host and port, 25 when absent. `None`: no mail is sent.
    pub server: Option<(String, u16)>,
    /// `smtp_connect_timeout`, 30 s when absent.
    pub connect_timeout: Duration,
    /// `smtp_helo_name`; the host name when absent.
    pub helo_name: Option<String>,
    /// `smtp_alert` or `smtp_alert_vrrp`: the default for instances.
    pub alert: bool,
    /// What is written of it.
    pub written: MailSwitches,
    /// `no_email_faults`: FAULT is not mailed.
    pub no_faults: bool,
    /// What concerns checkers.
    pub checkers: MailCheckers,
}

impl Default for Mail {
    fn default() -> Self {
        Self {
            to: Vec::new(),
            from: None,
            server: None,
            connect_timeout: Duration::from_secs(30),
            helo_name: None,
            alert: false,
            written: MailSwitches::default(),
            no_faults: false,
            checkers: MailCheckers::default(),
        }
    }
}

/// Words on mail for everything that says nothing itself; `None` where one is not written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailSwitches {
    /// `smtp_alert`.
    pub all: Option<bool>,
    /// `smtp_alert_vrrp`.
    pub vrrp: Option<bool>,
    /// `smtp_alert_checker`.
    pub checkers: Option<bool>,
}

/// Mail of checkers, kept for the process that has them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MailCheckers {
    /// `smtp_alert` or `smtp_alert_checker`: the default for real servers.
    pub alert: bool,
    /// `no_checker_emails`.
    pub none: bool,
    /// `checker_log_all_failures`.
    pub log_all_failures: bool,
}
