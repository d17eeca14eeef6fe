//! Header fields (RFC 9112 §5).

use crate::Range;
use crate::eight::{plain_name_end, text_end};

/// A field of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    /// Its name.
    pub name: Range,
    /// Its value, without the white space around it.
    pub value: Range,
    /// Which of the fields that a proxy treats specially it is.
    pub known: Known,
    /// Whether the name holds characters other than letters, digits and `-`.
    pub odd_name: bool,
}

impl Field {
    /// Where the line stands in the head, its end included, if it reads `name: value` as it is.
    pub fn line(&self, head: &[u8]) -> Option<Range> {
        let (colon, end) = (self.name.end as usize, self.value.end as usize);
        let as_it_is = self.value.start == self.name.end + 2
            && head.get(colon..colon + 2) == Some(b": ")
            && head.get(end..end + 2) == Some(b"\r\n");
        as_it_is.then(|| Range::new(self.name.start as usize, end + 2))
    }

    /// Appends the line `name: value`, with its line end.
    pub fn write_line(&self, head: &[u8], out: &mut Vec<u8>) {
        // Nearly always it stands like this in the head, and goes over in one piece.
        if let Some(line) = self.line(head) {
            return out.extend_from_slice(line.of(head));
        }
        out.extend_from_slice(self.name.of(head));
        out.extend_from_slice(b": ");
        out.extend_from_slice(self.value.of(head));
        out.extend_from_slice(b"\r\n");
    }
}

/// Fields that a proxy treats specially.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs, reason = "the names are the fields' own")]
pub enum Known {
    Other,
    AcceptEncoding,
    Authorization,
    CacheControl,
    Connection,
    ContentEncoding,
    ContentLength,
    ContentType,
    Cookie,
    Date,
    ETag,
    Expect,
    Host,
    IfMatch,
    IfModifiedSince,
    IfNoneMatch,
    IfRange,
    IfUnmodifiedSince,
    KeepAlive,
    LastModified,
    Location,
    ProxyConnection,
    Range,
    Referer,
    Refresh,
    Server,
    Te,
    Trailer,
    TransferEncoding,
    Upgrade,
    UserAgent,
    Via,
    XForwardedFor,
}

/// Most fields that a head may have.
pub(crate) const MOST_FIELDS: usize = 200;

impl Known {
    /// A bit of its own, for sets.
    pub fn bit(self) -> u64 {
        1 << self as u32
    }

    /// Which field a name (a token of RFC 9110 §5.6.2) is, whatever its case.
    pub fn of(name: &[u8]) -> Self {
        /// A letter differs from its lower case by this bit, a hyphen has it, and no other
        /// character of a token becomes one of them by it.
        const CASE: u8 = 0x20;
        fn same<const N: usize>(name: &[u8], word: &[u8; N]) -> bool {
            // All bytes are looked at, at once: one that differs is rare.
            <&[u8; N]>::try_from(name).is_ok_and(|name| {
                name.iter().zip(word).fold(0, |differing, (a, b)| differing | ((a | CASE) ^ b)) == 0
            })
        }
        macro_rules! is {
            ($word:expr, $known:expr) => {
                if same(name, $word) { $known } else { Self::Other }
            };
        }
        let first = name.first().map_or(0, u8::to_ascii_lowercase);
        match (name.len(), first) {
            (2, _) => is!(b"te", Self::Te),
            (3, _) => is!(b"via", Self::Via),
            (4, b'h') => is!(b"host", Self::Host),
            (4, b'd') => is!(b"date", Self::Date),
            (4, b'e') => is!(b"etag", Self::ETag),
            (5, _) => is!(b"range", Self::Range),
            (6, b'c') => is!(b"cookie", Self::Cookie),
            (6, b'e') => is!(b"expect", Self::Expect),
            (6, b's') => is!(b"server", Self::Server),
            (7, b'r') if name[2] | 0x20 == b'f' && name[3] | 0x20 == b'r' => is!(b"refresh", Self::Refresh),
            (7, b'r') => is!(b"referer", Self::Referer),
            (7, b't') => is!(b"trailer", Self::Trailer),
            (7, b'u') => is!(b"upgrade", Self::Upgrade),
            (8, b'i') if name[3] | 0x20 == b'm' => is!(b"if-match", Self::IfMatch),
            (8, b'i') => is!(b"if-range", Self::IfRange),
            (8, b'l') => is!(b"location", Self::Location),
            (10, b'c') => is!(b"connection", Self::Connection),
            (10, b'k') => is!(b"keep-alive", Self::KeepAlive),
            (10, b'u') => is!(b"user-agent", Self::UserAgent),
            (12, b'c') => is!(b"content-type", Self::ContentType),
            (13, b'a') => is!(b"authorization", Self::Authorization),
            (13, b'c') => is!(b"cache-control", Self::CacheControl),
            (13, b'i') => is!(b"if-none-match", Self::IfNoneMatch),
            (13, b'l') => is!(b"last-modified", Self::LastModified),
            (14, b'c') => is!(b"content-length", Self::ContentLength),
            (15, b'a') => is!(b"accept-encoding", Self::AcceptEncoding),
            (15, b'x') => is!(b"x-forwarded-for", Self::XForwardedFor),
            (16, b'c') => is!(b"content-encoding", Self::ContentEncoding),
            (16, b'p') => is!(b"proxy-connection", Self::ProxyConnection),
            (17, b'i') => is!(b"if-modified-since", Self::IfModifiedSince),
            (17, b't') => is!(b"transfer-encoding", Self::TransferEncoding),
            (19, b'i') => is!(b"if-unmodified-since", Self::IfUnmodifiedSince),
            _ => Self::Other,
        }
    }
}

/// Whether a comma-separated list holds a word, whatever its case.
pub fn has_token(list: &[u8], token: &[u8]) -> bool {
    list.split(|b| *b == b',').any(|word| word.trim_ascii().eq_ignore_ascii_case(token))
}

/// A `Content-Length`: digits only, at most 2⁶³ − 1 (RFC 9110 §8.6).
pub fn parse_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let length = value
        .iter()
        .try_fold(0u64, |sum, digit| sum.checked_mul(10)?.checked_add(u64::from(digit - b'0')))?;
    i64::try_from(length).is_ok().then_some(length)
}

/// Why a field line is not one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FieldError {
    Name,
    Value,
    Fold,
    LineFeed,
    TooMany,
    Incomplete,
}

/// The lines of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Lines {
    /// End with CR LF.
    Strict,
    /// End with CR LF or only LF.
    Lenient,
}

impl Lines {
    /// Whether a line ends at `at`: where the next one begins.
    pub(crate) fn next(self, bytes: &[u8], at: usize) -> Result<usize, FieldError> {
        match bytes.get(at..).unwrap_or(b"") {
            [b'\r', b'\n', ..] => Ok(at + 2),
            [b'\n', ..] if self == Self::Lenient => Ok(at + 1),
            [b'\n', ..] => Err(FieldError::LineFeed),
            [] | [b'\r'] => Err(FieldError::Incomplete),
            _ => Err(FieldError::Value),
        }
    }
}

/// Reads the field lines from `at` to the empty line; says where that ends. `fields` is emptied
/// and filled.
pub(crate) fn parse_fields(
    bytes: &[u8],
    mut at: usize,
    lines: Lines,
    fields: &mut Vec<Field>,
) -> Result<usize, FieldError> {
    fields.clear();
    loop {
        match bytes.get(at) {
            None => return Err(FieldError::Incomplete),
            Some(b'\r' | b'\n') => return lines.next(bytes, at),
            Some(b' ' | b'\t') => return Err(FieldError::Fold),
            Some(_) => {}
        }
        let start = at;
        let mut colon = plain_name_end(bytes, start);
        let odd_name = bytes.get(colon) != Some(&b':');
        if odd_name {
            let rest = bytes.get(colon..).unwrap_or(b"");
            colon += rest.iter().take_while(|b| TOKEN[usize::from(**b)]).count();
        }
        if colon == start || bytes.get(colon) != Some(&b':') {
            return Err(FieldError::Name);
        }
        let mut value = colon + 1;
        while matches!(bytes.get(value), Some(b' ' | b'\t')) {
            value += 1;
        }
        let mut end = text_end(bytes, value);
        at = lines.next(bytes, end)?;
        while end > value && matches!(bytes[end - 1], b' ' | b'\t') {
            end -= 1;
        }
        if fields.len() == MOST_FIELDS {
            return Err(FieldError::TooMany);
        }
        fields.push(Field {
            name: Range::new(start, colon),
            value: Range::new(value, end),
            known: Known::of(&bytes[start..colon]),
            odd_name,
        });
    }
}

/// `tchar` of RFC 9110 §5.6.2.
pub(crate) static TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut b = 0;
    while b < 128 {
        let c = b as u8;
        table[b] = c.is_ascii_alphanumeric()
            || matches!(
                c,
                b'!' | b'#'
                    | b'$'
                    | b'%'
                    | b'&'
                    | b'\''
                    | b'*'
                    | b'+'
                    | b'-'
                    | b'.'
                    | b'^'
                    | b'_'
                    | b'`'
                    | b'|'
                    | b'~'
            );
        b += 1;
    }
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_digits_only() {
        assert_eq!(parse_length(b"0"), Some(0));
        assert_eq!(parse_length(b"9223372036854775807"), Some(i64::MAX as u64));
        for bad in
            [&b""[..], b"+1", b"-1", b"1 ", b"0x1", b"1,1", b"9223372036854775808", b"99999999999999999999"]
        {
            assert_eq!(parse_length(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn known_names_are_found_whatever_their_case() {
        for (name, known) in [
            (&b"HOST"[..], Known::Host),
            (b"Refresh", Known::Refresh),
            (b"Referer", Known::Referer),
            (b"IF-RANGE", Known::IfRange),
            (b"if-match", Known::IfMatch),
            (b"Transfer-encoding", Known::TransferEncoding),
            (b"x-other-thing", Known::Other),
        ] {
            assert_eq!(Known::of(name), known);
        }
    }

    #[test]
    fn a_line_is_written_the_same_however_it_stood() {
        for head in [
            "Name: value\r\n\r\n",
            "Name:value\r\n\r\n",
            "Name:  value \r\n\r\n",
            "Name: value\n\n",
            "Name:\tvalue\r\n\r\n",
        ] {
            let (mut fields, mut out) = (Vec::new(), Vec::new());
            parse_fields(head.as_bytes(), 0, Lines::Lenient, &mut fields).unwrap();
            fields[0].write_line(head.as_bytes(), &mut out);
            assert_eq!(out, b"Name: value\r\n", "{head:?}");
        }
    }

    #[test]
    fn lists() {
        assert!(has_token(b"a, Close ,b", b"close"));
        assert!(!has_token(b"closed", b"close"));
    }
}
