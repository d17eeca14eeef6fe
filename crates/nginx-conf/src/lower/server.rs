//! `server`: names, listeners, and the level its locations inherit from.

use super::listen::{Addresses, show};
use super::location::{handler, locations, try_files};
use super::server_name::server_name;
use super::settings::{Level, Place};
use super::{Lowering, named, rewrite, settings};
use crate::check::Item;
use crate::model::{Handler, Listener, Location, Matcher, Server, ServerName};
use diagnostic::{Diagnostic, Span};
use std::collections::HashMap;

/// Every `server` of `http`, and the addresses they are reached at.
pub(super) fn servers(
    lowering: &mut Lowering<'_>,
    items: &[Item<'_>],
    http: &Level,
) -> (Vec<Server>, Vec<Listener>) {
    let mut addresses = Addresses::default();
    let mut servers = Vec::new();
    let mut spans: Vec<Vec<Span>> = Vec::new();
    for (index, item) in named(items, "server").enumerate() {
        let written = item
            .directive
            .block()
            .is_some_and(|block| block.directives.iter().any(|directive| directive.name.value == b"listen"));
        for listen in named(&item.items, "listen") {
            addresses.add_listen(lowering, listen.directive, index);
        }
        if !written {
            addresses.add_default(lowering, index);
        }
        let (server, places) = server(lowering, item, http);
        servers.push(server);
        spans.push(places);
    }
    let listeners = addresses.into_listeners();
    conflicts(lowering, &servers, &spans, &listeners);
    (servers, listeners)
}

fn server(lowering: &mut Lowering<'_>, item: &Item<'_>, http: &Level) -> (Server, Vec<Span>) {
    let mut names = Vec::new();
    let mut places = Vec::new();
    let mut first = None;
    for word in named(&item.items, "server_name").flat_map(|names| &names.directive.args) {
        first.get_or_insert_with(|| word.text().trim_start_matches('.').to_lowercase());
        if let Some(name) = server_name(lowering, word) {
            names.push(name);
            places.push(word.span);
        }
    }
    if names.is_empty() {
        names.push(ServerName::Exact(String::new()));
        places.push(item.directive.name.span);
    }
    let name = match &names[0] {
        ServerName::Exact(exact) if first.as_deref() == Some("$hostname") => exact.clone(),
        _ => first.unwrap_or_default(),
    };
    let level = settings::level(lowering, &item.items, http, Place::Server);
    let handler = handler(lowering, &item.items, None).unwrap_or(Handler::Static);
    let root = Location {
        matcher: Matcher::Unnamed,
        handler,
        rewrite: rewrite::program(lowering, &item.items, None),
        try_files: try_files(lowering, &item.items),
        internal: false,
        locations: locations(lowering, &item.items, &level, None),
        settings: level.settings,
    };
    let head = level.head;
    let server = Server {
        names,
        name,
        root,
        client_header_timeout: head.timeout,
        large_client_header_buffers: head.large_buffers,
        merge_slashes: head.merge_slashes,
        ignore_invalid_headers: head.ignore_invalid_headers,
        underscores_in_headers: head.underscores_in_headers,
    };
    (server, places)
}

/// Names that two servers of one address have: the first gets the requests.
fn conflicts(lowering: &mut Lowering<'_>, servers: &[Server], spans: &[Vec<Span>], listeners: &[Listener]) {
    for listener in listeners {
        let mut seen: HashMap<String, (usize, Span)> = HashMap::new();
        for &index in &listener.servers {
            for (name, span) in servers[index].names.iter().zip(&spans[index]) {
                let shown = match name {
                    ServerName::Exact(name) => name.clone(),
                    ServerName::Leading(name) => format!("*.{name}"),
                    ServerName::LeadingOrExact(name) => format!(".{name}"),
                    ServerName::Trailing(name) => format!("{name}.*"),
                    ServerName::Regex(_) => continue,
                };
                match seen.get(&shown) {
                    Some((other, first)) => {
                        let repeated = *other == index;
                        let what = if repeated { "is repeated" } else { "is ignored: another server has it" };
                        lowering.report.push(
                            Diagnostic::warning(
                                "conflicting-server-name",
                                *span,
                                format!(
                                    "conflicting server name \"{shown}\" on {}, ignored",
                                    show(&listener.address)
                                ),
                            )
                            .label(what)
                            .related(*first, "the first one is here"),
                        );
                    }
                    None => {
                        seen.insert(shown, (index, *span));
                    }
                }
            }
        }
    }
}
