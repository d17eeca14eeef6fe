//! The loop: the supervisor's words, and whoever asks.

use crate::connect;
use crate::message::{FromControl, ToControl, Way};
use crate::service::{Connected, Desk, Service};
use ipc::{Channel, Error, Received};
use logging::Logger;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

/// The supervisor hears of us at least so often.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// Everything the process does.
pub(crate) struct Process {
    channel: Channel<FromControl, ToControl>,
    /// As whom the supervisor connects.
    supervisor: u32,
    services: Vec<Box<dyn Service>>,
    desk: Desk,
    stopped: bool,
}

impl Process {
    pub(crate) fn new(
        channel: Channel<FromControl, ToControl>,
        logger: Logger,
        supervisor: u32,
        services: Vec<Box<dyn Service>>,
    ) -> Self {
        Self { channel, supervisor, services, desk: Desk { asks: Vec::new(), logger }, stopped: false }
    }

    /// Works until it is told to stop, or the supervisor is gone.
    pub(crate) fn run(mut self, beat: &mut dyn FnMut()) -> Result<(), Error> {
        loop {
            beat();
            match self.turn() {
                Ok(()) if self.stopped => return Ok(()),
                Ok(()) => self.wait(),
                Err(Error::Closed) => return Ok(()),
                Err(error) => return Err(error),
            }
        }
    }

    fn turn(&mut self) -> Result<(), Error> {
        while let Some(received) = self.channel.recv()? {
            self.obey(received);
            if self.stopped {
                break;
            }
        }
        if !self.stopped {
            self.services.iter_mut().for_each(|service| service.turn(&mut self.desk));
        }
        for ask in self.desk.asks.drain(..) {
            self.channel.send(&ask)?;
        }
        self.channel.flush()
    }

    fn obey(&mut self, received: Received<ToControl>) {
        let supervisor = self.supervisor;
        let Self { services, desk, .. } = self;
        let mut all = services.iter_mut();
        match received.message {
            ToControl::Configure(configure) => all.for_each(|one| one.configure(&configure, desk)),
            ToControl::State(state) => all.for_each(|one| one.state(&state, desk)),
            ToControl::Changed(change) => all.for_each(|one| one.changed(&change, desk)),
            ToControl::Refused(refusal) => all.for_each(|one| one.refused(&refusal, desk)),
            ToControl::Reloaded => all.for_each(|one| one.reloaded(desk)),
            ToControl::Written(dump) => all.for_each(|one| one.written(dump)),
            ToControl::Way(daemon, way) => {
                let connected = way.and_then(|way| match way {
                    Way::Socket => {
                        let socket = received.descriptors.into_iter().next();
                        let socket = socket.ok_or_else(|| "no descriptors left".to_owned())?;
                        Ok(Connected { socket, user: supervisor })
                    }
                    Way::Path(path) => {
                        let user = rustix::process::geteuid().as_raw();
                        connect::to(&path).map(|socket| Connected { socket, user })
                    }
                });
                if let Some(one) = all.find(|one| one.daemon() == daemon) {
                    one.connected(connected, desk);
                }
            }
            ToControl::Stop => {
                all.for_each(|one| one.stop(desk));
                self.stopped = true;
            }
        }
    }

    fn wait(&self) {
        let deadlines = self.services.iter().filter_map(|service| service.next_deadline());
        let wait = deadlines.min().map(|at| at.saturating_duration_since(Instant::now()));
        let timeout = Timespec::try_from(wait.map_or(LONGEST_SLEEP, |wait| wait.min(LONGEST_SLEEP))).ok();
        let mut interest = PollFlags::IN;
        interest.set(PollFlags::OUT, self.channel.wants_write());
        let mut fds = vec![PollFd::from_borrowed_fd(self.channel.as_fd(), interest)];
        fds.extend(self.services.iter().flat_map(|service| service.descriptors()));
        // Interrupted or failed: everything is looked at either way.
        let _ = poll(&mut fds, timeout.as_ref());
    }
}
