//! Words on the program as a whole: the outer level, processes, FIFOs, dumps, reload, SNMP, D-Bus.

use super::{NotifyScript, User};
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

/// Words of the outer level.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Program {
    /// `net_namespace`: the network namespace to run in. Implies `use_pid_dir`.
    pub network_namespace: Option<String>,
    /// `net_namespace_ipvs`: that of IPVS; the default one when written without `net_namespace`.
    pub ipvs_namespace: Option<String>,
    /// `namespace_with_ipsets`.
    pub namespace_with_ipsets: bool,
    /// `instance`: the name of this program among several. Implies `use_pid_dir`.
    pub instance: Option<String>,
    /// `use_pid_dir`: pid files lie in `/run/keepalived`.
    pub pid_directory: bool,
    /// `child_wait_time`, 5 s when absent: how long children may take to end.
    pub child_wait_time: Duration,
    /// `linkbeat_use_polling`: every interface is polled.
    pub linkbeat_polling: bool,
    /// What tells this program from others of ours on this machine, as an operator calls it; `None` for
    /// the usual one. Its tables in the kernel are named by it.
    pub name: Option<String>,
    /// `-V` of the command line: at the end the addresses stay, and no word is said of it.
    pub keeps_addresses: bool,
    /// `-a` of the command line: addresses that others add and remove are told to the log.
    pub reports_addresses: bool,
}

impl Default for Program {
    fn default() -> Self {
        Self {
            network_namespace: None,
            ipvs_namespace: None,
            namespace_with_ipsets: false,
            instance: None,
            pid_directory: false,
            child_wait_time: Duration::from_secs(5),
            linkbeat_polling: false,
            name: None,
            keeps_addresses: false,
            reports_addresses: false,
        }
    }
}

/// Priorities, names and buffers of the processes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Processes {
    /// `process_name`: of the parent.
    pub parent_name: Option<String>,
    /// `vrrp_*`.
    pub vrrp: Process,
    /// `checker_*`, `lvs_*`.
    pub checkers: Process,
    /// `bfd_*`.
    pub bfd: Process,
    /// `max_auto_priority`: the real-time priority to rise to when timers come late; 0 and −1 is never.
    pub max_auto_priority: i8,
    /// `min_auto_priority_delay`: how late they have to be, 1 s when absent.
    pub min_auto_priority_delay: Duration,
    /// `process_monitor_rcv_bufs`: buffer of the process connector, bytes.
    pub process_monitor_buffer: Option<u32>,
    /// `process_monitor_rcv_bufs_force`.
    pub process_monitor_buffer_force: bool,
}

impl Default for Processes {
    fn default() -> Self {
        Self {
            parent_name: None,
            vrrp: Process::default(),
            checkers: Process::default(),
            bfd: Process::default(),
            max_auto_priority: 0,
            min_auto_priority_delay: Duration::from_secs(1),
            process_monitor_buffer: None,
            process_monitor_buffer_force: false,
        }
    }
}

impl Processes {
    /// What the process gets that runs both the elections and, if there are any, the BFD sessions: what
    /// is said of BFD where nothing is said of VRRP, and the more urgent of both otherwise. It may run
    /// on the processors of either. Its name and its buffers are those of VRRP.
    pub fn of_vrrp(&self, with_bfd: bool) -> Process {
        let (vrrp, bfd) = (&self.vrrp, &self.bfd);
        if !with_bfd {
            return vrrp.clone();
        }
        let unlimited = Process::default().realtime_limit;
        let limits = [vrrp.realtime_limit, bfd.realtime_limit];
        let mut cpus = [vrrp.cpus.as_slice(), &bfd.cpus].concat();
        cpus.sort_unstable();
        cpus.dedup();
        Process {
            // 0 is what both have by themselves: a word on BFD makes no election less urgent.
            nice: vrrp.nice.min(bfd.nice),
            no_swap: vrrp.no_swap || bfd.no_swap,
            realtime_priority: vrrp.realtime_priority.max(bfd.realtime_priority),
            cpus,
            realtime_limit: limits.into_iter().filter(|limit| *limit != unlimited).max().unwrap_or(unlimited),
            ..vrrp.clone()
        }
    }
}

/// One process.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Process {
    /// `…_process_name`, or `keepalived_vrrp` and the like with `process_names`.
    pub name: Option<String>,
    /// `…_priority`, −20 to 19: nice value.
    pub nice: i8,
    /// `…_no_swap`: locked in memory.
    pub no_swap: bool,
    /// `…_rt_priority`, 1 to 99: SCHED_RR.
    pub realtime_priority: Option<u8>,
    /// `…_cpu_affinity`: numbers of processors; all when empty.
    pub cpus: Vec<u16>,
    /// `…_rlimit_rttime`, 10 ms when absent: RLIMIT_RTTIME.
    pub realtime_limit: Duration,
    /// `…_netlink_…_rcv_bufs`.
    pub netlink: NetlinkBuffers,
}

impl Default for Process {
    fn default() -> Self {
        Self {
            name: None,
            nice: 0,
            no_swap: false,
            realtime_priority: None,
            cpus: Vec::new(),
            realtime_limit: Duration::from_millis(10),
            netlink: NetlinkBuffers::default(),
        }
    }
}

/// Receive buffers of netlink sockets in bytes; as the kernel has them when absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetlinkBuffers {
    /// `…_netlink_cmd_rcv_bufs`.
    pub command: Option<u32>,
    /// `…_netlink_cmd_rcv_bufs_force`: beyond the limit of the system.
    pub command_force: bool,
    /// `…_netlink_monitor_rcv_bufs`.
    pub monitor: Option<u32>,
    /// `…_netlink_monitor_rcv_bufs_force`.
    pub monitor_force: bool,
}

/// FIFOs that changes of state are written to. No two of them have the same path.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fifos {
    /// `notify_fifo`: everything.
    pub all: Option<Fifo>,
    /// `vrrp_notify_fifo`: VRRP.
    pub vrrp: Option<Fifo>,
    /// `lvs_notify_fifo`: checkers.
    pub checkers: Option<Fifo>,
    /// `fifo_write_vrrp_states_on_reload`.
    pub write_states_on_reload: bool,
}

/// `…notify_fifo PATH [USER [GROUP]]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fifo {
    /// Its path; it is made when it is not there.
    pub path: PathBuf,
    /// Whom it is to belong to; the user of scripts when absent.
    pub owner: Option<User>,
    /// `…notify_fifo_script`: started once, with the path of the FIFO appended.
    pub script: Option<NotifyScript>,
}

/// Files that signals write.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dumps {
    /// `data_use_instance`: their names hold those of instance and namespace.
    pub with_instance: bool,
    /// `state_dump_file`; `/tmp/keepalived.data` when absent.
    pub state: Option<PathBuf>,
    /// `stats_dump_file`; `/tmp/keepalived.stats` when absent.
    pub statistics: Option<PathBuf>,
    /// `json_dump_file`; `/tmp/keepalived.json` when absent.
    pub json: Option<PathBuf>,
    /// `json_version`, 1 or 2; 1 when absent.
    pub json_version: u8,
}

impl Default for Dumps {
    fn default() -> Self {
        Self { with_instance: false, state: None, statistics: None, json: None, json_version: 1 }
    }
}

/// `reload_*`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reload {
    /// `reload_check_config [LOG]`: `None` when not written; the path is where findings go.
    pub check: Option<Option<PathBuf>>,
    /// `reload_time_file`: holds the time of the next reload.
    pub time_file: Option<PathBuf>,
    /// `reload_repeat`: the timed reload is repeated every day.
    pub repeat: bool,
    /// `reload_file [PATH]`: exists during a reload. The inner `None` is the pid file's name with
    /// `.reload` at its end.
    pub file: Option<Option<PathBuf>>,
}

/// SNMP.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snmp {
    /// `snmp_socket`; that of the agent's configuration when absent.
    pub socket: Option<String>,
    /// `enable_traps`.
    pub traps: bool,
    /// `enable_snmp_vrrp` and `enable_snmp_rfc…`.
    pub vrrp: SnmpVrrp,
    /// `enable_snmp_checker`.
    pub checkers: bool,
    /// `snmp_vs_stats_update_interval`, 5 s when absent.
    pub virtual_server_age: Duration,
    /// `snmp_rs_stats_update_interval`; that of virtual servers when absent.
    pub real_server_age: Duration,
}

impl Default for Snmp {
    fn default() -> Self {
        let age = Duration::from_secs(5);
        Self {
            socket: None,
            traps: false,
            vrrp: SnmpVrrp::default(),
            checkers: false,
            virtual_server_age: age,
            real_server_age: age,
        }
    }
}

impl Snmp {
    /// Where the master agent listens.
    ///
    /// # Errors
    /// `snmp_socket` is no address of one; what it is instead.
    pub fn agent(&self) -> Result<AgentAddress, String> {
        self.socket
            .as_deref()
            .map_or(Ok(AgentAddress::Path("/var/agentx/master".into())), AgentAddress::parse)
    }
}

/// Where SNMP's master agent listens for subagents.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AgentAddress {
    /// `unix:PATH` or `PATH`.
    Path(PathBuf),
    /// `tcp:HOST:PORT` or `tcp6:[ADDRESS]:PORT`; without a host this machine, without a port 705.
    Tcp(SocketAddr),
}

impl AgentAddress {
    /// Reads net-snmp's notation.
    ///
    /// # Errors
    /// It is no address that AgentX can be spoken at; what it is instead.
    pub fn parse(text: &str) -> Result<Self, String> {
        let path = text.strip_prefix("unix:").unwrap_or(text);
        if path.starts_with('/') {
            return Ok(Self::Path(path.into()));
        }
        if text.starts_with("udp") || text.starts_with("dtls") {
            return Err(format!("`{text}`: AgentX is spoken over UNIX sockets and TCP only (RFC 2741 §8)"));
        }
        let tcp = ["tcp:", "tcp6:", "tcpipv6:"].iter().find_map(|prefix| text.strip_prefix(prefix));
        tcp.and_then(tcp_address).map(Self::Tcp).ok_or_else(|| {
            format!("`{text}` is neither a path nor tcp:ADDRESS:PORT; names of hosts are not looked up")
        })
    }
}

fn tcp_address(text: &str) -> Option<SocketAddr> {
    const PORT: u16 = 705;
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    if let Ok(port) = text.parse() {
        return Some((Ipv4Addr::LOCALHOST, port).into());
    }
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => (host, port.parse().ok()?),
        _ => (text.trim_start_matches('[').trim_end_matches(']'), PORT),
    };
    if host == "localhost" {
        return Some((Ipv4Addr::LOCALHOST, port).into());
    }
    Some((host.parse::<IpAddr>().ok()?, port).into())
}

/// Which tables on VRRP are offered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnmpVrrp {
    /// `enable_snmp_vrrp`, formerly `enable_snmp_keepalived`: KEEPALIVED-MIB.
    pub keepalived: bool,
    /// `enable_snmp_rfcv2` or `enable_snmp_rfc`: RFC 2787.
    pub rfc2787: bool,
    /// `enable_snmp_rfcv3` or `enable_snmp_rfc`: RFC 6527.
    pub rfc6527: bool,
}

/// The interface on D-Bus.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dbus {
    /// `enable_dbus`.
    pub enabled: bool,
    /// `dbus_service_name`; `org.keepalived.Vrrp1` when absent.
    pub service_name: Option<String>,
    /// `dbus_no_interface_name`, `none` when absent: stands in the path of an instance without interface.
    pub no_interface_name: String,
}

impl Default for Dbus {
    fn default() -> Self {
        Self { enabled: false, service_name: None, no_interface_name: "none".to_owned() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_of_both_is_as_urgent_as_either() {
        let limit = Duration::from_millis;
        let bfd = Process {
            name: Some("bfd".into()),
            nice: -5,
            no_swap: true,
            realtime_priority: Some(20),
            cpus: vec![3, 1],
            realtime_limit: limit(5),
            netlink: NetlinkBuffers { command: Some(1), ..NetlinkBuffers::default() },
        };
        let mut processes = Processes { bfd: bfd.clone(), ..Processes::default() };
        assert_eq!(processes.of_vrrp(false), Process::default());
        let unsaid = Process { name: None, cpus: vec![1, 3], netlink: NetlinkBuffers::default(), ..bfd };
        assert_eq!(processes.of_vrrp(true), unsaid);
        let vrrp = Process {
            name: Some("vrrp".into()),
            nice: -3,
            no_swap: false,
            realtime_priority: Some(30),
            cpus: vec![2, 1],
            realtime_limit: limit(20),
            ..Process::default()
        };
        processes.vrrp = vrrp.clone();
        let both = Process { nice: -5, no_swap: true, cpus: vec![1, 2, 3], ..vrrp.clone() };
        assert_eq!(processes.of_vrrp(true), both);
        processes.bfd = Process { nice: 10, ..Process::default() };
        assert_eq!(processes.of_vrrp(true), Process { cpus: vec![1, 2], ..vrrp });
        processes.vrrp = Process::default();
        assert_eq!(processes.of_vrrp(true).nice, 0);
    }

    #[test]
    fn agents_are_found_in_net_snmps_notation() {
        let path = |text| match AgentAddress::parse(text) {
            Ok(AgentAddress::Path(path)) => path.to_string_lossy().into_owned(),
            other => format!("{other:?}"),
        };
        assert_eq!(path("unix:/var/agentx/master"), "/var/agentx/master");
        assert_eq!(path("/run/agentx"), "/run/agentx");
        let tcp = |text| match AgentAddress::parse(text) {
            Ok(AgentAddress::Tcp(address)) => address.to_string(),
            other => format!("{other:?}"),
        };
        assert_eq!(tcp("tcp:localhost:1705"), "127.0.0.1:1705");
        assert_eq!(tcp("tcp:127.0.0.1:705"), "127.0.0.1:705");
        assert_eq!(tcp("tcp:1705"), "127.0.0.1:1705");
        assert_eq!(tcp("tcp:10.0.0.1"), "10.0.0.1:705");
        assert_eq!(tcp("tcp6:[::1]:705"), "[::1]:705");
        assert_eq!(tcp("tcp6:[::1]"), "[::1]:705");
        for wrong in
            ["udp:localhost:705", "tcp:snmp.example.org:705", "tcp:localhost:http", "agent", "", "unix:x"]
        {
            assert!(AgentAddress::parse(wrong).is_err(), "{wrong}");
        }
    }
}
