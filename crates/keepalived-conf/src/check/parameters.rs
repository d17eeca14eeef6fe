//! Scripts whose `$1` or `$0` were lost when they were copied from a web page.

/// A line that shows the loss.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Loss {
    /// Its number, from 1.
    pub(super) line: usize,
    /// What is in it.
    pub(super) text: String,
    /// What it probably was.
    pub(super) meant: &'static str,
}

/// Every line of a script that shows it.
pub(super) fn lost(script: &[u8]) -> Vec<Loss> {
    let text = String::from_utf8_lossy(script);
    let mut losses = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let meant = match words[..] {
            ["case", "in", ..] => Some("case $1 in"),
            _ if ends_basename(line) => Some("$(basename $0)"),
            _ if line.contains("to be ,") => Some("to be $1,"),
            _ if line.contains("changed to be \"") => Some("changed to be $1\""),
            _ => None,
        };
        if let Some(meant) = meant {
            losses.push(Loss { line: i + 1, text: line.trim().to_owned(), meant });
        }
    }
    losses
}

/// `$(basename` without an argument, at the end of the line or before its parenthesis.
fn ends_basename(line: &str) -> bool {
    line.split("$(basename").skip(1).any(|rest| {
        let rest = rest.trim_start();
        rest.is_empty() || rest.starts_with(')')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_tutorials_script_has_lost_its_parameters() {
        let script = include_bytes!("../../tests/fixtures/first-tutorial-notify.sh");
        let found: Vec<(usize, &str)> = lost(script).iter().map(|loss| (loss.line, loss.meant)).collect();
        assert_eq!(
            found,
            [(5, "to be $1,"), (6, "changed to be $1\""), (9, "case $1 in"), (20, "$(basename $0)")]
        );
    }

    #[test]
    fn a_whole_script_has_not() {
        let script = b"#!/bin/bash\ncase $1 in\nmaster) echo \"$(hostname) to be $1, vip\";;\n*) echo \"$(basename $0)\";;\nesac\n";
        assert_eq!(lost(script), []);
    }
}
