//! The rewrite module: `set`, `if`, `rewrite`, `return`, `break`.

use super::location::{Surroundings, if_location};
use super::{Lowering, values};
use crate::check::Item;
use crate::model::{Condition, FileTest, Instruction, Return, Rewrite, RewriteFlag, Template, Variable};
use crate::syntax::{Directive, Word};
use diagnostic::Diagnostic;

/// The steps of a level, in file order. `around`: the location an `if` stands in; `None` in `server`.
pub(super) fn program(
    lowering: &mut Lowering<'_>,
    items: &[Item<'_>],
    around: Option<&Surroundings<'_>>,
) -> Vec<Instruction> {
    let mut steps = Vec::new();
    for item in items {
        let directive = item.directive;
        match directive.name_text().as_ref() {
            "set" => steps.extend(set(lowering, directive)),
            "return" => steps.extend(answer(lowering, directive).map(Instruction::Return)),
            "rewrite" => steps.extend(rewrite(lowering, directive).map(Instruction::Rewrite)),
            "break" => steps.push(Instruction::Break),
            "if" => {
                let condition = condition(lowering, directive);
                let then = program(lowering, &item.items, around);
                let location = around.map(|around| Box::new(if_location(lowering, &item.items, around)));
                if let Some(condition) = condition {
                    steps.push(Instruction::If { condition, then, location });
                }
            }
            _ => {}
        }
    }
    steps
}

fn set(lowering: &mut Lowering<'_>, directive: &Directive) -> Option<Instruction> {
    let (name, value) = (&directive.args[0], &directive.args[1]);
    let text = name.text();
    let Some(plain) = text.strip_prefix('$').filter(|plain| !plain.is_empty()) else {
        lowering.report.push(
            Diagnostic::error("invalid-variable", name.span, format!("invalid variable name \"{text}\""))
                .help("a variable's name begins with `$`"),
        );
        return None;
    };
    let lower = plain.to_lowercase();
    if let ("args" | "limit_rate", Some(_)) = (lower.as_str(), super::variables::builtin(&lower)) {
        lowering.unsupported(directive, name);
        return None;
    }
    let value = lowering.template(value);
    match lowering.variables.resolve(plain, name.span, lowering.report) {
        Some(Variable::User(variable)) => Some(Instruction::Set { variable, value }),
        Some(_) => {
            lowering.report.push(
                Diagnostic::error(
                    "duplicate-variable",
                    name.span,
                    format!("the duplicate \"{plain}\" variable"),
                )
                .label("this is a variable of nginx's own and cannot be set"),
            );
            None
        }
        None => None,
    }
}

fn answer(lowering: &mut Lowering<'_>, directive: &Directive) -> Option<Return> {
    let word = &directive.args[0];
    let Some(text) = directive.args.get(1) else {
        if let Some(code) = status(&word.value) {
            return Some(Return::Status(code));
        }
        if [&b"http://"[..], b"https://", b"$scheme"].iter().any(|start| word.value.starts_with(start)) {
            return Some(Return::Redirect(302, lowering.template(word)));
        }
        lowering.report.push(
            Diagnostic::error("invalid-value", word.span, format!("invalid return code \"{}\"", word.text()))
                .label("expected a status code, or a URL with its scheme"),
        );
        return None;
    };
    let Some(code) = status(&word.value) else {
        lowering.error("invalid-value", word.span, format!("invalid return code \"{}\"", word.text()));
        return None;
    };
    let text = lowering.template(text);
    Some(match code {
        301 | 302 | 303 | 307 | 308 => Return::Redirect(code, text),
        _ => Return::Text(code, text),
    })
}

fn status(text: &[u8]) -> Option<u16> {
    values::number(text).and_then(|code| u16::try_from(code).ok()).filter(|code| *code <= 999)
}

fn rewrite(lowering: &mut Lowering<'_>, directive: &Directive) -> Option<Rewrite> {
    let (expression, replacement) = (&directive.args[0], &directive.args[1]);
    let pattern = lowering.variables.pattern(&expression.value, false, expression, lowering.report);
    let whole_url =
        [&b"http://"[..], b"https://", b"$scheme"].iter().any(|start| replacement.value.starts_with(start));
    let mut flag = if whole_url { RewriteFlag::Redirect(302) } else { RewriteFlag::Continue };
    if let Some(word) = directive.args.get(2) {
        let choices = [
            ("last", if whole_url { flag } else { RewriteFlag::Last }),
            ("break", if whole_url { flag } else { RewriteFlag::Break }),
            ("redirect", RewriteFlag::Redirect(302)),
            ("permanent", RewriteFlag::Redirect(301)),
        ];
        flag = lowering.choice_of(directive, word, &choices)?;
    }
    let (keep_args, text) = match replacement.value.strip_suffix(b"?") {
        Some(text) => (false, text),
        None => (true, replacement.value.as_slice()),
    };
    let (path, args) = match text.iter().position(|byte| *byte == b'?') {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    let mut template =
        |part: &[u8]| -> Template { lowering.variables.template_of(part, replacement.span, lowering.report) };
    let (path, args) = (template(path), args.map(template));
    Some(Rewrite { pattern, replacement: path, args, keep_args, flag })
}

/// `( … )`, which may be cut into words anywhere around its parts.
fn condition(lowering: &mut Lowering<'_>, directive: &Directive) -> Option<Condition> {
    let args = &directive.args;
    let (first, last) = (&args[0], &args[args.len() - 1]);
    let broken = |lowering: &mut Lowering<'_>, word: &Word| {
        lowering.report.push(
            Diagnostic::error("invalid-condition", word.span, format!("invalid condition \"{}\"", word.text()))
                .help("a condition is `($variable)`, `($variable = text)`, `($variable ~ expression)` or `(-f file)`"),
        );
        None
    };
    if !first.value.starts_with(b"(") {
        return broken(lowering, first);
    }
    if !last.value.ends_with(b")") || (args.len() == 1 && last.value.len() < 2) {
        return broken(lowering, last);
    }
    let mut words: Vec<Word> = args.to_vec();
    words[0].value.remove(0);
    let end = words.len() - 1;
    words[end].value.pop();
    words.retain(|word| !word.value.is_empty() || word.quoted);
    let Some(subject) = words.first() else { return broken(lowering, first) };
    let negated_test = subject.value.strip_prefix(b"!");
    if let Some(name) = subject.value.strip_prefix(b"$").filter(|name| !name.is_empty() && name[0] != b'{') {
        let name = String::from_utf8_lossy(name).into_owned();
        let variable = lowering.variables.resolve(&name, subject.span, lowering.report);
        return match &words[1..] {
            [] => variable.map(Condition::True),
            [operator, value] => comparison(lowering, variable, operator, value),
            // An empty comparand may have been written without quotes: `($x = )`.
            [operator] if matches!(operator.value.as_slice(), b"=" | b"!=") => {
                let empty = Word { value: Vec::new(), ..operator.clone() };
                comparison(lowering, variable, operator, &empty)
            }
            [operator, ..] => broken(lowering, operator),
        };
    }
    let test = match negated_test.unwrap_or(&subject.value) {
        b"-f" => FileTest::File,
        b"-d" => FileTest::Directory,
        b"-e" => FileTest::Exists,
        b"-x" => FileTest::Executable,
        _ => return broken(lowering, subject),
    };
    match &words[1..] {
        [path] => {
            Some(Condition::File { test, path: lowering.template(path), negated: negated_test.is_some() })
        }
        _ => broken(lowering, subject),
    }
}

fn comparison(
    lowering: &mut Lowering<'_>,
    variable: Option<Variable>,
    operator: &Word,
    value: &Word,
) -> Option<Condition> {
    let (negated, caseless) = match operator.value.as_slice() {
        equals @ (b"=" | b"!=") => {
            let value = lowering.template(value);
            return Some(Condition::Equals { variable: variable?, value, negated: equals == b"!=" });
        }
        b"~" => (false, false),
        b"~*" => (false, true),
        b"!~" => (true, false),
        b"!~*" => (true, true),
        other => {
            let text = String::from_utf8_lossy(other).into_owned();
            let finding = Diagnostic::error(
                "invalid-condition",
                operator.span,
                format!("unexpected \"{text}\" in condition"),
            );
            lowering.report.push(match other {
                b"==" => finding.help("equality is a single `=`"),
                _ => finding.help("operators are `=`, `!=`, `~`, `~*`, `!~` and `!~*`"),
            });
            return None;
        }
    };
    let pattern = lowering.variables.pattern(&value.value, caseless, value, lowering.report);
    Some(Condition::Matches { variable: variable?, pattern, negated })
}
