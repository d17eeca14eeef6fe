//! The rewrite module: `set`, `if`, `rewrite`, `return`, `break`.

use super::{Local, Means, Next, Step, redirect};
use crate::request::Request;
use crate::request::captures::Captures;
use crate::site::{Op, Test};
use http1::uri::{Escape, escape};
use nginx_conf::model::{FileTest, LogLevel, Part, Return, RewriteFlag, Template, Variable};
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

/// How a program ended.
pub(super) enum Flow {
    /// The next phase.
    On,
    /// The URI was changed: the location is searched again.
    Again,
    /// Something else.
    Stop(Next),
}

/// What a step does to the run of its program.
enum Ran {
    On,
    Break,
    Last,
    Stop(Next),
}

/// Runs the program of the location in force.
pub(super) fn run(request: &mut Request, means: &Means<'_>) -> Flow {
    let program = Rc::clone(&request.location().program);
    if program.is_empty() {
        return Flow::On;
    }
    let mut rewritten = false;
    match steps(&program, request, means, &mut rewritten) {
        Ran::Stop(next) => Flow::Stop(next),
        Ran::Break => Flow::On,
        Ran::Last => Flow::Again,
        Ran::On if rewritten => Flow::Again,
        Ran::On => Flow::On,
    }
}

fn steps(program: &[Op], request: &mut Request, means: &Means<'_>, rewritten: &mut bool) -> Ran {
    for op in program {
        let ran = match op {
            Op::Set { variable, value } => {
                let value = request.value(value, means.clock);
                request.set(*variable, value);
                Ran::On
            }
            Op::Break => Ran::Break,
            Op::Return(answer) => Ran::Stop(give(answer, request, means)),
            Op::If { test, then, location } => {
                if holds(test, request, means) {
                    if let Some(location) = location {
                        request.location = *location;
                    }
                    steps(then, request, means, rewritten)
                } else {
                    Ran::On
                }
            }
            Op::Rewrite { expression, names, replacement, args, keep_args, flag } => {
                match Captures::of(expression, names, &request.path) {
                    Some(captures) => {
                        request.matched(captures);
                        let target = Target { replacement, args: args.as_ref(), keep_args: *keep_args };
                        rewrite(request, means, &target, *flag, rewritten)
                    }
                    None => Ran::On,
                }
            }
        };
        if !matches!(ran, Ran::On) {
            return ran;
        }
    }
    Ran::On
}

struct Target<'a> {
    replacement: &'a Template,
    args: Option<&'a Template>,
    keep_args: bool,
}

fn rewrite(
    request: &mut Request,
    means: &Means<'_>,
    target: &Target<'_>,
    flag: RewriteFlag,
    rewritten: &mut bool,
) -> Ran {
    let mut args = match target.args {
        Some(args) => expand_args(request, means, args),
        None => Vec::new(),
    };
    if target.keep_args && !request.args.is_empty() {
        if !args.is_empty() {
            args.push(b'&');
        }
        args.extend_from_slice(&request.args);
    }
    let path = request.value(target.replacement, means.clock);
    if let RewriteFlag::Redirect(status) = flag {
        let whole_url = [&b"http://"[..], b"https://"].iter().any(|scheme| path.starts_with(scheme));
        let mut url = Vec::new();
        if whole_url {
            url.extend_from_slice(&path);
        } else {
            escape(&path, Escape::Path, &mut url);
        }
        if !args.is_empty() {
            url.push(b'?');
            url.extend_from_slice(&args);
        }
        let answer = redirect::to(request, status, &url, means);
        return Ran::Stop(Next::answer(answer));
    }
    if path.is_empty() {
        means.log(request, LogLevel::Error, "the rewritten URI has a zero length");
        return Ran::Stop(Next::Fail(500));
    }
    request.path = path;
    request.args = args;
    request.changed = true;
    request.rewritten = true;
    request.internal = true;
    *rewritten = true;
    match flag {
        RewriteFlag::Last => Ran::Last,
        RewriteFlag::Break => Ran::Break,
        RewriteFlag::Continue | RewriteFlag::Redirect(_) => Ran::On,
    }
}

/// Captures of a decoded path that go into arguments must not end them.
fn expand_args(request: &Request, means: &Means<'_>, template: &Template) -> Vec<u8> {
    let mut out = Vec::new();
    for part in &template.parts {
        match part {
            Part::Variable(Variable::Capture(n)) => {
                escape(request.captures.group(*n).unwrap_or(b""), Escape::Args, &mut out);
            }
            Part::Variable(variable) => {
                request.variable(variable, means.clock, &mut out);
            }
            Part::Literal(bytes) => out.extend_from_slice(bytes),
        }
    }
    out
}

fn give(answer: &Return, request: &mut Request, means: &Means<'_>) -> Next {
    match answer {
        Return::Status(444) => Next::Done(Step::Close),
        Return::Status(status) if *status >= 300 => Next::Fail(*status),
        Return::Status(status) => {
            let media = request.settings().default_type.clone();
            Next::answer(Local::text(request, *status, &media, Vec::new()))
        }
        Return::Text(status, text) => {
            let text = request.value(text, means.clock);
            let media = request.settings().default_type.clone();
            Next::answer(Local::text(request, *status, &media, text))
        }
        Return::Redirect(status, url) => {
            let url = request.value(url, means.clock);
            Next::answer(redirect::to(request, *status, &url, means))
        }
    }
}

fn holds(test: &Test, request: &mut Request, means: &Means<'_>) -> bool {
    let value = |variable: &Variable, request: &Request| {
        let mut out = Vec::new();
        request.variable(variable, means.clock, &mut out);
        out
    };
    match test {
        Test::True(variable) => {
            let value = value(variable, request);
            !value.is_empty() && value != b"0"
        }
        Test::Equals { variable, value: right, negated } => {
            (value(variable, request) == request.value(right, means.clock)) != *negated
        }
        Test::Matches { variable, expression, names, negated } => {
            let captures = Captures::of(expression, names, &value(variable, request));
            let matched = captures.is_some();
            if let Some(captures) = captures {
                request.matched(captures);
            }
            matched != *negated
        }
        Test::File { test, path, negated } => {
            let path = request.value(path, means.clock);
            let metadata = std::fs::metadata(std::ffi::OsStr::from_bytes(&path));
            let found = metadata.is_ok_and(|metadata| match test {
                FileTest::File => metadata.is_file(),
                FileTest::Directory => metadata.is_dir(),
                FileTest::Exists => true,
                FileTest::Executable => {
                    use std::os::unix::fs::PermissionsExt;
                    metadata.permissions().mode() & 0o111 != 0
                }
            });
            found != *negated
        }
    }
}
