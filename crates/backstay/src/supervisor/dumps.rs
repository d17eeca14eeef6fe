//! The files that signals make keepalived write: where they are, and how they are written.
//! `state_dump_file`, `stats_dump_file`, `json_dump_file`, `data_use_instance`.

use ha::message::Dump;
use keepalived_conf::model::Config;
use std::fs::{self, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Where a dump goes. A name without a directory is one of `$TMPDIR`, or else `/tmp`; a directory
/// holds the usual name. `suffix` tells processes apart: `_parent` is ours.
pub(super) fn path(config: &Config, kind: Dump, suffix: &str) -> PathBuf {
    let dumps = &config.global.dumps;
    let (written, usual) = match kind {
        Dump::Data | Dump::Reload { .. } => (&dumps.state, "keepalived.data"),
        Dump::Statistics | Dump::StatisticsAndClear => (&dumps.statistics, "keepalived.stats"),
        Dump::Json => (&dumps.json, "keepalived.json"),
    };
    let mut path = std::env::temp_dir().join(written.as_deref().unwrap_or(Path::new("")));
    let is_directory = written.as_ref().is_none_or(|path| path.to_string_lossy().ends_with('/'));
    if is_directory {
        path.push(usual);
    }
    let whose = match (&config.program.network_namespace, &config.program.instance) {
        _ if !dumps.with_instance => None,
        (Some(namespace), Some(instance)) => Some(format!("{namespace}_{instance}")),
        (one, other) => one.clone().or_else(|| other.clone()),
    };
    let mut name = path.file_stem().unwrap_or_default().to_os_string();
    name.push(suffix);
    if let Some(whose) = whose {
        name.push(".");
        name.push(whose);
    }
    if let Some(extension) = path.extension() {
        name.push(".");
        name.push(extension);
    }
    path.with_file_name(name)
}

/// What keepalived's log says when a signal asks for a dump; `vrrp` is the process that it is from.
pub(super) fn words(kind: Dump, vrrp: Option<u32>) -> Vec<String> {
    let printing = |what: &str, pid: u32| format!("Printing {what} for process({pid}) on signal");
    let of_vrrp = |what: &str| vrrp.map(|pid| printing(what, pid));
    match kind {
        Dump::Data => {
            of_vrrp("VRRP data").into_iter().chain([printing("parent data", std::process::id())]).collect()
        }
        Dump::Statistics => of_vrrp("VRRP stats").into_iter().collect(),
        Dump::StatisticsAndClear => of_vrrp("and clearing VRRP stats").into_iter().collect(),
        Dump::Json | Dump::Reload { .. } => Vec::new(),
    }
}

/// Puts a file in its place that only its owner may read. Whoever reads at this moment gets the old
/// one or the new one, whole; a link that somebody has put there is replaced, not followed.
pub(super) fn write(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut fresh = path.as_os_str().to_owned();
    fresh.push(format!(".{}", std::process::id()));
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
    file.write_all(bytes).and_then(|()| fs::rename(&fresh, path)).inspect_err(|_| {
        let _ = fs::remove_file(&fresh);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_the_configuration() {
        let mut config = Config::default();
        let names = |config: &Config| {
            let name = |kind, suffix| path(config, kind, suffix).to_string_lossy().into_owned();
            [name(Dump::Data, ""), name(Dump::Data, "_parent"), name(Dump::Statistics, "")]
        };
        let tmp = std::env::temp_dir();
        let usual = |name: &str| tmp.join(name).to_string_lossy().into_owned();
        let all = ["keepalived.data", "keepalived_parent.data", "keepalived.stats"];
        assert_eq!(names(&config), all.map(usual));
        config.global.dumps.with_instance = true;
        config.program.instance = Some("two".into());
        let all = ["keepalived.two.data", "keepalived_parent.two.data", "keepalived.two.stats"];
        assert_eq!(names(&config), all.map(usual));
        config.program.network_namespace = Some("blue".into());
        config.global.dumps.state = Some("/var/lib/k/".into());
        config.global.dumps.statistics = Some("counters".into());
        let all = ["/var/lib/k/keepalived.blue_two.data", "/var/lib/k/keepalived_parent.blue_two.data"];
        assert_eq!(names(&config)[..2], all);
        assert_eq!(names(&config)[2], usual("counters.blue_two"));
    }
}
