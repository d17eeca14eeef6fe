//! `linkbeat_interfaces`, `linkbeat_use_polling`: links whose state is asked for every second, beside
//! what netlink tells. Some drivers tell nobody.

use crate::network::Interfaces;
use crate::{Host, Level};
use keepalived_conf::model::{Config, LinkbeatMethod};
use rustix::io::Errno;
use std::time::Duration;
use sys::link_state::LinkState;
use vrrp::Time;

/// So often links are asked for.
const PERIOD: Duration = Duration::from_secs(1);

/// An interface that is asked for.
#[derive(Debug)]
struct Polled {
    interface: String,
    /// As written.
    wanted: Option<LinkbeatMethod>,
    /// The way that works; `None` as long as the interface was not there.
    method: Option<LinkbeatMethod>,
    up: bool,
}

/// All interfaces that are asked for.
#[derive(Debug, Default)]
pub(crate) struct Linkbeat {
    polled: Vec<Polled>,
    socket: Option<LinkState>,
    next: Option<Time>,
}

impl Linkbeat {
    /// Takes other interfaces and asks for them at once: those that are listed, and those of instances
    /// that want it.
    pub(crate) fn configure(
        &mut self,
        now: Time,
        config: &Config,
        interfaces: &mut Interfaces,
        host: &mut dyn Host,
    ) {
        let listed = config.linkbeat_interfaces.iter().map(|one| (&one.interface, one.method));
        let polling = config.instances.iter().filter(|instance| instance.linkbeat_polling);
        let mut old = std::mem::take(&mut self.polled);
        for (interface, wanted) in listed.chain(polling.map(|instance| (&instance.interface, None))) {
            if self.polled.iter().any(|polled| polled.interface == *interface) {
                continue;
            }
            let known = old.iter().position(|old| old.interface == *interface && old.wanted == wanted);
            let new = || Polled { interface: interface.clone(), wanted, method: None, up: true };
            self.polled.push(known.map_or_else(new, |at| old.remove(at)));
        }
        for gone in old {
            interfaces.poll_says(&gone.interface, true);
        }
        self.next = None;
        if self.polled.is_empty() {
            self.socket = None;
            return;
        }
        if self.socket.is_none() {
            match LinkState::open() {
                Ok(socket) => self.socket = Some(socket),
                Err(errno) => host.log(Level::Error, &format!("Linkbeat cannot poll ({errno})")),
            }
        }
        self.next = self.socket.as_ref().map(|_| now);
        self.turn(now, interfaces, host);
    }

    pub(crate) fn next_deadline(&self) -> Option<Time> {
        self.next
    }

    /// How the link of an interface is asked for, if it is.
    pub(crate) fn method(&self, interface: &str) -> Option<LinkbeatMethod> {
        self.polled.iter().find(|polled| polled.interface == interface)?.method
    }

    /// Asks when it is time. Says whether a link is another than it was.
    pub(crate) fn turn(&mut self, now: Time, interfaces: &mut Interfaces, host: &mut dyn Host) -> bool {
        let Some(socket) = self.socket.as_ref().filter(|_| self.next.is_some_and(|at| at <= now)) else {
            return false;
        };
        self.next = Some(now + PERIOD);
        let ask = |interface: &str, method| match method {
            LinkbeatMethod::Mii => socket.mii(interface),
            LinkbeatMethod::Ethtool => socket.ethtool(interface),
            LinkbeatMethod::Ioctl => socket.running(interface),
        };
        let mut changed = false;
        for polled in &mut self.polled {
            changed |= polled.poll(&ask, interfaces, host);
        }
        changed
    }
}

impl Polled {
    /// Asks once. Says whether the link is another than it was.
    fn poll(
        &mut self,
        ask: &dyn Fn(&str, LinkbeatMethod) -> Result<bool, Errno>,
        interfaces: &mut Interfaces,
        host: &mut dyn Host,
    ) -> bool {
        let Self { interface, wanted, method, up } = self;
        if interfaces.link(interface).is_none() {
            // One that comes anew may be of another make.
            (*method, *up) = (None, true);
            return interfaces.poll_says(interface, true);
        }
        let way = *method.get_or_insert_with(|| {
            let way = working(ask, interface, *wanted);
            if let Some(wanted) = wanted.filter(|wanted| *wanted != way) {
                let (wanted, way) = (name(wanted), name(way));
                let line =
                    format!("({interface}): Configured linkbeat type {wanted} not supported, using {way}");
                host.log(Level::Info, &line);
            }
            way
        });
        // What cannot be found out is left to netlink.
        let is_up = |way| ask(interface, way).unwrap_or(true);
        let now_up = is_up(way) && (way == LinkbeatMethod::Ioctl || is_up(LinkbeatMethod::Ioctl));
        if std::mem::replace(up, now_up) != now_up {
            let word = if now_up { "up" } else { "down" };
            host.log(Level::Info, &format!("Linkbeat reports {interface} {word}"));
        }
        interfaces.poll_says(interface, now_up)
    }
}

/// The way that is wanted, or else the first that works: by the transceiver, the driver, the flags.
fn working(
    ask: &dyn Fn(&str, LinkbeatMethod) -> Result<bool, Errno>,
    interface: &str,
    wanted: Option<LinkbeatMethod>,
) -> LinkbeatMethod {
    let ways = [LinkbeatMethod::Mii, LinkbeatMethod::Ethtool];
    let works = |way: &LinkbeatMethod| *way == LinkbeatMethod::Ioctl || ask(interface, *way).is_ok();
    wanted.into_iter().chain(ways).find(works).unwrap_or(LinkbeatMethod::Ioctl)
}

fn name(method: LinkbeatMethod) -> &'static str {
    match method {
        LinkbeatMethod::Mii => "MII",
        LinkbeatMethod::Ethtool => "ETHTOOL",
        LinkbeatMethod::Ioctl => "IOCTL",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlink::{Change, Link};

    #[derive(Default)]
    struct Said(Vec<String>);

    impl Host for Said {
        fn log(&mut self, _: Level, line: &str) {
            self.0.push(line.to_owned());
        }
    }

    #[test]
    fn a_link_that_the_poll_says_is_down_counts_as_down() {
        let link = Link { index: 2, name: "eth0".into(), up: true, running: true, ..Link::default() };
        let mut interfaces = Interfaces::default();
        interfaces.apply(Change::Link(link.clone()));
        let wanted = Some(LinkbeatMethod::Mii);
        let mut polled = Polled { interface: "eth0".into(), wanted, method: None, up: true };
        let mut said = Said::default();
        let mut poll = |answer: Result<bool, Errno>, interfaces: &mut Interfaces| {
            // A driver without a transceiver, whose flags always say that it runs.
            let ask = |_: &str, method| match method {
                LinkbeatMethod::Mii => Err(Errno::OPNOTSUPP),
                LinkbeatMethod::Ethtool => answer,
                LinkbeatMethod::Ioctl => Ok(true),
            };
            (polled.poll(&ask, interfaces, &mut said), interfaces.is_usable("eth0"))
        };
        assert_eq!(poll(Ok(true), &mut interfaces), (false, true));
        assert_eq!(poll(Ok(false), &mut interfaces), (true, false));
        assert_eq!(poll(Ok(false), &mut interfaces), (false, false));
        // What netlink tells does not undo it.
        interfaces.apply(Change::Link(link.clone()));
        assert!(!interfaces.is_usable("eth0"));
        assert_eq!(poll(Ok(true), &mut interfaces), (true, true));
        assert_eq!(poll(Err(Errno::IO), &mut interfaces), (false, true));
        assert_eq!(poll(Ok(false), &mut interfaces), (true, false));
        interfaces.apply(Change::LinkRemoved(link.clone()));
        poll(Ok(false), &mut interfaces);
        interfaces.apply(Change::Link(link));
        assert!(interfaces.is_usable("eth0"), "a new one of this name is not known to be down");
        let lines = [
            "(eth0): Configured linkbeat type MII not supported, using ETHTOOL",
            "Linkbeat reports eth0 down",
            "Linkbeat reports eth0 up",
            "Linkbeat reports eth0 down",
        ];
        assert_eq!(said.0, lines);
    }

    #[test]
    fn the_first_way_that_works_is_taken() {
        use LinkbeatMethod::{Ethtool, Ioctl, Mii};
        let way = |works: &[LinkbeatMethod], wanted| {
            let ask =
                |_: &str, method| if works.contains(&method) { Ok(true) } else { Err(Errno::OPNOTSUPP) };
            working(&ask, "eth0", wanted)
        };
        assert_eq!(
            [way(&[Mii, Ethtool], None), way(&[Ethtool], None), way(&[], None)],
            [Mii, Ethtool, Ioctl]
        );
        assert_eq!([way(&[Mii, Ethtool], Some(Ethtool)), way(&[Mii], Some(Ethtool))], [Ethtool, Mii]);
        assert_eq!([way(&[Mii, Ethtool], Some(Ioctl)), way(&[Ethtool], Some(Mii))], [Ioctl, Ethtool]);
    }
}
