//! Numbers, times and switches as keepalived reads them.

use crate::registry::Kind;

/// A whole decimal number.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
}

/// A whole number that may be hexadecimal (`0x…`) or octal (`0…`), as C reads it.
pub(crate) fn unsigned(text: &str) -> Option<u64> {
    let (digits, radix) = match text.strip_prefix("0x").or(text.strip_prefix("0X")) {
        Some(rest) => (rest, 16),
        None if text.len() > 1 && text.starts_with('0') => (&text[1..], 8),
        None => (text, 10),
    };
    let plain = !digits.is_empty() && digits.bytes().all(|b| char::from(b).is_digit(radix));
    if plain { u64::from_str_radix(digits, radix).ok() } else { None }
}

/// Decimal seconds in microseconds; further digits are dropped.
pub(crate) fn microseconds(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !digits(whole) || !digits(fraction) {
        return None;
    }
    let seconds: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let six: String = fraction.chars().chain(std::iter::repeat('0')).take(6).collect();
    seconds.checked_mul(1_000_000)?.checked_add(six.parse().ok()?)
}

/// `on`, `true`, `yes` or `off`, `false`, `no`.
pub(crate) fn switch(text: &str) -> Option<bool> {
    match text {
        "on" | "true" | "yes" => Some(true),
        "off" | "false" | "no" => Some(false),
        _ => None,
    }
}

/// What a value that does not fit should have been.
pub(crate) fn misfit(kind: Kind, text: &str) -> Option<String> {
    match kind {
        Kind::Text => None,
        Kind::Integer(low, high) => match integer(text) {
            Some(value) if (low..=high).contains(&value) => None,
            _ => Some(format!("a whole number from {low} to {high} is expected")),
        },
        Kind::Seconds(low, high) => match microseconds(text) {
            Some(value) if (low..=high).contains(&value) => None,
            _ => Some(format!("seconds from {} to {} are expected", decimal(low), decimal(high))),
        },
        Kind::Milliseconds(low, high) => match microseconds(text) {
            Some(value) if (low..=high).contains(&(value / 1000)) => None,
            _ => Some(format!("milliseconds from {} to {} are expected", low / 1000, high / 1000)),
        },
        Kind::Bool => match switch(text) {
            Some(_) => None,
            None => Some("`on`, `off`, `true`, `false`, `yes` or `no` is expected".to_owned()),
        },
        Kind::OneOf(words) => {
            if words.contains(&text) {
                None
            } else {
                Some(format!("one of `{}` is expected", words.join("`, `")))
            }
        }
    }
}

/// Microseconds as decimal seconds.
fn decimal(microseconds: u64) -> String {
    let text = format!("{}.{:06}", microseconds / 1_000_000, microseconds % 1_000_000);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_c() {
        assert_eq!((unsigned("10"), unsigned("010"), unsigned("0x1F")), (Some(10), Some(8), Some(31)));
        assert_eq!(
            (unsigned("0"), unsigned("08"), unsigned("-1"), unsigned("")),
            (Some(0), None, None, None)
        );
    }

    #[test]
    fn times_are_decimal_seconds() {
        assert_eq!(microseconds("1"), Some(1_000_000));
        assert_eq!(microseconds("0.25"), Some(250_000));
        assert_eq!(microseconds(".5"), Some(500_000));
        assert_eq!(microseconds("1.0000009"), Some(1_000_000));
        assert_eq!(microseconds("99999999999999999999"), None);
        for bad in ["", ".", "1s", "-1", "1.2.3", "１"] {
            assert_eq!(microseconds(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_misfit_says_what_fits() {
        assert_eq!(misfit(Kind::Integer(1, 255), "100"), None);
        assert_eq!(
            misfit(Kind::Integer(1, 255), "256").as_deref(),
            Some("a whole number from 1 to 255 is expected")
        );
        assert_eq!(
            misfit(Kind::Seconds(10_000, 255_000_000), "0").as_deref(),
            Some("seconds from 0.01 to 255 are expected")
        );
        assert!(misfit(Kind::Bool, "maybe").is_some());
    }
}
