//! `$NAME=value`, `$NAME`, `${NAME}` and the definitions every configuration has.

use super::text::{Text, is_blank};
use crate::Environment;
use diagnostic::{Diagnostic, Report, Span};
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// The longest line that substitution may make; beyond it, it stops.
pub(crate) const MAX_LINE: usize = 1 << 20;

/// Everything defined so far.
#[derive(Debug)]
pub(crate) struct Definitions<'a> {
    values: HashMap<Vec<u8>, Text>,
    environment: &'a Environment,
    random: u64,
}

/// What stands after a `$`.
enum Use {
    /// `$NAME` or `${NAME …}`: name, parameters, and how many bytes the whole takes.
    Name { name: Vec<u8>, parameters: Vec<Vec<u8>>, len: usize },
    /// `$NAME` followed by what keepalived does not take as its end.
    Glued { name: Vec<u8>, len: usize },
    /// Just a dollar.
    None,
}

impl<'a> Definitions<'a> {
    pub(crate) fn new(environment: &'a Environment) -> Self {
        Self { values: HashMap::new(), environment, random: environment.random_seed }
    }

    /// `random_seed NUMBER` of global_defs: from this line on, the numbers of `${_RANDOM}` are its.
    pub(crate) fn seed(&mut self, line: &[u8]) {
        let mut words = line.split(|byte| is_blank(*byte)).filter(|word| !word.is_empty());
        let seed = words.next().filter(|word| *word == b"random_seed").and(words.next());
        if let Some(seed) = seed.and_then(|seed| std::str::from_utf8(seed).ok()?.parse().ok()) {
            self.random = seed;
        }
    }

    /// Sets `NAME`.
    pub(crate) fn set(&mut self, name: &[u8], value: Text) {
        self.values.insert(name.to_vec(), value);
    }

    /// Replaces the definitions used in `text` once; `None` when there is nothing to replace.
    pub(crate) fn substitute(&mut self, text: &Text, directory: &Path, report: &mut Report) -> Option<Text> {
        let bytes = text.bytes();
        let mut result = Text::default();
        let mut changed = false;
        let mut i = 0;
        while i < bytes.len() && result.len() <= MAX_LINE {
            let used = if bytes[i] == b'$' { usage(&bytes[i + 1..]) } else { Use::None };
            match used {
                Use::Name { name, parameters, len, .. } => {
                    let place = text.span(i..i + 1 + len)?;
                    if let Some(value) = self.value(&name, &parameters, directory, place, report) {
                        match value {
                            Value::Written(written) => append_standing_for(&mut result, &written, place),
                            Value::Computed(bytes) => result.push_all(&bytes, place),
                        }
                        changed = true;
                    } else {
                        result.append(text, i..i + 1 + len);
                    }
                    i += 1 + len;
                }
                Use::Glued { .. } | Use::None => {
                    result.append(text, i..i + 1);
                    i += 1;
                }
            }
        }
        changed.then_some(result)
    }

    /// Names the uses in a finished line that stayed as they were written.
    pub(crate) fn report_leftovers(&self, text: &Text, report: &mut Report) {
        let bytes = text.bytes();
        let mut quoted = false;
        for (i, byte) in bytes.iter().enumerate() {
            match byte {
                b'"' | b'\'' => quoted = !quoted,
                b'$' if !quoted => match usage(&bytes[i + 1..]) {
                    Use::Name { name, len, .. } => {
                        let name = String::from_utf8_lossy(&name).into_owned();
                        report.push(
                            Diagnostic::warning(
                                "undefined-name",
                                text.span(i..i + 1 + len),
                                format!("`${name}` is not defined here and stays as it is written"),
                            )
                            .help(format!("define it above with `${name}=value`")),
                        );
                    }
                    Use::Glued { name, len } if self.values.contains_key(&name) => {
                        let name = String::from_utf8_lossy(&name).into_owned();
                        report.push(
                            Diagnostic::warning(
                                "undefined-name",
                                text.span(i..i + 1 + len),
                                format!("`${name}` is not replaced here: only a blank may follow it"),
                            )
                            .help(format!("write `${{{name}}}`")),
                        );
                    }
                    _ => {}
                },
                _ => {}
            }
        }
    }

    fn value(
        &mut self,
        name: &[u8],
        parameters: &[Vec<u8>],
        directory: &Path,
        place: Span,
        report: &mut Report,
    ) -> Option<Value> {
        if let Some(value) = self.values.get(name) {
            return parameters.is_empty().then(|| Value::Written(value.clone()));
        }
        let text = match name {
            // As components: without a slash at the end.
            b"_PWD" => {
                let whole: PathBuf = self.environment.directory.join(directory).components().collect();
                whole.display().to_string()
            }
            b"_INSTANCE" => self.environment.effective_config_id().to_owned(),
            b"_HASH" => "#".to_owned(),
            b"_BANG" => "!".to_owned(),
            b"_ENV" => {
                let name = String::from_utf8_lossy(parameters.first()?).into_owned();
                match self.environment.variables.get(&name) {
                    Some(value) => value.clone(),
                    None => {
                        report.push(Diagnostic::warning(
                            "undefined-name",
                            place,
                            format!("the environment has no variable `{name}`"),
                        ));
                        String::new()
                    }
                }
            }
            b"_RANDOM" => self.next_random(parameters)?.to_string(),
            _ => return None,
        };
        Some(Value::Computed(text.into_bytes()))
    }

    /// `${_RANDOM [MIN [MAX]]}`, both ends included; 0 to 32767 when not written.
    fn next_random(&mut self, parameters: &[Vec<u8>]) -> Option<u64> {
        let number = |i: usize| -> Option<u64> {
            parameters.get(i).and_then(|p| std::str::from_utf8(p).ok()).and_then(|p| p.parse().ok())
        };
        let low = if parameters.is_empty() { 0 } else { number(0)? };
        let high = if parameters.len() < 2 { low.max(32_767) } else { number(1)? };
        // SplitMix64: any seed gives a full-period sequence.
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.random;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        let span = high.checked_sub(low)?.saturating_add(1);
        Some(low + mixed % span)
    }
}

enum Value {
    Written(Text),
    Computed(Vec<u8>),
}

/// Findings in a replaced text point at the place of use; a text of several lines keeps its own places.
fn append_standing_for(result: &mut Text, value: &Text, place: Span) {
    if value.bytes().contains(&b'\n') {
        result.append(value, 0..value.len());
    } else {
        result.push_all(value.bytes(), place);
    }
}

/// Reads `NAME` or `{NAME parameters}` after a `$`.
fn usage(after: &[u8]) -> Use {
    let braces = after.first() == Some(&b'{');
    let body = if braces { &after[1..] } else { after };
    if !body.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_') {
        return Use::None;
    }
    let name_len = body.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
    let name = body[..name_len].to_vec();
    if !braces {
        let end = body.get(name_len);
        let ended = end.is_none_or(|b| is_blank(*b) || matches!(b, b',' | b')' | b'\n'));
        return match ended {
            true => Use::Name { name, parameters: Vec::new(), len: name_len },
            false => Use::Glued { name, len: name_len },
        };
    }
    let plain = |b: &u8| is_blank(*b) || b.is_ascii_alphanumeric() || *b == b'_';
    let close = name_len + body[name_len..].iter().take_while(|b| plain(b)).count();
    if body.get(close) != Some(&b'}') {
        return Use::None;
    }
    let inner = &body[name_len..close];
    let parameters = inner.split(|b| is_blank(*b)).filter(|p| !p.is_empty()).map(<[u8]>::to_vec).collect();
    Use::Name { name, parameters, len: close + 2 }
}

/// Whether a line is `$NAME=…`: the name and where the value starts.
pub(crate) fn definition(line: &[u8]) -> Option<(Vec<u8>, usize)> {
    let body = line.strip_prefix(b"$")?;
    let len = body.iter().take_while(|b| b.is_ascii_alphanumeric() || **b == b'_').count();
    if !body.first().is_some_and(|b| b.is_ascii_alphabetic() || *b == b'_') {
        return None;
    }
    let blanks = body[len..].iter().take_while(|b| is_blank(**b)).count();
    (body.get(len + blanks) == Some(&b'=')).then(|| (body[..len].to_vec(), 1 + len + blanks + 1))
}
