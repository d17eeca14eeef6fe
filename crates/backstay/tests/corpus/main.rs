//! Public configuration files, each run on a machine of its own by our binary.
//!
//! The files lie in `$BACKSTAY_CORPUS`, or in `shared/corpus` beside the checkout or above it.

#[path = "../support/mod.rs"]
mod support;

mod keepalived;
mod nginx;

use std::path::{Path, PathBuf};
use std::sync::Mutex;

/// The files of one kind, sorted by name; says so when there are none.
fn files(kind: &str) -> Vec<PathBuf> {
    let given = std::env::var_os("BACKSTAY_CORPUS").map(PathBuf::from);
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().map(|dir| dir.join("shared/corpus"));
    let Some(corpus) = given.into_iter().chain(above).find(|dir| dir.join(kind).is_dir()) else {
        println!("skipped: no corpus; set BACKSTAY_CORPUS to its folder");
        return Vec::new();
    };
    let entries = std::fs::read_dir(corpus.join(kind)).expect("the corpus can be read");
    let mut files: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "conf"))
        .collect();
    files.sort();
    files
}

/// Judges each file, a few at a time: most of an election is waiting. Prints a line for each, and
/// returns how many passed.
fn judge(files: &[PathBuf], one: impl Fn(&Path) -> Result<String, String> + Sync) -> usize {
    const AT_ONCE: usize = 6;
    let waiting = Mutex::new(files.iter());
    let judged = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                loop {
                    let Some(path) = waiting.lock().expect("no panic").next() else { return };
                    let name = path.file_name().expect("a file").to_string_lossy().into_owned();
                    let verdict = one(path);
                    judged.lock().expect("no panic").push((name, verdict));
                }
            });
        }
    });
    let mut judged = judged.into_inner().expect("no panic");
    judged.sort();
    for (name, verdict) in &judged {
        match verdict {
            Ok(said) => println!("{name}: {said}"),
            Err(why) => println!("{name}: NOT: {why}"),
        }
    }
    judged.iter().filter(|(_, verdict)| verdict.is_ok()).count()
}

/// A word for the shell, whatever is in it.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
