//! What can differ from level to level, and how a level inherits from the one around it.

use super::{Lowering, logs, named, settings_proxy, values};
use crate::check::Item;
use crate::model::{
    AccessLog, AccessRule, AddHeader, ErrorLog, ErrorPage, ErrorTarget, Expires, Gzip, GzipProxied,
    IfModifiedSince, LogDestination, Main, Part, Root, ServerTokens, Settings, Template,
};
use crate::syntax::Directive;
use diagnostic::Diagnostic;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

/// Everything that a level hands down to the levels inside it.
#[derive(Clone, Debug)]
pub(super) struct Level {
    pub(super) settings: Settings,
    /// `proxy_set_header` as written, without the defaults.
    pub(super) set_headers: Vec<(String, Template)>,
    /// `proxy_hide_header` as written, lower case.
    pub(super) hide_headers: Vec<String>,
    /// `proxy_pass_header` as written, lower case.
    pub(super) pass_headers: Vec<String>,
    pub(super) head: Head,
    /// The prefix of the location whose `alias` is in force here.
    pub(super) alias_of: Option<Vec<u8>>,
}

/// How request heads are read: set in `http` and `server` only.
#[derive(Clone, Debug)]
pub(super) struct Head {
    pub(super) timeout: Duration,
    pub(super) large_buffers: (usize, usize),
    pub(super) merge_slashes: bool,
    pub(super) ignore_invalid_headers: bool,
    pub(super) underscores_in_headers: bool,
}

/// Which kind of block a level is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Http,
    Server,
    /// A location with this prefix, when it has one.
    Location(Option<Vec<u8>>),
    If,
}

/// The media types of a configuration without `types`.
pub(super) fn default_types() -> Vec<(String, String)> {
    [("html", "text/html"), ("gif", "image/gif"), ("jpg", "image/jpeg")]
        .map(|(extension, media)| (extension.to_owned(), media.to_owned()))
        .to_vec()
}

impl Level {
    /// What `http` starts from.
    pub(super) fn new(lowering: &mut Lowering<'_>, main: &Main, http: &[Item<'_>]) -> Self {
        let mut access_logs = Vec::new();
        // One that nobody writes is not to be opened either: we may not be allowed to.
        if named(http, "access_log").next().is_none() {
            let path = lowering.absolute(lowering.environment.access_log);
            let log = logs::index(lowering, LogDestination::File(path));
            access_logs.push(AccessLog { log, format: 0, buffer: 0, flush: None, condition: None });
        }
        let root = lowering.absolute(std::path::Path::new("html"));
        let minute = Duration::from_secs(60);
        let settings = Settings {
            root: Root::Root(Template::literal(root.as_os_str().as_encoded_bytes())),
            index: vec![Template::literal("index.html")],
            error_pages: Vec::new(),
            recursive_error_pages: false,
            add_headers: Vec::new(),
            expires: Expires::Off,
            access: Vec::new(),
            access_logs,
            error_logs: main.error_logs.clone(),
            log_not_found: true,
            types: 0,
            default_type: "text/plain".to_owned(),
            charset: None,
            sendfile: false,
            tcp_nopush: false,
            tcp_nodelay: true,
            etag: true,
            if_modified_since: IfModifiedSince::Exact,
            max_ranges: None,
            autoindex: false,
            autoindex_exact_size: true,
            autoindex_localtime: false,
            server_tokens: ServerTokens::On,
            keepalive_timeout: (Duration::from_secs(75), None),
            keepalive_requests: 1000,
            client_max_body_size: 1 << 20,
            client_body_buffer_size: 16 << 10,
            client_body_timeout: minute,
            send_timeout: minute,
            reset_timedout_connection: false,
            absolute_redirect: true,
            server_name_in_redirect: false,
            port_in_redirect: true,
            chunked_transfer_encoding: true,
            gzip: Gzip {
                on: false,
                level: 1,
                min_length: 20,
                types: Some(vec!["text/html".to_owned()]),
                vary: false,
                http10: false,
                proxied: Vec::new(),
                disable: Vec::new(),
            },
            proxy: settings_proxy::default_proxy(),
        };
        let head = Head {
            timeout: minute,
            large_buffers: (4, 8 << 10),
            merge_slashes: true,
            ignore_invalid_headers: true,
            underscores_in_headers: false,
        };
        Level {
            settings,
            set_headers: Vec::new(),
            hide_headers: Vec::new(),
            pass_headers: Vec::new(),
            head,
            alias_of: None,
        }
    }
}

/// Directives that add to a list. The list of a level replaces the one around it as a whole.
#[derive(Default)]
struct Lists {
    index: Vec<Template>,
    error_pages: Vec<ErrorPage>,
    add_headers: Vec<AddHeader>,
    access: Vec<AccessRule>,
    access_logs: Option<Vec<AccessLog>>,
    error_logs: Vec<ErrorLog>,
    types: Option<Vec<(String, String)>>,
    gzip_types: Option<Option<Vec<String>>>,
    gzip_proxied: Option<Vec<GzipProxied>>,
    gzip_disable: Option<Vec<crate::model::Pattern>>,
}

/// A level: what is around it, with what is written in it put over it.
pub(super) fn level(lowering: &mut Lowering<'_>, items: &[Item<'_>], outer: &Level, place: Place) -> Level {
    let mut level = outer.clone();
    let mut lists = Lists::default();
    inherit_alias(lowering, items, &mut level, &place);
    for item in items {
        let directive = item.directive;
        if !(transport(lowering, directive, &mut level)
            || content(lowering, directive, &mut level, &place)
            || list(lowering, directive, &mut lists))
        {
            gzip(lowering, directive, &mut level.settings.gzip, &mut lists);
        }
    }
    let settings = &mut level.settings;
    put(&mut settings.index, lists.index);
    put(&mut settings.error_pages, lists.error_pages);
    put(&mut settings.add_headers, lists.add_headers);
    put(&mut settings.access, lists.access);
    put(&mut settings.error_logs, lists.error_logs);
    if let Some(logs) = lists.access_logs {
        settings.access_logs = logs;
    }
    if let Some(types) = lists.types {
        settings.types = match lowering.types.iter().position(|known| *known == types) {
            Some(index) => index,
            None => {
                lowering.types.push(types);
                lowering.types.len() - 1
            }
        };
    }
    if let Some(types) = lists.gzip_types {
        settings.gzip.types = types;
    }
    if let Some(proxied) = lists.gzip_proxied {
        settings.gzip.proxied = proxied;
    }
    if let Some(disable) = lists.gzip_disable {
        settings.gzip.disable = disable;
    }
    settings_proxy::level(lowering, items, &mut level);
    level
}

fn put<T>(inherited: &mut Vec<T>, own: Vec<T>) {
    if !own.is_empty() {
        *inherited = own;
    }
}

fn set<T>(slot: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *slot = value;
    }
}

/// Connections and request heads.
fn transport(lowering: &mut Lowering<'_>, directive: &Directive, level: &mut Level) -> bool {
    let settings = &mut level.settings;
    let head = &mut level.head;
    match directive.name_text().as_ref() {
        "client_header_timeout" => set(&mut head.timeout, lowering.time(directive)),
        "large_client_header_buffers" => set(&mut head.large_buffers, buffers(lowering, directive)),
        "merge_slashes" => head.merge_slashes = lowering.flag(directive),
        "ignore_invalid_headers" => head.ignore_invalid_headers = lowering.flag(directive),
        "underscores_in_headers" => head.underscores_in_headers = lowering.flag(directive),
        "sendfile" => settings.sendfile = lowering.flag(directive),
        "tcp_nopush" => settings.tcp_nopush = lowering.flag(directive),
        "tcp_nodelay" => settings.tcp_nodelay = lowering.flag(directive),
        "keepalive_timeout" => {
            if let Some(idle) = lowering.time(directive) {
                let header = directive.args.get(1).and_then(|word| lowering.time_of(directive, word));
                settings.keepalive_timeout = (idle, header);
            }
        }
        "keepalive_requests" => {
            set(&mut settings.keepalive_requests, lowering.number(directive, 0..=u64::MAX))
        }
        "client_max_body_size" => set(&mut settings.client_max_body_size, lowering.size(directive)),
        "client_body_buffer_size" => set(&mut settings.client_body_buffer_size, lowering.bytes(directive)),
        "client_body_timeout" => set(&mut settings.client_body_timeout, lowering.time(directive)),
        "send_timeout" => set(&mut settings.send_timeout, lowering.time(directive)),
        "reset_timedout_connection" => settings.reset_timedout_connection = lowering.flag(directive),
        "chunked_transfer_encoding" => settings.chunked_transfer_encoding = lowering.flag(directive),
        _ => return false,
    }
    true
}

/// `NUMBER SIZE`
pub(super) fn buffers(lowering: &mut Lowering<'_>, directive: &Directive) -> Option<(usize, usize)> {
    let count = lowering.number(directive, 1..=1 << 20)?;
    let size = values::size(&directive.args[1].value).filter(|size| *size > 0);
    if size.is_none() {
        lowering.invalid(directive, &directive.args[1], "a size such as `8k`");
    }
    Some((usize::try_from(count).ok()?, usize::try_from(size?).ok()?))
}

/// Files, redirects and what answers look like.
fn content(lowering: &mut Lowering<'_>, directive: &Directive, level: &mut Level, place: &Place) -> bool {
    let settings = &mut level.settings;
    match directive.name_text().as_ref() {
        "root" | "alias" => root(lowering, directive, level, place),
        "recursive_error_pages" => settings.recursive_error_pages = lowering.flag(directive),
        "expires" => set(&mut settings.expires, expires(lowering, directive)),
        "log_not_found" => settings.log_not_found = lowering.flag(directive),
        "default_type" => settings.default_type = directive.args[0].text().into_owned(),
        "charset" => match directive.args[0].text().as_ref() {
            "off" => settings.charset = None,
            name if name.contains('$') => lowering.unsupported(directive, &directive.args[0]),
            name => settings.charset = Some(name.to_owned()),
        },
        "etag" => settings.etag = lowering.flag(directive),
        "if_modified_since" => {
            let choices = [
                ("off", IfModifiedSince::Off),
                ("exact", IfModifiedSince::Exact),
                ("before", IfModifiedSince::Before),
            ];
            set(&mut settings.if_modified_since, lowering.choice(directive, &choices));
        }
        "max_ranges" => set(&mut settings.max_ranges, lowering.count(directive).map(Some)),
        "autoindex" => settings.autoindex = lowering.flag(directive),
        "autoindex_exact_size" => settings.autoindex_exact_size = lowering.flag(directive),
        "autoindex_localtime" => settings.autoindex_localtime = lowering.flag(directive),
        "server_tokens" => {
            let choices = [("on", ServerTokens::On), ("off", ServerTokens::Off), ("build", ServerTokens::On)];
            set(&mut settings.server_tokens, lowering.choice(directive, &choices));
        }
        "absolute_redirect" => settings.absolute_redirect = lowering.flag(directive),
        "server_name_in_redirect" => settings.server_name_in_redirect = lowering.flag(directive),
        "port_in_redirect" => settings.port_in_redirect = lowering.flag(directive),
        _ => return false,
    }
    true
}

/// An `alias` around a nested location maps what follows the outer prefix.
fn inherit_alias(lowering: &mut Lowering<'_>, items: &[Item<'_>], level: &mut Level, place: &Place) {
    let (Place::Location(prefix), Some(outer), Root::Alias(path)) =
        (place, &level.alias_of, &mut level.settings.root)
    else {
        return;
    };
    if items.iter().any(|item| matches!(item.directive.name.value.as_slice(), b"root" | b"alias")) {
        return;
    }
    match prefix {
        Some(prefix) if prefix.starts_with(outer) => {
            let rest = &prefix[outer.len()..];
            match path.parts.last_mut() {
                Some(Part::Literal(last)) => last.extend_from_slice(rest),
                _ => path.parts.extend(Template::literal(rest).parts),
            }
            level.alias_of = Some(prefix.clone());
        }
        _ => {
            if let Some(item) = items.first() {
                lowering.report.push(
                    Diagnostic::error(
                        "unsupported-value",
                        item.directive.name.span,
                        "an `alias` inherited by a location that is no prefix is not supported yet",
                    )
                    .help("set `root` or `alias` in this location"),
                );
            }
        }
    }
}

fn root(lowering: &mut Lowering<'_>, directive: &Directive, level: &mut Level, place: &Place) {
    let word = &directive.args[0];
    let alias = directive.name.value == b"alias";
    let mut text = word.value.clone();
    if !alias && text.len() > 1 && text.ends_with(b"/") {
        text.pop();
    }
    if !text.starts_with(b"/") && !text.starts_with(b"$") {
        let prefix = lowering.environment.prefix.as_os_str().as_encoded_bytes();
        let separator: &[u8] = if prefix.ends_with(b"/") || text.is_empty() { b"" } else { b"/" };
        text = [prefix, separator, &text].concat();
    }
    let path = lowering.variables.template_of(&text, word.span, lowering.report);
    if let (true, Place::Location(prefix)) = (alias, place) {
        if let Some(prefix) = prefix
            && !prefix.ends_with(b"/")
            && word.value.ends_with(b"/")
        {
            let prefix = String::from_utf8_lossy(prefix);
            lowering.report.push(
                Diagnostic::warning(
                    "alias-traversal",
                    word.span,
                    format!("a request for `{prefix}../` leaves this folder"),
                )
                .label("ends in `/`, the location does not")
                .help(format!("write `location {prefix}/`, or drop the `/` at the end of the alias")),
            );
        }
        level.alias_of.clone_from(prefix);
    }
    if !alias {
        level.alias_of = None;
    }
    level.settings.root = if alias { Root::Alias(path) } else { Root::Root(path) };
}

fn expires(lowering: &mut Lowering<'_>, directive: &Directive) -> Option<Expires> {
    let (modified, word) = match directive.args.as_slice() {
        [word] => (false, word),
        [first, word] if first.value == b"modified" => (true, word),
        [first, ..] => {
            lowering.invalid(directive, first, "`modified` before a time");
            return None;
        }
        [] => return None,
    };
    match word.value.as_slice() {
        b"off" if !modified => return Some(Expires::Off),
        b"epoch" if !modified => return Some(Expires::Epoch),
        b"max" if !modified => return Some(Expires::Max),
        text if text.starts_with(b"$") => {
            lowering.unsupported(directive, word);
            return None;
        }
        _ => {}
    }
    let (daily, text) = match word.value.strip_prefix(b"@") {
        Some(text) if !modified => (true, text),
        _ => (false, word.value.as_slice()),
    };
    let (sign, text) = match text {
        [b'-', rest @ ..] if !daily => (-1, rest),
        [b'+', rest @ ..] if !daily => (1, rest),
        _ => (1, text),
    };
    let seconds = values::time(text)
        .and_then(|time| i64::try_from(time.as_secs()).ok())
        .filter(|seconds| !daily || *seconds < 86_400);
    let Some(seconds) = seconds else {
        let wanted =
            if daily { "a time of day such as `@15h30m`" } else { "a time, `off`, `epoch` or `max`" };
        lowering.invalid(directive, word, wanted);
        return None;
    };
    Some(match (daily, modified) {
        (true, _) => Expires::Daily(seconds),
        (_, true) => Expires::Modified(sign * seconds),
        (_, false) => Expires::Access(sign * seconds),
    })
}

fn list(lowering: &mut Lowering<'_>, directive: &Directive, lists: &mut Lists) -> bool {
    let args = &directive.args;
    match directive.name_text().as_ref() {
        "index" => {
            for word in args {
                let name = lowering.template(word);
                lists.index.push(name);
            }
        }
        "error_page" => lists.error_pages.extend(error_page(lowering, directive)),
        "add_header" => {
            let always = match args.get(2) {
                None => false,
                Some(word) if word.value == b"always" => true,
                Some(word) => {
                    lowering.invalid(directive, word, "`always`");
                    false
                }
            };
            let value = lowering.template(&args[1]);
            lists.add_headers.push(AddHeader { name: args[0].text().into_owned(), value, always });
        }
        "allow" | "deny" => lists.access.extend(access_rule(lowering, directive)),
        "access_log" => {
            let logs = lists.access_logs.get_or_insert_default();
            if args[0].value == b"off" {
                logs.clear();
            }
            let log = logs::access_log(lowering, directive);
            lists.access_logs.get_or_insert_default().extend(log);
        }
        "error_log" => lists.error_logs.extend(logs::error_log(lowering, directive)),
        "types" => types(lowering, directive, lists.types.get_or_insert_default()),
        _ => return false,
    }
    true
}

fn error_page(lowering: &mut Lowering<'_>, directive: &Directive) -> Option<ErrorPage> {
    let (target, words) = directive.args.split_last()?;
    let (overwrite, words) = match words.split_last() {
        Some((word, rest)) if word.value.starts_with(b"=") => {
            let code = &word.value[1..];
            if code.is_empty() {
                (Some(None), rest)
            } else {
                let status = values::number(code)
                    .and_then(|code| u16::try_from(code).ok())
                    .filter(|code| *code <= 999);
                if status.is_none() {
                    lowering.invalid(directive, word, "`=` and a status code");
                }
                (Some(Some(status?)), rest)
            }
        }
        _ => (None, words),
    };
    let mut codes = Vec::new();
    for word in words {
        let code = values::number(&word.value).and_then(|code| u16::try_from(code).ok());
        match code.filter(|code| (300..=599).contains(code) && *code != 499) {
            Some(code) => codes.push(code),
            None => {
                lowering.error(
                    "invalid-value",
                    word.span,
                    format!("value \"{}\" must be between 300 and 599", word.text()),
                );
                return None;
            }
        }
    }
    if codes.is_empty() {
        lowering.error(
            "wrong-arity",
            directive.name.span,
            "invalid number of arguments in \"error_page\" directive",
        );
        return None;
    }
    let target = match target.value.first() {
        Some(b'@') => ErrorTarget::Named(String::from_utf8_lossy(&target.value[1..]).into_owned()),
        Some(b'/') => ErrorTarget::Uri(lowering.template(target)),
        _ => ErrorTarget::Url(lowering.template(target)),
    };
    Some(ErrorPage { codes, overwrite, target })
}

fn access_rule(lowering: &mut Lowering<'_>, directive: &Directive) -> Option<AccessRule> {
    let word = &directive.args[0];
    let allow = directive.name.value == b"allow";
    let text = word.text();
    if text == "all" {
        return Some(AccessRule { allow, network: None });
    }
    if text == "unix:" {
        lowering.unsupported(directive, word);
        return None;
    }
    let (address, mask) = text.split_once('/').map_or((text.as_ref(), None), |(a, m)| (a, Some(m)));
    let network = address.parse::<IpAddr>().ok().and_then(|address| {
        let most = if address.is_ipv4() { 32 } else { 128 };
        let length = match mask {
            None => most,
            Some(mask) => match mask.parse::<u8>() {
                Ok(length) => length,
                // A dotted mask, which must be a run of ones.
                Err(_) => {
                    let mask = u32::from(mask.parse::<std::net::Ipv4Addr>().ok()?);
                    (mask.leading_ones() + mask.trailing_zeros() >= 32).then(|| mask.count_ones() as u8)?
                }
            },
        };
        (length <= most).then_some((address, length))
    });
    if network.is_none() {
        lowering.report.push(
            Diagnostic::error("invalid-value", word.span, format!("invalid parameter \"{text}\""))
                .label("expected an address, a network such as 10.0.0.0/8, or `all`"),
        );
    }
    let (address, length) = network?;
    let network = masked(address, length);
    if network != address {
        lowering.report.push(Diagnostic::warning(
            "network-low-bits",
            word.span,
            format!("low address bits of {text} are meaningless"),
        ));
    }
    Some(AccessRule { allow, network: Some((network, length)) })
}

fn masked(address: IpAddr, length: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
            IpAddr::from((u32::from(address) & mask).to_be_bytes())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(length)).unwrap_or(0);
            IpAddr::from((u128::from(address) & mask).to_be_bytes())
        }
    }
}

/// `types { MEDIA EXTENSION …; }`
fn types(lowering: &mut Lowering<'_>, directive: &Directive, types: &mut Vec<(String, String)>) {
    let Some(block) = directive.block() else { return };
    let mut seen: HashMap<String, usize> =
        types.iter().enumerate().map(|(at, (extension, _))| (extension.clone(), at)).collect();
    for line in &block.directives {
        if let Some(inner) = line.block() {
            lowering.error("grammar-unexpected", inner.open, "unexpected \"{\"");
            continue;
        }
        let media = line.name_text().into_owned();
        if line.args.is_empty() {
            lowering.report.push(
                Diagnostic::error(
                    "wrong-arity",
                    line.name.span,
                    "invalid number of arguments in \"types\" directive",
                )
                .label("a media type needs at least one extension"),
            );
        }
        for word in &line.args {
            let extension = word.text().to_lowercase();
            match seen.get(&extension) {
                Some(&at) => {
                    if types[at].1 != media {
                        lowering.report.push(Diagnostic::warning(
                            "duplicate-extension",
                            word.span,
                            format!(
                                "duplicate extension \"{extension}\", content type: \"{media}\", previous content type: \"{}\"",
                                types[at].1
                            ),
                        ));
                        types[at].1.clone_from(&media);
                    }
                }
                None => {
                    seen.insert(extension.clone(), types.len());
                    types.push((extension, media.clone()));
                }
            }
        }
    }
}

fn gzip(lowering: &mut Lowering<'_>, directive: &Directive, gzip: &mut Gzip, lists: &mut Lists) {
    let args = &directive.args;
    match directive.name_text().as_ref() {
        "gzip" => gzip.on = lowering.flag(directive),
        "gzip_vary" => gzip.vary = lowering.flag(directive),
        "gzip_comp_level" => {
            match values::number(&args[0].value).and_then(|level| u32::try_from(level).ok()) {
                Some(level @ 1..=9) => gzip.level = level,
                Some(_) => lowering.error("invalid-value", args[0].span, "value must be between 1 and 9"),
                None => lowering.invalid(directive, &args[0], "a number from 1 to 9"),
            }
        }
        "gzip_min_length" => set(&mut gzip.min_length, lowering.size(directive)),
        "gzip_http_version" => {
            set(&mut gzip.http10, lowering.choice(directive, &[("1.0", true), ("1.1", false)]))
        }
        "gzip_types" => {
            let types = lists.gzip_types.get_or_insert_with(|| Some(vec!["text/html".to_owned()]));
            for word in args {
                match types {
                    _ if word.value == b"*" => *types = None,
                    Some(types) => {
                        let media = word.text().to_lowercase();
                        if types.contains(&media) {
                            lowering.report.push(Diagnostic::warning(
                                "duplicate-media-type",
                                word.span,
                                format!("duplicate MIME type \"{media}\""),
                            ));
                        } else {
                            types.push(media);
                        }
                    }
                    None => {}
                }
            }
        }
        "gzip_proxied" => {
            let proxied = lists.gzip_proxied.get_or_insert_default();
            let choices = [
                ("off", None),
                ("expired", Some(GzipProxied::Expired)),
                ("no-cache", Some(GzipProxied::NoCache)),
                ("no-store", Some(GzipProxied::NoStore)),
                ("private", Some(GzipProxied::Private)),
                ("no_last_modified", Some(GzipProxied::NoLastModified)),
                ("no_etag", Some(GzipProxied::NoEtag)),
                ("auth", Some(GzipProxied::Auth)),
                ("any", Some(GzipProxied::Any)),
            ];
            for word in args {
                match lowering.choice_of(directive, word, &choices) {
                    Some(Some(kind)) if !proxied.contains(&kind) => proxied.push(kind),
                    Some(_) | None => {}
                }
            }
        }
        "gzip_disable" => {
            let disable = lists.gzip_disable.get_or_insert_default();
            for word in args {
                let text: &[u8] = match word.value.as_slice() {
                    b"msie6" => br"MSIE [4-6]\.(?!.*SV1)",
                    b"degradation" => {
                        lowering.unsupported(directive, word);
                        continue;
                    }
                    text => text,
                };
                disable.push(lowering.variables.pattern(text, true, word, lowering.report));
            }
        }
        _ => {}
    }
}
