//! Dates: the civil calendar, and HTTP's three spellings (RFC 9110 §5.6.7).

/// Names of the months as HTTP and logs write them.
pub const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
const WEEKDAYS: [&str; 7] = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"];

/// A moment in parts, in no particular time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// Year.
    pub year: i64,
    /// Month, 1 to 12.
    pub month: u32,
    /// Day of the month, 1 to 31.
    pub day: u32,
    /// Hour.
    pub hour: u32,
    /// Minute.
    pub minute: u32,
    /// Second.
    pub second: u32,
    /// Day of the week, Sunday is 0.
    pub weekday: u32,
}

impl Civil {
    /// Splits seconds since 1970-01-01 00:00:00 in the same zone.
    pub fn from_seconds(seconds: i64) -> Self {
        let (days, rest) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400) as u32);
        // Years are counted from March, so that the leap day is a year's last.
        let shifted = days + 719_468;
        let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let day_of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let day = (day_of_year - (153 * month_from_march + 2) / 5 + 1) as u32;
        let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 } as u32;
        let year = year_of_era + era * 400 + i64::from(month <= 2);
        Self {
            year,
            month,
            day,
            hour: rest / 3600,
            minute: rest / 60 % 60,
            second: rest % 60,
            weekday: (days + 4).rem_euclid(7) as u32,
        }
    }

    /// Seconds since 1970-01-01 00:00:00 in the same zone; the weekday is not looked at.
    pub fn to_seconds(self) -> i64 {
        let year = self.year - i64::from(self.month <= 2);
        let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
        let month_from_march = i64::from((self.month + 9) % 12);
        let day_of_year = (153 * month_from_march + 2) / 5 + i64::from(self.day) - 1;
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * 146_097 + day_of_era - 719_468;
        days * 86_400 + i64::from(self.hour) * 3600 + i64::from(self.minute) * 60 + i64::from(self.second)
    }
}

/// Appends an IMF-fixdate, `Sun, 06 Nov 1994 08:49:37 GMT`.
pub fn write_http_date(seconds: i64, out: &mut Vec<u8>) {
    let t = Civil::from_seconds(seconds);
    out.extend_from_slice(
        format!(
            "{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
            WEEKDAYS[t.weekday as usize],
            t.day,
            MONTHS[t.month as usize - 1],
            t.year,
            t.hour,
            t.minute,
            t.second
        )
        .as_bytes(),
    );
}

/// Reads an HTTP date in any of the three forms; `None` when it is none.
pub fn parse_http_date(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let words: Vec<&str> = text.split([' ', '-', ',']).filter(|word| !word.is_empty()).collect();
    let (day, month, year, time) = match words.as_slice() {
        [_, day, month, year, time, "GMT"] => (day, month, year, time),
        [_, month, day, time, year] => (day, month, year, time),
        _ => return None,
    };
    let mut year: i64 = number(year)?;
    if year < 100 {
        year += if year < 70 { 2000 } else { 1900 };
    }
    let month = MONTHS.iter().position(|name| name == month)? as u32 + 1;
    let mut clock = time.split(':');
    let (hour, minute, second) =
        (number(clock.next()?)? as u32, number(clock.next()?)? as u32, number(clock.next()?)? as u32);
    let day = number(day)? as u32;
    let valid = (1..=31).contains(&day) && hour < 24 && minute < 60 && second <= 60 && year >= 1970;
    (valid && clock.next().is_none())
        .then(|| Civil { year, month, day, hour, minute, second, weekday: 0 }.to_seconds())
}

fn number(word: &str) -> Option<i64> {
    (word.len() <= 4 && word.bytes().all(|b| b.is_ascii_digit())).then(|| word.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_are_one_moment() {
        for text in
            ["Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994"]
        {
            assert_eq!(parse_http_date(text.as_bytes()), Some(784_111_777), "{text}");
        }
        let mut out = Vec::new();
        write_http_date(784_111_777, &mut out);
        assert_eq!(out, b"Sun, 06 Nov 1994 08:49:37 GMT");
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "",
            "yesterday",
            "Sun, 06 Nov 1994 25:49:37 GMT",
            "Sun, 32 Nov 1994 08:49:37 GMT",
            "Sun, 06 Foo 1994 08:49:37 GMT",
        ] {
            assert_eq!(parse_http_date(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn days_go_round() {
        for seconds in (-200_000_000_000i64..4_000_000_000_000).step_by(86_400 * 13_331 + 12_345) {
            assert_eq!(Civil::from_seconds(seconds).to_seconds(), seconds);
        }
        assert_eq!(Civil::from_seconds(951_782_400).day, 29);
    }
}
