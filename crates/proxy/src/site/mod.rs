//! The configuration, compiled for one thread.
//!
//! Servers and locations get numbers, expressions become automata, and each level's locations
//! become a table that is searched in a few steps. Each thread compiles its own copy, because
//! automata keep scratch space that threads would otherwise fight over.

mod format;
mod forward;
mod locations;
mod names;
mod program;
mod servers;

pub(crate) use format::{Format, Slot};
pub(crate) use forward::{Forward, Written, tame};
pub(crate) use locations::Found;
pub(crate) use program::{Op, Test};

use crate::request::captures::Captures;
use crate::shared::Shared;
use locations::Table;
use nginx_conf::model::{Handler, Http, Location, Matcher, Pattern, Settings};
use nginx_conf::pattern::Expression;
use servers::Names;
use std::rc::Rc;
use std::sync::Arc;

/// Number of a location of a [`Site`]; each server's own level has one, too.
pub(crate) type LocationId = usize;

/// A compiled configuration.
#[derive(Debug)]
pub(crate) struct Site {
    pub(crate) shared: Arc<Shared>,
    listeners: Vec<ListenerSite>,
    servers: Vec<ServerSite>,
    locations: Vec<LocationSite>,
    types: Vec<std::collections::HashMap<Vec<u8>, Rc<str>>>,
    /// By the numbers of the configuration.
    pub(crate) formats: Vec<Format>,
    /// Whether heads are kept after they were sent: something asks for their fields.
    pub(crate) keeps_sent_heads: bool,
}

#[derive(Debug)]
struct ListenerSite {
    names: Names,
    default_server: usize,
}

#[derive(Debug)]
struct ServerSite {
    root: LocationId,
    named: Vec<(String, LocationId)>,
}

/// A compiled location.
#[derive(Debug)]
pub(crate) struct LocationSite {
    pub(crate) settings: Settings,
    pub(crate) handler: Handler,
    /// What `proxy_pass` does to heads.
    pub(crate) forward: Forward,
    pub(crate) try_files: Option<nginx_conf::model::TryFiles>,
    pub(crate) internal: bool,
    /// Length of the prefix that `alias` and `proxy_pass` replace; `None` for a regex or a name.
    pub(crate) prefix: Option<Rc<[u8]>>,
    pub(crate) program: Rc<[Op]>,
    pub(crate) gzip_disable: Vec<Expression>,
    children: Option<Table>,
}

/// A server or location that is found by a regular expression.
#[derive(Debug)]
struct ByExpression {
    expression: Expression,
    names: Vec<(String, usize)>,
    target: usize,
}

impl ByExpression {
    fn compile(pattern: &Pattern, target: usize) -> Result<Self, BadExpression> {
        Ok(Self { expression: compile_pattern(pattern)?, names: pattern.names.clone(), target })
    }

    fn captures(&self, text: &[u8]) -> Option<Captures> {
        Captures::of(&self.expression, &self.names, text)
    }
}

/// A regular expression that passed the check but cannot be compiled here.
#[derive(Debug)]
pub(crate) struct BadExpression(pub(crate) String);

impl Site {
    /// Compiles a configuration. Fails only on an expression that the check should have refused.
    pub(crate) fn compile(shared: Arc<Shared>) -> Result<Self, BadExpression> {
        let mut site = Self {
            listeners: Vec::new(),
            servers: Vec::new(),
            locations: Vec::new(),
            types: Vec::new(),
            formats: Vec::new(),
            keeps_sent_heads: false,
            shared: Arc::clone(&shared),
        };
        let Some(http) = &shared.config.http else { return Ok(site) };
        site.formats = Format::compile_all(http);
        site.keeps_sent_heads = http.log_formats.iter().any(|f| format::asks_for_sent_head(&f.line));
        site.types = http.types.iter().map(|types| compile_types(types)).collect();
        for server in &http.servers {
            let mut named = Vec::new();
            let root = site.add(&server.root, &mut named)?;
            site.servers.push(ServerSite { root, named });
        }
        for listener in &http.listeners {
            let names = Names::compile(&http.servers, &listener.servers)?;
            site.listeners.push(ListenerSite { names, default_server: listener.default_server });
        }
        Ok(site)
    }

    fn add(
        &mut self,
        location: &Location,
        named: &mut Vec<(String, LocationId)>,
    ) -> Result<LocationId, BadExpression> {
        let id = self.locations.len();
        let prefix = match &location.matcher {
            Matcher::Prefix(p) | Matcher::PrefixNoRegex(p) | Matcher::Exact(p) => {
                Some(Rc::from(p.as_slice()))
            }
            Matcher::Unnamed | Matcher::Regex(_) | Matcher::Named(_) => None,
        };
        let mut conditions = location.settings.access_logs.iter().flat_map(|log| &log.condition);
        self.keeps_sent_heads |= conditions.any(format::asks_for_sent_head);
        let disable = &location.settings.gzip.disable;
        self.locations.push(LocationSite {
            settings: location.settings.clone(),
            handler: location.handler.clone(),
            forward: match location.handler {
                Handler::Proxy(_) => Forward::compile(&location.settings.proxy),
                _ => Forward::default(),
            },
            try_files: location.try_files.clone(),
            internal: location.internal,
            prefix,
            program: Rc::from([]),
            gzip_disable: disable.iter().map(compile_pattern).collect::<Result<_, _>>()?,
            children: None,
        });
        let program = self.compile_program(&location.rewrite, id)?;
        self.locations[id].program = Rc::from(program);
        let mut table = Table::default();
        for child in &location.locations {
            let child_id = self.add(child, named)?;
            match &child.matcher {
                Matcher::Named(name) => named.push((name.clone(), child_id)),
                matcher => table.add(matcher, child_id)?,
            }
        }
        self.locations[id].children = table.finish();
        Ok(id)
    }

    pub(crate) fn http(&self) -> Option<&Http> {
        self.shared.config.http.as_ref()
    }

    /// The server for a name (lower case, without port) on a listener.
    pub(crate) fn server(&self, listener: usize, host: &[u8]) -> (usize, Option<servers::NameCaptures>) {
        match self.listeners.get(listener) {
            Some(listener) => listener.names.find(host).unwrap_or((listener.default_server, None)),
            None => (0, None),
        }
    }

    /// The server's own level.
    pub(crate) fn root(&self, server: usize) -> LocationId {
        self.servers[server].root
    }

    /// What the configuration says of a server.
    pub(crate) fn server_model(&self, server: usize) -> Option<&nginx_conf::model::Server> {
        self.http()?.servers.get(server)
    }

    /// The first server of a listener: its settings hold until the name is known.
    pub(crate) fn default_server(&self, listener: usize) -> usize {
        self.listeners.get(listener).map_or(0, |l| l.default_server)
    }

    pub(crate) fn location(&self, id: LocationId) -> &LocationSite {
        &self.locations[id]
    }

    /// The location of a server for a decoded path; the server's own level when none matches.
    pub(crate) fn find(&self, server: usize, path: &[u8]) -> Found {
        let root = self.servers[server].root;
        locations::find(self, root, path)
    }

    /// Whether a path lacks only the final slash of a prefix location that has a handler of its own.
    pub(crate) fn wants_slash(&self, server: usize, path: &[u8]) -> bool {
        locations::wants_slash(self, self.servers[server].root, path)
    }

    /// A named location of a server.
    pub(crate) fn named(&self, server: usize, name: &str) -> Option<LocationId> {
        self.servers[server].named.iter().find(|(n, _)| n == name).map(|(_, id)| *id)
    }

    /// The media type of a file name, by its extension.
    pub(crate) fn media_type(&self, types: usize, path: &[u8]) -> Option<&Rc<str>> {
        let name = path.rsplit(|b| *b == b'/').next()?;
        let dot = name.iter().rposition(|b| *b == b'.')?;
        self.types.get(types)?.get(name[dot + 1..].to_ascii_lowercase().as_slice())
    }
}

pub(crate) fn compile_pattern(pattern: &Pattern) -> Result<Expression, BadExpression> {
    pattern.compile().map_err(|error| BadExpression(format!("{}: {error}", pattern.source)))
}

fn compile_types(types: &[(String, String)]) -> std::collections::HashMap<Vec<u8>, Rc<str>> {
    types
        .iter()
        .map(|(ext, media)| (ext.to_ascii_lowercase().into_bytes(), Rc::from(media.as_str())))
        .collect()
}
