//! What a keepalived.conf means, with every default filled in.
//!
//! The model is plain data: it travels from the supervisor to the process that acts on it, so it
//! holds no spans and nothing that needs the files again. Names of routing tables, scopes and the
//! like are already numbers.

mod address;
mod authentication;
mod bfd;
mod command;
mod garp;
mod global;
mod group;
mod instance;
mod interface;
mod lvs;
mod program;
mod route;
mod rule;
mod script;
mod tracking;

pub use address::{Family, Lifetime, Prefix, VirtualAddress};
pub use authentication::{AntiReplay, AuthHmac, Authentication, HmacKey, HmacMode, Secret};
pub use bfd::BfdInstance;
pub use command::{Command, Notify, NotifyScript, Shell, TimedScript, User};
pub use garp::{ExtraGarp, Garp, GarpGroup};
pub use global::{
    Firewall, Global, Ipsets, Iptables, Mail, MailCheckers, MailSwitches, Nftables, NftablesIpvs,
    ReceiveBuffers, VrrpDefaults,
};
pub use group::{SyncGroup, TrackGroup};
pub use instance::{
    ChecksumV3, ConfigFault, ETHERNET_MTU, InitialState, OldUnicastChecksum, Unicast, UnicastPeer, Version,
    VrrpInstance,
};
pub use interface::{
    InterfaceDelay, Ipvlan, IpvlanMode, LinkbeatInterface, LinkbeatMethod, VirtualInterface, Vmac,
    VmacAddress,
};
pub use lvs::{FlushOnStop, Lvs, LvsTimeouts, SyncDaemon, SyncDaemonInstance};
pub use program::{
    AgentAddress, Dbus, Dumps, Fifo, Fifos, NetlinkBuffers, Process, Processes, Program, Reload, Snmp,
    SnmpVrrp,
};
pub use route::{
    Encapsulation, IpTunnel, NextHop, Route, RouteInsertion, RouteKind, RouteMetric, RouteMetrics,
    RoutingTable,
};
pub use rule::{Rule, RuleAction};
pub use script::{ParameterMatch, TrackFile, TrackFileInit, TrackProcess, VrrpScript};
pub use tracking::{Conditions, TrackInterface, TrackWeight, Tracked};

use serde::{Deserialize, Serialize};

/// A whole configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// Words of the outer level that concern the whole program.
    pub program: Program,
    /// `global_defs`.
    pub global: Global,
    /// Every `vrrp_script`, tracked or not.
    pub scripts: Vec<VrrpScript>,
    /// Every `vrrp_track_process`.
    pub processes: Vec<TrackProcess>,
    /// Every `track_file`.
    pub files: Vec<TrackFile>,
    /// Every `bfd_instance`.
    pub bfd: Vec<BfdInstance>,
    /// Every `vrrp_instance`, in file order.
    pub instances: Vec<VrrpInstance>,
    /// Every `vrrp_sync_group`.
    pub sync_groups: Vec<SyncGroup>,
    /// Every `track_group`.
    pub track_groups: Vec<TrackGroup>,
    /// `static_ipaddress`; `dev` is always given.
    pub static_addresses: Vec<VirtualAddress>,
    /// `static_routes`.
    pub static_routes: Vec<Route>,
    /// `static_rules`.
    pub static_rules: Vec<Rule>,
    /// Every `garp_group`.
    pub garp_groups: Vec<GarpGroup>,
    /// `interface_up_down_delays`, each interface once.
    pub interface_delays: Vec<InterfaceDelay>,
    /// `linkbeat_interfaces`, each interface once.
    pub linkbeat_interfaces: Vec<LinkbeatInterface>,
}

impl Config {
    /// The same for a process that needs no passwords and keys: these are empty in it.
    pub fn without_secrets(&self) -> Self {
        let mut config = self.clone();
        for instance in &mut config.instances {
            match &mut instance.authentication {
                Authentication::None => {}
                Authentication::Pass(password) => *password = Default::default(),
                Authentication::Ah(key) => *key = Default::default(),
                Authentication::Hmac(hmac) => hmac.keys.iter_mut().for_each(|key| key.secret.0.clear()),
            }
        }
        config
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_kept_from_those_who_need_none() {
        let with = |authentication| VrrpInstance { authentication, ..VrrpInstance::default() };
        let key = |secret: &[u8]| HmacKey { id: 1, secret: Secret(secret.to_vec()) };
        let hmac = |secret| {
            let (anti_replay, mode) = (AntiReplay::Monotonic, HmacMode::Enforce);
            Authentication::Hmac(AuthHmac { keys: vec![key(secret)], active_key: 1, anti_replay, mode })
        };
        let ways = |secret, bytes| [Authentication::Pass(secret), Authentication::Ah(secret), hmac(bytes)];
        let config = Config { instances: ways(*b"hushhush", b"hush").map(with).into(), ..Config::default() };
        let without = config.without_secrets();
        let found: Vec<Authentication> = without.instances.into_iter().map(|i| i.authentication).collect();
        assert_eq!(found, ways([0; 8], b""));
    }
}
