//! Header fields (RFC 9112 §5).

use crate::Range;

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
    /// Appends the line `name: value`, with its line end.
    pub fn write_line(&self, head: &[u8], out: &mut Vec<u8>) {
        // Nearly always it stands like this in the head, and goes over in one piece.
        let (start, colon, end) =
            (self.name.start as usize, self.name.end as usize, self.value.end as usize + 2);
        if self.value.start == self.name.end + 2
            && head.get(colon..colon + 2) == Some(b": ")
            && head.get(end - 2..end) == Some(b"\r\n")
        {
            return out.extend_from_slice(&head[start..end]);
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
    /// Which field a name is, whatever its case.
    pub fn of(name: &[u8]) -> Self {
        let is = |word: &[u8], known| if name.eq_ignore_ascii_case(word) { known } else { Self::Other };
        let first = name.first().map_or(0, u8::to_ascii_lowercase);
        match (name.len(), first) {
            (2, _) => is(b"te", Self::Te),
            (3, _) => is(b"via", Self::Via),
            (4, b'h') => is(b"host", Self::Host),
            (4, b'd') => is(b"date", Self::Date),
            (4, b'e') => is(b"etag", Self::ETag),
            (5, _) => is(b"range", Self::Range),
            (6, b'c') => is(b"cookie", Self::Cookie),
            (6, b'e') => is(b"expect", Self::Expect),
            (6, b's') => is(b"server", Self::Server),
            (7, b'r') if name[2] | 0x20 == b'f' && name[3] | 0x20 == b'r' => is(b"refresh", Self::Refresh),
            (7, b'r') => is(b"referer", Self::Referer),
            (7, b't') => is(b"trailer", Self::Trailer),
            (7, b'u') => is(b"upgrade", Self::Upgrade),
            (8, b'i') if name[3] | 0x20 == b'm' => is(b"if-match", Self::IfMatch),
            (8, b'i') => is(b"if-range", Self::IfRange),
            (8, b'l') => is(b"location", Self::Location),
            (10, b'c') => is(b"connection", Self::Connection),
            (10, b'k') => is(b"keep-alive", Self::KeepAlive),
            (10, b'u') => is(b"user-agent", Self::UserAgent),
            (12, b'c') => is(b"content-type", Self::ContentType),
            (13, b'a') => is(b"authorization", Self::Authorization),
            (13, b'c') => is(b"cache-control", Self::CacheControl),
            (13, b'i') => is(b"if-none-match", Self::IfNoneMatch),
            (13, b'l') => is(b"last-modified", Self::LastModified),
            (14, b'c') => is(b"content-length", Self::ContentLength),
            (15, b'a') => is(b"accept-encoding", Self::AcceptEncoding),
            (15, b'x') => is(b"x-forwarded-for", Self::XForwardedFor),
            (16, b'c') => is(b"content-encoding", Self::ContentEncoding),
            (16, b'p') => is(b"proxy-connection", Self::ProxyConnection),
            (17, b'i') => is(b"if-modified-since", Self::IfModifiedSince),
            (17, b't') => is(b"transfer-encoding", Self::TransferEncoding),
            (19, b'i') => is(b"if-unmodified-since", Self::IfUnmodifiedSince),
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
    TooMany,
}

/// Reads the field lines from `at` to the empty line that ends `head`.
pub(crate) fn parse_fields(head: &[u8], mut at: usize, fields: &mut Vec<Field>) -> Result<(), FieldError> {
    fields.clear();
    loop {
        let line_start = at;
        let rest = &head[at..];
        let Some(feed) = memchr::memchr(b'\n', rest) else { return Ok(()) };
        at += feed + 1;
        let mut line = &rest[..feed];
        if let [content @ .., b'\r'] = line {
            line = content;
        }
        if line.is_empty() {
            return Ok(());
        }
        if matches!(line[0], b' ' | b'\t') {
            return Err(FieldError::Fold);
        }
        let colon = line.iter().position(|b| !TOKEN[usize::from(*b)]).ok_or(FieldError::Name)?;
        if colon == 0 || line[colon] != b':' {
            return Err(FieldError::Name);
        }
        let odd_name =
            !line[..colon].iter().fold(true, |plain, b| plain & (b.is_ascii_alphanumeric() | (*b == b'-')));
        let value = &line[colon + 1..];
        // Folded over all bytes, not stopped at the first: many are looked at at once.
        if value.iter().fold(false, |bad, b| bad | (*b < 0x20) & (*b != b'\t') | (*b == 0x7f)) {
            return Err(FieldError::Value);
        }
        let lead = value.iter().take_while(|b| matches!(b, b' ' | b'\t')).count();
        let trail = value[lead..].iter().rev().take_while(|b| matches!(b, b' ' | b'\t')).count();
        if fields.len() == MOST_FIELDS {
            return Err(FieldError::TooMany);
        }
        let value_start = line_start + colon + 1 + lead;
        fields.push(Field {
            name: Range::new(line_start, line_start + colon),
            value: Range::new(value_start, value_start + value.len() - lead - trail),
            known: Known::of(&line[..colon]),
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
            "Name:\tvalue\r\n",
        ] {
            let (mut fields, mut out) = (Vec::new(), Vec::new());
            parse_fields(head.as_bytes(), 0, &mut fields).unwrap();
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
