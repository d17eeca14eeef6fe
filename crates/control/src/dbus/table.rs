//! Which object stands for which instance, and in which state that is.

use ha::message::InstanceState;
use keepalived_conf::model::{Config, Family, VrrpInstance};

/// Below it is everything of ours.
const ROOT: &str = "/org/keepalived/Vrrp1";

/// What clients are told of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Known(InstanceState),
    /// A reload removed it, and it is told so (`notify_deleted`).
    Deleted,
}

impl State {
    /// keepalived's number.
    pub(super) fn number(self) -> u32 {
        match self {
            Self::Known(InstanceState::Init) => 0,
            Self::Known(InstanceState::Backup) => 1,
            Self::Known(InstanceState::Master) => 2,
            Self::Known(InstanceState::Fault) => 3,
            Self::Deleted => 97,
            Self::Known(InstanceState::Stop) => 98,
        }
    }

    /// keepalived's word.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Known(InstanceState::Init) => "Init",
            Self::Known(InstanceState::Backup) => "Backup",
            Self::Known(InstanceState::Master) => "Master",
            Self::Known(InstanceState::Fault) => "Fault",
            Self::Known(InstanceState::Stop) => "Stop",
            Self::Deleted => "Deleted",
        }
    }
}

/// An instance on the bus.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) path: String,
    pub(super) name: String,
    pub(super) state: State,
}

/// All instances, in the order of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Table(pub(super) Vec<Row>);

impl Table {
    /// The instances of a configuration, none of which has a state yet. Of two that would have the
    /// same path the first one is there.
    pub(super) fn new(config: &Config) -> Self {
        let mut rows: Vec<Row> = Vec::new();
        for instance in &config.instances {
            let path = instance_path(config, instance);
            if !rows.iter().any(|row| row.path == path) {
                let state = State::Known(InstanceState::Init);
                rows.push(Row { path, name: instance.name.clone(), state });
            }
        }
        Self(rows)
    }

    pub(super) fn at(&self, path: &str) -> Option<&Row> {
        self.0.iter().find(|row| row.path == path)
    }

    /// Takes a state in; says where.
    pub(super) fn set(&mut self, name: &str, state: State) -> Option<String> {
        let row = self.0.iter_mut().find(|row| row.name == name)?;
        row.state = state;
        Some(row.path.clone())
    }
}

/// Path of the object for the process as a whole.
pub(super) fn vrrp_path(config: &Config) -> String {
    format!("{}/Vrrp", root(config))
}

fn root(config: &Config) -> String {
    let program = &config.program;
    let parts = program.network_namespace.iter().chain(&program.instance);
    parts.fold(ROOT.to_owned(), |path, part| format!("{path}/{}", element(part)))
}

fn instance_path(config: &Config, instance: &VrrpInstance) -> String {
    let interface = match instance.interface.as_str() {
        "" => &config.global.dbus.no_interface_name,
        name => name,
    };
    let family = match instance.family {
        Family::Ipv4 => "IPv4",
        Family::Ipv6 => "IPv6",
    };
    format!("{}/Instance/{}/{}/{family}", root(config), element(interface), instance.vrid)
}

/// A name as it can stand in a path: `_` is in the place of every byte that must not.
fn element(name: &str) -> String {
    name.bytes().map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte) } else { '_' }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn instance(name: &str, interface: &str, vrid: u8, family: Family) -> VrrpInstance {
        VrrpInstance {
            name: name.into(),
            interface: interface.into(),
            vrid,
            family,
            ..VrrpInstance::default()
        }
    }

    #[test]
    fn paths_are_keepaliveds() {
        let instances = vec![
            instance("a", "eth0.5", 1, Family::Ipv4),
            instance("b", "br-é", 200, Family::Ipv6),
            instance("c", "", 3, Family::Ipv4),
            instance("twin", "eth0_5", 1, Family::Ipv4),
        ];
        let mut config = Config { instances, ..Config::default() };
        let paths =
            |config: &Config| Table::new(config).0.into_iter().map(|row| row.path).collect::<Vec<_>>();
        let root = "/org/keepalived/Vrrp1/Instance";
        let tails = ["eth0_5/1/IPv4", "br___/200/IPv6", "none/3/IPv4"];
        assert_eq!(paths(&config), tails.map(|tail| format!("{root}/{tail}")));
        assert_eq!(vrrp_path(&config), "/org/keepalived/Vrrp1/Vrrp");
        config.program.network_namespace = Some("blue".into());
        config.program.instance = Some("two-b".into());
        config.global.dbus.no_interface_name = "nowhere".into();
        assert_eq!(vrrp_path(&config), "/org/keepalived/Vrrp1/blue/two_b/Vrrp");
        assert_eq!(paths(&config)[2], "/org/keepalived/Vrrp1/blue/two_b/Instance/nowhere/3/IPv4");
    }

    #[test]
    fn a_state_is_found_by_the_name_of_its_instance() {
        let instances = vec![instance("a", "eth0", 1, Family::Ipv4)];
        let config = Config { instances, ..Config::default() };
        let mut table = Table::new(&config);
        assert_eq!(table.set("b", State::Deleted), None);
        let path = table.set("a", State::Known(InstanceState::Master)).unwrap();
        let row = table.at(&path).unwrap();
        assert_eq!((row.state.number(), row.state.word()), (2, "Master"));
    }
}
