//! `interface_up_down_delays`: an interface counts as up or down when it has been so for a while.

use crate::network::Interfaces;
use crate::{Host, Level};
use keepalived_conf::model::{InterfaceDelay, VrrpInstance};
use std::time::Duration;
use vrrp::Time;

/// An interface with delays.
#[derive(Debug)]
struct Delayed {
    config: InterfaceDelay,
    up: bool,
    /// Its first coming up is not delayed.
    seen_up: bool,
    counts_at: Option<Time>,
}

/// All interfaces with delays.
#[derive(Debug, Default)]
pub(crate) struct Links(Vec<Delayed>);

impl Links {
    /// Takes other delays. They are kept shorter than the time after which the backups of an instance
    /// take over: else a master would be silent, and take over again.
    pub(crate) fn configure(
        &mut self,
        delays: Vec<InterfaceDelay>,
        instances: &[VrrpInstance],
        interfaces: &Interfaces,
        host: &mut dyn Host,
    ) {
        let mut old = std::mem::take(&mut self.0);
        for mut config in delays {
            for instance in instances {
                if instance.interface == config.interface
                    && restrict(&mut config, instance, instance.advert_int)
                {
                    let line = format!(
                        "{}: interface {} debounce timer(s) not less than {} * advert_int - resetting",
                        instance.name,
                        config.interface,
                        instance.down_timer_adverts.saturating_sub(1)
                    );
                    host.log(Level::Warning, &line);
                }
            }
            let known = old.iter().position(|old| old.config.interface == config.interface);
            self.0.push(match known.map(|at| old.remove(at)) {
                Some(known) => Delayed { config, ..known },
                None => {
                    let up = interfaces.is_usable(&config.interface);
                    Delayed { config, up, seen_up: up, counts_at: None }
                }
            });
        }
    }

    /// Whether an interface has changed and does not count as it is yet.
    pub(crate) fn is_delayed(&self, interface: &str) -> bool {
        self.0.iter().any(|delayed| delayed.config.interface == interface && delayed.counts_at.is_some())
    }

    /// Keeps delays shorter than the down timer of an instance that has learnt the interval of its master.
    pub(crate) fn learn(&mut self, instance: &VrrpInstance, interval: Duration, host: &mut dyn Host) {
        for delayed in &mut self.0 {
            let name = &instance.interface;
            if delayed.config.interface == *name && restrict(&mut delayed.config, instance, interval) {
                let line = format!(
                    "{}: lower advert_int reducing interface {name} debounce timer(s)",
                    instance.name
                );
                host.log(Level::Detail, &line);
            }
        }
    }

    /// Whether an interface counts as up.
    pub(crate) fn up(&self, name: &str, interfaces: &Interfaces) -> bool {
        // One that is gone is down at once.
        let there = interfaces.link(name).is_some();
        let delayed = self.0.iter().find(|delayed| delayed.config.interface == name).filter(|_| there);
        delayed.map_or_else(|| interfaces.is_usable(name), |delayed| delayed.up)
    }

    pub(crate) fn next_deadline(&self) -> Option<Time> {
        self.0.iter().filter_map(|delayed| delayed.counts_at).min()
    }

    /// Takes in how interfaces are. Says whether one counts as something else.
    pub(crate) fn turn(&mut self, now: Time, interfaces: &Interfaces, host: &mut dyn Host) -> bool {
        let mut changed = false;
        for delayed in &mut self.0 {
            let name = &delayed.config.interface;
            let is_up = interfaces.is_usable(name);
            if is_up == delayed.up {
                if delayed.counts_at.take().is_some() {
                    host.log(Level::Info, &format!("Delay timer for {name} cancelled"));
                }
                continue;
            }
            let delay = match is_up {
                _ if !delayed.seen_up || interfaces.link(name).is_none() => Duration::ZERO,
                true => delayed.config.up,
                false => delayed.config.down,
            };
            let word = if is_up { "up" } else { "down" };
            if delayed.counts_at.is_none() && !delay.is_zero() {
                host.log(Level::Info, &format!("{name}: {word}, counts after {} s", delay.as_secs_f32()));
            }
            if now >= *delayed.counts_at.get_or_insert(now + delay) {
                (delayed.up, delayed.counts_at) = (is_up, None);
                delayed.seen_up |= is_up;
                changed = true;
            }
        }
        changed
    }
}

/// As keepalived: at most all but one of the intervals of the down timer, less the skew. Says whether they
/// were longer.
fn restrict(config: &mut InterfaceDelay, instance: &VrrpInstance, interval: Duration) -> bool {
    let adverts = u32::from(instance.down_timer_adverts);
    let skew = if adverts > 1 { interval / 256 } else { Duration::ZERO };
    let most = (interval * adverts.saturating_sub(1)).saturating_sub(skew);
    let longer = config.down > most || (most.is_zero() && !config.up.is_zero());
    if longer {
        if config.up == config.down || most.is_zero() {
            config.up = most;
        }
        config.down = most;
    }
    longer
}

#[cfg(test)]
mod tests {
    use super::*;
    use netlink::{Change, Link};

    struct Silent;

    impl Host for Silent {
        fn log(&mut self, _: Level, _: &str) {}
    }

    fn link(usable: bool) -> Change {
        Change::Link(Link { index: 2, name: "eth0".into(), up: usable, running: usable, ..Link::default() })
    }

    #[test]
    fn a_flapping_interface_counts_when_it_rests() {
        let at = |tenths: u64| Time(Duration::from_millis(tenths * 100));
        let mut interfaces = Interfaces::default();
        interfaces.apply(link(true));
        let delay = InterfaceDelay {
            interface: "eth0".into(),
            down: Duration::from_secs(1),
            up: Duration::from_secs(2),
        };
        let mut links = Links::default();
        links.configure(vec![delay], &[], &interfaces, &mut Silent);
        let mut turn = |tenths, usable| {
            interfaces.apply(link(usable));
            (links.turn(at(tenths), &interfaces, &mut Silent), links.up("eth0", &interfaces))
        };
        assert_eq!(turn(10, false), (false, true));
        assert_eq!(turn(19, true), (false, true));
        assert_eq!(turn(20, false), (false, true));
        assert_eq!(turn(30, false), (true, false));
        assert_eq!(turn(31, true), (false, false));
        assert_eq!(turn(51, true), (true, true));
    }

    #[test]
    fn delays_are_shorter_than_the_down_timer() {
        let delay = |down, up| InterfaceDelay {
            interface: "eth0".into(),
            down: Duration::from_millis(down),
            up: Duration::from_millis(up),
        };
        let after = |down, up, adverts| {
            let mut config = delay(down, up);
            let instance = VrrpInstance {
                interface: "eth0".into(),
                advert_int: Duration::from_millis(256),
                down_timer_adverts: adverts,
                ..VrrpInstance::default()
            };
            restrict(&mut config, &instance, instance.advert_int);
            config
        };
        assert_eq!(after(500, 600, 3), delay(500, 600));
        assert_eq!(after(5000, 600, 3), delay(511, 600));
        assert_eq!(after(5000, 5000, 3), delay(511, 511));
        assert_eq!(after(100, 100, 1), delay(0, 0));
        let mut links = Links::default();
        let instance = VrrpInstance { interface: "eth0".into(), ..VrrpInstance::default() };
        links.configure(vec![delay(1000, 1000)], &[], &Interfaces::default(), &mut Silent);
        links.learn(&instance, Duration::from_millis(256), &mut Silent);
        assert_eq!(links.0[0].config, delay(511, 511));
    }
}
