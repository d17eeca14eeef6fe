//! `reload_time_file` and `reload_repeat`: a reload at a time that stands in a file.

use http1::date::Civil;
use keepalived_conf::model::Reload;
use logging::{Level, Logger};
use std::fs;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

/// Seconds of a day.
const DAY: i64 = 86_400;

/// The file and what it says.
#[derive(Debug, Default)]
pub(super) struct ReloadTime {
    path: Option<PathBuf>,
    repeat: bool,
    /// The file as it was read last: when it was changed, and how long it was.
    read: Option<(SystemTime, u64)>,
    /// Seconds since 1970, and whether a date was written.
    due: Option<(i64, bool)>,
}

impl ReloadTime {
    /// Follows another configuration.
    pub(super) fn configure(&mut self, reload: &Reload) {
        if self.path != reload.time_file {
            *self = Self { path: reload.time_file.clone(), ..Self::default() };
        }
        self.repeat = reload.repeat;
    }

    /// Looks whether the file has changed and whether it is time. The file is removed then, unless the
    /// reload is one of every day.
    pub(super) fn is_due(&mut self, logger: &mut Logger) -> bool {
        let Some(path) = self.path.clone() else { return false };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs() as i64);
        let facts = fs::metadata(&path).ok();
        let facts = facts.and_then(|facts| Some((facts.modified().ok()?, facts.len())));
        if facts != self.read {
            self.read = facts;
            self.due = None;
            if let Ok(text) = fs::read_to_string(&path) {
                let line = text.lines().next().unwrap_or_default();
                self.due = parse(line, now, sys::time::local_offset);
                let told = match self.due {
                    Some(_) => format!("Scheduling reload for {line}"),
                    None => format!("Reload time '{line}' is not one, or is in the past: ignored"),
                };
                logger.log(Level::Info, &told);
            }
        }
        let Some((_, dated)) = self.due.filter(|(at, _)| *at <= now) else { return false };
        if self.repeat && !dated {
            self.due = self.due.map(|(at, dated)| (at + DAY, dated));
        } else {
            self.due = None;
            let _ = fs::remove_file(&path);
        }
        true
    }
}

/// `HH:MM:SS`, `YY-MM-DD HH:MM:SS` or `YYYY-MM-DD HH:MM:SS`, with `Z` for UTC: the next such moment
/// after `now`, and whether a date was written. `offset` is that of local time at a moment.
fn parse(line: &str, now: i64, offset: impl Fn(i64) -> i64) -> Option<(i64, bool)> {
    let (text, utc) = line.strip_suffix('Z').map_or((line, false), |text| (text, true));
    let (date, time) = text.split_once(' ').map_or((None, text), |(date, time)| (Some(date), time));
    let [hour, minute, second] = numbers(time, ':')?;
    if time.len() != 8 || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let days = match date {
        None => (if utc { now } else { now + offset(now) }).div_euclid(DAY),
        Some(date) => {
            let [year, month, day] = numbers(date, '-')?;
            let year = match date.len() {
                8 => year + if year < 69 { 2000 } else { 1900 },
                10 => year,
                _ => return None,
            };
            let days = days(year, month, day);
            let civil = Civil::from_seconds(days * DAY);
            let same = (civil.year, i64::from(civil.month), i64::from(civil.day)) == (year, month, day);
            same.then_some(days)?
        }
    };
    let written = days * DAY + hour * 3600 + minute * 60 + second;
    let at = if utc { written } else { written - offset(written - offset(written)) };
    match date {
        None if at <= now => Some((at + DAY, false)),
        Some(_) if at <= now => None,
        date => Some((at, date.is_some())),
    }
}

fn numbers(text: &str, mark: char) -> Option<[i64; 3]> {
    let numbers: Option<Vec<i64>> = text
        .split(mark)
        .map(|part| part.bytes().all(|byte| byte.is_ascii_digit()).then(|| part.parse().ok())?)
        .collect();
    numbers?.try_into().ok()
}

/// Days from 1970 to a date of the Gregorian calendar.
fn days(year: i64, month: i64, day: i64) -> i64 {
    // Years begin with March, so that the leap day is the last one.
    let (year, month) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_the_next_ones() {
        // 2026-11-22 01:00:00 UTC
        const NOW: i64 = 1_795_309_200;
        let utc = |line| parse(line, NOW, |_| 0);
        assert_eq!(utc("01:00:01Z"), Some((NOW + 1, false)));
        assert_eq!(utc("01:00:00Z"), Some((NOW + DAY, false)));
        assert_eq!(utc("26-11-22 01:00:10"), Some((NOW + 10, true)));
        assert_eq!(utc("2026-11-23 01:00:00"), Some((NOW + DAY, true)));
        for wrong in
            ["", "1:00:00", "01:00", "24:00:00", "2026-02-30 01:00:00", "2025-11-22 01:00:00", " 01:00:01"]
        {
            assert_eq!(utc(wrong), None, "{wrong}");
        }
        let east = |line| parse(line, NOW, |_| 3600);
        assert_eq!(east("02:00:05"), Some((NOW + 5, false)));
        assert_eq!(east("2026-11-22 02:00:05"), Some((NOW + 5, true)));
        assert_eq!(east("01:00:05Z"), Some((NOW + 5, false)));
    }
}
