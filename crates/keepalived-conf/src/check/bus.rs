//! `enable_dbus`: whether there is a bus.

use super::System;
use crate::Loaded;
use diagnostic::{Diagnostic, Report};
use std::path::Path;

/// Where the system bus listens.
const SOCKET: &str = "/run/dbus/system_bus_socket";

pub(super) fn check(loaded: &Loaded, system: &dyn System, report: &mut Report) {
    if loaded.config.global.dbus.enabled && system.file(Path::new(SOCKET)).is_none() {
        let message = format!("`enable_dbus` is set, and there is no system bus here: {SOCKET}");
        report.push(
            Diagnostic::hint("no-system-bus", loaded.places.dbus, message)
                .help("install dbus; the bus is looked for again and again, and nothing else waits for it"),
        );
    }
}
