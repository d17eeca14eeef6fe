//! Tracked files, processes and BFD sessions: whether anything tracks them, and where files would be.

use super::System;
use crate::Loaded;
use crate::model::{Conditions, Tracked};
use diagnostic::{Diagnostic, Report};
use std::path::Path;

pub(super) fn check(loaded: &Loaded, system: &dyn System, report: &mut Report) {
    let config = &loaded.config;
    for file in &config.files {
        let folder = file.path.parent().filter(|folder| folder.is_absolute());
        if let Some(folder) = folder.filter(|folder| *folder != Path::new("/"))
            && system.file(folder).is_none()
        {
            let message =
                format!("the directory of track_file `{}` is not here: {}", file.name, folder.display());
            report.push(
                Diagnostic::warning("track-file-directory", None, message)
                    .help("create it: the original keepalived leaves the track_file out"),
            );
        }
    }
    let uses = |of_instance: fn(&crate::model::VrrpInstance) -> &Vec<Tracked>,
                of_group: fn(&Conditions) -> &Vec<Tracked>,
                name: &str| {
        let instances = config.instances.iter().flat_map(of_instance);
        let groups = config.sync_groups.iter().flat_map(|group| of_group(&group.track));
        instances.chain(groups).any(|tracked| tracked.name == name)
    };
    let mut unused = |kind: &str, list: &str, name: &str| {
        let message = format!("nothing tracks the {kind} `{name}`");
        report.push(
            Diagnostic::hint("object-unused", None, message)
                .help(format!("add `{list} {{ {name} }}` to an instance")),
        );
    };
    for process in &config.processes {
        if !uses(|i| &i.track_processes, |c| &c.processes, &process.name) {
            unused("vrrp_track_process", "track_process", &process.name);
        }
    }
    for file in &config.files {
        if !uses(|i| &i.track_files, |c| &c.files, &file.name) {
            unused("track_file", "track_file", &file.name);
        }
    }
    for session in config.bfd.iter().filter(|session| !session.for_checkers) {
        if !uses(|i| &i.track_bfd, |c| &c.bfd, &session.name) {
            unused("bfd_instance", "track_bfd", &session.name);
        }
    }
}
