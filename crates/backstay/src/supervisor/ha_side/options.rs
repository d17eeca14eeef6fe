//! How the keepalived side is run: its command line, and the file read as that changes it.

use crate::inspect;
use crate::roles::LogPlan;
use keepalived_conf::Loaded;
use keepalived_conf::model::SnmpVrrp;
use std::collections::BTreeSet;
use std::path::PathBuf;

/// How the keepalived side is run.
#[derive(Clone, Debug)]
pub(crate) struct HaOptions {
    /// `-f`
    pub(crate) path: PathBuf,
    /// What tells the program from others of ours here.
    pub(crate) name: Option<String>,
    /// `-i`
    pub(crate) config_id: Option<String>,
    /// `-l`, `-D`, `-S`, `-G`, `-g`
    pub(crate) log: LogPlan,
    /// `-s`: goes before `net_namespace`.
    pub(crate) namespace: Option<String>,
    /// `-u`: goes before `umask`.
    pub(crate) umask: Option<u32>,
    /// Not `-B`.
    pub(crate) bfd: bool,
    /// Not `-R`.
    pub(crate) respawn: bool,
    /// `-d`
    pub(crate) dump: bool,
    /// `-e`: a file that an `include` names has to be there.
    pub(crate) every_file: bool,
    /// `-V`: virtual addresses stay when we stop.
    pub(crate) keeps_addresses: bool,
    /// `-a`: addresses that come and go are told to the log.
    pub(crate) reports_addresses: bool,
    /// `-x`: every table of SNMP is offered.
    pub(crate) snmp: bool,
    /// `-A`: goes before `snmp_socket`.
    pub(crate) snmp_socket: Option<String>,
}

impl HaOptions {
    pub(crate) fn new(path: PathBuf, log: LogPlan) -> Self {
        Self {
            path,
            name: None,
            config_id: None,
            log,
            namespace: None,
            umask: None,
            bfd: true,
            respawn: true,
            dump: false,
            every_file: false,
            keeps_addresses: false,
            reports_addresses: false,
            snmp: false,
            snmp_socket: None,
        }
    }

    /// Reads the file, as the command line changes it, and checks it on the network it is for.
    pub(crate) fn read(&self) -> Result<(Loaded, diagnostic::Report), String> {
        let loaded = self.load();
        if !loaded.readable {
            return Err(format!("the configuration file {} cannot be read", self.path.display()));
        }
        if self.lacks_file(&loaded) {
            return Err(format!("a file that {} includes cannot be read", self.path.display()));
        }
        let checks = self.check(&loaded)?;
        Ok((loaded, checks))
    }

    /// Reads the file, as the command line changes it.
    pub(crate) fn load(&self) -> Loaded {
        let mut loaded = inspect::load_keepalived(&self.path, self.config_id.as_deref());
        if let Some(name) = &self.namespace {
            loaded.config.program.network_namespace = Some(name.clone());
            loaded.config.program.pid_directory = true;
        }
        loaded.config.program.name.clone_from(&self.name);
        loaded.config.program.keeps_addresses = self.keeps_addresses;
        loaded.config.program.reports_addresses = self.reports_addresses;
        let snmp = &mut loaded.config.global.snmp;
        if self.snmp {
            snmp.vrrp = SnmpVrrp { keepalived: true, rfc2787: true, rfc6527: true };
        }
        if self.snmp_socket.is_some() {
            snmp.socket.clone_from(&self.snmp_socket);
        }
        if !self.bfd {
            loaded.config.bfd.clear();
            loaded.config.instances.iter_mut().for_each(|instance| instance.track_bfd.clear());
            loaded.config.sync_groups.iter_mut().for_each(|group| group.track.bfd.clear());
        }
        loaded
    }

    /// Whether `-e` wants a file that is not there.
    pub(crate) fn lacks_file(&self, loaded: &Loaded) -> bool {
        self.every_file && loaded.report.findings().iter().any(|finding| finding.id == "include-missing")
    }

    /// Checks a configuration on the network it is for.
    ///
    /// # Errors
    /// That network is not there.
    pub(crate) fn check(&self, loaded: &Loaded) -> Result<diagnostic::Report, String> {
        let namespace = loaded.config.program.network_namespace.as_deref();
        in_namespace(namespace, || inspect::check_keepalived(loaded, None))
    }

    /// An interface that a configuration needs beyond those `known`, and that its network does not have.
    ///
    /// # Errors
    /// That network is not there.
    pub(crate) fn missing_interface(
        &self,
        loaded: &Loaded,
        known: &BTreeSet<String>,
    ) -> Result<Option<String>, String> {
        let namespace = loaded.config.program.network_namespace.as_deref();
        in_namespace(namespace, || inspect::missing_interface(loaded, known))
    }
}

/// Does something with the interfaces of a network namespace before its eyes.
pub(super) fn in_namespace<T: Send>(
    name: Option<&str>,
    look: impl FnOnce() -> T + Send,
) -> Result<T, String> {
    let Some(name) = name else { return Ok(look()) };
    let enter = || sys::namespace::enter_network(name).map(|()| look());
    let outcome = std::thread::scope(|scope| scope.spawn(enter).join());
    match outcome {
        Ok(outcome) => outcome.map_err(|errno| format!("the network namespace {name}: {errno}")),
        Err(_) => Err(format!("the network namespace {name} cannot be looked at")),
    }
}
