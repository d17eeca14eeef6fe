//! Commands: `script`, `notify_…`. How a line is split, and whether it needs a shell.
//!
//! keepalived starts commands without a shell; lines that use one's words are understood as meant
//! and given to one.

use super::script::user_and_group;
use crate::grammar::{Word, escape};
use crate::model::{Command, NotifyScript, Shell};
use crate::placement::Item;
use diagnostic::{Diagnostic, Report, Span};
use std::path::PathBuf;

/// Reads the words of one command.
pub(super) fn command(words: &[Word], report: &mut Report) -> Option<Command> {
    let span = place(words)?;
    let line = written(words);
    let line = line.trim();
    if line.is_empty() {
        report.push(Diagnostic::error("empty-command", span, "there is no command here"));
        return None;
    }
    if let Some(path) = line.strip_prefix('<').filter(|rest| !rest.starts_with(['<', '('])) {
        let path = path.trim();
        if !path.is_empty() && !path.contains(char::is_whitespace) {
            return Some(Command::FileOpens(PathBuf::from(path)));
        }
    }
    let Some((grouped, parts)) = read(words, line) else {
        report.push(
            Diagnostic::error("command-quote", span, "a quote within this command is never closed")
                .help("inside `\"…\"` use pairs of `'`"),
        );
        return None;
    };
    if parts.iter().all(|part| part.text.is_empty()) {
        report.push(Diagnostic::error("empty-command", span, "there is no command here"));
        return None;
    }
    let Some((word, shell)) = shell_word(&grouped, &parts) else {
        return Some(Command::Exec(parts.into_iter().map(|part| part.text).collect()));
    };
    let name = match shell {
        Shell::Posix => "sh",
        Shell::Bash => "bash",
    };
    report.push(
        Diagnostic::hint(
            "shell-command",
            span,
            format!("`{word}` is a word of a shell: this line is run by {name}"),
        )
        .help(format!(
            "the original keepalived starts no shell and would not run this check; \
                 write `\"/bin/{name} -c '…'\"` or put the line into a script file to be understood by both"
        )),
    );
    Some(Command::Shell { shell, line: line.replace("\\\"", "\"") })
}

/// `COMMAND [USER [GROUP]]`: the command is one word.
pub(super) fn notify_script(item: &Item<'_>, report: &mut Report) -> Option<(NotifyScript, Span)> {
    let (line, rest) = item.arguments().split_first()?;
    if let Some(word) = rest.first().filter(|_| !line.quoted) {
        report.push(
            Diagnostic::warning(
                "notify-user",
                word.span,
                format!("`{}` is taken for the user that runs the script", word.text),
            )
            .help(format!(
                "if it is an argument, write `{} \"{} {}\"`",
                item.name(),
                line.text,
                word.text
            )),
        );
    }
    let command = command(std::slice::from_ref(line), report)?;
    let span = place(std::slice::from_ref(line))?;
    Some((NotifyScript { command, user: user_and_group(rest) }, span))
}

/// From the first word to the last.
pub(super) fn place(words: &[Word]) -> Option<Span> {
    let (first, last) = (words.first()?.span, words.last()?.span);
    Some(if first.source == last.source && last.end >= first.end { first.to(last) } else { first })
}

/// The line as the command is to see it: the outer quotes of a single word taken off.
fn written(words: &[Word]) -> String {
    if let [word] = words {
        let raw = word.raw.as_str();
        for quote in ['"', '\''] {
            if let Some(inner) = raw.strip_prefix(quote).and_then(|r| r.strip_suffix(quote))
                && !has_bare(inner, quote)
            {
                return inner.to_owned();
            }
        }
        return raw.to_owned();
    }
    words.iter().map(|word| word.raw.as_str()).collect::<Vec<_>>().join(" ")
}

/// Whether a quote stands in a text without a backslash before it.
fn has_bare(text: &str, quote: char) -> bool {
    let mut escaped = false;
    text.chars().any(|c| {
        let bare = c == quote && !escaped;
        escaped = c == '\\' && !escaped;
        bare
    })
}

/// The line with the quotes that group its words, and these words; `None` when a quote is never closed.
///
/// Within quotes keepalived up to 2.2 reads a command twice: `\"` in `"…"` is a quote when the words are
/// cut. Where that leaves a quote open, it is a character, as for 2.4.
fn read(words: &[Word], line: &str) -> Option<(String, Vec<Part>)> {
    // Whole, it has lost its outer quotes.
    if let [word] = words
        && word.quoted
        && word.raw != line
        && let Some(parts) = split(&word.text)
    {
        return Some((line.replace("\\\"", "\"").replace("\\'", "'"), parts));
    }
    split(line).map(|parts| (line.to_owned(), parts))
}

struct Part {
    text: String,
    quoted: bool,
}

/// Splits at blanks outside of quotes, as keepalived does; `None` when a quote is never closed.
fn split(line: &str) -> Option<Vec<Part>> {
    let bytes = line.as_bytes();
    let mut parts = Vec::new();
    let mut current: Option<(Vec<u8>, bool)> = None;
    let mut quote = None;
    let mut i = 0;
    while i < bytes.len() {
        let byte = bytes[i];
        match quote {
            None if byte.is_ascii_whitespace() => {
                parts.extend(current.take());
                i += 1;
                continue;
            }
            None if byte == b'"' || byte == b'\'' => {
                quote = Some(byte);
                current.get_or_insert_default().1 = true;
            }
            Some(open) if byte == open => quote = None,
            _ if byte == b'\\' && i + 1 < bytes.len() => {
                let (value, used) = escape(&bytes[i + 1..]);
                current.get_or_insert_default().0.push(value);
                i += used;
            }
            _ => current.get_or_insert_default().0.push(byte),
        }
        i += 1;
    }
    parts.extend(current);
    let part =
        |(text, quoted): (Vec<u8>, bool)| Part { text: String::from_utf8_lossy(&text).into_owned(), quoted };
    quote.is_none().then(|| parts.into_iter().map(part).collect())
}

/// The first thing in a line that only a shell understands, and which shell.
fn shell_word(line: &str, parts: &[Part]) -> Option<(String, Shell)> {
    let bare = outside_quotes(line);
    let word = |text: &str| parts.iter().any(|part| !part.quoted && part.text == text);
    let leading = parts.first().filter(|part| !part.quoted).map(|part| part.text.as_str());
    let bash = ["[[", "((", "<<<", "&>", "<(", "|&"].into_iter().find(|op| bare.contains(op));
    if let Some(operator) = bash {
        return Some((operator.to_owned(), Shell::Bash));
    }
    if let Some(first @ ("source" | "function" | "shopt" | "declare" | "let")) = leading {
        return Some((first.to_owned(), Shell::Bash));
    }
    let test_equals = word("[") && word("==");
    if test_equals {
        return Some(("==".to_owned(), Shell::Bash));
    }
    let operator = ["&&", "||", "|", ";", ">", "<", "$("].into_iter().find(|op| bare.contains(op));
    if let Some(operator) = operator {
        return Some((operator.to_owned(), Shell::Posix));
    }
    let substitution = outside_single_quotes(line);
    for operator in ["$(", "`"] {
        if substitution.contains(operator) && !is_shell(leading) {
            return Some((operator.to_owned(), Shell::Posix));
        }
    }
    if bare.trim_end().ends_with('&') {
        return Some(("&".to_owned(), Shell::Posix));
    }
    match leading {
        Some(
            first @ ("if" | "for" | "while" | "until" | "case" | "!" | "exit" | "cd" | "export" | "exec"
            | "." | ":"),
        ) => Some((first.to_owned(), Shell::Posix)),
        _ => None,
    }
}

/// Whether a program is a shell, which then sees to its own words.
fn is_shell(program: Option<&str>) -> bool {
    let name = program.map(|p| p.rsplit('/').next().unwrap_or(p));
    matches!(name, Some("sh" | "bash" | "dash" | "ash" | "ksh" | "zsh"))
}

fn outside_quotes(line: &str) -> String {
    keep(line, &['"', '\''])
}

fn outside_single_quotes(line: &str) -> String {
    keep(line, &['\''])
}

/// The characters outside of these quotes.
fn keep(line: &str, quotes: &[char]) -> String {
    let mut open = None;
    let mut escaped = false;
    let mut kept = String::new();
    for c in line.chars() {
        let bare = !escaped;
        escaped = c == '\\' && bare;
        match open {
            Some(quote) if c == quote && bare => open = None,
            Some(_) => {}
            None if quotes.contains(&c) && bare => open = Some(c),
            None if bare => kept.push(c),
            None => {}
        }
    }
    kept
}

#[cfg(test)]
#[path = "command_tests.rs"]
mod tests;
