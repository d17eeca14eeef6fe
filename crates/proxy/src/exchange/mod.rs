//! What becomes of a request: nginx's phases, from the server's rewrite program to the content.
//!
//! [`route`] decides and does no network I/O: it ends in an answer that is ready to be sent, in
//! "ask the upstream", or in "close". Opening files is the only thing it asks of the system.

mod autoindex;
mod errors;
mod files;
mod local;
mod redirect;
mod rewrite;

pub(crate) mod answer;
pub(crate) mod upstream_request;
pub(crate) mod upstream_response;

pub(crate) use errors::{builtin_page, intercepts};
pub(crate) use local::{Local, Segment};

use crate::clock::Clock;
use crate::log::{Logs, Of};
use crate::request::Request;
use crate::site::LocationId;
use nginx_conf::model::{AccessRule, Handler, LogLevel};
use rewrite::Flow;
use std::net::IpAddr;

/// Where routing ends.
#[derive(Debug)]
pub(crate) enum Step {
    /// This is the answer. Boxed: steps are handed on from phase to phase, and most are small.
    Answer(Box<Local>),
    /// The handler of the location is an upstream.
    Proxy,
    /// The connection is closed without a word (`return 444`).
    Close,
}

/// The status that a client sees for an upstream's.
pub(crate) fn answered_status(request: &Request, own: u16) -> u16 {
    local::final_status(request, own)
}

/// What a phase decides.
#[derive(Debug)]
enum Next {
    /// The server's rewrite program, then the search for a location.
    Server,
    /// The search for a location.
    Search,
    /// The rewrite program of this location, then the later phases.
    Location(LocationId),
    /// An error, for which there may be an `error_page`.
    Fail(u16),
    Done(Step),
}

impl Next {
    fn answer(local: Local) -> Self {
        Self::Done(Step::Answer(Box::new(local)))
    }
}

/// Internal redirects after which a configuration is taken to be a loop, as in nginx.
const MOST_REDIRECTS: u8 = 10;

/// The means that phases work with.
#[derive(Debug)]
pub(crate) struct Means<'a> {
    pub(crate) clock: &'a Clock,
    pub(crate) logs: &'a Logs,
}

impl Means<'_> {
    /// Writes to the error log in force.
    pub(crate) fn log(&self, request: &Request, level: LogLevel, message: &str) {
        self.logs.error(&request.settings().error_logs, level, message, Of::Request(request), self.clock);
    }
}

/// Takes a request from its head to its content.
pub(crate) fn route(request: &mut Request, means: &Means<'_>) -> Step {
    run(request, means, Next::Server)
}

/// Takes up a request again whose upstream failed with this status.
pub(crate) fn fail(request: &mut Request, means: &Means<'_>, status: u16) -> Step {
    run(request, means, Next::Fail(status))
}

fn run(request: &mut Request, means: &Means<'_>, mut next: Next) -> Step {
    let mut searches = 0;
    loop {
        next = match next {
            Next::Server => {
                request.rewritten = false;
                request.location = request.site.root(request.server);
                match rewrite::run(request, means) {
                    Flow::On | Flow::Again => Next::Search,
                    Flow::Stop(next) => next,
                }
            }
            Next::Search => {
                searches += 1;
                if searches > MOST_REDIRECTS || request.redirects > MOST_REDIRECTS {
                    means.log(request, LogLevel::Error, "rewrite or internal redirection cycle");
                    Next::Fail(500)
                } else {
                    search(request, means)
                }
            }
            Next::Location(location) => {
                request.location = location;
                match rewrite::run(request, means) {
                    Flow::On => content(request, means),
                    Flow::Again => Next::Search,
                    Flow::Stop(next) => next,
                }
            }
            Next::Fail(status) => errors::fail(request, means, status),
            Next::Done(step) => return step,
        };
    }
}

fn search(request: &mut Request, means: &Means<'_>) -> Next {
    let site = std::rc::Rc::clone(&request.site);
    if site.wants_slash(request.server, &request.path) {
        let mut path = request.path.clone();
        path.push(b'/');
        return Next::answer(redirect::to_path(request, 301, &path, means));
    }
    let found = site.find(request.server, &request.path);
    if let Some(captures) = found.captures {
        request.matched(captures);
    }
    request.location = found.location;
    if request.location().internal && !request.internal {
        return Next::Fail(404);
    }
    Next::Location(found.location)
}

/// The phases after the rewrite program: access, `try_files`, content.
fn content(request: &mut Request, means: &Means<'_>) -> Next {
    if !allowed(&request.settings().access, request.client.remote.map(|a| a.ip())) {
        means.log(request, LogLevel::Error, "access forbidden by rule");
        return Next::Fail(403);
    }
    if request.location().try_files.is_some()
        && let Some(next) = files::try_files(request, means)
    {
        return next;
    }
    match &request.location().handler {
        Handler::Proxy(_) => Next::Done(Step::Proxy),
        Handler::StubStatus => Next::answer(local::stub_status(request)),
        Handler::Static => files::serve(request, means),
    }
}

/// `allow` and `deny`: the first that matches decides; a unix socket matches only `all`.
fn allowed(rules: &[AccessRule], client: Option<IpAddr>) -> bool {
    let within = |network: IpAddr, prefix: u8| match (client?, network) {
        (IpAddr::V4(client), IpAddr::V4(network)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            Some(client.to_bits() & mask == network.to_bits() & mask)
        }
        (IpAddr::V6(client), IpAddr::V6(network)) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
            Some(client.to_bits() & mask == network.to_bits() & mask)
        }
        (IpAddr::V6(client), IpAddr::V4(network)) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
            Some(client.to_ipv4_mapped()?.to_bits() & mask == network.to_bits() & mask)
        }
        (IpAddr::V4(_), IpAddr::V6(_)) => Some(false),
    };
    let matching = rules.iter().find(|rule| match rule.network {
        None => true,
        Some((network, prefix)) => within(network, prefix).unwrap_or(false),
    });
    matching.is_none_or(|rule| rule.allow)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_rule_decides() {
        let rule = |allow, network: Option<(&str, u8)>| AccessRule {
            allow,
            network: network.map(|(ip, prefix)| (ip.parse().unwrap(), prefix)),
        };
        let rules = [
            rule(false, Some(("192.0.2.1", 32))),
            rule(true, Some(("192.0.2.0", 24))),
            rule(true, Some(("2001:db8::", 32))),
            rule(false, None),
        ];
        let asks = |ip: &str| allowed(&rules, Some(ip.parse().unwrap()));
        assert!(!asks("192.0.2.1") && asks("192.0.2.2") && asks("::ffff:192.0.2.2"));
        assert!(asks("2001:db8::1") && !asks("2001:db9::1") && !asks("198.51.100.1"));
        assert!(!allowed(&rules, None) && allowed(&[], None));
        assert!(allowed(
            &[rule(true, Some(("0.0.0.0", 0))), rule(false, None)],
            Some("1.2.3.4".parse().unwrap())
        ));
    }
}
