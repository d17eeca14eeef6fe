//! Conditional requests: entity tags (RFC 9110 §8.8.3, §13.1).

/// Whether a list of entity tags holds `tag` or is `*`; weak comparison unless `strong`.
pub fn matches(list: &[u8], tag: &[u8], strong: bool) -> bool {
    if list.trim_ascii() == b"*" {
        return true;
    }
    if strong && tag.starts_with(b"W/") {
        return false;
    }
    let opaque = tag.strip_prefix(b"W/").unwrap_or(tag);
    let mut rest = list;
    loop {
        rest = rest.trim_ascii_start();
        let weak = rest.starts_with(b"W/");
        let candidate = rest.strip_prefix(b"W/").unwrap_or(rest);
        let Some(end) = candidate
            .strip_prefix(b"\"")
            .and_then(|inner| inner.iter().position(|b| *b == b'"'))
            .map(|quote| quote + 2)
        else {
            return false;
        };
        if &candidate[..end] == opaque && !(strong && weak) {
            return true;
        }
        match candidate[end..].iter().position(|b| *b == b',') {
            Some(comma) => rest = &candidate[end + comma + 1..],
            None => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags() {
        assert!(matches(b"*", b"\"x\"", true));
        assert!(matches(b"\"a\", \"x\"", b"\"x\"", true));
        assert!(matches(b"W/\"x\"", b"\"x\"", false));
        assert!(!matches(b"W/\"x\"", b"\"x\"", true));
        assert!(!matches(b"\"x\"", b"W/\"x\"", true));
        assert!(matches(b"\"a,b\", \"x\"", b"\"a,b\"", false));
        assert!(!matches(b"\"xy\"", b"\"x\"", false));
        assert!(!matches(b"x", b"\"x\"", false));
    }
}
