//! Words with variables in them, and regular expressions.

use serde::{Deserialize, Serialize};

/// A word, split into what is constant and what is not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Template {
    /// The parts in order; neighbouring literals are joined, and an empty word has no parts.
    pub parts: Vec<Part>,
}

/// A part of a [`Template`].
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Part {
    /// Bytes as they are.
    Literal(Vec<u8>),
    /// The value of a variable.
    Variable(Variable),
}

impl Template {
    /// A word without variables.
    pub fn literal(bytes: impl Into<Vec<u8>>) -> Self {
        let bytes = bytes.into();
        Self { parts: if bytes.is_empty() { Vec::new() } else { vec![Part::Literal(bytes)] } }
    }

    /// The word, when it has no variables.
    pub fn constant(&self) -> Option<&[u8]> {
        match self.parts.as_slice() {
            [] => Some(b""),
            [Part::Literal(bytes)] => Some(bytes),
            _ => None,
        }
    }
}

/// A regular expression as written, PCRE syntax.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Pattern {
    /// The expression, without `~` or `~*`.
    pub source: String,
    /// `~*`.
    pub caseless: bool,
    /// Named groups: the name, and the user variable that receives it.
    pub names: Vec<(String, usize)>,
}

/// A variable. Names with a family (`$http_…`) keep the part after the family's prefix, in lower
/// case; header names keep `_` where the header has `-`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Variable {
    /// `$1` … `$9`: a group of the last expression that matched.
    Capture(usize),
    /// Made by `set` or a named group: index into [`Http::user_variables`](super::Http::user_variables).
    User(usize),
    /// `$http_NAME`
    RequestHeader(String),
    /// `$sent_http_NAME`
    SentHeader(String),
    /// `$upstream_http_NAME`
    UpstreamHeader(String),
    /// `$arg_NAME`
    Arg(String),
    /// `$cookie_NAME`
    Cookie(String),
    /// `$args`, `$query_string`
    Args,
    /// `$is_args`
    IsArgs,
    /// `$uri`, `$document_uri`: decoded and normalised
    Uri,
    /// `$request_uri`: as the client sent it
    RequestUri,
    /// `$request`
    Request,
    /// `$request_method`
    RequestMethod,
    /// `$request_filename`
    RequestFilename,
    /// `$request_length`
    RequestLength,
    /// `$request_time`
    RequestTime,
    /// `$request_id`
    RequestId,
    /// `$request_completion`
    RequestCompletion,
    /// `$document_root`
    DocumentRoot,
    /// `$realpath_root`
    RealpathRoot,
    /// `$host`
    Host,
    /// `$hostname`
    Hostname,
    /// `$scheme`
    Scheme,
    /// `$https`
    Https,
    /// `$server_name`
    ServerName,
    /// `$server_addr`
    ServerAddr,
    /// `$server_port`
    ServerPort,
    /// `$server_protocol`
    ServerProtocol,
    /// `$remote_addr`
    RemoteAddr,
    /// `$binary_remote_addr`
    BinaryRemoteAddr,
    /// `$remote_port`
    RemotePort,
    /// `$remote_user`
    RemoteUser,
    /// `$status`
    Status,
    /// `$body_bytes_sent`
    BodyBytesSent,
    /// `$bytes_sent`
    BytesSent,
    /// `$content_length`
    ContentLength,
    /// `$content_type`
    ContentType,
    /// `$connection`
    Connection,
    /// `$connection_requests`
    ConnectionRequests,
    /// `$connection_time`
    ConnectionTime,
    /// `$time_local`
    TimeLocal,
    /// `$time_iso8601`
    TimeIso8601,
    /// `$msec`
    Msec,
    /// `$nginx_version`
    NginxVersion,
    /// `$pid`
    Pid,
    /// `$pipe`
    Pipe,
    /// `$gzip_ratio`
    GzipRatio,
    /// `$limit_rate`
    LimitRate,
    /// `$proxy_host`
    ProxyHost,
    /// `$proxy_port`
    ProxyPort,
    /// `$proxy_add_x_forwarded_for`
    ProxyAddXForwardedFor,
    /// `$upstream_addr`
    UpstreamAddr,
    /// `$upstream_status`
    UpstreamStatus,
    /// `$upstream_connect_time`
    UpstreamConnectTime,
    /// `$upstream_header_time`
    UpstreamHeaderTime,
    /// `$upstream_response_time`
    UpstreamResponseTime,
    /// `$upstream_response_length`
    UpstreamResponseLength,
    /// `$upstream_bytes_sent`
    UpstreamBytesSent,
    /// `$upstream_bytes_received`
    UpstreamBytesReceived,
    /// `$connections_active`
    ConnectionsActive,
    /// `$connections_reading`
    ConnectionsReading,
    /// `$connections_writing`
    ConnectionsWriting,
    /// `$connections_waiting`
    ConnectionsWaiting,
}
