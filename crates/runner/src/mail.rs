//! From a notification to a letter: `notification_email`, `notification_email_from`,
//! `smtp_server`, `smtp_helo_name`.
//!
//! Nothing of what comes in can add a header or a recipient: addresses are parsed, and control
//! characters in a subject become blanks (RFC 5322 §2.2).

use crate::message;
use keepalived_conf::model;
use lettre::address::Envelope;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Mailboxes, header};
use lettre::{Address, Message};
use std::time::Duration;

/// A letter, ready to be sent, and where to.
#[derive(Clone, Debug)]
pub(crate) struct Letter {
    pub(crate) subject: String,
    pub(crate) envelope: Envelope,
    pub(crate) bytes: Vec<u8>,
    pub(crate) server: (String, u16),
    pub(crate) timeout: Duration,
    pub(crate) helo_name: String,
}

/// Why there is no letter, or not for everybody.
#[derive(Debug, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum Error {
    /// The operator wrote something that is no address.
    NoAddress(String),
    /// The operator's addresses are all none.
    NobodyToSendTo,
    /// The library refuses what we made.
    Unsendable(String),
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NoAddress(text) => write!(f, "`{text}` is no mail address"),
            Self::NobodyToSendTo => write!(f, "notification_email has no mail address"),
            Self::Unsendable(why) => write!(f, "no mail can be made of it: {why}"),
        }
    }
}

impl std::error::Error for Error {}

/// Writes a letter. `None` without a server or addressees, which is how mail is switched off.
///
/// `host` is this machine's name; `complain` is told of addresses that are left out.
pub(crate) fn write(
    settings: &model::Mail,
    mail: &message::Mail,
    host: &str,
    mut complain: impl FnMut(Error),
) -> Option<Result<Letter, Error>> {
    let (server, port) = settings.server.clone()?;
    if settings.to.is_empty() {
        return None;
    }
    let mut mailbox = |text: &str| mailbox(text, host).map_err(&mut complain).ok();
    let to: Vec<Mailbox> = settings.to.iter().filter_map(|text| mailbox(text)).collect();
    let from = settings.from.as_deref().and_then(&mut mailbox).or_else(|| mailbox("keepalived"));
    let from = from.unwrap_or_else(|| Mailbox::new(None, Address::new_dangerous("keepalived", "localhost")));
    if to.is_empty() {
        return Some(Err(Error::NobodyToSendTo));
    }
    let subject = subject(&mail.subject, host);
    let message = Message::builder()
        .date_now()
        .from(from.clone())
        .mailbox(header::To::from(to.iter().cloned().collect::<Mailboxes>()))
        .subject(subject.clone())
        .message_id(None)
        .header(ContentType::TEXT_PLAIN)
        // Filters of mail go by it.
        .raw_header(HeaderValue::new(HeaderName::new_from_ascii_str("X-Mailer"), "Keepalived".to_owned()))
        .body(mail.body.clone());
    let envelope = Envelope::new(Some(from.email), to.into_iter().map(|mailbox| mailbox.email).collect());
    let letter = match (message, envelope) {
        (Ok(message), Ok(envelope)) => Ok(Letter {
            subject,
            envelope,
            bytes: message.formatted(),
            server: (server.trim_start_matches('[').trim_end_matches(']').to_owned(), port),
            timeout: settings.connect_timeout,
            helo_name: helo_name(settings.helo_name.as_deref().unwrap_or(host)),
        }),
        (Err(error), _) | (_, Err(error)) => Err(Error::Unsendable(error.to_string())),
    };
    Some(letter)
}

/// `name@host`, `Words <name@host>`, or a bare name of this machine.
fn mailbox(text: &str, host: &str) -> Result<Mailbox, Error> {
    let wrong = || Error::NoAddress(text.to_owned());
    let text = text.trim();
    if text.chars().any(char::is_control) {
        return Err(wrong());
    }
    let complete = if text.contains('@') { text.to_owned() } else { format!("{text}@{host}") };
    complete.parse().map_err(|_| wrong())
}

/// One line, with the host's name in a pair of brackets that stands empty in front.
fn subject(text: &str, host: &str) -> String {
    let filled = match text.strip_prefix("[]") {
        Some(rest) => format!("[{host}]{rest}"),
        None => text.to_owned(),
    };
    filled.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// One word.
fn helo_name(name: &str) -> String {
    let name: String = name.chars().filter(|c| c.is_ascii_graphic()).collect();
    if name.is_empty() { "localhost".to_owned() } else { name }
}
