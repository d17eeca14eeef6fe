//! A proxy in a thread of the test, scripted upstreams, and a client that sees every byte.

use ipc::Channel;
use nginx_conf::model::{ListenAddress, LogDestination};
use nginx_conf::{Disk, Environment, Offline};
use proxy::message::{Configure, FromProxy, Status, StopMode, ToProxy};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// Long enough for a loaded machine; only a hang reaches it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Waits until something holds.
pub(crate) fn eventually(what: &str, mut holds: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !holds() {
        assert!(Instant::now() < end, "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// The proxy under test.
pub(crate) struct Proxy {
    channel: Channel<ToProxy, FromProxy>,
    signals: UnixStream,
    thread: Option<JoinHandle<proxy::Stopped>>,
    listeners: Vec<(SocketAddr, TcpListener)>,
    directory: tempfile::TempDir,
    generation: u64,
}

impl Proxy {
    /// Runs a whole configuration. `127.0.0.1:8080`, `:8081`, … stand for free ports; relative
    /// paths begin in a directory of this proxy's own.
    pub(crate) fn with(text: &str) -> Self {
        let (mut proxy, run) = Self::before_its_start();
        proxy.thread = Some(std::thread::spawn(run));
        proxy.load(text);
        proxy
    }

    /// One that finds a signal to end beside its first configuration.
    pub(crate) fn told_to_end_at_once(text: &str) -> Self {
        let (mut proxy, run) = Self::before_its_start();
        proxy.signal(sys::signals::TERM);
        proxy.configure(text);
        proxy.thread = Some(std::thread::spawn(run));
        proxy
    }

    fn before_its_start() -> (Self, impl FnOnce() -> proxy::Stopped + Send) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let (signals, caught) = UnixStream::pair().unwrap();
        caught.set_nonblocking(true).unwrap();
        let theirs = Channel::new(OwnedFd::from(theirs)).unwrap();
        let proxy = Self {
            channel: Channel::new(OwnedFd::from(ours)).unwrap(),
            signals,
            thread: None,
            listeners: Vec::new(),
            directory: tempfile::tempdir().unwrap(),
            generation: 0,
        };
        std::fs::create_dir(proxy.path("www")).unwrap();
        (proxy, move || proxy::run(theirs, OwnedFd::from(caught), &mut || {}))
    }

    /// Runs `http { … }` with logs in `access.log` and, from info on, `error.log`.
    pub(crate) fn http(body: &str) -> Self {
        Self::with(&whole(body))
    }

    /// As [`http`](Self::http) with one server on `127.0.0.1:8080`.
    pub(crate) fn server(body: &str) -> Self {
        Self::http(&format!("server {{ listen 127.0.0.1:8080; {body} }}"))
    }

    /// Gives the proxy another configuration and waits until it is in force.
    pub(crate) fn load(&mut self, text: &str) {
        self.configure(text);
        match self.hear() {
            FromProxy::Ready(generation) => assert_eq!(generation, self.generation),
            other => panic!("{other:?}"),
        }
    }

    /// As [`load`](Self::load), while older generations drain.
    pub(crate) fn load_whatever_is_said(&mut self, text: &str) {
        self.configure(text);
        loop {
            match self.hear() {
                FromProxy::Ready(generation) if generation == self.generation => return,
                FromProxy::Drained(generation) => assert!(generation < self.generation),
                other => panic!("{other:?}"),
            }
        }
    }

    fn configure(&mut self, text: &str) {
        self.generation += 1;
        let mut text = text.to_owned();
        for name in 8080..8090 {
            let word = format!("127.0.0.1:{name}");
            if text.contains(&word) {
                let address = self.listener(usize::from(name - 8080u16));
                text = text.replace(&word, &address.to_string());
            }
        }
        let path = self.path("nginx.conf");
        std::fs::write(&path, &text).unwrap();
        let environment = Environment {
            prefix: self.directory.path(),
            files: &Disk,
            resolver: &Offline,
            ..Environment::system(true)
        };
        let loaded = nginx_conf::load(&path, &environment);
        let config = loaded.config.unwrap_or_else(|| panic!("{text}\n{:?}", loaded.report.findings()));
        let mut descriptors: Vec<OwnedFd> = Vec::new();
        for listener in config.http.iter().flat_map(|http| &http.listeners) {
            let ListenAddress::Tcp(address) = listener.address else { panic!("not TCP") };
            let (_, socket) = self.listeners.iter().find(|(a, _)| *a == address).expect("a known port");
            descriptors.push(socket.as_fd().try_clone_to_owned().unwrap());
        }
        for log in &config.logs {
            let LogDestination::File(path) = log else { continue };
            let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
            descriptors.push(OwnedFd::from(file.unwrap_or_else(|e| panic!("{}: {e}", path.display()))));
        }
        let configure = Configure { config, generation: self.generation, hostname: "testhost".to_owned() };
        self.channel.send_with(&ToProxy::Configure(Box::new(configure)), descriptors).unwrap();
    }

    fn listener(&mut self, number: usize) -> SocketAddr {
        while self.listeners.len() <= number {
            let socket = TcpListener::bind("127.0.0.1:0").unwrap();
            socket.set_nonblocking(true).unwrap();
            self.listeners.push((socket.local_addr().unwrap(), socket));
        }
        self.listeners[number].0
    }

    /// The next message of the proxy.
    pub(crate) fn hear(&mut self) -> FromProxy {
        let end = Instant::now() + PATIENCE;
        loop {
            if let Some(received) = self.channel.recv().unwrap() {
                return received.message;
            }
            assert!(Instant::now() < end, "the proxy says nothing");
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    pub(crate) fn order(&mut self, order: &ToProxy) {
        self.channel.send(order).unwrap();
    }

    pub(crate) fn status(&mut self) -> Status {
        self.order(&ToProxy::Status);
        loop {
            if let FromProxy::Status(status) = self.hear() {
                return status;
            }
        }
    }

    /// Delivers a signal, as the handler would.
    pub(crate) fn signal(&mut self, number: i32) {
        self.signals.write_all(&[number as u8]).unwrap();
    }

    /// Waits for the end of the process.
    pub(crate) fn ended(&mut self) -> proxy::Stopped {
        let thread = self.thread.take().unwrap();
        eventually("the proxy ends", || thread.is_finished());
        thread.join().unwrap()
    }

    pub(crate) fn is_running(&self) -> bool {
        self.thread.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file below `www`, with a fixed modification time.
    pub(crate) fn file(&self, name: &str, contents: impl AsRef<[u8]>) {
        write_file(self.directory.path(), name, contents);
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.listeners[0].0
    }

    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.listeners.iter().map(|(address, _)| *address).collect()
    }

    pub(crate) fn connect(&self) -> Client {
        Client::to(self.address())
    }

    /// One request on a connection of its own.
    pub(crate) fn get(&self, path: &str) -> Response {
        self.connect().get(path)
    }

    /// The lines of a log, once there are so many.
    pub(crate) fn log(&self, name: &str, lines: usize) -> Vec<String> {
        let path = self.path(name);
        let read = || -> Vec<String> {
            let bytes = std::fs::read(&path).unwrap_or_default();
            String::from_utf8_lossy(&bytes).lines().map(str::to_owned).collect()
        };
        eventually(&format!("{lines} lines in {name}: {:?}", read()), || read().len() >= lines);
        read()
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            let _ = self.channel.send(&ToProxy::Stop(StopMode::Fast));
            let joined = thread.join();
            if !std::thread::panicking() {
                assert!(joined.is_ok(), "the proxy panicked");
            }
        }
    }
}

/// A whole configuration around the contents of `http { }`.
pub(crate) fn whole(body: &str) -> String {
    format!(
        "error_log error.log info; pid nginx.pid; events {{ worker_connections 512; }}\n\
         http {{ access_log access.log; root www; {body} }}"
    )
}

pub(crate) fn write_file(directory: &Path, name: &str, contents: impl AsRef<[u8]>) {
    let path = directory.join("www").join(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(&path, contents).unwrap();
    let file = std::fs::File::options().append(true).open(&path).unwrap();
    file.set_modified(std::time::UNIX_EPOCH + Duration::from_secs(1_700_000_000)).unwrap();
}

/// A client's connection.
pub(crate) struct Client {
    pub(crate) stream: TcpStream,
    buffer: Vec<u8>,
}

/// An answer as it came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// Whether the body came to the end that the head promised.
    pub(crate) complete: bool,
}

impl Response {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}

impl Client {
    pub(crate) fn to(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, buffer: Vec::new() }
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    pub(crate) fn get(&mut self, path: &str) -> Response {
        self.ask(&format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n"))
    }

    /// Sends a request and reads its answer.
    pub(crate) fn ask(&mut self, request: &str) -> Response {
        self.send(request);
        self.response(request.starts_with("HEAD "))
    }

    fn fill(&mut self) -> bool {
        let mut bytes = [0; 65536];
        loop {
            match self.stream.read(&mut bytes) {
                Ok(0) => return false,
                Ok(n) => {
                    self.buffer.extend_from_slice(&bytes[..n]);
                    return true;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => return false,
                Err(error) => panic!("{error}; so far: {:?}", String::from_utf8_lossy(&self.buffer)),
            }
        }
    }

    /// The next answer; panics when the connection ends before its head does.
    pub(crate) fn response(&mut self, head_only: bool) -> Response {
        self.try_response(head_only).expect("an answer before the end of the connection")
    }

    /// The next answer, or `None` when the connection ends.
    pub(crate) fn try_response(&mut self, head_only: bool) -> Option<Response> {
        let end = loop {
            if let Some(at) = find(&self.buffer, b"\r\n\r\n") {
                break at + 4;
            }
            if !self.fill() {
                assert!(self.buffer.is_empty(), "half a head: {:?}", String::from_utf8_lossy(&self.buffer));
                return None;
            }
        };
        let head = String::from_utf8_lossy(&self.buffer[..end - 2]).into_owned();
        self.buffer.drain(..end);
        let status = head[9..12].parse().unwrap_or_else(|_| panic!("{head}"));
        let mut response = Response { status, head, body: Vec::new(), complete: true };
        let bodyless = head_only || status == 204 || status == 304 || (100..200).contains(&status);
        if bodyless {
            return Some(response);
        }
        if response.field("transfer-encoding") == Some("chunked") {
            response.complete = self.chunked(&mut response.body);
        } else if let Some(length) = response.field("content-length") {
            let length: usize = length.parse().unwrap();
            while self.buffer.len() < length && self.fill() {}
            response.complete = self.buffer.len() >= length;
            let have = self.buffer.len().min(length);
            response.body.extend(self.buffer.drain(..have));
        } else {
            while self.fill() {}
            response.body.append(&mut self.buffer);
        }
        Some(response)
    }

    fn chunked(&mut self, body: &mut Vec<u8>) -> bool {
        loop {
            let line_end = loop {
                match find(&self.buffer, b"\r\n") {
                    Some(at) => break at,
                    None if self.fill() => {}
                    None => return false,
                }
            };
            let size = std::str::from_utf8(&self.buffer[..line_end]).unwrap();
            let size = usize::from_str_radix(size, 16).unwrap_or_else(|_| panic!("chunk size {size:?}"));
            while self.buffer.len() < line_end + size + 4 {
                if !self.fill() {
                    return false;
                }
            }
            body.extend_from_slice(&self.buffer[line_end + 2..line_end + 2 + size]);
            assert_eq!(&self.buffer[line_end + 2 + size..][..2], b"\r\n");
            self.buffer.drain(..line_end + size + 4);
            if size == 0 {
                return true;
            }
        }
    }

    /// The next so many bytes.
    pub(crate) fn exactly(&mut self, length: usize) -> Vec<u8> {
        while self.buffer.len() < length && self.fill() {}
        let have = self.buffer.len().min(length);
        self.buffer.drain(..have).collect()
    }

    /// Everything until the connection ends.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        while self.fill() {}
        std::mem::take(&mut self.buffer)
    }

    /// Whether the proxy closes the connection without another byte.
    pub(crate) fn is_closed(&mut self) -> bool {
        self.rest().is_empty()
    }

    pub(crate) fn finish(&mut self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }
}

pub(crate) fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// A request as an upstream saw it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    /// Counts connections, from 1.
    pub(crate) connection: usize,
    /// Counts requests of this connection, from 1.
    pub(crate) request: usize,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Seen {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.eq_ignore_ascii_case(name).then_some(value.trim())
        })
    }
}

/// What an upstream does about a request.
pub(crate) enum Reply {
    /// These bytes; the connection stays.
    Bytes(Vec<u8>),
    /// These bytes, then the end.
    Last(Vec<u8>),
    /// Nothing, for so long; then the end.
    Hang(Duration),
}

/// An answer of 200 with this body.
pub(crate) fn ok(body: &str) -> Reply {
    Reply::Bytes(format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len()).into_bytes())
}

/// A scripted server.
pub(crate) struct Upstream {
    pub(crate) address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicUsize>,
}

impl Upstream {
    /// Reads whole requests and answers each as `script` says.
    pub(crate) fn serve(script: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let record = Arc::clone(&seen);
        let mut upstream = Self::raw(move |stream, connection| {
            let mut client = Client { stream, buffer: Vec::new() };
            for request in 1.. {
                let Some(mut asked) = read_request(&mut client) else { return };
                (asked.connection, asked.request) = (connection, request);
                record.lock().unwrap().push(asked.clone());
                match script(&asked) {
                    Reply::Bytes(bytes) => {
                        if client.stream.write_all(&bytes).is_err() {
                            return;
                        }
                    }
                    Reply::Last(bytes) => {
                        let _ = client.stream.write_all(&bytes);
                        return;
                    }
                    Reply::Hang(time) => return std::thread::sleep(time),
                }
            }
        });
        upstream.seen = seen;
        upstream
    }

    /// Answers every request with this text.
    pub(crate) fn saying(text: &'static str) -> Self {
        Self::serve(move |_| ok(text))
    }

    /// Does as it likes with each connection.
    pub(crate) fn raw(script: impl Fn(TcpStream, usize) + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let connections = Arc::new(AtomicUsize::new(0));
        let (count, script) = (Arc::clone(&connections), Arc::new(script));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(stream) = stream else { return };
                let number = count.fetch_add(1, Ordering::SeqCst) + 1;
                let script = Arc::clone(&script);
                std::thread::spawn(move || script(stream, number));
            }
        });
        Self { address, seen: Arc::default(), connections }
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

fn read_request(client: &mut Client) -> Option<Seen> {
    let end = loop {
        if let Some(at) = find(&client.buffer, b"\r\n\r\n") {
            break at + 4;
        }
        if !client.fill() {
            return None;
        }
    };
    let head = String::from_utf8_lossy(&client.buffer[..end - 2]).into_owned();
    client.buffer.drain(..end);
    let mut seen = Seen { connection: 0, request: 0, head, body: Vec::new() };
    if seen.field("transfer-encoding") == Some("chunked") {
        let mut body = Vec::new();
        client.chunked(&mut body).then_some(())?;
        seen.body = body;
    } else if let Some(length) = seen.field("content-length") {
        let length: usize = length.parse().unwrap();
        while client.buffer.len() < length {
            client.fill().then_some(())?;
        }
        seen.body = client.buffer.drain(..length).collect();
    }
    Some(seen)
}

/// An address where nobody listens.
pub(crate) fn nowhere() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// `upstream NAME { server …; }`
pub(crate) fn group(name: &str, upstreams: &[&Upstream], more: &str) -> String {
    let servers: String = upstreams.iter().map(|u| format!("server {}; ", u.address)).collect();
    format!("upstream {name} {{ {servers}{more} }}\n")
}

/// Bytes that are not alike anywhere.
pub(crate) fn noise(length: usize) -> Vec<u8> {
    let mut state = 0x2545_f491_4f6c_dd1du64;
    (0..length)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        })
        .collect()
}

/// A real nginx with the same configuration, on ports of its own.
pub(crate) struct Nginx {
    child: std::process::Child,
    pub(crate) address: SocketAddr,
}

impl Nginx {
    /// Starts it in the directory of a proxy under test, whose files it shares.
    pub(crate) fn beside(proxy: &Proxy, body: &str) -> Self {
        let mut text = format!(
            "daemon off; master_process off; error_log nginx-error.log info; pid real.pid;
             events {{ worker_connections 512; }}
             http {{ access_log nginx-access.log; root www; {body} }}"
        );
        let mut first = None;
        for name in 8080..8090 {
            let word = format!("127.0.0.1:{name}");
            if text.contains(&word) {
                let free = nowhere();
                first.get_or_insert(free);
                text = text.replace(&word, &free.to_string());
            }
        }
        text = text.replace("access.log full", "nginx-access.log full");
        std::fs::write(proxy.path("real.conf"), text).unwrap();
        let child = std::process::Command::new("nginx")
            .args(["-p", proxy.path("").to_str().unwrap(), "-c", "real.conf", "-e", "nginx-error.log"])
            .spawn()
            .unwrap();
        let address = first.expect("a server that listens");
        eventually("nginx listens", || TcpStream::connect(address).is_ok());
        Self { child, address }
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A proxy and a real nginx with one configuration.
pub(crate) struct Both {
    pub(crate) ours: Proxy,
    pub(crate) real: Nginx,
}

impl Both {
    /// `files` are written before either starts.
    pub(crate) fn with(body: &str) -> Self {
        let ours = Proxy::http(body);
        let real = Nginx::beside(&ours, body);
        Self { ours, real }
    }

    /// Sends the same bytes to both; gives what each answers, with what must differ made alike.
    pub(crate) fn ask(&self, request: &str) -> (String, String) {
        let answer = |address| {
            let mut client = Client::to(address);
            client.send(request);
            let text = match client.try_response(request.starts_with("HEAD ")) {
                Some(answer) => format!("{}\n{}", answer.head, String::from_utf8_lossy(&answer.body)),
                None => "closed".to_owned(),
            };
            alike(&text, address)
        };
        (answer(self.ours.address()), answer(self.real.address))
    }

    /// Compares the answers to many requests; says all that differ.
    pub(crate) fn compare(&self, requests: &[String]) {
        let mut differences = Vec::new();
        for request in requests {
            let (ours, real) = self.ask(request);
            if ours != real {
                differences.push(format!("=== {request}--- ours\n{ours}\n--- nginx\n{real}\n"));
            }
        }
        let count = differences.len();
        assert!(differences.is_empty(), "{count} of {} differ:\n{}", requests.len(), differences.join("\n"));
    }
}

fn alike(text: &str, address: SocketAddr) -> String {
    let mut boundary: Option<String> = None;
    if let Some(at) = text.find("boundary=") {
        boundary = text[at + 9..].lines().next().map(|line| line.trim().to_owned());
    }
    let mut text = text.replace("\r\n", "\n");
    if let Some(boundary) = boundary {
        text = text.replace(&boundary, "BOUNDARY");
    }
    let lines: Vec<String> = text
        .replace(&format!(":{}", address.port()), ":PORT")
        .replace("nginx/1.22.1", "PRODUCT")
        .replace("backstay/0.1.0", "PRODUCT")
        .replace("<center>nginx</center>", "<center>PRODUCT</center>")
        .replace("<center>backstay</center>", "<center>PRODUCT</center>")
        .lines()
        .map(|line| {
            let dated = ["Date: ", "Expires: "].into_iter().find(|name| line.starts_with(name));
            match dated {
                Some(name) => format!("{name}…"),
                None if line.starts_with("Server: ") => "Server: PRODUCT".to_owned(),
                None => line.to_owned(),
            }
        })
        .collect();
    // Pages that name the product have its length; RFC 9110 §15.5.6 wants an `Allow` that nginx lacks.
    let named = text.contains("<hr><center>")
        || !matches!(text.get(9..12), Some("200" | "206")) && text.contains("Content-Type: text/html")
        || text.contains("<h1>Index of");
    let kept = lines.into_iter().filter(|line| {
        !(named && (line.starts_with("Content-Length: ") || line.starts_with("Transfer-Encoding: ")))
            && !line.starts_with("Allow: ")
    });
    kept.collect::<Vec<_>>().join("\n")
}

/// A GET with these further field lines.
pub(crate) fn get_with(path: &str, fields: &[&str]) -> String {
    let fields: String = fields.iter().map(|field| format!("{field}\r\n")).collect();
    format!("GET {path} HTTP/1.1\r\nHost: some.name\r\n{fields}\r\n")
}
