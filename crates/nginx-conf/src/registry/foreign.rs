//! Modules that are not nginx's own, so that an unknown word can be told where it comes from.

/// Names, or beginnings of names when they end in `*`, and the module that brings them.
const FOREIGN: &[(&str, &str)] = &[
    ("more_*", "headers-more-nginx-module"),
    ("*_by_lua", "lua-nginx-module (OpenResty)"),
    ("*_by_lua_block", "lua-nginx-module (OpenResty)"),
    ("*_by_lua_file", "lua-nginx-module (OpenResty)"),
    ("lua_*", "lua-nginx-module (OpenResty)"),
    ("js_*", "njs"),
    ("brotli*", "ngx_brotli"),
    ("zstd*", "zstd-nginx-module"),
    ("echo*", "echo-nginx-module"),
    ("set_escape_uri", "set-misc-nginx-module"),
    ("set_unescape_uri", "set-misc-nginx-module"),
    ("set_sha1", "set-misc-nginx-module"),
    ("set_md5", "set-misc-nginx-module"),
    ("set_quote_sql_str", "set-misc-nginx-module"),
    ("postgres_*", "ngx_postgres"),
    ("redis*", "a Redis module"),
    ("rtmp*", "nginx-rtmp-module"),
    ("modsecurity*", "ModSecurity-nginx"),
    ("passenger_*", "Phusion Passenger"),
    ("rails_env", "Phusion Passenger"),
    ("vod*", "nginx-vod-module"),
    ("pagespeed", "ngx_pagespeed"),
    ("check*", "nginx_upstream_check_module (Tengine)"),
    ("session_sticky", "Tengine"),
    ("proxy_connect*", "ngx_http_proxy_connect_module"),
    ("fastcgi_cache_purge", "ngx_cache_purge"),
    ("proxy_cache_purge", "ngx_cache_purge"),
    ("dav_ext_*", "nginx-dav-ext-module"),
    ("fancyindex*", "ngx-fancyindex"),
    ("auth_ldap*", "nginx-auth-ldap"),
    ("auth_pam*", "ngx_http_auth_pam_module"),
    ("shib_*", "nginx-http-shibboleth"),
    ("subs_filter*", "ngx_http_substitutions_filter_module"),
    ("geoip2*", "ngx_http_geoip2_module"),
    ("vhost_traffic_status*", "nginx-module-vts"),
    ("upload*", "nginx-upload-module"),
    ("track_uploads", "nginx-upload-progress-module"),
    ("report_uploads", "nginx-upload-progress-module"),
    ("push_stream*", "nginx-push-stream-module"),
    ("nchan*", "nchan"),
    ("google*", "ngx_http_google_filter_module"),
    ("*_by_php*", "ngx_php"),
    ("content_by_php*", "ngx_php"),
    ("php_*", "ngx_php"),
    ("perl*", "ngx_http_perl_module"),
    ("otel_*", "ngx_otel_module"),
    ("opentracing*", "nginx-opentracing"),
    ("acme_*", "ngx_http_acme_module"),
    ("app_protect_*", "NGINX App Protect"),
    ("spnego*", "spnego-http-auth-nginx-module"),
    ("auth_gss*", "spnego-http-auth-nginx-module"),
    ("naxsi*", "naxsi"),
    ("health_check*", "NGINX Plus"),
    ("status_zone", "NGINX Plus"),
    ("status", "NGINX Plus"),
    ("api", "NGINX Plus"),
    ("match", "NGINX Plus"),
    ("keyval*", "NGINX Plus"),
    ("state", "NGINX Plus"),
    ("ntlm", "NGINX Plus"),
    ("queue", "NGINX Plus"),
    ("slow_start", "NGINX Plus"),
    ("zone_sync*", "NGINX Plus"),
    ("auth_jwt*", "NGINX Plus"),
    ("auth_oidc*", "NGINX Plus"),
    ("session_log*", "NGINX Plus"),
    ("hls*", "NGINX Plus"),
    ("f4f*", "NGINX Plus"),
    ("mgmt", "NGINX Plus"),
    ("spdy_*", "an nginx older than 1.9.5"),
    ("limit_zone", "an nginx older than 1.7.6"),
    ("http2_push*", "an nginx older than 1.25.1"),
];

/// Modules of nginx's own that distributions build as loadable ones.
const BUILT_IN: &[&str] = &[
    "ngx_http_geoip_module",
    "ngx_http_image_filter_module",
    "ngx_http_xslt_filter_module",
    "ngx_mail_module",
    "ngx_stream_module",
    "ngx_stream_geoip_module",
];

/// The module that a word belongs to, when it is a well-known one that is not nginx's own.
pub fn foreign_module(name: &str) -> Option<&'static str> {
    FOREIGN.iter().find(|(pattern, _)| matches(pattern, name)).map(|(_, module)| *module)
}

fn matches(pattern: &str, name: &str) -> bool {
    match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(rest), Some(_)) => name.contains(rest.trim_end_matches('*')),
        (Some(end), None) => name.ends_with(end),
        (None, Some(start)) => name.starts_with(start),
        (None, None) => name == pattern,
    }
}

/// Whether the file of a `load_module` is a module whose directives are in this registry.
pub fn built_in_module(path: &str) -> bool {
    let file = path.rsplit('/').next().unwrap_or(path);
    BUILT_IN.contains(&file.strip_suffix(".so").unwrap_or(file))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_the_module_of_a_foreign_word() {
        assert_eq!(foreign_module("content_by_lua_block"), Some("lua-nginx-module (OpenResty)"));
        assert_eq!(foreign_module("more_set_headers"), Some("headers-more-nginx-module"));
        assert_eq!(foreign_module("server_nam"), None);
    }

    #[test]
    fn knows_modules_by_file() {
        assert!(built_in_module("modules/ngx_stream_module.so"));
        assert!(built_in_module("/usr/lib/nginx/modules/ngx_http_image_filter_module.so"));
        assert!(!built_in_module("modules/ndk_http_module.so"));
    }
}
