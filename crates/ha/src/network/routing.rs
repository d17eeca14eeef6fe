//! `virtual_routes` and `virtual_rules`: with a master's addresses, after them when they come and
//! before them when they go. And what stands beside them whoever is master: `static_ipaddress`,
//! `static_routes`, `static_rules`.

use super::{Network, route};
use crate::{Host, Level};
use keepalived_conf::model::{Config, Route, Rule, VirtualAddress};
use netlink::{NewAddress, Outcome, PlacedRoute};
use std::net::IpAddr;

/// What is set at the start and removed at the stop.
#[derive(Clone, Debug, Default)]
pub(crate) struct Statics {
    addresses: Vec<VirtualAddress>,
    routes: Vec<Route>,
    rules: Vec<Rule>,
}

/// Routes and rules that should be there and are not: the kernel refused them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Refused {
    routes: Vec<Route>,
    rules: Vec<Rule>,
}

impl Refused {
    fn forget(&mut self, routes: &[&Route], rules: &[&Rule]) {
        self.routes.retain(|known| !routes.contains(&known));
        self.rules.retain(|known| !rules.contains(&known));
    }
}

impl Statics {
    pub(crate) fn of(config: &Config) -> Self {
        Self {
            addresses: config.static_addresses.clone(),
            routes: config.static_routes.clone(),
            rules: config.static_rules.clone(),
        }
    }

    fn is_empty(&self) -> bool {
        self.addresses.is_empty() && self.routes.is_empty() && self.rules.is_empty()
    }
}

impl Network {
    /// Adds routes, then rules. `owner` stands in the log.
    pub(crate) fn add_routing(
        &mut self,
        owner: &str,
        routes: &[&Route],
        rules: &[&Rule],
        host: &mut dyn Host,
    ) {
        self.refused.forget(routes, rules);
        let (wanted, placed) = self.placed(owner, routes, host);
        let outcomes = self.requests.add_all(&placed);
        let is_set = |at: usize| is_done(&outcomes, at);
        let set: Vec<&Route> =
            (0..).zip(&wanted).filter(|(at, _)| is_set(*at)).map(|(_, route)| *route).collect();
        self.refused.routes.extend(routes.iter().filter(|route| !set.contains(*route)).map(|r| (*r).clone()));
        tell(outcomes, owner, "add", |at| format!("route {}", route::describe(wanted[at])), host);
        let kernel: Vec<_> = rules.iter().map(|rule| route::rule(rule)).collect();
        let outcomes = self.requests.add_all(&kernel);
        let unset = (0..).zip(rules).filter(|(at, _)| !is_done(&outcomes, *at));
        self.refused.rules.extend(unset.map(|(_, rule)| (*rule).clone()));
        tell(outcomes, owner, "add", |at| format!("rule {}", rules[at].priority), host);
    }

    /// Deletes rules, then routes.
    pub(crate) fn delete_routing(
        &mut self,
        owner: &str,
        routes: &[&Route],
        rules: &[&Rule],
        host: &mut dyn Host,
    ) {
        self.refused.forget(routes, rules);
        let kernel: Vec<_> = rules.iter().map(|rule| route::rule(rule)).collect();
        let outcomes = self.requests.delete_all(&kernel);
        tell(outcomes, owner, "remove", |at| format!("rule {}", rules[at].priority), host);
        // A route by a link that is gone went with it.
        let (wanted, placed): (Vec<_>, Vec<_>) = routes
            .iter()
            .filter_map(|wanted| Some((*wanted, route::route(&self.interfaces, wanted).ok()?)))
            .unzip();
        let outcomes = self.requests.delete_all(&placed);
        tell(outcomes, owner, "remove", |at| format!("route {}", route::describe(wanted[at])), host);
    }

    /// Whether each of these routes, wanted at present, is there.
    pub(crate) fn routes_set(&self, routes: &[Route]) -> Vec<bool> {
        routes.iter().map(|route| !self.refused.routes.contains(route)).collect()
    }

    /// The same of rules.
    pub(crate) fn rules_set(&self, rules: &[Rule]) -> Vec<bool> {
        rules.iter().map(|rule| !self.refused.rules.contains(rule)).collect()
    }

    fn placed<'a>(
        &self,
        owner: &str,
        routes: &[&'a Route],
        host: &mut dyn Host,
    ) -> (Vec<&'a Route>, Vec<PlacedRoute>) {
        let mut both = (Vec::new(), Vec::new());
        for &wanted in routes {
            match route::route(&self.interfaces, wanted) {
                Ok(placed) => {
                    both.0.push(wanted);
                    both.1.push(placed);
                }
                Err(why) => {
                    let what = format!("{owner} cannot add route {}: {why}", route::describe(wanted));
                    host.log(Level::Error, &what);
                }
            }
        }
        both
    }

    /// Adds again what of these routes is gone, and says so. The kernel takes routes of IPv4 away with
    /// their link or source address and tells nobody; one that cannot come back yet stays away.
    pub(crate) fn restore_routes<'a>(
        &mut self,
        owner: &str,
        routes: impl Iterator<Item = &'a Route>,
        host: &mut dyn Host,
    ) {
        let (wanted, placed): (Vec<_>, Vec<_>) =
            routes.filter_map(|wanted| Some((wanted, route::route(&self.interfaces, wanted).ok()?))).unzip();
        if placed.is_empty() {
            return;
        }
        for (wanted, outcome) in wanted.into_iter().zip(self.requests.add_all(&placed).unwrap_or_default()) {
            if outcome == Outcome::Done {
                self.refused.forget(&[wanted], &[]);
                let what = format!("{owner} route {} was gone, putting it back", route::describe(wanted));
                host.log(Level::Warning, &what);
            }
        }
    }

    /// Puts a rule back that somebody removed.
    pub(crate) fn restore_rule(&mut self, owner: &str, rule: &Rule, host: &mut dyn Host) {
        if let Ok(true) = self.requests.add(&route::rule(rule)) {
            host.log(Level::Warning, &format!("{owner} rule {} was gone, putting it back", rule.priority));
        }
    }

    /// Whether a route that the kernel speaks of is one of the configuration.
    pub(crate) fn is_route(&self, wanted: &Route, seen: &netlink::Route) -> bool {
        route::destination(wanted) == seen.destination
            && route::route(&self.interfaces, wanted).is_ok_and(|placed| placed.route.is(seen))
    }

    /// Whether a rule that the kernel speaks of is one of the configuration.
    pub(crate) fn is_rule(&self, wanted: &Rule, seen: &netlink::Rule) -> bool {
        Some(wanted.priority) == seen.priority && route::rule(wanted).is(seen)
    }

    /// Takes other static addresses, routes and rules: what stays is not touched.
    pub(crate) fn configure_statics(&mut self, wanted: Statics, host: &mut dyn Host) {
        let before = std::mem::replace(&mut self.statics, wanted);
        let now = self.statics.clone();
        let (addresses, routes, rules) = difference(&before, &now);
        self.delete_routing("static", &routes, &rules, host);
        self.change_static_addresses(&addresses, false, host);
        let (addresses, routes, rules) = difference(&now, &before);
        self.change_static_addresses(&addresses, true, host);
        self.add_routing("static", &routes, &rules, host);
    }

    /// Removes them: the process stops.
    pub(crate) fn remove_statics(&mut self, host: &mut dyn Host) {
        self.configure_statics(Statics::default(), host);
    }

    fn change_static_addresses(&mut self, addresses: &[&VirtualAddress], add: bool, host: &mut dyn Host) {
        let mut items = Vec::new();
        let mut shown = Vec::new();
        for address in addresses {
            let Some(dev) = address.dev.as_deref() else { continue };
            match self.new_address(dev, address) {
                Some(item) => {
                    items.push(item);
                    shown.push(address.address);
                }
                None if add => host.log(
                    Level::Warning,
                    &format!("static address {} waits for {dev}, which does not exist", address.address),
                ),
                None => {}
            }
        }
        let outcomes = if add { self.requests.add_all(&items) } else { self.requests.delete_all(&items) };
        let what = if add { "add" } else { "remove" };
        tell(outcomes, "static", what, |at| format!("address {}", shown[at]), host);
    }

    /// Links or addresses changed: puts static addresses and routes back that went with a link.
    pub(crate) fn restore_statics(&mut self, host: &mut dyn Host) {
        if self.statics.is_empty() {
            return;
        }
        let statics = std::mem::take(&mut self.statics);
        let tracked = statics.addresses.iter().filter(|address| !address.no_track);
        let missing: Vec<(IpAddr, NewAddress)> = tracked
            .filter_map(|address| {
                let dev = address.dev.as_deref()?;
                let gone = !self.interfaces.has(dev, address.address);
                Some((address.address, self.new_address(dev, address).filter(|_| gone)?))
            })
            .collect();
        for (address, item) in missing {
            if let Ok(true) = self.requests.add(&item) {
                host.log(Level::Warning, &format!("static address {address} was gone, putting it back"));
            }
        }
        self.restore_routes("static", statics.routes.iter().filter(|route| !route.no_track), host);
        self.statics = statics;
    }

    /// Puts a static route or rule back that somebody removed.
    pub(crate) fn restore_static_route(&mut self, seen: &netlink::Route, host: &mut dyn Host) {
        let lost = |route: &&Route| !route.no_track && self.is_route(route, seen);
        if let Some(route) = self.statics.routes.iter().find(lost).cloned() {
            self.restore_routes("static", std::iter::once(&route), host);
        }
    }

    /// Puts a static rule back that somebody removed.
    pub(crate) fn restore_static_rule(&mut self, seen: &netlink::Rule, host: &mut dyn Host) {
        let lost = |rule: &&Rule| !rule.no_track && self.is_rule(rule, seen);
        if let Some(rule) = self.statics.rules.iter().find(lost).cloned() {
            self.restore_rule("static", &rule, host);
        }
    }
}

/// What the first have and the second have not.
fn difference<'a>(
    these: &'a Statics,
    those: &Statics,
) -> (Vec<&'a VirtualAddress>, Vec<&'a Route>, Vec<&'a Rule>) {
    (
        these.addresses.iter().filter(|address| !those.addresses.contains(address)).collect(),
        these.routes.iter().filter(|route| !those.routes.contains(route)).collect(),
        these.rules.iter().filter(|rule| !those.rules.contains(rule)).collect(),
    )
}

/// Whether what was asked for is the case.
fn is_done(outcomes: &Result<Vec<Outcome>, netlink::Error>, at: usize) -> bool {
    let outcome = outcomes.as_ref().ok().and_then(|outcomes| outcomes.get(at));
    matches!(outcome, Some(Outcome::Done | Outcome::Already))
}

/// Logs what the kernel refused.
fn tell(
    outcomes: Result<Vec<Outcome>, netlink::Error>,
    owner: &str,
    verb: &str,
    name: impl Fn(usize) -> String,
    host: &mut dyn Host,
) {
    match outcomes {
        Ok(outcomes) => {
            for (at, outcome) in outcomes.into_iter().enumerate() {
                if let Outcome::Refused(errno) = outcome {
                    host.log(Level::Error, &format!("{owner} cannot {verb} {}: {errno}", name(at)));
                }
            }
        }
        Err(error) => host.log(Level::Error, &format!("{owner} cannot {verb} routes: {error}")),
    }
}
