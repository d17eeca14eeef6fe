//! Every word of keepalived.conf: where it may stand, what follows it, whether we act on it.
//!
//! One row a word and place, after the words that keepalived 2.4.3 installs and those that old
//! files still carry. The parser, "did you mean" and the documentation come from these rows.

mod checkers;
mod global;
mod lvs;
mod process;
mod vrrp;

/// Where a word may stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Context {
    /// Outside of all blocks.
    Root,
    /// `global_defs { }`.
    Global,
    /// `notification_email { }`: addresses.
    MailAddresses,
    /// `vrrp_script NAME { }`.
    Script,
    /// `vrrp_track_process NAME { }`.
    TrackProcess,
    /// `track_file NAME { }` at the outer level.
    TrackFile,
    /// `vrrp_sync_group NAME { }`.
    SyncGroup,
    /// `vrrp_instance NAME { }`.
    Instance,
    /// `authentication { }`.
    Authentication,
    /// `auth_hmac { }`.
    AuthHmac,
    /// `virtual_ipaddress { }` and its kin: addresses.
    Addresses,
    /// `virtual_routes { }`, `static_routes { }`: routes.
    Routes,
    /// `virtual_rules { }`, `static_rules { }`: rules.
    Rules,
    /// `unicast_peer { }`: addresses.
    Peers,
    /// `track_…` and `group { }` within an instance or group: names.
    Names,
    /// `bfd_instance NAME { }`.
    Bfd,
    /// `virtual_server_group NAME { }`: addresses and ports.
    ServerGroup,
    /// `virtual_server … { }`.
    VirtualServer,
    /// `real_server IP PORT { }`.
    RealServer,
    /// `TCP_CHECK { }`.
    TcpCheck,
    /// `HTTP_GET { }` and `SSL_GET { }`.
    HttpGet,
    /// `url { }`.
    Url,
    /// `MISC_CHECK { }`.
    MiscCheck,
    /// `SMTP_CHECK { }`.
    SmtpCheck,
    /// `host { }` in `SMTP_CHECK`.
    SmtpHost,
    /// `DNS_CHECK { }`.
    DnsCheck,
    /// `PING_CHECK { }`.
    PingCheck,
    /// `UDP_CHECK { }`.
    UdpCheck,
    /// `FILE_CHECK { }`.
    FileCheck,
    /// `BFD_CHECK { }`.
    BfdCheck,
    /// `SSL { }`.
    Ssl,
    /// `garp_group { }`.
    GarpGroup,
    /// `track_group NAME { }`.
    TrackGroup,
}

impl Context {
    /// Whether the block holds entries of its own rather than keywords.
    pub fn is_list(self) -> bool {
        matches!(
            self,
            Self::MailAddresses
                | Self::Addresses
                | Self::Routes
                | Self::Rules
                | Self::Peers
                | Self::Names
                | Self::ServerGroup
        )
    }

    /// The place as it is called in a message.
    pub fn title(self) -> &'static str {
        match self {
            Self::Root => "the outer level",
            Self::Global => "`global_defs`",
            Self::MailAddresses => "`notification_email`",
            Self::Script => "`vrrp_script`",
            Self::TrackProcess => "`vrrp_track_process`",
            Self::TrackFile => "`track_file`",
            Self::SyncGroup => "`vrrp_sync_group`",
            Self::Instance => "`vrrp_instance`",
            Self::Authentication => "`authentication`",
            Self::AuthHmac => "`auth_hmac`",
            Self::Addresses => "a list of addresses",
            Self::Routes => "a list of routes",
            Self::Rules => "a list of rules",
            Self::Peers => "`unicast_peer`",
            Self::Names => "a list of names",
            Self::Bfd => "`bfd_instance`",
            Self::ServerGroup => "`virtual_server_group`",
            Self::VirtualServer => "`virtual_server`",
            Self::RealServer => "`real_server`",
            Self::TcpCheck => "`TCP_CHECK`",
            Self::HttpGet => "`HTTP_GET` or `SSL_GET`",
            Self::Url => "`url`",
            Self::MiscCheck => "`MISC_CHECK`",
            Self::SmtpCheck => "`SMTP_CHECK`",
            Self::SmtpHost => "`host` in `SMTP_CHECK`",
            Self::DnsCheck => "`DNS_CHECK`",
            Self::PingCheck => "`PING_CHECK`",
            Self::UdpCheck => "`UDP_CHECK`",
            Self::FileCheck => "`FILE_CHECK`",
            Self::BfdCheck => "`BFD_CHECK`",
            Self::Ssl => "`SSL`",
            Self::GarpGroup => "`garp_group`",
            Self::TrackGroup => "`track_group`",
        }
    }
}

/// What the first argument has to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any word.
    Text,
    /// A whole number between two bounds, both allowed.
    Integer(i64, i64),
    /// Decimal seconds between two bounds in microseconds, both allowed.
    Seconds(u64, u64),
    /// `on`, `off`, `true`, `false`, `yes` or `no`.
    Bool,
    /// One of these words.
    OneOf(&'static [&'static str]),
}

/// How many arguments, and of what kind the first is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arguments {
    /// At least so many.
    pub least: usize,
    /// At most so many.
    pub most: usize,
    /// The first of them.
    pub kind: Kind,
}

impl Arguments {
    /// The same, or nothing at all.
    const fn optional(mut self) -> Self {
        self.least = 0;
        self
    }
}

/// No argument.
const NONE: Arguments = Arguments { least: 0, most: 0, kind: Kind::Text };
/// One word.
const WORD: Arguments = Arguments { least: 1, most: 1, kind: Kind::Text };
/// `on` when nothing follows.
const SWITCH: Arguments = Arguments { least: 0, most: 1, kind: Kind::Bool };
/// A command: one quoted word, or words up to the end of the line.
const COMMAND: Arguments = Arguments { least: 1, most: usize::MAX, kind: Kind::Text };
/// Anything, also nothing.
const ANY: Arguments = Arguments { least: 0, most: usize::MAX, kind: Kind::Text };

/// A number of words between two bounds.
const fn words(least: usize, most: usize) -> Arguments {
    Arguments { least, most, kind: Kind::Text }
}

/// One whole number.
const fn integer(low: i64, high: i64) -> Arguments {
    Arguments { least: 1, most: 1, kind: Kind::Integer(low, high) }
}

/// One whole number and up to `more` words.
const fn integer_and(low: i64, high: i64, more: usize) -> Arguments {
    Arguments { least: 1, most: 1 + more, kind: Kind::Integer(low, high) }
}

/// One number of seconds, bounds in microseconds.
const fn seconds(low: u64, high: u64) -> Arguments {
    Arguments { least: 1, most: 1, kind: Kind::Seconds(low, high) }
}

/// One of these words, then up to `more` words.
const fn one_of(choices: &'static [&'static str], more: usize) -> Arguments {
    Arguments { least: 1, most: 1 + more, kind: Kind::OneOf(choices) }
}

/// The longest time keepalived holds in its timers: 2³² µs, in whole seconds.
const LONGEST: u64 = 4_294_967_295;

/// What becomes of a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Support {
    /// It does what keepalived does.
    Acts,
    /// It is known, but nothing is done about it yet: an error.
    Unsupported,
    /// No keepalived of today does anything about it: a warning.
    Obsolete,
}

/// One word in one kind of place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keyword {
    /// The word.
    pub name: &'static str,
    /// Where it may stand.
    pub contexts: &'static [Context],
    /// What follows it.
    pub arguments: Arguments,
    /// The inside of its block, if it has one.
    pub block: Option<Context>,
    /// What becomes of it.
    pub support: Support,
    /// Whether it may stand more than once in one block.
    pub repeats: bool,
    /// What it does, in one line.
    pub doc: &'static str,
}

const fn row(
    support: Support,
    name: &'static str,
    contexts: &'static [Context],
    arguments: Arguments,
    doc: &'static str,
) -> Keyword {
    Keyword { name, contexts, arguments, block: None, support, repeats: false, doc }
}

/// A word that is acted on.
const fn acts(
    name: &'static str,
    contexts: &'static [Context],
    arguments: Arguments,
    doc: &'static str,
) -> Keyword {
    row(Support::Acts, name, contexts, arguments, doc)
}

/// A word that is known and not supported yet.
const fn later(
    name: &'static str,
    contexts: &'static [Context],
    arguments: Arguments,
    doc: &'static str,
) -> Keyword {
    row(Support::Unsupported, name, contexts, arguments, doc)
}

/// A word that nothing reads any more.
const fn dead(
    name: &'static str,
    contexts: &'static [Context],
    arguments: Arguments,
    doc: &'static str,
) -> Keyword {
    row(Support::Obsolete, name, contexts, arguments, doc)
}

impl Keyword {
    /// Gives the word a block.
    const fn block(mut self, inside: Context) -> Self {
        self.block = Some(inside);
        self
    }

    /// Lets the word stand more than once.
    const fn repeats(mut self) -> Self {
        self.repeats = true;
        self
    }
}

/// All rows.
pub fn keywords() -> impl Iterator<Item = &'static Keyword> {
    [global::WORDS, process::WORDS, vrrp::WORDS, lvs::WORDS, checkers::WORDS].into_iter().flatten()
}

/// The row of a word in a place.
pub fn lookup(name: &str, context: Context) -> Option<&'static Keyword> {
    keywords().find(|k| k.name == name && k.contexts.contains(&context))
}

/// The words that may stand in a place.
pub fn in_context(context: Context) -> impl Iterator<Item = &'static Keyword> {
    keywords().filter(move |k| k.contexts.contains(&context))
}

/// The places where a word may stand.
pub fn places(name: &str) -> Vec<Context> {
    keywords().filter(|k| k.name == name).flat_map(|k| k.contexts).copied().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_has_one_row_in_a_place() {
        let mut seen = std::collections::HashSet::new();
        for keyword in keywords() {
            for context in keyword.contexts {
                assert!(seen.insert((keyword.name, *context)), "{} twice in {context:?}", keyword.name);
                assert!(!context.is_list(), "{} in a list", keyword.name);
            }
            assert!(!keyword.doc.is_empty() && !keyword.doc.ends_with('.'), "{}", keyword.name);
        }
        assert!(seen.len() > 400, "{} rows", seen.len());
    }
}
