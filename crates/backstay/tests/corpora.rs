//! What the fuzzers of `fuzz/` found worth keeping, once more, on the stable toolchain.

#[path = "../../../fuzz/src/lib.rs"]
#[allow(unreachable_pub, reason = "a crate of its own in fuzz/")]
mod fuzz;

use std::path::Path;

/// Reads every file of a target's corpus; there have to be some.
fn run(target: &str, read: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus").join(target);
    let entries: Vec<_> = std::fs::read_dir(&folder).expect("a corpus").flatten().collect();
    assert!(!entries.is_empty(), "{}", folder.display());
    for entry in entries {
        let bytes = std::fs::read(entry.path()).expect("a file");
        // Names the input in the output of a test that fails.
        println!("{}", entry.path().display());
        read(&bytes);
    }
}

#[test]
fn vrrp() {
    run("vrrp", fuzz::vrrp::read);
}

#[test]
fn bfd() {
    run("bfd", fuzz::bfd::read);
}

#[test]
fn handover() {
    run("handover", fuzz::handover::read);
}

#[test]
fn frames() {
    run("frames", fuzz::frames::read);
}

#[test]
fn keepalived_conf() {
    run("keepalived_conf", fuzz::keepalived_conf::read);
}

#[test]
fn http1() {
    run("http1", fuzz::http1::read);
}
