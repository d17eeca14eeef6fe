//! Directives of `stream`: one row each.

#[allow(clippy::wildcard_imports)]
use super::row::*;

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    // ngx_stream
    once("stream", &[MAIN], 0, 0, Block, UNSUPPORTED),
    // ngx_stream_access_module
    many("allow", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    many("deny", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    // ngx_stream_core_module
    once("variables_hash_max_size", &[STREAM], 1, 1, Words, UNSUPPORTED),
    once("variables_hash_bucket_size", &[STREAM], 1, 1, Words, UNSUPPORTED),
    once("server_names_hash_max_size", &[STREAM], 1, 1, Words, UNSUPPORTED),
    once("server_names_hash_bucket_size", &[STREAM], 1, 1, Words, UNSUPPORTED),
    many("server", &[STREAM], 0, 0, Block, UNSUPPORTED),
    many("listen", &[STREAM_SERVER], 1, ANY, Words, ACTING),
    many("server_name", &[STREAM_SERVER], 1, ANY, Words, ACTING),
    many("error_log", &[STREAM, STREAM_SERVER], 1, ANY, Words, UNSUPPORTED),
    once("resolver", &[STREAM, STREAM_SERVER], 1, ANY, Words, UNSUPPORTED),
    once("resolver_timeout", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("proxy_protocol_timeout", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("tcp_nodelay", &[STREAM, STREAM_SERVER], 1, 1, Flag, UNSUPPORTED),
    once("preread_buffer_size", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("preread_timeout", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    // ngx_stream_geo_module
    once("geo", &[STREAM], 1, 2, Block, UNSUPPORTED),
    // ngx_stream_geoip_module
    once("geoip_country", &[STREAM], 1, 2, Words, UNSUPPORTED),
    once("geoip_org", &[STREAM], 1, 2, Words, UNSUPPORTED),
    once("geoip_city", &[STREAM], 1, 2, Words, UNSUPPORTED),
    // ngx_stream_limit_conn_module
    once("limit_conn_zone", &[STREAM], 2, 2, Words, UNSUPPORTED),
    once("limit_conn", &[STREAM, STREAM_SERVER], 2, 2, Words, UNSUPPORTED),
    once("limit_conn_log_level", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("limit_conn_dry_run", &[STREAM, STREAM_SERVER], 1, 1, Flag, UNSUPPORTED),
    // ngx_stream_log_module
    many("log_format", &[STREAM], 2, ANY, Words, UNSUPPORTED),
    many("access_log", &[STREAM, STREAM_SERVER], 1, ANY, Words, UNSUPPORTED),
    once("open_log_file_cache", &[STREAM, STREAM_SERVER], 1, 4, Words, UNSUPPORTED),
    // ngx_stream_map_module
    once("map", &[STREAM], 2, 2, Block, UNSUPPORTED),
    once("map_hash_max_size", &[STREAM], 1, 1, Words, UNSUPPORTED),
    once("map_hash_bucket_size", &[STREAM], 1, 1, Words, UNSUPPORTED),
    // ngx_stream_pass_module
    once("pass", &[STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    // ngx_stream_proxy_module
    once("proxy_pass", &[STREAM_SERVER], 1, 1, Words, ACTING),
    once("proxy_bind", &[STREAM, STREAM_SERVER], 1, 2, Words, UNSUPPORTED),
    once("proxy_socket_keepalive", &[STREAM, STREAM_SERVER], 1, 1, Flag, UNSUPPORTED),
    once("proxy_socket_rcvbuf", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("proxy_socket_sndbuf", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("proxy_connect_timeout", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("proxy_timeout", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("proxy_buffer_size", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("proxy_downstream_buffer", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("proxy_upstream_buffer", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("proxy_upload_rate", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("proxy_download_rate", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("proxy_requests", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("proxy_responses", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    many("proxy_next_upstream", &[STREAM, STREAM_SERVER], 1, 1, Flag, UNSUPPORTED),
    once("proxy_next_upstream_tries", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("proxy_next_upstream_timeout", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("proxy_protocol", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("proxy_half_close", &[STREAM, STREAM_SERVER], 1, 1, Flag, UNSUPPORTED),
    once("proxy_ssl", &[STREAM, STREAM_SERVER], 1, 1, Flag, UNSUPPORTED),
    once("proxy_ssl_session_reuse", &[STREAM, STREAM_SERVER], 1, 1, Flag, UNSUPPORTED),
    once("proxy_ssl_protocols", &[STREAM, STREAM_SERVER], 1, ANY, Words, UNSUPPORTED),
    once("proxy_ssl_ciphers", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("proxy_ssl_name", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("proxy_ssl_server_name", &[STREAM, STREAM_SERVER], 1, 1, Flag, UNSUPPORTED),
    once("proxy_ssl_alpn", &[STREAM, STREAM_SERVER], 1, ANY, Words, UNSUPPORTED),
    once("proxy_ssl_verify", &[STREAM, STREAM_SERVER], 1, 1, Flag, UNSUPPORTED),
    once("proxy_ssl_verify_depth", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("proxy_ssl_trusted_certificate", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("proxy_ssl_crl", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("proxy_ssl_certificate", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("proxy_ssl_certificate_key", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("proxy_ssl_certificate_cache", &[STREAM, STREAM_SERVER], 1, 3, Words, UNSUPPORTED),
    once("proxy_ssl_password_file", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("proxy_ssl_conf_command", &[STREAM, STREAM_SERVER], 2, 2, Words, UNSUPPORTED),
    // ngx_stream_realip_module
    once("set_real_ip_from", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    // ngx_stream_return_module
    many("return", &[STREAM_SERVER], 1, 1, Words, ACTING),
    // ngx_stream_set_module
    many("set", &[STREAM_SERVER], 2, 2, Words, ACTING),
    // ngx_stream_split_clients_module
    once("split_clients", &[STREAM], 2, 2, Block, UNSUPPORTED),
    // ngx_stream_ssl_module
    once("ssl_handshake_timeout", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_certificate", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_certificate_key", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_certificate_cache", &[STREAM, STREAM_SERVER], 1, 3, Words, UNSUPPORTED),
    once("ssl_ech_file", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_password_file", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_certificate_compression", &[STREAM, STREAM_SERVER], 1, 1, Flag, UNSUPPORTED),
    once("ssl_dhparam", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_ecdh_curve", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_protocols", &[STREAM, STREAM_SERVER], 1, ANY, Words, UNSUPPORTED),
    once("ssl_ciphers", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_verify_client", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_verify_depth", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_client_certificate", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_trusted_certificate", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_prefer_server_ciphers", &[STREAM, STREAM_SERVER], 1, 1, Flag, UNSUPPORTED),
    once("ssl_session_cache", &[STREAM, STREAM_SERVER], 1, 2, Words, UNSUPPORTED),
    once("ssl_session_tickets", &[STREAM, STREAM_SERVER], 1, 1, Flag, UNSUPPORTED),
    once("ssl_session_ticket_key", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_session_timeout", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_crl", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_ocsp", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_ocsp_responder", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_ocsp_cache", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_stapling", &[STREAM, STREAM_SERVER], 1, 1, Flag, UNSUPPORTED),
    once("ssl_stapling_file", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_stapling_responder", &[STREAM, STREAM_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_stapling_verify", &[STREAM, STREAM_SERVER], 1, 1, Flag, UNSUPPORTED),
    once("ssl_conf_command", &[STREAM, STREAM_SERVER], 2, 2, Words, UNSUPPORTED),
    once("ssl_reject_handshake", &[STREAM, STREAM_SERVER], 1, 1, Flag, UNSUPPORTED),
    once("ssl_alpn", &[STREAM, STREAM_SERVER], 1, ANY, Words, UNSUPPORTED),
    // ngx_stream_ssl_preread_module
    once("ssl_preread", &[STREAM, STREAM_SERVER], 1, 1, Flag, UNSUPPORTED),
    // ngx_stream_upstream
    many("upstream", &[STREAM], 1, 1, Block, UNSUPPORTED),
    many("server", &[STREAM_UPSTREAM], 1, ANY, Words, ACTING),
    once("resolver", &[STREAM_UPSTREAM], 1, ANY, Words, needs("a name looked up while running")),
    once("resolver_timeout", &[STREAM_UPSTREAM], 1, 1, Words, needs("a name looked up while running")),
    // ngx_stream_upstream_hash_module
    once("hash", &[STREAM_UPSTREAM], 1, 2, Words, UNSUPPORTED),
    // ngx_stream_upstream_least_conn_module
    many("least_conn", &[STREAM_UPSTREAM], 0, 0, Words, ACTING),
    // ngx_stream_upstream_least_time_module
    once("least_time", &[STREAM_UPSTREAM], 1, 2, Words, UNSUPPORTED),
    // ngx_stream_upstream_random_module
    once("random", &[STREAM_UPSTREAM], 0, 2, Words, UNSUPPORTED),
    // ngx_stream_upstream_zone_module
    many("zone", &[STREAM_UPSTREAM], 1, 2, Words, no_effect("peers are shared by all threads without it")),
];
