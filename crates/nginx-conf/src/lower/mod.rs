//! The checked tree to the model: nginx's inheritance, defaults, and the rules between directives.

mod listen;
mod location;
mod logs;
mod main_level;
mod proxy_pass;
mod rewrite;
mod server;
mod server_name;
mod settings;
mod settings_proxy;
mod upstream;
pub(crate) mod values;
pub(crate) mod variables;

use crate::Environment;
use crate::check::Item;
use crate::model::{Config, Http, LogDestination, LogFormat, Template, Upstream};
use crate::syntax::{Directive, Word};
use diagnostic::{Diagnostic, Report, Span};
use settings::Level;
use std::path::{Path, PathBuf};
use std::time::Duration;
use variables::Variables;

/// Lowers a whole configuration. What could not be understood is reported and left out.
pub(crate) fn lower(
    items: &[Item<'_>],
    directives: &[Directive],
    environment: &Environment<'_>,
    report: &mut Report,
) -> Config {
    let mut lowering = Lowering {
        environment,
        report,
        variables: Variables::collect(items, directives),
        logs: Vec::new(),
        log_formats: Vec::new(),
        types: vec![settings::default_types()],
        upstreams: Vec::new(),
    };
    let main = main_level::main(&mut lowering, items);
    let events = main_level::events(&mut lowering, items);
    if !directives.iter().any(|directive| directive.name.value == b"events") {
        lowering.report.push(
            Diagnostic::error("missing-events", None, "no \"events\" section in configuration")
                .help("add `events { }` at the top level"),
        );
    }
    let http = named(items, "http").next().map(|http| {
        let mut level = Level::new(&mut lowering, &main, &http.items);
        logs::formats(&mut lowering, &http.items);
        upstream::groups(&mut lowering, &http.items);
        level = settings::level(&mut lowering, &http.items, &level, settings::Place::Http);
        let (servers, listeners) = server::servers(&mut lowering, &http.items, &level);
        Http {
            listeners,
            servers,
            upstreams: std::mem::take(&mut lowering.upstreams),
            log_formats: std::mem::take(&mut lowering.log_formats),
            types: std::mem::take(&mut lowering.types),
            user_variables: std::mem::take(&mut lowering.variables.user),
        }
    });
    Config { main, events, http, logs: lowering.logs }
}

/// What is shared while a configuration is lowered.
pub(crate) struct Lowering<'a> {
    environment: &'a Environment<'a>,
    report: &'a mut Report,
    variables: Variables,
    logs: Vec<LogDestination>,
    log_formats: Vec<LogFormat>,
    types: Vec<Vec<(String, String)>>,
    upstreams: Vec<Upstream>,
}

/// Directives of a name.
fn named<'i, 't>(items: &'i [Item<'t>], name: &'static str) -> impl Iterator<Item = &'i Item<'t>> {
    items.iter().filter(move |item| item.directive.name.value == name.as_bytes())
}

impl Lowering<'_> {
    fn error(&mut self, id: &'static str, span: Span, message: impl Into<String>) {
        self.report.push(Diagnostic::error(id, span, message));
    }

    /// A value that the directive does not take; `wanted` says what it takes.
    fn invalid(&mut self, directive: &Directive, word: &Word, wanted: &str) {
        let name = directive.name_text();
        self.report.push(
            Diagnostic::error("invalid-value", word.span, format!("\"{name}\" directive invalid value"))
                .label(format!("expected {wanted}")),
        );
    }

    /// A value that nginx takes and we do not.
    fn unsupported(&mut self, directive: &Directive, word: &Word) {
        let name = directive.name_text();
        self.error(
            "unsupported-value",
            word.span,
            format!("\"{}\" in \"{name}\" directive is not supported yet", word.text()),
        );
    }

    fn template(&mut self, word: &Word) -> Template {
        self.variables.template(word, self.report)
    }

    /// A path made absolute: it starts at the prefix.
    fn path(&self, word: &Word) -> PathBuf {
        use std::os::unix::ffi::OsStrExt;
        self.absolute(Path::new(std::ffi::OsStr::from_bytes(&word.value)))
    }

    fn absolute(&self, path: &Path) -> PathBuf {
        self.environment.prefix.join(path)
    }

    /// The first word as a flag; the check has seen to its spelling.
    fn flag(&self, directive: &Directive) -> bool {
        directive.args.first().is_some_and(|word| word.value.eq_ignore_ascii_case(b"on"))
    }

    /// The first word as a size in bytes.
    fn size(&mut self, directive: &Directive) -> Option<u64> {
        let word = directive.args.first()?;
        let size = values::size(&word.value);
        if size.is_none() {
            self.invalid(directive, word, "a size such as `8k`, `10m` or a number of bytes");
        }
        size
    }

    /// The first word as a size that fits memory.
    fn bytes(&mut self, directive: &Directive) -> Option<usize> {
        self.size(directive).and_then(|size| usize::try_from(size).ok())
    }

    /// The first word as a time.
    fn time(&mut self, directive: &Directive) -> Option<Duration> {
        self.time_of(directive, directive.args.first()?)
    }

    fn time_of(&mut self, directive: &Directive, word: &Word) -> Option<Duration> {
        let time = values::time(&word.value);
        if time.is_none() {
            self.invalid(directive, word, "a time such as `60`, `500ms` or `1h30m`");
        }
        time
    }

    /// The first word as a number in a range.
    fn number(&mut self, directive: &Directive, range: std::ops::RangeInclusive<u64>) -> Option<u64> {
        let word = directive.args.first()?;
        let number = values::number(&word.value).filter(|number| range.contains(number));
        if number.is_none() {
            let wanted = match *range.end() {
                u64::MAX => format!("a number from {}", range.start()),
                most => format!("a number from {} to {most}", range.start()),
            };
            self.invalid(directive, word, &wanted);
        }
        number
    }

    fn count(&mut self, directive: &Directive) -> Option<u32> {
        let number = self.number(directive, 0..=u64::from(u32::MAX))?;
        u32::try_from(number).ok()
    }

    /// The first word as one of a few; `None` with a finding otherwise.
    fn choice<T: Copy>(&mut self, directive: &Directive, choices: &[(&str, T)]) -> Option<T> {
        let word = directive.args.first()?;
        self.choice_of(directive, word, choices)
    }

    fn choice_of<T: Copy>(&mut self, directive: &Directive, word: &Word, choices: &[(&str, T)]) -> Option<T> {
        let text = word.text();
        if let Some((_, choice)) = choices.iter().find(|(name, _)| *name == text) {
            return Some(*choice);
        }
        let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
        let what = match directive.name.value.as_slice() {
            b"error_log" => "log level",
            b"use" => "event type",
            b"rewrite" => "parameter",
            _ => "value",
        };
        let finding = Diagnostic::error("invalid-value", word.span, format!("invalid {what} \"{text}\""))
            .label(format!("expected one of {}", names.join(", ")))
            .suggest(&text, names.iter().copied());
        self.report.push(finding);
        None
    }
}
