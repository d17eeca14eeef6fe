//! Redirects.

use super::local::Target;
use super::{Local, Means, builtin_page};
use crate::request::Request;
use http1::uri::{Escape, escape};
use nginx_conf::model::Variable;

/// Redirects to a path of this server, which is escaped; the arguments go along.
pub(super) fn to_path(request: &Request, status: u16, path: &[u8], means: &Means<'_>) -> Local {
    let mut url = Vec::new();
    escape(path, Escape::Path, &mut url);
    if !request.args.is_empty() {
        url.push(b'?');
        url.extend_from_slice(&request.args);
    }
    to(request, status, &url, means)
}

/// Redirects to a URL, which is made absolute if the configuration says so.
pub(super) fn to(request: &Request, status: u16, url: &[u8], means: &Means<'_>) -> Local {
    let mut location = Vec::new();
    let target = if url.starts_with(b"/") && request.settings().absolute_redirect {
        Target::Here
    } else {
        Target::Elsewhere
    };
    if target == Target::Here {
        write_origin(request, &mut location, means);
    }
    location.extend(url.iter().filter(|b| !matches!(b, b'\r' | b'\n' | 0)));
    let is_redirect = matches!(status, 301 | 302 | 303 | 307 | 308);
    let mut answer = if is_redirect { builtin_page(request, status) } else { Local::empty(request, status) };
    answer.location = Some((location, target));
    answer
}

/// `http://name[:port]`, by `server_name_in_redirect` and `port_in_redirect`.
pub(crate) fn write_origin(request: &Request, out: &mut Vec<u8>, means: &Means<'_>) {
    out.extend_from_slice(b"http://");
    let settings = request.settings();
    let server = request.site.server_model(request.server);
    let name = server.map_or(&b""[..], |s| s.name.as_bytes());
    if settings.server_name_in_redirect && !name.is_empty() {
        out.extend_from_slice(name);
    } else if request.parsed.host.is_some() {
        out.extend_from_slice(&request.host);
    } else {
        // Without a name asked for, the address is all that surely leads back here.
        request.variable(&Variable::ServerAddr, means.clock, out);
    }
    if settings.port_in_redirect {
        let mut port = Vec::new();
        request.variable(&Variable::ServerPort, means.clock, &mut port);
        if !port.is_empty() && port != b"80" {
            out.push(b':');
            out.extend_from_slice(&port);
        }
    }
}
