//! `~SEQ(…)`, `~SEQx(…)` and `~LST(…)`: one line that stands for many.

use super::text::{Text, is_blank};

/// One round: the names it sets and their values.
pub(crate) type Round = Vec<(Vec<u8>, Vec<u8>)>;

/// A generator at the start of a line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Generator {
    /// What each copy of the line is read with.
    pub(crate) rounds: Vec<Round>,
    /// Where the line proper starts.
    pub(crate) rest: usize,
}

/// A generator makes no more copies than this, and sets no more names.
pub(crate) const MAX_ROUNDS: u64 = 65_536;

/// Reads the generator at the start of a line; `Err` says what is wrong with it.
///
/// `arguments` is the line with definitions already replaced in the parentheses.
pub(crate) fn generator(line: &Text) -> Option<Result<Generator, String>> {
    let bytes = line.bytes();
    if bytes.starts_with(b"~SEQ") {
        let hexadecimal = bytes.get(4) == Some(&b'x');
        let start = if hexadecimal { 5 } else { 4 };
        Some(parenthesised(bytes, start).and_then(|(inner, rest)| {
            let rounds = sequence(inner, hexadecimal)?;
            Ok(Generator { rounds, rest })
        }))
    } else if bytes.starts_with(b"~LST") {
        Some(parenthesised(bytes, 4).and_then(|(inner, rest)| {
            let rounds = list(inner)?;
            Ok(Generator { rounds, rest })
        }))
    } else {
        None
    }
}

/// The bytes between the parentheses and where the rest starts.
fn parenthesised(bytes: &[u8], start: usize) -> Result<(&[u8], usize), String> {
    let open = start + bytes[start..].iter().take_while(|b| is_blank(**b)).count();
    if bytes.get(open) != Some(&b'(') {
        return Err("`(` expected".to_owned());
    }
    let close = bytes[open..].iter().position(|b| *b == b')').ok_or("the closing `)` is missing")? + open;
    let rest = close + 1 + bytes[close + 1..].iter().take_while(|b| is_blank(**b)).count();
    Ok((&bytes[open + 1..close], rest))
}

/// `NAME, END`, `NAME, START, END` or `NAME, START, STEP, END`.
fn sequence(inner: &[u8], hexadecimal: bool) -> Result<Vec<Round>, String> {
    let parts: Vec<&[u8]> = inner.split(|b| *b == b',').map(<[u8]>::trim_ascii).collect();
    let (name, numbers) =
        parts.split_first().filter(|(name, _)| is_name(name)).ok_or("a name is expected first")?;
    let numbers = numbers.iter().map(|n| integer(n)).collect::<Result<Vec<i64>, String>>()?;
    let (start, step, end) = match numbers[..] {
        [end] => (if end < 0 { -1 } else { 1 }, if end < 1 { -1 } else { 1 }, end),
        [start, end] => (start, if start <= end { 1 } else { -1 }, end),
        [start, step, end] => (start, step, end),
        _ => return Err("one to three numbers are expected: [start, [step,]] end".to_owned()),
    };
    if step == 0 || (start < end && step < 0) || (start > end && step > 0) {
        return Err(format!("a step of {step} never leads from {start} to {end}"));
    }
    if hexadecimal && (start < 0 || end < 0) {
        return Err("`~SEQx` counts only from 0 upwards".to_owned());
    }
    let count = (start.abs_diff(end) / step.unsigned_abs()).saturating_add(1);
    if count > MAX_ROUNDS {
        return Err(format!("it makes {count} lines; at most {MAX_ROUNDS} are allowed"));
    }
    let mut rounds = Vec::new();
    let mut value = start;
    for _ in 0..count {
        let text = if hexadecimal { format!("{value:x}") } else { value.to_string() };
        rounds.push(vec![(name.to_vec(), text.into_bytes())]);
        value = value.wrapping_add(step);
    }
    Ok(rounds)
}

/// `NAME, value, …` or `{NAME, NAME}, {value, value}, …`; values that lack are empty.
fn list(inner: &[u8]) -> Result<Vec<Round>, String> {
    let groups = groups(inner)?;
    let (names, values) = groups.split_first().ok_or("a name is expected first")?;
    if values.is_empty() {
        return Err("no values are given".to_owned());
    }
    if !names.iter().all(|name| is_name(name)) {
        return Err("a name is expected first".to_owned());
    }
    let count = names.len() as u64 * values.len() as u64;
    if count > MAX_ROUNDS {
        return Err(format!("it sets {count} names; at most {MAX_ROUNDS} are allowed"));
    }
    values
        .iter()
        .map(|group| {
            if group.len() > names.len() {
                return Err(format!("{} values for {} names", group.len(), names.len()));
            }
            let value = |i: usize| group.get(i).cloned().unwrap_or_default();
            Ok(names.iter().enumerate().map(|(i, name)| (name.clone(), value(i))).collect())
        })
        .collect()
}

/// Splits at commas, with `{a, b}` as one group.
fn groups(inner: &[u8]) -> Result<Vec<Vec<Vec<u8>>>, String> {
    let mut groups = Vec::new();
    let mut rest = inner.trim_ascii();
    loop {
        let after = if let Some(body) = rest.strip_prefix(b"{") {
            let close = body.iter().position(|b| *b == b'}').ok_or("a `}` is missing")?;
            groups.push(body[..close].split(|b| *b == b',').map(|v| v.trim_ascii().to_vec()).collect());
            body[close + 1..].trim_ascii_start()
        } else {
            let end = rest.iter().position(|b| *b == b',').unwrap_or(rest.len());
            groups.push(vec![rest[..end].trim_ascii().to_vec()]);
            &rest[end..]
        };
        match after.split_first() {
            None => return Ok(groups),
            Some((b',', more)) => rest = more.trim_ascii_start(),
            Some(_) => return Err("`,` expected after `}`".to_owned()),
        }
    }
}

fn is_name(name: &[u8]) -> bool {
    name.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_')
        && name.iter().all(|b| b.is_ascii_alphanumeric() || *b == b'_')
}

/// Decimal, `0x` hexadecimal or `0` octal, as `strtol` reads them.
fn integer(text: &[u8]) -> Result<i64, String> {
    let shown = String::from_utf8_lossy(text);
    let digits = shown.trim_start_matches(['-', '+']);
    let parsed = match digits.strip_prefix("0x").or(digits.strip_prefix("0X")) {
        Some(hexadecimal) => i64::from_str_radix(hexadecimal, 16),
        None if digits.len() > 1 && digits.starts_with('0') => i64::from_str_radix(digits, 8),
        None => digits.parse(),
    };
    match parsed {
        Ok(value) if shown.starts_with('-') => Ok(value.wrapping_neg()),
        Ok(value) => Ok(value),
        Err(_) => Err(format!("`{shown}` is not a number")),
    }
}
