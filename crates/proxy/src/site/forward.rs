//! What `proxy_set_header`, `proxy_hide_header` and `proxy_pass_header` make of the heads that are
//! passed on, compiled.

use super::names::NameSet;
use http1::Known;
use nginx_conf::model::{Part, Proxy, Template, Variable};

/// What happens to the fields of requests and answers that a location passes on.
#[derive(Debug, Default)]
pub(crate) struct Forward {
    /// Fields that are written for the upstream.
    pub(crate) written: Vec<Written>,
    /// Fields of the client's that do not go on.
    pub(crate) kept_back: NameSet,
    /// Fields of the upstream's that do not go on.
    pub(crate) hidden: NameSet,
}

/// Something written for the upstream.
#[derive(Debug)]
pub(crate) enum Written {
    /// Whole lines that never change.
    Lines(Vec<u8>),
    /// A line with variables: nothing when its value is empty.
    Line {
        /// The name, with the colon and the space behind it.
        name: Vec<u8>,
        value: Template,
        /// Whether the value may hold what would begin a new line.
        wild: bool,
    },
}

/// Fields between two hops (RFC 9110 §7.6.1), and those that the proxy itself writes.
const HOP: [Known; 10] = [
    Known::Connection,
    Known::KeepAlive,
    Known::ProxyConnection,
    Known::Te,
    Known::Trailer,
    Known::TransferEncoding,
    Known::Upgrade,
    Known::Expect,
    Known::ContentLength,
    Known::Host,
];

/// Fields of an answer that hold between two hops, or are written anew for the client.
const ANSWERED: [Known; 9] = [
    Known::Connection,
    Known::KeepAlive,
    Known::ProxyConnection,
    Known::TransferEncoding,
    Known::Trailer,
    Known::ContentLength,
    Known::ContentType,
    Known::Server,
    Known::Date,
];

impl Forward {
    pub(super) fn compile(proxy: &Proxy) -> Self {
        let mut written: Vec<Written> = Vec::new();
        for (name, value) in &proxy.set_headers {
            let name = [name.as_bytes(), b": "].concat();
            match (value.constant(), written.last_mut()) {
                (Some(b""), _) => {}
                (Some(value), last) => {
                    let mut line = [&name, value].concat();
                    tame(&mut line);
                    line.extend_from_slice(b"\r\n");
                    match last {
                        Some(Written::Lines(lines)) => lines.append(&mut line),
                        _ => written.push(Written::Lines(line)),
                    }
                }
                (None, _) => {
                    let wild = !value.parts.iter().all(is_tame);
                    written.push(Written::Line { name, value: value.clone(), wild });
                }
            }
        }
        Self {
            written,
            kept_back: NameSet::of(proxy.set_headers.iter().map(|(name, _)| name.as_str()), &HOP),
            hidden: NameSet::of(proxy.hide_headers.iter().map(String::as_str), &ANSWERED),
        }
    }
}

/// Makes spaces of what would begin a new line.
pub(crate) fn tame(value: &mut [u8]) {
    for byte in value {
        if matches!(byte, b'\r' | b'\n' | 0) {
            *byte = b' ';
        }
    }
}

/// Whether a part never holds what would begin a new line: what stands in a head was checked, and
/// only what is decoded or taken from elsewhere was not.
fn is_tame(part: &Part) -> bool {
    use Variable as V;
    match part {
        Part::Literal(bytes) => !bytes.iter().any(|b| matches!(b, b'\r' | b'\n' | 0)),
        Part::Variable(variable) => matches!(
            variable,
            V::Host
                | V::RemoteAddr
                | V::RemotePort
                | V::ServerPort
                | V::Scheme
                | V::ProxyHost
                | V::ProxyPort
                | V::ProxyAddXForwardedFor
                | V::RequestHeader(_)
                | V::RequestUri
        ),
    }
}
