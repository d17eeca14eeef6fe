//! What two routers are put through, whichever programs they are of: the first is better, stops, returns,
//! dies and returns. Each time exactly one is master, and a third host is told where the address is.

use super::{Host, Network, Program, eventually};
use std::time::{Duration, Instant};
use wire::Mac;

/// A running router.
pub(crate) trait Router {
    /// An orderly stop.
    fn stop(&mut self);
    /// A sudden end.
    fn kill(&mut self);
}

impl Router for Program {
    fn stop(&mut self) {
        Program::stop(self);
    }

    fn kill(&mut self) {
        Program::kill(self);
    }
}

/// Two routers on the hosts 1 and 2 of a network, of which the first has the higher priority.
pub(crate) trait Duel {
    type Router: Router;

    fn network(&self) -> &Network;
    /// How the test calls it when something fails.
    fn label(&self) -> String;
    /// The virtual address that the client uses.
    fn served(&self) -> &'static str;
    fn start(&self, number: u8) -> Self::Router;
    fn is_master(&self, number: u8) -> bool;

    /// The Ethernet address that goes with the virtual one while this host is master.
    fn mac(&self, number: u8) -> Mac {
        self.host(number).mac()
    }

    /// Clears what an orderly stop may leave on a host.
    fn stopped(&self, _number: u8) {}
    /// Clears what is left on a host, as a machine does that died.
    fn died(&self, number: u8);
    /// Connects a host again.
    fn bring_up(&self, number: u8);

    fn host(&self, number: u8) -> &Host {
        if number == 1 { &self.network().a } else { &self.network().b }
    }

    fn only(&self, number: u8) -> bool {
        self.is_master(number) && !self.is_master(3 - number)
    }

    /// Within a second the client has the holder's Ethernet address in its cache, without having
    /// asked: it was told.
    fn client_is_told(&self, number: u8) {
        let (mac, end) = (self.mac(number), Instant::now() + Duration::from_secs(1));
        while self.network().client_neighbour(self.served()) != Some(mac) {
            let label = self.label();
            assert!(Instant::now() < end, "{label}: the client does not know that host {number} has it");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The first host is to be master, then to stop, return, die and return.
    fn run(&self) {
        let label = self.label();
        let mut first = self.start(1);
        let second = self.start(2);
        eventually(&format!("{label}: the first is master"), || self.only(1));
        // The client speaks to the address, so that it has something to unlearn.
        eventually(&format!("{label}: the client reaches it"), || {
            self.network().client_reaches(self.served())
        });
        first.stop();
        self.stopped(1);
        eventually(&format!("{label}: the second takes over after a stop"), || self.only(2));
        self.client_is_told(2);
        first = self.start(1);
        eventually(&format!("{label}: the first takes it back"), || self.only(1));
        self.client_is_told(1);
        self.host(1).ip("link set eth0 down");
        first.kill();
        self.died(1);
        eventually(&format!("{label}: the second takes over after a death"), || self.only(2));
        self.client_is_told(2);
        self.bring_up(1);
        let first = self.start(1);
        eventually(&format!("{label}: the first takes it back again"), || self.only(1));
        std::thread::sleep(Duration::from_millis(1500));
        assert!(self.only(1), "{label}: it stays there");
        drop((first, second));
    }
}
