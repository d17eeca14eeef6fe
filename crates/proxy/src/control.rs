//! The main thread: orders from the supervisor, signals from operators.

use crate::clock::Time;
use crate::message::{Configure, FromProxy, Status, StopMode, ThreadStatus, ToProxy};
use crate::shared::{Counters, Shared, Upstream};
use crate::site::Site;
use crate::worker::{Mailbox, News, Order, Report, StartError, Worker, bell};
use ipc::Channel;
use logging::{Facility, Sink, Syslog};
use nginx_conf::model::{self, LogDestination, SyslogServer, WorkerProcesses};
use rustix::event::{PollFd, PollFlags, poll};
use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use sys::signals;

/// Why the proxy process ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// It was told to, by the supervisor or by an operator's signal.
    AsTold,
    /// The supervisor is gone.
    Orphaned,
}

/// Threads that are started at most, whatever `worker_processes` says.
const MOST_THREADS: u32 = 256;
/// How often the main thread looks for threads that have ended, while stopping.
const LOOK: Duration = Duration::from_millis(2);

/// Ends the process when its thread panics: with one thread gone, connections would hang that the
/// kernel gives to it, while everything looks well. The supervisor starts the process again.
struct AbortOnPanic;

impl Drop for AbortOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            std::process::abort();
        }
    }
}

/// How often every thread is asked for a sign of life.
const BEAT: Duration = Duration::from_secs(1);

/// A running set of threads.
struct Control {
    channel: Channel<FromProxy, ToProxy>,
    started: Instant,
    shared: Option<Arc<Shared>>,
    threads: Vec<(Arc<Mailbox>, JoinHandle<()>)>,
    news: (Sender<News>, Receiver<News>),
    /// Rung by threads that have news; made with the first thread.
    bell: Option<Arc<OwnedFd>>,
    connection_number: Arc<AtomicU64>,
    ready: HashMap<u64, usize>,
    drained: HashMap<u64, usize>,
    stopping: Option<(StopMode, Instant)>,
    /// Signs of life asked of every thread, and when last.
    asked: u64,
    asked_at: Instant,
}

/// Runs the proxy process until it is told to stop.
///
/// `caught` gives one byte, the number, for each signal that arrived: [`sys::signals::catch`].
/// `beat` is called about once a second, as long as every thread shows signs of life.
pub fn run(channel: Channel<FromProxy, ToProxy>, caught: OwnedFd, beat: &mut dyn FnMut()) -> Stopped {
    let mut control = Control {
        channel,
        started: Instant::now(),
        shared: None,
        threads: Vec::new(),
        news: self::channel(),
        bell: None,
        connection_number: Arc::default(),
        ready: HashMap::new(),
        drained: HashMap::new(),
        stopping: None,
        asked: 0,
        asked_at: Instant::now(),
    };
    loop {
        control.sleep(caught.as_fd());
        if control.is_alive() {
            beat();
        }
        for signal in signals::arrived(&caught) {
            control.signal(signal);
        }
        loop {
            match control.channel.recv() {
                Ok(Some(received)) => control.obey(received.message, received.descriptors),
                Ok(None) => break,
                Err(_) => {
                    control.stop(StopMode::Fast);
                    control.join();
                    return Stopped::Orphaned;
                }
            }
        }
        control.hear();
        if control.is_stopped() {
            control.join();
            // The supervisor may be gone already; then nobody needs the last words.
            let _ = control.channel.flush();
            return Stopped::AsTold;
        }
    }
}

impl Control {
    fn sleep(&mut self, caught: BorrowedFd<'_>) {
        let wait = if self.stopping.is_some() { LOOK } else { BEAT };
        let mut interest = PollFlags::IN;
        if self.channel.wants_write() {
            interest |= PollFlags::OUT;
        }
        let mut fds = vec![
            PollFd::from_borrowed_fd(self.channel.as_fd(), interest),
            PollFd::from_borrowed_fd(caught, PollFlags::IN),
        ];
        fds.extend(self.bell.as_deref().map(|bell| PollFd::new(bell, PollFlags::IN)));
        let timeout = rustix::event::Timespec::try_from(wait).ok();
        // Interrupted or failed: the caller looks at everything either way.
        let _ = poll(&mut fds, timeout.as_ref());
        let _ = self.channel.flush();
    }

    /// Asks every thread for a sign of life now and then; says whether all have shown the last one.
    fn is_alive(&mut self) -> bool {
        let Some(shared) = &self.shared else { return true };
        if self.stopping.is_some() {
            // Threads that are done do not answer any more.
            return true;
        }
        let asked = self.asked;
        let alive = shared.counters.iter().all(|c| c.beats.load(Ordering::Relaxed) >= asked);
        if alive && self.asked_at.elapsed() >= BEAT {
            self.asked += 1;
            self.asked_at = Instant::now();
            for (mailbox, _) in &self.threads {
                mailbox.post(Order::Beat);
            }
        }
        alive
    }

    fn say(&mut self, message: &FromProxy) {
        // A supervisor that is gone is noticed when the channel is read.
        let _ = self.channel.send(message);
    }

    fn signal(&mut self, signal: i32) {
        match signal {
            signals::TERM | signals::INT => {
                self.say(&FromProxy::Stopping(StopMode::Fast));
                self.stop(StopMode::Fast);
            }
            signals::QUIT => {
                self.say(&FromProxy::Stopping(StopMode::Graceful));
                self.stop(StopMode::Graceful);
            }
            signals::HUP => self.say(&FromProxy::ReloadAsked),
            signals::USR1 => self.say(&FromProxy::ReopenAsked),
            _ => {}
        }
    }

    fn obey(&mut self, order: ToProxy, descriptors: Vec<OwnedFd>) {
        match order {
            ToProxy::Configure(configure) => {
                let generation = configure.generation;
                if let Err(why) = self.configure(*configure, descriptors) {
                    self.say(&FromProxy::Refused(generation, why));
                }
            }
            ToProxy::ReopenLogs => {
                if let Some(shared) = &self.shared {
                    let sinks = Arc::new(open_logs(&shared.config, descriptors.into_iter()));
                    for (mailbox, _) in &self.threads {
                        mailbox.post(Order::Logs(Arc::clone(&sinks)));
                    }
                }
            }
            ToProxy::Stop(mode) => self.stop(mode),
            ToProxy::Status => {
                let status = self.status();
                self.say(&FromProxy::Status(status));
            }
        }
    }

    fn configure(&mut self, configure: Configure, descriptors: Vec<OwnedFd>) -> Result<(), String> {
        // Threads that begin now would not have heard of it.
        if self.stopping.is_some() && self.threads.is_empty() {
            return Err("it was told to stop before it began".to_owned());
        }
        let mut descriptors = descriptors.into_iter();
        let listeners = configure.config.http.as_ref().map_or(0, |http| http.listeners.len());
        let sockets: Vec<Arc<OwnedFd>> = descriptors.by_ref().take(listeners).map(Arc::new).collect();
        if sockets.len() < listeners {
            return Err("the supervisor sent too few sockets".to_owned());
        }
        let threads = match &self.shared {
            Some(_) => self.threads.len(),
            None => thread_count(configure.config.main.worker_processes),
        };
        let counters = match &self.shared {
            Some(shared) => Arc::clone(&shared.counters),
            None => Arc::new((0..threads).map(|_| Counters::default()).collect()),
        };
        let shared = Arc::new(Shared {
            generation: configure.generation,
            upstreams: self.upstreams(&configure.config),
            logs: Arc::new(open_logs(&configure.config, descriptors)),
            config: configure.config,
            hostname: configure.hostname,
            counters,
            started: self.started,
        });
        // Compiled once here, so that a thread never meets an expression that it cannot compile.
        Site::compile(Arc::clone(&shared)).map_err(|error| error.0)?;
        if self.threads.is_empty() {
            for index in 0..threads {
                self.start_thread(index, &shared)?;
            }
        }
        for (mailbox, _) in &self.threads {
            mailbox.post(Order::Configure(Arc::clone(&shared), sockets.clone()));
        }
        self.ready.insert(shared.generation, 0);
        if let Some(old) = self.shared.replace(shared) {
            self.drained.insert(old.generation, 0);
        }
        Ok(())
    }

    fn start_thread(&mut self, index: usize, shared: &Arc<Shared>) -> Result<(), String> {
        let mailbox = Arc::new(Mailbox::new().map_err(|errno| format!("eventfd: {errno}"))?);
        let bell = match &self.bell {
            Some(bell) => Arc::clone(bell),
            None => Arc::new(bell().map_err(|errno| format!("eventfd: {errno}"))?),
        };
        self.bell = Some(Arc::clone(&bell));
        let news = Report::new(self.news.0.clone(), bell);
        let (post, number) = (Arc::clone(&mailbox), Arc::clone(&self.connection_number));
        let shared = Arc::clone(shared);
        let (tell, told) = channel();
        let thread = std::thread::Builder::new().name("nginx".to_owned()).spawn(move || {
            let _whole_or_not_at_all = AbortOnPanic;
            match Worker::new(index, shared, post, news, number) {
                Ok(worker) => {
                    let _ = tell.send(Ok(()));
                    worker.run();
                }
                Err(StartError::Kernel(errno)) => {
                    let _ = tell.send(Err(format!("epoll: {errno}")));
                }
                Err(StartError::Expression(text)) => {
                    let _ = tell.send(Err(text));
                }
            }
        });
        let thread = thread.map_err(|error| format!("cannot start a thread: {error}"))?;
        told.recv().map_err(|_| "a thread ended at once".to_owned())??;
        self.threads.push((mailbox, thread));
        Ok(())
    }

    /// Upstreams of a configuration: those that did not change keep their state and connections.
    fn upstreams(&self, config: &model::Config) -> Vec<Arc<Upstream>> {
        let old = self.shared.as_ref().map_or(&[][..], |shared| &shared.upstreams);
        let models = config.http.as_ref().map_or(&[][..], |http| &http.upstreams);
        models
            .iter()
            .map(|model| match old.iter().find(|o| o.model == *model) {
                Some(same) => Arc::clone(same),
                None => Arc::new(Upstream::new(model)),
            })
            .collect()
    }

    /// Listens to the threads, and tells the supervisor what all of them agree on.
    fn hear(&mut self) {
        if let Some(bell) = &self.bell {
            // Nothing to read means that nobody has rung.
            let _ = rustix::io::read(bell, &mut [0; 8]);
        }
        let threads = self.threads.len();
        while let Ok(news) = self.news.1.try_recv() {
            let (counts, generation) = match news {
                News::Ready(generation) => (&mut self.ready, generation),
                News::Drained(generation) => (&mut self.drained, generation),
            };
            let count = counts.entry(generation).or_default();
            *count += 1;
            if *count == threads {
                counts.remove(&generation);
                let message = match news {
                    News::Ready(_) => FromProxy::Ready(generation),
                    News::Drained(_) => FromProxy::Drained(generation),
                };
                self.say(&message);
            }
        }
    }

    fn stop(&mut self, mode: StopMode) {
        if self.stopping.is_some_and(|(before, _)| before == StopMode::Fast) {
            return;
        }
        self.stopping = Some((mode, Instant::now()));
        for (mailbox, _) in &self.threads {
            mailbox.post(Order::Stop(mode));
        }
    }

    fn is_stopped(&mut self) -> bool {
        let Some((mode, since)) = self.stopping else { return false };
        let limit = self.shared.as_ref().and_then(|s| s.config.main.worker_shutdown_timeout);
        if mode == StopMode::Graceful && limit.is_some_and(|limit| since.elapsed() > limit) {
            self.stop(StopMode::Fast);
        }
        self.threads.iter().all(|(_, thread)| thread.is_finished())
    }

    fn join(&mut self) {
        for (_, thread) in self.threads.drain(..) {
            // A thread that panics takes the process with it.
            let _ = thread.join();
        }
    }

    fn status(&self) -> Status {
        let Some(shared) = &self.shared else { return Status::default() };
        let now: Time = self.started.elapsed();
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Status {
            generation: shared.generation,
            threads: shared
                .counters
                .iter()
                .map(|c| ThreadStatus {
                    accepted: count(&c.accepted),
                    requests: count(&c.requests),
                    active: count(&c.active),
                })
                .collect(),
            upstreams: shared.upstreams.iter().map(|u| u.status(now)).collect(),
        }
    }
}

fn thread_count(wanted: WorkerProcesses) -> usize {
    match wanted {
        WorkerProcesses::Auto => std::thread::available_parallelism().map_or(1, usize::from),
        WorkerProcesses::Count(n) => n.clamp(1, MOST_THREADS) as usize,
    }
}

fn open_logs(config: &model::Config, mut descriptors: impl Iterator<Item = OwnedFd>) -> Vec<Mutex<Sink>> {
    config.logs.iter().map(|log| Mutex::new(open_log(log, &mut descriptors))).collect()
}

fn open_log(log: &LogDestination, descriptors: &mut impl Iterator<Item = OwnedFd>) -> Sink {
    match log {
        LogDestination::File(_) | LogDestination::Stderr => match descriptors.next() {
            Some(file) => Sink::File(file),
            None => Sink::Nowhere,
        },
        LogDestination::Syslog { server, facility, severity, tag, nohostname } => {
            let facility = Facility(*facility);
            let syslog = match server {
                SyslogServer::Unix(path) => Syslog::unix(path, facility, tag.clone()),
                SyslogServer::Udp(address) => Syslog::udp(*address, facility, tag.clone()),
            };
            let syslog = if *nohostname { syslog } else { syslog.with_host(hostname()) };
            Sink::Syslog(syslog, *severity)
        }
    }
}

fn hostname() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}
