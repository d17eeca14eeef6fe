//! Public keepalived.conf files, with the original program's verdict beside ours.
//!
//! The files lie in `$BACKSTAY_CORPUS`, or in `shared/corpus` beside the checkout or above it.

use diagnostic::{Severity, Sources};
use keepalived_conf::{Environment, load};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Files in which the original keepalived 2.2.7 itself finds a brace or quote too many or too few,
/// or a file that is not there.
const GRAMMAR_ERRORS: &[&str] = &[];

/// Files with at least one instance that can be elected; this number never falls.
const USABLE: usize = 32;

fn corpus() -> Option<PathBuf> {
    let given = std::env::var_os("BACKSTAY_CORPUS").map(PathBuf::from);
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|dir| dir.join("shared/corpus"));
    given.into_iter().chain(above).find(|dir| dir.join("keepalived").is_dir())
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
    let (mut usable, mut grammar) = (0, Vec::new());
    for path in &files {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let loaded = load(path, &environment);
        assert!(loaded.readable, "{name}");
        let findings = loaded.report.findings();
        let mut by_id: BTreeMap<&str, usize> = BTreeMap::new();
        for finding in findings {
            *by_id.entry(finding.id).or_default() += 1;
            if finding.id.starts_with("grammar-") {
                grammar.push(name.clone());
            }
            if std::env::var_os("VERBOSE").is_some() && finding.severity > Severity::Hint {
                println!("  {} {}: {}", at(&loaded.sources, finding.span), finding.id, finding.message);
            }
        }
        let instances = loaded.config.instances.len();
        usable += usize::from(instances > 0);
        println!(
            "{name}: {} errors, {} warnings, {} hints, {instances} instances {by_id:?}",
            loaded.report.count(Severity::Error),
            loaded.report.count(Severity::Warning),
            loaded.report.count(Severity::Hint),
        );
    }
    println!("{} files, {usable} with an instance that can run", files.len());
    grammar.dedup();
    assert_eq!(grammar, GRAMMAR_ERRORS, "grammar errors where the original has none, or the reverse");
    assert!(usable >= USABLE, "{usable} usable files");
}

fn at(sources: &Sources, span: Option<diagnostic::Span>) -> String {
    span.map_or_else(|| "?".to_owned(), |span| format!("{}", sources.position(span).line))
}
