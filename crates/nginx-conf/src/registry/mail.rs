//! Directives of `mail`: one row each.

#[allow(clippy::wildcard_imports)]
use super::row::*;

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    // ngx_mail_core_module
    once("mail", &[MAIN], 0, 0, Block, UNSUPPORTED),
    many("server", &[MAIL], 0, 0, Block, UNSUPPORTED),
    many("listen", &[MAIL_SERVER], 1, ANY, Words, UNSUPPORTED),
    once("protocol", &[MAIL_SERVER], 1, 1, Words, UNSUPPORTED),
    once("timeout", &[MAIL, MAIL_SERVER], 1, 1, Words, UNSUPPORTED),
    many("server_name", &[MAIL, MAIL_SERVER], 1, 1, Words, UNSUPPORTED),
    once("resolver_timeout", &[MAIL, MAIL_SERVER], 1, 1, Words, UNSUPPORTED),
    once("max_errors", &[MAIL, MAIL_SERVER], 1, 1, Words, UNSUPPORTED),
    many("error_log", &[MAIL, MAIL_SERVER], 1, ANY, Words, UNSUPPORTED),
    once("resolver", &[MAIL, MAIL_SERVER], 1, ANY, Words, UNSUPPORTED),
    // ngx_mail_auth_http_module
    once("auth_http", &[MAIL, MAIL_SERVER], 1, 1, Words, UNSUPPORTED),
    once("auth_http_timeout", &[MAIL, MAIL_SERVER], 1, 1, Words, UNSUPPORTED),
    once("auth_http_header", &[MAIL, MAIL_SERVER], 2, 2, Words, UNSUPPORTED),
    once("auth_http_pass_client_cert", &[MAIL, MAIL_SERVER], 1, 1, Flag, UNSUPPORTED),
    // ngx_mail_proxy_module
    once("proxy", &[MAIL, MAIL_SERVER], 1, 1, Flag, UNSUPPORTED),
    once("proxy_pass_error_message", &[MAIL, MAIL_SERVER], 1, 1, Flag, UNSUPPORTED),
    once("proxy_smtp_auth", &[MAIL, MAIL_SERVER], 1, 1, Flag, UNSUPPORTED),
    once("proxy_protocol", &[MAIL, MAIL_SERVER], 1, 1, Flag, UNSUPPORTED),
    once("proxy_buffer", &[MAIL, MAIL_SERVER], 1, 1, Words, UNSUPPORTED),
    once("proxy_timeout", &[MAIL, MAIL_SERVER], 1, 1, Words, UNSUPPORTED),
    // ngx_mail_imap_module
    once("imap_client_buffer", &[MAIL, MAIL_SERVER], 1, 1, Words, UNSUPPORTED),
    once("imap_capabilities", &[MAIL, MAIL_SERVER], 1, ANY, Words, UNSUPPORTED),
    once("imap_auth", &[MAIL, MAIL_SERVER], 1, ANY, Words, UNSUPPORTED),
    // ngx_mail_pop3_module
    once("pop3_capabilities", &[MAIL, MAIL_SERVER], 1, ANY, Words, UNSUPPORTED),
    once("pop3_auth", &[MAIL, MAIL_SERVER], 1, ANY, Words, UNSUPPORTED),
    // ngx_mail_smtp_module
    once("smtp_client_buffer", &[MAIL, MAIL_SERVER], 1, 1, Words, UNSUPPORTED),
    once("smtp_greeting_delay", &[MAIL, MAIL_SERVER], 1, 1, Words, UNSUPPORTED),
    once("smtp_capabilities", &[MAIL, MAIL_SERVER], 1, ANY, Words, UNSUPPORTED),
    once("smtp_auth", &[MAIL, MAIL_SERVER], 1, ANY, Words, UNSUPPORTED),
    // ngx_mail_realip_module
    once("set_real_ip_from", &[MAIL, MAIL_SERVER], 1, 1, Words, UNSUPPORTED),
    // ngx_mail_ssl_module
    once("ssl", &[MAIL, MAIL_SERVER], 1, 1, Flag, UNSUPPORTED),
    once("ssl_prefer_server_ciphers", &[MAIL, MAIL_SERVER], 1, 1, Flag, UNSUPPORTED),
    once("ssl_session_tickets", &[MAIL, MAIL_SERVER], 1, 1, Flag, UNSUPPORTED),
    once("starttls", &[MAIL, MAIL_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_certificate", &[MAIL, MAIL_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_certificate_key", &[MAIL, MAIL_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_password_file", &[MAIL, MAIL_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_dhparam", &[MAIL, MAIL_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_ecdh_curve", &[MAIL, MAIL_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_ciphers", &[MAIL, MAIL_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_session_ticket_key", &[MAIL, MAIL_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_session_timeout", &[MAIL, MAIL_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_verify_client", &[MAIL, MAIL_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_verify_depth", &[MAIL, MAIL_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_client_certificate", &[MAIL, MAIL_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_trusted_certificate", &[MAIL, MAIL_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_crl", &[MAIL, MAIL_SERVER], 1, 1, Words, UNSUPPORTED),
    once("ssl_session_cache", &[MAIL, MAIL_SERVER], 1, 2, Words, UNSUPPORTED),
    once("ssl_protocols", &[MAIL, MAIL_SERVER], 1, ANY, Words, UNSUPPORTED),
    once("ssl_conf_command", &[MAIL, MAIL_SERVER], 2, 2, Words, UNSUPPORTED),
];
