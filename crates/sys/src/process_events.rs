//! What processes do, told by the kernel as it happens: the process connector (`linux/cn_proc.h`,
//! `Documentation/driver-api/connector.rst`).
//!
//! It needs CAP_NET_ADMIN and the first network, PID and user namespace: in a container there is none,
//! and [`processes`](crate::processes) must be looked at time and again.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::netlink::{self, SocketAddrNetlink};
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, sendto, socket_with, sockopt,
};
use std::fmt;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::time::Duration;

// linux/netlink.h, linux/connector.h: the lengths of struct nlmsghdr and struct cn_msg.
const NETLINK_HEADER: usize = 16;
const CONNECTOR_HEADER: usize = 20;
const NLMSG_DONE: u16 = 3;
const CN_IDX_PROC: u32 = 1;
const CN_VAL_PROC: u32 = 1;
const PROC_CN_MCAST_LISTEN: u32 = 1;

// linux/cn_proc.h: enum proc_cn_event. Zero acknowledges a request.
const EVENT_NONE: u32 = 0;
const EVENT_FORK: u32 = 1;
const EVENT_EXEC: u32 = 2;
const EVENT_COMM: u32 = 0x200;
const EVENT_EXIT: u32 = 0x8000_0000;

/// The kernel acknowledges within the request, or a little later on old kernels.
const PATIENCE: Duration = Duration::from_millis(200);

/// Room for a burst of events, in bytes: about ten thousand.
const RECEIVE_BUFFER: usize = 8 << 20;

/// What a process did. Threads other than a process's first are left out.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProcessEvent {
    /// It made another one, which runs the same program.
    Forked {
        /// Number of the process.
        parent: u32,
        /// Number of the new one.
        child: u32,
    },
    /// It runs another program.
    Executed {
        /// Number of the process.
        pid: u32,
    },
    /// It gave itself another name.
    Renamed {
        /// Number of the process.
        pid: u32,
        /// The name, 15 bytes at most.
        name: String,
    },
    /// It is gone.
    Exited {
        /// Number of the process.
        pid: u32,
    },
    /// Events came faster than they were read, and some are lost: look at all processes again.
    Lost,
}

/// Why there are no events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unavailable {
    /// CAP_NET_ADMIN is missing.
    Privilege,
    /// Not in the first network, PID and user namespace.
    Namespace,
    /// The kernel was built without it (`CONFIG_PROC_EVENTS`).
    Kernel,
    /// The socket failed.
    Socket(Errno),
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Unavailable::Privilege => f.write_str("events of processes need CAP_NET_ADMIN"),
            Unavailable::Namespace => {
                f.write_str("the kernel tells events of processes to its first namespaces only")
            }
            Unavailable::Kernel => f.write_str("the kernel has no events of processes (CONFIG_PROC_EVENTS)"),
            Unavailable::Socket(errno) => write!(f, "the socket for events of processes failed: {errno}"),
        }
    }
}

impl std::error::Error for Unavailable {}

/// A socket that hears what processes do.
#[derive(Debug)]
pub struct ProcessEvents {
    socket: OwnedFd,
    buffer: Vec<u8>,
}

impl ProcessEvents {
    /// Opens the socket. Events from now on are heard, so open it before looking at all processes.
    ///
    /// # Errors
    /// When there are no events to be heard here, and why.
    pub fn open() -> Result<Self, Unavailable> {
        let refused = |errno| match errno {
            Errno::PERM | Errno::ACCESS => Unavailable::Privilege,
            Errno::PROTONOSUPPORT | Errno::AFNOSUPPORT => Unavailable::Kernel,
            // Nobody listens on the kernel's side in another network namespace.
            Errno::CONNREFUSED | Errno::NOENT => Unavailable::Namespace,
            errno => Unavailable::Socket(errno),
        };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let socket = socket_with(AddressFamily::NETLINK, SocketType::DGRAM, flags, Some(netlink::CONNECTOR))
            .map_err(refused)?;
        if sockopt::set_socket_recv_buffer_size_force(&socket, RECEIVE_BUFFER).is_err() {
            sockopt::set_socket_recv_buffer_size(&socket, RECEIVE_BUFFER).map_err(refused)?;
        }
        bind(&socket, &SocketAddrNetlink::new(0, CN_IDX_PROC)).map_err(refused)?;
        let kernel = SocketAddrNetlink::new(0, 0);
        sendto(&socket, &listen(), SendFlags::empty(), &kernel).map_err(refused)?;
        let mut events = Self { socket, buffer: vec![0; 4096] };
        events.acknowledged()?;
        Ok(events)
    }

    /// Waits for the answer to the request. Where the kernel does not want to tell, it says nothing.
    fn acknowledged(&mut self) -> Result<(), Unavailable> {
        let timeout = rustix::time::Timespec::try_from(PATIENCE).ok();
        loop {
            let mut ready = [PollFd::new(&self.socket, PollFlags::IN)];
            match poll(&mut ready, timeout.as_ref()) {
                Ok(0) => return Err(Unavailable::Namespace),
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(errno) => return Err(Unavailable::Socket(errno)),
            }
            let length = match recv(&self.socket, self.buffer.as_mut_slice(), RecvFlags::DONTWAIT) {
                Ok((length, _)) => length,
                Err(Errno::INTR | Errno::AGAIN | Errno::NOBUFS) => continue,
                Err(errno) => return Err(Unavailable::Socket(errno)),
            };
            match raw(&self.buffer[..length]) {
                Some((EVENT_NONE, data)) => {
                    return match word(data, 0) {
                        Some(0) => Ok(()),
                        Some(code) if code == Errno::PERM.raw_os_error().unsigned_abs() => {
                            Err(Unavailable::Privilege)
                        }
                        _ => Err(Unavailable::Namespace),
                    };
                }
                // Somebody else listens already, so events come before the answer.
                _ => continue,
            }
        }
    }

    /// The next event, or `None` when there is none at present. Never blocks.
    ///
    /// # Errors
    /// When the socket fails.
    pub fn event(&mut self) -> Result<Option<ProcessEvent>, Errno> {
        loop {
            match recv(&self.socket, self.buffer.as_mut_slice(), RecvFlags::DONTWAIT) {
                Ok((length, _)) => {
                    if let Some(event) = raw(&self.buffer[..length]).and_then(meaning) {
                        return Ok(Some(event));
                    }
                }
                Err(Errno::AGAIN) => return Ok(None),
                Err(Errno::INTR) => {}
                Err(Errno::NOBUFS) => return Ok(Some(ProcessEvent::Lost)),
                Err(errno) => return Err(errno),
            }
        }
    }
}

impl AsFd for ProcessEvents {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// The request to be told events.
fn listen() -> Vec<u8> {
    let length = NETLINK_HEADER + CONNECTOR_HEADER + 4;
    let mut bytes = Vec::with_capacity(length);
    bytes.extend((length as u32).to_ne_bytes());
    bytes.extend(NLMSG_DONE.to_ne_bytes());
    // Flags, sequence, port.
    bytes.extend([0; 10]);
    bytes.extend(CN_IDX_PROC.to_ne_bytes());
    bytes.extend(CN_VAL_PROC.to_ne_bytes());
    // Sequence, acknowledgement.
    bytes.extend([0; 8]);
    bytes.extend(4u16.to_ne_bytes());
    bytes.extend([0; 2]);
    bytes.extend(PROC_CN_MCAST_LISTEN.to_ne_bytes());
    bytes
}

/// The kind of an event, and what follows kind, processor and time.
fn raw(datagram: &[u8]) -> Option<(u32, &[u8])> {
    let event = datagram.get(NETLINK_HEADER + CONNECTOR_HEADER..)?;
    Some((word(event, 0)?, event.get(16..)?))
}

/// A 32-bit number, counted in such numbers.
fn word(bytes: &[u8], place: usize) -> Option<u32> {
    bytes.get(place * 4..)?.first_chunk().map(|word| u32::from_ne_bytes(*word))
}

fn meaning((kind, data): (u32, &[u8])) -> Option<ProcessEvent> {
    // Of fork: thread and process of the parent, then of the child. Of the others: thread and process.
    let (thread, process) = match kind {
        EVENT_FORK => (word(data, 2)?, word(data, 3)?),
        _ => (word(data, 0)?, word(data, 1)?),
    };
    if thread != process {
        return None;
    }
    match kind {
        EVENT_FORK => Some(ProcessEvent::Forked { parent: word(data, 1)?, child: process }),
        EVENT_EXEC => Some(ProcessEvent::Executed { pid: process }),
        EVENT_COMM => {
            let name = data.get(8..24)?.split(|byte| *byte == 0).next()?;
            Some(ProcessEvent::Renamed { pid: process, name: String::from_utf8_lossy(name).into_owned() })
        }
        EVENT_EXIT => Some(ProcessEvent::Exited { pid: process }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn datagram(kind: u32, data: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0; NETLINK_HEADER + CONNECTOR_HEADER];
        bytes.extend(kind.to_ne_bytes());
        bytes.extend([0; 12]);
        bytes.extend(data.iter().flat_map(|word| word.to_ne_bytes()));
        bytes
    }

    #[test]
    fn only_processes_count_and_short_datagrams_are_nothing() {
        let read = |bytes: &[u8]| raw(bytes).and_then(meaning);
        let fork = datagram(EVENT_FORK, &[5, 4, 9, 9]);
        assert_eq!(read(&fork), Some(ProcessEvent::Forked { parent: 4, child: 9 }));
        assert_eq!(read(&datagram(EVENT_FORK, &[4, 4, 9, 4])), None, "a thread");
        assert_eq!(read(&datagram(EVENT_EXIT, &[9, 9, 0, 17])), Some(ProcessEvent::Exited { pid: 9 }));
        assert_eq!(read(&datagram(4, &[9, 9])), None, "another user");
        for length in 0..fork.len() {
            assert_eq!(read(&fork[..length]), None);
        }
    }

    #[test]
    fn a_process_is_heard_where_the_kernel_tells() {
        let mut events = match ProcessEvents::open() {
            Ok(events) => events,
            Err(why) => {
                eprintln!("not run: {why}");
                return;
            }
        };
        let mut child = std::process::Command::new("true").spawn().unwrap();
        child.wait().unwrap();
        let pid = child.id();
        let mut heard = Vec::new();
        while let Some(event) = events.event().unwrap() {
            heard.push(event);
        }
        let place = |wanted: &ProcessEvent| heard.iter().position(|event| event == wanted);
        let forked = place(&ProcessEvent::Forked { parent: std::process::id(), child: pid }).unwrap();
        let executed = place(&ProcessEvent::Executed { pid }).unwrap();
        let exited = place(&ProcessEvent::Exited { pid }).unwrap();
        assert!(forked < executed && executed < exited, "{heard:?}");
    }

    #[test]
    fn there_are_no_events_in_another_network_namespace() {
        std::thread::spawn(|| {
            if crate::namespace::enter_new_network().is_ok() {
                let refused = ProcessEvents::open().map(|_| ()).unwrap_err();
                assert!(matches!(refused, Unavailable::Namespace | Unavailable::Kernel), "{refused}");
            }
        })
        .join()
        .unwrap();
    }
}
