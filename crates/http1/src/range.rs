//! `Range` (RFC 9110 §14.2).

/// What a `Range` asks of a representation of a known length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ranges {
    /// The field is to be ignored: another unit, or malformed.
    Ignore,
    /// No range overlaps the representation: 416.
    Unsatisfiable,
    /// These stretches, as first byte and byte after the last.
    Parts(Vec<(u64, u64)>),
}

/// Reads a `Range` field; more than `most` ranges are ignored.
///
/// As nginx does, a request for more bytes in all than there are is answered with everything.
pub fn parse(value: &[u8], length: u64, most: u32) -> Ranges {
    let Some((unit, set @ [_, ..])) = value.split_at_checked(6) else { return Ranges::Ignore };
    if !unit.eq_ignore_ascii_case(b"bytes=") {
        return Ranges::Ignore;
    }
    let mut parts = Vec::new();
    let mut total = 0u64;
    for spec in set.split(|b| *b == b',') {
        let spec = spec.trim_ascii();
        let Some(dash) = spec.iter().position(|b| *b == b'-') else { return Ranges::Unsatisfiable };
        let (first, last) = (spec[..dash].trim_ascii(), spec[dash + 1..].trim_ascii());
        let bounds = match (first, last) {
            ([], []) => None,
            ([], suffix) => crate::parse_length(suffix).map(|suffix| (length.saturating_sub(suffix), length)),
            (first, []) => crate::parse_length(first).map(|first| (first, length)),
            (first, last) => crate::parse_length(first)
                .zip(crate::parse_length(last))
                .filter(|(first, last)| first <= last)
                .map(|(first, last)| (first, (last + 1).min(length))),
        };
        let Some((start, end)) = bounds else { return Ranges::Unsatisfiable };
        if start < end {
            if parts.len() as u64 >= u64::from(most) {
                return Ranges::Ignore;
            }
            total += end - start;
            parts.push((start, end));
        }
    }
    match parts.len() {
        0 => Ranges::Unsatisfiable,
        _ if total > length => Ranges::Ignore,
        _ => Ranges::Parts(parts),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        let parts = |value: &str| parse(value.as_bytes(), 100, 8);
        assert_eq!(parts("bytes=0-9"), Ranges::Parts(vec![(0, 10)]));
        assert_eq!(parts("bytes=90-"), Ranges::Parts(vec![(90, 100)]));
        assert_eq!(parts("bytes=-10"), Ranges::Parts(vec![(90, 100)]));
        assert_eq!(parts("bytes=-1000"), Ranges::Parts(vec![(0, 100)]));
        assert_eq!(parts("bytes=0-0, 5-6,99-200"), Ranges::Parts(vec![(0, 1), (5, 7), (99, 100)]));
        assert_eq!(parts("bytes=100-"), Ranges::Unsatisfiable);
        assert_eq!(parts("bytes=-0"), Ranges::Unsatisfiable);
        assert_eq!(parts("bytes=9-5"), Ranges::Unsatisfiable);
        assert_eq!(parts("bytes=x"), Ranges::Unsatisfiable);
        assert_eq!(parts("lines=1-2"), Ranges::Ignore);
        assert_eq!(parts("bytes=0-,0-,0-"), Ranges::Ignore);
        assert_eq!(parse(b"bytes=0-1,2-3", 100, 1), Ranges::Ignore);
        assert_eq!(parse(b"bytes=0-", 0, 8), Ranges::Unsatisfiable);
    }
}
