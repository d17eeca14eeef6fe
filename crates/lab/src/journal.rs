//! What hosts log and what mail they send, as it happens.
//!
//! Each host has a syslog socket and an SMTP server (RFC 5321) here, in the lab's own process. Both
//! end with the journal.

use crate::{Error, Host};
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::UnixDatagram;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// How often threads look whether they should end.
const LOOK: Duration = Duration::from_millis(50);

/// Something a host said.
#[derive(Clone, Debug)]
pub struct Event {
    /// When it arrived.
    pub at: Instant,
    /// The host's name.
    pub host: String,
    /// What it is.
    pub what: What,
}

/// The kinds of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// A log line without time and program.
    Log(String),
    /// A mail that was accepted.
    Mail {
        /// Envelope sender.
        from: String,
        /// Envelope recipients.
        to: Vec<String>,
        /// The subject header.
        subject: String,
        /// The whole message, dots unstuffed.
        message: String,
    },
}

/// Collects what hosts say.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    events: Arc<Mutex<Vec<Event>>>,
    ended: Arc<AtomicBool>,
}

impl Journal {
    /// Everything so far.
    pub fn events(&self) -> Vec<Event> {
        self.since(0)
    }

    /// Everything but the first `count`.
    pub fn since(&self, count: usize) -> Vec<Event> {
        let events = self.events.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        events.get(count..).unwrap_or_default().to_vec()
    }

    fn add(&self, host: &str, what: What) {
        let event = Event { at: Instant::now(), host: host.into(), what };
        self.events.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).push(event);
    }

    fn has_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Ends the threads.
    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    /// Becomes the host's syslog: lines go here and to its `/var/log/messages`.
    pub(crate) fn listen_to_log(&self, host: &Host) -> Result<(), Error> {
        let socket = UnixDatagram::bind(host.path("/dev/log")).map_err(Error::kernel("a host's /dev/log"))?;
        socket.set_read_timeout(Some(LOOK)).map_err(Error::kernel("a host's /dev/log"))?;
        let file = OpenOptions::new().create(true).append(true).open(host.path("/var/log/messages"));
        let mut file = file.map_err(Error::kernel("a host's /var/log/messages"))?;
        let (journal, name) = (self.clone(), host.name().to_string());
        std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while !journal.has_ended() {
                let Ok(length) = socket.recv(&mut buffer) else { continue };
                let line = String::from_utf8_lossy(&buffer[..length]);
                // RFC 3164: «<30>Nov 21 21:30:27 Keepalived_vrrp[123]: text».
                let line =
                    line.split_once('>').map_or(&*line, |(_, line)| line).trim_end_matches(['\n', '\0']);
                let _ = writeln!(file, "{line}");
                let text = line.split_once("]: ").map_or(line, |(_, text)| text);
                journal.add(&name, What::Log(text.into()));
            }
        });
        Ok(())
    }

    /// Becomes the mail server of the host, on 127.0.0.1 port 25 there.
    pub(crate) fn accept_mail(&self, host: &Host) -> Result<(), Error> {
        let what = "a host's port 25";
        let listener = host.inside(|| TcpListener::bind("127.0.0.1:25"))?.map_err(Error::kernel(what))?;
        listener.set_nonblocking(true).map_err(Error::kernel(what))?;
        let (journal, name) = (self.clone(), host.name().to_string());
        std::thread::spawn(move || {
            while !journal.has_ended() {
                match listener.accept() {
                    Ok((connection, _)) => {
                        let (journal, name) = (journal.clone(), name.clone());
                        std::thread::spawn(move || journal.converse(&name, connection));
                    }
                    Err(_) => std::thread::sleep(LOOK),
                }
            }
        });
        Ok(())
    }

    /// One SMTP session, RFC 5321 §4.1. An error of the connection ends it.
    fn converse(&self, host: &str, connection: TcpStream) -> Option<()> {
        connection.set_nonblocking(false).ok()?;
        connection.set_read_timeout(Some(Duration::from_secs(30))).ok()?;
        let mut replies = connection.try_clone().ok()?;
        let mut lines = BufReader::new(connection).split(b'\n');
        let mut line = || {
            let line = String::from_utf8_lossy(&lines.next()?.ok()?).into_owned();
            Some(line.trim_end_matches('\r').to_string())
        };
        let mut reply = |text: &str| write!(replies, "{text}\r\n").ok();
        let (mut from, mut to) = (None, Vec::new());
        reply(&format!("220 {host} ESMTP"))?;
        loop {
            let command = line()?;
            let verb = command.get(..4).unwrap_or_default().to_ascii_uppercase();
            let path = || Some(command.split_once('<')?.1.split_once('>')?.0.to_string());
            match verb.as_str() {
                "EHLO" => {
                    (from, to) = (None, Vec::new());
                    reply(&format!("250-{host}"))?;
                    reply("250 8BITMIME")?;
                }
                "HELO" => reply(&format!("250 {host}"))?,
                "MAIL" => match path() {
                    Some(path) => {
                        (from, to) = (Some(path), Vec::new());
                        reply("250 sender ok")?;
                    }
                    None => reply("501 where is the path?")?,
                },
                "RCPT" => match path() {
                    _ if from.is_none() => reply("503 MAIL first")?,
                    Some(path) => {
                        to.push(path);
                        reply("250 recipient ok")?;
                    }
                    None => reply("501 where is the path?")?,
                },
                "DATA" if to.is_empty() => reply("503 RCPT first")?,
                "DATA" => {
                    reply("354 end with a line of one dot")?;
                    let mut message = String::new();
                    loop {
                        let text = line()?;
                        if text == "." {
                            break;
                        }
                        message.push_str(text.strip_prefix('.').unwrap_or(&text));
                        message.push('\n');
                    }
                    let subject = message
                        .lines()
                        .take_while(|line| !line.is_empty())
                        .find_map(|line| line.strip_prefix("Subject: "))
                        .unwrap_or_default()
                        .to_string();
                    let from = from.take().unwrap_or_default();
                    self.add(host, What::Mail { from, to: std::mem::take(&mut to), subject, message });
                    reply("250 accepted")?;
                }
                "RSET" => {
                    (from, to) = (None, Vec::new());
                    reply("250 ok")?;
                }
                "NOOP" => reply("250 ok")?,
                "QUIT" => {
                    reply("221 bye")?;
                    return Some(());
                }
                _ => reply("500 no such command")?,
            }
        }
    }
}
