//! Sending letters (RFC 5321) on a thread of its own, so that a mail server that is down or hangs
//! keeps nobody waiting. `smtp_connect_timeout`.

use crate::mail::Letter;
use lettre::address::Envelope;
use lettre::transport::smtp::client::SmtpConnection;
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{self};
use logging::{Level, Logger};
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd};
use rustix::io::Errno;
use std::collections::VecDeque;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, channel, sync_channel};
use std::time::Duration;

/// Letters that may wait; a server that is away for long loses those beyond.
const MOST_WAITING: usize = 256;

/// What the thread has to say.
#[derive(Debug)]
enum Report {
    Line(Level, String),
    /// It is through with a letter, for better or worse.
    Through,
}

/// The letters under way.
#[derive(Debug, Default)]
pub(crate) struct Post {
    thread: Option<Thread>,
    /// Subjects, in the order in which they are sent.
    under_way: VecDeque<String>,
}

#[derive(Debug)]
struct Thread {
    letters: SyncSender<Letter>,
    reports: Receiver<Report>,
    wake: Arc<OwnedFd>,
}

impl Post {
    /// Hands a letter in. What fails is tried again after each of these times.
    pub(crate) fn send(&mut self, letter: Letter, waits: &[Duration], logger: &mut Logger) {
        let subject = letter.subject.clone();
        if self.thread.is_none() {
            match Thread::start(waits.to_vec()) {
                Ok(thread) => self.thread = Some(thread),
                Err(error) => {
                    logger.log(Level::Error, &format!("mail `{subject}` is lost: no thread for it: {error}"));
                    return;
                }
            }
        }
        let Some(thread) = &self.thread else { return };
        if thread.letters.try_send(letter).is_ok() {
            self.under_way.push_back(subject);
        } else {
            let line = format!("mail `{subject}` is lost: {} others wait already", self.under_way.len());
            logger.log(Level::Error, &line);
        }
    }

    /// Writes down what the thread reports.
    pub(crate) fn advance(&mut self, logger: &mut Logger) {
        let Some(thread) = &self.thread else { return };
        // It only says that there may be reports; they are all taken.
        let _ = rustix::io::read(&thread.wake, &mut [0; 8]);
        for report in thread.reports.try_iter() {
            match report {
                Report::Line(level, line) => logger.log(level, &line),
                Report::Through => drop(self.under_way.pop_front()),
            }
        }
    }

    /// Readable when the thread reports something.
    pub(crate) fn poll_fd(&self) -> Option<PollFd<'_>> {
        self.thread.as_ref().map(|thread| PollFd::new(&thread.wake, PollFlags::IN))
    }

    /// Whether every letter is sent or given up.
    pub(crate) fn is_idle(&self) -> bool {
        self.under_way.is_empty()
    }

    /// Names what is not sent, at the end of the process.
    pub(crate) fn log_unfinished(&self, logger: &mut Logger) {
        for subject in &self.under_way {
            logger.log(Level::Error, &format!("mail `{subject}` was not sent: we stop"));
        }
    }
}

impl Thread {
    fn start(waits: Vec<Duration>) -> std::io::Result<Self> {
        let wake = Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?);
        let (letters, inbox) = sync_channel::<Letter>(MOST_WAITING);
        let (outbox, reports) = channel();
        let theirs = Arc::clone(&wake);
        std::thread::Builder::new().name("mail".into()).spawn(move || {
            for letter in inbox {
                let tell = |report| {
                    // Without a receiver the process is about to end.
                    let _ = outbox.send(report);
                    let _: Result<usize, Errno> = rustix::io::write(&theirs, &1_u64.to_ne_bytes());
                };
                deliver(&letter, &waits, |level, line| tell(Report::Line(level, line)));
                tell(Report::Through);
            }
        })?;
        Ok(Self { letters, reports, wake })
    }
}

/// Sends a letter, again and again while that can help.
fn deliver(letter: &Letter, waits: &[Duration], mut log: impl FnMut(Level, String)) {
    let Letter { subject, server: (host, port), .. } = letter;
    let mut envelopes = vec![letter.envelope.clone()];
    let mut attempt = 0;
    loop {
        let mut again = Vec::new();
        let mut last = None;
        let mut queue = VecDeque::from(std::mem::take(&mut envelopes));
        while let Some(envelope) = queue.pop_front() {
            let to = recipients(&envelope);
            match converse(letter, &envelope) {
                Ok(()) => log(Level::Info, format!("mail `{subject}` was sent to {to}")),
                // The refusal may concern one of them: the others shall get theirs.
                Err(error) if error.is_permanent() && envelope.to().len() > 1 => {
                    let each = envelope.to().iter();
                    queue.extend(
                        each.filter_map(|to| Envelope::new(envelope.from().cloned(), vec![to.clone()]).ok()),
                    );
                }
                Err(error) if error.is_permanent() || error.is_client() => {
                    let line = format!("mail `{subject}` to {to} is refused by {host}:{port}: {error}");
                    log(Level::Error, line);
                }
                Err(error) => {
                    again.push(envelope);
                    last = Some(error);
                }
            }
        }
        let Some(error) = last else { return };
        let to = again.iter().map(recipients).collect::<Vec<_>>().join(", ");
        let Some(wait) = waits.get(attempt) else {
            let line = format!(
                "mail `{subject}` to {to} is given up after {} attempts: {host}:{port}: {error}",
                attempt + 1
            );
            log(Level::Error, line);
            return;
        };
        if attempt == 0 {
            let line = format!("mail `{subject}` to {to} could not be sent yet: {host}:{port}: {error}");
            log(Level::Warning, line);
        }
        std::thread::sleep(*wait);
        attempt += 1;
        envelopes = again;
    }
}

/// One conversation.
fn converse(letter: &Letter, envelope: &Envelope) -> Result<(), smtp::Error> {
    let (host, port) = &letter.server;
    let name = ClientId::Domain(letter.helo_name.clone());
    let mut connection =
        SmtpConnection::connect((host.as_str(), *port), Some(letter.timeout), &name, None, None)?;
    connection.send(envelope, &letter.bytes)?;
    // It has the letter; whether it says goodbye does not matter.
    let _ = connection.quit();
    Ok(())
}

fn recipients(envelope: &Envelope) -> String {
    envelope.to().iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
