//! What the registry knows about a directive.

/// A block in which a directive can stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Context {
    /// Outside every block.
    Main,
    /// `events`
    Events,
    /// `http`
    Http,
    /// `server` in `http`
    Server,
    /// `location`
    Location,
    /// `upstream` in `http`
    Upstream,
    /// `if` in `server`
    ServerIf,
    /// `if` in `location`
    LocationIf,
    /// `limit_except`
    LimitExcept,
    /// `stream`
    Stream,
    /// `server` in `stream`
    StreamServer,
    /// `upstream` in `stream`
    StreamUpstream,
    /// `mail`
    Mail,
    /// `server` in `mail`
    MailServer,
    /// Everywhere.
    Anywhere,
}

impl Context {
    /// How a person calls the place.
    pub fn describe(self) -> &'static str {
        match self {
            Context::Main => "at the top level",
            Context::Events => "in `events`",
            Context::Http => "in `http`",
            Context::Server => "in `server`",
            Context::Location => "in `location`",
            Context::Upstream => "in `upstream`",
            Context::ServerIf => "in `if` in `server`",
            Context::LocationIf => "in `if` in `location`",
            Context::LimitExcept => "in `limit_except`",
            Context::Stream => "in `stream`",
            Context::StreamServer => "in `server` of `stream`",
            Context::StreamUpstream => "in `upstream` of `stream`",
            Context::Mail => "in `mail`",
            Context::MailServer => "in `server` of `mail`",
            Context::Anywhere => "anywhere",
        }
    }

    /// Whether both belong to the same of `stream`, `mail` and the rest.
    pub fn is_kin(self, other: Context) -> bool {
        let family = |context| match context {
            Context::Stream | Context::StreamServer | Context::StreamUpstream => 1,
            Context::Mail | Context::MailServer => 2,
            _ => 0,
        };
        family(self) == family(other)
    }

    /// The place inside a block; `None` when the block holds no directives (`types`, `map`, …).
    pub fn inside(self, block: &str) -> Option<Context> {
        use Context::{Events, Http, LimitExcept, Location, LocationIf, Main, Server, ServerIf, Upstream};
        Some(match (block, self) {
            ("events", _) => Events,
            ("http", _) => Http,
            ("stream", _) => Context::Stream,
            ("mail", _) => Context::Mail,
            ("server", Context::Stream) => Context::StreamServer,
            ("server", Context::Mail) => Context::MailServer,
            ("server", _) => Server,
            ("upstream", Context::Stream) => Context::StreamUpstream,
            ("upstream", _) => Upstream,
            ("location", _) => Location,
            ("if", Main | Http | Server | ServerIf) => ServerIf,
            ("if", _) => LocationIf,
            ("limit_except", _) => LimitExcept,
            _ => return None,
        })
    }
}

/// What follows the words of a directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `;`
    Words,
    /// `;` after one word that is `on` or `off`.
    Flag,
    /// A block.
    Block,
}

/// How we stand to a directive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It does what nginx's documentation says.
    Acting,
    /// Accepted: it cannot make a difference here, for this reason.
    NoEffect(&'static str),
    /// Accepted: it only tunes this other directive, which is not supported itself.
    Needs(&'static str),
    /// Accepted with this one value, which switches it off; not supported otherwise.
    Unless(&'static str),
    /// Known and not supported yet.
    Unsupported,
}

/// A directive in the contexts where it means the same.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    /// Its name.
    pub name: &'static str,
    /// Where it can stand.
    pub contexts: &'static [Context],
    /// Fewest words after the name.
    pub least: u8,
    /// Most words after the name; 255 is any number.
    pub most: u8,
    /// What follows the words.
    pub form: Form,
    /// Whether it can stand more than once in a block.
    pub repeatable: bool,
    /// How we stand to it.
    pub standing: Standing,
}

impl Row {
    /// Whether it can stand in a context.
    pub fn allows(&self, context: Context) -> bool {
        self.contexts.iter().any(|allowed| *allowed == context || *allowed == Context::Anywhere)
    }
}

pub(super) use Context::{
    Anywhere as ANYWHERE, Events as EVENTS, Http as HTTP, LimitExcept as LIMIT_EXCEPT, Location as LOCATION,
    LocationIf as LOCATION_IF, Mail as MAIL, MailServer as MAIL_SERVER, Main as MAIN, Server as SERVER,
    ServerIf as SERVER_IF, Stream as STREAM, StreamServer as STREAM_SERVER,
    StreamUpstream as STREAM_UPSTREAM, Upstream as UPSTREAM,
};
pub(super) use Form::{Block, Flag, Words};
pub(super) use Standing::{Acting as ACTING, Unsupported as UNSUPPORTED};

/// Any number of words.
pub(super) const ANY: u8 = u8::MAX;

pub(super) const fn no_effect(reason: &'static str) -> Standing {
    Standing::NoEffect(reason)
}

pub(super) const fn needs(other: &'static str) -> Standing {
    Standing::Needs(other)
}

pub(super) const fn unless(value: &'static str) -> Standing {
    Standing::Unless(value)
}

/// A directive that stands once in a block.
pub(super) const fn once(
    name: &'static str,
    contexts: &'static [Context],
    least: u8,
    most: u8,
    form: Form,
    standing: Standing,
) -> Row {
    Row { name, contexts, least, most, form, repeatable: false, standing }
}

/// A directive that may stand several times in a block.
pub(super) const fn many(
    name: &'static str,
    contexts: &'static [Context],
    least: u8,
    most: u8,
    form: Form,
    standing: Standing,
) -> Row {
    Row { name, contexts, least, most, form, repeatable: true, standing }
}
