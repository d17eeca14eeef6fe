//! A socket of rtnetlink: questions, and changes in batches.
//!
//! The kernel carries a request out, and queues what it answers, before `sendmsg` returns. So nothing
//! here ever waits: an answer that is not there does not come. Many requests go in one datagram; as an
//! acknowledgement takes its place in the receive buffer, which is 208 kB by default, a datagram holds
//! no more of them than fit there many times over (`netlink(7)`, `rtnetlink(7)`).

use crate::{Error, codec};
use netlink_packet_core::{NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, NetlinkPayload};
use netlink_packet_route::RouteNetlinkMessage;
use rustix::io::Errno;
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, bind, recv, sendto, socket_with,
};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Requests in a datagram at most; an acknowledgement takes less than a kilobyte of the buffer.
const REQUESTS: usize = 64;

/// Bytes in a datagram, about; also an acknowledgement of a failure repeats its request.
const BYTES: usize = 16 * 1024;

#[derive(Debug)]
pub(crate) struct Socket {
    socket: OwnedFd,
    sequence: u32,
    datagram: Vec<u8>,
    answer: Vec<u8>,
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Socket {
    pub(crate) fn open() -> Result<Self, Error> {
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        // No protocol number is number 0, NETLINK_ROUTE.
        let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
        bind(&socket, &SocketAddrNetlink::new(0, 0))?;
        Ok(Self { socket, sequence: 0, datagram: Vec::new(), answer: vec![0; 65536] })
    }

    /// Asks for all objects of a kind and gives each answer to `each`.
    pub(crate) fn dump(
        &mut self,
        question: RouteNetlinkMessage,
        each: impl FnMut(RouteNetlinkMessage),
    ) -> Result<(), Error> {
        self.ask(question, NLM_F_DUMP, each)
    }

    /// Asks for one object.
    pub(crate) fn find(
        &mut self,
        question: RouteNetlinkMessage,
        each: impl FnMut(RouteNetlinkMessage),
    ) -> Result<(), Error> {
        self.ask(question, NLM_F_ACK, each)
    }

    fn ask(
        &mut self,
        question: RouteNetlinkMessage,
        flags: u16,
        mut each: impl FnMut(RouteNetlinkMessage),
    ) -> Result<(), Error> {
        self.sequence = self.sequence.wrapping_add(1);
        self.datagram.clear();
        codec::encode(question, NLM_F_REQUEST | flags, self.sequence, &mut self.datagram);
        self.send()?;
        loop {
            let length = self.receive()?;
            for message in codec::decode(&self.answer[..length]) {
                let message = message.map_err(Error::Answer)?;
                if message.header.sequence_number != self.sequence {
                    continue;
                }
                match message.payload {
                    NetlinkPayload::InnerMessage(answer) => each(answer),
                    NetlinkPayload::Done(_) => return Ok(()),
                    NetlinkPayload::Error(error) => {
                        return error.code.map_or(Ok(()), |code| Err(errno(code.get()).into()));
                    }
                    NetlinkPayload::Overrun(_) => return Err(Error::Kernel(Errno::NOBUFS)),
                    _ => {}
                }
            }
        }
    }

    /// Carries requests out in their order. The result has one place for each: why the kernel refused
    /// it, if it did. A refused one does not keep the kernel from the next.
    pub(crate) fn transact(
        &mut self,
        requests: impl Iterator<Item = (RouteNetlinkMessage, u16)>,
    ) -> Result<Vec<Option<Errno>>, Error> {
        let mut outcomes = Vec::new();
        let mut requests = requests.peekable();
        while requests.peek().is_some() {
            let first = self.sequence.wrapping_add(1);
            let mut count = 0;
            self.datagram.clear();
            while count < REQUESTS
                && self.datagram.len() < BYTES
                && let Some((message, flags)) = requests.next()
            {
                self.sequence = self.sequence.wrapping_add(1);
                codec::encode(message, NLM_F_REQUEST | NLM_F_ACK | flags, self.sequence, &mut self.datagram);
                count += 1;
            }
            self.send()?;
            let start = outcomes.len();
            outcomes.resize(start + count, None);
            self.acknowledgements(first, &mut outcomes[start..])?;
        }
        Ok(outcomes)
    }

    /// Reads one acknowledgement for each place, of requests numbered from `first`.
    fn acknowledgements(&mut self, first: u32, outcomes: &mut [Option<Errno>]) -> Result<(), Error> {
        let mut missing = outcomes.len();
        while missing > 0 {
            let length = self.receive()?;
            for message in codec::decode(&self.answer[..length]) {
                let message = message.map_err(Error::Answer)?;
                let place = message.header.sequence_number.wrapping_sub(first) as usize;
                if let (Some(outcome), NetlinkPayload::Error(error)) =
                    (outcomes.get_mut(place), message.payload)
                {
                    *outcome = error.code.map(|code| errno(code.get()));
                    missing = missing.saturating_sub(1);
                }
            }
        }
        Ok(())
    }

    fn send(&self) -> Result<(), Error> {
        let kernel = SocketAddrNetlink::new(0, 0);
        retry(|| sendto(&self.socket, &self.datagram, SendFlags::empty(), &kernel))?;
        Ok(())
    }

    fn receive(&mut self) -> Result<usize, Error> {
        match retry(|| recv(&self.socket, self.answer.as_mut_slice(), RecvFlags::DONTWAIT)) {
            Ok((length, _)) => Ok(length),
            Err(Errno::AGAIN) => Err(Error::Answer("there is none".into())),
            Err(errno) => Err(errno.into()),
        }
    }
}

/// The error that an acknowledgement states as a negative number.
fn errno(code: i32) -> Errno {
    Errno::from_raw_os_error(code.saturating_neg())
}

/// Repeats a call that a signal interrupted.
fn retry<T>(mut call: impl FnMut() -> Result<T, Errno>) -> Result<T, Errno> {
    loop {
        match call() {
            Err(Errno::INTR) => {}
            other => return other,
        }
    }
}
