//! What a keepalived.conf means, with every default filled in.
//!
//! The model is plain data: it travels from the supervisor to the process that acts on it, so it
//! holds no spans and nothing that needs the files again.

use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::time::Duration;

/// A whole configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// `global_defs`.
    pub global: Global,
    /// Every `vrrp_script`, tracked or not.
    pub scripts: Vec<VrrpScript>,
    /// Every `vrrp_instance`, in file order.
    pub instances: Vec<VrrpInstance>,
}

/// `global_defs`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Global {
    /// `router_id`; the host name when absent.
    pub router_id: Option<String>,
    /// The mail block.
    pub mail: Mail,
    /// `script_user`: user and, when written, group. Without it: `keepalived_script` if that user
    /// exists, else root.
    pub script_user: Option<(String, Option<String>)>,
    /// `enable_script_security`.
    pub script_security: bool,
    /// `vrrp_skip_check_adv_addr`.
    pub skip_check_adv_addr: bool,
    /// `vrrp_strict`.
    pub strict: bool,
    /// `vrrp_iptables`: written without a chain name it switches the drop rules of `vrrp_strict` off.
    pub iptables: Iptables,
    /// `vrrp_mcast_group4`; 224.0.0.18 when absent.
    pub mcast_group4: Ipv4Addr,
    /// `vrrp_garp_interval`: pause between two gratuitous ARPs on an interface; zero is no pause.
    pub garp_interval: Duration,
    /// `vrrp_gna_interval`: the same for unsolicited neighbour advertisements.
    pub gna_interval: Duration,
    /// Gratuitous ARP defaults, `vrrp_garp_*`; instances carry the values that hold for them.
    pub garp: Garp,
}

impl Default for Global {
    fn default() -> Self {
        Self {
            router_id: None,
            mail: Mail::default(),
            script_user: None,
            script_security: false,
            skip_check_adv_addr: false,
            strict: false,
            iptables: Iptables::Default,
            mcast_group4: Ipv4Addr::new(224, 0, 0, 18),
            garp_interval: Duration::ZERO,
            gna_interval: Duration::ZERO,
            garp: Garp::default(),
        }
    }
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
        }
    }
}

/// How a command written in the file is to be started.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Command {
    /// Started directly, as keepalived does: program and arguments, split as keepalived splits them.
    Exec(Vec<String>),
    /// The line uses words of a shell (`[[`, `&&`, `|`, `;`, `>`, `$(`…): it is given to one.
    Shell {
        /// Which shell the words need.
        shell: Shell,
        /// The line as written.
        line: String,
    },
    /// `</path`: succeeds when the file can be opened for reading.
    FileOpens(PathBuf),
}

/// A shell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Shell {
    /// `/bin/sh`.
    Posix,
    /// `bash` where it exists, because the line uses its words; else `/bin/sh`.
    Bash,
}

/// A notify script: the command, and the user it runs as when written after it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct NotifyScript {
    /// What to start.
    pub command: Command,
    /// User and group; those of `script_user` when absent.
    pub user: Option<(String, Option<String>)>,
}

/// `vrrp_script NAME { … }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VrrpScript {
    /// The name after `vrrp_script`.
    pub name: String,
    /// `script`.
    pub command: Command,
    /// `interval`, 1 s when absent.
    pub interval: Duration,
    /// `timeout`; the interval when absent.
    pub timeout: Duration,
    /// `weight`: −253 to 253; 0 puts the instance in FAULT while the script fails.
    pub weight: i32,
    /// `weight N reverse`.
    pub reverse: bool,
    /// `rise`: successes needed to count as up, 1 when absent.
    pub rise: u32,
    /// `fall`: failures needed to count as down, 1 when absent.
    pub fall: u32,
    /// `init_fail`: counts as failed until `rise` successes.
    pub init_fail: bool,
    /// `user`.
    pub user: Option<(String, Option<String>)>,
}

/// `state` of an instance: only a wish, the election decides.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum InitialState {
    /// `state MASTER`.
    Master,
    /// `state BACKUP`, or absent.
    #[default]
    Backup,
}

/// `authentication { }`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Authentication {
    /// No block.
    #[default]
    None,
    /// `auth_type PASS`: the password as it goes on the wire, cut to 8 bytes and padded with zeros.
    Pass([u8; 8]),
}

/// An address of `virtual_ipaddress`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VirtualAddress {
    /// The address.
    pub address: IpAddr,
    /// Prefix length; 32 or 128 when not written.
    pub prefix: u8,
    /// `brd`: the address, computed for `+` and `-`.
    pub broadcast: Option<IpAddr>,
    /// `dev`; the interface of the instance when absent.
    pub dev: Option<String>,
    /// `scope` as a kernel number (global 0, site 200, link 253, host 254).
    pub scope: u8,
    /// `label`.
    pub label: Option<String>,
}

/// `weight` of a tracked object inside an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackWeight {
    /// −253 to 253; 0 means FAULT on failure.
    pub weight: i32,
    /// Swaps the meaning of up and down.
    pub reverse: bool,
}

/// An entry of `track_script`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackScript {
    /// Name of a `vrrp_script` of this configuration; always defined.
    pub name: String,
    /// The weight written here, else the script's own.
    pub weight: TrackWeight,
}

/// An entry of `track_interface`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrackInterface {
    /// Interface name.
    pub interface: String,
    /// 0 when not written: the instance is in FAULT while the interface is down.
    pub weight: TrackWeight,
}

/// `garp_*` of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Garp {
    /// `garp_master_delay`: second burst this long after the first; 5 s, zero is no second burst.
    pub master_delay: Duration,
    /// `garp_master_repeat`: packets an address in a burst, 5.
    pub master_repeat: u32,
    /// `garp_master_refresh`: bursts while master, this far apart; zero is none.
    pub refresh: Duration,
    /// `garp_master_refresh_repeat`: packets an address in a refresh, 1.
    pub refresh_repeat: u32,
    /// `garp_lower_prio_delay`: second burst after a lower-priority advertisement; `master_delay` when absent.
    pub lower_prio_delay: Duration,
    /// `garp_lower_prio_repeat`: `master_repeat` when absent.
    pub lower_prio_repeat: u32,
}

impl Default for Garp {
    fn default() -> Self {
        Self {
            master_delay: Duration::from_secs(5),
            master_repeat: 5,
            refresh: Duration::ZERO,
            refresh_repeat: 1,
            lower_prio_delay: Duration::from_secs(5),
            lower_prio_repeat: 5,
        }
    }
}

/// Scripts called on a change of state.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notify {
    /// `notify_master`.
    pub master: Option<NotifyScript>,
    /// `notify_backup`.
    pub backup: Option<NotifyScript>,
    /// `notify_fault`.
    pub fault: Option<NotifyScript>,
    /// `notify_stop`.
    pub stop: Option<NotifyScript>,
    /// `notify`: called as `SCRIPT INSTANCE NAME STATE PRIORITY`.
    pub any: Option<NotifyScript>,
}

/// `unicast_peer` and what goes with it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unicast {
    /// `unicast_peer`: never empty.
    pub peers: Vec<Ipv4Addr>,
    /// `unicast_ttl`, 255 when absent.
    pub ttl: u8,
}

/// `vrrp_instance NAME { … }`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VrrpInstance {
    /// The name after `vrrp_instance`.
    pub name: String,
    /// `state`.
    pub state: InitialState,
    /// `interface`.
    pub interface: String,
    /// `virtual_router_id`, 1 to 255.
    pub vrid: u8,
    /// `priority`, 1 to 255; when absent 100, or 255 beside `state MASTER`. 255 is the address owner.
    pub priority: u8,
    /// `advert_int`: whole seconds in VRRPv2, 1 when absent.
    pub advert_int: Duration,
    /// `nopreempt`.
    pub nopreempt: bool,
    /// `preempt_delay`, 0 to 1000 s.
    pub preempt_delay: Duration,
    /// `authentication`.
    pub authentication: Authentication,
    /// `mcast_src_ip` or `unicast_src_ip`; the interface's first address when absent.
    pub source: Option<Ipv4Addr>,
    /// `unicast_peer`; multicast when absent.
    pub unicast: Option<Unicast>,
    /// Multicast group: `mcast_dst_ip` or that of `global_defs`.
    pub mcast_group: Ipv4Addr,
    /// `virtual_ipaddress`: carried in advertisements.
    pub addresses: Vec<VirtualAddress>,
    /// `virtual_ipaddress_excluded`: installed and announced, not advertised.
    pub excluded: Vec<VirtualAddress>,
    /// `track_script`.
    pub track_scripts: Vec<TrackScript>,
    /// `track_interface`.
    pub track_interfaces: Vec<TrackInterface>,
    /// `dont_track_primary`: a fault of `interface` is no fault of the instance.
    pub dont_track_primary: bool,
    /// Notify scripts.
    pub notify: Notify,
    /// `smtp_alert` here or in `global_defs`.
    pub smtp_alert: bool,
    /// `garp_*` here or in `global_defs`.
    pub garp: Garp,
    /// `strict_mode` here or `vrrp_strict`.
    pub strict: bool,
    /// `skip_check_adv_addr` here or in `global_defs`.
    pub skip_check_adv_addr: bool,
}
