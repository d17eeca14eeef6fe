//! The time of a turn of the event loop: read once, used by all that happens in it.

use crate::{SERVER, SERVER_WITH_VERSION};
use http1::date::{Civil, MONTHS, write_http_date};
use std::cell::OnceCell;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Time since the thread started.
pub(crate) type Time = Duration;

/// What the clocks showed at the start of this turn, with the texts made from it.
#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    now: Time,
    wall: Duration,
    second: u64,
    offset: i64,
    /// `$time_local` and `$time_iso8601`, made when they are asked for, once a second.
    local: OnceCell<String>,
    iso8601: OnceCell<String>,
    http_date: Vec<u8>,
    /// The fields `Server` and `Date`: with the version and without.
    server_and_date: [Vec<u8>; 2],
}

impl Clock {
    pub(crate) fn new(started: Instant) -> Self {
        let mut clock = Self {
            started,
            now: Time::ZERO,
            wall: Duration::ZERO,
            second: u64::MAX,
            offset: 0,
            local: OnceCell::new(),
            iso8601: OnceCell::new(),
            http_date: Vec::new(),
            server_and_date: [Vec::new(), Vec::new()],
        };
        clock.turn();
        clock
    }

    /// Reads the clocks.
    pub(crate) fn turn(&mut self) {
        self.now = self.started.elapsed();
        self.wall = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        if self.wall.as_secs() != self.second {
            self.second = self.wall.as_secs();
            self.offset = sys::time::local_offset(self.second as i64);
            (self.local, self.iso8601) = (OnceCell::new(), OnceCell::new());
            self.http_date.clear();
            write_http_date(self.second as i64, &mut self.http_date);
            let fields =
                |server: &str| [b"\r\nServer: ", server.as_bytes(), b"\r\nDate: ", &self.http_date].concat();
            self.server_and_date = [fields(SERVER_WITH_VERSION), fields(SERVER)];
        }
    }

    /// Time since the thread started.
    pub(crate) fn now(&self) -> Time {
        self.now
    }

    /// Time since 1970.
    pub(crate) fn wall(&self) -> Duration {
        self.wall
    }

    /// The `Date` field.
    pub(crate) fn http_date(&self) -> &[u8] {
        &self.http_date
    }

    /// The fields `Server` and `Date`, each beginning with the line end of the one before.
    pub(crate) fn server_and_date(&self, with_version: bool) -> &[u8] {
        &self.server_and_date[usize::from(!with_version)]
    }

    /// Seconds that local time is ahead of UTC.
    pub(crate) fn offset(&self) -> i64 {
        self.offset
    }

    fn civil(&self) -> Civil {
        Civil::from_seconds(self.second as i64 + self.offset)
    }

    fn zone(&self) -> (char, i64, i64) {
        let minutes = self.offset / 60;
        (if minutes < 0 { '-' } else { '+' }, minutes.abs() / 60, minutes.abs() % 60)
    }

    /// `$time_local`: `21/Nov/2026:20:00:00 +0000`
    pub(crate) fn time_local(&self) -> &[u8] {
        let text = self.local.get_or_init(|| {
            let (t, (sign, hours, minutes)) = (self.civil(), self.zone());
            let month = MONTHS[t.month as usize - 1];
            format!(
                "{:02}/{month}/{}:{:02}:{:02}:{:02} {sign}{hours:02}{minutes:02}",
                t.day, t.year, t.hour, t.minute, t.second
            )
        });
        text.as_bytes()
    }

    /// `$time_iso8601`: `2026-11-21T20:00:00+00:00`
    pub(crate) fn time_iso8601(&self) -> &[u8] {
        let text = self.iso8601.get_or_init(|| {
            let (t, (sign, hours, minutes)) = (self.civil(), self.zone());
            format!(
                "{}-{:02}-{:02}T{:02}:{:02}:{:02}{sign}{hours:02}:{minutes:02}",
                t.year, t.month, t.day, t.hour, t.minute, t.second
            )
        });
        text.as_bytes()
    }

    /// The time before an error log line: `2026/11/21 20:00:00`
    pub(crate) fn error_log_time(&self) -> String {
        let t = self.civil();
        format!("{}/{:02}/{:02} {:02}:{:02}:{:02}", t.year, t.month, t.day, t.hour, t.minute, t.second)
    }
}
