//! Command lines in the manner of getopt(3), which clap does not speak.

use std::ffi::OsString;

/// An option that a program takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct OptionSpec {
    /// Its letter.
    pub(super) short: char,
    /// Its long name; empty when it has none.
    pub(super) long: &'static str,
    pub(super) argument: Argument,
}

/// Whether an option takes an argument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Argument {
    None,
    Required,
    /// Only when written together with the option: `-gFILE`, `--log-file=FILE`.
    Attached,
}

/// The letter of an option list that takes words without a dash, wherever they stand.
pub(super) const OPERAND: char = '\0';

/// An option as it was given.
pub(super) type Given = (char, Option<OsString>);

/// Splits a command line into options; anything else is an error that says what is wrong.
pub(super) fn parse(arguments: &[OsString], specs: &[OptionSpec]) -> Result<Vec<Given>, String> {
    let mut given = Vec::new();
    let mut rest = arguments.iter();
    while let Some(word) = rest.next() {
        let Some(text) = word.to_str() else {
            return Err(format!("invalid argument {word:?}"));
        };
        if let Some(long) = text.strip_prefix("--") {
            let (name, attached) = match long.split_once('=') {
                Some((name, value)) => (name, Some(OsString::from(value))),
                None => (long, None),
            };
            let spec = specs.iter().find(|s| !s.long.is_empty() && s.long == name);
            let spec = spec.ok_or_else(|| format!("invalid option: \"--{name}\""))?;
            let value = match (spec.argument, attached) {
                (Argument::None, Some(_)) => return Err(format!("option \"--{name}\" takes no argument")),
                (Argument::Required, None) => Some(
                    rest.next()
                        .cloned()
                        .ok_or_else(|| format!("option \"--{name}\" requires an argument"))?,
                ),
                (_, attached) => attached,
            };
            given.push((spec.short, value));
            continue;
        }
        let Some(letters) = text.strip_prefix('-').filter(|letters| !letters.is_empty()) else {
            if specs.iter().any(|spec| spec.short == OPERAND) {
                given.push((OPERAND, Some(word.clone())));
                continue;
            }
            return Err(format!("invalid argument: \"{text}\""));
        };
        let mut letters = letters.chars();
        while let Some(letter) = letters.next() {
            let spec = specs.iter().find(|s| s.short == letter);
            let spec = spec.ok_or_else(|| format!("invalid option: \"{letter}\""))?;
            if spec.argument == Argument::None {
                given.push((letter, None));
                continue;
            }
            let attached = Some(letters.as_str()).filter(|text| !text.is_empty()).map(OsString::from);
            let value = match (spec.argument, attached) {
                (Argument::Required, None) => Some(
                    rest.next()
                        .cloned()
                        .ok_or_else(|| format!("option \"-{letter}\" requires an argument"))?,
                ),
                (_, attached) => attached,
            };
            given.push((letter, value));
            break;
        }
    }
    Ok(given)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPECS: [OptionSpec; 3] = [
        OptionSpec { short: 'n', long: "dont-fork", argument: Argument::None },
        OptionSpec { short: 'f', long: "use-file", argument: Argument::Required },
        OptionSpec { short: 't', long: "config-test", argument: Argument::Attached },
    ];

    fn read(line: &str) -> Result<Vec<Given>, String> {
        parse(&line.split_whitespace().map(OsString::from).collect::<Vec<_>>(), &SPECS)
    }

    #[test]
    fn letters_and_words() {
        let file = || Some(OsString::from("a.conf"));
        for line in [
            "-n -f a.conf",
            "-nf a.conf",
            "-nfa.conf",
            "--dont-fork --use-file=a.conf",
            "-n --use-file a.conf",
        ] {
            assert_eq!(read(line), Ok(vec![('n', None), ('f', file())]), "{line}");
        }
        assert_eq!(read("-t -n"), Ok(vec![('t', None), ('n', None)]));
        assert_eq!(read("--config-test=x"), Ok(vec![('t', Some(OsString::from("x")))]));
    }

    #[test]
    fn what_is_wrong_is_said() {
        for (line, says) in [
            ("-z", "\"z\""),
            ("--zz", "--zz"),
            ("-f", "requires"),
            ("x", "\"x\""),
            ("--dont-fork=1", "takes no"),
        ] {
            assert!(read(line).unwrap_err().contains(says), "{line}");
        }
    }
}
