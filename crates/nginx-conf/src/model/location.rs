//! `location` and everything that can differ from one to the next.

use super::{ErrorLog, Pattern, Template, Variable};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use std::time::Duration;

/// A level at which a request can end up: a server, a location, or an `if` in a location.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Location {
    /// Which requests it takes.
    pub matcher: Matcher,
    /// Settings in force here, inherited ones included.
    pub settings: Settings,
    /// What answers.
    pub handler: Handler,
    /// `set`, `if`, `rewrite`, `return`, `break`, in file order.
    pub rewrite: Vec<Instruction>,
    /// `try_files`
    pub try_files: Option<TryFiles>,
    /// `internal`
    pub internal: bool,
    /// Locations inside, in file order.
    pub locations: Vec<Location>,
}

/// Which requests a location takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Matcher {
    /// The server level or an `if`: never searched.
    Unnamed,
    /// `location /x`
    Prefix(Vec<u8>),
    /// `location ^~ /x`
    PrefixNoRegex(Vec<u8>),
    /// `location = /x`
    Exact(Vec<u8>),
    /// `location ~ x`, `location ~* x`
    Regex(Pattern),
    /// `location @x`, without the `@`
    Named(String),
}

/// What answers in a location.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Handler {
    /// Files.
    Static,
    /// `proxy_pass`
    Proxy(ProxyPass),
    /// `stub_status`
    StubStatus,
}

/// `proxy_pass`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ProxyPass {
    /// Index into [`Http::upstreams`](super::Http::upstreams).
    pub upstream: usize,
    /// What `$proxy_host` gives: `host[:port]` as written, without a default port.
    pub host: String,
    /// What `$proxy_port` gives.
    pub port: u16,
    /// The URI part. `None`: the request line is passed on as the client sent it. With a prefix
    /// location the matched prefix is replaced by it; with variables in it, it is the whole URI.
    pub uri: Option<Template>,
}

/// `try_files`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TryFiles {
    /// What is tried in turn; a trailing `/` (kept apart) tests for a directory.
    pub candidates: Vec<(Template, bool)>,
    /// The last word.
    pub fallback: Fallback,
}

/// The last word of `try_files`, or the target of an `error_page`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Fallback {
    /// `/uri`
    Uri(Template),
    /// `@name`
    Named(String),
    /// `=404`
    Status(u16),
}

/// `root` or `alias`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Root {
    /// File = this + URI. Made absolute.
    Root(Template),
    /// File = this + what follows the location's prefix; in a regex location, just this.
    Alias(Template),
}

/// A step of the rewrite module.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Instruction {
    /// `set`
    Set {
        /// Index into [`Http::user_variables`](super::Http::user_variables).
        variable: usize,
        /// Its new value.
        value: Template,
    },
    /// `return`
    Return(Return),
    /// `rewrite`
    Rewrite(Rewrite),
    /// `break`
    Break,
    /// `if`
    If {
        /// What is asked.
        condition: Condition,
        /// Steps inside, when true.
        then: Vec<Instruction>,
        /// In a location: the implicit location that takes over when true.
        location: Option<Box<Location>>,
    },
}

/// `return`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Return {
    /// `return CODE;` — 444 closes the connection.
    Status(u16),
    /// `return CODE TEXT;`
    Text(u16, Template),
    /// `return 30x URL;` or `return URL;`
    Redirect(u16, Template),
}

/// `rewrite`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rewrite {
    /// Matched against the decoded URI.
    pub pattern: Pattern,
    /// The new URI, without its `?` part.
    pub replacement: Template,
    /// Arguments in the replacement (after `?`).
    pub args: Option<Template>,
    /// Whether the request's own arguments are appended (no trailing `?`).
    pub keep_args: bool,
    /// What happens next.
    pub flag: RewriteFlag,
}

/// What happens after a `rewrite` that matched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum RewriteFlag {
    /// None: the next instruction runs; then the location is searched again.
    Continue,
    /// `last`
    Last,
    /// `break`
    Break,
    /// `redirect` (302), `permanent` (301), or a replacement that is a whole URL (302).
    Redirect(u16),
}

/// `if (…)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Condition {
    /// `($v)`: neither empty nor `0`.
    True(Variable),
    /// `($v = x)`; `!=` when negated.
    Equals {
        /// Left side.
        variable: Variable,
        /// Right side.
        value: Template,
        /// `!=`
        negated: bool,
    },
    /// `($v ~ x)`
    Matches {
        /// Left side.
        variable: Variable,
        /// Right side.
        pattern: Pattern,
        /// `!~`, `!~*`
        negated: bool,
    },
    /// `(-f x)`
    File {
        /// Which property.
        test: FileTest,
        /// The path.
        path: Template,
        /// `!-f`
        negated: bool,
    },
}

/// `-f`, `-d`, `-e`, `-x`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum FileTest {
    /// `-f`
    File,
    /// `-d`
    Directory,
    /// `-e`
    Exists,
    /// `-x`
    Executable,
}

/// `error_page`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ErrorPage {
    /// Status codes it is for.
    pub codes: Vec<u16>,
    /// `=CODE`: the answer's status; `=` alone is `Some(None)`: the target's own.
    pub overwrite: Option<Option<u16>>,
    /// Where to: a URI or a named location is an internal redirect.
    pub target: ErrorTarget,
}

/// Target of an `error_page`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ErrorTarget {
    /// `/uri`
    Uri(Template),
    /// `@name`
    Named(String),
    /// A whole URL: the client is redirected, 302 unless overwritten.
    Url(Template),
}

/// `add_header`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AddHeader {
    /// Field name as written.
    pub name: String,
    /// Field value; an empty value adds nothing.
    pub value: Template,
    /// `always`
    pub always: bool,
}

/// `allow` or `deny`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AccessRule {
    /// `allow`
    pub allow: bool,
    /// Whom; `None` is `all`.
    pub network: Option<(IpAddr, u8)>,
}

/// An `access_log` in force.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AccessLog {
    /// Index into [`Config::logs`](super::Config::logs).
    pub log: usize,
    /// Index into [`Http::log_formats`](super::Http::log_formats).
    pub format: usize,
    /// `buffer=` in bytes; 0 writes each line at once.
    pub buffer: usize,
    /// `flush=`
    pub flush: Option<Duration>,
    /// `if=`
    pub condition: Option<Template>,
}

/// `expires`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Expires {
    /// `off` or absent.
    #[default]
    Off,
    /// `epoch`
    Epoch,
    /// `max`
    Max,
    /// Seconds from the answer; may be negative.
    Access(i64),
    /// `modified`: seconds from the file's modification.
    Modified(i64),
    /// `@15h30m`: the next time of day, in seconds after midnight.
    Daily(i64),
}

/// Directives whose value can differ from location to location.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// `root` or `alias`; the prefix's `html` when absent.
    pub root: Root,
    /// `index`
    pub index: Vec<Template>,
    /// `error_page`
    pub error_pages: Vec<ErrorPage>,
    /// `recursive_error_pages`
    pub recursive_error_pages: bool,
    /// `add_header`
    pub add_headers: Vec<AddHeader>,
    /// `expires`
    pub expires: Expires,
    /// `allow`, `deny`: the first that matches decides.
    pub access: Vec<AccessRule>,
    /// `access_log`; empty when off.
    pub access_logs: Vec<AccessLog>,
    /// `error_log`; never empty.
    pub error_logs: Vec<ErrorLog>,
    /// `log_not_found`, on.
    pub log_not_found: bool,
    /// `types`: index into [`Http::types`](super::Http::types).
    pub types: usize,
    /// `default_type`, `text/plain`.
    pub default_type: String,
    /// `charset`
    pub charset: Option<String>,
    /// `sendfile`
    pub sendfile: bool,
    /// `tcp_nopush`
    pub tcp_nopush: bool,
    /// `tcp_nodelay`, on.
    pub tcp_nodelay: bool,
    /// `etag`, on.
    pub etag: bool,
    /// `if_modified_since`
    pub if_modified_since: IfModifiedSince,
    /// `max_ranges`; `None` is no limit, 0 switches ranges off.
    pub max_ranges: Option<u32>,
    /// `autoindex`
    pub autoindex: bool,
    /// `autoindex_exact_size`, on.
    pub autoindex_exact_size: bool,
    /// `autoindex_localtime`
    pub autoindex_localtime: bool,
    /// `server_tokens`
    pub server_tokens: ServerTokens,
    /// `keepalive_timeout`: how long an idle connection is kept (0: not at all), and the header's value.
    pub keepalive_timeout: (Duration, Option<Duration>),
    /// `keepalive_requests`, 1000.
    pub keepalive_requests: u64,
    /// `client_max_body_size` in bytes, 1 MiB; 0 is no limit.
    pub client_max_body_size: u64,
    /// `client_body_buffer_size`, 16 KiB.
    pub client_body_buffer_size: usize,
    /// `client_body_timeout`: between two reads, 60 s.
    pub client_body_timeout: Duration,
    /// `send_timeout`: between two writes, 60 s.
    pub send_timeout: Duration,
    /// `reset_timedout_connection`
    pub reset_timedout_connection: bool,
    /// `absolute_redirect`, on.
    pub absolute_redirect: bool,
    /// `server_name_in_redirect`
    pub server_name_in_redirect: bool,
    /// `port_in_redirect`, on.
    pub port_in_redirect: bool,
    /// `chunked_transfer_encoding`, on.
    pub chunked_transfer_encoding: bool,
    /// `gzip*`
    pub gzip: Gzip,
    /// `proxy_*`
    pub proxy: Proxy,
}

/// `server_tokens`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ServerTokens {
    /// With the version.
    On,
    /// Without it.
    Off,
}

/// `if_modified_since`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum IfModifiedSince {
    /// Ignored.
    Off,
    /// Only the very same time.
    Exact,
    /// Not later than the given time.
    Before,
}

/// `gzip*`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gzip {
    /// `gzip`
    pub on: bool,
    /// `gzip_comp_level`, 1.
    pub level: u32,
    /// `gzip_min_length`, 20 bytes.
    pub min_length: u64,
    /// `gzip_types`, `text/html` always included; `None` is `*`.
    pub types: Option<Vec<String>>,
    /// `gzip_vary`
    pub vary: bool,
    /// `gzip_http_version`: whether HTTP/1.0 requests get it, too.
    pub http10: bool,
    /// `gzip_proxied`: what is compressed for requests that came through a proxy (with `Via`).
    pub proxied: Vec<GzipProxied>,
    /// `gzip_disable`: expressions on User-Agent; `msie6` is expanded.
    pub disable: Vec<Pattern>,
}

/// A word of `gzip_proxied`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum GzipProxied {
    /// `expired`
    Expired,
    /// `no-cache`
    NoCache,
    /// `no-store`
    NoStore,
    /// `private`
    Private,
    /// `no_last_modified`
    NoLastModified,
    /// `no_etag`
    NoEtag,
    /// `auth`
    Auth,
    /// `any`
    Any,
}

/// `proxy_*`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proxy {
    /// `proxy_connect_timeout`, 60 s.
    pub connect_timeout: Duration,
    /// `proxy_send_timeout`: between two writes, 60 s.
    pub send_timeout: Duration,
    /// `proxy_read_timeout`: between two reads, 60 s.
    pub read_timeout: Duration,
    /// `proxy_next_upstream`
    pub next_upstream: NextUpstream,
    /// `proxy_next_upstream_tries`; 0 is no limit.
    pub next_upstream_tries: u32,
    /// `proxy_next_upstream_timeout`; zero is no limit.
    pub next_upstream_timeout: Duration,
    /// `proxy_http_version`
    pub http_version: ProxyHttpVersion,
    /// Request fields as sent upstream: what `proxy_set_header` wrote, plus the defaults
    /// (`Host $proxy_host`, `Connection` by version) that it did not override. An empty value
    /// removes the field.
    pub set_headers: Vec<(String, Template)>,
    /// `proxy_hide_header` with the defaults, less `proxy_pass_header`; lower case.
    pub hide_headers: Vec<String>,
    /// `proxy_pass_request_headers`, on.
    pub pass_request_headers: bool,
    /// `proxy_redirect`
    pub redirect: ProxyRedirect,
    /// `proxy_intercept_errors`
    pub intercept_errors: bool,
    /// `proxy_request_buffering`, on: the request body is read before a peer is chosen.
    pub request_buffering: bool,
    /// `proxy_buffer_size`: most bytes of a response head, 4 KiB.
    pub buffer_size: usize,
    /// `proxy_buffers`: most bytes of a response held for a slow client; number × size, 8 × 4 KiB.
    pub buffers: usize,
    /// `proxy_ignore_client_abort`
    pub ignore_client_abort: bool,
}

/// `proxy_http_version`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum ProxyHttpVersion {
    /// 1.0
    Http10,
    /// 1.1, also when absent.
    Http11,
}

/// `proxy_redirect`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ProxyRedirect {
    /// `off`
    Off,
    /// `default`, or absent: the `proxy_pass` URL becomes the location's prefix.
    Default,
    /// `FROM TO`, in file order; the first whose `FROM` is a prefix is applied.
    Rules(Vec<(Template, Template)>),
}

/// `proxy_next_upstream`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NextUpstream {
    /// `error`
    pub error: bool,
    /// `timeout`
    pub timeout: bool,
    /// `invalid_header`
    pub invalid_header: bool,
    /// `http_500` … `http_429`
    pub statuses: Vec<u16>,
    /// `non_idempotent`
    pub non_idempotent: bool,
}
