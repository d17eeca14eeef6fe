//! Values of words: sizes, times, numbers, flags.

use std::time::Duration;

/// Digits and nothing else.
pub(crate) fn number(text: &[u8]) -> Option<u64> {
    if text.is_empty() || !text.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Bytes: a number with `k`, `m` or `g` after it, or without.
pub(crate) fn size(text: &[u8]) -> Option<u64> {
    let (last, digits) = text.split_last()?;
    let factor: u64 = match last {
        b'k' | b'K' => 1 << 10,
        b'm' | b'M' => 1 << 20,
        b'g' | b'G' => 1 << 30,
        _ => return number(text),
    };
    number(digits)?.checked_mul(factor).filter(|bytes| i64::try_from(*bytes).is_ok())
}

/// A time: numbers with units `y M w d h m s ms` in this order, spaces allowed between; a bare
/// number at the end is seconds.
pub(crate) fn time(text: &[u8]) -> Option<Duration> {
    const MILLISECONDS: [(&[u8], u64); 8] = [
        (b"y", 365 * 86_400_000),
        (b"M", 30 * 86_400_000),
        (b"w", 7 * 86_400_000),
        (b"d", 86_400_000),
        (b"h", 3_600_000),
        (b"ms", 1),
        (b"m", 60_000),
        (b"s", 1_000),
    ];
    let order =
        |unit: &[u8]| [&b"y"[..], b"M", b"w", b"d", b"h", b"m", b"s", b"ms"].iter().position(|u| *u == unit);
    let mut rest = text;
    let mut total = 0_u64;
    let mut last_unit = None;
    while !rest.is_empty() {
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let value = number(&rest[..digits])?;
        rest = &rest[digits..];
        let unit = MILLISECONDS.iter().find(|(unit, _)| rest.starts_with(unit));
        let (unit, factor): (&[u8], u64) = match unit {
            Some((unit, factor)) => (unit, *factor),
            None if rest.is_empty() => (b"s", 1_000),
            None => return None,
        };
        rest = rest[unit.len().min(rest.len())..].trim_ascii_start();
        let place = order(unit)?;
        if last_unit.is_some_and(|last| place <= last) {
            return None;
        }
        last_unit = Some(place);
        total = total.checked_add(value.checked_mul(factor)?)?;
    }
    last_unit?;
    // nginx counts in signed 32 or 64 bits of milliseconds; centuries are enough for anybody.
    (total <= i64::MAX as u64 / 2).then(|| Duration::from_millis(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_have_units() {
        assert_eq!(size(b"10"), Some(10));
        assert_eq!(size(b"10k"), Some(10_240));
        assert_eq!(size(b"10M"), Some(10_485_760));
        assert_eq!(size(b"1g"), Some(1 << 30));
        for wrong in [&b""[..], b"k", b"-1", b"1.5m", b"10mb", b"99999999999999999g"] {
            assert_eq!(size(wrong), None);
        }
    }

    #[test]
    fn times_add_up_and_go_down() {
        assert_eq!(time(b"60"), Some(Duration::from_secs(60)));
        assert_eq!(time(b"1h30m"), Some(Duration::from_secs(5_400)));
        assert_eq!(time(b"1h 30m"), Some(Duration::from_secs(5_400)));
        assert_eq!(time(b"1m500ms"), Some(Duration::from_millis(60_500)));
        assert_eq!(time(b"2s5ms"), Some(Duration::from_millis(2_005)));
        assert_eq!(time(b"1M"), Some(Duration::from_secs(30 * 86_400)));
        assert_eq!(time(b"1d12"), Some(Duration::from_secs(86_412)));
        for wrong in [&b""[..], b"m", b"30m1h", b"1h1h", b"1.5s", b"-1", b"5x", b"99999999999999999y"] {
            assert_eq!(time(wrong), None, "{}", String::from_utf8_lossy(wrong));
        }
    }
}
