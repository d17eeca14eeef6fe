//! The operators' socket: how a command of theirs reaches the process that runs.

use super::daemon::make_directory;
use super::names::{self, DIRECTORY, Name};
use ha::message::InstanceStatus;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How long the supervisor waits for the other end: everything else waits meanwhile.
const PATIENCE: Duration = Duration::from_millis(100);
/// The longest question, in bytes.
const LONGEST_ASK: usize = 1024;
/// How long a command waits for its answer.
const ANSWER: Duration = Duration::from_secs(20);

/// A part that can be addressed alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Side {
    Keepalived,
    Nginx,
}

/// What an operator asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Ask {
    Status,
    Reload(Option<Side>),
    Start(Side),
    Stop(Side),
    /// Replace the program by its new binary.
    Upgrade,
}

/// What is answered.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Answer {
    Done,
    Failed(String),
    Status(Box<Status>),
}

/// How everything stands.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Status {
    /// `backstay`, `keepalived` or `nginx`.
    pub(crate) face: String,
    /// Which of several of that face; none for the usual one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) instance: Option<String>,
    pub(crate) pid: u32,
    pub(crate) ha: Option<HaStatus>,
    pub(crate) web: Option<WebStatus>,
}

/// How the keepalived side stands.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct HaStatus {
    pub(crate) file: String,
    pub(crate) vrrp_pid: Option<u32>,
    pub(crate) runner_pid: Option<u32>,
    /// `None` too when the configuration asks for nothing that it does.
    pub(crate) control_pid: Option<u32>,
    /// How often a process was started again.
    pub(crate) restarts: u64,
    /// Errors in the file that a start went over.
    pub(crate) findings: usize,
    /// `None` when the vrrp process did not answer.
    pub(crate) instances: Option<Vec<InstanceStatus>>,
}

/// How the nginx side stands.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct WebStatus {
    pub(crate) file: PathBuf,
    pub(crate) pid: Option<u32>,
    pub(crate) stopped_by_operator: bool,
    pub(crate) restarts: u64,
    /// `None` when the proxy process did not answer.
    pub(crate) proxy: Option<proxy::message::Status>,
}

/// The listening end.
pub(crate) struct Server {
    listener: UnixListener,
    path: PathBuf,
}

/// Where an answer goes.
pub(crate) struct Reply(UnixStream);

impl Server {
    /// Listens for operators; only root (or whoever runs us) may connect.
    pub(crate) fn open(name: &Name) -> std::io::Result<Self> {
        make_directory(Path::new(DIRECTORY))?;
        let path = free_path(name)?;
        let listener = UnixListener::bind(&path)?;
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, path })
    }

    /// Listens under another name from now on.
    pub(crate) fn move_to(&mut self, name: &Name) -> std::io::Result<()> {
        if self.path != name.socket() {
            let path = free_path(name)?;
            fs::rename(&self.path, &path)?;
            self.path = path;
        }
        Ok(())
    }

    /// What the next operator asks, if one has.
    pub(crate) fn accept(&self) -> Option<(Ask, Reply)> {
        let (stream, _) = self.listener.accept().ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        stream.set_write_timeout(Some(PATIENCE)).ok()?;
        // Read once, not to the end of the line, which someone might never send: a question is
        // written at once and so arrives at once.
        let mut line = [0; LONGEST_ASK];
        let length = (&stream).read(&mut line).ok()?;
        let reply = Reply(stream);
        match serde_json::from_slice(&line[..length]) {
            Ok(ask) => Some((ask, reply)),
            Err(error) => {
                reply.send(&Answer::Failed(format!("not understood: {error}")));
                None
            }
        }
    }
}

impl AsFd for Server {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.listener.as_fd()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

impl Reply {
    /// Sends the answer; an operator who has gone does not get it.
    pub(crate) fn send(mut self, answer: &Answer) {
        if let Ok(mut line) = serde_json::to_vec(answer) {
            line.push(b'\n');
            let _ = self.0.write_all(&line);
        }
    }
}

/// Where the socket of that name goes; what a dead process left there is removed.
fn free_path(name: &Name) -> std::io::Result<PathBuf> {
    let path = name.socket();
    if is_served(name) {
        let text = format!("another one listens on {}", path.display());
        return Err(std::io::Error::new(std::io::ErrorKind::AddrInUse, text));
    }
    match fs::remove_file(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(path),
    }
}

/// Whether a process of this name runs here.
pub(crate) fn is_served(name: &Name) -> bool {
    UnixStream::connect(name.socket()).is_ok()
}

/// All that run here: the whole program first, then by name.
pub(crate) fn running() -> Vec<Name> {
    names::with_socket().into_iter().filter(is_served).collect()
}

/// Asks the process of this name. `None` when none runs here.
pub(crate) fn ask(name: &Name, ask: Ask) -> Option<Result<Answer, String>> {
    let mut stream = UnixStream::connect(name.socket()).ok()?;
    Some(converse(&mut stream, ask).map_err(|error| format!("{name} does not answer: {error}")))
}

fn converse(stream: &mut UnixStream, ask: Ask) -> std::io::Result<Answer> {
    stream.set_read_timeout(Some(ANSWER))?;
    let mut line = serde_json::to_vec(&ask)?;
    line.push(b'\n');
    stream.write_all(&line)?;
    let mut answer = String::new();
    BufReader::new(stream).read_line(&mut answer)?;
    Ok(serde_json::from_str(&answer)?)
}
