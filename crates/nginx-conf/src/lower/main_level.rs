//! Directives outside every block, and `events`.

use super::{Lowering, logs, named};
use crate::check::Item;
use crate::model::{ErrorLog, Events, LogDestination, LogLevel, Main, WorkerProcesses};
use crate::registry::built_in_module;
use diagnostic::Diagnostic;

pub(super) fn main(lowering: &mut Lowering<'_>, items: &[Item<'_>]) -> Main {
    let mut main = Main {
        user: None,
        worker_processes: WorkerProcesses::Count(1),
        worker_rlimit_nofile: None,
        worker_shutdown_timeout: None,
        pid: lowering.absolute(lowering.environment.pid),
        daemon: true,
        error_logs: Vec::new(),
    };
    for item in items {
        let directive = item.directive;
        let args = &directive.args;
        match directive.name_text().as_ref() {
            "user" => {
                main.user =
                    Some((args[0].text().into_owned(), args.get(1).map(|word| word.text().into_owned())));
            }
            "worker_processes" => {
                if args[0].value == b"auto" {
                    main.worker_processes = WorkerProcesses::Auto;
                } else if let Some(count) = lowering.number(directive, 1..=1024) {
                    main.worker_processes = WorkerProcesses::Count(u32::try_from(count).unwrap_or(1024));
                }
            }
            "worker_rlimit_nofile" => main.worker_rlimit_nofile = lowering.number(directive, 0..=u64::MAX),
            "worker_shutdown_timeout" => main.worker_shutdown_timeout = lowering.time(directive),
            "pid" => main.pid = lowering.path(&args[0]),
            "daemon" => main.daemon = lowering.flag(directive),
            "error_log" => main.error_logs.extend(logs::error_log(lowering, directive)),
            "load_module" if !built_in_module(&args[0].text()) => {
                lowering.report.push(
                    Diagnostic::error(
                        "unsupported-module",
                        args[0].span,
                        format!("module \"{}\" is not built in and cannot be loaded", args[0].text()),
                    )
                    .help("nginx's own modules need no `load_module`; others are not supported"),
                );
            }
            _ => {}
        }
    }
    if main.error_logs.is_empty() {
        let path = lowering.absolute(lowering.environment.error_log);
        let log = logs::index(lowering, LogDestination::File(path));
        main.error_logs.push(ErrorLog { log, level: LogLevel::Error });
    }
    main
}

pub(super) fn events(lowering: &mut Lowering<'_>, items: &[Item<'_>]) -> Events {
    let mut events = Events { worker_connections: 512 };
    for item in named(items, "events").flat_map(|events| &events.items) {
        let directive = item.directive;
        match directive.name_text().as_ref() {
            "worker_connections" => {
                if let Some(count) = lowering.number(directive, 1..=u64::from(u32::MAX)) {
                    events.worker_connections = u32::try_from(count).unwrap_or(u32::MAX);
                }
            }
            "use" => {
                // Which call waits for events is ours to choose; the word must be one of Linux's.
                lowering.choice(directive, &[("epoll", ()), ("poll", ()), ("select", ())]);
            }
            _ => {}
        }
    }
    events
}
