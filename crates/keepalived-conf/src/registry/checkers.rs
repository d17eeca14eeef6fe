//! Checks of real servers: `TCP_CHECK`, `HTTP_GET`, `SSL_GET`, `MISC_CHECK`, `SMTP_CHECK`,
//! `DNS_CHECK`, `PING_CHECK`, `UDP_CHECK`, `FILE_CHECK`, `BFD_CHECK`.

use super::Context::{
    BfdCheck, DnsCheck, FileCheck, HttpGet, MiscCheck, PingCheck, RealServer, SmtpCheck, SmtpHost, TcpCheck,
    UdpCheck, Url,
};
use super::{
    COMMAND, Context, Keyword, LONGEST, NONE, SWITCH, WORD, dead, integer, integer_and, later, seconds, words,
};

/// Checks that open a connection.
const CONNECTING: &[Context] = &[TcpCheck, HttpGet, SmtpCheck, SmtpHost, DnsCheck, PingCheck, UdpCheck];
/// Checks with tries of their own.
const RETRYING: &[Context] =
    &[TcpCheck, HttpGet, SmtpCheck, DnsCheck, PingCheck, UdpCheck, MiscCheck, FileCheck];

pub(super) const WORDS: &[Keyword] = &[
    later("TCP_CHECK", &[RealServer], NONE, "connects").block(TcpCheck).repeats(),
    later("HTTP_GET", &[RealServer], NONE, "asks for pages").block(HttpGet).repeats(),
    later("SSL_GET", &[RealServer], NONE, "asks for pages by TLS").block(HttpGet).repeats(),
    later("MISC_CHECK", &[RealServer], NONE, "runs a script").block(MiscCheck).repeats(),
    later("SMTP_CHECK", &[RealServer], NONE, "talks to a mail server").block(SmtpCheck).repeats(),
    later("DNS_CHECK", &[RealServer], NONE, "asks a name server").block(DnsCheck).repeats(),
    later("PING_CHECK", &[RealServer], NONE, "sends echo requests").block(PingCheck).repeats(),
    later("UDP_CHECK", &[RealServer], NONE, "sends a datagram").block(UdpCheck).repeats(),
    later("FILE_CHECK", &[RealServer], NONE, "reads a file").block(FileCheck).repeats(),
    later("BFD_CHECK", &[RealServer], NONE, "follows a BFD session").block(BfdCheck).repeats(),
    later("connect_ip", CONNECTING, WORD, "address to connect to; that of the real server when absent"),
    later(
        "connect_port",
        CONNECTING,
        integer(1, 65_535),
        "port to connect to; that of the real server when absent",
    ),
    later("bindto", CONNECTING, WORD, "source address"),
    later("bind_port", CONNECTING, integer(1, 65_535), "source port"),
    later("bind_if", CONNECTING, WORD, "source interface"),
    later("connect_timeout", CONNECTING, seconds(1, LONGEST), "limit for connecting, 5 s when absent"),
    later("fwmark", CONNECTING, integer(0, 4_294_967_295), "mark of packets"),
    later("retry", RETRYING, integer(0, 4_294_967_295), "further tries before the check fails"),
    later("delay_before_retry", RETRYING, seconds(0, LONGEST), "wait between tries"),
    later("warmup", RETRYING, seconds(0, LONGEST), "longest random wait before the first check"),
    later("delay_loop", RETRYING, seconds(1, LONGEST), "time between checks"),
    later("alpha", RETRYING, SWITCH, "counts as failed until checked"),
    later("alpha", &[BfdCheck], SWITCH, "counts as failed until checked"),
    later("log_all_failures", RETRYING, SWITCH, "log every failed try"),
    // HTTP.
    later("url", &[HttpGet], NONE, "one page").block(Url).repeats(),
    later("path", &[Url], WORD, "path of the page"),
    later("digest", &[Url], WORD, "MD5 of the page"),
    later("status_code", &[Url], words(1, 64), "codes or ranges that are right, 200-299 when absent"),
    later("virtualhost", &[Url, HttpGet], WORD, "Host header"),
    later("regex", &[Url], words(1, 64), "what the page has to contain"),
    later("regex_no_match", &[Url], NONE, "the page must not contain it"),
    later("regex_options", &[Url], words(1, 64), "options of the regular expression"),
    later("regex_min_offset", &[Url], integer(0, 4_294_967_295), "where the match may begin"),
    later("regex_max_offset", &[Url], integer(1, 4_294_967_295), "where the match must have begun"),
    later("regex_stack", &[Url], words(1, 2), "stack of the regular expression"),
    later("tls_compliant", &[Url, HttpGet], SWITCH, "insist on a proper end of TLS"),
    later("http_protocol", &[HttpGet], WORD, "1.0, 1.0C, 1.0c, 1.1 or 1.1k"),
    later("enable_sni", &[HttpGet], SWITCH, "send the host name in TLS"),
    later("sni_name", &[HttpGet], WORD, "the name to send in TLS"),
    later("fast_recovery", &[HttpGet], SWITCH, "up again after one good page"),
    later("nb_get_retry", &[HttpGet], integer(0, 4_294_967_295), "old name of retry"),
    dead(
        "nb_get_retry",
        &[TcpCheck, SmtpCheck, MiscCheck],
        words(0, 1),
        "belongs to HTTP_GET; the word for this check is retry",
    ),
    // Others.
    later("misc_path", &[MiscCheck], COMMAND, "the script"),
    later("misc_timeout", &[MiscCheck], integer(1, 4_294_967_295), "limit for a run, seconds"),
    later("misc_dynamic", &[MiscCheck], NONE, "the exit code sets the weight"),
    later("user", &[MiscCheck], words(1, 2), "user and group of the script"),
    later("helo_name", &[SmtpCheck], WORD, "name given in HELO"),
    later("host", &[SmtpCheck], NONE, "old way to write connection words").block(SmtpHost).repeats(),
    later("type", &[DnsCheck], WORD, "type of the question, SOA when absent"),
    later("name", &[DnsCheck], WORD, "name asked for, the root when absent"),
    later("payload", &[UdpCheck], WORD, "what to send, hexadecimal"),
    later("require_reply", &[UdpCheck], words(0, 1), "an answer must come"),
    later("min_reply_length", &[UdpCheck], integer(0, 65_535), "shortest good answer"),
    later("max_reply_length", &[UdpCheck], integer(0, 65_535), "longest good answer"),
    later("track_file", &[FileCheck], WORD, "the track_file"),
    later("weight", &[FileCheck], integer_and(-2_147_483_647, 2_147_483_647, 1), "factor of its number"),
    later("name", &[BfdCheck], WORD, "the bfd_instance"),
];
