//! A lab: hosts on one switch.

use crate::{Error, Host, Journal, Programs};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};

/// The only interface of every host, as the tutorials call it.
const INTERFACE: &str = "ens33";

/// Hosts joined by a switch. Everything ends with the value or with the process.
#[derive(Debug)]
pub struct Lab {
    /// What the hosts say.
    pub journal: Journal,
    hosts: Vec<(Host, Ipv4Addr, u8)>,
    switch: Host,
    own: PathBuf,
}

impl Lab {
    /// A switch without hosts. `own` is a program whose main function begins with
    /// [`crate::stand_in`]; usually the current executable.
    ///
    /// # Errors
    /// No root, or the kernel refuses.
    pub fn new(own: &Path) -> Result<Self, Error> {
        let switch = Host::new("switch", &Programs::installed(), own)?;
        // No snooping: nobody asks for memberships here, and no group may be lost.
        switch.must("ip link add lan type bridge mcast_snooping 0 && ip link set lan up")?;
        Ok(Self { journal: Journal::default(), hosts: Vec::new(), switch, own: own.into() })
    }

    /// Adds a host with an address on `ens33`. `syslog` says whether the lab listens to its
    /// `/dev/log`; a scenario with a syslog daemon leaves that to the daemon.
    ///
    /// # Errors
    /// The kernel refuses.
    pub fn add(
        &mut self,
        name: &str,
        address: Ipv4Addr,
        prefix: u8,
        programs: &Programs,
        syslog: bool,
    ) -> Result<(), Error> {
        let host = Host::new(name, programs, &self.own)?;
        let port = format!("port{}", self.hosts.len());
        let line = format!(
            "ip link add {port} type veth peer name {INTERFACE} netns {} && ip link set {port} master lan up",
            host.pid()
        );
        // `ip` looks the process up in the machine's own /proc, which the switch does not see.
        let network = format!("/proc/{}/ns/net", self.switch.pid());
        let output = std::process::Command::new("nsenter")
            .args([&format!("--net={network}"), "bash", "-c", &line])
            .output()
            .map_err(Error::kernel("starting nsenter"))?;
        if !output.status.success() {
            let output = String::from_utf8_lossy(&output.stderr).into_owned();
            return Err(Error::Command { host: name.into(), command: line, output });
        }
        if syslog {
            self.journal.listen_to_log(&host)?;
        }
        self.journal.accept_mail(&host)?;
        self.hosts.push((host, address, prefix));
        self.address(name)
    }

    /// Gives the host just the address it was made with, and its interface up.
    fn address(&self, name: &str) -> Result<(), Error> {
        let Some((host, address, prefix)) = self.hosts.iter().find(|(host, ..)| host.name() == name) else {
            return Err(no_host(name));
        };
        host.must(&format!(
            "ip addr flush dev {INTERFACE} && ip addr add {address}/{prefix} brd + dev {INTERFACE} && \
             ip link set {INTERFACE} up"
        ))
        .map(drop)
    }

    /// A host by name.
    ///
    /// # Errors
    /// There is none.
    pub fn host(&self, name: &str) -> Result<&Host, Error> {
        self.hosts.iter().map(|(host, ..)| host).find(|host| host.name() == name).ok_or_else(|| no_host(name))
    }

    /// All hosts with their addresses.
    pub fn hosts(&self) -> impl Iterator<Item = (&Host, Ipv4Addr)> {
        self.hosts.iter().map(|(host, address, _)| (host, *address))
    }

    /// The switch, whose network sees every frame.
    pub fn switch(&self) -> &Host {
        &self.switch
    }

    fn port(&self, name: &str, state: &str) -> Result<(), Error> {
        let number = self.hosts.iter().position(|(host, ..)| host.name() == name);
        let number = number.ok_or_else(|| no_host(name))?;
        self.switch.must(&format!("ip link set port{number} {state}")).map(drop)
    }

    /// Pulls the host's cable: its interface loses the carrier.
    ///
    /// # Errors
    /// There is no such host.
    pub fn cut(&self, name: &str) -> Result<(), Error> {
        self.port(name, "down")
    }

    /// Plugs the cable in again.
    ///
    /// # Errors
    /// There is no such host.
    pub fn restore(&self, name: &str) -> Result<(), Error> {
        self.port(name, "up")
    }

    /// Ends a host as a failing power supply does: link down, then everything killed.
    ///
    /// # Errors
    /// There is no such host.
    pub fn crash(&self, name: &str) -> Result<(), Error> {
        self.cut(name)?;
        self.host(name)?.kill_all()
    }

    /// Brings a crashed host back without its daemons: only its own address, its files as they were.
    ///
    /// # Errors
    /// There is no such host.
    pub fn boot(&self, name: &str) -> Result<(), Error> {
        self.host(name)?
            .must("rm -f /run/*.pid /run/keepalived/*.pid; nft flush ruleset 2>/dev/null; true")?;
        self.address(name)?;
        self.restore(name)
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.journal.end();
    }
}

fn no_host(name: &str) -> Error {
    Error::Option(format!("the lab has no host {name}"))
}
