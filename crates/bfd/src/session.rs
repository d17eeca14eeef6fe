//! One session: RFC 5880 §6.2 and §6.8, asynchronous mode.
//!
//! ```text
//!                   ┌──────── expired, or neighbour Down or AdminDown ───────┐
//!                   ▼                                                        │
//!   AdminDown ──▶ Down ── neighbour Down ──▶ Init ── neighbour Init, Up ──▶ Up
//!      enabled      └──────────────── neighbour Init ───────────────────────▶┘
//! ```

use crate::settings::microseconds;
use crate::{Diagnostic, Line, Packet, Settings, State};
use std::num::NonZeroU32;
use std::time::Duration;

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// Take part.
    Enable,
    /// Be AdminDown, and say so. The neighbour is not to take this for a failure of the path.
    Disable,
    /// A packet for this session passed [`Packet::parse`] and [`crate::Hops::check`].
    Packet(Packet),
    /// A deadline may have passed.
    Timer,
}

/// Why a session is not up any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// The neighbour was not heard for the detection time.
    Expired,
    /// The neighbour says that it is down.
    NeighbourDown,
    /// The neighbour's operator took it down: no failure. keepalived does not tell trackers then.
    NeighbourAdminDown,
    /// [`Event::Disable`].
    Disabled,
}

/// What is to be done, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send this to the neighbour.
    Send(Packet),
    /// Tell trackers that the neighbour is reachable.
    Up,
    /// Tell trackers that it is not.
    Down(Cause),
    /// Write to the log.
    Log(Line),
}

/// What the neighbour last said. RFC 5880 §6.8.1.
#[derive(Clone, Copy, Debug)]
struct Remote {
    /// 0 while it is not known.
    discriminator: u32,
    state: State,
    diagnostic: Diagnostic,
    min_tx: Duration,
    min_rx: Duration,
    multiplier: u8,
    demand: bool,
}

/// One session with one neighbour.
#[derive(Clone, Debug)]
pub struct Session {
    settings: Settings,
    discriminator: NonZeroU32,
    state: State,
    diagnostic: Diagnostic,
    remote: Remote,
    /// The desired interval of sending that is in force; a longer one waits for the end of the poll.
    tx: Duration,
    /// The required interval of receiving that is in force; a shorter one waits likewise.
    rx: Duration,
    /// A change waits to be confirmed.
    poll: bool,
    /// Another change was made meanwhile: what is confirmed next is not yet this one.
    poll_again: bool,
    heard: Duration,
    transmit_at: Option<Duration>,
    detect_at: Option<Duration>,
    /// A number to draw the jitter from; new with every event.
    random: u32,
}

impl Session {
    /// A session that is not enabled. The discriminator is no other session's, and best random.
    pub fn new(settings: Settings, discriminator: NonZeroU32) -> Self {
        Self {
            settings,
            discriminator,
            state: State::AdminDown,
            diagnostic: Diagnostic::NONE,
            // RFC 5880 §6.8.1: RemoteMinRxInterval is 1 µs at first.
            remote: Remote {
                discriminator: 0,
                state: State::Down,
                diagnostic: Diagnostic::NONE,
                min_tx: Duration::ZERO,
                min_rx: Duration::from_micros(1),
                multiplier: 0,
                demand: false,
            },
            tx: settings.desired(false),
            rx: settings.min_rx,
            poll: false,
            poll_again: false,
            heard: Duration::ZERO,
            transmit_at: None,
            detect_at: None,
            random: 0,
        }
    }

    /// Where it stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// Why it last went down.
    pub fn diagnostic(&self) -> Diagnostic {
        self.diagnostic
    }

    /// Its own discriminator.
    pub fn discriminator(&self) -> u32 {
        self.discriminator.get()
    }

    /// The neighbour's discriminator; 0 while it is not known.
    pub fn remote_discriminator(&self) -> u32 {
        self.remote.discriminator
    }

    /// The neighbour's state and diagnostic, as it last said.
    pub fn remote(&self) -> (State, Diagnostic) {
        (self.remote.state, self.remote.diagnostic)
    }

    /// The interval between packets before jitter. RFC 5880 §6.8.2.
    pub fn transmit_interval(&self) -> Duration {
        self.tx.max(self.remote.min_rx)
    }

    /// After so long without a packet the neighbour is gone. RFC 5880 §6.8.4. Zero before the first.
    pub fn detection_time(&self) -> Duration {
        self.rx.max(self.remote.min_tx) * u32::from(self.remote.multiplier)
    }

    /// When it wants [`Event::Timer`].
    pub fn next_deadline(&self) -> Option<Duration> {
        [self.transmit_at, self.detect_at].into_iter().flatten().min()
    }

    /// Takes in what happened and appends what is to be done. `random` is any number, another each
    /// time: it spreads the packets over the jitter that RFC 5880 §6.8.7 asks for.
    pub fn on(&mut self, now: Duration, random: u32, event: Event, actions: &mut Vec<Action>) {
        self.random = random;
        match event {
            Event::Enable => {
                if self.state == State::AdminDown {
                    self.enter(State::Down, Diagnostic::NONE, actions);
                    self.announce(now, actions);
                }
            }
            Event::Disable => {
                let was_up = self.state == State::Up;
                if self.state != State::AdminDown {
                    self.enter(State::AdminDown, Diagnostic::ADMIN_DOWN, actions);
                    if was_up {
                        actions.push(Action::Down(Cause::Disabled));
                    }
                    self.announce(now, actions);
                }
            }
            Event::Packet(packet) => self.receive(now, packet, actions),
            Event::Timer => {
                if self.detect_at.is_some_and(|at| at <= now) {
                    self.expire(now, actions);
                }
                if self.transmit_at.is_some_and(|at| at <= now) {
                    self.announce(now, actions);
                }
            }
        }
    }

    /// Takes new settings without leaving the state. RFC 5880 §6.8.3.
    pub fn reconfigure(&mut self, now: Duration, random: u32, settings: Settings, actions: &mut Vec<Action>) {
        self.random = random;
        let old = std::mem::replace(&mut self.settings, settings);
        if old == settings || self.state == State::AdminDown {
            return;
        }
        if self.state != State::Up {
            (self.tx, self.rx) = (settings.desired(false), settings.min_rx);
        } else if (old.min_tx, old.min_rx) != (settings.min_tx, settings.min_rx) {
            self.tx = self.tx.min(settings.min_tx);
            self.rx = self.rx.max(settings.min_rx);
            self.poll_again = self.poll;
            self.start_poll(actions);
        }
        self.watch();
        self.announce(now, actions);
    }

    /// RFC 5880 §6.8.6, from where the session is known.
    fn receive(&mut self, now: Duration, packet: Packet, actions: &mut Vec<Action>) {
        let old_detection_time = self.detection_time();
        self.remote = Remote {
            discriminator: packet.mine,
            state: packet.state,
            diagnostic: packet.diagnostic,
            min_tx: Duration::from_micros(packet.min_tx.into()),
            min_rx: Duration::from_micros(packet.min_rx.into()),
            multiplier: packet.multiplier,
            demand: packet.demand,
        };
        self.heard = now;
        if packet.is_final && self.poll {
            self.poll = std::mem::take(&mut self.poll_again);
            if !self.poll {
                (self.tx, self.rx) = (self.settings.desired(true), self.settings.min_rx);
            }
        }
        if self.state == State::AdminDown {
            self.watch();
            return;
        }
        let before = self.state;
        self.change_state(packet.state, actions);
        self.watch();
        let detection_time = self.detection_time();
        if detection_time != old_detection_time {
            actions.push(Action::Log(Line::DetectionTime { to: detection_time, from: old_detection_time }));
        }
        if packet.poll {
            // RFC 5880 §6.8.7: answered at once, whatever the timer says.
            actions.push(Action::Send(Packet { poll: false, is_final: true, ..self.packet() }));
        } else if self.state != before {
            self.announce(now, actions);
        }
        self.hasten(now);
    }

    /// RFC 5880 §6.8.6: the state machine.
    fn change_state(&mut self, theirs: State, actions: &mut Vec<Action>) {
        match (self.state, theirs) {
            (State::Init | State::Up, State::AdminDown) | (State::Up, State::Down) => {
                let was_up = self.state == State::Up;
                self.enter(State::Down, Diagnostic::NEIGHBOUR_DOWN, actions);
                if was_up {
                    let by_operator = theirs == State::AdminDown;
                    let cause = if by_operator { Cause::NeighbourAdminDown } else { Cause::NeighbourDown };
                    actions.push(Action::Down(cause));
                }
            }
            (State::Down, State::Down) => self.enter(State::Init, Diagnostic::NONE, actions),
            (State::Down, State::Init) | (State::Init, State::Init | State::Up) => {
                self.enter(State::Up, Diagnostic::NONE, actions);
                actions.push(Action::Up);
            }
            _ => {}
        }
    }

    fn enter(&mut self, state: State, diagnostic: Diagnostic, actions: &mut Vec<Action>) {
        (self.state, self.diagnostic) = (state, diagnostic);
        (self.poll, self.poll_again) = (false, false);
        self.rx = self.settings.min_rx;
        actions.push(Action::Log(Line::Entering {
            state,
            local: diagnostic,
            remote: self.remote.diagnostic,
        }));
        let desired = self.settings.desired(state == State::Up);
        if state == State::Up && desired != self.tx {
            // RFC 5880 §6.8.3: a longer interval waits for the end of the poll, a shorter one does not.
            self.tx = self.tx.min(desired);
            self.start_poll(actions);
        } else {
            self.tx = desired;
        }
    }

    fn start_poll(&mut self, actions: &mut Vec<Action>) {
        self.poll = true;
        actions.push(Action::Log(Line::Poll));
    }

    /// The detection time has passed.
    fn expire(&mut self, now: Duration, actions: &mut Vec<Action>) {
        let deadline = self.detect_at.take().unwrap_or(now);
        // RFC 5880 §6.8.1: its discriminator is forgotten then, in any state.
        self.remote.discriminator = 0;
        self.remote.state = State::Down;
        self.remote.demand = false;
        if !matches!(self.state, State::Init | State::Up) {
            return;
        }
        let was_up = self.state == State::Up;
        if was_up {
            let (after, overdue) = (now.saturating_sub(self.heard), now.saturating_sub(deadline));
            actions.push(Action::Log(Line::Expired { after, overdue }));
        }
        self.enter(State::Down, Diagnostic::EXPIRED, actions);
        if was_up {
            actions.push(Action::Down(Cause::Expired));
        }
        self.announce(now, actions);
    }

    /// Runs the detection timer from the last packet.
    fn watch(&mut self) {
        if self.remote.discriminator != 0 {
            self.detect_at = Some(self.heard + self.detection_time());
        }
    }

    /// RFC 5880 §6.8.7: whether packets go out of themselves.
    fn may_send(&self) -> bool {
        let waits = self.settings.passive && self.remote.discriminator == 0;
        let (ours, theirs) = (self.state, self.remote.state);
        let demanded = self.remote.demand && (ours, theirs) == (State::Up, State::Up) && !self.poll;
        !waits && !demanded && !self.remote.min_rx.is_zero()
    }

    /// Sends what is due, or new, and sets the timer for the next.
    fn announce(&mut self, now: Duration, actions: &mut Vec<Action>) {
        self.transmit_at = None;
        if self.may_send() {
            actions.push(Action::Send(self.packet()));
            self.transmit_at = Some(now + self.jittered());
        }
    }

    /// A shorter interval counts from now on, and so does permission to send.
    fn hasten(&mut self, now: Duration) {
        if !self.may_send() {
            self.transmit_at = None;
        } else if self.transmit_at.is_none_or(|at| at > now + self.transmit_interval()) {
            self.transmit_at = Some(now + self.jittered());
        }
    }

    /// RFC 5880 §6.8.7: 75 to 100 % of the interval, to 90 % with a multiplier of 1.
    fn jittered(&self) -> Duration {
        let interval = self.transmit_interval().as_nanos();
        let most: u128 = if self.settings.multiplier <= 1 { 15 } else { 25 };
        let part = most * u128::from(self.random) / u128::from(u32::MAX / 100);
        let nanoseconds = interval * (75 * 100 + part.min(most * 100)) / 10_000;
        Duration::from_nanos(u64::try_from(nanoseconds).unwrap_or(u64::MAX))
    }

    fn packet(&self) -> Packet {
        Packet {
            diagnostic: self.diagnostic,
            state: self.state,
            poll: self.poll,
            is_final: false,
            control_plane_independent: false,
            demand: false,
            multiplier: self.settings.multiplier.max(1),
            mine: self.discriminator.get(),
            yours: self.remote.discriminator,
            min_tx: microseconds(self.settings.desired(self.state == State::Up)),
            min_rx: microseconds(self.settings.min_rx),
            min_echo_rx: 0,
        }
    }
}

#[cfg(test)]
mod tests;
