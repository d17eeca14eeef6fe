//! Request paths: decoding and normalising (RFC 3986 §6.2.2), as nginx does before it searches a
//! location.

/// Why a path cannot be used; the client is at fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathError {
    /// A `%` without two hexadecimal digits, or `%00`.
    Escape,
    /// `..` above the root.
    AboveRoot,
}

/// Splits a target at its `?`, and drops a fragment: path, and arguments if a `?` was there.
pub fn split_query(target: &[u8]) -> (&[u8], Option<&[u8]>) {
    let end = target.iter().position(|b| *b == b'#').unwrap_or(target.len());
    let target = &target[..end];
    match target.iter().position(|b| *b == b'?') {
        Some(mark) => (&target[..mark], Some(&target[mark + 1..])),
        None => (target, None),
    }
}

/// Decodes `%XX`, resolves `.` and `..`, and joins repeated slashes when `merge` is set.
///
/// `out` is emptied and filled. An empty path becomes `/`.
pub fn normalise(path: &[u8], merge: bool, out: &mut Vec<u8>) -> Result<(), PathError> {
    out.clear();
    let simple = path.first() == Some(&b'/')
        && !path.contains(&b'%')
        && !path.windows(2).any(|pair| pair[0] == b'/' && matches!(pair[1], b'/' | b'.'));
    if simple {
        out.extend_from_slice(path);
        return Ok(());
    }
    let decoded = decode(path)?;
    out.push(b'/');
    let mut rest = decoded.strip_prefix(b"/").unwrap_or(&decoded);
    loop {
        let slash = rest.iter().position(|b| *b == b'/');
        let segment = &rest[..slash.unwrap_or(rest.len())];
        match segment {
            b"." => {}
            b".." => {
                out.pop();
                if out.is_empty() {
                    return Err(PathError::AboveRoot);
                }
                let parent = out.iter().rposition(|b| *b == b'/').unwrap_or(0);
                out.truncate(parent + 1);
            }
            b"" if merge => {}
            _ => {
                out.extend_from_slice(segment);
                if slash.is_some() {
                    out.push(b'/');
                }
            }
        }
        match slash {
            Some(slash) => rest = &rest[slash + 1..],
            None => return Ok(()),
        }
    }
}

/// Decodes `%XX`; a NUL is refused.
pub fn decode(bytes: &[u8]) -> Result<Vec<u8>, PathError> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            out.push(*first);
            continue;
        }
        let [high, low, tail @ ..] = rest else { return Err(PathError::Escape) };
        rest = tail;
        let hex = |b: u8| char::from(b).to_digit(16).ok_or(PathError::Escape);
        match (hex(*high)? << 4 | hex(*low)?) as u8 {
            0 => return Err(PathError::Escape),
            byte => out.push(byte),
        }
    }
    Ok(out)
}

/// Which bytes of a value are written as `%XX`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Escape {
    /// A path: control characters, space, `"#%?`, and bytes above 126 — as nginx writes a URI.
    Path,
    /// Captures put into arguments: also `&`, `+`, `;` and `/`… are kept, `%` and `&+` are not.
    Args,
    /// A file name in a link of an index: everything but letters, digits and `-._~`.
    Component,
}

/// Appends `bytes`, with those that may not stand in such a place as `%XX`.
pub fn escape(bytes: &[u8], kind: Escape, out: &mut Vec<u8>) {
    for byte in bytes {
        let reserved = match byte {
            0..=0x20 | 0x7f.. => true,
            b'"' | b'#' | b'%' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => true,
            b'?' => kind != Escape::Args,
            b'&' | b'+' => kind != Escape::Path,
            b'-' | b'.' | b'_' | b'~' => false,
            _ if byte.is_ascii_alphanumeric() => false,
            _ => kind == Escape::Component,
        };
        if reserved {
            out.extend_from_slice(&[b'%', b"0123456789ABCDEF"[usize::from(byte >> 4)]]);
            out.push(b"0123456789ABCDEF"[usize::from(byte & 15)]);
        } else {
            out.push(*byte);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(input: &str) -> Result<String, PathError> {
        let mut out = Vec::new();
        normalise(input.as_bytes(), true, &mut out)?;
        Ok(String::from_utf8(out).unwrap())
    }

    #[test]
    fn paths_as_nginx_sees_them() {
        for (input, output) in [
            ("/a/b", "/a/b"),
            ("/a//b///c", "/a/b/c"),
            ("//a.css", "/a.css"),
            ("/a/./b", "/a/b"),
            ("/a/../b", "/b"),
            ("/a/..", "/"),
            ("/a/b/..", "/a/"),
            ("/a/.", "/a/"),
            ("/a/...", "/a/..."),
            ("/.well-known/x", "/.well-known/x"),
            ("/%61%2Fb", "/a/b"),
            ("/a/%2e%2e/b", "/b"),
            ("/a%20b", "/a b"),
            ("/%252e", "/%2e"),
            ("", "/"),
        ] {
            assert_eq!(path(input).as_deref(), Ok(output), "{input}");
        }
        let mut out = Vec::new();
        normalise(b"/a//b", false, &mut out).unwrap();
        assert_eq!(out, b"/a//b");
    }

    #[test]
    fn nothing_gets_above_the_root() {
        for input in ["/..", "/../x", "/a/../..", "/%2e%2e/etc/passwd", "/a/%2e%2e%2f%2e%2e/x", "//../x"] {
            assert_eq!(path(input), Err(PathError::AboveRoot), "{input}");
        }
        for input in ["/%", "/%4", "/%zz", "/%00", "/a%00b"] {
            assert_eq!(path(input), Err(PathError::Escape), "{input}");
        }
    }

    #[test]
    fn queries_and_fragments() {
        assert_eq!(split_query(b"/a?b?c#d"), (&b"/a"[..], Some(&b"b?c"[..])));
        assert_eq!(split_query(b"/a#?x"), (&b"/a"[..], None));
        assert_eq!(split_query(b"/a?"), (&b"/a"[..], Some(&b""[..])));
    }

    #[test]
    fn escaping() {
        let mut out = Vec::new();
        escape("/a b?é%".as_bytes(), Escape::Path, &mut out);
        assert_eq!(out, b"/a%20b%3F%C3%A9%25");
    }
}
