//! The load and the back end in one event loop, so that neither costs more than it must.

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

const REQUEST: &[u8] = b"GET /small/file?id=1 HTTP/1.1\r\nHost: bench.example\r\nUser-Agent: bench/1.0\r\n\
    Accept: text/html,application/xhtml+xml\r\nAccept-Language: en\r\nCookie: session=0123456789abcdef\r\n\r\n";

enum Role {
    Listener,
    /// Serves a fixed answer; holds what came of a request so far, and how much of the answer is
    /// still to be sent.
    Backend(TcpStream, Vec<u8>, usize),
    /// Asks again as soon as it is answered; holds the head of the answer so far, and how much of
    /// its body is missing.
    Client(TcpStream, Vec<u8>, usize),
}

/// A back end with clients that ask it through a proxy.
pub(crate) struct Load {
    epoll: OwnedFd,
    listener: TcpListener,
    roles: Vec<Option<Role>>,
    answer: Vec<u8>,
    size: usize,
    done: u64,
    scratch: Vec<u8>,
}

impl Load {
    /// A back end on `address` whose answers have `size` bytes.
    pub(crate) fn new(address: SocketAddr, size: usize) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let epoll = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&epoll, &listener, EventData::new_u64(0), EventFlags::IN)?;
        let mut answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {size}\r\nX-Backend: 1\r\n\r\n"
        )
        .into_bytes();
        answer.resize(answer.len() + size, b'x');
        let roles = vec![Some(Role::Listener)];
        Ok(Self { epoll, listener, roles, answer, size, done: 0, scratch: vec![0; 256 << 10] })
    }

    fn watch(&mut self, stream: &TcpStream) -> io::Result<()> {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let data = EventData::new_u64(self.roles.len() as u64);
        // A large answer does not fit a socket's buffer: then it matters when there is room again.
        let large = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
        let flags = if self.size > 64 << 10 { large } else { EventFlags::IN };
        epoll::add(&self.epoll, stream, data, flags)?;
        Ok(())
    }

    /// Connects clients to the proxy; each sends its first request.
    pub(crate) fn connect(&mut self, proxy: SocketAddr, clients: usize) -> io::Result<()> {
        for _ in 0..clients {
            let mut stream = TcpStream::connect(proxy)?;
            self.watch(&stream)?;
            stream.write_all(REQUEST)?;
            self.roles.push(Some(Role::Client(stream, Vec::new(), 0)));
        }
        Ok(())
    }

    /// Closes all clients.
    pub(crate) fn disconnect(&mut self) {
        for role in &mut self.roles {
            if matches!(role, Some(Role::Client(..))) {
                *role = None;
            }
        }
    }

    /// Runs for so long; says how many requests were answered.
    pub(crate) fn run(&mut self, time: Duration) -> io::Result<u64> {
        let end = Instant::now() + time;
        let before = self.done;
        let mut events = Vec::with_capacity(256);
        while Instant::now() < end {
            events.clear();
            let wait = rustix::event::Timespec { tv_sec: 0, tv_nsec: 100_000_000 };
            match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&wait)) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(errno) => return Err(errno.into()),
            }
            for event in &events {
                self.event(event.data.u64() as usize)?;
            }
        }
        Ok(self.done - before)
    }

    fn event(&mut self, index: usize) -> io::Result<()> {
        let gone = match &mut self.roles[index] {
            None => false,
            Some(Role::Listener) => {
                while let Ok((stream, _)) = self.listener.accept() {
                    self.watch(&stream)?;
                    self.roles.push(Some(Role::Backend(stream, Vec::new(), 0)));
                }
                false
            }
            Some(Role::Backend(stream, head, unsent)) => {
                let mut gone = false;
                match stream.read(&mut self.scratch) {
                    Ok(0) => gone = true,
                    Ok(n) => head.extend_from_slice(&self.scratch[..n]),
                    Err(error) => gone = error.kind() != ErrorKind::WouldBlock,
                }
                if head.ends_with(b"\r\n\r\n") {
                    head.clear();
                    *unsent = self.answer.len();
                }
                while *unsent > 0 && !gone {
                    match stream.write(&self.answer[self.answer.len() - *unsent..]) {
                        Ok(n) => *unsent -= n,
                        Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                        Err(_) => gone = true,
                    }
                }
                gone
            }
            Some(Role::Client(stream, head, missing)) => {
                loop {
                    let n = match stream.read(&mut self.scratch) {
                        Ok(0) => return Err(io::Error::other("the proxy closed a connection")),
                        Ok(n) => n,
                        Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                        Err(error) => return Err(error),
                    };
                    let mut body = n;
                    if *missing == 0 {
                        head.extend_from_slice(&self.scratch[..n]);
                        let Some(end) = head.windows(4).position(|w| w == b"\r\n\r\n") else { continue };
                        if !head.starts_with(b"HTTP/1.1 200 ") {
                            let text = String::from_utf8_lossy(&head[..end]).into_owned();
                            return Err(io::Error::other(text));
                        }
                        body = head.len() - end - 4;
                        head.clear();
                        *missing = self.size;
                    }
                    *missing -= body;
                    if *missing == 0 {
                        self.done += 1;
                        stream.write_all(REQUEST)?;
                        break;
                    }
                    if n < self.scratch.len() && self.size <= 64 << 10 {
                        break;
                    }
                }
                false
            }
        };
        if gone {
            self.roles[index] = None;
        }
        Ok(())
    }
}
