//! Error answers: `error_page`, and the pages that are built in.

use super::{Local, MOST_REDIRECTS, Means, Next, redirect};
use crate::request::Request;
use crate::{SERVER, SERVER_WITH_VERSION};
use http1::{Method, status};
use nginx_conf::model::{ErrorPage, ErrorTarget, ServerTokens};

/// Answers an error, by `error_page` if there is one for it.
pub(super) fn fail(request: &mut Request, means: &Means<'_>, code: u16) -> Next {
    if matches!(code, 400 | 413 | 414 | 431 | 500 | 501 | 505) {
        request.keep_alive = false;
    }
    let page = page_for(request, code).cloned();
    let Some(page) = page.filter(|_| request.redirects < MOST_REDIRECTS) else {
        return Next::answer(builtin_page(request, code));
    };
    request.redirects += 1;
    request.error_status = match page.overwrite {
        None => Some(code),
        Some(status) => status.or(Some(0)),
    };
    match &page.target {
        ErrorTarget::Uri(uri) => {
            let uri = request.value(uri, means.clock);
            let (path, args) = http1::uri::split_query(&uri);
            request.args = args.unwrap_or(b"").to_vec();
            request.path = path.to_vec();
            request.changed = true;
            request.internal = true;
            if request.method != Method::Head {
                request.method = Method::Get;
                request.method_changed = true;
            }
            Next::Server
        }
        ErrorTarget::Named(name) => match request.site.named(request.server, name) {
            Some(location) => {
                request.internal = true;
                Next::Location(location)
            }
            None => Next::answer(builtin_page(request, 500)),
        },
        ErrorTarget::Url(url) => {
            let url = request.value(url, means.clock);
            let status = match page.overwrite {
                Some(Some(status @ (301 | 302 | 303 | 307 | 308))) => status,
                _ => 302,
            };
            request.error_status = None;
            Next::answer(redirect::to(request, status, &url, means))
        }
    }
}

/// Whether an upstream's answer of this status is replaced by an `error_page`.
pub(crate) fn intercepts(request: &Request, code: u16) -> bool {
    request.settings().proxy.intercept_errors && code >= 300 && page_for(request, code).is_some()
}

fn page_for(request: &Request, code: u16) -> Option<&ErrorPage> {
    let settings = request.settings();
    if request.error_status.is_some() && !settings.recursive_error_pages {
        return None;
    }
    settings.error_pages.iter().find(|page| page.codes.contains(&code))
}

/// The page for a status that has no page of its own.
pub(crate) fn builtin_page(request: &Request, code: u16) -> Local {
    let product = match request.settings().server_tokens {
        ServerTokens::On => SERVER_WITH_VERSION,
        ServerTokens::Off => SERVER,
    };
    if status::reason(code).is_empty() || code < 300 || code == 304 {
        return Local::empty(request, code);
    }
    let reason = if code == 302 { "Found" } else { status::reason(code) };
    let title = format!("{code} {reason}");
    let page = format!(
        "<html>\r\n<head><title>{title}</title></head>\r\n<body>\r\n<center><h1>{title}</h1></center>\r\n\
         <hr><center>{product}</center>\r\n</body>\r\n</html>\r\n"
    );
    let mut answer = Local::text(request, code, "text/html", page.into_bytes());
    answer.builtin = true;
    answer
}
