//! What the model makes of snippets, as if every word acted already.

mod addresses;
mod authentication;
mod global;
mod groups;
mod instance;
mod interfaces;
mod objects;
mod routes;

use crate::load::load_extent;
use crate::model::VrrpInstance;
use crate::registry::{self, Extent, Support};
use crate::{Environment, Loaded, Memory};
use diagnostic::{Colour, Diagnostic, render};
use std::path::Path;

/// Loads a file as if every word that is understood acted.
pub(crate) fn load(text: &str) -> Loaded {
    load_with(text, Memory::default())
}

/// The same beside other files.
pub(crate) fn load_with(text: &str, files: Memory) -> Loaded {
    let files = files.with("k.conf", text);
    load_extent(Path::new("k.conf"), &files, &Environment::default(), Extent::Understood)
}

/// An instance whose further words begin in line 4.
pub(crate) fn instance(more: &str) -> Loaded {
    load(&format!("vrrp_instance A {{\ninterface eth0\nvirtual_router_id 7\n{more}\n}}\n"))
}

/// The same with an address, further words beginning in line 5.
pub(crate) fn with_address(more: &str) -> Loaded {
    instance(&format!("virtual_ipaddress {{ 10.0.0.1/24 }}\n{more}"))
}

/// The only instance.
pub(crate) fn only(loaded: &Loaded) -> &VrrpInstance {
    assert_eq!(loaded.config.instances.len(), 1, "{}", shown(loaded));
    &loaded.config.instances[0]
}

/// `id@line` of every finding.
pub(crate) fn found(loaded: &Loaded) -> Vec<String> {
    let line = |f: &Diagnostic| f.span.map_or(0, |span| loaded.sources.position(span).line);
    loaded.report.findings().iter().map(|f| format!("{}@{}", f.id, line(f))).collect()
}

/// All findings as an operator sees them.
pub(crate) fn shown(loaded: &Loaded) -> String {
    loaded.report.findings().iter().map(|f| render(f, &loaded.sources, Colour::Never)).collect()
}

/// Asserts that a snippet of an instance is understood without a word.
pub(crate) fn sound(loaded: &Loaded) -> &VrrpInstance {
    assert_eq!(found(loaded), [""; 0], "{}", shown(loaded));
    only(loaded)
}

/// No word may act, or be called understood, that nothing reads.
#[test]
fn every_word_is_read_somewhere() {
    let mut text = String::new();
    let mut stack = vec![std::path::PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/src/understand"))];
    while let Some(path) = stack.pop() {
        if path.is_dir() && !path.ends_with("tests") {
            stack.extend(std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
        } else if path.is_file() {
            text += &std::fs::read_to_string(path).unwrap();
        }
    }
    let is_read = |name: &str| text.contains(&format!("\"{name}\""));
    // Words of several processes, and `vrrp_garp_…`, are read by what follows their first part.
    let parts = |name: &str| {
        let rest =
            ["vrrp_", "bfd_"].into_iter().filter_map(|first| name.strip_prefix(first).map(str::to_owned));
        std::iter::once(name.to_owned()).chain(rest).collect::<Vec<_>>()
    };
    let read = |name: &str| parts(name).iter().any(|part| is_read(part));
    let words = registry::keywords().chain(registry::options());
    let claimed = words.filter(|word| matches!(word.support, Support::Acts | Support::Understood));
    // `global_defs` itself, what the grammar obeys, and options whose lack of a match is their meaning.
    let elsewhere =
        ["global_defs", "include_check", "nop", "congctl", "max_ttl", "brd", "broadcast", "no_accept"];
    let unread: Vec<&str> =
        claimed.map(|word| word.name).filter(|name| !read(name) && !elsewhere.contains(name)).collect();
    assert_eq!(unread, [""; 0]);
}
