//! Real public files, located by `BACKSTAY_CORPUS` or in `shared/corpus` beside the checkout.

use diagnostic::{Severity, Sources};
use nginx_conf::{Environment, Files, Loaded, Resolver, load};
use std::collections::BTreeMap;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// How many files load without an error; raised as more is supported, never lowered.
const MUST_LOAD: usize = 10;

/// Ids of findings that say something about the file, not about what is supported.
const MISTAKES: &[&str] = &[
    "unknown-directive",
    "wrong-context",
    "wrong-arity",
    "duplicate-directive",
    "duplicate-location",
    "duplicate-default-server",
    "duplicate-listen",
    "invalid-value",
    "unknown-variable",
    "missing-events",
];

/// What the original accepted only because something was put in first: placeholders of a packager,
/// variables that the file around a fragment makes.
const FILLED_IN: &[(&str, &str)] = &[
    ("005", "__PORT__"),
    ("023", "@UPLOAD_MAX_SIZE@"),
    ("065", "\"identity\""),
    ("071", "\"connection_upgrade\""),
    ("137", "\"MAGE_ROOT\""),
    ("137", "\"MAGE_MODE\""),
];

fn corpus() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpus");
    let folder = std::env::var_os("BACKSTAY_CORPUS").map_or(beside, PathBuf::from);
    folder.join("index.tsv").is_file().then_some(folder)
}

/// One file under a wrapper; every file that it includes is there and empty.
struct Wrapped {
    text: Vec<u8>,
}

impl Files for Wrapped {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        Ok(if path == Path::new("/etc/nginx/nginx.conf") { self.text.clone() } else { Vec::new() })
    }

    fn glob(&self, _: &str) -> io::Result<Vec<PathBuf>> {
        Ok(Vec::new())
    }
}

/// Every name is known: the files speak of hosts that are not here.
struct Everywhere;

impl Resolver for Everywhere {
    fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
        Ok(vec![IpAddr::from([192, 0, 2, 1])])
    }
}

const WRAPPERS: [(&str, &str); 7] = [
    ("", ""),
    ("events { }\n", ""),
    ("events { }\nhttp {\n", "\n}\n"),
    ("events { }\nhttp { server {\n", "\n} }\n"),
    ("events { }\nhttp { server { location / {\n", "\n} } }\n"),
    ("events { }\nstream {\n", "\n}\n"),
    ("events { }\nmail {\n", "\n}\n"),
];

fn load_wrapped(bytes: &[u8], (before, after): (&str, &str)) -> Loaded {
    let text = [before.as_bytes(), bytes, after.as_bytes()].concat();
    let files = Wrapped { text };
    let environment = Environment { files: &files, resolver: &Everywhere, ..Environment::system(true) };
    load(Path::new("/etc/nginx/nginx.conf"), &environment)
}

/// The load in the context that the file was written for: the one with the fewest misplaced words.
fn load_best(bytes: &[u8]) -> Loaded {
    WRAPPERS
        .into_iter()
        .map(|wrapper| load_wrapped(bytes, wrapper))
        .min_by_key(|loaded| {
            let misplaced = ["wrong-context", "missing-events"];
            let findings = loaded.report.findings();
            findings.iter().filter(|finding| misplaced.contains(&finding.id)).count()
        })
        .unwrap()
}

fn place(sources: &Sources, finding: &diagnostic::Diagnostic) -> String {
    finding.span.map_or_else(String::new, |span| {
        let at = sources.position(span);
        format!("{}:{}", at.line, at.column)
    })
}

#[test]
fn real_files_are_understood() {
    let Some(folder) = corpus() else {
        println!("skipped: no corpus; set BACKSTAY_CORPUS to its folder");
        return;
    };
    let index = std::fs::read_to_string(folder.join("index.tsv")).unwrap();
    let mut loaded_files = Vec::new();
    let mut ids: BTreeMap<String, usize> = BTreeMap::new();
    let mut total = 0;
    let mut wrong = Vec::new();
    for line in index.lines().skip(1) {
        let columns: Vec<&str> = line.split('\t').collect();
        let (file, kind, verdict) = (columns[0], columns[1], columns[5]);
        if kind != "nginx" {
            continue;
        }
        total += 1;
        let bytes = std::fs::read(folder.join(format!("nginx/{file}.conf"))).unwrap();
        let loaded = load_best(&bytes);
        let errors: Vec<_> =
            loaded.report.findings().iter().filter(|finding| finding.severity == Severity::Error).collect();
        if errors.is_empty() {
            assert!(loaded.config.is_some());
            loaded_files.push(file.to_owned());
        }
        for error in errors {
            let what = match error.id {
                "unsupported-directive"
                | "unknown-directive"
                | "unsupported-variable"
                | "unsupported-value" => {
                    format!("{} {}", error.id, error.message)
                }
                id => id.to_owned(),
            };
            *ids.entry(what).or_default() += 1;
            let grammar = error.id.starts_with("grammar-") || MISTAKES.contains(&error.id);
            let foreign = error.id == "unknown-directive" && !error.help.is_empty();
            let filled_in = FILLED_IN.iter().any(|(of, text)| *of == file && error.message.contains(text));
            if grammar && !foreign && !filled_in && verdict != "rejected" {
                wrong.push(format!("{file} ({verdict}) {} {}", place(&loaded.sources, error), error.message));
            }
        }
    }
    for (id, count) in &ids {
        println!("{count:4} {id}");
    }
    println!(
        "{} of {total} nginx files load without an error: {}",
        loaded_files.len(),
        loaded_files.join(" ")
    );
    assert!(wrong.is_empty(), "nginx takes these:\n{}", wrong.join("\n"));
    assert!(loaded_files.len() >= MUST_LOAD, "{} of {total}", loaded_files.len());
}
