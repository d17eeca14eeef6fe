//! Public keepalived.conf files: what we say about each of them, as reviewed in `corpus/*.txt`.
//! `UPDATE=1` rewrites those.
//!
//! The files lie in `$BACKSTAY_CORPUS`, or in `shared/corpus` beside the checkout or above it. The
//! machine is as the operator of each file would have it: what is named is there.

use diagnostic::{Diagnostic, Severity};
use keepalived_conf::check::{FileFacts, System, User, check};
use keepalived_conf::{Environment, Loaded, load};
use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// Files in which the original keepalived 2.2.7 itself finds a brace or quote too many or too few,
/// or a file that is not there.
const GRAMMAR_ERRORS: &[&str] = &[];

/// Files with at least one instance that can be elected; this number never falls.
const USABLE: usize = 33;

fn corpus() -> Option<PathBuf> {
    let given = std::env::var_os("BACKSTAY_CORPUS").map(PathBuf::from);
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|dir| dir.join("shared/corpus"));
    given.into_iter().chain(above).find(|dir| dir.join("keepalived").is_dir())
}

/// A machine on which everything is that a configuration names.
struct Complete(Vec<String>);

impl Complete {
    fn of(loaded: &Loaded) -> Self {
        let mut names = BTreeSet::new();
        for instance in &loaded.config.instances {
            names.insert(instance.interface.clone());
            names.extend(instance.track_interfaces.iter().map(|tracked| tracked.interface.clone()));
            let addresses = instance.addresses.iter().chain(&instance.excluded);
            names.extend(addresses.filter_map(|address| address.dev.clone()));
        }
        Self(names.into_iter().collect())
    }
}

impl System for Complete {
    fn interfaces(&self) -> Vec<String> {
        self.0.clone()
    }

    fn file(&self, _: &Path) -> Option<FileFacts> {
        Some(FileFacts { is_file: true, mode: 0o755, uid: 0, gid: 0, insecure: None })
    }

    fn head(&self, _: &Path, _: usize) -> Option<Vec<u8>> {
        None
    }

    fn program(&self, name: &str) -> Option<PathBuf> {
        Some(Path::new("/usr/bin").join(name))
    }

    fn user(&self, name: &str) -> Option<User> {
        // No package makes it.
        if name == "keepalived_script" {
            return None;
        }
        let id = if name == "root" { 0 } else { 1000 };
        Some(User { uid: id, gid: id })
    }

    fn group(&self, _: &str) -> Option<u32> {
        Some(0)
    }
}

/// The findings, one paragraph each, and the instances that can be elected.
fn findings(loaded: &Loaded) -> String {
    let checks = check(loaded, &Complete::of(loaded), None);
    let mut all: Vec<&Diagnostic> = loaded.report.findings().iter().chain(checks.findings()).collect();
    all.sort_by_key(|finding| finding.span.map(|span| (span.source, span.start)));
    let mut text = String::new();
    for finding in all {
        let severity = match finding.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Hint => "hint",
        };
        let place = finding.span.map_or("-".to_owned(), |span| {
            let at = loaded.sources.position(span);
            format!("{}:{}", at.line, at.column)
        });
        let _ = writeln!(text, "{place} {severity}[{}]: {}", finding.id, finding.message);
        for help in &finding.help {
            let _ = writeln!(text, "    {help}");
        }
    }
    let names: Vec<&str> = loaded.config.instances.iter().map(|instance| instance.name.as_str()).collect();
    let _ =
        writeln!(text, "instances: {}", if names.is_empty() { "none".to_owned() } else { names.join(", ") });
    text
}

#[test]
fn every_file_is_understood() {
    let Some(corpus) = corpus() else {
        println!("skipped: no corpus (set BACKSTAY_CORPUS)");
        return;
    };
    let mut files: Vec<PathBuf> = std::fs::read_dir(corpus.join("keepalived"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "conf"))
        .collect();
    files.sort();
    let environment = Environment { host_name: "director".to_owned(), ..Environment::default() };
    let reviewed = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let (mut usable, mut grammar, mut changed) = (0, Vec::new(), Vec::new());
    for path in &files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let loaded = load(path, &environment);
        assert!(loaded.readable, "{name}");
        if loaded.report.findings().iter().any(|finding| finding.id.starts_with("grammar-")) {
            grammar.push(name.clone());
        }
        usable += usize::from(!loaded.config.instances.is_empty());
        let text = findings(&loaded);
        let snapshot = reviewed.join(&name).with_extension("txt");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&snapshot, &text).unwrap();
        } else if std::fs::read_to_string(&snapshot).unwrap_or_default() != text {
            println!("{name} now:\n{text}");
            changed.push(name);
        }
    }
    println!("{} files, {usable} with an instance that can run", files.len());
    assert_eq!(grammar, GRAMMAR_ERRORS, "grammar errors where the original has none, or the reverse");
    assert!(usable >= USABLE, "{usable} usable files");
    assert!(changed.is_empty(), "findings changed: review with UPDATE=1: {changed:?}");
}
