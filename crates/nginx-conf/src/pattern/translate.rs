//! PCRE spelling to the engines' spelling.

/// An expression in the engines' spelling.
pub(super) struct Translated {
    /// For the linear engine; `None` when the expression needs backtracking.
    pub(super) linear: Option<String>,
    /// For the backtracking engine.
    pub(super) backtracking: String,
}

impl Translated {
    pub(super) fn new(source: &str) -> Self {
        let mut scan = Scan {
            rest: source,
            linear: String::with_capacity(source.len() + 8),
            backtracking: String::with_capacity(source.len() + 8),
            needs_backtracking: false,
            multi_line: false,
            after_quantifier: false,
        };
        scan.run();
        let linear = (!scan.needs_backtracking).then_some(scan.linear);
        Self { linear, backtracking: scan.backtracking }
    }
}

/// Names of the named groups, in order.
pub(crate) fn group_names(source: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find(['\\', '[', '(']) {
        let here = &rest[at..];
        rest = match here.as_bytes()[0] {
            b'\\' => skip_characters(here, 2),
            b'[' => &here[class_length(here)..],
            _ => match group_name(here) {
                Some((name, length)) => {
                    names.push(name.to_owned());
                    &here[length..]
                }
                None => &here[1..],
            },
        };
    }
    names
}

/// The name of a group that begins here, and the length of `(?<name>`.
fn group_name(text: &str) -> Option<(&str, usize)> {
    let (start, close) = if text.starts_with("(?P<") {
        (4, '>')
    } else if text.starts_with("(?'") {
        (3, '\'')
    } else if text.starts_with("(?<") && !text.starts_with("(?<=") && !text.starts_with("(?<!") {
        (3, '>')
    } else {
        return None;
    };
    let end = start + text[start..].find(close)?;
    Some((&text[start..end], end + 1))
}

fn skip_characters(text: &str, count: usize) -> &str {
    let mut characters = text.chars();
    for _ in 0..count {
        characters.next();
    }
    characters.as_str()
}

/// Length of a class that begins here, brackets included; all of the text when it is not closed.
fn class_length(text: &str) -> usize {
    let bytes = text.as_bytes();
    let mut at = 1;
    if bytes.get(at) == Some(&b'^') {
        at += 1;
    }
    if bytes.get(at) == Some(&b']') {
        at += 1;
    }
    while at < bytes.len() {
        match bytes[at] {
            b'\\' => at += 1 + text[at + 1..].chars().next().map_or(0, char::len_utf8),
            b'[' if bytes.get(at + 1) == Some(&b':') => match text[at..].find(":]") {
                Some(end) => at += end + 2,
                None => at += 1,
            },
            b']' => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

struct Scan<'a> {
    rest: &'a str,
    linear: String,
    backtracking: String,
    needs_backtracking: bool,
    multi_line: bool,
    /// The last thing was a quantifier, so that a `+` after it is possessive.
    after_quantifier: bool,
}

impl Scan<'_> {
    fn both(&mut self, text: &str) {
        self.linear.push_str(text);
        self.backtracking.push_str(text);
    }

    fn literal(&mut self, character: char) {
        // `\<` and `\>` are word boundaries to the engines.
        if character.is_ascii_punctuation() && !matches!(character, '<' | '>') {
            self.both("\\");
        }
        self.both(character.encode_utf8(&mut [0; 4]));
    }

    fn run(&mut self) {
        while let Some(character) = self.rest.chars().next() {
            let after_quantifier = std::mem::take(&mut self.after_quantifier);
            match character {
                '\\' => self.escape(),
                '[' => self.class(),
                '(' => self.group(),
                '$' if !self.multi_line => {
                    self.take(1);
                    self.final_line_feed();
                }
                '*' | '+' | '?' => {
                    self.take(1);
                    self.needs_backtracking |= after_quantifier && character == '+';
                    self.after_quantifier = !after_quantifier;
                    self.both(character.encode_utf8(&mut [0; 4]));
                }
                '{' => self.repetition(),
                '}' => {
                    self.take(1);
                    self.literal('}');
                }
                _ => {
                    self.take(1);
                    self.both(character.encode_utf8(&mut [0; 4]));
                }
            }
        }
    }

    fn take(&mut self, count: usize) -> &str {
        let after = skip_characters(self.rest, count);
        let taken = &self.rest[..self.rest.len() - after.len()];
        self.rest = after;
        taken
    }

    /// The end, or the place before a line feed that is the end.
    fn final_line_feed(&mut self) {
        self.linear.push_str(r"(?:\n?\z)");
        self.backtracking.push_str(r"(?=\n?\z)");
    }

    fn escape(&mut self) {
        let Some(character) = self.rest.chars().nth(1) else {
            self.take(1);
            self.both("\\");
            return;
        };
        match character {
            'h' => self.replace(2, r"[ \t]"),
            'H' => self.replace(2, r"[^ \t]"),
            'R' => self.replace(2, r"(?:\r\n|[\n\x0b\x0c\r])"),
            'v' => self.replace(2, r"[\n\x0b\x0c\r]"),
            'V' => self.replace(2, r"[^\n\x0b\x0c\r]"),
            'N' => self.replace(2, r"[^\n]"),
            'e' => self.replace(2, r"\x1b"),
            'Z' => {
                self.take(2);
                self.final_line_feed();
            }
            'Q' => self.quotation(),
            'E' => self.replace(2, ""),
            '0' => {
                let digits =
                    self.rest[2..].bytes().take(2).take_while(|byte| (b'0'..=b'7').contains(byte)).count();
                let code = u8::from_str_radix(&self.rest[1..2 + digits], 8).unwrap_or(0);
                self.replace(2 + digits, &format!("\\x{code:02x}"));
            }
            '1'..='9' => {
                self.needs_backtracking = true;
                let text = self.take(2).to_owned();
                self.both(&text);
            }
            'k' if self.rest.starts_with("\\k'") || self.rest.starts_with("\\k{") => {
                self.needs_backtracking = true;
                let close = if self.rest.as_bytes()[2] == b'\'' { '\'' } else { '}' };
                match self.rest[3..].find(close) {
                    Some(length) => {
                        let text = format!("\\k<{}>", &self.rest[3..3 + length]);
                        self.rest = &self.rest[3 + length + 1..];
                        self.both(&text);
                    }
                    None => self.replace(2, "\\k"),
                }
            }
            'k' | 'K' | 'G' | 'g' => {
                self.needs_backtracking = true;
                let text = self.take(2).to_owned();
                self.both(&text);
            }
            _ if character.is_ascii_alphanumeric() => {
                let text = self.take(2).to_owned();
                self.both(&text);
            }
            _ => {
                self.take(2);
                self.literal(character);
            }
        }
    }

    fn replace(&mut self, count: usize, text: &str) {
        self.take(count);
        self.both(text);
    }

    /// `\Q…\E`
    fn quotation(&mut self) {
        self.take(2);
        let end = self.rest.find("\\E").unwrap_or(self.rest.len());
        let (quoted, rest) = self.rest.split_at(end);
        self.rest = rest.strip_prefix("\\E").unwrap_or(rest);
        for character in quoted.chars() {
            self.literal(character);
        }
    }

    /// `{2}`, `{2,}`, `{2,3}`; any other brace is itself.
    fn repetition(&mut self) {
        let end = self.rest.find('}');
        let counts = end.map(|end| &self.rest[1..end]).unwrap_or("");
        let (least, most) = counts.split_once(',').unwrap_or((counts, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if least.is_empty() || !digits(least) || !digits(most) {
            self.take(1);
            self.literal('{');
            return;
        }
        let text = self.take(counts.len() + 2).to_owned();
        self.both(&text);
        self.after_quantifier = true;
    }

    fn group(&mut self) {
        if self.rest.starts_with("(?#") {
            let end = self.rest.find(')').map_or(self.rest.len(), |end| end + 1);
            self.rest = &self.rest[end..];
            return;
        }
        if let Some((name, length)) = group_name(self.rest) {
            let text = format!("(?P<{name}>");
            self.rest = &self.rest[length..];
            self.both(&text);
            return;
        }
        if self.rest.starts_with("(?") || self.rest.starts_with("(*") {
            let flags = self.rest[2..].find([':', ')']).map_or("", |end| &self.rest[2..2 + end]);
            let plain = flags.chars().all(|flag| "imsxU-".contains(flag)) && self.rest.starts_with("(?");
            self.needs_backtracking |= !plain;
            self.multi_line |= plain && flags.split('-').next().is_some_and(|on| on.contains('m'));
            // The `?` is no quantifier.
            let text = self.take(2).to_owned();
            self.both(&text);
            return;
        }
        self.take(1);
        self.both("(");
    }

    /// A class: `[`, `&&`, `~~` and `--` mean themselves in PCRE.
    fn class(&mut self) {
        let length = class_length(self.rest);
        let (class, rest) = self.rest.split_at(length);
        self.rest = rest;
        let mut text = String::with_capacity(length + 4);
        let mut inside = class.char_indices().peekable();
        let mut first = 0;
        while let Some((at, character)) = inside.next() {
            match character {
                '[' if at == 0 => text.push('['),
                '^' if at == 1 => {
                    text.push('^');
                    first = 1;
                }
                ']' if at == first + 1 => text.push_str("\\]"),
                '[' if class[at..].starts_with("[:") && class[at..].contains(":]") => {
                    let end = at + class[at..].find(":]").unwrap_or(0) + 2;
                    text.push_str(&class[at..end]);
                    while inside.next_if(|(next, _)| *next < end).is_some() {}
                }
                '[' | '&' | '~' => {
                    text.push('\\');
                    text.push(character);
                }
                '\\' => match inside.next() {
                    Some((_, 'h')) => text.push_str(r" \t"),
                    Some((_, 'e')) => text.push_str(r"\x1b"),
                    Some((_, 'b')) => text.push_str(r"\x08"),
                    Some((_, escaped)) if escaped.is_ascii_alphanumeric() || !escaped.is_ascii() => {
                        if escaped.is_ascii() {
                            text.push('\\');
                        }
                        text.push(escaped);
                    }
                    Some((_, escaped)) => {
                        if escaped.is_ascii_punctuation() {
                            text.push('\\');
                        }
                        text.push(escaped);
                    }
                    None => text.push('\\'),
                },
                '-' if class[at + 1..].starts_with('-') => text.push_str("\\-"),
                _ => text.push(character),
            }
        }
        self.both(&text);
    }
}
